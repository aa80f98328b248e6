"""The one place where a transaction begins and ends, and where events and jobs become rows.

Everything that is written through a :class:`Tx` commits together or not at all: rows, events, jobs. Nothing outside
this file commits. A transaction belongs to one workspace, and row-level security keeps it there; the few that must look
across workspaces (claiming due work) say so with :meth:`Database.across`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

import asyncpg
import msgspec

from frontdesk.kit import clock, crash, meters, trace
from frontdesk.kit.events import Event
from frontdesk.kit.losses import lost, told

Row = asyncpg.Record
T = TypeVar("T")
BELL = "frontdesk_bell"  # NOTIFY channel: "something is new in this workspace"
WORK = "frontdesk_work"  # NOTIFY channel: "there is work to claim"
SCHEMA = "frontdesk_schema"  # NOTIFY channel: a migration changed tables
SEARCH_TIMEOUT = "3s"  # for each statement of a transaction that searches
STATEMENTS = 250  # that a connection keeps prepared for five minutes, 0.1 MB each; lists with filters are a hundred
UNHURRIED = "set_config('synchronous_commit', 'off', true)"  # selected: the commit does not wait for the disk
WHISPER = "frontdesk_whisper"  # NOTIFY channel: typing, presence; never stored

PASSING = (  # errors that the next try may not meet: a deadlock, a full disk, a database that is away or being stopped
    asyncpg.TransactionRollbackError, asyncpg.InsufficientResourcesError, asyncpg.OperatorInterventionError,
    asyncpg.PostgresConnectionError, asyncpg.PostgresSystemError, asyncpg.LockNotAvailableError, OSError,
    asyncpg.InvalidCachedStatementError,  # a migration changed a table under a prepared statement
)  # fmt: skip


_BEGIN = """
select set_config('app.workspace_id', $1, true), set_config('app.across', $2, true), clock_timestamp() as now
"""

_LOOK = _BEGIN.replace("select ", "select set_config('plan_cache_mode', 'force_generic_plan', true), ")

_FLUSH = """
with counted as (
  insert into event_counters (workspace_id, seq) values ($1, $2)
  on conflict (workspace_id) do update set seq = event_counters.seq + excluded.seq returning seq),
written as (insert into events
  (workspace_id, seq, at, kind, actor_id, user_id, conversation_id, message_id, contact_id, facts, trace)
select $1, counted.seq - $2 + o, $3, kind, actor_id, user_id, conversation_id, message_id, contact_id, facts,
  coalesce((select m.trace from messages m where m.workspace_id = $1 and m.id = e.message_id), $11)
from counted, unnest($4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::jsonb[])
  with ordinality as e (kind, actor_id, user_id, conversation_id, message_id, contact_id, facts, o))
