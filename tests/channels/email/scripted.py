"""Servers that say exactly what a test wants, on a free port of loopback."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from frontdesk.channels.port import Account, Raw, Whisper

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
DESK = "desk@support.example"


def account(**settings: Any) -> Account:
    settings = {"address": DESK, "name": "Support", "username": DESK, "password": "pass", **settings}
    return Account(workspace_id=1, inbox_id=1, name="Support", settings=settings, hook_url="", secret=b"of this inbox")


@contextlib.asynccontextmanager
async def serving(conversation: Conversation) -> AsyncIterator[int]:
    """The port on which every connection has this conversation."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await conversation(reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


class SmtpServer:
    """Speaks SMTP; ``says`` replaces answers by their command. "drop" closes the connection instead, "." is the end."""

    def __init__(self, **says: str) -> None:
        self.says = {"EHLO": "250-me\r\n250-SIZE 1000000\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN XOAUTH2", **says}
        self.says.setdefault("DOT", "250 2.0.0 taken")
        self.lines: list[str] = []
        self.mails: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not await self._answer(writer, "GREETING", "220 me"):
            return
        while line := (await reader.readuntil(b"\r\n")).decode().strip():
            self.lines.append(line)
            verb = line.split()[0].upper()
            default = {"QUIT": "221 bye", "DATA": "354 go on", "AUTH": "235 2.7.0 ok"}.get(verb, "250 ok")
            if not await self._answer(writer, verb, default) or verb == "QUIT":
                return
            if verb == "DATA" and self.says.get("DATA", "354").startswith("354"):
                if "MIDDLE" in self.says:
                    await reader.readexactly(200)
                    writer.transport.abort()
                    return
                self.mails.append(await reader.readuntil(b"\r\n.\r\n"))
                if not await self._answer(writer, "DOT", ""):
                    return

    async def _answer(self, writer: asyncio.StreamWriter, what: str, default: str) -> bool:
        said = self.says.get(what, default)
        if said == "drop":
            return False
        writer.write(said.encode() + b"\r\n")
        await writer.drain()
        return True


class ImapServer:
    """Speaks IMAP by a table of answers: a command's first words to untagged lines; "drop" closes the connection."""

    def __init__(
        self, answers: Mapping[str, bytes | list[bytes]], capabilities: str = "IMAP4rev1 IDLE SASL-IR"
    ) -> None:
        self.answers = {name: list(value) if isinstance(value, list) else value for name, value in answers.items()}
        self.capabilities = capabilities
        self.lines: list[str] = []
        self.idling = asyncio.Event()
        self.pushes: asyncio.Queue[bytes] = asyncio.Queue()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        while line := (await reader.readuntil(b"\r\n")).decode().strip():
            tag, _, command = line.partition(" ")
            self.lines.append(command)
            if command == "IDLE":
                await self._idle(reader, writer, tag)
                continue
            said = self._said(command)
            if said.endswith(b"drop"):
                writer.write(said.removesuffix(b"drop"))
                await writer.drain()
                return
            if said.startswith((b"NO", b"BAD")):
                writer.write(f"{tag} ".encode() + said + b"\r\n")
            else:
                writer.write(said + f"{tag} OK done\r\n".encode())
            await writer.drain()
            if command == "LOGOUT":
                return

    def _said(self, command: str) -> bytes:
        if command == "CAPABILITY":
            return f"* CAPABILITY {self.capabilities}\r\n".encode()
        for start, said in self.answers.items():
            if command.upper().startswith(start.upper()):
                if isinstance(said, list):
                    return said.pop(0) if len(said) > 1 else said[0]
                return said
        return b""

    async def _idle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tag: str) -> None:
        writer.write(b"+ idling\r\n")
        await writer.drain()
        self.idling.set()
        ends = asyncio.ensure_future(reader.readuntil(b"\r\n"))
        while not ends.done():
            push = asyncio.ensure_future(self.pushes.get())
            await asyncio.wait({ends, push}, return_when=asyncio.FIRST_COMPLETED)
            if push.done():
                writer.write(push.result())
                await writer.drain()
            else:
                push.cancel()
        ends.result()
        self.idling.clear()
        writer.write(f"{tag} OK idle done\r\n".encode())
        await writer.drain()


class ListSink:
    """Keeps what it is given; ``broken`` makes storing fail as a database that is gone does."""

    def __init__(self) -> None:
        self.raws: list[Raw] = []
        self.saved: Mapping[str, Any] = {}
        self.notes: list[str] = []
        self.broken = False
        self.changed = asyncio.Condition()

    async def store(self, raws: Sequence[Raw], *, checkpoint: Mapping[str, Any] | None = None) -> int:
        if self.broken:
            raise ConnectionError("the database is gone")
        async with self.changed:
            self.raws.extend(raws)
            self.saved = checkpoint if checkpoint is not None else self.saved
            self.changed.notify_all()
        return len(raws)

    async def checkpoint(self) -> Mapping[str, Any]:
        return self.saved

    async def healthy(self, note: str = "") -> None:
        await self._note(note)

    async def unhealthy(self, reason: str, *, needs_person: bool = False) -> None:
        await self._note(("! " if needs_person else "- ") + reason)

    async def _note(self, note: str) -> None:
        async with self.changed:
            self.notes.append(note)
            self.changed.notify_all()

    async def whisper(self, whisper: Whisper) -> None:
        raise AssertionError("mail does not whisper")

    async def until(self, condition: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(60), self.changed:
                await self.changed.wait_for(condition)
        except TimeoutError:
            raise AssertionError(f"waited in vain: {self.notes} {self.raws}") from None
