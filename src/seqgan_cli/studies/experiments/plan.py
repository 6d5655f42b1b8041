"""What an experiment consists of: methods, each a choice of values on existing axes, and the works that train them.

A work is one stage of one run. It begins from its parent, so that what methods share (the pre-trained generator, the
discriminator) is trained once a seed.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seqgan_cli import __version__, files
from seqgan_cli.config import registry
from seqgan_cli.config.resolution import Config, legacy_values, resolve
from seqgan_cli.config.settings import MLE_STRONG, SCHEMA, TARGETS
from seqgan_cli.errors import SeqganError, UsageError
from seqgan_cli.runs import lock
from seqgan_cli.runs.best import best_of, has_stalled
from seqgan_cli.runs.record import refuse_newer
from seqgan_cli.runs.run import Run


@dataclass(frozen=True)
class Work:
    """A stage, the settings that make it what it is, and the work whose run it begins from."""

    stage: str
    parent: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Method:
    """A row of a table: which generator of which work's run. `which`: latest, best (held-out) or untrained."""

    title: str
    work: str
    which: str = "latest"


def _adversarial(parent: str = "discriminator", reward: str = "discriminator", **settings: Any) -> Work:
    named = {f"adversarial.{name.replace('_', '-')}": value for name, value in settings.items()}
    return Work("adversarial", parent, {"adversarial.reward": reward, **named})


# The paper's four panels (its figure of strategies). Many g-steps make a round dear, so those have a share of the rounds.
STRATEGIES = {(100, 1, 10): 1 / 30, (30, 1, 30): 1 / 15, (1, 1, 10): 1 / 2, (1, 5, 3): 1 / 2}
# Of the converged generator's epochs: the paper's 20 of 120.
SHORT = 1 / 6
TEMPERATURES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
# Where a curve that others are held against goes on until it covers as little as they do: it is not known beyond its end.
COLDER = (0.45, 0.4, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1)
KNOBS = ("mle", "mle-best", "mle-strong")  # whose curves findings speak of
MATCHED = ("mle-strong", "mle-best", "constant")  # whose curves are columns of the table
# What the paper, its reviewers and its followers propose, one thing at a time against SeqGAN: a title, and the settings of the
# generator, the discriminator and the rounds that differ.
ABLATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "leave-one-out": ("the others' mean subtracted", {"adversarial.baseline": "leave-one-out"}),
    "value": ("a value head subtracted", {"adversarial.baseline": "value"}),
    "standardized": ("standardized", {"adversarial.reward-transform": "standardize"}),
    "mali": ("MaliGAN's odds", {"adversarial.reward-transform": "mali", "adversarial.baseline": "mean"}),
    "rank": ("RankGAN's ranks", {"adversarial.reward-transform": "rank", "adversarial.baseline": "mean"}),
    "kl": ("a cost of departure", {"adversarial.kl-coefficient": 0.1, "adversarial.baseline": "leave-one-out"}),
    "entropy": ("a reward of surprise", {"adversarial.entropy-coefficient": 0.05, "adversarial.baseline": "leave-one-out"}),
    "mle-between": ("maximum likelihood between", {"adversarial.mle-every": 1}),
    "partial": (
        "a judge of prefixes",
        {"discriminator.prefixes": True, "adversarial.reward": "partial", "adversarial.baseline": "leave-one-out"},
    ),
    "ngram-rollout": ("trigram rollouts", {"adversarial.rollout-policy": "ngram"}),
    "short-rollout": ("rollouts of 4 tokens", {"adversarial.rollout-horizon": 4}),
    "d-dropout": ("a discriminator with more dropout", {"discriminator.dropout": 0.75, "discriminator.weight-decay": 0.1}),
    "d-smooth": ("smoothed labels", {"discriminator.label-smoothing": 0.2}),
    "d-stop": ("a discriminator that rests", {"discriminator.stop": 0.55}),
    "d-recurrent": ("a recurrent discriminator", {"discriminator.kind": "recurrent"}),
    "d-attention": ("an attentive discriminator", {"discriminator.kind": "attention"}),
    "wasserstein": (
        "Wasserstein's critic",
        {
            "discriminator.loss": "wasserstein",
            "discriminator.gradient-penalty": 10.0,
            "adversarial.baseline": "leave-one-out",
            "adversarial.reward-transform": "standardize",
        },
    ),
    "g-attention": ("an attentive generator", {"generator.cell": "attention"}),
    "strong": ("from strong MLE", MLE_STRONG),
}


