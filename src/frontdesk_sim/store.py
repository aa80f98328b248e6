"""Everything the simulator must still know after ``kill -9``, in one SQLite file.

The write-ahead log without ``fsync`` per commit survives the death of the process, which is what a simulator has to
survive; it does not promise to survive the death of the machine.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE IF NOT EXISTS accounts (
  sid TEXT PRIMARY KEY, auth_token TEXT NOT NULL, key_sid TEXT NOT NULL, key_secret TEXT NOT NULL,
  friendly_name TEXT NOT NULL, created REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS numbers (
  number TEXT PRIMARY KEY, sid TEXT NOT NULL UNIQUE, account_sid TEXT NOT NULL REFERENCES accounts(sid),
  sms_url TEXT NOT NULL DEFAULT '', sms_fallback_url TEXT NOT NULL DEFAULT '', service_sid TEXT,
  friendly_name TEXT NOT NULL DEFAULT '', created REAL NOT NULL, updated REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS customers (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, number TEXT UNIQUE, email TEXT UNIQUE,
  reach TEXT NOT NULL DEFAULT 'reachable', topic INTEGER NOT NULL DEFAULT 0, step INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS texts (
  id INTEGER PRIMARY KEY AUTOINCREMENT, sid TEXT NOT NULL UNIQUE, account_sid TEXT NOT NULL, service_sid TEXT,
  direction TEXT NOT NULL, sender TEXT, recipient TEXT NOT NULL, body TEXT NOT NULL, status TEXT NOT NULL,
  error_code INTEGER, segments INTEGER NOT NULL, media INTEGER NOT NULL DEFAULT 0, price TEXT,
  callback TEXT NOT NULL DEFAULT '', created REAL NOT NULL, updated REAL NOT NULL, sent REAL
);
CREATE INDEX IF NOT EXISTS texts_recipient ON texts (recipient, id);
CREATE INDEX IF NOT EXISTS texts_sender ON texts (sender, id);
CREATE TABLE IF NOT EXISTS media (
  sid TEXT PRIMARY KEY, text_sid TEXT NOT NULL, place INTEGER NOT NULL, content_type TEXT NOT NULL,
  source TEXT NOT NULL DEFAULT '', token TEXT NOT NULL UNIQUE, data BLOB, created REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS media_text ON media (text_sid, place);
CREATE TABLE IF NOT EXISTS opt_outs (desk TEXT NOT NULL, customer TEXT NOT NULL, PRIMARY KEY (desk, customer));

CREATE TABLE IF NOT EXISTS mailboxes (
  address TEXT PRIMARY KEY, password TEXT NOT NULL, name TEXT NOT NULL DEFAULT '', desk INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS folders (
  id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL REFERENCES mailboxes(address), name TEXT NOT NULL,
  special TEXT NOT NULL DEFAULT '', uidvalidity INTEGER NOT NULL, uidnext INTEGER NOT NULL DEFAULT 1,
  UNIQUE (owner, name)
);
CREATE TABLE IF NOT EXISTS letters (
  folder INTEGER NOT NULL REFERENCES folders(id) ON DELETE CASCADE, uid INTEGER NOT NULL, flags TEXT NOT NULL,
  date REAL NOT NULL, size INTEGER NOT NULL, raw BLOB NOT NULL, PRIMARY KEY (folder, uid)
);

CREATE TABLE IF NOT EXISTS agenda (
  id INTEGER PRIMARY KEY AUTOINCREMENT, due REAL NOT NULL, kind TEXT NOT NULL, lane TEXT NOT NULL, payload TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS truth (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, kind TEXT NOT NULL, desk TEXT NOT NULL,
  customer TEXT NOT NULL, facts TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS truth_desk ON truth (desk, id);
CREATE INDEX IF NOT EXISTS truth_customer ON truth (customer, id);
"""


class Store:
    """One connection, used from one thread. A statement outside :meth:`transaction` commits by itself."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None, cached_statements=256)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.executescript(SCHEMA)

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
        return found

    def value(self, sql: str, *values: Any) -> Any:
        """The first column of the first row, or None."""
        found = self.row(sql, *values)
        return None if found is None else found[0]

    def run(self, sql: str, *values: Any) -> int:
        """Execute a write; returns the id of the inserted row."""
        return self._connection.execute(sql, values).lastrowid or 0

    def changed(self, sql: str, *values: Any) -> int:
        """Execute a write; returns how many rows it touched."""
        return self._connection.execute(sql, values).rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Nested use joins the outer one. Never ``await`` inside."""
        if self._connection.in_transaction:
            yield
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def empty(self) -> None:
        """Forget everything."""
        with self.transaction():
            self.run("PRAGMA defer_foreign_keys = ON")
            for row in self.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"):
                self.run(f"DELETE FROM {row['name']}")

    def close(self) -> None:
        self._connection.close()
