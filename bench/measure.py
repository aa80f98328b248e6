"""CPU per item, wall time, latencies; and several sides measured in turns. Reads Linux's /proc."""

from __future__ import annotations

import math
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
Side = Callable[[], Awaitable["Spent"]]


@dataclass
class Spent:
    """What a number of items cost: seconds on the wall, seconds of CPU by who spent them, latencies in seconds."""

    items: int
    wall: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)

    def took(self, seconds: float) -> None:
        self.latencies.append(seconds)

    def per_item(self, *who: str) -> float:
        """CPU microseconds an item, of the named processes together (of all, when none is named)."""
        return sum(self.cpu[name] for name in who or self.cpu) / self.items * 1e6

    @property
    def rate(self) -> float:
        """Items a second by the wall clock."""
        return self.items / self.wall

    def at(self, share: float) -> float:
        """The latency in milliseconds that ``share`` (0.5, 0.95, 0.99) of the items stayed within."""
        return percentile(self.latencies, share) * 1000


class Meter:
    """Knows whose CPU to read: ``Meter(postgres=pid, server=pid)``, each with all its children. ``client`` is us."""

    def __init__(self, **pids: int) -> None:
        self._pids = {**pids, "client": os.getpid()}

    @contextmanager
    def measured(self, items: int) -> Iterator[Spent]:
        spent = Spent(items)
        before, began = self._read(), time.perf_counter()
        yield spent
        spent.wall = time.perf_counter() - began
        spent.cpu = {name: seconds - before[name] for name, seconds in self._read().items()}

    def _read(self) -> dict[str, float]:
        others = set(self._pids.values())
        return {name: cpu_seconds(pid, without=others - {pid}) for name, pid in self._pids.items()}


def cpu_seconds(pid: int, without: set[int] | frozenset[int] = frozenset()) -> float:
    """User and system time of a process, of its living children, and of those that it has already buried.

    ``without`` are children that somebody else accounts for.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:  # a child that ended meanwhile: its parent has it
        return 0.0
    fields = stat.rpartition(")")[2].split()
    own = sum(int(ticks) for ticks in fields[11:15]) / TICKS  # utime, stime, cutime, cstime
    return own + sum(cpu_seconds(child, without) for child in _children(pid) if child not in without)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in listed.read_text().split()]
        except OSError:
            continue
    return found


def memory(pid: int) -> float:
    """Resident megabytes of one process, shared pages counted by share where the kernel tells (Pss)."""
    for name, word in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        try:
            lines = Path(f"/proc/{pid}/{name}").read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith(word):
                return int(line.split()[1]) / 1024
    return 0.0


def memory_of_tree(pid: int) -> float:
    """The same of a process and all its children."""
    return memory(pid) + sum(memory_of_tree(child) for child in _children(pid))


async def interleaved(rounds: int, **sides: Side) -> dict[str, list[Spent]]:
    """Every side once a round, and every other round in reverse, so that what drifts drifts for all."""
    found: dict[str, list[Spent]] = {name: [] for name in sides}
    for number in range(rounds):
        for name in list(sides) if number % 2 == 0 else reversed(list(sides)):
            found[name].append(await sides[name]())
    return found


def median(rounds: Sequence[Spent], *who: str) -> float:
    """The median over the rounds of CPU microseconds an item (see :meth:`Spent.per_item`)."""
    return statistics.median(spent.per_item(*who) for spent in rounds)


def median_ratio(above: Sequence[Spent], below: Sequence[Spent], *who: str) -> float:
    """The median of the rounds' ratios: both sides of each ratio were measured next to each other."""
    ratios = [a.per_item(*who) / max(b.per_item(*who), 1e-9) for a, b in zip(above, below, strict=True)]
    return statistics.median(ratios)


def latencies(rounds: Sequence[Spent]) -> Spent:
    """All rounds' latencies in one, for :meth:`Spent.at`."""
    together = [seconds for spent in rounds for seconds in spent.latencies]
    return Spent(len(together), sum(spent.wall for spent in rounds), {}, together)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
