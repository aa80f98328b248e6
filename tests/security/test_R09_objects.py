"""R09: reaching a thing that is somebody else's, by its id, on the one action that forgot to look.

The actions are not listed here: they are found in the API's description (each path and body that takes an id) and in
the code (each function that gets hold of a row). ``access.csv`` tests ids in paths; here are all the other places.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import frontdesk
from conftest import running
from frontdesk.app import commands
from frontdesk.channels.port import Channel
from frontdesk.conversations.queries import listing
from frontdesk.kit.context import Actor, Resources
from frontdesk.people.actions import passwords
from realtime.site import CHEAP
from security.test_access import Asker
from security.world import World, ask, bodies, build

SOURCE = Path(frontdesk.__file__).parent
# What a field of a body or a query points at, by the name of the parameter that names the same in a path.
POINTS = {
    "assignee_id": "user_id", "team_id": "team_id", "inbox_id": "inbox_id", "point_id": "point_id",
    "contact_id": "contact_id", "conversation_id": "conversation_id", "label_id": "label_id", "member_ids": "user_id",
    "mentions": "user_id", "files": "file", "into": "", "answers": "message_id",
}  # fmt: skip

LEFT_OUT = {
    "mentions",
    "answers",
}  # whoever is not here is not called; what is not in this conversation is not answered


@pytest.fixture
async def world(
    resources: Resources, owner: Actor, other_workspace: int, registry: dict[str, Channel],
    monkeypatch: pytest.MonkeyPatch,
) -> Any:  # fmt: skip
    monkeypatch.setattr(passwords, "_ARGON", CHEAP)
    built = await build(resources, owner, other_workspace, registry)
    async with running(built.app):
        yield built


def _fields() -> Iterator[tuple[str, str, str, str]]:
    """(operation, method, path, field) of each field of a body that holds ids."""
    description: dict[str, Any] = json.loads(commands.openapi())
    for path, methods in description["paths"].items():
        for method, about in methods.items():
            schema = about.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            if "$ref" in schema:
                schema = description["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
            for field, shape in schema.get("properties", {}).items():
                if '"integer"' in json.dumps(shape) and (field.endswith(("_id", "_ids")) or field in POINTS):
                    yield about["operationId"], method.upper(), path, field


def test_every_field_that_takes_an_id_is_known() -> None:
    unknown = {(operation, field) for operation, _, _, field in _fields() if field not in POINTS}
    assert unknown == set()
    assert len(list(_fields())) >= 12


async def _file(world: World, office: Any) -> int:
    found: int = await office.value(
        "insert into files (workspace_id, hash, size, content_type, name, user_id)"
        " values ($1, $2, 4, 'text/plain', 'theirs.txt', $3) returning id",
        office.workspace, "f" * 64, office.owner.user_id,
    )  # fmt: skip
    return found


async def test_foreign_ids_in_bodies_lead_nowhere(world: World) -> None:
    """As the owner of one workspace, with ids of the other: the same answer as for ids that nobody has."""
    asker, tried = Asker(world), 0
    asker.bodies = bodies(world, world.ids["own"])
    files = {"foreign": await _file(world, world.theirs), "guessed": 987_654_321}
    before = await digest(world)
    for name, method, path, field in _fields():
        kind = POINTS[field] or ("contact_id" if "contacts" in path else "conversation_id")
        answers, told = [], []
        for ownership in ("foreign", "guessed"):
            value: Any = files[ownership] if kind == "file" else int(world.id_for("owner", ownership, kind))
            good = dict(asker.bodies.get(name, {}))
            listed = field in ("member_ids", "mentions", "files")
            asker.bodies[name] = {**good, field: [value] if listed else value}
            if name == "openConversation":  # (it takes a contact or an address, and an inbox)
                asker.bodies[name].setdefault("inbox_id", world.office.line)
            answers.append(await asker.alone((method, path, "own"), "owner"))
            told.append(answers[-1].body.replace(f"[{value}]".encode(), b"[the id]"))
            asker.bodies[name] = good
        assert answers[0].status == answers[1].status, (name, field)
        if field in LEFT_OUT:
            assert answers[0].status == 201
            assert json.loads(answers[0].body)["mentions"] == []
            continue
        assert answers[0].status in (400, 404, 409), (name, field, answers[0].body)
        assert told[0] == told[1], (name, field)
        tried += 1
    assert tried >= 10
    assert await digest(world) == before


async def test_foreign_ids_in_filters_find_nothing(world: World) -> None:
    for field in ("inbox_id", "assignee_id", "team_id", "label_id", "contact_id"):
        for ownership in ("foreign", "guessed"):
            value = world.id_for("owner", ownership, POINTS[field])
            for path in (f"/api/v1/conversations?view=any&{field}={value}", f"/api/v1/suggestions?contact_id={value}"):
                answer = await ask(world.app, "GET", path, world.headers["owner"])
                assert answer.status == 200
                assert json.loads(answer.body) in ({"items": [], "next": None}, []) or "suggestions" in path


async def test_a_restricted_user_finds_no_more_by_filters_than_by_opening(world: World) -> None:
    """Every view and filter, against what the same user may open one by one."""
    headers = world.headers["restricted"]
    ids = [row["id"] for row in await world.office.fetch("select id from conversations")]
    may = set()
    for talk in ids:
        if (await ask(world.app, "GET", f"/api/v1/conversations/{talk}", headers)).status == 200:
            may.add(talk)
    assert 0 < len(may) < len(ids)
    for query in ("view=any", "view=any&q=hello", f"view=any&assignee_id={world.office.owner.user_id}",
                  f"view=any&inbox_id={world.office.line}", "view=all", "view=closed", "view=unassigned"):  # fmt: skip
        answer = await ask(world.app, "GET", f"/api/v1/conversations?{query}", headers)
        assert {one["id"] for one in json.loads(answer.body)["items"]} <= may, query
    for path in ("/api/v1/scheduled", f"/api/v1/contacts/{world.ids['others']['contact_id']}/conversations"):
        items = json.loads((await ask(world.app, "GET", path, headers)).body)["items"]
        assert {one.get("conversation", one).get("id") for one in items} <= may, path


async def digest(world: World) -> list[str]:
    """Everything that the other workspace has."""
    found = []
    await world.theirs.fetch("select set_config('app.search', $1, true)", "!'~'")  # all words can be read
    tables = await world.theirs.fetch(
        "select tablename as name from pg_tables where schemaname = 'public' and tablename <> 'alembic_version'"
    )
    for table in sorted(row["name"] for row in tables):
        rows = await world.theirs.fetch(f"select md5(t::text) as row from {table} t order by 1")
        found.append(f"{table}: {[row['row'] for row in rows]}")
    return found


# --- one policy, in one place ----------------------------------------------------------------------------------------


def test_who_may_see_a_conversation_is_decided_in_one_place() -> None:
    """A second copy of the rule is the one that is forgotten when the first changes."""
    rule = re.compile(r"sees_all")
    places = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if rule.search(path.read_text()) and path.parent.name != "people" and "people" not in path.parts
    }
    assert places == {
        "kit/context.py",  # what it means
        "conversations/queries/listing.py",  # the rule
        "conversations/actions/change.py",  # whom a conversation is given to that they open
        "contacts/routes.py",  # what reaches into all conversations of a contact
        "contacts/queries.py",  # whom a contact concerns, by the same rule
        "app/http.py",  # a file that is asked for at an address that has ended
        "realtime/queries/hub.py", "realtime/queries/log.py", "realtime/routes.py",  # the same for events: R22 compares
    }  # fmt: skip


def _routes() -> Iterator[tuple[str, ast.AsyncFunctionDef, str]]:
    for path in SOURCE.glob("*/routes*"):
        for file in [path] if path.is_file() else sorted(path.glob("*.py")):
            for node in ast.parse(file.read_text()).body:
                if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef) and node.decorator_list:
                    yield f"{file.parent.name}/{file.name}", node, ast.unparse(node)  # type: ignore[misc]


PUBLIC = {"get_setup", "set_up", "sign_in", "get_channel_icon"}
OWN = {  # about nobody but who asks: each looks at the session instead of a permission
    "sign_out", "sign_out_everywhere", "list_sessions", "get_me", "change_me", "list_tokens", "create_token",
    "revoke_token",
}  # fmt: skip


def test_every_route_asks_for_a_permission() -> None:
    seen = set()
    for file, node, text in _routes():
        seen.add(node.name)
        if node.name not in PUBLIC | OWN:
            asks = re.search(r"context\.(begin|look)\(|\.require\(", text)
            assert asks, f"{file}: {node.name} asks for no permission"
    assert PUBLIC | OWN <= seen
    assert len(seen) > 80


def test_whatever_takes_a_conversation_or_message_asks_who_may_see_it() -> None:
    """Each route with such an id passes the actor on to what looks the row up."""
    for file, node, text in _routes():
        names = {argument.arg for argument in [*node.args.args, *node.args.kwonlyargs]}
        if names & {"conversation_id", "message_id"}:
            assert "context.actor" in text or "actor," in text, f"{file}: {node.name}"


async def test_the_rule_itself(world: World) -> None:
    """Planted: without it the restricted user sees everything; with it, only theirs."""
    conditions = listing.Conditions(1, 2)
    listing.visible_to(Actor(workspace_id=1, user_id=2, name="", role="user", permissions=frozenset()), conditions)
    assert conditions.parts == []
    narrow = Actor(workspace_id=1, user_id=2, name="", role="user", permissions=frozenset(), sees_all=False)
    listing.visible_to(narrow, conditions)
    assert len(conditions.parts) == 1
