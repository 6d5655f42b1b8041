"""Sentences to be compared, be they samples, files or a run's sequences: their tokens numbered alike."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from seqgan_cli.config.settings import Settings
from seqgan_cli.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from seqgan_cli.data.documents import Documents
    from seqgan_cli.data.vocabulary import Vocabulary
    from seqgan_cli.runs.run import Run

    Sentences = tuple[np.ndarray, np.ndarray]


class SentencePool:
    """Numbers the tokens of samples and files alike, so that both can be compared.

    Args:
        settings: how files are read.
        run: what sentences are of, if they are a run's: it says which word of a file stands for unknown ones.
    """

    def __init__(self, settings: Settings, warn: "Callable[[str], None]", run: "Run | None") -> None:
        self.settings, self.warn, self.run = settings, warn, run
        self.numbers: dict[str, int] = {}

    def _renumber(self, table: "np.ndarray", tokens: list[str] | tuple[str, ...]) -> "np.ndarray":
        import numpy as np

        from seqgan_cli.data.vocabulary import SPECIAL, UNK

        # <unk> stands for many words, and for none that another one equals.
        numbers = [-1 if t == SPECIAL[UNK] else self.numbers.setdefault(t, len(self.numbers)) for t in tokens]
        return np.array(numbers, np.int64)[table]

    def file(self, path: Path, samples: bool, column: str | None, option: str) -> "Sentences":
        """The sentences of a file. Raises SeqganError if it cannot be read.

        `column`: of a table, None for the run's; `option`: what names it.
        """
        from seqgan_cli.data.documents import told_of
        from seqgan_cli.data.vocabulary import SPECIAL, UNK, UNKNOWN

        documents = self._documents(path, samples, column, option)
        for line in told_of(documents.reading):
            self.warn(f"{path}: {line}")
        vocabulary = self.run.corpus().vocabulary if self.run else None
        # As `sample --allow-unk` writes it: by another name where `<unk>` is a word of the data.
        unknown = vocabulary.unknown if vocabulary and vocabulary.has_special_tokens else UNKNOWN
        tokens = [SPECIAL[UNK] if token == unknown else token for token in documents.tokens]
        return self._renumber(documents.table(), tokens), documents.lengths

    def _documents(self, path: Path, samples: bool, column: str | None, option: str) -> "Documents":
        """As `Kind.sentences_of`; what is said of a column names the option that means this file's."""
        settings = self.settings
        if column is not None:
            path = path.absolute()  # as the data are named, whose the column is
            settings = settings.changed({"data.source": str(path), "data.column": column})
        try:
            return settings.kind.sentences_of(path, settings, samples)
        except UsageError as error:
            own = column is None and settings.data.column
            another = f" That is the run's column: {option} NAME names this file's." if own else ""
            raise UsageError(f"{str(error).replace('--column', option)}{another}") from None

    def ids(self, run: "Run", table: "np.ndarray") -> "Sentences":
        """Sequences of the run's ids: their tokens, or if files are cut otherwise those of their text."""
        vocabulary, own = run.corpus().vocabulary, run.config().settings
        if own.data.tokenizer != self.settings.data.tokenizer:
            return self._cut_anew(own.kind.detokenizer(own, vocabulary).line, vocabulary, table)
        return self._renumber(table, vocabulary.tokens), vocabulary.length(table)

    def _cut_anew(self, line: "Callable[[np.ndarray], str]", vocabulary: "Vocabulary", table: "np.ndarray") -> "Sentences":
        from seqgan_cli.data.documents import Collector
        from seqgan_cli.data.vocabulary import SPECIAL, UNK

        found, unknown = Collector(), vocabulary.decode([UNK])[0] if vocabulary.has_special_tokens else None
        for ids in table:
            tokens = self.settings.tokenizer.split(line(ids))
            found.add((SPECIAL[UNK] if token == unknown else token for token in tokens), keep_empty=True)
        documents = found.documents("")
        return self._renumber(documents.table(), documents.tokens), documents.lengths

    @staticmethod
    def overlap(first: "Sentences", second: "Sentences") -> bool:
        """Whether the two have a token in common."""
        import numpy as np

        inside = [_tokens(sentences) for sentences in (first, second)]
        return bool((np.isin(inside[0], inside[1]) & (inside[0] >= 0)).any())

    @staticmethod
    def unknown_share(sentences: "Sentences") -> float:
        """Share of `<unk>` among their tokens, 0 for none."""
        tokens = _tokens(sentences)
        return float((tokens < 0).mean()) if len(tokens) else 0.0


def _tokens(sentences: "Sentences") -> "np.ndarray":
    """All tokens of sentences, flat."""
    import numpy as np

    table, lengths = sentences
    return table[np.arange(table.shape[1])[None, :] < lengths[:, None]]
