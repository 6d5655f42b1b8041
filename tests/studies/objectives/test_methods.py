"""What an objective's methods are trained by: the same sum in other shares, near MLE or free."""

import math
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from seqgan_cli.config.expression import parse
from seqgan_cli.errors import UsageError
from seqgan_cli.studies.objectives.methods import METHODS, works_of, written

NAMES = ("grammar", "lexicon", "qed", "unique", "length")
uses = st.one_of(
    st.sampled_from(NAMES), st.builds("{}={}".format, st.sampled_from(["birds", "cats", "a.b", "é-1"]), st.sampled_from(NAMES))
)
weights = st.floats(-1e6, 1e6).filter(lambda weight: abs(weight) > 1e-6)
terms = st.tuples(st.lists(uses, min_size=1, max_size=3), st.none() | weights)


def sum_of(expression: Any) -> dict[frozenset, float]:
    """The weight of each product of uses, which is the same in any order."""
    return {frozenset((use.name, use.reward) for use in term.uses): term.weight for term in expression.terms}


@given(st.lists(terms, min_size=1, max_size=4), st.sampled_from([1.0, 0.5, 0.3]))
def test_what_is_written_is_read_as_the_same_sum_in_that_share(found: list, share: float) -> None:
    text = ",".join("*".join(factors) + ("" if weight is None else f"={weight!r}") for factors, weight in found)
    try:
        whole = parse(text, "reward")
    except UsageError:  # a use twice, or a name for two rewards
        assume(False)
    again = parse(written(whole, share), "reward")
    assert sum_of(again) == {term: weight * share for term, weight in sum_of(whole).items()}
    assert again.uses == whole.uses


def test_written_in_halves_by_hand() -> None:
    assert written(parse("birds=lexicon", "reward"), 0.5) == "birds=lexicon=0.5"
    assert written(parse("grammar*birds=lexicon", "reward"), 0.5) == "grammar*birds=lexicon=0.5"
    assert written(parse("qed=0.5, unique=0.2", "reward"), 0.5) == "qed=0.25,unique=0.1"


def test_methods_differ_in_their_reward_and_in_what_keeps_them_near() -> None:
    works = works_of(parse("grammar*birds=lexicon", "reward"), [0.03])
    both = "discriminator=0.5,grammar*birds=lexicon=0.5"
    expected = {
        "seqgan": ("pretrained-d", "discriminator", 0.0),
        "reward": ("mle", "grammar*birds=lexicon", 0.0),
        "reward-kl": ("mle", "grammar*birds=lexicon", 0.03),
        "reward-mle": ("mle", "grammar*birds=lexicon", 0.0),
        "reward-kl-mle": ("mle", "grammar*birds=lexicon", 0.03),
        "organ": ("pretrained-d", both, 0.0),
        "organ-kl": ("pretrained-d", both, 0.03),
        "ppo-kl": ("mle", "grammar*birds=lexicon", 0.03),
    }
    found = {}
    for name, work in works.items():
        if work.stage == "adversarial":
            chosen = work.settings
            found[name] = work.parent, chosen["adversarial.reward"], chosen["adversarial.kl-coefficient"]
            is_free = chosen["adversarial.kl-coefficient"] == 0.0
            assert ("adversarial.kl-target" in chosen) == is_free  # a target that is set for all leaves these free
            assert chosen.get("adversarial.kl-target", 0.0) == 0.0
    assert found == expected
    assert works["ppo-kl"].settings["adversarial.algorithm"] == "ppo"
    taught = {name for name, work in works.items() if work.settings.get("adversarial.mle-every")}
    assert taught == {"reward-mle", "reward-kl-mle"}
    assert all("adversarial.mle-every" in works[name].settings for name in found)  # so that one set for all is not theirs
    assert METHODS.keys() <= works.keys()
    assert [works[name].stage for name in ("mle", "pretrained-d")] == ["pretrain-g", "pretrain-d"]
    assert all(work.parent is None or work.parent in works for work in works.values())


def test_a_cost_has_a_run_for_each_of_its_coefficients() -> None:
    works = works_of(parse("qed", "reward"), [0.1, 0.03])
    costs = {name: work.settings["adversarial.kl-coefficient"] for name, work in works.items() if work.stage == "adversarial"}
    near = {f"{name}-{x}": x for name in ("reward-kl", "reward-kl-mle", "organ-kl", "ppo-kl") for x in (0.1, 0.03)}
    assert costs == {"seqgan": 0.0, "reward": 0.0, "reward-mle": 0.0, "organ": 0.0, **near}
    assert works["ppo-kl-0.03"].settings["adversarial.algorithm"] == "ppo"


def test_a_moving_penalty_without_a_coefficient_is_one() -> None:
    works = works_of(parse("qed", "reward"), [0.0])
    assert "adversarial.kl-target" not in works["reward-kl"].settings
    assert math.isclose(works["reward"].settings["adversarial.kl-target"], 0.0)
