"""The proxy itself: each fault does what its name says, and nothing when there is none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from faults.proxy import Fault, Plan, Proxy

BLOB = bytes(range(256)) * 1024


class Echo:
    """Says back what it hears; remembers all of it."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.ends = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                self.heard += data
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            self.ends += 1
            writer.close()


@pytest.fixture
async def echo() -> Echo:
    return Echo()


@pytest.fixture
async def proxy(echo: Echo) -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    async with server, Proxy(server.sockets[0].getsockname()[1]) as made:
        yield made


async def said(proxy: Proxy, data: bytes) -> bytes:
    """Send, end the stream, and read to the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        sending = asyncio.create_task(_send(writer, data))
        answer = await asyncio.wait_for(reader.read(), 60)
        await sending
        return answer
    finally:
        writer.close()


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()
    writer.write_eof()


async def test_everything_passes_when_nothing_is_wrong(proxy: Proxy, echo: Echo) -> None:
    assert await said(proxy, BLOB) == BLOB
    assert (bytes(echo.heard), proxy.connections, proxy.struck.is_set()) == (BLOB, 1, False)


async def test_delay_and_rate_only_take_time(proxy: Proxy) -> None:
    proxy.plans = [Plan(to_server=Fault(delay=0.1, jitter=0.05), to_client=Fault(rate=2000))]
    began = time.monotonic()
    assert await said(proxy, b"x" * 400) == b"x" * 400
    assert time.monotonic() - began >= 0.29


async def test_one_byte_arrives_as_another(proxy: Proxy, echo: Echo) -> None:
    proxy.plans = [Plan(to_server=Fault(corrupt=3))]
    assert await said(proxy, b"abcdef") == b"abc" + bytes([ord("d") ^ 0xFF]) + b"ef"


async def test_a_stream_ends_in_good_order_after_so_many_bytes(proxy: Proxy, echo: Echo) -> None:
    proxy.plans = [Plan(to_client=Fault(after=100_000, then="close"))]
    assert await said(proxy, BLOB[:150_000]) == BLOB[:100_000]
    assert await said(proxy, b"next") == b"next"


async def test_a_reset_after_a_pattern_leaves_the_server_with_all_before_it(proxy: Proxy, echo: Echo) -> None:
    proxy.plans = [Plan(to_server=Fault(upon=b"end.\r\n", then="reset"))]
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"the en")
    await writer.drain()
    assert await reader.readexactly(6) == b"the en"
    writer.write(b"d.\r\nmore")
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(), 60)
    writer.close()
    async with asyncio.timeout(60):
        while not echo.ends:
            await asyncio.sleep(0.01)
    assert echo.heard == b"the end.\r\n"


async def test_a_half_open_connection_says_nothing_and_does_not_end(proxy: Proxy, echo: Echo) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"one")
    assert await reader.readexactly(3) == b"one"
    proxy.strike("hang")
    writer.write(b"two")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.2)
    assert (bytes(echo.heard), reader.at_eof()) == (b"one", False)
    writer.close()


async def test_a_refused_connection_is_reset(proxy: Proxy) -> None:
    proxy.plans = [Plan(refused=True)]
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(), 60)
    writer.close()
    assert await said(proxy, b"next") == b"next"


async def test_a_server_that_is_away_is_a_reset(proxy: Proxy) -> None:
    proxy.target = 9  # nobody listens there
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(), 60)
    writer.close()
