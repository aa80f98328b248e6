"""The conversation list: tabs, filters, counts. Keyset pages only, from indexes that stand in the order of the list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from frontdesk.contacts import queries as contacts
from frontdesk.conversations import schemas
from frontdesk.conversations.queries import finding
from frontdesk.conversations.queries.excerpts import excerpts
from frontdesk.conversations.queries.ranges import (
    EVERYTHING,
    Conditions,
    Range,
    at_most,
    few,
    having,
    lacking,
    listed,
    newest,
    whole,
)
from frontdesk.conversations.queries.snapshots import conversations
from frontdesk.kit import paging
from frontdesk.kit.context import Actor
from frontdesk.kit.transaction import Row, Tx, array

contacts.CONCERNED += [
    "select contact_id, assignee_id, team_id from conversations where workspace_id = $1",
    "select c.contact_id, x.of_id, null::bigint from listings x join conversations c"
    " on c.workspace_id = x.workspace_id and c.id = x.conversation_id where x.workspace_id = $1 and x.kind = 'mention'",
]  # who may see a conversation, as _visible has it

After = tuple[datetime, int] | None  # the keys of the last row that is known
View = Literal["unread", "mine", "unassigned", "starred", "all", "snoozed", "closed", "any"]
COUNTED: tuple[View, ...] = ("unread", "mine", "unassigned", "starred", "all")
AT_ONCE, FOR_ONE = 5000, 8  # ids are read at once: so many at most, and so many for each that would be asked otherwise
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
        conditions.parts.append(_visible(actor))


def _visible(actor: Actor) -> str:
    return f"(c.assignee_id = $2 or c.team_id = any(array{sorted(actor.teams)}::bigint[]) or {_MENTIONED})"


async def listing(
    tx: Tx, actor: Actor, view: View, filters: Filters, *, cursor: str | None = None, limit: int | None = None
) -> paging.Page[schemas.Conversation]:
    """One page, newest activity first; of a search with what was found where."""
    q = (filters.q or "").strip()[:200]
    size = paging.bounded(limit, paging.FOUND if q else paging.LISTED)
    key = paging.decode(cursor, datetime, int)
    after = (key[0], key[1]) if key else None
    inboxes = await _inboxes(tx, filters.channel) if filters.channel is not None else None
    if q:
        rows, said = await _found(tx, actor, view, filters, inboxes, after, size + 1, q=q)
    else:
        rows, said = await _page(tx, actor, view, filters, inboxes, after, size + 1), {}
    ids = [row["id"] for row in rows[:size]]
    shown = await conversations(tx, ids, user_id=actor.user_id)
    for found, excerpt in (await excerpts(tx, q, [said[one] for one in ids if said.get(one)])).items():
        shown[found].found = excerpt
    more = paging.encode(rows[size - 1]["last_at"], rows[size - 1]["id"]) if len(rows) > size else None
    return paging.Page(items=[shown[one] for one in ids if one in shown], next=more)


async def _page(
    tx: Tx, actor: Actor, view: View, filters: Filters, inboxes: list[int] | None, after: After, limit: int
) -> list[Row]:
    """(id, last_at), at most ``limit``."""
    where, statuses = Conditions(tx.workspace_id, actor.user_id), _STATUSES[view]
    choices = _narrow(where, actor, view, filters, inboxes)
    ranges = await _least(tx, choices, statuses, where)
    return await _fetch(tx, newest(ranges, statuses, where, limit=limit, after=after), where)


async def _found(
    tx: Tx, actor: Actor, view: View, filters: Filters, inboxes: list[int] | None, after: After, limit: int, *, q: str
) -> tuple[list[Row], dict[int, int]]:
    """The same of what ``q`` is found in, and by conversation the message that says it."""
    rows: list[Row] = []
    said: dict[int, int] = {}
    filtered = view != "any" or after is not None or bool(_narrow(Conditions(), actor, view, filters, inboxes))
    async for found in finding.conversations(tx, q, wanted=limit, filtered=filtered):
        where, said = Conditions(tx.workspace_id, actor.user_id), found.said
        where.parts += [choice.condition for choice in _narrow(where, actor, view, filters, inboxes)]
        ranges = [
            few("conversations c", f"c.{column} = any({where.value(array(ids))}::text::bigint[])")
            for column, ids in (("id", sorted(said)), ("contact_id", found.contacts))
        ]
        rows = await _fetch(tx, newest(ranges, _STATUSES[view], where, limit=limit, after=after), where)
        if len(rows) == limit:
            break
    return rows, said


async def _least(tx: Tx, choices: list[Choice], statuses: Sequence[str], where: Conditions) -> list[Range]:
    """Begin in the index that leaves least to look at, as far as the planner knows; the rest are conditions.

    Of another that leaves little, the ids are read once, where that is less than to ask each conversation on the way.
    """
    if not choices:
        return [EVERYTHING]
    sizes = await _sizes(tx, choices, statuses, where) if len(choices) > 1 else [0]
    least = min(sizes)
    best = choices[sizes.index(least)]
    for choice, size in zip(choices, sizes, strict=True):
        if choice is not best and size <= AT_ONCE and size <= least * FOR_ONE:
            where.among.append(choice.ranges)
        elif choice is not best:
            where.parts.append(choice.condition)
    return best.ranges


async def _sizes(tx: Tx, choices: list[Choice], statuses: Sequence[str], where: Conditions) -> list[int]:
    """How many conversations the planner thinks each choice leaves."""
    sets = ", ".join(f"array({whole(choice.ranges, statuses)})" for choice in choices)
    plan = await tx.fetchval(f"explain (format json) {_with_all(f'select {sets}', where)}", *where.values)
    return [part["Plan Rows"] for part in plan[0]["Plan"]["Plans"]]


async def _fetch(tx: Tx, sql: str, where: Conditions) -> list[Row]:
    return await tx.fetch(sql if "$2" in sql else _with_all(sql, Conditions(*where.values[:2])), *where.values)


def _with_all(sql: str, where: Conditions) -> str:
    """The same, with every parameter in it: the database must know their types. So far all are numbers."""
    mentioned = " and ".join(f"${n}::bigint is not null" for n in range(1, len(where.values) + 1))
    return f"select * from ({sql}) t where {mentioned}"


async def _inboxes(tx: Tx, channel: str) -> list[int]:
    rows = await tx.fetch("select id from inboxes where workspace_id = $1 and channel = $2", tx.workspace_id, channel)
    return [row["id"] for row in rows]


@dataclass(frozen=True)
class Choice:
    """One thing that is asked for: stretches of an index that hold just that, or a condition on every conversation."""

    ranges: list[Range]
    condition: str


def _narrow(where: Conditions, actor: Actor, view: View, filters: Filters, inboxes: list[int] | None) -> list[Choice]:
    """What is asked for and has an index, as choices; what has none becomes a condition at once."""
    found: list[Choice] = []

    def column(condition: str) -> None:
        found.append(Choice([having(condition)], condition))

    if filters.contact_id is not None:
        of_contact = f"c.contact_id = {where.value(filters.contact_id)}"
        found.append(Choice([few("conversations c", of_contact)], of_contact))
    if view == "starred":
        found.append(Choice([_STARS], _IS_STARRED))
    if view == "mine":
        column("c.assignee_id = $2")
    if not actor.sees_all:
        theirs = [having("c.assignee_id = $2"), *(having(f"c.team_id = {team}") for team in sorted(actor.teams))]
        found.append(Choice([*theirs, listed("mention", "$2")], _visible(actor)))
    if view == "unassigned":
        found.append(Choice([lacking("c.assignee_id")], "c.assignee_id is null"))
    if filters.label_id is not None:
        label = where.value(filters.label_id)
        found.append(Choice([listed("label", label)], _LABELLED.format(label)))
    if filters.assignee_id is not None:
        column(f"c.assignee_id = {where.value(filters.assignee_id)}")
    if filters.inbox_id is not None:
        inbox = where.value(filters.inbox_id)
        found.append(Choice([listed("inbox", inbox)], f"{inbox} = any(c.inbox_ids)"))
    if inboxes is not None:
        one_by_one = [listed("inbox", str(inbox)) for inbox in inboxes]
        found.append(Choice(one_by_one or [having("false")], f"c.inbox_ids && array{inboxes}::bigint[]"))
    if filters.team_id is not None:
        column(f"c.team_id = {where.value(filters.team_id)}")
    if view == "unread":
        where.parts.append(_UNREAD)
    return found


async def counts(tx: Tx, actor: Actor) -> schemas.Counts:
    """How many each tab has; counting stops at :data:`CAP`, so that it costs the same in any workspace."""
    selected = []
    for view in COUNTED:
        where = Conditions(tx.workspace_id, actor.user_id)
        first, *others = _narrow(where, actor, view, Filters(), None) or [Choice([EVERYTHING], "true")]
        where.parts += [choice.condition for choice in others]
        selected.append(f"({at_most(first.ranges, _STATUSES[view], where, limit=CAP)}) as {view}")
    row = await tx.fetchrow(f"select {', '.join(selected)}", tx.workspace_id, actor.user_id)
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
