"""Samples of a run as lines, in the forms that `sample` writes."""

import itertools
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from seqgan_cli.errors import SeqganError
from seqgan_cli.jobs.trained import Trained

if TYPE_CHECKING:
    import numpy as np

    from seqgan_cli.data.kinds.base import Detokenizer
    from seqgan_cli.sampling.choices import Sampling

Prompts = list[list[int]]  # token ids of each
NAMED = 3  # unknown tokens that a warning names


def prompts_of(trained: Trained, texts: Iterable[str]) -> tuple[Prompts, list[str]]:
    """Prompts in the run's own tokens, and of these the ones it does not know, each once, which are read as `<unk>`.

    Raises SeqganError for a prompt that leaves no room, or that is no sequence of the run's numbers.
    """
    settings, vocabulary = trained.config.settings, trained.corpus.vocabulary
    most = trained.corpus.sequence_length - vocabulary.has_eos
    known, prompts, unknown = {*vocabulary.tokens}, list[list[int]](), dict[str, None]()
    for text in texts:
        tokens = settings.kind.prompt(text, settings)
        if len(tokens) >= most:
            raise SeqganError(
                f"The prompt {_shortened(text)} has {len(tokens)} tokens, and sequences of {trained.run.path} {most} at most: "
                "make it shorter."
            )
        try:
            prompts.append(vocabulary.encode(tokens))
        except ValueError as error:
            raise SeqganError(f"The prompt {_shortened(text)}: {error}") from None
        unknown.update(dict.fromkeys(token for token in tokens if token not in known))
    return prompts, list(unknown)


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def told_unknown(unknown: list[str]) -> str:
    """A sentence of what prompts hold and the run does not know."""
    more = f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
    return f"Unknown to the run, and read as <unk>: {', '.join(unknown[:NAMED])}{more}."


def drawn(
    trained: Trained, num: int, seed: int, sampling: "Sampling", prompts: Prompts | None = None
) -> Iterator[tuple["np.ndarray", int]]:
    """`num` samples, or so many of each prompt: ids int32 `[T]`, and how many of them are the prompt's."""
    from seqgan_cli.randomness import key
    from seqgan_cli.sampling.continuation import continuations
    from seqgan_cli.sampling.sequences import samples

    drawing = key(seed, "sample")
    if prompts is None:
        rows = itertools.chain.from_iterable(samples(trained.generator, drawing, sampling))
        yield from ((ids, 0) for ids in itertools.islice(rows, num))
        return
    each = (prompt for prompt in prompts for _ in range(num))
    batches = continuations(trained.generator, each, drawing, sampling)
    lengths = (len(prompt) for prompt in prompts for _ in range(num))
    yield from zip(itertools.chain.from_iterable(batches), lengths, strict=True)


def sample_lines(
    trained: Trained, rows: Iterable[tuple["np.ndarray", int]], form: str, with_prompt: bool = True
) -> Iterator[str]:
    """Samples in that form (text, line, raw, ids or jsonl), one at a time. `rows`: see `drawn`."""
    settings = trained.config.settings
    written = settings.kind.detokenizer(settings, trained.corpus.vocabulary)
    for ids, given in rows:
        if form == "jsonl":
            yield json.dumps(_record(written, ids, given), ensure_ascii=False)
        elif form in ("ids", "raw"):
            shown = ids if with_prompt else ids[given:]
            yield written.raw(shown) if form == "raw" else " ".join(map(str, written.numbers(shown)))
        else:
            page = {"text": written.page, "line": written.line}[form]
            yield page(ids) if with_prompt or not given else _rest(written, page(ids), page(ids[:given]))


def _record(written: "Detokenizer", ids: "np.ndarray", given: int) -> dict[str, object]:
    """What `jsonl` says of a sample, and if it has a prompt, of that and of what follows it."""
    record: dict[str, object] = {"text": written.line(ids), "ids": written.numbers(ids)}
    if given:
        prompt = written.line(ids[:given])
        record |= {"prompt": prompt, "continuation": _rest(written, written.line(ids), prompt)}
    return record


def _rest(written: "Detokenizer", text: str, prompt: str) -> str:
    """What a text says after its prompt; the space between two tokens belongs to neither."""
    shared = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(text, prompt, strict=False))
    rest = text[sum(1 for _ in shared) :]
    return rest.removeprefix(" ") if written.spaced else rest
