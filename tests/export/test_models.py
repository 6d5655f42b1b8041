"""Exported models, loaded where this package is not, against the generator and a literal sampler."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reference import softmax
from sampled import WHOLE
from seqgan_cli.config import registry
from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.config.settings import Settings
from seqgan_cli.data.vocabulary import EOS, PAD, UNK, Vocabulary
from seqgan_cli.errors import SeqganError
from seqgan_cli.export.base import description, write_description
from seqgan_cli.export.programs import programs
from seqgan_cli.models.generator import Generator
from seqgan_cli.models.generators.transformer import TransformerSettings
from seqgan_cli.randomness import rng
from seqgan_cli.sampling.likelihood import token_nll

TEXT, POEMS, IDS = Vocabulary([*"abcd"]), Vocabulary([*"abcd"], has_eos=False), Vocabulary(size=6)
CASES: dict[str, tuple[Any, Vocabulary, int]] = {
    "lstm": (GeneratorSettings(3, 4, "lstm"), TEXT, 4),
    "gru": (GeneratorSettings(4, 4, "gru", layers=2, tied=True, layer_norm=True, residual=True), POEMS, 3),
    "transformer": (TransformerSettings(3, 4, "transformer", layers=2, heads=2, positions="sinusoidal"), TEXT, 3),
    "plain gru": (GeneratorSettings(3, 4, "gru"), IDS, 3),
}
pytestmark = pytest.mark.usefixtures("quickly")
FORMATS = ("keras", "savedmodel", "onnx")


def forms(name: str) -> tuple[str, ...]:
    """Formats of a case: in the soak all; a SavedModel, which takes long to write and load, has one scan for all cells.

    A Keras file has the layers of the graph that ONNX has too: those of a transformer and, as a SavedModel, of a cell with
    gates are all there are.
    """
    if WHOLE:
        return FORMATS[2:] if "plain" in name else FORMATS
    return {"transformer": ("keras", "onnx"), "plain gru": ("savedmodel", "onnx")}.get(name, ("onnx",))


def make(name: str) -> Generator:
    settings, vocabulary, length = CASES[name]
    generator = Generator(vocabulary, length, settings)
    generator.initialise(rng(0, "export", name), 0.6)
    return generator


def given(generator: Generator) -> tuple[np.ndarray, np.ndarray]:
    """Uniform numbers, 0, the one next to 1 and 1 among them, and sequences as data have them, `<unk>` among them."""
    draw, length = rng(1, "given"), generator.sequence_length
    uniforms = draw.random((40, length)).astype(np.float32)
    # A 1, which no uniform number is, stands for a product that is rounded up to the whole mass.
    uniforms[0], uniforms[1], uniforms[2] = 0.0, np.nextafter(np.float32(1), np.float32(0)), 1.0
    first = UNK if generator.vocabulary.has_special_tokens else 0
    tokens = draw.integers(first, generator.vocabulary.size, (40, length)).astype(np.int32)
    if generator.vocabulary.has_eos:
        for row, end in zip(tokens, draw.integers(0, length, 40), strict=True):
            row[end], row[end + 1 :] = EOS, PAD
    return uniforms, tokens


def literal_samples(generator: Generator, uniforms: np.ndarray) -> np.ndarray:
    """Sequences [B, T] by the definition: the first token whose cumulative probability is above the uniform number."""
    vocabulary, length = generator.vocabulary, generator.sequence_length
    said = np.zeros((len(uniforms), length), np.int32)
    for t in range(length):
        logits = generator(said).numpy()[:, t].astype(np.float64)  # what stands at t and after it is not read
        if vocabulary.has_special_tokens:
            logits[:, [PAD, UNK] if vocabulary.has_eos else [PAD, EOS, UNK]] = -np.inf
        for row, uniform, own in zip(said, uniforms[:, t], logits, strict=True):
            probabilities, reached = softmax(own), 0.0
            token = int(np.flatnonzero(probabilities)[-1])
            for i, probability in enumerate(probabilities):
                reached += probability
                if reached > uniform and probability > 0:
                    token = i
                    break
            if vocabulary.has_eos and t == length - 1:
                token = EOS
            row[t] = PAD if vocabulary.has_eos and EOS in row[:t] else token
    return said


@pytest.fixture(scope="module")
def exported(once: Callable[..., Path]) -> Path:
    """A folder for each case, with every format of it and what each gave in a fresh interpreter."""

    def build(folder: Path) -> None:
        for name in CASES:
            generator, case = make(name), folder / name
            for form in forms(name):
                (case / form).mkdir(parents=True)
                registry.formats[form].write(programs(generator), case / form)
                write_description(description(generator, Settings({}), "pretrain-g, epoch 1"), case / form)
            uniforms, tokens = given(generator)
            np.savez(case / "given.npz", uniforms=uniforms, tokens=tokens)
        script = Path(__file__).with_name("elsewhere.py")
        for which in ("onnx", "tensorflow"):
            command = [sys.executable, "-I", str(script), which, *(str(folder / name) for name in CASES)]
            done = subprocess.run(command, check=False, capture_output=True, encoding="utf-8")
            assert done.returncode == 0, done.stderr[-1000:]

    return once("exported", build)


@pytest.mark.parametrize(("name", "form"), [(name, form) for name in CASES for form in forms(name)])
def test_models_give_the_same_where_this_package_is_not(exported: Path, name: str, form: str) -> None:
    generator = make(name)
    uniforms, tokens = given(generator)
    found = np.load(exported / name / f"found-{form}.npz")
    expected = np.asarray(generator.policy_logits(generator.unroll(tokens)[0]))
    shares = [np.apply_along_axis(softmax, 2, each.astype(np.float64)) for each in (found["logits"], expected)]
    np.testing.assert_allclose(*shares, atol=1e-5)
    np.testing.assert_allclose(found["nll"], token_nll(generator, tokens), rtol=1e-5, atol=1e-5)
    assert (found["tokens"].dtype, found["nll"].dtype) == (np.int32, np.float32)
    np.testing.assert_array_equal(found["tokens"], literal_samples(generator, uniforms))
    assert len(np.unique(found["tokens"], axis=0)) > 10


def test_what_a_generator_does_not_say_cannot_be_exported(tmp_path: Path) -> None:
    generator = Generator(IDS, 3, GeneratorSettings(4, 4, "attention"))
    with pytest.raises(SeqganError, match="=attention does not say how its step is written"):
        registry.formats["onnx"].write(programs(generator), tmp_path)
