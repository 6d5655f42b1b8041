"""Tokenizers as their definitions have them, a step at a time."""

import re


def cut_by_pattern(pattern: str, text: str) -> list[str]:
    """Matches from left to right, and between them single characters: position by position."""
    tokens, place = [], 0
    while place < len(text):
        found = next((m for m in re.finditer(pattern, text) if m.start() == place and m.end() > place), None)
        end = found.end() if found else place + 1
        tokens.append(text[place:end])
        place = end
    return tokens


def merged(word: list[str], merges: list[tuple[str, str]]) -> list[str]:
    """Sennrich et al. 2016, algorithm 1: each merge in its order, wherever the pair stands, from the left."""
    for first, second in merges:
        place = 0
        while place + 1 < len(word):
            if (word[place], word[place + 1]) == (first, second):
                word = [*word[:place], first + second, *word[place + 2 :]]
            place += 1
    return word


def learned(words: dict[str, int], number: int) -> list[tuple[str, str]]:
    """The same, learning: the most frequent pair becomes one, so many times, while one stands twice; no two may tie."""
    parts = {word: [*word] for word in words}
    merges: list[tuple[str, str]] = []
    for _ in range(number):
        counts: dict[tuple[str, str], int] = {}
        for word, count in words.items():
            for pair in zip(parts[word], parts[word][1:], strict=False):
                counts[pair] = counts.get(pair, 0) + count
        best = max(counts.values(), default=0)
        pairs = [pair for pair, count in counts.items() if count == best]
        if best < 2:
            break
        assert len(pairs) == 1, f"{pairs} tie"
        merges.append(pairs[0])
        parts = {word: merged([*word], merges) for word in words}
    return merges
