"""A process that hangs loses its locks, and cannot write any more; one that is busy keeps them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import asyncpg
import pytest

from frontdesk.kit import locks, transaction
from frontdesk.kit.transaction import PASSING, Database

KIND, KEY = 7_305_999, 2**40 + 5
HUNG = 0.4  # seconds; ``SOON`` is plenty for a server that has to notice
SOON = 60

Connect = Callable[[], Awaitable[Any]]
Place = tuple[dict[str, Any], dict[str, Any]]


@pytest.fixture
async def connect(place: Place) -> AsyncIterator[Connect]:
    made: list[Any] = []

    async def connect() -> Any:
        made.append(await asyncpg.connect(**place[0]))
        return made[-1]

    yield connect
    for one in made:
        one.terminate()


async def taken_over(connection: Any) -> None:
    async with asyncio.timeout(SOON):
        while not await locks.take(connection, KIND, KEY, hung_after=HUNG):
            await asyncio.sleep(0.1)


async def silent(holder: Any) -> asyncio.Task[Any] | None:
    return None


async def silent_in_a_transaction(holder: Any) -> asyncio.Task[Any] | None:
    await holder.transaction().start()
    return None


async def not_reading(holder: Any) -> asyncio.Task[Any] | None:
    """More is on its way to it than the connection can hold, and it reads nothing."""
    holder._transport.pause_reading()
    return asyncio.create_task(holder.execute("select repeat('x', 1000000) from generate_series(1, 100)"))


@pytest.mark.parametrize("hang", [silent, silent_in_a_transaction, not_reading], ids=lambda hang: hang.__name__)
async def test_who_hangs_loses_the_lock_and_is_refused_afterwards(
    connect: Connect, hang: Callable[[Any], Awaitable[asyncio.Task[Any] | None]]
) -> None:
    holder, other = await connect(), await connect()
    assert await locks.take(holder, KIND, KEY, hung_after=HUNG)
    waiting = await hang(holder)
    assert not await locks.take(other, KIND, KEY, hung_after=HUNG)
    await taken_over(other)
    holder._transport.resume_reading()
    if waiting:
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await waiting
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await holder.execute("select 1")
    await locks.free(holder, KIND, KEY)  # it has none, and is not told off for it


async def test_who_works_at_something_else_and_says_so_keeps_it(connect: Connect) -> None:
    holder, other = await connect(), await connect()
    assert await locks.take(holder, KIND, KEY, hung_after=HUNG)
    async with locks.signs_of_life(holder, hung_after=HUNG):
        for _ in range(12):
            await asyncio.sleep(HUNG / 4)
            assert not await locks.take(other, KIND, KEY, hung_after=HUNG)
    await locks.free(holder, KIND, KEY)
    assert await locks.take(other, KIND, KEY, hung_after=HUNG)


async def test_a_statement_that_runs_is_no_silence(connect: Connect) -> None:
    holder, other = await connect(), await connect()
    assert await locks.take(holder, KIND, KEY, hung_after=HUNG)
    running = asyncio.create_task(holder.fetchval("select 7 from pg_sleep(1.5)"))
    while not running.done():
        assert not await locks.take(other, KIND, KEY, hung_after=HUNG)
        await asyncio.sleep(0.05)
    assert await running == 7


@pytest.mark.parametrize("noticed", [True, False], ids=["by the work in it", "at its end"])
async def test_a_connection_that_is_lost_in_a_transaction_is_an_error_that_passes(
    live_db: Database, noticed: bool
) -> None:
    """Not one about how the driver is used, as the driver says: what was to be written is tried again."""

    async def work() -> None:
        async with live_db.across() as tx:
            with suppress(*() if noticed else PASSING):
                await tx.execute("select pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(PASSING):
        await work()


async def test_a_connection_that_is_lost_while_it_is_made_ready_is_an_error_that_passes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool makes a fresh one for whoever asks, and the database may end it before it is theirs."""
    prepare, ends = transaction.prepare, False

    async def ended(connection: Any) -> None:
        if ends:
            with suppress(*PASSING):
                await connection.execute("select pg_terminate_backend(pg_backend_pid())")
        await prepare(connection)

    monkeypatch.setattr(transaction, "prepare", ended)
    db = await Database.open(place[0], size=1)
    try:
        await db.renew()
        ends = True
        with pytest.raises(PASSING):
            await db.call("select 1")
        ends = False
        assert await db.call("select 1") == 1
    finally:
        await db.close()
    with pytest.raises(asyncpg.InterfaceError, match="closed"):  # whoever asks now would ask for ever
        await db.call("select 1")
