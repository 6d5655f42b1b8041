"""Rewards of form: a grammar parses the sequence, a pattern is found in it, it has so many tokens, or certain words."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqgan_cli.config.schema import section, setting
from seqgan_cli.errors import SeqganError
from seqgan_cli.evaluation.metrics.grammar import Parser, read_grammar
from seqgan_cli.lazy import np, tf
from seqgan_cli.rewards.base import Given, Reward
from seqgan_cli.rewards.texts import SEPARATOR, TextReward

if TYPE_CHECKING:
    from seqgan_cli.config.expression import Use
    from seqgan_cli.config.settings import Settings
    from seqgan_cli.data.vocabulary import Vocabulary
    from seqgan_cli.scoring.scorer import Ask


@section("reward", "adversarial", fixed_by="adversarial")
@dataclass(frozen=True)
class GrammarSettings:
    file: str = setting("", "reward grammar: a file with a context-free grammar in NLTK's notation", is_file=True)


class GrammarReward(TextReward):
    """1 for a sequence whose tokens a context-free grammar parses, as `eval-grammar` counts, else 0."""

    name = "grammar"
    meaning = "1 for what a context-free grammar parses"
    Section = GrammarSettings
    reads = "tokens"
    isolated = True

    @classmethod
    def function(cls, **options: Any) -> Ask:
        parser = Parser(Path(GrammarSettings(**options).file))
        return lambda texts: [float(parser.parses(tuple(text.split(SEPARATOR)) if text else ())) for text in texts]

    @classmethod
    def make(cls, given: Given) -> Reward:
        path = Path(given.options(GrammarSettings).file)
        if not Parser(path).words.intersection(given.corpus.vocabulary.tokens):
            raise SeqganError(
                f"{path} has no word in common with the data: is it the grammar of these, with words as "
                f"{given.settings.data.tokenizer!r} cuts them?"
            )
        return super().make(given)

    @classmethod
    def refused(cls, settings: Settings, use: Use) -> Iterable[tuple[bool, str]]:
        """Raises SeqganError for a file that holds no grammar."""
        file = settings.of_use(GrammarSettings, use.name).file
        yield not file, f"--reward {use.reward} needs a grammar: --set reward.{use.name}.file=GRAMMAR."
        if file:
            read_grammar(Path(file))


@section("reward", "adversarial", fixed_by="adversarial")
@dataclass(frozen=True)
class RegexSettings:
    pattern: str = setting("", "reward regex: a regular expression of Python's, with ^ and $ for the whole text")


class RegexReward(TextReward):
    """1 for a text in which a regular expression finds something (`re.search`), else 0."""

    name = "regex"
    meaning = "1 for a text in which a regular expression finds something"
    Section = RegexSettings
    isolated = True  # some patterns take a time that is exponential in a text's length

    @classmethod
    def function(cls, **options: Any) -> Ask:
        pattern = _pattern(RegexSettings(**options).pattern)
        return lambda texts: [float(pattern.search(text) is not None) for text in texts]

    @classmethod
    def refused(cls, settings: Settings, use: Use) -> Iterable[tuple[bool, str]]:
        pattern = settings.of_use(RegexSettings, use.name).pattern
        yield not pattern, f"--reward {use.reward} needs a pattern: --set reward.{use.name}.pattern=PATTERN."
        try:
            _pattern(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            yield True, f"reward.{use.name}.pattern={pattern} is no regular expression: {error}."


def _pattern(text: str) -> re.Pattern[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what another version of Python may take otherwise
        return re.compile(text)


@section("reward", "adversarial", fixed_by="adversarial")
@dataclass(frozen=True)
class LengthSettings:
    least: int = setting(0, "reward length: tokens from which on a sequence is long enough", at_least=0)
    most: int = setting(0, "reward length: tokens up to which it is short enough (0: no limit)", at_least=0)


class LengthReward(Reward):
    """1 for a sequence of `least` to `most` tokens, fewer n are worth n / least, and more most / n; `<eos>` does not count."""

    name = "length"
    meaning = "1 for a number of tokens within limits, less the further outside"
    Section = LengthSettings

    def __init__(self, vocabulary: Vocabulary, least: int, most: int) -> None:
        self.vocabulary, self.least, self.most = vocabulary, least, most

    @classmethod
    def make(cls, given: Given) -> Reward:
        options = given.options(LengthSettings)
        return cls(given.corpus.vocabulary, options.least, options.most)

    @classmethod
    def refused(cls, settings: Settings, use: Use) -> Iterable[tuple[bool, str]]:
        options = settings.of_use(LengthSettings, use.name)
        where = f"reward.{use.name}"
        yield (
            not (options.least or options.most),
            f"--reward {use.reward} needs a length: --set {where}.least=N, --set {where}.most=N or both.",
        )
        yield (
            options.least > options.most > 0,
            f"{where}.least={options.least} is more than {where}.most={options.most}: no sequence has both.",
        )

    def scores(self, tokens: np.ndarray) -> np.ndarray:
        """float32 `[R]` for int32 `[R, T]`."""
        lengths = self.vocabulary.length(tokens)
        worth = np.minimum(1.0, lengths / max(1, self.least)) if self.least else np.ones(len(tokens))
        if self.most:
            worth = np.minimum(worth, self.most / np.maximum(lengths, 1))
        return worth.astype(np.float32)

    def __call__(self, tokens: Any, key: Any) -> Any:
        return tf.ensure_shape(tf.numpy_function(self.scores, [tokens], tf.float32, stateful=False), [None])


@section("reward", "adversarial", fixed_by="adversarial")
@dataclass(frozen=True)
class LexiconSettings:
    words: tuple[str, ...] = setting((), "reward lexicon: words and phrases that a text is to have one of")
    avoid: tuple[str, ...] = setting((), "reward lexicon: words and phrases that it is to have none of")
    all_words: bool = setting(False, "reward lexicon: whether it is to have all of the words")


class LexiconReward(TextReward):
    """1 for a text with any of `words` (with `all_words`: each of them) and none of `avoid`, else 0; of no words all have one.

    A word or phrase is looked for letter by letter, whatever the case and the number of spaces. It stands in the text where it
    is whole: where neither end cuts a run of letters, digits, combining marks and `_`. Letters of scripts that are written
    without spaces (Chinese, Japanese, Thai and the like) make no such runs, so their words stand wherever they are found.
    """

    name = "lexicon"
    meaning = "1 for a text with words that are wanted and none that are not"
    Section = LexiconSettings

    @classmethod
    def function(cls, **options: Any) -> Ask:
        chosen = LexiconSettings(**options)
        words, avoid = ([_folded(word) for word in each] for each in (chosen.words, chosen.avoid))
        enough = all if chosen.all_words else any

        def score(text: str) -> float:
            text = _folded(text)
            wanted = not words or enough(_stands_in(text, word) for word in words)
            return float(wanted and not any(_stands_in(text, word) for word in avoid))

        return lambda texts: [*map(score, texts)]

    @classmethod
    def refused(cls, settings: Settings, use: Use) -> Iterable[tuple[bool, str]]:
        options = settings.of_use(LexiconSettings, use.name)
        words, avoid = ([_folded(word) for word in chosen] for chosen in (options.words, options.avoid))
        where = f"reward.{use.name}"
        yield (
            not (words or avoid),
            f"--reward {use.reward} needs words: --set {where}.words=WORD,WORD, --set {where}.avoid=WORD,WORD or both.",
        )
        for name, chosen in (("words", words), ("avoid", avoid)):
            yield "" in chosen, f"{where}.{name} holds an empty word, which stands in every text: leave it out."
        for word in words:
            yield word in avoid, f"{where}: {word!r} is both in words and in avoid."


def _folded(text: str) -> str:
    """Text in which only what counts is different: composed letters, no case, one space wherever there are any."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


# How the names of letters begin whose scripts have no spaces between words.
UNSPACED = ("CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "HALFWIDTH KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")


def _in_run(character: str) -> bool:
    """Whether what stands beside the character may be of the same word; of no character nothing is."""
    if not character or not (character == "_" or unicodedata.category(character)[0] in "LMN"):
        return False
    return not unicodedata.name(character, "").startswith(UNSPACED)


def _stands_in(text: str, word: str) -> bool:
    """Whether a word stands whole in a text, both folded."""
    place = text.find(word)
    while place >= 0:
        end = place + len(word)
        cut_before = _in_run(word[0]) and _in_run(text[max(0, place - 1) : place])
        if not (cut_before or (_in_run(word[-1]) and _in_run(text[end : end + 1]))):
            return True
        place = text.find(word, place + 1)
    return False
