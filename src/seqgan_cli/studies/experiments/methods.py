"""The methods of experiments, each a choice of values on existing axes, and the experiments: which methods each compares."""

from dataclasses import dataclass, field
from typing import Any

from seqgan_cli.config import registry
from seqgan_cli.config.presets import LOG_RATIO_ROUNDS, LOG_RATIO_STEPS, MLE_STRONG
from seqgan_cli.config.resolution import Config
from seqgan_cli.config.settings import SCHEMA, STAGES
from seqgan_cli.sampling.choices import PLAIN, Sampling
from seqgan_cli.studies.tasks import Work


@dataclass(frozen=True)
class Method:
    """A row of a table: which generator of which work's run.

    which: latest, best (held-out), untrained, or the one that its rounds begin with; corrected: by the run's discriminator.
    """

    title: str
    work: str
    which: str = "latest"
    corrected: bool = False


def _adversarial(parent: str = "discriminator", reward: str = "discriminator", **settings: Any) -> Work:
    named = {f"adversarial.{name.replace('_', '-')}": value for name, value in settings.items()}
    return Work("adversarial", parent, {"adversarial.reward": reward, **named})


# The paper's four panels (its figure of strategies). Many g-steps make a round dear, so those have a share of the rounds.
STRATEGIES = {(100, 1, 10): 1 / 30, (30, 1, 30): 1 / 15, (1, 1, 10): 1 / 2, (1, 5, 3): 1 / 2}
# Of the converged generator's epochs: the paper's 20 of 120.
SHORT = 1 / 6


@dataclass(frozen=True)
class Sweep:
    """What makes samples likelier, less various ones, step by step.

    Args:
        name: of the number that is swept, and of its option.
        values: at which all methods are scored, 1, which leaves the distribution as it is, first.
        further: where a curve that others are held against goes on until it covers as little as they do: it is not known
            beyond its end.
    """

    name: str
    values: tuple[float, ...]
    further: tuple[float, ...]
    last: str  # the word for the end of a curve
    several: str


TEMPERATURES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
COLDER = (0.45, 0.4, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1)
SWEEPS = {
    "temperature": Sweep("temperature", TEMPERATURES, COLDER, "coldest", "temperatures"),
    "top-p": Sweep("top-p", (1.0, 0.95, 0.9, 0.8, 0.7, 0.6), (0.5, 0.4, 0.3, 0.2, 0.1), "narrowest", "values of top-p"),
}
KNOBS = ("mle", "mle-best", "mle-strong")  # whose curves findings speak of
CORRECTED = ("mle-corrected", "strong-corrected")  # what discriminators are worth at best
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
    "log-ratio": ("log-ratio, from strong MLE", {**MLE_STRONG, **LOG_RATIO_ROUNDS}),
}


def works_of(config: Config) -> dict[str, Work]:
    """Every work that some method needs, by name."""
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
    works["constant-strong"] = _adversarial("mle-strong", "constant", start=MLE_STRONG["adversarial.start"])
    works["lm"] = _adversarial("mle", "lm", baseline="leave-one-out")
    for name, (_, settings) in ABLATIONS.items():
        by_stage = {stage: {n: v for n, v in settings.items() if SCHEMA[n].stage == stage} for stage in STAGES}
        generator, discriminator = f"mle-{name}" if by_stage["pretrain-g"] else "mle", f"discriminator-{name}"
        if by_stage["pretrain-g"]:
            works[generator] = Work("pretrain-g", settings=by_stage["pretrain-g"])
        if by_stage["pretrain-g"] or by_stage["pretrain-d"]:
            works[discriminator] = Work("pretrain-d", generator, by_stage["pretrain-d"])
        else:
            discriminator = "discriminator"
        works[name] = Work("adversarial", discriminator, {"adversarial.reward": "discriminator", **by_stage["adversarial"]})
    works["log-ratio"] = Work("adversarial", works["strong"].parent, works["log-ratio"].settings, LOG_RATIO_STEPS)
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
    "mle-corrected": Method("MLE, corrected", "discriminator", "start", corrected=True),
    "strong-corrected": Method("MLE, strong, corrected", "discriminator-strong", "start", corrected=True),
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
        """Whether it is of curves over temperatures, or what is swept instead, and not of learning curves."""
        return len(self.temperatures) > 1

    def title_of(self, sweep: str) -> str:
        """Its title, with what is swept."""
        return self.title.replace(SWEEPS["temperature"].several, SWEEPS[sweep].several)

    def values_of(self, method: str, sweep: str = "temperature") -> tuple[float, ...]:
        """The temperatures, or what is swept instead, at which a method's samples are scored."""
        if METHODS[method].which == "untrained":
            return (1.0,)
        if sweep != "temperature":
            return SWEEPS[sweep].values
        return self.temperatures + (self.mle_temperatures if METHODS[method].work in ("mle", "mle-strong") else ())

    def held_against(self, method: str) -> str:
        """The method that this one is compared with."""
        return self.others.get(method, self.against)


def _real(title: str, kind: str) -> Experiment:
    """MLE against SeqGAN and what the paper left out, on data of one kind; MLE sampled colder is the control for all."""
    methods = ("mle", "mle-best", "mle-strong", *CORRECTED, "ss", "pg-bleu", "constant", "seqgan")
    return Experiment(title, methods, "mle", mle_temperatures=TEMPERATURES[1:], data=kind)


def folder_of(kind: str, sweep: str, sampling: Sampling) -> str:
    """The folder of an experiment's tables: `frontier`, `frontier-top-p`, `synthetic-temperature-1-top-k-40`."""
    words = [kind] + [sweep] * (sweep != "temperature") + [*str(sampling).replace(",", "").split()] * (sampling != PLAIN)
    return "-".join(words)


EXPERIMENTS = {
    "synthetic": Experiment(
        "the paper's table, with controls",
        ("random", "mle", "mle-best", "mle-strong", *CORRECTED, "ss", "pg-bleu", "constant", "seqgan"),
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
        ("mle", "mle-best", "mle-strong", *CORRECTED, "ss", "pg-bleu", "constant", "seqgan"),
        "seqgan",
        TEMPERATURES,
    ),
    **{kind.name: _real(kind.experiment, kind.name) for kind in registry.kinds.ours.values() if kind.experiment},
}
