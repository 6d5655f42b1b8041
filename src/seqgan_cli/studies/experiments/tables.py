"""Results as tables for reading, and the captions that say what is in them."""

import math
from collections.abc import Mapping, Sequence

from seqgan_cli.evaluation.generators import Likelihoods
from seqgan_cli.evaluation.metrics.likelihood import Estimate
from seqgan_cli.evaluation.real import SCORES
from seqgan_cli.evaluation.statistics import over_seeds, paired, shown_p, signed, verdict
from seqgan_cli.sampling.choices import PLAIN
from seqgan_cli.studies.experiments.findings import matched
from seqgan_cli.studies.experiments.methods import MATCHED, METHODS
from seqgan_cli.studies.experiments.results import Results, Row

PAST_ITS_END = "past its end"


def scores_table(results: Results) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of the scores, for reading."""
    swept = len({row.at for row in results.rows}) > 1
    uneven = len({frozenset(row.seeds) for row in results.rows}) > 1
    own = [*([results.design.sweep] if swept else []), *(["seeds"] if uneven else [])]
    design = results.design
    outside = [""] * any(not math.isnan(row.outside) for row in results.rows)
    self_bleu = SCORES["self_bleu_3"].heading
    variety = [self_bleu] * (design.coverage == "self_bleu_3")
    beside = ["token types", *variety] if design.synthetic else [self_bleu, "copied run"]
    columns = ["method", "trained for", *own, *(SCORES[name].heading for name in (*design.compared, *design.extra_scores))]
    known = ["d_knows ↑"] * any(row.knows for row in results.rows)
    columns += [*(["outside"] if outside else []), "distinct", *beside, *known]
    rows = []
    for row in results.rows:
        cells = [row.title, _trained(row)]
        cells += [f"{row.at:g}"] if swept else []
        cells += [", ".join(map(str, sorted(row.seeds)))] if uneven else []
        cells += [str(row.over_seeds(name)) for name in design.compared]
        cells += [_mean(row.over_seeds(name)) for name in design.extra_scores]
        cells += ["" if math.isnan(row.outside) else f"{row.outside:.1%}"] if outside else []
        cells += [f"{row.over_seeds('distinct_share').mean:.1%}"]
        if design.synthetic:
            cells += [f"{row.over_seeds('token_types').mean:.0f}"]
            cells += [f"{row.over_seeds('self_bleu_3').mean:.3f}"] if variety else []
        else:
            cells += [f"{row.over_seeds('self_bleu_3').mean:.3f}", f"{row.over_seeds('copied_run').mean:.2f}"]
        rows.append([*cells, *([str(row.knows) if row.knows else ""] if known else [])])

    def over(figure: str) -> Estimate:
        return over_seeds([found.get(figure, math.nan) for found in results.data.values()])

    def mark(name: str, *cells: str) -> None:
        rows.append([name, "", *([""] * len(own)), *cells, *([""] * (len(columns) - 2 - len(own) - len(cells)))])

    if design.synthetic:
        mark("the oracle's own sequences", str(over("nll_oracle")))
        mark("uniform tokens", str(over("nll_oracle_uniform")))
    else:
        quality = [str(over(name)) for name in design.quality]
        further = [_mean(over(name)) for name in design.extra_scores]
        shares = f"{over('distinct_share').mean:.1%}", f"{over('self_bleu_3').mean:.3f}"
        mark("the training data", *quality, "", *further, *outside, *shares)
        mark("the held-out data", *("" for _ in (*quality, *further)), "", *outside, "", "", f"{over('copied_run').mean:.2f}")
    return columns, rows


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Its lines."""
    return ["| " + " | ".join(cells) + " |" for cells in [columns, ["---"] * len(columns), *rows]]


def _mean(estimate: Estimate) -> str:
    """The mean alone; nothing where scores that were kept earlier lack it."""
    return "" if math.isnan(estimate.mean) else f"{estimate.mean:.3f}"


def _trained(row: Row) -> str:
    """How far the stage has come that the row's generators are from: `60 rounds`, `11–14 epochs` where seeds differ."""
    positions = [scored.position for scored in row.seeds.values()]
    unit = {"pretrain-g": "epoch", "adversarial": "round"}[next(iter(row.seeds.values())).stage]
    least, most = min(positions), max(positions)
    return f"{least}{f'–{most}' if most > least else ''} {unit}{'s' * (most != 1)}"


