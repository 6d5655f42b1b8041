"""Text: files with one sequence a line, or a paragraph, a sentence, a window of tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from seqgan_cli.config import registry
from seqgan_cli.config.paths import names_in
from seqgan_cli.config.settings import Settings
from seqgan_cli.data.corpus import Layout
from seqgan_cli.data.documents import Documents
from seqgan_cli.data.inputs.arrays import SUFFIXES as ARRAYS
from seqgan_cli.data.inputs.named import counting, files_of
from seqgan_cli.data.inputs.options import LINE, WINDOW, TextOptions
from seqgan_cli.data.kinds.base import Detokenizer, Kind, Report, no_report, numbers_of_target
from seqgan_cli.data.text.layout import text_layout, window_layout
from seqgan_cli.data.text.markers import Markers
from seqgan_cli.data.text.records import WITH_COLUMNS, suffix_of
from seqgan_cli.data.text.tokens import normalized, read_texts, refuse_mixed, text_parts
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.lazy import np

_LINES = ("column", "unit", "pad-id", "lowercase", "normalize", "markers", "max-length", "overlong", "min-count", "max-vocab")
LINES = frozenset(f"data.{name}" for name in _LINES)


class Text(Kind):
    """Lines of tokens; whatever no other kind recognises is read so."""

    name = "text"
    meaning = "lines of tokens"
    rank = 0
    uses = LINES
    tokenizes = True
    several = True
    experiment = "lines of text"
    unit = "line"

    @classmethod
    def read(cls, source: str, settings: Settings, report: Report = no_report, keep_blank: bool = False) -> Documents:
        return cls.read_files(source, settings, report, keep_blank=keep_blank)

    @classmethod
    def read_files(cls, source: str, settings: Settings, report: Report = no_report, **others: Any) -> Documents:
        """The documents of files; `others`: options of `TextOptions` that are not the settings'."""
        files = files_of(source)
        options = cls._options(source, files, settings, **others)
        return cls.checked(read_texts(files, options, counting(files, report), source))

    @classmethod
    def _options(cls, source: str, files: Sequence[Path], settings: Settings, **others: Any) -> TextOptions:
        """Column, unit and filler are those of the data: other files, as samples, hold lines."""
        data = settings.data
        refuse_mixed(files)
        if source not in (data.source, data.test):
            others["unit"] = LINE
            others["column"] = data.column if suffix_of(files[0]) in WITH_COLUMNS else ""
        elif source != data.source and suffix_of(files[0]) not in WITH_COLUMNS:
            others["column"] = ""
        return TextOptions.of(data, settings.tokenizer, **others)

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
        files = files_of(source)
        options = cls._options(source, files, settings)
        return map(cls.checked, text_parts(files, options, most, documents, passed, source))

    @classmethod
    def layout(cls, documents: Documents, settings: Settings) -> Layout:
        data = settings.data
        if data.unit == WINDOW:
            return window_layout(data)
        return text_layout(documents, data, cls.unit if data.unit == LINE else data.unit, settings.tokenizer)

    @classmethod
    def read_sentences(cls, source: str, settings: Settings, keep_blank: bool) -> Documents:
        """Where spaces part no tokens, those at the ends of a line count, as they do in samples."""
        if not settings.tokenizer.spaced:
            return cls.read_files(source, settings, spaces=True, keep_blank=keep_blank)
        return super().read_sentences(source, settings, keep_blank)

    @classmethod
    def conflicts(cls, settings: Settings) -> Iterable[tuple[bool, str]]:
        data = settings.data
        yield (
            data.unit == WINDOW and data.overlong != cls.defaults.get("data.overlong", "drop"),
            f"--overlong {data.overlong} is of no use with --unit window, whose sequences have --max-length tokens each: leave "
            "it out.",
        )
        yield (
            data.unit != LINE and data.source in cls.sources,
            f"--unit {data.unit} is of files, and --data {data.source} has its own: leave it out.",
        )
        yield (
            data.unit == WINDOW and any(each.trains for each in registry.tokenizers.named_by(data.tokenizer)),
            f"--unit window counts tokens, which --tokenizer {data.tokenizer} makes only of what is read: choose another.",
        )
        files = [path for path in map(Path, names_in(data.source)) if path.suffix and not path.is_dir()]
        yield (
            data.pad_id >= 0 and bool(files) and not any(path.suffix.lower() in ARRAYS for path in files),
            f"--pad-id {data.pad_id} is of arrays ({' and '.join(ARRAYS)}): leave it out.",
        )
        yield from super().conflicts(settings)

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
