"""A run that goes on with other data: they are read in its own terms, and it remembers those before."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from seqgan_cli.config.paths import names_in
from seqgan_cli.config.resolution import Config
from seqgan_cli.config.settings import SCHEMA, TARGETS, Settings
from seqgan_cli.console import Console
from seqgan_cli.data.inputs.options import WINDOW
from seqgan_cli.data.sources.inference import places_without
from seqgan_cli.data.tfrecord.shards import is_prepared
from seqgan_cli.errors import SeqganError, UsageError, advised, restarting
from seqgan_cli.runs.origins import changed, origins_of
from seqgan_cli.runs.run import Run

if TYPE_CHECKING:
    from seqgan_cli.data.corpus import Corpus
    from seqgan_cli.data.documents import Documents
    from seqgan_cli.data.kinds.base import Report
    from seqgan_cli.data.vocabulary import Vocabulary

STAGE = "pretrain-g"
# What may be otherwise with other data: where they are, and what is taken of them. What makes tokens of them may not.
FREE = frozenset(
    f"data.{name}"
    for name in ("source", "test", "column", "unit", "pad-id", "markers", "holdout", "validation", "overlong", "strict")
)
EXAMPLES = 3


def free(config: Config) -> frozenset[str]:
    """The settings that may be otherwise: those, and where the kind of data finds its own."""
    return frozenset(FREE | config.settings.kind.places)


def asks_for_other_data(
    run: Run, recorded: Config | None, asked: dict[str, Any], sources: dict[str, str], restarted: str | None
) -> bool:
    """Whether `--continue` is to read data, rather than to go on with those that it has read before.

    `asked` and `sources` are completed with what the run has, since nothing is inferred from the new data. Raises UsageError
    and SeqganError for what cannot go on with other data.
    """
    if recorded is None:
        raise SeqganError(f"There is no run in {run.path} to go on with: leave --continue out to begin one.")
    if restarted:
        raise UsageError("--continue goes on with the run, and --overwrite begins it anew: leave one of them out.")
    if "data.source" not in asked:
        raise UsageError("--continue is of other data: name them with --data. The same data go on without it.")
    if recorded.settings.data.synthetic:
        raise UsageError(f"{run.path} is of synthetic data, which its oracle draws: --continue is of data that are read.")
    if is_prepared(asked["data.source"]):
        raise UsageError(f"--data {asked['data.source']} is prepared, with its own vocabulary: name what it was made from.")
    given = set(asked)
    for name, value in recorded.values.items():
        if name.startswith("data.") and name not in given:
            asked[name], sources[name] = value, recorded.sources[name]
    if asked["data.source"] != recorded.values["data.source"]:
        for name in set(places_without(recorded.settings.kind, asked["data.source"])) - given:
            asked[name] = SCHEMA[name].default
    if WINDOW in (units := {asked["data.unit"], recorded.values["data.unit"]}) and len(units) > 1:
        raise UsageError(
            f"data.unit is {recorded.values['data.unit']} in {run.path} and cannot become {asked['data.unit']}: windows do not "
            "end, and other sequences do."
        )
    if not run.has(STAGE):
        raise SeqganError(f"{run.path} has no epoch that could go on: leave --continue out, and use another --run.")
    of_data = free(recorded)
    new = any(asked.get(name) != recorded.values.get(name) for name in of_data)
    return new or any(name in of_data for name, _ in changed(run.record().get("origins", {}), recorded.values))


def refuse_nothing_to_do(run: Run, config: Config) -> None:
    """Raises UsageError where the run has as many epochs as it is to have."""
    done, target = run.position(STAGE), config.values[TARGETS[STAGE]]
    if done >= target:
        raise UsageError(
            f"{run.path} has {done} epochs, of {target}: say how many it is to have after those on the new data, with "
            f"{going_on(run, config.values['data.source'])}."
        )


def corpus_of_other_data(run: Run, settings: Settings, report: "Report") -> "Corpus":
    """The data that the settings name, in the run's vocabulary and sequences of its length; the summary says what that costs.

    `report`: see `Kind.read`.

    Raises SeqganError for what cannot be trained on, UsageError for sequences of another form.
    """
    from seqgan_cli.data.corpus import corpus_of

    own = run.corpus()
    settings, vocabulary = settings.with_tokenizer(own.tokenizer), own.vocabulary
    length = own.sequence_length - vocabulary.has_eos
    settings, kind = settings.changed({"data.max-length": length}), settings.kind
    documents = kind.read(settings.data.source, settings, report)
    test = kind.read(settings.data.test, settings, report) if settings.data.test else None
    layout = kind.layout(documents, settings)
    if (layout.max_length, layout.ended) != (length, vocabulary.has_eos):
        raise UsageError(f"{settings.data.source} gives sequences of another form than {run.path} has: use another --run.")
    layout = dataclasses.replace(layout, vocabulary=vocabulary)
    corpus = corpus_of(documents, test, layout, settings.data, settings.seed)
    most = " at most" * vocabulary.has_eos
    kept = f"{run.path} keeps its vocabulary of {vocabulary.size} ids, and sequences of {length} tokens{most}."
    told = [kept, *_unknown(documents, vocabulary, settings.tokenizer.shown), *_known_by_heart(run, corpus)]
    return dataclasses.replace(corpus, summary=(*corpus.summary, *told), tokenizer=own.tokenizer, starts=own.starts)


def _known_by_heart(run: Run, corpus: "Corpus") -> list[str]:
    """A sentence of the held-out sequences that the run has learned from before, if there are any."""
    import numpy as np

    from seqgan_cli.data.corpus import FOLDER, load_corpus
    from seqgan_cli.evaluation.metrics.diversity import stand_in

    heldout = np.concatenate([part.tokens for part in corpus.held_out.values()])
    known = np.zeros(len(heldout), bool)
    size = None if corpus.vocabulary.has_special_tokens else corpus.vocabulary.size
    for number in range(1, len(run.earlier_data) + 2):
        before = load_corpus(run.path, size, corpus.seed, folder=f"{FOLDER}/{number}" if number > 1 else FOLDER)
        known |= stand_in(heldout, before.train)
    if not known.any():
        return []
    return [
        f"{known.mean():.0%} of the new held-out sequences stand in data that it learned from before: of these, scores say "
        "only what was learned by heart."
    ]


def _unknown(documents: "Documents", vocabulary: "Vocabulary", shown: Callable[[str], str]) -> list[str]:
    """A sentence of the tokens that the run does not know, if there are any. Raises SeqganError for such a label.

    `shown`: what people read of a token.
    """
    import numpy as np

    from seqgan_cli.data.documents import counts_of
    from seqgan_cli.data.vocabulary import UNK, is_mark

    if not vocabulary.has_special_tokens:
        return []
    counts = counts_of(documents.ids, len(documents.tokens))
    vocabulary.refuse_unknown_labels(documents.tokens, documents.source)
    counts[np.array([*map(is_mark, documents.tokens)], bool)] = 0
    unknown = np.flatnonzero((np.array(vocabulary.encode(documents.tokens)) == UNK) & (counts > 0))
    if not len(unknown):
        return ["It knows all tokens of the new data."]
    often = unknown[np.argsort(-counts[unknown], kind="stable")[:EXAMPLES]]
    named = ", ".join(shown(documents.tokens[i]) for i in often)
    return [
        f"Of the new data's {counts.sum()} tokens {counts[unknown].sum()} are unknown to it and read as <unk>, "
        f"{len(unknown)} of {np.count_nonzero(counts)} types, the most frequent {named}."
    ]


def origins_now(run: Run, config: Config) -> dict[str, Any]:
    """What the record is to tell of files: of those of the new data anew, and of others, as a tokenizer's, what it told."""
    of_data, before = free(config), run.record().get("origins", {})
    now = {name: origin for name, origin in origins_of(config.values).items() if name in of_data}
    return {**{name: origin for name, origin in before.items() if name not in of_data}, **now}


