"""R07: SQL in whatever narrows, sorts, searches or pages a list. It is a value, never a part of the statement."""

from __future__ import annotations

import ast
import base64
import json
import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

import frontdesk
from app.operations import Operation, operations
from app.test_app_input import furnish
from conversations.office import Office, open_office
from frontdesk.channels.port import Channel
from frontdesk.kit.context import Actor, Resources
from frontdesk.people.rules import PERMISSIONS

SLEEP = 2.0  # seconds that a statement which was injected would take
PAYLOADS = [
    "'", "''", '"', "\\", "%", "_", "' or '1'='1", "' or 1=1 --", "') or ('1'='1", '" or ""="', "1; select 1",
    "'; drop table users; --", f"'; select pg_sleep({SLEEP}); --", f"' || pg_sleep({SLEEP}) || '",
    f"1 and (select 1 from pg_sleep({SLEEP}))", "$$; select 1; $$", "$1", ":x", "{}", "{0}", "%s", "\x00'",
    "' union select null", "name desc; --", "(select password_hash from users)", "E'\\\\x27'", "ʼ or 1=1", "＇ or 1=1",
    "/**/or/**/1=1", "\\' or 1=1 --", '{"$gt": ""}', "[$ne]=x", "*)(uid=*", "::int", "'::regclass", "chr(39)",
]  # fmt: skip
TELLING = re.compile(rb"syntax error at|unterminated|asyncpg|sqlalchemy|SQLSTATE|relation \"", re.IGNORECASE)


@pytest.fixture
async def browser(
    signed_in: httpx.AsyncClient, resources: Resources, registry: dict[str, Channel]
) -> httpx.AsyncClient:
    async with resources.db.across() as tx:
        row = await tx.fetchrow("select workspace_id, id from users")
    assert row is not None
    ana = Actor(
        workspace_id=row["workspace_id"], user_id=row["id"], name="Ana", role="owner", permissions=PERMISSIONS["owner"]
    )
    office: Office = await open_office(resources, ana, registry)
    heard = await office.hear("hello")
    signed_in.ids = await furnish(office, heard["conversation_id"])  # type: ignore[attr-defined]
    signed_in.office = office  # type: ignore[attr-defined]
    return signed_in


def _lists() -> list[tuple[Operation, str]]:
    """Every query parameter of everything that is read."""
    return [
        (operation, name) for operation in operations() if operation.method == "GET"
        for where, name in operation.parameters if where == "query"
    ]  # fmt: skip


def _packed(*keys: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(keys).encode()).rstrip(b"=").decode()


async def judged(browser: httpx.AsyncClient, method: str, path: str, **more: Any) -> str | None:
    began = time.monotonic()
    answer = await browser.request(method, path, **more)
    took = time.monotonic() - began
    if answer.status_code >= 500 or TELLING.search(answer.content):
        return f"{method} {path} {more}: {answer.status_code} {answer.content[:80]!r}"
    return f"{method} {path} {more}: took {took:.1f} s" if took > SLEEP else None


async def test_every_parameter_of_every_list_is_only_a_value(browser: httpx.AsyncClient) -> None:
    ids: dict[str, int] = browser.ids  # type: ignore[attr-defined]
    found, tried = [], 0
    for operation, name in _lists():
        path = operation.at(**{one: str(ids.get(one, 1)) for one in operation.ids}).partition("?")[0]
        number = name.endswith("_id") or name in ("limit", "images", "after")
        for payload in PAYLOADS[::6] if number else PAYLOADS:  # (a number is read as one, or refused at once)
            tried += 1
            found.append(await judged(browser, "GET", path, params={name: payload}))
    assert [one for one in found if one] == []
    assert tried > 350


