"""Text: a file with one sequence a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from seqgan_cli.config.settings import Settings
from seqgan_cli.data.corpus import Layout
from seqgan_cli.data.documents import Documents
from seqgan_cli.data.kinds.base import Detokenizer, Kind, Report, no_report
from seqgan_cli.data.text.lines import TOKENIZERS, line_parts, read_lines, text_layout
from seqgan_cli.data.text.markers import Markers
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.lazy import np

LINES = frozenset(f"data.{name}" for name in ("lowercase", "markers", "max-length", "overlong", "min-count", "max-vocab"))


class Text(Kind):
    """Lines of tokens; whatever no other kind recognises is read so."""

    name = "text"
    meaning = "lines of tokens"
    rank = 0
    uses = LINES
    tokenizes = True
    experiment = "lines of text"
    unit = "line"

    @classmethod
    def read(cls, source: str, settings: Settings, report: Report = no_report, keep_blank: bool = False) -> Documents:
        return cls.read_file(Path(source), settings, keep_blank=keep_blank)

    @classmethod
    def read_file(cls, path: Path, settings: Settings, spaces: bool = False, keep_blank: bool = False) -> Documents:
        """The lines of a file. `spaces`: see `lines_of`."""
        data = settings.data
        return cls.checked(read_lines(path, data.tokenizer, data.lowercase, data.markers, spaces, keep_blank))

    @classmethod
    def checked(cls, documents: Documents) -> Documents:
        """The documents, if their tokens are such as these data have. Raises SeqganError."""
        return documents

    @classmethod
    def parts(
        cls, source: str, settings: Settings, most: int, documents: int, passed: Callable[[int], object]
    ) -> Iterator[Documents] | None:
        if source in cls.sources:
            return None
        data = settings.data
        read = line_parts(Path(source), data.tokenizer, data.lowercase, most, documents, passed, data.markers)
        return map(cls.checked, read)

    @classmethod
    def layout(cls, documents: Documents, settings: Settings) -> Layout:
        return text_layout(documents, settings.data, cls.unit)

    @classmethod
    def read_sentences(cls, source: str, settings: Settings, keep_blank: bool) -> Documents:
        """Among single characters the space at the ends of a line counts, as it does in samples."""
        if settings.data.tokenizer == "chars":
            return cls.read_file(Path(source), settings, spaces=True, keep_blank=keep_blank)
        return super().read_sentences(source, settings, keep_blank)

    @classmethod
    def prompt(cls, text: str, settings: Settings) -> list[str]:
        """As a line of data is read, but for the space at the end, which counts among single characters."""
        data = settings.data
        line = Markers(data.markers).without(text.lower() if data.lowercase else text)
        return list(TOKENIZERS[data.tokenizer].split(line))

    @classmethod
    def detokenizer(cls, settings: Settings, vocabulary: Vocabulary) -> Detokenizer:
        tokenizer = settings.data.tokenizer if vocabulary.has_special_tokens else "whitespace"
        by_character = tokenizer == "chars"
        join, raw = TOKENIZERS[tokenizer].join, _characters if by_character else TOKENIZERS["whitespace"].join

        def line(ids: np.ndarray) -> str:
            return join(vocabulary.decode(ids))

        return Detokenizer(
            line,
            line,
            lambda ids: raw(vocabulary.decode(ids)),
            lambda ids: ids[: vocabulary.length(ids)].tolist(),
            spaced=not by_character,
        )


def _characters(tokens: list[str]) -> str:
    """Characters on a line, with a replacement character for one that is unknown, whose name would be read as several."""
    return "".join(token if len(token) == 1 else "\N{REPLACEMENT CHARACTER}" for token in tokens)
