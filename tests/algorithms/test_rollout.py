"""The rollout search against full enumeration, and the rollout policy's lag."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import reference
from seqgan_cli.algorithms import rollout
from seqgan_cli.algorithms.rollout import ActionValues, NetworkPolicy, NgramPolicy
from seqgan_cli.config.sections import GeneratorSettings
from seqgan_cli.data.vocabulary import EOS, PAD, UNK, Vocabulary
from seqgan_cli.evaluation.logits import scores
from seqgan_cli.models.discriminator import Discriminator
from seqgan_cli.models.discriminators.convolutional import ConvolutionalSettings
from seqgan_cli.models.generator import Generator
from seqgan_cli.models.ngram import NgramModel
from seqgan_cli.randomness import key, rng
from seqgan_cli.rewards.base import Reward
from seqgan_cli.rewards.controls import ConstantReward, RandomReward
from seqgan_cli.rewards.discriminator import DiscriminatorReward
from seqgan_cli.sampling.sequences import sample, sample_batch

pytestmark = pytest.mark.usefixtures("quickly")


def make(vocabulary: Vocabulary, length: int, cell: str = "lstm", stddev: float = 1.0) -> Generator:
    generator = Generator(vocabulary, length, GeneratorSettings(embedding_dim=3, hidden_dim=4, cell=cell))
    generator.initialise(rng(0, "test"), stddev)
    return generator


class TableReward(Reward):
    """A reward looked up by the sequence's own number in base V: no two sequences share one."""

    def __init__(self, vocab_size: int, length: int) -> None:
        self.powers = vocab_size ** np.arange(length)[::-1]
        self.table = rng(0, "rewards").uniform(0.0, 1.0, vocab_size**length).astype(np.float32)

    def of(self, sequence: tuple[int, ...]) -> float:
        return float(self.table[int((np.array(sequence) * self.powers).sum())])

    def __call__(self, tokens: Any, key: Any) -> Any:
        return tf.gather(self.table, tf.reduce_sum(tokens * tf.constant(self.powers, tf.int32), axis=1))


def test_every_q_of_a_tiny_policy_equals_enumeration() -> None:
    """V = 2, T = 3, all eight sequences in one batch: a reward given to a wrong token or sequence would show."""
    generator = make(Vocabulary(size=2), 3)
    weights = [variable.numpy() for variable in generator.trainable_variables]
    reward = TableReward(2, 3)
    tokens = np.array(list(reference.all_sequences(2, 3)), np.int32)
    exact = np.array([[reference.action_value(weights, row[:t], 3, reward.of) for t in (1, 2, 3)] for row in tokens.tolist()])
    rollouts = 4000
    values = ActionValues(NetworkPolicy(generator), reward, rollouts)(tokens, key(0, "q")).numpy()
    np.testing.assert_allclose(values[:, 2], exact[:, 2], rtol=1e-6)  # the last is no estimate
    # A mean of N values in [0, 1] errs by at most 0.5/√N standard errors; 16 estimates, five of them.
    np.testing.assert_allclose(values, exact, atol=5 * 0.5 / np.sqrt(rollouts))
    assert np.abs(exact - exact.mean(axis=0)).max() > 10 * 0.5 / np.sqrt(rollouts)  # the table tells tokens apart


@pytest.mark.compiled
def test_estimates_agree_with_the_literal_search() -> None:
    """V = 3, T = 4: the difference of two means of N and M rewards has variance σ² (1/N + 1/M), and σ² is known exactly."""
    generator = make(Vocabulary(size=3), 4)
    weights = [variable.numpy() for variable in generator.trainable_variables]
    reward = TableReward(3, 4)
    tokens = np.array([[0, 1, 2, 0], [2, 2, 0, 1], [1, 0, 0, 2]], np.int32)
    many, few = 20_000, 1500
    values = ActionValues(NetworkPolicy(generator), reward, many)(tokens, key(0, "q")).numpy()
    literal = np.array([reference.action_values(weights, row, few, reward.of, rng(0, "q", i)) for i, row in enumerate(tokens)])
    np.testing.assert_allclose(values[:, 3], literal[:, 3], rtol=1e-6)  # the last is no estimate

    def moment(power: int) -> np.ndarray:
        return np.array(
            [
                [reference.action_value(weights, row[:t], 4, lambda s: reward.of(s) ** power) for t in (1, 2, 3)]
                for row in tokens
            ]
        )

    error = np.sqrt((moment(2) - moment(1) ** 2) * (1 / many + 1 / few))
    assert (np.abs(values - literal)[:, :3] < 5 * error).all()
    assert (np.ptp(moment(1), axis=0) > 5 * error.max()).all()  # the table tells sequences apart


