"""`--reward`: what parses to what, what is refused and how, and the settings that every use of a reward has."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forked import Forked
from seqgan_cli.config import registry
from seqgan_cli.config.checks import check
from seqgan_cli.config.expression import Expression, Term, Use, parse
from seqgan_cli.config.resolution import Config, explicit, resolve
from seqgan_cli.config.schema import section, setting
from seqgan_cli.config.settings import SCHEMA, Settings, find
from seqgan_cli.errors import UsageError
from seqgan_cli.rewards.base import Reward
from seqgan_cli.runs.run import Run

pytestmark = pytest.mark.usefixtures("quickly")


@section("reward", "adversarial", fixed_by="adversarial")
@dataclass(frozen=True)
class WordSettings:
    words: tuple[str, ...] = setting((), "words that are wanted")
    most_words: int = setting(3, "words that count", at_least=0)


class Words(Reward):
    """A reward with settings of every use, one of them words."""

    name = "words"
    Section = WordSettings


@pytest.fixture(autouse=True)
def words(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The reward is known, and nothing is known of other tests' sums."""
    monkeypatch.setitem(registry.rewards.ours, "words", Words)
    monkeypatch.setattr(registry.rewards, "named", (*registry.rewards.named, "words"))
    monkeypatch.setattr(registry.rewards, "_labels", {})
    SCHEMA.__dict__.pop("_specs", None)
    yield
    SCHEMA.__dict__.pop("_specs", None)


def settled(*sets: str, file: Path | None = None, run: Config | None = None) -> Config:
    """As a command does it."""
    config = resolve(*explicit({}, sets, file), run, "paper")
    check(config)
    return config


def of(text: str) -> Expression:
    return parse(text, "adversarial.reward")


def term(*names: str, weight: float = 1.0) -> Term:
    """Names as `label=reward`, or one name for both."""
    pairs = [name.split("=") for name in names]
    return Term(tuple(Use(pair[0], pair[-1]) for pair in pairs), weight)


PARSED = {
    "qed": [term("qed")],
    " qed ": [term("qed")],
    "qed=1": [term("qed")],
    "qed=0.5": [term("qed", weight=0.5)],
    "qed=-1e-3": [term("qed", weight=-0.001)],
    "discriminator=0.5, qed=.5 ,unique = 0.2": [
        term("discriminator", weight=0.5),
        term("qed", weight=0.5),
        term("unique", weight=0.2),
    ],
    "grammar*lexicon": [term("grammar", "lexicon")],
    "grammar * lexicon = 2": [term("grammar", "lexicon", weight=2.0)],
    "birds=lexicon": [term("birds=lexicon")],
    "birds=lexicon=0.5": [term("birds=lexicon", weight=0.5)],
    "birds=lexicon*grammar=3": [term("birds=lexicon", "grammar", weight=3.0)],
    "grammar*birds=lexicon": [term("grammar", "birds=lexicon")],
    "a=lexicon=0.7,b=lexicon=0.3": [term("a=lexicon", weight=0.7), term("b=lexicon", weight=0.3)],
    "birds=lexicon,grammar*birds=0.5": [term("birds=lexicon"), term("grammar", "birds=lexicon", weight=0.5)],
    "grammar*birds=0.5,birds=lexicon=2": [
        term("grammar", "birds=lexicon", weight=0.5),
        term("birds=lexicon", weight=2.0),
    ],
    "birds*grammar,birds=lexicon": [term("birds=lexicon", "grammar"), term("birds=lexicon")],
    "water-birds=lexicon,sea_birds=lexicon,étoile=lexicon": [
        term("water-birds=lexicon"),
        term("sea_birds=lexicon"),
        term("étoile=lexicon"),
    ],
}


@pytest.mark.parametrize("text", PARSED)
def test_what_parses_to_what(text: str) -> None:
    assert list(of(text).terms) == PARSED[text]


