"""Two workspaces on one database: whatever one of them asks, no byte of the other's is in the answer.

Every text, document and file of the other workspace holds a canary. The whole API is called, rightly and with the
other's ids, cursors, keys and words, and every answer is searched. Afterwards the other workspace is as it was.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from app.operations import operations
from conftest import running
from conversations.office import Office
from frontdesk.channels.port import Channel
from frontdesk.kit.context import Actor, Resources
from frontdesk.kit.transaction import Database
from frontdesk.people.actions import passwords
from realtime.site import CHEAP
from security import matrix
from security.test_access import Asker
from security.test_R09_objects import digest
from security.world import Answer, World, ask, build

CANARY = "HillCanary"
# Columns whose words the code itself reads: with a canary in them the other workspace would not work at all.
READ_BY_CODE = {"channel", "timezone", "public_key", "kind", "hash", "activity", "actor", "key", "dedupe_key", "csrf"}

_COLUMNS = """
select c.relname as table, a.attname as name, format_type(a.atttypid, null) as type
from pg_attribute a join pg_class c on c.oid = a.attrelid
where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
  and c.relname <> 'alembic_version' and format_type(a.atttypid, null) in ('text', 'jsonb', 'bytea')
"""
_FILLED = {
    "text": f"coalesce({{0}}, '') || '{CANARY}'",
    "jsonb": f"case jsonb_typeof({{0}}) when 'object' then {{0}} || jsonb_build_object('x', '{CANARY}') else {{0}} end",
    "bytea": f"coalesce({{0}}, '') || convert_to('{CANARY}', 'utf8')",
}


async def poison(office: Office) -> int:
    """The canary in everything of a workspace that can hold it; returns in how many columns it is."""
    filled = 0
    async with office.db.begin(office.workspace) as tx:
        for column in await tx.fetch(_COLUMNS):
            name = column["name"]
            if name in READ_BY_CODE or name.endswith("_hash"):
                continue
            step = tx.raw.transaction()
            await step.start()
            try:
                value = _FILLED[column["type"]].format(name)
                filled += await tx.execute(f"update {column['table']} set {name} = {value}") > 0
                await step.commit()
            except asyncpg.PostgresError:  # a state, a role: the schema takes no other words
                await step.rollback()
    return filled


@pytest.fixture
async def world(
    resources: Resources, owner: Actor, other_workspace: int, registry: dict[str, Channel],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[World]:  # fmt: skip
    monkeypatch.setattr(passwords, "_ARGON", CHEAP)
    built = await build(resources, owner, other_workspace, registry)
    file = await resources.files.put(f"a file with {CANARY}".encode())
    async with resources.db.begin(other_workspace) as tx:
        await tx.execute(
            "insert into attachments (workspace_id, message_id, hash, name, content_type, size)"
            " values ($1, $2, $3, 'x.txt', 'text/plain', 4)",
            other_workspace, built.ids["foreign"]["message_id"], file,
        )  # fmt: skip
        await tx.execute(
            "insert into drafts (workspace_id, user_id, conversation_id, mode, body) values ($1, $2, $3, 'reply', $4)",
            other_workspace, built.theirs.owner.user_id, built.ids["foreign"]["conversation_id"], {"text": "x"},
        )  # fmt: skip
    assert await poison(built.theirs) > 40
    async with running(built.app):
        yield built


def leaks(where: str, answer: Answer) -> list[str]:
    said = answer.body + repr(sorted(answer.headers.items())).encode()
    return [f"{where}: {answer.status} {said[:200]!r}"] if CANARY.encode() in said else []


async def their_cursors(world: World) -> list[str]:
    """What the other workspace's lists gave out, and what its streams were at."""
    found = []
    for path in ("conversations?view=any", "contacts?", "users?", "audit?", "set-aside?", "scheduled?"):
        answer = await ask(world.app, "GET", f"/api/v1/{path}&limit=1", world.headers["neighbour"])
        found.append(json.loads(answer.body)["next"])
    return [cursor for cursor in found if cursor]


