"""`oracle`: a trained generator as the truth that data are drawn from, from the file to the scores, and what it refuses."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import reference
from seqgan_cli.config.resolution import resolve
from seqgan_cli.data.vocabulary import EOS, PAD, UNK
from seqgan_cli.evaluation.fluency import Fluency
from seqgan_cli.randomness import key
from seqgan_cli.runs.generators import generator_checkpoint, read_generator
from seqgan_cli.runs.run import Run
from seqgan_cli.sampling.likelihood import sequence_nll
from seqgan_cli.sampling.sequences import sample
from seqgan_cli.studies.experiments import study
from seqgan_cli.studies.experiments.scores import Scorer, samples_key

SMALL = ["data.num-sequences=60", "evaluation.samples=16", "generator.hidden-dim=5", "generator.embedding-dim=4"]
SIZES = ["--epochs", 1, *(f"--set={each}" for each in SMALL)]


@pytest.fixture(scope="session")
def exported(text, once) -> Path:
    """The oracle of the text run's last epoch."""
    from seqgan_cli.cli import main

    def build(folder: Path) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["oracle", str(text.path), "-o", str(folder / "oracle.npz"), "--from", "pretrain-g", "-q"])
        assert not ended.value.code

    return once("exported-oracle", build) / "oracle.npz"


@pytest.fixture(scope="session")
def drawn(train_once, text, exported):
    """A run of all stages on what that oracle draws, asked for the sizes that the file has. Read only."""
    corpus = Run(text.path).corpus()
    sizes = ["--vocab-size", corpus.vocabulary.size, "--sequence-length", corpus.sequence_length]
    once_each = ["--epochs", 1, "--d-steps", 1, "--rounds", 1]
    return train_once("of-an-oracle", "--oracle", exported, *sizes, "--num-sequences", 60, *once_each)


def exact_nll(weights: list[np.ndarray], sequences: np.ndarray) -> tuple[float, int]:
    """Σ −log of the policy, over the allowed tokens alone, and the number of tokens up to `<eos>`; one token at a time.

    The last place holds nothing but `<eos>`, so that it is certain.
    """
    total, counted = 0.0, 0
    for sequence in sequences.tolist():
        for t, token in enumerate(sequence):
            if token == PAD:
                break
            counted += 1
            if t < len(sequence) - 1:
                logits = reference.next_logits(weights, sequence[:t])
                logits[[PAD, UNK]] = -np.inf
                total -= float(np.log(reference.softmax(logits)[token]))
    return total, counted


def weights_of(run: Path) -> list[np.ndarray]:
    """Of the last epoch, in the order of the network, from the checkpoint's own file."""
    with np.load(max((run / "checkpoints" / "pretrain-g").glob("[0-9]*.npz"))) as file:
        names = [name for name in file.files if name.startswith("generator/")]
        return [file[name] for name in sorted(names, key=lambda name: int(name.split("/")[1].partition(".")[0]))]


