"""What cannot be read: seen, corrected, read again or discarded, by admins alone, and written down."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from conftest import running
from conversations.office import Office
from frontdesk.app import http
from frontdesk.channels.port import Raw
from frontdesk.inboxes import actions
from frontdesk.inboxes.rules import shown_headers, shown_text
from frontdesk.people.actions import create_token
from frontdesk.realtime.queries.hub import Hub


@pytest.fixture
async def api(office: Office) -> AsyncIterator[httpx.AsyncClient]:
    async with office.db.begin(office.workspace) as tx:
        scopes = ["set_aside:write", "audit:read", "conversations:read", "conversations:write"]
        _, token = await create_token(tx, user_id=office.owner.user_id, name="t", scopes=scopes, expires_at=None)
    app = http.create(office.resources, hub=Hub(office.resources, office.db.pool.acquire))  # type: ignore[arg-type]
    transport = httpx.ASGITransport(app, client=("192.0.2.7", 5000))
    base = "http://testserver.local/api/v1"
    async with running(app), httpx.AsyncClient(transport=transport, base_url=base) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


async def broken(office: Office, body: bytes = b'[{"boom": true}]', inbox: int | None = None) -> int:
    """The number of a delivery that cannot be read."""
    raw = Raw(dedupe_key=str(hash(body)), body=body, headers={"content-type": "x/y", "x-twilio-signature": "abc"})
    async with office.db.begin(office.workspace) as tx:
        await actions.store(tx, inbox or office.line, [raw])
    await office.ingest()
    return int(await office.value("select max(id) from raw_deliveries where state = 'set_aside'"))


async def test_it_is_listed_by_channel_and_kind_of_error(office: Office, api: httpx.AsyncClient) -> None:
    for body, inbox in ((b"[{", office.line), (b"[{ ", office.line), (b'[{"boom": true}]', office.post)):
        await broken(office, body, inbox)
    groups = (await api.get("/set-aside/groups")).json()
    assert groups == [
        {"channel": "line", "reason": "JSONDecodeError", "count": 2},
        {"channel": "post", "reason": "ValueError", "count": 1},
    ]


async def test_it_is_shown_without_the_proof_of_who_sent_it(office: Office, api: httpx.AsyncClient) -> None:
    number = await broken(office)
    shown = (await api.get(f"/set-aside/{number}")).json()
    assert (shown["text"], shown["whole"], shown["size"]) == ('[{"boom": true}]', True, 16)
    assert shown["headers"] == {"content-type": "x/y", "x-twilio-signature": "(hidden)"}
    assert len(shown["trace"]) == 32
    assert (await api.get("/set-aside/999999")).status_code == 404


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"plain\n", "plain\n"),
        ("né\u202e".encode(), "né·"),
        (b"\xff\xfe\x00", None),
        (b"a\x00b", None),
        ("cut né".encode()[:-1], "cut n"),
    ],
)
def test_what_is_text(body: bytes, text: str | None) -> None:
    assert shown_text(body) == text


def test_headers_that_prove_something_are_hidden() -> None:
    names = ("Authorization", "Cookie", "X-Hub-Signature-256", "X-Token", "X-Api-Key")
    assert set(shown_headers(dict.fromkeys(names, "secret")).values()) == {"(hidden)"}


async def test_everything_is_read_again_and_nothing_comes_twice(office: Office, api: httpx.AsyncClient) -> None:
    good = json.dumps([office.said("Now it can be read")]).encode()
    await broken(office, good + b" x")
    await broken(office, b'[{"boom": true}]', office.post)
    await office.execute("update raw_deliveries set body = $1 where inbox_id = $2", good, office.line)
    for _ in range(2):
        assert (await api.post("/set-aside/replay", json={"channel": "line"})).status_code == 200
        await office.ingest()
    assert await office.value("select count(*) from messages where direction = 'in'") == 1
    assert (await api.post("/set-aside/replay", json={"reason": "ValueError"})).json() == {"replayed": 1}
    await office.ingest()  # it still cannot be read
    assert (await api.post("/set-aside/replay", json={})).json() == {"replayed": 1}


async def test_a_corrected_copy_becomes_the_message_and_the_original_stays(
    office: Office, api: httpx.AsyncClient
) -> None:
    item = office.said("Corrected")
    number = await broken(office)
    answer = await api.post(f"/set-aside/{number}/edit", json={"text": json.dumps([item])})
    assert answer.status_code == 204
    await office.ingest()
    message = await office.message(external_id=item["external_id"])
    assert message["text"] == "Corrected"
    assert message["trace"] == await office.value("select trace from raw_deliveries where id = $1", number)
    kept = (await office.fetch("select state, body from raw_deliveries where id = $1", number))[0]
    assert (kept["state"], kept["body"]) == ("discarded", b'[{"boom": true}]')
    assert (await api.post(f"/set-aside/{number}/edit", json={"text": "again"})).status_code == 404
    entry = (await office.fetch("select action, actor_id, detail from audit order by id desc limit 1"))[0]
    assert (entry["action"], entry["actor_id"]) == ("set_aside.edited", office.owner.user_id)
    assert entry["detail"].keys() == {"id", "was", "is"}


async def test_why_it_was_discarded_is_kept(office: Office, api: httpx.AsyncClient) -> None:
    number = await broken(office)
    assert (await api.post(f"/set-aside/{number}/discard", json={"reason": " Spam "})).status_code == 204
    entry = (await office.fetch("select action, detail from audit order by id desc limit 1"))[0]
    assert (entry["action"], entry["detail"]) == ("set_aside.discarded", {"ids": [number], "reason": "Spam"})
    other = await broken(office, b"[{")
    assert (await api.post(f"/set-aside/{other}/discard")).status_code == 204


async def test_what_is_held_since_a_restore_is_settled_over_the_api(office: Office, api: httpx.AsyncClient) -> None:
    written = await office.write((await office.hear())["conversation_id"])
    await office.execute("update outbox set state = 'held'")
    await office.execute("update messages set delivery = 'held', delivery_code = 'restored' where id = $1", written)
    assert (await api.post("/restored", json={"send": True})).json() == {"settled": 1, "left": 0}
    assert await office.states(written) == ("queued", "queued")
    assert (await api.post("/restored", json={"send": True})).json() == {"settled": 0, "left": 0}


async def test_only_for_who_may(office: Office, api: httpx.AsyncClient) -> None:
    number = await broken(office)
    async with office.db.begin(office.workspace) as tx:
        _, token = await create_token(
            tx, user_id=office.owner.user_id, name="less", scopes=["conversations:write"], expires_at=None
        )
    api.headers["Authorization"] = f"Bearer {token}"
    for method, path in (
        ("GET", "/set-aside/groups"), ("GET", f"/set-aside/{number}"), ("POST", "/set-aside/replay"),
        ("POST", f"/set-aside/{number}/edit"), ("POST", "/restored"),
    ):  # fmt: skip
        body = {"text": "x"} if path.endswith("edit") else {"send": True} if path == "/restored" else {}
        assert (await api.request(method, path, json=body)).status_code == 403, path
