"""The kinds of data there are: how each is recognised, read, laid out as sequences, and written for people."""

import dataclasses
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seqgan_cli.config.settings import BUILT_IN, Data, Settings
from seqgan_cli.data.corpus import Corpus, Layout, corpus_of, read_vocabulary
from seqgan_cli.data.documents import Documents
from seqgan_cli.data.kinds.poems import is_opening, poem_layout, poem_lines, read_poems, title_end, verses_of, width_of
from seqgan_cli.data.midi.tracks import SUFFIXES
from seqgan_cli.data.split import read_parts
from seqgan_cli.data.text.lines import TOKENIZERS, lines_of, read_lines, text_layout
from seqgan_cli.data.tfrecord.shards import INDEX, Shards, is_prepared, read_index
from seqgan_cli.data.vocabulary import UNKNOWN, Vocabulary
from seqgan_cli.errors import SeqganError
from seqgan_cli.evaluation.metrics.music import PITCHES

LOOKED_AT = 50  # lines that tell poems from other text

Report = Callable[[int, int], None]


def vocabulary_size(data: Data) -> int | None:
    """V where tokens are numbers without special ones among them, else None."""
    if data.source == "oracle":
        return data.vocab_size
    return PITCHES if data.kind == "music" else None


def recognise(source: str) -> str:
    """The kind that a file, folder or built-in name is. Raises SeqganError for a folder without anything that is read."""
    if source in BUILT_IN:
        return BUILT_IN[source]
    path = Path(source)
    if is_prepared(source):
        return str(read_index(path)["settings"]["data.kind"])
    if path.is_dir():
        names = [file.suffix.lower() for file in itertools.islice(path.rglob("*"), 100_000)]
        if any(name in SUFFIXES for name in names):
            return "music"
        if ".json" in names:
            return "poems"
        raise SeqganError(f"{path} is a folder without .mid or .json files: name a file with one sequence a line.")
    if path.suffix.lower() in SUFFIXES:
        return "music"
    if path.suffix.lower() == ".json":
        return "poems"
    if path.exists() and not path.is_file():
        return "text"  # a pipe: what is looked at would be gone
    lines = [line for _, line in itertools.islice(lines_of(path), LOOKED_AT) if line]
    return "poems" if lines and sum(map(_is_poem, lines)) > 0.5 * len(lines) else "text"


def _is_poem(line: str) -> bool:
    """Whether a line is nothing but Chinese characters and marks, in four or more lines of five or of seven."""
    if not re.fullmatch(r"[\u3400-\u9fff\U00020000-\U0003ffff\W]+", line):
        return False
    return any(is_opening(verses_of(line[title_end(line, width) :], width), width) for width in (5, 7))


def read(source: str, data: Data, report: Report = lambda done, total: None, keep_blank: bool = False) -> Documents:
    """The documents of a file, folder or built-in name, of the kind that `data` says. Raises SeqganError.

    `keep_blank`: blank lines are documents without tokens.
    """
    if source == "speech":
        from seqgan_cli.data.kinds.speeches import read_speech

        return read_speech(data)
    if data.kind == "music":
        from seqgan_cli.data.kinds import music

        if source == "folk":
            return music.read_folk(data, report)
        if Path(source).is_dir() or Path(source).suffix.lower() in SUFFIXES:
            return music.read_music(Path(source), data, report)
        numbers = read_lines(Path(source), "whitespace", False, keep_blank=keep_blank)
        return numbers_of(numbers, PITCHES, "--kind music needs MIDI or pitch ids")
    if data.kind == "poems":
        return read_poems(Path(source), data)
    return _text(Path(source), data, keep_blank=keep_blank)


def _text(path: Path, data: Data, spaces: bool = False, keep_blank: bool = False) -> Documents:
    documents = read_lines(path, data.tokenizer, data.lowercase, data.markers, spaces, keep_blank)
    return numbers_of(documents, None, "--kind text takes any tokens") if data.kind == "ids" else documents


def numbers_of(documents: Documents, below: int | None, hint: str) -> Documents:
    """The documents of a file's lines, whose tokens are to be whole numbers. Raises SeqganError for the first that is none.

    They come back without leading zeros, as the names of the vocabulary's tokens are: 01 is 1. Among those without a bound
    `<unk>` may stand, as it does where `corpus --write` had no number.
    """
    numbers: dict[str, int] = {}
    renumbered = np.empty(len(documents.tokens), np.int32)
    known = None if below is None else {*map(str, range(below))}
    for i, token in enumerate(documents.tokens):
        plain = token.lstrip("0") or "0"
        if known is None and token == UNKNOWN:
            plain = token
        elif not (token.isascii() and token.isdecimal() and (known is None or plain in known)):
            document = int(np.searchsorted(documents.offsets, int(np.argmax(documents.ids == i)), side="right")) - 1
            kind = "whole number" if below is None else f"number from 0 to {below - 1}"
            raise SeqganError(f"{documents.source}, line {documents.lines[document]}: {token[:30]!r} is no {kind}; {hint}.")
        renumbered[i] = numbers.setdefault(plain, len(numbers))
    if [*numbers] == documents.tokens:
        return documents
    notes = (*documents.notes, "Numbers are read without leading zeros: 01 is 1.")
    return dataclasses.replace(documents, ids=renumbered[documents.ids], tokens=[*numbers], notes=notes)


