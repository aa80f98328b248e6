"""What people do with messages: comment, cancel, retry, reschedule, keep a draft, name labels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
from msgspec import UNSET, UnsetType

from frontdesk.channels.port import DeliveryState
from frontdesk.conversations import rules
from frontdesk.conversations.actions.attach import attach, uploaded
from frontdesk.conversations.actions.change import lock
from frontdesk.conversations.actions.receipts import record
from frontdesk.conversations.actions.send import spoken
from frontdesk.conversations.actions.touch import touch
from frontdesk.conversations.events import CommentAdded, ConversationChanged, LabelChanged, LabelDeleted, MessageChanged
from frontdesk.conversations.queries import thread
from frontdesk.kit import clock
from frontdesk.kit.context import Actor
from frontdesk.kit.errors import Invalid, NotFound, Refused
from frontdesk.kit.transaction import Row, Tx

TOO_LATE = "Too late: it is already on its way."

_COMMENT = """
insert into messages
  (workspace_id, conversation_id, direction, audience, author_id, author_name, text, mentions, client_key, at)
values ($1, $2, 'out', 'team', $3, $4, $5, $6, $7, $8)
on conflict (workspace_id, client_key) do nothing returning id
"""

_COMMENTED = """
update conversations set
  last_at = greatest(last_at, $3), last_message_id = $4, last_preview = $5, last_direction = 'out',
  last_audience = 'team', last_author = $6, message_count = message_count + 1, rev = rev + 1
