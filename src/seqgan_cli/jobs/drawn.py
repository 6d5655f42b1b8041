"""Samples of a run: so many, or so many of each prompt; all that come, or those that are new."""

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from seqgan_cli.errors import SeqganError
from seqgan_cli.jobs.trained import Trained

if TYPE_CHECKING:
    import numpy as np

    from seqgan_cli.evaluation.correction import Correction
    from seqgan_cli.sampling.choices import Sampling

Prompts = list[list[int]]  # token ids of each
NAMED = 3  # unknown tokens that a warning names
PATIENCE = 10_000  # draws in succession that may bring nothing new


def prompts_of(trained: Trained, texts: Iterable[str], first: int | None = None) -> tuple[Prompts, list[str]]:
    """Prompts in the run's own tokens, and of these the ones it does not know, each once, which are read as `<unk>`.

    `first`: take no more tokens of each.

    Raises SeqganError for a prompt that leaves no room, or that is no sequence of the run's numbers.
    """
    settings, vocabulary = trained.config.settings, trained.corpus.vocabulary
    most = trained.generator.sequence_length - vocabulary.has_eos
    known, prompts, unknown = {*vocabulary.tokens}, list[list[int]](), dict[str, None]()
    for text in texts:
        tokens = settings.kind.prompt(text, settings)[:first]
        if len(tokens) >= most:
            option = "" if settings.kind.has_sources else f", as --prompt-tokens {max(1, most // 2)} does"
            raise SeqganError(
                f"The prompt {_shortened(text)} has {len(tokens)} tokens, and sequences of {trained.run.path} {most} at most: "
                f"make it shorter{option}."
            )
        try:
            prompts.append(vocabulary.encode(tokens))
        except ValueError as error:
            raise SeqganError(f"The prompt {_shortened(text)}: {error}") from None
        vocabulary.refuse_unknown_labels(tokens, str(trained.run.path))
        unknown.update(dict.fromkeys(token for token in tokens if token not in known))
    return prompts, list(unknown)


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def told_unknown(unknown: list[str]) -> str:
    """A sentence of what prompts hold and the run does not know."""
    more = f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
    return f"Unknown to the run, and read as <unk>: {', '.join(unknown[:NAMED])}{more}."


def shorten(trained: Trained, most: int) -> None:
    """Have sequences end after so many tokens at most. Raises SeqganError for more than the run's have."""
    vocabulary, generator = trained.corpus.vocabulary, trained.generator
    if most + vocabulary.has_eos > generator.sequence_length:
        own = generator.sequence_length - vocabulary.has_eos
        raise SeqganError(f"--max-length {most}: sequences of {trained.run.path} have {own} tokens at most.")
    generator.sequence_length = most + vocabulary.has_eos


def drawn(
    trained: Trained,
    num: int,
    seed: int,
    sampling: "Sampling",
    prompts: Prompts | None = None,
    correction: "Correction | None" = None,
) -> Iterator[tuple["np.ndarray", int]]:
    """`num` samples, or so many of each prompt: ids int32 `[T]`, and how many of them are the prompt's."""
    from seqgan_cli.randomness import key
    from seqgan_cli.sampling.continuation import continuations
    from seqgan_cli.sampling.sequences import samples

    if correction:  # as many draws as it takes, so that each prompt has its own
        for i, prompt in enumerate([[]] if prompts is None else prompts):
            batches = batches_of_prompt(trained, seed, sampling, None if prompts is None else prompt, i, correction)
            kept = itertools.islice(itertools.chain.from_iterable(batches), num)
            yield from ((ids, len(prompt)) for ids in kept)
        return
    drawing = key(seed, "sample")
    if prompts is None:
        rows = itertools.chain.from_iterable(samples(trained.generator, drawing, sampling))
        yield from ((ids, 0) for ids in itertools.islice(rows, num))
        return
    each = (prompt for prompt in prompts for _ in range(num))
    batches = continuations(trained.generator, each, drawing, sampling)
    lengths = (len(prompt) for prompt in prompts for _ in range(num))
    yield from zip(itertools.chain.from_iterable(batches), lengths, strict=True)


def batches_of_prompt(
    trained: Trained,
    seed: int,
    sampling: "Sampling",
    prompt: list[int] | None,
    number: int,
    correction: "Correction | None" = None,
) -> Iterator["np.ndarray"]:
    """Batches int32 `[rows, T]` without end, of the prompt with that number, or of none."""
    from seqgan_cli.randomness import key
    from seqgan_cli.sampling.continuation import continuations
    from seqgan_cli.sampling.sequences import samples

    if prompt is None:
        drawing = key(seed, "sample")
        batches = samples(trained.generator, drawing, sampling)
    else:
        drawing = key(seed, "sample", "prompt", number)
        batches = continuations(trained.generator, itertools.repeat(prompt), drawing, sampling)
    return correction.accept(batches, drawing) if correction else batches


class Fresh:
    """As `drawn`, without what was there before (`unique`) or the training set has (`novel`); each prompt has its own draws.

    It ends early where PATIENCE draws in succession bring nothing new; `check` tells.

    Raises SeqganError for `novel` where the training set is not in memory.
    """

    def __init__(
        self,
        trained: Trained,
        num: int,
        seed: int,
        sampling: "Sampling",
        prompts: Prompts | None,
        unique: bool,
        novel: bool,
        correction: "Correction | None" = None,
    ) -> None:
        if novel and trained.corpus.shards is not None:
            raise SeqganError("--novel needs all training sequences in memory, and those of prepared data are read from disk.")
        self.trained, self.num, self.seed, self.sampling, self.prompts = trained, num, seed, sampling, prompts
        self.unique, self.correction, self._short = unique, correction, ""
        self._known = set(map(self._digest, trained.corpus.train)) if novel else set[bytes]()

    def _digest(self, ids: "np.ndarray") -> bytes:
        own = ids[: self.trained.corpus.vocabulary.source_length(ids) + self.trained.corpus.vocabulary.length(ids)]
        return hashlib.blake2b(own.tobytes(), digest_size=16).digest()

    def __iter__(self) -> Iterator[tuple["np.ndarray", int]]:
        for i, prompt in enumerate([[]] if self.prompts is None else self.prompts):
            yield from ((ids, len(prompt)) for ids in self._of(prompt, i))

    def check(self) -> None:
        """Raises SeqganError if there were fewer than was asked for."""
        if self._short:
            raise SeqganError(self._short)

    def _of(self, prompt: list[int], number: int) -> Iterator["np.ndarray"]:
        own = None if self.prompts is None else prompt
        batches = batches_of_prompt(self.trained, self.seed, self.sampling, own, number, self.correction)
        left, idle = self.num, 0
        for ids in itertools.chain.from_iterable(batches):
            digest = self._digest(ids)
            if digest in self._known:
                idle += 1
                if idle == PATIENCE:
                    self._short = self._short or (
                        f"{self.num - left} of {self.num} samples: {PATIENCE} draws in succession brought nothing new. Ask for "
                        "fewer, or sample at a higher --temperature."
                    )
                    return
                continue
            if self.unique:
                self._known.add(digest)
            idle, left = 0, left - 1
            yield ids
            if not left:
                return