def store(run: Run, recorded: Config, config: Config, corpus: "Corpus") -> list[dict[str, Any]]:
    """Put the new data beside the old, which stay as they are until the record names the new. Returns what the record is to
    remember of those before. Raises OSError."""
    before, values = run.earlier_data, recorded.values
    now = {
        "settings": {name: values[name] for name in sorted(free(recorded)) if values[name] != config.values[name]},
        "origins": run.record().get("origins", {}),
        "until": run.position(STAGE),
        "fingerprint": run.checkpoints(STAGE).fingerprint,
    }
    now["settings"]["data.source"] = values["data.source"]
    corpus.save(run.path, f"corpus/{len(before) + 2}")
    return [*before, now]


def tell_which_data(run: Run, values: Mapping[str, Any], console: Console) -> None:
    """Which data a run's scores are of, where one could take them for others: files that have changed since, or a run that went
    on with other data."""
    for name, path in changed(run.record().get("origins", {}), values):
        if SCHEMA[name].fixed_by != "corpus":  # as of word vectors
            continue
        console.say(f"{path} has changed since {run.path} read it: what is said of the data is of what they were.")
    if not (before := run.earlier_data):
        return
    console.say(
        f"Validation and test part are of {values['data.source']}, on which {run.path} goes on since epoch "
        f"{before[-1]['until']}; before that it learned from {before[-1]['settings']['data.source']}."
    )


def refuse_earlier_data(run: Run, stage: str) -> None:
    """Raises SeqganError for a later stage that was trained on data that the run has gone on from since."""
    checkpoints = run.checkpoints(stage)
    found = checkpoints.latest(lambda words: None) if run.has(stage) else None
    if found is not None and checkpoints.is_of_earlier_data(found):
        raise SeqganError(
            f"{stage} of {run.path} was trained on the data before those that it has now: {restarting(stage, run.path)} trains "
            "it on these."
        )


def going_on(run: Run, source: str) -> str:
    """The command that goes on with other data, for half as many epochs again."""
    done = run.position(STAGE)
    epochs = done + max(1, done // 2)
    more = [word for name in names_in(source) for word in ("--data", name)]
    return advised(STAGE, run.path, *more, "--continue", "--epochs", str(epochs))
