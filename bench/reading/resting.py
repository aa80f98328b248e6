"""What Frontdesk needs while nobody does anything."""

from __future__ import annotations

import asyncio

from bench.benchmarks import benchmark
from bench.gates import Gate
from bench.measure import memory, memory_of_tree
from bench.place import Place, free_port, start_frontdesk


@benchmark
async def resting(place: Place) -> list[Gate]:
    """Memory of all processes together, PostgreSQL's too, some seconds after the first ``frontdesk run``."""
    home = place.folder / "resting"
    home.mkdir(mode=0o755)
    everything = await start_frontdesk("run", home, free_port())
    try:
        await asyncio.sleep(place.size(20, quick=1))
        total, ours = memory_of_tree(everything.pid), memory(everything.pid)
    finally:
        await everything.stop()
    return [
        Gate.figure("idle, all processes together", total, "MB", note="Pss: shared pages counted once"),
        Gate.figure("of that PostgreSQL", total - ours, "MB"),
    ]
