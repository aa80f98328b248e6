"""Web and worker in a process that a test can have killed at any point, again and again.

The process reads commands, one JSON object a line, and forks a child for each: imports are paid for once, and the
listening socket stays open between children, as behind a supervisor. It says when a child is ready and when it ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import asyncpg
import uvicorn
from litestar import Litestar

from conversations.pretend import Pretend, Searchable, line
from frontdesk import channels
from frontdesk.app import http, starting, worker
from frontdesk.app.intake import Intake
from frontdesk.channels.port import Account, Outbound, Sent
from frontdesk.conversations.handlers.under_way import UnderWay
from frontdesk.kit import crash
from frontdesk.kit.context import Resources
from frontdesk.kit.files import open_store
from frontdesk.kit.secrets import Vault
from frontdesk.kit.settings import Settings
from frontdesk.kit.transaction import Database
from frontdesk.realtime.queries.hub import Hub

LEASE = 1.0  # seconds


class Provider(Pretend):
    """Its truth is a file: one line for each message that it ever took."""

    def __init__(self, truth: Path) -> None:
        super().__init__("phone")
        self.truth = truth

    async def send(self, message: Outbound, account: Account) -> Sent:
        with self.truth.open("a") as file:
            file.write(f"{message.key}\n")
        return Sent(external_id=f"out-{message.key}")


class Listed(Provider, Searchable):
    """… and it can be asked."""

    def __init__(self, truth: Path) -> None:
        Provider.__init__(self, truth)

    async def look_up(self, message: Outbound, account: Account) -> Sent | None:
        took = self.truth.exists() and message.key in self.truth.read_text().split()
        return Sent(external_id=f"out-{message.key}") if took else None


def prepared(given: dict[str, Any]) -> tuple[Resources, Hub, Litestar]:
    """Everything that does not need a connection."""

    async def connect() -> Any:
        return await asyncpg.connect(**given["database"])

    home = Path(given["home"])
    settings = Settings(home=home, url=given["url"], lease=LEASE, send_timeout=LEASE / 2, uncertain_after=0.5, pool=8)
    files, vault = open_store(home / "files"), Vault.open(home / "secrets.key")
    resources = Resources(settings=settings, db=Database(None), vault=vault, files=files)  # type: ignore[arg-type]
    hub = Hub(resources, connect)
    return resources, hub, http.create(resources, hub=hub, intake=Intake(resources.db))


async def child(given: dict[str, Any], resources: Resources, hub: Hub, app: Litestar, listening: socket.socket) -> None:
    """Until killed: the real application and the real loops of the worker, and nothing that only time would wake."""
    resources.db.pool = (await Database.open(given["database"], size=resources.settings.pool)).pool
    stop, bell = asyncio.Event(), hub.bell()
    under_way = UnderWay(bell.set)
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none")
    loops = (
        worker._whenever(hub.bell(), stop, "ingest", lambda: worker._ingest(resources)),
        worker._whenever(bell, stop, "dispatch", lambda: worker._dispatch(resources, under_way)),
    )
    say(f"ready {os.getpid()}")
    await asyncio.gather(hub.run(stop), *loops, uvicorn.Server(config)._serve([listening]))


def say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def main() -> None:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    say(str(listening.getsockname()[1]))
    starting.set_up_logging()
    given = json.loads(sys.stdin.readline())
    resources, hub, app = prepared(given)
    for text in sys.stdin:
        command = json.loads(text)
        pid = os.fork()
        if pid == 0:
            os.environ["CRASH_ARM_FILE"] = command["arm"]
            crash._left, crash._only, crash._armed = command["at"], command["only"], False
            made = line((Listed if command["listed"] else Provider)(Path(given["home"]) / "truth"))
            channels.all_channels = {made.name: made}.copy  # type: ignore[assignment]
            asyncio.run(child(given, resources, hub, app, listening))
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        say(f"ended {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    main()