# The settings that a stage and those after it have to know.
SECTIONS = {
    "pretrain-g": ("generator.", "pretrain-g.", "adversarial.start"),
    "pretrain-d": ("discriminator.",),
    "adversarial": ("adversarial.",),
}


def _works(config: Config) -> dict[str, Work]:
    rounds, epochs = config.values["adversarial.rounds"], config.values["pretrain-g.epochs"]
    works = {
        "mle": Work("pretrain-g"),
        "ss": Work("pretrain-g", settings={"pretrain-g.scheduled-sampling": "linear"}),
        "mle-short": Work("pretrain-g", settings={"pretrain-g.epochs": max(1, round(SHORT * epochs))}),
        "discriminator": Work("pretrain-d", "mle"),
        "discriminator-short": Work("pretrain-d", "mle-short"),
        "seqgan": _adversarial(),
        "pg-bleu": _adversarial("mle", "bleu"),
        "constant": _adversarial("mle", "constant"),
        "random-reward": _adversarial("mle", "random"),
        "sentence-reward": _adversarial(rollouts=0),
        "lagging-rollout": _adversarial(update_rate=0.8),
        "mean-baseline": _adversarial(baseline="mean"),
        "seqgan-short": _adversarial("discriminator-short"),
    }
    works["constant-strong"] = _adversarial("mle-strong", "constant")
    works["lm"] = _adversarial("mle", "lm", baseline="leave-one-out")
    for name, (_, settings) in ABLATIONS.items():
        own = {stage: {n: v for n, v in settings.items() if n.startswith(sections)} for stage, sections in SECTIONS.items()}
        generator, discriminator = f"mle-{name}" if own["pretrain-g"] else "mle", f"discriminator-{name}"
        if own["pretrain-g"]:
            works[generator] = Work("pretrain-g", settings=own["pretrain-g"])
        if own["pretrain-g"] or own["pretrain-d"]:
            works[discriminator] = Work("pretrain-d", generator, own["pretrain-d"])
        else:
            discriminator = "discriminator"
        works[name] = Work("adversarial", discriminator, {"adversarial.reward": "discriminator", **own["adversarial"]})
    for (g_steps, d_steps, k), share in STRATEGIES.items():
        works[f"g{g_steps}-d{d_steps}-k{k}"] = _adversarial(
            g_steps=g_steps, d_steps=d_steps, k=k, rounds=max(1, round(share * rounds))
        )
    return works


METHODS = {
    "random": Method("random: untrained generator", "mle", "untrained"),
    "mle": Method("MLE", "mle"),
    "mle-best": Method("MLE, best held-out epoch", "mle", "best"),
    "mle-strong": Method("MLE, strong", "mle-strong", "best"),
    "ss": Method("scheduled sampling", "ss"),
    "pg-bleu": Method("PG-BLEU", "pg-bleu"),
    "constant": Method("constant reward", "constant"),
    "random-reward": Method("random reward", "random-reward"),
    "seqgan": Method("SeqGAN", "seqgan"),
    "sentence-reward": Method("SeqGAN without rollouts", "sentence-reward"),
    "lagging-rollout": Method("SeqGAN, update rate 0.8", "lagging-rollout"),
    "mean-baseline": Method("SeqGAN, mean subtracted", "mean-baseline"),
    "mle-short": Method("MLE, a sixth of the epochs", "mle-short"),
    "seqgan-short": Method("SeqGAN from that", "seqgan-short"),
    "constant-strong": Method("constant reward, from strong MLE", "constant-strong"),
    "lm": Method("likelihood as the reward", "lm"),
    "mle-g-attention": Method("MLE, an attentive generator", "mle-g-attention", "best"),
    **{name: Method(f"SeqGAN, {title}", name) for name, (title, _) in ABLATIONS.items()},
    **{
        f"g{g}-d{d}-k{k}": Method(f"{g} g-step{'s' * (g > 1)}, {d} d-step{'s' * (d > 1)}, k = {k}", f"g{g}-d{d}-k{k}")
        for g, d, k in STRATEGIES
    },
}


