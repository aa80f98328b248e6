"""The only door out. Whoever writes to a contact (a user, a schedule, a bot, a workflow) comes through :func:`send`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from frontdesk.channels import channel
from frontdesk.channels.port import CleansHtml
from frontdesk.conversations import rules
from frontdesk.conversations.actions.attach import attach, uploaded
from frontdesk.conversations.actions.touch import touch
from frontdesk.conversations.events import ConversationChanged, MessageQueued
from frontdesk.conversations.queries import sending as ways
from frontdesk.conversations.queries.joining import join_key
from frontdesk.kit import ids, meters, trace
from frontdesk.kit.errors import Invalid, NotFound, Refused
from frontdesk.kit.transaction import Row, Tx

_INSERT = """
insert into messages (workspace_id, conversation_id, direction, audience, inbox_id, point_id, author_id, author_name,
                      text, html, subject, client_key, automatic, delivery, delivery_at, due_at, meta, at, trace)
values ($1, $2, 'out', 'contact', $3, $4, $5, $6, $7, $8, $9, $10, $11, 'queued', $12, $13, $14, $15, $16)
on conflict (workspace_id, client_key) do nothing returning id
"""

_OUTBOX = """
insert into outbox (workspace_id, message_id, conversation_id, inbox_id, key, due_at) values ($1, $2, $3, $4, $5, $6)
"""

_SPOKEN = """
update conversations c set
  last_at = greatest(c.last_at, $3), last_message_id = $4, last_preview = $5, last_direction = 'out',
  last_audience = 'contact', last_inbox_id = $6, last_author = $7, message_count = c.message_count + 1, rev = c.rev + 1,
  inbox_ids = (select array_agg(distinct i) from unnest(c.inbox_ids || $6::bigint) i),
  waiting_since = case when $8 then c.waiting_since end,
  status = 'open', closed_at = null, snoozed_until = null,
  join_key = coalesce(c.join_key, case when c.status = 'closed' and not exists (
    select 1 from conversations x
    where x.workspace_id = $1 and x.contact_id = c.contact_id and x.join_key = $9) then $9::bigint end)
where c.workspace_id = $1 and c.id = $2
"""

_LAST_SUBJECT = """
select subject from messages where workspace_id = $1 and conversation_id = $2 and subject is not null
order by at desc, id desc limit 1
"""


async def send(
    tx: Tx,
    conversation_id: int,
    text: str,
    *,
    author_id: int | None,
    author_name: str = "",
    inbox_id: int | None = None,
    point_id: int | None = None,
    html: str | None = None,
    subject: str | None = None,
    cc: Sequence[str] = (),
    bcc: Sequence[str] = (),
    files: Sequence[int] = (),
    due_at: datetime | None = None,
    answers: int | None = None,
    client_key: str | None = None,
    automatic: bool = False,
    answers_opt_out: bool = False,
    meta: Mapping[str, Any] | None = None,
) -> int:
    """Queue a message to the contact; returns its id. With ``due_at`` in the future it waits until then.

    The same ``client_key`` (a UUID) makes the same message, however often it is asked for. Raises Refused with the
    sentence of :func:`rules.why_not_send`.
    """
    conversation = await _lock(tx, conversation_id)
    if client_key and (same := await _already(tx, client_key, conversation_id)):
        return same
    now = tx.now()
    due = max(due_at, now) if due_at else now
    text, html = rules.clean(text), rules.clean(html) if html else None
    way = await ways.way(tx, conversation_id, conversation["contact_id"], inbox_id=inbox_id, point_id=point_id)
    uploads = await uploaded(tx, files, user_id=author_id)
    _must_be_allowed(way, text, now, uploads, copies=len(cc) + len(bcc), answers_opt_out=answers_opt_out)
    copies = _copies(way, cc, bcc)
    answered = {} if answers is None else {"answers": await _external(tx, conversation_id, answers)}
    kept = {**(meta or {}), **copies, **answered, **({"answers_opt_out": True} if answers_opt_out else {})}
    can, key = channel(way["channel"]).can, client_key or ids.key()
    message_id: int | None = await tx.fetchval(
        _INSERT, tx.workspace_id, conversation_id, way["inbox_id"], way["point_id"], author_id, author_name, text,
        _harmless(way["channel"], html), (subject or await _subject(tx, conversation)) if can.subject else None,
        key, automatic, now, due if due > now else None, kept, due, trace.current() or trace.fresh(),
    )  # fmt: skip
    if message_id is None:  # the same key, committed by a request that ran beside this one
        return await _already(tx, key, conversation_id) or _taken()
    await attach(tx, message_id, uploads)
    await tx.execute(_OUTBOX, tx.workspace_id, message_id, conversation_id, way["inbox_id"], key, due)
    if due > now:
        await touch(tx, conversation_id)
    else:
        line = rules.preview(text, [upload["name"] for upload in uploads])
        await spoken(tx, conversation_id, message_id, now, line, way["inbox_id"], author_name, automatic=automatic)
    _tell(tx, conversation, message_id, way["inbox_id"], author_id, scheduled=due > now)
    tx.wake()
    return message_id


def _harmless(channel_name: str, html: str | None) -> str | None:
    """The HTML as its channel lets it pass; nothing where the channel has no use for it."""
    driver = channel(channel_name).driver
    return driver.clean_html(html) if html and isinstance(driver, CleansHtml) else None


def _must_be_allowed(
    way: Row, text: str, now: datetime, uploads: Sequence[Row], *, copies: int, answers_opt_out: bool
) -> None:
    files = ways.file_facts(uploads)
    facts = ways.sending(way, text=text, now=now, files=files, copies=copies, answers_opt_out=answers_opt_out)
    if reason := rules.why_not_send(facts):
        meters.consent_blocks.labels(reason.code).inc()
        raise Refused(reason.sentence, code=reason.code)


def _copies(way: Row, cc: Sequence[str], bcc: Sequence[str]) -> dict[str, Any]:
    """Who else gets it, for the message's meta, where the channel knows copies."""
    if not channel(way["channel"]).can.copies:
        return {}
    return {"to": [way["value"]], "cc": _addresses(cc), "bcc": _addresses(bcc), "from": way["address"]}


