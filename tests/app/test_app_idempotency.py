"""``Idempotency-Key``: the same request again is the same answer, and the work is done once."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from conftest import PASSWORD
from conversations.office import Time
from frontdesk.channels.port import Channel
from frontdesk.kit.context import Resources
from frontdesk.kit.transaction import Database

LABELS = "/api/v1/labels"


async def post(browser: httpx.AsyncClient, key: str, name: str, path: str = LABELS, **more: Any) -> httpx.Response:
    return await browser.post(path, json={"name": name}, headers={"Idempotency-Key": key, **more})


async def labels(browser: httpx.AsyncClient) -> list[str]:
    return [label["name"] for label in (await browser.get(LABELS)).json()["items"]]


async def test_the_same_request_again_gets_the_same_answer(signed_in: httpx.AsyncClient) -> None:
    first = await post(signed_in, "k1", "Lead")
    again = await post(signed_in, "k1", "Lead")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["idempotent-replay"] == "true"
    assert "idempotent-replay" not in first.headers
    assert await labels(signed_in) == ["Lead"]


async def test_refusals_are_remembered_too(signed_in: httpx.AsyncClient) -> None:
    await post(signed_in, "k1", "Lead")
    refused, again = await post(signed_in, "k2", "Lead"), await post(signed_in, "k2", "Lead")
    assert (refused.status_code, again.content) == (409, refused.content)
    assert again.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("name", "path"), [("Other", LABELS), ("Lead", "/api/v1/tags"), ("Lead", LABELS + "?x=1")])
async def test_a_key_belongs_to_one_request(signed_in: httpx.AsyncClient, name: str, path: str) -> None:
    await post(signed_in, "k1", "Lead")
    other = await post(signed_in, "k1", name, path)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert await labels(signed_in) == ["Lead"]


async def test_a_key_belongs_to_one_caller(signed_in: httpx.AsyncClient) -> None:
    await post(signed_in, "k1", "Lead")
    made = await signed_in.post("/api/v1/tokens", json={"name": "t", "scopes": ["labels:write", "conversations:read"]})
    bearer = {"Authorization": f"Bearer {made.json()['token']}"}
    other = await post(signed_in, "k1", "Another", **bearer)
    assert other.status_code == 201
    assert await labels(signed_in) == ["Another", "Lead"]


async def test_an_answer_to_nobody_is_not_remembered(client: httpx.AsyncClient, signed_in: httpx.AsyncClient) -> None:
    token = signed_in.headers["X-CSRF-Token"]
    assert (await post(signed_in, "k1", "Lead", **{"X-CSRF-Token": "wrong"})).status_code == 403
    assert (await post(signed_in, "k1", "Lead", **{"X-CSRF-Token": token})).status_code == 201


async def test_a_key_that_is_too_long_is_a_problem(signed_in: httpx.AsyncClient) -> None:
    answer = await post(signed_in, "k" * 256, "Lead")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert (await post(signed_in, "k" * 255, "Lead")).status_code == 201


async def test_what_failed_on_our_side_may_be_tried_again(
    signed_in: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from frontdesk.conversations.actions import write

    create = write.create_label

    async def broken(*_: Any, **__: Any) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(write, "create_label", broken)
    assert (await post(signed_in, "k1", "Lead")).status_code == 500
    monkeypatch.setattr(write, "create_label", create)
    assert (await post(signed_in, "k1", "Lead")).status_code == 201


async def test_a_conflict_that_says_try_again_may_be_tried_again(
    signed_in: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncpg

    from frontdesk.conversations.actions import write

    create = write.create_label

    async def deadlocked(*_: Any, **__: Any) -> int:
        raise asyncpg.DeadlockDetectedError("just now")

    monkeypatch.setattr(write, "create_label", deadlocked)
    answer = await post(signed_in, "k1", "Lead")
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (409, "try_again", "1")
    monkeypatch.setattr(write, "create_label", create)
    assert (await post(signed_in, "k1", "Lead")).status_code == 201


async def test_a_request_whose_process_died_may_be_repeated_after_ninety_seconds(
    time: Time, signed_in: httpx.AsyncClient, db: Database
) -> None:
    await post(signed_in, "k1", "Lead")
    async with db.across() as tx:
        workspace = await tx.fetchval("select max(id) from workspaces")
    async with db.begin(workspace) as tx:
        assert await tx.execute("update idempotency set status = null, body = null") == 1
        await tx.execute("delete from labels")
    time.move(seconds=89)
    early = await post(signed_in, "k1", "Lead")
    assert (early.status_code, early.json()["code"]) == (409, "still_running")
    time.move(seconds=2)
    other = await post(signed_in, "k1", "Another body")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert (await post(signed_in, "k1", "Lead")).status_code == 201
    assert await labels(signed_in) == ["Lead"]


async def test_many_at_once_do_the_work_once(
    live_db: Database, signed_in: httpx.AsyncClient, resources: Resources, registry: dict[str, Channel]
) -> None:
    answers = await asyncio.gather(*(post(signed_in, "k1", "Lead") for _ in range(50)))
    by_status = {status: [a for a in answers if a.status_code == status] for status in {a.status_code for a in answers}}
    assert by_status.keys() <= {201, 409}
    assert len({answer.content for answer in by_status[201]}) == 1
    assert {answer.json()["code"] for answer in by_status.get(409, [])} <= {"still_running"}
    assert sum("idempotent-replay" not in answer.headers for answer in by_status[201]) == 1
    assert await labels(signed_in) == ["Lead"]
    assert (await post(signed_in, "k1", "Lead")).content == by_status[201][0].content


async def test_a_secret_is_never_kept(signed_in: httpx.AsyncClient, db: Database) -> None:
    headers = {"Idempotency-Key": "k1"}
    scopes = {"name": "t", "scopes": ["contacts:read"]}
    assert (await signed_in.post("/api/v1/tokens", json=scopes, headers=headers)).status_code == 201
    sign_in = {"email": "ana@example.org", "password": PASSWORD}
    assert (await signed_in.post("/api/v1/session", json=sign_in, headers=headers)).status_code == 200
    async with db.across() as tx:
        workspace = await tx.fetchval("select max(id) from workspaces")
    async with db.begin(workspace) as tx:
        assert await tx.fetchval("select count(*) from idempotency") == 0


@pytest.mark.parametrize("header", [{"Set-Cookie": "a=b"}, {"Cache-Control": "no-cache, No-Store"}])
async def test_nor_an_answer_that_says_so(
    signed_in: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, header: dict[str, str]
) -> None:
    from frontdesk.app import http

    monkeypatch.setattr(http, "SECURITY", header)
    first, again = await post(signed_in, "k1", "Lead"), await post(signed_in, "k1", "Lead")
    assert (first.status_code, again.status_code) == (201, 409)
    assert "idempotent-replay" not in again.headers
