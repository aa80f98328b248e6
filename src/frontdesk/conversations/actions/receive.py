"""Messages coming in: a whole batch becomes contacts, conversations, messages and events in a handful of statements.

The caller holds the workspace's ingest lock and one transaction. What makes a repeated delivery harmless is the unique
index on ``(workspace_id, inbox_id, external_id)``, not the look-up here; the look-up only keeps a repeat from opening
an empty conversation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from frontdesk.channels.port import Channel, Inbound, Incoming
from frontdesk.contacts import actions as contacts
from frontdesk.conversations import rules
from frontdesk.conversations.actions.join import join, written_to
from frontdesk.conversations.actions.keywords import obey_keywords
from frontdesk.conversations.events import ConversationOpened, MessageReceived
from frontdesk.kit.transaction import Tx, columns

_INSERT = """
insert into messages (workspace_id, conversation_id, direction, audience, inbox_id, point_id, author_name, text, reply,
                      html, subject, external_id, automatic, meta, raw_id, at, delivery, delivery_at,
                      trace)
select $1, m.conversation_id, m.direction, 'contact', m.inbox_id, m.point_id, m.author_name, m.text, m.reply, m.html,
       m.subject, m.external_id, m.automatic, m.meta, m.raw_id, m.at,
       case m.direction when 'out' then 'sent' end, case m.direction when 'out' then m.at end, m.trace
from unnest($2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[],
            $10::text[], $11::text[], $12::bool[], $13::jsonb[], $14::bigint[], $15::timestamptz[], $16::text[])
  with ordinality
  as m (conversation_id, direction, inbox_id, point_id, author_name, text, reply, html,
        subject, external_id, automatic, meta, raw_id, at, trace, o)
order by m.o
on conflict (workspace_id, inbox_id, external_id) where external_id is not null do nothing
returning id, inbox_id, external_id
"""

_COUNT = """
with news as (
  select conversation_id, count(*) filter (where direction = 'in') as received, count(*) as n, bool_or(wakes) as wakes,
         min(at) filter (where wakes) as since, max(at) as newest,
         max(at) filter (where direction = 'in') as newest_in,
         (array_agg(message_id order by o desc))[1] as message_id, (array_agg(preview order by o desc))[1] as preview,
         (array_agg(direction order by o desc))[1] as direction, (array_agg(inbox_id order by o desc))[1] as inbox_id,
         (array_agg(author order by o desc))[1] as author, array_agg(distinct inbox_id) as inbox_ids
  from unnest($2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::timestamptz[],
              $9::bool[]) with ordinality
    as m (conversation_id, message_id, direction, inbox_id, author, preview, at, wakes, o)
  group by conversation_id)
update conversations c set
  inbound_count = c.inbound_count + news.received, message_count = c.message_count + news.n,
  last_at = greatest(c.last_at, news.newest), last_inbound_at = greatest(c.last_inbound_at, news.newest_in),
  last_message_id = news.message_id, last_preview = news.preview, last_direction = news.direction,
  last_audience = 'contact', last_inbox_id = news.inbox_id, last_author = news.author,
  inbox_ids = (select array_agg(distinct i) from unnest(c.inbox_ids || news.inbox_ids) i),
  status = case when news.wakes then 'open' else c.status end,
  snoozed_until = case when news.wakes then null else c.snoozed_until end,
  closed_at = case when news.wakes then null else c.closed_at end,
  waiting_since = case when news.wakes then coalesce(c.waiting_since, news.since) else c.waiting_since end,
  rev = c.rev + 1
from news where c.workspace_id = $1 and c.id = news.conversation_id
"""

_KNOWN = """
select m.inbox_id, m.external_id, m.meta ->> 'fingerprint' as fingerprint from messages m
join unnest($2::bigint[], $3::text[]) k (inbox_id, external_id)
  on m.inbox_id = k.inbox_id and m.external_id = k.external_id
