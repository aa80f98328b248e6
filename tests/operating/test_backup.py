"""A backup is whole, and a restored one sends nothing by itself."""

from __future__ import annotations

import os
import zipfile
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from conversations.office import ANA, Office, Time
from conversations.pretend import line
from frontdesk.app.backup import Manifest, backup, check, opened
from frontdesk.app.restore import LEAP_EVENTS, LEAP_IDS, restore
from frontdesk.app.verify import verify
from frontdesk.channels.port import TryLater, Unknown
from frontdesk.conversations.actions import write
from frontdesk.conversations.actions.release import settle_restored
from frontdesk.conversations.handlers import clocks
from frontdesk.kit import clock
from frontdesk.kit.context import Resources
from frontdesk.kit.errors import Refused
from frontdesk.kit.files import open_store
from frontdesk.kit.postgres import Server
from frontdesk.kit.secrets import Vault
from frontdesk.kit.settings import Settings
from frontdesk.kit.transaction import Database
from frontdesk.realtime.queries import log

Place = tuple[dict[str, Any], dict[str, Any]]
WAITING = ("queued", "retried", "unknown", "scheduled", "held")


def quiet(_: str) -> None:
    pass


@pytest.fixture
async def elsewhere(server: Server) -> AsyncIterator[Place]:
    """``asyncpg.connect`` arguments (application, owner) of an empty database."""
    name = f"frontdesk_restored_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    guard = await asyncpg.connect(**server.owner_connect_args)
    try:
        await guard.execute(f"create database {name}")
        yield {**server.connect_args, "database": name}, {**server.owner_connect_args, "database": name}
        await guard.execute(f"drop database {name} with (force)")
    finally:
        await guard.close()


@pytest.fixture
async def ids(live_db: Database, office: Office, time: Time) -> dict[str, int]:
    """Every state that a message to a contact can wait in, and one that has gone; ids by name."""
    made: dict[str, int] = {}
    digest = await office.resources.files.put(b"a picture")
    talks = [(await office.hear(f"Hello {n}", f"+30210444444{n}"))["conversation_id"] for n in range(5)]
    made["gone"] = await office.write(talks[0], "Gone")
    await office.dispatch()
    await office.execute(
        "insert into attachments (workspace_id, message_id, hash, name, content_type, size)"
        " values ($1, $2, $3, 'p.png', 'image/png', 9)",
        office.workspace, made["gone"], digest,
    )  # fmt: skip
    office.driver().outcomes = [TryLater("Busy.", after=60), Unknown("It broke off.")]
    for number, name in enumerate(("retried", "unknown")):
        made[name] = await office.write(talks[number + 1], name)
        await office.dispatch()
    made["scheduled"] = await office.write(talks[3], "scheduled", due_at=clock.now() + timedelta(hours=2))
    made["held"] = await office.write(talks[4], "held")
    await office.execute("update inboxes set health = 'off' where id = $1", office.line)
    await office.dispatch()
    await office.execute("update inboxes set health = 'ok' where id = $1", office.line)
    made["queued"] = await office.write(talks[0], "queued")
    return made


async def backed_up(office: Office, place: Place, target: Path, **more: Any) -> Manifest:
    with_key = more.pop("with_key", False)
    return await backup(office.resources.settings, place[1], target, with_key=with_key, say=quiet)


async def restored(office: Office, elsewhere: Place, source: Path, home: Path, **more: Any) -> tuple[Office, int]:
    """The office on the restored database."""
    settings = Settings(home=home, url=office.resources.settings.url)
    _, held = await restore(settings, elsewhere[1], source, replace=more.get("replace", False), say=quiet)
    db = await Database.open(elsewhere[0], size=4)
    key = home / "secrets.key"
    vault = Vault.open(key) if key.exists() else office.resources.vault
    resources = Resources(settings=settings, db=db, vault=vault, files=open_store(home / "files"))
    made = Office(resources, office.owner, office.registry)
    made.line, made.post, made._numbers = office.line, office.post, office._numbers
    return made, held


