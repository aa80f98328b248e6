"""Wire shapes of conversations and messages. The contract is docs/api.md; the names are stable."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Moment = Annotated[datetime, Meta(tz=True)]  # one without a zone could be any of 38 moments
Text = Annotated[str, Meta(max_length=1_000_000)]
Colour = Annotated[str, Meta(pattern=r"^#[0-9a-fA-F]{6}$")]
Name = Annotated[str, Meta(min_length=1, max_length=60)]


class ContactRef(msgspec.Struct, kw_only=True):
    id: int
    name: str


class Last(msgspec.Struct, kw_only=True):
    message_id: int
    preview: str
    direction: str
    audience: str
    channel: str | None
    inbox_id: int | None
    author_name: str | None
    at: datetime


class Found(msgspec.Struct, kw_only=True):
    """The message that a search found in a conversation; ``excerpt`` is what it says around the first such word."""

    message_id: int
    excerpt: str
    at: datetime


class Mine(msgspec.Struct, kw_only=True):
    """What is true for the user who asks. Unread is ``inbound_count`` less ``read_count``, never below 0."""

    read_count: int
    starred: bool
    draft: str | None


class Conversation(msgspec.Struct, kw_only=True, omit_defaults=False):
    id: int
    contact: ContactRef
    subject: str | None
    status: Literal["open", "snoozed", "closed"]
    assignee_id: int | None
    team_id: int | None
    labels: list[int]
    snoozed_until: datetime | None
    waiting_since: datetime | None
    last: Last | None
    inbox_ids: list[int]
    channels: list[str]
    inbound_count: int
    message_count: int
    scheduled_count: int
    failed_count: int
    rev: int
    created_at: datetime
    my: Mine | UnsetType = UNSET
    found: Found | UnsetType = UNSET


class Author(msgspec.Struct, kw_only=True):
    kind: Literal["user", "contact", "system"]
    id: int | None
    name: str


class FileRef(msgspec.Struct, kw_only=True):
    id: int
    name: str
    content_type: str
    size: int
    url: str | None
    inline: bool
    content_id: str | None
    state: Literal["ready", "fetching", "failed"]


class Delivery(msgspec.Struct, kw_only=True):
    state: str
    due_at: datetime | None
    code: str | None
    reason: str | None
    at: datetime | None


class Activity(msgspec.Struct, kw_only=True):
    code: str
    data: dict[str, Any]


class EmailHeaders(msgspec.Struct, kw_only=True):
    """The envelope of channels with copies."""

    sender: str | None = msgspec.field(name="from")
    to: list[str]
    cc: list[str]
    bcc: list[str]
    reply_to: str | None


class Typed(msgspec.Struct, kw_only=True):
    """An address that somebody typed with a message. Nothing shows that it is theirs."""

    kind: str
    value: str


class Message(msgspec.Struct, kw_only=True):
    id: int
    conversation_id: int
    direction: Literal["in", "out", "activity"]
    audience: Literal["contact", "team"]
    inbox_id: int | None
    channel: str | None
    point_id: int | None
    author: Author
    text: str
    reply: str | None
    has_html: bool
    subject: str | None
    email: EmailHeaders | None
    typed: list[Typed]
    files: list[FileRef]
    delivery: Delivery | None
    activity: Activity | None
    mentions: list[int]
    segments: int | None
    client_key: str | None
    automatic: bool
    at: datetime
    rev: int


class Receipt(msgspec.Struct, kw_only=True):
    state: str
    at: datetime
    code: str | None
    reason: str | None
    source: str


class Attempt(msgspec.Struct, kw_only=True):
    """One handing over to the provider (accepted, rejected, try_later, disconnected, unknown) or one question whether
    it has the message (found, not_found, no_answer). ``request`` holds no word of it, and its address only in part."""

    began_at: datetime | None
    at: datetime
    outcome: str
    code: str | None
    reason: str | None
    request: dict[str, Any]


class Arrived(msgspec.Struct, kw_only=True):
    """The delivery that a message came with."""

    id: int
    received_at: datetime
    read_at: datetime | None
    state: str


class DeliveryDetails(msgspec.Struct, kw_only=True):
    """A message's whole way. ``trace`` is the id under which the log tells of it; null for old messages."""

    trace: str | None
    external_id: str | None
    key: str | None
    arrived: Arrived | None
    attempts: list[Attempt]
    receipts: list[Receipt]


