"""The wall between workspaces, tried with real rows in every table: reading, changing, inserting, pointing across it.

``tests/test_catalogue.py`` reads the wall from the catalogue. Here each way round it that PostgreSQL leaves open is
walked: keys of one column, views and functions with their owner's rights, settings that outlive a transaction, and
errors that tell what another workspace has. Each is planted once, to see that the attempt would get through.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from frontdesk.app.migrate import ROLE
from frontdesk.kit.transaction import Database
from test_catalogue import APART, ROOT, holes

Place = tuple[dict[str, Any], dict[str, Any]]
Key = tuple[str, str, str, str]  # table, name, column, target

_COLUMNS = """
select c.relname as table, a.attname as name, a.attnotnull as required, format_type(a.atttypid, null) as type,
  a.atthasdef or a.attidentity <> '' or a.attgenerated <> '' as filled
from pg_attribute a join pg_class c on c.oid = a.attrelid
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
order by c.relname, a.attnum
"""
_FOREIGN = """
select c.relname as table, k.conname as name, r.relname as target,
  (select attname from pg_attribute where attrelid = k.conrelid and attnum = k.conkey[2]) as column
from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_class r on r.oid = k.confrelid
where k.contype = 'f' and c.relnamespace = 'public'::regnamespace and array_length(k.conkey, 1) > 1 order by 1, 2
"""
_CHECKS = """
select format('alter table %s drop constraint %I', conrelid::regclass, conname) from pg_constraint
where contype = 'c' and connamespace = 'public'::regnamespace and conrelid <> 0
"""
_TRIGGERS = """
select format('alter table %s disable trigger %I', tgrelid::regclass, tgname) from pg_trigger where not tgisinternal
"""


class Walls:
    """Two workspaces with a row in every table, on the owner's connection, in a transaction that is undone.

    Rows are made up from the catalogue, so a new table is tried without anybody remembering to. What a row may say
    (checks, triggers) is put aside: this is about whose it is.
    """

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self.raw = connection
        self.columns: dict[str, list[asyncpg.Record]] = {}
        self.keys: list[Key] = []
        self.rows: dict[tuple[str, int], int | None] = {}
        self.mine = self.theirs = 0

    async def build(self) -> None:
        for statement in (_CHECKS, _TRIGGERS):
            for row in await self.raw.fetch(statement):
                await self.raw.execute(row[0])
        for column in await self.raw.fetch(_COLUMNS):
            if column["table"] not in APART:
                self.columns.setdefault(column["table"], []).append(column)
        self.keys = [
            (row["table"], row["name"], row["column"], row["target"]) for row in await self.raw.fetch(_FOREIGN)
        ]
        made = "insert into workspaces (name) values ('W') returning id"
        self.mine, self.theirs = await self.raw.fetchval(made), await self.raw.fetchval(made)
        for workspace in (self.mine, self.theirs):
            for table in self.tables:
                await self.row(table, workspace)

    @property
    def tables(self) -> list[str]:
        return [table for table in self.columns if table != ROOT]

    async def row(self, table: str, workspace: int) -> int | None:
        """The id of this workspace's row (None where a table has none), made with all that it needs."""
        if (table, workspace) not in self.rows:
            self.rows[table, workspace] = None  # a key to its own table stays empty
            self.rows[table, workspace] = await self.insert(table, workspace)
        return self.rows[table, workspace]

    async def insert(self, table: str, workspace: int, salt: str = "", **given: int | None) -> int | None:
        """One row, the same in any workspace but for what it points at."""
        targets = {column: target for name, _, column, target in self.keys if name == table}
        values: dict[str, Any] = {"workspace_id": workspace}
        for column in self.columns[table]:
            name = column["name"]
            if name in given:
                values[name] = given[name]
            elif name in targets and targets[name] != table:
                values[name] = await self.row(targets[name], workspace)
            elif column["required"] and not column["filled"] and name != "workspace_id":
                values[name] = _value(column["type"], salt)
        names, numbers = ", ".join(values), ", ".join(f"${n + 1}" for n in range(len(values)))
        back = "id" if any(column["name"] == "id" for column in self.columns[table]) else "null::bigint"
        sql = f"insert into {table} ({names}) values ({numbers}) returning {back}"
        made: int | None = await self.raw.fetchval(sql, *values.values())
        return made

    async def as_app(self, workspace: int | None) -> None:
        """From here on what the application may do, in this workspace or none."""
        await self.raw.execute(f"set local role {ROLE}")
        await self.raw.execute("select set_config('app.workspace_id', $1, true)", str(workspace or ""))

    async def attempt(self, sql: str, *values: Any) -> str:
        """What became of a statement: the error's name, or what it touched."""
        step = self.raw.transaction()
        await step.start()
        try:
            return await self.raw.execute(sql, *values)
        except asyncpg.PostgresError as error:
            return type(error).__name__
        finally:
            await step.rollback()

    async def inserted(self, table: str, column: str, value: int | None) -> str:
        """What becomes of another row of ours with this value."""
        step = self.raw.transaction()
        await step.start()
        try:
            await self.insert(table, self.mine, salt="across", **{column: value})
            return "INSERT 1"
        except asyncpg.PostgresError as error:
            return type(error).__name__
        finally:
            await step.rollback()


