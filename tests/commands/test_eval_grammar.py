"""`seqgan eval-grammar`: which sentences a grammar has, against its language made one by one, and what is reported."""

import itertools
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import reference
from sampled import examples
from seqgan_cli.errors import SeqganError
from seqgan_cli.evaluation.metrics.grammar import LARGEST_GRAMMAR, Parser
from seqgan_cli.randomness import key
from seqgan_cli.runs.generators import generator_checkpoint, read_generator
from seqgan_cli.runs.run import Run
from seqgan_cli.sampling.sequences import sample

GRAMMAR = Path(__file__).parents[2] / "data" / "sentences.cfg"
NUM = 60


def put(folder: Path, text: str | bytes) -> Path:
    path = folder / "grammar.cfg"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def written(rules: list[tuple[str, list[str]]]) -> str:
    """Rules in NLTK's notation: capitals are symbols, others words."""
    return "".join(f"{left} -> {' '.join(p if p.isupper() else repr(p) for p in right)}\n" for left, right in rules)


# The parser.

RIGHT = st.lists(st.sampled_from(["S", "A", "B", "a", "b"]), max_size=3)
RULES = st.builds(
    lambda *rights: [(left, right) for left, some in zip("SAB", rights, strict=True) for right in some],
    *[st.lists(RIGHT, min_size=1, max_size=3)] * 3,
)


@settings(deadline=None, max_examples=examples(100))
@given(RULES)
def test_sentences_are_the_languages(tmp_path_factory: pytest.TempPathFactory, rules: list[tuple[str, list[str]]]) -> None:
    """Of random grammars with empty rules, circles and ambiguity. The rules of one tree are enough to make the sentence."""
    parser = Parser(put(tmp_path_factory.mktemp("grammar"), written(rules)))
    language = reference.language(rules, "S", 4)
    for length in range(5):
        for sentence in itertools.product("ab", repeat=length):
            found = parser.rules(sentence)
            assert (found is not None) == (sentence in language)
            if found is not None:
                used = [(str(left), [str(part) for part in right]) for left, right in found]
                assert sentence in reference.language([*used, ("S", ["S"])], "S", 4)
                assert all(rule in rules for rule in used)


def test_an_unknown_word_is_no_sentence(tmp_path: Path) -> None:
    parser = Parser(put(tmp_path, "S -> 'a' | 'a' S"))
    assert parser.rules(("a", "a")) is not None
    assert parser.rules(("a", "x")) is None


def test_a_very_ambiguous_sentence_has_one_tree_read(tmp_path: Path) -> None:
    """Twenty words have 1,767,263,190 trees."""
    rules = Parser(put(tmp_path, "S -> S S | 'a' | 'b'")).rules(("a",) * 20)
    assert {tuple(map(str, right)) for _, right in rules or ()} == {("S", "S"), ("a",)}


def test_a_sentence_that_takes_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parser = Parser(put(tmp_path, "S -> 'a'"))

    def give_up(sentence: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(parser._parser, "chart_parse", give_up)
    with pytest.raises(SeqganError, match="too ambiguous: NLTK's parser gives up on the 1 words 'a'"):
        parser.rules(("a",))


def test_repeated_sentences_are_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parser = Parser(put(tmp_path, "S -> 'a' | 'b'"))
    parsed: list[object] = []
    parse = parser._parser.chart_parse
    monkeypatch.setattr(parser._parser, "chart_parse", lambda sentence: parsed.append(sentence) or parse(sentence))
    for sentence in (("a",), ("b",), ("a",), ("a", "b"), ("a", "b")):
        parser.rules(sentence)
    assert parsed == [("a",), ("b",), ("a", "b")]


# Bad grammars.


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", " holds no rule: write one a line, as in S -> NP 'sings'."),
        ("# nothing\n\n", " holds no rule: write one a line, as in S -> NP 'sings'."),
        ("S -> 'a'\nS 'b'\n", ", line 2: \"S 'b'\" is no rule of a grammar (Expected an arrow)."),
        ("S -> 'a\n", ', line 1: "S -> \'a" is no rule of a grammar (Unterminated string).'),
        ("S -> 'a'\n% begin S\n", ", line 2: '% begin S' is no rule of a grammar (%start SYMBOL is the only directive)."),
        ("S -> 'a'\n%\n", ", line 2: '%' is no rule of a grammar (%start SYMBOL is the only directive)."),
        ("S -> NP 'b'\n", ": there is no rule for NP; a word of the language stands in quotes: 'NP'."),
        ("%start T\nS -> 'b'\n", ": there is no rule for T; a word of the language stands in quotes: 'T'."),
        (b"S -> 'a'\nS -> '\xff'\n", ", line 2: 0xff is not UTF-8; a grammar is text."),
        (b"x" * (LARGEST_GRAMMAR + 1), " is larger than 4 MB, so it is no grammar."),
    ],
)
def test_a_bad_grammar_is_refused_with_its_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = put(tmp_path, content)
    with pytest.raises(SeqganError) as refusal:
        Parser(path)
    assert str(refusal.value) == f"{path}{message}"