async def attempts(world: World) -> AsyncIterator[tuple[str, Answer]]:
    """Every question that one workspace could ask: (what was asked, the answer)."""
    asker, headers = Asker(world), world.headers["owner"]
    for line in matrix.lines(world.app):
        if line[2] == "own" or line[2].startswith("foreign"):
            for role in ("owner", "restricted", "full token", "visitor", "signed out"):
                if not (line[1] in ("/hooks", "/files/{token}") and line[2] != "own"):
                    yield f"{line} as {role}", await asker.alone(line, role)
    cursors = await their_cursors(world)
    assert len(cursors) >= 2
    for operation in operations():
        names = [name for where, name in operation.parameters if where == "query"]
        if operation.method == "GET" and names:
            path = operation.at(**{n: world.id_for("owner", "own", n) for n in operation.ids}).partition("?")[0]
            for name in names:
                values = cursors if name in ("cursor", "before", "after") else [CANARY[:6], *_ids(world, name)]
                for value in values:
                    yield f"{path}?{name}={value}", await ask(world.app, "GET", f"{path}?{name}={value}", headers)
    for start in ("after=0", f"after={2**40}"):
        yield f"the stream {start}", await ask(world.app, "GET", f"/api/v1/events?{start}", headers, listen=0.3)
    replayed = {**headers, "idempotency-key": f"{CANARY}-1", "content-type": "application/json"}
    theirs = {**world.headers["neighbour"], "idempotency-key": f"{CANARY}-1", "content-type": "application/json"}
    body = json.dumps({"name": f"{CANARY} label", "colour": "#112233"}).encode()
    assert (await ask(world.app, "POST", "/api/v1/tags", theirs, body)).status == 201
    other = json.dumps({"name": "ours", "colour": "#112233"}).encode()
    answer = await ask(world.app, "POST", "/api/v1/tags", replayed, other)
    assert answer.status == 201, "another workspace's key is another key"
    yield "a replay", answer


def _ids(world: World, name: str) -> list[str]:
    known = {"assignee_id": "user_id"}.get(name, name)
    return [world.id_for("owner", "foreign", known)] if known in world.ids["foreign"] else []


async def test_nothing_of_another_workspace_is_in_any_answer(world: World) -> None:
    before, found, asked = await digest(world), [], 0
    async for where, answer in attempts(world):
        asked += 1
        if where != "a replay" and asked % 50 == 0:
            assert await world.office.value("select count(*) from workspaces") == 1
        found += leaks(where, answer)
    assert found == []
    assert asked > 900
    after = await digest(world)
    changed = [one.partition(":")[0] for one, other in zip(after, before, strict=True) if one != other]
    assert set(changed) <= {"tags", "idempotency", "events", "event_counters"}, "only what they did themselves"


async def test_the_other_workspace_itself_sees_its_canaries_everywhere(world: World) -> None:
    """Planted: the same questions by somebody of the other workspace find canaries on nearly every list and thing."""
    asker, found = Asker(world), set()
    for line in matrix.lines(world.app):
        if line[0] == "GET" and (line[2] == "own" or line[2].startswith("foreign")):
            answer = await asker.alone(line, "neighbour")
            if leaks("", answer):
                found.add(line[1])
    assert len(found) >= 18, sorted(found)


async def test_a_transaction_in_the_wrong_workspace_would_be_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Any = Database.on
    wrong = world.theirs.workspace

    def elsewhere(self: Database, connection: Any, workspace_id: int | None, **more: Any) -> Any:
        return real(self, connection, wrong if workspace_id == world.office.workspace else workspace_id, **more)

    good = await ask(world.app, "GET", "/api/v1/me", world.headers["full token"])
    assert good.status == 200
    assert leaks("", good) == []
    monkeypatch.setattr(Database, "on", elsewhere)
    assert (await ask(world.app, "GET", "/api/v1/contacts", world.headers["full token"])).status == 401
