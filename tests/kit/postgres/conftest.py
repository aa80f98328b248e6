"""Homes to start the embedded database in."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from database import fast_folder
from frontdesk.kit import postgres
from kit.postgres.processes import copy


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can reach; pytest's own are closed to others."""
    made = fast_folder("fd-")
    yield made
    shutil.rmtree(made)


@pytest.fixture
def home(folder: Path) -> Path:
    return folder / "home"


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """A home whose database was made once: copies of it start without waiting for initdb."""
    made = fast_folder("fd-")
    postgres.start(made / "home").stop()
    yield made / "home"
    shutil.rmtree(made)


@pytest.fixture
def used(template: Path, home: Path) -> Path:
    """A home that already has a database."""
    copy(template, home)
    return home


@pytest.fixture
def disk() -> Iterator[Path]:
    """A folder that every user can reach and start programs from, which memory often forbids."""
    made = Path(tempfile.mkdtemp(prefix="fd-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)
