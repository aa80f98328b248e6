"""A backup outlives the version that made it; and a version works beside a newer one, its backups included."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from faults.gateway import Gateway
from faults.previous import previous_code, previous_revision
from faults.processes import Desk, running
from faults.test_faults_versions import bring_to, story
from frontdesk.app import migrate
from frontdesk.app.backup import backup, opened
from frontdesk.app.doctor import examine
from frontdesk.app.restore import restore
from frontdesk.app.verify import verify
from frontdesk.kit import postgres
from frontdesk.kit.errors import Refused
from frontdesk.kit.settings import Settings
from frontdesk.kit.tables import metadata
from frontdesk.kit.transaction import Database
from peers.mail.peers import free_ports


async def wrong(database: str) -> list[str]:
    db = await Database.open({"dsn": database}, size=2)
    try:
        return [one.check async for one in verify(db) if not one.ok]
    finally:
        await db.close()


@pytest.mark.slow
async def test_a_backup_of_the_version_before_becomes_a_database_of_this_one(
    database: str, home: Path, tmp_path: Path, gateway: Gateway
) -> None:
    """Made by that version's own code, of what it wrote itself; restored at its revision, then migrated."""
    (port,) = free_ports(1)
    code, archive = previous_code(tmp_path / "previous"), tmp_path / "old.zip"
    old = {"code": code, "DATABASE_URL": database, "FRONTDESK_PORT": str(port)}
    async with Desk(f"http://127.0.0.1:{port}") as desk:
        async with running("run", home, **old) as process:
            await desk.until_ready(process)
            await desk.set_up(gateway.url)
            await story(desk, gateway, "before")
    around = {**os.environ, "PYTHONPATH": str(code), "DATABASE_URL": database, "FRONTDESK_HOME": str(home)}
    command = [sys.executable, "-m", "frontdesk.app.cli", "backup", str(archive)]
    subprocess.run(command, env=around, check=True, capture_output=True)
    with opened(archive) as (_, manifest):
        assert manifest.revision == previous_revision()
    await restore(Settings(home=home), {"dsn": database}, archive, replace=True, say=lambda _: None)
    connection = await asyncpg.connect(database)
    try:
        assert await migrate.revision(connection) == migrate.newest()
        assert await connection.fetch("select text from messages order by id") == [("before?",), ("before!",)]
    finally:
        await connection.close()
    assert await wrong(database) == []


async def test_beside_a_newer_version_it_is_backed_up_and_looked_after(
    database: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables and columns that only the newer one knows are in the backup, which only the newer one restores."""
    archive, owner, settings = tmp_path / "b.zip", {"dsn": database}, Settings(home=home, database_url=database)
    home.mkdir()
    await postgres.resolve(Path(), url=database)
    await migrate.migrate(owner)
    connection = await asyncpg.connect(database)
    try:
        await connection.execute(
            """insert into workspaces (name) values ('W'); create table novelties (workspace_id bigint, said text);
            insert into novelties select id, 'new' from workspaces; alter table contacts add column novel text;
            insert into contacts (workspace_id, name, novel) select id, 'Ana', 'words' from workspaces;
            insert into audit (workspace_id, at, action) select id, now(), 'test.done' from workspaces;
            grant all on novelties to frontdesk_app; update alembic_version set version_num = '9999'"""
        )
    finally:
        await connection.close()
    monkeypatch.delitem(metadata.tables["audit_heads"].info, "shadow")  # as one that does not know it at all
    manifest = await backup(settings, owner, archive, with_key=False, say=lambda _: None)
    monkeypatch.undo()
    assert (manifest.revision, manifest.rows("novelties"), manifest.rows("audit_heads")) == ("9999", 1, 1)
    (contacts,) = [one for one in manifest.tables if one.name == "public.contacts"]
    assert "novel" in contacts.columns
    schema = {one.check: one async for one in examine(settings)}["schema"]
    assert (schema.state, "newer version" in schema.sentence) == ("ok", True)
    with pytest.raises(Refused, match="newer Frontdesk"):
        await restore(settings, owner, archive, replace=True, say=lambda _: None)


async def test_what_triggers_keep_is_not_restored_twice(
    database: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older version that worked beside this one took such a table for one of its own."""
    archive, owner, settings = tmp_path / "b.zip", {"dsn": database}, Settings(home=home)
    await postgres.resolve(Path(), url=database)
    await migrate.migrate(owner)
    connection = await asyncpg.connect(database)
    await connection.execute(
        """insert into workspaces (name) values ('W');
        insert into audit (workspace_id, at, action) select id, now(), 'test.done' from workspaces"""
    )
    await connection.close()
    monkeypatch.delitem(metadata.tables["audit_heads"].info, "shadow")
    manifest = await backup(settings, owner, archive, with_key=False, say=lambda _: None)
    monkeypatch.undo()
    assert manifest.rows("audit_heads") == 1
    await restore(settings, owner, archive, replace=True, say=lambda _: None)
    assert await wrong(database) == []


async def test_a_database_that_is_behind_is_not_backed_up_but_migrated_first(database: str, tmp_path: Path) -> None:
    await bring_to(database, previous_revision())
    with pytest.raises(Refused, match="Run `frontdesk migrate`"):
        await backup(Settings(), {"dsn": database}, tmp_path / "b.zip", with_key=False, say=lambda _: None)
    assert list(tmp_path.iterdir()) == []
