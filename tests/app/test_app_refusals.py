"""What is refused, breaks or is given up on, and the sentence and status that the caller gets for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import asyncpg
import httpx
import pytest

from conftest import PASSWORD, running
from conversations.office import Time
from frontdesk.app import http
from frontdesk.conversations.actions import write
from frontdesk.kit.context import Resources
from frontdesk.kit.transaction import Database
from realtime.site import Site, site

__all__ = ["site"]

LABELS = "/api/v1/labels"
FILES = "/api/v1/files?name=letter.txt"


async def test_what_a_channel_cannot_do(site: Site) -> None:
    office = site.office
    message = await office.hear("hi")
    onward = {"inbox_id": office.line, "to": "+302102222222"}
    forwarded = await site.browser.post(f"/api/v1/messages/{message['id']}/forward", json=onward)
    assert (forwarded.status_code, forwarded.json()["code"]) == (400, "no_forwarding")
    nobody = await site.browser.post("/api/v1/conversations", json={"inbox_id": office.line})
    assert (nobody.status_code, nobody.json()["fields"].keys()) == (400, {"contact_id"})


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (asyncpg.ForeignKeyViolationError("labels"), 409, "gone"),
        (asyncpg.ConnectionDoesNotExistError("lost"), 503, "unavailable"),
        (TimeoutError(), 503, "unavailable"),
        (RecursionError(), 400, "invalid"),
        (ZeroDivisionError(), 500, "internal"),
    ],
)
async def test_what_nobody_foresaw_is_a_problem(
    signed_in: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    async def broken(*_: Any, **__: Any) -> int:
        raise error

    monkeypatch.setattr(write, "create_label", broken)
    answer = await signed_in.post(LABELS, json={"name": "Lead"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert ("retry-after" in answer.headers) == (status == 503)
    assert "lost" not in answer.text


@pytest.mark.parametrize("path", ["/api", "/hooks", "/files", "/assets", "/widget/nothing"])
async def test_addresses_of_programs_do_not_show_the_app(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


# --- Idempotency-Key ----------------------------------------------------------------------------------------------


async def test_a_key_from_a_workspace_that_is_not_there(client: httpx.AsyncClient) -> None:
    nobody = {"Authorization": "Bearer fd_999999-nothing", "Idempotency-Key": "k1"}
    assert (await client.post(LABELS, json={"name": "Lead"}, headers=nobody)).status_code == 401


async def test_a_body_beyond_the_limit_is_not_read_for_its_key(
    signed_in: httpx.AsyncClient, resources: Resources
) -> None:
    resources.settings = replace(resources.settings, max_file=1000)
    large = await signed_in.post(LABELS, content=b"x" * 1001, headers={"Idempotency-Key": "k1"})
    assert (large.status_code, large.headers["content-type"]) == (413, "application/problem+json")


async def test_a_request_that_is_broken_off_may_come_again_with_its_key(
    signed_in: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    create, begun = write.create_label, asyncio.Event()

    async def hang(*_: Any, **__: Any) -> int:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    def post() -> Awaitable[httpx.Response]:
        return signed_in.post(LABELS, json={"name": "Lead"}, headers={"Idempotency-Key": "k1"})

    monkeypatch.setattr(write, "create_label", hang)
    broken_off = asyncio.ensure_future(post())
    await begun.wait()
    broken_off.cancel()
    await asyncio.gather(broken_off, return_exceptions=True)
    monkeypatch.setattr(write, "create_label", create)
    assert (await post()).status_code == 201


@pytest.mark.parametrize(
    ("path", "whole", "count"),
    [(LABELS, b'{"name": "Lead"}', "labels"), (FILES, b"the whole letter", "files")],
)
async def test_a_caller_who_leaves_in_the_middle_of_the_body_has_asked_for_nothing(
    signed_in: httpx.AsyncClient, db: Database, path: str, whole: bytes, count: str
) -> None:
    """Nothing is made of what came, no answer is remembered, and the key stays free for the whole request."""
    keyed = {"Idempotency-Key": "k1", "Content-Type": "application/json"}
    assert await broken_off(signed_in, path, whole[:9], keyed) == []
    async with db.across() as tx:
        workspace = await tx.fetchval("select max(id) from workspaces")
    async with db.begin(workspace) as tx:
        assert await tx.fetchval(f"select count(*) from {count}") == 0
        assert await tx.fetchval("select count(*) from idempotency") == 0
    assert (await signed_in.post(path, content=whole, headers=keyed)).status_code == 201


async def test_nor_does_one_without_a_key(signed_in: httpx.AsyncClient) -> None:
    sent = await broken_off(signed_in, FILES, b"half a let", {"Content-Type": "text/plain"})
    assert 201 not in [message.get("status") for message in sent]


async def broken_off(browser: httpx.AsyncClient, path: str, part: bytes, headers: dict[str, str]) -> list[Any]:
    """Everything the application says to a caller who sends ``part`` of a body and is gone."""
    app: Callable[..., Awaitable[None]] = browser._transport.app  # type: ignore[attr-defined]
    came = iter([{"type": "http.request", "body": part, "more_body": True}, {"type": "http.disconnect"}])
    request = browser.build_request("POST", path, headers=headers)
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": request.url.path, "raw_path": request.url.raw_path, "query_string": request.url.query, "root_path": "",
        "headers": [
            (name.lower(), value) for name, value in request.headers.raw if name.lower() != b"content-length"
        ],
        "client": ("192.0.2.7", 1), "server": ("testserver.local", 80), "state": {},
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> Any:
        return next(came)

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


# --- behind a proxy -----------------------------------------------------------------------------------------------


async def test_who_signs_in_through_a_proxy_of_ours_is_known_by_their_own_address(
    resources: Resources, db: Database, time: Time
) -> None:
    resources.settings = replace(resources.settings, trusted_proxies=(ip_network("192.0.2.0/24"),))
    from frontdesk.realtime.queries.hub import Hub

    app = http.create(resources, hub=Hub(resources, lambda: resources.db.pool.acquire()))  # type: ignore[arg-type, return-value]
    transport = httpx.ASGITransport(app, client=("192.0.2.7", 51000))
    new = {"workspace": "W", "name": "Ana", "email": "ana@example.org", "password": PASSWORD, "timezone": "UTC"}
    told = {"X-Forwarded-For": "198.51.100.4, 203.0.113.9"}  # the first is what the caller says of themselves
    async with running(app), httpx.AsyncClient(transport=transport, base_url=resources.settings.url) as browser:
        assert (await browser.post("/api/v1/setup", json=new, headers=told)).status_code == 201
    async with db.across() as tx:
        workspace = await tx.fetchval("select max(id) from workspaces")
    async with db.begin(workspace) as tx:
        assert await tx.fetchval("select ip from sessions") == "203.0.113.9"
