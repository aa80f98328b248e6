"""What the application lends to a channel that has endpoints of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from frontdesk.channels.port.ends import Account, Address
from frontdesk.channels.port.incoming import Raw, Whisper


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
        """Store bytes by content hash and return the hash; a later Raw names it (``Incoming.url`` = "file:<hash>")."""
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
