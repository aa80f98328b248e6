"""Where benchmarks run: the embedded PostgreSQL as the product starts it, and the product's own processes on it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from frontdesk.app.migrate import migrate
from frontdesk.app.process import key_file
from frontdesk.inboxes import actions as inboxes
from frontdesk.kit import postgres
from frontdesk.kit.context import Resources
from frontdesk.kit.files import open_store
from frontdesk.kit.postgres.cluster import DATABASE
from frontdesk.kit.secrets import Vault
from frontdesk.kit.settings import Settings
from frontdesk.kit.transaction import Database
from frontdesk.people import actions as people
from frontdesk.people.rules import PERMISSIONS

ROOT = Path(__file__).parents[1]
TEMPLATE = "bench_template"
EMAIL, PASSWORD = "robin@example.org", "correct horse battery"  # the owner of an office's workspace
READY_SECONDS = 60.0
SMS = {"provider": "twilio", "number": "+12025550100", "account_sid": "AC" + "0" * 32, "auth_token": "0" * 32}
T = TypeVar("T")


class Place:
    """One run's PostgreSQL, with fsync on a disk. ``quick``: only to see that everything still runs, in memory."""

    def __init__(self, *, quick: bool = False) -> None:
        self.quick = quick
        memory = Path("/dev/shm")
        folder = memory if quick and os.access(memory, os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(prefix="frontdesk-bench-", dir=folder))
        self.folder.chmod(0o755)
        self._offices: list[Office] = []
        self._server: Any = None

    def size(self, full: T, *, quick: T) -> T:
        """``full``, or ``quick`` when nobody looks at the figures."""
        return quick if self.quick else full

    @property
    def pid(self) -> int:
        """PostgreSQL's first process; the others are its children."""
        return int(self._server.pid)

    async def open(self) -> None:
        self._server = await asyncio.to_thread(postgres.start, self.folder / "postgres")
        await self._admin(f"create database {TEMPLATE}")
        await migrate({**self._server.owner_connect_args, "database": TEMPLATE})

    async def office(self) -> Office:
        """A fresh migrated database with one workspace, its owner and an SMS inbox."""
        name = f"office_{len(self._offices) + 1}"
        await self._admin(f"create database {name} template {TEMPLATE}")
        app, owner = self._server.connect_args, self._server.owner_connect_args
        url = self._server.owner_dsn.replace(f"/{DATABASE}?", f"/{name}?")
        home = self.folder / name
        home.mkdir(mode=0o755)
        office = Office(home, {**app, "database": name}, {**owner, "database": name}, url)
        self._offices.append(office)
        await office.furnish()
        return office

    async def settle(self, office: Office | None = None) -> None:
        """Write everything to its place on the disk, so that nobody pays for what came before; and have the planner
        know an office's tables, as PostgreSQL does by itself a while after they were filled."""
        await self._admin("checkpoint")
        if office:
            await self._admin("analyze", office.connect_args["database"])

    async def leave(self) -> None:
        """Stop the processes of all offices and drop their databases: between two benchmarks."""
        for office in self._offices:
            await office.close()
            await self._admin(f"drop database if exists {office.connect_args['database']} with (force)")

    async def close(self) -> None:
        try:
            for office in self._offices:
                await office.close()
        finally:
            if self._server is not None:
                await asyncio.to_thread(self._server.stop)
            shutil.rmtree(self.folder, ignore_errors=True)

    async def _admin(self, statement: str, database: str = "postgres") -> None:
        connection = await asyncpg.connect(**{**self._server.owner_connect_args, "database": database})
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


