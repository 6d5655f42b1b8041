"""Text: a UTF-8 file with one sequence a line → numbered sequences, and back to lines a person reads."""

import codecs
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seqgan_cli.config import Data
from seqgan_cli.corpora.corpus import Corpus
from seqgan_cli.errors import SeqganError
from seqgan_cli.randomness import rng
from seqgan_cli.vocabulary import EOS, PAD, SPECIAL, UNK, Vocabulary

LONGEST_BY_DEFAULT = 64


def _treebank_split(line: str) -> list[str]:
    from nltk.tokenize.treebank import TreebankWordTokenizer

    return list(TreebankWordTokenizer().tokenize(line))


def _treebank_join(tokens: list[str]) -> str:
    from nltk.tokenize.treebank import TreebankWordDetokenizer

    return str(TreebankWordDetokenizer().detokenize(tokens))


@dataclass(frozen=True)
class Tokenizer:
    """How a line becomes tokens and tokens a line."""

    split: Callable[[str], list[str]]
    join: Callable[[list[str]], str]


TOKENIZERS = {
    "whitespace": Tokenizer(str.split, " ".join),
    "words": Tokenizer(_treebank_split, _treebank_join),
    "chars": Tokenizer(list, "".join),
}


@dataclass(frozen=True)
class Lines:
    """Tokenized lines with ids in the order of first sight: `ids[offsets[i] : offsets[i + 1]]` is line i."""

    path: Path
    ids: np.ndarray
    offsets: np.ndarray
    tokens: list[str]
    blank: int

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.offsets)


def to_text(vocabulary: Vocabulary, tokenizer: str) -> Callable[[np.ndarray], str]:
    """What turns ids int32 `[T]` back into the user's kind of text; tokens of synthetic data are numbers with spaces."""
    join = TOKENIZERS[tokenizer if vocabulary.has_special_tokens else "whitespace"].join
    return lambda ids: join(vocabulary.decode(ids))


def read_lines(path: Path, tokenizer: str, lowercase: bool) -> Lines:
    """Read and tokenize a file in one pass; its text is never held whole. Blank lines are counted and left out.

    Raises SeqganError for a file that is missing, empty, binary or not UTF-8, naming the line.
    """
    split = TOKENIZERS[tokenizer].split
    ids, offsets, blank = array("i"), array("q", [0]), 0
    numbers: dict[str, int] = {}
    try:
        with path.open("rb") as file:
            for line_number, raw in enumerate(file, start=1):
                if line_number == 1:
                    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                        raise SeqganError(f"{path} is UTF-16: convert it to UTF-8, e.g. with `iconv -f UTF-16 -t UTF-8`.")
                    raw = raw.removeprefix(codecs.BOM_UTF8)
                if b"\0" in raw:
                    raise SeqganError(f"{path}, line {line_number}: holds a zero byte, so it is binary; text is needed.")
                try:
                    line = raw.decode("utf-8").strip()
                except UnicodeDecodeError as error:
                    raise SeqganError(
                        f"{path}, line {line_number}: 0x{raw[error.start]:02x} after {error.start} bytes of text is not UTF-8; "
                        "convert the file, e.g. with `iconv`."
                    ) from None
                tokens = split(line.lower() if lowercase else line)
                if not tokens:
                    blank += 1
                    continue
                ids.extend([numbers.setdefault(token, len(numbers)) for token in tokens])
                offsets.append(len(ids))
    except OSError as error:
        raise SeqganError(f"Cannot read {path}: {error.strerror}.") from None
    if len(offsets) == 1:
        raise SeqganError(f"{path} holds no text: one sequence a line is needed.")
    return Lines(path, np.frombuffer(ids, np.int32), np.frombuffer(offsets, np.int64), list(numbers), blank)


