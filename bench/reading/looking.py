"""Lists, threads, counts and search in a workspace of a million messages, and in a small one beside it."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Mapping, Sequence, Set
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from bench.benchmarks import benchmark
from bench.gates import Gate
from bench.measure import percentile
from bench.place import Place
from bench.reading import data
from bench.reading.questions import Question, cast_of, questions
from frontdesk.kit.paging import Page
from frontdesk.kit.transaction import Database, Row, Tx

SOON, FAR = 5.0, 2.0  # milliseconds; times the small workspace
FLOOR = 0.5  # milliseconds: what is quicker is not compared with something quicker still
BUFFERS = 60
Asked = dict[str, list[float]]  # seconds of every asking, by the question's name
Shown = dict[str, int]  # how many things a question's answer shows


@benchmark
async def looking(place: Place) -> list[Gate]:
    """What is asked all day, in 300,000 conversations against 10,000, with and without row-level security."""
    office = await place.office()
    owner = await asyncpg.connect(**office.owner_connect_args)
    try:
        small, large = await _workspace(owner, "small"), await _workspace(owner, "large")
        await data.fill(owner, small, data.SMALL if not place.quick else data.TINY)
        await data.fill(owner, large, data.LARGE if not place.quick else data.SMALL)
    finally:
        await owner.close()
    await place.settle()
    rounds = place.size(200, quick=2)  # the second highest of two hundred is their p99
    async with opened(office.connect_args) as app, opened(office.owner_connect_args) as unbound:
        asked = {name: await _all(app, workspace) for name, workspace in (("large", large), ("small", small))}
        times: dict[str, Asked] = {"large": {}, "small": {}, "unbound": {}}
        shown: dict[str, Shown] = {side: {} for side in times}
        gc.collect()
        gc.freeze()  # as a process of the product does when it is ready
        lists = [one for one in asked["large"] if one.group == "lists"]  # search is by the wall: nothing without it
        for _ in range(rounds):
            await _ask(app, large, asked["large"], times["large"], shown["large"])
            await _ask(app, small, asked["small"], times["small"], shown["small"])
            await _ask(unbound, large, lists, times["unbound"], shown["unbound"])
        buffers = await read_buffers(app, large, lists)
    gc.unfreeze()
    alike = {name for name, many in shown["small"].items() if shown["large"].get(name) == many}
    return _gates(asked["large"], times, buffers, alike)


async def _workspace(owner: Any, name: str) -> int:
    made: int = await owner.fetchval("insert into workspaces (name) values ($1) returning id", name)
    return made


@asynccontextmanager
async def opened(arguments: Mapping[str, Any]) -> Any:
    db = await Database.open(dict(arguments), size=1)
    try:
        yield db
    finally:
        await db.close()


async def _all(db: Database, workspace_id: int) -> list[Question]:
    async with db.look(workspace_id) as tx:
        return await questions(tx, await cast_of(tx))


async def _ask(db: Database, workspace_id: int, asked: Sequence[Question], times: Asked, shown: Shown) -> None:
    """Each in a transaction of its own, as a request has it; the transaction counts."""
    for one in asked:
        began = time.perf_counter()
        async with db.look(workspace_id) as tx:
            answer = await one.ask(tx)
        times.setdefault(one.name, []).append(time.perf_counter() - began)
        shown[one.name] = len(answer.items) if isinstance(answer, Page) else 1


class Watched(Tx):
    """Notes every statement with its values."""

    @classmethod
    def over(cls, tx: Tx) -> Watched:
        made = cls.__new__(cls)
        made.__dict__.update(tx.__dict__)
        made.seen = []
        return made

    seen: list[tuple[str, tuple[Any, ...]]]

    async def fetch(self, sql: str, *values: Any) -> list[Row]:
        self.seen.append((sql, values))
        return await super().fetch(sql, *values)

    async def fetchrow(self, sql: str, *values: Any) -> Row | None:
        self.seen.append((sql, values))
        return await super().fetchrow(sql, *values)

    async def fetchval(self, sql: str, *values: Any) -> Any:
        self.seen.append((sql, values))
        return await super().fetchval(sql, *values)


async def plans(tx: Tx, question: Question, *, run: bool) -> list[tuple[str, dict[str, Any]]]:
    """Every statement that a question asks, and its plan as EXPLAIN has it; ``run``: with what it read."""
    watched = Watched.over(tx)
    await question.ask(watched)
    how = "analyze, buffers, timing off, " if run else ""
    found = []
    for sql, values in watched.seen:
        if not sql.lstrip().startswith("explain"):
            told = await tx.raw.fetchval(f"explain ({how}format json) {sql}", *values)
            found.append((sql, told[0]["Plan"]))
    return found


async def read_buffers(db: Database, workspace_id: int, asked: Sequence[Question]) -> dict[str, int]:
    """Shared buffers that the statement which picks the page of a list touched."""
    found = {}
    for one in asked:
        async with db.look(workspace_id) as tx:
            picking = [plan for sql, plan in await plans(tx, one, run=True) if " limit " in sql]
            found[one.name] = sum(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] for plan in picking)
    return found


def _gates(
    asked: Sequence[Question], times: Mapping[str, Asked], buffers: Mapping[str, int], alike: Set[str]
) -> list[Gate]:
    """``alike``: questions to which both workspaces show as much. To show fifty conversations costs more than to show
    five anywhere, so that only these are compared; of the others the furthest is a figure."""
    gates = []
    for group in dict.fromkeys(one.group for one in asked):
        names = [one.name for one in asked if one.group == group]
        binding = {"kind": "must" if group in ("lists", "counts", "thread", "search") else "aim"}
        ends = {name: percentile(times["large"][name], 0.99) * 1000 for name in names}
        middles = {
            side: {name: statistics.median(times[side][name]) * 1000 for name in names if name in times[side]}
            for side in ("large", "small")
        }
        slowest = max(names, key=lambda name: ends[name])
        ratios = {
            name: max(middles["large"][name], FLOOR) / max(small, FLOOR) for name, small in middles["small"].items()
        }
        furthest = max(ratios.keys() & alike, key=lambda name: ratios[name])
        usual = statistics.median(middles["large"].values())
        gates += [
            Gate.figure(f"{group}: median of {len(names)} questions", usual, "ms"),
            Gate.at_most(f"{group}: the slowest question, p99", ends[slowest], SOON, "ms", note=slowest, **binding),
            Gate.at_most(f"{group}: against the small workspace", ratios[furthest], FAR, "×", note=furthest, **binding),
        ]
        if unlike := ratios.keys() - alike:
            most = max(unlike, key=lambda name: ratios[name])
            gates.append(Gate.figure(f"{group}: where the small one shows less", ratios[most], "×", note=most))
    bound, free = (
        sum(statistics.median(seconds) for name, seconds in times[side].items() if name in times["unbound"])
        for side in ("large", "unbound")
    )
    dear = max(buffers, key=lambda name: buffers[name])
    long, short = (statistics.median(times["large"][name]) for name in ("long thread", "short thread"))
    full = statistics.median(times["large"]["long thread"]) / statistics.median(times["small"]["long thread"])
    return [
        *gates,
        Gate.at_most("thread: 20,000 messages against 500", full, 1.5, "×"),
        Gate.figure("thread: 20,000 messages against a few", long / short, "×", note="50 messages are shown, or few"),
        Gate.figure("lists: row-level security", bound / free, "×", note="the application's role against the owner"),
        Gate.figure("lists: buffers to pick a page, median", statistics.median(buffers.values()), "pages"),
        Gate.at_most("lists: buffers to pick a page, most", buffers[dear], BUFFERS, "pages", kind="aim", note=dear),
    ]