class Counts(msgspec.Struct, kw_only=True):
    """Capped at 100: 100 means "100 or more"."""

    unread: int
    mine: int
    unassigned: int
    starred: int
    all: int


class PointRef(msgspec.Struct, kw_only=True):
    id: int
    kind: str
    value: str
    display: str


class WhyNot(msgspec.Struct, kw_only=True):
    code: str
    sentence: str


class Route(msgspec.Struct, kw_only=True):
    """One way to write to the contact: through this inbox to that address."""

    inbox_id: int
    inbox_name: str
    channel: str
    sender: str | None = msgspec.field(name="from")
    point: PointRef
    why_not: WhyNot | None
    window_expires_at: datetime | None
    default: bool


class Label(msgspec.Struct, kw_only=True):
    id: int
    name: str
    colour: str


class LabelIn(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    name: Name
    colour: Colour = "#64748b"


class LabelPatch(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    name: Name | UnsetType = UNSET
    colour: Colour | UnsetType = UNSET


class MessageIn(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A message to the contact. Without ``inbox_id`` and ``point_id`` it goes the way of the last one."""

    text: Text = ""
    html: Text | None = None
    inbox_id: int | None = None
    point_id: int | None = None
    subject: Annotated[str, Meta(max_length=500)] | None = None
    cc: Annotated[list[Annotated[str, Meta(max_length=320)]], Meta(max_length=50)] = []
    bcc: Annotated[list[Annotated[str, Meta(max_length=320)]], Meta(max_length=50)] = []
    files: Annotated[list[int], Meta(max_length=20)] = []
    due_at: Moment | None = None
    answers: int | None = None


class CommentIn(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1, max_length=100_000)]
    mentions: Annotated[list[int], Meta(max_length=50)] = []
    files: Annotated[list[int], Meta(max_length=20)] = []


class AddressIn(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    kind: Annotated[str, Meta(max_length=40)]
    value: Annotated[str, Meta(min_length=1, max_length=320)]
    name: Annotated[str, Meta(max_length=200)] = ""


class ConversationIn(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    inbox_id: int
    contact_id: int | None = None
    to: AddressIn | None = None
    message: MessageIn | None = None
    second: bool = False


class ConversationPatch(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    status: Literal["open", "snoozed", "closed"] | UnsetType = UNSET
    snoozed_until: Moment | UnsetType | None = UNSET
    assignee_id: int | UnsetType | None = UNSET
    team_id: int | UnsetType | None = UNSET
    subject: Annotated[str, Meta(max_length=500)] | UnsetType | None = UNSET


class MessagePatch(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    text: Text | UnsetType = UNSET
    due_at: Moment | UnsetType = UNSET


class ForwardIn(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Pass a message on: to an address that the inbox can write to, with a few words in front."""

    inbox_id: int
    to: Annotated[str, Meta(min_length=1, max_length=320)]
    cc: Annotated[list[Annotated[str, Meta(max_length=320)]], Meta(max_length=50)] = []
    text: Annotated[str, Meta(max_length=100_000)] = ""


class Retry(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    mark: Literal["sent", "resend"] | None = None


class Read(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    count: int | None = None


class Into(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    into: int


class Move(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    conversation_id: int


class Typing(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    on: bool
    audience: Literal["contact", "team"] = "contact"


class Draft(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    mode: Literal["reply", "comment"]
    body: dict[str, Any]


class Upload(msgspec.Struct, kw_only=True):
    id: int
    name: str
    content_type: str
    size: int
    url: str


class TestMessage(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    to: Annotated[str, Meta(min_length=1, max_length=320)]
    text: Annotated[str, Meta(max_length=1600)] = ""


class SettleRestored(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """``send``: whether what is held goes out now; otherwise it is cancelled."""

    send: bool


class Settled(msgspec.Struct, kw_only=True):
    """How many messages that were, and how many are still held since the restore."""

    settled: int
    left: int


class ConversationRef(msgspec.Struct, kw_only=True):
    id: int
    contact: ContactRef


class Scheduled(Message, kw_only=True):
    """A message that waits for its time, with the conversation that it belongs to."""

    conversation: ConversationRef
