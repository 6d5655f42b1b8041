"""A report: one HTML page that needs nothing else."""

import base64
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seqgan_cli import __version__, files


@dataclass
class Table:
    """Columns, rows and what they are; `numbers`: all but the first column stand to the right."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    numbers: bool = True


@dataclass
class Section:
    """A heading, paragraphs, figures as data URIs with their text, and tables; folded away if it is long."""

    title: str
    sentences: Sequence[str] = ()
    figures: list[tuple[str, str]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    folded: bool = False


@dataclass
class Page:
    """What a report says: also for the terminal, which shows the findings alone."""

    title: str
    findings: Sequence[str]
    sections: Sequence[Section]

    def html(self) -> str:
        """The page, every text in it escaped."""
        import jinja2

        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
        )
        return environment.get_template("report.html").render(page=self, version=__version__)


def data_uri(svg: Path) -> str:
    """An SVG as a data URI: as an image it runs no scripts, and its names collide with nobody's."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.read_bytes()).decode()}"


def figure(alternative: str, draw: Callable[[Path], None]) -> tuple[str, str]:
    """What `draw` writes as SVG, and the words for who cannot see it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figure.svg"
        draw(path)
        return data_uri(path), alternative


def write(page: Page, path: Path) -> None:
    """Raises OSError."""
    files.write(path, page.html().encode(errors="replace"))
