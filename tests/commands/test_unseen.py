"""`--data` of the commands that score a run: data that it never saw, in its own numbers, and what is told of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import reference
from seqgan_cli.console import Console
from seqgan_cli.jobs.trained import trained_of
from seqgan_cli.runs.run import Run

Call = Callable[..., Any]
LINES = ["the gull sings", "the zebra sings near a river", "a heron waits", " ".join(["the"] * 80)]


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """Four lines: one has a word that the run does not know, and one is too long for it."""
    path = tmp_path / "own.txt"
    path.write_text("\n".join(LINES) + "\n")
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """The same in a table."""
    path = tmp_path / "own.csv"
    path.write_text("id,verse,prose\n" + "".join(f"{i},{line},no {i} such\n" for i, line in enumerate(LINES)))
    return path


def literal(run: Path, lines: list[str]) -> float:
    """−log G per token of lines, by the literal model."""
    trained = trained_of(Run(run), "latest", Console(quiet=True))
    weights = [variable.numpy() for variable in trained.generator.trainable_variables]
    total, terms = 0.0, 0
    for line in lines:
        ids = [*trained.corpus.vocabulary.encode(line.split()), 1]
        for t, token in enumerate(ids):
            logits = reference.next_logits(weights, ids[:t]).astype(np.float64)
            logits[[0, 2]] = -np.inf
            if token != 2:
                terms += 1
                if t < trained.corpus.sequence_length - 1:
                    total += np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[token]
    return total / terms


def test_the_likelihood_is_of_the_file_and_what_is_read_is_told(seqgan: Call, text: Any, lines: Path, table: Path) -> None:
    arguments = ("eval-nll", "--run", text.path, "--samples", 50, "--json", "--data")
    found = seqgan(*arguments, lines)
    record = json.loads(found.out)
    assert record["held_out"] == {"source": str(lines), "sequences": 3}
    assert record["scores"][0]["nll_test"]["mean"] == pytest.approx(literal(text.path, LINES[:3]), rel=1e-4)
    known = set((text.path / "vocabulary.txt").read_text().split("\n"))
    words = [word for line in LINES[:3] for word in line.split()]
    unknown = [word for word in words if word not in known]
    assert "zebra" in unknown
    assert record["data"]["unknown_share"] == pytest.approx(len(unknown) / len(words))
    assert f"{len(unknown) / len(words):.2%} of its tokens are unknown to the run (" in found.err
    most = Run(text.path).corpus().sequence_length - 1
    assert f"1 of 4 lines are longer than {most} tokens, and are dropped, as the run's own are." in found.err
    assert f"Held out: 3 sequences, all of {lines}, in the place of the run's" in found.err
    of_table = seqgan(*arguments, table, "--column", "verse")
    assert json.loads(of_table.out)["scores"] == record["scores"]


def test_all_of_a_file_counts_however_large(seqgan: Call, text: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run's own test part is looked at as far as its first sequences."""
    monkeypatch.setattr("seqgan_cli.data.corpus.EVAL_SUBSET", 2)
    own = json.loads(seqgan("eval-nll", "--run", text.path, "--samples", 50, "--json").out)
    assert own["scores"][0]["nll_test"]["count"] == 2
    (tmp_path / "many.txt").write_text("the gull sings\n" * 7)
    found = seqgan("eval-nll", "--run", text.path, "--samples", 50, "--json", "--data", tmp_path / "many.txt")
    assert json.loads(found.out)["scores"][0]["nll_test"]["count"] == 7


