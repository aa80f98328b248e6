"""The database that a process talks to: the embedded one that it supervises, or somebody else's by DATABASE_URL."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import asyncpg
import structlog

from frontdesk.kit.disk import Ballast
from frontdesk.kit.losses import AWAY
from frontdesk.kit.postgres import cluster, ground
from frontdesk.kit.postgres.binaries import OLDEST_MAJOR, Binaries
from frontdesk.kit.postgres.cluster import APP, DATABASE, OWNER
from frontdesk.kit.postgres.errors import FailedToStart, PostgresError, Unsuitable
from frontdesk.kit.postgres.ground import Ground, Say

LONGEST_PAUSE = 30.0  # seconds between attempts to start a database that does not start

log = structlog.get_logger()

MAY_CREATE = """
SELECT has_database_privilege(current_database(), 'CREATE')
   AND coalesce(has_schema_privilege(to_regnamespace('public')::oid, 'CREATE'), false)
"""


def _silently(_: str) -> None:
    pass


class Server:
    """How to reach a database. ``connect_args`` and ``owner_connect_args`` are keywords of ``asyncpg.connect``.

    The owner migrates; the application connects as a role that row-level security binds. ``app_role`` is the role that
    such connections take on after they connected, where that is not the user who connects. Stopping a server that
    somebody else runs does nothing.
    """

    data: Path | None = None  # its folder, where it is ours

    def __init__(self, dsn: str, owner_dsn: str, *, app_role: str | None = None) -> None:
        self.dsn = dsn
        self.owner_dsn = owner_dsn
        self.app_role = app_role

    @property
    def connect_args(self) -> dict[str, Any]:
        role = {"server_settings": {"role": self.app_role}} if self.app_role else {}
        return {"dsn": self.dsn, **role}

    @property
    def owner_connect_args(self) -> dict[str, Any]:
        return {"dsn": self.owner_dsn}

    def stop(self) -> None:
        """Stop it, if it is ours; may take as long as the database's last checkpoint."""

    def alive(self) -> bool:
        """Whether its process runs, as far as this process can know."""
        return True

    def revive(self) -> bool:
        """Start it again if it is ours and died; says whether that was needed."""
        return False

    async def keep_alive(self, every: float = 1.0, *, ballast: Ballast | None = None) -> None:
        """Look after it until cancelled: a database that was killed comes back within about ``every`` seconds.

        One that does not start (its disk is full) is tried again and again, with pauses that grow to half a minute.
        """
        pause = every
        while True:
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            try:
                if self.alive():
                    pause = every
                    if ballast is not None:
                        await asyncio.to_thread(ballast.lay)
                    continue
                if ballast is not None and await asyncio.to_thread(ballast.drop):
                    log.warning("the disk is full: the database gets the room that was held back for its start")
                await asyncio.to_thread(self.revive)
            except Exception as error:  # whatever it is: without this a database that dies stays dead
                told = isinstance(error, (PostgresError, OSError))
                log.error(
                    "the database does not start, and is tried again",
                    error=str(error) if told else repr(error), pause=pause, exc_info=None if told else error,
                )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)


class OnSocket(Server):
    """The embedded database as its socket folder shows it: to the process that runs it, and to every other one."""

    def __init__(self, sockets: Path) -> None:
        self.sockets = sockets
        super().__init__(self._dsn(APP), self._dsn(OWNER))

    @property
    def connect_args(self) -> dict[str, Any]:
        return {"host": str(self.sockets), "user": APP, "database": DATABASE}

    @property
    def owner_connect_args(self) -> dict[str, Any]:
        return {"host": str(self.sockets), "user": OWNER, "database": DATABASE}

    def _dsn(self, user: str) -> str:
        return f"postgresql://{user}@/{DATABASE}?host={quote(str(self.sockets), safe='')}"


