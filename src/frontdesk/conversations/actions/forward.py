"""Passing a message on to somebody else, with what was said and what was attached."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from frontdesk.conversations.actions.attach import keep_file
from frontdesk.conversations.actions.change import open_conversation
from frontdesk.conversations.actions.send import send
from frontdesk.kit.context import Actor
from frontdesk.kit.errors import Refused
from frontdesk.kit.transaction import Row, Tx

_FILES = "select * from attachments where workspace_id = $1 and message_id = $2 and hash is not null order by id"


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
    conversation_id, _ = await open_conversation(tx, contact_id, inbox_id, second=False, actor_id=actor.user_id)
    head = _head(message)
    body = message["html"] or f"<p>{escape(message['text']).replace(chr(10), '<br>')}</p>"
    shown = "".join(f"{escape(line)}<br>" for line in head)
    words = f"<p>{escape(text).replace(chr(10), '<br>')}</p>" if text.strip() else ""
    subject = message["subject"] or ""
    return await send(
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


def _head(message: Row) -> list[str]:
    """The lines that mail programs put above a forwarded message."""
    meta = message["meta"]
    sender = meta.get("from") or message["author_name"]
    to = ", ".join(str(address) for address in meta.get("to") or [])
    lines = [
        "---------- Forwarded message ----------",
        f"From: {sender}",
        f"Date: {message['at']:%a, %d %b %Y %H:%M} UTC",
    ]
    lines += [f"Subject: {message['subject']}"] if message["subject"] else []
    return lines + ([f"To: {to}"] if to else [])
