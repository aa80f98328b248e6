"""The least HTTP server that can misbehave as networks do (it may cut a connection instead of answering), and the least
proxy in front of several web processes."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import httpx

LONGEST_HEAD = 64 * 1024


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)


Answering = Callable[[Asked], Awaitable[Answer | None]]
"""None: the connection is cut without an answer."""


async def serve(answering: Answering) -> tuple[asyncio.Server, int]:
    """Answer on a free port of the loopback; returns the port too."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            answer = await answering(await _read(reader))
            if answer is None:
                writer.transport.abort()
                return
            writer.write(_written(answer))
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=LONGEST_HEAD)
    return server, server.sockets[0].getsockname()[1]


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    return Asked(method, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), body)


def _written(answer: Answer) -> bytes:
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(answer.body)),
        "Connection": "close",
        **answer.headers,
    }
    lines = [f"HTTP/1.1 {answer.status} -", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + answer.body


async def post(port: int, url: str, body: bytes, headers: dict[str, str], within: float = 5) -> int:
    """Post to a web process on a connection of its own; the status of its answer. Raises OSError without one.

    (A pool looks through all that waits for each that comes: with a thousand waiting it does nothing else.)
    """
    parts = urlsplit(url)
    lines = [
        f"POST {parts.path}{'?' if parts.query else ''}{parts.query} HTTP/1.1", f"Host: {parts.netloc}",
        f"Content-Length: {len(body)}", "Connection: close", *(f"{name}: {value}" for name, value in headers.items()),
    ]  # fmt: skip
    async with asyncio.timeout(within):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            answer = (await reader.readline()).split()
            if len(answer) < 2:
                raise ConnectionResetError("There was no answer.")
            return int(answer[1])
        finally:
            writer.close()


class Balanced(httpx.AsyncBaseTransport):
    """Takes each request to the next of several web processes, as a proxy in front of them does."""

    def __init__(self, ports: Sequence[int], connections: int = 24) -> None:
        self._ports = itertools.cycle(ports)
        self._way = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=connections), trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        there = request.url.copy_with(scheme="http", host="127.0.0.1", port=next(self._ports))
        same = httpx.Request(
            request.method, there, headers=request.headers, stream=request.stream, extensions=request.extensions
        )
        return await self._way.handle_async_request(same)

    async def aclose(self) -> None:
        await self._way.aclose()
