"""Scores once given, kept with a run: a scorer that answers otherwise the second time is never asked a second time."""

import contextlib
import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from seqgan_cli.errors import SeqganError

OURS, VERSION = 0x53714761, 1  # "SqGa" in the file's header
AT_ONCE = 500  # texts of a query; SQLite allows 999 in old releases
PATIENCE = 60.0  # seconds that another program may hold the file


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()


class Store:
    """Scores of one scorer in an SQLite file, which may hold those of others. Any thread may use it.

    Args:
        path: of the file, made if missing.
        scorer: what tells this scorer, as it is now, from all others.

    Every method raises SeqganError for a full disk and for a file that is damaged, another program's or out of reach.
    """

    def __init__(self, path: Path, scorer: str) -> None:
        self.path, self.scorer = path, scorer
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._telling():
            self._db = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
            try:
                self._open()
            except BaseException:
                self._db.close()
                raise

    def _open(self) -> None:
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA journal_mode = WAL")  # a commit takes a third of the time; no matter where it cannot be had
        if not self._value("SELECT count(*) FROM sqlite_master") and not self._value("PRAGMA application_id"):
            with self._transaction():
                self._db.execute("CREATE TABLE IF NOT EXISTS scorers (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL)")
                self._db.execute(
                    "CREATE TABLE IF NOT EXISTS scores (scorer INTEGER NOT NULL, text BLOB NOT NULL, score REAL NOT NULL, "
                    "PRIMARY KEY (scorer, text)) WITHOUT ROWID"
                )
                self._db.execute(f"PRAGMA application_id = {OURS}")
                self._db.execute(f"PRAGMA user_version = {VERSION}")
        if self._value("PRAGMA application_id") != OURS or self._value("PRAGMA user_version") != VERSION:
            raise SeqganError(f"{self.path} holds no scores that this version of seqgan can read: move it away.")

    def get(self, texts: Sequence[str]) -> dict[str, float]:
        """The scores of those texts that have one, to the bit."""
        found: dict[str, float] = {}
        with self._lock, self._telling():
            for start in range(0, len(texts), AT_ONCE):
                digests = {_digest(text): text for text in texts[start : start + AT_ONCE]}
                rows = self._db.execute(
                    "SELECT text, score FROM scores WHERE scorer = (SELECT id FROM scorers WHERE name = ?) "
                    f"AND text IN ({', '.join('?' * len(digests))})",
                    (self.scorer, *digests),
                )
                found |= {digests[digest]: score for digest, score in rows}
        return found

    def add(self, texts: Sequence[str], scores: Sequence[float]) -> None:
        """Keep scores. When this returns they are on the disk; when it raises none of them is. A score that is kept stays."""
        with self._lock, self._telling(), self._transaction():
            self._db.execute("INSERT OR IGNORE INTO scorers (name) VALUES (?)", (self.scorer,))
            number = self._value("SELECT id FROM scorers WHERE name = ?", self.scorer)
            rows = ((number, _digest(text), score) for text, score in zip(texts, scores, strict=True))
            self._db.executemany("INSERT OR IGNORE INTO scores VALUES (?, ?, ?)", rows)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def _value(self, query: str, *parameters: str) -> object:
        return self._db.execute(query, parameters).fetchone()[0]

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                with contextlib.suppress(sqlite3.Error):  # the file may be what fails
                    self._db.execute("ROLLBACK")

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)
            if code is None:  # a mistake of ours
                raise
            kind = code & 0xFF
            if kind == sqlite3.SQLITE_FULL:
                words = f"{self.path} cannot be written, the disk is full: make room, and the same command goes on."
            elif kind == sqlite3.SQLITE_BUSY:
                words = f"{self.path} is held by another program: wait for it."
            elif kind in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                words = f"{self.path} is damaged, or no file of scores: move it away, and texts are scored anew."
            else:
                words = f"{self.path} cannot be read or written ({error}): see to its permissions, and to the disk."
            raise SeqganError(words) from error