async def test_a_restored_desk_sends_nothing_until_a_person_lets_it_go(
    office: Office, ids: dict[str, int], place: Place, elsewhere: Place, tmp_path: Path, time: Time
) -> None:
    assert [(await office.states(ids[name]))[0] for name in WAITING] == [
        "queued", "queued", "unknown", "queued", "held",
    ]  # fmt: skip
    seen = await office.value("select seq from event_counters")
    newest = await office.value("select max(id) from messages")
    before = await office.fetch("select * from messages order by id")
    await backed_up(office, place, tmp_path / "b.zip", with_key=True)
    new, held = await restored(office, elsewhere, tmp_path / "b.zip", tmp_path / "new")
    try:
        assert held == 5
        driver = line().driver
        office.install(line(driver))  # what goes out from here on
        assert [await new.states(ids[name]) for name in WAITING] == [("held", "held")] * 5
        assert await new.states(ids["gone"]) == ("accepted", "accepted")
        time.move(hours=3)
        await clocks.release(new.resources)
        await new.dispatch()
        assert driver.sent == []
        await _a_copy(new, before, seen, newest)
        assert [one.check async for one in verify(new.db, store=new.resources) if not one.ok] == []

        async with new.db.begin(new.workspace) as tx:
            await write.retry(tx, ids["unknown"], None, actor=new.owner)
        await new.dispatch()
        await new.dispatch()
        assert [message.text for message in driver.sent] == ["unknown"]
        async with new.db.begin(new.workspace) as tx:
            assert await settle_restored(tx, send=True, actor=new.owner) == (4, 0)
        await new.dispatch()
        assert sorted(message.text for message in driver.sent) == ["held", "queued", "retried", "scheduled", "unknown"]
        assert [one.check async for one in verify(new.db) if not one.ok] == []
    finally:
        await new.db.close()


async def _a_copy(new: Office, before: list[Any], seen: int, newest: int) -> None:
    """Everything is there, browsers load afresh, sessions are over, ids are new, files and credentials open."""
    now = await new.fetch("select * from messages order by id")
    same = ("id", "conversation_id", "text", "external_id", "at", "client_key", "due_at")
    assert [[row[name] for name in same] for row in now] == [[row[name] for name in same] for row in before]
    async with new.db.begin(new.workspace) as tx:
        assert await log.newest(tx) == seen + LEAP_EVENTS
        assert not await log.reaches_back(tx, seen)
        assert not await log.reaches_back(tx, seen + 5)
    assert (await new.hear("And now?", ANA))["id"] > newest + LEAP_IDS
    assert await new.value("select count(*) from sessions") == 0
    assert await new.resources.files.get(await new.value("select hash from attachments"), verify=True) == b"a picture"


async def test_cancelling_all_that_is_held_sends_nothing(
    office: Office, ids: dict[str, int], place: Place, elsewhere: Place, tmp_path: Path
) -> None:
    await backed_up(office, place, tmp_path / "b.zip")
    new, _ = await restored(office, elsewhere, tmp_path / "b.zip", tmp_path / "new")
    try:
        async with new.db.begin(new.workspace) as tx:
            assert await settle_restored(tx, send=False, actor=new.owner) == (5, 0)
        assert [(await new.states(ids[name]))[0] for name in WAITING] == ["cancelled"] * 5
        assert [one.check async for one in verify(new.db) if not one.ok] == []
    finally:
        await new.db.close()


async def test_what_was_scheduled_keeps_its_time_when_it_is_let_go(
    office: Office, ids: dict[str, int], place: Place, elsewhere: Place, tmp_path: Path
) -> None:
    await backed_up(office, place, tmp_path / "b.zip")
    new, _ = await restored(office, elsewhere, tmp_path / "b.zip", tmp_path / "new")
    try:
        driver = line().driver
        office.install(line(driver))
        async with new.db.begin(new.workspace) as tx:
            await settle_restored(tx, send=True, actor=new.owner)
        await new.dispatch()
        assert "scheduled" not in [message.text for message in driver.sent]
        assert await new.states(ids["scheduled"]) == ("queued", "queued")
    finally:
        await new.db.close()


async def test_a_stop_that_is_fetched_again_counts_and_is_not_confirmed_again(
    office: Office, ids: dict[str, int], place: Place, elsewhere: Place, tmp_path: Path, time: Time
) -> None:
    await backed_up(office, place, tmp_path / "b.zip")
    then = clock.now()
    time.move(hours=1)
    new, _ = await restored(office, elsewhere, tmp_path / "b.zip", tmp_path / "new")
    try:
        await new.hear("STOP", ANA, sent_at=then.isoformat())
        assert await new.value("select count(*) from contact_points where value = $1 and opted_out_at is not null", ANA)
        assert await new.value("select count(*) from messages where automatic") == 0
        time.move(minutes=1)
        await new.hear("START", ANA)
        assert await new.value("select count(*) from messages where automatic") == 1
    finally:
        await new.db.close()


