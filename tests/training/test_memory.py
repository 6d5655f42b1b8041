"""The arithmetic of memory against models that are really there, and its refusal."""

import math
from pathlib import Path
from typing import Any

import pytest

from seqgan_cli.config import registry
from seqgan_cli.config.settings import STAGES
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.errors import SeqganError
from seqgan_cli.models.discriminator import Discriminator
from seqgan_cli.models.generator import Generator
from seqgan_cli.training import memory
from tiny import tiny_settings


def number_of_weights(model: Any) -> int:
    return sum(math.prod(weight.shape) for weight in model.trainable_variables)


@pytest.mark.parametrize("cell", ["lstm", "gru", "attention"])
@pytest.mark.parametrize(("vocab_size", "hidden"), [(7, 5), (12, 8)])
def test_weights_are_as_many_as_the_models_have(cell: str, vocab_size: int, hidden: int) -> None:
    """All of them; of a discriminator's output layer the few are not counted."""
    settings = tiny_settings(**{"generator.cell": cell, "generator.hidden-dim": hidden})
    generator = Generator(Vocabulary(size=vocab_size), 5, settings.generator)
    discriminator = Discriminator(Vocabulary(size=vocab_size), 5, settings.of(registry.discriminators))
    assert memory.generator_weights(settings, vocab_size, 5) == number_of_weights(generator)
    output = discriminator.num_features + 1
    assert memory.discriminator_weights(settings, vocab_size, 5) == number_of_weights(discriminator) - output


@pytest.mark.parametrize("kind", ["recurrent", "attention"])
def test_weights_of_other_discriminators(kind: str) -> None:
    settings = tiny_settings(**{"discriminator.kind": kind, "discriminator.hidden-dim": 16})
    discriminator = Discriminator(Vocabulary(size=300), 5, settings.of(registry.discriminators))
    output = discriminator.num_features + 1
    assert memory.discriminator_weights(settings, 300, 5) == number_of_weights(discriminator) - output


def test_a_vocabulary_beyond_memory_is_refused_with_the_arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 8e9)
    memory.refuse_too_large(tiny_settings(), STAGES, 5000, 20, 20_000)
    with pytest.raises(SeqganError) as refusal:
        memory.refuse_too_large(tiny_settings(), STAGES, 50_000_000, 20, 20_000)
    message = str(refusal.value)
    weights = 50_000_000 * (4 + 5 + 1) + 4 * 5 * 10
    assert f"{weights:,} weights × 5 copies × 4 bytes" in message
    discriminator = 50_000_000 * 4 + 4 * (5 + 9 + 13) + 2 * 12 * 13
    needed = 4 * (5 * weights + 4 * discriminator + 32 * 50_000_000 + 20_000 * 20) / 1e9
    assert message.startswith(f"Training would need {needed:.1f} GB of memory, and 8.0 GB are available: ")
    assert "--max-vocab" in message


@pytest.mark.parametrize(
    ("stages", "reward", "generator", "discriminator"),
    [
        (["pretrain-g"], "discriminator", 4, 0),
        (["pretrain-d"], "constant", 1, 4),
        (["adversarial"], "constant", 5, 0),
        (["adversarial"], "discriminator", 5, 4),
        (STAGES, "constant", 5, 0),
        (STAGES, "discriminator", 5, 4),
        (["adversarial"], "lm", 6, 0),
    ],
)
def test_only_what_the_stages_hold_is_counted(
    monkeypatch: pytest.MonkeyPatch, stages: list[str], reward: str, generator: int, discriminator: int
) -> None:
    settings = tiny_settings(**{"adversarial.reward": reward})
    needed = generator * memory.generator_weights(settings, 10**6, 5)
    needed += discriminator * memory.discriminator_weights(settings, 10**6, 5) + 32 * 10**6 + 100 * 5
    monkeypatch.setattr(memory, "available", lambda: 4.0 * needed)
    memory.refuse_too_large(settings, stages, 10**6, 5, 100)
    monkeypatch.setattr(memory, "available", lambda: 4.0 * needed - 1)
    with pytest.raises(SeqganError) as refusal:
        memory.refuse_too_large(settings, stages, 10**6, 5, 100)
    assert ("the discriminator" in str(refusal.value)) == (discriminator > 0)


def test_what_is_available_is_known_here() -> None:
    assert 1e8 < memory.available() < 1e13


def test_training_is_refused_before_anything_is_made(seqgan: Any, tmp_path: Path, tiny_config: Path) -> None:
    run = tmp_path / "run"
    outcome = seqgan("pretrain-g", "--run", run, "--config", tiny_config, "--vocab-size", 2_000_000_000)
    assert outcome.code == 1
    assert "Error: Training would need " in outcome.err
    assert "GB are available" in outcome.err
    assert not run.exists()
