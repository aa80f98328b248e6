"""What the commands do, as functions that return what is worth printing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from frontdesk import channels
from frontdesk.app import http
from frontdesk.app.description import described
from frontdesk.channels.port import Shows
from frontdesk.inboxes import actions as inboxes
from frontdesk.inboxes import queries as inbox_queries
from frontdesk.kit.context import Resources
from frontdesk.kit.errors import NotFound, Refused
from frontdesk.kit.secrets import Vault
from frontdesk.kit.settings import Settings
from frontdesk.kit.transaction import Database, Row
from frontdesk.people import actions as people
from frontdesk.people import queries as people_queries
from frontdesk.people.rules import PERMISSIONS


async def create_user(resources: Resources, email: str, name: str, role: str, password: str) -> str:
    """Add somebody; while there is no workspace, the first user makes one."""
    if await people_queries.setup_needed(resources.db):
        await people.first_run(
            resources.db,
            workspace="My business",
            name=name or email,
            email=email,
            password=password,
            timezone="UTC",
            ip=None,
            agent="command line",
        )
        return f"Made a workspace with {email} as its owner."
    owner = await _owner(resources, None)
    hashed = await people.hashed(password)
    async with resources.db.begin(owner["workspace_id"]) as tx:
        await people.create_user(tx, name=name or email, email=email, role=role, password_hash=hashed, by=None)
    return f"Added {email} as {role}."


async def create_token(resources: Resources, email: str | None, name: str, scopes: Sequence[str] | None) -> str:
    """A token in clear; only its hash is kept."""
    owner = await _owner(resources, email)
    wanted = list(scopes or sorted(PERMISSIONS[owner["role"]]))
    async with resources.db.begin(owner["workspace_id"]) as tx:
        _, token = await people.create_token(tx, user_id=owner["id"], name=name, scopes=wanted, expires_at=None)
    return token


async def _owner(resources: Resources, email: str | None) -> Row:
    async with resources.db.across() as tx:
        row = await tx.fetchrow(
            "select id, workspace_id, role from users"
            " where active and ($1::text is null and role = 'owner' or lower(email) = lower($1))"
            " order by workspace_id, id limit 1",
            email,
        )
    if row is None:
        raise NotFound("This user")
    return row


async def list_inboxes(resources: Resources) -> list[str]:
    async with resources.db.across() as tx:
        rows = await inbox_queries.active_across(tx)
    return [f"{row['id']}\t{row['channel']}\t{row['name']}\t{row['health']}\t{row['health_note']}" for row in rows] or [
        "There is no inbox yet."
    ]


async def replay(resources: Resources, ids: Sequence[int], *, everything: bool) -> int:
    """Make deliveries that were set aside new again."""
    if not ids and not everything:
        raise Refused("Name deliveries, or say --all.")
    async with resources.db.across() as tx:
        rows = await tx.fetch(
            "select workspace_id, id from raw_deliveries"
            " where state = 'set_aside' and ($2 or id = any($1)) order by id",
            list(ids),
            everything,
        )
    by_workspace: dict[int, list[int]] = {}
    for row in rows:
        by_workspace.setdefault(row["workspace_id"], []).append(row["id"])
    for workspace_id, raw_ids in by_workspace.items():
        async with resources.db.begin(workspace_id) as tx:
            await inboxes.replay(tx, raw_ids)
    return len(rows)


async def rotate(resources: Resources) -> int:
    """Seal every credential with a fresh key; returns how many."""
    fresh = resources.vault.rotated()
    return await inboxes.rotate(resources.db, fresh)


def show(suffix: str, data: bytes) -> Mapping[str, Any]:
    """What the channel that reads files ending in ``suffix`` makes of this one."""
    for each in channels.all_channels().values():
        if isinstance(each.driver, Shows) and suffix in each.driver.shows:
            return each.driver.show(data)
    raise Refused(f"No channel reads {suffix} files.")


def openapi() -> str:
    """The API description, the same for every run."""
    here = Path.cwd()
    nothing = cast("Any", None)
    resources = Resources(
        settings=Settings(home=here), db=Database(nothing), vault=Vault([b"\x00" * 32]), files=nothing
    )
    schema = described(http.create(resources))
    return msgspec.json.format(msgspec.json.encode(schema, order="deterministic"), indent=1).decode() + "\n"