@dataclass(frozen=True)
class Experiment:
    """A table or figure of the paper: the methods it has unless asked for others, and the one they are compared with."""

    title: str
    methods: tuple[str, ...]
    against: str
    temperatures: tuple[float, ...] = (1.0,)
    others: dict[str, str] = field(default_factory=dict)  # methods compared with another one
    mle_temperatures: tuple[float, ...] = ()  # of MLE besides: what sampling colder gives without any reward
    data: str = "oracle"  # or the kind of data that it needs

    @property
    def swept(self) -> bool:
        """Whether it is over temperatures: then its figure is the frontier and not the learning curves."""
        return len(self.temperatures) > 1

    def temperatures_of(self, method: str) -> tuple[float, ...]:
        """The temperatures at which a method's samples are scored."""
        if METHODS[method].which == "untrained":
            return (1.0,)
        return self.temperatures + (self.mle_temperatures if METHODS[method].work in ("mle", "mle-strong") else ())

    def held_against(self, method: str) -> str:
        """The method that this one is compared with."""
        return self.others.get(method, self.against)


def _real(title: str, kind: str) -> Experiment:
    """MLE against SeqGAN and what the paper left out, on data of one kind; MLE sampled colder is the control for all."""
    methods = ("mle", "mle-best", "mle-strong", "ss", "pg-bleu", "constant", "seqgan")
    return Experiment(title, methods, "mle", mle_temperatures=TEMPERATURES[1:], data=kind)


EXPERIMENTS = {
    "synthetic": Experiment(
        "the paper's table, with controls",
        ("random", "mle", "mle-best", "mle-strong", "ss", "pg-bleu", "constant", "seqgan"),
        "seqgan",
    ),
    "strategies": Experiment(
        "the schedules of g-steps and d-steps", ("mle", *(f"g{g}-d{d}-k{k}" for g, d, k in STRATEGIES)), "g1-d5-k3"
    ),
    "pretraining": Experiment(
        "adversarial training from a short and from a converged MLE",
        ("mle-short", "seqgan-short", "mle", "seqgan"),
        "seqgan",
        others={"mle-short": "seqgan-short"},
    ),
    "frontier": Experiment(
        "quality against coverage over temperatures",
        ("mle", "mle-best", "mle-strong", "ss", "pg-bleu", "constant", "seqgan"),
        "seqgan",
        TEMPERATURES,
    ),
    **{kind.name: _real(kind.experiment, kind.name) for kind in registry.kinds.ours.values() if kind.experiment},
}


def chosen_methods(kind: str, asked: str | None) -> tuple[str, ...]:
    """The methods of a comma-separated list, or the experiment's own. Raises UsageError for a name that is none."""
    if asked is None:
        return EXPERIMENTS[kind].methods
    names = tuple(dict.fromkeys(name.strip() for name in asked.split(",") if name.strip()))
    for name in names:
        if name not in METHODS:
            raise UsageError(f"--methods: there is no method {name!r}; choose from {', '.join(METHODS)}.")
    if not names:
        raise UsageError(f"--methods names none: choose from {', '.join(METHODS)}.")
    return names


