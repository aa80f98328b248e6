"""``python -m bench``: measure, print a table, and exit with status 1 when a gate is missed."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import signal
import subprocess
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

from bench.benchmarks import Benchmark, chosen
from bench.gates import Gate, markdown, told
from bench.place import ROOT, Place

DOCUMENT = ROOT / "docs/performance.md"
BEGIN, END = "<!-- figures: written by `python -m bench --table` -->", "<!-- end of figures -->"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", help="benchmarks, or writing, or reading; all when none is named")
    parser.add_argument("--quick", action="store_true", help="a second of work each, to see that they run; no gates")
    parser.add_argument("--list", action="store_true", help="only say what there is")
    parser.add_argument("--json", type=Path, help="keep the figures here; others that are in the file stay")
    parser.add_argument("--table", type=Path, metavar="JSON", help="only write these figures into docs/performance.md")
    given = parser.parse_args(argv)
    if given.table:
        write_table(given.table, DOCUMENT)
        return 0
    found = chosen(given.names)
    if given.list:
        for name, run in found.items():
            print(f"{name:<18} {(run.__doc__ or '').strip().splitlines()[0]}")
        return 0
    results, failed = uvloop.run(run_all(found, quick=given.quick))
    if given.json:
        keep(given.json, results)
    missed = (
        []
        if given.quick
        else [f"{name}: {gate.name}" for name, gates in results.items() for gate in gates if gate.missed]
    )
    for line in missed:
        print(f"gate missed: {line}")
    return int(bool(missed or failed))


async def run_all(found: dict[str, Benchmark], *, quick: bool) -> tuple[dict[str, list[Gate]], list[str]]:
    """What each benchmark measured, and the names of those that could not be run to their end."""
    results: dict[str, list[Gate]] = {}
    failed: list[str] = []
    if task := asyncio.current_task():  # whoever stops us finds no database and no server left behind
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    place = Place(quick=quick)
    try:
        await place.open()
        for name, run in found.items():
            began = time.monotonic()
            try:
                results[name] = await run(place)
                print(told(f"{name} ({time.monotonic() - began:.0f} s)", results[name], judged=not quick), flush=True)
            except Exception:
                failed.append(name)
                print(f"{name} could not be measured:\n{traceback.format_exc()}", flush=True)
            finally:
                await place.leave()
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
        await place.close()
    return results, failed


def keep(path: Path, results: dict[str, list[Gate]]) -> None:
    """Write the figures, with when and on what they were measured, beside those of other benchmarks in the file."""
    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    for name, gates in results.items():
        kept[name] = {"measured": machine(), "gates": [gate.as_dict() for gate in gates]}
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


def machine() -> dict[str, Any]:
    cpu = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), ""
    )
    revision = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT).stdout
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"), "revision": revision.strip(), "cpu": cpu,
        "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1), "python": platform.python_version(),
    }  # fmt: skip


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def table(path: Path) -> str:
    """The figures of a file as Markdown, and on what they were measured."""
    kept = json.loads(path.read_text())
    rows = markdown({name: [Gate.from_dict(gate) for gate in one["gates"]] for name, one in kept.items()})
    where = [one["measured"] for one in kept.values() if "measured" in one]
    if not where:
        return rows
    loads = [one["load"] for one in where]
    places = " and ".join(sorted({f"{one['cores']} cores of {one['cpu'] or 'an unnamed processor'}" for one in where}))
    days = sorted({one["at"][:10] for one in where})
    busy = f"the load average was {min(loads):g} to {max(loads):g}"
    return f"{rows}\n\nMeasured {days[0]} to {days[-1]} on {places}; {busy} when a benchmark had ended."


def write_table(path: Path, document: Path) -> None:
    """Put the figures between the two marks of the document."""
    text = document.read_text()
    head, _, rest = text.partition(BEGIN)
    _, mark, tail = rest.partition(END)
    if not mark:
        raise SystemExit(f"{document} has no place for the table: {BEGIN} … {END}")
    document.write_text(f"{head}{BEGIN}\n{table(path)}\n{END}{tail}")


if __name__ == "__main__":
    sys.exit(main())
