"""Whether training fits into memory: arithmetic before the first allocation, for a vocabulary that would take more than all.

Counts what a stage holds at once and what grows with vocabulary, sizes and data, and none of the fixed few hundred megabytes:
what it refuses cannot come to its end, what it lets pass may still be tight.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from seqgan_cli.config import registry
from seqgan_cli.config.settings import Settings
from seqgan_cli.errors import SeqganError

FLOAT = 4  # bytes
# Weights, gradient and Adam's two moments of what the stage trains.
GENERATOR_COPIES = {"pretrain-g": 4, "pretrain-d": 1, "adversarial": 4}
DISCRIMINATOR_COPIES = {"pretrain-g": 0, "pretrain-d": 4, "adversarial": 4}
GB = 1e9


def available() -> float:
    """Bytes of memory that can still be had: what the system says is available, or all there is; infinite if unknown."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024.0 * int(line.split()[1])
    except (OSError, ValueError, IndexError):
        pass
    try:
        return float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return float("inf")


def generator_weights(settings: Settings, vocab_size: int, sequence_length: int) -> int:
    """Number of weights."""
    section = settings.of(registry.generators)
    return int(registry.generators[section.cell].weights(section, vocab_size, sequence_length))


def _of_sequences(settings: Settings, sequence_length: int, batch: int) -> dict[str, int]:
    """Bytes of what a batch of sequences holds, by what it is."""
    section = settings.of(registry.generators)
    kind = registry.generators[section.cell]
    state, kept = (int(size(section, sequence_length)) for size in (kind.state_size, kind.activations))
    return {
        f"what {batch} sequences are remembered by ({state:,} numbers each × 4)": FLOAT * batch * state,
        f"the layers' outputs until their gradients ({batch} sequences × {kept:,} × 4)": FLOAT * batch * kept,
    }


def discriminator_weights(settings: Settings, vocab_size: int, sequence_length: int) -> int:
    """Number of weights."""
    section = settings.of(registry.discriminators)
    return int(registry.discriminators[section.kind].weights(section, vocab_size, sequence_length))


def _others(settings: Settings, stage: str) -> int:
    """Copies of the generator besides."""
    cfg = settings.adversarial
    if stage != "adversarial":
        return 0
    of_rewards = sum(each.generator_copies for each in registry.rewards.named_by(cfg.reward))
    return int(registry.algorithms[cfg.algorithm].generator_copies(settings) + of_rewards)


def refuse_too_large(settings: Settings, stages: Sequence[str], vocab_size: int, sequence_length: int, sequences: int) -> None:
    """Raises SeqganError, with the arithmetic, if one of the stages needs more memory than there is.

    Args:
        stages: those that are to be run, one after the other.
        vocab_size, sequence_length: V and T of the corpus.
        sequences: rows of the corpus, held-out ones included.
    """
    judged = "adversarial" not in stages or settings.needs_discriminator
    copies = max(GENERATOR_COPIES[stage] + _others(settings, stage) for stage in stages)
    discriminator_copies = max(DISCRIMINATOR_COPIES[stage] for stage in stages) if judged else 0
    weights = generator_weights(settings, vocab_size, sequence_length)
    discriminator = discriminator_weights(settings, vocab_size, sequence_length)
    batch = max(settings.pretrain_g.batch_size, settings.values["adversarial.batch-size"])
    parts = {
        f"the generator ({weights:,} weights × {copies} copies × 4 bytes)": FLOAT * copies * weights,
        f"the discriminator ({discriminator:,} × {discriminator_copies} × 4)": FLOAT * discriminator_copies * discriminator,
        f"the next token's logits ({batch} sequences × {vocab_size:,} tokens × 4)": FLOAT * batch * vocab_size,
        **_of_sequences(settings, sequence_length, batch),
        f"the corpus ({sequences:,} sequences × {sequence_length} tokens × 4)": FLOAT * sequences * sequence_length,
    }
    needed, there = sum(parts.values()), available()
    if needed > there:
        told = "; ".join(f"{size / GB:.1f} GB for {what}" for what, size in sorted(parts.items(), key=lambda p: -p[1]) if size)
        raise SeqganError(
            f"Training would need {needed / GB:.1f} GB of memory, and {there / GB:.1f} GB are available: {told}. Use fewer "
            "tokens (--max-vocab, --min-count or --vocab-size), sizes, or sequences."
        )
