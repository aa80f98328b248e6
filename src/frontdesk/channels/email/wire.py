"""As much of IMAP (RFC 3501 with IDLE, SASL-IR and SPECIAL-USE) as receiving mail needs, over asyncio streams.

Why not aioimaplib: it has no STARTTLS, learns of a lost connection only by timeouts, and handles each line of an
answer by one more nested call, so that an answer of 1,000 short lines in one TCP segment (a large LIST, a flag
update of a big folder) ends in RecursionError. What is used of the protocol here fits one file.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import ssl
from collections.abc import Sequence
from typing import Final, NamedTuple

from frontdesk.channels.email.connect import TIMEOUT, Target
from frontdesk.kit.fetch import connect

MAX_LINE: Final = 1024 * 1024
MAX_LITERAL: Final = 64 * 1024 * 1024
SILENCE: Final = 60.0  # seconds without a byte in the middle of a mail, however long the whole of it takes
_PIECE: Final = 256 * 1024
_LITERAL = re.compile(rb"\{(\d{1,12})\+?\}\r\n\Z")
_EXISTS = re.compile(rb"\* (\d+) EXISTS", re.IGNORECASE)
_PLAIN = re.compile(r"[\x20-\x7e]*\Z")


class Refused(Exception):
    """The server answered NO or BAD. ``str()`` is what it said."""


class Lost(ConnectionError):
    """The connection ended or speaks no IMAP any more."""


class Reply(NamedTuple):
    """One answer of the server: its text, with ``{size}`` where a literal stands, and the literals in order."""

    text: bytes
    literals: tuple[bytes, ...]


class Imap:
    """One connection. Commands are awaited one after the other; each raises Refused, Lost, OSError or TimeoutError."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._count = 0
        self.capabilities: frozenset[str] = frozenset()
        self.exists = 0  # messages in the selected mailbox, as last told

    # --- opening ---

    @classmethod
    async def connect(cls, target: Target, context: ssl.SSLContext | None) -> Imap:
        """Also raises FetchError when the address may not be reached or cannot."""
        async with asyncio.timeout(TIMEOUT):
            direct = context if target.tls == "tls" else None
            reader, writer = await connect(target.host, target.port, tls=direct, limit=MAX_LINE)
        imap = cls(reader, writer)
        try:
            async with asyncio.timeout(TIMEOUT):
                greeting = await imap._reply()
            if not greeting.text.upper().startswith((b"* OK", b"* PREAUTH")):
                raise Lost("The server greets with: " + greeting.text.decode("utf-8", "replace").strip()[:200])
            if target.tls == "starttls":
                assert context is not None
                await imap.command("STARTTLS")
                async with asyncio.timeout(TIMEOUT):
                    await writer.start_tls(context, server_hostname=target.host)
            await imap.read_capabilities()
        except BaseException:
            await imap.close()
            raise
        return imap

    async def read_capabilities(self) -> None:
        for reply in await self.command("CAPABILITY"):
            if reply.text.upper().startswith(b"* CAPABILITY "):
                self.capabilities = frozenset(reply.text.decode("ascii", "replace").upper().split()[2:])

    async def login(self, user: str, password: str) -> None:
        await self.command("LOGIN", Text(user), Text(password))
        await self.read_capabilities()

    async def login_with_token(self, user: str, token: str) -> None:
        """SASL XOAUTH2: the server explains a refusal in a challenge that wants an empty answer."""
        initial = base64.b64encode(f"user={user}\x01auth=Bearer {token}\x01\x01".encode()).decode()
        if "SASL-IR" in self.capabilities:
            await self.command("AUTHENTICATE", "XOAUTH2", initial, answers=[b""])
        else:
            await self.command("AUTHENTICATE", "XOAUTH2", answers=[initial.encode(), b""])
        await self.read_capabilities()

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
            async with asyncio.timeout(2):
                await self._writer.wait_closed()

    async def logout(self) -> None:
        with contextlib.suppress(Refused, OSError, TimeoutError):
            await self.command("LOGOUT", timeout=3)
        await self.close()

    # --- commands ---

    async def command(
        self,
        *words: str | Text,
        answers: Sequence[bytes] = (),
        literal: bytes | None = None,
        timeout: float = TIMEOUT,
        silence: float | None = None,
    ) -> list[Reply]:
        """Send and return the untagged replies. ``answers`` go out at each "+", ``literal`` is the last argument.

        It may take ``timeout`` seconds in all, and ``silence`` until the next reply begins.
        """
        async with asyncio.timeout(timeout):
            return await self._command(words, list(answers), literal, silence)

    async def _command(
        self, words: Sequence[str | Text], answers: list[bytes], literal: bytes | None, silence: float | None
    ) -> list[Reply]:
        tag = self._tag()
        line = tag
        for word in words:
            if isinstance(word, Text) and not word.is_quotable():
                data = word.value.encode()
                self._writer.write(line + b" {%d}\r\n" % len(data))
                await self._continue(tag)
                line = data
            else:
                line += b" " + (word.quoted() if isinstance(word, Text) else word.encode())
        if literal is not None:
            self._writer.write(line + b" {%d}\r\n" % len(literal))
            await self._continue(tag)
            line = literal
        self._writer.write(line + b"\r\n")
        await self._writer.drain()
        return await self._until(tag, answers, silence)

    async def _continue(self, tag: bytes) -> None:
        await self._writer.drain()
        while True:
            reply = await self._reply()
            if reply.text.startswith(b"+"):
                return
            if reply.text.startswith(tag + b" "):
                raise Refused(_words(reply.text))

    async def _until(self, tag: bytes, answers: list[bytes], silence: float | None = None) -> list[Reply]:
        replies: list[Reply] = []
        while True:
            reply = await self._reply(silence)
            if reply.text.startswith(b"+"):
                self._writer.write((answers.pop(0) if answers else b"") + b"\r\n")
                await self._writer.drain()
            elif reply.text.startswith(tag + b" "):
                if reply.text[len(tag) + 1 :].upper().startswith(b"OK"):
                    return [*replies, reply]
                raise Refused(_words(reply.text))
            else:
                replies.append(reply)

    def _tag(self) -> bytes:
        self._count += 1
        return b"f%d" % self._count

    async def _reply(self, silence: float | None = None) -> Reply:
        """One logical line with its literals; raises Lost at the end of the stream or beyond the size limits, and
        TimeoutError when no line comes for ``silence`` seconds."""
        text, literals = b"", []
        while True:
            try:
                async with asyncio.timeout(silence):
                    line = await self._reader.readuntil(b"\n")
            except asyncio.IncompleteReadError as error:
                raise Lost("The mail server closed the connection.") from error
            except (asyncio.LimitOverrunError, ValueError) as error:
                raise Lost("The mail server sent a line without an end.") from error
            text += line
            found = _LITERAL.search(line)
            if found is None:
                break
            size = int(found[1])
            if size > MAX_LITERAL or len(text) > MAX_LINE:
                raise Lost(f"The mail server sent {size} bytes at once.")
            literals.append(await self._literal(size))
        counted = _EXISTS.match(text)
        if counted:
            self.exists = int(counted[1])
        if text[:5].upper() == b"* BYE":
            # LOGOUT is answered by BYE and then OK; anything else that says BYE is gone.
            self.capabilities = frozenset()
        return Reply(text.rstrip(b"\r\n"), tuple(literals))

    async def _literal(self, size: int) -> bytes:
        """As many bytes. A large mail may take its time, as long as it keeps coming."""
        data = bytearray()
        while len(data) < size:
            try:
                async with asyncio.timeout(SILENCE):
                    piece = await self._reader.read(min(size - len(data), _PIECE))
            except TimeoutError as error:
                raise Lost("The mail server fell silent in the middle of a mail.") from error
            if not piece:
                raise Lost("The mail server closed the connection.")
            data += piece
        return bytes(data)

    async def idle(self, seconds: float) -> bool:
        """Wait until the server has something to say, at most so long. True if it has (RFC 2177)."""
        tag = self._tag()
        self._writer.write(tag + b" IDLE\r\n")
        try:
            await self._writer.drain()
            async with asyncio.timeout(TIMEOUT):
                await self._idle_started(tag)
            woken = await self._woken(seconds)
        except asyncio.CancelledError:
            self._writer.write(b"DONE\r\n")  # LOGOUT would not be heard before it
            raise
        self._writer.write(b"DONE\r\n")
        async with asyncio.timeout(TIMEOUT):
            await self._until(tag, [])
        return woken

    async def _woken(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while (await self._reply()).text.upper().startswith(b"* OK"):  # "* OK Still here"
                    pass
                return True
        return False

    async def _idle_started(self, tag: bytes) -> None:
        while not (reply := await self._reply()).text.startswith(b"+"):
            if reply.text.startswith(tag + b" "):
                raise Refused(_words(reply.text))


class Text(NamedTuple):
    """A value that is sent as a quoted string or, where it has other characters, as a literal."""

    value: str

    def is_quotable(self) -> bool:
        return bool(_PLAIN.match(self.value))

    def quoted(self) -> bytes:
        return b'"' + self.value.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'


def _words(line: bytes) -> str:
    return line.decode("utf-8", "replace").partition(" ")[2].strip()[:300]


def mailbox_name(name: str) -> Text:
    """A mailbox name in the protocol's own form of UTF-7 (RFC 3501 §5.1.3). INBOX is the same in every case."""
    if name.upper() == "INBOX":
        return Text("INBOX")
    pieces = []
    for found in re.finditer(r"[\x20-\x7e]+|[^\x20-\x7e]+", name):
        run = found[0]
        if run[0] in map(chr, range(0x20, 0x7F)):
            pieces.append(run.replace("&", "&-"))
        else:
            encoded = base64.b64encode(run.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
            pieces.append(f"&{encoded}-")
    return Text("".join(pieces))
