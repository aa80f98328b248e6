"""One task for each inbox with a connection of its own; started, restarted and ended as inboxes come and change."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

import asyncpg
import structlog

from frontdesk import channels
from frontdesk.channels.port import Disconnected, Listens, Raw, Whisper
from frontdesk.conversations.actions import outbox
from frontdesk.inboxes import actions, queries
from frontdesk.kit import locks
from frontdesk.kit.context import Resources
from frontdesk.kit.losses import AWAY, told
from frontdesk.kit.transaction import Row
from frontdesk.kit.waits import first

LOOK_EVERY = 2.0  # seconds between looks at which inboxes there are
LONGEST_PAUSE = 60.0
NEEDS_PERSON_PAUSE = 300.0
_LOCK = 7_305_003  # advisory: two workers must not both listen for an inbox

log = structlog.get_logger()
Connect = Callable[[], Awaitable[Any]]


class InboxSink:
    """Where a driver's listener puts what it gets (see :class:`frontdesk.channels.port.Sink`)."""

    def __init__(self, resources: Resources, workspace_id: int, inbox_id: int) -> None:
        self._resources, self._workspace_id, self._inbox_id = resources, workspace_id, inbox_id

    async def store(self, raws: Sequence[Raw], *, checkpoint: Mapping[str, Any] | None = None) -> int:
        if raws:
            self._resources.disk.require()
        async with self._resources.db.begin(self._workspace_id) as tx:
            new = await actions.store(tx, self._inbox_id, raws) if raws else 0
            if checkpoint is not None:
                await actions.save_checkpoint(tx, self._inbox_id, checkpoint)
        return new

    async def checkpoint(self) -> Mapping[str, Any]:
        async with self._resources.db.begin(self._workspace_id) as tx:
            row = await queries.get(tx, self._inbox_id)
        kept: Mapping[str, Any] = row["checkpoint"]
        return kept

    async def healthy(self, note: str = "") -> None:
        async with self._resources.db.begin(self._workspace_id) as tx:
            if await actions.note_health(tx, self._inbox_id, "ok", note, by="listening"):
                await outbox.release_held(tx, self._inbox_id)  # the oldest; more than that is the clock's

    async def unhealthy(self, reason: str, *, needs_person: bool = False) -> None:
        async with self._resources.db.begin(self._workspace_id) as tx:
            state = "off" if needs_person else "attention"
            await actions.note_health(tx, self._inbox_id, state, reason, by="listening")

    async def whisper(self, whisper: Whisper) -> None:
        """Nobody but the widget whispers yet, and it has its own way."""


class Listeners:
    """All listening tasks of a worker."""

    def __init__(self, resources: Resources, connect: Connect) -> None:
        self._resources, self._connect = resources, connect
        self._locks: asyncpg.Connection[Any] | None = None  # holds an advisory lock for each inbox that we listen for
        self._turn = asyncio.Lock()
        self._tasks: dict[tuple[int, int], tuple[str, asyncio.Task[None]]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        try:
            while not stop.is_set():
                try:
                    await self._look()
                except Exception as error:  # whatever it is, the worker has other work
                    log.warning("the list of inboxes could not be read", error=repr(error))
                await first(stop, timeout=LOOK_EVERY)
        finally:
            await self._end([task for _, task in self._tasks.values()])
            if self._locks is not None and not self._locks.is_closed():
                await self._locks.close(timeout=2)

    async def _look(self) -> None:
        """Start what is new, end what is gone, restart what was changed."""
        if self._locks is None or self._locks.is_closed():
            # Whoever lost the connection lost its locks: another worker may be listening already.
            await self._end([task for _, task in self._tasks.values()])
            self._tasks.clear()
            self._locks = await self._connect()
        async with self._turn, told(self._locks):
            await self._locks.execute("select 1")  # a sign of life: others end a connection that is silent with locks
        async with self._resources.db.across() as tx:
            rows = await queries.active_across(tx)
        wanted = {(row["workspace_id"], row["id"]): row for row in rows if _listener(row)}
        for key, (version, task) in list(self._tasks.items()):
            if key not in wanted or version != _version(wanted[key]):
                del self._tasks[key]
                await self._end([task])
        for key, row in wanted.items():
            if key not in self._tasks:
                self._tasks[key] = (_version(row), asyncio.create_task(self._keep(row)))

    async def _end(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, row: Row) -> None:
        """Listen for one inbox for ever, with growing pauses between failures; only one worker at a time does."""
        sink = InboxSink(self._resources, row["workspace_id"], row["id"])
        driver, failures = _listener(row), 0
        while driver:
            pause = min(LONGEST_PAUSE, 2.0 ** min(failures, 8))
            try:
                account = queries.account(self._resources.vault, self._resources.settings.url, row)
                await self._alone(row, partial(driver.listen, account, sink))
                failures = 0
            except Exception as error:
                failures += 1
                await self._report(sink, error, row["id"])
                pause = NEEDS_PERSON_PAUSE if isinstance(error, Disconnected) else pause
            await asyncio.sleep(pause * (0.5 + random.random() / 2))  # noqa: S311

    async def _alone(self, row: Row, listen: Callable[[], Awaitable[None]]) -> None:
        take = partial(locks.take, hung_after=self._resources.settings.hung_after)
        while not await self._lock(take, row):  # noqa: ASYNC110  (another process has it)
            await asyncio.sleep(LOOK_EVERY)
        try:
            await listen()
        finally:
            await self._lock(locks.free, row)

    async def _lock(self, function: Callable[[Any, int, int], Awaitable[bool | None]], row: Row) -> bool:
        if self._locks is None:
            raise ConnectionError("no connection holds the locks")
        async with self._turn:
            return bool(await function(self._locks, _LOCK, row["id"]))

    async def _report(self, sink: InboxSink, error: Exception, inbox_id: int) -> None:
        log.warning("a listener ended", inbox=inbox_id, error=repr(error))
        try:
            await sink.unhealthy(str(error) or type(error).__name__, needs_person=isinstance(error, Disconnected))
        except AWAY as away:
            log.warning("an inbox's health could not be noted", inbox=inbox_id, error=repr(away))


def _listener(row: Row) -> Listens | None:
    """The inbox's driver, if it listens. Its channel may be gone: a newer version had it, or somebody's own folder."""
    known = channels.all_channels().get(row["channel"])
    return known.driver if known and isinstance(known.driver, Listens) else None


def _version(row: Row) -> str:
    """What makes a listener start again: new settings or credentials, not every change of health."""
    return f"{row['settings']!r}|{row['credentials']!r}|{row['enabled']}"
