"""What people do with a conversation: assign, close, snooze, label, read, star, merge."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import UNSET

from frontdesk.conversations import rules
from frontdesk.conversations.actions.activity import add_activity
from frontdesk.conversations.actions.touch import touch
from frontdesk.conversations.events import ConversationChanged, ConversationOpened, MessageChanged, ReadStateChanged
from frontdesk.conversations.queries import thread
from frontdesk.conversations.queries.joining import join_key, joining, said_in
from frontdesk.conversations.queries.listing import visible_to
from frontdesk.conversations.queries.ranges import Conditions
from frontdesk.conversations.schemas import ConversationPatch
from frontdesk.kit import clock
from frontdesk.kit.context import Actor
from frontdesk.kit.errors import Invalid, NotFound, Refused
from frontdesk.kit.transaction import Row, Tx

# The one that there is already is locked, so that it is not merged into another meanwhile. A row that was inserted has
# the xmax 0, in one that was there before it is our lock.
_OPEN = """
insert into conversations as c (workspace_id, contact_id, join_key, last_at, last_inbox_id, assignee_id)
values ($1, $2, $3, $4, $5, $6)
on conflict (workspace_id, contact_id, join_key) where join_key is not null do update set join_key = c.join_key
returning id, xmax = 0 as opened
"""

_READ = """
insert into read_states as read_states (workspace_id, user_id, conversation_id, read_count) values ($1, $2, $3, $4)
on conflict (workspace_id, user_id, conversation_id) do update set read_count = {fold}
where read_states.read_count <> {fold} returning read_count, starred
"""

_STAR = """
insert into read_states as read_states (workspace_id, user_id, conversation_id, starred) values ($1, $2, $3, $4)
on conflict (workspace_id, user_id, conversation_id) do update set starred = excluded.starred
where read_states.starred <> excluded.starred returning read_count, starred
"""

_RECOUNT = """
update conversations c set
  inbound_count = n.received, message_count = n.total, inbox_ids = coalesce(n.inboxes, '{}'),
  last_at = coalesce(l.at, c.last_at), last_inbound_at = n.last_inbound, last_message_id = l.id,
  last_preview = coalesce(l.preview, ''), last_direction = l.direction, last_audience = l.audience,
  last_inbox_id = coalesce(l.inbox_id, c.last_inbox_id), last_author = l.author_name, rev = c.rev + 1
from (
  select count(*) filter (where direction = 'in') received,
         count(*) filter (where direction <> 'activity' and due_at is null) total,
         max(at) filter (where direction = 'in') last_inbound,
         array_agg(distinct inbox_id) filter (where inbox_id is not null) inboxes
  from messages where workspace_id = $1 and conversation_id = $2) n
left join lateral (
  select id, at, direction, audience, inbox_id, author_name, left(coalesce(reply, text), 140) preview from messages
  where workspace_id = $1 and conversation_id = $2 and direction <> 'activity' and due_at is null
  order by at desc, id desc limit 1) l on true
where c.workspace_id = $1 and c.id = $2
"""


_MOVE_ALL = """
with moved as (
  update messages set conversation_id = $3 where workspace_id = $1 and conversation_id = $2 returning id)
