"""One id from the provider's request to the last receipt: in every row, in the log, in answers."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import structlog

from conversations.office import Office, Time
from conversations.pretend import Searchable, line
from frontdesk.app.hooks import Hooks
from frontdesk.app.intake import Intake
from frontdesk.channels.port import Rejected, TryLater, Unknown
from frontdesk.conversations.queries import thread
from frontdesk.kit import trace
from frontdesk.kit.transaction import Database

GIVEN = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{GIVEN}-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (PARENT, GIVEN),
        (f"cc-{GIVEN}-00f067aa0ba902b7-01-what-comes-later", GIVEN),
        (f"ff-{GIVEN}-00f067aa0ba902b7-01", None),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", None),
        (f"00-{GIVEN}-{'0' * 16}-01", None),
        (PARENT.upper(), None),
        (PARENT[:-4], None),
        ("", None),
    ],
)
def test_what_w3c_calls_valid(given: str, found: str | None) -> None:
    assert trace.read(given) == found
    assert trace.read(trace.header(GIVEN)) == GIVEN


async def _post(office: Office, body: Any, parent: str) -> dict[str, str]:
    """One delivery over HTTP, through the same applications that the server mounts; the answer's headers."""
    row = (await office.fetch("select public_key from inboxes where id = $1", office.line))[0]
    sent: list[Any] = []
    app = trace.Traced(Hooks(office.resources, Intake(office.db)))
    headers = [(b"x-signature", b"pretend-signature"), (b"traceparent", parent.encode())]

    async def receive() -> Any:
        return {"type": "http.request", "body": json.dumps(body).encode()}

    async def send(part: Any) -> None:
        sent.append(part)

    scope = {
        "type": "http", "method": "POST", "path": f"/hooks/{row['public_key']}", "query_string": b"",
        "headers": headers,
    }  # fmt: skip
    await app(scope, receive, send)
    assert sent[0]["status"] == 200, sent
    return {name.decode(): value.decode() for name, value in sent[0]["headers"]}


async def test_a_delivery_and_all_that_comes_of_it(live_db: Database, office: Office) -> None:
    item = office.said("Hello")
    headers = await _post(office, [item], PARENT)
    assert trace.read(headers["traceparent"]) == GIVEN
    await office.ingest()
    message = await office.message(external_id=item["external_id"])
    assert message["trace"] == GIVEN
    assert await office.value("select trace from raw_deliveries") == GIVEN
    assert await office.value("select trace from events where kind = 'MessageReceived'") == GIVEN
    await _post(office, [office.said("Without one")], "rubbish")
    other = await office.value("select trace from raw_deliveries order by id desc limit 1")
    assert other not in (GIVEN, None)
    async with office.db.begin(office.workspace) as tx:
        told = await thread.details(tx, message["id"])
    assert told.trace == GIVEN
    assert told.arrived is not None
    assert (told.arrived.state, told.attempts, told.receipts) == ("done", [], [])


async def test_an_answer_through_every_attempt(office: Office, time: Time) -> None:
    driver = Searchable("phone")
    office.install(line(driver))
    conversation = (await office.hear())["conversation_id"]
    driver.outcomes = [TryLater("Busy.", after=1, code="20429"), Unknown("It broke off.")]
    seen: list[str | None] = []

    async def send(message: Any) -> Any:
        seen.append(trace.current())
        return None

    driver.outcomes.append(send)
    with trace.within(GIVEN):
        written = await office.write(conversation, "The secret words")
    for _ in range(4):
        await office.dispatch()
        time.move(seconds=5)
    key = (await office.outbox(written))["key"]
    await office.deliver({"external_id": f"out-{key}", "state": "delivered"})
    async with office.db.begin(office.workspace) as tx:
        told = await thread.details(tx, written)
    assert seen == [GIVEN]
    assert (told.trace, told.external_id, told.key) == (GIVEN, f"out-{key}", key)
    assert [one.outcome for one in told.attempts] == ["try_later", "unknown", "not_found", "accepted"]
    assert (told.attempts[0].code, told.attempts[0].reason) == ("20429", "Busy.")
    assert [one.state for one in told.receipts][-2:] == ["accepted", "delivered"]
    request = told.attempts[-1].request
    assert request["to"] == "+3…11"
    assert request["characters"] == len("The secret words")
    assert "secret words" not in str(told.attempts)
    kinds = await office.fetch("select kind from events where message_id = $1 and trace = $2", written, GIVEN)
    assert {row["kind"] for row in kinds} == {"MessageQueued", "DeliveryChanged"}
    assert await office.value("select count(*) from events where message_id = $1 and trace <> $2", written, GIVEN) == 0


async def test_a_refusal_says_its_code(office: Office) -> None:
    conversation = (await office.hear())["conversation_id"]
    office.driver().outcomes = [Rejected("No such number.", code="21211")]
    written = await office.write(conversation)
    await office.dispatch()
    async with office.db.begin(office.workspace) as tx:
        (attempt,) = (await thread.details(tx, written)).attempts
    assert (attempt.outcome, attempt.code, attempt.reason) == ("rejected", "21211", "No such number.")
    assert attempt.began_at is not None


async def test_what_the_api_answers_and_what_the_log_says(client: httpx.AsyncClient) -> None:
    answer = await client.get("/livez", headers={"traceparent": PARENT})
    assert trace.read(answer.headers["traceparent"]) == GIVEN
    assert trace.read((await client.get("/livez")).headers["traceparent"]) not in (GIVEN, None)
    with trace.within(GIVEN):
        assert trace.logged(None, "info", {"event": "x"}) == {"event": "x", "trace": GIVEN}
    assert trace.logged(None, "info", {"event": "x"}) == {"event": "x"}
    from frontdesk.app.starting import set_up_logging

    kept = structlog.get_config()
    try:
        set_up_logging()
        assert trace.logged in structlog.get_config()["processors"]
    finally:
        structlog.configure(**kept)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("+302101111111", "+3…11"),
        ("ana.maria@example.org", "an…ia@example.org"),
        ("ana@example.org", "…@example.org"),
        ("", "…"),
    ],
)
def test_an_address_is_shown_in_part(address: str, shown: str) -> None:
    from frontdesk.conversations.rules import masked

    assert masked(address) == shown
