"""What the tests of the SMS channel stand on: a small HTTP server, a sink that remembers, an account and a message."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from frontdesk.channels.port import Account, Address, Outbound, Raw, Request, Whisper


@dataclass
class Seen:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def form(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body.decode(), keep_blank_values=True)

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def as_request(self, public: str) -> Request:
        """The same as the application hands it to a driver, under the public address."""
        return Request(
            method=self.method, url=public + self.target, query=self.query, headers=self.headers, body=self.body
        )


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    silent: bool = False  # read the request and never answer
    broken: bool = False  # read the request and close the connection


Handler = Callable[[Seen], Answer | Awaitable[Answer]]


class Loopback:
    """An HTTP/1.1 server on a free port of this machine; one request per connection."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.seen: list[Seen] = []
        self.news = asyncio.Event()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = head[0].split(" ", 2)
            pairs = [line.split(":", 1) for line in head[1:] if ":" in line]
            headers = {name.strip().lower(): value.strip() for name, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            seen = Seen(method, target, headers, body)
            answer = self.handler(seen)
            if not isinstance(answer, Answer):
                answer = await answer
            self.seen.append(seen)
            self.news.set()
            if answer.silent:
                await reader.read()
            elif not answer.broken:
                lines = [f"HTTP/1.1 {answer.status} X", f"content-length: {len(answer.body)}", "connection: close"]
                lines += [f"{name}: {value}" for name, value in answer.headers.items()]
                writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + answer.body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@contextlib.asynccontextmanager
async def loopback(handler: Handler) -> AsyncIterator[tuple[Loopback, str]]:
    """The server and its origin."""
    served = Loopback(handler)
    server = await asyncio.start_server(served._serve, "127.0.0.1", 0)
    try:
        yield served, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


class RememberingSink:
    """A sink whose commits can be made to fail, and whose rows are unique by key like the real one's."""

    def __init__(self, checkpoint: Mapping[str, Any] | None = None) -> None:
        self.rows: dict[str, Raw] = {}
        self.saved: Mapping[str, Any] = checkpoint or {}
        self.notes: list[tuple[str, str, bool]] = []
        self.broken = False
        self.gate = asyncio.Event()  # before the commit
        self.gate.set()
        self.leave = asyncio.Event()  # after it
        self.leave.set()

    async def store(self, raws: Sequence[Raw], *, checkpoint: Mapping[str, Any] | None = None) -> int:
        await self.gate.wait()
        if self.broken:
            raise ConnectionError("the database is away")
        new = [raw for raw in raws if raw.dedupe_key not in self.rows]
        self.rows |= {raw.dedupe_key: raw for raw in new}
        if checkpoint is not None:
            self.saved = json.loads(json.dumps(checkpoint))
        await self.leave.wait()
        return len(new)

    async def checkpoint(self) -> Mapping[str, Any]:
        return self.saved

    async def healthy(self, note: str = "") -> None:
        self.notes.append(("healthy", note, False))

    async def unhealthy(self, reason: str, *, needs_person: bool = False) -> None:
        self.notes.append(("unhealthy", reason, needs_person))

    async def whisper(self, whisper: Whisper) -> None:
        raise AssertionError("texts do not whisper")


def account(**settings: Any) -> Account:
    return Account(
        workspace_id=1,
        inbox_id=settings.pop("inbox_id", 7),
        name="Texts",
        settings=settings,
        hook_url="https://desk.example.org/hooks/abc",
    )


def outbound(text: str = "Hello", to: str = "+302101234567", **fields: Any) -> Outbound:
    return Outbound(**{"key": "out-1", "to": Address(kind="phone", value=to), "text": text} | fields)


async def until(condition: Callable[[], Any], *, seconds: float = 10, what: str = "it") -> Any:
    """Poll with a deadline; returns the first true value."""
    deadline = time.monotonic() + seconds
    while True:
        if found := condition():
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {seconds} seconds")
        await asyncio.sleep(0.02)
