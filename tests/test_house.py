"""The walls of the house, on the real source. Each rule is explained and proved in ``tests/house``."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from house import checks
from house.channel_names import channels_are_not_named, screens_do_not_name_channels
from house.reading import House, Module

PROJECT = Path(__file__).parents[1]
FRONTDESK = House(PROJECT / "src" / "frontdesk")
WALLS: list[checks.Check] = [
    checks.back_rooms_are_private,
    checks.only_the_kit_settles,
    checks.only_actions_emit,
    checks.few_places_connect,
    checks.everything_ends,
    checks.one_clock,
    checks.files_and_functions_stay_short,
    checks.rooms_have_known_parts,
    checks.names_say_something,
    checks.only_command_lines_print,
    channels_are_not_named,
]


@pytest.mark.parametrize("wall", WALLS, ids=lambda wall: wall.__name__)
def test_the_house_stands(wall: checks.Check) -> None:
    assert wall(FRONTDESK) == []


def test_the_screens_ask_for_capabilities() -> None:
    assert screens_do_not_name_channels(PROJECT, FRONTDESK.channels) == []


@pytest.mark.parametrize("folder", ["src/frontdesk_sim", "tests", "bench", "chaos", "fuzz"])
def test_the_rest_stays_short_and_well_named(folder: str) -> None:
    rest = House(PROJECT / folder)
    assert checks.files_and_functions_stay_short(rest) == []
    assert checks.names_say_something(rest) == []


def test_files_of_the_screens_stay_short() -> None:
    files = (path for folder in ("web/src", "widget/src") for path in (PROJECT / folder).rglob("*.ts*"))
    written = (path for path in files if not path.name.endswith(".d.ts"))
    lengths = {path.relative_to(PROJECT).as_posix(): len(path.read_text().splitlines()) for path in written}
    assert {where: lines for where, lines in lengths.items() if lines > checks.LONGEST_FILE} == {}


def test_every_room_stands_in_the_contracts() -> None:
    """import-linter needs the rooms by name; a new one must not stay outside of its rules."""
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]
    inside = next(contract for contract in settings["contracts"] if contract["name"].startswith("Inside a room"))
    assert inside["containers"] == [f"frontdesk.{room.name}" for room in FRONTDESK.rooms]


def test_something_is_looked_at() -> None:
    assert len(FRONTDESK.modules) > 20
    assert {"channels", "kit"} < {module.room for module in FRONTDESK.modules}
    assert FRONTDESK.channels
    assert Module("people/actions/users.py", "").part == "actions"
