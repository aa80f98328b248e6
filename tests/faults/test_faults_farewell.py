"""The database says goodbye to a connection, and the end of the connection is not there yet.

PostgreSQL sends a last word before it hangs up. Who has heard that and not the end, as a process that was asleep and
wakes up may, meets the driver in a state from which it answers nothing any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import pytest

from conversations.office import Office, office, registry
from faults.proxy import Fault, Plan, Proxy
from faults.test_faults_database import behind, proxy
from frontdesk.app import listening
from frontdesk.app.intake import Intake
from frontdesk.channels.port import Raw
from frontdesk.kit.context import Resources
from frontdesk.kit.errors import Unavailable
from frontdesk.kit.transaction import PASSING, Database, prepare
from frontdesk.realtime.queries import hub

__all__ = ["office", "proxy", "registry"]

_FAREWELL = Plan(to_client=Fault(upon=b"ProcessInterrupts\0\0", then="hang"))  # the last field of the last word

Place = tuple[dict[str, Any], dict[str, Any]]


@pytest.fixture
async def left(proxy: Proxy, place: Place) -> AsyncIterator[Database]:
    """A pool of one connection, which the database has just said goodbye to."""
    proxy.plans = [_FAREWELL]
    db = await Database.open(behind(proxy, place), size=1)
    try:
        async with db.across() as tx:
            pid = await tx.fetchval("select pg_backend_pid()")
        await _end(place, proxy, pid)
        yield db
    finally:
        await db.close()


async def _end(place: Place, proxy: Proxy, pid: int) -> None:
    proxy.struck.clear()
    connection = await asyncpg.connect(**place[1])
    try:
        await connection.execute("select pg_terminate_backend($1)", pid)
    finally:
        await connection.close()
    async with asyncio.timeout(60):
        await proxy.struck.wait()
    await asyncio.sleep(0.05)  # what has passed the proxy is read


async def test_the_driver_is_as_confused_as_ever(left: Database) -> None:
    """Otherwise the tests below show nothing."""
    async with left.pool.acquire() as connection:
        with pytest.raises(asyncpg.InternalClientError):
            await connection.execute("select 1")


async def test_a_transaction_is_told_that_its_connection_is_lost_and_the_next_has_another(left: Database) -> None:
    with pytest.raises(PASSING):
        async with left.across() as tx:
            await tx.fetchval("select 1")
    async with left.across() as tx:
        assert await tx.fetchval("select 1") == 1


async def test_a_delivery_is_refused_for_now_and_taken_when_it_comes_again(
    office: Office, live_db: Database, left: Database
) -> None:
    intake = Intake(left)
    with pytest.raises(Unavailable):
        await intake.store(office.workspace, office.line, [Raw(dedupe_key="one", body=b"[]")])
    assert await intake.store(office.workspace, office.line, [Raw(dedupe_key="one", body=b"[]")]) == 1


@pytest.mark.parametrize("made", [listening.Listeners, hub.Hub], ids=["a worker's listeners", "who rings for screens"])
async def test_what_listens_connects_again_and_goes_on(
    made: Callable[[Resources, Any], Any],
    office: Office,
    live_db: Database,
    proxy: Proxy,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(hub, "SILENCE", 0.05)
    proxy.plans = [_FAREWELL]
    connections: list[Any] = []

    async def connect() -> Any:
        connections.append(await asyncpg.connect(**behind(proxy, place)))
        await prepare(connections[-1])
        return connections[-1]

    async with _running(made(office.resources, connect).run) as running:
        await _until(lambda: bool(connections))
        await _end(place, proxy, connections[0].get_server_pid())
        await _until(lambda: len(connections) > 1 or running.done())
        assert not running.done()


@asynccontextmanager
async def _running(run: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> AsyncIterator[asyncio.Task[None]]:
    stop = asyncio.Event()
    task = asyncio.create_task(run(stop))
    try:
        yield task
    finally:
        stop.set()
        with suppress(asyncpg.InternalClientError):  # it is asked above whether it had ended
            await asyncio.wait_for(task, 60)


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.01)
