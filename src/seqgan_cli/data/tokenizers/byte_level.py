"""What the trained tokenizers share: their tokens are of bytes, so that they say every text and give it back exactly."""

from __future__ import annotations

import abc
import contextlib
import importlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from seqgan_cli.config.schema import section, setting
from seqgan_cli.config.settings import Settings
from seqgan_cli.data.tokenizers.base import Tokenizer
from seqgan_cli.errors import SeqganError

# Where a text is cut before pieces of it are put together, so that none reaches over such an end: words with the space before
# them, numbers, marks. Radford et al. 2019, but that the combining marks of a letter, vowels of Thai and Hindi among them, are
# of its word.
PIECES = r"'(?:[sdmt]|ll|ve|re)| ?[\p{L}\p{M}]+| ?\p{N}+| ?[^\s\p{L}\p{M}\p{N}]+|\s+(?!\S)|\s+"


def _letters() -> dict[int, str]:
    """A visible character for each byte, as Radford et al. 2019 have it: itself, or one from Ā on."""
    visible = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in visible]
    return {**{byte: chr(byte) for byte in visible}, **{byte: chr(256 + i) for i, byte in enumerate(others)}}


LETTERS = _letters()
BYTES = {letter: byte for byte, letter in LETTERS.items()}
# Bytes of no line of text: the end of a line, zero, and those that UTF-8 never has.
IMPOSSIBLE = frozenset(LETTERS[byte] for byte in (0x00, 0x0A, 0xC0, 0xC1, *range(0xF5, 0x100)))


@section("data", "pretrain-g", fixed_by="corpus")
@dataclass(frozen=True)
class TrainedSettings:
    tokenizer_size: int = setting(
        1000, "bpe, unigram: tokens of the vocabulary, of which 241 are bytes", at_least=256, at_most=1 << 20
    )


def library(value: str) -> Any:
    """The package `tokenizers`. Raises SeqganError without it."""
    try:
        return importlib.import_module("tokenizers")
    except ImportError:
        told = f"--tokenizer {value} needs the package tokenizers: pip install 'seqgan-cli[tokenizers]'."
        raise SeqganError(told) from None


@contextlib.contextmanager
def in_order() -> Iterator[None]:
    """Have the package add up in one thread: in several the order, and so the last digits, would be chance."""
    name = "TOKENIZERS_PARALLELISM"
    before = os.environ.get(name)
    os.environ[name] = "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def read_kept(path: Path, value: str) -> Any:
    """The tokenizer of a JSON file. Raises SeqganError if it cannot be read."""
    module = library(value)
    try:
        return module.Tokenizer.from_str(path.read_bytes().decode())
    except OSError as error:
        raise SeqganError(f"Cannot read {path}: {error.strerror}.") from None
    except Exception as error:  # the package raises Exception itself
        raise SeqganError(f"{path} is no tokenizer of Hugging Face's tokenizers ({error}).") from None


class ByteLevel(Tokenizer):
    """Every text is kept. Tokens are not: those of a text are one way of many to cut it, and a generator may say another."""

    Section = TrainedSettings
    keeps_text = True
    spaces_cut = False
    marks = "within"
    trains = True
    is_kept = True
    unknown = "".join(LETTERS[byte] for byte in "\N{REPLACEMENT CHARACTER}".encode())
    model_of: ClassVar[str] = ""  # the class in `tokenizers.models`

    def __init__(self, made: Any = None) -> None:
        self._made = made
        if made is not None:
            numbered = sorted(made.get_vocab().items(), key=lambda each: each[1])
            self.alphabet = tuple(token for token, _ in numbered if not IMPOSSIBLE & {*token})

    @classmethod
    def make(cls, value: str, kept: Path | None = None) -> Self:
        return cls() if kept is None else cls(read_kept(kept, value))

    @classmethod
    def conflicts(cls, settings: Settings) -> Iterable[tuple[bool, str]]:
        data = settings.data
        for name, given in (("min-count", data.min_count > 1), ("max-vocab", data.max_vocab > 0)):
            yield (
                given,
                f"--{name} does not go with --tokenizer {cls.name}, whose tokens all stay: --tokenizer-size says how many.",
            )

    @property
    def is_trained(self) -> bool:
        return self._made is not None

    def split(self, text: str) -> Sequence[str]:
        if not self.is_trained:
            return [text] if text else []
        found: list[str] = self._made.encode(text, add_special_tokens=False).tokens
        return found

    def join(self, tokens: Sequence[str]) -> str:
        """Bytes that are no text, as a generator may say them, are written as replacement characters."""
        return self._bytes(tokens).decode("utf-8", errors="replace")

    def text_of(self, token: str) -> str:
        return self._bytes([token]).decode("utf-8", errors="ignore")

    def shown(self, token: str) -> str:
        try:
            return self._bytes([token]).decode()
        except UnicodeDecodeError:
            return token

    def _bytes(self, tokens: Sequence[str]) -> bytes:
        """What is no letter of a byte, as in the names of special tokens, stands for itself."""
        return b"".join(bytes([BYTES[c]]) if c in BYTES else c.encode() for token in tokens for c in token)

    def trained(self, texts: Iterable[str], size: int) -> Self:
        module = library(self.name)
        made = module.Tokenizer(getattr(module.models, self.model_of)())
        pieces = module.pre_tokenizers.Split(module.Regex(PIECES), "isolated")
        letters = module.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        made.pre_tokenizer = module.pre_tokenizers.Sequence([pieces, letters])
        made.decoder = module.decoders.ByteLevel()
        with in_order():
            made.train_from_iterator(texts, self.trainer(module, size + len(IMPOSSIBLE)))
        return type(self)(module.Tokenizer.from_str(json.dumps(self.settled(json.loads(made.to_str())))))

    @abc.abstractmethod
    def trainer(self, module: Any, size: int) -> Any:
        """What trains the model to so many tokens, every byte among them."""

    def settled(self, record: dict[str, Any]) -> dict[str, Any]:
        """The trained tokenizer's JSON without what chance decides in it."""
        return record

    def content(self) -> bytes:
        return f"{self._made.to_str(pretty=False)}\n".encode()