select pg_notify($12, $1::bigint::text)
"""


class Tx:
    """A unit of work on one connection. ``workspace_id`` is None only for work across workspaces."""

    def __init__(
        self, connection: asyncpg.Connection[Row], workspace_id: int | None, told: datetime, *, planned: bool = False
    ) -> None:
        self.raw = connection
        self._plans = "force_generic_plan" if planned else "auto"
        self._workspace_id = workspace_id
        self._told, self._began = told, time.monotonic()
        self.events: list[Event] = []
        self._work = False
        self._whispers: list[dict[str, Any]] = []
        self._last: list[tuple[str, tuple[Any, ...]]] = []

    @property
    def workspace_id(self) -> int:
        if self._workspace_id is None:
            raise RuntimeError("this transaction looks across workspaces: it has no workspace of its own")
        return self._workspace_id

    def now(self) -> datetime:
        """The time by the database's clock, which is the same for all machines: what it said as this began, and how
        long ago that was. Never earlier than a time that another transaction had when it was over before this began."""
        return clock.of_database(self._told + timedelta(seconds=time.monotonic() - self._began))

    async def fetch(self, sql: str, *values: Any) -> list[Row]:
        crash.point("sql")
        return await self.raw.fetch(sql, *values)

    async def fetchrow(self, sql: str, *values: Any) -> Row | None:
        crash.point("sql")
        return await self.raw.fetchrow(sql, *values)

    async def fetchval(self, sql: str, *values: Any) -> Any:
        crash.point("sql")
        return await self.raw.fetchval(sql, *values)

    async def execute(self, sql: str, *values: Any) -> int:
        """Run a statement and return how many rows it touched."""
        crash.point("sql")
        tag = await self.raw.execute(sql, *values)
        count = tag.rsplit(" ", 1)[-1]
        return int(count) if count.isdigit() else 0

    async def look_for(self, words: str) -> None:
        """What can be read of tables of words from here on: the rows that match this ``tsquery``.

        How to read them depends on the words, so statements are planned anew each time, until :meth:`found`; and a
        search that would take seconds is given up.
        """
        settings = "set_config('app.search', $1, true), set_config('plan_cache_mode', $2, true)"
        await self.raw.execute(
            f"select {settings}, set_config('statement_timeout', $3, true)", words, "force_custom_plan", SEARCH_TIMEOUT
        )

    async def found(self) -> None:
        """What is asked from here on depends on no words."""
        await self.raw.execute("select set_config('plan_cache_mode', $1, true)", self._plans)

    def emit(self, event: Event) -> None:
        """Record a fact; it is written when the transaction commits, in this order."""
        self.events.append(event)

    def wake(self) -> None:
        """Ring the workers' bell at commit: there is something to ingest or to send."""
        self._work = True

    def last(self, sql: str, *values: Any) -> None:
        """Run a statement when all else is done: one that takes a lock for which the whole workspace queues."""
        self._last.append((sql, values))

    def whisper(self, **words: Any) -> None:
        """Tell every process something that is never stored (typing, presence)."""
        self._whispers.append({"workspace_id": self.workspace_id, **words})

    async def defer(self, job: str, *, after: float = 0, **arguments: Any) -> None:
        """Enqueue a job; it exists exactly if this transaction commits. ``after`` is a delay in seconds."""
        from frontdesk.kit.jobs import enqueue

        crash.point("sql")
        await enqueue(self.raw, job, {"workspace_id": self._workspace_id, **arguments}, after=after)

    async def flush(self) -> None:
        """Write what was emitted. The counter row stays locked until commit, so that sequence order is commit order."""
        for words in self._whispers:
            await self.raw.execute("select pg_notify($1, $2)", WHISPER, msgspec.json.encode(words).decode())
        self._whispers = []
        if self._work:
            await self.raw.execute("select pg_notify($1, '')", WORK)
            self._work = False
        last, self._last = self._last, []
        for sql, values in last:
            await self.execute(sql, *values)
        if not self.events:
            return
        events, self.events = self.events, []
        crash.point("sql")
        columns = ([getattr(event, name) for event in events] for name in Event.about)
        facts = [event.facts() for event in events]
        kinds = [event.kind for event in events]
        own = trace.current()
        await self.raw.execute(_FLUSH, self.workspace_id, len(events), clock.now(), kinds, *columns, facts, own, BELL)


