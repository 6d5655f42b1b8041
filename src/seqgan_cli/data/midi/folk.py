"""The folk tunes that come with music21, as ABC: where they are, and the notes of one."""

import functools
import importlib.util
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

from seqgan_cli.data.midi.tracks import LONGEST, TOO_LONG, Part, Unusable
from seqgan_cli.errors import SeqganError

FOLK = ("ryansMammoth", "airdsAirs", "oneills1850")  # folders of music21's corpus


def folk_tunes() -> dict[str, str]:
    """ABC text by place, as `airdsAirs/book1.abc, X:12`. Finds the files without importing music21, which takes long."""
    found = importlib.util.find_spec("music21")
    if found is None or not found.submodule_search_locations:
        raise SeqganError("The folk tunes need music21: pip install 'seqgan-cli[folk]'.")
    corpus = Path(found.submodule_search_locations[0]) / "corpus"
    tunes = {}
    for path in (path for folder in FOLK for path in sorted((corpus / folder).glob("*.abc"))):
        # What stands before the first X: are comments. Some numbers occur twice, so the place is counted.
        _, *texts = re.split(r"(?m)^(?=[ \t]*X:)", path.read_text(encoding="utf-8", errors="replace"))
        for i, text in enumerate(texts, start=1):
            tunes[f"{path.parent.name}/{path.name}" + (f", tune {i}" if len(texts) > 1 else "")] = text
    if not tunes:
        raise SeqganError(f"music21 came without its corpus ({corpus}): pip install --force-reinstall music21.")
    return tunes


def abc_part(text: str, step: Fraction) -> Part:
    """One ABC tune. Raises Unusable.

    From music21's tokens, which know pitch and length: its scores would take ten times as long. An accidental holds for the
    rest of its bar (ABC 2.1, 11.3), as these collections are written, though their files do not name that version.
    """
    from music21 import abcFormat

    handler = abcFormat.ABCHandler(abcVersion=(2, 1, 0))
    try:
        handler.process(text)
    except Exception:  # as for mido
        raise Unusable("damaged") from None
    notes: list[tuple[Fraction, Fraction, int]] = []
    now, quarter = Fraction(0), Fraction(1, 2)  # seconds
    voices: list[str] = []
    for token in handler.tokens:
        if isinstance(token, abcFormat.ABCMetadata):
            if token.isTempo():
                quarter = _seconds_a_quarter(token) or quarter
            elif token.isVoice():
                voices.append(token.data.split(" ")[0])
        elif isinstance(token, abcFormat.ABCNote) and not token.inGrace and voices[-1:] == voices[:1]:
            # music21 keeps a note's share in a tuplet apart from its length.
            tuplet = token.activeTuplet
            share = (tuplet.numberNotesNormal, tuplet.numberNotesActual) if tuplet else (1, 1)
            start, now = now, now + _fraction(token.quarterLength, *share) * quarter
            if now > LONGEST:
                raise Unusable(TOO_LONG)
            sounding: list[Any] = token.subTokens if isinstance(token, abcFormat.ABCChord) else [token]
            notes += [(start, now, _midi_note(sound.pitchName)) for sound in sounding if sound.pitchName]
    if not notes:
        raise Unusable("no notes in the first voice")
    return Part(notes, now, step)


@functools.cache
def _fraction(length: float | Fraction, normal: int, actual: int) -> Fraction:
    """A length in quarter notes, exactly: a float is a sixth or a sixty-fourth, rounded."""
    return Fraction(length).limit_denominator(10_000) * Fraction(normal, actual)


def _seconds_a_quarter(token: Any) -> Fraction | None:
    """What a `Q:` says, or None if that is no tempo."""
    try:
        quarters_a_minute = Fraction(token.getMetronomeMarkObject().getQuarterBPM()).limit_denominator(1000)
    except Exception:  # music21 raises whatever the text leads to
        return None
    return 60 / quarters_a_minute if quarters_a_minute > 0 else None


@functools.cache
def _midi_note(name: str) -> int:
    from music21 import pitch

    return int(pitch.Pitch(name).midi)
