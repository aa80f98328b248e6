"""Who may do what: every cell of ``access.csv`` against the real application, and no cell that is not in it.

A refusal says the same to the byte whether a thing is somebody else's, another workspace's, gone, or never was.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from app.operations import operations
from conftest import running
from frontdesk.channels.port import Channel
from frontdesk.conversations.queries import listing
from frontdesk.kit.context import Actor, Resources
from frontdesk.people import rules
from frontdesk.people.actions import ATTEMPTS, passwords
from realtime.site import CHEAP
from security import matrix
from security.matrix import Line
from security.world import ROLES, Answer, World, ask, bodies, build

PUBLIC = ("/widget.js", "/widget/app", "/widget/assets", "/widget/demo", "/assets", "/metrics", "/livez", "/readyz")
TALKS = "/api/v1/conversations"
PAGES = ("/", "/{path}", "/api/v1/openapi.json")
NOT_THERE = {"foreign", "guessed", "deleted"}
QUERIES = {"uploadFile": "?name=x.txt"}


@pytest.fixture
async def world(
    resources: Resources, owner: Actor, other_workspace: int, registry: dict[str, Channel],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[World]:  # fmt: skip
    monkeypatch.setattr(passwords, "_ARGON", CHEAP)
    built = await build(resources, owner, other_workspace, registry)
    async with running(built.app):
        yield built


class Asker:
    """Asks what a line of the table says, as each role."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.operations = {(one.method, one.path): one for one in operations()}
        self.bodies = bodies(world, world.ids["own"])
        key = world.office.chat  # type: ignore[attr-defined]
        self.widget = {
            "/widget/v1/session": {"key": key, "origin": "https://site.example"},
            "/widget/v1/identify": {"identity": "x"}, "/widget/v1/typing": {"on": True},
            "/widget/v1/seen": {"ids": ["wm:x"]},
            "/widget/v1/messages": {"id": "3f6f8f0e-2f3d-4a51-9f6a-0a8c3a2f1c11", "text": "hi"},
        }  # fmt: skip

    async def cell(self, line: Line, role: str) -> Answer:
        method, path, ownership = line
        target = path
        for name in self.world.ids["own"]:
            target = target.replace("{" + name + "}", self.world.id_for(role, "own", name))
        kind, _, varied = ownership.partition(" ")
        if varied:
            target = path
            for name in self.world.ids["own"]:
                target = target.replace(
                    "{" + name + "}", self.world.id_for(role, kind if name == varied else "own", name)
                )
        if path == "/hooks":
            target = f"/hooks/{self.world.id_for(role, kind, 'key')}"
        body, headers, query = self._body(method, path)
        sent = {**self.world.headers[role], **headers}
        return await ask(self.world.app, method, target.replace("{path}", "x") + query, sent, body)

    def _body(self, method: str, path: str) -> tuple[bytes | None, Mapping[str, str], str]:
        if path.startswith("/widget/v1/files"):
            return b"\x89PNG\r\n\x1a\n", {}, "?name=a.png"
        if path.startswith("/widget"):
            given = self.widget.get(path)
            if given:
                return json.dumps(given).encode(), {"content-type": "application/json"}, ""
            return None, {}, "?after=0"
        operation = self.operations.get((method, path))
        if operation is None:
            return None, {}, ""
        query = QUERIES.get(operation.name, operation.query)
        if operation.name == "uploadFile":
            return b"text", {"content-type": "text/plain"}, query
        given = self.bodies.get(operation.name, operation.body)
        json_type = {"content-type": "application/json"} if given is not None else {}
        return (json.dumps(given).encode() if given is not None else None), json_type, query

    async def alone(self, line: Line, role: str) -> Answer:
        """The same, with everything undone afterwards."""
        ATTEMPTS.clear()
        connection: Any = self.world.office.db.pool._connection  # type: ignore[attr-defined]
        step = connection.transaction()
        await step.start()
        try:
            return await self.cell(line, role)
        finally:
            await step.rollback()


def shown(line: Line, answer: Answer) -> str:
    """What stands in the table: the status, with the code of a refusal. Public files may or may not be built here."""
    if line[1].startswith(PUBLIC) or line[1] in PAGES:
        return "public"
    return f"{answer.status} {answer.code}".strip() if answer.status >= 400 else str(answer.status)


async def test_every_cell_is_as_the_table_says(world: World) -> None:
    table, asker, wanted = matrix.read(ROLES), Asker(world), matrix.lines(world.app)
    assert sorted(set(wanted) - set(table)) == [], "not in access.csv: python -m tests.security.matrix --write"
    assert sorted(set(table) - set(wanted)) == [], "in access.csv, but not in the application"
    assert [line for line, cells in table.items() if any("?" in cell for cell in cells.values())] == [], "unreviewed"
    wrong, bodies_of = [], defaultdict(set)
    for line in wanted:
        for role in ROLES:
            answer = await asker.alone(line, role)
            found = shown(line, answer)
            if found != table[line][role]:
                wrong.append(f"{' '.join(line)} as {role}: {found}, not {table[line][role]} {answer.body[:120]!r}")
            kind, _, varied = line[2].partition(" ")
            if varied.endswith("_id") and role != "neighbour" and (answer.status == 404 or kind in NOT_THERE):
                bodies_of[line[0], line[1], varied, role].add(answer.body)
            if found == "public":
                bodies_of[line[0], line[1], "", "anybody"].add(str(answer.status).encode())
    assert wrong == []
    assert [key for key, answers in bodies_of.items() if len(answers) > 1] == [], "answers that tell what there is"
    assert len(wanted) * len(ROLES) > 3_000


async def test_a_permission_that_is_given_away_or_forgotten_is_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: users may do everything; the restriction is forgotten; a route that nobody has looked at."""
    table, asker = matrix.read(ROLES), Asker(world)
    audit, talk = ("GET", "/api/v1/audit", "own"), ("GET", f"{TALKS}/{{conversation_id}}", "others conversation_id")
    monkeypatch.setattr(rules, "PERMISSIONS", {**rules.PERMISSIONS, "user": rules.ALL})
    assert shown(audit, await asker.alone(audit, "user")) == "200" != table[audit]["user"]
    monkeypatch.setattr(listing, "visible_to", lambda actor, conditions: None)
    assert shown(talk, await asker.alone(talk, "restricted")) == "200" != table[talk]["restricted"]
    assert set(matrix.lines(world.app)) - set(dict(list(table.items())[1:])) == {next(iter(table))}


if os.environ.get(matrix.PROPOSE):  # python -m tests.security.matrix --write

    async def test_it_proposes_what_is_missing(world: World) -> None:
        table, asker, wanted = matrix.read(ROLES), Asker(world), matrix.lines(world.app)
        for line in wanted:
            if line not in table:
                table[line] = {role: f"?{shown(line, await asker.alone(line, role))}" for role in ROLES}
        matrix.write(table, wanted, ROLES)
