"""Could the tables be distributed by workspace, as Citus does it? Its rules for keys, asked of the catalogue.

What else would have to be so is in ``docs/scale.md``. Citus itself is not run.
"""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

Place = tuple[dict[str, Any], dict[str, Any]]
ROOT = "workspaces"  # distributed by its id
LOCAL = {"alembic_version"}  # stays on the coordinator, as everything in the schema ``jobs`` does

# A distribution column must be part of every key, and a foreign key must hold it on both sides, at the same place.
_KEYS = """
select c.relname as table, i.relname as name, 'unique' as kind, null as target, null as target_columns,
  array(select attname::text from unnest(x.indkey) n
        join pg_attribute a on a.attrelid = c.oid and a.attnum = n) as columns
from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class c on c.oid = x.indrelid
where c.relnamespace = 'public'::regnamespace and x.indisunique
union all
select c.relname, k.conname, 'foreign', r.relname,
  array(select attname::text from unnest(k.confkey) with ordinality u (n, o)
        join pg_attribute a on a.attrelid = k.confrelid and a.attnum = n order by o),
  array(select attname::text from unnest(k.conkey) with ordinality u (n, o)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = n order by o)
from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_class r on r.oid = k.confrelid
where c.relnamespace = 'public'::regnamespace and k.contype = 'f'
"""


def _by(table: str) -> str:
    return "id" if table == ROOT else "workspace_id"


async def apart(owner: asyncpg.Connection[Any]) -> list[str]:
    """Keys that a distributed table could not have."""
    found = []
    for key in await owner.fetch(_KEYS):
        if key["table"] in LOCAL:
            continue
        if key["kind"] == "unique" and _by(key["table"]) not in key["columns"]:
            found.append(f"{key['name']}: unique without {_by(key['table'])}")
        if key["kind"] == "foreign":
            pairs = zip(key["columns"], key["target_columns"], strict=True)
            if (_by(key["table"]), _by(key["target"])) not in pairs:
                found.append(f"{key['name']}: points out of its workspace")
    return found


@pytest.fixture
async def owner_connection(place: Place) -> Any:
    connection = await asyncpg.connect(**place[1])
    planted = connection.transaction()
    await planted.start()
    yield connection
    await planted.rollback()
    await connection.close()


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
