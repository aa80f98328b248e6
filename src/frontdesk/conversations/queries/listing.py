"""The conversation list: tabs, filters, counts. Keyset pages only; counts stop at a thousand."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from frontdesk.conversations import schemas
from frontdesk.conversations.queries.snapshots import conversations
from frontdesk.kit import paging
from frontdesk.kit.context import Actor
from frontdesk.kit.transaction import Tx

View = Literal["unread", "mine", "unassigned", "starred", "all", "snoozed", "closed", "any"]
CAP = 1000

_UNREAD = (
    "c.inbound_count > coalesce((select r.read_count from read_states r where r.workspace_id = $1 and r.user_id = $2"
    " and r.conversation_id = c.id), 0)"
)
_STARRED = (
    "exists (select 1 from read_states r where r.workspace_id = $1 and r.user_id = $2"
    " and r.conversation_id = c.id and r.starred)"
)
_VIEWS: dict[View, str] = {
    "unread": f"c.status = 'open' and {_UNREAD}",
    "mine": "c.status = 'open' and c.assignee_id = $2",
    "unassigned": "c.status = 'open' and c.assignee_id is null",
    "starred": f"c.status <> 'closed' and {_STARRED}",
    "all": "c.status <> 'closed'",
    "snoozed": "c.status = 'snoozed'",
    "closed": "c.status = 'closed'",
    "any": "true",
}


class Filters(msgspec.Struct, kw_only=True):
    """What narrows a view. ``q`` finds contact names, addresses, subjects and words of messages."""

    channel: str | None = None
    inbox_id: int | None = None
    assignee_id: int | None = None
    team_id: int | None = None
    label_id: int | None = None
    contact_id: int | None = None
    q: str | None = None


class Conditions:
    """Parts of a WHERE clause with their numbered parameters."""

    def __init__(self, *first: Any) -> None:
        self.values = list(first)
        self.parts: list[str] = []

    def add(self, sql: str, *values: Any) -> None:
        """``sql`` has one ``{}`` for each value."""
        numbers = range(len(self.values) + 1, len(self.values) + 1 + len(values))
        self.parts.append(sql.format(*(f"${n}" for n in numbers)))
        self.values += values


def visible_to(actor: Actor, conditions: Conditions) -> None:
    """Permission is part of the query: a user who does not see everything sees what concerns them."""
    if not actor.sees_all:
        conditions.add(
            "(c.assignee_id = $2 or c.team_id = any({}) or exists (select 1 from messages m where m.workspace_id = $1"
            " and m.conversation_id = c.id and m.mentions <> '{{}}' and $2 = any(m.mentions)))",
            list(actor.teams),
        )


async def listing(
    tx: Tx, actor: Actor, view: View, filters: Filters, *, cursor: str | None = None, limit: int | None = None
) -> paging.Page[schemas.Conversation]:
    """One page, newest activity first."""
    size = paging.bounded(limit)
    where = Conditions(tx.workspace_id, actor.user_id)
    where.add("c.workspace_id = $1")
    where.add(_VIEWS[view])
    visible_to(actor, where)
    _narrow(where, filters)
    if after := paging.decode(cursor, datetime, int):
        where.add("(c.last_at, c.id) < ({}, {})", *after)
    where.values.append(size + 1)
    rows = await tx.fetch(
        f"select c.id, c.last_at from conversations c where {' and '.join(where.parts)}"
        f" and $2::bigint is not null order by c.last_at desc, c.id desc limit ${len(where.values)}",
        *where.values,
    )
    shown = await conversations(tx, [row["id"] for row in rows[:size]], user_id=actor.user_id)
    items = [shown[row["id"]] for row in rows[:size] if row["id"] in shown]
    more = paging.encode(rows[size - 1]["last_at"], rows[size - 1]["id"]) if len(rows) > size else None
    return paging.Page(items=items, next=more)


def _narrow(where: Conditions, filters: Filters) -> None:
    for column in ("assignee_id", "team_id", "contact_id"):
        if (value := getattr(filters, column)) is not None:
            where.add(f"c.{column} = {{}}", value)
    if filters.inbox_id is not None:
        where.add("{} = any(c.inbox_ids)", filters.inbox_id)
    if filters.channel is not None:
        where.add(
            "c.inbox_ids && array(select i.id from inboxes i where i.workspace_id = $1 and i.channel = {})",
            filters.channel,
        )
    if filters.label_id is not None:
        where.add(
            "exists (select 1 from conversation_labels x where x.workspace_id = $1 and x.conversation_id = c.id"
            " and x.label_id = {})",
            filters.label_id,
        )
    if filters.q and filters.q.strip():
        _search(where, filters.q.strip()[:200])


def _search(where: Conditions, words: str) -> None:
    """Names and addresses by substring, messages by substring within the conversations that are left."""
    pattern = "%" + words.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
    where.add(
        "(c.contact_id in (select k.id from contacts k where k.workspace_id = $1 and k.name ilike {0}"
        " union select p.contact_id from contact_points p where p.workspace_id = $1 and p.value ilike {0})"
        " or c.subject ilike {0} or exists (select 1 from messages m where m.workspace_id = $1"
        " and m.conversation_id = c.id and m.text ilike {0}))",
        pattern,
    )


async def counts(tx: Tx, actor: Actor) -> schemas.Counts:
    """How many each tab has; counting stops at :data:`CAP`, so that it costs the same in any workspace."""
    found: dict[str, int] = {}
    for view in ("unread", "mine", "unassigned", "starred", "all"):
        where = Conditions(tx.workspace_id, actor.user_id)
        where.add("c.workspace_id = $1")
        where.add(_VIEWS[view])
        visible_to(actor, where)
        where.values.append(CAP)
        found[view] = await tx.fetchval(
            f"select count(*) from (select 1 from conversations c where {' and '.join(where.parts)}"
            f" and $2::bigint is not null limit ${len(where.values)}) t",
            *where.values,
        )
    return schemas.Counts(**found)


async def one(tx: Tx, actor: Actor, conversation_id: int) -> schemas.Conversation | None:
    """One conversation, if the actor may see it."""
    where = Conditions(tx.workspace_id, actor.user_id)
    where.add("c.workspace_id = $1")
    where.add("c.id = {}", conversation_id)
    visible_to(actor, where)
    found = await tx.fetchval(
        f"select c.id from conversations c where {' and '.join(where.parts)} and $2::bigint is not null", *where.values
    )
    return (await conversations(tx, [found], user_id=actor.user_id)).get(found) if found else None
