"""What an oracle's file says besides its weights: a generator's settings, its vocabulary, and how its samples are written.

The `.npz` holds `facts`, JSON as uint8 `[n]`; the weights by the names of `weight_names`, float32; and `tokenizer`, what a run
keeps of one, as uint8 `[n]`, if its name does not say it all. A file without `facts` is the paper's LSTM over ids.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from seqgan_cli.arrays import read_arrays
from seqgan_cli.config import registry
from seqgan_cli.config.settings import SCHEMA, Settings
from seqgan_cli.data.vocabulary import SPECIAL, TOKENIZER, Vocabulary, is_mark
from seqgan_cli.errors import SeqganError
from seqgan_cli.lazy import np

FACTS, FORMAT = "facts", 1
READING = ("data.tokenizer", "data.lowercase", "data.normalize", "data.markers")  # how texts are cut, and joined again
CONTENT = "tokenizer"


@dataclass(frozen=True)
class Description:
    """generator: its settings by dotted name; tokens: the ordinary ones in id order, None where no token is special; data: the
    settings that say how its sequences are written, none where they are numbers."""

    generator: Mapping[str, Any]
    sequence_length: int
    vocab_size: int
    tokens: tuple[str, ...] | None
    has_eos: bool
    data: Mapping[str, Any]
    tokenizer: bytes = field(default=b"", repr=False)

    @property
    def vocabulary(self) -> Vocabulary:
        if self.tokens is None:
            return Vocabulary(size=self.vocab_size)
        return Vocabulary(self.tokens, has_eos=self.has_eos)

    def settled(self) -> dict[str, Any]:
        """What the data of a run on it have as settings, by name."""
        return {"data.vocab-size": self.vocab_size, "data.sequence-length": self.sequence_length, **self.data}

    def arrays(self) -> dict[str, np.ndarray]:
        """As the file holds them, but for the weights."""
        facts = {name: value for name, value in asdict(self).items() if name != CONTENT}
        content = json.dumps({"format": FORMAT, **facts}, sort_keys=True).encode()
        of_tokenizer = {CONTENT: np.frombuffer(self.tokenizer, np.uint8)} if self.tokenizer else {}
        return {FACTS: np.frombuffer(content, np.uint8), **of_tokenizer}

    def tokenizer_of(self, settings: Settings) -> Any:
        """The tokenizer of the settings where it is more than its name, else None. Raises SeqganError if it is damaged."""
        if not self.tokenizer:
            return None
        with tempfile.TemporaryDirectory() as folder:
            kept = Path(folder) / TOKENIZER.name
            kept.write_bytes(self.tokenizer)
            try:
                return Settings(settings.values, kept).tokenizer
            except SeqganError as error:
                raise SeqganError(str(error).replace(str(kept), "the oracle's tokenizer")) from None


def described(vocabulary: Vocabulary, length: int, generator: Mapping[str, Any], settings: Settings, kept: Any) -> Description:
    """Of a run's generator with those settings; `kept`: the tokenizer that the run keeps, if it keeps one."""
    words = vocabulary.tokens[len(SPECIAL) :] if vocabulary.has_special_tokens else None
    data: dict[str, Any] = {}
    if settings.data.kind not in registry.kinds.beside or not settings.data.synthetic:
        names = [*READING, *settings.kind.writing] if words is not None else settings.kind.writing
        data = {"data.kind": settings.kind.name, **{name: settings.values[name] for name in names}}
    content = kept.content() if kept and words is not None else b""
    return Description(dict(generator), length, vocabulary.size, words, vocabulary.has_eos, data, content)


def weight_names(weights: Iterable[Any]) -> list[str]:
    """Of a generator's variables, in their order."""
    return [f"generator/{i}.{weight.name}" for i, weight in enumerate(weights)]


def read_oracle_file(path: Path) -> tuple[dict[str, np.ndarray], Description | None]:
    """The arrays of an oracle's file but those of the description, and that, None of a file that has none.

    Raises SeqganError if it is none; pickled arrays are refused, never opened.
    """
    try:
        arrays = read_arrays(path)
    except OSError as error:
        raise SeqganError(f"Cannot read the oracle {path}: {error.strerror or error}.") from None
    except ValueError as error:
        raise SeqganError(f"Cannot read the oracle {path}: {error}.") from None
    if FACTS not in arrays:
        return arrays, None
    content, kept = arrays.pop(FACTS), arrays.pop(CONTENT, None)
    try:
        facts = json.loads(content.tobytes())
        if facts["format"] != FORMAT:
            raise SeqganError(f"{path} is an oracle of format {facts['format']!r}, which a later version wrote: update seqgan.")
        return arrays, _checked(facts, b"" if kept is None else kept.tobytes())
    except KeyError as error:
        raise SeqganError(f"{path} is no oracle: its facts have no {error}.") from None
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise SeqganError(f"{path} is no oracle: its facts are damaged ({error}).") from None


def _checked(facts: Mapping[str, Any], tokenizer: bytes) -> Description:
    """Raises KeyError for what is missing, TypeError or ValueError (as UsageError is told) for what is wrong."""
    words, size, length = facts["tokens"], facts["vocab_size"], facts["sequence_length"]
    if type(size) is not int or type(length) is not int or size < 2 or length < 1:
        raise ValueError(f"{size!r} tokens, sequences of {length!r}")
    if type(facts["has_eos"]) is not bool:
        raise ValueError(f"has_eos is {facts['has_eos']!r}")
    if words is not None:
        named = {word for word in words if isinstance(word, str) and word not in SPECIAL and "\n" not in word}
        if type(words) is not list or len(named) != len(words) or any(map(is_mark, named)):
            raise ValueError("its tokens are no list of different words")
        if size != len(SPECIAL) + len(words):
            raise ValueError(f"{len(words)} words make no {size} tokens")
    sections = {"generator": dict(facts["generator"]), "data": dict(facts["data"])}
    for section, values in sections.items():
        for name, value in values.items():
            if not name.startswith(f"{section}.") or name not in SCHEMA:
                raise ValueError(f"{name!r} is no setting")
            try:
                values[name] = SCHEMA[name].check(value)
            except SeqganError as error:
                raise ValueError(str(error).rstrip(".")) from None
    data = sections["data"]
    if words is not None and "data.kind" not in data:
        raise KeyError("data.kind")
    if tokenizer == b"" and registry.tokenizers.component(data.get(READING[0], SCHEMA[READING[0]].default)).is_kept:
        raise KeyError(CONTENT)
    if data:
        kind = registry.kinds[data["data.kind"]]
        if kind.synthetic or kind.has_sources:
            raise ValueError(f"data.kind is {kind.name}")
        if others := sorted(data.keys() - {"data.kind", *READING, *kind.writing}):
            raise ValueError(f"{others[0]!r} does not say how sequences are written")
    return Description(
        sections["generator"], length, size, None if words is None else tuple(words), facts["has_eos"], data, tokenizer
    )
