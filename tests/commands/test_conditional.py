"""Pairs and labels from the command line: trained on, sampled for a source, rewarded, scored."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eager import eager
from seqgan_cli.cli import main

Call = Callable[..., Any]
WORDS = {"loud": ("storm", "thunder", "roars"), "calm": ("mist", "dew", "sleeps")}


def train(folder: Path, lines: list[str], tiny_config: Path, *arguments: Any) -> None:
    (folder / "lines.txt").write_text("\n".join(lines) + "\n")
    asked = ["--data", folder / "lines.txt", "--run", folder / "run", "--config", tiny_config, "-q", *arguments]
    with eager(), pytest.raises(SystemExit) as ended:
        main(["pretrain-g", *map(str, asked)])
    assert not ended.value.code


def labelled(shuffled: bool) -> list[str]:
    draw = random.Random(0)
    texts = [(label, " ".join(draw.choices(words, k=3))) for label, words in WORDS.items() for _ in range(60)]
    labels = [label for label, _ in texts]
    if shuffled:
        draw.shuffle(labels)
    return [f"{label}\t{text}" for label, (_, text) in zip(labels, texts, strict=True)]


LEARN = ("--epochs", 10, *(f"--set={name}" for name in (
    "pretrain-g.learning-rate=0.1", "pretrain-g.batch-size=32", "pretrain-g.eval-every=10", "evaluation.samples=16",
)))


@pytest.fixture
def moods(once: Call, tiny_config: Path) -> Path:
    """A run that has learned which words go with a label. Read only."""
    return once("moods", lambda folder: train(folder, labelled(False), tiny_config, "--kind", "labels", *LEARN)) / "run"


@pytest.fixture
def shuffled(once: Call, tiny_config: Path) -> Path:
    """The same with labels that say nothing. Read only."""
    return once("shuffled", lambda folder: train(folder, labelled(True), tiny_config, "--kind", "labels", *LEARN)) / "run"


@pytest.fixture
def pairs(once: Call, tiny_config: Path) -> Path:
    """A run of a few questions, hardly trained. Read only."""
    lines = ["where is the gull ?\tat sea .", "where is the wren ?\tin a hedge .", "who sings ?\tthe wren ."] * 12
    return once("pairs", lambda folder: train(folder, lines, tiny_config, "--kind", "pairs", "--epochs", 2)) / "run"


def share_of(seqgan: Call, run: Path, label: str, words: str) -> float:
    lines = seqgan("sample", "--run", run, "--label", label, "-n", 200).out.splitlines()
    said = [word for line in lines for word in line.split()]
    return sum(word in WORDS[words] for word in said) / len(said)


def test_samples_are_of_their_label_and_swapped_of_the_other(seqgan: Call, moods: Path) -> None:
    assert share_of(seqgan, moods, "loud", "loud") > 0.95
    assert share_of(seqgan, moods, "calm", "loud") < 0.05


def test_labels_that_say_nothing_leave_the_base_rate(seqgan: Call, shuffled: Path) -> None:
    shares = [share_of(seqgan, shuffled, label, "loud") for label in WORDS]
    assert all(0.3 < share < 0.7 for share in shares), shares


def test_likelihoods_swap_with_the_labels(seqgan: Call, moods: Path, tmp_path: Path) -> None:
    lines = labelled(False)[::10]
    swapped = [f"{'calm' if label == 'loud' else 'loud'}\t{text}" for label, text in (line.split("\t") for line in lines)]
    means = []
    for each in (lines, swapped):
        (tmp_path / "lines.txt").write_text("\n".join(each) + "\n")
        found = seqgan("score", tmp_path / "lines.txt", "--run", moods, "--format", "jsonl").out.splitlines()
        means.append(sum(json.loads(line)["nll"] for line in found) / len(found))
    assert means[1] > means[0] + 3


def test_eval_nll_tells_labels_apart(seqgan: Call, moods: Path) -> None:
    (record,) = json.loads(seqgan("eval-nll", "--run", moods, "--json", "--samples", 16).out)["scores"]
    assert set(record["by_label"]) == {"loud", "calm"}
    counts = {label: each["count"] for label, each in record["by_label"].items()}
    assert sum(counts.values()) == record["nll_test"]["count"]


def test_an_unknown_label_is_refused_with_those_there_are(seqgan: Call, moods: Path, pairs: Path) -> None:
    outcome = seqgan("sample", "--run", moods, "--label", "silent")
    assert (outcome.code, outcome.out) == (1, "")
    assert "'silent' is no label of the run, which has loud" in outcome.err or "which has calm" in outcome.err
    assert seqgan("sample", "--run", pairs, "--label", "loud").code == 1


def test_targets_alone_are_written_and_sources_if_asked_for(seqgan: Call, pairs: Path) -> None:
    asked = ("sample", "--run", pairs, "--prompt", "who sings ?", "-n", 4)
    alone = seqgan(*asked).out.splitlines()
    both = seqgan(*asked, "--with-prompt").out.splitlines()
    assert both == [f"who sings ?\t{line}" for line in alone]
    records = [json.loads(line) for line in seqgan(*asked, "--format", "jsonl").out.splitlines()]
    assert [(record["source"], record["text"]) for record in records] == [("who sings ?", line) for line in alone]
    for form in ("raw", "ids"):
        assert all("?" not in line for line in seqgan(*asked, "--format", form).out.splitlines())


def test_without_a_prompt_sources_are_those_of_the_data(seqgan: Call, pairs: Path) -> None:
    outcome = seqgan("sample", "--run", pairs, "-n", 50, "--with-prompt")
    assert {line.partition("\t")[0] for line in outcome.out.splitlines()} == {
        "where is the gull ?",
        "where is the wren ?",
        "who sings ?",
    }
    assert "sources are drawn from the training data" in outcome.err


def test_each_sample_has_a_source_where_none_is_to_come_again(seqgan: Call, pairs: Path) -> None:
    lines = seqgan("sample", "--run", pairs, "-n", 20, "--unique", "--with-prompt").out.splitlines()
    assert len(set(lines)) == 20
    assert {line.partition("\t")[0] for line in lines} <= {"where is the gull ?", "where is the wren ?", "who sings ?"}
    assert all(line.partition("\t")[0] for line in lines)


def test_fields_by_token_are_of_the_target(seqgan: Call, pairs: Path) -> None:
    asked = ("sample", "--run", pairs, "-n", 5, "--format", "jsonl", "--fields", "by_token", "--prompt", "who sings ?")
    for record in map(json.loads, seqgan(*asked).out.splitlines()):
        names, losses = zip(*record["by_token"], strict=True)
        assert names == (*record["text"].split(), "<eos>")[: len(names)]
        assert sum(losses) == pytest.approx(record["nll"], abs=1e-3)


def test_what_is_written_of_pairs_is_pairs(seqgan: Call, tmp_path: Path, pairs: Path) -> None:
    """Or the sources would be lost: files that are read again, and the samples that training leaves for people."""
    lines = [f"where is {number % 3} ?\tat {number % 2} ." for number in range(60)]
    (tmp_path / "lines.txt").write_text("\n".join(lines) + "\n")
    shown = seqgan("corpus", tmp_path / "lines.txt", "--kind", "pairs", "--write", tmp_path / "parts").out
    written = [(tmp_path / "parts" / f"{part}.txt").read_text().splitlines() for part in ("train", "validation", "test")]
    assert sorted(line for part in written for line in part) == sorted(lines)
    assert "<sep>" not in shown
    assert f"  {written[0][0]}" in shown
    (examples,) = (pairs / "samples").glob("pretrain-g-0000002.txt")
    assert all("?\t" in line for line in examples.read_text().splitlines())


def test_two_files_are_pairs_whoever_says_so(seqgan: Call, tmp_path: Path) -> None:
    (tmp_path / "asked.txt").write_text("".join(f"where is {number} ?\n" for number in range(20)))
    (tmp_path / "said.txt").write_text("".join(f"at {number} .\n" for number in range(20)))
    assert "20 pairs" in seqgan("corpus", tmp_path / "asked.txt", "--targets", tmp_path / "said.txt").out


def test_unknown_labels_of_other_data_are_told(seqgan: Call, moods: Path, tmp_path: Path) -> None:
    """As `<unk>` such a label would be another's, in silence."""
    (tmp_path / "other.txt").write_text("loud\tstorm roars\nsilent\tmist\n")
    refused = seqgan("eval-nll", "--run", moods, "--data", tmp_path / "other.txt", "--samples", 16)
    assert (refused.code, refused.out) == (1, "")
    assert "'silent' is no label of the run, which has" in refused.err
    scored = seqgan("score", tmp_path / "other.txt", "--run", moods, "--format", "jsonl").out.splitlines()
    first, second = map(json.loads, scored)
    assert first["nll"] > 0
    assert second["nll"] is None
    assert "'silent' is no label" in second["why"]