def test_every_command_that_scores_against_held_out_data_takes_a_file(seqgan: Call, text: Any, lines: Path) -> None:
    quality = json.loads(seqgan("eval-quality", "-n", 20, "--json", "--run", text.path, "--data", lines).out)
    assert (quality["heldout"], quality["held_out"]["sequences"]) == (3, 3)
    bleu = ("eval-bleu", "-n", 20, "--json", "--run", text.path)
    (lines.parent / "fitting.txt").write_text("\n".join(LINES[:3]) + "\n")
    against = json.loads(seqgan(*bleu, "--references", lines.parent / "fitting.txt").out)
    found = json.loads(seqgan(*bleu, "--data", lines).out)
    assert found["bleu"] == pytest.approx(against["bleu"])
    assert found["held_out"] == quality["held_out"]
    reward = seqgan(
        *("eval-reward", "-n", 20, "--json", "--no-controls", "--reward", "constant", "--run", text.path, "--data", lines)
    )
    (row,) = json.loads(reward.out)["rows"]
    assert row["nll_test"]["mean"] == pytest.approx(literal(text.path, LINES[:3]), rel=1e-4)
    for command in (["eval-quality"], ["eval-reward", "--no-controls", "--reward", "constant"], ["eval-bleu"], ["eval-nll"]):
        size = ["--samples", 20] if command == ["eval-nll"] else ["-n", 20]
        shown = seqgan(*command, *size, "--run", text.path, "--data", lines)
        assert f"held out: {lines}" in shown.out


def test_a_grammar_parses_all_of_a_file(seqgan: Call, text: Any, lines: Path) -> None:
    (lines.parent / "g.cfg").write_text("S -> 'the' 'gull' 'sings' | 'a' 'heron' 'waits'\n")
    (lines.parent / "one.txt").write_text("the gull sings\n")
    for source in (["-n", 1], ["--samples-file", lines.parent / "one.txt"]):
        found = seqgan(
            "eval-grammar", lines.parent / "g.cfg", *source, "--json", "--run", text.path, "--data", lines
        )
        assert found.code == 0, found.err
        assert json.loads(found.out)["scores"]["data"]["sequences"] == 3


