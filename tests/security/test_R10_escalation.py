"""R10: doing more than one's role may, by asking for it, or by sending fields that the request does not have."""

from __future__ import annotations

import inspect
import json
from typing import Any, get_type_hints

import httpx
import msgspec
import pytest

from app.operations import operations
from conftest import PASSWORD, add_user
from conversations.office import Office
from conversations.test_conversations_restricted import asking
from frontdesk.app import commands
from frontdesk.contacts import schemas as of_contacts
from frontdesk.conversations import schemas as of_conversations
from frontdesk.inboxes import schemas as of_inboxes
from frontdesk.kit.errors import Forbidden
from frontdesk.people import rules
from frontdesk.people import schemas as of_people

PLANTED: dict[str, Any] = {
    "role": "owner", "permissions": ["people:write"], "workspace_id": 1, "id": 1, "active": True,
    "only_assigned": False, "password_hash": "x", "is_admin": True, "verified": True, "claimed": False, "user_id": 1,
    "author_id": 1,
    "token_hash": "x", "scopes": ["people:write"], "sees_all": True, "created_at": "2020-01-01T00:00:00Z", "rev": 99,
    "__proto__": {"role": "owner"}, "constructor": {}, "direction": "in", "audience": "team", "delivery": "read",
}  # fmt: skip


def _described() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(commands.openapi())
    return found


def _inputs() -> set[str]:
    """Names of all schemas that a request's body is read as, those inside of others too."""
    description, wanted, found = _described(), [], set()
    for methods in description["paths"].values():
        for about in methods.values():
            content = about.get("requestBody", {}).get("content", {})
            wanted += [one["schema"] for kind, one in content.items() if kind == "application/json"]
    while wanted:
        schema = wanted.pop()
        if isinstance(schema, list):
            wanted += schema
        elif isinstance(schema, dict):
            if "$ref" in schema and (name := schema["$ref"].rsplit("/", 1)[-1]) not in found:
                found.add(name)
                wanted.append(description["components"]["schemas"][name])
            wanted += [value for key, value in schema.items() if key != "$ref"]
    return found


def _structs() -> dict[str, type[msgspec.Struct]]:
    rooms = (of_people, of_contacts, of_inboxes, of_conversations)
    found = {}
    for room in rooms:
        own = {n: k for n, k in vars(room).items() if inspect.isclass(k) and issubclass(k, msgspec.Struct)}
        found |= own  # (two rooms may have a schema of one name: the description says which)
        found |= {f"{room.__name__.removeprefix('frontdesk.').replace('.', '_')}_{n}": k for n, k in own.items()}
    return found


def test_every_input_refuses_fields_that_it_does_not_have() -> None:
    inputs, structs = _inputs(), _structs()
    assert len(inputs) > 25
    lenient = [name for name in inputs if name in structs and not structs[name].__struct_config__.forbid_unknown_fields]
    assert lenient == []
    assert inputs - set(structs) == set(), "inputs that are not read by our own schemas"


def test_no_input_has_a_field_that_only_the_product_may_set() -> None:
    """Roles and the like may be asked for by those who may give them; the rest is never a field at all."""
    given = {"role": {"NewUser", "UserChange"}, "scopes": {"NewToken"}, "active": {"UserChange"},
             "only_assigned": {"UserChange"}, "audience": {"Typing"}}  # fmt: skip
    structs = _structs()
    for name in _inputs():
        for field in get_type_hints(structs[name]):
            if field in PLANTED:
                assert name in given.get(field, set()), f"{name}.{field}"


async def test_planted_fields_change_nothing(signed_in: httpx.AsyncClient) -> None:
    """Each with a body that would otherwise do: refused as a whole, not taken without the field."""
    tried = 0
    for operation in operations():
        if operation.body is None or operation.name in ("signOut", "signOutEverywhere"):
            continue
        for name, value in PLANTED.items():
            if name in operation.properties:
                continue
            answer = await signed_in.request(
                operation.method, operation.at(), json={**operation.body, name: value}
            )  # fmt: skip
            assert answer.status_code in (400, 404), (operation.name, name, answer.text)
            tried += 1
    assert tried > 500
    me = (await signed_in.get("/api/v1/me")).json()
    assert (me["user"]["role"], me["user"]["name"]) == ("owner", "Ana")


@pytest.mark.parametrize("actor", ["user", "admin", "owner"])
@pytest.mark.parametrize("current", ["user", "admin", "owner"])
@pytest.mark.parametrize("wanted", ["user", "admin", "owner"])
def test_nobody_gives_or_touches_a_role_above_their_own(actor: str, current: str, wanted: str) -> None:
    rank = ["user", "admin", "owner"].index
    assert rules.may_change_role(actor, current, wanted) is (rank(actor) >= max(rank(current), rank(wanted)))


async def test_a_user_cannot_promote_themselves(signed_in: httpx.AsyncClient) -> None:
    made = {"name": "Ben", "email": "ben@example.org", "role": "user", "password": PASSWORD}
    ben = (await signed_in.post("/api/v1/users", json=made)).json()
    async with httpx.AsyncClient(transport=signed_in._transport, base_url=signed_in.base_url) as browser:
        me = await browser.post("/api/v1/session", json={"email": "ben@example.org", "password": PASSWORD})
        browser.headers["X-CSRF-Token"] = me.json()["csrf"]
        for method, path, body in (
            ("PATCH", f"/users/{ben['id']}", {"role": "owner"}), ("PATCH", "/me", {"role": "owner"}),
            ("PATCH", f"/users/{ben['id']}", {"only_assigned": False}),
            ("POST", "/users", {**made, "email": "x@example.org", "role": "owner"}),
            ("POST", "/tokens", {"name": "x", "scopes": ["people:write"]}),
            ("POST", "/teams", {"name": "x", "member_ids": [ben["id"]]}), ("PATCH", "/workspace", {"name": "Mine"}),
        ):  # fmt: skip
            answer = await browser.request(method, f"/api/v1{path}", json=body)
            assert answer.status_code in (400, 403), (method, path, answer.text)
        assert (await browser.get("/api/v1/me")).json()["user"]["role"] == "user"


async def test_a_token_is_worth_no_more_than_its_user_is_now(office: Office, client: httpx.AsyncClient) -> None:
    admin = await add_user(office.db, office.workspace, role="admin")
    ask = await asking(office, client, admin.user_id, sorted(rules.ALL))
    assert (await ask("GET", "/audit")).status_code == 200
    # Taking the role away ends the token; here it went without that.
    await office.execute("update users set role = 'user' where id = $1", admin.user_id)
    for method, path, body in (
        ("GET", "/audit", None),
        ("PATCH", "/workspace", {"name": "x"}),
        ("GET", "/set-aside", None),
    ):
        assert (await ask(method, path, body)).status_code == 403


async def test_a_scope_that_the_maker_does_not_have_is_refused(office: Office) -> None:
    user = await add_user(office.db, office.workspace, role="user")
    with pytest.raises(Forbidden):
        user.require("people:write")
    assert rules.permissions("user", rules.ALL) == rules.USER
    assert rules.unknown_scopes(["*", "admin", "conversations:*", "people:write "]) == [
        "*", "admin", "conversations:*", "people:write ",
    ]  # fmt: skip
