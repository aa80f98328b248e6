"""What every test may ask for: a real PostgreSQL, a workspace in it, and the real application on top.

``db`` undoes everything after the test (one connection, one outer transaction, savepoints inside). A test that needs
real commits, several connections or notifications also asks for ``live_db``: then ``db``, and all that is built on it,
really commits, and every workspace is gone afterwards.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from litestar import Litestar

from database import server  # noqa: F401  (a fixture)
from frontdesk import channels
from frontdesk.app.migrate import migrate
from frontdesk.channels.port import Channel
from frontdesk.kit.context import Actor, Resources
from frontdesk.kit.fetch import open_networks
from frontdesk.kit.files import open_store
from frontdesk.kit.postgres import Server
from frontdesk.kit.secrets import Vault
from frontdesk.kit.settings import Settings
from frontdesk.kit.transaction import Database, Row, Tx, prepare
from frontdesk.people.actions import ATTEMPTS
from frontdesk.people.rules import PERMISSIONS

PASSWORD = "correct horse battery"
SEES_ALL = Actor(workspace_id=0, user_id=0, name="", role="owner", permissions=frozenset())  # whoever may read anything
DRIVERS = ("channels", "vendors", "peers")  # folders whose tests play the other side, on this machine
_CREATING = 7_305_002  # advisory: CREATE DATABASE copies a template that only one may use at a time


class OneConnection:
    """Stands where the pool stands and lends its only connection to one borrower at a time."""

    def __init__(self, connection: asyncpg.Connection[Row]) -> None:
        self._connection = connection
        self._turn = asyncio.Lock()
        self._borrower: asyncio.Task[Any] | None = None

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[asyncpg.Connection[Row]]:
        if self._borrower is asyncio.current_task():
            raise RuntimeError("a second transaction inside a first one: in production this holds two connections")
        async with self._turn:
            self._borrower = asyncio.current_task()
            try:
                yield self._connection
            finally:
                self._borrower = None

    async def close(self) -> None:
        """The fixture closes it."""


@pytest.fixture(scope="session")
async def place(server: Server) -> tuple[dict[str, Any], dict[str, Any]]:  # noqa: F811
    """``asyncpg.connect`` arguments (application, owner) of this worker's own migrated database."""
    name = f"frontdesk_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    guard = await asyncpg.connect(**server.owner_connect_args)
    try:
        await guard.execute("select pg_advisory_lock($1)", _CREATING)
        await guard.execute(f"drop database if exists {name} with (force)")
        await guard.execute(f"create database {name}")
    finally:
        await guard.close()
    owner = {**server.owner_connect_args, "database": name}
    await migrate(owner)
    return {**server.connect_args, "database": name}, owner


@pytest.fixture
async def db(request: pytest.FixtureRequest, place: tuple[dict[str, Any], dict[str, Any]]) -> AsyncIterator[Database]:
    app, owner = place
    if "live_db" in request.fixturenames:
        opened = await Database.open(app, size=16)
        try:
            yield opened
        finally:
            await opened.close()
            await _empty(owner)
        return
    connection = await asyncpg.connect(**app)
    try:
        await prepare(connection)
        outer = connection.transaction()
        await outer.start()
        yield Database(OneConnection(connection))  # type: ignore[arg-type]
        await outer.rollback()
    finally:
        await connection.close()


@pytest.fixture
async def live_db(db: Database) -> Database:
    return db


async def _empty(owner: dict[str, Any]) -> None:
    """Every table of a workspace hangs on ``workspaces``; the queue of jobs does not."""
    connection = await asyncpg.connect(**owner)
    try:
        queues = await connection.fetch(
            "select format('jobs.%I', tablename) as name from pg_tables where schemaname = 'jobs'"
        )
        await connection.execute(f"truncate {', '.join(['workspaces', *(row['name'] for row in queues)])} cascade")
    finally:
        await connection.close()


@pytest.fixture
async def workspace(db: Database) -> int:
    async with db.across() as tx:
        made: int = await tx.fetchval("insert into workspaces (name) values ('Harbour Dental') returning id")
    return made


