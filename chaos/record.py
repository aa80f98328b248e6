"""What Frontdesk remembers at the end, read straight from its tables."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

ENDED = ("accepted", "failed", "held", "uncertain", "cancelled")


@dataclass(frozen=True)
class Row:
    """A message to a contact, with its place in the outbox."""

    id: int
    conversation: int
    key: str
    text: str
    delivery: str
    reason: str | None
    state: str
    began: datetime | None  # the last attempt
    doubted: datetime | None  # when a person was told that nobody knows


@dataclass(frozen=True)
class Record:
    received: dict[str, list[str]]  # contact's address -> provider ids, in the order of the thread
    sent: list[Row]
    conversations: dict[str, list[int]]  # contact's address -> its conversations
    points: Counter[str]  # contact's address -> how often it exists
    notified: Counter[int]  # message -> events that announce it
    inbound: dict[str, int]  # provider id -> message
    numbers: list[int]  # of the event log
    counter: int
    counted: list[Any]  # conversations with what they count and what there is
    set_aside: int


async def read(connect_args: dict[str, Any]) -> Record:
    connection = await asyncpg.connect(**connect_args)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(
                "select set_config('app.workspace_id', '1', true), set_config('app.across', '', true)"
            )
            return await _read(connection)
    finally:
        await connection.close()


async def waiting(connect_args: dict[str, Any]) -> tuple[int, int, int]:
    """How many deliveries and how many sendings are not finished, and the newest event."""
    connection = await asyncpg.connect(**connect_args)
    try:
        await connection.execute("select set_config('app.workspace_id', '1', false)")
        row = await connection.fetchrow(
            "select (select count(*) from raw_deliveries where state = 'new') as raw,"
            " (select count(*) from outbox where not (state = any($1))) as unsent,"
            " (select coalesce(max(seq), 0) from events) as newest",
            ENDED,
        )
        return row["raw"], row["unsent"], row["newest"]
    finally:
        await connection.close()


async def _read(connection: Any) -> Record:
    received, inbound = defaultdict(list), {}
    for row in await connection.fetch(
        "select m.id, m.external_id, p.value from messages m join contact_points p on p.id = m.point_id"
        " where m.direction = 'in' order by m.at, m.id"
    ):
        received[row["value"]].append(row["external_id"])
        inbound[row["external_id"]] = row["id"]
    conversations = defaultdict(list)
    for row in await connection.fetch(
        "select c.id, p.value from conversations c join contact_points p on p.contact_id = c.contact_id"
    ):
        conversations[row["value"]].append(row["id"])
    points = Counter(row["value"] for row in await connection.fetch("select value from contact_points"))
    announced = await connection.fetch("select message_id from events where kind = 'MessageReceived'")
    return Record(
        received=dict(received), sent=await _sent(connection), conversations=dict(conversations), points=points,
        notified=Counter(row["message_id"] for row in announced), inbound=inbound,
        numbers=[row["seq"] for row in await connection.fetch("select seq from events order by seq")],
        counter=await connection.fetchval("select coalesce(max(seq), 0) from event_counters"),
        counted=await connection.fetch(_COUNTED),
        set_aside=await connection.fetchval("select count(*) from raw_deliveries where state = 'set_aside'"),
    )  # fmt: skip


async def _sent(connection: Any) -> list[Row]:
    rows = await connection.fetch(
        "select m.id, m.conversation_id, o.key::text, m.text, m.delivery, m.delivery_reason, o.state, o.sending_since,"
        " (select min(r.at) from receipts r where r.message_id = m.id and r.state = 'uncertain'"
        "  and r.at >= o.sending_since) as doubted"
        " from messages m join outbox o on o.message_id = m.id order by o.due_at, o.id"
    )
    return [Row(*row.values()) for row in rows]


_COUNTED = """
select c.id, c.inbound_count, c.message_count, count(m.id) filter (where m.direction = 'in') as received,
  count(m.id) filter (where m.direction <> 'activity' and m.delivery is distinct from 'cancelled'
                        and m.due_at is null) as certain,
  count(m.id) filter (where m.delivery = 'cancelled') as cancelled
from conversations c left join messages m on m.conversation_id = c.id
group by c.id, c.inbound_count, c.message_count
"""
