"""How lines of tokens become sequences: whole, and the overlong ones dropped, cut, or split at the ends of sentences."""

from __future__ import annotations

from seqgan_cli.config.sections import Data
from seqgan_cli.data.corpus import Layout
from seqgan_cli.data.documents import Documents
from seqgan_cli.data.inputs.options import LONGEST_BY_DEFAULT, WINDOW
from seqgan_cli.lazy import np

# What a full stop after them does not end, lower case and without the last one.
_SHORT = "mr mrs ms dr prof gen sen rep gov st jr sr no vs etc e.g i.e u.s u.n d.c a.m p.m inc ltd co "
_SHORT += "jan feb mar apr aug sept oct nov dec"
ABBREVIATIONS = frozenset(_SHORT.split())

# Tokens that end a sentence, what may follow within it, and what else leans on the word before it. Among single characters a
# full stop also stands in numbers, so there it ends a sentence only if a space follows, or marks and a space.
ENDS = (".", "!", "?", "...", "…", "。", "！", "？")
CLOSERS = ("''", '"', "”", "’", "'", ")", "]", "»", "」", "』")
LEANING = (*ENDS, *CLOSERS, ",", ";", ":", "--", "'s", "'re", "'ve", "'ll", "'d", "'m", "n't", "，", "、", "；", "：")


def ends_sentence(word: str) -> bool:
    """Whether a word, with the marks it carries, ends a sentence."""
    bare = word.rstrip("".join(CLOSERS)).lstrip("([\"'“‘«")
    short = bare[:-1].lower()
    initial = len(short) == 1 and short.isalpha()
    return bare.endswith(ENDS) and not (bare.endswith(".") and (initial or short in ABBREVIATIONS))


def _is_end(token: str) -> bool:
    """Whether a token is a mark that ends a sentence; ellipses of any length are."""
    return token in ENDS or (len(token) > 1 and not token.strip("."))


def _sentence_stops(documents: Documents, tokenizer: str) -> np.ndarray:
    """int64, ascending: the places after the last token of a sentence."""
    ended = ends_sentence if tokenizer == "whitespace" else _is_end
    tests = (ended, CLOSERS.__contains__, " ".__eq__, ENDS[5:].__contains__)
    among = [np.array([*map(test, documents.tokens)], bool) for test in tests]
    ends, closes, spaces, wide = (table[documents.ids] for table in among)
    if tokenizer == "chars":
        closes |= spaces
    closes[documents.offsets[:-1]] = False  # what begins a document belongs to none before
    places = np.flatnonzero(ends)
    stops = places + 1
    after_runs = np.flatnonzero(closes & ~np.append(closes[1:], False)) + 1  # of closers, which are few where tokens are many
    within = np.append(closes, False)[stops]
    stops[within] = after_runs[np.searchsorted(after_runs, stops[within], side="right")]
    if tokenizer == "chars":
        stops = stops[wide[places] | spaces[stops - 1]]
    return np.unique(stops)


def _pieces(start: int, end: int, max_length: int, stops: np.ndarray, leans: np.ndarray) -> list[int]:
    """Where the pieces of one document begin: each as many whole sentences as fit, or as much of a longer one.

    `stops`: int64, ascending, the places after a sentence's last token; `leans`: whether the token at a place leans on the one
    before, bool for all places.
    """
    begins = [start]
    while end - begins[-1] > max_length:
        furthest = begins[-1] + max_length
        last = np.searchsorted(stops, furthest, side="right") - 1
        if last >= 0 and stops[last] > begins[-1]:
            begins.append(int(stops[last]))
            continue
        place = furthest
        while place > begins[-1] and leans[place]:
            place -= 1
        begins.append(place if place > begins[-1] else furthest)
    return begins


def _without_space(documents: Documents, starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pieces without the space around them, which only single characters can be, as a line is read without its own.

    What is nothing but space is left out.
    """
    space = np.array([token.isspace() for token in documents.tokens], bool)
    if not space.any():
        return starts, ends
    others = np.flatnonzero(~space[documents.ids])
    first, after = np.searchsorted(others, starts), np.searchsorted(others, ends)
    kept = first < after
    return others[first[kept]], others[after[kept] - 1] + 1


def window_layout(settings: Data) -> Layout:
    """Windows of tokens, which are documents and sequences alike, and none of which ends: `<eos>` would say nothing."""

    def segment(documents: Documents, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return documents.offsets[chosen], documents.offsets[chosen + 1]

    length = settings.max_length or LONGEST_BY_DEFAULT
    return Layout(WINDOW, length, segment, overlong="", tokens=f"tokens ({settings.tokenizer})", ended=False)


def text_layout(documents: Documents, settings: Data, unit: str = "line") -> Layout:
    """How lines become sequences: whole, and the overlong ones dropped, cut, or split at the ends of sentences."""
    max_length = settings.max_length or min(int(documents.lengths.max()), LONGEST_BY_DEFAULT)

    def segment(documents: Documents, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        starts, ends = documents.offsets[chosen], documents.offsets[chosen + 1]
        long = ends - starts > max_length
        if settings.overlong == "drop":
            return starts[~long], ends[~long]
        if settings.overlong == "cut":
            return _without_space(documents, starts, np.minimum(ends, starts + max_length))
        stops = _sentence_stops(documents, settings.tokenizer)
        leans = np.array([token in LEANING for token in documents.tokens], bool)[documents.ids]
        begins: list[int] = []
        for start, end, is_long in zip(starts.tolist(), ends.tolist(), long.tolist(), strict=True):
            begins += _pieces(start, end, max_length, stops, leans) if is_long else [start]
        first = np.array(begins, np.int64)
        last_of = np.searchsorted(documents.offsets, first, side="right")  # the document after the piece's own
        following = np.append(first[1:], np.iinfo(np.int64).max)
        return _without_space(documents, first, np.minimum(documents.offsets[last_of], following))

    fate = {"drop": "dropped", "cut": "cut", "split": "split at the ends of sentences"}[settings.overlong]
    return Layout(unit, max_length, segment, overlong=fate, tokens=f"tokens ({settings.tokenizer})")
