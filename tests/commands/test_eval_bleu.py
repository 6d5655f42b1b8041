"""`seqgan eval-bleu`: equal to NLTK on the same files, and a signature that says what was compared."""

import json
import platform
import statistics
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from sampled import examples
from seqgan_cli import __version__
from seqgan_cli.runs.generators import generator_checkpoint, read_generator
from seqgan_cli.sampling.sequences import sample
from store_parts import record_anew

UNIFORM = {n: (1.0 / n,) * n for n in range(2, 6)}


@pytest.fixture
def files(sentences: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Hypotheses, two of them too short for the longer n-grams, and references."""
    lines = sentences.read_text().splitlines()
    hypotheses, references = tmp_path / "hypotheses.txt", tmp_path / "references.txt"
    odd = ["the cat", "a", "the the the the the cat", f"{lines[40]} {lines[41]}"]
    hypotheses.write_text("\n".join([*lines[:12], *odd]) + "\n")
    references.write_text("\n".join(lines[30:60]) + "\n")
    return hypotheses, references


def scored(seqgan, *arguments):
    outcome = seqgan("eval-bleu", "--json", *arguments)
    assert outcome.code == 0, outcome.err
    assert outcome.err == ""
    return json.loads(outcome.out)


def split(path: Path) -> list[list[str]]:
    return [line.split() for line in path.read_text().splitlines()]


@pytest.mark.filterwarnings("ignore::UserWarning")  # NLTK warns of every score that method0 makes 0
@pytest.mark.parametrize("method", ["method0", "method1", "method3", "method5"])
def test_equals_nltk(seqgan, files, tmp_path, method):
    hypotheses, references = files
    found = scored(
        seqgan, "--hypotheses", hypotheses, "--references", references, "--smoothing", method, "--run", tmp_path / "none"
    )
    smoothing = getattr(SmoothingFunction(), method)
    for order, weights in UNIFORM.items():
        expected = statistics.fmean(
            sentence_bleu(split(references), hypothesis, weights, smoothing) for hypothesis in split(hypotheses)
        )
        assert found["bleu"][f"BLEU-{order}"] == pytest.approx(expected, rel=1e-9, abs=1e-300)
    assert list(found["bleu"]) == ["BLEU-2", "BLEU-3", "BLEU-4", "BLEU-5"]
    assert found["self_bleu"] is None


@pytest.mark.parametrize("method", ["method1", "method4"])
def test_self_bleu_equals_nltk_with_each_sentence_left_out(seqgan, files, tmp_path, method):
    hypotheses, references = files
    found = scored(
        seqgan,
        *("--hypotheses", hypotheses, "--references", references, "--smoothing", method),
        *("--self-bleu", "--max-order", 3, "--run", tmp_path / "none"),
    )
    sentences, smoothing = split(hypotheses), getattr(SmoothingFunction(), method)
    for order in (2, 3):
        expected = statistics.fmean(
            sentence_bleu(sentences[:i] + sentences[i + 1 :], sentence, UNIFORM[order], smoothing)
            for i, sentence in enumerate(sentences)
        )
        assert found["self_bleu"][f"BLEU-{order}"] == pytest.approx(expected, rel=1e-9)
    assert list(found["self_bleu"]) == ["BLEU-2", "BLEU-3"]


def test_weights_of_ones_own(seqgan, files, tmp_path):
    hypotheses, references = files
    found = scored(
        seqgan,
        *("--hypotheses", hypotheses, "--references", references),
        *("--ngram-weights", "0.1,0.2,0.7", "--run", tmp_path / "none"),
    )
    expected = statistics.fmean(
        sentence_bleu(split(references), hypothesis, (0.1, 0.2, 0.7), SmoothingFunction().method1)
        for hypothesis in split(hypotheses)
    )
    assert found["bleu"] == {"BLEU(0.1,0.2,0.7)": pytest.approx(expected, rel=1e-9)}
    assert found["signature"].startswith("weights:0.1,0.2,0.7|")


def test_a_file_against_itself_scores_one(seqgan, sentences, tmp_path):
    """Where every line has as many tokens as the longest n-gram: a shorter one has no 5-gram to match, in NLTK too."""
    long = tmp_path / "long.txt"
    long.write_text("".join(line for line in sentences.read_text().splitlines(keepends=True) if len(line.split()) >= 5))
    found = scored(seqgan, "--hypotheses", long, "--references", long, "--run", tmp_path / "none")
    assert found["bleu"] == {f"BLEU-{n}": pytest.approx(1.0) for n in (2, 3, 4, 5)}
    assert found["hypotheses"] == str(long)


def test_repeated_sentences_have_a_self_bleu_of_one(seqgan, tmp_path):
    same = tmp_path / "same.txt"
    same.write_text("a b c d e f\n" * 3)
    found = scored(seqgan, "--hypotheses", same, "--references", same, "--self-bleu", "--run", tmp_path / "none")
    assert found["self_bleu"] == {f"BLEU-{n}": pytest.approx(1.0) for n in (2, 3, 4, 5)}


def test_one_sentence_has_no_self_bleu(seqgan, refused, sentences, tmp_path):
    one = tmp_path / "one.txt"
    one.write_text("the cat sings\n")
    arguments = ["--hypotheses", one, "--references", sentences, "--run", tmp_path / "none"]
    assert seqgan("eval-bleu", *arguments).code == 0
    outcome = seqgan("eval-bleu", "--self-bleu", *arguments)
    assert str(one) in outcome.err
    refused(outcome, 1, outcome.err.removeprefix("Error: ").removesuffix("\n"))


def test_signature(seqgan, files, tmp_path):
    hypotheses, references = files
    found = scored(
        seqgan, "--hypotheses", hypotheses, "--references", references, "--smoothing", "method3", "--run", tmp_path / "none"
    )
    assert found["signature"] == (
        "weights:uniform|smoothing:method3|hypotheses:16|references:30|average:sentences|tokenizer:whitespace|lowercase:no|"
        f"nltk:{metadata.version('nltk')}|seqgan:{__version__}|python:{platform.python_version()}"
    )


def test_samples_against_the_held_out_set(seqgan, text):
    found = scored(seqgan, "-n", 20, "--max-order", 3, "--run", text.path)
    assert found["hypotheses"] == "20 samples of adversarial, round 2, temperature 1"
    assert "|hypotheses:20|references:15|" in found["signature"]
    assert 0 < found["bleu"]["BLEU-3"] < found["bleu"]["BLEU-2"] < 1
    assert found == scored(seqgan, "-n", 20, "--max-order", 3, "--seed", 0, "--run", text.path)
    assert found["bleu"] != scored(seqgan, "-n", 20, "--max-order", 3, "--seed", 1, "--run", text.path)["bleu"]


def test_unknown_matches_nothing_and_its_share_is_told(seqgan, text, tmp_path):
    """Not even itself: NLTK has another word for each. In samples it comes with --allow-unk alone."""
    drawn, known = tmp_path / "drawn.txt", tmp_path / "known.txt"
    drawn.write_text("the <unk> cat\n<unk> <unk> <unk>\nthe cat sat\n")
    known.write_text("the <unk> cat sat\nsat the <unk> cat\n")
    found = scored(seqgan, "--hypotheses", drawn, "--references", known, "--max-order", 2, "--self-bleu", "--run", text.path)
    unlike = [["the", "0", "cat"], ["1", "2", "3"], ["the", "cat", "sat"]]
    references, smoothing = [["the", "4", "cat", "sat"], ["sat", "the", "5", "cat"]], SmoothingFunction().method1
    expected = statistics.fmean(sentence_bleu(references, words, (0.5, 0.5), smoothing) for words in unlike)
    alone = statistics.fmean(
        sentence_bleu(unlike[:i] + unlike[i + 1 :], words, (0.5, 0.5), smoothing) for i, words in enumerate(unlike)
    )
    assert found["bleu"]["BLEU-2"] == pytest.approx(expected, rel=1e-9)
    assert found["self_bleu"]["BLEU-2"] == pytest.approx(alone, rel=1e-9)
    assert found["unknown_share"] == {"hypotheses": 4 / 9, "references": 2 / 8}
    without = scored(seqgan, "--hypotheses", drawn, "--references", known, "--max-order", 2, "--run", tmp_path / "none")
    assert without["bleu"] == found["bleu"]
    shown = seqgan("eval-bleu", "--hypotheses", drawn, "--references", known, "--run", text.path).out
    assert "<unk> is 44.44% of the hypotheses' tokens and matches nothing." in shown
    assert "<unk> is 25.00% of the references' tokens and matches nothing." in shown


def test_samples_equal_nltk(seqgan, text):
    """From the numbers in the run: ids of the held-out set are what samples are compared with, but <unk> is no word."""
    import numpy as np

    found = scored(seqgan, "-n", 10, "--max-order", 2, "--from", "pretrain-g", "--self-bleu", "--run", text.path)
    with np.load(text.path / "corpus" / "test.npz") as file:
        references = [[str(t) if t > 2 else f"unlike {i}" for i, t in enumerate(row) if t > 1] for row in file["tokens"]]

    from seqgan_cli.randomness import key
    from seqgan_cli.runs.run import Run

    run = Run(text.path)
    corpus = run.corpus()
    generator = read_generator(run, generator_checkpoint(run, "pretrain-g", pytest.fail), corpus)
    samples = [[str(t) for t in row if t > 1] for row in sample(generator, 10, key(0, "eval-bleu"))]
    smoothing = SmoothingFunction().method1
    expected = statistics.fmean(sentence_bleu(references, sample, (0.5, 0.5), smoothing) for sample in samples)
    alike = statistics.fmean(
        sentence_bleu(samples[:i] + samples[i + 1 :], sample, (0.5, 0.5), smoothing) for i, sample in enumerate(samples)
    )
    assert found["bleu"]["BLEU-2"] == pytest.approx(expected, rel=1e-9)
    assert found["self_bleu"]["BLEU-2"] == pytest.approx(alike, rel=1e-9)


SAID = [
    f'{who} said "{what}" {how}' for who in ("Tom", "My aunt") for what in ("go home", "wait") for how in ("at last", "now.")
]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("own", [("--tokenizer", "words"), ("--kind", "speeches"), ("--tokenizer", "chars"), ()], ids=str)
def test_held_out_sentences_that_were_written_score_one_against_themselves(seqgan, tiny_config, tmp_path, own):
    data, run, folder = tmp_path / "said.txt", tmp_path / "run", tmp_path / "written"
    data.write_text("".join(f"{line}\n" for line in SAID))
    own = ("--data", data, "--test", data, *own)
    assert seqgan("pretrain-g", *own, "--config", tiny_config, "--epochs", 1, "--run", run).code == 0
    assert seqgan("corpus", data, *own[2:], "--write", folder).code == 0
    for hypotheses in (folder / "test.txt", data):
        assert scored(seqgan, "--hypotheses", hypotheses, "--run", run)["bleu"]["BLEU-4"] == pytest.approx(1.0)


def test_files_are_read_with_the_runs_tokenizer(seqgan, text_copy, tmp_path):
    record_anew(text_copy, data__tokenizer="chars", data__lowercase=True)
    hypotheses, references = tmp_path / "hypotheses.txt", tmp_path / "references.txt"
    hypotheses.write_text("ABC D\n")
    references.write_text("abc d\n")
    found = scored(seqgan, "--hypotheses", hypotheses, "--references", references, "--run", text_copy)
    assert found["bleu"]["BLEU-5"] == pytest.approx(1.0)
    assert "|tokenizer:chars|lowercase:yes|" in found["signature"]


@settings(deadline=None, max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), kind=st.sampled_from(["text", "ids", "poems"]))
def test_blank_lines_of_samples_score_nothing_and_those_of_references_are_none(seqgan, files, tmp_path_factory, data, kind):
    """k of them among n samples give n/(n + k) of the score; a newline at the end makes none."""
    folder = tmp_path_factory.mktemp("blank")
    words = {"text": ["a", "b", "c"], "ids": ["1", "2", "3"], "poems": ["春眠不覺曉", "床前明月光"]}[kind]
    size = {"min_size": 4, "max_size": 4} if kind == "poems" else {"min_size": 1, "max_size": 6}
    lines = data.draw(st.lists(st.lists(st.sampled_from(words), **size).map(" ".join), min_size=1, max_size=6))
    blanks = data.draw(st.lists(st.sampled_from(["", " ", "\t", "\ufeff"]), max_size=4))
    mixed = data.draw(st.permutations([*lines, *blanks]))
    plain, padded, references = (folder / f"{name}.txt" for name in ("plain", "padded", "references"))
    plain.write_text("\n".join(lines), encoding="utf-8")
    padded.write_text("".join(f"{line}\n" for line in mixed), encoding="utf-8")
    references.write_text("".join(f"{line}\n" for line in [*lines[:2], *blanks, *lines[2:]]), encoding="utf-8")
    whole, some = (
        seqgan("eval-bleu", "--json", "--kind", kind, "--hypotheses", path, "--references", other)
        for path, other in ((plain, plain), (padded, references))
    )
    assert (whole.code, whole.err, some.code) == (0, "", 0), some.err
    whole_scores, some_scores = (json.loads(outcome.out) for outcome in (whole, some))
    assert f"|hypotheses:{len(lines) + len(blanks)}|references:{len(lines)}|" in some_scores["signature"]
    for name, score in whole_scores["bleu"].items():
        expected = score * len(lines) / (len(lines) + len(blanks))
        assert some_scores["bleu"][name] == pytest.approx(expected, rel=1e-12)
    told = f"{padded}: {len(blanks)} of {len(mixed)} lines are blank, each a sample without tokens.\n"
    assert (told in some.err) == bool(blanks)


def test_a_file_of_blank_lines_alone_is_refused(seqgan, refused, sentences, tmp_path):
    (tmp_path / "blank.txt").write_text("\n \n")
    outcome = seqgan("eval-bleu", "--hypotheses", tmp_path / "blank.txt", "--references", sentences)
    refused(outcome, 1, f"{tmp_path / 'blank.txt'} holds no text: one sequence a line is needed.")


def test_two_files_need_no_run_and_heed_none_that_is_not_named(seqgan, text_copy, tmp_path, monkeypatch):
    """Whatever lies where runs lie unless they are named."""
    hypotheses, references = tmp_path / "hypotheses.txt", tmp_path / "references.txt"
    hypotheses.write_text("ABC D\n")
    references.write_text("abc D\n")
    arguments = ["--hypotheses", hypotheses, "--references", references]
    monkeypatch.chdir(tmp_path)
    before = scored(seqgan, *arguments)
    record_anew(text_copy, data__tokenizer="chars", data__lowercase=True)
    (tmp_path / "runs").mkdir()
    text_copy.rename(tmp_path / "runs" / "default")
    assert scored(seqgan, *arguments) == before
    assert "|tokenizer:whitespace|lowercase:no|" in before["signature"]
    assert "|tokenizer:chars|lowercase:yes|" in scored(seqgan, *arguments, "--run", "runs/default")["signature"]
    monkeypatch.setenv("SEQGAN_RUN", "runs/default")
    monkeypatch.setattr(pytest.MonkeyPatch, "delenv", lambda *_, **__: None)  # the fixture's own
    assert "|tokenizer:chars|lowercase:yes|" in scored(seqgan, *arguments)["signature"]


@pytest.mark.parametrize("run", [[], ["--run", "run"]])
@pytest.mark.parametrize(
    ("options", "shown"),
    [
        (["--tokenizer", "words"], "|tokenizer:words|lowercase:no|"),
        (["--lowercase"], "|tokenizer:whitespace|lowercase:yes|"),
        (["--kind", "speeches"], "|tokenizer:words|lowercase:yes|"),
        (["--kind", "speeches", "--no-lowercase"], "|tokenizer:words|lowercase:no|"),
    ],
)
def test_two_files_are_read_as_is_asked(seqgan, text_copy, tmp_path, monkeypatch, run, options, shown):
    (tmp_path / "a.txt").write_text("The cat, it sings.\n")
    monkeypatch.chdir(tmp_path)
    found = scored(seqgan, "--hypotheses", "a.txt", "--references", "a.txt", *options, *run)
    assert shown in found["signature"]
    assert found["bleu"]["BLEU-4"] == pytest.approx(1.0)


def test_what_the_run_says_is_not_asked_for(seqgan, refused, text, sentences):
    outcome = seqgan("eval-bleu", "--hypotheses", sentences, "--kind", "text", "--lowercase", "--run", text.path)
    message = "--kind and --lowercase: of both --hypotheses and --references alone; without them the run says it. Leave it out."
    refused(outcome, 2, message)


def test_table(seqgan, files, tmp_path):
    hypotheses, references = files
    arguments = ["--hypotheses", hypotheses, "--references", references, "--self-bleu", "--run", tmp_path / "none"]
    found = scored(seqgan, *arguments)
    outcome = seqgan("eval-bleu", *arguments)
    assert outcome.err == ""
    rows = {line.split()[0]: line.split()[2:] for line in outcome.out.splitlines() if "BLEU ↑" in line or "Self-BLEU ↓" in line}
    assert rows["BLEU"] == [
        cell
        for name, value in found["bleu"].items()
        for cell in (f"{value:.4f}", "±", f"{(found['intervals'][name][1] - found['intervals'][name][0]) / 2:.4f}")
    ]
    assert rows["Self-BLEU"] == [f"{value:.4f}" for value in found["self_bleu"].values()]
    assert found["signature"] in "".join(line.strip() for line in outcome.out.splitlines())


@pytest.mark.parametrize("name", ["[bold]x", "[/x]", ":cat:", "ünïcode 樓"])
def test_odd_file_names_are_shown_as_they_are(seqgan, sentences, tmp_path, name):
    hypotheses = tmp_path / f"{name}.txt"  # `[/x].txt` is a file in a folder `[`
    hypotheses.parent.mkdir(parents=True, exist_ok=True)
    hypotheses.write_text("the cat sings\n")
    arguments = ["--hypotheses", hypotheses, "--references", sentences, "--run", tmp_path / "none"]
    assert scored(seqgan, *arguments)["hypotheses"] == str(hypotheses)
    outcome = seqgan("eval-bleu", *arguments)
    assert f"{name}.txt" in outcome.out.replace("\n", "").replace("  ", "")
