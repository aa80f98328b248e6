"""``frontdesk backup``: one file with everything that an installation cannot do without, made while it runs.

The file is a ZIP archive: ``manifest.json``; ``tables/<name>.copy``, the rows in PostgreSQL's text format for COPY;
``files/<hash>``; with ``--with-key`` also ``secrets.key``. All tables are read in one snapshot. Row-level security
binds the reader too (an ordinary owner of the database cannot run ``pg_dump`` on tables that force it), so each
workspace is read in its turn. Nothing here depends on the version of PostgreSQL's own programs.

Files are read after the tables: whatever a row of the snapshot names was kept before the row was written.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import asyncpg
import msgspec

from frontdesk import __version__
from frontdesk.app.migrate import revision, why_not_work
from frontdesk.kit import clock
from frontdesk.kit.errors import Refused
from frontdesk.kit.settings import Settings
from frontdesk.kit.tables import metadata
from frontdesk.kit.transaction import Database
from frontdesk.people import actions as people

FORMAT = 1
PIECE = 256 * 1024  # bytes read at once
MANIFEST, KEY = "manifest.json", "secrets.key"
LONG = 24 * 3600.0  # seconds that one table may take

Say = Callable[[str], None]

_COLUMNS = """
select table_schema as schema, table_name as name, array_agg(column_name::text order by ordinal_position) as columns
from information_schema.columns where table_schema in ('public', 'jobs') and is_generated = 'NEVER' group by 1, 2
"""
_SEQUENCES = """
select schemaname || '.' || sequencename as name, last_value from pg_sequences
where schemaname in ('public', 'jobs') and last_value is not null order by 1
"""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """One table: where it belongs, and what its member of the archive must be."""

    name: str  # with its schema
    columns: list[str]
    rows: int
    sha256: str

    @property
    def member(self) -> str:
        return f"tables/{self.name}.copy"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is in the archive, in the order in which it has to be restored."""

    format: int
    version: str
    revision: str
    at: str
    postgresql: str
    tables: list[Stored]
    sequences: dict[str, int]
    files: list[str] | None  # hashes; None: they are in a bucket, which is backed up by itself
    key: str | None  # SHA-256 of the key file; None: it is not in here

    def rows(self, table: str) -> int:
        return next((one.rows for one in self.tables if one.name == f"public.{table}"), 0)


async def backup(settings: Settings, owner: dict[str, Any], target: Path, *, with_key: bool, say: Say) -> Manifest:
    """Write ``target``, which must not exist. It has its name only when it is complete, and only we may read it."""
    half = _beside(target)
    try:
        with _new(half) as archive:
            manifest = await _fill(archive, settings, owner, with_key=with_key, say=say)
        half.replace(target)
    except FileExistsError:
        raise Refused(f"{half} is there: another backup is being written, or one broke off. Delete it.") from None
    except BaseException:
        half.unlink(missing_ok=True)
        raise
    await _note(owner, manifest)
    return manifest


def _beside(target: Path) -> Path:
    if target.exists():
        raise Refused(f"{target} is there already. Choose another name, or move it away.", code="exists")
    return target.with_name(f"{target.name}.part")


@contextmanager
def _new(path: Path) -> Iterator[zipfile.ZipFile]:
    """An archive that is on the disk when this ends."""
    with open(path, "xb", opener=_privately) as out:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            yield archive
        out.flush()
        os.fsync(out.fileno())


async def _fill(
    archive: zipfile.ZipFile, settings: Settings, owner: dict[str, Any], *, with_key: bool, say: Say
) -> Manifest:
    connection = await asyncpg.connect(**owner)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            found = await revision(connection)
            if problem := why_not_work(found):
                raise Refused(problem)
            at = clock.now()
            tables = [one async for one in _tables(connection, archive, say)]
            sequences = {row["name"]: row["last_value"] for row in await connection.fetch(_SEQUENCES)}
            server = connection.get_server_version()
    finally:
        await connection.close()
    key = settings.key_file or settings.home / KEY
    manifest = Manifest(
        format=FORMAT, version=__version__, revision=str(found), at=at.isoformat(), tables=tables,
        postgresql=f"{server.major}.{server.minor}", sequences=sequences, files=_files(archive, settings, say),
        key=_put(archive, KEY, key.read_bytes()) if with_key else None,
    )  # fmt: skip
    archive.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    return manifest


async def _tables(connection: Any, archive: zipfile.ZipFile, say: Say) -> Any:
    """Every table, those that others point to first. Last those of a newer version, which this one works beside."""
    columns = {(row["schema"], row["name"]): row["columns"] for row in await connection.fetch(_COLUMNS)}
    await connection.execute("select set_config('app.across', 'on', true)")
    workspaces = [row["id"] for row in await connection.fetch("select id from workspaces order by id")]
    jobs = sorted(name for schema, name in columns if schema == "jobs")
    kept = [table.name for table in metadata.sorted_tables if not table.info.get("shadow")]  # triggers fill the others
    unknown = sorted(name for schema, name in columns if schema == "public" and name not in metadata.tables)
    kept += [name for name in unknown if name != "alembic_version"]
    ours = [("public", name) for name in kept] + [("jobs", name) for name in jobs]
    for schema, name in ours:
        yield await _table(connection, archive, f"{schema}.{name}", columns[schema, name], workspaces, say)


