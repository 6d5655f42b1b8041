"""Word vectors that a run's embeddings start from: read once, held against the settings, and kept in the run."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from seqgan_cli.config.resolution import Config
from seqgan_cli.config.settings import SCHEMA, STAGES
from seqgan_cli.console import Console
from seqgan_cli.errors import UsageError
from seqgan_cli.runs.run import Run

if TYPE_CHECKING:
    from seqgan_cli.data.corpus import Corpus
    from seqgan_cli.data.starts import Start

FROM_VECTORS = "embeddings"  # the source of a dimension that is the vectors'
# By network: the standard deviation with which its embedding begins, N(0, 0.1²) and U(-1, 1).
DEVIATIONS = {"generator": 0.1, "discriminator": 3**-0.5}


def with_vectors(
    config: Config, recorded: Config | None, run: Run, restarted: str | None, corpus: Corpus, changed: bool, console: Console
) -> tuple[Config, Corpus, list[str]]:
    """The settings with the dimensions of the vectors they name, the corpus with what embeddings start from, and the settings
    whose files were read for it.

    A file is read where its network has not begun; after that the run has what it needs. `changed`: whether the corpus is new.

    Raises SeqganError for a file that cannot be read or has no word of the vocabulary, UsageError where vectors do not go with
    the data or a dimension.
    """
    starts, read = dict(corpus.starts), list[str]()
    for network in DEVIATIONS:
        name = f"{network}.embeddings"
        if not config.values[name]:
            starts.pop(network, None)
            continue
        stage = SCHEMA[name].fixed_by or ""
        anew = restarted is not None and STAGES.index(restarted) <= STAGES.index(stage)
        known = recorded is not None and recorded.values.get(name) == config.values[name] and network in starts
        if known and not anew and not changed:
            continue
        starts[network] = _read(name, Path(config.values[name]), corpus, console)
        config = _with_dimension(config, network, starts[network].rows.shape[1])
        read.append(name)
    return config, dataclasses.replace(corpus, starts=starts), read


def _with_dimension(config: Config, network: str, size: int) -> Config:
    name = f"{network}.embedding-dim"
    before = config.values[name]
    if size != before and config.sources[name] in ("option", "file"):
        raise UsageError(
            f"{config.values[f'{network}.embeddings']} has vectors of {size} numbers, and {name} is {before}: leave it out, or "
            "use other vectors."
        )
    return Config({**config.values, name: size}, {**config.sources, name: FROM_VECTORS})


def _read(name: str, path: Path, corpus: Corpus, console: Console) -> Start:
    import numpy as np

    from seqgan_cli.data.starts import Start
    from seqgan_cli.data.text.vectors import vectors_of
    from seqgan_cli.data.vocabulary import EOS, SPECIAL

    vocabulary, network = corpus.vocabulary, name.partition(".")[0]
    if not vocabulary.has_special_tokens:
        raise UsageError(f"{name}: the tokens of these data are numbers, for which there are no word vectors: leave it out.")
    ids, vectors = vectors_of(path, vocabulary)
    words, tokens = vocabulary.size - len(SPECIAL), corpus.train[corpus.train > EOS]
    share, about = np.isin(tokens, ids).mean(), "about " * (corpus.shards is not None)
    told = f"{name}: {path} has vectors of {vectors.shape[1]} numbers for {len(ids):,} of {words:,} words,"
    spread = f"{DEVIATIONS[network]:.2g}, and that of the vectors {vectors.std():.2g}"
    others = f" The others start at random: their deviation is {spread}." * (len(ids) < words)
    console.say(f"{told} {about}{share:.1%} of the training tokens.{others}")
    return Start(ids, vectors.astype(np.float32))

