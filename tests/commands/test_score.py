"""`seqgan score`: a line of scores for each line, as a literal count has them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import reference
from seqgan_cli.console import Console
from seqgan_cli.data.vocabulary import EOS
from seqgan_cli.evaluation.logits import scores
from seqgan_cli.jobs.trained import trained_of
from seqgan_cli.runs.discriminators import read_discriminator
from seqgan_cli.runs.run import Run


def records(outcome: Any) -> list[dict]:
    assert outcome.code == 0, outcome.err
    return [json.loads(line) for line in outcome.out.splitlines()]


@pytest.fixture
def lines(text: Any, tmp_path: Path) -> Path:
    """Held-out lines of the text run, one with a word that it does not know, an empty one, and one that is too long."""
    corpus = Run(text.path).corpus()
    known = [" ".join(corpus.vocabulary.decode(row)) for row in corpus.test if corpus.vocabulary.has_no_unk(row[None])[0]]
    path = tmp_path / "own.txt"
    path.write_text("\n".join([*known[:4], f"{known[0].split()[0]} zebra", "", " ".join(["the"] * 80)]) + "\n")
    return path


def test_every_line_has_the_literal_likelihood(seqgan: Any, text: Any, lines: Path) -> None:
    found = records(seqgan("score", lines, "--run", text.path, "--format", "jsonl", "--by-token"))
    own = lines.read_text().split("\n")[:-1]
    assert [each["text"] for each in found] == own
    trained = trained_of(Run(text.path), "latest", Console(quiet=True))
    weights = [variable.numpy() for variable in trained.generator.trainable_variables]
    vocabulary, length = trained.corpus.vocabulary, trained.corpus.sequence_length
    table = []
    for line, record in zip(own[:-1], found, strict=False):
        ids = [*vocabulary.encode(line.split()), EOS]
        expected, terms = 0.0, 0
        for t, token in enumerate(ids):
            logits = reference.next_logits(weights, ids[:t]).astype(np.float64)
            logits[[0, 2]] = -np.inf  # neither <pad> nor <unk> is ever said
            if token != 2 and t < length - 1:
                expected += np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[token]
                terms += 1
        assert record["nll"] == pytest.approx(expected, rel=1e-4)
        assert record["nll_per_token"] == pytest.approx(expected / terms, rel=1e-4)
        assert sum(loss or 0.0 for _, loss in record["by_token"]) == pytest.approx(record["nll"], rel=1e-5)
        assert [token for token, loss in record["by_token"] if loss is None] == record["unknown"]
        assert [token for token, _ in record["by_token"]] == [*line.split(), "<eos>"]
        table.append([*ids, *[0] * (length - len(ids))])
    discriminator = read_discriminator(trained.run, trained.config.settings, trained.corpus, pytest.fail)
    expected_d = scores(discriminator, np.array(table, np.int32))
    np.testing.assert_allclose([each["d"] for each in found[:-1]], expected_d, rtol=1e-5)
    assert found[4]["unknown"] == ["zebra"]
    assert found[-1]["nll"] is None
    assert found[-1]["why"].startswith("80 tokens of at most ")


def test_what_has_no_score_is_told_and_keeps_its_line(seqgan: Any, text: Any, lines: Path) -> None:
    outcome = seqgan("score", lines, "--run", text.path)
    rows = [line.split("\t") for line in outcome.out.splitlines()]
    assert rows[0] == ["nll", "nll_per_token", "d", "unknown", "text"]
    assert len(rows) == 8
    assert rows[-1][:3] == ["", "", ""]
    assert [row[3] for row in rows[1:]] == ["0", "0", "0", "0", "1", "0", "0"]
    assert "1 of 7 lines are no sequences of the run, and have no nll: line 7, 80 tokens of at most" in outcome.err
    json_rows = records(seqgan("score", lines, "--run", text.path, "--format", "jsonl"))
    assert [row[0] for row in rows[1:-1]] == [f"{each['nll']:.4f}" for each in json_rows[:-1]]
    shown = seqgan("score", lines, "--run", text.path, "--format", "table")
    assert rows[1][0] in shown.out


def test_truncation_and_temperature_are_those_of_sampling(seqgan: Any, text: Any, lines: Path) -> None:
    plain, cold = (
        records(seqgan("score", lines, "--run", text.path, "--format", "jsonl", *more)) for more in ((), ("--temperature", 0.5))
    )
    assert all(a["nll"] != b["nll"] for a, b in zip(plain[:5], cold[:5], strict=True))
    cut = seqgan("score", lines, "--run", text.path, "--top-k", 1)
    assert "inf" in {line.split("\t")[0] for line in cut.out.splitlines()}


def test_why_a_line_is_infinite_is_told_in_every_form(seqgan: Any, text: Any, lines: Path) -> None:
    arguments = ("score", lines, "--run", text.path, "--top-k", 1)
    found = records(seqgan(*arguments, "--format", "jsonl"))
    whys = [each.get("why", "") for each in found]
    outside = [i for i, why in enumerate(whys) if why == "a token that temperature 1, top-k 1 leaves out"]
    assert len(outside) >= 3
    assert all(found[i]["nll"] is None for i in outside)
    said = f"{len(outside)} of 7 lines have a token that temperature 1, top-k 1 leaves out: their probability is 0, and their"
    for form in ("tsv", "table", "jsonl"):
        outcome = seqgan(*arguments, "--format", form)
        assert f"{said} nll infinite (inf, in JSON null)." in outcome.err
    assert "leave" not in seqgan("score", lines, "--run", text.path).err


REWARDS = ["--reward", "birds=lexicon=0.5,d=discriminator", "--set", "reward.birds.words=the"]


def test_the_reward_and_its_terms_are_columns_in_every_form(seqgan: Any, text: Any, lines: Path) -> None:
    plain = records(seqgan("score", lines, "--run", text.path, "--format", "jsonl"))
    outcome = seqgan("score", lines, "--run", text.path, "--format", "jsonl", *REWARDS)
    found = records(outcome)
    assert "1 of 7 lines have unknown tokens, which the reward sees as <unk>." in outcome.err
    for before, record in zip(plain, found, strict=True):
        assert before.items() <= record.items()
        if record["nll"] is None:
            assert (record["reward"], record["reward_terms"]) == (None, {})
            continue
        birds = float("the" in record["text"].split())
        assert record["reward_terms"] == {"birds": birds, "d": pytest.approx(before["d"], rel=1e-5)}
        assert record["reward"] == pytest.approx(0.5 * birds + before["d"], rel=1e-5)
    rows = [line.split("\t") for line in seqgan("score", lines, "--run", text.path, *REWARDS).out.splitlines()]
    assert rows[0] == ["nll", "nll_per_token", "d", "unknown", "reward", "reward.birds", "reward.d", "text"]
    assert [row[4] for row in rows[1:-1]] == [f"{each['reward']:.4f}" for each in found[:-1]]
    assert rows[-1][4:7] == ["", "", ""]
    shown = seqgan("score", lines, "--run", text.path, "--format", "table", *REWARDS)
    assert rows[1][4] in shown.out


def test_reward_alone_is_the_runs_own_and_columns_of_d_can_be_left_out(seqgan: Any, text: Any, lines: Path) -> None:
    outcome = seqgan("score", lines, "--reward", "--discriminator", "--run", text.path)
    rows = [line.split("\t") for line in outcome.out.splitlines()]
    assert rows[0] == ["nll", "nll_per_token", "d", "unknown", "reward", "text"]
    assert all(row[2] == row[4] for row in rows[1:])
    assert "d is by the discriminator of adversarial, round 2." in outcome.err
    without = seqgan("score", lines, "--no-discriminator", "--run", text.path)
    assert [line.split("\t") for line in without.out.splitlines()] == [[*row[:2], row[3], row[5]] for row in rows]


def test_more_lines_than_are_scored_together_are_scored_alike(
    seqgan: Any, text: Any, lines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = seqgan("score", lines, "--run", text.path, *REWARDS)
    monkeypatch.setattr("seqgan_cli.inference.lines.AT_ONCE", 2)
    assert seqgan("score", lines, "--run", text.path, *REWARDS).out == whole.out
    monkeypatch.setattr("seqgan_cli.inference.lines.AT_ONCE", 1)
    assert seqgan("score", lines, "--run", text.path, *REWARDS).out == whole.out


def test_titles_of_poems_are_no_part_of_what_is_scored(seqgan: Any, tiny_config: Path, tmp_path: Path) -> None:
    poem = "白日依山盡黃河入海流欲窮千里目更上一層樓"
    marked = "，".join(poem[i : i + 5] for i in range(0, 20, 5)) + "。"
    (tmp_path / "poems.txt").write_text("".join(f"題{i}：{poem[i:]}{poem[:i]}\n" for i in range(9)), encoding="utf-8")
    made = seqgan("pretrain-g", "--data", tmp_path / "poems.txt", "--kind", "poems", "--config", tiny_config, "--epochs", 1,
                  "--run", tmp_path / "run")  # fmt: skip
    assert made.code == 0, made.err
    titled = [f"登鸛雀樓：{marked}", f"登鸛雀樓:王之渙:{marked}", f"登鸛雀樓\t{poem}", f"a title: {poem}"]
    forms = [poem, marked, *titled, f"登：{poem[:15]}"]
    (tmp_path / "own.txt").write_text("\n".join(forms) + "\n", encoding="utf-8")
    found = records(seqgan("score", tmp_path / "own.txt", "--run", tmp_path / "run", "--format", "jsonl", "--by-token"))
    assert [each["text"] for each in found] == forms
    assert {each["nll"] for each in found[:-1]} == {found[0]["nll"]}
    assert all([token for token, _ in each["by_token"]] == [*poem] for each in found[:-1])
    assert all(each["unknown"] == [] for each in found[:-1])
    assert found[-1]["why"].endswith("tokens instead of 20")


def test_numbers_and_tables(seqgan: Any, synthetic: Any, tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text('n,body\n1,"1 2 3 4 5"\n2,"5 4 3 2 99"\n3,"1 2"\n')
    found = records(seqgan("score", tmp_path / "own.csv", "--run", synthetic.path, "--format", "jsonl"))
    assert found[0]["nll"] > 0
    assert found[1]["why"] == "'99' is no token of the run"
    assert found[2]["why"] == "2 tokens instead of 5"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere.txt"], 1, "Cannot read nowhere.txt: No such file or directory."),
        ([], 2, "Missing argument 'FILE'"),
        (["/dev/null"], 1, "/dev/null holds no line to score."),
        (["nowhere.txt", "--reward", "unique"], 2, "unique depends on which sequences are scored together"),
        (["nowhere.txt", "--reward", "nothing"], 2, "there is no reward 'nothing'"),
        (["nowhere.txt", "--set", "data.kind=text"], 2, "--set data.kind: score takes settings of the reward"),
        (["nowhere.txt", "--from", "never"], 2, "'never' is not one of"),
    ],
)
def test_wrong_input_is_one_sentence(seqgan: Any, synthetic: Any, arguments: list[str], code: int, said: str) -> None:
    outcome = seqgan("score", *arguments, "--run", synthetic.path)
    assert (outcome.code, outcome.out) == (code, "")
    assert said in outcome.err
    assert "Traceback" not in outcome.err
