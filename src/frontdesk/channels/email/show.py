"""``frontdesk mail show FILE.eml``: what the channel makes of a mail."""

from __future__ import annotations

from typing import Any

from frontdesk.channels.email.headers import Mailbox
from frontdesk.channels.email.safe import letter


def show(data: bytes) -> dict[str, Any]:
    """The mail as plain data for JSON. Never raises.

    ``from`` is {"name", "address"} or None; ``to`` and ``cc`` are lists of these; ids have their angle brackets
    (``in_reply_to``: the first one or None); ``size`` is in bytes; ``html`` is the cleaned HTML or None.
    """
    found = letter(data)
    return {
        "from": _shown(found.sender) if found.sender else None,
        "to": [_shown(one) for one in found.to],
        "cc": [_shown(one) for one in found.cc],
        "subject": found.subject,
        "message_id": found.message_id,
        "in_reply_to": found.in_reply_to[0] if found.in_reply_to else None,
        "references": found.references,
        "text": found.text,
        "reply": found.reply,
        "quoted": found.quoted,
        "signature": found.signature,
        "html": found.html,
        "attachments": [
            {
                "name": part.name,
                "content_type": part.content_type,
                "size": len(part.data),
                "content_id": part.content_id,
                "inline": part.inline,
            }
            for part in found.attachments
        ],
    }


def _shown(one: Mailbox) -> dict[str, str]:
    return {"name": one.name, "address": one.address}
