"""Token ids and what they mean; the one place that knows which positions of a sequence count.

Text has three special tokens: 0 `<pad>` (also the start input), 1 `<eos>`, 2 `<unk>`, then tokens by falling frequency. Their
names hold a space besides other characters, as no token of a text does: with any tokenizer `<eos>` is a word like others.
A sequence is its tokens, one `<eos>`, then `<pad>` to the full length. Synthetic vocabularies have no special tokens: every id
is ordinary and 0 is also the start input, as in the authors' program.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seqgan_cli.lazy import np

START = 0
PAD, EOS, UNK = 0, 1, 2
SPECIAL = (" <pad>", " <eos>", " <unk>")
SPECIAL_BEFORE = ("<pad>", "<eos>", "<unk>")  # as vocabularies of earlier versions call them, which have no such words
UNKNOWN = "<unk>"  # what people read for it; if that is a word of the text, `<unk_>`
TOKENIZER = Path("corpus", "tokenizer.json")  # in a run: what cuts texts into tokens, where its name does not say it all


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
        unknown = UNKNOWN
        while unknown in self._ids:  # as a word of the text
            unknown = f"{unknown[:-1]}_>"
        self._shown = (*SPECIAL[:UNK], unknown, *self.tokens[UNK + 1 :]) if self.has_special_tokens else self.tokens

    @property
    def size(self) -> int:
        return len(self.tokens)

    def encode(self, tokens: Sequence[str]) -> list[int]:
        """Ids of the tokens; an unknown one is `<unk>` (for synthetic: ValueError)."""
        if not self.has_special_tokens:
            if unknown := [token for token in tokens if token not in self._ids]:
                raise ValueError(f"{unknown[0]!r} is no token of this vocabulary.")
            return [self._ids[token] for token in tokens]
        return [self._ids.get(token, UNK) for token in tokens]

    def decode(self, ids: Sequence[int] | np.ndarray) -> list[str]:
        """Tokens of one sequence as people read them, up to and without `<eos>`."""
        return [self._shown[i] for i in ids[: self.length(np.asarray(ids))]]

    def length(self, ids: np.ndarray) -> Any:
        """Number of ordinary tokens: int32 `[...]` for ids `[..., T]`; neither `<eos>` nor `<pad>` counts."""
        if not self.has_special_tokens:
            return np.full(ids.shape[:-1], ids.shape[-1], np.int32)[()]
        return ((ids != PAD) & (ids != EOS)).sum(-1, dtype=np.int32)

    def has_no_unk(self, table: np.ndarray) -> np.ndarray:
        """Which sequences a generator can say, bool `[n]` for ids `[n, T]`: those without `<unk>`, which it never samples."""
        if not self.has_special_tokens:
            return np.ones(len(table), bool)
        return ~(table == UNK).any(axis=1)

    def inside(self, tokens: Any) -> Any:
        """bool, the shape of `tokens`: the positions of a sequence up to its `<eos>`, which likelihood training teaches.

        `tokens` is a NumPy array or a TensorFlow tensor; `<pad>` stands nowhere but after `<eos>`, so comparing is enough.
        """
        return tokens != PAD if self.has_special_tokens else tokens == tokens

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
        ids = np.where(tokens == UNK, -1, tokens) if self.has_special_tokens else tokens
        return ids, self.length(tokens)

    def unknown_share(self, tokens: np.ndarray) -> float:
        """Share of `<unk>` among the tokens of sequences int `[n, T]`, `<eos>` not counted; 0 for no token."""
        if not self.has_special_tokens:
            return 0.0
        return int((tokens == UNK).sum()) / max(1, int((tokens > EOS).sum()))
