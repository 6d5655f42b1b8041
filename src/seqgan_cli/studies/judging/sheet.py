"""A blind sheet of real and generated items, shuffled, and the key that tells which is which (the paper, §4.2).

A sheet depends on its items and the seed alone and never on which source an item is from: that stands in the key beside it.
"""

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from seqgan_cli import files
from seqgan_cli.console import Console
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.data.sources.opening import real_corpus
from seqgan_cli.data.tfrecord.shards import is_prepared
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.randomness import key as draw_key
from seqgan_cli.randomness import rng
from seqgan_cli.runs.generators import generator_checkpoint, read_generator
from seqgan_cli.runs.run import Run
from seqgan_cli.sampling.sequences import samples

# What makes a spreadsheet run a cell as a formula when it comes first; the wide ones where Chinese or Japanese is spoken.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
LARGEST = 32 << 20  # bytes of a file that is read back; a sheet of a thousand poems has under one million
# Letters for the digits of a sheet's name: no spreadsheet takes them for a number, and they spell nothing.
LETTERS = str.maketrans("0123456789abcdef", "bcdfghjkmnpqrstv")
DRAWS = 50  # samples drawn for each one wanted, before a generator is taken to have no more that differ


@dataclass(frozen=True)
class Melody:
    """A tune: pitches 0 … 88, where the MIDI note is pitch + 20 and 0 a rest, one every `step` seconds."""

    pitches: tuple[int, ...]
    step: float


Item = str | Melody


def _plain(item: Item) -> str:
    """As JSON: what a sheet's order and name are made from."""
    return json.dumps(item if isinstance(item, str) else asdict(item))


@dataclass(frozen=True)
class Sheet:
    """What a judge gets: the sheet's name, and the items as they are shown, numbered from 1."""

    name: str
    items: tuple[Item, ...]

    def html(self) -> bytes:
        """A page that needs nothing else and sends nothing anywhere; it saves the answers as a file."""
        import jinja2

        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
        )
        data = {"sheet": self.name, "items": [item if isinstance(item, str) else asdict(item) for item in self.items]}
        melodies = any(isinstance(item, Melody) for item in self.items)
        page = environment.get_template("judge.html").render(data=data, count=len(self.items), melodies=melodies)
        return page.encode(errors="replace")

    def csv(self) -> bytes:
        """A table with a column to fill in. A cell that a spreadsheet would run as a formula begins with an apostrophe.

        Raises UsageError for melodies, which nobody judges by their numbers.
        """
        texts = [item for item in self.items if isinstance(item, str)]
        if len(texts) < len(self.items):
            raise UsageError("Melodies are to be heard, which a table cannot do: make a page, as with -o sheet.html.")
        rows = [("item", "text", "answer")]
        for number, text in enumerate(texts, 1):
            quote = "'" if text.startswith(FORMULA) else ""
            rows.append((f"{self.name}-{number}", quote + text, ""))
        # Without the mark at its beginning, Excel takes it for no UTF-8.
        return files.csv_text(rows, "\r\n").encode("utf-8-sig", errors="replace")


@dataclass(frozen=True)
class Key:
    """What a judge must not see: the sources of a sheet, and for each of its items those that have it, one or more."""

    sheet: str
    sources: tuple[str, ...]
    items: tuple[tuple[str, ...], ...]

    def json(self) -> bytes:
        return (json.dumps(asdict(self), indent=1) + "\n").encode()


def make_sheet(sources: Mapping[str, Sequence[Item]], seed: int) -> tuple[Sheet, Key]:
    """Shuffle the items of all sources, each of which stands on the sheet once.

    An item that several sources have is shown once and counts for each of them: shown twice it would give itself away, and left
    out it would spare a generator that copies. The order is a shuffle of the sorted items, so that not even who knows the seed
    can tell a source by it: the same items of other sources give the same sheet.
    """
    sources_of: dict[Item, list[str]] = {}
    for name, items in sources.items():
        for item in dict.fromkeys(items):
            sources_of.setdefault(item, []).append(name)
    ordered = sorted(sources_of, key=_plain)
    shown = tuple(ordered[i] for i in rng(seed, "judge", "order").permutation(len(ordered)))
    digest = hashlib.blake2b(json.dumps([seed, *map(_plain, shown)]).encode(), digest_size=5)
    sheet = Sheet(digest.hexdigest().translate(LETTERS), shown)
    return sheet, Key(sheet.name, tuple(sources), tuple(tuple(sources_of[item]) for item in shown))


