"""Who knocks: servers on loopback that count, and every attempt of this process to connect anywhere.

The attempts are seen from below, by Python's own audit events, whatever library makes them. Names are answered by a
stand-in for the machine's resolver, which understands the same odd spellings of numbers as the real one.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import pytest

from security.spellings import ZONE

ADDRESSES = ("127.0.0.1", "127.0.0.2", "::1")
_watched: list[list[str]] = []


def _hear(event: str, given: tuple[Any, ...]) -> None:
    if _watched and event in ("socket.connect", "socket.sendto"):
        to = given[1] if len(given) > 1 else None
        if isinstance(to, tuple):  # a unix socket's address is a path
            for heard in _watched:
                heard.append(f"{to[0]} {to[1]}")


sys.addaudithook(_hear)


@contextmanager
def watching() -> Iterator[list[str]]:
    """The addresses ("host port") that anything in this process tries to connect to meanwhile."""
    heard: list[str] = []
    _watched.append(heard)
    try:
        yield heard
    finally:
        _watched.remove(heard)


class Canary:
    """One port on several loopback addresses; whoever connects is counted and told goodbye."""

    def __init__(self) -> None:
        self.knocks = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.knocks += 1
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def canaries() -> AsyncIterator[Canary]:
    canary = Canary()
    async with AsyncExitStack() as stack:
        for address in ADDRESSES:
            server = await asyncio.start_server(canary.serve, address, canary.port)
            canary.port = server.sockets[0].getsockname()[1]
            await stack.enter_async_context(server)
        yield canary


class Resolver:
    """Stands where ``getaddrinfo`` stands; ``asked`` are the names that it was asked for. ``zone`` may be changed."""

    def __init__(self) -> None:
        self.zone = {name: list(found) for name, found in ZONE.items()}
        self.asked: list[str] = []
        self._real = socket.getaddrinfo

    def __call__(
        self, host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else str(host)
        self.asked.append(name)
        found = self.zone.get(name.lower().rstrip("."))
        if found is None:
            flags |= socket.AI_NUMERICHOST  # numbers in any spelling, and no name
            return self._real(host, port, family, type, proto, flags)
        six = {True: socket.AF_INET6, False: socket.AF_INET}
        return [
            (six[":" in address], socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address.split("%")[0], port))
            for address in found
        ]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    made = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", made)
    return made


@pytest.fixture
async def canary() -> AsyncIterator[Canary]:
    async with canaries() as made:
        yield made
