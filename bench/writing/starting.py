"""From an installed program to one that serves."""

from __future__ import annotations

import statistics
import time

from bench.benchmarks import benchmark
from bench.gates import Gate
from bench.measure import memory_of_tree
from bench.place import Place, free_port, start_frontdesk


@benchmark
async def start(place: Place) -> list[Gate]:
    """`frontdesk run` in an empty folder until /readyz says 200, and the same again on what is there then."""
    first, again, idle = [], [], []
    for number in range(place.size(3, quick=1)):
        home = place.folder / f"start_{number}"
        home.mkdir(mode=0o755)
        for found in (first, *[again] * place.size(3, quick=1)):
            began = time.perf_counter()
            process = await start_frontdesk("run", home, free_port())
            found.append(time.perf_counter() - began)
            idle.append(memory_of_tree(process.pid))
            await process.stop()
    return [
        Gate.at_most("first start: database made, migrated, serving", statistics.median(first), 5.0, "s"),
        Gate.at_most("start on existing data", statistics.median(again), 1.5, "s"),
        Gate.figure("memory of everything after the start", statistics.median(idle), "MB", note="with PostgreSQL"),
    ]
