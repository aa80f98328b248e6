"""The shapes on the wire between widget and server, and of the stored deliveries. The protocol: README.md."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec

from frontdesk.channels.port import ThreadItem

MAX_TEXT = 8_000  # characters of a message
MAX_BODY = 256 * 1024  # bytes of a JSON request: 8,000 characters escaped as \\uXXXX\\uXXXX, and the rest
MAX_SEEN = 100

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Token = Annotated[str, msgspec.Meta(max_length=8_192)]
Uuid = Annotated[
    str, msgspec.Meta(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
]
Loose = Annotated[str, msgspec.Meta(max_length=20_000)]  # cut to size when kept, refused only if absurd


class Page(msgspec.Struct):
    """Where on the site the visitor is."""

    url: Loose = ""
    title: Loose = ""
    referrer: Loose = ""


# --- what the widget asks ---


class SessionRequest(msgspec.Struct):
    key: Key
    origin: Annotated[str, msgspec.Meta(max_length=300)]
    token: Token | None = None
    identity: Token | None = None


class MessageRequest(msgspec.Struct):
    """``id`` makes a repeated request the same message. ``email`` is where an absent team shall answer."""

    id: Uuid
    text: Annotated[str, msgspec.Meta(max_length=MAX_BODY)] = ""
    files: Annotated[list[Token], msgspec.Meta(max_length=10)] = []
    answers: dict[str, str | bool | None] | None = None
    email: Loose | None = None
    page: Page | None = None
    locale: Loose | None = None
    tz: Loose | None = None


class TypingRequest(msgspec.Struct):
    on: bool = True


class SeenRequest(msgspec.Struct):
    ids: Annotated[list[Annotated[str, msgspec.Meta(max_length=200)]], msgspec.Meta(min_length=1, max_length=MAX_SEEN)]


class IdentifyRequest(msgspec.Struct):
    identity: Token


# --- what it is told ---


class FileView(msgspec.Struct):
    name: str
    type: str
    size: int
    url: str


class ItemView(msgspec.Struct):
    """One message. ``client`` is the id under which the widget sent it, so that it replaces the waiting copy."""

    cursor: int
    id: str
    client: str | None
    mine: bool
    text: str
    author: str | None
    at: datetime
    files: list[FileView]


class ThreadView(msgspec.Struct):
    items: list[ItemView]
    cursor: int


def item_view(item: ThreadItem) -> ItemView:
    return ItemView(
        cursor=item.cursor,
        id=item.id,
        client=item.client_key.removeprefix(MESSAGE_KEY) if item.client_key else None,
        mine=item.mine,
        text=item.text,
        author=item.author,
        at=item.at,
        files=[FileView(name=file.name, type=file.content_type, size=file.size, url=file.url) for file in item.files],
    )


def thread_view(items: Sequence[ThreadItem], cursor: int) -> ThreadView:
    return ThreadView(items=[item_view(item) for item in items], cursor=cursor)


# --- what is stored, and parsed later ---

MESSAGE_KEY = "message:"  # + the widget's id: the dedupe key of a message


class KeptIdentity(msgspec.Struct, omit_defaults=True):
    sub: str
    name: str = ""
    email: str | None = None
    phone: str | None = None


class KeptFile(msgspec.Struct):
    hash: str
    name: str
    type: str
    size: int


class StoredMessage(msgspec.Struct, tag_field="type", tag="message", omit_defaults=True):
    """Everything that was known when the message arrived; ``inbox`` is the public key, scope of the visitor's id."""

    id: str
    at: datetime
    inbox: str
    visitor: str
    text: str = ""
    name: str = ""
    email: str | None = None
    phone: str | None = None
    identity: KeptIdentity | None = None
    files: list[KeptFile] = []
    answers: list[dict[str, Any]] = []
    page: dict[str, str] = {}
    locale: str | None = None
    tz: str | None = None
    continue_by_email: bool = False


class StoredSeen(msgspec.Struct, tag_field="type", tag="seen"):
    """The visitor's screen showed these messages of ours."""

    ids: list[str]
    at: datetime


Stored = StoredMessage | StoredSeen
