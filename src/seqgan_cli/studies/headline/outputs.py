"""What the experiment `headline` leaves: a table, results.json, and the sentences that say what they show."""

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from seqgan_cli import files
from seqgan_cli.config.settings import without_folders
from seqgan_cli.console import Console
from seqgan_cli.evaluation.statistics import over_seeds, signed
from seqgan_cli.studies.experiments.methods import METHODS as EVERY
from seqgan_cli.studies.experiments.tables import markdown_table
from seqgan_cli.studies.headline.study import CORRECTED, METHODS, MLE, Colder, Found, Plan, Rounds

T = TypeVar("T")
FOLDER = "headline"
# Of a sentence about each.
OPENINGS = {"constant": "The constant reward, which knows nothing,", CORRECTED: "Corrected by the discriminator, MLE"}
PARTS = {"pretrain-g": "G", "pretrain-d": "D"}


def table(found: Found) -> tuple[list[str], list[list[str]]]:
    """Columns and rows over seeds, a row a method."""
    columns = ["method", "reached in", "temperature", "rounds", "minutes", "pre-training", "paid there ↓", "most"]
    columns += ["Δ nll_oracle ↓", "Δ nll_test ↓"]
    rows = []
    for method in METHODS:
        if own := _of(found.rounds, method):
            there = [each for each in own if each.reached is not None]
            cells = [EVERY[method].title, f"{len(there)} of {len(own)}", "1" * bool(there)]
            cells += [_middle([each.reached for each in there], "g"), _middle([each.minutes for each in there], ".1f")]
            cells += [_pretraining(own), _mean([each.paid for each in there]), _ends([each.most for each in own], ".3f")]
            rows.append([*cells, *_changes(own)])
    for method in (MLE, CORRECTED):
        if colder := _of(found.colder, method):
            as_low = [each for each in colder if each.temperature is not None]
            cells = [EVERY[method].title, f"{len(as_low)} of {len(colder)}"]
            nothing = "0" * bool(as_low)
            cells += [_middle([each.temperature for each in as_low], ".3g"), nothing, nothing, _pretraining(colder)]
            cells += [_mean([each.paid for each in as_low]), _ends([each.most for each in colder], ".3f")]
            rows.append([*cells, *(_changes(colder) if method == CORRECTED else ["", ""])])
    return columns, rows


def seeds_table(found: Found) -> tuple[list[str], list[list[str]]]:
    """Columns and rows, a row a method and seed."""
    columns = ["method", "seed", "temperature", "rounds", "minutes", "paid there ↓", "most", "Δ nll_oracle ↓", "Δ nll_test ↓"]
    rows = []
    for (method, seed), own in found.rounds.items():
        reached = f"{own.reached} of {own.rounds}" if own.reached is not None else f"not in {own.rounds}"
        cells = [EVERY[method].title, str(seed), "1", reached, _number(own.minutes, ".1f"), _number(own.paid, "+.3f")]
        cells += [f"{own.most:.3f}, round {own.at}" if own.most is not None else "not known"]
        rows.append([*cells, *(f"{change:+.3f}" for change in own.changed.values())])
    for (method, seed), colder in found.colder.items():
        at = f"{colder.temperature:.3g}" if colder.temperature is not None else f"not down to {colder.points[-1][0]:g}"
        nothing = "0" * (colder.temperature is not None)
        cells = [EVERY[method].title, str(seed), at, nothing, nothing, _number(colder.paid, "+.3f"), f"{colder.most:.3f}"]
        rows.append([*cells, *(f"{change:+.3f}" if method == CORRECTED else "" for change in colder.changed.values())])
    return columns, sorted(rows, key=lambda row: [EVERY[name].title for name in (*METHODS, MLE, CORRECTED)].index(row[0]))


def caption(plan: Plan, found: Found) -> str:
    """What the columns are."""
    coverage = " or ".join(dict.fromkeys(each.coverage for each in found.rounds.values())) or "nll_validation"
    curve = plan.config.values["evaluation.samples"]
    told = (
        f"{len(plan.seeds)} seed{'s' * (len(plan.seeds) != 1)}; nats per token. reached in: seeds in which nll_oracle came "
        f"{plan.nats:g} nats below MLE's. rounds: the first one that is as low, by history.csv, whose scores are of {curve} "
        "samples a round: a first crossing of so noisy a curve is optimistic. Of rounds, minutes and temperatures the median "
        "over the seeds that came to it, with the range. minutes: of the rounds up to that, each with its scores and without "
        "its checkpoint, on the machine as busy as it was; pre-training: G's and D's, the median over seeds. paid there: by "
        f"how much {coverage} was higher at that round than at round 0, or nll_test at that temperature than MLE's at 1; "
        "temperatures are between neighbours on a straight line. most: the largest fall of nll_oracle, by the same scores. "
        f"Δ: of the last round, or of the corrected generator at temperature 1, less MLE, on {plan.samples} fresh samples"
        f"{', with 95 % intervals over seeds' if len(plan.seeds) > 1 else '; one seed: its spread is unknown'}."
    )
    if found.unfinished:
        told += f" NOT FINAL: {', '.join(f'{label} is at {share:.0%}' for label, share in found.unfinished.items())}."
    return told


def findings(plan: Plan, found: Found) -> list[str]:
    """What the table shows, a sentence a method; of unfinished training only that it is."""
    if found.unfinished:
        return [f"Not final: {len(found.unfinished)} of the runs behind this are unfinished, so nothing is concluded."]
    told = [_of_rounds(plan, method, own) for method in METHODS if (own := _of(found.rounds, method))]
    return told + [_of_colder(plan, method, colder) for method in (MLE, CORRECTED) if (colder := _of(found.colder, method))]


