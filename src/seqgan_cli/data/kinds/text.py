"""Text: a file with one sequence a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from seqgan_cli.config import registry
from seqgan_cli.config.settings import Settings
from seqgan_cli.data.corpus import Layout
from seqgan_cli.data.documents import Documents
from seqgan_cli.data.kinds.base import Detokenizer, Kind, Report, no_report, numbers_of_target
from seqgan_cli.data.text.layout import text_layout
from seqgan_cli.data.text.markers import Markers
from seqgan_cli.data.text.records import WITH_COLUMNS, suffix_of
from seqgan_cli.data.text.tokens import line_parts, normalized, read_lines
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.lazy import np

_LINES = ("column", "lowercase", "normalize", "markers", "max-length", "overlong", "min-count", "max-vocab")
LINES = frozenset(f"data.{name}" for name in _LINES)


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
        # The column is of the data: other files, as samples, may hold lines.
        column = data.column if str(path) == data.source or suffix_of(path) in WITH_COLUMNS else ""
        how = (data.markers, spaces, keep_blank, column, data.normalize)
        return cls.checked(read_lines(path, settings.tokenizer, data.lowercase, *how))

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
        read = line_parts(
            Path(source),
            settings.tokenizer,
            data.lowercase,
            most,
            documents,
            passed,
            markers=data.markers,
            column=data.column,
            normalize=data.normalize,
        )
        return map(cls.checked, read)

    @classmethod
    def layout(cls, documents: Documents, settings: Settings) -> Layout:
        return text_layout(documents, settings.data, cls.unit, settings.tokenizer)

    @classmethod
    def read_sentences(cls, source: str, settings: Settings, keep_blank: bool) -> Documents:
        """Where spaces part no tokens, those at the ends of a line count, as they do in samples."""
        if not settings.tokenizer.spaced:
            return cls.read_file(Path(source), settings, spaces=True, keep_blank=keep_blank)
        return super().read_sentences(source, settings, keep_blank)

    @classmethod
    def prompt(cls, text: str, settings: Settings) -> list[str]:
        """As a line of data is read, but for the space at the end, which counts where spaces part no tokens."""
        data = settings.data
        line = Markers(data.markers).without(normalized(text, data.normalize))
        return list(settings.tokenizer.split(line.lower() if data.lowercase else line))

    @classmethod
    def detokenizer(cls, settings: Settings, vocabulary: Vocabulary) -> Detokenizer:
        tokenizer = settings.tokenizer if vocabulary.has_special_tokens else registry.tokenizers.made("whitespace")

        def line(ids: np.ndarray) -> str:
            return str(tokenizer.join(vocabulary.decode(ids)))

        def raw(ids: np.ndarray) -> str:
            tokens = vocabulary.decode(ids)
            if tokenizer.spaced:
                return " ".join(tokens)
            # An unknown one is a replacement character: its name would be read as several.
            return str(tokenizer.join([tokenizer.unknown if token == unknown else token for token in tokens]))

        def source(ids: np.ndarray) -> str:
            return str(tokenizer.join(vocabulary.source(ids)))

        unknown = vocabulary.unknown if vocabulary.has_special_tokens else ""
        numbers = lambda ids: numbers_of_target(vocabulary, ids)  # noqa: E731
        of_source = source if vocabulary.separator is not None else None
        return Detokenizer(line, line, raw, numbers, spaced=tokenizer.spaced, source=of_source)
