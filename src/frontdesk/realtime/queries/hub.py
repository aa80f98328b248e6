"""One listener per process hears the doorbell, reads what is new once for each workspace, and hands it to everybody who
has a stream open. A stream that cannot keep up is told to load afresh instead of growing in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import asyncpg
import msgspec
import structlog

from frontdesk.contacts import queries as contacts
from frontdesk.kit import clock, meters
from frontdesk.kit.context import Actor, Resources
from frontdesk.kit.losses import AWAY
from frontdesk.kit.transaction import BELL, SCHEMA, WHISPER, WORK, Row, Tx
from frontdesk.kit.waits import first
from frontdesk.realtime.queries import log as events
from frontdesk.realtime.schemas import EventFrame

QUEUE = 2000  # events that a slow stream may be behind before it has to load afresh
SILENCE = 10.0  # seconds without a bell, and then for an answer, until the listening connection is given up
CHECK_EVERY = 4.0  # seconds between looks at whether sign-ins still count

log = structlog.get_logger()
encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Fresh:
    """An event as everybody gets it: read once, written as bytes once."""

    row: Row
    frame: EventFrame
    data: bytes
    called: frozenset[int] = frozenset()  # who was mentioned in its conversation; read only if somebody depends on it
    concerned: tuple[tuple[frozenset[int], frozenset[int]], ...] = ()  # the same: (users, teams) for each contact in it


async def freshened(tx: Tx, resources: Resources, rows: Sequence[Row], *, restricted: bool) -> list[Fresh]:
    """Events as they are handed out; ``restricted``: somebody hears them who does not see everything."""
    frames = await events.dress(tx, resources, rows)
    if not restricted:
        return [Fresh(row, frame, encode(frame)) for row, frame in zip(rows, frames, strict=True)]
    talks = {row["conversation_id"] for row in rows if row["conversation_id"]}
    called = await events.called(tx, sorted(talks)) if talks else {}
    about = [events.contacts_in(row) for row in rows]
    concerned = await contacts.concerned(tx, sorted(set(chain(*about)))) if any(about) else {}
    nobody = (frozenset[int](), frozenset[int]())
    return [
        Fresh(
            row,
            frame,
            encode(frame),
            called.get(row["conversation_id"], frozenset()),
            tuple(concerned.get(contact, nobody) for contact in named),
        )
        for row, frame, named in zip(rows, frames, about, strict=True)
    ]


@dataclass(frozen=True)
class Spoken:
    """A whisper."""

    words: dict[str, Any]


RESYNC = object()
CLOSED = object()


@dataclass(eq=False)
class Subscription:
    """One open stream."""

    workspace_id: int
    actor: Actor | None  # None: a visitor's
    since: int  # the log is live from here on; what came before is read from the table
    queue: asyncio.Queue[Any] = field(default_factory=lambda: asyncio.Queue(QUEUE))

    def put(self, item: Any) -> None:
        try:
            self.queue.put_nowait(item)
        except asyncio.QueueFull:
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(CLOSED if item is CLOSED else RESYNC)


@dataclass
class _Feed:
    seq: int
    subscriptions: set[Subscription] = field(default_factory=set)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Hub:
    """All streams of a process."""

    def __init__(self, resources: Resources, connect: Callable[[], Awaitable[asyncpg.Connection[Any]]]) -> None:
        self._resources = resources
        self._connect = connect
        self._feeds: dict[int, _Feed] = {}
        self._bells: set[int] = set()
        self._rung = asyncio.Event()
        self._workers: list[asyncio.Event] = []
        self._ended = False

    def bell(self) -> asyncio.Event:
        """An event that is set whenever there may be something to ingest or to send."""
        self._workers.append(asyncio.Event())
        return self._workers[-1]

    def _wake(self) -> None:
        for bell in self._workers:
            bell.set()

    def online(self, workspace_id: int) -> bool:
        """Whether a user of the workspace has the app open here."""
        feed = self._feeds.get(workspace_id)
        return feed is not None and any(one.actor is not None for one in feed.subscriptions)

    async def subscribe(self, workspace_id: int, actor: Actor | None) -> Subscription:
        """Begin to collect events; everything up to ``since`` is the caller's to read."""
        while True:
            feed = self._feeds.get(workspace_id)
            if feed is None:
                feed = self._feeds[workspace_id] = _Feed(-1)
            async with feed.turn:
                if self._feeds.get(workspace_id) is not feed:
                    continue  # its last stream left while we waited, and nobody feeds it any more
                if feed.seq < 0:
                    async with self._resources.db.begin(workspace_id) as tx:
                        feed.seq = await events.newest(tx)
                made = Subscription(workspace_id, actor, feed.seq)
                feed.subscriptions.add(made)
                meters.stream_clients.inc()
                if self._ended:
                    made.put(CLOSED)
                return made

    def unsubscribe(self, subscription: Subscription) -> None:
        feed = self._feeds.get(subscription.workspace_id)
        if feed is not None:
            if subscription in feed.subscriptions:
                feed.subscriptions.discard(subscription)
                meters.stream_clients.dec()
            if not feed.subscriptions:
                self._feeds.pop(subscription.workspace_id, None)

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until ``stop``; a lost connection is opened again, and what was missed meanwhile is read."""
        self._ended = False
        tasks = [asyncio.create_task(self._pump()), asyncio.create_task(self._check())]
        try:
            while not stop.is_set():
                try:
                    await self._listen(stop)
                except Exception as error:  # whatever it is: without this nothing new is seen on any screen
                    lost = isinstance(error, AWAY)
                    log.warning(
                        "the event listener lost its connection", error=repr(error), exc_info=None if lost else error
                    )
                    await asyncio.sleep(0.2)
        finally:
            self._ended = True
            for task in tasks:
                task.cancel()
            for feed in self._feeds.values():
                for subscription in feed.subscriptions:
                    subscription.put(CLOSED)

    async def _listen(self, stop: asyncio.Event) -> None:
        connection = await self._connect()
        gone = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: gone.set())
            await connection.add_listener(BELL, lambda _c, _p, _ch, payload: self._ring(int(payload)))
            await connection.add_listener(WORK, lambda *_: self._wake())
            await connection.add_listener(SCHEMA, self._renew)
            await connection.add_listener(WHISPER, lambda _c, _p, _ch, payload: self._whisper(payload))
            for workspace_id in list(self._feeds):
                self._ring(workspace_id)
            self._wake()
            while not await first(stop, gone, timeout=SILENCE):
                await connection.execute("select 1", timeout=SILENCE)  # a line that died without a word rings no bell
        finally:
            if not connection.is_closed():
                await connection.close(timeout=2)

    async def _renew(self, *_: object) -> None:
        await self._resources.db.renew()

    def _ring(self, workspace_id: int) -> None:
        self._bells.add(workspace_id)
        self._rung.set()

    def _whisper(self, payload: str) -> None:
        words = msgspec.json.decode(payload)
        feed = self._feeds.get(words.pop("workspace_id", 0))
        for subscription in feed.subscriptions if feed else ():
            subscription.put(Spoken(words))

    async def _pump(self) -> None:
        while True:
            await self._rung.wait()
            self._rung.clear()
            bells, self._bells = self._bells, set()
            for workspace_id in bells:
                try:
                    await self._read(workspace_id)
                except Exception as error:
                    log.warning("events could not be read and will be again", workspace=workspace_id, error=repr(error))
                    asyncio.get_running_loop().call_later(0.5, self._ring, workspace_id)

    async def _read(self, workspace_id: int) -> None:
        feed = self._feeds.get(workspace_id)
        if feed is None:
            return
        async with feed.turn:  # who subscribes holds it until they know where they begin: what came meanwhile is theirs
            while feed.seq >= 0:
                async with self._resources.db.begin(workspace_id) as tx:
                    rows = await events.since(tx, feed.seq)
                    restricted = any(one.actor and not one.actor.sees_all for one in feed.subscriptions)
                    found = await freshened(tx, self._resources, rows, restricted=restricted)
                for row, fresh in zip(rows, found, strict=True):
                    for subscription in feed.subscriptions:
                        subscription.put(fresh)
                    feed.seq = row["seq"]
                    meters.stream_lag.observe(max(0.0, (clock.now() - row["at"]).total_seconds()))
                if len(rows) < events.PAGE:
                    return

    async def _check(self) -> None:
        """End the streams of people who signed out or were shut out, or who may see more or less than they did."""
        while True:
            await asyncio.sleep(CHECK_EVERY)
            for workspace_id, feed in list(self._feeds.items()):
                open_now = [one for one in feed.subscriptions if one.actor]  # not those that open while we ask
                actors = [one.actor for one in open_now if one.actor]
                sessions = [actor.session_id for actor in actors if actor.session_id]
                tokens = [actor.token_id for actor in actors if actor.token_id]
                try:
                    async with self._resources.db.begin(workspace_id) as tx:
                        by_session, by_token = await events.still_valid(tx, sessions, tokens)
                except Exception as error:  # this must never end: nobody would be shut out any more
                    log.warning("it could not be checked who may still listen", error=repr(error))
                    continue
                for one in open_now:
                    if one.actor is None:
                        continue
                    now = by_session.get(one.actor.session_id or 0) or by_token.get(one.actor.token_id or 0)
                    if now is not None and now != (one.actor.role, one.actor.sees_all, one.actor.teams):
                        one.put(RESYNC)  # what they saw until now is not what they may see from now on
                    if now != (one.actor.role, one.actor.sees_all, one.actor.teams):
                        one.put(CLOSED)
