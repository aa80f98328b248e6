"""What a channel is.

A new channel is one folder beside this file that exports ``CHANNEL``. Nothing outside that folder knows its name: the
core, the composer, the settings form and the icons all work from the :class:`Channel` record over the API.

A driver must have ``parse`` and ``send``. Everything else it can do is one of the small protocols at the end of this
file, found with ``isinstance``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, Protocol, runtime_checkable

# --- what it can do -----------------------------------------------------------------------------------------------


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


# --- the settings form --------------------------------------------------------------------------------------------


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


# --- what comes in ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Address:
    """One way to reach somebody: ``("phone", "+302101234567")``, ``("email", "a@example.org")``, ``("visitor", "…")``.

    ``value`` is normalised by the channel (E.164, lower-case mail address …). ``scope`` separates values that are only
    unique within something (a page, a site); it is empty where they are unique in the world.
    """

    kind: str
    value: str
    scope: str = ""
    name: str = ""  # display name that came with it
    verified: bool = False  # the channel proved that the sender owns it


@dataclass(frozen=True, kw_only=True)
class Request:
    """An HTTP delivery as it arrived. ``url`` is the public one (from the configured base address), query included."""

    method: str
    url: str
    query: Mapping[str, str]
    headers: Mapping[str, str]  # lower-case names; repeated headers joined by ", "
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Raw:
    """An untouched delivery, stored before anybody interprets it. ``dedupe_key`` is unique within the inbox."""

    dedupe_key: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)  # JSON: where it came from (url, mailbox, uid …)


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """A file that came with a message: its bytes, or the address to fetch them from later ("file:<hash>": already kept)."""

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
    also: tuple[Address, ...] = ()  # further addresses of the same person (verified ones link, others are suggestions)
    subject: str | None = None
    html: str | None = None
    reply: str | None = None
    attachments: tuple[Incoming, ...] = ()
    answers: tuple[str, ...] = ()
    token: str | None = None
    automatic: bool = False  # an auto-reply, list or bounce: never answer it automatically
    own: bool = False  # sent by us through another program (a mail client's Sent folder): show as outbound
    meta: Mapping[str, Any] = field(default_factory=dict)  # JSON kept with the message: cc, headers, page …


class DeliveryState(StrEnum):
    """How far an outbound message has come. Receipts only ever move it forward (:func:`frontdesk.conversations.rules.later`)."""

    queued = "queued"
    sending = "sending"
    accepted = "accepted"  # the provider took it
    sent = "sent"
    delivered = "delivered"
    read = "read"
    failed = "failed"
    uncertain = "uncertain"  # we do not know whether the provider took it
    held = "held"  # waits for a person or for a condition
    cancelled = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What the provider says of a message that we sent. Found by ``external_id``, or by ``key`` (our own key)."""

    state: DeliveryState
    external_id: str | None = None
    key: str | None = None  # Outbound.key, where the provider echoes it
    code: str | None = None  # the provider's code
    reason: str | None = None  # a sentence for people
    at: datetime | None = None
    opt_out: bool = False  # the provider will not deliver because the contact opted out
    bad_address: bool = False  # the address does not exist


@dataclass(frozen=True, kw_only=True)
class Whisper:
    """Something worth showing now and never storing: typing, seen."""

    sender: Address
    kind: Literal["typing", "seen"]
    on: bool = True


Item = Inbound | Receipt


# --- what goes out ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Attachment:
    name: str
    content_type: str
    size: int
    read: Callable[[], Awaitable[bytes]]
    url: str | None = None  # a signed public address, for providers that fetch media themselves
    content_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Outbound:
    """One message to one contact, complete. ``key`` never changes between attempts: it is the idempotency key."""

    key: str
    to: Address
    text: str
    html: str | None = None
    subject: str | None = None
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    answers: tuple[str, ...] = ()  # provider ids of the thread so far, oldest first, the answered one last
    token: str | None = None  # our conversation token, for channels that can carry it in an address
    sender_name: str | None = None  # the user who wrote it
    automatic: bool = False
    meta: Mapping[str, Any] = field(default_factory=dict)
    external_id: str | None = None  # fixed before sending by drivers that are ``NamesMessages``
    attempt: int = 1
    callback_url: str | None = None  # this inbox's hook address, public


