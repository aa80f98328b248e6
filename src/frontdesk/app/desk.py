"""What the application lends to channels with endpoints of their own (see :class:`frontdesk.channels.port.Desk`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from frontdesk.app.intake import Intake
from frontdesk.channels.port import Account, Address, Raw, ThreadFile, ThreadItem, Whisper
from frontdesk.inboxes import queries as inboxes
from frontdesk.kit import ids
from frontdesk.kit.context import Resources
from frontdesk.kit.transaction import Row, Tx
from frontdesk.realtime.queries import log
from frontdesk.realtime.queries.hub import CLOSED, RESYNC, Fresh, Hub, Spoken

HEARTBEAT = 15.0  # seconds

# What the contact may see of a conversation: what they wrote, and what was really sent to them at this address through
# this inbox. Comments, scheduled messages and everything of other channels stay here.
_SEEN = """
select m.id, m.external_id, m.direction, m.text, m.html, m.at, m.conversation_id,
       coalesce(u.name, nullif(m.author_name, '')) as author, r.dedupe_key, p.contact_id
from messages m
join contact_points p on p.workspace_id = $1 and p.kind = $3 and p.scope = $4 and p.value = $5 and p.id = m.point_id
left join users u on u.workspace_id = $1 and u.id = m.author_id
left join raw_deliveries r on r.workspace_id = $1 and r.id = m.raw_id
where m.workspace_id = $1 and m.inbox_id = $2 and m.audience = 'contact' and m.external_id is not null
  and (m.direction = 'in' or m.delivery in ('accepted', 'sent', 'delivered', 'read'))
"""

# The conversations in which this address was heard of through this inbox.
_PLACES = """
select m.conversation_id from messages m
join contact_points p on p.workspace_id = $1 and p.id = m.point_id and p.kind = $3 and p.scope = $4 and p.value = $5
where m.workspace_id = $1 and m.inbox_id = $2
"""

_FILES = """
select * from attachments where workspace_id = $1 and message_id = any($2) and hash is not null order by id
"""


_READ = """
select conversation_id, max(read_count) as read_count from read_states
where workspace_id = $1 and conversation_id = any($2) group by 1
"""


@dataclass
class _Visitor:
    """What a stream remembers of its visitor, so that everybody else's events cost it no query."""

    account: Account
    address: Address
    point_id: int | None = None  # None: has not written yet, or may have moved
    contact_id: int | None = None
    strangers: set[int] = field(default_factory=set)  # points that are not theirs
    others: set[int] = field(default_factory=set)  # conversations that were none of theirs when last asked
    places: set[int] = field(default_factory=set)
    read: dict[int, int] = field(default_factory=dict)  # how much of a conversation the team has read

    async def learn(self, tx: Tx) -> None:
        found = await tx.fetchrow(
            "select id, contact_id from contact_points"
            " where workspace_id = $1 and kind = $2 and scope = $3 and value = $4",
            tx.workspace_id, self.address.kind, self.address.scope, self.address.value,
        )  # fmt: skip
        self.point_id, self.contact_id = (found["id"], found["contact_id"]) if found else (None, None)
        if self.point_id is not None:
            rows = await tx.fetch(_PLACES, *_of(self.account, self.address))
            self.places = {row["conversation_id"] for row in rows}

    async def learn_read(self, tx: Tx) -> None:
        rows = await tx.fetch(_READ, tx.workspace_id, list(self.places))
        self.read = {row["conversation_id"]: row["read_count"] for row in rows}


