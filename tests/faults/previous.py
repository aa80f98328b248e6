"""The code before the newest migration, as the history of this repository has it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from frontdesk.app.migrate import config, newest

PROJECT = Path(__file__).parents[2]
TRIED = 20  # commits


def previous_revision() -> str:
    """The revision before the newest; skips while there is only one."""
    script = ScriptDirectory.from_config(config()).get_revision(newest())
    if script.down_revision is None:
        pytest.skip("there is one migration: no code ever had another schema")
    return str(script.down_revision)


def previous_code(folder: Path) -> Path:
    """Source of the last commit that did not have the newest migration; skips where no history tells."""
    script = ScriptDirectory.from_config(config()).get_revision(newest())
    path = Path(script.path).relative_to(PROJECT).as_posix()
    added = _git("log", "--diff-filter=A", "--format=%H", "--", path).split()
    before = f"{added[-1]}^" if added else "HEAD"  # written, and not committed yet
    for commit in _git("rev-list", "--first-parent", f"--max-count={TRIED}", before).split():
        source = _exported(commit, folder / commit[:12])
        assert not (source.parent / path).exists()
        if _is_whole(source):
            return source
    raise AssertionError(f"none of the {TRIED} commits before {path} can be started")


def _exported(commit: str, folder: Path) -> Path:
    archive = subprocess.run(["git", "-C", str(PROJECT), "archive", commit, "src"], capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return folder / "src"


def _is_whole(source: Path) -> bool:
    """Whether this is a version and not half of a change, of which the next commit is the other half."""
    command = [sys.executable, "-c", "import frontdesk.app.cli"]
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": str(source)}, capture_output=True).returncode == 0


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(PROJECT), *arguments], capture_output=True, text=True)
    if done.returncode != 0 or (not done.stdout.strip() and arguments[0] == "rev-list"):
        pytest.skip("no history is here that tells which code came before the newest migration")
    return done.stdout
