"""Everything that reads a file: what it reads, and whole files to begin from. For the fuzzers, and for pickles planted in all.

A reader takes the content as a file in a folder of its own, and either returns or raises SeqganError. It is told of nothing but
the file, so whatever else it touches is a mistake.
"""

import dataclasses
import functools
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from seqgan_cli.config.resolution import explicit, resolve
from seqgan_cli.errors import SeqganError

DATA = Path(__file__).parents[1] / "data"


@dataclasses.dataclass(frozen=True)
class Reader:
    """`read(folder)` reads `folder / name`, of which `seeds` are whole ones."""

    name: str
    read: Callable[[Path], object]
    seeds: tuple[bytes, ...]


def corpus(kind: str, name: str, **settings: Any) -> Callable[[Path], object]:
    """Read a file as data of a kind, numbered and split, as training does before it begins."""

    def read(folder: Path) -> object:
        from seqgan_cli.data.sources.inference import infer_kind
        from seqgan_cli.data.sources.opening import real_corpus

        source = str(folder / name)
        asked = {"data.source": source, "data.kind": kind or infer_kind(source), "data.validation": 0.0, **settings}
        values, sources = explicit(asked, (), None)
        return real_corpus(resolve(values, sources, None, "quick").settings)

    return read


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def small_npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def facts(**more: Any) -> np.ndarray:
    record = {"format": 2, "position": 3, "fingerprint": "print", "version": "0.1.0", "best": {}, **more}
    return np.frombuffer(json.dumps(record).encode(), np.uint8)


def _config() -> bytes:
    config = resolve({}, {}, None, "quick")
    settings = {name: {"value": config.values[name], "source": config.sources[name]} for name in config.values}
    # Of the first format, whose lack of a checksum lets edits through to what reads the settings.
    record = {"format": 1, "preset": "quick", "settings": settings, "versions": {"seqgan": "0.1.0"}, "commands": ["seqgan"]}
    return json.dumps(record).encode()


def read_config(folder: Path) -> object:
    from seqgan_cli.runs.run import Run

    return Run(folder).config()


def read_history(folder: Path) -> object:
    from seqgan_cli.runs.run import Run

    Run(folder).history.keep(lambda row: True)
    return Run(folder).history.rows()


def read_checkpoint(folder: Path) -> object:
    from seqgan_cli.runs.checkpoints import Checkpoints

    checkpoints = Checkpoints(folder / "pretrain-g", "print")
    return checkpoints.latest(lambda message: None), checkpoints.best()


def read_stored_corpus(folder: Path) -> object:
    from seqgan_cli.data.corpus import load_corpus
    from seqgan_cli.runs.run import Run

    np.savez(folder / "corpus" / "heldout.npz", tokens=np.array([[3, 1]], np.int32))
    if not (folder / "vocabulary.txt").exists():
        (folder / "vocabulary.txt").write_bytes(b"<pad>\n<eos>\n<unk>\na\nb\n")
    return Run(folder).fingerprint, load_corpus(folder, None)


def read_prepared(folder: Path) -> object:
    from seqgan_cli.data.sources.inference import infer_kind
    from seqgan_cli.data.tfrecord.shards import take_over

    asked = {"data.source": str(folder)}
    take_over(asked, {})
    return infer_kind(str(folder)), asked


def read_shards(folder: Path) -> object:
    from seqgan_cli.data.corpus import load_corpus
    from seqgan_cli.runs.run import Run

    for name in ("train", "heldout"):
        np.savez(folder / "corpus" / f"{name}.npz", tokens=np.array([[3, 1]], np.int32))
    return Run(folder).fingerprint, load_corpus(folder, 9)


def read_vocabulary(folder: Path) -> object:
    from seqgan_cli.data.corpus import load_corpus

    for name in ("train", "heldout"):
        (folder / "corpus").mkdir(exist_ok=True)
        np.savez(folder / "corpus" / f"{name}.npz", tokens=np.array([[3, 4, 1]], np.int32))
    return load_corpus(folder, None)


def read_oracle(folder: Path) -> object:
    from seqgan_cli.models import oracle

    return oracle.read_oracle(folder / "oracle.npz", 5)


