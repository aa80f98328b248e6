"""How long an answer may take, and how much of it is read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx


@asynccontextmanager
async def in_time(until: float | None) -> AsyncIterator[None]:
    """Ends what is inside with ``httpx.ReadTimeout`` at this time of the event loop's clock."""
    try:
        async with asyncio.timeout_at(until):
            yield
    except TimeoutError as error:
        raise httpx.ReadTimeout("the answer took too long") from error


class Bounded(httpx.AsyncByteStream):
    """The body of an answer, as long as there is time, and as much as may come."""

    def __init__(self, stream: httpx.AsyncByteStream, until: float | None, max_bytes: int | None) -> None:
        self._stream, self._until, self._max_bytes = stream, until, max_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces, read = aiter(self._stream), 0
        while True:
            async with in_time(self._until):
                piece = await anext(pieces, None)
            if piece is None:
                return
            read += len(piece)
            if self._max_bytes is not None and read > self._max_bytes:
                raise httpx.ReadError(f"the answer has more than {self._max_bytes} bytes")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()
