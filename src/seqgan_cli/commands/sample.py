"""`seqgan sample`."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqgan_cli import files
from seqgan_cli.console import Console, visible
from seqgan_cli.errors import SeqganError
from seqgan_cli.inference.chosen import BY_REWARD, OF, check_choices
from seqgan_cli.inference.corrected import correct_option, opened_correction
from seqgan_cli.inference.rewarded import refuse_batch_dependent, reward_options, reward_settings
from seqgan_cli.inference.scores import REWARD, D, FieldNames
from seqgan_cli.jobs.options import GroupedCommand, common_options, console_of, from_option, grouped_option
from seqgan_cli.jobs.sampling import sampling_of, sampling_options

if TYPE_CHECKING:
    import numpy as np

    from seqgan_cli.config.settings import Settings
    from seqgan_cli.inference.scores import Scores
    from seqgan_cli.jobs.trained import Trained

    Rows = Iterable[tuple[np.ndarray, int]]

AS_TEXT = ("text", "raw")  # formats that are read again by what cuts texts into tokens
ROWS = 8  # sequences in a picture, unless told
_samples, _prompts, _output = grouped_option("Samples"), grouped_option("Prompts"), grouped_option("Output")
_chosen = grouped_option("Chosen, not drawn")


@click.command("sample", cls=GroupedCommand)
@_samples(
    "-n",
    "--num",
    type=click.IntRange(1),
    metavar="N",
    help="how many [100; pianoroll 8], or how many of each prompt [10]",
)
@sampling_options("Samples")
@_prompts(
    "--prompt",
    multiple=True,
    metavar="TEXT",
    help="begin with this, in the tokens of the run; of music pitch ids or a .mid file; may be repeated",
)
@_prompts(
    "--prompts",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="begin with each line of a file (-: stdin)",
)
@_prompts(
    "--with-prompt/--no-prompt",
    default=None,
    help="write the prompt too, or what follows it alone [with; of pairs the target alone]",
)
@_prompts(
    "--prompt-tokens",
    type=click.IntRange(1),
    metavar="N",
    help="begin with so many tokens of each prompt at most, as of a long .mid file [all]",
)
@_prompts("--label", multiple=True, metavar="NAME", help="of data with labels: for this one; may be repeated")
@_samples(
    "--max-length",
    type=click.IntRange(1),
    metavar="N",
    help="end each sequence after so many tokens at most [as in training]",
)
@_samples("--unique", is_flag=True, help="none that was there before")
@_samples("--novel", is_flag=True, help="none that the training set has")
@correct_option("Samples", "of the draws those that make samples of what the discriminator corrects the generator to")
@_samples("--allow-unk", is_flag=True, help="let `<unk>` be sampled too")
@_chosen("--beam", type=click.IntRange(1), metavar="N", help="the likeliest that a beam search of width N finds, best first")
@_chosen(
    "--rerank",
    type=click.Choice([BY_REWARD, "discriminator"]),
    help="of so many draws write the best one, by the reward or by the discriminator",
)
@_chosen("--of", "draws", type=click.IntRange(1, 1 << 16), metavar="N", help=f"how many draws that is [{OF}]")
@reward_options("Reward of --rerank and --fields")
@_output(
    "--format",
    "form",
    type=click.Choice(["text", "raw", "ids", "jsonl", "midi", "pianoroll"]),
    default="text",
    help="raw: a line each, as files of data are; ids: numbers, of text those of the lines of vocabulary.txt from 0; "
    "midi, pianoroll (PNG): of music, with --output [text]",
)
@_output(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="write there instead of stdout; for midi a directory",
)
@_output(
    "--fields",
    type=FieldNames(),
    default="",
    metavar="NAME,…",
    help="more of each sample in --format jsonl: by_token (the nll of each token), nll_per_token, d (the discriminator's "
    "score), reward (and what it is a sum of)",
)
@from_option
@common_options(seed="seed of the samples [0]", training=False)
@click.pass_context
def command(
    context: click.Context,
    num: int | None,
    max_length: int | None,
    unique: bool,
    novel: bool,
    prompt: tuple[str, ...],
    prompts: Path | None,
    with_prompt: bool | None,
    prompt_tokens: int | None,
    label: tuple[str, ...],
    correct: bool,
    allow_unk: bool,
    beam: int | None,
    rerank: str | None,
    draws: int | None,
    form: str,
    output: Path | None,
    fields: tuple[str, ...],
    seed: int | None,
    **_: Any,
) -> None:
    """Write sequences from the generator to stdout, and nothing else there. Works while the run is training.

    Text is written as people read it: words joined, poems in lines with their marks. On a terminal control characters of the
    data are written out, but for --format raw.
    """
    sampling = replace(sampling_of(context), allow_unknown=allow_unk)
    console = console_of(context)
    check_choices(context)
    texts = _texts((*prompt, *label), prompts, console)
    if texts is None and (with_prompt is False or prompt_tokens):
        what = "--no-prompt leaves prompts out" if with_prompt is False else "--prompt-tokens is of prompts"
        raise click.UsageError(f"{what}: give --prompt or --prompts.", context)
    num = num or beam or (10 if texts is not None else ROWS if form == "pianoroll" else 100)
    if form in ("midi", "pianoroll"):
        _check_music(form, output, num * len(texts if texts is not None else [""]))
    elif output is not None and output.is_dir():
        raise click.BadParameter(f"{output} is a directory: name a file.", param_hint="'-o' / '--output'")
    from seqgan_cli.inference.chosen import BestOf, Searched
    from seqgan_cli.inference.scores import opened_scores
    from seqgan_cli.jobs.drawn import Fresh, drawn, prompts_of, shorten, told_unknown
    from seqgan_cli.jobs.trained import open_trained
    from seqgan_cli.jobs.written import ReadBack

    trained = open_trained(context, console, of_data=novel)
    console.note(f"From {trained.origin}; seed {seed or 0}, {sampling}.")
    settings = _reward_settings(context, trained)
    if max_length is not None:
        shorten(trained, max_length)
    begun, kind = None, trained.config.settings.kind
    if label and not kind.has_labels:
        raise SeqganError(f"--label {label[0]}: {trained.run.path} is of data without labels.")
    if kind.has_sources and prompt_tokens:
        raise SeqganError(f"--prompt-tokens: a prompt of {trained.run.path} is a source, whole. Leave it out.")
    if kind.has_sources and texts is None:
        console.say("No --prompt is given: the sources are drawn from the training data.")
    with_prompt = not kind.has_sources if with_prompt is None else with_prompt
    if texts is not None:
        begun, unknown = prompts_of(trained, texts, prompt_tokens)
        if unknown:
            console.warn(told_unknown(unknown))
    correction = opened_correction(trained, context.params["which"], sampling, console) if correct else None
    fresh = Fresh(trained, num, seed or 0, sampling, begun, unique, novel, correction) if unique or novel else None
    if kind.has_sources and (beam or rerank) and texts is None:
        what = "--beam searches after" if beam else "--rerank chooses among the targets of"
        raise click.UsageError(f"{what} one source, and {trained.run.path} has many: give --prompt.", context)
    found = Searched(trained, num, beam, sampling, begun) if beam else None
    best, back = None, ReadBack(trained)
    judged = D in fields or (rerank is not None and rerank != BY_REWARD)
    of = (draws or OF) if rerank else 1
    with opened_scores(trained, judged, settings, seed or 0, console) as scores:
        rows: Rows = fresh or found or drawn(trained, num * of, seed or 0, sampling, begun, correction)
        if beam:
            console.say(f"Beam search of width {beam}, {sampling}: the {num} likeliest found, and no sample of what is usual.")
        if rerank:
            each = "" if begun is None or len(begun) == 1 else f" of each of {len(begun)} prompts"
            by = settings.adversarial.reward if settings and rerank == BY_REWARD else "discriminator"
            console.say(f"{num * of} draws{each}: the best of each {of} by the {rerank if rerank == by else f'reward {by}'}.")
            best = BestOf(rows, of, (lambda table: scores.rewards(table)[0]) if rerank == BY_REWARD else scores.d)
        _write(context, trained, back.of(best or rows), with_prompt, scores, console)
    if form in AS_TEXT and (told := back.told()):
        console.say(told)
    if fresh:
        fresh.check()
    if found and found.short:
        console.warn(found.short)
    if best and best.told:
        console.warn(best.told)


def _reward_settings(context: click.Context, trained: "Trained") -> "Settings | None":
    """Those of the reward that is asked for. Raises UsageError for one that gives no sequence a value by itself."""
    if context.params["rerank"] != BY_REWARD and REWARD not in context.params["fields"]:
        return None
    settings = reward_settings(context, trained)
    refuse_batch_dependent(settings)
    return settings


def _write(
    context: click.Context, trained: "Trained", rows: "Rows", with_prompt: bool, scores: "Scores", console: Console
) -> None:
    """The sequences, where and in the form that they are asked for."""
    from seqgan_cli.jobs.written import sample_lines, write_lines

    form, output, fields = (context.params[name] for name in ("form", "output", "fields"))
    if form in ("midi", "pianoroll") and output is not None:
        _write_music(trained, [ids if with_prompt else ids[given:] for ids, given in rows], form, output, console)
        return
    more = (lambda table: scores.fields(table, fields)) if fields else None
    lines = sample_lines(trained, rows, form, with_prompt, more)
    if output is None:
        sys.stdout.reconfigure(encoding="utf-8", errors="strict") if hasattr(sys.stdout, "reconfigure") else None
        write_lines(map(visible, lines) if form != "raw" and sys.stdout.isatty() else lines, sys.stdout)
    elif output.exists() and not output.is_file():  # a pipe or device: nothing to replace
        with output.open("w", encoding="utf-8") as file:
            write_lines(lines, file)
    else:
        with files.replacing(output) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
            write_lines(lines, file)


def _texts(prompt: tuple[str, ...], prompts: Path | None, console: Console) -> list[str] | None:
    """All prompts, those of the file last; None if there are none. Raises SeqganError for a file that cannot be read."""
    if prompts is None:
        return list(prompt) or None
    from seqgan_cli.data.text.opened import named
    from seqgan_cli.data.text.records import texts_of

    lines = [line for _, line in texts_of(named(prompts), spaces=True, told=console.say) if line.strip()]
    if not lines:
        raise SeqganError(f"{prompts} holds no prompt: a line each is needed.")
    return [*prompt, *lines]


def _check_music(form: str, output: Path | None, num: int) -> None:
    if output is None:
        what = "a directory" if form == "midi" else "a .png file"
        raise click.BadParameter(f"{form} is not written to stdout: name {what} with --output.", param_hint="--format")
    if form == "midi" and output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise click.BadParameter(f"{output} is no empty directory: name a new one.", param_hint="'-o' / '--output'")
    if form == "pianoroll" and (output.is_dir() or output.suffix.lower() != ".png"):
        raise click.BadParameter(f"{output}: name a .png file.", param_hint="'-o' / '--output'")
    if form == "pianoroll" and num > 4 * ROWS:
        raise click.BadParameter(f"a picture holds {4 * ROWS} sequences at most.", param_hint="'-n' / '--num'")


def _write_music(trained: "Trained", rows: "Sequence[np.ndarray]", form: str, output: Path, console: Console) -> None:
    """A MIDI file a sample, or one picture of all. Raises SeqganError for data that are no music."""
    settings = trained.config.settings
    step = settings.kind.pitch_step(settings)
    if step is None:
        raise SeqganError(f"{trained.run.path} is not of music, so it has no --format {form}: use text, raw, ids or jsonl.")
    if form == "pianoroll":
        from seqgan_cli.figures import piano_roll

        piano_roll(list(rows), step, output)
        console.say(f"{len(rows)} sequences in {output}.")
        return
    digits = len(str(len(rows)))
    for i, pitches in enumerate(rows, start=1):
        settings.kind.write_midi(pitches, settings, output / f"{i:0{digits}d}.mid")
    console.say(f"{len(rows)} MIDI files in {output}.")
