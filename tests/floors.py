"""How much of the product the tests run, and the floors below which that fails: ``make coverage``.

``python tests/floors.py REPORT`` reads what ``coverage json`` wrote. The figures are percentages of statements and of
branches, summed over a group of files.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

PRODUCT = "src/frontdesk/"
FLOORS = {  # (statements, branches): what is decided, what is written, what strangers' bytes reach, and everything else
    "rules": (100.0, 100.0),
    "actions": (100.0, 100.0),
    "channels": (100.0, 100.0),
    "the rest": (97.5, 92.0),
}
UNSEEN = {
    "channels/email/child.py": "reads mails in a process that is given nothing, not even what measures",
    "kit/crash.py": "ends the process at the line that it stands on",
    "migrations/env.py": "is run by Alembic as text",
}
WORST = 10  # files that are named

Count = tuple[int, int, int, int]  # statements, those that never ran, branches, those that were never taken


def group(path: str) -> str | None:
    """Which floor a file stands on; None for what is not of this tree or cannot be seen.

    The tests also run the code of earlier versions, which stands elsewhere.
    """
    name = path.removeprefix(PRODUCT)
    if name == path or name in UNSEEN:
        return None
    parts = name.split("/")
    if parts[0] == "channels":
        return "channels"
    if len(parts) == 2 and parts[1] == "rules.py":
        return "rules"
    return "actions" if "actions" in parts[1:2] or parts[-1] == "actions.py" else "the rest"


def counted(report: dict[str, Any]) -> dict[str, dict[str, Count]]:
    """Every file of ours, by group."""
    found: dict[str, dict[str, Count]] = defaultdict(dict)
    for path, file in report["files"].items():
        if name := group(path):
            of = file["summary"]
            found[name][path.removeprefix(PRODUCT)] = (
                of["num_statements"], of["missing_lines"], of["num_branches"], of["missing_branches"],
            )  # fmt: skip
    return found


def share(counts: list[Count]) -> tuple[float, float]:
    """Percentages of statements and branches that ran; of nothing, all did."""
    statements, unrun, branches, untaken = (sum(column) for column in zip(*counts, strict=True)) if counts else (0,) * 4
    return (
        100 * (statements - unrun) / statements if statements else 100.0,
        100 * (branches - untaken) / branches if branches else 100.0,
    )


def judged(found: dict[str, dict[str, Count]]) -> tuple[list[str], list[str]]:
    """The figures as lines, and what is below its floor in sentences."""
    lines, wrong = [], []
    for name, floors in FLOORS.items():
        shares = share(list(found.get(name, {}).values()))
        lines.append(
            f"{name:10} statements {shares[0]:6.2f} %   branches {shares[1]:6.2f} %   {len(found[name])} files"
        )
        for kind, reached, floor in zip(("statements", "branches"), shares, floors, strict=True):
            if not found[name] or reached < floor:
                wrong.append(f"{name}: {reached:.2f} % of the {kind} run, and the floor is {floor:g} %")
    every = {path: count for files in found.values() for path, count in files.items()}
    worst = sorted(every, key=lambda path: -(every[path][1] + every[path][3]))[:WORST]
    lines += [f"  {path}: {every[path][1]} statements, {every[path][3]} branches never ran" for path in worst]
    return lines, wrong


def main() -> int:
    lines, wrong = judged(counted(json.loads(Path(sys.argv[1]).read_text())))
    for line in [*lines, *wrong]:
        sys.stdout.write(f"{line}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