@dataclass(frozen=True, kw_only=True)
class Sent:
    """The provider accepted it. ``state`` may already be further than accepted (the widget: sent)."""

    external_id: str
    state: DeliveryState = DeliveryState.accepted
    parts: int = 1
    meta: Mapping[str, Any] = field(default_factory=dict)


class Rejected(Exception):
    """The provider refused and will refuse again: do not retry. ``str(error)`` is a sentence for people."""

    def __init__(self, reason: str, *, code: str | None = None, opt_out: bool = False, bad_address: bool = False) -> None:
        super().__init__(reason)
        self.code, self.opt_out, self.bad_address = code, opt_out, bad_address


class TryLater(Exception):
    """The provider certainly did **not** take it (429, 503, connection refused): safe to retry after ``after`` seconds."""

    def __init__(self, reason: str, *, after: float | None = None, code: str | None = None) -> None:
        super().__init__(reason)
        self.after, self.code = after, code


class Unknown(Exception):
    """Nobody knows whether the provider took it (timeout after the request was written). Never resent blindly."""


class Disconnected(Exception):
    """The inbox cannot work until a person does something (wrong password, revoked token). Messages are held, not failed."""


class BadSignature(Exception):
    """The delivery is not from the provider. Answered 403 and not stored."""


# --- an inbox as a driver sees it ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Account:
    """One connected inbox: its settings with secrets in clear, and the addresses under which it can be reached."""

    workspace_id: int
    inbox_id: int
    name: str
    settings: Mapping[str, Any]
    hook_url: str
    checkpoint: Mapping[str, Any] = field(default_factory=dict)
    secret: bytes = b""  # a secret of this inbox alone, for tokens that a driver signs (never leaves the server)

    def get(self, key: str, default: Any = None) -> Any:
        return self.settings.get(key, default)


class Sink(Protocol):
    """Where a long-lived receiver puts what it gets. ``store`` returns after the rows are committed."""

    async def store(self, raws: Sequence[Raw], *, checkpoint: Mapping[str, Any] | None = None) -> int:
        """Commit the deliveries (repeats are ignored) and the checkpoint together; returns how many were new."""
        ...

    async def checkpoint(self) -> Mapping[str, Any]: ...

    async def healthy(self, note: str = "") -> None: ...

    async def unhealthy(self, reason: str, *, needs_person: bool = False) -> None: ...

    async def whisper(self, whisper: Whisper) -> None: ...


# --- drivers ------------------------------------------------------------------------------------------------------


class Driver(Protocol):
    def parse(self, raw: Raw, account: Account) -> Sequence[Item]:
        """What a stored delivery means. Pure: no clock, no network, no database. May raise: the item is set aside."""
        ...

    async def send(self, message: Outbound, account: Account) -> Sent:
        """Hand one message to the provider. Raises Rejected, TryLater, Unknown or Disconnected; nothing else is expected,
        and anything else counts as Unknown."""
        ...


@runtime_checkable
class TakesHooks(Protocol):
    """Receives webhooks at the inbox's ``hook_url``."""

    def receive(self, request: Request, account: Account) -> tuple[Sequence[Raw], HookAnswer]:
        """Verify the signature over the raw bytes and cut the delivery into raw rows; raises BadSignature.
        The answer is sent after the rows are committed."""
        ...


@dataclass(frozen=True, kw_only=True)
class HookAnswer:
    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


@runtime_checkable
class Listens(Protocol):
    """Keeps a connection of its own (IMAP IDLE, SMPP bind, an SMTP listener). One task per inbox, run by the worker."""

    async def listen(self, account: Account, sink: Sink) -> None:
        """Receive for ever. Returns or raises only when the connection is of no more use; the worker starts it again
        with back-off."""
        ...


@runtime_checkable
class NamesMessages(Protocol):
    """Fixes the provider id before sending, so that a repeated attempt is the same message for everybody."""

    def name(self, key: str, account: Account, *, token: str | None) -> str: ...


@runtime_checkable
class LooksUp(Protocol):
    """Can find out whether the provider has a message whose sending ended unknown."""

    async def look_up(self, message: Outbound, account: Account) -> Sent | None:
        """Sent if the provider has it, None if it certainly has not; raises Unknown when it cannot tell (yet)."""
        ...


