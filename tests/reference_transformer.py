"""Literal NumPy versions of stacked recurrent layers and of a causal transformer: one sequence, one token, one head at a time.

The transformer is Vaswani et al.'s (2017), §3.2-3.5, with the norm before each sublayer and one at the end, as GPT-2 has it
(Radford et al. 2019, §2.3): x ← x + Attention(LN(x)); x ← x + FFN(LN(x)); logits of LN(x).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reference import gru_step, lstm_step, softmax


def layer_norm(x: np.ndarray, gain: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Ba et al. (2016), equations 3-4, for one vector: the gain is 1 + `gain`."""
    mean = sum(x) / len(x)
    variance = sum((value - mean) ** 2 for value in x) / len(x)
    return (x - mean) / math.sqrt(variance + 1e-5) * (1.0 + gain) + bias


def gelu(x: np.ndarray) -> np.ndarray:
    """Hendrycks and Gimpel (2016), the approximation that GPT-2 uses."""
    return 0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))


def position(t: int, units: int) -> np.ndarray:
    """Vaswani et al. (2017), §3.5: PE(pos, 2i) = sin(pos / 10000^(2i/d)), PE(pos, 2i+1) = cos(the same)."""
    encoded = np.zeros(units)
    for i in range(units):
        angle = t / 10000 ** (2 * (i // 2) / units)
        encoded[i] = math.sin(angle) if i % 2 == 0 else math.cos(angle)
    return encoded


def attention(rows: Sequence[np.ndarray], kernel: np.ndarray, heads: int) -> np.ndarray:
    """What the last row finds among all rows, §3.2: each head takes its own slice of queries, keys and values [H each]."""
    units = len(rows[0])
    size = units // heads
    w_q, w_k, w_v = kernel[:, :units], kernel[:, units : 2 * units], kernel[:, 2 * units :]
    found = []
    for head in range(heads):
        own = slice(head * size, (head + 1) * size)
        query = rows[-1] @ w_q[:, own]
        scores = np.array([query @ (row @ w_k[:, own]) / math.sqrt(size) for row in rows])
        found.append(sum(share * (row @ w_v[:, own]) for share, row in zip(softmax(scores), rows, strict=True)))
    return np.concatenate(found)


def transformer_outputs(
    blocks: Sequence[Mapping[str, Any]], ends: Mapping[str, np.ndarray], inputs: np.ndarray, heads: int
) -> np.ndarray:
    """Outputs [T, H] of inputs [T, E]; a later input is never looked at.

    `blocks`: each with the norms' (gain, bias) and the kernels by name. `ends`: the input kernel, positions [T, H] or none for
    sines, and the last norm.
    """
    units = ends["input_kernel"].shape[1]
    places = ends.get("positions")
    outputs = []
    for t in range(len(inputs)):  # everything anew for every prefix: nothing is kept
        rows = [
            inputs[s] @ ends["input_kernel"] + (position(s, units) if places is None else places[s]) for s in range(t + 1)
        ]
        for block in blocks:
            normed = [layer_norm(row, *block["attention_norm"]) for row in rows]
            after = [
                row + attention(normed[: s + 1], block["queries_keys_values"], heads) @ block["attended_kernel"]
                for s, row in enumerate(rows)
            ]
            rows = [
                row
                + gelu(layer_norm(row, *block["hidden_norm"]) @ block["hidden_kernel"] + block["hidden_bias"])
                @ block["output_kernel"]
                + block["output_bias"]
                for row in after
            ]
        outputs.append(layer_norm(rows[-1], *ends["output_norm"]))
    return np.array(outputs)


def stack_outputs(
    cells: Sequence[Sequence[np.ndarray]], norms: Sequence[tuple], residual: bool, inputs: np.ndarray
) -> np.ndarray:
    """Outputs [T, H] of inputs [T, E] through recurrent layers: kernel, recurrent kernel and bias [4H] (LSTM) or [2, 3H] (GRU).

    A layer reads the norm of what is below it, if there are norms; from the second one on it adds that, if residual.
    """
    states = [(np.zeros(recurrent.shape[0]),) * 2 for _, recurrent, _ in cells]
    outputs = []
    for x in inputs:
        for i, weights in enumerate(cells):
            read = layer_norm(x, *norms[i]) if norms else x
            if weights[2].ndim == 1:
                states[i] = lstm_step(read, *states[i], *weights)
            else:
                states[i] = (gru_step(read, states[i][0], *weights),) * 2
            x = x + states[i][0] if residual and i > 0 else states[i][0]
        outputs.append(layer_norm(x, *norms[-1]) if norms else x)
    return np.array(outputs)