class LentDesk:
    """The desk for one channel of this process."""

    def __init__(self, channel_name: str, resources: Resources, hub: Hub, intake: Intake) -> None:
        self._channel, self._resources, self._hub, self._intake = channel_name, resources, hub, intake

    async def account(self, key: str) -> Account | None:
        workspace_id = ids.tenant_of(key)
        if workspace_id is None:
            return None
        async with self._resources.db.begin(workspace_id) as tx:
            row = await inboxes.by_public_key(tx, key)
        if row is None or row["channel"] != self._channel or not row["enabled"]:
            return None
        return inboxes.account(self._resources.vault, self._resources.settings.url, row)

    async def store(self, account: Account, raws: Sequence[Raw]) -> int:
        return await self._intake.store(account.workspace_id, account.inbox_id, raws)

    async def keep(self, account: Account, data: bytes, content_type: str) -> str:
        return await self._resources.files.put(data)

    async def thread(self, account: Account, address: Address, *, limit: int = 50) -> tuple[Sequence[ThreadItem], int]:
        async with self._resources.db.begin(account.workspace_id) as tx:
            cursor = await log.newest(tx)
            rows = await tx.fetch(f"{_SEEN} order by m.at desc, m.id desc limit $6", *_of(account, address), limit)
            return await self._items(tx, rows[::-1], cursor), cursor

    async def follow(
        self, account: Account, address: Address, *, after: int
    ) -> AsyncIterator[ThreadItem | Whisper | None]:
        subscription = await self._hub.subscribe(account.workspace_id, None)
        try:
            async with self._resources.db.begin(account.workspace_id) as tx:
                if not await log.reaches_back(tx, after):
                    raise LookupError("the log no longer reaches back to there")
                visitor = _Visitor(account, address)
                await visitor.learn(tx)
                await visitor.learn_read(tx)
            while after < subscription.since:
                async with self._resources.db.begin(account.workspace_id) as tx:
                    rows = await log.since(tx, after, subscription.since)
                    items = await self._changed(tx, account, address, rows)
                for item in items:  # outside the transaction: a visitor who does not read must not hold a connection
                    yield item
                if not rows:
                    break
                after = rows[-1]["seq"]
            while True:
                try:
                    async with asyncio.timeout(HEARTBEAT):
                        fact = await subscription.queue.get()
                except TimeoutError:
                    yield None
                    continue
                if fact is CLOSED:
                    return
                if fact is RESYNC:
                    raise LookupError("this stream fell too far behind")
                async for news in self._live(visitor, fact):
                    yield news
        finally:
            self._hub.unsubscribe(subscription)

    async def _live(self, visitor: _Visitor, fact: object) -> AsyncIterator[ThreadItem | Whisper]:
        if isinstance(fact, Spoken):
            words = fact.words
            said_to_contact = words.get("audience") == "contact" and not words.get("contact")
            if said_to_contact and await self._is_place(visitor, words["conversation_id"]):
                yield Whisper(sender=visitor.address, kind="typing", on=bool(words["on"]))
        elif isinstance(fact, Fresh):
            if _moves(visitor, fact):
                visitor.point_id = None  # found again with the next message that may be theirs
            if _newly_read(visitor, fact):
                yield Whisper(sender=visitor.address, kind="seen")
            elif await self._is_theirs(visitor, fact):
                async with self._resources.db.begin(visitor.account.workspace_id) as tx:
                    items = await self._changed(tx, visitor.account, visitor.address, [fact.row])
                for item in items:
                    yield item

    async def _is_place(self, visitor: _Visitor, conversation_id: int) -> bool:
        """Whether the visitor takes part in it. A whisper may overtake the event that would have said so: then each
        unknown conversation is asked about once."""
        if conversation_id not in visitor.places and visitor.point_id is None and conversation_id not in visitor.others:
            async with self._resources.db.begin(visitor.account.workspace_id) as tx:
                await visitor.learn(tx)
            if conversation_id not in visitor.places:
                visitor.others.add(conversation_id)
        return conversation_id in visitor.places

    async def _is_theirs(self, visitor: _Visitor, fact: Fresh) -> bool:
        """Whether the event is about a message at the visitor's address. Each stranger is asked about once."""
        message = fact.frame.message
        if message is None or message.inbox_id != visitor.account.inbox_id or message.point_id is None:
            return False
        if visitor.point_id is None and message.point_id not in visitor.strangers:
            async with self._resources.db.begin(visitor.account.workspace_id) as tx:
                await visitor.learn(tx)
        if message.point_id != visitor.point_id:
            if visitor.point_id is None:
                visitor.strangers.add(message.point_id)
            return False
        visitor.places.add(message.conversation_id)
        return True

    async def whisper(self, account: Account, whisper: Whisper) -> None:
        async with self._resources.db.begin(account.workspace_id) as tx:
            conversation_id = await tx.fetchval(f"{_PLACES} order by m.at desc limit 1", *_of(account, whisper.sender))
            if conversation_id is not None:
                tx.whisper(
                    kind=whisper.kind, conversation_id=conversation_id, user_id=None, contact=True, on=whisper.on
                )

    async def online(self, account: Account) -> bool:
        """Somebody has the app open, in this process or (by their session's last request) in another one."""
        if self._hub.online(account.workspace_id):
            return True
        async with self._resources.db.begin(account.workspace_id) as tx:
            return bool(
                await tx.fetchval(
                    "select exists (select 1 from sessions"
                    " where workspace_id = $1 and seen_at > now() - interval '2 minutes')",
                    account.workspace_id,
                )
            )

    async def _changed(self, tx: Tx, account: Account, address: Address, events: Sequence[Row]) -> list[ThreadItem]:
        """The messages of this contact that these events are about, each with its event's number."""
        latest = {row["message_id"]: row["seq"] for row in events if row["message_id"] is not None}
        if not latest:
            return []
        rows = await tx.fetch(f"{_SEEN} and m.id = any($6)", *_of(account, address), list(latest))
        rows.sort(key=lambda row: latest[row["id"]])
        items = await self._items(tx, rows, 0)
        return [replace(item, cursor=latest[row["id"]]) for item, row in zip(items, rows, strict=True)]

    async def _items(self, tx: Tx, rows: Sequence[Row], cursor: int) -> list[ThreadItem]:
        files: dict[int, list[ThreadFile]] = {}
        for file in await tx.fetch(_FILES, tx.workspace_id, [row["id"] for row in rows]) if rows else ():
            what = file["hash"], file["name"], file["content_type"]
            url = self._resources.file_url(tx.workspace_id, *what, lasting=True)
            shown = ThreadFile(name=file["name"], content_type=file["content_type"], size=file["size"], url=url)
            files.setdefault(file["message_id"], []).append(shown)
        return [
            ThreadItem(
                cursor=cursor, id=row["external_id"], mine=row["direction"] == "in", text=row["text"], html=row["html"],
                author=None if row["direction"] == "in" else row["author"], at=row["at"], client_key=row["dedupe_key"],
                files=tuple(files.get(row["id"], ())),
            )
            for row in rows
        ]  # fmt: skip


def _of(account: Account, address: Address) -> tuple[int, int, str, str, str]:
    return account.workspace_id, account.inbox_id, address.kind, address.scope, address.value


def _moves(visitor: _Visitor, fact: Fresh) -> bool:
    """Whether the visitor's address may be gone, or its messages stand in another conversation now."""
    kind = fact.row["kind"]
    gone = kind == "ContactChanged" and fact.row["contact_id"] == visitor.contact_id
    return gone or kind == "ContactsMerged" or "messages" in fact.row["facts"].get("changed", ())


def _newly_read(visitor: _Visitor, fact: Fresh) -> bool:
    """Whether somebody read further than anybody had: a star or a mark as unread is not the visitor's to know."""
    conversation_id, count = fact.row["conversation_id"], fact.row["facts"].get("read_count", 0)
    if fact.row["kind"] != "ReadStateChanged" or conversation_id not in visitor.places:
        return False
    further: bool = count > visitor.read.get(conversation_id, 0)
    visitor.read[conversation_id] = max(count, visitor.read.get(conversation_id, 0))
    return further
