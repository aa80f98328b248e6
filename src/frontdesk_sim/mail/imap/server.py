"""Listening for IMAP connections on loopback."""

from __future__ import annotations

import asyncio
import ssl

from ...world import World
from . import commands  # noqa: F401 - registers the commands
from .lexer import MAX_LINE
from .session import Session


async def serve(world: World, port: int, *, tls: ssl.SSLContext | None = None) -> asyncio.Server:
    """``tls`` speaks TLS from the first byte (IMAPS)."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Session(world, reader, writer).run()

    return await asyncio.start_server(connected, "127.0.0.1", port, limit=MAX_LINE, ssl=tls)
