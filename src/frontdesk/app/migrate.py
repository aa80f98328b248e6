"""Brings a database to the schema of this version, and gives the application's role what it needs and no more."""

from __future__ import annotations

import asyncio
import random
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

import frontdesk.contacts.models
import frontdesk.conversations.models
import frontdesk.inboxes.models
import frontdesk.people.models  # noqa: F401  (the four imports fill the metadata that the drift test compares)
from frontdesk.kit.tables import metadata
from frontdesk.kit.transaction import SCHEMA

if TYPE_CHECKING:
    from alembic.config import Config

# Alembic is imported where it runs: most starts find nothing to do, and would wait half a second for it.

log = structlog.get_logger()

MIGRATIONS = Path(__file__).parents[1] / "migrations"
ROLE = "frontdesk_app"
APPEND_ONLY = ("attempts", "audit", "consents", "receipts")
LOCK_TIMEOUT = "1s"
LOCK_NOT_AVAILABLE = "55P03"
PATIENCE = 120.0  # seconds
_LOCK = 7_305_001  # advisory: two processes that start together migrate one after the other

_GRANTS = f"""
grant usage on schema public, jobs to {ROLE};
grant select, insert, update, delete on all tables in schema public, jobs to {ROLE};
grant usage, select on all sequences in schema public, jobs to {ROLE};
grant execute on all functions in schema jobs to {ROLE};
revoke update, delete on {", ".join(APPEND_ONLY)} from {ROLE};
revoke insert, update, delete on alembic_version from {ROLE};
"""


def config() -> Config:
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.set_main_option("path_separator", "os")
    return made


@cache
def known() -> frozenset[str]:
    """Every revision that this version of the code can bring up to its own: their files begin with their numbers."""
    return frozenset(file.name[:4] for file in (MIGRATIONS / "versions").glob("[0-9][0-9][0-9][0-9]_*.py"))


def newest() -> str:
    """The revision that this version of the code needs."""
    return max(known())


def is_newer(found: str | None) -> bool:
    """Whether a database was migrated by a newer version, which let the present one go on with it
    (docs/architecture.md, "Changing the schema")."""
    return found is not None and found not in known() and found.isdigit() and int(found) > int(newest())


def why_not_work(found: str | None) -> str | None:
    """What keeps this version from working with a database at this revision, as a sentence; None if nothing does."""
    if found == newest() or is_newer(found):
        return None
    if found is None or found in known():
        missing = sorted(one for one in known() if found is None or one > found)
        return (
            f"The database is at {found or 'nothing'} and this version needs {newest()}: {', '.join(missing)} did not"
            " run yet. Run `frontdesk migrate`, or start this version again."
        )
    return f"The database is at {found}, which no version of Frontdesk made. This version needs {newest()}."


async def migrate(owner: dict[str, Any]) -> None:
    """Run what is missing; ``owner`` are ``asyncpg.connect`` arguments of the role that owns the tables.

    Others may be at work meanwhile: a lock that they do not let go is waited for a second, so that nobody waits longer
    behind us, and then asked for again for :data:`PATIENCE`. A database that a newer version migrated is left as it is.
    """
    guard = await asyncpg.connect(**owner)
    try:
        await guard.execute("select pg_advisory_lock($1)", _LOCK)
        if is_newer(found := await revision(guard)):
            log.warning("the database was migrated by a newer version, and stays as it is", found=found, ours=newest())
            return
        if found != newest():
            await _run_missing(owner)
        if await guard.fetchval("select 1 from pg_roles where rolname = $1", ROLE):
            await guard.execute(_GRANTS)
    finally:
        await guard.close()


async def _run_missing(owner: dict[str, Any]) -> None:
    from sqlalchemy.ext.asyncio import create_async_engine

    waiting = owner | {"server_settings": owner.get("server_settings", {}) | {"lock_timeout": LOCK_TIMEOUT}}
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(**waiting), poolclass=NullPool
    )
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while True:
        try:
            async with engine.begin() as connection:
                await connection.run_sync(upgrade)
                await connection.exec_driver_sql(f"notify {SCHEMA}")
            return
        except (DBAPIError, asyncpg.PostgresError) as error:  # the second: from a whole script (migrations.tenancy)
            held = getattr(getattr(error, "orig", error), "sqlstate", "") == LOCK_NOT_AVAILABLE
            if not held or asyncio.get_running_loop().time() > deadline:
                raise
            log.warning("a migration waits for somebody's lock and begins again in a moment")
        finally:
            await engine.dispose()
        await asyncio.sleep(0.5 + random.random())  # noqa: S311


def upgrade(connection: Connection, to: str = "head") -> None:
    """Run what is missing up to a revision, inside the caller's transaction."""
    from alembic import command

    settings = config()
    settings.attributes["connection"] = connection
    settings.attributes["metadata"] = metadata
    command.upgrade(settings, to)


async def revision(connection: Any) -> str | None:
    """The revision that a database is at; None for an empty one."""
    if not await connection.fetchval("select to_regclass('public.alembic_version')"):
        return None
    found: str | None = await connection.fetchval("select version_num from alembic_version")
    return found
