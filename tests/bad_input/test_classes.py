"""``classes.csv``: the 285 classes of bad input, and for each the case that tries it or why there is none yet."""

from __future__ import annotations

import csv
import importlib
from pathlib import Path

from security.payloads import DEEP, HTML
from security.spellings import urls

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FILES = sorted(HERE.glob("test_[0-9]*.py"))
ELSEWHERE = {
    "tests/security/payloads.py": {number for number, _ in [*HTML, *DEEP]},
    "tests/security/spellings.py": {number for number, _ in urls()},
}


def classes() -> list[dict[str, str]]:
    with (HERE / "classes.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def cases() -> set[str]:
    """Every case as ``file::id``."""
    found = set()
    for path in FILES:
        module = importlib.import_module(f"bad_input.{path.stem}")
        found |= {f"{path.relative_to(ROOT).as_posix()}::{name}" for name in module.case}
    return found


def test_every_class_is_there_once() -> None:
    assert [int(row["number"]) for row in classes()] == list(range(1, 286))
    assert all(row["class"].strip() for row in classes())


def test_every_class_is_tried_or_has_its_reason() -> None:
    known = cases()
    for row in classes():
        number, where = int(row["number"]), row["where"]
        if where.startswith("not here: "):
            assert len(where) > 20, row
            assert not any(f"::{number:03}-" in one for one in known), f"{number} is tried"
        elif where in ELSEWHERE:
            assert number in ELSEWHERE[where], row
        elif "::test_" in where:
            path, _, name = where.partition("::")
            assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), row
        else:
            assert where in known, row
            assert f"::{number:03}-" in where, row


def test_every_case_has_its_number_in_the_table() -> None:
    numbers = {int(row["number"]) for row in classes() if row["where"].startswith("tests/bad_input/")}
    assert {int(one.rpartition("::")[2][:3]) for one in cases()} == numbers