def test_numbers_are_of_one_length(seqgan: Call, refused: Call, synthetic: Any, tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("1 2 3 4 5\n5 4 3 2 1\n1 2\n")
    arguments = ("eval-nll", "--run", synthetic.path, "--samples", 50, "--json", "--data", tmp_path / "own.txt")
    found = seqgan(*arguments)
    weights = [v.numpy() for v in trained_of(Run(synthetic.path), "latest", Console(quiet=True)).generator.trainable_variables]
    expected = np.mean([reference.sequence_nll(weights, ids) / 5 for ids in ([1, 2, 3, 4, 5], [5, 4, 3, 2, 1])])
    assert json.loads(found.out)["scores"][0]["nll_test"]["mean"] == pytest.approx(expected, rel=1e-4)
    assert "1 of 3 lines are not 5 tokens: left out." in found.err
    (tmp_path / "own.txt").write_text("1 2 3 4 99\n")
    refused(seqgan(*arguments), 1, f"{tmp_path / 'own.txt'}: '99' is no token of this vocabulary.")


def test_music_is_read_in_windows(seqgan: Call, tunes: Any, tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text(" ".join(map(str, range(20, 60))) + "\n")
    found = seqgan("eval-nll", "--run", tunes.path, "--samples", 50, "--json", "--data", tmp_path / "own.txt")
    assert json.loads(found.out)["held_out"]["sequences"] == 4  # windows of 16, 8 apart


@pytest.mark.parametrize(
    ("content", "arguments", "code", "said"),
    [
        (None, [], 1, "Cannot read "),
        ("", [], 1, "holds no text: one sequence a line is needed."),
        ("qqq zzz\n", [], 1, "has no token in common with the run, such as 'qqq'"),
        (" ".join("a" * 90) + "\n", [], 1, "none of 1 lines gives a sequence of"),
        ("a\n", ["--column", "x"], 2, "is no table and no JSON, and has no columns: leave it out."),
    ],
)
def test_what_cannot_be_scored_is_one_sentence(
    seqgan: Call, text: Any, tmp_path: Path, content: str | None, arguments: list[str], code: int, said: str
) -> None:
    path = tmp_path / "own.txt"
    if content is not None:
        path.write_text(content)
    for command in ("eval-nll", "eval-bleu"):
        outcome = seqgan(command, "--run", text.path, "--data", path, *arguments)
        assert (outcome.code, outcome.out) == (code, "")
        assert said in outcome.err.splitlines()[-1]
        assert "Traceback" not in outcome.err


def test_options_that_name_nothing_are_refused(seqgan: Call, text: Any, lines: Path) -> None:
    for arguments, said in (
        (("eval-nll", "--column", "x"), "--column is of --data FILE: name that too, or leave it out."),
        (("eval-bleu", "--hypotheses-column", "x"), "--hypotheses-column is of --hypotheses FILE"),
        (("eval-bleu", "--data", lines, "--references", lines), "--data and --references both say"),
        (("eval-nll", "--data", lines, "--cluster", "localhost:1,localhost:2", "--worker", 0, "--distribute", "multi-worker"),
         "--data is read by one process alone: leave the cluster out."),
    ):  # fmt: skip
        outcome = seqgan(*arguments, "--run", text.path)
        assert (outcome.code, outcome.out) == (2, "")
        assert said in outcome.err


def test_two_tables_have_columns_of_their_own(seqgan: Call, tmp_path: Path, table: Path) -> None:
    """Without a run, and with one whose column the hypotheses lack."""
    (tmp_path / "samples.jsonl").write_text("".join(json.dumps({"said": line, "n": 1}) + "\n" for line in LINES))
    (tmp_path / "a.txt").write_text("\n".join(LINES) + "\n")
    two = ("--hypotheses", tmp_path / "samples.jsonl", "--references", table, "--json")
    columns = ("--hypotheses-column", "said", "--references-column", "verse")
    plain = ("--hypotheses", tmp_path / "a.txt", "--references", tmp_path / "a.txt", "--json")
    for tokenizer in ("words", "chars"):
        found = seqgan("eval-bleu", *two, *columns, "--tokenizer", tokenizer, "--run", tmp_path / "none")
        expected = seqgan("eval-bleu", *plain, "--tokenizer", tokenizer, "--run", tmp_path / "none")
        assert json.loads(found.out)["bleu"] == json.loads(expected.out)["bleu"]
    wrong = seqgan("eval-bleu", *two, *columns[:3], "prosa", "--run", tmp_path / "none")
    assert wrong.code == 2
    assert f"--references-column prosa: {table} has the columns 'id', 'verse', 'prose'." in wrong.err


def test_hypotheses_without_the_runs_column_have_a_way(seqgan: Call, tiny_config: Path, tmp_path: Path, table: Path) -> None:
    made = seqgan("pretrain-g", "--data", table, "--column", "verse", "--config", tiny_config, "--epochs", 1,
                  "--run", tmp_path / "run", "--overlong", "cut", "--max-length", 8)  # fmt: skip
    assert made.code == 0, made.err
    (tmp_path / "samples.jsonl").write_text("".join(json.dumps({"text": line}) + "\n" for line in LINES))
    arguments = ("eval-bleu", "--run", tmp_path / "run", "--hypotheses", tmp_path / "samples.jsonl")
    outcome = seqgan(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    said = f"--hypotheses-column verse: {tmp_path / 'samples.jsonl'} has the fields 'text'. That is the run's column: "
    assert f"{said}--hypotheses-column NAME names this file's." in outcome.err
    assert seqgan(*arguments, "--hypotheses-column", "text").code == 0


def test_sequences_that_the_run_has_trained_on_are_told(seqgan: Call, text: Any, tmp_path: Path) -> None:
    """From a tenth of them on, as when data are read."""
    corpus = trained_of(Run(text.path), "latest", Console(quiet=True)).corpus
    known = [" ".join(corpus.vocabulary.decode(ids)) for ids in corpus.train[:2]]
    told = "of its sequences stand in the run's training data: of these, scores say only what was learned by heart."
    path = tmp_path / "own.txt"
    for others, share in ((2, "50%"), (18, "")):
        path.write_text("".join(f"{line}\n" for line in (*known, *(f"gull {known[0]}"[: i + 5] for i in range(others)))))
        found = seqgan("eval-bleu", "--run", text.path, "-n", 8, "--data", path)
        assert found.code == 0, found.err
        assert (told in found.err) == bool(share)
        assert not share or f"Warning: {path}: {share} {told}" in found.err
