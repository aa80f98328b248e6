"""What a channel can do, and what it asks for when somebody connects it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What the composer and the rules may rely on. Never ask for a channel's name; ask this.

    Sizes are bytes, ``max_chars`` counts Unicode code points, windows are from the contact's last message.
    """

    max_chars: int | None = None
    html: bool = False  # the composer offers rich text
    subject: bool = False
    copies: bool = False  # cc and bcc
    segments: bool = False  # the text is cut into priced SMS segments: show the counter
    attachments: bool = True
    attachment_types: tuple[str, ...] = ("*/*",)  # patterns such as "image/*"
    max_attachment_bytes: int = 25 * 1024 * 1024
    max_attachments: int = 10
    may_start: bool = True  # the business may write first
    reply_window: timedelta | None = None
    needs_template_outside_window: bool = False
    receipts: frozenset[str] = frozenset()  # of "sent", "delivered", "read"
    typing: bool = False
    opt_out_keywords: bool = False  # STOP, START and HELP in the contact's own words rule consent here
    joins_thread: bool = False  # a reply names the message that it answers, and goes to that message's conversation
    address_kinds: tuple[str, ...] = ()  # kinds of contact point that this channel can write to


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One field of the form that connects an inbox, and one key of ``settings`` in the API.

    ``secret`` values are encrypted at rest and never returned. ``when`` shows the field only if another has a value.
    """

    name: str
    label: str
    kind: Literal["text", "secret", "number", "bool", "choice", "list", "textarea", "json"] = "text"
    required: bool = False
    default: Any = None
    choices: tuple[tuple[str, str], ...] = ()  # (value, label)
    help: str = ""
    when: tuple[str, tuple[str, ...]] | None = None  # (other setting, its values)
    advanced: bool = False

    @property
    def secret(self) -> bool:
        return self.kind == "secret"
