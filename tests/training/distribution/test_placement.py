"""Which devices train together, from options and TF_CONFIG."""

import json
from typing import Any

import pytest

from seqgan_cli.errors import UsageError
from seqgan_cli.training.distribution.placement import Placement, placement


def test_one_device_unless_asked() -> None:
    assert placement("none", None, None, None, {"TF_CONFIG": "whatever a launcher left there"}) == Placement()
    assert placement("mirrored", 3, None, None, {}) == Placement("mirrored", 3)


def test_the_cluster_of_options() -> None:
    place = placement("multi-worker", None, "a:1, b:2,[::1]:3", 2, {})
    assert place == Placement("multi-worker", 0, ("a:1", "b:2", "[::1]:3"), 2)
    assert not place.is_chief
    assert (place.name(0), place.name(2)) == ("worker 0 (a:1, the chief)", "worker 2 ([::1]:3)")


@pytest.mark.parametrize(
    ("cluster", "task", "expected"),
    [
        ({"worker": ["a:1", "b:2"]}, {"type": "worker", "index": 1}, (("a:1", "b:2"), 1)),
        ({"chief": ["c:3"], "worker": ["a:1", "b:2"]}, {"type": "worker", "index": 1}, (("c:3", "a:1", "b:2"), 2)),
        ({"chief": ["c:3"], "worker": ["a:1"]}, {"type": "chief", "index": 0}, (("c:3", "a:1"), 0)),
        ({"worker": ["a:1"], "evaluator": ["e:9"]}, {"type": "worker", "index": "0"}, (("a:1",), 0)),
    ],
)
def test_the_cluster_of_the_environment(cluster: dict, task: dict, expected: tuple) -> None:
    place = placement("multi-worker", None, None, None, {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})})
    assert (place.workers, place.index) == expected


TWO = {"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 0}}


@pytest.mark.parametrize(
    ("asked", "environment", "said"),
    [
        (("none", 2, None, None), {}, "--devices goes with --distribute mirrored"),
        (("multi-worker", 2, "a:1,b:2", 0), {}, "--devices goes with --distribute mirrored"),
        (("mirrored", None, "a:1", 0), {}, "--cluster and --worker go with --distribute multi-worker"),
        (("none", None, None, 1), {}, "--cluster and --worker go with --distribute multi-worker"),
        (("multi-worker", None, None, None), {}, "needs --cluster HOST:PORT,… and --worker I, or TF_CONFIG"),
        (("multi-worker", None, "a:1,b:2", None), {}, "--cluster and --worker go together"),
        (("multi-worker", None, None, 0), {"TF_CONFIG": json.dumps(TWO)}, "--cluster and --worker go together"),
        (("multi-worker", None, "a:1,b", 0), {}, "--cluster: 'b' is no HOST:PORT"),
        (("multi-worker", None, "a:1,b:0", 0), {}, "--cluster: 'b:0' is no HOST:PORT"),
        (("multi-worker", None, "a:1,:2", 0), {}, "--cluster: ':2' is no HOST:PORT"),
        (("multi-worker", None, "a:1,a:1", 0), {}, "names an address twice"),
        (("multi-worker", None, "a:1,b:2", 2), {}, "--worker 2 is none of the 2 workers"),
        (("multi-worker", None, "a:1,b:2", -1), {}, "--worker -1 is none of the 2 workers"),
        (("multi-worker", None, None, None), {"TF_CONFIG": "{"}, "TF_CONFIG is no description of a cluster"),
        (("multi-worker", None, None, None), {"TF_CONFIG": "[]"}, "TF_CONFIG is no description of a cluster"),
        (("multi-worker", None, None, None), {"TF_CONFIG": '{"cluster": 3, "task": {}}'}, "TF_CONFIG is no description"),
        (
            ("multi-worker", None, None, None),
            {"TF_CONFIG": json.dumps({**TWO, "task": {"type": "ps", "index": 0}})},
            "TF_CONFIG makes this process a 'ps'",
        ),
    ],
)
def test_contradictions_are_refused(asked: tuple[Any, ...], environment: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("(", r"\(")) as refused:
        placement(*asked, environment)
    assert "\n" not in str(refused.value)