@runtime_checkable
class Reconciles(Protocol):
    """Lists what the provider has, to recover what it never delivered to us."""

    def missed(self, account: Account, *, since: datetime) -> AsyncIterator[Raw]: ...


@runtime_checkable
class ResendsSafely(Protocol):
    """The provider (or the recipient) drops a second copy of the same key: an unknown sending may be repeated."""

    resends_safely: Literal[True]


@runtime_checkable
class Tests(Protocol):
    """Can prove that the settings work."""

    async def test(self, account: Account) -> str:
        """Connect and log in; returns a sentence that says what works. Raises Disconnected or TryLater with the reason."""
        ...


@runtime_checkable
class Whispers(Protocol):
    """Shows the contact that somebody is typing or has read."""

    async def whisper(self, to: Address, kind: Literal["typing", "seen"], account: Account) -> None: ...


@runtime_checkable
class FetchesMedia(Protocol):
    """Downloads attachments that came as an address."""

    async def fetch(self, url: str, account: Account) -> tuple[bytes, str]:
        """The bytes and the content type; raises TryLater or Rejected."""
        ...


@runtime_checkable
class Normalises(Protocol):
    """Turns what a person typed into an address of this channel."""

    def normalise(self, value: str, account: Account | None) -> Address:
        """Raises ValueError with a sentence for people."""
        ...


@dataclass(frozen=True, kw_only=True)
class ThreadFile:
    name: str
    content_type: str
    size: int
    url: str  # signed and public, valid for hours


@dataclass(frozen=True, kw_only=True)
class ThreadItem:
    """One message as the contact may see it. Comments never become one."""

    cursor: int  # grows; a later change of the same message comes again with a higher one
    id: str
    mine: bool  # written by the contact
    text: str
    html: str | None
    author: str | None  # the name to show for us
    at: datetime
    client_key: str | None  # the dedupe key under which the contact's own message was stored
    files: tuple[ThreadFile, ...] = ()


class Desk(Protocol):
    """What the application lends to a channel that serves its own endpoints. Everything is for one inbox."""

    async def account(self, key: str) -> Account | None:
        """The enabled inbox of this channel whose public key (the last part of its ``hook_url``) this is."""
        ...

    async def store(self, account: Account, raws: Sequence[Raw]) -> int:
        """Commit deliveries; returns how many were new. Only after that may the endpoint answer 2xx."""
        ...

    async def keep(self, account: Account, data: bytes, content_type: str) -> str:
        """Store bytes by content hash and return the hash, to be named in a later Raw (``Incoming.url`` = "file:<hash>")."""
        ...

    async def thread(self, account: Account, address: Address, *, limit: int = 50) -> tuple[Sequence[ThreadItem], int]:
        """The newest messages, oldest first, and the event cursor at which they were read."""
        ...

    def follow(self, account: Account, address: Address, *, after: int) -> AsyncIterator[ThreadItem | Whisper | None]:
        """Everything new for this contact after the event cursor, for ever; None every 15 seconds as a heartbeat.
        Raises LookupError when ``after`` is too old to resume from: read the thread again."""
        ...

    async def whisper(self, account: Account, whisper: Whisper) -> None: ...

    async def online(self, account: Account) -> bool:
        """Is anybody of the workspace here to answer now?"""
        ...


@runtime_checkable
class Serves(Protocol):
    """Has HTTP endpoints of its own beside the hook (the widget). Mounted by the application."""

    def routes(self, desk: Desk) -> Sequence[Any]:
        """Litestar route handlers."""
        ...


@dataclass(frozen=True, kw_only=True)
class Channel:
    """The manifest: what ``GET /api/v1/channels`` shows."""

    name: str
    title: str
    description: str
    can: Capabilities
    driver: Driver
    settings: tuple[Setting, ...] = ()
    colour: str = "#64748b"
    check: Callable[[Mapping[str, Any]], Mapping[str, str]] | None = None
    """Extra validation of the settings: returns {setting: sentence} for what is wrong."""
    own_address: Callable[[Mapping[str, Any]], str | None] | None = None
    """The address that contacts write to, from the settings (shown as "from", used to recognise loops)."""
