"""The command line in several processes that train together, on addresses of this machine."""

import socket
import subprocess
import sys
from typing import Any


def free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def start(number: int, *arguments: Any, others: dict[int, list[str]] | None = None) -> list[subprocess.Popen]:
    """The command in so many processes; `others`: what one of them is asked for besides."""
    cluster = ",".join(f"127.0.0.1:{port}" for port in free_ports(number))
    together = ["--distribute", "multi-worker", "--cluster", cluster, "--threads", "1"]
    command = [sys.executable, "-m", "seqgan_cli", *map(str, arguments), *together, "--worker"]
    return [
        subprocess.Popen(
            [*command, str(i), *(others or {}).get(i, [])],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i in range(number)
    ]


def ended(processes: list[subprocess.Popen], seconds: float = 150.0) -> list[tuple[int, str, str]]:
    """Exit code, stdout and stderr of each."""
    results = []
    try:
        for process in processes:
            out, err = process.communicate(timeout=seconds)
            results.append((process.returncode, out, err))
    finally:
        for process in processes:
            process.kill()
    return results