def generators_table(
    named_scores: Sequence[tuple[str, Likelihoods]], data: Mapping[str, float]
) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of single generators: their scores by name, then what the data and, if synthetic, uniform tokens score.

    The name's column has no heading among the columns.
    """
    synthetic = "nll_oracle" in data
    real = [name for name in SCORES if name in named_scores[0][1].real and name in data and name != "copied_run"]
    quality = ["nll_oracle"] if synthetic else real
    truncated = any(s.outside for _, s in named_scores)
    columns = ["nll_test ↓", *["outside"] * truncated, "nll_train", "distinct", "token types", "copied"]
    rows: list[list[str]] = []

    def add(name: str, scores: Sequence[object], *others: object) -> None:
        rows.append([name, *map(str, [*scores, *others])])

    for name, s in named_scores:
        shares = f"{s.distinct_share:.1%}", s.token_types, f"{s.copied_share:.1%}"
        outside = [f"{s.outside['nll_test'].share:.1%}" if s.outside else ""] * truncated
        found = [s.nll_oracle] if synthetic else [s.real[score] for score in quality]
        add(name, found, s.nll_test, *outside, s.nll_train, *shares)
    types, distinct = f"{data['token_types']:.0f}", f"{data['distinct_share']:.1%}"
    own, no_likelihood = [f"{data[score]:.3f}" for score in quality], [""] * (2 + truncated)
    add("the data", own, *no_likelihood, distinct, types, f"{data['copied_share']:.1%}")
    if synthetic:
        add("uniform tokens", [f"{data['nll_oracle_uniform']:.3f}"], *[""] * len(columns))
    return [*(SCORES[name].heading for name in quality), *columns], rows


def generators_caption(synthetic: bool) -> str:
    """What those scores are."""
    if synthetic:
        return (
            "nll_oracle is quality: how likely the truth finds the samples. nll_test is coverage: how likely the generator "
            "finds held-out data.\nLower is better in both; a generator that says less trades the second for the first."
        )
    return (
        "nll_test is coverage, lower is better: how likely the generator finds held-out data. BLEU is quality: what samples "
        "have in common with all of it.\nThe data's BLEU is of as many training sequences. A generator that says less, or "
        "copies, has a fine BLEU."
    )


def tests_table(results: Results) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of the comparisons at 1 of what is swept, for reading; no rows where there is nothing to compare."""
    quality = results.design.quality
    several = len(quality) > 1
    name = "score" if several else quality[0]
    columns = ["method", "minus", *(["score"] if several else []), f"Δ {name}"]
    columns += ["Δ nll_test", "p, sequences", "p, seeds", "d_z", f"{name} is"]
    rows = []
    for row in results.rows:
        if row.comparison is None or row.at != 1.0:
            continue
        for score in quality:
            own, test = row.comparison.paired[score], row.comparison.paired["nll_test"]
            cells = [row.title, METHODS[row.comparison.against].title, *([score] if several else [])]
            cells += [signed(own.difference), signed(test.difference), shown_p(row.comparison.largest_p(score)), shown_p(own.p)]
            cells += ["" if math.isnan(own.effect_size) else f"{own.effect_size:+.1f}"]
            rows.append([*cells, verdict(own.difference, results.design.margin_for(score))])
    return columns, rows


def matched_table(results: Results) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of quality at matched coverage, for reading: each generator against curves over temperatures,
    or what is swept instead.

    Of each method at 1, and at the value where it stands best against the first curve; no rows without one.
    """
    bases = [name for name in MATCHED if len([row for row in results.rows if row.method == name]) > 1]
    quality = results.design.quality[0]
    coverage = results.design.coverage
    columns = ["method", results.design.sweep, SCORES[quality].heading, SCORES[coverage].heading]
    columns += [cell for base in bases for cell in (f"minus {METHODS[base].title}", "p")]
    rows = []
    for method in dict.fromkeys(row.method for row in results.rows if bases):
        own = [row for row in results.rows if row.method == method]
        for row in [own[0], *([best] if (best := _best_at(results, own, bases[0])) and best is not own[0] else [])]:
            cells = [row.title, f"{row.at:g}", str(row.over_seeds(quality)), str(row.over_seeds(coverage))]
            for base in bases:
                found = matched(results, row, base)
                test = paired(found.known, [0.0] * len(found.known))
                if found.whole and len(found.known) == len(row.seeds):
                    cells += [signed(test.difference), shown_p(test.p)]
                else:
                    cells += [PAST_ITS_END if found.past else "", ""]
            rows.append(cells)
    return columns, rows


def _best_at(results: Results, rows: Sequence[Row], base: str) -> Row | None:
    """Of a method's rows the one whose mean gap to a curve is best; None if the curve is its own."""
    if rows[0].method == base:
        return None
    means = {row.at: over_seeds(list(matched(results, row, base).by_seed.values())).mean for row in rows}
    known = [row for row in rows if not math.isnan(means[row.at])]
    sign = -1.0 if SCORES[results.design.quality[0]].higher else 1.0
    return min(known, key=lambda row: sign * means[row.at], default=None)