def _value(kind: str, salt: str) -> Any:
    match kind:
        case "bigint" | "integer" | "smallint":
            return 1 + len(salt)
        case "bytea":
            return b"x" + salt.encode()
        case "text[]" | "bigint[]":
            return []
        case "uuid":
            return f"00000000-0000-4000-8000-{len(salt):012}"
        case "timestamp with time zone":
            return datetime(2026, 11, 22, tzinfo=UTC)
        case "tsvector":
            return "word"
        case _:
            return f"x{salt}"


@pytest.fixture
async def walls(place: Place) -> AsyncIterator[Walls]:
    connection = await asyncpg.connect(**place[1])
    await connection.set_type_codec("uuid", schema="pg_catalog", encoder=str, decoder=str, format="text")
    outer = connection.transaction()
    await outer.start()
    try:
        made = Walls(connection)
        await made.build()
        yield made
    finally:
        await outer.rollback()
        await connection.close()


async def test_there_is_a_row_of_each_workspace_in_every_table(walls: Walls) -> None:
    for table in walls.tables:
        there = await walls.raw.fetch(f"select distinct workspace_id as id from {table}")
        assert {walls.mine, walls.theirs} <= {row["id"] for row in there}, table
    assert len(walls.tables) > 30


async def test_no_table_shows_changes_or_takes_rows_of_another_workspace(walls: Walls) -> None:
    await walls.as_app(walls.mine)
    for table in walls.tables:
        seen = await walls.raw.fetch(f"select workspace_id from {table}")
        assert {row["workspace_id"] for row in seen} <= {walls.mine}, table
        for sql in (
            f"update {table} set workspace_id = workspace_id where workspace_id = $1",
            f"delete from {table} where workspace_id = $1",
        ):
            assert await walls.attempt(sql, walls.theirs) in ("UPDATE 0", "DELETE 0", "InsufficientPrivilegeError"), sql
        stolen = await walls.attempt(f"update {table} set workspace_id = $1", walls.theirs)
        assert stolen in ("InsufficientPrivilegeError", "UPDATE 0"), table
        assert await walls.attempt(f"truncate {table} cascade") == "InsufficientPrivilegeError", table
        assert await walls.inserted(table, "workspace_id", walls.theirs) == "InsufficientPrivilegeError", table


async def test_without_a_workspace_there_is_nothing(walls: Walls) -> None:
    await walls.as_app(None)
    for table in [*walls.tables, ROOT]:
        assert await walls.raw.fetchval(f"select count(*) from {table}") == 0, table


# --- 1: keys of one column -----------------------------------------------------------------------------------------


async def pointing_across(walls: Walls) -> list[str]:
    """The foreign keys through which a row of ours can point at a row of theirs."""
    open_keys = []
    for table, name, column, target in walls.keys:
        foreign = walls.rows[target, walls.theirs]
        became = await walls.attempt(f"update {table} set {column} = $1", foreign)
        if became in ("InsufficientPrivilegeError", "UPDATE 0"):  # only grows, or is seen only by who searches
            became = await walls.inserted(table, column, foreign)
        if became != "ForeignKeyViolationError":
            open_keys.append(name)
    return open_keys


async def test_no_row_can_point_at_a_row_of_another_workspace(walls: Walls) -> None:
    await walls.as_app(walls.mine)
    assert len(walls.keys) > 25
    assert await pointing_across(walls) == []


async def test_a_key_of_one_column_would_let_it(walls: Walls) -> None:
    name = "fk_messages_workspace_id_conversation_id"
    await walls.raw.execute(f"alter table messages drop constraint {name}")
    await walls.raw.execute("create unique index planted on conversations (id)")
    await walls.raw.execute(f"alter table messages add constraint {name} foreign key (conversation_id)"
                            " references conversations (id)")  # fmt: skip
    found = await holes(walls.raw)
    assert f"{name}: workspace_id does not come first" in found
    await walls.as_app(walls.mine)
    assert await pointing_across(walls) == [name], "foreign keys are checked without row-level security"


