"""Passing a message on to somebody else, with what was said and what was attached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from frontdesk.conversations.actions.attach import keep_file
from frontdesk.conversations.actions.change import open_for
from frontdesk.conversations.actions.send import send
from frontdesk.kit.context import Actor
from frontdesk.kit.errors import Refused
from frontdesk.kit.transaction import Row, Tx

_FILES = "select * from attachments where workspace_id = $1 and message_id = $2 and hash is not null order by id"

# Images inside the text are named by content id (RFC 2392): without it they would be files under the mail.
_INLINE = """
update attachments a set content_id = o.content_id, inline = o.inline from attachments o
where a.workspace_id = $1 and a.message_id = $3 and o.workspace_id = $1 and o.message_id = $2
  and o.content_id is not null and o.hash = a.hash and o.name = a.name
"""


async def forward(
    tx: Tx,
    message: Row,
    contact_id: int,
    point_id: int,
    *,
    inbox_id: int,
    text: str,
    cc: Sequence[str] = (),
    actor: Actor,
    client_key: str | None = None,
) -> int:
    """Send ``message`` with a few words in front to another contact; returns the new message's id."""
    if message["audience"] != "contact":
        raise Refused("A comment stays with the team. It cannot be forwarded.", code="comment_stays")
    files = [
        await keep_file(
            tx,
            hash=row["hash"],
            name=row["name"],
            content_type=row["content_type"],
            size=row["size"],
            user_id=actor.user_id,
        )
        for row in await tx.fetch(_FILES, tx.workspace_id, message["id"])
    ]
    conversation_id = await open_for(tx, contact_id, inbox_id, client_key=client_key, actor=actor)
    head = _head(message)
    body = message["html"] or f"<p>{escape(message['text']).replace(chr(10), '<br>')}</p>"
    shown = "".join(f"{escape(line)}<br>" for line in head)
    words = f"<p>{escape(text).replace(chr(10), '<br>')}</p>" if text.strip() else ""
    subject = message["subject"] or ""
    forwarded = await send(
        tx,
        conversation_id,
        "\n".join([text, "", *head, "", message["text"]]).lstrip("\n"),
        html=f"{words}<div>{shown}</div><br>{body}",
        author_id=actor.user_id,
        author_name=actor.name,
        inbox_id=inbox_id,
        point_id=point_id,
        subject=subject if subject.lower().startswith(("fwd:", "fw:")) else f"Fwd: {subject}".strip(),
        cc=cc,
        files=files,
        client_key=client_key,
    )
    await tx.execute(_INLINE, tx.workspace_id, message["id"], forwarded)
    return forwarded


def _head(message: Row) -> list[str]:
    """The lines that mail programs put above a forwarded message."""
    meta = message["meta"]
    sender = _people(meta.get("from")) or message["author_name"]
    to = _people(meta.get("to"))
    lines = [
        "---------- Forwarded message ----------",
        f"From: {sender}",
        f"Date: {message['at']:%a, %d %b %Y %H:%M} UTC",
    ]
    lines += [f"Subject: {message['subject']}"] if message["subject"] else []
    return lines + ([f"To: {to}"] if to else [])


def _people(kept: Any) -> str:
    """The addresses of a message's meta, "Name <address>" each: what came has names, what we wrote is plain text."""
    listed = kept if isinstance(kept, list) else [kept] if kept else []
    return ", ".join(_person(one) if isinstance(one, Mapping) else str(one) for one in listed)


def _person(kept: Mapping[str, Any]) -> str:
    name, address = str(kept.get("name") or ""), str(kept.get("address") or "")
    return f"{name} <{address}>" if name and name != address else address