@pytest.fixture
async def other_workspace(db: Database) -> int:
    async with db.across() as tx:
        made: int = await tx.fetchval("insert into workspaces (name) values ('Hill Garage') returning id")
    return made


async def add_user(
    db: Database, workspace_id: int, *, role: str = "owner", email: str = "", name: str = "Robin"
) -> Actor:
    """A user without a password, as the actor that they are when signed in."""
    async with db.begin(workspace_id) as tx:
        user_id = await tx.fetchval(
            "insert into users (workspace_id, email, name, role) values ($1, $2, $3, $4) returning id",
            workspace_id, email or f"{role}@example.org", name, role,
        )  # fmt: skip
    return Actor(workspace_id=workspace_id, user_id=user_id, name=name, role=role, permissions=PERMISSIONS[role])


async def until_somebody_waits(tx: Tx) -> None:
    """Until another transaction waits for a lock that this one holds; at most a minute."""
    async with asyncio.timeout(60):
        waiting = "select count(*) from pg_locks where pg_backend_pid() = any(pg_blocking_pids(pid))"
        while not await tx.fetchval(waiting):
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def forgiven() -> None:
    """Attempts to sign in are counted for the whole process; each test starts with none."""
    ATTEMPTS.clear()


@pytest.fixture(autouse=True)
def operator_opened(request: pytest.FixtureRequest) -> Iterator[None]:
    """What FRONTDESK_ALLOW_PRIVATE would say: loopback where drivers are tried, elsewhere nothing, as by default."""
    folder = request.path.relative_to(Path(__file__).parent).parts[0]
    open_networks([IPv4Network("127.0.0.0/8")] if folder in DRIVERS else ())
    yield
    open_networks(())


@pytest.fixture
async def owner(db: Database, workspace: int) -> Actor:
    return await add_user(db, workspace)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.open(tmp_path / "secrets.key")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, url="http://testserver.local")


@pytest.fixture
def resources(settings: Settings, db: Database, vault: Vault, tmp_path: Path) -> Resources:
    return Resources(settings=settings, db=db, vault=vault, files=open_store(tmp_path / "files"))


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch) -> Iterator[Channel]:
    """A channel of the tests' own, found as every channel is found: as a folder. The only one while a test runs."""
    monkeypatch.setattr(channels, "__path__", [str(Path(__file__).parent / "inboxes" / "planted")])
    channels.all_channels.cache_clear()
    yield channels.channel("paper")
    channels.all_channels.cache_clear()


@pytest.fixture
async def client(request: pytest.FixtureRequest, resources: Resources) -> AsyncIterator[httpx.AsyncClient]:
    """The real application, signed in as nobody. Live events flow only with ``live_db``: they need commits."""
    from frontdesk.app import http
    from frontdesk.realtime.queries.hub import Hub

    live = "live_db" in request.fixturenames
    hub = None if live else Hub(resources, lambda: resources.db.pool.acquire())  # type: ignore[arg-type, return-value]
    app = http.create(resources, hub=hub)
    transport = httpx.ASGITransport(app, client=("192.0.2.7", 51000))
    async with running(app), httpx.AsyncClient(transport=transport, base_url=resources.settings.url) as opened:
        yield opened


@asynccontextmanager
async def running(app: Litestar) -> AsyncIterator[None]:
    """The application's lifespan in a task of its own: it must end in the task in which it began, fixtures do not."""
    begun, stop = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        async with app.lifespan():
            begun.set()
            await stop.wait()

    task, waiting = asyncio.create_task(run()), asyncio.create_task(begun.wait())
    await asyncio.wait([waiting, task], return_when=asyncio.FIRST_COMPLETED)
    try:
        waiting.cancel()
        yield
    finally:
        stop.set()
        await task


@pytest.fixture
async def signed_in(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """The same, after setting up: Ana owns the workspace, and every request carries her cookie and CSRF token."""
    new = {"workspace": "Harbour Dental", "name": "Ana", "email": "ana@example.org", "password": PASSWORD}
    answer = await client.post("/api/v1/setup", json={**new, "timezone": "Europe/Athens"})
    assert answer.status_code == 201, answer.text
    client.headers["X-CSRF-Token"] = answer.json()["csrf"]
    return client