def test_the_command_refuses_in_one_sentence(seqgan, refused, text, tmp_path):
    none = tmp_path / "none.cfg"
    refused(seqgan("eval-grammar", none, "--run", text.path), 1, f"Cannot read {none}: No such file or directory.")
    other = put(tmp_path, "S -> 'zebra'\n")
    refused(
        seqgan("eval-grammar", "-q", other, "-n", 2, "--run", text.path),
        1,
        f"{other} has no word in common with the held-out set: is it the grammar of these data, with words as 'whitespace' "
        "cuts them?",
    )
    refused(seqgan("eval-grammar", GRAMMAR, "--temperature", -1), 2, "--temperature", usage=True)
    refused(seqgan("eval-grammar"), 2, "GRAMMAR", usage=True)


# What is reported.


def scored(seqgan, run, *arguments):
    outcome = seqgan("eval-grammar", "-q", "--json", "-n", NUM, "--run", run, *arguments)
    assert outcome.code == 0, outcome.err
    assert outcome.err == ""
    assert outcome.out.count("\n") == 1
    return json.loads(outcome.out)


@pytest.fixture(scope="module")
def any_words(text, tmp_path_factory) -> tuple[Path, set[str]]:
    """A grammar of sentences that end in one of half of the run's words, so that a poor generator has some, and those words."""
    corpus = Run(text.path).corpus()
    words = [word for word in corpus.vocabulary.tokens[3:] if word.isalpha()]
    last, other = words[::2], words[1::2]
    rules = [
        ("S", ["W", "S"]),
        ("S", ["L"]),
        ("W", ["L"]),
        *(("L", [word]) for word in last),
        *(("W", [word]) for word in other),
    ]
    return put(tmp_path_factory.mktemp("grammar"), written(rules)), set(last)


def test_every_figure_is_the_literal_one(seqgan, text, any_words):
    grammar, last = any_words
    found = scored(seqgan, text.path, grammar)
    run = Run(text.path)
    corpus = run.corpus()
    sentences = {"data": corpus.test}
    for column, which, purpose in (("samples", "latest", ()), ("MLE", "pretrain-g", ("MLE",))):
        generator = read_generator(run, generator_checkpoint(run, which, lambda message: None), corpus)
        sentences[column] = sample(generator, NUM, key(0, "eval-grammar", *purpose))
    known = set(corpus.vocabulary.tokens[3:]) - {","}
    training = [corpus.vocabulary.decode(row) for row in corpus.train]
    equal = found["compared"]
    assert equal == len(corpus.test) < NUM
    assert found["rules"] == 3 + len(known)
    tables = {}
    for column, tokens in sentences.items():
        cut = [corpus.vocabulary.decode(row) for row in tokens]
        parsed = [s for s in cut if s and s[-1] in last and known.issuperset(s)]
        new = [s for s in parsed if s not in training]
        score = found["scores"][column]
        assert score["sequences"] == score["parsed"]["count"] == len(cut)
        assert score["parsed"]["mean"] == pytest.approx(len(parsed) / len(cut))
        assert score["new"]["count"] == len(parsed)
        assert score["new"]["mean"] == pytest.approx(len(new) / len(parsed))
        assert score["distinct"] == pytest.approx(len({*map(tuple, cut[:equal])}) / equal)
        tables[column] = [[len(parsed), len(cut) - len(parsed)], [len(new), len(parsed) - len(new)]]
        # S → L and a rule a word; S → W S where there are two words or more; W → L where one of `last` is not the last.
        compared = [s for s in cut[:equal] if s in parsed]
        structure = any(compared) + any(len(s) > 1 for s in compared) + any({*s[:-1]} & last for s in compared)
        assert score["rules"] == structure + len({word for s in compared for word in s})
    assert 0 < found["scores"]["samples"]["parsed"]["mean"] < 1
    for i, name in enumerate(("parsed", "new")):
        assert found["p"][name] == pytest.approx(stats.fisher_exact([tables["samples"][i], tables["MLE"][i]]).pvalue)