class Embedded(OnSocket):
    """The database that this process started and stops. Made by :func:`start`."""

    def __init__(self, place: Ground, binaries: Binaries, locks: list[int], say: Say) -> None:
        super().__init__(place.sockets)
        self.data: Path = place.data
        self.log = place.log
        self.binaries = binaries.folder
        self._place, self._binaries, self._locks, self._say = place, binaries, locks, say
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = cluster.launch(place, binaries, say)

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, or nothing once it was stopped."""
        return self._process.pid if self._process else None

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def revive(self) -> bool:
        with self._turn:
            if self._process is None or self._process.poll() is None:
                return False
            self._say("The database ended unexpectedly; starting it again.")
            self._process = cluster.launch(self._place, self._binaries, self._say)
            self._place.record(self._process.pid)
            return True

    def stop(self) -> None:
        with self._turn:
            process, self._process = self._process, None
            if process is not None and process.poll() is None:
                cluster.stop(process.pid, lambda seconds: _ended(process, seconds))
            while self._locks:
                os.close(self._locks.pop())


def start(home: Path, *, on_progress: Say = _silently, settings: Mapping[str, str] | None = None) -> Server:
    """Start the embedded database of this home, making it first where there is none.

    Blocks until it takes connections; a long recovery is reported to ``on_progress`` and waited for. ``settings`` are
    added to PostgreSQL's for this start. Raises :class:`PostgresError` with a sentence for people.
    """
    home = _home(home)
    locks = [ground.hold(home, home)]
    try:
        place = ground.survey(home, on_progress)
        if place.data.parent != home:
            locks.append(ground.hold(home, place.data.parent))  # a copied home still points at the same data
        binaries = place.reachable(cluster.binaries_for(place.data), on_progress)
        cluster.stop_orphan(place.data, on_progress)
        if not place.data.exists():
            on_progress(f"Making a new database in {place.data}.")
            cluster.create(place, binaries)
        cluster.configure(place, settings or {})
        server = Embedded(place, binaries, locks, on_progress)
    except BaseException:
        for lock in locks:
            os.close(lock)
        raise
    try:
        cluster.provision(place, binaries)
        place.record(server.pid or 0)
    except BaseException:
        server.stop()
        raise
    return server


def attach(home: Path) -> Server | None:
    """The embedded database that another process of this installation runs and has made ready, or nothing."""
    home = home.expanduser().resolve()
    if not ground.is_held(home):
        return None
    data = ground.data_of(home)
    pid = cluster.postmaster_of(data)
    ready = pid is not None and pid == ground.recorded(home).get("pid")  # noted once roles and database are there
    sockets = cluster.sockets_of(data) if ready else None
    return OnSocket(sockets) if sockets else None


async def resolve(home: Path, *, url: str | None = None, on_progress: Say = _silently) -> Server:
    """The database to use: ``url`` or DATABASE_URL where given, otherwise the embedded one of this home, started."""
    url = url or os.environ.get("DATABASE_URL")
    return await _external(url) if url else await asyncio.to_thread(start, home, on_progress=on_progress)


async def _external(url: str) -> Server:
    """A server that somebody else runs. Its user must not stand above row-level security; where it does, the
    application takes on a role that does not."""
    try:
        connection = await asyncpg.connect(url, timeout=30)
    except (*AWAY, TimeoutError, ValueError) as error:
        raise Unsuitable(f"The database that DATABASE_URL names cannot be reached: {error or 'no answer'}.") from error
    try:
        number = int(await connection.fetchval("SHOW server_version_num"))
        if number < OLDEST_MAJOR * 10_000:
            raise Unsuitable(
                f"DATABASE_URL names PostgreSQL {number // 10_000}; Frontdesk needs {OLDEST_MAJOR} or newer."
            )
        if not await connection.fetchval(MAY_CREATE):
            raise Unsuitable(
                "The user in DATABASE_URL may not create anything in that database. Make it the owner: "
                "ALTER DATABASE … OWNER TO …"
            )
        above = await connection.fetchval("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        if above:
            await _make_role(connection)
    finally:
        await connection.close()
    return Server(url, url, app_role=APP if above else None)


async def _make_role(connection: asyncpg.Connection[Any]) -> None:
    """Have ``frontdesk_app`` on a server where the given user is above row-level security."""
    try:
        if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", APP):
            await connection.execute(f"CREATE ROLE {APP} NOLOGIN NOSUPERUSER NOBYPASSRLS")
        await connection.execute(f"GRANT {APP} TO CURRENT_USER")
        for statement in cluster.default_rights(APP):
            await connection.execute(statement)
    except asyncpg.InsufficientPrivilegeError as error:
        raise Unsuitable(
            f"The user in DATABASE_URL passes over row-level security and may not make the role {APP} ({error}). "
            "Use an ordinary user that owns the database."
        ) from error
    except asyncpg.UniqueViolationError:
        await _make_role(connection)  # two processes started at once


def _home(home: Path) -> Path:
    home = home.expanduser().resolve()
    try:
        ground.make_folder(home, 0o711 if os.geteuid() == 0 else 0o700)
    except OSError as error:
        raise FailedToStart(f"The folder {home} cannot be made: {error.strerror}. Set FRONTDESK_HOME.") from error
    if not os.access(home, os.W_OK | os.X_OK):
        raise FailedToStart(f"Frontdesk may not write in {home}. Set FRONTDESK_HOME to a folder of your own.")
    return home


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True
