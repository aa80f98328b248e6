"""The tasks that listen for inboxes: none of them ends without a word, and none is started again without a pause."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from conversations.office import Office
from conversations.pretend import Pretend, line
from frontdesk.app import listening
from frontdesk.channels.port import Account, Sink
from frontdesk.kit.transaction import Database, prepare


class Listening(Pretend):
    """Hears one word and has no more to say."""

    heard = 0

    async def listen(self, account: Account, sink: Sink) -> None:
        self.heard += 1
        await sink.healthy("Heard.")


@asynccontextmanager
async def listeners(office: Office, place: tuple[dict[str, Any], dict[str, Any]]) -> AsyncIterator[None]:
    async def connect() -> Any:
        made = await asyncpg.connect(**place[0])
        await prepare(made)
        return made

    stop = asyncio.Event()
    running = asyncio.create_task(listening.Listeners(office.resources, connect).run(stop))
    try:
        yield
    finally:
        stop.set()
        await running


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set when a listener's pause begins."""
    event = asyncio.Event()

    def drawn() -> float:
        event.set()
        return 1.0

    monkeypatch.setattr(listening.random, "random", drawn)
    return event


async def test_an_inbox_whose_credentials_cannot_be_opened_says_so(
    live_db: Database, office: Office, place: tuple[dict[str, Any], dict[str, Any]], paused: asyncio.Event
) -> None:
    office.install(line(Listening("phone")))
    await office.execute("update inboxes set credentials = 'nonsense' where id = $1", office.line)
    async with asyncio.timeout(60), listeners(office, place):
        await paused.wait()
    [row] = await office.fetch("select health, health_note from inboxes where id = $1", office.line)
    assert row["health"] == "attention"
    assert "key" in row["health_note"]


async def test_a_listener_that_comes_to_its_end_is_started_again_after_a_pause(
    live_db: Database, office: Office, place: tuple[dict[str, Any], dict[str, Any]], paused: asyncio.Event
) -> None:
    driver = Listening("phone")
    office.install(line(driver))
    async with asyncio.timeout(60), listeners(office, place):
        await paused.wait()
        assert driver.heard == 1


async def test_an_inbox_whose_channel_is_gone_is_in_nobody_elses_way(
    live_db: Database, office: Office, place: tuple[dict[str, Any], dict[str, Any]], paused: asyncio.Event
) -> None:
    office.install(line(driver := Listening("phone")))
    del office.registry["post"]
    async with asyncio.timeout(60), listeners(office, place):
        await paused.wait()
    assert driver.heard == 1