def test_uses_come_once_in_their_order_and_products_have_their_factors_names() -> None:
    found = of("b=lexicon*grammar=2,grammar,length*b=0.5")
    assert found.uses == (Use("b", "lexicon"), Use("grammar", "grammar"), Use("length", "length"))
    assert [term.name for term in found.terms] == ["b*grammar", "grammar", "length*b"]


@pytest.mark.parametrize(
    ("text", "single"),
    [("qed", True), ("qed=1", True), ("qed=0.5", False), ("a=qed", False), ("qed,length", False), ("qed*length", False)],
)
def test_a_single_reward_is_what_it_was_before_there_were_sums(text: str, single: bool) -> None:
    assert of(text).single == (Use("qed", "qed") if single else None)


WRITE = "Write terms as NAME=WEIGHT,NAME*NAME=WEIGHT, or LABEL=NAME=WEIGHT."
REFUSED = {
    "": "'' lacks a name.",
    ",a": "'' in ',a' lacks a name.",
    "a,": "'' in 'a,' lacks a name.",
    "a=0": "'a=0' has a weight that is 0 or not finite.",
    "a=-0.0": "'a=-0.0' has a weight that is 0 or not finite.",
    "b,a=nan": "'a=nan' in 'b,a=nan' has a weight that is 0 or not finite.",
    "a=inf": "'a=inf' has a weight that is 0 or not finite.",
    "a=1e999": "'a=1e999' has a weight that is 0 or not finite.",
    "a*": "'a*' lacks a name.",
    "*a": "'*a' lacks a name.",
    "a**b": "'a**b' lacks a name.",
    "=a": "'=a' lacks a name.",
    "=a=2": "'=a=2' lacks a name.",
    "a=": "'a=' lacks a name.",
    "a==2": "'a==2' lacks a name.",
    "0.5": "'0.5' is no term.",
    "a=0.5*b": "'a=0.5*b' is no term.",
    "a=b=c": "'a=b=c' is no term.",
    "a=b=c=2": "'a=b=c=2' is no term.",
    "a b": "'a b' is no term.",
    "a+b": "'a+b' is no term.",
    "a*a": "'a*a' has a factor twice.",
    "x=a*b*x=a=2": "'x=a*b*x=a=2' has a factor twice.",
    "x=a,b*x*x": "'b*x*x' in 'x=a,b*x*x' has a factor twice.",
    "a,a": "'a' in 'a,a' is there twice: add up the weights.",
    "a=0.5,a=0.5": "'a=0.5' in 'a=0.5,a=0.5' is there twice: add up the weights.",
    "a*b,b*a=2": "'b*a=2' in 'a*b,b*a=2' is there twice: add up the weights.",
    "x=a,x=2": "'x=2' in 'x=a,x=2' is there twice: add up the weights.",
    "x=a,x=b": "'x=b' in 'x=a,x=b' gives the name x to a second reward.",
    "x=a*x=b": "'x=a*x=b' gives the name x to a second reward.",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_sum_is_refused_by_the_part_that_is_wrong(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        of(text)
    assert str(refused.value) == f"adversarial.reward: {REFUSED[text]} {WRITE}"


def written(terms: list[Term], told: bool) -> str:
    """As a user writes it; `told`: with a weight of 1 too."""
    parts = []
    for each in terms:
        factors = "*".join(use.name if use.name == use.reward else f"{use.name}={use.reward}" for use in each.uses)
        parts.append(factors + f"={each.weight!r}" * (told or each.weight != 1.0))
    return ",".join(parts)


NAMES = st.from_regex(r"[a-zé_][a-z0-9_.-]{0,5}", fullmatch=True).filter(lambda name: name not in ("nan", "inf", "infinity"))
WEIGHTS = st.floats(allow_nan=False, allow_infinity=False).filter(bool) | st.just(1.0)


@given(st.data(), st.booleans())
def test_a_sum_that_is_written_down_reads_the_same(data: st.DataObject, told: bool) -> None:
    rewards = data.draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    labels = data.draw(st.lists(NAMES.filter(lambda name: name not in rewards), max_size=4, unique=True))
    uses = [Use(label, data.draw(st.sampled_from(rewards))) for label in labels] + [Use(name, name) for name in rewards]
    factors = st.frozensets(st.sampled_from(uses), min_size=1, max_size=3)
    products = data.draw(st.lists(factors, min_size=1, max_size=5, unique=True))
    terms = [Term(tuple(sorted(each, key=lambda use: use.name)), data.draw(WEIGHTS)) for each in products]
    assert list(of(written(terms, told)).terms) == terms


def refusal(*sets: str) -> str:
    with pytest.raises(UsageError) as refused:
        settled(*sets)
    return str(refused.value)


def test_a_label_is_no_rewards_own_name() -> None:
    assert refusal("adversarial.reward=bleu=constant,random") == (
        "adversarial.reward=bleu=constant,random: bleu is the name of a reward, so no other use can have it."
    )
    assert settled("adversarial.reward=constant=constant").values["adversarial.reward"] == "constant=constant"


def test_a_reward_that_is_none_is_refused_with_those_that_are() -> None:
    said = refusal("adversarial.reward=constant=0.5,birds=lexikon=0.5")
    assert "birds=lexikon=0.5: there is no reward 'lexikon'; choose from discriminator, " in said
    assert "constant" in said


@pytest.mark.parametrize("reward", ["partial", "lm"])
@pytest.mark.parametrize("text", ["{}=0.5", "constant,{}", "constant*{}", "mine={}"])
def test_what_scores_every_token_is_no_term(reward: str, text: str) -> None:
    text = text.format(reward)
    said = refusal(f"adversarial.reward={text}", "discriminator.prefixes=true")
    assert said == f"--reward {text}: {reward} scores every token and not whole sequences, so it cannot be part of a sum."
    settled(f"adversarial.reward={reward}", "discriminator.prefixes=true")


WASSERSTEIN = ("discriminator.loss=wasserstein", "discriminator.gradient-penalty=10")


@pytest.mark.parametrize(
    ("text", "use"), [("discriminator=0.5,constant=0.5", "discriminator"), ("critic=discriminator", "critic")]
)
def test_a_critic_is_no_term_until_its_values_have_bounds(text: str, use: str) -> None:
    assert refusal(f"adversarial.reward={text}", *WASSERSTEIN) == (
        f"--reward {text}: discriminator has no bounds and would drown the others: say which of its values become 0 and 1, "
        f"by --set reward.{use}.low=… and --set reward.{use}.high=…."
    )
    settled(f"adversarial.reward={text}", *WASSERSTEIN, f"reward.{use}.low=-3", f"reward.{use}.high=3")
    settled(f"adversarial.reward={text}")
    settled("adversarial.reward=discriminator", *WASSERSTEIN)


@pytest.mark.parametrize("transform", ["mali", "rank"])
def test_a_transform_of_the_discriminators_score_does_not_go_with_a_sum(transform: str) -> None:
    text = "discriminator=0.5,constant=0.5"
    assert refusal(f"adversarial.reward={text}", f"adversarial.reward-transform={transform}", "adversarial.baseline=mean") == (
        f"adversarial.reward-transform={transform} is made of the discriminator's score of whole sequences and does not go "
        f"with --reward {text}: leave one out."
    )


@pytest.mark.parametrize("transform", ["mali", "rank"])
def test_a_scale_that_a_transform_would_ignore_is_refused(transform: str) -> None:
    said = refusal(f"adversarial.reward-transform={transform}", "reward.discriminator.high=1", "adversarial.baseline=mean")
    assert said == (
        f"adversarial.reward-transform={transform} has a scale of its own: leave reward.discriminator.low and .high out."
    )


# Settings of uses.


def toml(folder: Path, text: str) -> Path:
    path = folder / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_files_table_of_a_use_goes_with_the_sum_in_the_same_file_in_any_order(tmp_path: Path) -> None:
    for text in (
        '[reward.birds]\nwords = ["gull", "heron"]\nmost_words = 2\n[adversarial]\nreward = "birds=words=2,constant"\n',
        '[adversarial]\nreward = "birds=words=2,constant"\n[reward.birds]\nmost-words = 2\nwords = ["gull", "heron"]\n',
    ):
        config = settled(file=toml(tmp_path, text))
        assert config.settings.of_use(WordSettings, "birds") == WordSettings(("gull", "heron"), 2)
        assert config.sources["reward.birds.words"] == "file"
        assert config.settings.of_use(WordSettings, "words") == WordSettings()
    over = settled("reward.birds.words= tern ,auk,", file=tmp_path / "settings.toml")
    assert over.values["reward.birds.words"] == ("tern", "auk")
    assert over.sources["reward.birds.words"] == "option"


def test_the_options_sum_outranks_the_files_even_if_a_name_is_another_rewards_there(tmp_path: Path) -> None:
    path = toml(tmp_path, '[adversarial]\nreward = "a=constant"\n')
    config = settled("adversarial.reward=a=words", "reward.a.most-words=1", file=path)
    assert config.settings.of_use(WordSettings, "a").most_words == 1
    path = toml(tmp_path, '[adversarial]\nreward = "a=words"\n[reward.a]\nmost-words = 1\n')
    with pytest.raises(UsageError, match=r"There is no setting 'reward\.a\.most-words'"):
        settled("adversarial.reward=a=constant", file=path)


@pytest.mark.parametrize("name", ["sea_birds", "water-birds", "a.b", "étoile"])
def test_a_use_is_called_as_the_user_calls_it(name: str) -> None:
    config = settled(f"adversarial.reward={name}=words,a=words", f"reward.{name}.most_words=1", "reward.a.most-words=2")
    assert config.settings.of_use(WordSettings, name).most_words == 1
    assert config.settings.of_use(WordSettings, "a").most_words == 2
    assert find(f"reward.{name}.most-words").name == f"reward.{name}.most-words"


def test_a_name_that_becomes_another_rewards_takes_no_settings_along() -> None:
    """Nor does it take those of a longer name."""
    settled("adversarial.reward=a=words,a.b=words", "reward.a.most-words=1")
    later = settled("adversarial.reward=a=discriminator=2,a.b=words", "reward.a.b.most-words=2")
    assert {name for name in later.values if name.startswith("reward.a.")} == {
        *("reward.a.low", "reward.a.high"),
        *("reward.a.b.words", "reward.a.b.most-words"),
    }
    assert {name for name in settled("adversarial.reward=a=constant,random").values if name.startswith("reward.a")} == set()


def test_what_is_no_word_or_out_of_bounds_is_refused(tmp_path: Path) -> None:
    chosen = "adversarial.reward=birds=words"
    assert refusal(chosen, "reward.birds.most-words=-1") == "reward.birds.most-words=-1: must be at least 0."
    for value in ("3", '"gull"', '["gull", 3]'):
        path = toml(tmp_path, f'[adversarial]\nreward = "birds=words"\n[reward.birds]\nwords = {value}\n')
        with pytest.raises(UsageError, match=r'needs words, as in \["a", "b"\], or a,b with --set\.$'):
            settled(file=path)
    with pytest.raises(UsageError, match=r"There is no setting 'reward\.bird\.words'\. Did you mean reward\.birds\.words"):
        settled(chosen, "reward.bird.words=gull")


def test_the_names_of_one_run_are_no_settings_of_another_in_the_same_process() -> None:
    before = settled("adversarial.reward=constant,random")
    first = settled("adversarial.reward=a=words,constant", "reward.a.most-words=1")
    after = settled("adversarial.reward=constant,random")
    assert after == before
    assert not any(name.startswith("reward.a.") for name in after.values)
    assert Settings({}) == Settings({"adversarial.reward": "discriminator"})
    assert not any(name.startswith("reward.a.") for name in Settings({}).values)
    again = settled(run=first)
    assert again == first
    with pytest.raises(UsageError, match=r"^reward\.a\.most-words is of no use: adversarial\.reward=constant does not name"):
        settled("adversarial.reward=constant", "reward.a.most-words=1")


def test_a_run_whose_name_is_another_rewards_elsewhere_goes_on_with_its_own() -> None:
    first = settled("adversarial.reward=a=words", "reward.a.words=gull,heron")
    settled("adversarial.reward=a=discriminator=0.5", "reward.a.low=-1", "reward.a.high=1")
    again = settled(run=first)
    assert again == first
    assert again.settings.of_use(WordSettings, "a") == WordSettings(("gull", "heron"))


def test_words_are_recorded_and_read_back_the_same(tmp_path: Path) -> None:
    """A later command that repeats them changes nothing: JSON knows no tuples."""
    config = settled("adversarial.reward=birds=words", "reward.birds.words=gull,heron")
    run = Run(tmp_path / "run")
    run.write_config(config, "paper", {})
    registry.rewards._labels.clear()
    SCHEMA.__dict__.pop("_specs", None)
    assert run.config() == config
    checkpoints = run.checkpoints("adversarial")
    checkpoints.save(1, {}, {}, best=False)
    found = run.checkpoints("adversarial").latest(pytest.fail)
    assert found is not None
    assert found.facts["settings"]["reward.birds.words"] == ["gull", "heron"]


FEW = (
    *("--set", "pretrain-g.epochs=1", "--set", "pretrain-d.d-steps=1", "--set", "data.num-sequences=96", "--threads", "1"),
    *("--set", "data.vocab-size=12", "--set", "data.sequence-length=5", "--set", "evaluation.samples=32"),
    *("--set", "generator.hidden-dim=5", "--set", "discriminator.filters=1:4", "--set", "adversarial.rollouts=2"),
)


@pytest.mark.whole
def test_a_run_with_names_goes_on_in_other_processes_and_in_one_that_knows_other_runs(
    tmp_path: Path, seqgan: Callable[..., Any]
) -> None:
    """Trained to round 1 in one process and to round 2 in another; a run of another name in this process is as without."""
    run, other = tmp_path / "run", tmp_path / "other"
    bounds = ("--set", "reward.sharp.low=0.25", "--set", "reward.sharp.high=0.75")
    reward = ("--reward", "sharp=discriminator=0.5,constant=0.5", *bounds)

    def fresh(*arguments: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "seqgan_cli", *map(str, arguments)]
        process = Forked(command, stdout=subprocess.PIPE, env=os.environ)
        out, err = process.communicate()
        return subprocess.CompletedProcess(command, process.returncode or 0, out, err)

    begun = fresh("train", "--run", run, "--preset", "quick", "--rounds", 1, *FEW, *reward)
    assert begun.returncode == 0, begun.stderr
    more = fresh("adversarial", "--run", run, "--rounds", 2, *reward)
    assert more.returncode == 0, more.stderr
    assert "going on after round 1" in more.stderr
    changed = fresh("adversarial", "--run", run, "--rounds", 3, "--set", "reward.sharp.high=0.8")
    assert changed.returncode == 2
    assert f"reward.sharp.high is 0.75 in {run} and cannot become 0.8" in changed.stderr
    shown = fresh("settings", "reward.sharp.high", "--run", run)
    assert "this run   0.75" in shown.stdout
    recorded = json.loads((run / "config.json").read_text())["settings"]
    assert recorded["reward.sharp.low"] == {"value": 0.25, "source": "option"}

    assert seqgan("adversarial", "--run", run, "--rounds", 3).code == 0  # its names are known here from now on
    assert seqgan("pretrain-g", "--run", other, "--preset", "quick", *FEW).code == 0
    assert "sharp" not in (other / "config.json").read_text()
    assert seqgan("status", "--run", run).code == 0


def test_settings_are_listed(seqgan: Callable[..., Any]) -> None:
    listed = seqgan("settings").out
    for name in ("reward.discriminator.low", "reward.discriminator.high", "adversarial.kl-target", "adversarial.keep-coverage"):
        assert name in listed
    one = seqgan("settings", "reward.discriminator.low")
    assert one.code == 0
    assert "the value that becomes 0" in one.out
    rewards = seqgan("settings", "adversarial.reward").out
    assert "½ for everything" in rewards
