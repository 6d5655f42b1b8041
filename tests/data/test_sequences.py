"""The order in which training sequences come, from memory and from files, and what is drawn from them."""

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from seqgan_cli.data import batches
from seqgan_cli.data.batches import InMemory, Positives, Sequences, Streamed
from seqgan_cli.data.tfrecord.shards import INTERLEAVE, Shards, ShardWriter, number_of_files
from seqgan_cli.data.vocabulary import UNK, Vocabulary
from seqgan_cli.errors import SeqganError
from seqgan_cli.evaluation.metrics.diversity import train_overlap
from seqgan_cli.randomness import key, rng


def a_table(number: int, length: int = 4) -> np.ndarray:
    """Sequences that all differ."""
    table = rng(0, "table").integers(0, 40, (number, length)).astype(np.int32)
    table[:, 0] = np.arange(number)
    return table


def dealt(folder: Path, table: np.ndarray, files: int = INTERLEAVE, vocab_size: int = 100, parts: int = 3) -> Shards:
    writer = ShardWriter(folder, files, table.shape[1], vocab_size, rng(0, "deal"))
    for part in np.array_split(table, parts):
        writer.write(part)
    return writer.finish()


def as_set(table: np.ndarray) -> Counter:
    return Counter(map(tuple, table.reshape(-1, table.shape[-1]).tolist()))


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    return dealt(tmp_path_factory.mktemp("shards"), a_table(16 * 15 + 5), files=16)


@pytest.mark.parametrize("vocab_size", [100, 1 << 16, (1 << 16) + 1])
def test_files_hold_what_was_dealt_in_equal_shares(tmp_path: Path, vocab_size: int) -> None:
    table = a_table(1003)
    table[:, 1] = vocab_size - 1
    shards = dealt(tmp_path, table, 8, vocab_size)
    assert (len(shards), shards.sizes.min(), shards.sizes.max()) == (1003, 125, 126)
    read = [shards.table(number) for number in range(8)]
    assert all(part.dtype == np.int32 for part in read)
    assert as_set(np.concatenate(read)) == as_set(table)
    assert Shards.of_record(shards.record()) == shards


@pytest.mark.parametrize(("allowed", "files"), [("unlimited", 512), (100_000, 512), (256, 192), (70, 8), (10, 8)])
def test_no_more_files_than_may_be_open(monkeypatch: pytest.MonkeyPatch, allowed: int | str, files: int) -> None:
    resource = pytest.importorskip("resource")
    limit = resource.RLIM_INFINITY if allowed == "unlimited" else allowed
    monkeypatch.setattr(resource, "getrlimit", lambda which: (limit, limit))
    assert number_of_files(10**9, 21) == files
    assert number_of_files(1000, 21) == INTERLEAVE
    assert number_of_files(INTERLEAVE * 3000, 1001) == min(files, 2 * INTERLEAVE), "of two million tokens each at most"