where workspace_id = $1 and id = $2
"""


async def comment(
    tx: Tx,
    conversation_id: int,
    text: str,
    *,
    actor: Actor,
    mentions: Sequence[int] = (),
    files: Sequence[int] = (),
    client_key: str | None = None,
) -> int:
    """Write something that only the team sees. It has no inbox and no address, so that it cannot leave."""
    await lock(tx, conversation_id, actor)
    known = await tx.fetch(
        "select id from users where workspace_id = $1 and id = any($2) and active", tx.workspace_id, list(mentions)
    )
    text, now = rules.clean(text), clock.now()
    if not text.strip() and not files:
        raise Invalid("Write something, or attach a file.", code="empty", fields={"text": "empty"})
    message_id: int | None = await tx.fetchval(
        _COMMENT,
        tx.workspace_id,
        conversation_id,
        actor.user_id,
        actor.name,
        text,
        [row["id"] for row in known],
        client_key,
        now,
    )
    if message_id is None:
        return await _commented(tx, conversation_id, str(client_key))
    await attach(tx, message_id, await uploaded(tx, files, user_id=actor.user_id))
    await tx.execute(_COMMENTED, tx.workspace_id, conversation_id, now, message_id, rules.preview(text), actor.name)
    people = tuple(row["id"] for row in known)
    tx.emit(
        CommentAdded(conversation_id=conversation_id, message_id=message_id, actor_id=actor.user_id, mentions=people)
    )
    return message_id


async def _commented(tx: Tx, conversation_id: int, client_key: str) -> int:
    """The comment that this key already made. Raises Refused if it made something else."""
    found: int | None = await tx.fetchval(
        "select id from messages where workspace_id = $1 and client_key = $2 and conversation_id = $3"
        " and direction = 'out' and audience = 'team'",
        tx.workspace_id,
        client_key,
        conversation_id,
    )
    if found is None:
        raise Refused("This key was already used for another message.", code="idempotency_key_reused")
    return found


async def locked_message(tx: Tx, message_id: int, actor: Actor) -> Row:
    """An outbound message with its outbox row, if the actor may see its conversation."""
    await thread.row(tx, actor, message_id)  # what they may not see looks like what is not there
    row = await tx.fetchrow(
        "select m.*, o.state as outbox_state, o.id as outbox_id from messages m"
        " join outbox o on o.workspace_id = m.workspace_id and o.message_id = m.id"
        " where m.workspace_id = $1 and m.id = $2 for update of o, m",  # in the dispatcher's order
        tx.workspace_id,
        message_id,
    )
    if row is None:
        raise NotFound("This outgoing message")
    await lock(tx, row["conversation_id"], actor)
    return row


async def cancel(tx: Tx, message_id: int, *, actor: Actor) -> None:
    """Take back a message that has not left. One conditional update decides: cancelled, or too late; never both. Too
    late as well is one that is queued for a repeat because nobody knows whether it arrived."""
    row = await locked_message(tx, message_id, actor)
    if row["meta"].get(rules.BEGUN):
        raise Refused("Too late: a part of it has left already.", code="too_late")
    done = await tx.execute(
        "update outbox set state = 'cancelled', lease_until = null"
        " where workspace_id = $1 and message_id = $2 and state in ('queued', 'held') and unknown_since is null",
        tx.workspace_id,
        message_id,
    )
    if not done:
        if row["outbox_state"] == "cancelled":
            return
        raise Refused(TOO_LATE, code="too_late")
    await record(tx, message_id, DeliveryState.cancelled, source="user", force=True)
    await tx.execute(
        "update messages set due_at = null, at = least(at, $3) where workspace_id = $1 and id = $2",
        tx.workspace_id,
        message_id,
        tx.now(),
    )
    await _touch(tx, row["conversation_id"], actor)


async def retry(tx: Tx, message_id: int, mark: str | None, *, actor: Actor) -> None:
    """Send a failed or held message again, or decide what became of an uncertain one.

    An uncertain message is sent again only with ``mark="resend"``: a person takes the risk of a second copy.
    """
    row = await locked_message(tx, message_id, actor)
    state = row["outbox_state"]
    if state == "uncertain" and mark is None:
        raise Refused("Nobody knows whether this was sent. Say whether it was, or send it again.", code="decide_first")
    if mark == "sent":
        changed = await tx.execute(
            "update outbox set state = 'accepted' where workspace_id = $1 and message_id = $2"
            " and state in ('uncertain', 'unknown')",
            tx.workspace_id,
            message_id,
        )
        if not changed:
            raise Refused("Only a message whose sending is uncertain can be marked as sent.", code="not_uncertain")
        await record(
            tx, message_id, DeliveryState.sent, source="user", reason=f"{actor.name} said that it was sent.", force=True
        )
        return
    changed = await tx.execute(
        "update outbox set state = 'queued', due_at = $3, retry_at = null, attempts = 0, unknown_since = null"
        " where workspace_id = $1 and message_id = $2 and state in ('failed', 'held', 'uncertain')",
        tx.workspace_id,
        message_id,
        tx.now(),
    )
    if not changed:
        raise Refused("Only a message that failed, is held or is uncertain can be sent again.", code="not_failed")
    if row["due_at"] is not None:
        await _due_now(tx, row)
    await record(tx, message_id, DeliveryState.queued, source="user", force=True)
    await _touch(tx, row["conversation_id"], actor)
    tx.wake()


async def _due_now(tx: Tx, row: Row) -> None:
    """A message that waited for its time is said now: from here on the conversation counts and shows it."""
    now, message_id, conversation_id = tx.now(), row["id"], row["conversation_id"]
    await tx.execute(
        "update messages set due_at = null, at = $3 where workspace_id = $1 and id = $2",
        tx.workspace_id,
        message_id,
        now,
    )
    await spoken(
        tx, conversation_id, message_id, now, rules.preview(row["text"]), row["inbox_id"], row["author_name"],
        automatic=row["automatic"],
    )  # fmt: skip
    tx.emit(MessageChanged(conversation_id=conversation_id, message_id=message_id, changed=("at", "due_at")))
    tx.emit(ConversationChanged(conversation_id=conversation_id, changed=("last",)))


async def reschedule(
    tx: Tx, message_id: int, *, text: str | UnsetType = UNSET, due_at: datetime | UnsetType = UNSET, actor: Actor
) -> None:
    """Change a scheduled message's words or time, as long as it has not left."""
    row = await locked_message(tx, message_id, actor)
    due = row["due_at"] if due_at is UNSET else max(due_at, tx.now())
    words = row["text"] if text is UNSET else rules.clean(text)
    if not words.strip():
        raise Invalid("Write something.", code="empty", fields={"text": "empty"})
    changed = await tx.execute(
        "update outbox set due_at = $3, retry_at = null"
        " where workspace_id = $1 and message_id = $2 and state = 'queued' and $4",
        tx.workspace_id,
        message_id,
        due,
        row["due_at"] is not None,
    )
    if not changed:
        raise Refused(TOO_LATE, code="too_late")
    await tx.execute(
        "update messages set text = $3, html = case when text = $3 then html end, due_at = $4, at = $4,"
        " rev = rev + 1 where workspace_id = $1 and id = $2",
        tx.workspace_id,
        message_id,
        words,
        due,
    )
    changes = tuple(name for name, value in (("text", text), ("due_at", due_at)) if value is not UNSET)
    tx.emit(
        MessageChanged(
            conversation_id=row["conversation_id"], message_id=message_id, actor_id=actor.user_id, changed=changes
        )
    )
    tx.wake()


