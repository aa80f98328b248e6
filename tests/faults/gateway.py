"""A Kannel gateway as far as sending goes, whose memory is the truth about what was sent."""

from __future__ import annotations

import asyncio
from typing import Self
from urllib.parse import parse_qs, urlsplit


class Gateway:
    """Listens on ``port``; ``texts`` is what it took, in order. It answers like ``sendsms`` of Kannel 1.4."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.port = 0
        self.before = 0.0  # seconds until it takes a message
        self.asked = asyncio.Event()
        self.came = asyncio.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/cgi-bin/sendsms"

    async def __aenter__(self) -> Self:
        self._answering: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._answering:
            task.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._answer(reader, writer))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            fields = parse_qs(urlsplit(head.split(b" ")[1].decode()).query, keep_blank_values=True)
            if "to" in fields:
                self.asked.set()
                await asyncio.sleep(self.before)
                async with self.came:
                    self.texts.append(fields["text"][0])
                    self.came.notify_all()
            status, said = ("202 Accepted", b"0: Accepted for delivery") if "to" in fields else ("400 Bad", b"receiver")
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(said)}\r\nConnection: close\r\n\r\n".encode())
            writer.write(said)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(60), self.came:
            await self.came.wait_for(lambda: len(self.texts) >= count)
