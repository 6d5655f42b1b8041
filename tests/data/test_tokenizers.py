"""Tokenizers: what each keeps, and those that are made from data or from a file."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import reference_tokenizers as reference
from cutters import read_lines
from sampled import examples
from seqgan_cli.config import registry
from seqgan_cli.config.settings import SCHEMA, Settings
from seqgan_cli.data.corpus import Corpus, load_corpus
from seqgan_cli.data.sources import preparation, survey, tokenizing
from seqgan_cli.data.sources.opening import real_corpus
from seqgan_cli.data.sources.preparation import prepare
from seqgan_cli.data.split import chosen_parts
from seqgan_cli.data.text.layout import text_layout
from seqgan_cli.data.tokenizers.base import Tokenizer
from seqgan_cli.data.tokenizers.byte_level import IMPOSSIBLE, LETTERS
from seqgan_cli.data.vocabulary import SPECIAL, UNK
from seqgan_cli.errors import SeqganError, UsageError
from tiny import data_settings

LINES_OF_ALL = (
    "the cat sat on the mat .",
    "a dog and the cat : “naïve” — 床前明月光",
    "ภาษาไทย สวัสดี",
    "👩‍👩‍👧 👍🏽 CC(=O)Oc1ccccc1",
)
SOME = [*LINES_OF_ALL] * 5
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\0"), max_size=30)
ODD = st.text(st.sampled_from("a\u0301é 👩\u200d👧👍🏽\u00a0\u3000\t\r\u2028\u0085ก็'s.,0\u00ad\ufeff\ufffd"), max_size=20)


@pytest.fixture(scope="module")
def made() -> dict[str, Tokenizer]:
    """A trained one of each kind."""
    return {name: registry.tokenizers.made(name).trained(SOME, 300) for name in ("bpe", "unigram")}


def of(made: dict[str, Tokenizer], name: str) -> Tokenizer:
    found: Tokenizer = made[name] if name in made else registry.tokenizers.made(name)
    return found


PATTERNS = ("regex:[a-z]+", "regex:.", "regex:(?=a)", "regex:<?\\w*>?", "regex:\\s+|a")
NAMES = (*(name for name in registry.tokenizers.named if name != "regex"), *PATTERNS)


def test_each_says_what_it_keeps() -> None:
    kept = {name: (each.keeps_text, each.keeps_tokens) for name, each in registry.tokenizers.ours.items()}
    assert kept == {
        "whitespace": (False, True),
        "words": (False, True),
        "chars": (True, True),
        "smiles": (True, False),
        "codons": (True, False),
        "bpe": (True, False),
        "unigram": (True, False),
        "regex": (True, False),
        "json": (None, False),
    }


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=examples(200))
@given(text=TEXT | ODD)
@example(text=" \u3000 e\u0301  👩\u200d👩\u200d👧 \t")
def test_text_is_kept_by_those_that_say_so(made: dict[str, Tokenizer], name: str, text: str) -> None:
    tokenizer = of(made, name)
    tokens = [*tokenizer.split(text)]
    assert not {*tokens} & {*SPECIAL}
    if tokenizer.keeps_text:
        assert tokenizer.join(tokens) == text
    if tokenizer.alphabet:
        assert {*tokens} <= {*tokenizer.alphabet}


@pytest.mark.parametrize("name", [name for name in registry.tokenizers.named if registry.tokenizers.ours[name].keeps_tokens])
@settings(deadline=None, max_examples=examples(200))
@given(texts=st.lists(TEXT | ODD, max_size=3), picks=st.lists(st.integers(0, 99), max_size=9))
def test_tokens_are_kept_by_those_that_say_so(name: str, texts: list[str], picks: list[int]) -> None:
    """In any order, as a generator says them."""
    tokenizer = registry.tokenizers.made(name)
    known = sorted({token for text in texts for token in tokenizer.split(text)})
    tokens = [known[i % len(known)] for i in picks] if known else []
    assert [*tokenizer.split(tokenizer.join(tokens))] == tokens


@pytest.mark.parametrize(
    ("name", "tokens"), [("smiles", ["B", "r"]), ("codons", ["AC", "GTA"]), ("bpe", ["t", "h", "e"]), ("regex:ab", ["a", "b"])]
)
def test_tokens_are_not_kept_by_the_others(made: dict[str, Tokenizer], name: str, tokens: list[str]) -> None:
    assert [*of(made, name).split(of(made, name).join(tokens))] != tokens


# Patterns.


@pytest.mark.parametrize("pattern", ["[a-z]+", "ab|a", "a*", r"\b\w", "é|.", "(a)(b)?"])
@settings(deadline=None, max_examples=examples(100))
@given(text=st.text("abé ẞ1", max_size=12))
def test_a_pattern_cuts_as_its_definition_says(pattern: str, text: str) -> None:
    assert registry.tokenizers.made(f"regex:{pattern}").split(text) == reference.cut_by_pattern(pattern, text)


def test_what_names_a_special_token_is_no_token() -> None:
    assert registry.tokenizers.made("regex: <pad>|b").split("b <pad>b") == ["b", *" <pad>", "b"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("regex:[", r"data.tokenizer=|--tokenizer regex:\[: is no regular expression \(unterminated character set"),
        ("regex:", "a pattern is missing"),
        ("regex", "a pattern is missing"),
        ("bytes", "choose from whitespace, words, chars, smiles, codons, bpe, unigram, regex, or a file that ends in .json"),
        ("json", "choose from whitespace"),
        ("", "choose from whitespace"),
    ],
)
def test_what_names_no_tokenizer_is_refused(value: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        SCHEMA["data.tokenizer"].check(value)


# Trained ones.


def test_bytes_have_the_letters_of_gpt_2() -> None:
    import tokenizers

    assert {*LETTERS.values()} == {*tokenizers.pre_tokenizers.ByteLevel.alphabet()}
    cut = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    for character in ("\t", "ÿ", "床", "👍", "\u0301", "\x7f"):
        assert cut.pre_tokenize_str(character)[0][0] == "".join(LETTERS[byte] for byte in character.encode())
    assert {*map(LETTERS.get, b"\n\0")} <= IMPOSSIBLE
    said = {LETTERS[byte] for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000 for byte in chr(code).encode()}
    assert {*LETTERS.values()} - said | {LETTERS[10]} == IMPOSSIBLE


def test_pairs_are_learned_and_merged_as_the_definition_says() -> None:
    """Words of letters after a space; all counts differ, so that no two pairs tie."""
    text = " ab" * 7 + " xab" * 4 + " yab" * 2 + " xx"
    bpe = registry.tokenizers.made("bpe").trained([text], 256 - len(IMPOSSIBLE) + 4)
    merges = [tuple(pair) for pair in json.loads(bpe.content())["model"]["merges"]]
    assert merges == reference.learned({"Ġab": 7, "Ġxab": 4, "Ġyab": 2, "Ġxx": 1}, 4)
    assert len(bpe.alphabet) == 256 - len(IMPOSSIBLE) + 4
    for word in ("Ġab", "Ġxabab", "yab", "Ġ", "ĠxxĠxab"):
        assert bpe.split(word.replace("Ġ", " ")) == reference.merged([*word], merges)


@pytest.mark.parametrize("name", ["bpe", "unigram"])
def test_the_same_texts_make_the_same_file(tmp_path: Path, name: str) -> None:
    """In another process, whose hash tables have another order, and however many threads the package may have."""
    lines = Path(__file__).parents[2] / "data" / "sentences.txt"
    program = f"""
