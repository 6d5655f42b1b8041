"""What a kind of data says of itself: how it is recognised, read, laid out as sequences, written for people, and scored."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from seqgan_cli.config import registry
from seqgan_cli.config.paths import names_in
from seqgan_cli.config.schema import specs_of
from seqgan_cli.data.documents import Documents
from seqgan_cli.data.text.lines import lines_of
from seqgan_cli.data.text.records import FORMATS, suffix_of
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.errors import SeqganError
from seqgan_cli.lazy import np

if TYPE_CHECKING:
    from seqgan_cli.config.settings import Settings
    from seqgan_cli.data.corpus import Layout
    from seqgan_cli.evaluation.metrics.likelihood import Estimate

Report = Callable[[int, int], None]


def no_report(done: int, total: int) -> None:
    """Tells nobody."""


@dataclass(frozen=True)
class Detokenizer:
    """How sequences are written. Each function takes ids int `[T]`.

    line: on one line, for people; page: as it is printed, without its last newline; raw: on one line, token by token; numbers:
    what programs read, the tokens where they are numbers, else their ids; spaced: whether raw has spaces between tokens.
    `Kind.sentences_of` reads the same tokens of line and raw. Of sequences with sources these write the targets, and source the
    sources.
    """

    line: Callable[[np.ndarray], str]
    page: Callable[[np.ndarray], str]
    raw: Callable[[np.ndarray], str]
    numbers: Callable[[np.ndarray], list[int | str]]
    spaced: bool = True
    source: Callable[[np.ndarray], str] | None = None

    def with_source(self, ids: np.ndarray, text: str) -> str:
        """What one of these writes of ids, after its source and a tab if it has one: as data and scorers have it."""
        return text if self.source is None else f"{self.source(ids)}\t{text}"


def numbers_of_target(vocabulary: Vocabulary, ids: np.ndarray) -> list[int | str]:
    """The ids of a sequence int `[T]` that people read, as programs read them."""
    found: list[int | str] = vocabulary.target(ids)[: vocabulary.length(ids)].tolist()
    return found


class Kind(registry.Component, abc.ABC):
    """A kind of data. Only `read` and `layout` are a must; what else is here goes for lines of tokens.

    A section of its settings is declared with `@section("data", "pretrain-g", fixed_by="corpus")`.
    """

    sources: ClassVar[tuple[str, ...]] = ()  # data that come with the program or with a package, by name
    suffixes: ClassVar[tuple[str, ...]] = ()  # of its files, lower case; what has none is told by its lines
    defaults: ClassVar[Mapping[str, Any]] = {}  # of other settings, by their names
    uses: ClassVar[frozenset[str]] = frozenset()  # those of the shared settings that only some kinds have a use for
    tokenizes: ClassVar[bool] = False  # whether what a token is may be chosen
    has_sources: ClassVar[bool] = False  # whether a sequence is a source, which is given, and a target, which is drawn
    has_labels: ClassVar[bool] = False  # whether the source is a label
    # Its own settings that say where in the files, or in which, the data are: who gives one asks for such data.
    places: ClassVar[frozenset[str]] = frozenset()
    writing: ClassVar[tuple[str, ...]] = ()  # its own settings that say how a sequence is written
    counts: ClassVar[str] = "byte"  # what `read` reports the numbers of
    several: ClassVar[bool] = False  # whether `read` takes a source that names several files (`data.inputs.named.files_of`)
    synthetic: ClassVar[bool] = False  # whether the sequences are drawn from an oracle, and nothing is read
    quality: ClassVar[tuple[str, ...]] = ("bleu_3", "bleu_4")  # scores the paper reports of such data; tests compare the first
    extra_scores: ClassVar[tuple[str, ...]] = ("bleu_2", "bleu_5")  # scores that others report of such data, for the eye
    experiment: ClassVar[str] = ""  # what its experiment trains on, in words; none without
    distance_notes: ClassVar[tuple[str, ...]] = ()  # lines that say what `distances` and `set_distances` are

    @classmethod
    def is_of(cls, lines: list[str]) -> bool:
        """Whether the first lines of a file, of which none is blank, are such data."""
        return False

    @classmethod
    def is_file_of(cls, path: Path, column: str = "") -> bool:
        """Whether a file with one of the suffixes is such data, if that column of it is read."""
        return True

    @classmethod
    @abc.abstractmethod
    def read(
        cls, source: str, settings: Settings, report: Report = no_report, keep_blank: bool = False
    ) -> Documents:
        """The documents of a file, folder or built-in name. Raises SeqganError.

        `report`: called with what is done and all there is, where reading is long; `keep_blank`: blank lines are documents
        without tokens.
        """

    @classmethod
    def parts(
        cls, source: str, settings: Settings, most: int, documents: int, passed: Callable[[int], object]
    ) -> Iterator[Documents] | None:
        """The same in parts of `most` tokens, or a document more, and at most so many `documents`; `passed` is called with the
        bytes of each line. None of what is read whole or not at all."""
        return None

    @classmethod
    @abc.abstractmethod
    def layout(cls, documents: Documents, settings: Settings) -> Layout:
        """How documents become sequences."""

    @classmethod
    def vocabulary_size(cls, settings: Settings) -> int | None:
        """V where tokens are numbers without special ones among them, else None."""
        return None

    @classmethod
    def detokenizer(cls, settings: Settings, vocabulary: Vocabulary) -> Detokenizer:
        """How sequences are written: here, tokens with spaces."""

        def written(ids: np.ndarray) -> str:
            return " ".join(vocabulary.decode(ids))

        return Detokenizer(written, written, written, lambda ids: numbers_of_target(vocabulary, ids))

    @classmethod
    def prompt(cls, text: str, settings: Settings) -> list[str]:
        """The tokens of a text that a sequence is to begin with: here, what spaces part. Raises SeqganError."""
        return text.split()

    @classmethod
    def target(cls, text: str, settings: Settings) -> list[str]:
        """The tokens of a text as `Detokenizer.line` writes it. Raises SeqganError."""
        return cls.prompt(text, settings)

    @classmethod
    def sequence(cls, text: str, settings: Settings) -> list[str]:
        """The tokens of a text that is a whole sequence, as a line of the data. Raises SeqganError."""
        return cls.prompt(text, settings)

    @classmethod
    def read_sentences(cls, source: str, settings: Settings, keep_blank: bool) -> Documents:
        """What `read` makes of samples and references, if it is to be something else of them."""
        path = Path(source).absolute()  # a file may have a built-in name
        return cls.read(str(path), settings, keep_blank=keep_blank)

    @classmethod
    def sentences_of(cls, path: Path, settings: Settings, samples: bool = False) -> Documents:
        """Samples or references from a file, to be scored: every one of them, whatever its length. Raises SeqganError.

        A blank line is no reference, and of samples one without tokens.
        """
        suffixes = {suffix for kind in registry.kinds.known() for suffix in kind.suffixes}
        if path.is_file() and path.suffix.lower() not in suffixes and suffix_of(path) not in FORMATS:
            first = next((line for _, line in lines_of(path)), "")
            if first.startswith('{"text": ') and first.endswith("}"):
                raise SeqganError(f"{path} is of --format jsonl: `sample --format raw` writes what is read here.")
        documents = cls.read_sentences(str(path), settings, samples)
        if blank := int((documents.lengths == 0).sum()):
            note = f"{blank} of {len(documents)} lines are blank, each a sample without tokens"
            documents = dataclasses.replace(documents, notes=(*documents.notes, f"{note}."))
        return documents

    @classmethod
    def distances(cls, samples: np.ndarray, references: np.ndarray) -> dict[str, np.ndarray]:
        """Scores of each sample beside BLEU, float `[n]` by name, of ids int `[n, T]` and `[m, T]`."""
        return {}

    @classmethod
    def set_distances(cls, samples: np.ndarray, references: np.ndarray) -> dict[str, Estimate]:
        """Scores of all samples together."""
        return {}

    @classmethod
    def pitch_step(cls, settings: Settings) -> float | None:
        """Seconds from one token to the next of what can be drawn and heard, since its ids are pitches; else None."""
        return None

    @classmethod
    def write_midi(cls, pitches: np.ndarray, settings: Settings, path: Path) -> None:
        """Write a sequence as MIDI, of what has a `pitch_step`."""
        raise SeqganError(f"Data of kind {cls.name} are not written as MIDI.")

    @classmethod
    def settled(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """What data that are drawn say themselves, by name, for those settings that are asked for. Raises SeqganError, and
        UsageError for what is asked for otherwise."""
        return {}

    @classmethod
    def misplaced(cls, settings: Settings, given: set[str]) -> Iterable[tuple[bool, str]]:
        """As `conflicts`, where the data are of another kind. `given`: settings that were asked for and are not the default."""
        own = [] if cls.Section is None or settings.data.synthetic else [spec.name for spec in specs_of(cls.Section)]
        for name in own:
            option = name.partition(".")[2]
            yield name in given, f"--{option} is of no use to data of kind {settings.data.kind}: leave it out."

    @classmethod
    def conflicts(cls, settings: Settings) -> Iterable[tuple[bool, str]]:
        data, usual = settings.data, cls.defaults.get("data.tokenizer", "whitespace")
        yield (
            not cls.tokenizes and data.tokenizer != usual,
            f"--tokenizer {data.tokenizer} does not go with --kind {data.kind}: leave it out.",
        )
        of_source = registry.kinds.of_source(data.source)
        for option, source in (("data", data.source), ("test", data.test)):
            yield (
                not cls.several and len(names_in(source)) > 1,
                f"--{option}: data of kind {data.kind} are read from one file or folder.",
            )
        yield (
            of_source is not None and of_source is not cls and not data.synthetic,
            f"--data {data.source} is of kind {of_source and of_source.name}: leave --kind out.",
        )
        yield (
            not data.synthetic and settings.adversarial.monitor == "nll_oracle",
            "adversarial.monitor is nll_oracle, which only synthetic data have: use nll_validation.",
        )