where m.workspace_id = $1
"""

_ATTACH = """
insert into attachments
  (workspace_id, message_id, hash, name, content_type, size, content_id, inline, state, source_url)
select $1, a.* from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::bool[],
                           $9::text[], $10::text[]) as a
returning id, message_id, state
"""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """An incoming file after its bytes went into the store (``hash``), or before they were fetched (``url``)."""

    file: Incoming
    hash: str | None
    size: int


@dataclass(kw_only=True, slots=True)
class Arrival:
    """One parsed message and where it came through.

    ``key`` is what it is known by in the inbox, ``at`` when it stands in the thread, ``fingerprint`` what tells a copy
    of a message from another one with the same id, where the driver knows.
    """

    raw_id: int
    trace: str | None  # of its delivery
    inbox_id: int
    inbox_name: str
    channel: Channel
    received_at: datetime
    item: Inbound
    files: Sequence[Kept] = ()
    another: bool = False  # a different message under an id that is taken: it gets an id of its own
    key: tuple[int, str] = field(init=False)
    at: datetime = field(init=False)
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        item = self.item
        named = rules.clean(item.external_id)
        self.fingerprint = str(item.meta.get("fingerprint") or "")
        self.key = self.inbox_id, f"{named}~{self.fingerprint[:12]}" if self.another else named
        self.at = rules.moment_of(item.sent_at, self.received_at, backfilled=bool(item.meta.get("backfilled")))

    @property
    def direction(self) -> str:
        return "out" if self.item.own else "in"


async def receive(tx: Tx, arrivals: Sequence[Arrival]) -> int:
    """Take in a batch, oldest first; repeats are ignored. Returns how many messages were new."""
    arrivals = await _unknown(tx, arrivals)
    if not arrivals:
        return 0
    answering = await written_to(tx, arrivals)
    found = await contacts.find_or_create(tx, [arrival.item.sender for arrival in arrivals], keep=answering)
    for arrival in arrivals:
        if also := arrival.item.also:
            address = arrival.item.sender
            await contacts.link(tx, found[address.kind, address.scope, address.value].contact_id, also)
    senders = [found[a.item.sender.kind, a.item.sender.scope, a.item.sender.value] for a in arrivals]
    heard = [sender.point_id for sender, a in zip(senders, arrivals, strict=True) if not a.item.automatic]
    await contacts.mark_good(tx, heard)
    joined = await join(tx, arrivals, [sender.contact_id for sender in senders])
    ids = await _insert(
        tx, arrivals, [place.conversation_id for place in joined], [sender.point_id for sender in senders]
    )
    for place in {place.conversation_id: place for place in joined if place.opened}.values():
        tx.emit(ConversationOpened(conversation_id=place.conversation_id, contact_id=place.contact_id))
    await _attach(tx, arrivals, ids)
    await _count(tx, arrivals, [place.conversation_id for place in joined], ids)
    new = 0
    for arrival, place, sender in zip(arrivals, joined, senders, strict=True):
        if message_id := ids.get(arrival.key):
            new += 1
            tx.emit(
                MessageReceived(
                    conversation_id=place.conversation_id,
                    message_id=message_id,
                    contact_id=sender.contact_id,
                    inbox_id=arrival.inbox_id,
                    automatic=arrival.item.automatic,
                )
            )
    await obey_keywords(
        tx,
        [(a, p.conversation_id, s.point_id) for a, p, s in zip(arrivals, joined, senders, strict=True) if a.key in ids],
    )
    return new


async def _unknown(tx: Tx, arrivals: Sequence[Arrival]) -> list[Arrival]:
    """The arrivals that are not in the database and not repeated within the batch.

    Programs that number badly give one id to two mails (Message-ID is theirs to choose): a different content under a
    known id is another message, not a repeat.
    """
    if not arrivals:
        return []
    twins = [replace(arrival, another=True) for arrival in arrivals if arrival.fingerprint]
    inboxes, ids = columns([arrival.key for arrival in (*arrivals, *twins)], 2)
    known = await tx.fetch(_KNOWN, tx.workspace_id, inboxes, ids)
    seen = {(row["inbox_id"], row["external_id"]): row["fingerprint"] or "" for row in known}
    fresh = []
    for arrival in arrivals:
        taken = seen.get(arrival.key)
        if taken and arrival.fingerprint and taken != arrival.fingerprint:
            arrival = replace(arrival, another=True)
            taken = seen.get(arrival.key)
        if taken is None:
            seen[arrival.key] = arrival.fingerprint
            fresh.append(arrival)
    return fresh


async def _insert(
    tx: Tx, arrivals: Sequence[Arrival], conversations: Sequence[int], points: Sequence[int]
) -> dict[tuple[int, str], int]:
    rows = []
    for arrival, conversation_id, point_id in zip(arrivals, conversations, points, strict=True):
        item = arrival.item
        reply = rules.clean(item.reply) if item.reply is not None and item.reply != item.text else None
        html = rules.clean(item.html) if item.html else None
        subject = rules.clean(item.subject)[:1000] if item.subject else None
        rows.append((
            conversation_id, arrival.direction, arrival.inbox_id, point_id, rules.clean(item.sender.name)[:200],
            rules.clean(item.text), reply, html, subject, arrival.key[1], item.automatic, _meta(item), arrival.raw_id,
            arrival.at, arrival.trace,
        ))  # fmt: skip
    made = await tx.fetch(_INSERT, tx.workspace_id, *columns(rows, 15))
    return {(row["inbox_id"], row["external_id"]): row["id"] for row in made}


def _meta(item: Inbound) -> dict[str, Any]:
    """What the driver kept, as JSON that PostgreSQL takes (it refuses NUL)."""
    cleaned = _clean_json(dict(item.meta))
    return cleaned if isinstance(cleaned, dict) else {}


def _cleaned(text: str | None) -> str | None:
    return None if text is None else rules.clean(text)


def _clean_json(value: Any) -> Any:
    if isinstance(value, str):
        return rules.clean(value)
    if isinstance(value, dict):
        return {rules.clean(str(key)): _clean_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean_json(inner) for inner in value]
    return value


async def _attach(tx: Tx, arrivals: Sequence[Arrival], ids: dict[tuple[int, str], int]) -> None:
    rows = []
    for arrival in arrivals:
        for kept in arrival.files if arrival.key in ids else ():
            file = kept.file
            state = "ready" if kept.hash else "fetching"
            name = rules.clean(file.name)[:255] or "file"
            rows.append((
                ids[arrival.key], kept.hash, name, rules.clean(file.content_type)[:255], kept.size,
                _cleaned(file.content_id), file.inline, state, None if kept.hash else _cleaned(file.url),
            ))  # fmt: skip
    if not rows:
        return
    for row in await tx.fetch(_ATTACH, tx.workspace_id, *columns(rows, 9)):
        if row["state"] == "fetching":
            await tx.defer("conversations.fetch_media", attachment_id=row["id"])


async def _count(
    tx: Tx, arrivals: Sequence[Arrival], conversations: Sequence[int], ids: dict[tuple[int, str], int]
) -> None:
    rows = [
        (
            conversation_id, ids[arrival.key], arrival.direction, arrival.inbox_id,
            rules.clean(arrival.item.sender.name)[:200] or None,
            rules.preview(_shown(arrival.item), [rules.clean(kept.file.name) for kept in arrival.files]), arrival.at,
            not arrival.item.automatic and not arrival.item.own,
        )
        for arrival, conversation_id in zip(arrivals, conversations, strict=True)
        if arrival.key in ids
    ]  # fmt: skip
    if rows:
        await tx.execute(_COUNT, tx.workspace_id, *columns(rows, 8))


def _shown(item: Inbound) -> str:
    """What the list shows of a message: what was written now, else the whole, else the subject."""
    return rules.clean(item.reply or item.text or item.subject or "")