async def test_what_is_inside_a_cursor_is_only_a_value(browser: httpx.AsyncClient) -> None:
    """A cursor is made of the last row's keys: whoever knows that can write their own."""
    found = []
    cursors = [(operation, name) for operation, name in _lists() if name in ("cursor", "before", "after")]
    for operation, name in cursors:
        path = operation.at(**{one: "1" for one in operation.ids}).partition("?")[0]
        for payload in PAYLOADS[:20:2]:
            for keys in ((payload,), (payload, 1), ("2026-11-22T10:00:00Z", payload), (1, payload), ([payload], 1)):
                found.append(await judged(browser, "GET", path, params={name: _packed(*keys)}))
    assert [one for one in found if one] == []
    assert len(cursors) >= 6


async def test_a_parameter_that_names_a_column_or_order_is_ignored(browser: httpx.AsyncClient) -> None:
    for path in ("conversations", "contacts", "users", "audit", "scheduled"):
        plain = (await browser.get(f"/api/v1/{path}")).json()
        for name in ("sort", "order", "order_by", "fields", "select", "where", "query_operator", "filter", "group"):
            for payload in ("password_hash desc", "(select 1)", "1; drop table users"):
                answer = await browser.get(f"/api/v1/{path}", params={name: payload})
                assert answer.json() == plain, (path, name)


async def test_a_search_takes_every_character_literally(browser: httpx.AsyncClient) -> None:
    for name in ("100% sure", "under_score", "back\\slash", "o'neil", 'quo"te'):
        await browser.post("/api/v1/contacts", json={"name": name})
    for words, hits in (
        ("%", ["100% sure"]),
        ("under_", ["under_score"]),
        ("o'n", ["o'neil"]),
        ("_s", ["under_score"]),
    ):
        found = (await browser.get("/api/v1/contacts", params={"q": words})).json()["items"]
        assert [one["name"] for one in found] == hits, words


async def test_names_that_are_stored_stay_values_when_they_are_used_again(browser: httpx.AsyncClient) -> None:
    """Second order: what was stored safely must not be put together into a statement later."""
    evil = "x'); drop table labels; --"
    label = (await browser.post("/api/v1/labels", json={"name": evil, "colour": "#112233"})).json()
    talk = browser.ids["conversation_id"]  # type: ignore[attr-defined]
    assert (await browser.put(f"/api/v1/conversations/{talk}/labels/{label['id']}")).status_code == 204
    contact = (await browser.post("/api/v1/contacts", json={"name": evil, "points": []})).json()
    for query in ({"q": evil}, {"label_id": label["id"]}, {"contact_id": contact["id"]}):
        assert (await browser.get("/api/v1/conversations", params=query)).status_code == 200
    assert [one["name"] for one in (await browser.get("/api/v1/labels")).json()["items"]].count(evil) == 1


# --- and in the code: no statement is put together from anything but the code's own words --------------------------

STATEMENTS = {"fetch", "fetchrow", "fetchval", "execute", "executemany", "cursor"}


def assembled(text: str) -> list[tuple[int, str]]:
    """Statements that are given as f-strings, joined or formatted, with the names that are put into them."""
    found = []
    for node in ast.walk(ast.parse(text)):
        called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in STATEMENTS
        if called and node.args:  # type: ignore[attr-defined]
            for part in ast.walk(node.args[0]):  # type: ignore[attr-defined]
                if isinstance(part, ast.FormattedValue):
                    found.append((node.lineno, ast.unparse(part.value)))  # type: ignore[attr-defined]
    return found


def test_only_the_codes_own_words_are_put_into_statements() -> None:
    """Names of constants, tables and columns that the code lists, numbers of parameters: nothing of a request."""
    source, foreign = (
        Path(frontdesk.__file__).parent,
        re.compile(r"data\.|request|params|query_string|\bq\b|body|given\["),
    )
    bad = [
        f"{path.relative_to(source)}:{line} {value}"
        for path in source.rglob("*.py")
        for line, value in assembled(path.read_text())
        if foreign.search(value)
    ]
    assert bad == []
    assert assembled('async def f(): await tx.fetch(f"select {data.sort}")') == [(1, "data.sort")]