def test_a_scored_line_is_a_source_a_tab_and_a_target(seqgan: Call, pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("who sings ?\tthe wren .\nwho sings ?\n")
    first, second = (
        json.loads(line)
        for line in seqgan("score", tmp_path / "lines.txt", "--run", pairs, "--format", "jsonl", "--by-token").out.splitlines()
    )
    assert [token for token, _ in first["by_token"]] == ["the", "wren", ".", "<eos>"]
    assert sum(loss for _, loss in first["by_token"]) == pytest.approx(first["nll"], abs=1e-3)
    assert second["nll"] is None
    assert "no tab" in second["why"]


def test_rounds_reward_targets_and_tell_scorers_the_source(seqgan: Call, pairs: Path, tmp_path: Path) -> None:
    shutil.copytree(pairs, tmp_path / "run")
    (tmp_path / "scorer.py").write_text(
        "from pathlib import Path\n"
        "def score(texts):\n"
        "    with Path(__file__).with_name('asked.txt').open('a') as file:\n"
        "        file.writelines(f'{text}\\n' for text in texts)\n"
        "    return [float(text.endswith('wren .')) for text in texts]\n"
    )
    reward = ("--reward", "file=0.5,discriminator=0.25,unique=0.25", "--reward-file", f"{tmp_path / 'scorer.py'}:score")
    with eager():
        assert seqgan("pretrain-d", "--run", tmp_path / "run", "-q", "--set", "pretrain-d.d-steps=1").code == 0
        assert seqgan("adversarial", "--run", tmp_path / "run", "-q", "--rounds", 1, *reward).code == 0
    asked = (tmp_path / "asked.txt").read_text().splitlines()
    assert asked
    for line in asked:
        given, _, said = line.partition("\t")
        assert given in ("where is the gull ?", "where is the wren ?", "who sings ?")
        assert "?" not in given[:-1]
        assert "\t" not in said


def test_bleu_knows_references_of_the_same_source(seqgan: Call, pairs: Path) -> None:
    """A generator that says the right answer to each question would have 1 here and less against all answers alike."""
    record = json.loads(seqgan("eval-bleu", "--run", pairs, "-n", 30, "--max-order", 2, "--json").out)
    assert 0 < record["bleu_by_source"]["BLEU-2"] <= record["bleu"]["BLEU-2"]
    assert "of references of the same source" in seqgan("eval-bleu", "--run", pairs, "-n", 30, "--max-order", 2).out


def test_a_beam_searches_after_a_source(seqgan: Call, pairs: Path) -> None:
    found = seqgan("sample", "--run", pairs, "--prompt", "who sings ?", "--beam", 4, "--with-prompt").out.splitlines()
    assert len(set(found)) == 4
    assert all(line.startswith("who sings ?\t") and "<sep>" not in line for line in found)
    for asked in (("--beam", 4), ("--rerank", "reward", "--reward", "length", "--set", "reward.length.least=3")):
        without = seqgan("sample", "--run", pairs, *asked)  # of several sources the best is the easiest
        assert (without.code, without.out) == (2, "")
        assert "give --prompt" in without.err


def test_the_best_of_some_draws_is_of_one_source(seqgan: Call, pairs: Path) -> None:
    asked = ("--prompt", "who sings ?", "--rerank", "reward", "--of", 6, "--reward", "length", "--set", "reward.length.least=9")
    lengths = [len(line.split()) for line in seqgan("sample", "--run", pairs, "-n", 5, *asked).out.splitlines()]
    single = [len(line.split()) for line in seqgan("sample", "--run", pairs, "-n", 30, *asked[:2]).out.splitlines()]
    assert lengths == [max(single[i : i + 6]) for i in range(0, 30, 6)]


def test_other_pairs_can_be_scored(seqgan: Call, pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("who sings ?\tthe wren .\nwho is the wren ?\tthe gull .\n")
    record = json.loads(seqgan("eval-nll", "--run", pairs, "--data", tmp_path / "other.txt", "--samples", 16, "--json").out)
    assert record["held_out"]["sequences"] == 2


def test_no_model_is_written_that_would_draw_without_a_source(seqgan: Call, pairs: Path, tmp_path: Path) -> None:
    outcome = seqgan("export", pairs, "-o", tmp_path / "models")
    assert (outcome.code, list(tmp_path.iterdir())) == (1, [])
    assert "sequences with sources" in outcome.err


def test_best_of_n_is_refused_for_several_sources(seqgan: Call, pairs: Path) -> None:
    outcome = seqgan("adversarial", "--run", pairs, "--set", "adversarial.algorithm=best-of-n", "--reward", "unique")
    assert outcome.code == 2
    assert "does not go with --kind pairs" in outcome.err