def read_embeddings(name: str, folder: Path) -> object:
    from seqgan_cli.data.text.vectors import read_embeddings

    return read_embeddings(folder / name, {"a", "b"})


def read_grammar(folder: Path) -> object:
    from seqgan_cli.evaluation.metrics.grammar import Parser

    return Parser(folder / "rules.cfg").rules(("a", "b"))


def read_answers(name: str, folder: Path) -> object:
    from seqgan_cli.studies.judging.scoring import read_answers

    return read_answers(folder / name)


def read_key(folder: Path) -> object:
    from seqgan_cli.studies.judging.sheet import read_key

    return read_key(folder / "sheet.key.json")


def read_results(folder: Path) -> object:
    from seqgan_cli.studies.experiments import outputs

    return outputs.read(folder)


def read_experiment(folder: Path) -> object:
    from seqgan_cli.studies.experiments.plan import claim

    (folder / "seed-0").mkdir(exist_ok=True)
    return claim(folder, resolve({}, {}, None, "quick"), "quick", begin=False)


def read_settings(folder: Path) -> object:
    from seqgan_cli.config.resolution import read_file

    return read_file(folder / "settings.toml")


def read_cache(folder: Path) -> object:
    from seqgan_cli.data.text.cache import load

    return load(folder / "music.npz", "tunes")


POEM, OTHER = "床前明月光，疑是地上霜。舉頭望明月，低頭思故鄉。", "白日依山盡，黃河入海流。欲窮千里目，更上一層樓。"
WEIGHTS = np.arange(6, dtype=np.float32).reshape(2, 3)
ORACLE = {
    "embeddings": np.ones((4, 2), np.float32),
    "kernel": np.ones((2, 8), np.float32),
    "recurrent_kernel": np.ones((2, 8), np.float32),
    "bias": np.ones(8, np.float32),
    "output_kernel": np.ones((2, 4), np.float32),
    "output_bias": np.ones(4, np.float32),
}


