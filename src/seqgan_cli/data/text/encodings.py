"""What a text file is that is not UTF-8 with newlines, and the command that makes it so."""

import codecs
import re
from pathlib import Path

from seqgan_cli.errors import quoted

SAMPLE = 1 << 18  # bytes of lines with other than ASCII that a guess is made from
CHUNK = 1 << 20  # bytes read at once

# Encodings as iconv and as Python call them, the likelier first where a text could be either. That order decides between EUC-KR
# and GB 18030, since all Hangul of the one are frequent characters of the other, and between é and й where they stand alone.
ENCODINGS = {
    "CP1252": "cp1252",
    "EUC-KR": "euc_kr",
    "GB18030": "gb18030",
    "BIG5": "big5",
    "CP932": "cp932",
    "EUC-JP": "euc_jp",
    "CP1251": "cp1251",
    "KOI8-R": "koi8_r",
}
# First bytes of marks and of the frequent half of the characters.
FREQUENT = {
    "gb18030": ("gb2312", (0xA1, 0xA3), (0xB0, 0xD7)),
    "big5": ("big5", (0xA1, 0xA3), (0xA4, 0xC6)),
    "cp932": ("cp932", (0x81, 0x83), (0x88, 0x97)),
    "euc_jp": ("euc_jp", (0xA1, 0xA5), (0xB0, 0xCF)),
}
RANGES = {"euc_kr": "[가-힣\u3000-\u303f]", "cp1251": "[а-яё]", "koi8_r": "[а-яё]"}
WESTERN = "[ß-öø-ÿœšž‘’“”–—…«»¡¿°§£€·]"


def command_to_utf8(path: Path) -> str:
    """The command that writes a file anew in UTF-8, which it is not, with a guess of what it is."""
    return f"`iconv {_options(path)} -t UTF-8 {_to(path, 'utf-8')}`"


def command_to_newlines(path: Path) -> str:
    """The command that writes a file anew with newlines where it has carriage returns."""
    source, target = names_for_shell(path, "lines")
    return f"`tr '\\r' '\\n' < {source} > {target}`"


def utf16_without_mark(start: bytes) -> str | None:
    """UTF-16LE or UTF-16BE, as iconv calls them, if a file that starts so is that without a byte-order mark."""
    start = start[: len(start) // 2 * 2]
    for name, zeros, others in (("UTF-16LE", start[1::2], start[::2]), ("UTF-16BE", start[::2], start[1::2])):
        if zeros.count(0) > len(zeros) // 2 and others.strip() and not others.count(0):
            return name
    return None


def mark_of(start: bytes) -> str | None:
    """UTF-32 or UTF-16 if a file that starts so has its byte-order mark."""
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "UTF-32"
    return "UTF-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else None


def command_from(encoding: str, path: Path) -> str:
    """The command that writes a file of that encoding, as iconv calls it, anew in UTF-8."""
    return f"`iconv -f {encoding} -t UTF-8 {_to(path, 'utf-8')}`"


def _to(path: Path, what: str) -> str:
    source, target = names_for_shell(path, what)
    return f"{source} > {target}"


def names_for_shell(path: Path, what: str) -> tuple[str, str]:
    """A file and one beside it that is not there yet, for a shell."""
    number, target = 1, path.with_name(f"{path.stem}.{what}{path.suffix}")
    while target.exists():
        number += 1
        target = path.with_name(f"{path.stem}.{what}{number}{path.suffix}")
    source, new = (quoted("./" * str(each).startswith("-") + str(each)) for each in (path, target))  # "-" begins options
    return source, new


def _options(path: Path) -> str:
    """What iconv is to be told of a file that is not UTF-8. Raises OSError."""
    sample = _sample(path)
    told = sample.decode("utf-8", errors="replace")
    if sum(ord(c) > 127 for c in told) > 2 * told.count("\ufffd"):
        return "-c -f UTF-8"  # it mostly is: what is not is left out
    guesses = sorted(ENCODINGS, key=lambda name: -_plausibility(sample, ENCODINGS[name]))
    guesses = [name for name in guesses if _plausibility(sample, ENCODINGS[name]) > 0.5] + ["CP1252"]
    return f"-f {next((name for name in guesses if _is(path, ENCODINGS[name])), 'ISO-8859-1')}"


def _sample(path: Path) -> bytes:
    """The first lines with other than ASCII."""
    found, size = [], 0
    with path.open("rb") as file:
        for line in iter(lambda: file.readline(SAMPLE), b""):
            if not line.isascii():
                found.append(line)
                size += len(line)
            if size >= SAMPLE:
                break
    return b"".join(found)


def _plausibility(sample: bytes, codec: str) -> float:
    """Share of the characters beyond ASCII that are usual in texts of that encoding; 0 if it is none."""
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        text = decoder.decode(sample)  # may end within a character
    except UnicodeDecodeError:
        return 0.0
    others = [c for c in text if ord(c) > 127]
    if codec == "cp1252":  # in Western text letters with accents stand alone: in Cyrillic, read so, they stand together
        return len(re.findall(rf"(?<![^\x00-\x7f]){WESTERN}{{1,2}}(?![^\x00-\x7f])", text)) / max(1, len(others))
    if codec in RANGES:
        return sum(map(bool, map(re.compile(RANGES[codec]).match, others))) / max(1, len(others))
    table, *ranges = FREQUENT[codec]
    firsts = [c.encode(table, errors="ignore")[:1] for c in others]
    return sum(bool(b) and any(low <= b[0] <= high for low, high in ranges) for b in firsts) / max(1, len(others))


def _is(path: Path, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        with path.open("rb") as file:
            for chunk in iter(lambda: file.read(CHUNK), b""):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
