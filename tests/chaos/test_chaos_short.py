"""The shortest form of ``make chaos``, which every change runs in full: that the harness itself still works."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from chaos.ledger import Ledger
from chaos.report import table
from chaos.run import Outcome
from chaos.settings import Plan

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_few_kills_races_and_a_backlog(tmp_path: Path) -> None:
    phases = ["--kills", "6", "--races", "20", "--backlog", "50", "--webs", "2"]
    command = [sys.executable, "-m", "chaos", "--seed", "1", *phases, "--out", str(tmp_path)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environ, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "design" / "history.jsonl").stat().st_size > 0


def test_a_mutant_that_lives_is_told() -> None:
    lives = Outcome(Plan(mutant="immortal"), wrong={"lost_inbound": []})
    assert not lives.missed
    assert "NOT CAUGHT" in table([lives])
    assert Outcome(Plan(), wrong={"lost_inbound": ["one"]}).missed == ["lost_inbound"]


def test_a_long_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    assert (ledger.kills("7"), ledger.parts("7")) == (0, 0)
    for part, kills in (("7.1", 40), ("7.2", 2)):
        outcome = Outcome(Plan(seed=part), figures={"texts": 10, "outbox": {"accepted": 3}})
        outcome.toll.kills.update(worker=kills, postgres=1)
        ledger.add("7", outcome)
    ledger.add("8", Outcome(Plan(seed="8.1"), wrong={"lost_inbound": ["one", "two"], "order_in": []}))
    assert (ledger.kills("7"), ledger.parts("7")) == (44, 2)
    assert "seed 7: 44 kills in 2 parts (postgres 2, worker 42)" in ledger.told("7")
    assert "wrong: nothing" in ledger.told("7")
    assert "texts 20; ended: accepted 6" in ledger.told("7")
    assert "wrong: lost_inbound 2" in ledger.told("8")
