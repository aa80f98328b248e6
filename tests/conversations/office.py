"""A workspace with connected inboxes, and the two trips through it, driven by hand: nothing runs beside a test."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conversations.pretend import Pretend, line, post
from frontdesk import channels
from frontdesk.channels.port import Channel, Raw
from frontdesk.conversations.actions import send
from frontdesk.conversations.handlers import clocks, dispatch, ingest  # (clocks registers jobs)
from frontdesk.inboxes import actions as inboxes
from frontdesk.kit import clock
from frontdesk.kit.context import Actor, Resources
from frontdesk.kit.transaction import Row
from rows import Rows

ANA, BEN = "+302101111111", "+302102222222"


class Time:
    """The clock of a test. It stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


class Office(Rows):
    """Resources, one workspace, and the channels that its inboxes are on."""

    def __init__(self, resources: Resources, owner: Actor, registry: dict[str, Channel]) -> None:
        self.resources, self.owner, self.registry = resources, owner, registry
        self.db, self.workspace = resources.db, owner.workspace_id
        self.line = 0  # inbox ids
        self.post = 0
        self._numbers = itertools.count(1)

    def install(self, channel: Channel) -> None:
        """Put a channel in place of the one with the same name."""
        self.registry[channel.name] = channel

    def driver(self, name: str = "line") -> Any:
        found = self.registry[name].driver
        assert isinstance(found, Pretend)
        return found

    async def connect(self, channel: str, name: str, **settings: Any) -> int:
        async with self.db.begin(self.workspace) as tx:
            row = await inboxes.create(
                tx, self.resources.vault, channel=channel, name=name, settings=settings, by=self.owner
            )
        made: int = row["id"]
        return made

    def said(self, text: str, sender: str = ANA, **more: Any) -> dict[str, Any]:
        """A message as the provider delivers it."""
        number = next(self._numbers)
        given = sender if isinstance(sender, dict) else {"value": sender}
        sent_at = clock.now().isoformat()
        return {"external_id": f"in-{number}", "sender": given, "text": text, "sent_at": sent_at, **more}

    async def store(self, *items: Mapping[str, Any], inbox: int | None = None, key: str | None = None) -> int:
        """One delivery with these items, stored and not yet read."""
        body = json.dumps(items).encode("utf-8", "surrogatepass")
        raw = Raw(dedupe_key=key or f"raw-{next(self._numbers)}", body=body)
        async with self.db.begin(self.workspace) as tx:
            return await inboxes.store(tx, inbox or self.line, [raw])

    async def ingest(self) -> int:
        return await ingest.ingest(self.resources)

    async def deliver(self, *items: Mapping[str, Any], inbox: int | None = None, key: str | None = None) -> None:
        """Store one delivery and read it."""
        await self.store(*items, inbox=inbox, key=key)
        await self.ingest()

    async def hear(self, text: str = "Hello", sender: str = ANA, *, inbox: int | None = None, **more: Any) -> Row:
        """One message from a contact, all the way in; the row that it became."""
        item = self.said(text, sender, **more)
        await self.deliver(item, inbox=inbox)
        return await self.message(external_id=item["external_id"])

    async def write(self, conversation_id: int, text: str = "Good morning", **more: Any) -> int:
        """Queue an answer; the message's id."""
        given = {"author_id": self.owner.user_id, "author_name": self.owner.name, **more}
        async with self.db.begin(self.workspace) as tx:
            return await send(tx, conversation_id, text, **given)

    async def dispatch(self) -> None:
        """Send everything that is due now."""
        for _ in range(200):
            if not await dispatch.dispatch(self.resources):
                return
        raise AssertionError("the outbox never comes to rest")

    async def tick(self) -> None:
        """What time alone brings about."""
        await clocks.end_snoozes(self.resources)

    async def message(self, message_id: int | None = None, *, external_id: str | None = None) -> Row:
        rows = await self.fetch("select * from messages where id = $1 or external_id = $2", message_id, external_id)
        assert len(rows) == 1, f"{len(rows)} messages"
        return rows[0]

    async def outbox(self, message_id: int) -> Row:
        return (await self.fetch("select * from outbox where message_id = $1", message_id))[0]

    async def states(self, message_id: int) -> tuple[str, str]:
        """(what the outbox says, what the message says)."""
        return (await self.outbox(message_id))["state"], (await self.message(message_id))["delivery"]

    async def conversation(self, conversation_id: int) -> Row:
        return (await self.fetch("select * from conversations where id = $1", conversation_id))[0]

    async def events(self, kind: str) -> list[Row]:
        return await self.fetch("select * from events where kind = $1 order by seq", kind)

    async def history(self, message_id: int) -> list[str]:
        rows = await self.fetch("select state from receipts where message_id = $1 order by id", message_id)
        return [row["state"] for row in rows]


async def open_office(resources: Resources, owner: Actor, registry: dict[str, Channel]) -> Office:
    made = Office(resources, owner, registry)
    made.line = await made.connect("line", "Front desk", number="+302100000000")
    made.post = await made.connect("post", "Letters", box="desk@harbour.example")
    return made


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> dict[str, Channel]:
    """The channels that there are during this test."""
    made = {channel.name: channel for channel in (line(), post())}
    monkeypatch.setattr(channels, "all_channels", lambda: made)
    return made


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(clock, "now", made)
    monkeypatch.setattr(clock, "of_database", lambda told: made.now)
    return made


@pytest.fixture
async def office(resources: Resources, owner: Actor, registry: dict[str, Channel]) -> Office:
    return await open_office(resources, owner, registry)


def texts(rows: Sequence[Row]) -> list[str]:
    return [row["text"] for row in rows]
