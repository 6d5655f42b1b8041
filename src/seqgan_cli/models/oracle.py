"""G_oracle: the LSTM with N(0, 1) weights that defines the synthetic truth, and its weights as a file.

The oracle is a `Generator` with other weights. Its file is an `.npz` with the arrays `embeddings [V, E]`, `kernel [E, 4H]`,
`recurrent_kernel [H, 4H]`, `bias [4H]` (gates in the order i, f, c, o), `output_kernel [H, V]` and `output_bias [V]`.
"""

from pathlib import Path

import numpy as np

from seqgan_cli.arrays import read_arrays
from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.data.vocabulary import Vocabulary
from seqgan_cli.errors import SeqganError
from seqgan_cli.models.generator import Generator
from seqgan_cli.randomness import rng

# In the order of `Generator.trainable_variables`.
ARRAYS = ("embeddings", "kernel", "recurrent_kernel", "bias", "output_kernel", "output_bias")


def draw_oracle(seed: int, vocab_size: int, sequence_length: int) -> Generator:
    """An oracle with embedding and hidden size 32 and every weight ~ N(0, 1) (the paper, "Training Setting")."""
    oracle = Generator(Vocabulary(size=vocab_size), sequence_length, GeneratorSettings(), name="oracle")
    oracle.initialise(rng(seed, "oracle"), stddev=1.0)
    return oracle


def read_oracle(path: Path, sequence_length: int) -> Generator:
    """The oracle of a weights file. Raises SeqganError if it is not one; pickled arrays are refused, never opened."""
    try:
        weights = read_arrays(path)
    except OSError as error:
        raise SeqganError(f"Cannot read the oracle {path}: {error.strerror or error}.") from None
    except ValueError as error:
        raise SeqganError(f"Cannot read the oracle {path}: {error}.") from None
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
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise SeqganError(f"{path}: {name} holds values that are not finite numbers.")
    settings = GeneratorSettings(embedding_dim=embedding_dim, hidden_dim=hidden_dim)
    oracle = Generator(Vocabulary(size=vocab_size), sequence_length, settings, name="oracle")
    for variable, name in zip(oracle.trainable_variables, ARRAYS, strict=True):
        variable.assign(weights[name].astype(np.float32))
    return oracle


def oracle_arrays(oracle: Generator) -> dict[str, np.ndarray]:
    """The oracle's weights under the names of the file format."""
    return {name: variable.numpy() for name, variable in zip(ARRAYS, oracle.trainable_variables, strict=True)}