def _tell(tx: Tx, conversation: Row, message_id: int, inbox_id: int, author_id: int | None, *, scheduled: bool) -> None:
    tx.emit(
        MessageQueued(
            conversation_id=conversation["id"],
            message_id=message_id,
            actor_id=author_id,
            contact_id=conversation["contact_id"],
            inbox_id=inbox_id,
            scheduled=scheduled,
        )
    )
    if conversation["status"] != "open" and not scheduled:
        tx.emit(ConversationChanged(conversation_id=conversation["id"], actor_id=author_id, changed=("status",)))


async def spoken(
    tx: Tx,
    conversation_id: int,
    message_id: int,
    at: datetime,
    preview: str,
    inbox_id: int,
    author: str,
    *,
    automatic: bool,
) -> None:
    """The conversation's last word is ours now. A person's answer ends the waiting; an automatic one does not."""
    key = await join_key(tx, inbox_id)
    await tx.execute(
        _SPOKEN, tx.workspace_id, conversation_id, at, message_id, preview, inbox_id, author or None, automatic, key
    )


async def _lock(tx: Tx, conversation_id: int) -> Row:
    row = await tx.fetchrow(
        "select * from conversations where workspace_id = $1 and id = $2 for update", tx.workspace_id, conversation_id
    )
    if row is None:
        raise NotFound("This conversation")
    return row


async def _already(tx: Tx, client_key: str, conversation_id: int) -> int | None:
    row = await tx.fetchrow(
        "select id, conversation_id, audience from messages where workspace_id = $1 and client_key = $2",
        tx.workspace_id,
        client_key,
    )
    if row is None:
        return None
    if row["conversation_id"] != conversation_id or row["audience"] != "contact":
        return _taken()
    found: int = row["id"]
    return found


def _taken() -> int:
    raise Refused("This key was already used for another message.", code="idempotency_key_reused")


async def _external(tx: Tx, conversation_id: int, message_id: int) -> str | None:
    external: str | None = await tx.fetchval(
        "select external_id from messages where workspace_id = $1 and conversation_id = $2 and id = $3",
        tx.workspace_id,
        conversation_id,
        message_id,
    )
    return external


async def _subject(tx: Tx, conversation: Row) -> str | None:
    """An answer carries the subject of what it answers, with one "Re:" in front."""
    last: str | None = await tx.fetchval(_LAST_SUBJECT, tx.workspace_id, conversation["id"])
    subject = last or conversation["subject"]
    if not subject:
        return None
    return subject if subject[:3].lower() == "re:" or last is None else f"Re: {subject}"


def _addresses(values: Sequence[str]) -> list[str]:
    cleaned = [value.strip() for value in values if value.strip()]
    for value in cleaned:
        if "@" not in value or any(char in value for char in "\r\n\x00,;<> "):
            raise Invalid(
                f"{value[:80]} is not a mail address.", code="bad_address", fields={"cc": "not a mail address"}
            )
    return cleaned
