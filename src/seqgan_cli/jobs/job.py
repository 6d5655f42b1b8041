"""What every training command does around its stages: settle settings, lock the run, make or load the corpus, record."""

import contextlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqgan_cli.config import resolution as configuration
from seqgan_cli.config.checks import check
from seqgan_cli.config.resolution import PLACES, Config
from seqgan_cli.config.settings import SCHEMA, Settings
from seqgan_cli.console import Console
from seqgan_cli.data.sources.inference import infer_settings, keep_settled
from seqgan_cli.data.split import CHOOSES_AND_REPORTS
from seqgan_cli.data.starts import save_starts
from seqgan_cli.data.tfrecord.shards import is_prepared
from seqgan_cli.errors import SeqganError, UsageError, advised
from seqgan_cli.jobs.corpora import check_fit, new_corpus, showing_reading, store_corpus
from seqgan_cli.jobs.options import chosen_settings, console_of
from seqgan_cli.jobs.processes import join, naming_the_lost, place_of, received, refuse_too_few_rows, share
from seqgan_cli.jobs.restarts import check_locked, tell_of_changed_files, tell_of_changed_scorers
from seqgan_cli.runs import continued
from seqgan_cli.runs.checkpoints import Checkpoint
from seqgan_cli.runs.generators import generator_checkpoint, read_generator
from seqgan_cli.runs.origins import origins_of
from seqgan_cli.runs.run import Run
from seqgan_cli.runs.vectors import with_vectors
from seqgan_cli.training.distribution.placement import Placement

if TYPE_CHECKING:
    from seqgan_cli.data.corpus import Corpus
    from seqgan_cli.models.generator import Generator


@dataclass
class Job:
    """One training command at work in a locked run."""

    run: Run
    settings: Settings
    corpus: "Corpus"
    oracle: "Generator | None"
    console: Console
    tensorboard: bool
    scored: Collection[int] | None = None  # the epochs of pretrain-g to score, where those of another run are repeated

    def start(self) -> "Checkpoint":
        """The pre-trained generator's checkpoint that the later stages start from. Raises SeqganError if there is none."""
        which = "best" if self.settings.adversarial.start == "best" else "pretrain-g"
        return generator_checkpoint(self.run, which, self.console.warn)

    def start_generator(self) -> "Generator":
        """That generator. Raises SeqganError if there is none."""
        return read_generator(self.run, self.start(), self.corpus)

    def train(self, stage: str) -> None:
        """Bring one stage to its target."""
        from seqgan_cli.jobs import stages

        stages.train(self, stage)


@contextlib.contextmanager
def job(context: click.Context, stages: Sequence[str], extra: dict[str, Any] | None = None) -> Iterator[Job]:
    """A locked run ready to train, made if this command may begin one (`pretrain-g`, `train`).

    Args:
        context: of the command, whose parameters include the common options.
        stages: those the command runs; --overwrite restarts the first.
        extra: settings that come from arguments rather than options.

    Raises UsageError and SeqganError before anything on disk changes.
    """
    place = place_of(context)
    begin = _chiefs_job if place.is_chief else _workers_job
    with naming_the_lost(place), begin(context, stages, _asked(context, extra or {}), place) as work:
        yield work


