"""Where interviews are kept: one SQLite file in the user's data folder, events only ever added.

The folder is made when a store is opened, never on import. `FLATLINE_HOME` names another folder.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from grader.events import AnyEvent, Closed, Started
from simulator.errors import FlatlineError

SCHEMA = 1
FILE = "interviews.sqlite3"
WAIT_SECONDS = 5.0
_TABLES = """
CREATE TABLE sessions (
    id TEXT PRIMARY KEY, created REAL NOT NULL, round TEXT NOT NULL, scenario TEXT NOT NULL, profile TEXT NOT NULL,
    seed INTEGER NOT NULL, minutes REAL NOT NULL, level TEXT NOT NULL, pack TEXT, elapsed REAL NOT NULL DEFAULT 0,
    beat REAL NOT NULL, closed TEXT, total REAL, recommendation TEXT
);
CREATE TABLE events (
    session TEXT NOT NULL REFERENCES sessions(id), seq INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (session, seq)
) WITHOUT ROWID;
"""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(AnyEvent).decode


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One interview in the store.

    `created` and `beat` (the last sign of life) are seconds since 1970, `elapsed` is the interview's clock at that
    sign of life. `closed` is the reason it was closed for, None while it can be resumed.
    """

    id: str
    created: float
    round: str
    scenario: str
    profile: str
    seed: int
    minutes: float
    level: str
    pack: str | None
    elapsed: float
    beat: float
    closed: str | None
    total: float | None
    recommendation: str | None


def home() -> Path:
    """The data folder; it may not exist yet."""
    override = os.environ.get("FLATLINE_HOME")
    if override:
        return Path(override).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("flatline", appauthor=False))


class Store:
    """The store below `folder` (default: `home()`). May be used from several threads, one at a time.

    Raises FlatlineError, here and from every method, when the file cannot be read or written, is locked by another
    program for longer than `WAIT_SECONDS`, is damaged, or was written by a newer version.
    """

    def __init__(self, folder: Path | str | None = None) -> None:
        self.path = (Path(folder) if folder is not None else home()) / FILE
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FlatlineError(
                f"cannot make the folder {self.path.parent} ({error.strerror}): set FLATLINE_HOME to one you can write"
            ) from None
        with self._guard():
            self._db = sqlite3.connect(self.path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            with self._guard():
                self._prepare()
        except FlatlineError:
            self._db.close()
            raise

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def new_id(self) -> str:
        """An id no interview has yet."""
        while True:
            id = secrets.token_hex(4)
            if not self._rows("WHERE id = ?", (id,)):
                return id

    def create(self, started: Started, pack: str | None = None) -> None:
        """Enters a new interview; its events are appended separately."""
        now = time.time()
        s = started
        with self._guard(), self._transaction():
            self._db.execute(
                "INSERT INTO sessions (id, created, round, scenario, profile, seed, minutes, level, pack, beat)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (s.session, now, s.round, s.scenario, s.profile, s.seed, s.minutes, s.level, pack, now),
            )

    def append(self, id: str, events: Sequence[AnyEvent], elapsed: float) -> None:
        """Adds events to an interview, all or none, on disk when this returns."""
        if not events:
            return
        with self._guard(), self._transaction():
            try:
                self._db.executemany(
                    "INSERT INTO events (session, seq, body) VALUES (?, ?, ?)",
                    [(id, event.seq, _encode(event)) for event in events],
                )
            except sqlite3.IntegrityError:
                raise FlatlineError(
                    f"interview {id} is being continued by another program: close one of the two"
                ) from None
            closed = next((event.reason for event in events if isinstance(event, Closed)), None)
            self._db.execute(
                "UPDATE sessions SET elapsed = max(elapsed, ?), beat = ?, closed = coalesce(?, closed) WHERE id = ?",
                (elapsed, time.time(), closed, id),
            )

    def beat(self, id: str, elapsed: float) -> None:
        """A sign of life: the interview's clock stands at `elapsed` seconds now."""
        with self._guard(), self._transaction():
            self._db.execute(
                "UPDATE sessions SET elapsed = max(elapsed, ?), beat = ? WHERE id = ?", (elapsed, time.time(), id)
            )

    def score(self, id: str, total: float, recommendation: str) -> None:
        """Keeps a closed interview's result for the history."""
        with self._guard(), self._transaction():
            self._db.execute(
                "UPDATE sessions SET total = ?, recommendation = ? WHERE id = ?", (total, recommendation, id)
            )

    def events(self, id: str) -> list[AnyEvent]:
        """The events of an interview, oldest first."""
        with self._guard():
            rows = self._db.execute("SELECT body FROM events WHERE session = ? ORDER BY seq", (id,)).fetchall()
        try:
            return [_decode(body) for (body,) in rows]
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise FlatlineError(f"interview {id} in {self.path} is damaged and cannot be read") from None

    def history(self) -> list[Entry]:
        """All interviews, the latest first."""
        return self._rows("ORDER BY created DESC, rowid DESC", ())

    def unfinished(self) -> Entry | None:
        """The interview that was worked on last, of those not closed."""
        found = self._rows("WHERE closed IS NULL ORDER BY beat DESC, rowid DESC LIMIT 1", ())
        return found[0] if found else None

    def entry(self, id: str) -> Entry:
        """The interview of that id, or of the one id that begins so. Raises FlatlineError when there is none."""
        wanted = id.strip().lower()
        found = [row for row in self.history() if row.id.startswith(wanted)] if wanted else []
        exact = [row for row in found if row.id == wanted]
        if len(exact or found) == 1:
            return (exact or found)[0]
        if found:
            raise FlatlineError(f"{len(found)} interviews have an id that begins with {id!r}: give more of it")
        raise FlatlineError(f"there is no interview {id!r}: `flatline history` lists them")

    # -- the file

    def _prepare(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA:
            raise FlatlineError(
                f"{self.path} was written by a newer version of Flatline: update it, or set FLATLINE_HOME elsewhere"
            )
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        if version == 0:
            with self._transaction():
                # Another program may have been faster.
                if self._db.execute("PRAGMA user_version").fetchone()[0] == 0:
                    for statement in filter(str.strip, _TABLES.split(";")):
                        self._db.execute(statement)
                    self._db.execute(f"PRAGMA user_version = {SCHEMA}")

    def _rows(self, rest: str, values: tuple[object, ...]) -> list[Entry]:
        fields = Entry.__struct_fields__
        with self._guard():
            rows = self._db.execute(f"SELECT {', '.join(fields)} FROM sessions {rest}", values).fetchall()
        return [Entry(**dict(zip(fields, row, strict=True))) for row in rows]

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        """Turns what SQLite raises into a line that says what to do."""
        try:
            yield
        except sqlite3.OperationalError as error:
            text = str(error)
            if "locked" in text or "busy" in text:
                what = "is locked by another program: close that one, then try again"
            else:
                what = f"cannot be written ({text}): set FLATLINE_HOME to a folder you can write"
            raise FlatlineError(f"{self.path} {what}") from None
        except sqlite3.Error as error:
            raise FlatlineError(
                f"{self.path} is damaged ({error}): move it away, or set FLATLINE_HOME to another folder"
            ) from None
