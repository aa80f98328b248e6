"""R20: what another site's page can make a browser do: change nothing, and sign it in as nobody else."""

from __future__ import annotations

import json

import httpx
import pytest

from app.operations import OPEN, operations
from conftest import PASSWORD
from frontdesk.channels.port import Channel

CHANGES = [one for one in operations() if one.method != "GET" and one.name not in OPEN]
SIMPLE = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "text/json"]
ORIGINS = [
    "https://evil.example", "http://testserver.local.evil.example", "http://testserver.local:81", "null.example",
    "https://testserver.local@evil.example", "http://evil.example/testserver.local", "file://", "http://xtestserver.local",
]  # fmt: skip


@pytest.fixture(autouse=True)
def channels(registry: dict[str, Channel]) -> None:
    """The tests' own."""


@pytest.mark.parametrize("kind", SIMPLE)
async def test_a_form_cannot_say_json(signed_in: httpx.AsyncClient, kind: str) -> None:
    """Another site's page may post these without asking first (Fetch §2.2.2), even with the right token."""
    for operation in CHANGES:
        if operation.body is None or operation.name == "uploadFile":
            continue
        body, headers = json.dumps(operation.body).encode(), {"Content-Type": kind}
        answer = await signed_in.request(operation.method, operation.at(), content=body, headers=headers)
        assert answer.status_code == 415, (operation.name, kind)


@pytest.mark.parametrize("origin", ORIGINS)
async def test_another_origin_is_refused(signed_in: httpx.AsyncClient, origin: str) -> None:
    for operation in CHANGES:
        answer = await signed_in.request(
            operation.method, operation.at(), json=operation.body, headers={"Origin": origin}
        )  # fmt: skip
        assert (operation.name, answer.status_code) == (operation.name, 403)
        assert answer.json()["code"] == "cross_site"


@pytest.mark.parametrize("token", [None, "", "x", "null", "undefined", "2" * 32])
async def test_a_cookie_alone_changes_nothing(signed_in: httpx.AsyncClient, token: str | None) -> None:
    headers = {} if token is None else {"X-CSRF-Token": token}
    del signed_in.headers["X-CSRF-Token"]
    for operation in CHANGES:
        answer = await signed_in.request(operation.method, operation.at(), json=operation.body, headers=headers)
        assert (operation.name, answer.status_code, answer.json()["code"]) == (operation.name, 403, "bad_csrf")


@pytest.mark.parametrize("where", ["query", "cookie", "body"])
async def test_the_token_counts_in_its_header_only(signed_in: httpx.AsyncClient, where: str) -> None:
    """A form can fill a query or a body; only a script of ours sets a header."""
    token = signed_in.headers.pop("X-CSRF-Token")
    body = {"name": "X", **({"csrf": token} if where == "body" else {})}
    if where == "cookie":
        signed_in.cookies.set("X-CSRF-Token", token)
    params = {"csrf": token, "x-csrf-token": token} if where == "query" else {}
    answer = await signed_in.post("/api/v1/contacts", json=body, params=params)
    assert answer.status_code in (400, 403)
    assert (await signed_in.get("/api/v1/contacts")).json()["items"] == []


@pytest.mark.parametrize("path", ["session", "setup"])
async def test_another_site_cannot_sign_a_browser_in(signed_in: httpx.AsyncClient, path: str) -> None:
    """Login CSRF: the victim would go on working in the attacker's account."""
    body = {"email": "ana@example.org", "password": PASSWORD}
    text = json.dumps(body).encode()
    async with httpx.AsyncClient(transport=signed_in._transport, base_url=signed_in.base_url) as victim:
        for headers in ({"Origin": "https://evil.example"}, {"Content-Type": "text/plain"},
                        {"Content-Type": "application/x-www-form-urlencoded"}):  # fmt: skip
            sent = {"Content-Type": "application/json", **headers}
            answer = await victim.post(f"/api/v1/{path}", content=text, headers=sent)
            assert answer.status_code in (403, 415)
            assert "set-cookie" not in answer.headers


async def test_nothing_changes_by_a_get(signed_in: httpx.AsyncClient) -> None:
    """A picture on another page can ask for any address, with our cookie (SameSite lets links through)."""

    async def state() -> list[object]:
        paths = ("contacts", "labels", "teams", "users", "tokens", "inboxes", "sessions", "audit")
        answers = [(await signed_in.get(f"/api/v1/{path}")).json()["items"] for path in paths]
        return [[{k: v for k, v in one.items() if k != "seen_at"} for one in items] for items in answers]

    before = await state()
    for operation in operations():
        if operation.method == "GET":
            continue
        for method in ("GET", "HEAD"):
            answer = await signed_in.request(
                method, operation.at(), headers={"X-HTTP-Method-Override": operation.method}
            )  # fmt: skip
            assert answer.status_code in (200, 400, 404, 405), (operation.name, method)
    assert await state() == before


async def test_the_cookie_stays_with_us(signed_in: httpx.AsyncClient) -> None:
    answer = await signed_in.post("/api/v1/session", json={"email": "ana@example.org", "password": PASSWORD})
    parts = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")}
    assert {"httponly", "path=/", "samesite=lax"} <= parts
    assert not any(part.startswith("domain") for part in parts)


async def test_no_site_may_read_our_answers(signed_in: httpx.AsyncClient) -> None:
    for operation in operations():
        if operation.method == "GET":
            answer = await signed_in.get(operation.at(), headers={"Origin": "https://evil.example"})
            assert not [name for name in answer.headers if name.startswith("access-control")], operation.name


async def test_a_preflight_allows_nothing(signed_in: httpx.AsyncClient) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "DELETE",
               "Access-Control-Request-Headers": "x-csrf-token, content-type"}  # fmt: skip
    for path in ("/api/v1/contacts", "/api/v1/session", "/widget/v1/session", "/hooks/x"):
        answer = await signed_in.options(path, headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control-allow")], path
