"""What a driver must do, and the small protocols for everything else that it may be able to do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from frontdesk.channels.port.ends import Account, Address
from frontdesk.channels.port.incoming import HookAnswer, Item, Raw, Request, Whisper
from frontdesk.channels.port.outgoing import Outbound, Sent


class Driver(Protocol):
    def parse(self, raw: Raw, account: Account) -> Sequence[Item]:
        """What a stored delivery means. Pure: no clock, no network, no database. May raise: the item is set aside."""
        ...

    async def send(self, message: Outbound, account: Account) -> Sent:
        """Hand one message to the provider. Raises Rejected, TryLater, Unknown or Disconnected; nothing else is
        expected, and anything else counts as Unknown."""
        ...


@runtime_checkable
class TakesHooks(Protocol):
    """Receives webhooks at the inbox's ``hook_url``."""

    def receive(self, request: Request, account: Account) -> tuple[Sequence[Raw], HookAnswer]:
        """Verify the signature over the raw bytes and cut the delivery into raw rows; raises BadSignature.
        The answer is sent after the rows are committed."""
        ...


class Sink(Protocol):
    """Where a long-lived receiver puts what it gets. ``store`` returns after the rows are committed."""

    async def store(self, raws: Sequence[Raw], *, checkpoint: Mapping[str, Any] | None = None) -> int:
        """Commit the deliveries (repeats are ignored) and the checkpoint together; returns how many were new."""
        ...

    async def checkpoint(self) -> Mapping[str, Any]: ...

    async def healthy(self, note: str = "") -> None: ...

    async def unhealthy(self, reason: str, *, needs_person: bool = False) -> None: ...

    async def whisper(self, whisper: Whisper) -> None: ...


@runtime_checkable
class Listens(Protocol):
    """Keeps a connection of its own (IMAP IDLE, SMPP bind, an SMTP listener). One task per inbox, run by the worker."""

    async def listen(self, account: Account, sink: Sink) -> None:
        """Receive for ever. Returns or raises only when the connection is of no more use; the worker starts it again
        with back-off."""
        ...


@runtime_checkable
class SendsWhereItListens(Protocol):
    """Sends over the connection that its listener keeps, which one process has."""

    def sends_here(self, account: Account) -> bool:
        """Whether that is this process. What it is not for is left to the others."""
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
        """Connect and log in; returns a sentence that says what works. Raises Disconnected or TryLater, with why."""
        ...


@runtime_checkable
class Whispers(Protocol):
    """Shows the contact that somebody is typing or has read."""

    async def whisper(self, to: Address, kind: Literal["typing", "seen"], account: Account) -> None: ...


@runtime_checkable
class Shows(Protocol):
    """Can show what it makes of a delivery that somebody kept as a file (``frontdesk mail show``)."""

    shows: tuple[str, ...]  # what such files end in, for example ".eml"

    def show(self, data: bytes) -> Mapping[str, Any]:
        """The file's content as plain data for JSON. Never raises."""
        ...


@runtime_checkable
class FetchesMedia(Protocol):
    """Downloads attachments that came as an address."""

    async def fetch(self, url: str, account: Account) -> tuple[bytes, str]:
        """The bytes and the content type; raises TryLater or Rejected."""
        ...


@runtime_checkable
class CleansHtml(Protocol):
    """Makes HTML that a user wrote harmless before it is kept. A channel that sends HTML must have it."""

    def clean_html(self, html: str) -> str | None:
        """What may stay of it by an allow list; None if only the text is to be sent."""
        ...


@runtime_checkable
class Normalises(Protocol):
    """Turns what a person typed into an address of this channel."""

    def normalise(self, value: str, account: Account | None) -> Address:
        """Raises ValueError with a sentence for people."""
        ...
