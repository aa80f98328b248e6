"""``python -m frontdesk_sim``: run the simulator on loopback until SIGTERM, SIGINT, or the end of the parent."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import uvicorn

from .app import create_app
from .customers import default_desk, furnish
from .mail.certificate import tls_context
from .mail.imap.server import serve as serve_imap
from .mail.submission import serve as serve_smtp
from .wire import DroppableProtocol
from .world import World

LOOPBACK = "127.0.0.1"


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="frontdesk-sim", description="Simulated providers for Frontdesk: texts, mail, customers."
    )
    parser.add_argument("--port", type=int, default=8025, help="HTTP: Twilio's API, control API, pages (0: any)")
    parser.add_argument("--smtp-port", type=int, default=0, help="SMTP submission (0: any)")
    parser.add_argument("--imap-port", type=int, default=0, help="IMAP (0: any)")
    parser.add_argument("--home", type=Path, default=Path("var/sim"), help="where the state is kept (default: var/sim)")
    parser.add_argument(
        "--frontdesk", default="", metavar="URL", help="address of the desk, for the shop's chat widget"
    )
    parser.add_argument("--tls", action="store_true", help="offer STARTTLS on SMTP and speak TLS on IMAP (self-signed)")
    parser.add_argument("--with-parent", action="store_true", help="stop when standard input ends")
    return parser.parse_args(argv)


class _Web(uvicorn.Server):
    """Signals are ours: one handler stops web, SMTP and IMAP together."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run(options: argparse.Namespace) -> None:
    """Serve until told to stop. Prints one JSON line with all addresses and credentials when every port accepts."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if options.with_parent:
        threading.Thread(target=_wait_for_parent, args=(loop, stop), daemon=True).start()
    async with serving(options) as world:
        print(json.dumps({"http": world.base_url, **world.mail, **default_desk(world)}), flush=True)
        await stop.wait()


@contextlib.asynccontextmanager
async def serving(options: argparse.Namespace) -> AsyncIterator[World]:
    """All servers, started; stopped on the way out."""
    world = World.open(options.home)
    furnish(world)
    if options.frontdesk:
        world.set("frontdesk_url", options.frontdesk.rstrip("/"))
    listener = _listen(options.port)
    world.base_url = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
    tls = tls_context(options.home) if options.tls else None
    smtp = await serve_smtp(world, options.smtp_port, tls=tls)
    imap = await serve_imap(world, options.imap_port, tls=tls)
    world.mail = {
        "smtp": {"host": LOOPBACK, "port": smtp.sockets[0].getsockname()[1], "security": "starttls" if tls else "none"},
        "imap": {"host": LOOPBACK, "port": imap.sockets[0].getsockname()[1], "security": "tls" if tls else "none"},
    }
    config = uvicorn.Config(
        create_app(world),
        http=DroppableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    web = _Web(config)
    serving_web = asyncio.create_task(web.serve(sockets=[listener]))
    agenda = asyncio.create_task(world.agenda.run())
    try:
        while not web.started:
            if serving_web.done():
                serving_web.result()
            await asyncio.sleep(0.01)
        yield world
    finally:
        smtp.close()
        imap.close()
        web.should_exit = True
        agenda.cancel()
        await asyncio.gather(serving_web, agenda, return_exceptions=True)
        await world.close()


def _listen(port: int) -> socket.socket:
    """The protocol is named because asyncio sets TCP_NODELAY only where it is; without, answers take 40 ms."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError:
        listener.close()
        raise
    return listener


def _wait_for_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    while os.read(0, 4096):  # not sys.stdin: its lock, held by this thread, would make the interpreter abort at exit
        pass
    with contextlib.suppress(RuntimeError):  # the loop ended first
        loop.call_soon_threadsafe(stop.set)


def main() -> None:
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="frontdesk-sim: %(levelname)s %(message)s")
    try:
        asyncio.run(run(arguments()))
    except OSError as error:  # a port that is taken, a folder that cannot be written
        sys.exit(f"frontdesk-sim: {error}")


if __name__ == "__main__":
    main()