def test_completions_equal_the_literal_ones_for_the_same_uniform_numbers() -> None:
    """But for the few numbers that fall within rounding of a boundary (none in these)."""
    generator = make(Vocabulary(size=7), 5)
    weights = [variable.numpy() for variable in generator.trainable_variables]
    tokens = rng(1, "tokens").integers(0, 7, (6, 5)).astype(np.int32)
    continuations = NetworkPolicy(generator).sample_continuations(tokens, key(0, "r")).numpy()
    # Position t is drawn for the t shorter prefixes of all sequences together, the shortest first.
    uniforms = np.zeros((4, 6, 5))
    for t in range(1, 5):
        drawn = tf.random.stateless_uniform([t * 6, 1], tf.random.experimental.stateless_fold_in(key(0, "r"), t))
        uniforms[:t, :, t] = drawn.numpy().reshape(t, 6)
    for t in range(1, 5):
        for c, row in enumerate(tokens.tolist()):
            expected = reference.sample_sequence(weights, 5, uniforms[t - 1, c].tolist(), row[:t])
            assert continuations[t - 1, c].tolist() == expected


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("length", [1, 4])
def test_without_rollouts_every_token_gets_the_reward_of_the_finished_sequence(
    length: int, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the literal search; and nothing is completed."""
    generator = make(Vocabulary(size=3), length)
    weights = [variable.numpy() for variable in generator.trainable_variables]
    reward = TableReward(3, length)
    tokens = sample(generator, 6, key(0, "x"))
    expected = [reference.action_values(weights, row, 0, lambda s: reward.of(tuple(s)), rng(0, "r")) for row in tokens.tolist()]
    assert len({tuple(row) for row in expected}) > 1

    def sample_continuations(*_: Any) -> None:
        pytest.fail("a rollout")

    policy = NetworkPolicy(generator)
    monkeypatch.setattr(policy, "sample_continuations", sample_continuations)
    monkeypatch.setattr(policy.network, "step", sample_continuations)
    search = ActionValues(policy, reward, 0)
    tf.config.run_functions_eagerly(not compiled)
    try:
        values = search(tokens, key(0, "q"))
    finally:
        tf.config.run_functions_eagerly(False)
    assert values.dtype == tf.float32
    np.testing.assert_allclose(values, expected, rtol=1e-6)


def test_without_rollouts_the_discriminator_scores_each_sequence_once_and_no_gradient_flows() -> None:
    generator = make(Vocabulary(["a", "b"]), 6, stddev=0.3)
    discriminator = Discriminator(generator.vocabulary, 6, ConvolutionalSettings(embedding_dim=4, filters="1:3,2:2"))
    discriminator.initialise(rng(0, "d"))
    tokens = sample(generator, 10, key(0, "x"))
    policy = NetworkPolicy(generator)
    with tf.GradientTape() as tape:
        values = ActionValues(policy, DiscriminatorReward(discriminator), 0)(tokens, key(0, "q"))
        total = tf.reduce_sum(values)
    np.testing.assert_allclose(values, np.repeat(scores(discriminator, tokens)[:, None], 6, axis=1), rtol=1e-5)
    assert np.ptp(values[:, 0]) > 0
    variables = [*discriminator.trainable_variables, *policy.network.trainable_variables]
    assert tape.gradient(total, variables) == [None] * len(variables)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("length", [2, 5])
def test_prefixes_are_preserved(cell: str, length: int) -> None:
    generator = make(Vocabulary(size=6), length, cell)
    tokens = sample(generator, 7, key(0, "x"))
    continuations = NetworkPolicy(generator).sample_continuations(tokens, key(0, "r")).numpy()
    assert continuations.shape == (length - 1, 7, length)
    for t in range(1, length):
        np.testing.assert_array_equal(continuations[t - 1, :, :t], tokens[:, :t])
    if length > 2:
        assert (continuations[0, :, 1:] != tokens[:, 1:]).any()


def test_a_certain_policy_is_followed_to_the_letter() -> None:
    """A policy that always says the last token plus one completes every prefix in the one way possible."""
    generator = Generator(Vocabulary(size=6), 5, GeneratorSettings(embedding_dim=6, hidden_dim=6, cell="gru"))

    def step(tokens: Any, state: list) -> tuple[Any, list]:
        return tf.one_hot((tokens + 1) % 6, 6) * 1e9, state

    policy = NetworkPolicy(generator)
    policy.network.step = step
    policy.network.policy_logits = lambda outputs: outputs
    tokens = np.array([[3, 0, 2, 2, 1], [5, 5, 5, 5, 5]], np.int32)
    continuations = policy.sample_continuations(tokens, key(0, "r")).numpy()
    assert continuations[:, 0].tolist() == [[3, 4, 5, 0, 1], [3, 0, 1, 2, 3], [3, 0, 2, 3, 4], [3, 0, 2, 2, 3]]
    assert continuations[:, 1].tolist() == [[5, 0, 1, 2, 3], [5, 5, 0, 1, 2], [5, 5, 5, 0, 1], [5, 5, 5, 5, 0]]


def test_completions_have_the_policys_frequencies() -> None:
    generator = make(Vocabulary(size=3), 3)
    weights = [variable.numpy() for variable in generator.trainable_variables]
    tokens = np.tile(np.array([[2, 0, 1]], np.int32), (20_000, 1))
    continuations = NetworkPolicy(generator).sample_continuations(tokens, key(0, "r")).numpy()
    for t in (1, 2):
        following = np.bincount(continuations[t - 1, :, t], minlength=3) / 20_000
        np.testing.assert_allclose(following, reference.softmax(reference.next_logits(weights, tokens[0, :t])), atol=0.02)


def test_last_action_value_is_the_discriminators_score() -> None:
    generator = make(Vocabulary(size=9), 5)
    settings = ConvolutionalSettings(embedding_dim=4, filters="1:3,2:2", dropout=0.5)
    discriminator = Discriminator(generator.vocabulary, 5, settings)
    discriminator.initialise(rng(0, "d"))
    tokens = sample(generator, 10, key(0, "x"))
    values = ActionValues(NetworkPolicy(generator), DiscriminatorReward(discriminator), 3)(tokens, key(0, "q")).numpy()
    np.testing.assert_allclose(values[:, -1], scores(discriminator, tokens), rtol=1e-5)  # dropout is off for both
    assert np.ptp(values[:, 0]) > 0


@pytest.mark.parametrize("ends", [True, False], ids=["lines", "poems"])
@pytest.mark.parametrize("rollout", ["generator", "ngram"])
def test_no_completion_is_longer_than_may_be(rollout: str, ends: bool) -> None:
    """The last place of a line is that of its `<eos>`, whatever draws it; a poem fills all places."""
    generator = make(Vocabulary(["a", "b", "c"], has_eos=ends), 5, stddev=0.3)
    tokens = np.array([[3, 4, 5, 3, EOS], [4, 4, 4, 4, EOS]] * 30 if ends else [[3, 4, 5, 3, 4]] * 60, np.int32)
    policy = NetworkPolicy(generator) if rollout == "generator" else NgramPolicy(generator.vocabulary, tokens)
    continuations = policy.sample_continuations(tokens, key(0, "r")).numpy().reshape(-1, 5)
    assert (generator.vocabulary.length(continuations) <= (4 if ends else 5)).all()
    assert ((continuations == EOS).sum(axis=1) == ends).all()


def test_nothing_follows_the_end() -> None:
    generator = make(Vocabulary(["a", "b"]), 6, stddev=0.3)
    tokens = np.array([[3, 4, EOS, PAD, PAD, PAD], [4, EOS, PAD, PAD, PAD, PAD], [3, 3, 3, 4, 4, 4]] * 30, np.int32)
    continuations = NetworkPolicy(generator).sample_continuations(tokens, key(0, "r")).numpy()
    for c, row in enumerate(tokens):
        for t in range(1, 6):
            if EOS in row[:t]:
                np.testing.assert_array_equal(continuations[t - 1, c], row)
    flat = continuations.reshape(-1, 6)
    ended = np.cumsum(flat == EOS, axis=1) - (flat == EOS) > 0
    assert (flat[ended] == PAD).all()
    assert (flat[~ended] != PAD).all()
    assert not (flat == UNK).any()
    assert (flat == EOS).any(axis=1).mean() > 0.5


def test_chunks_do_not_mix_up_sequences() -> None:
    """Whatever the chunk, each token gets the reward of its own sequence: here the first token, which rollouts keep."""

    class FirstToken(Reward):
        def __call__(self, tokens: Any, key: Any) -> Any:
            return tf.cast(tokens[:, 0], tf.float32)

    generator = make(Vocabulary(size=9), 4)
    tokens = sample(generator, 7, key(0, "x"))
    for chunk in (1, 2, 5, 21, 100):
        search = ActionValues(NetworkPolicy(generator), FirstToken(), 3)
        search.chunk = chunk
        np.testing.assert_array_equal(search(tokens, key(0, "q")), np.repeat(tokens[:, :1], 4, axis=1))


@pytest.mark.compiled
@pytest.mark.sampled(1)
@pytest.mark.parametrize(("chunk", "together"), [(1, 1), (2, 5), (5, 10), (21, 1), (100, 100), (4, 9)])
@pytest.mark.parametrize("vocabulary", [Vocabulary(size=9), Vocabulary(["a", "b", "c"])], ids=["ids", "text"])
def test_sharing_prefixes_changes_no_action_value(
    vocabulary: Vocabulary, chunk: int, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same completions, each read whole by the discriminator, however many are gathered before they are scored."""
    monkeypatch.setattr(rollout, "COMPLETIONS_AT_ONCE", together)
    generator = make(vocabulary, 6, stddev=0.5)
    settings = ConvolutionalSettings(embedding_dim=4, filters="1:3,2:2,4:5,6:3")
    discriminator = Discriminator(vocabulary, 6, settings)
    discriminator.initialise(rng(0, "d"))

    class OneByOne(Reward):
        def __call__(self, tokens: Any, key: Any) -> Any:
            return tf.sigmoid(discriminator(tokens))

    tokens = sample(generator, 7, key(0, "x"))
    values = []
    for reward in (DiscriminatorReward(discriminator), OneByOne()):
        search = ActionValues(NetworkPolicy(generator), reward, 3)
        search.chunk = chunk
        values.append(search(tokens, key(0, "q")).numpy())
    np.testing.assert_allclose(values[0], values[1], rtol=1e-5)
    assert np.ptp(values[0]) > 0.01


def test_a_chunk_that_is_not_full_reads_no_sequence_but_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Surplus pairs of the last chunk repeat its last sequence: starting again at the first would bring in the whole batch."""
    generator = make(Vocabulary(size=9), 4)
    seen: list[int] = []

    class Counting(DiscriminatorReward):
        def score_continuations(self, tokens: Any, source_ids: Any, continuations: Any, key: Any) -> Any:
            seen.append(len(tokens))
            return super().score_continuations(tokens, source_ids, continuations, key)

    discriminator = Discriminator(generator.vocabulary, 4, ConvolutionalSettings(embedding_dim=4, filters="1:3,2:2"))
    discriminator.initialise(rng(0, "d"))
    search = ActionValues(NetworkPolicy(generator), Counting(discriminator), 2)
    search.chunk = 4
    monkeypatch.setattr(rollout, "COMPLETIONS_AT_ONCE", 1)
    tf.config.run_functions_eagerly(True)
    try:
        search(sample(generator, 7, key(0, "x")), key(0, "q"))
    finally:
        tf.config.run_functions_eagerly(False)
    assert sum(seen) <= 7 + len(seen)  # a sequence may be in two chunks
    assert max(seen) <= 3


@pytest.mark.compiled
def test_compiled_once_and_equal_to_eager() -> None:
    generator = make(Vocabulary(size=9), 5)
    search = ActionValues(NetworkPolicy(generator), TableReward(9, 5), 4)
    search.chunk = 5
    first = search(sample_batch(generator, 6, key(0, "x")), key(0, "q")).numpy()
    for i in range(3):
        search(sample_batch(generator, 6, key(i, "y")), key(i, "q"))
    assert search.__call__.experimental_get_tracing_count() == 1
    tf.config.run_functions_eagerly(True)
    try:
        again = search(sample_batch(generator, 6, key(0, "x")), key(0, "q")).numpy()
    finally:
        tf.config.run_functions_eagerly(False)
    np.testing.assert_allclose(again, first, rtol=1e-6)


@pytest.mark.compiled
def test_no_gradient_flows_through_action_values() -> None:
    generator = make(Vocabulary(size=9), 5)
    policy = NetworkPolicy(generator)
    with tf.GradientTape() as tape:
        values = ActionValues(policy, TableReward(9, 5), 2)(sample_batch(generator, 4, key(0, "x")), key(0, "q"))
        total = tf.reduce_sum(values)
    assert tape.gradient(total, [*generator.trainable_variables, *policy.network.trainable_variables]) == [None] * 12


def test_controls_know_nothing() -> None:
    tokens = np.zeros((5000, 3), np.int32)
    np.testing.assert_array_equal(ConstantReward()(tokens, key(0, "r")), np.full(5000, 0.5, np.float32))
    drawn = RandomReward()(tokens, key(0, "r")).numpy()
    assert abs(drawn.mean() - 0.5) < 0.02
    assert abs(drawn.std() - np.sqrt(1 / 12)) < 0.02
    assert not np.array_equal(drawn, RandomReward()(tokens, key(1, "r")))


@pytest.mark.parametrize("update_rate", [0.0, 0.5, 0.8])
def test_beta_lags_exactly(update_rate: float) -> None:
    """β moves only when told, and then to u·β + (1-u)·θ; with u = 0 to θ itself."""
    theta = make(Vocabulary(size=5), 3)
    policy = NetworkPolicy(theta)
    before = [variable.numpy() for variable in policy.network.trainable_variables]
    for variable in theta.trainable_variables:
        variable.assign_add(tf.ones_like(variable))
    for kept, variable in zip(before, policy.network.trainable_variables, strict=True):
        np.testing.assert_array_equal(variable, kept)
    policy.update(theta, update_rate)
    expected = [update_rate * b + (1 - update_rate) * t.numpy() for b, t in zip(before, theta.trainable_variables, strict=True)]
    for value, variable in zip(expected, policy.network.trainable_variables, strict=True):
        np.testing.assert_allclose(variable, value, rtol=1e-6)
        if update_rate == 0.0:
            np.testing.assert_array_equal(variable, value)


def test_rollouts_use_beta_and_not_theta() -> None:
    theta = make(Vocabulary(size=5), 4)
    search = ActionValues(NetworkPolicy(theta), TableReward(5, 4), 8)
    tokens = sample(theta, 6, key(0, "x"))
    before = search(tokens, key(0, "q")).numpy()
    for variable in theta.trainable_variables:
        variable.assign(-variable)
    np.testing.assert_array_equal(search(tokens, key(0, "q")), before)
    search.policy.update(theta, 0.0)
    assert not np.array_equal(search(tokens, key(0, "q")), before)


# An n-gram model that rolls out, and rollouts that end in a promise.

TEXTS = Vocabulary(["a", "b", "c", "d"])


def some_text(num: int, length: int = 6) -> np.ndarray:
    draw = rng(0, "text", num)
    tokens = draw.integers(2, 7, (num, length)).astype(np.int32)  # some of them <unk>
    ends = draw.integers(0, length + 1, num)[:, None]
    return np.where(np.arange(length) < ends, tokens, np.where(np.arange(length) == ends, EOS, PAD)).astype(np.int32)


def followable(vocabulary: Vocabulary, sequences: np.ndarray) -> list[list[int]]:
    """The sequences up to their end, which counts."""
    return [row[: int(inside.sum())].tolist() for row, inside in zip(sequences, vocabulary.inside(sequences), strict=True)]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_ngram_draws_equal_the_literal_ones_for_the_same_uniform_numbers(order: int) -> None:
    """Contexts that were seen, that were seen only in part, and never."""
    vocabulary = Vocabulary(size=5)
    sequences = rng(0, "data").integers(0, 4, (6, 5)).astype(np.int32)  # 4 is in no sequence
    model = NgramModel(vocabulary, sequences, order)
    before = rng(1, "contexts").integers(0, 6, (200, order - 1)).astype(np.int32)
    before[:, 1:][before[:, 1:] == 5] = 0  # the start stands only in front
    drawn = model.draw(tf.constant(before), key(0, "draw")).numpy()
    uniforms = tf.random.stateless_uniform([200], key(0, "draw")).numpy()
    for context, uniform, token in zip(before.tolist(), uniforms, drawn, strict=True):
        expected = reference.ngram_draw(sequences.tolist(), [t for t in context if t != 5], order, float(uniform))
        assert token == expected


@pytest.mark.parametrize("vocabulary", [Vocabulary(size=5), TEXTS], ids=["ids", "text"])
def test_ngram_completions_follow_what_stands_before_them(vocabulary: Vocabulary) -> None:
    """Every three tokens in a row that a rollout made stand in the data, wherever the two before do; and <unk> never."""
    text = vocabulary is TEXTS
    sequences = some_text(40) if text else rng(0, "data").integers(0, 5, (12, 6)).astype(np.int32)
    policy = NgramPolicy(vocabulary, sequences)
    tokens = sequences[:5]
    continuations = policy.sample_continuations(tf.constant(tokens), key(0, "r")).numpy()
    real = followable(vocabulary, sequences)
    seen = {tuple(row[i : i + 3]) for row in real for i in range(len(row) - 2)}
    known = {trigram[:2] for trigram in seen if trigram[2] != 2 or not text}
    made = 0
    for t in range(1, 6):
        for c in range(5):
            row = continuations[t - 1, c]
            assert (row[:t] == tokens[c, :t]).all()
            if text:
                ended = np.cumsum(row <= EOS) - (row <= EOS) > 0
                assert (row[ended] == PAD).all()
                assert not (row[t:] == 2).any()
            for i in range(max(t, 2), 6):
                if tuple(row[i - 2 : i]) in known and not (text and row[i - 1] < 2):
                    assert tuple(row[i - 2 : i + 1]) in seen
                    made += 1
    assert made > 20


def test_an_ngram_policy_draws_with_the_datas_frequencies() -> None:
    sequences = np.array([[0, 1, 2], [0, 1, 2], [0, 1, 0], [1, 1, 1]], np.int32)
    policy = NgramPolicy(Vocabulary(size=3), sequences)
    continuations = policy.sample_continuations(tf.constant(np.tile([[0, 1, 0]], (9000, 1)), tf.int32), key(0, "r")).numpy()
    assert (continuations[1, :, 2] == 2).mean() == pytest.approx(2 / 3, abs=0.02)  # after 0 1
    assert (continuations[0, :, 1] == 1).all()


class Promise:
    """A value function that can be read off: the sum of what the policy's output holds."""

    def __call__(self, outputs: Any) -> Any:
        return tf.reduce_sum(outputs, axis=-1)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("horizon", [1, 2, 4])
@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_a_short_rollout_ends_in_the_mean_promise_of_the_states_it_reaches(horizon: int, chunk: int) -> None:
    """Against every continuation of `horizon` tokens by its probability; near the end the rewards of whole sequences."""
    generator = make(Vocabulary(size=3), 5, stddev=0.7)
    reward = TableReward(3, 5)
    tokens, many = np.array([[2, 0, 1, 1, 0], [0, 0, 2, 1, 2]], np.int32), 3000
    search = ActionValues(NetworkPolicy(generator), reward, many, horizon, Promise())  # type: ignore[arg-type]
    search.chunk = chunk * 500
    values = search(tokens, key(0, "q")).numpy()
    weights = [variable.numpy() for variable in generator.trainable_variables]

    def promise(prefix: tuple[int, ...]) -> float:
        padded = np.array([[*prefix, *[0] * (6 - len(prefix))]], np.int32)
        return float(generator.unroll(tf.constant(padded))[0].numpy()[0, len(prefix)].sum())

    for i, row in enumerate(tokens.tolist()):
        for t in range(1, 6):
            prefix, left = tuple(row[:t]), min(horizon, 5 - t)
            expected = 0.0
            for more in reference.all_sequences(3, left):
                whole, p = [*prefix, *more], 1.0
                for s in range(t, t + left):
                    p *= reference.softmax(reference.next_logits(weights, whole[:s]))[whole[s]]
                expected += p * (reward.of(tuple(whole)) if len(whole) == 5 else promise(tuple(whole)))
            assert values[i, t - 1] == pytest.approx(expected, abs=0.06), (i, t)


def test_a_horizon_as_long_as_the_sequence_is_the_whole_search() -> None:
    generator, tokens = make(Vocabulary(size=3), 4), np.array([[2, 0, 1, 1]], np.int32)
    values = [
        ActionValues(NetworkPolicy(generator), TableReward(3, 4), 5, horizon, Promise())(tokens, key(0, "q")).numpy()  # type: ignore[arg-type]
        for horizon in (0, 3, 9)
    ]
    np.testing.assert_array_equal(values[0], values[1])
    np.testing.assert_array_equal(values[0], values[2])