@dataclass(frozen=True)
class Task:
    """A work of one seed: where its run is, what it starts from, and the settings of both experiment and work."""

    name: str
    seed: int
    work: Work
    directory: Path
    config: Config
    preset: str

    @property
    def path(self) -> Path:
        return self.directory / f"seed-{self.seed}" / self.name

    @property
    def parent(self) -> Path | None:
        return self.path.with_name(self.work.parent) if self.work.parent else None

    @property
    def label(self) -> str:
        return f"seed-{self.seed}/{self.name}"

    @property
    def log(self) -> Path:
        return self.path.with_name(f"{self.name}.log")

    @property
    def target(self) -> int:
        """Units the stage is to reach."""
        return int(self.config.values[TARGETS[self.work.stage]])

    @property
    def share(self) -> float:
        """How much of it is done and saved, in [0, 1]."""
        return min(1.0, Run(self.path).position(self.work.stage) / self.target)

    @property
    def done(self) -> bool:
        """Whether it has reached its target, or lost its patience, and the checkpoint that says so can be read."""
        try:
            found = Run(self.path).checkpoints(self.work.stage).latest(lambda words: None)
        except SeqganError:
            return False
        if found is None:
            return False
        stage, settings = self.work.stage, self.config.settings
        stalled = has_stalled(found.position, best_of(found.facts, settings, stage), settings.patience(stage))
        return stalled or found.position >= self.target


def tasks(directory: Path, methods: Sequence[str], seeds: Sequence[int], config: Config, preset: str) -> list[Task]:
    """The works these methods need for each seed, parents first, seed by seed."""
    works = _works(config)
    needed: list[str] = []

    def need(name: str) -> None:
        if works[name].parent:
            need(works[name].parent or "")
        if name not in needed:
            needed.append(name)

    for method in methods:
        need(METHODS[method].work)
    asked = {name: value for name, value in config.values.items() if config.sources[name] in ("option", "file")}

    def inherited(work: Work) -> dict[str, Any]:
        return {**(inherited(works[work.parent]) if work.parent else {}), **work.settings}

    def resolved(work: Work, seed: int) -> Config:
        own = {**asked, **inherited(work), "seed": seed}
        return resolve(own, dict.fromkeys(own, "option"), None, preset)

    return [Task(name, seed, works[name], directory, resolved(works[name], seed), preset) for seed in seeds for name in needed]


def claim(directory: Path, config: Config, preset: str, begin: bool) -> None:
    """Make sure that an experiment's directory was begun with the same settings.

    Args:
        begin: begin it if it holds no run yet.

    Raises UsageError if it was not, or holds somebody's files; SeqganError if its record is damaged.
    """
    path = directory / "experiment.json"
    values = {name: value for name, value in config.values.items() if name != "seed"}
    if not path.exists() or not any(directory.glob("seed-*")):
        if directory.exists() and not directory.is_dir():
            raise UsageError(f"--out {directory} is a file: name a directory.")
        ours = {"estimate.json", "experiment.json", *lock.NAMES}
        if directory.exists() and {entry.name for entry in directory.iterdir()} - ours:
            raise UsageError(f"--out {directory} holds other files and no experiment: name a new or an empty directory.")
        if begin:
            record = {"format": 1, "versions": {"seqgan": __version__}, "preset": preset, "settings": values}
            files.write(path, (json.dumps(record, indent=1) + "\n").encode())
        return
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        refuse_newer(path, record)
        before, settings = record["preset"], dict(record["settings"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SeqganError(f"{path} is damaged ({error}): restore it, or use another --out.") from None
    if before != preset:
        raise UsageError(f"{directory} was begun with --preset {before}: give that, or another --out.")
    settings = {**legacy_values(str(settings.get("data.kind"))), **settings}
    for name in sorted({*values, *settings}, key=lambda name: (not name.startswith("data."), name)):
        default = SCHEMA[name].default if name in SCHEMA else None  # for a setting one of the two versions lacks
        earlier, now = settings.get(name, default), values.get(name, default)
        if earlier != now:
            raise UsageError(
                f"{directory} was begun with {name} = {earlier}, and this command asks for {now}: "
                "what it holds would not compare. Ask for the same, or use another --out."
            )
