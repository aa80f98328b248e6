"""From a command to a process that works: the database starts while Python reads the program.

Only what a command line needs is imported here. Everything else is read in a thread beside the start of PostgreSQL, and
what is read for good is left alone by the collector from then on.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import logging
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TextIO, cast

import structlog

from frontdesk.kit import postgres, trace
from frontdesk.kit.hiding import hidden
from frontdesk.kit.settings import Settings

Say = Callable[[str], None]


class _Unfailing(io.TextIOBase):
    """Where lines go that nobody can read: into a file on a full disk. What wrote them goes on."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._file.flush()


def set_up_logging() -> None:
    """One line of JSON for each thing worth knowing, on standard error; never a message's text."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            trace.logged,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            hidden,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(file=cast("TextIO", _Unfailing(sys.stderr))),
        cache_logger_on_first_use=True,
    )


async def run(
    settings: Settings,
    *,
    web: bool = True,
    worker: bool = True,
    say: Say,
    ready: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Database, web and worker (or one of them) in this process, until SIGTERM or SIGINT."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with _undisturbed() as settled:
        reading = asyncio.create_task(asyncio.to_thread(import_module, "frontdesk.app.process"))
        try:
            server = await postgres.resolve(settings.home, url=settings.database_url, on_progress=say)
        except BaseException:
            await asyncio.wait([reading])
            raise
        try:
            process = await reading
            await process.run(settings, server, web=web, worker=worker, say=say, ready=ready, settled=settled)
        finally:
            await asyncio.to_thread(server.stop)


@contextmanager
def _undisturbed() -> Iterator[Callable[[], None]]:
    """The collector waits until everything is in place, and then passes over it: a fifth of the time that reading the
    program takes would be spent on searching for what is garbage in it, and nothing is."""

    def settled() -> None:
        gc.freeze()
        gc.enable()

    gc.disable()
    try:
        yield settled
    finally:
        gc.enable()