update outbox o set conversation_id = $3 from moved where o.workspace_id = $1 and o.message_id = moved.id
"""


async def lock(tx: Tx, conversation_id: int, actor: Actor) -> Row:
    """The conversation, locked, if the actor may see it; raises NotFound otherwise."""
    where = Conditions(tx.workspace_id, actor.user_id)
    where.add("c.workspace_id = $1 and $2::bigint is not null")
    where.add("c.id = {}", conversation_id)
    visible_to(actor, where)
    row = await tx.fetchrow(
        f"select c.* from conversations c where {' and '.join(where.parts)} for update", *where.values
    )
    if row is None:
        raise NotFound("This conversation")
    return row


async def open_conversation(
    tx: Tx, contact_id: int, inbox_id: int, *, second: bool, actor_id: int | None, assignee_id: int | None = None
) -> tuple[int, bool]:
    """The contact's open conversation, or a new one; ``second`` opens another beside it. (id, whether it is new).

    Only a new one is given to ``assignee_id``.
    """
    key = None if second else await join_key(tx, inbox_id)
    (row,) = await tx.fetch(_OPEN, tx.workspace_id, contact_id, key, clock.now(), inbox_id, assignee_id)
    if row["opened"]:
        tx.emit(ConversationOpened(conversation_id=row["id"], contact_id=contact_id, actor_id=actor_id))
    return row["id"], row["opened"]


async def open_for(
    tx: Tx, contact_id: int, inbox_id: int, *, second: bool = False, client_key: str | None = None, actor: Actor
) -> int:
    """The conversation in which the actor writes to a contact; returns its id.

    It is the one that already holds the message of ``client_key``, else the contact's open one, else a new one. Who may
    not see the open one gets another beside it; what somebody opens who sees only their own is assigned to them.
    """
    while client_key and (earlier := await said_in(tx, client_key, contact_id)) is not None:
        await lock(tx, earlier, actor)
        if await said_in(tx, client_key, contact_id) == earlier:  # it was not merged into another meanwhile
            return earlier
    own = None if actor.sees_all else actor.user_id
    made, new = await open_conversation(
        tx, contact_id, inbox_id, second=second, actor_id=actor.user_id, assignee_id=own
    )
    if not new:
        try:
            await lock(tx, made, actor)
        except NotFound:
            made, _ = await open_conversation(
                tx, contact_id, inbox_id, second=True, actor_id=actor.user_id, assignee_id=own
            )
    return made


async def change(tx: Tx, conversation_id: int, patch: ConversationPatch, *, actor: Actor) -> None:
    """Apply what the patch names; nothing changes and nothing is said when it already is so."""
    row = await lock(tx, conversation_id, actor)
    new: dict[str, Any] = {}
    await _status(tx, row, patch, new)
    for field, table in (("assignee_id", "users"), ("team_id", "teams")):
        value = getattr(patch, field)
        if value is not UNSET and value != row[field]:
            if value is not None:
                await _must_exist(tx, table, value)
            new[field] = value
    if patch.subject is not UNSET and patch.subject != row["subject"]:
        new["subject"] = rules.clean(patch.subject) if patch.subject else None
    if not new:
        return
    sets = ", ".join(f"{column} = ${i}" for i, column in enumerate(new, start=3))
    await tx.execute(
        f"update conversations set {sets}, rev = rev + 1 where workspace_id = $1 and id = $2",
        tx.workspace_id,
        conversation_id,
        *new.values(),
    )
    await _say(tx, row, new, actor)
    tx.emit(ConversationChanged(conversation_id=conversation_id, actor_id=actor.user_id, changed=tuple(new)))


async def _status(tx: Tx, row: Row, patch: ConversationPatch, new: dict[str, Any]) -> None:
    status = patch.status if patch.status is not UNSET else None
    until: datetime | None = patch.snoozed_until if patch.snoozed_until is not UNSET and patch.snoozed_until else None
    if status is None and until is not None:
        status = "snoozed"
    if status is None or (status == row["status"] and status != "snoozed"):
        return
    if status == "snoozed" and until is not None and until <= clock.now():
        raise Invalid("Choose a time in the future.", fields={"snoozed_until": "in the past"})
    new |= {"status": status, "snoozed_until": until if status == "snoozed" else None}
    if status == "closed":
        new |= {"closed_at": clock.now(), "join_key": None, "waiting_since": None}
    elif row["status"] == "closed":
        key = await join_key(tx, row["last_inbox_id"] or 0)
        taken = await joining(tx, row["contact_id"], key) is not None
        new |= {"closed_at": None, "join_key": None if taken else key}


async def _must_exist(tx: Tx, table: str, value: int) -> None:
    condition = " and active" if table == "users" else ""
    if not await tx.fetchval(
        f"select 1 from {table} where workspace_id = $1 and id = $2{condition}", tx.workspace_id, value
    ):
        raise Invalid("That user or team does not exist any more.", code="unknown_assignee")


async def _say(tx: Tx, row: Row, new: dict[str, Any], actor: Actor) -> None:
    """Leave a line in the thread for what others should see happened."""

    async def line(code: str, **data: Any) -> None:
        await add_activity(tx, row["id"], code, data, actor_id=actor.user_id, actor_name=actor.name)

    if "assignee_id" in new:
        name = await tx.fetchval(
            "select name from users where workspace_id = $1 and id = $2", tx.workspace_id, new["assignee_id"]
        )
        await line("assigned" if new["assignee_id"] else "unassigned", user_id=new["assignee_id"], name=name)
    if "team_id" in new:
        name = await tx.fetchval(
            "select name from teams where workspace_id = $1 and id = $2", tx.workspace_id, new["team_id"]
        )
        await line("team_assigned" if new["team_id"] else "team_unassigned", team_id=new["team_id"], name=name)
    if "status" in new:
        until = new.get("snoozed_until")
        await line("status", status=new["status"], until=until.isoformat() if until else None)


async def label(tx: Tx, conversation_id: int, label_id: int, *, on: bool, actor: Actor) -> None:
    """Put a label on or take it off."""
    await lock(tx, conversation_id, actor)
    name = await tx.fetchval("select name from labels where workspace_id = $1 and id = $2", tx.workspace_id, label_id)
    if name is None:
        raise NotFound("This label")
    if on:
        changed = await tx.execute(
            "insert into conversation_labels (workspace_id, conversation_id, label_id) values ($1, $2, $3)"
            " on conflict do nothing",
            tx.workspace_id,
            conversation_id,
            label_id,
        )
    else:
        changed = await tx.execute(
            "delete from conversation_labels where workspace_id = $1 and conversation_id = $2 and label_id = $3",
            tx.workspace_id,
            conversation_id,
            label_id,
        )
    if changed:
        await touch(tx, conversation_id)
        code = "label_added" if on else "label_removed"
        await add_activity(
            tx,
            conversation_id,
            code,
            {"label_id": label_id, "name": name},
            actor_id=actor.user_id,
            actor_name=actor.name,
        )
        tx.emit(ConversationChanged(conversation_id=conversation_id, actor_id=actor.user_id, changed=("labels",)))


async def mark_read(tx: Tx, conversation_id: int, count: int | None, *, actor: Actor) -> None:
    """Read up to ``count`` inbound messages (None: all); reading never goes backwards here."""
    row = await lock(tx, conversation_id, actor)
    upto = row["inbound_count"] if count is None else max(0, min(count, row["inbound_count"]))
    await _mine(tx, conversation_id, actor, "greatest(read_states.read_count, excluded.read_count)", upto)


async def mark_unread(tx: Tx, conversation_id: int, *, actor: Actor) -> None:
    """As if the last inbound message had not been read."""
    row = await lock(tx, conversation_id, actor)
    await _mine(
        tx,
        conversation_id,
        actor,
        "least(read_states.read_count, excluded.read_count)",
        max(0, row["inbound_count"] - 1),
    )


async def _mine(tx: Tx, conversation_id: int, actor: Actor, fold: str, count: int) -> None:
    row = await tx.fetchrow(
        _READ.format(fold=fold),
        tx.workspace_id,
        actor.user_id,
        conversation_id,
        count,
    )
    if row is not None:
        _tell(tx, conversation_id, actor, row)


async def star(tx: Tx, conversation_id: int, *, on: bool, actor: Actor) -> None:
    """A mark of one's own."""
    await lock(tx, conversation_id, actor)
    row = await tx.fetchrow(_STAR, tx.workspace_id, actor.user_id, conversation_id, on)
    if row is not None:
        _tell(tx, conversation_id, actor, row)


