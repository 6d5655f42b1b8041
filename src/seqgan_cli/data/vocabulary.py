"""Token ids and what they mean; the one place that knows which positions of a sequence count.

Text has three special tokens: 0 `<pad>` (also the start input), 1 `<eos>`, 2 `<unk>`, then tokens by falling frequency. Their
names hold a space besides other characters, as no token of a text does: with any tokenizer `<eos>` is a word like others.
A sequence is its tokens, one `<eos>`, then `<pad>` to the full length. Synthetic vocabularies have no special tokens: every id
is ordinary and 0 is also the start input, as in the authors' program.

A sequence with a source is that source, a separator, its target, one `<eos>`, `<pad>`. The source is given and never drawn:
what counts, for likelihoods, rewards and scores, is the target. A vocabulary that has the separator is of such sequences.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from seqgan_cli.errors import SeqganError
from seqgan_cli.lazy import np, tf

START = 0
PAD, EOS, UNK = 0, 1, 2
SPECIAL = (" <pad>", " <eos>", " <unk>")
SPECIAL_BEFORE = ("<pad>", "<eos>", "<unk>")  # as vocabularies of earlier versions call them, which have no such words
UNKNOWN = "<unk>"  # what people read for it; if that is a word of the text, `<unk_>`
TOKENIZER = Path("corpus", "tokenizer.json")  # in a run: what cuts texts into tokens, where its name does not say it all
SEPARATOR = " <sep>"
LABEL = " <label> "  # before the name of a label, which is a token of a source


def is_mark(token: str) -> bool:
    """Whether a token stands for no text: the separator, or a label. None is too rare, and none is ever drawn."""
    return token == SEPARATOR or token.startswith(LABEL)


class Vocabulary:
    """Ids 0 … size-1 and their tokens.

    Args:
        words: the ordinary tokens in id order (text), or None for a synthetic vocabulary.
        size: V; given for a synthetic vocabulary only.
        has_eos: whether sequences end in `<eos>` (text). Those of poems do not: each fills its T places with tokens.
    """

    def __init__(self, words: Sequence[str] | None = None, size: int | None = None, has_eos: bool = True) -> None:
        self.has_special_tokens = words is not None
        self.tokens: tuple[str, ...] = (*SPECIAL, *words) if words is not None else tuple(map(str, range(size or 0)))
        self.has_eos = has_eos and words is not None
        self._ids = {token: i for i, token in enumerate(self.tokens)}
        self.separator = self._ids.get(SEPARATOR)
        unknown = UNKNOWN
        while unknown in self._ids:  # as a word of the text
            unknown = f"{unknown[:-1]}_>"
        self._shown = (*SPECIAL[:UNK], unknown, *self.tokens[UNK + 1 :]) if self.has_special_tokens else self.tokens

    @property
    def size(self) -> int:
        return len(self.tokens)

    def refuse_unknown_labels(self, tokens: Iterable[str], source: str) -> None:
        """Raises SeqganError for a label among tokens that is none of these: as `<unk>` it would be another's."""
        unknown = next((token for token in tokens if token.startswith(LABEL) and token not in self._ids), None)
        if unknown is not None:
            label = unknown.removeprefix(LABEL)
            raise SeqganError(f"{source}: {label!r} is no label of the run, which has {', '.join(self.labels)}.")

    @functools.cached_property
    def never_drawn(self) -> tuple[int, ...]:
        """Ids that no sequence is taught or drawn to go on with."""
        if not self.has_special_tokens:
            return ()
        marks = (i for i, token in enumerate(self.tokens) if is_mark(token))
        return (PAD, *(() if self.has_eos else (EOS,)), *marks)

    @property
    def unknown(self) -> str:
        """What people read for a token that is none of these."""
        return self._shown[UNK]

    @property
    def labels(self) -> list[str]:
        """The names of its labels, the most frequent first."""
        return [token.removeprefix(LABEL) for token in self.tokens if token.startswith(LABEL)]

    def label(self, name: str) -> int:
        """The id of a label of that name, `<unk>` for none."""
        return self._ids.get(LABEL + name, UNK)

    def encode(self, tokens: Sequence[str]) -> list[int]:
        """Ids of the tokens; an unknown one is `<unk>` (for synthetic: ValueError)."""
        if not self.has_special_tokens:
            if unknown := [token for token in tokens if token not in self._ids]:
                raise ValueError(f"{unknown[0]!r} is no token of this vocabulary.")
            return [self._ids[token] for token in tokens]
        return [self._ids.get(token, UNK) for token in tokens]

    def table(self, sequences: Sequence[Sequence[str]], length: int) -> np.ndarray:
        """Sequences of tokens as a corpus has them: int32 `[n, length]`, ended and padded; `length` has room for `<eos>`."""
        flat = self.encode([*itertools.chain.from_iterable(sequences)])
        lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
        table = np.full((len(sequences), length), PAD, np.int32)
        table[np.arange(length)[None, :] < lengths[:, None]] = flat
        if self.has_eos:
            table[np.arange(len(sequences)), lengths] = EOS
        return table

    def decode(self, ids: Sequence[int] | np.ndarray) -> list[str]:
        """Tokens of one sequence as people read them, those of its target if it has a source, up to and without `<eos>`."""
        ids = np.asarray(ids)
        return [self._shown[i] for i in self.target(ids)[: self.length(ids)]]

    def source(self, ids: np.ndarray) -> list[str]:
        """Tokens of the source of a sequence int `[T]` as people read them, labels by their names; none of one without."""
        return [self._shown[i].removeprefix(LABEL) for i in ids[: max(0, int(self.source_length(ids)) - 1)]]

    def source_length(self, ids: np.ndarray) -> Any:
        """Places of what is given, the separator's included: int64 `[...]` for ids `[..., T]`; 0 without a separator."""
        found = ids == self.separator if self.separator is not None else np.zeros(ids.shape, bool)
        return np.where(found.any(-1), found.argmax(-1) + 1, 0)

    def target(self, ids: np.ndarray) -> np.ndarray:
        """Sequences without their sources, `<pad>` after them: int, the shape of ids `[..., T]`."""
        if self.separator is None:
            return ids
        places = np.asarray(self.source_length(ids))[..., None] + np.arange(ids.shape[-1])
        shifted = np.take_along_axis(ids, np.minimum(places, ids.shape[-1] - 1), axis=-1)
        return np.where(places < ids.shape[-1], shifted, PAD).astype(ids.dtype)

    def length(self, ids: np.ndarray) -> Any:
        """Number of ordinary tokens: int32 `[...]` for ids `[..., T]`; neither `<eos>` nor `<pad>` counts, nor a source."""
        if not self.has_special_tokens:
            return np.full(ids.shape[:-1], ids.shape[-1], np.int32)[()]
        counted = (ids != PAD) & (ids != EOS)
        return (counted & self.inside(ids) if self.separator is not None else counted).sum(-1, dtype=np.int32)

    def has_no_unk(self, table: np.ndarray) -> np.ndarray:
        """Which sequences a generator can say, bool `[n]` for ids `[n, T]`: those without `<unk>`, which it never samples.

        A source, which is given, may hold it.
        """
        if not self.has_special_tokens:
            return np.ones(len(table), bool)
        unknown = table == UNK
        return ~(unknown & self.inside(table) if self.separator is not None else unknown).any(axis=1)

    def inside(self, tokens: Any) -> Any:
        """bool, the shape of `tokens`: the positions of a sequence up to its `<eos>`, which likelihood training teaches; of one
        with a source those of its target.

        `tokens` `[..., T]` is a NumPy array or a TensorFlow tensor; `<pad>` stands nowhere but after `<eos>`, so comparing is
        enough.
        """
        if not self.has_special_tokens:
            return tokens == tokens
        return (tokens != PAD) & ~self.given(tokens) if self.separator is not None else tokens != PAD

    def given(self, tokens: Any) -> Any:
        """bool, the shape of `tokens` `[..., T]`, an array or a tensor: the places of a source and its separator; where a
        sequence has none, all."""
        if self.separator is None:
            return tokens != tokens
        found = tokens == self.separator
        if isinstance(tokens, np.ndarray):
            return ~np.logical_or.accumulate(found, axis=-1) | found
        return (tf.cumsum(tf.cast(found, tf.int32), axis=-1) == 0) | found

    def mask(self, tokens: Any) -> Any:
        """bool, the shape of `tokens`: the positions that scores and rewards count, which are those inside but for `<unk>`.

        The policy never says `<unk>`, and which token stands there nobody knows: so it is no target of any score.
        """
        inside = self.inside(tokens)
        return inside & (tokens != UNK) if self.has_special_tokens else inside

    def for_matching(self, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ids and lengths int `[n, T]` and `[n]` as n-gram scores take them, with −1 in place of `<unk>`.

        It stands for many tokens, and so for none that another one equals.
        """
        ids = self.target(tokens)
        return np.where(ids == UNK, -1, ids) if self.has_special_tokens else ids, self.length(tokens)

    def for_counting(self, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ids and their `mask`, int and bool `[n, T]`, as scores of variety take them: of targets alone."""
        ids = self.target(tokens)
        return ids, self.mask(ids) if self.separator is None else (ids != PAD) & (ids != UNK)

    def uniform(self, tokens: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """int32, the shape of ids `[n, T]`: an ordinary token, each alike likely, in the place of every ordinary one."""
        if not self.has_special_tokens:
            return rng.integers(0, self.size, tokens.shape, dtype=np.int32)
        ordinary = np.setdiff1d(np.arange(UNK + 1, self.size, dtype=np.int32), self.never_drawn)
        return np.where(tokens > EOS, ordinary[rng.integers(0, len(ordinary), tokens.shape)], tokens)

    def unknown_share(self, tokens: np.ndarray) -> float:
        """Share of `<unk>` among the tokens of sequences int `[n, T]`, `<eos>` not counted; 0 for no token."""
        if not self.has_special_tokens:
            return 0.0
        inside = self.inside(tokens)
        return int(((tokens == UNK) & inside).sum()) / max(1, int(((tokens > EOS) & inside).sum()))


def read_vocabulary(path: Path, plain_size: int | None, tables: tuple[np.ndarray, ...]) -> Vocabulary:
    """The vocabulary of a file, which must hold every id of the tables. Raises SeqganError.

    `plain_size`: V where no token is special and there is no file, else None.
    """
    if plain_size is not None:
        return Vocabulary(size=plain_size)
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise SeqganError(f"Cannot read {path}: {error}.") from None
    *tokens, after = text.split("\n")
    largest = max(int(table.max(initial=0)) for table in tables)
    if tuple(tokens[: len(SPECIAL)]) not in (SPECIAL, SPECIAL_BEFORE) or after or largest >= len(tokens):
        raise SeqganError(f"{path} is damaged: it does not hold all {largest + 1} tokens of the corpus.")
    return Vocabulary(tokens[len(SPECIAL) :], has_eos=bool((tables[0] == EOS).any()))
