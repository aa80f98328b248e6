"""What goes out, and the four ways in which that can fail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from frontdesk.channels.port.delivery import DeliveryState
from frontdesk.channels.port.ends import Address


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """``read`` raises TryLater or Rejected: to be asked before anything is handed over."""

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


class Failure(Exception):
    """Why a message was not accepted. ``str(error)`` is a sentence for people.

    What a driver puts into ``meta`` is kept with the message: the next attempt, perhaps by another process, finds it in
    ``Outbound.meta``, and nobody takes the message back any more: a part of it has left. It is not kept when the
    process ends before it is written; then the attempt is Unknown.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.meta: Mapping[str, Any] = {}


class Rejected(Failure):
    """The provider refused and will refuse again: do not retry."""

    def __init__(
        self, reason: str, *, code: str | None = None, opt_out: bool = False, bad_address: bool = False
    ) -> None:
        super().__init__(reason)
        self.code, self.opt_out, self.bad_address = code, opt_out, bad_address


class TryLater(Failure):
    """The provider certainly did **not** take it (429, 503, connection refused).

    It is safe to retry after ``after`` seconds.
    """

    def __init__(self, reason: str, *, after: float | None = None, code: str | None = None) -> None:
        super().__init__(reason)
        self.after, self.code = after, code


class Unknown(Failure):
    """Nobody knows whether the provider took it (timeout after the request was written). Never resent blindly."""


class Disconnected(Failure):
    """The inbox cannot work until a person does something (wrong password, revoked token).

    Messages are held, not failed.
    """