def test_likelihood_under_the_oracle_is_that_of_the_generator_it_was(seqgan, text, drawn):
    """Of held-out sequences and of samples with ends of their own, per token that counts, from the source run's weights."""
    weights = weights_of(text.path)
    with np.load(drawn.path / "corpus" / "test.npz") as file:
        held_out = file["tokens"] if "tokens" in file.files else file[file.files[0]]
    lengths = (held_out != PAD).sum(axis=1)
    assert len(set(lengths.tolist())) > 3
    assert (held_out[np.arange(len(held_out)), lengths - 1] == EOS).all()
    assert not (held_out == UNK).any()
    done = seqgan("eval-nll", "--run", drawn.path, "--samples", 40, "--from", "pretrain-g", "--seed", 3, "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    total, counted = exact_nll(weights, held_out)
    assert found["data"]["nll_oracle"] == pytest.approx(total / counted, rel=1e-5)
    assert found["data"]["unknown_share"] == 0.0
    run = Run(drawn.path)
    samples = samples_of(run, 40, 3)
    total, counted = exact_nll(weights, samples)
    assert len(set((samples != PAD).sum(axis=1).tolist())) > 3
    assert found["scores"][0]["nll_oracle"]["mean"] == pytest.approx(total / counted, rel=1e-5)


def samples_of(run: Run, num: int, seed: int) -> np.ndarray:
    """The samples that `eval-nll` scores."""
    from seqgan_cli.randomness import key
    from seqgan_cli.runs.generators import generator_checkpoint, read_generator
    from seqgan_cli.sampling.sequences import sample

    generator = read_generator(run, generator_checkpoint(run, "pretrain-g", print), run.corpus())
    return sample(generator, num, key(seed, "eval-nll"))


def test_uniform_tokens_stand_in_the_places_of_ordinary_ones(drawn, text):
    from seqgan_cli.evaluation.generators import data_figures

    run = Run(drawn.path)
    corpus, oracle = run.corpus(), run.oracle()
    figures = data_figures(corpus, oracle, 0, 40)
    drawn_ids = corpus.vocabulary.uniform(corpus.test, np.random.default_rng(0))
    assert drawn_ids.dtype == np.int32
    np.testing.assert_array_equal(drawn_ids <= EOS, corpus.test <= EOS)
    np.testing.assert_array_equal(drawn_ids[drawn_ids <= EOS], corpus.test[drawn_ids <= EOS])
    assert drawn_ids[corpus.test > EOS].min() == UNK + 1
    assert drawn_ids.max() == corpus.vocabulary.size - 1
    assert figures["nll_oracle_uniform"] > figures["nll_oracle"]


def test_run_on_an_oracle_has_its_words_and_writes_text(seqgan, text, drawn):
    """The vocabulary of the text run; samples are words of it, and read back as the tokens they were."""
    assert (drawn.path / "vocabulary.txt").read_bytes() == (text.path / "vocabulary.txt").read_bytes()
    words = set(Run(text.path).corpus().vocabulary.tokens)
    lines = seqgan("sample", "-n", 20, "--run", drawn.path, "-q").out.splitlines()
    assert len(lines) == 20
    assert {word for line in lines for word in line.split()} <= words
    recorded = Run(drawn.path).record()["settings"]
    theirs = Run(text.path).corpus()
    assert recorded["data.sequence-length"] == {"value": theirs.sequence_length, "source": "data"}
    assert recorded["data.vocab-size"] == {"value": theirs.vocabulary.size, "source": "data"}
    assert recorded["data.kind"] == {"value": "text", "source": "data"}
    assert seqgan("status", "--run", drawn.path).code == 0
    assert "nll_oracle" in drawn.out
    line = next(line for line in lines if line)
    Path(drawn.path.parent / "line.txt").write_text(line + "\n", encoding="utf-8")
    scored = seqgan("score", drawn.path.parent / "line.txt", "--run", drawn.path, "-q")
    assert (scored.code, line in scored.out) == (0, True), scored.err


def test_what_the_file_settles_stays_its_own_where_it_is_asked_for_again(seqgan, drawn, tmp_path):
    path = shutil.copytree(drawn.path, tmp_path / "again")
    size = Run(path).corpus().vocabulary.size
    done = seqgan("pretrain-g", "--run", path, "--vocab-size", size, "--epochs", 2)
    assert done.code == 0, done.err
    assert Run(path).config().sources["data.vocab-size"] == "data"


def test_the_kind_of_one_oracle_and_its_defaults_are_not_those_of_another():
    asked = {"data.oracle": "speeches.npz", "data.kind": "speeches"}
    run = resolve(asked, {"data.oracle": "option", "data.kind": "data"}, None, "quick")
    same = resolve({"data.oracle": "speeches.npz"}, {"data.oracle": "option"}, run, "quick")
    other = resolve({"data.oracle": "ids.npz"}, {"data.oracle": "option"}, run, "quick")
    fresh = resolve({"data.oracle": "ids.npz"}, {"data.oracle": "option"}, None, "quick")
    assert same.values == run.values
    assert run.values["data.tokenizer"] != fresh.values["data.tokenizer"]
    assert other.values == fresh.values


def test_file_that_a_run_keeps_is_an_oracle_too(seqgan, drawn, tmp_path):
    """With the same words and the same data, to the bit; a run goes on when the file that it was begun with is gone."""
    copy = tmp_path / "copy.npz"
    copy.write_bytes((drawn.path / "corpus" / "oracle.npz").read_bytes())
    begun = seqgan("pretrain-g", "--oracle", copy, "--run", tmp_path / "run", *SIZES)
    assert begun.code == 0, begun.err
    for name in ("train", "validation", "test", "oracle"):
        with np.load(drawn.path / "corpus" / f"{name}.npz") as mine, np.load(tmp_path / f"run/corpus/{name}.npz") as theirs:
            assert mine.files == theirs.files
            assert all(mine[each].tobytes() == theirs[each].tobytes() for each in mine.files)
    copy.unlink()
    again = seqgan("pretrain-g", "--oracle", copy, "--run", tmp_path / "run", "--epochs", 2)
    assert again.code == 0, again.err
    assert Run(tmp_path / "run").position("pretrain-g") == 2


def test_restart_with_another_oracle_takes_its_settings(seqgan, exported, tmp_path):
    from seqgan_cli.models.oracle import draw_oracle, oracle_arrays

    np.savez(tmp_path / "plain.npz", **oracle_arrays(draw_oracle(0, 30, 6)))
    run = tmp_path / "run"
    assert seqgan("pretrain-g", "--oracle", exported, "--run", run, *SIZES).code == 0
    other = ["--oracle", tmp_path / "plain.npz", "--set", "data.sequence-length=6"]
    done = seqgan("pretrain-g", *other, "--run", run, *SIZES, "--overwrite")
    assert done.code == 0, done.err
    values = Run(run).config().values
    assert (values["data.kind"], values["data.vocab-size"], values["data.tokenizer"]) == ("auto", 30, "whitespace")
    assert not (run / "vocabulary.txt").exists()
    done = seqgan("pretrain-g", "--oracle", exported, "--run", run, *SIZES, "--overwrite", "--set", "data.sequence-length=6")
    assert (done.code, "data.sequence-length is 6, and" in done.err) == (2, True), done.err
    assert Run(run).config().values["data.vocab-size"] == 30


def test_best_generator_is_what_is_written_unless_another_is_named(seqgan, text, tmp_path):
    done = seqgan("oracle", text.path, "-o", tmp_path / "a.npz")
    assert done.code == 0, done.err
    best = Run(text.path).checkpoints("pretrain-g").best()
    assert done.out.startswith(f"pretrain-g, epoch {best.position} in {tmp_path / 'a.npz'}: ")
    other = seqgan("oracle", "--run", text.path, "-o", tmp_path / "b.npz", "--from", "adversarial")
    assert other.out.startswith("adversarial, ")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as a, np.load(tmp_path / "b.npz", allow_pickle=False) as b:
        assert a.files == b.files
        assert sum(a[name].tobytes() != b[name].tobytes() for name in a.files) > 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--vocab-size", 12], "data.vocab-size is 12, and"),
        (["--sequence-length", 3], "data.sequence-length is 3, and"),
        (["--tokenizer", "chars"], "data.tokenizer is chars, and"),
        (["--kind", "poems"], "data.kind is poems, and"),
        (["--lowercase"], "data.lowercase is true, and"),
        (["--min-count", 3], "--min-count is of no use to the oracle's sequences"),
        (["--data", "sentences.txt"], "does not go with a text file"),
    ],
)
def test_settings_that_contradict_the_file_are_refused(seqgan, exported, sentences, tmp_path, options, words):
    options = [sentences if option == "sentences.txt" else option for option in options]
    done = seqgan("pretrain-g", "--oracle", exported, "--run", tmp_path / "run", *SIZES, *options)
    assert (done.code, words in done.err) == (2, True), done.err
    assert not (tmp_path / "run").exists()