# --- 2: views ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("options", "leaks"), [("", True), ("with (security_invoker = true)", False)])
async def test_a_view_shows_what_its_owner_sees(walls: Walls, options: str, leaks: bool) -> None:
    await walls.raw.execute(f"create view planted {options} as select workspace_id from contacts")
    await walls.raw.execute(f"grant select on planted to {ROLE}")
    found = await holes(walls.raw)
    assert any("view planted" in problem for problem in found) is leaks
    await walls.as_app(walls.mine)
    seen = {row["workspace_id"] for row in await walls.raw.fetch("select * from planted")}
    assert (walls.theirs in seen) is leaks


# --- 3: functions with their owner's rights -------------------------------------------------------------------------


@pytest.mark.parametrize("security", ["definer", "invoker"])
async def test_a_function_sees_what_its_owner_sees(walls: Walls, security: str) -> None:
    await walls.raw.execute(
        f"create function planted() returns bigint language sql security {security}"
        f" as 'select count(*) from contacts where workspace_id = {walls.theirs}'"
    )
    found = await holes(walls.raw)
    assert any("function planted" in problem for problem in found) is (security == "definer")
    await walls.as_app(walls.mine)
    assert (await walls.raw.fetchval("select planted()") > 0) is (security == "definer")


# --- 4: settings that outlive a transaction -------------------------------------------------------------------------


async def test_a_setting_that_outlived_its_transaction_reaches_no_later_one(
    live_db: Database, workspace: int, other_workspace: int
) -> None:
    """Planted: somebody sets the workspace for the whole connection, and says that they look across."""
    async with live_db.session() as connection:
        await connection.execute(f"set app.workspace_id = '{other_workspace}'")
        await connection.execute("set app.across = 'on'")
        bleeding = await connection.fetch("select id from workspaces")
        assert {row["id"] for row in bleeding} >= {other_workspace}, "such a setting would bleed"
        async with live_db.on(connection, workspace) as tx:
            assert [row["id"] for row in await tx.fetch("select id from workspaces")] == [workspace]
        pid = await connection.fetchval("select pg_backend_pid()")
    borrowed: list[Any] = []
    try:
        while not borrowed or await borrowed[-1].fetchval("select pg_backend_pid()") != pid:
            borrowed.append(await live_db.pool.acquire())
        assert not await borrowed[-1].fetchval("select current_setting('app.workspace_id', true)")
        assert await borrowed[-1].fetch("select id from workspaces") == []
    finally:
        for one in borrowed:
            await live_db.pool.release(one)


async def test_every_transaction_of_a_connection_says_anew_whose_it_is(
    live_db: Database, workspace: int, other_workspace: int
) -> None:
    """Also where a connection goes back without being cleaned, as those do that were lent for one transaction."""
    borrowed = [await live_db.pool.acquire() for _ in range(16)]
    for one in borrowed:
        await one.execute(f"set app.workspace_id = '{other_workspace}'")
        await one.execute("set app.across = 'on'")
        await live_db.pool.release(one)
    for own in (workspace, other_workspace):
        async with live_db.begin(own) as tx:
            assert [row["id"] for row in await tx.fetch("select id from workspaces")] == [own]


async def test_a_failed_transaction_takes_its_workspace_along(live_db: Database, workspace: int) -> None:
    async with live_db.pool.acquire() as connection:
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with live_db.on(connection, workspace) as tx:
                await tx.execute("select 1 / 0")
        assert await connection.fetch("select id from workspaces") == []


# --- what errors tell -----------------------------------------------------------------------------------------------


async def test_the_same_row_fits_into_two_workspaces(walls: Walls) -> None:
    """Names, addresses, keys: that another workspace has one is nothing that an error could tell. The two rows are the
    same in all but what they point at (see :meth:`Walls.insert`); both are there."""
    await walls.as_app(walls.mine)
    for table in walls.tables:
        step = walls.raw.transaction()
        await step.start()
        try:
            await walls.insert(table, walls.mine, salt="again")
            await walls.insert(table, walls.mine, salt="again")
            told = "nothing"
        except asyncpg.UniqueViolationError as error:
            told = str(error.detail)
        except asyncpg.PostgresError as error:
            told = type(error).__name__
        await step.rollback()
        assert f"({walls.theirs}" not in told, table


async def test_a_unique_index_over_all_workspaces_would_tell(walls: Walls) -> None:
    await walls.raw.execute("update teams set name = 'only theirs' where workspace_id = $1", walls.theirs)
    await walls.raw.execute("create unique index planted on teams (name)")
    assert "planted: workspace_id does not come first" in await holes(walls.raw)
    await walls.as_app(walls.mine)
    insert = "insert into teams (workspace_id, name) values ($1, $2)"
    assert await walls.attempt(insert, walls.mine, "nobody's") == "INSERT 0 1"
    assert await walls.attempt(insert, walls.mine, "only theirs") == "UniqueViolationError"
