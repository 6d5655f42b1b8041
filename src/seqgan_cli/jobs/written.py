"""Samples of a run as lines, in the forms that `sample` writes."""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TextIO

from seqgan_cli.errors import ReaderGone
from seqgan_cli.jobs.trained import Trained

if TYPE_CHECKING:
    import numpy as np

    from seqgan_cli.data.kinds.base import Detokenizer

    More = Callable[[np.ndarray], list[dict[str, Any]]]  # of ids int32 `[n, T]`: fields of n records

AT_ONCE = 1024  # samples whose likelihood is asked for together


def sample_lines(
    trained: Trained,
    rows: Iterable[tuple["np.ndarray", int]],
    form: str,
    with_prompt: bool = True,
    more: "More | None" = None,
) -> Iterator[str]:
    """Samples in that form (text, line, raw, ids or jsonl), one at a time. `rows`: see `drawn`; `more`: see `records_of`."""
    settings = trained.config.settings
    written = settings.kind.detokenizer(settings, trained.corpus.vocabulary)
    if form == "jsonl":
        yield from (json.dumps(record, ensure_ascii=False) for record in records_of(trained, rows, more))
        return
    for ids, given in rows:
        if form in ("ids", "raw"):
            shown = ids if with_prompt else ids[given:]
            yield written.raw(shown) if form == "raw" else " ".join(map(str, written.numbers(shown)))
        else:
            page = {"text": written.page, "line": written.line}[form]
            yield page(ids) if with_prompt or not given else _rest(written, page(ids), page(ids[:given]))


def records_of(
    trained: Trained, rows: Iterable[tuple["np.ndarray", int]], more: "More | None" = None
) -> Iterator[dict[str, Any]]:
    """What `jsonl` says of samples: also −log G in nats, of the distribution as it is, and of one with a prompt its parts.

    `more`: gives further fields; some samples are in memory at a time.
    """
    import numpy as np

    from seqgan_cli.sampling.likelihood import sequence_nll

    written = trained.config.settings.kind.detokenizer(trained.config.settings, trained.corpus.vocabulary)
    left = iter(rows)
    while chunk := list(itertools.islice(left, AT_ONCE)):
        table = np.stack([ids for ids, _ in chunk])
        losses, further = sequence_nll(trained.generator, table).tolist(), more(table) if more else [{} for _ in chunk]
        for (ids, given), nll, own in zip(chunk, losses, further, strict=True):
            record = {"text": written.line(ids), "ids": written.numbers(ids), "nll": round(nll, 4), **own}
            if given:
                prompt = written.line(ids[:given])
                record |= {"prompt": prompt, "continuation": _rest(written, written.line(ids), prompt)}
            yield record


def _rest(written: "Detokenizer", text: str, prompt: str) -> str:
    """What a text says after its prompt; the space between two tokens belongs to neither."""
    shared = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(text, prompt, strict=False))
    rest = text[sum(1 for _ in shared) :]
    return rest.removeprefix(" ") if written.spaced else rest


def write_lines(lines: Iterable[str], file: TextIO) -> None:
    """A line each. Raises ReaderGone where nobody reads on."""
    try:
        for line in lines:
            file.write(line + "\n")
        file.flush()
    except BrokenPipeError:
        raise ReaderGone from None
