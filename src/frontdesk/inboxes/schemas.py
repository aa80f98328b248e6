"""Wire shapes of inboxes: the channels that there are, the inboxes that are connected, what was set aside."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Name = Annotated[str, Meta(min_length=1, max_length=120)]
Rate = Annotated[int, Meta(ge=1, le=100_000)]


class Can(Struct, kw_only=True):
    """What the composer may rely on. Sizes are bytes, ``max_chars`` counts code points."""

    max_chars: int | None
    html: bool
    subject: bool
    copies: bool
    segments: bool
    attachments: bool
    attachment_types: list[str]
    max_attachment_bytes: int
    max_attachments: int
    may_start: bool
    reply_window_seconds: int | None
    needs_template_outside_window: bool
    receipts: list[str]
    typing: bool
    opt_out_keywords: bool
    address_kinds: list[str]


class SettingOut(Struct, kw_only=True):
    """One field of the form. ``when`` is another setting and the values with which this one is shown."""

    name: str
    label: str
    kind: Literal["text", "secret", "number", "bool", "choice", "list", "textarea", "json"]
    required: bool
    default: Any
    choices: list[tuple[str, str]]
    help: str
    when: tuple[str, list[str]] | None
    advanced: bool


class ChannelOut(Struct, kw_only=True):
    name: str
    title: str
    description: str
    colour: str
    icon: str
    can: Can
    settings: list[SettingOut]


class Health(Struct, kw_only=True):
    state: Literal["ok", "attention", "waiting", "off"]
    note: str
    last_inbound_at: datetime | None
    last_outbound_at: datetime | None
    changed_at: datetime | None


class InboxOut(Struct, kw_only=True):
    """A connected account. Secrets are never in it, only which of them are set."""

    id: int
    channel: str
    name: str
    address: str | None
    settings: dict[str, Any]
    secrets: dict[str, bool]
    enabled: bool
    hook_url: str
    public_key: str
    rate_per_minute: int | None
    health: Health
    created_at: datetime
    rev: int


class NewInbox(Struct, kw_only=True, forbid_unknown_fields=True):
    channel: Annotated[str, Meta(max_length=64)]
    name: Name
    settings: dict[str, Any] = {}


class InboxChange(Struct, kw_only=True, forbid_unknown_fields=True):
    """``settings`` are merged: what is not given stays (secrets too), a null takes a setting away."""

    name: Name | UnsetType = UNSET
    settings: dict[str, Any] | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    rate_per_minute: Rate | UnsetType | None = UNSET


class Tested(Struct, kw_only=True):
    ok: bool
    message: str


class SetAside(Struct, kw_only=True):
    """A delivery that could not be interpreted; it is kept as it came."""

    id: int
    inbox_id: int
    received_at: datetime
    attempts: int
    error: str | None
    preview: str


class SetAsideGroup(Struct, kw_only=True):
    """Deliveries of one channel that failed in one way; ``reason`` is the kind of error, without its details."""

    channel: str
    reason: str
    count: int


class SetAsideDetails(Struct, kw_only=True):
    """A delivery as it came: headers without secrets, and as much of its body as can be shown.

    ``text`` is null where the body is no text; ``whole`` says whether it is all of it, so that it can be edited.
    """

    id: int
    inbox_id: int
    received_at: datetime
    attempts: int
    error: str | None
    trace: str | None
    headers: dict[str, str]
    size: int
    text: str | None
    whole: bool


class Which(Struct, kw_only=True, forbid_unknown_fields=True):
    """Everything that is set aside, or what came through one channel, or failed in one way."""

    channel: Annotated[str, Meta(max_length=100)] | None = None
    reason: Annotated[str, Meta(max_length=500)] | None = None


class Edited(Struct, kw_only=True, forbid_unknown_fields=True):
    """The body to read instead of the one that came."""

    text: Annotated[str, Meta(min_length=1, max_length=200_000)]


class Discarding(Struct, kw_only=True, forbid_unknown_fields=True):
    """Why nobody needs it; the audit keeps it."""

    reason: Annotated[str, Meta(max_length=500)] = ""


class Replayed(Struct, kw_only=True):
    replayed: int
