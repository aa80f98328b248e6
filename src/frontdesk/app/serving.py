"""The web part of a process: a socket, given or opened, and answers to everybody who came, until somebody says stop.

A socket that is given (systemd's protocol, sd_listen_fds(3)) outlives the process: whoever connects between two
processes, or while both run, waits in its queue for the next one that is ready, and nobody is turned away. A port of
our own is closed with the process. Two sockets on one port (SO_REUSEPORT) would not do: Linux resets what waits in the
queue of the one that is closed.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from frontdesk.kit.settings import Settings

ANSWERING = 10.0  # seconds that requests under way may take after the stop
LEAVING = 2.0  # seconds in which connections that are kept open get their last answer, which says that it is that
FIRST_GIVEN = 3  # SD_LISTEN_FDS_START
QUEUE = 2048  # connections that may wait to be accepted
_CLOSE = (b"connection", b"close")


def given() -> list[socket.socket]:
    """The listening sockets that whoever started this process opened for it."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = int(os.environ.get("LISTEN_FDS", "0"))
    return [socket.socket(fileno=number) for number in range(FIRST_GIVEN, FIRST_GIVEN + count)]


def opened(settings: Settings) -> socket.socket:
    """The port that the settings name. Ends the process with a sentence when it is taken."""
    return bound(settings.host, settings.port, "FRONTDESK_PORT")


def bound(host: str, port: int, setting: str) -> socket.socket:
    """A port that ``setting`` names. Ends the process with a sentence when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named: asyncio turns Nagle's algorithm off only then, which costs 40 ms an answer otherwise.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise SystemExit(f"Port {port} on {host} is taken ({error.strerror}). Set {setting} to another one.") from error
    return made


async def serve(app: Any, sockets: list[socket.socket], stop: asyncio.Event) -> None:
    """Answer until ``stop``; then the requests that are under way, and nobody new."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=int(ANSWERING - LEAVING),
        proxy_headers=False,
        server_header=False,
        date_header=True,
        h11_max_incomplete_event_size=64 * 1024,
        backlog=QUEUE,
    )
    server = _Server(config)

    async def end() -> None:
        await stop.wait()
        await server.leave()
        server.should_exit = True

    ending = asyncio.create_task(end())
    try:
        await server.serve(sockets)
    finally:
        ending.cancel()


class _Server(uvicorn.Server):
    """Uvicorn without its own signal handling: one stop for all parts."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ours are installed."""
        yield

    async def leave(self) -> None:
        """Accept nobody, and end each open connection with its next answer.

        A connection that is closed just as a request arrives on it leaves the caller without an answer, so that is done
        at once to none, and after :data:`LEAVING` only to those on which nothing came.
        """
        for server in self.servers:
            server.close()
        self.config.encoded_headers.append(_CLOSE)  # of all answers from the next second on
        self.server_state.default_headers.append(_CLOSE)  # of those that come earlier
        deadline = asyncio.get_running_loop().time() + LEAVING
        while self.server_state.connections and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
