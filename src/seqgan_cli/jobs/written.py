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
        if written.source is not None:
            forms = {"text": written.page, "line": written.line, "raw": written.raw}
            text = forms.get(form, lambda ids: _numbers(written, ids))
            yield written.with_source(ids, text(ids)) if with_prompt else text(ids)
            continue
        if form in ("ids", "raw"):
            shown = ids if with_prompt else ids[given:]
            yield written.raw(shown) if form == "raw" else _numbers(written, shown)
        else:
            page = {"text": written.page, "line": written.line}[form]
            yield page(ids) if with_prompt or not given else _rest(written, page(ids), page(ids[:given]))


def _numbers(written: "Detokenizer", ids: "np.ndarray") -> str:
    return " ".join(map(str, written.numbers(ids)))


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
            if written.source is not None:
                record = {"source": written.source(ids), **record}
            elif given:
                prompt = written.line(ids[:given])
                record |= {"prompt": prompt, "continuation": _rest(written, written.line(ids), prompt)}
            yield record


class ReadBack:
    """Counts samples whose text is read as other tokens than theirs, of a tokenizer that does not keep all tokens."""

    def __init__(self, trained: Trained) -> None:
        self.settings, self.vocabulary = trained.config.settings, trained.corpus.vocabulary
        kept = not self.settings.kind.tokenizes or not self.vocabulary.has_special_tokens
        self.needed = not kept and not self.settings.tokenizer.keeps_tokens
        self.samples = self.cut_otherwise = self.damaged = 0

    def of(self, rows: "Iterable[tuple[np.ndarray, int]]") -> "Iterator[tuple[np.ndarray, int]]":
        """The samples, as they are, which are counted."""
        for ids, given in rows:
            if self.needed:
                self._see(self.vocabulary.decode(ids))
            yield ids, given

    def _see(self, tokens: list[str]) -> None:
        text = self.settings.tokenizer.join(tokens)
        self.samples += 1
        otherwise = self.settings.kind.target(text, self.settings) != tokens
        self.cut_otherwise += otherwise
        self.damaged += otherwise and "\N{REPLACEMENT CHARACTER}" in text

    def told(self) -> str:
        """A sentence of it; empty where there is nothing to say."""
        if not self.cut_otherwise:
            return ""
        name = self.settings.data.tokenizer
        damaged = f", {self.damaged} of them with bytes that are no character and are written as �" if self.damaged else ""
        return (
            f"The text of {self.cut_otherwise} of {self.samples} samples is read by {name} as other tokens than they have"
            f"{damaged}: --format ids or jsonl writes their own."
        )


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
