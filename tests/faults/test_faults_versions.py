"""Two versions of the code on one database: the older goes on after the newer has migrated; neither pretends."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from conftest import running as running_app
from faults.gateway import Gateway
from faults.previous import previous_code, previous_revision
from faults.processes import Desk, running
from frontdesk.app import http, migrate, process
from frontdesk.kit import postgres
from frontdesk.kit.settings import Settings
from frontdesk.kit.tables import metadata
from frontdesk.realtime.queries.hub import Hub
from peers.mail.peers import free_ports

pytestmark = pytest.mark.slow
SLOWEST = 5.0  # seconds that a delivery may wait for a migration: a lock is waited for one, and machines are busy
SENDERS = 8


async def bring_to(database: str, revision: str) -> None:
    """The schema as an older version left it, for the application's role to use."""
    await postgres.resolve(Path(), url=database)
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(database), poolclass=NullPool
    )
    async with engine.begin() as connection:
        await connection.run_sync(migrate.upgrade, revision)
    await engine.dispose()


async def story(desk: Desk, gateway: Gateway, words: str) -> None:
    """A customer asks, somebody reads it and answers, and the answer leaves: once each."""
    before = len(gateway.texts)
    assert (await desk.text(desk.client, f"{words}?")).status_code == 200
    assert (await desk.text(desk.client, f"{words}?")).status_code == 200  # the gateway repeats itself

    async def asked() -> Any:
        for talk in await desk.conversations():
            thread = await desk.thread(talk["id"])
            if [one["text"] for one in thread].count(f"{words}?") == 1:
                return talk
        return None

    talk = await desk.until(asked)
    await desk.call("POST", f"/conversations/{talk['id']}/messages", {"text": f"{words}!"})
    await gateway.until(before + 1)
    assert gateway.texts[before:] == [f"{words}!"]

    async def settled() -> bool:
        thread = await desk.thread(talk["id"])
        return any(one["text"] == f"{words}!" and one["delivery"]["state"] == "accepted" for one in thread)

    await desk.until(settled)


async def test_the_code_before_the_newest_migration_works_during_and_after_it(
    database: str, home: Path, tmp_path: Path, gateway: Gateway
) -> None:
    """It is at work under load while the new one migrates, and may be started again afterwards."""
    (port,) = free_ports(1)
    old = {"code": previous_code(tmp_path / "previous"), "DATABASE_URL": database, "FRONTDESK_PORT": str(port)}
    async with Desk(f"http://127.0.0.1:{port}") as desk:
        async with running("run", home, **old) as first:
            await desk.until_ready(first)
            await desk.set_up(gateway.url)
            await story(desk, gateway, "before")
            async with delivering(desk) as answers:
                await until_delivered(answers, 100)
                await migrate.migrate({"dsn": database})
                await until_delivered(answers, 100)
            assert {status for status, _ in answers} == {200}, Counter(status for status, _ in answers)
            assert max(seconds for _, seconds in answers) < SLOWEST + usual(answers)
            await story(desk, gateway, "after")
            assert (await desk.client.get("/readyz")).json()["revision"] == migrate.newest()
        async with running("run", home, **old) as again:
            await desk.until_ready(again)
            await story(desk, gateway, "again")
        assert '"level": "error"' not in again.said()


@asynccontextmanager
async def delivering(desk: Desk) -> AsyncIterator[list[tuple[int, float]]]:
    """Customers text all the time; (status, seconds) of each answer."""
    answers: list[tuple[int, float]] = []
    stop = asyncio.Event()

    async def deliver(sender: int) -> None:
        number = 0
        while not stop.is_set():
            began, number = time.monotonic(), number + 1
            answer = await desk.text(desk.client, f"{sender}-{number}", f"+30210{sender:07}")
            answers.append((answer.status_code, time.monotonic() - began))

    tasks = [asyncio.create_task(deliver(sender)) for sender in range(SENDERS)]
    try:
        yield answers
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def until_delivered(answers: list[tuple[int, float]], more: int) -> None:
    goal = len(answers) + more
    async with asyncio.timeout(60):
        while len(answers) < goal:
            await asyncio.sleep(0.02)


def usual(answers: list[tuple[int, float]]) -> float:
    """What a slow answer takes on this machine without a migration: nine of ten take less."""
    return sorted(seconds for _, seconds in answers)[len(answers) * 9 // 10]


async def test_the_newest_code_on_an_older_schema_says_what_is_missing(database: str, tmp_path: Path) -> None:
    """As after somebody restored an older database under a running process."""
    await bring_to(database, previous_revision())
    server = await postgres.resolve(tmp_path, url=database)
    async with process.opened(Settings(home=tmp_path), server) as opened:
        app = http.create(opened, hub=Hub(opened, process.connector(server)))
        async with (
            running_app(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver.local") as client,
        ):
            answer = await client.get("/readyz")
            assert (answer.status_code, answer.json()["ready"]) == (503, False)
            assert f"needs {migrate.newest()}: {migrate.newest()} did not run yet" in answer.json()["why"]
            await migrate.migrate({"dsn": database})
            assert (await client.get("/readyz")).json() == {"ready": True, "revision": migrate.newest()}


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (migrate.newest(), None),
        ("9999", None),
        (None, "The database is at nothing"),
        ("0001", "The database is at 0001"),
        ("c0ffee", "which no version of Frontdesk made"),
        ("0000", "which no version of Frontdesk made"),
    ],
)
def test_what_a_version_works_with(found: str | None, sentence: str | None) -> None:
    why = migrate.why_not_work(found)
    assert why is None if sentence is None or found == migrate.newest() else sentence in str(why)


async def test_a_database_of_a_newer_version_stays_as_it_is(database: str) -> None:
    await bring_to(database, "head")
    connection = await asyncpg.connect(database)
    try:
        await connection.execute("update alembic_version set version_num = '9999'")
        await migrate.migrate({"dsn": database})
        assert await migrate.revision(connection) == "9999"
    finally:
        await connection.close()


async def test_a_migration_waits_for_a_lock_without_holding_up_others(database: str) -> None:
    """Somebody's long transaction holds a table: the migration steps back every second, and is done after it."""
    await bring_to(database, previous_revision())
    holding = await asyncpg.connect(database)
    other = await asyncpg.connect(database)
    migrating: asyncio.Task[None] | None = None
    try:
        async with holding.transaction():
            for table in metadata.tables:
                if await holding.fetchval("select to_regclass($1)", table):
                    await holding.execute(f"lock table {table} in share update exclusive mode")  # as a vacuum
            migrating = asyncio.create_task(migrate.migrate({"dsn": database}))
            await until_waited(other)
            began = time.monotonic()
            await other.execute("select count(*) from contacts")
            await other.execute("select count(*) from messages")
            assert time.monotonic() - began < 2 * SLOWEST + 2
            assert not migrating.done()
        await asyncio.wait_for(migrating, 60)
        assert await migrate.revision(other) == migrate.newest()
    finally:
        if migrating and not migrating.done():
            migrating.cancel()
        await holding.close()
        await other.close()


async def until_waited(connection: Any) -> None:
    """Until somebody waits for a lock on a table."""
    async with asyncio.timeout(60):
        while not await connection.fetchval(
            "select count(*) from pg_locks where not granted and locktype = 'relation'"
            " and database = (select oid from pg_database where datname = current_database())"
        ):
            await asyncio.sleep(0.01)