import sys
from seqgan_cli.config import registry
texts = open({str(lines)!r}, encoding="utf-8").read().split("\\n") + ["zq 床前 é"] * 3
sys.stdout.buffer.write(registry.tokenizers.made({name!r}).trained(texts, 320).content())
"""

    def written(threads: str) -> bytes:
        own = {**os.environ, "TOKENIZERS_PARALLELISM": threads}
        return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, env=own).stdout

    first = written("true")
    assert first == written("false")
    kept = tmp_path / "tokenizer.json"
    kept.write_bytes(first)
    again = registry.tokenizers.component(name).make(name, kept)
    assert again.content() == first
    assert len({score for piece, score in json.loads(first)["model"]["vocab"]} if name == "unigram" else {1, 2}) > 1


def with_marks(lines: list[str], marked: Any) -> str:
    return "".join(f"{line} zqzq zqzq\n" if i in marked else f"{line}\n" for i, line in enumerate(lines))


LINES = [f"{'abcdefgh'[i % 8]} dog {i} sat here {i * i % 97}" for i in range(90)]


@pytest.mark.parametrize("name", ["bpe", "unigram"])
def test_they_are_trained_on_the_training_part_alone(tmp_path: Path, name: str) -> None:
    path, cfg = tmp_path / "lines.txt", data_settings(tokenizer=name, tokenizer_size=400).data
    chosen = chosen_parts(len(LINES), cfg, "", "line", 0)
    for part, among in (("train", True), ("validation", False), ("test", False)):
        path.write_text(with_marks(LINES, chosen[part]))
        corpus, documents = real_corpus(data_settings(source=str(path), tokenizer=name, tokenizer_size=400))
        assert any("zq" in token for token in corpus.vocabulary.tokens) == among
        assert documents is not None and len(documents) == len(LINES)
        assert_same_text(corpus, path, cfg)


def assert_same_text(corpus: Corpus, path: Path, cfg: Any) -> None:
    """Every sequence's tokens, joined, are one of the lines."""
    written = data_settings(source=str(path), tokenizer=cfg.tokenizer).with_tokenizer(corpus.tokenizer)
    line = written.kind.detokenizer(written, corpus.vocabulary).line
    lines = {*path.read_text().splitlines()}
    for table in (corpus.train, corpus.validation, corpus.test):
        assert {line(row) for row in table} <= lines
        assert not (table == UNK).any()


