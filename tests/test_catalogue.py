"""The wall between workspaces, read from the database's own catalogue.

Any table that forgets it fails here: ``workspace_id`` first in every key, row-level security enabled and forced, the
one policy. Each check is itself tested with a planted violation, and the four ways round row-level security that
PostgreSQL leaves open (keys of one column, views, functions of another's rights, settings that outlive a transaction)
are looked for too.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Connection, Integer, MetaData
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from frontdesk.app.migrate import ROLE, newest, revision
from frontdesk.kit.tables import metadata
from frontdesk.kit.transaction import Database

Place = tuple[dict[str, Any], dict[str, Any]]
APART = {"alembic_version"}  # belongs to the installation, not to a workspace
ROOT = "workspaces"  # is its own workspace: keyed by id

_TABLES = """
select c.oid, c.relname as name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
  pg_get_userbyid(c.relowner) as owner,
  (select a.attnotnull from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id') as required
from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
"""
KEYS = """
select c.relname as table, k.conname as name, k.contype::text as kind, r.relname as target,
  array(select a.attname::text from unnest(k.conkey) with ordinality u (n, o)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = n order by o) as columns,
  array(select a.attname::text from unnest(k.confkey) with ordinality u (n, o)
        join pg_attribute a on a.attrelid = k.confrelid and a.attnum = n order by o) as target_columns
from pg_constraint k join pg_class c on c.oid = k.conrelid left join pg_class r on r.oid = k.confrelid
where c.relnamespace = 'public'::regnamespace and k.contype in ('p', 'u', 'f')
union all
select c.relname, i.relname, 'unique index', null,
  array(select a.attname::text from unnest(x.indkey) with ordinality u (n, o)
        left join pg_attribute a on a.attrelid = c.oid and a.attnum = n order by o), '{}'
from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class c on c.oid = x.indrelid
where c.relnamespace = 'public'::regnamespace and x.indisunique
"""
_POLICIES = """
select tablename as table, policyname as name, permissive, roles::text[] as roles, cmd, qual, with_check as check
from pg_policies where schemaname = 'public'
"""
_OTHERS = """
select 'view ' || c.relname || ' runs with its owner''s rights' as problem from pg_class c
where c.relnamespace in ('public'::regnamespace, 'jobs'::regnamespace)
  and (c.relkind = 'm' or (c.relkind = 'v' and not coalesce('security_invoker=true' = any(c.reloptions), false)))
union all
select 'function ' || proname || ' runs with its owner''s rights' from pg_proc
where prosecdef and pronamespace in ('public'::regnamespace, 'jobs'::regnamespace)
union all
select 'role ' || rolname || ' stands above row-level security' from pg_roles
where rolname = $1 and (rolsuper or rolbypassrls)
"""


async def holes(owner: asyncpg.Connection[Any]) -> list[str]:
    """Everything in the catalogue that lets one workspace reach another."""
    found = [row["problem"] for row in await owner.fetch(_OTHERS, ROLE)]
    for table in await owner.fetch(_TABLES):
        found += _holes_of(table) if table["name"] not in APART else []
    for key in await owner.fetch(KEYS):
        if key["table"] not in APART and (problem := _hole_in_key(key)):
            found.append(f"{key['name']}: {problem}")
    policies = {table["name"]: [] for table in await owner.fetch(_TABLES) if table["name"] not in APART}
    for policy in await owner.fetch(_POLICIES):
        policies[policy["table"]].append(policy)
    for name, those in policies.items():
        found += _holes_in_policies(name, those)
    return found


def _holes_of(table: asyncpg.Record) -> list[str]:
    wrong = {
        "row-level security is not enabled": not table["enabled"],
        "row-level security is not forced on its owner": not table["forced"],
        "the application owns it": table["owner"] == ROLE,
        "it has no workspace_id that is required": table["name"] != ROOT and not table["required"],
    }
    return [f"{table['name']}: {problem}" for problem, is_so in wrong.items() if is_so]


def _hole_in_key(key: asyncpg.Record) -> str | None:
    if key["table"] == ROOT:
        return None
    first, target = key["columns"][0], [*key["target_columns"], None][0]
    if first != "workspace_id":
        return "workspace_id does not come first"
    if key["kind"] == "f" and key["target"] == ROOT:
        return None if target == "id" else "it points at something else than the workspace"
    if key["kind"] == "f" and target != "workspace_id":
        return "it can point into another workspace"
    return None


def _holes_in_policies(table: str, policies: list[asyncpg.Record]) -> list[str]:
    """One policy for everybody and everything; "across" only where the model says so."""
    if len(policies) != 1:
        return [f"{table}: it has {len(policies)} policies"]
    (policy,) = policies
    column = "id" if table == ROOT else "workspace_id"
    own = rf"\({column} = \(NULLIF\(current_setting\('app.workspace_id'::text, true\), ''::text\)\)::bigint\)"
    across = r"\(current_setting\('app.across'::text, true\) = 'on'::text\)"
    known = metadata.tables.get(table)
    info = known.info if known is not None else {}
    found = r"\(words @@ \(NULLIF\(current_setting\('app.search'::text, true\), ''::text\)\)::tsquery\)"
    wanted = rf"\({own} OR {across}\)" if info.get("across") else own
    read = rf"\({own} AND {found}\)" if info.get("words") else wanted
    plain = (policy["permissive"], policy["roles"], policy["cmd"]) == ("PERMISSIVE", ["public"], "ALL")
    if plain and re.fullmatch(wanted, policy["check"] or "") and re.fullmatch(read, policy["qual"] or ""):
        return []
    return [f"{table}: its policy is not the wall"]


@pytest.fixture
async def owner_connection(place: Place) -> AsyncIterator[asyncpg.Connection[Any]]:
    """The owner's, in a transaction that is undone: a test may plant what it likes."""
    connection = await asyncpg.connect(**place[1])
    planted = connection.transaction()
    await planted.start()
    yield connection
    await planted.rollback()
    await connection.close()


async def test_no_table_lets_one_workspace_reach_another(owner_connection: asyncpg.Connection[Any]) -> None:
    assert await holes(owner_connection) == []


async def test_every_table_of_the_model_is_there(owner_connection: asyncpg.Connection[Any]) -> None:
    names = {row["name"] for row in await owner_connection.fetch(_TABLES)}
    assert names - APART == set(metadata.tables)
    assert len(names) > 30


_GOOD = """
create table planted (workspace_id bigint not null references workspaces (id), id bigint not null,
  contact_id bigint not null, primary key (workspace_id, id), unique (workspace_id, contact_id),
  foreign key (workspace_id, contact_id) references contacts (workspace_id, id));
alter table planted enable row level security; alter table planted force row level security;
create policy workspace on planted
  using (workspace_id = nullif(current_setting('app.workspace_id', true), '')::bigint)
  with check (workspace_id = nullif(current_setting('app.workspace_id', true), '')::bigint);
"""


async def test_a_table_as_it_should_be_passes(owner_connection: asyncpg.Connection[Any]) -> None:
    await owner_connection.execute(_GOOD)
    assert await holes(owner_connection) == []


@pytest.mark.parametrize(
    ("planted", "problem"),
    [
        ("alter table planted disable row level security", "planted: row-level security is not enabled"),
        ("alter table planted no force row level security", "planted: row-level security is not forced on its owner"),
        (f"alter table planted owner to {ROLE}", "planted: the application owns it"),
        ("drop policy workspace on planted", "planted: it has 0 policies"),
        ("create policy open on planted using (true)", "planted: it has 2 policies"),
        ("alter policy workspace on planted using (true)", "planted: its policy is not the wall"),
        ("alter policy workspace on planted with check (true)", "planted: its policy is not the wall"),
        (f"alter policy workspace on planted to {ROLE}", "planted: its policy is not the wall"),
        (
            "alter policy workspace on planted using (current_setting('app.across', true) = 'on')",
            "planted: its policy is not the wall",
        ),
        (
            "alter table planted add constraint planted_one unique (contact_id)",
            "planted_one: workspace_id does not come first",
        ),
        (
            "create unique index planted_two on planted (lower(id::text))",
            "planted_two: workspace_id does not come first",
        ),
        (
            "alter table planted add constraint planted_three unique (id, workspace_id)",
            "planted_three: workspace_id does not come first",
        ),
        (
            """alter table workspaces add constraint w unique (id, id_two);
            alter table planted add constraint planted_four
              foreign key (workspace_id, id) references workspaces (id_two, id)""",
            "planted_four: it points at something else than the workspace",
        ),
        (
            """create unique index c_swapped on contacts (id, workspace_id);
            alter table planted add constraint planted_five
              foreign key (workspace_id, id) references contacts (id, workspace_id)""",
            "planted_five: it can point into another workspace",
        ),
        ("create view planted_view as select * from contacts", "view planted_view runs with its owner's rights"),
        (
            "create materialized view planted_view as select * from contacts",
            "view planted_view runs with its owner's rights",
        ),
        (
            "create function planted_function() returns int language sql security definer as 'select 1'",
            "function planted_function runs with its owner's rights",
        ),
        ("create table bare (id bigint primary key)", "bare: it has no workspace_id that is required"),
        ("create table loose (workspace_id bigint, id bigint)", "loose: it has no workspace_id that is required"),
    ],
)
async def test_a_planted_hole_is_found(owner_connection: asyncpg.Connection[Any], planted: str, problem: str) -> None:
    if "id_two" in planted:
        await owner_connection.execute("alter table workspaces add column id_two bigint")
    await owner_connection.execute(_GOOD)
    await owner_connection.execute(planted)
    assert problem in await holes(owner_connection)


async def test_a_view_with_the_callers_rights_is_fine(owner_connection: asyncpg.Connection[Any]) -> None:
    await owner_connection.execute("create view fine with (security_invoker = true) as select * from contacts")
    assert await holes(owner_connection) == []


# --- and what the wall does, as the application sees it ------------------------------------------------------------


async def test_another_workspaces_rows_cannot_be_read_or_written(
    db: Database, workspace: int, other_workspace: int
) -> None:
    async with db.begin(other_workspace) as tx:
        theirs = await tx.fetchval(
            "insert into contacts (workspace_id, name) values ($1, 'T') returning id", other_workspace
        )
    async with db.begin(workspace) as tx:
        assert await tx.fetch("select * from contacts") == []
        assert await tx.execute("update contacts set name = 'mine'") == 0
        assert await tx.execute("delete from contacts where id = $1", theirs) == 0
        assert [row["id"] for row in await tx.fetch("select * from workspaces")] == [workspace]
    for statement, refusal in (
        ("insert into contacts (workspace_id, name) values ($1, 'X')", asyncpg.InsufficientPrivilegeError),
        (
            f"insert into contact_points (workspace_id, contact_id, kind, value) select {workspace}, {theirs}, '', ''",
            asyncpg.ForeignKeyViolationError,
        ),
    ):
        with pytest.raises(refusal):
            async with db.begin(workspace) as tx:
                await tx.execute(statement, *([other_workspace] if "$1" in statement else []))


async def test_work_across_workspaces_reaches_only_queues_and_registers(db: Database, workspace: int) -> None:
    async with db.begin(workspace) as tx:
        await tx.execute("insert into contacts (workspace_id, name) values ($1, 'X')", workspace)
    async with db.across() as tx:
        assert await tx.fetch("select * from contacts") == []
        assert [row["id"] for row in await tx.fetch("select * from workspaces where id = $1", workspace)] == [workspace]


async def test_nothing_of_a_workspace_stays_on_the_connection(live_db: Database, workspace: int) -> None:
    async with live_db.pool.acquire() as connection:
        async with live_db.on(connection, workspace) as tx:
            assert await tx.fetchval("select count(*) from workspaces") == 1
        for name in ("app.workspace_id", "app.across"):
            assert not await connection.fetchval("select current_setting($1, true)", name)
        assert await connection.fetch("select * from workspaces") == []


def test_settings_are_made_for_a_transaction_only_and_in_few_places() -> None:
    source = Path(__file__).parents[1] / "src" / "frontdesk"
    texts = {path.relative_to(source).as_posix(): path.read_text() for path in source.rglob("*.py")}
    setters = {name for name, text in texts.items() if _SETTING.search(text)}
    assert {name for name in setters if not name.startswith("app/")} == {"kit/transaction.py"}
    for name in setters:  # (in ``app``: the operator's commands, which go through all workspaces)
        made, local = len(_SETTING.findall(texts[name])), len(_LOCAL.findall(texts[name]))
        assert made == local, f"{name}: a setting would outlive its transaction"
    for planted in ('connection.execute("SET app.workspace_id = 7")', "select set_config('app.across', $1, false)"):
        assert _SETTING.search(planted)
        assert not _LOCAL.search(planted)


_SETTING = re.compile(r"set_config\s*\(|\bset\s+(?:session\s+|local\s+)?app\.", re.IGNORECASE)
_LOCAL = re.compile(r"set_config\('[a-z_.]+', (?:\$\d|'[a-z_]+'), true\)")


# --- migrations ----------------------------------------------------------------------------------------------------


async def drift(place: Place, wanted: MetaData) -> list[Any]:
    """What a migration would have to change to make the database what the model says."""

    def compare(connection: Connection) -> list[Any]:
        found: list[Any] = compare_metadata(
            MigrationContext.configure(
                connection,
                opts={
                    "compare_type": True,
                    "include_name": lambda name, kind, _: (kind, name) != ("table", "alembic_version"),
                },
            ),
            wanted,
        )
        return found

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(**place[1]), poolclass=NullPool
    )
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(compare)
    finally:
        await engine.dispose()


async def test_the_migrations_make_what_the_model_says(place: Place) -> None:
    assert await drift(place, metadata) == []


async def test_a_planted_drift_is_found(place: Place) -> None:
    other = MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.tables.values():
        table.to_metadata(other)
    other.tables["contacts"].append_column(Column("planted", Integer))
    found = await drift(place, other)
    assert [change[3].name for change in found if change[0] == "add_column"] == ["planted"]


async def test_the_database_is_at_the_newest_revision(owner_connection: asyncpg.Connection[Any]) -> None:
    assert await revision(owner_connection) == newest()
