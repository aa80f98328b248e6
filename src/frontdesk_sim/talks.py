"""What passed between a customer and the desk, as the customer sees it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from .customers import Customer
from .mail import letters
from .world import World


class Line(msgspec.Struct, kw_only=True):
    """``by`` is who wrote it. ``id`` is a Twilio sid or a Message-ID. ``at`` is seconds since the epoch."""

    channel: Literal["text", "mail"]
    by: Literal["customer", "desk"]
    id: str
    at: float
    text: str
    status: str = ""
    subject: str | None = None
    html: str | None = None
    files: list[dict[str, Any]] = []


def conversation(world: World, customer: Customer) -> list[Line]:
    """Texts and mails in both directions, oldest first. A text from the desk appears once the phone has it."""
    lines = texts(world, customer.number) if customer.number else []
    if customer.email:
        lines += [
            Line(
                channel="mail",
                by="customer" if mail.folder == "Sent" else "desk",
                id=mail.message_id,
                at=mail.at,
                text=mail.text,
                subject=mail.subject,
                html=mail.html,
                files=mail.attachments,
            )
            for mail in letters.mailbox(world, customer)
        ]
    return sorted(lines, key=lambda line: line.at)


def texts(world: World, number: str) -> list[Line]:
    rows = world.store.rows(
        "SELECT * FROM texts WHERE sender = ? OR (recipient = ? AND status = 'delivered') ORDER BY id", number, number
    )
    return [
        Line(
            channel="text",
            by="customer" if row["direction"] == "inbound" else "desk",
            id=row["sid"],
            at=row["created"],
            text=row["body"],
            status=row["status"],
            files=_media(world, row["sid"]) if row["media"] else [],
        )
        for row in rows
    ]


def _media(world: World, sid: str) -> list[dict[str, Any]]:
    rows = world.store.rows(
        "SELECT content_type, token, length(data) AS size FROM media WHERE text_sid = ? ORDER BY place", sid
    )
    return [{"content_type": row["content_type"], "url": f"/cdn/{row['token']}", "size": row["size"]} for row in rows]
