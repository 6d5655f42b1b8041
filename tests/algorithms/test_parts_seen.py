"""What chooses sees the validation part alone, what reports the test part alone; curves have their names from that."""

from collections.abc import Callable

import numpy as np
import pytest

from parts import parts_of
from seqgan_cli.algorithms.adversarial import AdversarialTraining
from seqgan_cli.algorithms.discriminator import DiscriminatorPretraining
from seqgan_cli.algorithms.mle import LikelihoodTraining, untrained_generator
from seqgan_cli.config.settings import Settings
from seqgan_cli.console import Console
from seqgan_cli.data.corpus import Corpus
from seqgan_cli.data.split import HeldOut
from seqgan_cli.data.vocabulary import EOS, PAD, Vocabulary
from seqgan_cli.evaluation.generators import data_figures, likelihoods
from seqgan_cli.evaluation.quality import Measures
from seqgan_cli.evaluation.real import RealScores
from seqgan_cli.models.discriminator import Discriminator
from seqgan_cli.randomness import key
from seqgan_cli.synthetic import synthetic_corpus
from tiny import data_settings, tiny_settings

pytestmark = pytest.mark.usefixtures("quickly")

T, V = 5, 12


def table(what: str, num: int = 40) -> np.ndarray:
    """Sequences of 1 to 4 words and `<eos>`, of an own range of words for each name: int32 `[num, 5]`."""
    draws = np.random.default_rng([ord(letter) for letter in what])
    rows = np.full((num, T), PAD, np.int32)
    for row in rows:
        length = int(draws.integers(1, T))
        row[:length], row[length] = draws.integers(3, V, length), EOS
    return rows


def corpus(validation: str, test: str) -> Corpus:
    return parts_of(table("train", 60), table(test), Vocabulary([f"w{i}" for i in range(V - 3)]), table(validation))


def settings() -> Settings:
    return tiny_settings(**{"data.source": "lines.txt", "data.kind": "text", "discriminator.stop": 0.9})


def curves(own: Corpus) -> dict[str, float]:
    quiet, generator = Console(quiet=True), untrained_generator(settings(), own)
    stages = (
        LikelihoodTraining(settings(), own, None, quiet),
        DiscriminatorPretraining(settings(), own, None, generator, quiet),
        AdversarialTraining(settings(), own, None, generator, quiet),
    )

    def logits_of(_: Discriminator, tokens: np.ndarray) -> np.ndarray:  # an untrained one calls all alike
        return (tokens @ np.array([3, 5, 7, 11, 13]) % 17) / 8.5 - 1.0

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("seqgan_cli.algorithms.discriminator.logits", logits_of)
        found = {f"{stage.name} {name}": value for stage in stages for name, value in stage.scores(0).items()}
        samples, real, _ = stages[1].trainer._held_out(generator, key(0, "rest"))
    return {**found, "rests": float(logits_of(None, real).sum()), "rests, samples": float(len(samples))}  # type: ignore[arg-type]


def tables(own: Corpus) -> dict[str, float]:
    generator, real = untrained_generator(settings(), own), RealScores(own, settings())
    scores = likelihoods(generator, own, None, 64, key(0, "x"), real=real)
    found = {name: estimate.mean for name, estimate in scores.real.items()} | {"nll_test": scores.nll_test.mean}
    measured = Measures(own, settings(), None, 64, "").of_data()
    found |= {name: value if isinstance(value, float) else value.mean for name, value in measured.items()}
    return found | {f"data {name}": value for name, value in data_figures(own, None, 0, 64, real).items()}


@pytest.mark.parametrize("scores", [curves, tables])
def test_each_sees_its_own_part_alone(scores: Callable[[Corpus], dict[str, float]]) -> None:
    """`curves` moves with the validation part and not with the test part, `tables` the other way round."""
    if scores is curves:
        same, other, moved = corpus("one", "x"), corpus("one", "two"), corpus("two", "x")
    else:
        same, other, moved = corpus("x", "one"), corpus("two", "one"), corpus("x", "two")
    found = scores(same)
    assert scores(other) == found
    changed = {name for name, value in scores(moved).items() if value != found[name]}
    expected = {
        curves: {"pretrain-g nll_validation", "pretrain-g bleu_3", "adversarial nll_validation", "adversarial bleu_3"}
        | {"pretrain-d d_accuracy_validation", "adversarial d_accuracy_validation", "rests"}
        | {"pretrain-d d_knows", "adversarial d_knows"},
        tables: {"nll_test", "bleu_2", "bleu_3", "bleu_4", "bleu_5", "distinct_2", "copied_run", "data bleu_3"},
    }
    assert expected[scores] <= changed


def test_scores_bear_the_name_of_the_part_they_are_of() -> None:
    names = curves(corpus("one", "two"))
    assert {"pretrain-g nll_validation", "pretrain-d d_accuracy_validation", "adversarial nll_validation"} <= set(names)
    assert not [name for name in names if "test" in name]
    alone = corpus("one", "two")
    held_out = {"test": alone.held_out["test"]}
    names = curves(Corpus(alone.train, held_out, alone.vocabulary))
    assert {"pretrain-g nll_test", "pretrain-d d_accuracy_test", "adversarial nll_test"} <= set(names)
    assert not [name for name in names if "validation" in name]


@pytest.mark.parametrize("monitor", ["auto", "nll_test", "nll_validation"])
def test_the_former_name_of_the_monitor_still_works(monitor: str, capfd: pytest.CaptureFixture[str]) -> None:
    own = tiny_settings(**{"data.source": "x", "data.kind": "text", "adversarial.monitor": monitor})
    data = corpus("one", "two")
    stage = AdversarialTraining(own, data, None, untrained_generator(own, data), Console())
    assert stage.monitor == "nll_validation"
    assert ("is called nll_validation now" in capfd.readouterr().err) == (monitor == "nll_test")


def test_the_oracle_draws_every_part_afresh() -> None:
    """No part is another, in whatever order: of 20 tokens in 12 places hardly any sequence comes twice."""
    own, _ = synthetic_corpus(data_settings(vocab_size=20, sequence_length=12, num_sequences=50, seed=3))
    parts = [{tuple(row) for row in part} for part in (own.train, own.validation, own.test)]
    for i, first in enumerate(parts):
        for second in parts[i + 1 :]:
            assert len(first & second) < 25
    alone, _ = synthetic_corpus(data_settings(vocab_size=20, sequence_length=12, num_sequences=50, validation=0.0, seed=3))
    assert alone.choosing == "test"
    assert alone.train.tolist() == own.train.tolist()
    assert alone.test.tolist() == own.test.tolist()


def test_the_first_of_a_part_are_of_its_documents() -> None:
    part = HeldOut.shuffled(np.arange(20)[:, None], np.arange(20) // 4, 5, "test")
    assert sorted(part.tokens[:, 0].tolist()) == list(range(20))
    assert part.tokens[:, 0].tolist() != list(range(20))
    assert (part.first(7).tokens[:, 0] // 4 == part.first(7).documents).all()
    assert len(part.first(7)) == 7
