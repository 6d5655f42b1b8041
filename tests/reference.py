"""Slow, literal NumPy versions of what the fast paths compute: one sequence, one token, one rollout at a time."""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

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


def gru_step(x: np.ndarray, h: np.ndarray, kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """One GRU step (Cho et al. 2014), gates in the order z, r, h: x [E] and h [H] → h.

    The reset gate acts on the product with h, not on h before it (Keras's and cuDNN's form), so that bias [2, 3H] has two rows.
    """
    z_x, r_x, g_x = np.split(x @ kernel + bias[0], 3)
    z_h, r_h, g_h = np.split(h @ recurrent + bias[1], 3)
    z, r = sigmoid(z_x + z_h), sigmoid(r_x + r_h)
    return z * h + (1.0 - z) * np.tanh(g_x + r * g_h)


def attention_outputs(block: dict[str, np.ndarray], inputs: np.ndarray, heads: int) -> np.ndarray:
    """A causal block's outputs [T, H] for inputs [T, E], one position and one head at a time (Vaswani et al. 2017)."""

    def normed(x: np.ndarray, gain: np.ndarray) -> np.ndarray:
        return (x - x.mean()) / np.sqrt(x.var() + 1e-5) * (1.0 + gain)

    units = block["output_gain"].shape[0]
    size = units // heads
    x = [row @ block["input_kernel"] + block["positions"][t] for t, row in enumerate(inputs)]
    queries, keys, values = zip(
        *(np.split(normed(row, block["attention_gain"]) @ block["queries_keys_values"], 3) for row in x), strict=True
    )
    outputs = []
    for t, row in enumerate(x):
        attended = np.zeros(units)
        for head in range(heads):
            own = slice(head * size, (head + 1) * size)
            share = softmax(np.array([queries[t][own] @ keys[s][own] / np.sqrt(size) for s in range(t + 1)]))
            attended[own] = sum(share[s] * values[s][own] for s in range(t + 1))
        row = row + attended @ block["attended_kernel"]
        hidden = np.maximum(0.0, normed(row, block["hidden_gain"]) @ block["hidden_kernel"] + block["hidden_bias"])
        outputs.append(normed(row + hidden @ block["output_kernel"], block["output_gain"]))
    return np.array(outputs)


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


def weighted_nll_gradients(
    weights: Sequence[np.ndarray],
    tokens: Sequence[int],
    token_weights: Sequence[float],
    read: Sequence[int] | None = None,
) -> tuple[float, list[np.ndarray]]:
    """Σ_t weight_t · −log G(y_t | Y₁:t-1) of one sequence [T], and its gradients in the six weights of `next_logits`.

    `read`: what is read instead of the sequence, which then is only what should have been said.

    Back through time, one step at a time: what reaches a step's h and c [H] passes through its gates [4H] to the step before.
    """
    wide = [np.asarray(w, np.float64) for w in weights]
    embeddings, kernel, recurrent, bias, output_kernel, output_bias = wide
    h = c = np.zeros(recurrent.shape[0])
    inputs = [0, *(tokens if read is None else read)[:-1]]  # 0 is the start input
    total, kept = 0.0, []
    for last, token, weight in zip(inputs, tokens, token_weights, strict=True):
        i, f, g, o = np.split(embeddings[last] @ kernel + h @ recurrent + bias, 4)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        h_before, c_before = h, c
        c = f * c_before + i * g
        h = o * np.tanh(c)
        logits = h @ output_kernel + output_bias
        total += float(weight * (logits.max() + np.log(np.exp(logits - logits.max()).sum()) - logits[token]))
        slope = weight * softmax(logits)
        slope[token] -= weight
        kept.append((i, f, g, o, h_before, c_before, h, c, slope))
    gradients = [np.zeros_like(w) for w in wide]
    by_embeddings, by_kernel, by_recurrent, by_bias, by_output_kernel, by_output_bias = gradients
    by_h = by_c = np.zeros_like(h)
    for last, (i, f, g, o, h_before, c_before, h, c, slope) in zip(reversed(inputs), reversed(kept), strict=True):
        by_output_kernel += np.outer(h, slope)
        by_output_bias += slope
        by_h = by_h + output_kernel @ slope
        by_c = by_c + by_h * o * (1.0 - np.tanh(c) ** 2)
        by_i, by_f, by_g, by_o = by_c * g, by_c * c_before, by_c * i, by_h * np.tanh(c)
        by_gates = np.concatenate([by_i * i * (1.0 - i), by_f * f * (1.0 - f), by_g * (1.0 - g**2), by_o * o * (1.0 - o)])
        by_embeddings[last] += kernel @ by_gates
        by_kernel += np.outer(embeddings[last], by_gates)
        by_recurrent += np.outer(h_before, by_gates)
        by_bias += by_gates
        by_h, by_c = recurrent @ by_gates, by_c * f
    return total, gradients


def truncated(
    logits: Sequence[float],
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    min_p: float = 0.0,
    masked: Sequence[int] = (),
) -> dict[int, float]:
    """The probability of every token that may be drawn, each step renormalised before the next, ties by the smaller id.

    A mass, or a probability, that misses its bound by less than a millionth of it reaches it: float32 rounds.
    """
    scaled = [float(logit) / temperature for logit in logits]
    highest = max(x for i, x in enumerate(scaled) if i not in masked)

    def renormalised(weights: dict[int, float]) -> dict[int, float]:
        return {i: weight / sum(weights.values()) for i, weight in weights.items()}

    left = renormalised({i: float(np.exp(x - highest)) for i, x in enumerate(scaled) if i not in masked})
    likeliest = sorted(left, key=lambda i: (-left[i], i))
    if top_k:
        likeliest = likeliest[:top_k]
        left = renormalised({i: left[i] for i in likeliest})
    if top_p < 1.0:
        number = next(n for n in range(1, len(left) + 1) if sum(left[i] for i in likeliest[:n]) >= top_p * (1 - 1e-6))
        likeliest = likeliest[:number]
        left = renormalised({i: left[i] for i in likeliest})
    most = left[likeliest[0]]
    return renormalised({i: left[i] for i in likeliest if left[i] >= min_p * most * (1 - 1e-6)})


def sequence_distribution(
    weights: Sequence[np.ndarray], length: int, special: bool, ends: bool, **how: Any
) -> dict[tuple[int, ...], float]:
    """The probability of every sequence that `truncated` tokens can make; `special`: ids 0, 1, 2 are <pad>, <eos>, <unk>."""
    masked = (0, 2) if ends else (0, 1, 2) if special else ()
    open_prefixes, finished = {(): 1.0}, dict[tuple[int, ...], float]()
    for t in range(length):
        longer: dict[tuple[int, ...], float] = {}
        for prefix, probability in open_prefixes.items():
            following = truncated(next_logits(weights, prefix), **how, masked=masked)
            if ends and t == length - 1:
                following = {1: 1.0}
            for token, share in following.items():
                if ends and token == 1:
                    finished[(*prefix, 1, *(0,) * (length - t - 1))] = probability * share
                else:
                    longer[(*prefix, token)] = probability * share
        open_prefixes = longer
    return finished | open_prefixes


def draw_token(logits: np.ndarray, uniform: float) -> int:
    """The first token at which the cumulative softmax passes the uniform number."""
    return int((np.cumsum(softmax(logits)) <= uniform).sum())


def sample_sequence(
    weights: Sequence[np.ndarray], length: int, uniforms: Sequence[float], prefix: Sequence[int] = ()
) -> list[int]:
    """The prefix, extended to `length` tokens: it is read from the start input on, then every token drawn is read in its turn.

    `uniforms` has a number for every position of the sequence; those of the prefix are not used.
    """
    embeddings, kernel, recurrent, bias, output_kernel, output_bias = (np.asarray(w, np.float64) for w in weights)
    h = c = np.zeros(recurrent.shape[0])
    sequence: list[int] = []
    for t in range(length):
        last = sequence[-1] if sequence else 0  # 0 is the start input
        h, c = lstm_step(embeddings[last], h, c, kernel, recurrent, bias)
        known = t < len(prefix)
        sequence.append(int(prefix[t]) if known else draw_token(h @ output_kernel + output_bias, uniforms[t]))
    return sequence


def sample_text(weights: Sequence[np.ndarray], length: int, uniforms: Sequence[float], ends: bool) -> list[int]:
    """A sequence of text, where 0 is `<pad>`, 1 `<eos>`, 2 `<unk>`: neither 0 nor 2 is drawn, nor 1 unless it `ends`.

    After 1 there is 0; at the last place, if it has not ended, there is 1.
    """
    sequence: list[int] = []
    for t in range(length):
        if 1 in sequence:
            sequence.append(0)
        elif ends and t == length - 1:
            sequence.append(1)
        else:
            logits = next_logits(weights, sequence)
            logits[[0, 2] if ends else [0, 1, 2]] = -np.inf
            sequence.append(draw_token(logits, uniforms[t]))
    return sequence


def text_probability(weights: Sequence[np.ndarray], words: Sequence[int], length: int) -> float:
    """That `sample_text` of sequences that end draws these ordinary tokens, less than `length`."""
    probability = 1.0
    for t, token in enumerate([*words, 1][: length - 1]):
        logits = next_logits(weights, words[:t])
        logits[[0, 2]] = -np.inf
        probability *= float(softmax(logits)[token])
    return probability


def scheduled_sampling_inputs(
    weights: Sequence[np.ndarray],
    tokens: Sequence[int],
    teacher_forcing_prob: float,
    coins: Sequence[float],
    uniforms: Sequence[float],
    impossible: Sequence[int] = (),
) -> list[int]:
    """What scheduled sampling reads of one sequence [T]: a coin a token decides between the true one and one of its own.

    Its own is drawn after all that was read before. The last is the true token. The cell is told by its bias; tokens that are
    `impossible` are never drawn.
    """
    embeddings, kernel, recurrent, bias, output_kernel, output_bias = (np.asarray(w, np.float64) for w in weights)
    h = c = np.zeros(recurrent.shape[0])
    read: list[int] = []
    for t in range(len(tokens) - 1):
        x = embeddings[read[-1] if read else 0]  # 0 is the start input
        if bias.ndim == 2:
            h = gru_step(x, h, kernel, recurrent, bias)
        else:
            h, c = lstm_step(x, h, c, kernel, recurrent, bias)
        logits = h @ output_kernel + output_bias
        logits[list(impossible)] = -np.inf
        read.append(int(tokens[t]) if coins[t] < teacher_forcing_prob else draw_token(logits, uniforms[t]))
    return [*read, int(tokens[-1])]


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


def action_values(
    weights: Sequence[np.ndarray],
    tokens: Sequence[int],
    num_rollouts: int,
    reward: Callable[[Sequence[int]], float],
    draw: np.random.Generator,
) -> list[float]:
    """Eq. 4 for one sequence [T]: T estimates of Q, the t-th a mean reward over completions of the first t tokens.

    Each completion begins anew at the start input; the last value is the reward of the sequence itself. Without rollouts all
    values are.
    """
    if num_rollouts == 0:
        return [float(reward(tokens)) for _ in tokens]
    values = []
    for t in range(1, len(tokens)):
        completed = (sample_sequence(weights, len(tokens), draw.random(len(tokens)), tokens[:t]) for _ in range(num_rollouts))
        values.append(float(sum(map(reward, completed))) / num_rollouts)
    return [*values, float(reward(tokens))]


def penalised_action_values(
    batch: Sequence[Sequence[int]],
    completions: Sequence[Sequence[Sequence[Sequence[int]]]],
    reward: Callable[[Sequence[int]], float],
) -> list[list[float]]:
    """Eq. 4 for a batch with ORGAN's penalty: the reward of a sequence is divided by the number of its copies in the batch.

    `completions[i][t - 1]` are those of the first t tokens of sequence i. One that the batch does not have is worth all of its
    reward: it is no copy.
    """

    def worth(sequence: Sequence[int]) -> float:
        copies = 0
        for other in batch:
            if list(other) == list(sequence):
                copies += 1
        return float(reward(sequence)) / (copies if copies else 1)

    values = []
    for i, own in enumerate(batch):
        means = []
        for completed in completions[i]:
            total = 0.0
            for sequence in completed:
                total += worth(sequence)
            means.append(total / len(completed))
        values.append([*means, worth(own)])
    return values


def advantages(
    values: Sequence[Sequence[float]], costs: Sequence[Sequence[float]], leave_one_out: bool
) -> list[list[float]]:
    """What each token's return exceeds the mean return of the batch, or of its other sequences, by.

    Of sequence i `values[i]` is the action value of each of its tokens, `costs[i]` what each costs by itself. Its return at a
    position t is values[i][t] less what its tokens from t on cost. Where it has ended before t, it is worth what it ended with
    and has no token left to pay for.
    """

    def back(i: int, t: int) -> float:
        worth = values[i][t] if t < len(values[i]) else values[i][-1]
        return float(worth) - sum(float(cost) for cost in costs[i][t:])

    result = []
    for i, own in enumerate(values):
        compared = [j for j in range(len(values)) if not (leave_one_out and j == i)]
        result.append([back(i, t) - sum(back(j, t) for j in compared) / len(compared) for t in range(len(own))])
    return result


def log_probabilities(weights: Sequence[np.ndarray], words: Sequence[int], length: int) -> list[float]:
    """log G of every token of a text that ends in 1: neither 0 nor 2 is drawn, and at the last place 1 is certain."""
    found = []
    for t, token in enumerate(words):
        logits = next_logits(weights, words[:t])
        logits[[0, 2]] = -np.inf
        found.append(0.0 if t == length - 1 else float(np.log(softmax(logits)[token])))
    return found


def clipped_surrogate(
    weights: Sequence[np.ndarray],
    texts: Sequence[Sequence[int]],
    advantages: Sequence[Sequence[float]],
    before: Sequence[Sequence[float]],
    clip: float,
    length: int,
) -> tuple[float, list[float]]:
    """Σ min(ρ A, clip(ρ, 1-ε, 1+ε) A) over all tokens (Schulman et al. 2017, Eq. 7, as a sum), and every ρ."""
    total, ratios = 0.0, []
    for words, gains, old in zip(texts, advantages, before, strict=True):
        for new_log, gain, old_log in zip(log_probabilities(weights, words, length), gains, old, strict=True):
            ratio = math.exp(new_log - old_log)
            total += min(ratio * gain, min(max(ratio, 1.0 - clip), 1.0 + clip) * gain)
            ratios.append(ratio)
    return total, ratios


def slopes(function: Callable[[Sequence[np.ndarray]], float], weights: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The gradient of a function of weights by central differences."""
    wide, found = [np.array(weight, np.float64) for weight in weights], []
    for weight in wide:
        gradient = np.zeros_like(weight)
        for place in np.ndindex(*weight.shape):
            value, step = weight[place], 1e-6
            weight[place] = value + step
            above = function(wide)
            weight[place] = value - step
            gradient[place] = (above - function(wide)) / (2 * step)
            weight[place] = value
        found.append(gradient)
    return found


def proximal_steps(
    weights: Sequence[np.ndarray],
    texts: Sequence[Sequence[int]],
    advantages: Sequence[Sequence[float]],
    clip: float,
    epochs: int,
    learning_rate: float,
    clip_norm: float,
    length: int,
) -> tuple[list[list[np.ndarray]], list[list[float]]]:
    """The weights after each of the steps of PPO on one batch, by Adam, and the ratios that each step met."""
    before = [log_probabilities(weights, words, length) for words in texts]
    start = [np.array(weight, np.float64) for weight in weights]
    now, taken, after, met = start, list[list[np.ndarray]](), [], []
    for _ in range(epochs):
        met.append(clipped_surrogate(now, texts, advantages, before, clip, length)[1])
        down = slopes(lambda w: -clipped_surrogate(w, texts, advantages, before, clip, length)[0], now)
        norm = math.sqrt(sum(float((gradient**2).sum()) for gradient in down))
        taken.append([gradient * min(1.0, clip_norm / norm) for gradient in down])
        now = [adam(weight, [step[i] for step in taken], learning_rate) for i, weight in enumerate(start)]
        after.append(now)
    return after, met


def standardized(values: np.ndarray) -> np.ndarray:
    """Each action value [B, T] less the mean at its position, in standard deviations there; 0 where all are alike."""
    result = np.zeros(values.shape)
    for i, t in np.ndindex(*values.shape):
        column = [float(value) for value in values[:, t]]
        mean = sum(column) / len(column)
        deviation = (sum((value - mean) ** 2 for value in column) / len(column)) ** 0.5
        result[i, t] = (column[i] - mean) / deviation if deviation else 0.0
    return result


def normalized(values: np.ndarray) -> np.ndarray:
    """MaliGAN: each action value [B, T] as a share of the sum at its position, times how many there are."""
    result = np.zeros(values.shape)
    for i, t in np.ndindex(*values.shape):
        result[i, t] = values[i, t] * len(values) / sum(float(value) for value in values[:, t])
    return result


def reward_to_go(rewards: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """What every token [B, T] and those after it earn."""
    result = np.zeros(rewards.shape)
    for i, t in np.ndindex(*rewards.shape):
        result[i, t] = sum(float(rewards[i, s]) for s in range(t, rewards.shape[1]) if mask[i, s])
    return result


def repeat_final_value(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Action values [B, T], those after a sequence's end being that of its last token."""
    result = values.copy()
    for i, t in np.ndindex(*values.shape):
        if not mask[i, t]:
            result[i, t] = result[i, t - 1]
    return result


def ngram_draw(sequences: Sequence[Sequence[int]], before: Sequence[int], order: int, uniform: float) -> int:
    """What follows the longest end of `before` that was seen, at one of its places in their order; None is the start."""
    for known in range(order - 1, -1, -1):
        context = ([None] * order + list(before))[-known:] if known else []
        next_tokens = []
        for sequence in sequences:
            padded = [None] * order + list(sequence)
            for place in range(order, len(padded)):
                if padded[place - known : place] == context:
                    next_tokens.append(padded[place])
        if next_tokens:
            return next_tokens[int(uniform * len(next_tokens))]
    raise ValueError("no data")


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
            features.append(max(responses, default=0.0))  # of a prefix shorter than the window: none
    c = np.array(features)
    w_h, w_t = np.split(np.asarray(highway_kernel, np.float64), 2, axis=1)
    b_h, b_t = np.split(np.asarray(highway_bias, np.float64), 2)
    gate = sigmoid(c @ w_t + b_t)
    c = gate * np.maximum(0.0, c @ w_h + b_h) + (1.0 - gate) * c
    return float(c @ np.asarray(output_kernel, np.float64)[:, 0] + output_bias[0])


def discriminator_gradients(
    tokens: Sequence[int],
    label: float,
    embedding: np.ndarray,
    kernels: Sequence[np.ndarray],
    conv_bias: np.ndarray,
    highway_kernel: np.ndarray,
    highway_bias: np.ndarray,
    output_kernel: np.ndarray,
    output_bias: np.ndarray,
) -> tuple[float, list[np.ndarray]]:
    """Cross entropy of the logit of one sequence [T] with its label, 0 or 1, and its gradients in the weights, as ordered here.

    Without dropout and L2. Of a filter's windows only that of the largest response has a gradient, and only if it passes ReLU.
    Windows of the same tokens tie, and it makes no difference which of them is taken.
    """
    embedding, conv_bias, highway_kernel, highway_bias, output_kernel, output_bias = (
        np.asarray(w, np.float64) for w in (embedding, conv_bias, highway_kernel, highway_bias, output_kernel, output_bias)
    )
    kernels = [np.asarray(kernel, np.float64) for kernel in kernels]
    embedded = embedding[list(tokens)]
    features, starts = [], []
    for kernel in kernels:
        window, _, number = kernel.shape
        for f in range(number):
            bias = conv_bias[len(features)]
            responses = [
                float((kernel[:, :, f] * embedded[start : start + window]).sum() + bias)
                for start in range(len(tokens) - window + 1)
            ]
            features.append(max(0.0, *responses))
            starts.append(responses.index(max(responses)))
    c = np.array(features)
    w_h, w_t = np.split(highway_kernel, 2, axis=1)
    b_h, b_t = np.split(highway_bias, 2)
    gate, transformed = sigmoid(c @ w_t + b_t), np.maximum(0.0, c @ w_h + b_h)
    mixed = gate * transformed + (1.0 - gate) * c
    logit = float(mixed @ output_kernel[:, 0] + output_bias[0])
    loss = float(np.logaddexp(0.0, logit)) - label * logit

    by_logit = float(sigmoid(np.array(logit))) - label
    by_mixed = by_logit * output_kernel[:, 0]
    by_h = by_mixed * gate * (transformed > 0)
    by_t = by_mixed * (transformed - c) * gate * (1.0 - gate)
    by_c = w_h @ by_h + w_t @ by_t + by_mixed * (1.0 - gate)
    by_responses = by_c * (c > 0)
    by_embedding, by_kernels = np.zeros_like(embedding), [np.zeros_like(kernel) for kernel in kernels]
    feature = 0
    for kernel, by_kernel in zip(kernels, by_kernels, strict=True):
        window, _, number = kernel.shape
        for f in range(number):
            start, slope = starts[feature], by_responses[feature]
            by_kernel[:, :, f] = slope * embedded[start : start + window]
            for position in range(window):
                by_embedding[tokens[start + position]] += slope * kernel[position, :, f]
            feature += 1
    by_highway = np.concatenate([by_h, by_t])
    by_output = by_logit * mixed[:, None], np.array([by_logit])
    return loss, [by_embedding, *by_kernels, by_responses, np.outer(c, by_highway), by_highway, *by_output]


def rank(
    features: np.ndarray, references: np.ndarray, compared: np.ndarray, gamma: float
) -> float:
    """RankGAN's expected rank of one sequence's features [F] among those of real ones [C, F], over references [U, F]."""

    def cosine(a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    ranks = []
    for u in references:
        mine = np.exp(gamma * cosine(features, u))
        ranks.append(mine / (mine + sum(np.exp(gamma * cosine(c, u)) for c in compared)))
    return float(np.mean(ranks))


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


def adam(
    weight: np.ndarray, gradients: Sequence[np.ndarray], learning_rate: float, weight_decay: float = 0.0
) -> np.ndarray:
    """The weight after those steps of Kingma and Ba's algorithm, in the form with ε̂ at the end of their section 2.

    `weight_decay`: Loshchilov and Hutter's, apart from the gradient.
    """
    m = v = np.zeros_like(weight)
    for t, gradient in enumerate(gradients, start=1):
        m = 0.9 * m + 0.1 * gradient
        v = 0.999 * v + 0.001 * gradient**2
        weight = weight - learning_rate * weight_decay * weight
        weight = weight - learning_rate * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-8)
    return weight


def rmsprop(weight: np.ndarray, gradients: Sequence[np.ndarray], learning_rate: float) -> np.ndarray:
    """The weight after those steps of Tieleman and Hinton's rule with decay 0.9."""
    square = np.zeros_like(weight)
    for gradient in gradients:
        square = 0.9 * square + 0.1 * gradient**2
        weight = weight - learning_rate * gradient / np.sqrt(square + 1e-7)
    return weight


def ngrams(sequence: Sequence[int], n: int) -> list[tuple[int, ...]]:
    return [tuple(sequence[i : i + n]) for i in range(len(sequence) - n + 1)]


def clustered_error(sums: Sequence[float], lengths: Sequence[int], clusters: Sequence[int]) -> float:
    """Standard error of Σ sums / Σ lengths: every pair of residuals whose clusters are the same, one at a time.

    A residual's product with that of a sequence of another cluster has mean 0, with that of its own it may have any. Each is
    with the cluster's correction G / (G − 1).
    """
    ratio, number = sum(sums) / sum(lengths), len(set(clusters))
    together = 0.0
    for s, length, cluster in zip(sums, lengths, clusters, strict=True):
        for other_s, other_length, other in zip(sums, lengths, clusters, strict=True):
            if cluster == other:
                together += (s - ratio * length) * (other_s - ratio * other_length)
    return float(np.sqrt(max(0.0, together) * number / (number - 1))) / sum(lengths)


def distinct_n(sequences: Sequence[Sequence[int]], n: int) -> float:
    """Different n-grams over n-grams, those with a −1 left out; nan for none."""
    found = [ngram for sequence in sequences for ngram in ngrams(sequence, n) if -1 not in ngram]
    return len(set(found)) / len(found) if found else float("nan")


def longest_copied_run(sequence: Sequence[int], training: Sequence[Sequence[int]]) -> int:
    """Tokens of the longest run without a −1 that stands in one of the training sequences."""

    def found(n: int) -> set[tuple[int, ...]]:
        return {ngram for ngram in ngrams(sequence, n) if -1 not in ngram}

    runs = (n for n in range(len(sequence), 0, -1) if any(found(n) & {*ngrams(t, n)} for t in training))
    return next(runs, 0)


def nearest_window_mse(window: Sequence[int], heldout: Sequence[Sequence[int]]) -> float:
    """Smallest mean squared difference of a window of pitches to any held-out one."""
    return min(sum((x - y) ** 2 for x, y in zip(window, other, strict=True)) / len(window) for other in heldout)


def pitch_histogram_mse(samples: Sequence[Sequence[int]], heldout: Sequence[Sequence[int]]) -> float:
    """Mean over the 89 ids of the squared difference between their shares, in percentage points."""

    def share(windows: Sequence[Sequence[int]], pitch: int) -> float:
        pitches = [found for window in windows for found in window]
        return 100.0 * sum(found == pitch for found in pitches) / len(pitches)

    return sum((share(samples, pitch) - share(heldout, pitch)) ** 2 for pitch in range(89)) / 89


def pitches_of_steps(
    notes: Sequence[tuple[Any, Any, int]], step: Any, sampling: str, rests: str, until: Any
) -> list[int]:
    """Notes (start, end, MIDI note) in seconds, asked at every step which is heard, the highest of those that sound.

    `instant`: when the step begins. `longest`: in every stretch of it in which nothing begins or ends, and the key with the
    longest of these stretches together is the step's, of several the one that was heard first.
    """
    keys = [(start, stop, note - 20) for start, stop, note in notes if 21 <= note <= 108]
    last = max((stop for _, stop, _ in keys), default=0)
    sequence: list[int] = []
    if sampling == "instant":
        while len(sequence) * step < max(last, until if rests == "token" else 0):
            time = len(sequence) * step
            sequence.append(max((key for start, stop, key in keys if start <= time < stop), default=0))
    else:
        parts: dict[int, list[tuple[Any, Any, int]]] = {}
        for start, stop, key in keys:
            for part in parts_of_note(start, stop, key, step):
                parts.setdefault(part[0] // step, []).append(part)
        for number in range(math.ceil(max(last, until) / step)):
            heard: dict[int, Any] = {}
            own = parts.get(number, [])
            for begins, ends in itertools.pairwise(sorted({moment for start, stop, _ in own for moment in (start, stop)})):
                key = max((key for start, stop, key in own if start <= begins and ends <= stop), default=0)
                if key:
                    heard[key] = heard.get(key, 0) + ends - begins
            most = max(heard.values(), default=0)
            sequence.append(next((key for key, length in heard.items() if length == most), 0))
        # A last step of which the track has less than a tenth is none.
        stays = math.ceil(until / step - Fraction(1, 10)) if rests == "token" else 0
        while len(sequence) > stays and not sequence[-1]:
            sequence.pop()
    if not any(sequence):
        return []
    if rests == "hold":
        while not sequence[0]:
            del sequence[0]
        for i, pitch in enumerate(sequence):
            sequence[i] = pitch or sequence[i - 1]
    return sequence


def parts_of_note(start: Any, stop: Any, key: int, step: Any) -> list[tuple[Any, Any, int]]:
    """A note cut where steps begin, without parts of less than a tenth of a step, but with the first of its longest ones."""
    parts = []
    while start < stop:
        border = min(stop, (start // step + 1) * step)
        parts.append((start, border, key))
        start = border
    longest = max((ends - begins for begins, ends, _ in parts), default=0)
    first = next((part for part in parts if part[1] - part[0] == longest), None)
    return [part for part in parts if part == first or (part[1] - part[0]) * 10 >= step]


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Dowson and Landau's formula as it is written, each root from the eigenvalues of a symmetric matrix."""

    def root(matrix: np.ndarray) -> np.ndarray:
        values, vectors = np.linalg.eigh(matrix)
        return vectors @ np.diag(np.sqrt(np.maximum(values, 0.0))) @ vectors.T

    mean_a, mean_b = a.mean(axis=0), b.mean(axis=0)
    cov_a = sum(np.outer(x - mean_a, x - mean_a) for x in a) / (len(a) - 1)
    cov_b = sum(np.outer(x - mean_b, x - mean_b) for x in b) / (len(b) - 1)
    mixed = root(root(cov_a) @ cov_b @ root(cov_a))
    return float(((mean_a - mean_b) ** 2).sum() + np.trace(cov_a + cov_b - 2.0 * mixed))


def language(rules: Sequence[tuple[str, Sequence[str]]], start: str, longest: int) -> set[tuple[str, ...]]:
    """Every sentence of at most that many words that rules (left-hand side, right-hand side) make from the start symbol.

    A symbol with a rule is no word. Sentences of all symbols grow until nothing is added.
    """
    made: dict[str, set[tuple[str, ...]]] = {left: set() for left, _ in rules}
    while True:
        before = {left: set(found) for left, found in made.items()}
        for left, right in rules:
            sentences: set[tuple[str, ...]] = {()}
            for part in right:
                follow = made.get(part, {(part,)})
                sentences = {s + f for s in sentences for f in follow if len(s) + len(f) <= longest}
            made[left] |= sentences
        if made == before:
            return made[start]


def sentence_pieces(
    tokens: Sequence[str],
    longest: int,
    ends: Callable[[str], bool],
    closers: Sequence[str],
    leaning: Sequence[str],
    before_space: Sequence[str] = (),
) -> list[list[str]]:
    """One document in pieces of at most `longest` tokens, a token at a time.

    ends: whether a token ends a sentence; closers: what belongs to the sentence that it follows; leaning: what a piece does not
    begin with, unless all that it could begin with is; before_space: tokens that end a sentence only where a space follows, or
    closers and a space.
    """
    stops = set()
    for place, token in enumerate(tokens):
        if ends(token):
            after = place + 1
            while after < len(tokens) and tokens[after] in closers:
                after += 1
            if token not in before_space or tokens[after - 1] == " ":
                stops.add(after)
    pieces, begin = [], 0
    while len(tokens) - begin > longest:
        possible = range(begin + longest, begin, -1)
        after_sentences = (place for place in possible if place in stops)
        before_words = (place for place in possible if tokens[place] not in leaning)
        next_begin = next(after_sentences, next(before_words, begin + longest))
        pieces.append(list(tokens[begin:next_begin]))
        begin = next_begin
    return [*pieces, list(tokens[begin:])]


def streamed_batches(
    tables: Sequence[np.ndarray],
    files: int,
    batch_size: int,
    passes: int,
    order_of_files: Callable[[int], Sequence[int]],
    order_within: Callable[[int, int], Sequence[int]],
) -> Iterator[np.ndarray]:
    """Batches [B, T] of so many passes over files of sequences, everything held at once.

    A pass takes so many files at a time, each shuffled by itself; of a batch, file i has the rows from B·i/files to
    B·(i + 1)/files, rounded down. What the shortest file does not have for one more batch is left in all.
    """
    bounds = [batch_size * i // files for i in range(files + 1)]
    most = max(last - first for first, last in itertools.pairwise(bounds))
    steps = min(map(len, tables)) // most
    for number in range(passes):
        order = order_of_files(number)
        for start in range(0, len(tables), files):
            shuffled = [[tables[file][row] for row in order_within(number, file)] for file in order[start : start + files]]
            for step in range(steps):
                batch = []
                for (first, last), rows in zip(itertools.pairwise(bounds), shuffled, strict=True):
                    batch += rows[step * (last - first) : (step + 1) * (last - first)]
                yield np.array(batch)
