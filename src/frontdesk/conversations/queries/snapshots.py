"""Conversations and messages as the wire shows them: for lists, for threads, and for the event stream alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import UNSET

from frontdesk.conversations import schemas
from frontdesk.kit.transaction import Row, Tx, array

Link = Callable[[int, str, str, str], str]
"""(workspace id, hash, name, content type) → a signed address."""

_CONVERSATIONS = """
select c.id, c.contact_id, c.subject, c.status, c.assignee_id, c.team_id, c.snoozed_until, c.waiting_since, c.last_at,
  c.last_message_id, c.last_preview, c.last_direction, c.last_audience, c.last_inbox_id, c.last_author, c.inbox_ids,
  c.inbound_count, c.message_count, c.rev, c.created_at, k.name as contact_name, coalesce(l.labels, '{}') as labels,
  coalesce(s.many, 0) as scheduled, coalesce(f.many, 0) as failed, r.read_count, r.starred, d.body ->> 'text' as draft
from conversations c
join contacts k on k.workspace_id = $1 and k.id = c.contact_id
left join (select conversation_id, array_agg(label_id order by label_id) as labels from conversation_labels
  where workspace_id = $1 and conversation_id = any($2::text::bigint[]) group by 1) l on l.conversation_id = c.id
left join (select conversation_id, count(*) as many from messages
  where workspace_id = $1 and conversation_id = any($2::text::bigint[])
    and delivery = 'queued' and due_at is not null group by 1) s on s.conversation_id = c.id
left join (select conversation_id, count(*) as many from messages
  where workspace_id = $1 and conversation_id = any($2::text::bigint[])
    and delivery in ('failed', 'uncertain') group by 1) f on f.conversation_id = c.id
left join read_states r on r.workspace_id = $1 and r.user_id = $3 and r.conversation_id = c.id
left join drafts d on d.workspace_id = $1 and d.user_id = $3 and d.conversation_id = c.id and d.mode = 'reply'
where c.workspace_id = $1 and c.id = any($2::text::bigint[])
"""

_MESSAGES = """
select m.id, m.conversation_id, m.direction, m.audience, m.inbox_id, m.point_id, m.author_id, m.author_name, m.text,
  m.reply, m.html is not null as has_html, m.subject, m.meta, m.delivery, m.delivery_code, m.delivery_reason,
  m.delivery_at, m.due_at, m.activity, m.mentions, m.client_key, m.automatic, m.at, m.rev,
  i.channel, u.name as user_name, k.id as contact_id, k.name as contact_name