def test_a_file_is_a_fair_sample_of_a_sorted_corpus(tmp_path: Path) -> None:
    """First tokens are 0 … 3999 in order: the mean of each file's is that of all, within four standard errors."""
    shards = dealt(tmp_path, a_table(4000))
    for number in range(INTERLEAVE):
        first = shards.table(number)[:, 0]
        assert abs(first.mean() - 1999.5) < 4 * 1155 / np.sqrt(len(first))
        assert not np.array_equal(first, np.sort(first)[::-1])


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("batch_size", "files_at_once"), [(1, 1), (8, 8), (60, 4), (116, 8)])
def test_batches_are_those_of_a_literal_version(shards: Shards, batch_size: int, files_at_once: int) -> None:
    """Two passes, whichever step is asked for first."""
    streamed = Streamed(shards)

    def fold(order_key: tf.Tensor, number: int) -> tf.Tensor:
        return tf.random.experimental.stateless_fold_in(order_key, tf.constant(number, tf.int64))

    def shuffled(number: int, order_key: tf.Tensor) -> np.ndarray:
        return tf.random.experimental.stateless_shuffle(tf.range(number), order_key).numpy()

    def files(number: int) -> np.ndarray:
        return shuffled(16, fold(key(7, "x", "files"), number))

    def within(number: int, file: int) -> np.ndarray:
        return shuffled(shards.shards[file].sequences, fold(fold(key(7, "x", "rows"), number), file))

    tables = [shards.table(number) for number in range(len(shards.shards))]
    literal = np.array([*reference.streamed_batches(tables, files_at_once, batch_size, 2, files, within)])
    steps = streamed.steps_of_pass(batch_size)
    assert len(literal) == 2 * steps
    np.testing.assert_array_equal(streamed.batches(0, len(literal), batch_size, 7, "x"), literal)
    for first in {int(rng(1, "first").integers(0, len(literal))), steps - 1}:  # the second goes on into the next pass
        count = min(3, len(literal) - first)
        np.testing.assert_array_equal(streamed.batches(first, count, batch_size, 7, "x"), literal[first : first + count])


@pytest.fixture(params=["memory", "files"])
def sequences(request: pytest.FixtureRequest, shards: Shards) -> Sequences:
    return InMemory(a_table(len(shards))) if request.param == "memory" else Streamed(shards)


@pytest.mark.sampled(1)
def test_a_pass_visits_nothing_twice_and_every_pass_has_its_own_order(sequences: Sequences) -> None:
    steps = sequences.steps_of_pass(20)
    passes = [sequences.batches(number * steps, steps, 20, 3, "x") for number in range(2)]
    for one in passes:
        seen = as_set(one)
        assert max(seen.values()) == 1
        assert seen <= as_set(a_table(len(sequences)))
        assert len(sequences) - seen.total() < 20 + 16, "of each file less than its part of a batch"
    assert not np.array_equal(*passes)
    np.testing.assert_array_equal(passes[0], sequences.batches(0, steps, 20, 3, "x"), "the same again")
    assert not np.array_equal(passes[0], sequences.batches(0, steps, 20, 4, "x"), "another seed")
    assert not np.array_equal(passes[0], sequences.batches(0, steps, 20, 3, "y"), "another purpose")


