"""Searches that four processes share while some of them are killed: on a journal, and on a PostgreSQL of our own."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent)]

import crowd  # noqa: E402


def _programs() -> Path:
    """Where PostgreSQL's server programs are: Debian keeps them out of the path. Installs them if it may."""
    for attempt in ("look", "install"):
        if attempt == "install" and os.geteuid() == 0 and shutil.which("apt-get"):
            subprocess.run(["apt-get", "install", "--yes", "--quiet", "postgresql"], check=True, stdout=subprocess.DEVNULL)
        found = [Path(shutil.which("initdb") or "").parent, *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
        if found := [folder for folder in found if (folder / "initdb").exists() and (folder / "pg_ctl").exists()]:
            return found[0]
    raise FileNotFoundError("there is no PostgreSQL here, and it cannot be installed: apt-get install postgresql")


@contextlib.contextmanager
def database() -> Iterator[str]:
    """The URL of a server of our own that nobody else reaches."""
    programs = _programs()
    user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}  # it refuses to run as root
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        folder = Path(name)
        if user:
            shutil.chown(folder, **user)
        run = {"cwd": folder, "check": True, "stdout": subprocess.DEVNULL, **user}
        data, log = folder / "data", folder / "log"
        subprocess.run([programs / "initdb", "-D", data, "-A", "trust", "-U", "seqgan"], **run)  # type: ignore[call-overload]
        options = f"-k {folder} -c listen_addresses=''"
        begin = [programs / "pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "start"]
        subprocess.run(begin, **run)  # type: ignore[call-overload]
        try:
            yield f"postgresql+psycopg://seqgan@/postgres?host={folder}"
        finally:
            subprocess.run([programs / "pg_ctl", "-D", data, "-m", "fast", "-w", "stop"], **run)  # type: ignore[call-overload]


def searches(where: str, kills: int, folder: Path, seed: int) -> dict[str, Any]:
    """What came of a grid's search on a `journal` or on `PostgreSQL`."""
    place = database() if where == "PostgreSQL" else contextlib.nullcontext(str(folder / "study.journal"))
    with place as opened:
        return {"search": where, **crowd.search(opened, processes=4, kills=kills, seed=seed)}
