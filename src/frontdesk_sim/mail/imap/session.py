"""One IMAP connection: who it is, what it has selected, and its commands (RFC 3501 §6)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hmac
import logging
from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from typing import ClassVar

from ...world import World
from ..mailboxes import home_address
from .lexer import BadCommand, TooBig, Word, quoted, read_command, text, words
from .selected import Selected

log = logging.getLogger(__name__)

CAPABILITIES = "IMAP4rev1 LITERAL+ SASL-IR AUTH=PLAIN IDLE UIDPLUS SPECIAL-USE MOVE UNSELECT NAMESPACE ID ENABLE"
IDLE_SECONDS = 30 * 60  # RFC 2177: a server may log an idle client out after 30 minutes


class No(Exception):
    """The command is right but cannot be done: answered NO."""


class Session:
    """Reads commands until LOGOUT or the end of the stream. Commands are methods that their name is registered for."""

    commands: ClassVar[dict[str, Callable[[Session, list[Word]], Awaitable[str | None]]]] = {}
    before_login: ClassVar[set[str]] = {"CAPABILITY", "NOOP", "LOGOUT", "LOGIN", "AUTHENTICATE", "ID"}
    needs_folder: ClassVar[set[str]] = set()

    def __init__(self, world: World, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.world, self.mailboxes = world, world.mailboxes
        self.reader, self.writer = reader, writer
        self.owner = ""
        self.selected: Selected | None = None
        self.tag = "*"
        self._over = False

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    @property
    def folder(self) -> Selected:
        assert self.selected is not None
        return self.selected

    async def run(self) -> None:
        self.say(f"* OK [CAPABILITY {CAPABILITIES}] Frontdesk simulator ready\r\n".encode())
        try:
            while not self._over:
                await self.writer.drain()
                parts = await read_command(self.reader, self.writer)
                if parts is None:
                    break
                if self.owner and self.world.faults.strikes("imap_cut", self.owner):
                    self.writer.transport.abort()
                    break
                await self._obey(parts)
        except TooBig:
            self.say(b"* BYE Too much at once\r\n")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.leave_folder()
            with contextlib.suppress(ConnectionError):
                self.writer.close()
                await self.writer.wait_closed()

    async def _obey(self, parts: list[bytes | bytearray]) -> None:
        tag, _, rest = bytes(parts[0]).partition(b" ")
        self.tag = tag.decode("ascii", "replace") or "*"
        try:
            given = words([rest, *parts[1:]])
            done = await self._command(given)
            answer = f"OK {done or 'done'}"
        except BadCommand as bad:
            answer = f"BAD {bad}"
        except No as no:
            answer = f"NO {no}"
        except (IndexError, ValueError, TypeError):
            log.debug("malformed command", exc_info=True)
            answer = "BAD Malformed command"
        self.say(f"{self.tag} {answer}\r\n".encode())

    async def _command(self, given: list[Word]) -> str | None:
        if not given:
            raise BadCommand("No command")
        name = text(given.pop(0)).upper()
        if name == "UID" and given:
            name = f"UID {text(given.pop(0)).upper()}"
        command = self.commands.get(name)
        if command is None:
            raise BadCommand(f"Command {name} is not known here")
        if not self.owner and name not in self.before_login:
            raise BadCommand("Log in first")
        if name in self.needs_folder and self.selected is None:
            raise BadCommand("Select a folder first")
        self._tell(name)  # what arrived since is part of the folder that the command is about
        done = await command(self, given)
        self._tell(name)
        return done

    def _tell(self, name: str) -> None:
        """News of the selected folder. Numbers must not shift under a command that uses them (RFC 3501 §7.4.1)."""
        if self.selected is not None:
            self.say(self.selected.news(expunges=name not in ("FETCH", "STORE", "SEARCH")))

    # identity

    def sign_in(self, user: str, password: str) -> None:
        known = self.mailboxes.password(user)
        if known is None or not hmac.compare_digest(known.encode(), password.encode()):
            raise No("[AUTHENTICATIONFAILED] Invalid credentials")
        self.owner = home_address(user)

    async def authenticate_plain(self, initial: str | None) -> None:
        """SASL PLAIN (RFC 4616), with the initial response of RFC 4959 if there is one."""
        if initial is None:
            self.say(b"+ \r\n")
            await self.writer.drain()
            initial = (await self.reader.readline()).strip().decode("ascii", "replace")
        try:
            _, user, password = base64.b64decode(initial, validate=True).decode().split("\0")
        except (binascii.Error, ValueError):
            raise BadCommand("Malformed response") from None
        self.sign_in(user, password)

    def log_out(self) -> None:
        self.say(b"* BYE Goodbye\r\n")
        self._over = True

    # folders

    def enter_folder(self, name: str, *, read_only: bool) -> str:
        self.leave_folder()
        folder = self.mailboxes.folder(self.owner, name)
        if folder is None:
            raise No(f"[NONEXISTENT] There is no folder {name}")
        self.selected = Selected(self.mailboxes, folder, read_only=read_only)
        letters = self.mailboxes.letters(folder.id)
        unseen = next((place for place, letter in enumerate(letters, 1) if "\\Seen" not in letter.flags), None)
        self.say(
            b"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n"
            b"* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] Flags are kept\r\n"
            + b"* %d EXISTS\r\n* 0 RECENT\r\n" % len(letters)
            + (b"* OK [UNSEEN %d] First unseen\r\n" % unseen if unseen else b"")
            + b"* OK [UIDVALIDITY %d] UIDs valid\r\n" % folder.uidvalidity
            + b"* OK [UIDNEXT %d] Predicted next UID\r\n" % folder.uidnext
        )
        return "[READ-ONLY] selected" if read_only else "[READ-WRITE] selected"

    def leave_folder(self) -> None:
        if self.selected is not None:
            self.selected.leave()
            self.selected = None

    def list_folders(self, pattern: str, *, verb: str = "LIST") -> None:
        if not pattern:
            self.say(f'* {verb} (\\Noselect) "/" ""\r\n'.encode())
            return
        shape = pattern.replace("[", "[[]").replace("%", "*")
        for folder in self.mailboxes.folders(self.owner):
            if fnmatchcase(folder.name, shape) or (folder.name == "INBOX" and pattern.upper() == "INBOX"):
                attributes = f"\\HasNoChildren {folder.special}".strip()
                self.say(f'* {verb} ({attributes}) "/" '.encode() + quoted(folder.name) + b"\r\n")

    # waiting

    async def idle(self) -> None:
        """Tell news until the client says DONE (RFC 2177)."""
        self.say(b"+ idling\r\n")
        bell = self.selected.bell if self.selected else asyncio.Event()
        done = asyncio.ensure_future(self.reader.readline())
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                while not done.done():
                    if self.selected:
                        self.say(self.selected.news())
                    await self.writer.drain()
                    ringing = asyncio.ensure_future(bell.wait())
                    await asyncio.wait({done, ringing}, return_when=asyncio.FIRST_COMPLETED)
                    ringing.cancel()
        except TimeoutError:
            done.cancel()
            self.log_out()
            return
        line = done.result()
        if line.strip().upper() != b"DONE":
            if not line:
                raise ConnectionResetError
            raise BadCommand("Expected DONE")
