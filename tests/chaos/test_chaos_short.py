"""The short form of ``make chaos``: forty kills, and three mutants that show themselves soon."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
QUICK = "counts_later,receipts_go_back,forgets_the_missed"


def chaos(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chaos", "--seed", "1", *arguments]
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environ, timeout=600)


@pytest.mark.slow
def test_forty_kills(tmp_path: Path) -> None:
    done = chaos("--kills", "40", "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "design" / "history.jsonl").stat().st_size > 0


@pytest.mark.slow
def test_quick_mutants_are_caught(tmp_path: Path) -> None:
    done = chaos(
        "--kills", "0", "--mutants", QUICK, "--mutant-round", "10", "--mutant-kills", "40", "--out", str(tmp_path)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "NOT CAUGHT" not in done.stdout


def test_a_mutant_that_lives_is_a_failure(tmp_path: Path) -> None:
    """``acknowledges_errors`` shows itself only when something dies, and here nothing does."""
    done = chaos("--kills", "0", "--mutants", "acknowledges_errors", "--mutant-kills", "0", "--out", str(tmp_path))
    assert done.returncode == 1
    assert "NOT CAUGHT" in done.stdout
