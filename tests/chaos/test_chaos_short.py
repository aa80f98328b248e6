"""The short form of ``make chaos``: twelve kills, and a mutant that shows itself soon."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from chaos.report import table
from chaos.run import Outcome
from chaos.settings import Plan

ROOT = Path(__file__).parents[2]
QUICK = ("counts_later",)


@pytest.mark.slow
def test_twelve_kills_and_a_mutant(tmp_path: Path) -> None:
    mutants = ["--mutants", ",".join(QUICK), "--mutant-round", "5", "--mutant-kills", "20"]
    command = [sys.executable, "-m", "chaos", "--seed", "1", "--kills", "12", *mutants, "--out", str(tmp_path)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environ, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "NOT CAUGHT" not in done.stdout
    assert (tmp_path / "design" / "history.jsonl").stat().st_size > 0


def test_a_mutant_that_lives_is_told() -> None:
    lives = Outcome(Plan(mutant="immortal"), wrong={"lost_inbound": []})
    assert not lives.missed
    assert "NOT CAUGHT" in table([lives])
    assert Outcome(Plan(), wrong={"lost_inbound": ["one"]}).missed == ["lost_inbound"]
