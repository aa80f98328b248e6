"""The floors under what tests run can fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import floors

PROJECT = Path(__file__).parents[2]


def a_report(**missing: tuple[int, int]) -> dict[str, Any]:
    """A file of each group with a hundred statements and branches, of which (statements, branches) never ran."""
    files = {
        "rules": "people/rules.py", "actions": "people/actions/users.py", "channels": "channels/sms/pdu.py",
        "rest": "kit/fetch.py",
    }  # fmt: skip
    return {
        "files": {
            f"src/frontdesk/{path}": {
                "summary": {
                    "num_statements": 1000, "missing_lines": missing.get(name, (0, 0))[0],
                    "num_branches": 1000, "missing_branches": missing.get(name, (0, 0))[1],
                }
            }
            for name, path in files.items()
        }
    }  # fmt: skip


@pytest.mark.parametrize("name", ["rules", "actions", "channels", "rest"])
def test_what_falls_below_its_floor_is_said(name: str) -> None:
    assert floors.judged(floors.counted(a_report()))[1] == []
    for missing in ((200, 0), (0, 200)):
        (sentence,) = floors.judged(floors.counted(a_report(**{name: missing})))[1]
        assert sentence.startswith(("the rest" if name == "rest" else name) + ": 80.00 % of the ")


def test_rules_have_no_exceptions() -> None:
    assert len(floors.judged(floors.counted(a_report(rules=(1, 1))))[1]) == 2


def test_a_group_that_was_not_measured_at_all_is_no_success() -> None:
    report = a_report()
    report["files"]["/tmp/previous/src/frontdesk/people/rules.py"] = report["files"].pop(
        "src/frontdesk/people/rules.py"
    )
    assert [line for line in floors.judged(floors.counted(report))[1] if line.startswith("rules")]


def test_what_cannot_be_seen_is_there() -> None:
    for path in floors.UNSEEN:
        assert (PROJECT / floors.PRODUCT / path).is_file(), path
        assert floors.group(f"{floors.PRODUCT}{path}") is None
