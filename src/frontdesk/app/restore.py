"""``frontdesk restore``: a backup becomes the database of this installation, whole or not at all, and sends nothing.

Everything happens in one transaction: tables at the backup's revision, its rows, migrations to this version, and what a
copy from the past needs before it may live again:

- what waited to be sent is held until a person lets it go: it may have gone out after the backup was made;
- the event log begins anew, far above every number it ever had, so that every browser loads afresh;
- ids go on far above the backup's: those given out since stand in reply addresses and links out there;
- everybody signs in again, because a session that was ended since would be open again.

How far mailboxes were read and providers compared is part of the backup: what came in since is fetched again from
there, and what is already known is no message twice, by constraint.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy.pool import NullPool

from frontdesk.app.backup import KEY, LONG, Counted, Manifest, Say, Stored, check, opened, pieces
from frontdesk.app.migrate import known, migrate, revision, upgrade
from frontdesk.conversations.rules import RESTORED
from frontdesk.kit import clock
from frontdesk.kit.errors import Refused
from frontdesk.kit.files import open_store
from frontdesk.kit.settings import Settings
from frontdesk.kit.tables import metadata

LEAP_EVENTS = 1_000_000_000  # further than any log grows between a backup and its restore
LEAP_IDS = 1_000_000

_OTHERS = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"

_CLEAR = """
do $$ declare one record; begin
  drop schema if exists jobs cascade;
  for one in select tablename as name from pg_tables where schemaname = 'public' and tablename = any(%s) loop
    execute format('drop table public.%%I cascade', one.name);
  end loop;
  for one in select c.relname as name from pg_class c join pg_roles r on r.oid = c.relowner
             where c.relnamespace = 'public'::regnamespace and c.relkind = 'S' and r.rolname = current_user loop
    execute format('drop sequence public.%%I', one.name);
  end loop;
  for one in select unnest(array(
               select p.oid::regprocedure::text from pg_proc p join pg_roles r on r.oid = p.proowner
               where p.pronamespace = 'public'::regnamespace and r.rolname = current_user
                 and not exists (select 1 from pg_depend d where d.objid = p.oid and d.deptype = 'e'))) as name loop
    execute format('drop routine if exists %%s cascade', one.name);
  end loop;
end $$
"""

_WALLED = """
select oid::regclass::text as name from pg_class
where relnamespace = 'public'::regnamespace and relkind = 'r' and relrowsecurity
"""

_HOLD = """
with stopped as (
  update outbox set state = 'held', lease_until = null, retry_at = null, unknown_since = null, last_error = $1
  where state in ('queued', 'sending', 'unknown', 'held') returning workspace_id, message_id),
told as (
  update messages m set delivery = 'held', delivery_code = $2, delivery_reason = $1, delivery_at = $3, rev = rev + 1
  from stopped s where m.workspace_id = s.workspace_id and m.id = s.message_id)
