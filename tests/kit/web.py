"""A small web server on loopback that answers what a test says."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

Names = dict[str, list[str]]  # of a name service: the addresses of each name


class Web:
    """A server on loopback that answers what a test says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self.server_names: list[str | None] = []
        self.answer: Callable[[bytes], bytes] = lambda _: page(b"ok")
        self.slow = asyncio.Event()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(request)
            answer = self.answer(request)
            writer.write(answer)
            await writer.drain()
            if answer == b"":
                await self.slow.wait()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Web]:
    web = Web()
    server = await asyncio.start_server(web.serve, host, 0, ssl=tls)
    web.port = server.sockets[0].getsockname()[1]
    try:
        yield web
    finally:
        web.slow.set()
        server.close()
        await server.wait_closed()


def page(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "connection: close"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def to(location: str, status: str = "302 Found") -> bytes:
    return page(b"", f"location: {location}", status=status)