def test_the_vocabulary_has_all_tokens_and_every_line_is_known(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"{line}\n" for line in LINES))
    corpus, _ = real_corpus(data_settings(source=str(path), tokenizer="bpe", tokenizer_size=260))
    assert corpus.vocabulary.size == 260 + len(SPECIAL)
    used = np.bincount(corpus.train.ravel(), minlength=corpus.vocabulary.size)[len(SPECIAL) :]
    assert (np.diff(used) <= 0).all() and used[-1] == 0  # by falling frequency, those that never come last
    corpus.save(tmp_path)
    kept = registry.tokenizers.component("bpe").make("bpe", tmp_path / "corpus" / "tokenizer.json")
    assert load_corpus(tmp_path, None, 0, kept).vocabulary.tokens == corpus.vocabulary.tokens
    assert UNK not in corpus.vocabulary.encode(kept.split("È 床 👍 never seen"))
    small, _ = real_corpus(data_settings(source=str(path), tokenizer="bpe", tokenizer_size=5000))
    assert any("and not --tokenizer-size 5000" in line for line in small.summary)


def test_prepared_data_are_cut_by_what_their_training_part_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which lines are held out tells a preparation of characters; then those alone have a word that none may learn."""
    monkeypatch.setattr(preparation, "PART", 40)
    for each in (preparation, survey, tokenizing):
        monkeypatch.setattr(each, "EVAL_SUBSET", 7)
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"{line}\n" for line in LINES))
    reports: list[tuple[int, int]] = []
    chars = prepare(data_settings(source=str(path), kind="text", tokenizer="chars"), tmp_path / "chars", lambda *_: None)
    held = {"".join(chars.vocabulary.decode(row)) for table in (chars.validation, chars.test) for row in table}
    assert len(held) == 14
    path.write_text(with_marks(LINES, [i for i, line in enumerate(LINES) if line in held]))
    wanted = data_settings(source=str(path), kind="text", tokenizer="bpe", tokenizer_size=300)
    found = prepare(wanted, tmp_path / "bpe", lambda done, total: reports.append((done, total)))
    assert not any("zq" in token for token in found.vocabulary.tokens)
    assert {total for _, total in reports} == {4 * path.stat().st_size}
    assert reports[-1][0] == reports[-1][1]
    kept = json.loads((tmp_path / "bpe" / "tokenizer.json").read_text())
    assert kept == json.loads(found.tokenizer.content())
    cut = wanted.with_tokenizer(found.tokenizer)
    line = cut.kind.detokenizer(cut, found.vocabulary).line
    assert {line(row).endswith(" zqzq zqzq") for row in found.test} == {True}
    assert {line(row) for row in found.train} <= {*LINES} - held
    assert len(found.sequences) == len(LINES) - 14
    (tmp_path / "bpe" / "tokenizer.json").unlink()
    with pytest.raises(SeqganError, match=r"Cannot read .*tokenizer\.json: No such file"):
        real_corpus(data_settings(source=str(tmp_path / "bpe"), tokenizer="bpe"))


def test_the_package_is_asked_for_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(SeqganError, match=r"--tokenizer bpe needs the package .*: pip install 'seqgan-cli\[tokenizers\]'"):
        registry.tokenizers.made("bpe").trained(["a"], 300)


def test_rarer_tokens_cannot_be_left_out_of_what_says_everything() -> None:
    for own in ({"min_count": 2}, {"max_vocab": 9}):
        wrong = [words for is_wrong, words in registry.tokenizers.conflicts(data_settings(tokenizer="bpe", **own)) if is_wrong]
        assert len(wrong) == 1 and "does not go with --tokenizer bpe" in wrong[0]
    assert not any(wrong for wrong, _ in registry.tokenizers.conflicts(data_settings(tokenizer="chars", min_count=2)))


PROSE = 'He said "go." and 3.5 of it. Then he left! 他走了。她也走了。 End of it'


def test_long_lines_are_split_where_sentences_end(tmp_path: Path) -> None:
    """The stops are after 7, 14, 18, 20 and 22 of 25 tokens, and none is within 3.5; a piece has 7 at most."""
    path = tmp_path / "prose.txt"
    path.write_text(f"{PROSE}\n")

    def pieces(tokenizer: Tokenizer, most: int) -> list[str]:
        documents = read_lines(path, tokenizer, False)
        layout = text_layout(documents, data_settings(overlong="split", max_length=most).data, "line", tokenizer)
        spans = zip(*layout.segment(documents, np.array([0])), strict=True)
        return [tokenizer.join([documents.tokens[i] for i in documents.ids[start:end]]) for start, end in spans]

    expected = ['He said "go."', " and 3.5 of it.", " Then he left! 他走了。", "她也走了。 End of it"]
    assert pieces(registry.tokenizers.made(r"regex: ?\w+|."), 7) == expected
    expected = ['He said "go."', " and 3.5 of it.", " Then he left! 他走了。她也走了。", " End of it"]
    assert pieces(registry.tokenizers.made(r"regex: ?\w+|."), 10) == expected
    of_bytes = pieces(registry.tokenizers.made("bpe").trained([PROSE], 256), 30)
    assert of_bytes[0] == 'He said "go." and 3.5 of it.'
    assert all(text.endswith((".", "!", "。")) for text in of_bytes[:-1])
    assert "".join(of_bytes).replace(" ", "") == PROSE.replace(" ", "")


def test_people_read_whole_characters_and_names_of_their_parts(made: dict[str, Tokenizer]) -> None:
    shown = [made["bpe"].shown(token) for token in made["bpe"].split("the cat ☃")]
    assert "the" in shown and " cat" in shown and "".join(shown[:2]) == "the cat"
    assert shown[-3:] == ["".join(LETTERS[byte] for byte in [b]) for b in "☃".encode()]


# Files.


def word_pieces(path: Path) -> Path:
    import tokenizers

    vocabulary = {"[UNK]": 0, "the": 1, "cat": 2, "##s": 3, "sat": 4, ".": 5}
    made = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.normalizer = tokenizers.normalizers.Lowercase()
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.decoder = tokenizers.decoders.WordPiece()
    made.enable_truncation(2)
    made.save(str(path))
    return path


def test_a_file_of_somebody_else_is_taken_as_it_is(tmp_path: Path) -> None:
    """Its unknown token is ours, its truncation is not done, and what it does not give back is told."""
    tokenizer = registry.tokenizers.made(str(word_pieces(tmp_path / "pieces.json")))
    assert tokenizer.split("the cats sat") == ["the", "cat", "##s", "sat"]
    assert tokenizer.split("the emu") == ["the", SPECIAL[UNK]]
    assert tokenizer.join(["the", "cat", "##s", "sat"]) == "the cats sat"
    path = tmp_path / "lines.txt"
    path.write_text("the cats sat\nThe cat sat\nthe cat\nthe emu sat\nthe cat sat\nthe cats\n")
    corpus, documents = real_corpus(
        data_settings(source=str(path), tokenizer=str(tmp_path / "pieces.json"), test=str(path), validation=0.0)
    )
    assert documents is not None
    (note,) = [note for note in documents.notes if "otherwise" in note]
    assert note.startswith("The tokenizer gives 2 of 6 lines back otherwise than they are (first line 2)")
    assert sorted(corpus.vocabulary.tokens[3:]) == ["##s", "cat", "sat", "the"]
    assert sum((row == UNK).any() for row in corpus.train) == 1
    assert corpus.tokenizer.content() == (tmp_path / "pieces.json").read_bytes()


def test_what_was_trained_here_is_such_a_file(made: dict[str, Tokenizer], tmp_path: Path) -> None:
    for name, trained in made.items():
        (tmp_path / f"{name}.json").write_bytes(trained.content())
        again = registry.tokenizers.made(str(tmp_path / f"{name}.json"))
        for text in (*SOME, "ẞ \u0301 ☃"):
            assert again.split(text) == trained.split(text)
            assert again.join(again.split(text)) == text


@pytest.mark.parametrize(("content", "words"), [(None, "Cannot read"), ("{}", "is no tokenizer"), ("[1", "is no tokenizer")])
def test_a_file_that_is_none_is_told(tmp_path: Path, content: str | None, words: str) -> None:
    path = tmp_path / "none.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SeqganError, match=rf"{words}.*|.*{words}") as told:
        registry.tokenizers.made(str(path))
    assert str(path) in str(told.value)


def test_settings_of_a_run_know_what_it_keeps(tmp_path: Path, made: dict[str, Tokenizer]) -> None:
    kept = tmp_path / "tokenizer.json"
    kept.write_bytes(made["bpe"].content())
    found = Settings({"data.tokenizer": "bpe"}, kept)
    assert found.tokenizer.split("the cat") == made["bpe"].split("the cat")
    assert found.changed({"seed": 3}).tokenizer is found.tokenizer
    assert found.changed({"data.tokenizer": "chars"}).tokenizer.split("ab") == "ab"
    assert not Settings({"data.tokenizer": "bpe"}).tokenizer.is_trained
    kept.unlink()
    with pytest.raises(SeqganError, match=rf"Cannot read {re.escape(str(kept))}"):
        _ = Settings({"data.tokenizer": "bpe"}, kept).tokenizer
