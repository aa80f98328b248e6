"""import-linter's contracts in pyproject.toml: kept by the source, broken by a copy with one planted import each."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
RUN = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"

# contract -> (file below src/, what it must not import)
PLANTED = {
    "Rooms stand on each other": ("frontdesk/people/models.py", "import frontdesk.conversations.models"),
    "Inside a room": ("frontdesk/people/models.py", "import frontdesk.people.queries"),
    "Rules are pure": ("frontdesk/people/rules.py", "import sqlalchemy"),
    "Channels do not know each other": (
        "frontdesk/channels/email/__init__.py",
        "import frontdesk.channels.sms.planted",
    ),
    "The simulator can judge": ("frontdesk_sim/world.py", "import frontdesk.kit.clock"),
    "The product does not know": ("frontdesk/kit/clock.py", "import frontdesk_sim"),
}


def lint(project: Path) -> dict[str, str]:
    """Contract -> KEPT or BROKEN."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, "--no-cache", "--no-logo"],
        cwd=project,
        env={"PYTHONPATH": str(project / "src"), "PATH": "", "COLUMNS": "200", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    found = re.findall(r"^(\S.*?) (KEPT|BROKEN)", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    return dict(found)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    shutil.copytree(PROJECT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("static", "__pycache__"))
    (tmp_path / "src/frontdesk/channels/sms/planted.py").touch()
    return tmp_path


def test_the_contracts_are_kept() -> None:
    assert {name: state for name, state in lint(PROJECT).items() if state != "KEPT"} == {}


def test_every_contract_can_break(copy: Path) -> None:
    for where, line in PLANTED.values():
        file = copy / "src" / where
        file.write_text(f"{file.read_text()}\n{line}\n")
    states = lint(copy)
    assert len(states) == len(PLANTED)
    for name in PLANTED:
        assert [state for contract, state in states.items() if contract.startswith(name)] == ["BROKEN"], name


def test_a_room_without_a_place_in_the_order_is_found(copy: Path) -> None:
    (copy / "src/frontdesk/attic").mkdir()
    (copy / "src/frontdesk/attic/__init__.py").touch()
    assert next(iter(lint(copy).values())) == "BROKEN"
