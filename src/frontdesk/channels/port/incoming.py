"""What comes in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from frontdesk.channels.port.delivery import Receipt
from frontdesk.channels.port.ends import Address


@dataclass(frozen=True, kw_only=True)
class Request:
    """An HTTP delivery as it arrived. ``url`` is the public one (from the configured base address), query included."""

    method: str
    url: str
    query: Mapping[str, str]
    headers: Mapping[str, str]  # lower-case names; repeated headers joined by ", "
    body: bytes


@dataclass(frozen=True, kw_only=True)
class HookAnswer:
    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


class BadSignature(Exception):
    """The delivery is not from the provider. Answered 403 and not stored."""


@dataclass(frozen=True, kw_only=True)
class Raw:
    """An untouched delivery, stored before anybody interprets it. ``dedupe_key`` is unique within the inbox."""

    dedupe_key: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)  # JSON: where it came from (url, mailbox, uid …)


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """A file that came with a message: its bytes, or the address to fetch them from later.

    The address "file:<hash>" names bytes that are already kept.
    """

    name: str
    content_type: str
    data: bytes | None = None
    url: str | None = None
    content_id: str | None = None  # for images inside an HTML body ("cid:")
    inline: bool = False


@dataclass(frozen=True, kw_only=True)
class Inbound:
    """A message from a contact.

    ``text`` is the whole plain text. ``reply`` is what the person wrote now, without quote and signature, where the
    channel can tell (None: all of it). ``answers`` lists provider ids of messages that it may answer, best guess first;
    ``token`` is our own conversation token if the address it was sent to carried one.
    """

    external_id: str
    sender: Address
    text: str
    sent_at: datetime
    also: tuple[Address, ...] = ()  # further addresses of the same person (verified ones link, others are only claims)
    subject: str | None = None
    html: str | None = None
    reply: str | None = None
    attachments: tuple[Incoming, ...] = ()
    answers: tuple[str, ...] = ()
    token: str | None = None
    automatic: bool = False  # an auto-reply, list or bounce: never answer it automatically
    own: bool = False  # sent by us through another program (a mail client's Sent folder): show as outbound
    meta: Mapping[str, Any] = field(default_factory=dict)  # JSON kept with the message: cc, headers, page …


@dataclass(frozen=True, kw_only=True)
class Whisper:
    """Something worth showing now and never storing: typing, seen."""

    sender: Address
    kind: Literal["typing", "seen"]
    on: bool = True


Item = Inbound | Receipt
