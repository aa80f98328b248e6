"""The conversation list: tabs, filters, counts. Keyset pages only, from indexes that stand in the order of the list."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from frontdesk.conversations import schemas
from frontdesk.conversations.queries import finding
from frontdesk.conversations.queries.ranges import EVERYTHING, Conditions, Range, few, having, listed, newest
from frontdesk.conversations.queries.snapshots import conversations
from frontdesk.kit import paging
from frontdesk.kit.context import Actor
from frontdesk.kit.transaction import Row, Tx

View = Literal["unread", "mine", "unassigned", "starred", "all", "snoozed", "closed", "any"]
COUNTED: tuple[View, ...] = ("unread", "mine", "unassigned", "starred", "all")
CAP = 100  # counting stops here: a badge says "99+"

_UNREAD = (
    "c.inbound_count > coalesce((select r.read_count from read_states r where r.workspace_id = $1 and r.user_id = $2"
    " and r.conversation_id = c.id), 0)"
)
_STARRED = "r.workspace_id = $1 and r.user_id = $2 and r.starred"
_STARS = few("read_states r join conversations c on c.id = r.conversation_id", _STARRED)
_IS_STARRED = f"exists (select from read_states r where {_STARRED} and r.conversation_id = c.id)"
_MENTIONED = (
    "exists (select from listings x where x.workspace_id = $1 and x.conversation_id = c.id and x.kind = 'mention'"
    " and x.of_id = $2)"
)
_LABELLED = (
    "exists (select from conversation_labels x where x.workspace_id = $1 and x.conversation_id = c.id"
    " and x.label_id = {})"
)
_STATUSES: dict[View, tuple[str, ...]] = {
    "unread": ("open",),
    "mine": ("open",),
    "unassigned": ("open",),
    "starred": ("open", "snoozed"),
    "all": ("open", "snoozed"),
    "snoozed": ("snoozed",),
    "closed": ("closed",),
    "any": ("open", "snoozed", "closed"),
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


def visible_to(actor: Actor, conditions: Conditions) -> None:
    """Permission is part of the query: a user who does not see everything sees what concerns them."""
    if not actor.sees_all:
        conditions.add(f"(c.assignee_id = $2 or c.team_id = any({{}}) or {_MENTIONED})", list(actor.teams))


async def listing(
    tx: Tx, actor: Actor, view: View, filters: Filters, *, cursor: str | None = None, limit: int | None = None
) -> paging.Page[schemas.Conversation]:
    """One page, newest activity first."""
    size = paging.bounded(limit)
    after = paging.decode(cursor, datetime, int)
    rows = await _page(tx, actor, view, filters, (after[0], after[1]) if after else None, size + 1)
    shown = await conversations(tx, [row["id"] for row in rows[:size]], user_id=actor.user_id)
    items = [shown[row["id"]] for row in rows[:size] if row["id"] in shown]
    more = paging.encode(rows[size - 1]["last_at"], rows[size - 1]["id"]) if len(rows) > size else None
    return paging.Page(items=items, next=more)


async def _page(
    tx: Tx, actor: Actor, view: View, filters: Filters, after: tuple[datetime, int] | None, limit: int
) -> list[Row]:
    """(id, last_at), at most ``limit``."""
    inboxes = await _inboxes(tx, filters.channel) if filters.channel is not None else None
    if filters.q is None or not filters.q.strip():
        where = Conditions(tx.workspace_id, actor.user_id)
        ranges = _narrow(where, actor, view, filters, inboxes)
        return await _fetch(tx, newest(ranges, _STATUSES[view], where, limit=limit, after=after), where)
    rows: list[Row] = []
    async for found in finding.conversations(tx, filters.q.strip()[:200]):
        where = Conditions(tx.workspace_id, actor.user_id)
        _narrow(where, actor, view, filters, inboxes, every=True)
        ranges = [few("conversations c", f"c.id = any({where.value(found)}::bigint[])")]
        rows = await _fetch(tx, newest(ranges, _STATUSES[view], where, limit=limit, after=after), where)
        if len(rows) == limit:
            break
    return rows


async def _fetch(tx: Tx, sql: str, where: Conditions) -> list[Row]:
    if "$2" not in sql:
        sql = f"select * from ({sql}) t where $2::bigint is not null"
    return await tx.fetch(sql, *where.values)


async def _inboxes(tx: Tx, channel: str) -> list[int]:
    rows = await tx.fetch("select id from inboxes where workspace_id = $1 and channel = $2", tx.workspace_id, channel)
    return [row["id"] for row in rows]


def _narrow(
    where: Conditions, actor: Actor, view: View, filters: Filters, inboxes: list[int] | None, *, every: bool = False
) -> list[Range]:
    """Begin in the index that leaves least to look at; what it does not say becomes a condition (``every``: all do).

    An arm's ``fixed`` part and the conditions share the numbered parameters of ``where``.
    """
    found: list[Range] = []

    def by(ranges: list[Range], condition: str) -> None:
        if found or every:
            where.parts.append(condition)
        else:
            found.extend(ranges)

    if filters.contact_id is not None:
        condition = f"c.contact_id = {where.value(filters.contact_id)}"
        by([few("conversations c", condition)], condition)
    if view == "starred":
        by([_STARS], _IS_STARRED)
    if not actor.sees_all:
        mine = [having("c.assignee_id = $2"), listed("mention", "$2")]
        mine += [having(f"c.team_id = {team}") for team in sorted(actor.teams)]
        if found or every:
            visible_to(actor, where)
        else:
            found.extend(mine)
    if filters.label_id is not None:
        label = where.value(filters.label_id)
        by([listed("label", label)], _LABELLED.format(label))
    for condition in _assigned(where, view, filters):
        by([having(condition)], condition)
    if filters.inbox_id is not None:
        inbox = where.value(filters.inbox_id)
        by([listed("inbox", inbox)], f"{inbox} = any(c.inbox_ids)")
    if inboxes is not None:
        one_by_one = [listed("inbox", str(inbox)) for inbox in inboxes]
        by(one_by_one or [having("false")], f"c.inbox_ids && array{inboxes}::bigint[]")
    if filters.team_id is not None:
        condition = f"c.team_id = {where.value(filters.team_id)}"
        by([having(condition)], condition)
    if view == "unread":
        where.parts.append(_UNREAD)
    return found or [EVERYTHING]


def _assigned(where: Conditions, view: View, filters: Filters) -> list[str]:
    conditions = {"mine": ["c.assignee_id = $2"], "unassigned": ["c.assignee_id is null"]}.get(view, [])
    if filters.assignee_id is not None:
        conditions = [*conditions, f"c.assignee_id = {where.value(filters.assignee_id)}"]
    return conditions


async def counts(tx: Tx, actor: Actor) -> schemas.Counts:
    """How many each tab has; counting stops at :data:`CAP`, so that it costs the same in any workspace."""
    values = Conditions(tx.workspace_id, actor.user_id)
    selected = []
    for view in COUNTED:
        where = Conditions()
        where.values = values.values
        sql = newest(_narrow(where, actor, view, Filters(), None), _STATUSES[view], where, limit=CAP)
        selected.append(f"(select count(*) from ({sql}) t) as {view}")
    row = await tx.fetchrow(f"select {', '.join(selected)}", *values.values)
    return schemas.Counts(**dict(row or {}))


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
