"""``python -m chaos``: exit status 1 when a gate is missed or a mutant lives."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from chaos import ground, mutants
from chaos.ledger import Ledger
from chaos.place import Place
from chaos.report import slow, table, told
from chaos.run import Outcome, Run
from chaos.settings import Plan

SEGMENT = 500  # kills in one database, of many


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=300, help="of web, worker and PostgreSQL; 0: none")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--races", type=int, default=0, help="messages taken back at the moment they leave")
    parser.add_argument("--backlog", type=int, default=0, help="deliveries that come while no worker runs")
    parser.add_argument("--webs", type=int, default=Plan.webs, help="web processes")
    parser.add_argument("--workers", type=int, default=Plan.workers, help="worker processes")
    parser.add_argument("--database", default="", help="a URL, or system: Debian's PostgreSQL over TCP")
    parser.add_argument("--round", type=int, default=Plan.round, help="kills between two looks at everything")
    parser.add_argument(
        "--ledger", type=Path, help="a long run in parts: their figures, and where to go on after a stop"
    )
    parser.add_argument("--mutants", default="", help="names, comma-separated, or all")
    parser.add_argument("--mutant-kills", type=int, default=120, help="in which each must be caught")
    parser.add_argument("--lanes", type=int, default=3, help="mutants side by side")
    parser.add_argument("--gate-times", action="store_true", help="recovery times are gates: for an idle machine")
    parser.add_argument("--out", type=Path, help="a folder for histories and the processes' log")
    try:
        sys.exit(asyncio.run(_main(parser.parse_args())))
    except asyncio.CancelledError:
        sys.exit(143)


async def _main(given: argparse.Namespace) -> int:
    if ours := asyncio.current_task():  # whoever stops this stops what it started, too
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ours.cancel)
    try:
        below = _ground(given.database)
    except FileNotFoundError as error:
        print(f"skipped: {error}")
        return 0
    names = list(mutants.MUTANTS) if given.mutants == "all" else [one for one in given.mutants.split(",") if one]
    folder = given.out or Path(tempfile.mkdtemp(prefix="frontdesk-chaos-"))
    began = time.time()
    print(f"{below}, fsync on; histories and logs in {folder}", flush=True)
    place = Place(below, folder, lanes=given.lanes if names else 1, webs=given.webs)
    try:
        await place.open()
        print(f"set up in {time.time() - began:.1f} s", flush=True)
        plan = Plan(
            kills=given.kills, seed=str(given.seed), round=given.round, webs=given.webs, workers=given.workers,
            races=given.races, backlog=given.backlog, postgres_every=Plan.postgres_every if below.can_crash else 0,
        )  # fmt: skip
        good = True
        if given.ledger:
            good = await _parts(plan, place, folder, Ledger(given.ledger))
        elif given.kills or given.races or given.backlog:
            good = await _design(plan, place, folder, gate_times=given.gate_times)
        caught = await _mutants(plan, place, folder, names, given.mutant_kills) if names else True
        print(f"all of it took {time.time() - began:.0f} s")
        return int(not (good and caught))
    finally:
        await place.close()


def _ground(database: str) -> ground.Ground:
    if not database:
        return ground.Embedded()
    return ground.System() if database == "system" else ground.Ground(database)


async def _design(plan: Plan, place: Place, folder: Path, *, gate_times: bool) -> bool:
    outcome = await Run(plan, place, folder)()
    late = slow(outcome)
    print(told(outcome), flush=True)
    for line in late:
        print(f"  {'gate' if gate_times else 'not a gate here'}: {line}")
    return not outcome.missed and not (gate_times and late)


async def _parts(plan: Plan, place: Place, folder: Path, ledger: Ledger) -> bool:
    """As many kills as are still to do, in databases of their own. Ends with the first part that finds something."""
    while (left := plan.kills - ledger.kills(plan.seed)) > 0:
        number = ledger.parts(plan.seed) + 1
        part = replace(plan, name=f"part_{number}", seed=f"{plan.seed}.{number}", kills=min(SEGMENT, left))
        outcome = await Run(part, place, folder)()
        (folder / part.name / "report.txt").write_text(told(outcome) + "\n")
        ledger.add(plan.seed, outcome)
        print(ledger.told(plan.seed), flush=True)
        if outcome.missed:
            print(told(outcome), flush=True)
            return False
        (folder / part.name / "history.jsonl").unlink()
    return True


async def _mutants(plan: Plan, place: Place, folder: Path, names: list[str], kills: int) -> bool:
    """Side by side: each waits most of the time. Whoever kills PostgreSQL kills it for all."""

    async def one(name: str) -> Outcome:
        smaller = replace(
            plan, name=name, mutant=name, kills=kills, round=24, glance=6, drain=15.0, races=0, backlog=0,
            customers=12, screens=1, texts=5.0, sendings=5.0,
        )  # fmt: skip
        smaller = replace(smaller, **mutants.MUTANTS[name].plan)
        outcome = await Run(smaller, place, folder)()
        (folder / name / "report.txt").write_text(told(outcome) + "\n")
        print(table([outcome]).splitlines()[-1], flush=True)
        return outcome

    outcomes = await asyncio.gather(*(one(name) for name in names))
    print()
    print(table(outcomes))
    return all(outcome.missed for outcome in outcomes)


if __name__ == "__main__":
    main()
