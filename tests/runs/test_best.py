"""What a best checkpoint was chosen by, and when patience with it has ended."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from seqgan_cli.runs.best import best_of, changed_measure, has_stalled
from tiny import tiny_settings

MONITORS = st.sampled_from(["auto", "nll_oracle", "distinct_share", "reward_mean"])
SAMPLES = st.integers(16, 20)


def chosen_by(monitor: str, samples: int) -> Any:
    return tiny_settings(**{"adversarial.monitor": monitor, "evaluation.samples": samples})


@given(MONITORS, SAMPLES, MONITORS, SAMPLES, st.sampled_from(["pretrain-g", "adversarial"]))
def test_a_best_stands_as_long_as_all_that_defines_its_score_does(
    monitor: str, samples: int, monitor_now: str, samples_now: int, stage: str
) -> None:
    """`auto` is a name for `nll_oracle` here; of pretrain-g the adversarial monitor is no matter."""
    before, now = chosen_by(monitor, samples), chosen_by(monitor_now, samples_now)
    facts = {"position": 9, "best": {"position": 4, "value": 2.5}, "measure": before.measure(stage)}
    score = {"auto": "nll_oracle"}.get(monitor, monitor), {"auto": "nll_oracle"}.get(monitor_now, monitor_now)
    same = samples == samples_now and (stage == "pretrain-g" or score[0] == score[1])
    assert (changed_measure(facts, now, stage) is None) == same
    assert best_of(facts, now, stage) == ({"position": 4, "value": 2.5} if same else {"position": 9, "value": None})


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_patience_ends_so_many_units_after_the_best_and_never_if_it_is_none(position: int, since: int, patience: int) -> None:
    assert has_stalled(position + since, {"position": position}, patience) == (0 < patience <= since)


def test_the_best_discriminator_is_the_one_that_knows_most_and_a_critic_tells_none() -> None:
    settings = tiny_settings(**{"pretrain-d.patience": 2})
    assert settings.monitor("pretrain-d") == "d_knows"
    assert settings.patience("pretrain-d") == 2
    early = {"position": 2, "best": {"position": 0, "value": None}}  # by a version that measured nothing there
    assert best_of(early, settings, "pretrain-d") == {"position": 2, "value": None}
    critic = tiny_settings(**{"pretrain-d.patience": 2, "discriminator.loss": "wasserstein"})
    assert critic.monitor("pretrain-d") is None
    assert critic.patience("pretrain-d") == 0