async def send_now(tx: Tx, message_id: int, *, actor: Actor) -> None:
    """Do not wait for the time that a message was scheduled for (or release one that was held for being late)."""
    row = await locked_message(tx, message_id, actor)
    if row["outbox_state"] == "held":
        await retry(tx, message_id, None, actor=actor)
        return
    await reschedule(tx, message_id, due_at=tx.now(), actor=actor)


async def _touch(tx: Tx, conversation_id: int, actor: Actor) -> None:
    """Counts of scheduled and failed messages changed."""
    await touch(tx, conversation_id)
    tx.emit(ConversationChanged(conversation_id=conversation_id, actor_id=actor.user_id, changed=("counts",)))


async def keep_draft(tx: Tx, conversation_id: int, mode: str, body: dict[str, Any], *, actor: Actor) -> None:
    """Keep what somebody is writing; an empty text forgets it."""
    await lock(tx, conversation_id, actor)
    if not str(body.get("text", "")).strip() and not body.get("html"):
        await tx.execute(
            "delete from drafts where workspace_id = $1 and user_id = $2 and conversation_id = $3 and mode = $4",
            tx.workspace_id,
            actor.user_id,
            conversation_id,
            mode,
        )
        return
    await tx.execute(
        "insert into drafts (workspace_id, user_id, conversation_id, mode, body, updated_at)"
        " values ($1, $2, $3, $4, $5, $6)"
        " on conflict (workspace_id, user_id, conversation_id, mode) do update"
        " set body = excluded.body, updated_at = excluded.updated_at",
        tx.workspace_id,
        actor.user_id,
        conversation_id,
        mode,
        body,
        clock.now(),
    )


async def create_label(tx: Tx, name: str, colour: str, *, actor_id: int) -> int:
    label_id: int | None = await tx.fetchval(
        "insert into labels (workspace_id, name, colour) values ($1, $2, $3) on conflict do nothing returning id",
        tx.workspace_id,
        _labelled(name),
        colour,
    )
    if label_id is None:
        raise Refused("There is already a label with this name.", code="name_taken")
    tx.emit(LabelChanged(label_id=label_id, actor_id=actor_id))
    return label_id


async def change_label(tx: Tx, label_id: int, *, name: str | UnsetType, colour: str | UnsetType, actor_id: int) -> None:
    try:
        changed = await tx.execute(
            "update labels set name = coalesce($3, name), colour = coalesce($4, colour)"
            " where workspace_id = $1 and id = $2",
            tx.workspace_id,
            label_id,
            None if name is UNSET else _labelled(name),
            None if colour is UNSET else colour,
        )
    except asyncpg.UniqueViolationError as error:
        raise Refused("There is already a label with this name.", code="name_taken") from error
    if not changed:
        raise NotFound("This label")
    tx.emit(LabelChanged(label_id=label_id, actor_id=actor_id))


def _labelled(name: str) -> str:
    if not (seen := rules.label_name(name)):
        raise Invalid("A label needs a name.", fields={"name": "A name is needed."})
    return seen


async def delete_label(tx: Tx, label_id: int, *, actor_id: int) -> None:
    """Take the label off everything; the conversations stay."""
    wearing = await tx.fetch(
        "select conversation_id as id from conversation_labels where workspace_id = $1 and label_id = $2",
        tx.workspace_id,
        label_id,
    )
    if not await tx.execute("delete from labels where workspace_id = $1 and id = $2", tx.workspace_id, label_id):
        raise NotFound("This label")
    await touch(tx, *(row["id"] for row in wearing))
    tx.emit(LabelDeleted(label_id=label_id, actor_id=actor_id))
