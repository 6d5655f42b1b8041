"""Slow, literal NumPy versions of what the fast paths compute: one sequence, one token, one rollout at a time."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-x))


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max())
    return e / e.sum()


def lstm_step(
    x: np.ndarray, h: np.ndarray, c: np.ndarray, kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One LSTM step (Hochreiter and Schmidhuber 1997), gates in the order i, f, c, o: x [E], h and c [H] → h, c."""
    i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def next_logits(weights: Sequence[np.ndarray], prefix: Sequence[int]) -> np.ndarray:
    """Logits [V] after a prefix; weights are embeddings, kernel, recurrent kernel, bias, output kernel, output bias."""
    embeddings, kernel, recurrent, bias, output_kernel, output_bias = (np.asarray(w, np.float64) for w in weights)
    h = c = np.zeros(recurrent.shape[0])
    for token in [0, *prefix]:  # 0 is the start input
        h, c = lstm_step(embeddings[token], h, c, kernel, recurrent, bias)
    return h @ output_kernel + output_bias


def sequence_nll(weights: Sequence[np.ndarray], tokens: Sequence[int], temperature: float = 1.0) -> float:
    """−log probability of one sequence."""
    return -sum(float(np.log(softmax(next_logits(weights, tokens[:t]) / temperature)[token])) for t, token in enumerate(tokens))


def weighted_nll(
    outputs: np.ndarray, kernel: np.ndarray, bias: np.ndarray, tokens: Sequence[int], weights: Sequence[float]
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Σ weight · −log softmax(token), one token at a time, and its gradients in outputs [R, H], kernel [H, V] and bias [V]."""
    total, by_outputs, by_kernel, by_bias = 0.0, np.zeros_like(outputs), np.zeros_like(kernel), np.zeros_like(bias)
    for r, (token, weight) in enumerate(zip(tokens, weights, strict=True)):
        if weight:
            logits = outputs[r] @ kernel + bias
            probabilities = softmax(logits)
            total += weight * (logits.max() + np.log(np.exp(logits - logits.max()).sum()) - logits[token])
            slope = weight * (probabilities - np.eye(len(bias))[token])
            by_outputs[r] = kernel @ slope
            by_kernel += np.outer(outputs[r], slope)
            by_bias += slope
    return total, by_outputs, by_kernel, by_bias


def draw_token(logits: np.ndarray, uniform: float) -> int:
    """The first token at which the cumulative softmax passes the uniform number."""
    return int((np.cumsum(softmax(logits)) <= uniform).sum())


def all_sequences(vocab_size: int, length: int) -> Iterator[tuple[int, ...]]:
    if length == 0:
        yield ()
        return
    for head in all_sequences(vocab_size, length - 1):
        for token in range(vocab_size):
            yield (*head, token)


def action_value(
    weights: Sequence[np.ndarray], prefix: Sequence[int], length: int, reward: Callable[[tuple[int, ...]], float]
) -> float:
    """Q after a prefix, by full enumeration of what may follow: Σ over continuations of their probability × reward."""
    if len(prefix) == length:
        return reward(tuple(prefix))
    probabilities = softmax(next_logits(weights, prefix))
    return float(sum(p * action_value(weights, (*prefix, token), length, reward) for token, p in enumerate(probabilities)))


def discriminator_logit(
    tokens: Sequence[int],
    embedding: np.ndarray,
    kernels: Sequence[np.ndarray],
    conv_bias: np.ndarray,
    highway_kernel: np.ndarray,
    highway_bias: np.ndarray,
    output_kernel: np.ndarray,
    output_bias: np.ndarray,
) -> float:
    """The appendix's classifier, one window of one filter at a time: bias and ReLU before the maximum, as it is written."""
    embedded = np.asarray(embedding, np.float64)[list(tokens)]
    features = []
    for kernel in kernels:
        window, _, number = kernel.shape
        for f in range(number):
            bias = conv_bias[len(features)]
            responses = [
                max(0.0, float((kernel[:, :, f] * embedded[start : start + window]).sum() + bias))
                for start in range(len(tokens) - window + 1)
            ]
            features.append(max(responses))
    c = np.array(features)
    w_h, w_t = np.split(np.asarray(highway_kernel, np.float64), 2, axis=1)
    b_h, b_t = np.split(np.asarray(highway_bias, np.float64), 2)
    gate = sigmoid(c @ w_t + b_t)
    c = gate * np.maximum(0.0, c @ w_h + b_h) + (1.0 - gate) * c
    return float(c @ np.asarray(output_kernel, np.float64)[:, 0] + output_bias[0])


def max_over_time(embedded: np.ndarray, kernel: np.ndarray, upstream: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Largest response [n] of each filter [w, E, n] to any window of [T, E], and the gradients of upstream [n] in both.

    Windows that tie share the gradient.
    """
    width, _, number = kernel.shape
    starts = range(len(embedded) - width + 1)
    responses = np.array([[(kernel[:, :, f] * embedded[s : s + width]).sum() for f in range(number)] for s in starts])
    by_embedded, by_kernel = np.zeros_like(embedded), np.zeros_like(kernel)
    for f in range(number):
        tied = [s for s in starts if responses[s, f] == responses[:, f].max()]
        for s in tied:
            by_embedded[s : s + width] += upstream[f] / len(tied) * kernel[:, :, f]
            by_kernel[:, :, f] += upstream[f] / len(tied) * embedded[s : s + width]
    return responses.max(axis=0), by_embedded, by_kernel


def adam(weight: np.ndarray, gradients: Sequence[np.ndarray], learning_rate: float) -> np.ndarray:
    """The weight after those steps of Kingma and Ba's algorithm, in the form with ε̂ at the end of their section 2."""
    m = v = np.zeros_like(weight)
    for t, gradient in enumerate(gradients, start=1):
        m = 0.9 * m + 0.1 * gradient
        v = 0.999 * v + 0.001 * gradient**2
        weight = weight - learning_rate * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-8)
    return weight


def rmsprop(weight: np.ndarray, gradients: Sequence[np.ndarray], learning_rate: float) -> np.ndarray:
    """The weight after those steps of Tieleman and Hinton's rule with decay 0.9."""
    square = np.zeros_like(weight)
    for gradient in gradients:
        square = 0.9 * square + 0.1 * gradient**2
        weight = weight - learning_rate * gradient / np.sqrt(square + 1e-7)
    return weight
