"""Brings a database to the schema of this version, and gives the application's role what it needs and no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import frontdesk.contacts.models
import frontdesk.conversations.models
import frontdesk.inboxes.models
import frontdesk.people.models  # noqa: F401  (the four imports fill the metadata that the drift test compares)
from frontdesk.kit.tables import metadata

ROLE = "frontdesk_app"
APPEND_ONLY = ("audit", "consents", "receipts")
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
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
    made.set_main_option("path_separator", "os")
    return made


def newest() -> str:
    """The revision that this version of the code needs."""
    head = ScriptDirectory.from_config(config()).get_current_head()
    if head is None:
        raise RuntimeError("there are no migrations")
    return head


def known() -> set[str]:
    """Every revision that this version of the code can bring up to its own."""
    return {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}


async def migrate(owner: dict[str, Any]) -> None:
    """Run what is missing; ``owner`` are ``asyncpg.connect`` arguments of the role that owns the tables."""
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(**owner), poolclass=NullPool
    )
    guard = await asyncpg.connect(**owner)
    try:
        await guard.execute("select pg_advisory_lock($1)", _LOCK)
        async with engine.begin() as connection:
            await connection.run_sync(upgrade)
        if await guard.fetchval("select 1 from pg_roles where rolname = $1", ROLE):
            await guard.execute(_GRANTS)
    finally:
        await guard.close()
        await engine.dispose()


def upgrade(connection: Connection, to: str = "head") -> None:
    """Run what is missing up to a revision, inside the caller's transaction."""
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