def _asked(context: click.Context, extra: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The settings that the command line and --config give, and where each comes from."""
    parameters = context.params
    if parameters["sets"] or parameters["config_file"]:
        with contextlib.suppress(SeqganError):  # which comes later
            Run(parameters["run_path"]).config()  # the names of its rewards' uses are settings now
    options = {**chosen_settings(context), **extra}
    if parameters["seed"] is not None:
        options["seed"] = parameters["seed"]
    return configuration.explicit(options, parameters["sets"], parameters["config_file"])


@contextlib.contextmanager
def _workers_job(
    context: click.Context, stages: Sequence[str], asked: tuple[dict[str, Any], dict[str, str]], place: Placement
) -> Iterator[Job]:
    """What a process does that is not the chief: the same, on the chief's data, and what it writes is thrown away."""
    strategy = join(context, place, asked[0], console_of(context))
    with received(place, strategy) as run:
        corpus, oracle = run.corpus(), run.oracle()  # outside the scope, as the chief's: variables made in it are made by all
        with strategy.scope():
            yield Job(run, run.config().settings, corpus, oracle, Console(silent=True), False)


@contextlib.contextmanager
def _chiefs_job(
    context: click.Context, stages: Sequence[str], given: tuple[dict[str, Any], dict[str, str]], place: Placement
) -> Iterator[Job]:
    parameters, stage = context.params, stages[0]
    console = console_of(context)
    run = Run(parameters["run_path"])
    (asked, asked_sources), as_given = given, dict(given[0])
    restarted = stage if parameters["overwrite"] else None
    if not run.exists:
        run.check_place()
    recorded = run.config() if run.exists else None
    goes_on = bool(parameters.get("goes_on"))
    other_data = goes_on and continued.asks_for_other_data(run, recorded, asked, asked_sources, restarted)
    if recorded and restarted == "pretrain-g" and is_prepared(recorded.values["data.source"]):
        asked.setdefault("data.source", recorded.values["data.source"])  # which may have been prepared otherwise since
        asked_sources.setdefault("data.source", recorded.sources["data.source"])
    restarted_oracle = bool(recorded and restarted == "pretrain-g" and recorded.values["data.oracle"])
    if recorded and restarted_oracle:  # which may have become another
        asked.setdefault("data.oracle", recorded.values["data.oracle"])
        asked_sources.setdefault("data.oracle", recorded.sources["data.oracle"])
    source = asked.get("data.source", SCHEMA["data.source"].default)
    again = recorded is None or any(asked.get(name, recorded.values[name]) != recorded.values[name] for name in PLACES)
    if not goes_on and (again or restarted_oracle or is_prepared(source)):
        infer_settings(asked, asked_sources)
    elif recorded is not None and recorded.settings.data.synthetic:
        keep_settled(asked, asked_sources, recorded.values, recorded.sources)
    preset = (run.record().get("preset") if recorded else parameters["preset"]) or "paper"
    if recorded is not None:
        moved = is_prepared(source) and run.streams_from(Path(source))
        free = continued.free(recorded) if other_data else {"data.source"} if moved else ()
        changing = {name: value for name, value in asked.items() if name not in free}
        check_locked(changing, asked_sources, recorded, run, restarted)
        if parameters["preset"] and parameters["preset"] != run.record().get("preset"):
            console.say(f"{run.path} was begun with --preset {run.record().get('preset')}: its settings stand.")
    if stage != "pretrain-g" and not run.has("pretrain-g"):
        raise SeqganError(f"{run.path} holds no pre-trained generator: run {advised('pretrain-g', run.path)} first.")
    config = configuration.resolve(asked, asked_sources, recorded, preset)
    check(config)
    if other_data:
        continued.refuse_nothing_to_do(run, config)
    strategy = join(context, place, as_given, console)
    changed = (
        recorded is None
        or restarted == "pretrain-g"
        or any(config.values[name] != recorded.values.get(name) for name in SCHEMA if SCHEMA[name].fixed_by == "corpus")
    )
    origins = origins_of(config.values) if changed else None  # before it is read: what changes meanwhile has changed since
    if other_data:
        changed, origins = True, continued.origins_now(run, config)
        with showing_reading(console, config.settings.kind.counts) as report:
            corpus, oracle = continued.corpus_of_other_data(run, config.settings, report), None
    else:
        corpus, oracle = new_corpus(config.settings, stages, console) if changed else (run.corpus(), run.oracle())
    if oracle is not None and config.values["data.vocab-size"] != oracle.vocabulary.size:
        if "data.vocab-size" in asked:
            raise UsageError(
                f"data.vocab-size is {asked['data.vocab-size']}, and the oracle's file holds {oracle.vocabulary.size} tokens: "
                "leave it out."
            )
        config = Config(
            {**config.values, "data.vocab-size": oracle.vocabulary.size}, {**config.sources, "data.vocab-size": "oracle"}
        )
    config, corpus, vectors_read = with_vectors(config, recorded, run, restarted, corpus, changed and not other_data, console)
    if vectors_read:
        check(config)
        origins = {**(run.record().get("origins", {}) if origins is None and recorded else origins or {})}
        origins |= origins_of(config.values, vectors_read)
    settings = config.settings.with_tokenizer(corpus.tokenizer)
    check_fit(settings, stages, corpus, oracle)
    refuse_too_few_rows(settings, stages, len(corpus.sequences), strategy)
    with run.lock():
        if recorded is None and run.exists:
            raise SeqganError(f"Another command has just begun {run.path}: run this one again.")
        if recorded and not restarted:
            tell_of_changed_scorers(run, config, console)
        if restarted:
            run.drop_from(restarted)
        earlier_data = None
        if other_data and recorded:
            earlier_data = continued.store(run, recorded, config, corpus)
        elif changed:
            earlier_data = []
            store_corpus(run, settings, corpus, oracle)
        else:
            save_starts(run.path, corpus.starts)
        run.write_config(config, preset, origins, earlier_data)
        run = Run(run.path)
        seed = config.values["seed"]
        console.say(f"Run {run.path}, seed {seed}.")
        if not changed:
            tell_of_changed_files(run, config, console)
        for line in corpus.summary:
            console.say(line)
        if corpus.choosing == "test" and CHOOSES_AND_REPORTS not in corpus.summary:
            console.say(CHOOSES_AND_REPORTS)
        for name in sorted(asked):
            console.note(f"{name} = {config.values[name]} ({config.sources[name]})")
        share(run, place, strategy)
        with strategy.scope():
            yield Job(run, settings, corpus, oracle, console, parameters["tensorboard"])