def _tell(tx: Tx, conversation_id: int, actor: Actor, row: Row) -> None:
    tx.emit(
        ReadStateChanged(
            conversation_id=conversation_id,
            actor_id=actor.user_id,
            user_id=actor.user_id,
            read_count=row["read_count"],
            starred=row["starred"],
        )
    )


async def merge(tx: Tx, loser_id: int, winner_id: int, *, actor: Actor) -> None:
    """Move everything of one conversation into another; the first is closed and stays as an empty trace."""
    if loser_id == winner_id:
        raise Refused("A conversation cannot be merged into itself.", code="same_conversation")
    first, second = sorted((loser_id, winner_id))
    rows = {found["id"]: found for found in (await lock(tx, first, actor), await lock(tx, second, actor))}
    loser, winner = rows[loser_id], rows[winner_id]
    await tx.execute(_MOVE_ALL, tx.workspace_id, loser_id, winner_id)
    await tx.execute(
        "insert into conversation_labels (workspace_id, conversation_id, label_id)"
        " select $1, $3, label_id from conversation_labels where workspace_id = $1 and conversation_id = $2"
        " on conflict do nothing",
        tx.workspace_id,
        loser_id,
        winner_id,
    )
    await tx.execute(
        "update conversations set status = 'closed', closed_at = $3, snoozed_until = null, join_key = null,"
        " waiting_since = null, inbound_count = 0, message_count = 0, rev = rev + 1"
        " where workspace_id = $1 and id = $2",
        tx.workspace_id,
        loser_id,
        clock.now(),
    )
    await _inherit(tx, loser, winner)
    await recount(tx, winner_id)
    data = {"from": loser_id, "subject": loser["subject"]}
    await add_activity(tx, winner["id"], "merged", data, actor_id=actor.user_id, actor_name=actor.name)
    for changed in (loser_id, winner_id):
        tx.emit(ConversationChanged(conversation_id=changed, actor_id=actor.user_id, changed=("messages",)))


