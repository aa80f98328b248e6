"""Waiting for whatever happens first."""

from __future__ import annotations

import asyncio


async def first(*events: asyncio.Event, timeout: float | None = None) -> bool:
    """Wait until one of these is set, at most ``timeout`` seconds. Whether one is."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        done, _ = await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return bool(done)
