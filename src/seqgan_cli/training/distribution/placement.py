"""Where training runs: on one device, on several of this machine, or on several machines. Imports no TensorFlow."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seqgan_cli.errors import UsageError

KINDS = ("none", "mirrored", "multi-worker")


@dataclass(frozen=True)
class Placement:
    """Which devices train together.

    Args:
        kind: one of KINDS.
        devices: mirrored: logical processors that this process makes of its own; 0 for the devices there are.
        workers: multi-worker: `host:port` of each process, the chief's first.
        index: which of them this one is.
    """

    kind: str = "none"
    devices: int = 0
    workers: tuple[str, ...] = ()
    index: int = 0

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run: the only one there is, or the first."""
        return self.index == 0

    def name(self, index: int) -> str:
        """A worker, in words."""
        return f"worker {index} ({self.workers[index]}{', the chief' if index == 0 else ''})"


def placement(
    distribute: str, devices: int | None, cluster: str | None, worker: int | None, environment: Mapping[str, str]
) -> Placement:
    """What the options and, for several machines, TF_CONFIG ask for. Raises UsageError where they contradict each other."""
    if devices is not None and distribute != "mirrored":
        raise UsageError("--devices goes with --distribute mirrored: add it, or leave it out.")
    if (cluster is not None or worker is not None) and distribute != "multi-worker":
        raise UsageError("--cluster and --worker go with --distribute multi-worker: add it, or leave them out.")
    if distribute != "multi-worker":
        return Placement(distribute, devices or 0)
    if cluster is None and worker is None:
        if "TF_CONFIG" not in environment:
            raise UsageError("--distribute multi-worker needs --cluster HOST:PORT,… and --worker I, or TF_CONFIG.")
        addresses, index = _of_environment(environment["TF_CONFIG"])
        where, option = "TF_CONFIG", "its task"
    elif cluster is None or worker is None:
        raise UsageError("--cluster and --worker go together: all addresses, and which of them this process is, from 0.")
    else:
        addresses, index = tuple(address.strip() for address in cluster.split(",")), worker
        where, option = "--cluster", f"--worker {worker}"
    for address in addresses:
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise UsageError(f"{where}: {address!r} is no HOST:PORT.")
    if len(set(addresses)) < len(addresses):
        raise UsageError(f"{where} names an address twice: each worker needs one of its own.")
    if not 0 <= index < len(addresses):
        raise UsageError(f"{option} is none of the {len(addresses)} workers of {where}: they count from 0.")
    return Placement(distribute, 0, addresses, index)


def _of_environment(text: str) -> tuple[tuple[str, ...], int]:
    """The addresses in TF_CONFIG and which of them this process is: the chief first, if it names one, then the workers."""
    try:
        config: Any = json.loads(text)
        cluster, task = config["cluster"], config["task"]
        chief, workers = [list(map(str, cluster.get(kind, []))) for kind in ("chief", "worker")]
        kind, index = str(task["type"]), int(task["index"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f'TF_CONFIG is no description of a cluster ({error}): it looks like {{"cluster": {{"worker": ["host:port", …]}}, '
            '"task": {"type": "worker", "index": 0}}.'
        ) from None
    if kind not in ("chief", "worker"):
        raise UsageError(f"TF_CONFIG makes this process a {kind!r}: only chief and worker train.")
    return (*chief, *workers), index + (len(chief) if kind == "worker" else 0)