def read_text(path: Path) -> str:
    """The text of a file that people had in their hands. Raises SeqganError if it is none."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        raise SeqganError(f"Cannot read {path}: {error.strerror}.") from None
    if len(raw) > LARGEST:
        raise SeqganError(f"{path} is larger than {LARGEST >> 20} MB, which no sheet or its answers are.")
    if b"\0" in raw:
        raise SeqganError(f"{path} holds zero bytes, so it is no UTF-8 text: save it as CSV in UTF-8, or as the page saves it.")
    return raw.decode("utf-8-sig", errors="replace")


def read_key(path: Path) -> Key:
    """Raises SeqganError if it is damaged or no key."""
    text = read_text(path)
    try:
        record = json.loads(text)
        sheet, sources, items = record["sheet"], tuple(record["sources"]), tuple(map(tuple, record["items"]))
        whole = isinstance(sheet, str) and sources and items and all(isinstance(name, str) for name in sources)
        whole = whole and all(names and set(names) <= set(sources) for names in items)
    except (ValueError, KeyError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise SeqganError(f"{path} is damaged or no key: name the .key.json that `seqgan judge make` wrote beside the sheet.")
    return Key(sheet, sources, items)


def find_key(sheet: str, folders: Iterable[Path]) -> Key:
    """The key of a sheet in one of the folders, by its name in the file. Raises SeqganError if none has it."""
    for folder in dict.fromkeys(folders):
        for path in sorted(folder.glob("*.key.json")):
            try:
                key = read_key(path)
            except SeqganError:
                continue
            if key.sheet == sheet:
                return key
    raise SeqganError(f"The key of sheet {sheet} is not beside the answers: name it with --key.")


def items_of(run: Run, corpus: Corpus, table: np.ndarray) -> Iterator[Item]:
    """What a judge sees or hears of sequences int `[n, T]`, in their order."""
    settings = run.config().settings
    written, step = settings.kind.detokenizer(settings, corpus.vocabulary), settings.kind.pitch_step(settings)
    for ids in table:
        if step is not None:
            yield Melody(tuple(map(int, corpus.vocabulary.decode(ids))), step)
        else:
            yield written.with_source(ids, written.page(ids)).strip()


def _file_corpus(run: Run, longest: int, source: str) -> Corpus:
    """What `source` holds, read and cut as the run's data are, so that samples differ from it in nothing but who wrote them.

    `longest`: tokens of the longest sample. The held-out part is the same as the other, which leaves no token unknown.
    """
    if is_prepared(source):
        raise UsageError(f"--real {source} is prepared for training: name the file that it was made from.")
    settings = run.config().settings
    every = {"data.validation": 0.0, "data.min-count": 1, "data.max-vocab": 0}
    of_source = {"data.source": source, "data.test": source, "data.max-length": longest}
    return real_corpus(settings.changed({**every, **of_source}))[0]


def real_items(run: Run, source: str | None, num: int, seed: int, console: Console) -> dict[str, list[Item]]:
    """The real items under their source's name, in a random choice. Raises SeqganError if there are none.

    Sequences with `<unk>` are left out: generators write none, so judges would know them at sight.
    """
    corpus = run.corpus()
    name, table = f"held out from {run.path}", corpus.test
    if source is not None:
        corpus = _file_corpus(run, corpus.sequence_length, source)
        name, table = f"real, {source}", corpus.train
    known = corpus.without_unk(table)
    if len(known) < len(table):
        console.say(f"{name}: {len(table) - len(known)} of {len(table)} sequences hold <unk> and are left out.")
    table = known
    if not len(table):
        raise SeqganError(f"{name}: no sequence is without <unk>; give real ones with --real FILE.")
    shuffled = table[rng(seed, "judge", "real").permutation(len(table))]
    return {name: _distinct(items_of(run, corpus, shuffled), num)}


def sampled_items(run: Run, which: str, num: int, at: tuple[int, int], console: Console) -> list[Item]:
    """The first `num` different samples of a run's generator, or what it has. `at`: the seed, and which source this is."""
    corpus = run.corpus()
    checkpoint = generator_checkpoint(run, which, console.warn)
    console.note(f"{run.path}: {checkpoint.path.parent.name}, {checkpoint.position}.")
    drawn = samples(read_generator(run, checkpoint, corpus), draw_key(at[0], "judge", "samples", at[1]))
    items = (item for batch in drawn for item in items_of(run, corpus, batch))
    return _distinct(itertools.islice(items, DRAWS * num), num)


def _distinct(items: Iterator[Item], num: int) -> list[Item]:
    """The first `num` different ones, or all there are."""
    found: dict[Item, None] = {}
    for item in items:
        found[item] = None
        if len(found) == num:
            break
    return list(found)
