"""The database behind a bad network: deliveries are stored once, and a line that died without a word is noticed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import asyncpg
import pytest

from conversations.office import Office, office, registry
from faults.proxy import Fault, Plan, Proxy
from frontdesk.app.intake import Intake
from frontdesk.channels.port import Raw
from frontdesk.kit.errors import Unavailable
from frontdesk.kit.postgres.ground import SOCKET_NAME
from frontdesk.kit.transaction import WORK, Database
from frontdesk.realtime.queries import hub

__all__ = ["office", "registry"]


@pytest.fixture
async def proxy(place: tuple[dict[str, Any], dict[str, Any]]) -> AsyncIterator[Proxy]:
    """Speaks TCP on our side and to the database's socket on the other."""
    if "host" not in place[0]:
        pytest.skip("the tests' database is somebody else's")
    async with Proxy(f"{place[0]['host']}/{SOCKET_NAME}") as made:
        yield made


def behind(proxy: Proxy, place: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
    return {**place[0], "host": "127.0.0.1", "port": proxy.port, "ssl": False}


# A delivery is stored by one call that is a transaction of its own. In PostgreSQL's protocol: its text, which is sent
# first; the end of its last argument with Execute and Sync, which commits; and the row that says one was new.
_CALL = b"store_deliveries"
_COMMIT = WORK.encode() + b"\0\1\0\1" + b"E\0\0\0\x09\0\0\0\0\1" + b"S\0\0\0\4"
_ANSWER = b"D\0\0\0\x12\0\1\0\0\0\x08" + (1).to_bytes(8, "big")


@pytest.mark.parametrize(
    "plan",
    [
        Plan(to_server=Fault(upon=_COMMIT, then="reset")),
        Plan(to_server=Fault(upon=_CALL, then="reset")),
        Plan(to_client=Fault(upon=_ANSWER, then="close")),
    ],
    ids=["after the commit was asked for", "before it", "in its answer"],
)
async def test_a_delivery_whose_commit_is_in_doubt_is_stored_once(
    office: Office, live_db: Database, proxy: Proxy, place: tuple[dict[str, Any], dict[str, Any]], plan: Plan
) -> None:
    """It is not acknowledged, so the provider comes again; whether it was stored the first time makes no difference."""
    raw = Raw(dedupe_key="one", body=b"[]")
    proxy.plans = [Plan(), plan]
    db = await Database.open(behind(proxy, place), size=1)
    try:
        intake = Intake(db)
        assert await intake.store(office.workspace, office.line, [Raw(dedupe_key="zero", body=b"[]")]) == 1
        await db.renew()
        with pytest.raises(Unavailable):
            await intake.store(office.workspace, office.line, [raw])
        assert proxy.struck.is_set()
        assert await intake.store(office.workspace, office.line, [raw]) in (0, 1)
    finally:
        await db.close()
    assert await office.value("select count(*) from raw_deliveries where dedupe_key = 'one'") == 1


async def test_a_listening_line_that_died_without_a_word_is_opened_again(
    office: Office,
    live_db: Database,
    proxy: Proxy,
    place: tuple[dict[str, Any], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No bell would ring again: a router forgot the connection. What happened meanwhile is read."""
    monkeypatch.setattr(hub, "SILENCE", 0.3)
    line = hub.Hub(office.resources, lambda: asyncpg.connect(**behind(proxy, place)))
    stop = asyncio.Event()
    running = asyncio.create_task(line.run(stop))
    try:
        subscription = await line.subscribe(office.workspace, None)
        await _until_heard(office, subscription, "before")
        proxy.strike("hang")
        await _until_heard(office, subscription, "while nobody listened")
        assert proxy.connections > 1
    finally:
        stop.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(running, 60)


async def _until_heard(office: Office, subscription: hub.Subscription, text: str) -> None:
    message = await office.hear(text)
    async with asyncio.timeout(60):
        while (await subscription.queue.get()).row["message_id"] != message["id"]:
            pass