from messages m
join conversations c on c.workspace_id = $1 and c.id = m.conversation_id
join contacts k on k.workspace_id = $1 and k.id = c.contact_id
left join inboxes i on i.workspace_id = $1 and i.id = m.inbox_id
left join users u on u.workspace_id = $1 and u.id = m.author_id
where m.workspace_id = $1 and m.id = any($2::text::bigint[])
"""

_FILES = "select * from attachments where workspace_id = $1 and message_id = any($2::text::bigint[]) order by id"


async def conversations(tx: Tx, ids: Sequence[int], *, user_id: int | None = None) -> dict[int, schemas.Conversation]:
    """By id; with ``my`` if a user is given."""
    rows = await tx.fetch(_CONVERSATIONS, tx.workspace_id, array(ids), user_id) if ids else []
    channels = await _channels(tx) if rows else {}
    return {row["id"]: _conversation(row, channels, mine=user_id is not None) for row in rows}


async def _channels(tx: Tx) -> dict[int, str]:
    """The channel of every inbox: they are few, and a page of conversations names most of them."""
    rows = await tx.fetch("select id, channel from inboxes where workspace_id = $1", tx.workspace_id)
    return {row["id"]: row["channel"] for row in rows}


def _conversation(row: Row, channels: Mapping[int, str], *, mine: bool) -> schemas.Conversation:
    last = None
    if row["last_message_id"] is not None:
        comment = row["last_audience"] == "team"
        last = schemas.Last(
            message_id=row["last_message_id"], preview=row["last_preview"], direction=row["last_direction"],
            audience=row["last_audience"], channel=None if comment else channels.get(row["last_inbox_id"]),
            inbox_id=None if comment else row["last_inbox_id"], author_name=row["last_author"], at=row["last_at"],
        )  # fmt: skip
    own = schemas.Mine(read_count=row["read_count"] or 0, starred=bool(row["starred"]), draft=row["draft"])
    return schemas.Conversation(
        id=row["id"], contact=schemas.ContactRef(id=row["contact_id"], name=row["contact_name"]),
        subject=row["subject"], status=row["status"], assignee_id=row["assignee_id"], team_id=row["team_id"],
        labels=row["labels"], snoozed_until=row["snoozed_until"], waiting_since=row["waiting_since"],
        last=last, inbox_ids=row["inbox_ids"],
        channels=sorted({channels[inbox] for inbox in row["inbox_ids"] if inbox in channels}),
        inbound_count=row["inbound_count"], message_count=row["message_count"],
        scheduled_count=row["scheduled"], failed_count=row["failed"], rev=row["rev"], created_at=row["created_at"],
        my=own if mine else UNSET,
    )  # fmt: skip


async def messages(tx: Tx, ids: Sequence[int], link: Link) -> dict[int, schemas.Message]:
    """By id."""
    rows = await tx.fetch(_MESSAGES, tx.workspace_id, array(ids))
    files: dict[int, list[Row]] = {}
    for file in await tx.fetch(_FILES, tx.workspace_id, array(row["id"] for row in rows)) if rows else ():
        files.setdefault(file["message_id"], []).append(file)
    return {
        row["id"]: schemas.Message(**message_fields(tx.workspace_id, row, files.get(row["id"], []), link))
        for row in rows
    }


def message_fields(workspace_id: int, row: Row, files: Sequence[Row], link: Link) -> dict[str, Any]:
    """What :class:`schemas.Message` is made of."""
    activity = row["direction"] == "activity"
    return {
        "id": row["id"], "conversation_id": row["conversation_id"], "direction": row["direction"],
        "audience": row["audience"], "inbox_id": row["inbox_id"], "channel": row["channel"],
        "point_id": row["point_id"], "author": _author(row), "text": row["text"], "reply": row["reply"],
        "has_html": row["has_html"], "subject": row["subject"], "email": _email(row["meta"]),
        "typed": [] if activity else _typed(row["meta"]),
        "files": [file_ref(workspace_id, file, link) for file in files], "delivery": _delivery(row),
        "activity": schemas.Activity(code=row["activity"], data=row["meta"]) if activity else None,
        "mentions": row["mentions"], "segments": row["meta"].get("parts"), "client_key": row["client_key"],
        "automatic": row["automatic"], "at": row["at"], "rev": row["rev"],
    }  # fmt: skip


def _author(row: Row) -> schemas.Author:
    if row["direction"] == "in":
        return schemas.Author(kind="contact", id=row["contact_id"], name=row["author_name"] or row["contact_name"])
    if row["author_id"] is not None:
        return schemas.Author(kind="user", id=row["author_id"], name=row["user_name"] or row["author_name"])
    return schemas.Author(kind="system", id=None, name=row["author_name"])


def _delivery(row: Row) -> schemas.Delivery | None:
    if row["delivery"] is None:
        return None
    return schemas.Delivery(
        state=row["delivery"],
        due_at=row["due_at"],
        code=row["delivery_code"],
        reason=row["delivery_reason"],
        at=row["delivery_at"],
    )


def _email(meta: dict[str, Any]) -> schemas.EmailHeaders | None:
    """The envelope, where the channel has one (its driver keeps ``to`` and ``cc`` in the message's meta)."""
    if not isinstance(meta.get("to"), list):
        return None
    lists = {name: [_address(entry) for entry in meta.get(name) or []] for name in ("to", "cc", "bcc")}
    sender, reply_to = meta.get("from"), meta.get("reply_to")
    return schemas.EmailHeaders(sender=_one(sender), reply_to=_one(reply_to), **lists)


def _typed(meta: dict[str, Any]) -> list[schemas.Typed]:
    typed = meta.get("typed")
    return [schemas.Typed(kind=k, value=str(v)) for k, v in typed.items()] if isinstance(typed, dict) else []


def _one(value: Any) -> str | None:
    entries = value if isinstance(value, list) else [value] if value else []
    return ", ".join(_address(entry) for entry in entries) or None


def _address(entry: Any) -> str:
    if isinstance(entry, dict):
        name, address = entry.get("name"), entry.get("address") or entry.get("value") or ""
        return f"{name} <{address}>" if name else str(address)
    return str(entry)


def file_ref(workspace_id: int, row: Row, link: Link) -> schemas.FileRef:
    url = (
        link(workspace_id, row["hash"], row["name"], row["content_type"])
        if row["hash"] and row["state"] == "ready"
        else None
    )
    return schemas.FileRef(
        id=row["id"],
        name=row["name"],
        content_type=row["content_type"],
        size=row["size"],
        url=url,
        inline=row["inline"],
        content_id=row["content_id"],
        state=row["state"],
    )
