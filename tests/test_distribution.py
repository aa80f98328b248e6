"""Could the tables be distributed by workspace, as Citus does it? Its rules for keys, asked of the catalogue.

What else would have to be so is in ``docs/scale.md``. Citus itself is not run.
"""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from test_catalogue import APART, KEYS, ROOT, owner_connection

__all__ = ["owner_connection"]

# APART stays on the coordinator, as everything in the schema ``jobs`` does; ROOT is distributed by its id.


def _by(table: str) -> str:
    return "id" if table == ROOT else "workspace_id"


async def apart(owner: asyncpg.Connection[Any]) -> list[str]:
    """Keys that a distributed table could not have: the distribution column must be part of each, and a foreign key
    must hold it on both sides, at the same place."""
    found = []
    for key in await owner.fetch(KEYS):
        if key["table"] in APART:
            continue
        if key["kind"] == "unique index" and _by(key["table"]) not in key["columns"]:
            found.append(f"{key['name']}: unique without {_by(key['table'])}")
        if key["kind"] == "f":
            pairs = zip(key["target_columns"], key["columns"], strict=True)
            if (_by(key["target"]), _by(key["table"])) not in pairs:
                found.append(f"{key['name']}: points out of its workspace")
    return found


async def test_every_key_holds_the_workspace(owner_connection: asyncpg.Connection[Any]) -> None:
    assert await apart(owner_connection) == []


@pytest.mark.parametrize(
    ("planted", "problem"),
    [
        ("create unique index planted on inboxes (public_key)", "planted: unique without workspace_id"),
        (
            "create unique index alone on contacts (id); alter table tags add column contact_id bigint"
            " constraint planted references contacts (id)",
            "planted: points out of its workspace",
        ),
    ],
)
async def test_a_planted_key_is_found(owner_connection: asyncpg.Connection[Any], planted: str, problem: str) -> None:
    await owner_connection.execute(planted)
    assert problem in await apart(owner_connection)
