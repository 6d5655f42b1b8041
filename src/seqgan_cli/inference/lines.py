"""Lines of somebody's own, scored by a run's generator, discriminator and reward."""

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seqgan_cli.data.vocabulary import SEPARATOR
from seqgan_cli.errors import SeqganError
from seqgan_cli.inference.scores import Scores
from seqgan_cli.jobs.trained import Trained

if TYPE_CHECKING:
    import numpy as np

    from seqgan_cli.evaluation.correction import Correction
    from seqgan_cli.models.discriminator import Discriminator
    from seqgan_cli.rewards.base import Reward
    from seqgan_cli.sampling.choices import Sampling

AT_ONCE = 1024  # lines


@dataclass(frozen=True)
class ScoredLine:
    """A line, and how likely the run finds it.

    nll: −log G in nats, ∞ where truncation leaves a token out; None where the line is no sequence of the run. why: a few words
    where it is either. nll_per_token: over what counts: its tokens but the unknown ones, and the end where the run's sequences
    have one. bits_per_byte: −log₂ G over the bytes of the line in UTF-8, of pairs of the target, its end among them; None with
    an unknown token. d: probability of being real by D, if there is one. nll_corrected: as nll, of the generator that D
    corrects, if that was asked for. by_token: each token that is drawn and its −log G,
    None for an unknown one, if it was asked for. reward, terms: if one was asked for, its value and those of the rewards that
    it is a sum of, by name.
    """

    text: str
    tokens: list[str]
    unknown: list[str]
    nll: float | None = None
    nll_per_token: float | None = None
    bits_per_byte: float | None = None
    d: float | None = None
    by_token: list[tuple[str, float | None]] | None = None
    why: str = ""
    reward: float | None = None
    terms: dict[str, float] = field(default_factory=dict)
    nll_corrected: float | None = None

    @property
    def outside(self) -> bool:
        """Whether truncation leaves one of its tokens out."""
        return self.nll == float("inf")


def score_lines(
    trained: Trained,
    lines: Iterable[str],
    sampling: "Sampling",
    discriminator: "Discriminator | None" = None,
    by_token: bool = False,
    reward: "Reward | None" = None,
    correction: "Correction | None" = None,
) -> Iterator[ScoredLine]:
    """One for each line, in their order, some of them in memory at a time. `correction`: of that way of sampling."""
    left, scorer = iter(lines), _LineScorer(trained, sampling, discriminator, by_token, reward, correction)
    while chunk := list(itertools.islice(left, AT_ONCE)):
        yield from scorer.score(chunk)


class _LineScorer:
    def __init__(
        self,
        trained: Trained,
        sampling: "Sampling",
        discriminator: "Discriminator | None",
        by_token: bool,
        reward: "Reward | None",
        correction: "Correction | None",
    ) -> None:
        self.vocabulary, self.generator, self.settings = trained.corpus.vocabulary, trained.generator, trained.config.settings
        self.length, self.kind = trained.corpus.sequence_length, trained.config.settings.kind
        self.sampling, self.by_token, self.known = sampling, by_token, {*self.vocabulary.tokens}
        self.scores, self.correction = Scores(trained, discriminator, reward), correction

    def score(self, lines: list[str]) -> Iterator[ScoredLine]:
        """Of some lines."""
        split, none = zip(*map(self._tokens, lines), strict=True)
        strange = [self._unknown(tokens) for tokens in split]
        whys = [no or self._why(tokens, unknown) for tokens, unknown, no in zip(split, strange, none, strict=True)]
        table = self.vocabulary.table([tokens for tokens, why in zip(split, whys, strict=True) if not why], self.length)
        rows = zip(*self._measured(table), strict=True)
        for line, tokens, unknown, why in zip(lines, split, strange, whys, strict=True):
            if why:
                yield ScoredLine(line, tokens, unknown, why=why)
                continue
            nll, counted, d, parts, reward, terms, corrected = next(rows)
            outside = f"a token that {self.sampling} leaves out" if nll == float("inf") else ""
            shown = None if parts is None else self._by_token(tokens, parts)
            a_token, bits = nll / counted if counted else None, self._bits_per_byte(nll, line, unknown)
            yield ScoredLine(line, tokens, unknown, nll, a_token, bits, d, shown, outside, reward, terms, corrected)

    def _tokens(self, line: str) -> tuple[list[str], str]:
        """The tokens of a line, and why it is none of the run's; empty if it may be one."""
        try:
            tokens = self.kind.sequence(line, self.settings)
            self.vocabulary.refuse_unknown_labels(tokens, "its source")
        except SeqganError as error:
            return [], str(error)
        return tokens, ""

    def _bits_per_byte(self, nll: float, line: str, unknown: list[str]) -> float | None:
        """None where an unknown token stands in it, which no likelihood counts."""
        text = line.partition("\t")[2] if self.kind.has_sources else line
        return None if unknown else nll / math.log(2) / (len(text.encode(errors="replace")) + self.vocabulary.has_eos)

    def _measured(self, table: "np.ndarray") -> tuple[Iterable[Any], ...]:
        """Of each row what `ScoredLine` has.

        nll, how many tokens that is of, d, the nll of each token, reward, its terms, nll_corrected.
        """
        import numpy as np

        from seqgan_cli.sampling.likelihood import sequence_nll, token_nll

        none, generator = [None] * len(table), self.generator
        parts = token_nll(generator, table, self.sampling) if self.by_token else None
        nll = parts.sum(axis=1) if parts is not None else sequence_nll(generator, table, self.sampling)
        counted = (self.vocabulary.mask(table) & np.asarray(generator.uncertain(table))).sum(axis=1)
        d = none if self.scores.discriminator is None else self.scores.d(table).tolist()
        rewards = (none, [{} for _ in none]) if self.scores.reward is None else self.scores.reward_rows(table)
        corrected = none if self.correction is None else (nll - self.correction.log_ratios(table)).tolist()
        return nll.tolist(), counted.tolist(), d, none if parts is None else parts.tolist(), *rewards, corrected

    def _by_token(self, tokens: list[str], parts: list[float]) -> list[tuple[str, float | None]]:
        given = tokens.index(SEPARATOR) + 1 if self.kind.has_sources else 0
        own = zip(tokens[given:], parts[given:], strict=False)
        read = self.settings.tokenizer.shown
        shown = [(read(token), loss if token in self.known else None) for token, loss in own]
        return [*shown, ("<eos>", parts[len(tokens)])] if self.vocabulary.has_eos else shown

    def _unknown(self, tokens: list[str]) -> list[str]:
        """The tokens that the run does not know; most lines have none, which is told at once."""
        return [] if self.known.issuperset(tokens) else [token for token in tokens if token not in self.known]

    def _why(self, tokens: list[str], unknown: list[str]) -> str:
        """Why a line is no sequence of the run; empty if it is one."""
        if unknown and not self.vocabulary.has_special_tokens:
            return f"{unknown[0]!r} is no token of the run"
        if self.vocabulary.has_eos and len(tokens) >= self.length:
            return f"{len(tokens)} tokens of at most {self.length - 1}"
        if not self.vocabulary.has_eos and len(tokens) != self.length:
            return f"{len(tokens)} tokens instead of {self.length}"
        return ""
