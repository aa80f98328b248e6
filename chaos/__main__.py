"""``python -m chaos``: exit status 1 when a gate is missed or a mutant lives."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from chaos import mutants
from chaos.place import Ground
from chaos.report import slow, table, told
from chaos.run import Outcome, Run
from chaos.settings import Plan

MUTANT_DRAIN = 25.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=300, help="of web, worker and PostgreSQL; 0: mutants only")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mutants", default="", help="names, comma-separated, or all")
    parser.add_argument("--mutant-kills", type=int, default=120, help="in which each must be caught")
    parser.add_argument("--mutant-round", type=int, default=30, help="kills between two looks at a mutant")
    parser.add_argument("--round", type=int, default=Plan.round, help="kills between two looks at everything")
    parser.add_argument("--gate-times", action="store_true", help="recovery times are gates: for an idle machine")
    parser.add_argument("--out", type=Path, help="a folder for history.jsonl and the processes' log")
    given = parser.parse_args()
    sys.exit(asyncio.run(_main(given)))


async def _main(given: argparse.Namespace) -> int:
    folder = given.out or Path(tempfile.mkdtemp(prefix="frontdesk-chaos-"))
    ground = Ground()
    print(f"PostgreSQL on {'memory' if ground.in_memory else 'disk'} with fsync on; histories and logs in {folder}")
    try:
        await ground.open()
        plan = Plan(kills=given.kills, seed=given.seed, round=given.round)
        failed = bool(given.kills) and not await _design(plan, ground, folder, gate_times=given.gate_times)
        names = list(mutants.MUTANTS) if given.mutants == "all" else [one for one in given.mutants.split(",") if one]
        caught = await _mutants(plan, ground, folder, names, given) if names else True
        return int(failed or not caught)
    finally:
        await ground.close()


async def _design(plan: Plan, ground: Ground, folder: Path, *, gate_times: bool) -> bool:
    outcome = await Run(plan, ground, folder)()
    late = slow(outcome)
    print(told(outcome))
    for line in late:
        print(f"  {'gate' if gate_times else 'not a gate here'}: {line}")
    return not outcome.missed and not (gate_times and late)


async def _mutants(plan: Plan, ground: Ground, folder: Path, names: list[str], given: argparse.Namespace) -> bool:
    outcomes: list[Outcome] = []
    for name in names:
        kills, look = given.mutant_kills, given.mutant_round
        smaller = replace(plan, mutant=name, kills=kills, round=look, drain=MUTANT_DRAIN)
        outcomes.append(await Run(smaller, ground, folder)())
        (folder / name / "report.txt").write_text(told(outcomes[-1]) + "\n")
        print(table(outcomes[-1:]).splitlines()[-1], flush=True)
    print()
    print(table(outcomes))
    return all(outcome.missed for outcome in outcomes)


if __name__ == "__main__":
    main()