async def _inherit(tx: Tx, loser: Row, winner: Row) -> None:
    """What the contact still waits for goes on in the winner: it is as open as either was, and takes in what comes."""
    states = ("open", "snoozed", "closed")
    livelier = min(winner, loser, key=lambda row: states.index(row["status"]))
    await tx.execute(
        "update conversations c set status = $3, snoozed_until = $4, closed_at = $5,"
        " waiting_since = least(c.waiting_since, $6), join_key = case when $3 <> 'closed' then coalesce(c.join_key, ("
        " select $7::bigint where not exists (select 1 from conversations x"
        " where x.workspace_id = $1 and x.contact_id = c.contact_id and x.join_key = $7))) end"
        " where c.workspace_id = $1 and c.id = $2",
        tx.workspace_id,
        winner["id"],
        livelier["status"],
        livelier["snoozed_until"],
        livelier["closed_at"],
        loser["waiting_since"],
        loser["join_key"],
    )


async def move_message(tx: Tx, message_id: int, conversation_id: int, *, actor: Actor) -> None:
    """Put one message into another conversation of the same contact."""
    row = await thread.row(tx, actor, message_id)
    source, target = row["conversation_id"], conversation_id
    if source == target:
        return
    rows = [await lock(tx, found, actor) for found in sorted((source, target))]
    if rows[0]["contact_id"] != rows[1]["contact_id"]:
        raise Refused("A message can only move between conversations of the same contact.", code="other_contact")
    moved = await tx.execute(
        "update messages set conversation_id = $4, rev = rev + 1"
        " where workspace_id = $1 and id = $2 and conversation_id = $3",
        tx.workspace_id,
        message_id,
        source,
        target,
    )
    if not moved:  # somebody else moved it while we waited for the locks
        raise Refused("Somebody changed the same thing at the same moment. Try again.", code="try_again")
    await tx.execute(
        "update outbox set conversation_id = $3 where workspace_id = $1 and message_id = $2",
        tx.workspace_id,
        message_id,
        target,
    )
    for found in (source, target):
        await recount(tx, found)
        tx.emit(ConversationChanged(conversation_id=found, actor_id=actor.user_id, changed=("messages",)))
    tx.emit(
        MessageChanged(
            conversation_id=target, message_id=message_id, actor_id=actor.user_id, changed=("conversation_id",)
        )
    )


async def recount(tx: Tx, conversation_id: int) -> None:
    """Work out what a conversation remembers of its messages from the messages themselves."""
    await tx.execute(_RECOUNT, tx.workspace_id, conversation_id)


async def wake_snoozed(tx: Tx, now: datetime) -> int:
    """Open what was snoozed until now, in this workspace."""
    rows = await tx.fetch(
        "update conversations set status = 'open', snoozed_until = null, last_at = $2, rev = rev + 1"
        " where workspace_id = $1 and status = 'snoozed' and snoozed_until <= $2 returning id",
        tx.workspace_id,
        now,
    )
    for row in rows:
        await add_activity(tx, row["id"], "status", {"status": "open", "woken": True})
        tx.emit(ConversationChanged(conversation_id=row["id"], changed=("status",)))
    return len(rows)
