"""What a fuzzer stands on: a throw-away PostgreSQL, the product's resources on it, and a workspace."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from frontdesk.app.migrate import migrate
from frontdesk.inboxes import actions as inboxes
from frontdesk.kit import postgres
from frontdesk.kit.context import Actor, Resources
from frontdesk.kit.files import open_store
from frontdesk.kit.secrets import Vault
from frontdesk.kit.settings import Settings
from frontdesk.kit.transaction import Database
from frontdesk.people import actions as people
from frontdesk.people.rules import PERMISSIONS

PASSWORD = "correct horse battery"
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "120"}


@asynccontextmanager
async def folder() -> AsyncIterator[Path]:
    """A folder that every OS user can reach, in memory where there is room."""
    made = _folder()
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _folder() -> Path:
    memory = Path("/dev/shm")
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 << 30
    made = Path(tempfile.mkdtemp(prefix="frontdesk-fuzz-", dir=memory if roomy else None))
    made.chmod(0o755)
    return made


@asynccontextmanager
async def opened(place: Path, *, url: str = "http://testserver.local") -> AsyncIterator[tuple[Resources, Any]]:
    """The resources of a process on a fresh database, and the server they are on. Nothing in it is meant to last."""
    server = await asyncio.to_thread(postgres.start, place / "home", settings=FAST)
    try:
        await migrate(server.owner_connect_args)
        db = await Database.open(server.connect_args, size=16)
        try:
            settings = Settings(home=place, url=url)
            vault = Vault.open(place / "secrets.key")
            yield Resources(settings=settings, db=db, vault=vault, files=open_store(place / "files")), server
        finally:
            await db.close()
    finally:
        await asyncio.to_thread(server.stop)


async def workspace(resources: Resources) -> Actor:
    """A workspace and its owner."""
    await people.first_run(
        resources.db, workspace="Harbour Dental", name="Ana", email="ana@example.org", password=PASSWORD,
        timezone="Europe/Athens", ip=None, agent="fuzz",
    )  # fmt: skip
    async with resources.db.across() as tx:
        row = await tx.fetchrow("select id, workspace_id from users")
    assert row is not None
    return Actor(
        workspace_id=row["workspace_id"], user_id=row["id"], name="Ana", role="owner", permissions=PERMISSIONS["owner"]
    )


async def inbox(resources: Resources, owner: Actor, channel: str, name: str, **settings: Any) -> int:
    """A connected account; its id."""
    async with resources.db.begin(owner.workspace_id) as tx:
        row = await inboxes.create(tx, resources.vault, channel=channel, name=name, settings=settings, by=owner)
    made: int = row["id"]
    return made