insert into receipts (workspace_id, message_id, state, at, code, reason, source)
select workspace_id, message_id, 'held', $3, $2, $1, 'frontdesk' from stopped
"""

_ANEW = """
insert into event_counters (workspace_id, seq)
select w.id, coalesce(c.seq, 0) + $1 from workspaces w left join event_counters c on c.workspace_id = w.id
on conflict (workspace_id) do update set seq = excluded.seq
"""


async def restore(
    settings: Settings, owner: dict[str, Any], source: Path, *, replace: bool, say: Say
) -> tuple[Manifest, int]:
    """Returns what was restored, and how many messages are held. Raises Refused, and then nothing has changed."""
    with opened(source) as (archive, manifest):
        check(archive, manifest, say)
        if manifest.revision not in known():
            raise Refused(f"This backup was made by a newer Frontdesk ({manifest.version}). Update this one first.")
        await _must_be_free(owner, replace=replace)
        _must_fit(manifest, settings, replace=replace)
        await _restore_files(archive, manifest, settings, say)
        held = await _restore_tables(archive, manifest, owner, say)
        _restore_key(archive, manifest, settings, say)
    await migrate(owner)  # gives the application's role its rights
    return manifest, held


async def _must_be_free(owner: dict[str, Any], *, replace: bool) -> None:
    connection = await asyncpg.connect(**owner)
    try:
        if others := await connection.fetchval(_OTHERS):
            raise Refused(f"{others} connections to this database are open. Stop Frontdesk first.", code="in_use")
        if replace or await revision(connection) is None:
            return
        async with connection.transaction():
            await connection.execute("select set_config('app.across', 'on', true)")
            if await connection.fetchval("select exists (select from workspaces)"):
                raise Refused("There is a workspace here already. With --replace it is deleted.", code="not_empty")
    finally:
        await connection.close()


def _must_fit(manifest: Manifest, settings: Settings, *, replace: bool) -> None:
    path = settings.key_file or settings.home / KEY
    if manifest.key and path.exists() and _digest(path) != manifest.key and not replace:
        raise Refused(f"There is another key at {path}. With --replace it is set aside.", code="not_empty")


def _restore_key(archive: zipfile.ZipFile, manifest: Manifest, settings: Settings, say: Say) -> None:
    path = settings.key_file or settings.home / KEY
    if manifest.key is None:
        if not path.exists():
            say(f"The key file is not in this backup. Put it at {path}, or enter the credentials of inboxes again.")
        return
    if path.exists() and _digest(path) != manifest.key:
        path.rename(path.with_name(f"{path.name}.before-{clock.now():%Y%m%d%H%M%S}"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(archive.read(KEY))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def _restore_files(archive: zipfile.ZipFile, manifest: Manifest, settings: Settings, say: Say) -> None:
    """Files are kept under the hash of their bytes: what is there already is the same, and nothing is overwritten."""
    store = open_store(settings.files or str(settings.home / "files"))
    for digest in manifest.files or ():
        if await store.put(archive.read(f"files/{digest}")) != digest:
            raise Refused(f"This backup is damaged: files/{digest}", code="damaged")
    if manifest.files is None:
        say("Files were in a bucket and are not in this backup.")


async def _restore_tables(archive: zipfile.ZipFile, manifest: Manifest, owner: dict[str, Any], say: Say) -> int:
    from sqlalchemy.ext.asyncio import create_async_engine  # only here: a start would wait for it

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(**owner), poolclass=NullPool
    )
    ours = [*(table.name for table in metadata.sorted_tables), "alembic_version"]
    try:
        async with engine.begin() as connection:
            await connection.exec_driver_sql("select 1")  # the transaction begins with the first statement
            raw: Any = (await connection.get_raw_connection()).driver_connection
            await raw.execute(_CLEAR % ("array[" + ", ".join(f"'{name}'" for name in ours) + "]"))
            await connection.run_sync(upgrade, manifest.revision)
            walled = [row["name"] for row in await raw.fetch(_WALLED)]
            for name in walled:  # an ordinary owner may not COPY into a table that binds it
                await raw.execute(f"alter table {name} no force row level security, disable row level security")
            for table in manifest.tables:
                await _fill(raw, archive, table, say)
            for name, value in manifest.sequences.items():
                await raw.execute("select setval($1::regclass, $2)", name, value + LEAP_IDS)
            held = await _revive(raw, datetime.fromisoformat(manifest.at))
            for name in walled:
                await raw.execute(f"alter table {name} enable row level security, force row level security")
            await connection.run_sync(upgrade)
    finally:
        await engine.dispose()
    return held


async def _fill(raw: Any, archive: zipfile.ZipFile, table: Stored, say: Say) -> None:
    schema, name = table.name.split(".")
    known = metadata.tables.get(name) if schema == "public" else None
    if not table.rows or (known is not None and known.info.get("shadow")):  # (an older version may not have known)
        return
    counted = Counted()

    async def source() -> AsyncIterator[bytes]:
        for piece in pieces(archive, table.member):
            counted.add(piece)
            yield piece

    if schema == "jobs":  # its migration puts rows of its own there
        await raw.execute(f"delete from {table.name}")
    await raw.copy_to_table(name, schema_name=schema, columns=table.columns, source=source(), timeout=LONG)
    if (counted.rows, counted.digest) != (table.rows, table.sha256):
        raise Refused(f"This backup is damaged: {table.member}", code="damaged")
    say(f"{table.name.removeprefix('public.')}: {table.rows:,} rows")


async def _revive(raw: Any, made_at: datetime) -> int:
    """What a copy from the past needs before it may live again. Returns how many messages are held."""
    now = clock.now()
    told = await raw.execute(_HOLD, RESTORED.sentence, RESTORED.code, now)
    await raw.execute("delete from events")
    await raw.execute(_ANEW, LEAP_EVENTS)
    await raw.execute("delete from sessions")
    await raw.execute("delete from ingest_runs")
    await raw.execute(
        "update workspaces set settings = settings || jsonb_build_object('restored_at', $1::text, 'restored_from',"
        " $2::text)",
        now.isoformat(),
        made_at.isoformat(),
    )
    return int(told.rsplit(" ", 1)[-1])
