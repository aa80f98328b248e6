"""SIGTERM under load: whoever was let in is answered, and a socket that is kept turns nobody away between processes."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest

from database import fast_folder
from faults.gateway import Gateway
from faults.processes import LONG, Desk, Running, listening, running, url_of

CONNECTIONS = 64
STOPPED_WITHIN = 20.0  # seconds
pytestmark = pytest.mark.slow


class Load:
    """Connections that are kept open; each sends the next request as soon as the last was answered."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.answers: Counter[str] = Counter()
        self.acknowledged: list[str] = []
        self.stop = False

    async def run(self, number: int) -> None:
        headers = dict(self.desk.client.headers)
        cookies = self.desk.client.cookies
        limits = httpx.Limits(max_connections=1)
        base = self.desk.client.base_url
        async with httpx.AsyncClient(
            base_url=base, timeout=60, trust_env=False, verify=False, limits=limits, headers=headers, cookies=cookies
        ) as client:
            turn = 0
            while not self.stop:
                turn += 1
                words = f"{number}-{turn}"
                try:
                    if number % 2:
                        answer = await self.desk.text(client, words, f"+3021{number:08}")
                        self.acknowledged += [words] if answer.is_success else []
                    else:
                        answer = await client.get("/api/v1/conversations?limit=5")
                    self.answers[str(answer.status_code)] += 1
                except httpx.TransportError as error:
                    self.answers[repr(error)] += 1


@asynccontextmanager
async def under_load(desk: Desk, connections: int = CONNECTIONS) -> AsyncIterator[Load]:
    load = Load(desk)
    tasks = [asyncio.create_task(load.run(number)) for number in range(connections)]
    try:
        yield load
    finally:
        load.stop = True
        await asyncio.gather(*tasks)


async def served(load: Load, more: int) -> None:
    """Until so many more requests were answered."""
    goal = load.answers["200"] + more
    async with asyncio.timeout(60):
        while load.answers["200"] < goal:
            await asyncio.sleep(0.05)


async def test_a_rolling_restart_under_load_turns_nobody_away(database: str, home: Path, gateway: Gateway) -> None:
    with listening() as socket:
        on = {"on": socket, "DATABASE_URL": database}
        async with AsyncExitStack() as stack:
            desk = await stack.enter_async_context(Desk(url_of(socket)))
            await stack.enter_async_context(running("worker", home, DATABASE_URL=database))
            first = await stack.enter_async_context(running("web", home, **on))
            await desk.until_ready(first)
            await desk.set_up(gateway.url)
            async with under_load(desk) as load:
                await served(load, 200)
                second = await stack.enter_async_context(running("web", home, **on))
                await desk.until(lambda: _serves(second))
                first.signal()
                began = time.monotonic()
                assert await first.ended() == 0
                took = time.monotonic() - began
                await served(load, 200)
            assert (set(load.answers), first.said().count("error")) == ({"200"}, 0), load.answers
            assert took < STOPPED_WITHIN
            await desk.until(lambda: _all_read(database, load))


@LONG
async def test_a_restart_of_everything_keeps_callers_waiting_and_ends_in_time(home: Path, gateway: Gateway) -> None:
    """With the database that came along: it stops and starts too. A provider that hangs does not hold up the end, and
    what it was given is in doubt, not sent again."""
    home = fast_folder("fd-restart-")
    with listening() as socket:
        on = {"on": socket, "FRONTDESK_UNCERTAIN_SECONDS": "1", "FRONTDESK_LEASE_SECONDS": "3"}
        async with AsyncExitStack() as stack:
            stack.callback(shutil.rmtree, home)
            desk = await stack.enter_async_context(Desk(url_of(socket)))
            async with running("run", home, **on) as first:
                await desk.until_ready(first)
                await desk.set_up(gateway.url)
                assert (await desk.text(desk.client, "Are you open?")).status_code == 200
                (talk,) = await desk.until(desk.conversations)
                gateway.before = 3600.0
                sent = await desk.call("POST", f"/conversations/{talk['id']}/messages", {"text": "Until six."})
                await desk.until(gateway.asked.wait)
                async with under_load(desk, connections=8) as load:
                    await served(load, 50)
                    first.signal()
                    began = time.monotonic()
                    assert await first.ended() == 0
                    took = time.monotonic() - began
                    await stack.enter_async_context(running("run", home, **on))
                    await served(load, 50)
            assert set(load.answers) == {"200"}, load.answers
            assert took < STOPPED_WITHIN
            await desk.until(lambda: _is(desk, talk["id"], sent["id"], "uncertain"))
            assert gateway.texts == []


async def _serves(process: Running) -> bool:
    return "Frontdesk is at" in process.said()


async def _all_read(database: str, load: Load) -> bool:
    """Every text that was acknowledged is one message; fails when any is two."""
    connection = await asyncpg.connect(database)
    try:
        rows = await connection.fetch("select text from messages where direction = 'in'")
    finally:
        await connection.close()
    found = Counter(row["text"] for row in rows)
    assert max(found.values()) == 1
    return set(load.acknowledged) <= set(found)


async def _is(desk: Desk, conversation_id: int, message_id: int, delivery: str) -> bool:
    thread = await desk.thread(conversation_id)
    return any(one["id"] == message_id and one["delivery"]["state"] == delivery for one in thread)