def readers() -> dict[str, Reader]:
    """By name."""
    text = ("a b c\nb c a\n\nc a b .\n" * 3).encode()
    both = f"{POEM}\n{OTHER}\n"
    poems = json.dumps([{"paragraphs": [poem[:12], poem[12:]]} for poem in (POEM, OTHER)], ensure_ascii=False).encode()
    begun = {name: value for name, value in resolve({}, {}, None, "quick").values.items() if name != "seed"}
    experiment = json.dumps({"format": 1, "preset": "quick", "settings": begun}).encode()
    tunes = tuple(sorted((path.read_bytes() for path in (DATA / "tunes").glob("*.mid")), key=len))[:2]
    windows = {"data.window": 4, "data.test": str(DATA / "tunes")}
    position = {"position": 3, "arrays": ["w"]}
    tokens = np.array([[3, 4, 1], [4, 1, 0]], np.int32)
    table = "item,text,answer\nbcd-1,a b,h\nbcd-2,c,m\n"
    saved = {"sheet": "bcd", "judge": "me", "answers": ["h", None, "m"]}
    told = json.dumps({"tokens": ["40"], "rejected": [["why", 1, ["a.mid"]]], "notes": []})
    files = [{"name": f"{number:05d}.tfrecord.gz", "sequences": 3, "bytes": 40} for number in range(8)]
    shards = {"folder": "there", "shards": files, "sequence_length": 5, "vocab_size": 9}
    shards |= {"dtype": "uint16", "digest": "ab", "unk_taught": False, "heldout_copied": 0.5}
    own = {name: value for name, value in begun.items() if name.startswith("data.") and name != "data.source"}
    prepared = {"format": 1, "settings": {**own, "data.kind": "text"}, "seed": 0, "summary": ["told"], "shards": shards}
    cached = {"ids": np.zeros(3, np.int32), "offsets": np.array([0, 3]), "told": np.array(told)}
    return {
        "text": Reader("data.txt", corpus("", "data.txt"), (text, both.encode(), b"\xef\xbb\xbfa b\n" * 9)),
        "words": Reader("data.txt", corpus("speeches", "data.txt"), (b'Mr. X said: "No." They\'re 1,000.\n' * 9,)),
        "characters": Reader("data.txt", corpus("text", "data.txt", **{"data.tokenizer": "chars"}), (text,)),
        "ids": Reader("data.txt", corpus("ids", "data.txt"), (b"1 2 3\n4 5 6\n" * 9,)),
        "poems": Reader("poems.txt", corpus("poems", "poems.txt"), (both.encode(),)),
        "poems of a folder": Reader("poems.json", corpus("poems", "poems.json"), (poems,)),
        "karaoke": Reader("tune.kar", corpus("", "tune.kar", **windows), tunes),
        "music": Reader("tune.mid", corpus("music", "tune.mid", **windows), tunes),
        "settings": Reader("settings.toml", read_settings, (b"seed = 3\n[pretrain-g]\nepochs = 4\nlearning-rate = 1e-3\n",)),
        "config": Reader("config.json", read_config, (_config(),)),
        "history": Reader(
            "history.csv",
            read_history,
            (b"stage,position,step,metric,value,seconds\npretrain-g,1,10,nll_test,1.5,0.25\n" * 2,),
        ),
        "checkpoint": Reader("pretrain-g/0000003.npz", read_checkpoint, (npz(facts=facts(**position), w=WEIGHTS),)),
        "best": Reader("pretrain-g/best.npz", read_checkpoint, (npz(facts=facts(**position), w=WEIGHTS),)),
        "corpus": Reader("corpus/train.npz", read_stored_corpus, (small_npz(tokens=tokens),)),
        "prepared corpus": Reader("seqgan-corpus.json", read_prepared, (json.dumps(prepared).encode(),)),
        "shards of a run": Reader("corpus/shards.json", read_shards, (json.dumps(shards).encode(),)),
        "vocabulary": Reader("vocabulary.txt", read_vocabulary, (b"<pad>\n<eos>\n<unk>\na\nb\n",)),
        "oracle": Reader("oracle.npz", read_oracle, (npz(**ORACLE),)),
        "embeddings": Reader(
            "vectors.txt", functools.partial(read_embeddings, "vectors.txt"), (b"2 3\na 1 2 3\nb 0.5 1e3 -2\n",)
        ),
        "embeddings as arrays": Reader(
            "vectors.npz",
            functools.partial(read_embeddings, "vectors.npz"),
            (npz(tokens=np.array(["a", "b"]), vectors=np.ones((2, 3), np.float32)),),
        ),
        "grammar": Reader("rules.cfg", read_grammar, (b"S -> A B | S S\nA -> 'a'\nB -> 'b' |\n",)),
        "answers": Reader(
            "answers.json", functools.partial(read_answers, "answers.json"), (json.dumps(saved).encode(), table.encode())
        ),
        "key": Reader(
            "sheet.key.json",
            read_key,
            (json.dumps({"sheet": "bcd", "sources": ["a", "b"], "items": [["a"], ["a", "b"]]}).encode(),),
        ),
        "results": Reader("results.json", read_results, (_results(),)),
        "experiment": Reader("experiment.json", read_experiment, (experiment,)),
        "cache": Reader("music.npz", read_cache, (small_npz(**cached),)),
    }


def _results() -> bytes:
    """results.json as `experiment` writes it, of an experiment that nobody ran."""
    import tempfile

    from made_up import results
    from seqgan_cli.studies.experiments import outputs

    with tempfile.TemporaryDirectory() as folder:
        outputs.write(results({"mle": [(9.0, 8.0)], "seqgan": [(8.9, 8.1)]}), {"seed": 0}, Path(folder))
        return (Path(folder) / "results.json").read_bytes()


def read(reader: Reader, content: bytes, folder: Path) -> SeqganError | None:
    """Let a reader have that content: the refusal in words, or None if it was read. Anything else is the reader's mistake."""
    path = folder / reader.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    try:
        reader.read(folder)
    except SeqganError as error:
        message = str(error)
        assert message, "a refusal says why"
        assert "Traceback" not in message
        return error
    return None
