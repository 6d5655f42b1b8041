"""G_oracle: the LSTM with N(0, 1) weights, or a trained generator, that defines the synthetic truth, and its file.

The oracle is a `Generator` with other weights. Its file is an `.npz`: of a trained generator as `data/oracle_file.py` says,
with the weights of any cell; of the paper's, which is an LSTM over ids, with the arrays `embeddings [V, E]`, `kernel [E, 4H]`,
`recurrent_kernel [H, 4H]`, `bias [4H]` (gates in the order i, f, c, o), `output_kernel [H, V]` and `output_bias [V]`.
"""

from pathlib import Path
from typing import Any

import numpy as np

from seqgan_cli.config import registry
from seqgan_cli.config.schema import specs_of
from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.config.settings import Settings
from seqgan_cli.data.oracle_file import Description, described, read_oracle_file, weight_names
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.errors import SeqganError
from seqgan_cli.models.generator import Generator, make_generator
from seqgan_cli.randomness import rng

# In the order of `Generator.trainable_variables`.
ARRAYS = ("embeddings", "kernel", "recurrent_kernel", "bias", "output_kernel", "output_bias")


def draw_oracle(seed: int, vocab_size: int, sequence_length: int) -> Generator:
    """An oracle with embedding and hidden size 32 and every weight ~ N(0, 1) (the paper, "Training Setting")."""
    oracle = Generator(Vocabulary(size=vocab_size), sequence_length, GeneratorSettings(), name="oracle")
    oracle.initialise(rng(seed, "oracle"), stddev=1.0)
    return oracle


def read_oracle(path: Path, sequence_length: int) -> Generator:
    """The oracle of a file. Raises SeqganError if it is not one; pickled arrays are refused, never opened.

    `sequence_length`: T, where the file does not say it; if it does, the two must be the same.
    """
    weights, description = read_oracle_file(path)
    if description is not None:
        if description.sequence_length != sequence_length:
            held = description.sequence_length
            raise SeqganError(f"{path} draws sequences of {held} tokens, and data.sequence-length is {sequence_length}.")
        return _described_oracle(path, weights, description)
    if missing := [name for name in ARRAYS if name not in weights]:
        raise SeqganError(f"{path} holds no array {missing[0]!r}: an oracle needs {', '.join(ARRAYS)}.")
    weights = {name: weights[name] for name in ARRAYS}
    vocab_size, embedding_dim = (*weights["embeddings"].shape, 0, 0)[:2]
    hidden_dim = (*weights["recurrent_kernel"].shape, 0)[0]
    shapes = dict(
        zip(
            ARRAYS,
            [
                (vocab_size, embedding_dim),
                (embedding_dim, 4 * hidden_dim),
                (hidden_dim, 4 * hidden_dim),
                (4 * hidden_dim,),
                (hidden_dim, vocab_size),
                (vocab_size,),
            ],
            strict=True,
        )
    )
    for name, array in weights.items():
        if array.shape != shapes[name] or not array.size:
            raise SeqganError(f"{path}: {name} has shape {array.shape}, where the other arrays need {shapes[name]}.")
        _refuse_not_finite(path, name, array)
    settings = GeneratorSettings(embedding_dim=embedding_dim, hidden_dim=hidden_dim)
    oracle = Generator(Vocabulary(size=vocab_size), sequence_length, settings, name="oracle")
    for variable, name in zip(oracle.trainable_variables, ARRAYS, strict=True):
        variable.assign(weights[name].astype(np.float32))
    return oracle


def _described_oracle(path: Path, weights: dict[str, np.ndarray], description: Description) -> Generator:
    """The generator that a file describes, with its weights."""
    settings = Settings(description.generator)
    for wrong, words in registry.generators.conflicts(settings):
        if wrong:
            raise SeqganError(f"{path} is no oracle: {words}")
    section = settings.of(registry.generators)
    needed = registry.generators[section.cell].weights(section, description.vocab_size, description.sequence_length)
    if needed != (found := sum(array.size for array in weights.values())):  # before room is made for them
        raise SeqganError(f"{path} holds {found} weights, where its settings and vocabulary need {needed}.")
    oracle = make_generator(description.vocabulary, description.sequence_length, section, name="oracle")
    for name, variable in zip(weight_names(oracle.trainable_variables), oracle.trainable_variables, strict=True):
        if name not in weights:
            raise SeqganError(f"{path} holds no array {name!r}, which its settings need.")
        if weights[name].shape != tuple(variable.shape):
            raise SeqganError(
                f"{path}: {name} has shape {weights[name].shape}, where its settings need {tuple(variable.shape)}."
            )
        _refuse_not_finite(path, name, weights[name])
        variable.assign(weights[name].astype(np.float32))
    return oracle


def _refuse_not_finite(path: Path, name: str, array: np.ndarray) -> None:
    if array.dtype.kind != "f" or not np.isfinite(array).all():
        raise SeqganError(f"{path}: {name} holds values that are not finite numbers.")


def is_plain(oracle: Generator) -> bool:
    """Whether the weights are all there is to say of it: an LSTM of one layer over ids."""
    sizes = GeneratorSettings(embedding_dim=oracle.settings.embedding_dim, hidden_dim=oracle.settings.hidden_dim)
    return not oracle.vocabulary.has_special_tokens and oracle.settings == sizes


def described_arrays(generator: Generator, settings: Settings, kept: Any) -> dict[str, np.ndarray]:
    """A trained generator as an oracle's file holds it: what describes it, and its weights.

    `settings`: of its run, which say how its sequences are written; `kept`: the tokenizer that the run keeps, or None.
    """
    section = generator.settings
    specs = [spec for spec in specs_of(type(section)) if not spec.is_file]  # what it started from is in its weights
    sizes = {spec.name: getattr(section, spec.leaf) for spec in specs}
    described_by = described(generator.vocabulary, generator.sequence_length, sizes, settings, kept)
    names, weights = weight_names(generator.trainable_variables), generator.trainable_variables
    return {**described_by.arrays(), **{name: weight.numpy() for name, weight in zip(names, weights, strict=True)}}


def oracle_arrays(oracle: Generator) -> dict[str, np.ndarray]:
    """The weights of an oracle that `is_plain` under the names of the file format."""
    return {name: variable.numpy() for name, variable in zip(ARRAYS, oracle.trainable_variables, strict=True)}
