"""What is done to logits before a draw.

In this order, each step on the distribution that the one before left, renormalised, and ties broken by the smaller token id:

1. masks: `<pad>`, `<eos>` where no sequence ends early, and `<unk>` unless it is allowed, have no probability;
2. temperature τ: p_i ∝ exp(logit_i / τ);
3. top-k: the k likeliest tokens (Fan et al. 2018);
4. top-p: the smallest set of likeliest tokens whose mass reaches p (the nucleus: Holtzman et al. 2020);
5. min-p: the tokens with p_i ≥ min_p · max p (Nguyen et al. 2024).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from seqgan_cli.config.schema import section, setting, specs_of
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.lazy import np, tf

# A mass that misses p, or a probability that misses min_p · max p, by no more than float32 rounds, reaches it.
ROUNDING = 1e-6


@section("sampling")
@dataclass(frozen=True)
class Sampling:
    """Choices of how to sample. A field declared as a `setting` is an option of every command that samples.

    Args:
        temperature: > 0, divides the logits.
        top_k: how many of the likeliest tokens may be drawn; 0: not used.
        top_p: in (0, 1], the mass of the likeliest tokens that may be drawn; 1: not used.
        min_p: in [0, 1), the least probability of a token that may be drawn, of the likeliest one's; 0: not used.
        allow_unknown: whether `<unk>` may be drawn. No likelihood counts an `<unk>`, so likelihoods take no notice.
    """

    # Logits divided by a temperature within these bounds stay numbers in float32.
    temperature: float = setting(1.0, "below 1 says likelier things, above 1 rarer ones", at_least=0.001, at_most=1000.0)
    top_k: int = setting(0, "draw from so many of the likeliest tokens (0: all)", at_least=0)
    top_p: float = setting(1.0, "draw from the fewest tokens that have this probability (1: all)", above=0, at_most=1)
    min_p: float = setting(
        0.0, "draw from tokens that have this share of the likeliest one's probability (0: all)", at_least=0, below=1
    )
    allow_unknown: bool = False

    @property
    def truncated(self) -> bool:
        """Whether tokens besides the masked ones have no probability."""
        return replace(self, temperature=1.0, allow_unknown=False) != Sampling()

    def used(self) -> dict[str, float]:
        """The temperature, and the other choices that are not at their default, by the name of their option."""
        choices = {spec.option: (getattr(self, spec.leaf), spec.default) for spec in specs_of(Sampling)}
        return {name: value for name, (value, default) in choices.items() if name == "temperature" or value != default}

    def __str__(self) -> str:
        """`temperature 1`, `temperature 0.7, top-k 40`."""
        return ", ".join(f"{name} {value:g}" for name, value in self.used().items())

    def record(self) -> dict[str, float]:
        """As JSON has it, and `Sampling(**record)` reads: the temperature, and if tokens are left out all choices."""
        choices = {spec.leaf: getattr(self, spec.leaf) for spec in specs_of(Sampling)}
        return choices if self.truncated else {"temperature": self.temperature}

    def tensors(self, vocabulary: Vocabulary) -> tuple[Any, ...]:
        """The numbers of `keep_likeliest`: (top_k int32, top_p, min_p float32), such that what is not used keeps all."""
        named = vocabulary.size - len(vocabulary.never_drawn)
        if vocabulary.has_special_tokens:
            named -= not self.allow_unknown
        top_k = min(self.top_k or named, named)  # the masked tokens come last, and are never among them
        top_p = self.top_p if self.top_p < 1.0 else np.inf
        return np.int32(top_k), np.float32(top_p), np.float32(self.min_p)


PLAIN = Sampling()


def numbers_of_truncation() -> list:
    """The `tf.TensorSpec` of each of `Sampling.tensors`."""
    return [tf.TensorSpec([], tf.int32), *[tf.TensorSpec([], tf.float32)] * 2]


def keep_likeliest(logits: Any, top_k: Any, top_p: Any, min_p: Any) -> tuple[Any, Any, Any]:
    """The tokens that truncation leaves, likeliest first, ties by id.

    Args:
        logits: float32 `[R, V]`, masked and divided by the temperature.
        top_k, top_p, min_p: scalars, as `Sampling.tensors` has them.

    Returns:
        ids int32 `[R, k]`; logits float32 `[R, k]`, −∞ past the kept; masses float32 `[R, k]`, of the kept up to each one, by
        the distribution that top-k leaves, and the mass of all kept past them.
    """
    values, ids = tf.math.top_k(logits, top_k)  # of equal values the lower index comes first
    probabilities = tf.nn.softmax(values)
    before = tf.cumsum(probabilities, axis=1, exclusive=True)
    # The first tokens of each row, one or more: their probabilities fall, and what stands before them grows.
    kept = (before < top_p * (1.0 - ROUNDING)) & (probabilities >= min_p * (1.0 - ROUNDING) * probabilities[:, :1])
    probabilities = tf.where(kept, probabilities, 0.0)
    return ids, tf.where(kept, values, -np.inf), tf.cumsum(probabilities, axis=1)
