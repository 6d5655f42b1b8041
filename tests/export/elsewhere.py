"""Run by itself, as a program that has no seqgan: loads exported models and writes what they give for what it is given.

    python -I elsewhere.py onnx|tensorflow FOLDER...

In each FOLDER `given.npz` has uniforms [B, T] and tokens [B, T]; `found-FORMAT.npz` gets the logits of every step along them,
the tokens of the uniforms, and the nll of the tokens.
"""

import json
import sys
from pathlib import Path

import numpy as np

sys.modules["seqgan_cli"] = None  # type: ignore[assignment]  # whoever imports it fails


def walk(step, tokens, sizes):
    """Logits [B, T, V]: `step(token, states)` along the tokens, from the start token 0 and zeros."""
    states = [np.zeros((len(tokens), size), np.float32) for size in sizes]
    last, found = np.zeros(len(tokens), np.int32), []
    for t in range(tokens.shape[1]):
        logits, *states = map(np.asarray, step(last, states))
        found.append(logits)
        last = tokens[:, t]
    return np.stack(found, axis=1)


def of_onnx(folder):
    import onnxruntime

    def run(name):
        session = onnxruntime.InferenceSession(str(folder / f"{name}.onnx"))
        names = [each.name for each in session.get_inputs()]
        return lambda *arrays: session.run(None, dict(zip(names, arrays, strict=True)))

    step, sampler, scorer = run("step"), run("sampler"), run("scorer")
    return (lambda token, states: step(token, *states)), (lambda u: sampler(u)[0]), (lambda tokens: scorer(tokens)[0])


def of_keras(folder):
    import keras

    step, sampler, scorer = (keras.saving.load_model(folder / f"{name}.keras") for name in ("step", "sampler", "scorer"))
    return (lambda token, states: step([token, *states])), sampler, scorer


def of_savedmodel(folder):
    import tensorflow as tf

    signatures = tf.saved_model.load(str(folder)).signatures

    def step(token, states):
        named = {f"state_{i}": tf.constant(state) for i, state in enumerate(states)}
        found = signatures["step"](token=tf.constant(token), **named)
        return [found["logits"], *(found[f"next_state_{i}"] for i in range(len(states)))]

    def sampler(uniforms):
        return signatures["sampler"](uniforms=tf.constant(uniforms))["tokens"]

    return step, sampler, lambda tokens: signatures["scorer"](tokens=tf.constant(tokens))["nll"]


LOADERS = {"onnx": of_onnx, "keras": of_keras, "savedmodel": of_savedmodel}
for name in sys.argv[2:]:
    case, given = Path(name), np.load(Path(name) / "given.npz")
    for form in ("onnx",) if sys.argv[1] == "onnx" else ("keras", "savedmodel"):
        if not (case / form).exists():
            continue
        step, sampler, scorer = LOADERS[form](case / form)
        sizes = json.loads((case / form / "vocabulary.json").read_text(encoding="utf-8"))["state_sizes"]
        found = {"logits": walk(step, given["tokens"], sizes)}
        found |= {"tokens": sampler(given["uniforms"]), "nll": scorer(given["tokens"])}
        np.savez(case / f"found-{form}.npz", **{name: np.asarray(array) for name, array in found.items()})
assert sys.modules["seqgan_cli"] is None
if sys.argv[1] == "onnx":
    heavy = {name.partition(".")[0] for name in sys.modules} & {"tensorflow", "keras", "onnx", "torch", "seqgan"}
    assert not heavy, heavy
