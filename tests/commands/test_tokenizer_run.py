"""A run with a tokenizer of its own keeps it, is scored in words and bytes too, and says which samples are read otherwise."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from seqgan_cli.config import registry
from seqgan_cli.runs.run import Run

CUT = ("--max-length", 9, "--overlong", "cut")
BPE = ("--tokenizer", "bpe", "--tokenizer-size", 270, *CUT)
FEW = ("--preset", "quick", "--set", "evaluation.samples=16", "--set", "generator.hidden-dim=5", "--quiet", "--threads", 1)
LINES = [f"the {who} {did} in the rain" for who in ("cat", "dog", "gull") for did in ("sat", "sang", "waited", "slept", "fell")]


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"{line}\n" for line in LINES * 3))
    return path


@pytest.fixture
def begun(seqgan: Any, lines: Path, tmp_path: Path) -> Path:
    """An epoch of a run of subwords."""
    run = tmp_path / "run"
    outcome = seqgan("pretrain-g", "--data", lines, "--run", run, "--epochs", 1, *BPE, *FEW)
    assert (outcome.code, outcome.out) == (0, ""), outcome.err
    return run


def records(outcome: Any) -> list[Any]:
    assert outcome.code == 0, outcome.err
    return [json.loads(line) for line in outcome.out.split("\n")[:-1]]


def test_a_run_goes_on_with_its_own_and_says_what_is_read_otherwise(seqgan: Any, begun: Path) -> None:
    kept = begun / "corpus" / "tokenizer.json"
    before = kept.read_bytes()
    assert seqgan("pretrain-g", "--run", begun, "--epochs", 2, "--quiet").code == 0
    assert kept.read_bytes() == before
    assert Run(begun).corpus().vocabulary.size == 273

    # A prompt is cut as a whole, in the midst of a word too, and what follows begins where it ends.
    for line in records(seqgan("sample", "--run", begun, "-n", 6, "--prompt", "the c☃", "--format", "jsonl")):
        assert line["prompt"] == "the c☃" and line["text"] == line["prompt"] + line["continuation"]

    # Pieces that are hardly trained make texts that are cut otherwise, and bytes that are no text.
    drawn = seqgan("sample", "--run", begun, "-n", 20)
    assert drawn.out.count("\n") == 20
    settings, tokens = Run(begun).config().settings, Run(begun).corpus().vocabulary.tokens
    own = records(seqgan("sample", "--run", begun, "-n", 20, "--format", "jsonl"))
    otherwise = [line for line in own if [*settings.tokenizer.split(line["text"])] != [tokens[i] for i in line["ids"]]]
    damaged = sum("�" in line["text"] for line in otherwise)
    told = f"The text of {len(otherwise)} of 20 samples is read by bpe as other tokens than they have, {damaged} of them"
    assert told in drawn.err

    kept.unlink()
    lost = seqgan("sample", "--run", begun, "-n", 1)
    assert (lost.code, lost.err) == (1, f"Error: Cannot read {kept}: No such file or directory.\n")


def test_scores_in_bits_per_byte_and_in_words(seqgan: Any, begun: Path, tmp_path: Path) -> None:
    """Bits are over the bytes and the end of a line, which is known whatever it holds; BLEU is of tokens or of the text's."""
    own = tmp_path / "own.txt"
    own.write_text("the ☃\n")
    (scored,) = records(seqgan("score", own, "--run", begun, "--format", "jsonl"))
    assert scored["unknown"] == []
    assert scored["bits_per_byte"] == pytest.approx(scored["nll"] / math.log(2) / (len("the ☃".encode()) + 1))

    settings, corpus = Run(begun).config().settings, Run(begun).corpus()
    line = settings.kind.detokenizer(settings, corpus.vocabulary).line
    test = tmp_path / "test.txt"
    test.write_text("".join(f"{line(row)}\n" for row in corpus.test))
    scores = records(seqgan("score", test, "--run", begun, "--format", "jsonl"))
    (of_run,) = records(seqgan("eval-nll", "--run", begun, "--samples", 20, "--json", "--quiet"))
    bits = of_run["scores"][0]["bits_per_byte"]["mean"]
    assert bits == pytest.approx(sum(score["nll"] for score in scores) / math.log(2) / test.stat().st_size, rel=1e-5)
    table = seqgan("eval-nll", "--run", begun, "--samples", 20, "--quiet").out
    assert f"nll_test of 1: {bits:.3f} ± " in table and "bits per byte of text." in table

    own.write_text("the cat sat in\nthe dog in the rain rain\nthe gull's ☃\n")
    words = ("--hypotheses", own, "--tokenizer", "words", "--json", "--quiet")
    (of_files,) = records(seqgan("eval-bleu", *words, "--references", test, "--run", tmp_path / "none"))
    (of_words,) = records(seqgan("eval-bleu", *words, "--run", begun))
    (of_tokens,) = records(seqgan("eval-bleu", "--hypotheses", own, "--json", "--quiet", "--run", begun))
    assert of_words["bleu"] == of_files["bleu"] != of_tokens["bleu"]
    assert "tokenizer:words" in of_words["signature"] and "tokenizer:bpe" in of_tokens["signature"]
    refused = seqgan("eval-bleu", "--tokenizer", "unigram", "--run", begun)
    assert (refused.code, "is of a run that was trained with it" in refused.err) == (2, True)


