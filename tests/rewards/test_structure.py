"""Rewards of form: by hand."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from parts import parts_of
from seqgan_cli.config import registry
from seqgan_cli.config.expression import Use
from seqgan_cli.console import Console
from seqgan_cli.data.vocabulary import EOS, PAD, UNK, Vocabulary
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.evaluation.metrics.grammar import Parser
from seqgan_cli.randomness import key
from seqgan_cli.rewards.base import Given
from seqgan_cli.rewards.structure import GrammarReward, LengthReward, LexiconReward, RegexReward
from seqgan_cli.scoring.scorer import Scorer
from tiny import tiny_settings

A, B, C = 3, 4, 5  # of the vocabulary a, b, c


def rows(*sequences: list[int], length: int = 6) -> np.ndarray:
    """Sequences with <eos> where there is room, padded: int32 [n, length]."""
    ended = [[*each, EOS] if len(each) < length else each for each in sequences]
    return np.array([[*each, *[PAD] * (length - len(each))] for each in ended], np.int32)


def given(reward: str, vocabulary: Vocabulary, **settings: Any) -> Given:
    corpus = parts_of(rows([A, B]), rows([A]), vocabulary)
    chosen = tiny_settings(**{"adversarial.reward": reward, "data.source": "none.txt", **settings})
    return Given(chosen, corpus, Console(quiet=True), use=Use(reward, reward))


def scored(kind: Any, made: Given, tokens: np.ndarray) -> list[float]:
    """As compiled code has it, with the function in this process."""
    reward = kind(kind.writer(made), Scorer(kind.function(**dataclasses.asdict(made.options(kind.Section)))))

    @tf.function(autograph=False)
    def scores(tokens: Any) -> Any:
        found = reward(tokens, key(0, "r"))
        assert found.shape.rank == 1
        return found

    found = scores(tf.constant(tokens))
    reward.check()
    assert found.dtype == tf.float32
    return [float(each) for each in found.numpy()]


def check(**settings: Any) -> None:
    """Raises UsageError for what the rewards of these settings lack."""
    for wrong, words in registry.rewards.conflicts(tiny_settings(**settings)):
        if wrong:
            raise UsageError(words)


@pytest.fixture
def grammar(tmp_path: Path) -> Path:
    """aⁿ bⁿ for n ≥ 1."""
    path = tmp_path / "ab.cfg"
    path.write_text("S -> 'a' S 'b' | 'a' 'b'\n")
    return path


def test_a_grammar_is_worth_one_for_what_it_parses(grammar: Path) -> None:
    made = given("grammar", Vocabulary(["a", "b", "ab"]), **{"reward.grammar.file": str(grammar)})
    tokens = rows([A, B], [A, A, B, B], [A, A, A, B, B, B], [A, B, A], [A], [], [C], [A, UNK])
    assert scored(GrammarReward, made, tokens) == [1, 1, 1, 0, 0, 0, 0, 0]


def test_a_grammar_may_parse_a_sequence_without_tokens(tmp_path: Path) -> None:
    (tmp_path / "g.cfg").write_text("S -> 'a' S |\n")
    made = given("grammar", Vocabulary(["a", "b"]), **{"reward.grammar.file": str(tmp_path / "g.cfg")})
    assert scored(GrammarReward, made, rows([], [A, A], [B])) == [1, 1, 0]


def test_tokens_with_spaces_between_are_what_is_parsed_whatever_people_read(tmp_path: Path) -> None:
    (tmp_path / "g.cfg").write_text("S -> 'C' '=' 'O'\n")
    settings = {"reward.grammar.file": str(tmp_path / "g.cfg"), "data.tokenizer": "chars"}
    made = given("grammar", Vocabulary(["C", "=", "O"]), **settings)
    assert scored(GrammarReward, made, rows([A, B, C], [A, C])) == [1, 0]


def test_asking_whether_a_sentence_is_parsed_leaves_nothing_in_memory(grammar: Path) -> None:
    parser = Parser(grammar)
    assert [parser.parses(("a",) * n + ("b",) * m) for n in range(1, 4) for m in range(1, 4)] == [
        n == m for n in range(1, 4) for m in range(1, 4)
    ]
    assert parser._known == {}
    assert parser.rules(("a", "b")) is not None
    assert parser.rules(("b", "a")) is None
    assert len(parser._known) == 2


def test_a_grammar_of_other_words_is_refused(grammar: Path) -> None:
    made = given("grammar", Vocabulary(["c", "d", "e"]), **{"reward.grammar.file": str(grammar)})
    with pytest.raises(SeqganError, match=r"ab\.cfg has no word in common with the data: is it the grammar of these, with "):
        GrammarReward.make(made)


def test_a_grammar_runs_in_a_process_of_its_own(grammar: Path) -> None:
    made = given("grammar", Vocabulary(["a", "b", "c"]), **{"reward.grammar.file": str(grammar)})
    reward: Any = GrammarReward.make(made)
    try:
        assert reward.scores(rows([A, B], [B, A], [A, B])).tolist() == [1, 0, 1]
        reward.check()
    finally:
        reward.close()


def test_a_pattern_that_never_ends_is_given_up() -> None:
    settings = {"reward.regex.pattern": "^(a+)+$", "data.tokenizer": "chars"}
    reward: Any = RegexReward.make(given("regex", Vocabulary(["a", "b"]), **settings))
    try:
        assert reward.scores(rows([A, A], [A, B])).tolist() == [1, 0]
        reward.check()
        reward.workers.timeout = 1.0  # they have started
        reward.scores(rows([A] * 48 + [B], length=50))
        with pytest.raises(SeqganError, match="aaaaaa"):
            reward.check()
    finally:
        reward.close()


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("=O", [1, 1, 0]),
        ("^C=O$", [1, 0, 0]),
        ("C{2}", [0, 0, 1]),
        ("(?i)c=o", [1, 1, 0]),
        ("^$", [0, 0, 0]),
    ],
)
def test_a_pattern_is_looked_for_in_the_text_that_people_read(pattern: str, expected: list[int]) -> None:
    made = given("regex", Vocabulary(["C", "=", "O"]), **{"reward.regex.pattern": pattern, "data.tokenizer": "chars"})
    assert scored(RegexReward, made, rows([A, B, C], [A, B, C, C], [A, A])) == expected


def test_a_pattern_sees_words_with_spaces() -> None:
    made = given("regex", Vocabulary(["the", "gull", "sings"]), **{"reward.regex.pattern": r"^the gull\b"})
    assert scored(RegexReward, made, rows([A, B, C], [A, B], [B, C], [])) == [1, 1, 0, 0]


TEXT = Vocabulary(["a", "b", "c"])


@pytest.mark.parametrize(
    ("least", "most", "expected"),
    [
        (2, 4, [0, 1 / 2, 1, 1, 1, 4 / 5, 4 / 6]),
        (3, 0, [0, 1 / 3, 2 / 3, 1, 1, 1, 1]),
        (0, 2, [1, 1, 1, 2 / 3, 2 / 4, 2 / 5, 2 / 6]),
        (3, 3, [0, 1 / 3, 2 / 3, 1, 3 / 4, 3 / 5, 3 / 6]),
    ],
)
def test_a_length_within_limits_is_worth_one_and_less_the_further_outside(least: int, most: int, expected: list[float]) -> None:
    reward = LengthReward(TEXT, least, most)
    tokens = rows(*[[A, B, C, UNK, A, B][:n] for n in range(7)])
    compiled = tf.function(lambda tokens: reward(tokens, key(0, "r")), autograph=False)
    for found in (reward(tf.constant(tokens), key(0, "r")), compiled(tf.constant(tokens))):
        assert found.dtype == tf.float32
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_every_place_of_a_synthetic_sequence_counts() -> None:
    np.testing.assert_allclose(LengthReward(Vocabulary(size=9), 0, 3).scores(np.zeros((2, 4), np.int32)), [0.75, 0.75])


def test_a_length_is_made_of_the_settings_of_its_use() -> None:
    chosen = tiny_settings(**{"adversarial.reward": "short=length", "reward.short.most": 2, "reward.length.most": 5})
    made = Given(chosen, parts_of(rows([A]), rows([A]), TEXT), Console(quiet=True), use=Use("short", "length"))
    assert LengthReward.make(made).scores(rows([A] * 4)).tolist() == [0.5]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("options", "text", "expected"),
    [
        ({"words": ("gull", "heron")}, "the heron sings", 1),
        ({"words": ("gull", "heron")}, "the cat sings", 0),
        ({"words": ("gull", "heron"), "all_words": True}, "the heron sings", 0),
        ({"words": ("gull", "heron"), "all_words": True}, "a gull, a heron", 1),
        ({"words": ("gull",)}, "Gull and GULL", 1),
        ({"words": ("GULL",)}, "a gull's nest", 1),  # an apostrophe ends a word
        ({"words": ("gull",)}, "seagull", 0),
        ({"words": ("gull",)}, "gulls", 0),
        ({"words": ("gull",)}, "gulls, and a gull", 1),  # the second is whole
        ({"words": ("gull",)}, "gull_1 gull2", 0),
        ({"words": ("gull",), "avoid": ("cat",)}, "a gull", 1),
        ({"words": ("gull",), "avoid": ("cat",)}, "a gull and a cat", 0),
        ({"avoid": ("cat", "old dog")}, "", 1),
        ({"avoid": ("cat", "old dog")}, "an old  Dog", 0),
        ({"avoid": ("cat", "old dog")}, "a dog is old", 1),
        ({"words": ("old dog",)}, "bold dog", 0),
        ({"words": ("because the fog",)}, "it waits because the fog is coming", 1),
        ({"words": ("STRASSE",)}, "die Straße", 1),
        ({"words": ("cafe",)}, "cafe\N{COMBINING ACUTE ACCENT}", 0),
        ({"words": ("caf\N{LATIN SMALL LETTER E WITH ACUTE}",)}, "cafe\N{COMBINING ACUTE ACCENT}", 1),
        ({"words": ("c++",)}, "c++ is old", 1),
        ({"words": ("c",)}, "c++", 1),
        ({"words": ("月",)}, "床前明月光", 1),
        ({"words": ("明月",)}, "床前明月光", 1),
        ({"words": ("明月",)}, "明日月", 0),
        ({"words": ("ねこ",)}, "このねこは", 1),
        ({"words": ("AI",)}, "用AI写", 1),  # what is beside it is of no word of Latin letters
        ({"words": ("AI",)}, "用KAI写", 0),
        ({"words": ("แมว",)}, "ฉันรักแมวมาก", 1),
        ({"words": ("कित",)}, "किताब", 0),  # a vowel sign goes on with the word
        ({"words": ("갈매기",)}, "갈매기가", 0),  # Korean has spaces
    ],
)
def test_words_match_whole_whatever_their_case(options: dict[str, Any], text: str, expected: int) -> None:
    score = LexiconReward.function(**{"words": (), "avoid": (), "all_words": False, **options})
    assert list(score([text, text])) == [expected, expected]


def test_a_lexicon_reads_words_as_they_are_written() -> None:
    made = given("lexicon", Vocabulary(["the", "gull", "sings"]), **{"reward.lexicon.words": ("the gull",)})
    assert scored(LexiconReward, made, rows([A, B, C], [B, A, C])) == [1, 0]
    by_hand: Any = LexiconReward.make(made)
    assert by_hand.scores(rows([A, B, C], [B, A, C])).tolist() == [1, 0]


USES = "birds=lexicon"
REFUSED = [
    ({"adversarial.reward": "grammar"}, "--reward grammar needs a grammar: --set reward.grammar.file=GRAMMAR."),
    ({"adversarial.reward": "mine=grammar"}, "--reward grammar needs a grammar: --set reward.mine.file=GRAMMAR."),
    ({"adversarial.reward": "regex"}, "--reward regex needs a pattern: --set reward.regex.pattern=PATTERN."),
    (
        {"adversarial.reward": "regex", "reward.regex.pattern": "a(b"},
        "reward.regex.pattern=a(b is no regular expression: missing ), unterminated subpattern at position 1.",
    ),
    (
        {"adversarial.reward": "regex", "reward.regex.pattern": "a{99999999999999999999}"},
        "reward.regex.pattern=a{99999999999999999999} is no regular expression: the repetition number is too large.",
    ),
    (
        {"adversarial.reward": "length"},
        "--reward length needs a length: --set reward.length.least=N, --set reward.length.most=N or both.",
    ),
    (
        {"adversarial.reward": "length", "reward.length.least": 5, "reward.length.most": 4},
        "reward.length.least=5 is more than reward.length.most=4: no sequence has both.",
    ),
    (
        {"adversarial.reward": USES},
        "--reward lexicon needs words: --set reward.birds.words=WORD,WORD, --set reward.birds.avoid=WORD,WORD or both.",
    ),
    (
        {"adversarial.reward": USES, "reward.birds.words": ("gull", " ")},
        "reward.birds.words holds an empty word, which stands in every text: leave it out.",
    ),
    (
        {"adversarial.reward": USES, "reward.birds.avoid": ("",)},
        "reward.birds.avoid holds an empty word, which stands in every text: leave it out.",
    ),
    (
        {"adversarial.reward": USES, "reward.birds.words": ("Gull",), "reward.birds.avoid": ("a", "gull")},
        "reward.birds: 'gull' is both in words and in avoid.",
    ),
]


@pytest.mark.parametrize(("settings", "sentence"), REFUSED)
def test_what_a_reward_lacks_is_one_sentence(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        check(**settings)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    "settings",
    [
        {"adversarial.reward": "length", "reward.length.least": 5},
        {"adversarial.reward": "length", "reward.length.least": 5, "reward.length.most": 5},
        {"adversarial.reward": "regex", "reward.regex.pattern": "[[a]"},
        {"adversarial.reward": USES, "reward.birds.avoid": ("gull",)},
    ],
)
def test_what_a_reward_has_is_not_refused(settings: dict[str, Any], recwarn: pytest.WarningsRecorder) -> None:
    check(**settings)
    assert not [each for each in recwarn if "set" in str(each.message)]


def test_a_grammar_that_is_none_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.cfg"
    path.write_text("S -> NP 'sings'\nNP = 'gull'\n")
    with pytest.raises(SeqganError, match=r"bad\.cfg, line 2: \"NP = 'gull'\" is no rule of a grammar"):
        check(**{"adversarial.reward": "grammar", "reward.grammar.file": str(path)})
    with pytest.raises(SeqganError, match=r"Cannot read .*none\.cfg: No such file"):
        check(**{"adversarial.reward": "grammar", "reward.grammar.file": str(tmp_path / "none.cfg")})