def layout_of(documents: Documents, data: Data) -> Layout:
    """How documents of that kind become sequences."""
    if data.kind == "poems":
        return poem_layout(data)
    if data.kind == "music":
        from seqgan_cli.data.kinds.music import windows

        def fit(documents: Documents, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return windows(documents, chosen, data.window, data.stride)

        numbers = Vocabulary(size=PITCHES)
        return Layout("tune", data.window, fit, overlong="", tokens="pitches", ended=False, vocabulary=numbers)
    return text_layout(documents, data, "paragraph" if data.kind == "speeches" else "line")


def prepared_corpus(folder: Path) -> Corpus:
    """The corpus that a folder was prepared with. Raises SeqganError if it is damaged."""
    index = read_index(folder)
    shards = Shards.of_record(index["shards"], folder.absolute())
    shards.check()
    again, seed = "prepare it anew", index["seed"]
    train, held_out = read_parts(folder, seed, again)
    tables = {"train": train, **{name: part.tokens for name, part in held_out.items()}}
    size = PITCHES if index["settings"]["data.kind"] == "music" else None
    vocabulary = read_vocabulary(folder / "vocabulary.txt", size, (*tables.values(),))
    for name, table in tables.items():
        if table.dtype != np.int32 or table.ndim != 2 or table.shape[1] != shards.sequence_length or not len(table):
            raise SeqganError(f"{folder / name}.npz is no table of the sequences that {INDEX} tells of: {again}.")
    if vocabulary.size != shards.vocab_size:
        raise SeqganError(f"{folder / 'vocabulary.txt'} has {vocabulary.size} tokens of {shards.vocab_size}: {again}.")
    return Corpus(train, held_out, vocabulary, tuple(index["summary"]), shards, seed)


def real_corpus(settings: Settings, report: Report = lambda done, total: None) -> tuple[Corpus, Documents | None]:
    """Read, split, number and pad a corpus that is not the oracle's; and what was read, if it was not prepared before.

    Raises SeqganError for what cannot be trained on.
    """
    data = settings.data
    if is_prepared(data.source):
        return prepared_corpus(Path(data.source)), None
    documents = read(data.source, data, report)
    test = read(data.test, data, report) if data.test else None
    return corpus_of(documents, test, layout_of(documents, data), data, settings.seed), documents


@dataclass(frozen=True)
class Writing:
    """How sequences are written. Each function takes ids int `[T]`.

    line: on one line, for people; page: as it is printed, without its last newline; raw: on one line, token by token; numbers:
    what programs read, the tokens where they are numbers, else their ids. `sentences_of` reads the same tokens of line and raw.
    """

    line: Callable[[np.ndarray], str]
    page: Callable[[np.ndarray], str]
    raw: Callable[[np.ndarray], str]
    numbers: Callable[[np.ndarray], list[int | str]]


def writing(data: Data, vocabulary: Vocabulary) -> Writing:
    """How sequences of this kind are written; those of the oracle and of music are numbers with spaces."""
    decode = vocabulary.decode

    def ids_of(ids: np.ndarray) -> list[int | str]:
        return ids[: vocabulary.length(ids)].tolist()

    if data.kind == "poems":
        width = width_of(data.poem_form)
        return Writing(
            lambda ids: "".join(poem_lines(decode(ids), width)),
            lambda ids: "\n".join([*poem_lines(decode(ids), width), ""]),
            lambda ids: " ".join(decode(ids)),
            ids_of,
        )
    tokenizer = data.tokenizer if vocabulary.has_special_tokens else "whitespace"
    join = TOKENIZERS[tokenizer].join
    raw = _characters if tokenizer == "chars" else TOKENIZERS["whitespace"].join
    numbers: Callable[[np.ndarray], list[int | str]] = ids_of
    if data.kind == "ids":  # the number of a token that is a number is its own

        def numbers(ids: np.ndarray) -> list[int | str]:
            return [int(token) if token == "0" or re.fullmatch(r"[1-9]\d{0,17}", token) else token for token in decode(ids)]

    return Writing(lambda ids: join(decode(ids)), lambda ids: join(decode(ids)), lambda ids: raw(decode(ids)), numbers)


def _characters(tokens: list[str]) -> str:
    """Characters on a line, with a replacement character for one that is unknown, whose name would be read as several."""
    return "".join(token if len(token) == 1 else "\N{REPLACEMENT CHARACTER}" for token in tokens)


def sentences_of(path: Path, data: Data, samples: bool = False) -> Documents:
    """Samples or references from a file, to be scored: every one of them, whatever its length. Raises SeqganError.

    A blank line is no reference, and of samples one without tokens. Music is read from MIDI files, or from numbers with
    spaces. Among single characters the space at the ends of a line counts, as it does in samples.
    """
    if path.is_file() and path.suffix.lower() not in (*SUFFIXES, ".json"):
        first = next((line for _, line in lines_of(path)), "")
        if first.startswith('{"text": ') and first.endswith("}"):
            raise SeqganError(f"{path} is of --format jsonl: `sample --format raw` writes what is read here.")
    if data.kind == "poems":
        documents = read_poems(path, data, once=False, keep_blank=samples)
    elif data.kind in ("text", "speeches") and data.tokenizer == "chars":
        documents = _text(path, data, spaces=True, keep_blank=samples)
    else:
        documents = read(str(path.absolute()), data, keep_blank=samples)  # a file may be called speech or folk
    if blank := int((documents.lengths == 0).sum()):
        note = f"{blank} of {len(documents)} lines are blank, each a sample without tokens"
        documents = dataclasses.replace(documents, notes=(*documents.notes, f"{note}."))
    return documents
