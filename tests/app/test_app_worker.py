"""The worker's rounds: what hangs for one inbox or in one process delays nobody else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from frontdesk.app import worker
from frontdesk.conversations.handlers import clocks
from frontdesk.inboxes import queries as inboxes
from frontdesk.kit.context import Resources
from frontdesk.kit.disk import Disk


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