class Office:
    """One database with a workspace in it, and the processes that serve it.

    ``connect_args`` and ``owner_connect_args`` are keywords of ``asyncpg.connect`` (the first as the application's
    role, which row-level security binds); ``database_url`` is what the processes are given.
    """

    def __init__(self, home: Path, app: dict[str, Any], owner: dict[str, Any], database_url: str) -> None:
        self.home, self.connect_args, self.owner_connect_args, self.database_url = home, app, owner, database_url
        self.port = free_port()
        self.settings = Settings(home=home, database_url=database_url, port=self.port, url=self.url)
        self.workspace_id = self.inbox_id = 0
        self.hook_url = ""
        self.token = ""  # for ``Authorization: Bearer``; may do everything
        self._processes: list[Process] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def resources(self) -> AsyncIterator[Resources]:
        """What the product's functions need, in this process and on this office's database."""
        db = await Database.open(self.connect_args, size=self.settings.pool)
        try:
            vault = Vault.open(key_file(self.settings))
            yield Resources(settings=self.settings, db=db, vault=vault, files=open_store(self.home / "files"))
        finally:
            await db.close()

    async def furnish(self) -> None:
        async with self.resources() as resources:
            await people.first_run(
                resources.db, workspace="Bench", name="Robin", email=EMAIL, password=PASSWORD, timezone="UTC",
                ip=None, agent="bench",
            )  # fmt: skip
            async with resources.db.across() as tx:
                owner = await tx.fetchrow("select id, workspace_id from users")
            if owner is None:
                raise RuntimeError("the first run made no user")
            self.workspace_id = owner["workspace_id"]
            async with resources.db.begin(self.workspace_id) as tx:
                inbox = await inboxes.create(tx, resources.vault, channel="sms", name="SMS", settings=SMS, by=None)
                scopes = sorted(PERMISSIONS["owner"])
                _, self.token = await people.create_token(
                    tx, user_id=owner["id"], name="bench", scopes=scopes, expires_at=None
                )
            self.inbox_id, self.hook_url = inbox["id"], f"{self.url}/hooks/{inbox['public_key']}"

    async def start(self, part: str, **environ: str) -> Process:
        """``frontdesk web``, ``worker`` or ``run`` as a process; returns once it is ready."""
        process = await start_frontdesk(
            part, self.home, self.port if part != "worker" else None, DATABASE_URL=self.database_url, **environ
        )
        self._processes.append(process)
        return process

    async def serve(self, kind: str, *arguments: str) -> tuple[Process, str]:
        """One of ``bench/servers.py`` on a port of its own; returns it and its address."""
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        program = ["-m", "bench.servers", kind, *arguments]
        process = await _started(program, self.home, port, DATABASE_URL=self.database_url, FRONTDESK_URL=url)
        self._processes.append(process)
        return process, url

    async def close(self) -> None:
        while self._processes:
            await self._processes.pop().stop()


class Process:
    """A running ``frontdesk``, with its children."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self.log = log

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.returncode is not None

    async def stop(self) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), 30)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


async def start_frontdesk(part: str, home: Path, port: int | None, **environ: str) -> Process:
    """A process of the product in ``home``; returns once ``/readyz`` answers 200 (a worker, at once).

    Without DATABASE_URL in ``environ`` it brings its own PostgreSQL. Raises OSError with the end of its log.
    """
    return await _started(["-m", "frontdesk.app.cli", part], home, port, **environ)


async def _started(program: list[str], home: Path, port: int | None, **environ: str) -> Process:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("FRONTDESK_", "DATABASE_URL"))}
    ours |= {"FRONTDESK_HOME": str(home), "FRONTDESK_PORT": str(port or 1), **environ}
    ours.pop("PYTHONDONTWRITEBYTECODE", None)  # installed, it is compiled
    ours |= {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "src")))}
    log = home.with_name(f"{home.name}.{port or 'worker'}.log")
    with log.open("ab") as file:
        made = await asyncio.create_subprocess_exec(
            sys.executable, *program, env=ours, stdout=file, stderr=file, start_new_session=True
        )
    process = Process(made, log)
    ends = time.monotonic() + READY_SECONDS
    try:
        while port is not None and not await _ready(port):
            if process.ended or time.monotonic() > ends:
                raise OSError(f"{' '.join(program)} did not become ready:\n{log.read_text()[-2000:]}")
            await asyncio.sleep(0.01)
    except BaseException:
        await process.stop()
        raise
    return process


async def _ready(port: int) -> bool:
    """One plain ``GET /readyz``: a client library would cost the processor that the starting process needs."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
        return (await asyncio.wait_for(reader.readline(), 10)).split()[1:2] == [b"200"]
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