def test_it_goes_along_with_an_export(
    seqgan: Any, begun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who loads the models has texts to cut, and the name of a trained tokenizer cuts none."""
    monkeypatch.setattr(registry.formats["keras"], "write", lambda programs, folder: [])
    outcome = seqgan("export", begun, "-o", tmp_path / "models")
    assert outcome.code == 0, outcome.err
    assert outcome.out.endswith("tokenizer.json, vocabulary.json.\n")
    assert (tmp_path / "models" / "tokenizer.json").read_bytes() == (begun / "corpus" / "tokenizer.json").read_bytes()


def test_a_file_is_copied_into_the_run(seqgan: Any, lines: Path, tmp_path: Path) -> None:
    """Which then needs it no more; `corpus --write` wrote it."""
    written = seqgan("corpus", lines, *BPE, "--write", tmp_path / "parts")
    file, run = tmp_path / "parts" / "tokenizer.json", tmp_path / "run"
    assert f"Their tokens: --tokenizer {file}." in written.err
    assert seqgan("pretrain-g", "--data", lines, "--tokenizer", file, *CUT, "--run", run, "--epochs", 1, *FEW).code == 0
    before = file.read_bytes()
    file.unlink()
    assert (run / "corpus" / "tokenizer.json").read_bytes() == before
    assert seqgan("sample", "--run", run, "-n", 2, "--prompt", "the").code == 0
    assert seqgan("pretrain-g", "--run", run, "--epochs", 2, *FEW[-3:]).code == 0
    again = seqgan("pretrain-g", "--run", run, "--tokenizer", "chars")
    assert again.code == 2 and "cannot become chars" in again.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--tokenizer", "bpe", "--tokenizer-size", 255), "must be at least 256"),
        (("--tokenizer-size", 300), "--tokenizer-size is of no use to --tokenizer whitespace: leave it out."),
        (("--tokenizer", "unigram", "--min-count", 2), "--min-count does not go with --tokenizer unigram"),
        (("--tokenizer", "regex:("), "is no regular expression (missing ), unterminated subpattern at position 0)"),
        (("--tokenizer", "letters"), "choose from whitespace, words, chars"),
        (("--kind", "ids", "--tokenizer", "bpe"), "--tokenizer bpe does not go with --kind ids"),
    ],
)
def test_what_does_not_go_together_is_refused(seqgan: Any, lines: Path, options: tuple[Any, ...], words: str) -> None:
    outcome = seqgan("corpus", lines, *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err and "Traceback" not in outcome.err
