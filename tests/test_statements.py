"""Does every statement keep to one workspace in each table that it reads? PostgreSQL's own plans say it.

What the product asks on a busy day is planned as for a role that row-level security does not bind, statements inside of
functions and triggers too (``auto_explain``): then a condition on ``workspace_id`` is there only where the statement
has one itself, in the scan of a table or in a join that reaches it. Distributed by workspace (``docs/scale.md``), such
a statement asks one node; and the right index is found without the wall's help.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import httpx
import pytest

from conversations.office import Office, Time
from frontdesk.app.http import create
from frontdesk.kit.tables import metadata
from frontdesk.kit.transaction import Database
from frontdesk.people import actions as people
from operating.conftest import breakable, ground, office, registry, time
from operating.test_verify import busy_day
from security import matrix

__all__ = ["breakable", "ground", "office", "registry", "time"]

ROOT = "workspaces"  # distributed by its id
CONDITIONS = ("Index Cond", "Recheck Cond", "Filter")
JOINS = ("Join Filter", "Hash Cond", "Merge Cond")
ACROSS = (  # who has something due, is anybody here at all: asked of all workspaces at once
    "select distinct workspace_id from raw_deliveries where state = 'new'",
    "select workspace_id, sum(seen)::int as seen, sum(ready)::int as ready from (",
    "select exists(select 1 from workspaces)",
)
TESTS = (  # what the tests ask by themselves
    "select * from messages where id = $1 or",
    "select * from outbox where message_id = $1",
    "select * from conversations where id = $1",
    "select contact_id from conversations where id = $1",
)
STREAM = "/api/v1/events"  # never ends
Plan = dict[str, Any]


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def astray(plan: Plan) -> set[str]:
    """Tables of workspaces that a plan scans without a condition on the workspace."""
    every = list(nodes(plan))
    joins = " ".join(str(node.get(name, "")) for node in every for name in JOINS)
    found = set()
    for node in every:
        table, alias = node.get("Relation Name"), node.get("Alias")
        if table not in metadata.tables or node["Node Type"] == "ModifyTable":
            continue
        column = "id" if table == ROOT else "workspace_id"
        scan = [node, *(inner for inner in node.get("Plans", ()) if inner["Node Type"].startswith("Bitmap"))]
        own = " ".join(str(part.get(name, "")) for part in scan for name in CONDITIONS)
        if not re.search(rf"\b{column} = ", own) and not re.search(rf"\b{alias}\.{column}\b", joins):
            found.add(str(table))
    return found


class Planned(dict[str, set[str]]):
    """Statements as the database planned them: the tables in which each went astray."""

    def heard(self, _: Any, message: Any) -> None:
        if found := re.search(r"plan:\n(.*)", message.message, re.DOTALL):
            plan = json.loads(found[1])
            statement = " ".join(plan["Query Text"].split())
            self[statement] = self.get(statement, set()) | astray(plan["Plan"])

    def astray(self) -> dict[str, set[str]]:
        return {
            statement: tables
            for statement, tables in self.items()
            if tables and not statement.startswith((*ACROSS, *TESTS))
        }


@pytest.fixture
async def db(breakable: Database) -> Database:
    return breakable


@pytest.fixture
async def planned(ground: asyncpg.Connection[Any]) -> AsyncIterator[Planned]:
    """Everything that is planned on the connection of this test."""
    made = Planned()
    await ground.execute(
        """load 'auto_explain'; set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on;
        set auto_explain.log_format = json; set auto_explain.log_verbose = on; set auto_explain.log_level = notice"""
    )
    ground.add_log_listener(made.heard)
    yield made
    ground.remove_log_listener(made.heard)


async def test_every_statement_keeps_to_its_workspace(
    planned: Planned, office: Office, time: Time, client: httpx.AsyncClient
) -> None:
    """A day of deliveries, answers, refusals and receipts; then everything that the API can be asked."""
    ids = await busy_day(office, time)
    talk = await office.conversation(ids["conversation"])
    known = {
        "conversation_id": talk["id"], "contact_id": talk["contact_id"], "message_id": ids["first"],
        "inbox_id": office.line, "raw_id": ids["raw"],
    }  # fmt: skip
    async with office.db.begin(office.workspace) as tx:
        scopes = sorted(office.owner.permissions)
        _, token = await people.create_token(tx, office.owner.user_id, name="t", scopes=scopes)
    answered = 0
    for method, path in matrix.routes(create(office.resources)):
        if method == "GET" and path.startswith("/api/v1/") and path != STREAM:
            where = re.sub(r"\{(\w+)\}", lambda name: str(known.get(name[1], 1)), path)
            for query in ("", "?q=words"):
                answer = await client.get(where + query, headers={"Authorization": f"Bearer {token}"})
                assert answer.status_code < 500, (where, answer.text)
                answered += answer.status_code == 200
    assert answered > 50
    assert len(planned) > 150
    assert planned.astray() == {}


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("select * from messages where id = 1", "messages"),
        ("update contacts set name = '' where id = 1", "contacts"),
        ("delete from labels where name = 'x'", "labels"),
        (
            "select m.id from conversations c join messages m on m.conversation_id = c.id where c.workspace_id = 1",
            "messages",
        ),
        ("select 1 from tags where workspace_id = 1 and exists (select from users where name = tags.name)", "users"),
        ("create function f() returns bigint language sql as 'select count(*) from teams'; select f()", "teams"),
    ],
)
async def test_a_statement_that_forgets_it_is_found(
    planned: Planned, ground: asyncpg.Connection[Any], statement: str, table: str
) -> None:
    await ground.execute(statement)
    assert {one for tables in planned.astray().values() for one in tables} == {table}


async def test_one_that_joins_within_the_workspace_is_not(planned: Planned, ground: asyncpg.Connection[Any]) -> None:
    for join in ("on", "off"):
        await ground.execute(f"set local enable_nestloop = {join}")
        await ground.execute(
            "select m.id from conversations c join messages m on m.workspace_id = c.workspace_id"
            " and m.conversation_id = c.id where c.workspace_id = 1"
        )
    assert planned
    assert planned.astray() == {}
