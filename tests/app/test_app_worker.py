"""The worker's rounds: what hangs for one inbox or in one process delays nobody else."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from frontdesk.app import worker
from frontdesk.app.listening import Listeners
from frontdesk.conversations.handlers import clocks
from frontdesk.conversations.handlers.under_way import UnderWay
from frontdesk.inboxes import queries as inboxes
from frontdesk.kit.context import Resources
from frontdesk.kit.disk import Disk
from frontdesk.kit.transaction import Database
from frontdesk.realtime.queries.hub import Hub


async def test_inboxes_are_compared_side_by_side_and_never_too_many_at_once(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"id": number} for number in range(30)]
    done: list[int] = []
    running = most = 0
    hangs = asyncio.Event()

    async def all_rows(tx: Any) -> list[dict[str, int]]:
        return rows

    async def compare(resources: Resources, row: Any) -> int:
        nonlocal running, most
        running, most = running + 1, max(most, running + 1)
        try:
            if row["id"] == 0:
                await hangs.wait()
            await asyncio.sleep(0)
            if row["id"] == 7:
                raise ConnectionResetError
            done.append(row["id"])
        finally:
            running -= 1
        return 0

    monkeypatch.setattr(inboxes, "active_across", all_rows)
    monkeypatch.setattr(clocks, "reconcile", compare)
    monkeypatch.setattr(Disk, "full", lambda _: False)
    comparing = asyncio.create_task(worker._reconcile(resources))
    async with asyncio.timeout(60):
        while len(done) < 28:
            await asyncio.sleep(0.01)
    assert not comparing.done()
    hangs.set()
    await comparing
    assert sorted(done) == [number for number in range(30) if number != 7]
    assert most == worker.RECONCILE_TOGETHER


@pytest.mark.parametrize("early", [False, True], ids=["at the stop", "before it"])
async def test_what_is_under_way_is_settled_whatever_part_of_the_worker_fails(
    resources: Resources, live_db: Database, place: tuple[dict[str, Any], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch, early: bool,
) -> None:  # fmt: skip
    """Otherwise the pool is closed while a provider is about to answer, and its answer is lost."""
    stop, begun, failed = asyncio.Event(), asyncio.Event(), asyncio.Event()
    written: list[str] = []

    async def sending() -> None:
        begun.set()
        await failed.wait()
        await asyncio.sleep(0.05)
        async with live_db.across() as tx:
            written.append(await tx.fetchval("select 'the answer'"))

    async def dispatch(_: Resources, under_way: UnderWay) -> float:
        if not begun.is_set():
            under_way.attend(sending())
        return worker.IDLE

    async def listen(self: Listeners, stop: asyncio.Event) -> None:
        await (begun if early else stop).wait()
        failed.set()
        raise TimeoutError("the database is slow")

    monkeypatch.setattr(worker, "_dispatch", dispatch)
    monkeypatch.setattr(Listeners, "run", listen)

    async def connect() -> Any:
        return await asyncpg.connect(**place[0])

    working = asyncio.create_task(worker.work(resources, Hub(resources, connect), stop, connect))
    await asyncio.wait_for(begun.wait(), 60)
    if not early:
        stop.set()
    with pytest.raises(TimeoutError, match="the database is slow"):
        await asyncio.wait_for(working, 60)
    assert written == ["the answer"]
    assert stop.is_set()