def _of_rounds(plan: Plan, method: str, own: Sequence[Rounds]) -> str:
    there = [each for each in own if each.reached is not None]
    others = [each for each in own if each.reached is None]
    told = f"{OPENINGS.get(method, EVERY[method].title)} came {plan.nats:g} nats below MLE in {_share(there, own)}"
    if there:
        reached = [each.reached for each in there]
        minutes = [each.minutes for each in there]
        told += f", after {_listed(reached, 'g')} round{'s' * (reached != [1])}"
        if None not in minutes:
            told += f" ({_listed(minutes, '.1f')} minutes)"
        if None not in [each.paid for each in there]:
            told += f", at {signed(over_seeds(_known([each.paid for each in there])))} in {there[0].coverage}"
    if falls := _known([each.most for each in others]):
        rounds = _listed([each.rounds for each in others], "g")
        told += f"{'; in the others' if there else ':'} {_listed(falls, '.3f')} nats at most within {rounds} rounds"
    return f"{told}."


def _of_colder(plan: Plan, method: str, own: Sequence[Colder]) -> str:
    there = [each for each in own if each.temperature is not None]
    opening = OPENINGS.get(method, EVERY[method].title)
    if method == CORRECTED:
        oracle, test = (over_seeds([each.changed[score] for each in own]) for score in ("nll_oracle", "nll_test"))
        opening += f" changes by {signed(oracle)} in nll_oracle and {signed(test)} in nll_test at temperature 1, and"
    lower, others = f"{plan.nats:g} nats lower", [each for each in own if each.temperature is None]
    most = f"{_listed([each.most for each in others], '.3f')} nats at most" if others else ""
    if not there:
        return f"{opening} is {lower} at no temperature down to {own[0].points[-1][0]:g}: {most}."
    where = _listed([each.temperature for each in there], ".2f")
    paid = signed(over_seeds(_known([each.paid for each in there])))
    seeds = f" in {_share(there, own)}" if others else ""
    told = f"{opening} is {lower}{seeds} at temperature {where}, without a round, at {paid} in nll_test"
    return f"{told}{'; in the others ' * bool(others)}{most}."


def _of(found: Mapping[tuple[str, int], T], method: str) -> list[T]:
    return [each for (name, _), each in found.items() if name == method]


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _share(some: Sequence[object], every: Sequence[object]) -> str:
    return f"{len(some)} of {len(every)} seed{'s' * (len(every) != 1)}"


def _number(value: float | None, form: str) -> str:
    return "" if value is None else f"{value:{form}}"


def _ends(values: Sequence[float | None], form: str) -> str:
    """The least and the largest: `0.164–0.297`."""
    ends = dict.fromkeys(f"{end(known):{form}}" for end in (min, max)) if (known := _known(values)) else {}
    return "–".join(ends)


def _middle(values: Sequence[float | None], form: str) -> str:
    """The median and the range: `23 (12–47)`."""
    ends = _ends(values, form)
    return f"{statistics.median(_known(values)):{form}} ({ends})" if "–" in ends else ends


def _listed(values: Sequence[float | None], form: str) -> str:
    """`12`, `12 and 47`, `12 to 47`."""
    known = sorted(_known(values))
    ends = list(dict.fromkeys(f"{value:{form}}" for value in (known[0], known[-1])))
    return (" and " if len(known) == 2 else " to ").join(ends)


def _mean(values: Sequence[float | None]) -> str:
    return signed(over_seeds(known)) if (known := _known(values)) else ""


def _changes(own: Sequence[Rounds] | Sequence[Colder]) -> list[str]:
    return [_mean([each.changed[score] for each in own]) for score in ("nll_oracle", "nll_test")]


def _pretraining(own: Sequence[Rounds] | Sequence[Colder]) -> str:
    """`G 2.1, D 0.5`."""
    minutes = {part: _known([each.pretraining.get(stage) for each in own]) for stage, part in PARTS.items()}
    return ", ".join(f"{part} {statistics.median(known):.1f}" for part, known in minutes.items() if known)


def markdown(plan: Plan, found: Found) -> str:
    """The tables, what their columns are, and the findings."""
    lines = [f"# headline: what it takes to be {plan.nats:g} nats below MLE in nll_oracle", ""]
    tables: list[Callable[[Found], tuple[list[str], list[list[str]]]]] = [table, seeds_table]
    for make in tables:
        columns, rows = make(found)
        lines += markdown_table(columns, rows)
        lines += [""]
    lines += [caption(plan, found), "", *(f"- {sentence}" for sentence in findings(plan, found))]
    return "\n".join(lines) + "\n"


def write(plan: Plan, found: Found, console: Console) -> None:
    """The table and the findings to stdout, all files to the experiment's folder. Raises OSError."""
    for label, share in found.unfinished.items():
        console.warn(f"{label} is at {share:.0%}: its scores are not final.")
    folder = plan.directory / FOLDER
    record = {"preset": plan.preset, "samples": plan.samples, "nats": plan.nats}
    record |= {"settings": without_folders(plan.config.values), **found.record()}
    files.write(folder / "table.md", markdown(plan, found).encode())
    files.write(folder / "results.json", (json.dumps(files.plain(record), indent=1) + "\n").encode())
    columns, rows = table(found)
    console.table(f"{plan.nats:g} nats below MLE in nll_oracle", columns, rows, caption=caption(plan, found) + "\n")
    for sentence in findings(plan, found):
        console.result(sentence)
    console.result(f"\nTables: {folder / 'table.md'}, results.json")