def test_steps_are_the_same_whatever_is_asked_for_at_once(sequences: Sequences) -> None:
    steps = sequences.steps_of_pass(20)
    whole = sequences.batches(0, 2 * steps + 3, 20, 0, "x")
    parts = [sequences.batches(first, min(4, len(whole) - first), 20, 0, "x") for first in range(0, len(whole), 4)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.sampled(1)
def test_draws_are_different_sequences_and_fair(sequences: Sequences) -> None:
    assert as_set(sequences.draw(10**6, 0, "x")) == as_set(a_table(len(sequences)))
    seen: Counter = Counter()
    for number in range(60):
        drawn = sequences.draw(25, 0, "x", number)
        assert drawn.shape == (25, 4)
        assert max(as_set(drawn).values()) == 1
        seen += as_set(drawn)
    counts = np.array([seen[row] for row in as_set(a_table(len(sequences)))])
    assert counts.sum() == seen.total()
    assert (counts > 0).mean() > 0.98
    assert counts.std() < 4.0, "by chance about 2.4"
    np.testing.assert_array_equal(sequences.draw(25, 0, "x", 3), sequences.draw(25, 0, "x", 3))


def test_copies_are_found_wherever_they_stand(sequences: Sequences) -> None:
    table = a_table(len(sequences))
    asked = np.concatenate([table[::7], table[::11] + 1, table[:3]])
    assert sequences.train_overlap(asked) == train_overlap(asked, table) > 0.3
    assert sequences.train_overlap(asked[:0]) == 0.0


@pytest.mark.sampled(1)
@pytest.mark.parametrize("processes", [2, 3])
def test_a_process_reads_its_own_rows(shards: Shards, monkeypatch: pytest.MonkeyPatch, processes: int) -> None:
    """Together they have the whole batch, and none reads a file of which it has no row."""
    whole = Streamed(shards).batches(2, 3, 24, 0, "x")
    read: list[int] = []
    monkeypatch.setattr(Shards, "dataset", lambda self, path, dataset=Shards.dataset: read.append(1) or dataset(self, path))
    for index in range(processes):
        own = range(24 * index // processes, 24 * (index + 1) // processes)
        monkeypatch.setattr(batches, "local_rows", lambda count, own=own: own)
        found = Streamed(shards).batches(2, 3, 24, 0, "x")
        np.testing.assert_array_equal(found[:, own.start : own.stop], whole[:, own.start : own.stop])
    assert len(read) <= INTERLEAVE + processes - 1


def test_damage_and_absence_are_told(tmp_path: Path) -> None:
    shards = dealt(tmp_path, a_table(400))
    whole = shards.path(3).read_bytes()
    middle = len(whole) // 2
    shards.path(3).write_bytes(whole[:middle] + bytes(byte ^ 255 for byte in whole[middle:]))
    with pytest.raises(SeqganError, match=r"00003\.tfrecord\.gz is damaged: prepare the data anew"):
        Streamed(shards).batches(0, 10, 40, 0, "x")
    shards.path(3).write_bytes(whole[:-1])
    with pytest.raises(SeqganError, match=r"00003\.tfrecord\.gz is damaged: it has \d+ bytes of \d+"):
        Streamed(shards)
    shards.path(3).unlink()
    with pytest.raises(SeqganError, match=r"Cannot read .*00003\.tfrecord\.gz \(No such file"):
        Streamed(shards)


WORDS = Vocabulary([f"w{i}" for i in range(40)])


@settings(deadline=None)
@given(st.integers(1, 30), st.floats(0, 1), st.integers(0, 40), st.integers(0, 2**31 - 1))
def test_positives_are_the_sequences_without_unk_and_no_others(number: int, share: float, num: int, seed: int) -> None:
    """Whichever hold it, and at whichever place; without any they are drawn as all are."""
    table = a_table(number, 5) + UNK + 1
    draw = rng(seed, "unknown")
    for row in np.flatnonzero(draw.random(number) < share):
        table[row, draw.integers(0, 5)] = UNK
    known = {tuple(row) for row in table.tolist() if UNK not in row}
    positives = Positives(InMemory(table), WORDS, table)
    drawn = positives.draw(num, seed, "x")
    found = as_set(drawn)
    assert len(positives) == positives.usual_draw == len(known)
    assert len(drawn) == len(found) == min(num, len(known))
    assert set(found) <= known
    if len(known) == number:
        np.testing.assert_array_equal(drawn, InMemory(table).draw(num, seed, "x"))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("unknown", [0, 1, 200, 479, 480])
@pytest.mark.parametrize("at_hand", [480, 100])
def test_streamed_positives_are_without_unk_too(tmp_path: Path, unknown: int, at_hand: int) -> None:
    """All are found where all are at hand; from a sample no more are promised than there are."""
    table = a_table(480) + UNK + 1
    table[rng(0, "rows").permutation(480)[:unknown], 2] = UNK
    streamed = Streamed(dataclasses.replace(dealt(tmp_path, table), unk_taught=unknown > 0))
    sample = rng(1, "at hand").permutation(table)[:at_hand]
    positives = Positives(streamed, WORDS, sample)
    known = {tuple(row) for row in table.tolist() if UNK not in row}
    if at_hand == 480 or not unknown:
        assert len(positives) == len(known)
    else:
        assert len(known) >= len(positives) >= len(known) - 250
    for num in (1, len(positives) // 2, len(positives), 1000):
        drawn = positives.draw(num, 3, "x", num)
        assert drawn.shape == (min(num, len(positives)), 4)
        assert max(as_set(drawn).values(), default=1) == 1
        assert set(as_set(drawn)) <= known