def matched_caption(results: Results) -> str:
    """What it is."""
    quality, coverage, sweep = results.design.quality[0], results.design.coverage, results.design.swept
    return (
        f"Minus: {quality} less the best that the other reaches at some {sweep.name} with {coverage} no worse, between "
        f"{sweep.several} along a straight line; within seeds, with 95 % intervals and a paired t-test. Empty where the other "
        f"covers as much at no {sweep.name}; {PAST_ITS_END!r} where its {sweep.last} {sweep.name} still covers more in some "
        "seed, so that what it would have at the same coverage is not known. A second line of a method is at the "
        f"{sweep.name} at which "
        "it stands best, which flatters it."
    )


def scores_caption(results: Results) -> str:
    """What the scores are."""
    seeds = len(results.data)
    spread = "± is half a 95 % interval over seeds (Student's t)." if seeds > 1 else "One seed: its spread is unknown."
    design = results.design
    each = "one oracle for all, a training set each" if design.one_oracle else "an oracle and a training set each"
    told = f"{seeds} seed{'s' * (seeds != 1)}, {each}; {design.samples} samples of each generator; nats per token. {spread}"
    if not design.synthetic:
        split = "all with the same held-out set, training on all" if design.one_oracle else "each with a split of its own"
        told = (
            f"{seeds} seed{'s' * (seeds != 1)}, {split} of {design.source}; {design.samples} samples of each generator. "
            "BLEU: method1, each sample against the whole held-out set; the training data's is of as many of its sequences. "
            f"nll_test in nats per token. copied run: tokens. {spread}"
            + " Seeds are splits of the same data: it says nothing of other data."
            * (seeds > 1 and not design.one_oracle)
        )
        if "nearest_window_mse" in design.quality:
            told += " nearest-window MSE: semitones², from each sample to the nearest held-out window."
    if design.fluency:
        told += (
            f" nll_fluency: how likely {design.fluency}, a language model of other text, finds samples, nats over those of "
            "their tokens that it knows; unknown to it: the share of the others."
        )
    if any(row.knows for row in results.rows):
        told += (
            " corrected: by what a discriminator knows of the generator (d_knows, nats a sequence, on the test part): what it "
            "is worth without a round."
        )
    if design.truncates:
        told += (
            " outside: of the held-out sequences the share that has a token outside the truncated distribution; nll_test is "
            "the mean of the others, so that it compares no generators."
        )
    if design.sampling != PLAIN:
        told += f" Samples: {design.sampling}."
    if design.unfinished:
        told += f" NOT FINAL: {', '.join(f'{label} is at {share:.0%}' for label, share in design.unfinished.items())}."
    return told


def tests_caption(results: Results) -> str:
    """What the tests are."""
    design = results.design
    name = "score" if len(design.quality) > 1 else design.quality[0]
    margins = f"{design.margin:g}{' nats' * design.synthetic}"
    if "nearest_window_mse" in design.quality:
        margins += f", for nearest_window_mse of {design.margin_for('nearest_window_mse'):g} semitones²"
    return (
        f"Δ: within seeds, with 95 % intervals. p, sequences: Welch's t-test between the {name} of the sequences of two "
        "runs, the largest over seeds; it says nothing of other seeds. p, seeds and d_z: paired t-test over seeds of Δ "
        f"{name} and its effect size, not adjusted for the number of rows. Last column: the interval of Δ {name} "
        f"against a margin of {margins}."
    )
