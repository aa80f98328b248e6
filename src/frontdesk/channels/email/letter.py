"""What was read out of the bytes of a mail. It says nothing about accounts, so it can be made in another process."""

from __future__ import annotations

from datetime import datetime

import msgspec

from frontdesk.channels.email.headers import Mailbox


class Part(msgspec.Struct, kw_only=True):
    """An attachment or inline image, decoded. ``name`` is safe to be used as a file name."""

    name: str
    content_type: str
    data: bytes
    content_id: str | None = None  # without <>
    inline: bool = False  # the HTML shows it


class Outcome(msgspec.Struct, kw_only=True):
    """What a delivery report says of one recipient (RFC 3464 §2.3)."""

    recipient: str = ""
    action: str = ""  # failed, delayed, delivered, relayed, expanded
    status: str = ""  # 5.1.1
    diagnostic: str = ""


class Report(msgspec.Struct, kw_only=True):
    """A delivery status notification (RFC 3464) or a complaint (RFC 5965)."""

    outcomes: list[Outcome] = []
    envelope_id: str = ""
    original_id: str | None = None  # Message-ID of the mail that it is about
    original_to: list[str] = []
    feedback: str = ""  # "abuse" … for a complaint


class Letter(msgspec.Struct, kw_only=True):
    """A mail. Lists are empty and strings "" where the mail has nothing of the kind."""

    sender: Mailbox | None = None
    reply_to: list[Mailbox] = []
    to: list[Mailbox] = []
    cc: list[Mailbox] = []
    bcc: list[Mailbox] = []
    delivered_to: list[str] = []  # Delivered-To, X-Original-To, Envelope-To …
    subject: str = ""
    message_id: str | None = None  # "<…>"
    in_reply_to: list[str] = []
    references: list[str] = []
    date: datetime | None = None
    received: datetime | None = None  # when the last server got it
    text: str = ""
    html: str | None = None  # harmless
    reply: str = ""
    quoted: str = ""
    signature: str = ""
    attachments: list[Part] = []
    headers: dict[str, str] = {}  # the few that rules look at, lower-case names
    report: Report | None = None
    fingerprint: str = ""  # the same for copies of a mail on different ways, see `fingerprint.py`
    problem: str = ""  # why it could not be read as a mail should be