def _fit(lines: Lines, chosen: np.ndarray, max_length: int, overlong: str) -> tuple[np.ndarray, np.ndarray, int]:
    """(starts, ends) in `lines.ids` of the sequences the chosen lines give, and how many lines were too long."""
    starts, ends = lines.offsets[chosen], lines.offsets[chosen + 1]
    long = ends - starts > max_length
    if overlong == "drop":
        starts, ends = starts[~long], ends[~long]
    elif overlong == "cut":
        ends = np.minimum(ends, starts + max_length)
    else:
        pieces = -(-(ends - starts) // max_length)
        first = np.repeat(np.cumsum(pieces) - pieces, pieces)
        starts, ends = np.repeat(starts, pieces), np.repeat(ends, pieces)
        starts = starts + (np.arange(len(starts)) - first) * max_length
        ends = np.minimum(ends, starts + max_length)
    return starts, ends, int(long.sum())


def _table(ids: np.ndarray, starts: np.ndarray, ends: np.ndarray, max_length: int) -> np.ndarray:
    """int32 `[n, max_length + 1]`: each sequence, `<eos>`, `<pad>`."""
    table = np.full((len(starts), max_length + 1), PAD, np.int32)
    lengths = ends - starts
    filled = np.arange(max_length + 1)[None, :] < lengths[:, None]
    places = starts[:, None] + np.arange(max_length + 1)[None, :]
    table[filled] = ids[places[filled]]
    table[np.arange(len(table)), lengths] = EOS
    return table


def _rename(lines: Lines, vocabulary: Vocabulary) -> np.ndarray:
    """The lines' ids in the vocabulary's numbering."""
    return np.asarray(vocabulary.encode(lines.tokens), np.int32)[lines.ids]


def text_corpus(settings: Data, seed: int) -> Corpus:
    """Read, split, number and pad a text corpus. Raises SeqganError for input that cannot be trained on.

    The vocabulary is the training part's. Lines are held out before they are split into pieces, so no line has a piece in both.
    """
    path = Path(settings.source)
    lines = read_lines(path, settings.tokenizer, settings.lowercase)
    longest = int(lines.lengths.max())
    max_length = settings.max_length or min(longest, LONGEST_BY_DEFAULT)
    count = len(lines.lengths)
    if settings.test:
        chosen, test_lines = np.arange(count), read_lines(Path(settings.test), settings.tokenizer, settings.lowercase)
        test_chosen = np.arange(len(test_lines.lengths))
    else:
        if count < 2:
            raise SeqganError(f"{path} holds one line: at least two are needed, so that one can be held out.")
        order = rng(seed, "corpus", "holdout").permutation(count)
        held = min(count - 1, max(1, round(count * settings.holdout)))
        test_chosen, chosen, test_lines = np.sort(order[:held]), np.sort(order[held:]), lines
    starts, ends, long = _fit(lines, chosen, max_length, settings.overlong)
    test_starts, test_ends, test_long = _fit(test_lines, test_chosen, max_length, settings.overlong)
    for name, kept in ((path, starts), (test_lines.path, test_starts)):
        if not len(kept):
            raise SeqganError(
                f"{name}: every line is longer than {max_length} tokens; raise --max-length, or use --overlong cut or split."
            )
    vocabulary = _vocabulary(lines, starts, ends, settings)
    train = _table(_rename(lines, vocabulary), starts, ends, max_length)
    heldout = _table(_rename(test_lines, vocabulary), test_starts, test_ends, max_length)
    vocabulary.unk_taught = bool((train == UNK).any())
    if len(np.unique(train[train > UNK])) < 2:
        raise SeqganError(
            f"{path} holds fewer than two different tokens (after --min-count and --max-vocab): nothing to learn."
        )
    lengths = vocabulary.length(train)
    fate = {"drop": "dropped", "cut": "cut", "split": "split"}[settings.overlong]
    if settings.overlong == "drop" and long + test_long > 0.1 * count:
        fate += " (--overlong cut or split, or a larger --max-length, keeps them)"
    unknown = [float((table == UNK).sum() / (table > EOS).sum()) for table in (train, heldout)]
    summary = (
        f"Data: {path}: {count} lines, {lines.blank} blank; {long + test_long} longer than {max_length} tokens, {fate}.",
        f"{len(train)} training sequences, {len(heldout)} held out{f' from {settings.test}' if settings.test else ''}; "
        f"{lengths.min()} to {lengths.max()} tokens, {lengths.mean():.1f} on average.",
        f"Vocabulary: {vocabulary.size - len(SPECIAL)} tokens ({settings.tokenizer}); unknown: {unknown[0]:.2%} of the "
        f"training tokens, {unknown[1]:.2%} of the held-out ones.",
    )
    return Corpus(train, heldout, vocabulary, summary)


def _vocabulary(lines: Lines, starts: np.ndarray, ends: np.ndarray, settings: Data) -> Vocabulary:
    """Tokens of the training sequences by falling frequency, ties by first sight. The names of special tokens are no tokens."""
    inside = np.zeros(len(lines.ids) + 1, np.int64)
    np.add.at(inside, starts, 1)
    np.add.at(inside, ends, -1)
    counts = np.bincount(lines.ids[np.cumsum(inside[:-1]) > 0], minlength=len(lines.tokens))
    ranked = np.argsort(-counts, kind="stable")
    kept = [i for i in ranked if counts[i] >= settings.min_count and lines.tokens[i] not in SPECIAL]
    return Vocabulary([lines.tokens[i] for i in kept[: settings.max_vocab or None]])


def encode_file(path: Path, tokenizer: str, lowercase: bool) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """All lines of a file as int `[n, longest]`, their lengths `[n]`, and the tokens their ids stand for."""
    lines = read_lines(path, tokenizer, lowercase)
    table = np.zeros((len(lines.lengths), int(lines.lengths.max())), np.int64)
    table[np.arange(table.shape[1])[None, :] < lines.lengths[:, None]] = lines.ids
    return table, lines.lengths, lines.tokens
