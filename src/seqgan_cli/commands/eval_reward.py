"""`seqgan eval-reward`."""

import contextlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from seqgan_cli import files
from seqgan_cli.config import registry
from seqgan_cli.inference.rewarded import reward_of, reward_options, reward_settings
from seqgan_cli.inference.unseen import data_options, opened_with_data, record_of, told_in_title
from seqgan_cli.jobs.options import GroupedCommand, common_options, console_of, from_option, grouped_option
from seqgan_cli.jobs.sampling import CHOICES, checked, sampling_of, sampling_options

if TYPE_CHECKING:
    from seqgan_cli.config.settings import Settings
    from seqgan_cli.console import Console
    from seqgan_cli.studies.objectives.scores import Scored

TEMPERATURES = (1.0, 0.8, 0.7, 0.6)
_samples, _controls, _reward = grouped_option("Samples"), grouped_option("Controls"), grouped_option("Reward")


@click.command("eval-reward", cls=GroupedCommand)
@reward_options("Reward")
@_samples("-n", "--num", type=click.IntRange(2), default=1000, metavar="N", help="samples of each row [1000]")
@sampling_options("Samples")
@_controls(
    "--mle-temperature",
    "temperatures",
    type=float,
    callback=checked(CHOICES["temperature"]),
    multiple=True,
    metavar="X",
    help=f"of pretrain-g's generator beside it; repeat it [{', '.join(f'{t:g}' for t in TEMPERATURES)}]",
)
@_controls(
    "--best-of",
    "counts",
    type=click.IntRange(2, 4096),
    multiple=True,
    metavar="N",
    help="the best of so many samples of pretrain-g's generator; repeat it [4, and as many as rounds have scored]",
)
@_controls("--no-controls", is_flag=True, help="the samples alone")
@data_options("Scores")
@_reward("--json", "as_json", is_flag=True, help="one JSON object on stdout instead of a table", group="Scores")
@from_option
@common_options(seed="seed of the samples [0]", training=False)
@click.pass_context
def command(
    context: click.Context,
    num: int,
    temperatures: Sequence[float],
    counts: Sequence[int],
    no_controls: bool,
    as_json: bool,
    seed: int | None,
    **_: Any,
) -> None:
    """What samples are worth by a reward, beside what it costs: coverage (nll_test), variety and novelty.

    Beside the generator stands what explains a gain without any training by the reward: pretrain-g's generator over
    temperatures, and the best of n of its samples, for as many calls of the reward as the rounds have made.
    """
    sampling, console = sampling_of(context), console_of(context)
    from seqgan_cli.jobs.trained import trained_of

    trained = opened_with_data(context, console)
    settings = reward_settings(context, trained)
    from seqgan_cli.runs.generators import starting_generator
    from seqgan_cli.sampling.choices import Sampling
    from seqgan_cli.studies.objectives.scores import Objective, fair

    with contextlib.closing(reward_of(settings, trained, console)) as reward:
        objective = Objective(settings, trained.corpus, reward, seed or 0, num)
        console.note(f"Sampling {num} sequences of each …")
        rows = [objective.of_sampling(f"{trained.origin}, {sampling}", trained.generator, sampling)]
        if not no_controls and trained.run.has("pretrain-g"):
            mle = trained_of(trained.run, starting_generator(trained.run), console, of_data=False)
            for t in temperatures or TEMPERATURES:
                rows.append(objective.of_sampling(f"MLE, temperature {t:g}", mle.generator, Sampling(t), f"MLE {t:g}"))
            rounds = trained.run.position("adversarial")
            calls = fair(trained.config.settings, trained.corpus.sequence_length, rounds, num)
            best = objective.best_of(mle.generator, sorted(set(counts or (4, calls))))
            if not best:
                console.say("No best of n stands beside it: of samples with several sources it is the easiest source's.")
            rows += best
    if as_json:
        record = {"from": trained.origin, **sampling.record(), **record_of(trained.corpus)}
        record |= {"reward": settings.adversarial.reward, "samples": num}
        console.result(json.dumps(files.plain({**record, "rows": [row.record() for row in rows]})))
        return
    _show(rows, settings, console, f"{num} samples each, ± half a 95 % interval{told_in_title(trained.corpus)}")


def _show(rows: "Sequence[Scored]", settings: "Settings", console: "Console", told: str) -> None:
    from seqgan_cli.evaluation.statistics import shown_share

    terms = list(rows[0].terms)
    of_molecules = registry.rewards.needs(settings.adversarial.reward, "of_molecules")
    yes_or_no = rows[0].nll_fulfilling is not None
    columns = ["", "reward ↑", *terms, *["valid"] * of_molecules, "different", "new", "diversity", *["nearest"] * of_molecules]
    columns += ["nll_test ↓", *["nll of those of reward 1 ↓"] * yes_or_no, "calls"]
    shown = []
    for row in rows:
        outside = f" ({row.outside.count} outside)" if row.outside.count else ""
        cells = [str(row.reward), *(str(row.terms[term]) for term in terms), *[f"{row.valid_share:.1%}"] * of_molecules]
        cells += [f"{row.distinct:.1%}", shown_share(row.novel)]
        cells += [f"{row.diversity:.3f}", *[f"{row.nearest:.3f}"] * of_molecules, f"{row.nll_test}{outside}"]
        cells += [str(row.nll_fulfilling)] * yes_or_no
        shown.append([row.name, *cells, str(row.calls) if row.calls else ""])
    likeness = "mean Tanimoto likeness of pairs" if of_molecules else "Self-BLEU-3"
    console.table(
        f"Reward {settings.adversarial.reward}: {told}",
        columns,
        shown,
        caption=(
            f"{'valid: share of molecules; ' if of_molecules else ''}different: share of different sequences; "
            f"new: of those that are in no training sequence; diversity: 1 − {likeness}.\n"
            "best of n: of pretrain-g's samples, chosen by the reward; calls: of the reward, by the choice; "
            "outside: held-out\nsequences that are never the best, which nll_test leaves out."
        ),
    )