class Database:
    """A pool of connections as the application's role, which row-level security applies to."""

    def __init__(self, pool: asyncpg.Pool[Row], sessions: set[int] | None = None) -> None:
        self.pool = pool
        self._sessions = set() if sessions is None else sessions  # the server's process ids of those lent for a session

    @classmethod
    async def open(cls, connect_args: dict[str, Any], *, size: int = 12, hung_after: float = 12) -> Database:
        """``connect_args`` as for ``asyncpg.connect``. After so many seconds without a word inside a transaction, the
        database takes the process for hung, ends the transaction, and lets go of its locks."""
        ours = {"idle_in_transaction_session_timeout": f"{hung_after * 1000:.0f}ms"}
        arguments = (
            {"statement_cache_size": STATEMENTS}
            | connect_args
            | {"server_settings": connect_args.get("server_settings", {}) | ours}
        )
        sessions: set[int] = set()

        async def clean(connection: Any) -> None:
            """A transaction leaves nothing behind; what a session may have left is taken away."""
            if (pid := connection.get_server_pid()) in sessions:
                await connection.execute(connection.get_reset_query())
                sessions.discard(pid)

        pool = await asyncpg.create_pool(
            **arguments, min_size=1, max_size=size, init=prepare, reset=clean, command_timeout=60
        )
        return cls(pool, sessions)

    async def close(self) -> None:
        await self.pool.close()

    async def renew(self) -> None:
        """Work with fresh connections from now on: what the old ones prepared may no longer fit the tables."""
        await self.pool.expire_connections()

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[Any]:
        began, connection = time.perf_counter(), None
        try:
            async with self.pool.acquire() as connection:
                meters.pool_wait.observe(time.perf_counter() - began)
                async with told(connection):
                    yield connection
        except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            if connection is not None or self.pool.is_closing():
                raise
            raise lost() from error  # a fresh one, while it was made ready

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Any]:
        """A connection for longer than a transaction, to hold a lock; whatever it still holds is let go at the end."""
        async with self._lent() as connection:
            self._sessions.add(connection.get_server_pid())
            yield connection

    async def call(self, sql: str, *values: Any) -> Any:
        """The value of one statement that is a transaction by itself: a function that names its own workspace."""
        crash.point("sql")
        async with self._lent() as connection:
            found = await connection.fetchval(sql, *values)
        crash.point("committed")
        return found

    @asynccontextmanager
    async def begin(self, workspace_id: int, *, planned: bool = False) -> AsyncIterator[Tx]:
        """A transaction that sees and writes one workspace. ``planned``: its statements keep one plan, as of
        :meth:`look`."""
        async with self._lent() as connection, self.on(connection, workspace_id, planned=planned) as tx:
            yield tx

    @asynccontextmanager
    async def look(self, workspace_id: int) -> AsyncIterator[Tx]:
        """A transaction that sees one workspace and writes nothing. A statement keeps one plan, whatever its values
        are: to plan a list takes as long as to read it. So there must be one good way to read what is asked in it."""
        async with self._lent() as connection, self.on(connection, workspace_id, looks=True) as tx:
            yield tx

    @asynccontextmanager
    async def across(self) -> AsyncIterator[Tx]:
        """A transaction that sees the queues and registers of every workspace. It cannot emit."""
        async with self._lent() as connection, self.on(connection, None) as tx:
            yield tx

    @asynccontextmanager
    async def on(
        self, connection: Any, workspace_id: int | None, *, looks: bool = False, planned: bool = False
    ) -> AsyncIterator[Tx]:
        """The same on a connection that the caller holds (because it holds a lock on it)."""
        async with told(connection), connection.transaction(readonly=looks):
            own, across = ("", "on") if workspace_id is None else (str(workspace_id), "")
            planned = planned or looks
            begun = await connection.fetchrow(_LOOK if planned else _BEGIN, own, across)
            tx = Tx(connection, workspace_id, begun["now"], planned=planned)
            yield tx
            await tx.flush()
            crash.point("commit")
        crash.point("committed")


async def once_more(work: Callable[[], Awaitable[T]]) -> T:
    """Run a transaction, and again where a migration had changed a table under one of its prepared statements: the
    driver has forgotten all of them by then."""
    try:
        return await work()
    except asyncpg.InvalidCachedStatementError:
        return await work()


async def prepare(connection: Any) -> None:
    """Teach a fresh connection our JSON, and that a UUID is its text."""
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(kind, schema="pg_catalog", encoder=_json, decoder=msgspec.json.decode)
    await connection.set_type_codec("uuid", schema="pg_catalog", encoder=str, decoder=str, format="text")


def _json(value: Any) -> str:
    """A str is JSON text already, as the driver has it without us (the queue of jobs passes such)."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def array(ids: Iterable[int]) -> str:
    """Ids as PostgreSQL writes an array, for ``$n::text::bigint[]``. Of a list the driver asks each element whether it
    is an array itself, which takes longer than to find the rows."""
    return f"{{{','.join(map(str, ids))}}}"


def columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows turned into columns, as ``unnest`` wants them; ``width`` columns even when there are no rows."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
