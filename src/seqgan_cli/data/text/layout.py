"""How lines of tokens become sequences: whole, and the overlong ones dropped, cut, or split at the ends of sentences."""

from __future__ import annotations

from seqgan_cli.config import registry
from seqgan_cli.config.sections import Data
from seqgan_cli.data.corpus import Layout
from seqgan_cli.data.documents import Documents
from seqgan_cli.data.inputs.options import LONGEST_BY_DEFAULT, WINDOW
from seqgan_cli.data.tokenizers.base import Tokenizer
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


def _sentence_stops(documents: Documents, tokenizer: Tokenizer) -> np.ndarray:
    """int64, ascending: the places after the last token of a sentence."""
    if tokenizer.marks == "within":
        return _stops_within(documents, [*map(tokenizer.text_of, documents.tokens)])
    ended = ends_sentence if tokenizer.marks == "on" else _is_end
    tests = (ended, CLOSERS.__contains__, " ".__eq__, ENDS[5:].__contains__)
    among = [np.array([*map(test, documents.tokens)], bool) for test in tests]
    ends, closes, spaces, wide = (table[documents.ids] for table in among)
    if tokenizer.is_character:
        closes |= spaces
    closes[documents.offsets[:-1]] = False  # what begins a document belongs to none before
    places = np.flatnonzero(ends)
    stops = places + 1
    after_runs = np.flatnonzero(closes & ~np.append(closes[1:], False)) + 1  # of closers, which are few where tokens are many
    within = np.append(closes, False)[stops]
    stops[within] = after_runs[np.searchsorted(after_runs, stops[within], side="right")]
    if tokenizer.is_character:
        stops = stops[wide[places] | spaces[stops - 1]]
    return np.unique(stops)


def _stops_within(documents: Documents, texts: list[str]) -> np.ndarray:
    """The same where tokens hold marks and spaces besides other characters; `texts`: of the tokens.

    As among characters, a full stop ends a sentence only if a space follows it, or marks and a space.
    """
    bare = [text.strip().rstrip("".join(CLOSERS)) for text in texts]
    tests = (
        [each.endswith(ENDS) for each in bare],
        [each.endswith(ENDS[5:]) for each in bare],
        [not each and bool(text) and not text[0].isspace() for each, text in zip(bare, texts, strict=True)],
        [text[:1].isspace() for text in texts],
        [text[-1:].isspace() for text in texts],
    )
    ends, wide, closes, after_space, spaced = (np.array(each, bool)[documents.ids] for each in tests)
    found = []
    for place in np.flatnonzero(ends).tolist():
        last = place
        while last + 1 < len(closes) and closes[last + 1]:
            last += 1
        if wide[place] or spaced[last] or (last + 1 < len(closes) and after_space[last + 1]):
            found.append(last + 1)
    return np.unique(np.array(found, np.int64))


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


def _without_space(
    documents: Documents, starts: np.ndarray, ends: np.ndarray, tokenizer: Tokenizer
) -> tuple[np.ndarray, np.ndarray]:
    """Pieces without the tokens of space around them, which no words are, as a line is read without its own.

    What is nothing but space is left out.
    """
    space = np.array([tokenizer.text_of(token).isspace() for token in documents.tokens], bool)
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


def text_layout(
    documents: Documents, settings: Data, unit: str = "line", tokenizer: Tokenizer | None = None
) -> Layout:
    """How lines become sequences: whole, and the overlong ones dropped, cut, or split at the ends of sentences.

    `tokenizer`: what cut them, unless its name in the settings says it all.
    """
    cut_by: Tokenizer = tokenizer or registry.tokenizers.made(settings.tokenizer)
    max_length = settings.max_length or min(int(documents.lengths.max()), LONGEST_BY_DEFAULT)

    def segment(documents: Documents, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        starts, ends = documents.offsets[chosen], documents.offsets[chosen + 1]
        long = ends - starts > max_length
        if settings.overlong == "drop":
            return starts[~long], ends[~long]
        if settings.overlong == "cut":
            return _without_space(documents, starts, np.minimum(ends, starts + max_length), cut_by)
        stops = _sentence_stops(documents, cut_by)
        leans = np.array([cut_by.text_of(token) in LEANING for token in documents.tokens], bool)[documents.ids]
        begins: list[int] = []
        for start, end, is_long in zip(starts.tolist(), ends.tolist(), long.tolist(), strict=True):
            begins += _pieces(start, end, max_length, stops, leans) if is_long else [start]
        first = np.array(begins, np.int64)
        last_of = np.searchsorted(documents.offsets, first, side="right")  # the document after the piece's own
        following = np.append(first[1:], np.iinfo(np.int64).max)
        return _without_space(documents, first, np.minimum(documents.offsets[last_of], following), cut_by)

    fate = {"drop": "dropped", "cut": "cut", "split": "split at the ends of sentences"}[settings.overlong]
    return Layout(
        unit,
        max_length,
        segment,
        overlong=fate,
        tokens=f"tokens ({settings.tokenizer})",
        keeps_unseen=bool(cut_by.alphabet),
    )
