"""Jobs that fail: tried again, given up with a word about it, and never lost."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from frontdesk.kit import jobs
from frontdesk.kit.context import Resources
from frontdesk.kit.transaction import Database

Place = tuple[dict[str, Any], dict[str, Any]]


async def test_a_job_is_tried_again_and_then_given_up(
    live_db: Database, resources: Resources, workspace: int, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []
    ends: list[int] = []
    over, stop = asyncio.Event(), asyncio.Event()

    async def fail(resources: Resources, *, number: int) -> None:
        tries.append(number)
        raise ValueError("no")

    async def end(resources: Resources, *, number: int) -> None:
        ends.append(number)
        if len(ends) == 1:
            raise OSError("even this failed")
        over.set()

    monkeypatch.setitem(jobs.JOBS, "test.fail", fail)
    monkeypatch.setitem(jobs.GIVEN_UP, "test.fail", end)
    monkeypatch.setattr(jobs, "RETRY_AFTER", (0, 0))

    async def connect() -> Any:
        return await asyncpg.connect(**place[0])

    async with live_db.pool.acquire() as connection:
        await jobs.enqueue(connection, "test.fail", {"number": 7})
    working = asyncio.create_task(jobs.work(resources, stop, connect))
    try:
        await asyncio.wait_for(over.wait(), 60)
    finally:
        stop.set()
        await asyncio.wait_for(working, 60)
    assert tries == [7, 7, 7, 7]
    assert ends == [7, 7]
    async with live_db.pool.acquire() as connection:
        left = "select count(*) from jobs.pgqueuer where entrypoint = 'test.fail'"
        assert await connection.fetchval(left) == 0
