"""The table of who may do what: ``access.csv``, one line for each route and each relation to what it is about.

The routes come from the application itself. ``python -m tests.security.matrix --write`` adds lines for new ones with
what was observed behind a ``?``: a person has to look at each and take the ``?`` away, for a ``?`` fails the test.
Lines of routes that are gone are dropped.
"""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from litestar import Litestar

TABLE = Path(__file__).with_name("access.csv")
PROPOSE = "PROPOSE_ACCESS"
OTHERS = {"conversation_id", "message_id", "contact_id", "token_id", "user_id"}  # what a colleague may have alone
NAMES = {"/hooks": "key", "/files/{token}": "token", "/api/v1/channels/{name}/icon.svg": "name"}
MOUNTED = (("GET", "/hooks"), ("POST", "/hooks"))  # not in the framework's list of routes, for they take any method
KEYS = ("method", "path", "ownership")

Line = tuple[str, str, str]  # method, path, ownership
Table = dict[Line, dict[str, str]]


def routes(app: Litestar) -> Iterator[tuple[str, str]]:
    """Every (method, path) that the application answers; parameters as ``{name}``."""
    for route in app.routes:
        path = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)
        for method in sorted(getattr(route, "methods", set()) - {"OPTIONS", "HEAD"}):
            yield method, path
    yield from MOUNTED


def lines(app: Litestar) -> list[Line]:
    """Every line that the table must have: what is one's own, and each id in the path that is not."""
    found = []
    for method, path in routes(app):
        found.append((method, path, "own"))
        names = [name for name in re.findall(r"\{(\w+)\}", path) if name.endswith("_id")]
        named = NAMES.get(path)
        for name in names + ([named] if named else []):
            kinds = (
                ["others"] * (name in OTHERS) + ["foreign"] * (name not in ("name", "token")) + ["guessed", "deleted"]
            )
            found += [(method, path, f"{kind} {name}") for kind in kinds]
    return sorted(found, key=lambda line: (line[1], line[0], found.index(line)))


def read(roles: tuple[str, ...]) -> Table:
    if not TABLE.exists():
        return {}
    rows = csv.DictReader(io.StringIO(TABLE.read_text()))
    return {(row["method"], row["path"], row["ownership"]): {role: row[role] for role in roles} for row in rows}


def write(table: Table, wanted: list[Line], roles: tuple[str, ...], path: Path = TABLE) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*KEYS, *roles))
    for line in wanted:
        writer.writerow((*line, *(table[line][role] for role in roles)))
    path.write_text(out.getvalue())


def main() -> int:
    if sys.argv[1:] != ["--write"]:
        sys.exit("Only: python -m tests.security.matrix --write")
    root = Path(__file__).parents[2]
    test = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:randomly",
        "tests/security/test_access.py",
        "-k",
        "proposes",
    ]
    return subprocess.run(test, cwd=root, env={**os.environ, PROPOSE: "1"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
