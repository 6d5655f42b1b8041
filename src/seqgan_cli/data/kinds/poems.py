"""Classical Chinese poems of four lines: plain text or chinese-poetry JSON → characters, and back to lines with their marks."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from seqgan_cli.config.schema import section, setting
from seqgan_cli.config.settings import Settings
from seqgan_cli.data.corpus import Layout
from seqgan_cli.data.documents import Collector, Documents, counts_of
from seqgan_cli.data.inputs.chinese_poetry import json_poems
from seqgan_cli.data.inputs.named import files_of, is_one, label
from seqgan_cli.data.kinds.base import Detokenizer, Kind, Report, no_report
from seqgan_cli.data.text.records import WITH_COLUMNS, suffix_of, texts_of
from seqgan_cli.data.vocabulary import UNKNOWN, Vocabulary
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.lazy import np

VERSES = 4
STAND_IN = "ᛟ"  # a letter that stands for the one character that `<unk>` is, while a poem is cut into lines
LOOKED_AT = 1 << 20  # bytes of a JSON file that tell whether it is of poems
MIXED = 0.05  # share of the rarer script from which a corpus is called mixed; variants alone make up to half of it


@section("data", "pretrain-g", fixed_by="corpus")
@dataclass(frozen=True)
class PoemSettings:
    poem_form: str = setting("5x4", "poems: characters a line, and lines", choices=("5x4", "7x4"))
    whole: bool = setting(False, "poems: only those of four lines, not the first four of longer ones")


class Poems(Kind):
    """Quatrains, a character a token."""

    name = "poems"
    meaning = "Chinese quatrains"
    rank = 1
    Section = PoemSettings
    writing = ("data.poem-form",)
    suffixes = (".json",)
    defaults: ClassVar[Mapping[str, Any]] = {"data.tokenizer": "chars"}
    uses = frozenset({"data.min-count", "data.max-vocab", "data.strict"})
    quality = ("bleu_2",)
    extra_scores = ()
    several = True
    experiment = "Chinese quatrains"

    @classmethod
    def is_of(cls, lines: list[str]) -> bool:
        return sum(map(_is_poem, lines)) > 0.5 * len(lines)

    @classmethod
    def is_file_of(cls, path: Path, column: str = "") -> bool:
        """JSON is, if it has the field that poems have; other JSON is lines of text. What cannot be read, reading tells of."""
        try:
            if column:
                return False
            with path.open("rb") as file:
                return not path.is_file() or b'"paragraphs"' in file.read(LOOKED_AT) or not file.tell()
        except (OSError, ValueError):
            return True

    @classmethod
    def read(cls, source: str, settings: Settings, report: Report = no_report, keep_blank: bool = False) -> Documents:
        return read_poems(source, settings)

    @classmethod
    def read_sentences(cls, source: str, settings: Settings, keep_blank: bool) -> Documents:
        return read_poems(source, settings, once=False, keep_blank=keep_blank)

    @classmethod
    def layout(cls, documents: Documents, settings: Settings) -> Layout:
        """Every poem is one sequence of as many characters."""

        def segment(documents: Documents, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return documents.offsets[chosen], documents.offsets[chosen + 1]

        length = VERSES * width_of(settings[PoemSettings].poem_form)
        return Layout("poem", length, segment, overlong="", tokens="characters", ended=False)

    @classmethod
    def prompt(cls, text: str, settings: Settings) -> list[str]:
        """The characters of its lines, without their marks, and without the title of a whole poem."""
        width = width_of(settings[PoemSettings].poem_form)
        return [*"".join(verses_of(text[title_end(text, width) :], width))]

    @classmethod
    def detokenizer(cls, settings: Settings, vocabulary: Vocabulary) -> Detokenizer:
        width, decode = width_of(settings[PoemSettings].poem_form), vocabulary.decode
        return dataclasses.replace(
            super().detokenizer(settings, vocabulary),
            line=lambda ids: "".join(poem_lines(decode(ids), width)),
            page=lambda ids: "\n".join([*poem_lines(decode(ids), width), ""]),
        )


def _is_poem(line: str) -> bool:
    """Whether a line is nothing but Chinese characters and marks, in four or more lines of five or of seven."""
    if not re.fullmatch(r"[\u3400-\u9fff\U00020000-\U0003ffff\W]+", line):
        return False
    return any(is_opening(verses_of(line[title_end(line, width) :], width), width) for width in (5, 7))


def width_of(form: str) -> int:
    """Characters a line: 5 for `5x4`."""
    return int(form.partition("x")[0])


def verses_of(text: str, width: int) -> list[str]:
    """The lines of a poem without their marks. One without marks is read by its spaces, or as lines of `width` characters.

    Spaces around single characters say nothing. Characters that are no whole number of lines are one line.
    """
    parts = ["".join(part.split()) for part in re.split(r"[^\w\s]+", text)]
    verses = [part for part in parts if part]
    if len(verses) > 1 or re.search(r"[^\w\s]", text):
        return verses
    words, characters = text.split(), "".join(text.split())
    if len(words) > 1 and min(map(len, words)) > 1:
        return words
    if len(characters) % width:
        return [characters]
    return [characters[i : i + width] for i in range(0, len(characters), width)]


_SEPARATOR = re.compile("[:：\t]")
_MARKS = re.compile("[，。！？；、,.!?;]")
_BRACKETED = re.compile(r"（[^）]*）|\([^)]*\)|〔[^〕]*〕|\[[^\]]*\]")


def title_end(text: str, width: int) -> int:
    """Where the poem begins in a line that is `title:poem` or `title:author:poem`, also with `：` or a tab; 0 without a title.

    A title is what stands, without marks of lines, before a separator that four lines of `width` characters follow. Where it
    is as long as a line, or as several, the lines themselves tell, since poems have an even number of them; a colon of ASCII is
    none of their marks, and no separator stands within a line.
    """
    for found in _SEPARATOR.finditer(text):
        title, poem = text[: found.start()], text[found.end() :]
        if _MARKS.search(_BRACKETED.sub("", title)):
            return 0
        verses, whole = verses_of(poem, width), verses_of(text, width)
        if not title.strip() or not is_opening(verses, width):
            continue
        lines = all({*map(len, verses_of(field, width))} <= {width} for field in _SEPARATOR.split(title))
        if lines and is_opening(whole, width) and found[0] != ":" and (len(verses) % 2 or not len(whole) % 2):
            continue
        return found.end() + title_end(poem, width)
    return 0


def is_opening(verses: list[str], width: int) -> bool:
    """Whether there are four lines or more, the first four of `width` characters each."""
    return len(verses) >= VERSES and {*map(len, verses[:VERSES])} == {width}


def _files(source: str) -> tuple[list[Path], bool]:
    """The files, and whether they hold JSON: of a folder those of it that do, or where none does all."""
    path = Path(source)
    if is_one(source):
        return [path], path.suffix.lower() == ".json"
    if path.is_dir() and (of_json := sorted(file for file in path.rglob("*") if file.suffix.lower() == ".json")):
        return of_json, True
    files = files_of(source)
    of_json = [file for file in files if file.suffix.lower() == ".json"]
    if of_json and len(of_json) < len(files):
        other = next(file for file in files if file not in of_json)
        raise UsageError(f"{of_json[0]} and {other} are not read alike: name files of JSON, or files of lines.")
    return files, bool(of_json)


def _digest(verses: list[str]) -> bytes:
    """What a poem is told by: a set of these has a fifth of the size, and two of a million poems share one once in 4·10⁷."""
    return hashlib.blake2b("".join(verses[:VERSES]).encode(), digest_size=8).digest()


def read_poems(source: str | Path, settings: Settings, once: bool = True, keep_blank: bool = False) -> Documents:
    """Read poems whose first four lines have the form's number of characters; a document is those lines' characters.

    Args:
        source: text files with a poem a line, perhaps after its title, or JSON files or a folder of them.
        once: leave out a poem that was there before.
        keep_blank: blank lines are documents without characters.

    Raises SeqganError if nothing is left, or with `strict` for a bad file of a folder.
    """
    cfg, strict = settings[PoemSettings], settings.data.strict
    width, found, seen = width_of(cfg.poem_form), Collector(), set[bytes]()
    exactly = "exactly four lines" if cfg.whole else "each of its first four lines"
    others = titled = 0
    source, path = str(source), Path(source)
    files, in_json = _files(source)
    called = label(source, files)

    def poems() -> Iterator[tuple[str, str]]:
        if in_json:
            if is_one(source) and not path.exists():
                raise SeqganError(f"Cannot read {path}: No such file or directory.")
            for file in files:
                name = str(file.relative_to(path)) if path.is_dir() else file.name
                yield from json_poems(file, name, found, strict)
            return
        for file in files:
            column = settings.data.column if suffix_of(file) in WITH_COLUMNS else ""
            of_file = f"{file.name}, " * (len(files) > 1)
            yield from ((f"{of_file}line {number}", line) for number, line in texts_of(file, column, told=found.note))

    for place, text in poems():
        title = 0 if in_json else title_end(text, width)
        unknown = UNKNOWN in text  # of a file that was written with it
        verses = verses_of(text[title:].replace(UNKNOWN, STAND_IN) if unknown else text[title:], width)
        titled += title > 0
        if not verses:
            if not (keep_blank and found.add((), keep_empty=True)):
                found.reject(place, "blank")
        elif not is_opening(verses, width) or (cfg.whole and len(verses) > VERSES):
            found.reject(place, f"not {width} characters in {exactly}")
            title = 0 if in_json else title_end(text, 12 - width)
            others += is_opening(verses_of(text[title:], 12 - width), 12 - width)
        elif (digest := _digest(verses)) in seen:
            found.reject(place, "a duplicate")
        else:
            found.add([UNKNOWN if unknown and one == STAND_IN else one for one in "".join(verses[:VERSES])])
            if once:
                seen.add(digest)
    other = f"{others} have lines of {12 - width} characters: --poem-form {12 - width}x4 reads those instead."
    if not found.size:
        if path.is_dir() and not found.rejected:
            raise SeqganError(f"{path} holds no poem: name a folder with files of some, or a text file with one poem a line.")
        why = "; ".join(f"{entry.count} left out: {reason} ({entry.places[0]})" for reason, entry in found.rejected.items())
        raise SeqganError(
            f"{called} holds no poem of the form {cfg.poem_form}: {why or 'it is empty'}."
            + f" {other}" * (others > 0)
            + " `sample --format raw` writes poems that are read here." * (not once)
        )
    if titled:
        found.note(f"{titled} stand after a title and a colon or tab; titles are left out.")
    if others:
        found.note(other)
    documents = found.documents(called)
    return _with_script(documents)


def _with_script(documents: Documents) -> Documents:
    """With a note if both scripts occur: characters that only GB 2312 has are simplified, those of Big5 alone traditional."""

    def only(encoding: str, other: str) -> int:
        return sum(
            int(n) for token, n in zip(documents.tokens, counts, strict=True) if _in(token, encoding) > _in(token, other)
        )

    counts = counts_of(documents.ids, len(documents.tokens))
    simplified, traditional = only("gb2312", "big5"), only("big5", "gb2312")
    if min(simplified, traditional) <= MIXED * max(1, simplified + traditional):
        return documents
    note = (
        f"Simplified and traditional characters are mixed ({simplified} and {traditional} that only one script has), so words "
        "are counted twice: convert the file to one of them, e.g. with OpenCC."
    )
    return dataclasses.replace(documents, notes=(*documents.notes, note))


def _in(token: str, encoding: str) -> bool:
    try:
        token.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def poem_lines(characters: list[str], width: int) -> list[str]:
    """The lines of a poem with their marks, a comma and a full stop in turn; what is left over stands without one."""
    verses = ["".join(characters[i : i + width]) for i in range(0, len(characters), width)]
    whole = len(characters) // width
    return [verse + ("，。"[i % 2] if i < whole else "") for i, verse in enumerate(verses)]