def test_the_corpus_is_its_grammars(seqgan, text, sentences):
    """<unk> is no word of the grammar, so held-out lines with one are not parsed; a file's lines all are, and few are new."""
    found = scored(seqgan, text.path, GRAMMAR, "--samples-file", sentences)
    run = Run(text.path)
    corpus = run.corpus()
    whole = sum("<unk>" not in corpus.vocabulary.decode(row) for row in corpus.test)
    assert found["scores"]["data"]["parsed"]["mean"] == pytest.approx(whole / len(corpus.test))
    lines = sentences.read_text().splitlines()
    training = {" ".join(corpus.vocabulary.decode(row)) for row in corpus.train}
    own = found["scores"]["samples"]
    assert own["sequences"] == len(lines)
    assert own["parsed"]["mean"] == 1.0
    assert own["new"]["mean"] == pytest.approx(sum(line not in training for line in lines) / len(lines))
    assert found["from"] == str(sentences)
    assert found["p"] == {}


@pytest.mark.parametrize(("blanks", "ends"), [(1, True), (3, False), (40, True)])
def test_blank_lines_of_a_samples_file_stay_in_the_denominator(seqgan, text, sentences, tmp_path, blanks, ends):
    """k of them among n lines leave n/(n + k) of the share; a newline at the end makes none."""
    lines = sentences.read_text().splitlines()[:20]
    lines[3:6] = ["cat the the", "sings", "the"]  # no sentences
    share = 17 / (20 + blanks)
    mixed = [*lines[:7], *[" "] * (blanks - 1), *lines[7:-1], "", lines[-1]]
    padded = tmp_path / "padded.txt"
    padded.write_text("\n".join(mixed) + "\n" * ends)
    outcome = seqgan("eval-grammar", "--json", "-q", GRAMMAR, "--run", text.path, "--samples-file", padded)
    assert outcome.code == 0
    found = json.loads(outcome.out)["scores"]["samples"]
    assert found["sequences"] == 20 + blanks
    assert found["parsed"]["mean"] == pytest.approx(share)
    assert outcome.err == f"Warning: {padded}: {blanks} of {20 + blanks} lines are blank, each a sample without tokens.\n"


def test_a_file_needs_no_generator(seqgan, text, sentences, tmp_path):
    run = Path(shutil.copytree(text.path, tmp_path / "run"))
    shutil.rmtree(run / "checkpoints")
    assert scored(seqgan, run, GRAMMAR, "--samples-file", sentences)["scores"].keys() == {"samples", "data"}
    assert seqgan("eval-grammar", GRAMMAR, "--run", run).code == 1


def test_bad_lines_are_refused(seqgan, refused, text, tmp_path):
    none = tmp_path / "none.txt"
    arguments = ["eval-grammar", GRAMMAR, "--run", text.path, "--samples-file", none]
    refused(seqgan(*arguments), 1, f"Cannot read {none}: No such file or directory.")


def test_table(seqgan, text, any_words):
    outcome = seqgan("eval-grammar", any_words[0], "-n", NUM, "--run", text.path)
    assert outcome.code == 0
    lines = [line.split() for line in outcome.out.splitlines() if line.strip()]
    assert " ".join(lines[0]) == f"{NUM} samples of adversarial, round 2, temperature 1, parsed by {any_words[0]}"
    assert lines[1] == ["measure", "samples", "MLE", "data", "p"]
    assert [line[0] for line in lines[3:7]] == ["parsed", "new", "distinct", "rules"]
    alone = seqgan("eval-grammar", any_words[0], "-n", NUM, "--run", text.path, "--from", "pretrain-g").out
    assert "MLE" not in alone
