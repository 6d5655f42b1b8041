"""Random draws by address: repeatable one by one, and different for different addresses."""

import numpy as np
import pytest

from seqgan_cli.randomness import key, rng

ADDRESSES = [
    (0, "a"),
    (1, "a"),
    (0, "b"),
    (0, "a", 1),
    (0, "a", 2),
    (1, "a", 2),
    (0, "a", "b"),
    (0, "b", "a"),
    (0, "ab"),
    (0, "a", 1, "b"),
    (0, "a", "b", 1),
    (0, "a", 1, 2),
    (0, "a", 2, 1),
    (0, "a", 12),
    (2**31 - 1, "a"),
    (0, "pretrain-g", "dropout", 120, 9),
    (0, "pretrain-g", "dropout", 9, 120),
]


def test_a_key_is_two_int32() -> None:
    drawn = key(5, "adversarial", "sample", 3)
    assert drawn.shape == (2,)
    assert drawn.dtype == np.int32


def test_keys_are_the_same_in_every_process_and_version() -> None:
    """A resumed run repeats its draws only if these never change."""
    assert key(0, "a").tolist() == [-1330856391, -678157798]
    assert key(0, "a", "b", "c").tolist() == [108773716, -678599506]


def test_no_address_is_another_one_with_a_zero_after_it() -> None:
    assert key(0, "a").tolist() != key(0, "a", 0).tolist()
    assert key(0, "a", "b").tolist() != key(0, "a", "b", 0).tolist()


def test_the_same_address_gives_the_same_draws_whatever_was_drawn_between() -> None:
    first = rng(3, "order", 7).permutation(50)
    between = rng(3, "order", 8).permutation(50)
    np.random.default_rng().random(10)
    assert rng(3, "order", 7).permutation(50).tolist() == first.tolist()
    assert between.tolist() != first.tolist()
    assert key(3, "order", 7).tolist() == key(3, "order", 7).tolist()


def test_different_addresses_give_different_keys() -> None:
    assert len({tuple(key(*address).tolist()) for address in ADDRESSES}) == len(ADDRESSES)


def test_different_addresses_give_different_streams() -> None:
    streams = {tuple(rng(*address).integers(0, 2**32, 4).tolist()) for address in ADDRESSES}
    assert len(streams) == len(ADDRESSES)


def test_keys_of_successive_steps_look_independent() -> None:
    """The first words of 4000 keys, as uniform numbers: mean 1/2 ± 0.0046, no correlation with the next."""
    words = np.array([key(0, "step", i)[0] for i in range(1, 4001)]).view(np.uint32) / 2.0**32
    assert abs(words.mean() - 0.5) < 0.02
    assert abs(np.corrcoef(words[1:], words[:-1])[0, 1]) < 0.07


def test_global_state_is_neither_used_nor_touched() -> None:
    np.random.seed(1)
    before = np.random.get_state()[1].tolist()
    first = rng(0, "x").random()
    assert np.random.get_state()[1].tolist() == before
    np.random.seed(2)
    assert rng(0, "x").random() == first


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError):
        key(-1, "a")
