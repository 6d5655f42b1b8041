"""Lines of somebody's own, scored by a run's generator and discriminator."""

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seqgan_cli.errors import SeqganError
from seqgan_cli.jobs.trained import Trained

if TYPE_CHECKING:
    import numpy as np

    from seqgan_cli.config.settings import Settings
    from seqgan_cli.models.discriminator import Discriminator
    from seqgan_cli.sampling.choices import Sampling

AT_ONCE = 1024  # lines


@dataclass(frozen=True)
class ScoredLine:
    """A line, and how likely the run finds it.

    nll: −log G in nats; None where the line is no sequence of the run, for `why`. nll_per_token: over what counts: its tokens
    but the unknown ones, and the end where the run's sequences have one. bits_per_byte: −log₂ G over the bytes of the line in
    UTF-8, its end among them; None with an unknown token. d: probability of being real by D, if there is one. by_token: each
    token and its −log G, None for an unknown one, if it was asked for.
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


def score_lines(
    trained: Trained, lines: Iterable[str], sampling: "Sampling", discriminator: "Discriminator | None", by_token: bool
) -> Iterator[ScoredLine]:
    """One for each line, in their order, some of them in memory at a time."""
    left = iter(lines)
    while chunk := list(itertools.islice(left, AT_ONCE)):
        yield from _score(trained, chunk, sampling, discriminator, by_token)


def _score(
    trained: Trained, lines: list[str], sampling: "Sampling", discriminator: "Discriminator | None", by_token: bool
) -> Iterator[ScoredLine]:
    import numpy as np

    from seqgan_cli.algorithms.discriminator import scores
    from seqgan_cli.sampling.likelihood import sequence_nll, token_nll

    settings, vocabulary, generator = trained.config.settings, trained.corpus.vocabulary, trained.generator
    known = {*vocabulary.tokens}
    split, whys = [], []
    for line in lines:
        tokens, why = _tokens_of(trained, line)
        split.append(tokens)
        whys.append(why or _why(trained, tokens, known))
    fitting = [i for i, why in enumerate(whys) if not why]
    table = _table(trained, [split[i] for i in fitting])
    parts = token_nll(generator, table, sampling) if by_token else None
    nll = parts.sum(axis=1) if parts is not None else sequence_nll(generator, table, sampling)
    counted = (vocabulary.mask(table) & np.asarray(generator.uncertain(table))).sum(axis=1)
    real = scores(discriminator, table) if discriminator is not None else None
    places = {i: row for row, i in enumerate(fitting)}
    for i, (line, tokens) in enumerate(zip(lines, split, strict=True)):
        unknown = [token for token in tokens if token not in known]
        if (row := places.get(i)) is None:
            yield ScoredLine(line, tokens, unknown, why=whys[i])
            continue
        own = float(nll[row])
        shown = None
        if parts is not None:
            losses = parts[row].tolist()
            given = int(vocabulary.source_length(table[row]))
            read = map(settings.tokenizer.shown, tokens[given:])
            kept = [loss if token in known else None for token, loss in zip(tokens[given:], losses[given:], strict=False)]
            shown = list(zip(read, kept, strict=True))
            shown += [("<eos>", losses[len(tokens)])] * vocabulary.has_eos
        yield ScoredLine(
            line,
            tokens,
            unknown,
            own,
            own / counted[row] if counted[row] else None,
            None if unknown else own / math.log(2) / (_bytes_of_target(line, settings) + vocabulary.has_eos),
            float(real[row]) if real is not None else None,
            shown,
        )


def _bytes_of_target(line: str, settings: "Settings") -> int:
    """In UTF-8."""
    return len((line.partition("\t")[2] if settings.kind.has_sources else line).encode(errors="replace"))


def _tokens_of(trained: Trained, line: str) -> tuple[list[str], str]:
    """The tokens of a line, and why there are none; empty if there are."""
    settings = trained.config.settings
    try:
        return settings.kind.sequence(line, settings), ""
    except SeqganError as error:
        return [], str(error)


def _why(trained: Trained, tokens: list[str], known: set[str]) -> str:
    """Why a line is no sequence of the run; empty if it is one."""
    vocabulary, length = trained.corpus.vocabulary, trained.corpus.sequence_length
    if not vocabulary.has_special_tokens and (strange := next((token for token in tokens if token not in known), None)):
        return f"{strange!r} is no token of the run"
    if vocabulary.has_eos and len(tokens) >= length:
        return f"{len(tokens)} tokens of at most {length - 1}"
    if not vocabulary.has_eos and len(tokens) != length:
        return f"{len(tokens)} tokens instead of {length}"
    return ""


def _table(trained: Trained, split: list[list[str]]) -> "np.ndarray":
    """int32 `[n, T]`, as the corpus has sequences."""
    import numpy as np

    from seqgan_cli.data.vocabulary import EOS, PAD

    vocabulary = trained.corpus.vocabulary
    table = np.full((len(split), trained.corpus.sequence_length), PAD, np.int32)
    for row, tokens in enumerate(split):
        table[row, : len(tokens)] = vocabulary.encode(tokens)
        if vocabulary.has_eos:
            table[row, len(tokens)] = EOS
    return table