async def test_nothing_is_written_over(
    office: Office, ids: dict[str, int], place: Place, elsewhere: Place, tmp_path: Path
) -> None:
    first, home = tmp_path / "b.zip", tmp_path / "new"
    await backed_up(office, place, first, with_key=True)
    with pytest.raises(Refused, match="is there already"):
        await backed_up(office, place, first)
    new, _ = await restored(office, elsewhere, first, home)
    await new.db.close()
    with pytest.raises(Refused, match="There is a workspace here already"):
        await restored(office, elsewhere, first, home)
    (home / "secrets.key").write_text("another\n")
    with pytest.raises(Refused):
        await restored(office, elsewhere, first, home)
    new, held = await restored(office, elsewhere, first, home, replace=True)
    try:
        assert held == 5
        assert [path.read_text() for path in home.glob("secrets.key.before-*")] == ["another\n"]
        connection = await asyncpg.connect(**elsewhere[0])
        with pytest.raises(Refused, match="Stop Frontdesk first"):
            await restored(office, elsewhere, first, home, replace=True)
        await connection.close()
    finally:
        await new.db.close()


async def test_an_ordinary_owner_backs_up_and_restores(
    office: Office, ids: dict[str, int], place: Place, server: Server, tmp_path: Path
) -> None:
    """A database of a provider: its user owns it and is bound by row-level security like everybody."""
    guard = await asyncpg.connect(**server.owner_connect_args)
    try:
        await guard.execute("create role plain login nosuperuser nobypassrls")
        await guard.execute("create database frontdesk_plain owner plain")
        owner = {**server.owner_connect_args, "database": "frontdesk_plain", "server_settings": {"role": "plain"}}
        await backed_up(office, place, tmp_path / "b.zip")
        settings = Settings(home=tmp_path / "new")
        await restore(settings, owner, tmp_path / "b.zip", replace=False, say=quiet)
        manifest = await backup(settings, owner, tmp_path / "again.zip", with_key=False, say=quiet)
        assert manifest.rows("messages") == await office.value("select count(*) from messages")
        db = await Database.open(owner, size=2)
        assert [one.check async for one in verify(db) if not one.ok] == []
        await db.close()
    finally:
        await guard.execute("drop database if exists frontdesk_plain with (force)")
        await guard.execute("drop role if exists plain")
        await guard.close()


@pytest.mark.parametrize("member", ["tables/public.messages.copy", "files", "manifest.json", "cut"])
async def test_a_damaged_backup_changes_nothing(
    office: Office, ids: dict[str, int], place: Place, elsewhere: Place, tmp_path: Path, member: str
) -> None:
    await backed_up(office, place, tmp_path / "b.zip")
    damaged = tmp_path / "damaged.zip"
    if member == "cut":
        damaged.write_bytes((tmp_path / "b.zip").read_bytes()[:-2000])
    else:
        with zipfile.ZipFile(tmp_path / "b.zip") as whole, zipfile.ZipFile(damaged, "w") as copy:
            for name in whole.namelist():
                data = whole.read(name)
                copy.writestr(name, data[:-1] + b"!" if name.startswith(member) else data)
    with pytest.raises(Refused):
        await restored(office, elsewhere, damaged, tmp_path / "new")
    assert not (tmp_path / "new" / "files").exists()
    connection = await asyncpg.connect(**elsewhere[1])
    assert await connection.fetchval("select count(*) from pg_tables where schemaname = 'public'") == 0
    await connection.close()


async def test_a_backup_can_be_checked_and_says_when_it_was_made(
    office: Office, ids: dict[str, int], place: Place, tmp_path: Path
) -> None:
    made = await backed_up(office, place, tmp_path / "b.zip")
    assert (tmp_path / "b.zip").stat().st_mode & 0o777 == 0o600
    with opened(tmp_path / "b.zip") as (archive, manifest):
        check(archive, manifest, quiet)
        assert "secrets.key" not in archive.namelist()
    assert await office.value("select settings ->> 'backed_up_at' from workspaces") == made.at
    assert await office.value("select count(*) from audit where action = 'backup.made'") == 1


async def test_a_full_disk_leaves_no_half_backup(
    office: Office, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(OSError, match="No space"):
        await backed_up(office, place, tmp_path / "b.zip")
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith("b.zip")]
