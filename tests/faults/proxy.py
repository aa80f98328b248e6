"""A TCP proxy between us and a peer that does what networks do: it delays, throttles, cuts, corrupts, and falls silent.

A :class:`Plan` says what happens to one connection, a :class:`Fault` what to one direction of it. ``plans`` are for the
next connections, in order; afterwards everything passes as ``usual`` says. A fault strikes after a number of bytes or
after a pattern has passed, and its ``then`` is one of

``reset``    the client gets an RST; what passed before still reaches the server, whose answers nobody hears
``close``    both sides get an orderly end of the stream
``hang``     nothing passes any more in either direction, and both sides believe that the connection lives (half open)
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from dataclasses import dataclass, field
from typing import Literal, Self

End = Literal["reset", "close", "hang"]
CHUNK = 64 * 1024
LINGER = 0.5  # seconds in which the server may do what it was asked before it hears that nobody waits for it


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What happens to one direction. Times are seconds, ``rate`` is bytes a second."""

    delay: float = 0.0  # before each piece
    jitter: float = 0.0  # at most so much more, at random
    rate: float | None = None
    corrupt: int | None = None  # the byte at this offset arrives with all its bits turned over
    after: int | None = None  # bytes that pass before ``then``
    upon: bytes | None = None  # … or the bytes that are the last to pass
    then: End | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What happens to one connection. ``refused``: it is reset as soon as it is made."""

    to_server: Fault = field(default_factory=Fault)
    to_client: Fault = field(default_factory=Fault)
    refused: bool = False


class Proxy:
    """Listens on ``port`` of 127.0.0.1 while it is entered, and passes everything on to ``target``: a port there, or a
    unix socket's path."""

    def __init__(self, target: int | str, *, seed: int = 1) -> None:
        self.target, self.port = target, 0
        self.usual = Plan()
        self.plans: list[Plan] = []
        self.connections = 0
        self.passed = 0  # bytes to clients
        self.open: set[_Connection] = set()
        self.struck = asyncio.Event()  # set whenever a fault ended something
        self.random = random.Random(seed)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def strike(self, end: End) -> None:
        """Do this now to every connection that is open."""
        for connection in list(self.open):
            connection.end(end)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        plan = self.plans.pop(0) if self.plans else self.usual
        if plan.refused:
            self.struck.set()
            _reset(writer)
            return
        task = asyncio.create_task(self._serve(plan, reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, plan: Plan, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if isinstance(self.target, str):
                there, back = await asyncio.open_unix_connection(self.target)
            else:
                there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            _reset(writer)
            return
        connection = _Connection(self, writer, back)
        self.open.add(connection)
        try:
            await asyncio.gather(
                connection.pump(reader, back, plan.to_server), connection.pump(there, writer, plan.to_client)
            )
        finally:
            self.open.discard(connection)
            back.close()
            writer.close()


class _Connection:
    def __init__(self, proxy: Proxy, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._ended: End | None = None

    def end(self, how: End) -> None:
        self._ended = self._ended or how
        self._proxy.struck.set()
        if how == "reset":
            _reset(self._client)
        elif how == "close":
            self._client.close()
            self._server.close()

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault) -> None:
        """Until the end of the stream. What comes after a reset is read and forgotten; in a silence nothing is read."""
        passed = _Passed(fault)
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                await asyncio.sleep(fault.delay + fault.jitter * self._proxy.random.random())
                if self._ended == "hang":
                    await asyncio.Event().wait()
                if self._ended:
                    continue
                data, struck = passed.take(data)
                await _write(writer, data, fault.rate)
                self._proxy.passed += len(data) if writer is self._client else 0
                if struck and fault.then and not self._ended:
                    self.end(fault.then)
        if self._ended == "reset":
            await asyncio.sleep(LINGER)
        if self._ended != "hang":
            with contextlib.suppress(OSError, RuntimeError):
                writer.write_eof()


class _Passed:
    """How far one direction is, and what of a piece may still pass."""

    def __init__(self, fault: Fault) -> None:
        self._fault, self._count, self._tail = fault, 0, b""

    def take(self, data: bytes) -> tuple[bytes, bool]:
        """The part that passes, and whether the fault strikes after it."""
        fault, before = self._fault, self._count
        if fault.corrupt is not None and before <= fault.corrupt < before + len(data):
            at = fault.corrupt - before
            data = data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]
        struck = False
        if fault.after is not None and before + len(data) >= fault.after:
            data, struck = data[: max(0, fault.after - before)], True
        elif fault.upon is not None:
            seen = self._tail + data
            if (found := seen.find(fault.upon)) >= 0:
                data, struck = data[: max(0, found + len(fault.upon) - len(self._tail))], True
            self._tail = seen[-(len(fault.upon) - 1) :] if len(fault.upon) > 1 else b""
        self._count += len(data)
        return data, struck


async def _write(writer: asyncio.StreamWriter, data: bytes, rate: float | None) -> None:
    if rate is None:
        writer.write(data)
        await writer.drain()
        return
    step = max(1, int(rate / 20))
    for start in range(0, len(data), step):
        writer.write(data[start : start + step])
        await writer.drain()
        await asyncio.sleep(len(data[start : start + step]) / rate)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the other side gets an RST, not an end of the stream."""
    found = writer.get_extra_info("socket")
    if found is not None and not writer.transport.is_closing():
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
