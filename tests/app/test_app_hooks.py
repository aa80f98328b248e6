"""``/hooks/{key}``: a 2xx means a committed row, and nothing else does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from conversations.office import Office, open_office
from conversations.pretend import KEY, Pretend, line
from frontdesk.app import hooks
from frontdesk.app.hooks import Hooks
from frontdesk.app.intake import Intake
from frontdesk.channels.port import Account, Channel, Request
from frontdesk.inboxes import queries as inboxes
from frontdesk.kit.context import Actor, Resources
from frontdesk.kit.transaction import Database

SIGNED = {"X-Signature": KEY}


@pytest.fixture
async def office(resources: Resources, owner: Actor, registry: dict[str, Channel]) -> Office:
    return await open_office(resources, owner, registry)


@pytest.fixture
async def url(office: Office) -> str:
    async with office.db.begin(office.workspace) as tx:
        row = await inboxes.get(tx, office.line)
    return inboxes.hook_url("", row)


async def stored(office: Office) -> int:
    found: int = await office.value("select count(*) from raw_deliveries")
    return found


async def test_a_delivery_is_answered_after_it_is_stored(client: httpx.AsyncClient, office: Office, url: str) -> None:
    body = json.dumps([office.said("hello")])
    answer = await client.post(url, content=body, headers=SIGNED)
    assert (answer.status_code, answer.content, answer.headers["x-content-type-options"]) == (200, b"thanks", "nosniff")
    row = (await office.fetch("select * from raw_deliveries"))[0]
    assert (row["body"], row["headers"]["x-signature"], row["state"]) == (body.encode(), KEY, "new")
    again = await client.post(url, content=body, headers=SIGNED)
    assert (again.status_code, await stored(office)) == (200, 1)


async def test_what_is_not_signed_is_refused_and_leaves_nothing(
    client: httpx.AsyncClient, office: Office, url: str
) -> None:
    for signature in [None, "", "wrong", KEY.upper(), KEY + "x", "\u00ff"]:
        headers = {} if signature is None else {"X-Signature": signature.encode("latin-1")}
        answer = await client.post(url, content=b"[]", headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
        assert await stored(office) == 0


async def test_what_cannot_be_read_is_a_bad_request(client: httpx.AsyncClient, office: Office, url: str) -> None:
    for body in [b"", b"{", b"\xff", b"[" * 100_000, b"\x00"]:
        answer = await client.post(url, content=body, headers=SIGNED)
        assert (answer.status_code, answer.json()["code"]) == (400, "unreadable")
        assert await stored(office) == 0


@pytest.mark.parametrize("error", [AttributeError("x"), IndexError("x"), RecursionError("x"), AssertionError("x")])
async def test_a_driver_that_stumbles_over_a_delivery_is_a_bad_request(
    client: httpx.AsyncClient, office: Office, url: str, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def receive(self: Pretend, request: Request, account: Account) -> Any:
        raise error

    monkeypatch.setattr(Pretend, "receive", receive)
    assert (await client.post(url, content=b"[]", headers=SIGNED)).status_code == 400


async def test_an_inbox_that_does_not_exist(client: httpx.AsyncClient, office: Office) -> None:
    for key in ["", "x", "1-x", "999999999999-abc", "0-a", "-1-a", "1-../../etc", "%00", "1-a/b", "x" * 5000, "1-é"]:
        for method in ("POST", "GET"):
            answer = await client.request(method, f"/hooks/{key}", content=b"[]", headers=SIGNED)
            assert answer.status_code == 404
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("change", ["enabled = false", "deleted_at = now()"])
async def test_an_inbox_that_is_off_takes_nothing(
    client: httpx.AsyncClient, office: Office, url: str, change: str
) -> None:
    await office.execute(f"update inboxes set {change} where id = $1", office.line)
    assert (await client.post(url, content=b"[]", headers=SIGNED)).status_code == 404


async def test_a_channel_without_hooks_has_none(client: httpx.AsyncClient, office: Office, url: str) -> None:
    class Deaf(Pretend):
        receive = None  # type: ignore[assignment]

    class Silent:
        def __init__(self) -> None:
            self.kind = "phone"

        parse, send = Pretend.parse, Pretend.send

    office.install(line(Silent()))  # type: ignore[arg-type]
    answer = await client.post(url, content=b"[]", headers=SIGNED)
    assert (answer.status_code, answer.json()["code"]) == (404, "no_hooks")


async def test_a_provider_may_ask_with_get(client: httpx.AsyncClient, office: Office, url: str) -> None:
    answer = await client.get(f"{url}?challenge=%3Cb%3E", headers=SIGNED)
    assert (answer.status_code, answer.text) == (200, "<b>")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_a_delivery_may_have_ten_megabytes(client: httpx.AsyncClient, office: Office, url: str) -> None:
    most = office.resources.settings.max_body
    assert (await client.post(url, content=b" " * (most + 1), headers=SIGNED)).status_code == 413
    assert (await client.post(url, content=b"[]" + b" " * (most - 2), headers=SIGNED)).status_code == 200
    assert await stored(office) == 1


async def slowly(pause: asyncio.Event) -> AsyncIterator[dict[str, Any]]:
    yield {"type": "http.request", "body": b"[", "more_body": True}
    await pause.wait()
    yield {"type": "http.disconnect"}


@pytest.mark.parametrize("gone", [False, True])
async def test_a_sender_that_dawdles_or_leaves_is_not_waited_for(
    office: Office, url: str, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    monkeypatch.setattr(hooks, "SECONDS", 0.1)
    pause, sent = asyncio.Event(), []
    if gone:
        pause.set()
    parts = slowly(pause)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"path": url, "method": "POST", "headers": [], "query_string": b"", "raw_path": url.encode()}
    await Hooks(office.resources, Intake(office.db))(scope, parts.__anext__, send)
    assert sent[0]["status"] == 503
    assert await stored(office) == 0


class Away:
    """A database that is not there."""

    def begin(self, workspace_id: int) -> Any:
        raise ConnectionRefusedError("nobody listens")


async def test_while_the_database_is_away_the_provider_is_asked_to_come_back(
    client: httpx.AsyncClient, office: Office, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = json.dumps([office.said("hello")])
    assert (await client.post(url, content=b"[]", headers=SIGNED)).status_code == 200
    monkeypatch.setattr(Intake, "_together", _failing)
    answer = await client.post(url, content=body, headers=SIGNED)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert await stored(office) == 1


async def _failing(self: Intake, workspace_id: int, inbox_id: int, group: Any) -> None:
    for one in group:
        one.done.set_exception(ConnectionRefusedError("nobody listens"))


# --- the intake ---------------------------------------------------------------------------------------------------


async def test_deliveries_side_by_side_share_commits_and_none_is_lost(
    live_db: Database, resources: Resources, owner: Actor, registry: dict[str, Channel], client: httpx.AsyncClient
) -> None:
    office = await open_office(resources, owner, registry)
    async with office.db.begin(office.workspace) as tx:
        url = inboxes.hook_url("", await inboxes.get(tx, office.line))
    bodies = [json.dumps([office.said(f"{n % 100}", external_id=f"e{n % 100}")]) for n in range(300)]
    answers = await asyncio.gather(*(client.post(url, content=body, headers=SIGNED) for body in bodies))
    assert {answer.status_code for answer in answers} == {200}
    assert await stored(office) == len(set(bodies))


async def test_one_bad_delivery_in_a_commit_fails_alone(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from frontdesk.channels.port import Raw
    from frontdesk.inboxes import actions

    take_in = actions.take_in

    async def picky(db: Database, workspace_id: int, inbox_id: int, came: Any) -> int:
        if any(raw.dedupe_key == "bad" for raw, _ in came):
            raise asyncpg.DataError("no")
        return await take_in(db, workspace_id, inbox_id, came)

    monkeypatch.setattr(actions, "take_in", picky)
    intake = Intake(office.db)
    given = [Raw(dedupe_key=key, body=b"[]") for key in ("a", "bad", "b", "c")]
    results = await asyncio.gather(
        *(intake.store(office.workspace, office.line, [raw]) for raw in given), return_exceptions=True
    )
    assert [type(result).__name__ for result in results] == ["int", "Unavailable", "int", "int"]
    assert await stored(office) == 3


async def test_too_much_at_once_is_asked_to_come_back(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from frontdesk.app import intake as module
    from frontdesk.channels.port import Raw
    from frontdesk.kit.errors import Unavailable

    monkeypatch.setattr(module, "WAITING", 3)
    intake = Intake(office.db)
    tasks = [
        asyncio.create_task(intake.store(office.workspace, office.line, [Raw(dedupe_key=f"{n}", body=b"")]))
        for n in range(10)
    ]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    refused = [result for result in results if isinstance(result, Unavailable)]
    assert refused
    assert await stored(office) == 10 - len(refused)
    assert {error.code for error in refused} == {"overloaded"}
