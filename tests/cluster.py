"""The command line in several processes that train together, on addresses of this machine; forked, so they start at once."""

import json
import os
import socket
import subprocess
import sys
from typing import Any

from forked import Forked


def free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def start(
    number: int, *arguments: Any, others: dict[int, list[str]] | None = None, launched: bool = False
) -> list[Forked]:
    """The command in so many processes.

    `others`: what one of them is asked for besides; `launched`: they know of each other by TF_CONFIG, as from a launcher.
    """
    addresses = [f"127.0.0.1:{port}" for port in free_ports(number)]
    command = [sys.executable, "-m", "seqgan_cli", *map(str, arguments), "--distribute", "multi-worker", "--threads", "1"]
    started = []
    for i in range(number):
        told = [] if launched else ["--cluster", ",".join(addresses), "--worker", str(i)]
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": i}}
        environment = {**os.environ, **({"TF_CONFIG": json.dumps(config)} if launched else {})}
        whole = [*command, *told, *(others or {}).get(i, [])]
        started.append(Forked(whole, stdout=subprocess.PIPE, env=environment))
    return started


def ended(processes: list[Forked], seconds: float = 150.0) -> list[tuple[int, str, str]]:
    """Exit code, stdout and stderr of each."""
    results = []
    try:
        for process in processes:
            out, err = process.communicate(timeout=seconds)
            results.append((process.wait() or 0, out, err))
    finally:
        for process in processes:
            process.kill()
    return results