def test_what_is_no_oracle_is_refused(seqgan, refused, text, synthetic, tmp_path):
    (tmp_path / "folder").mkdir()
    for arguments, code, words in (
        ((text.path, "-o", tmp_path / "folder"), 2, "is a directory"),
        ((text.path,), 2, "Missing option '-o'"),
        ((text.path, "--run", text.path, "-o", tmp_path / "x.npz"), 2, "are both given: leave one out."),
        ((tmp_path / "none", "-o", tmp_path / "x.npz"), 1, "There is no run in"),
    ):
        done = seqgan("oracle", *arguments)
        assert (done.code, words in " ".join(done.err.split())) == (code, True), done.err
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(b"PK\x03\x04 broken")
    done = seqgan("pretrain-g", "--oracle", damaged, "--run", tmp_path / "run", *SIZES)
    refused(done, 1, f"Cannot read the oracle {damaged}: it is damaged or no .npz.")


def test_it_says_how_fluent_samples_of_a_run_are(text, exported, seqgan, refused, synthetic):
    """Its own generator's too, of which that is the likelihood that sampling them has."""
    run = Run(text.path)
    generator = read_generator(run, generator_checkpoint(run, "pretrain-g", pytest.fail), run.corpus())
    vocabulary = run.corpus().vocabulary

    def mean_nll(tokens):
        counted = vocabulary.mask(tokens).sum(axis=1) - (tokens[:, -1] == EOS)
        return float((sequence_nll(generator, tokens) / counted).mean())

    done = seqgan("eval-quality", "--run", text.path, "--from", "pretrain-g", "-n", 30, "--fluency", exported, "--json", "-q")
    assert done.code == 0, done.err
    measures = json.loads(done.out)["measures"]
    assert measures["nll_fluency"]["samples"]["mean"] == pytest.approx(mean_nll(sample(generator, 30, key(0, "eval-quality"))))
    assert measures["fluency_unknown"]["samples"]["mean"] == 0.0
    assert measures["fluency_unknown"]["data"]["mean"] > 0.0
    scorer = Scorer(run, 16, pytest.fail, fluency=Fluency(exported))
    scored = scorer.score("pretrain-g").scores.real["nll_fluency"]
    assert scored.mean == pytest.approx(mean_nll(sample(generator, 16, samples_key(run.config().settings.seed, generator))))
    assert "nll_fluency" in scorer.data()
    assert "nll_fluency" not in Scorer(run, 16, pytest.fail).score("pretrain-g").scores.real, "kept apart"
    of_numbers = synthetic.path / "corpus" / "oracle.npz"
    sentence = f"{of_numbers} is an oracle of numbers, which knows no text: the command `oracle` makes one of a run of text."
    refused(seqgan("eval-quality", "--run", text.path, "--fluency", of_numbers, "-q"), 1, sentence)


def test_experiments_on_text_take_it_and_refuse_one_of_shorter_text(exported, sentences, seqgan, tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(study, "report", lambda *arguments: given.append(arguments[-1]))
    command = ["experiment", "text", "--data", sentences, "--preset", "quick", "--fluency", exported, "--out", tmp_path / "out"]
    done = seqgan(*command, "--partial")
    assert done.code == 0, done.err
    assert [each.path for each in given] == [exported]
    refused = seqgan(*command, "--set", "data.max-length=60")
    assert refused.code == 1
    assert f"{exported} knows texts of up to 7 tokens, and --max-length is 60" in refused.err
    assert not list((tmp_path / "out").glob("seed-*"))