async def _table(
    connection: Any, archive: zipfile.ZipFile, name: str, columns: list[str], workspaces: list[int], say: Say
) -> Stored:
    listed = ", ".join(f'"{column}"' for column in columns)
    own = "workspace_id" if "workspace_id" in columns else "id" if name == "public.workspaces" else None
    with archive.open(f"tables/{name}.copy", "w", force_zip64=True) as member:
        counted = Counted(member)
        for workspace_id in workspaces if own else [0]:
            await connection.execute("select set_config('app.workspace_id', $1, true)", str(workspace_id))
            where = f" where {own} = {int(workspace_id)}" if own else ""
            sql = f"select {listed} from {name}{where}"
            await connection.copy_from_query(sql, output=counted.take, timeout=LONG)
    if counted.rows:
        say(f"{name.removeprefix('public.')}: {counted.rows:,} rows")
    return Stored(name=name, columns=columns, rows=counted.rows, sha256=counted.digest)


class Counted:
    """Bytes on their way into the archive. In COPY's text format a line end is the end of a row, and nothing else."""

    def __init__(self, out: IO[bytes] | None = None) -> None:
        self._out, self._hash, self.rows = out, hashlib.sha256(), 0

    async def take(self, data: bytes) -> None:
        self.add(data)

    def add(self, data: bytes) -> None:
        self.rows += data.count(b"\n")
        self._hash.update(data)
        if self._out:
            self._out.write(data)

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


def _files(archive: zipfile.ZipFile, settings: Settings, say: Say) -> list[str] | None:
    """The files of a local store; compressing pictures again would be a waste."""
    if "://" in settings.files:
        say("Files are in a bucket and not in this backup: the bucket needs one of its own.")
        return None
    folder = Path(settings.files) if settings.files else settings.home / "files"
    found = []
    for path in sorted(folder.glob("??/??/" + "?" * 64)):
        archive.write(path, f"files/{path.name}", zipfile.ZIP_STORED)
        found.append(path.name)
    if found:
        say(f"{len(found):,} files")
    return found


def _put(archive: zipfile.ZipFile, name: str, data: bytes) -> str:
    archive.writestr(name, data)
    return hashlib.sha256(data).hexdigest()


async def _note(owner: dict[str, Any], manifest: Manifest) -> None:
    """Each workspace's audit says that its data were copied, and its settings when (for the alert on its age)."""
    db = await Database.open(owner, size=1)
    try:
        async with db.across() as tx:
            workspaces = [row["id"] for row in await tx.fetch("select id from workspaces")]
        for workspace_id in workspaces:
            async with db.begin(workspace_id) as tx:
                await tx.execute(
                    "update workspaces set settings = settings || $2::jsonb where id = $1",
                    workspace_id,
                    {"backed_up_at": manifest.at},
                )
                await people.audit(tx, "backup.made", detail={"with_key": manifest.key is not None})
    finally:
        await db.close()


# --- reading one again --------------------------------------------------------------------------------------------


@contextmanager
def opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, Manifest]]:
    """An archive and what it says of itself; raises Refused for what is not one of ours."""
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = msgspec.json.decode(archive.read(MANIFEST), type=Manifest)
            if manifest.format != FORMAT:
                raise Refused(f"{path} was made by Frontdesk {manifest.version}, in a format that is not known here.")
            yield archive, manifest
    except (zipfile.BadZipFile, KeyError, EOFError, msgspec.DecodeError) as error:
        raise Refused(f"{path} is not a whole backup of Frontdesk: {error}") from error


def pieces(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    with archive.open(name) as member:
        while piece := member.read(PIECE):
            yield piece


def check(archive: zipfile.ZipFile, manifest: Manifest, say: Say) -> None:
    """Read everything and compare it with the manifest; raises Refused at the first difference."""
    wanted = {one.member: one.sha256 for one in manifest.tables}
    wanted |= {f"files/{digest}": digest for digest in manifest.files or ()}
    wanted |= {KEY: manifest.key} if manifest.key else {}
    for name, digest in wanted.items():
        counted = Counted()
        try:
            for piece in pieces(archive, name):
                counted.add(piece)
        except (zipfile.BadZipFile, KeyError, EOFError, OSError) as error:
            raise Refused(f"This backup is damaged: {name}: {error}", code="damaged") from error
        if counted.digest != digest:
            raise Refused(f"This backup is damaged: {name} is not what was written.", code="damaged")
    say(f"{len(manifest.tables)} tables and {len(manifest.files or ())} files are as they were written.")


def _privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
