"""Mutants must be what they say: their words are found in the product as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from chaos.mutants import MUTANTS

ROOT = Path(__file__).parents[2]
TRY_EACH = """
import os, traceback
from chaos import mutants
for name in mutants.MUTANTS:
    if os.fork() == 0:
        try:
            mutants.apply(name)
        except Exception:
            print(name, traceback.format_exc(), flush=True)
        os._exit(0)
    os.wait()
"""


def test_there_are_enough() -> None:
    assert len(MUTANTS) >= 12


def test_every_mutant_can_still_be_made() -> None:
    """In processes of their own: nothing else may ever see one."""
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
    tried = subprocess.run([sys.executable, "-c", TRY_EACH], capture_output=True, text=True, env=environ, cwd=ROOT)
    assert (tried.returncode, tried.stdout) == (0, ""), tried.stderr
