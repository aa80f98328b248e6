"""The API before two judges that know nothing of us: Twilio's OpenAPI description and Twilio's own client."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from openapi_schema_validator import OAS30Validator
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from .conftest import Desk, Sim, in_thread

MG = "MG" + "b" * 32


class Judge:
    """Validates an answer against the description of one operation; properties it does not describe are refused too."""

    def __init__(self, description: dict[str, Any]) -> None:
        self.paths = description["paths"]
        self.components = description["components"]

    def check(self, method: str, path: str, answer: Any) -> dict[str, Any]:
        responses = self.paths[f"/2010-04-01/Accounts/{path}"][method]["responses"]
        schema = responses[str(answer.status_code)]["content"]["application/json"]["schema"]
        body = answer.json()
        OAS30Validator({**schema, "components": self.components}).validate(body)
        assert set(body) == set(self.properties(schema))
        for name, part in self.properties(schema).items():
            for row in body[name] if part.get("type") == "array" else []:
                assert set(row) == set(self.properties(part["items"]))
        return dict(body)

    def properties(self, schema: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in schema:
            schema = self.components["schemas"][schema["$ref"].rpartition("/")[2]]
        return dict(schema["properties"])


@pytest.fixture(scope="session")
def judge(openapi: dict[str, Any]) -> Judge:
    return Judge(openapi)


async def test_the_judge_refuses_a_wrong_resource(sim: Sim, judge: Judge) -> None:
    answer = await sim.send(Body="Hello")
    for change in ({"num_segments": 1}, {"sid": "SM1"}, {"status": "on its way"}, {"extra": 1}):
        broken = type("Broken", (), {"status_code": 201, "json": lambda self, change=change: answer.json() | change})()
        with pytest.raises(Exception, match=r"not of type|too short|not one of|extra"):
            judge.check("post", "{AccountSid}/Messages.json", broken)


async def test_every_answer_about_messages_fits_the_description(sim: Sim, desk: Desk, judge: Judge) -> None:
    desk.answer = lambda call: (200, "image/png", b"PNG")
    await sim.control("PUT", f"/numbers/{sim.number}", {"service_sid": MG})
    created = judge.check("post", "{AccountSid}/Messages.json", await sim.send(Body="Hello", MediaUrl=[desk.url]))
    judge.check("post", "{AccountSid}/Messages.json", await sim.send(Body="Hi", From="", MessagingServiceSid=MG))
    await sim.control("POST", "/customers", {"name": "Demo Far", "number": "+12025550190", "reach": "unreachable"})
    far = judge.check("post", "{AccountSid}/Messages.json", await sim.send(Body="Hello", To="+12025550190"))
    await sim.control("POST", "/customers/demo-ada/texts", {"body": "Hi", "pictures": [{"data": "AAAA"}]})
    await sim.settle()
    one = "{AccountSid}/Messages/{Sid}.json"
    assert judge.check("get", one, await sim.twilio("GET", f"/Messages/{created['sid']}.json"))["status"] == "delivered"
    assert judge.check("get", one, await sim.twilio("GET", f"/Messages/{far['sid']}.json"))["error_code"] == 30003
    redacted = await sim.twilio("POST", f"/Messages/{created['sid']}.json", data={"Body": ""})
    assert judge.check("post", one, redacted)["body"] == ""
    listed = judge.check("get", "{AccountSid}/Messages.json", await sim.twilio("GET", "/Messages.json"))
    assert [text["direction"] for text in listed["messages"]] == ["inbound"] + ["outbound-api"] * 3
    for text in listed["messages"]:
        page = await sim.twilio("GET", f"/Messages/{text['sid']}/Media.json")
        media = judge.check("get", "{AccountSid}/Messages/{MessageSid}/Media.json", page)["media_list"]
        assert len(media) == int(text["num_media"])
        for medium in media:
            answer = await sim.http.get(medium["uri"], auth=(sim.account, sim.token))
            judge.check("get", "{AccountSid}/Messages/{MessageSid}/Media/{Sid}.json", answer)


async def test_account_and_numbers_fit_the_description(sim: Sim, judge: Judge) -> None:
    account = await sim.http.get(f"/2010-04-01/Accounts/{sim.account}.json", auth=(sim.account, sim.token))
    assert judge.check("get", "{Sid}.json", account)["status"] == "active"
    listed = await sim.twilio("GET", "/IncomingPhoneNumbers.json", params={"PhoneNumber": sim.number})
    [number] = judge.check("get", "{AccountSid}/IncomingPhoneNumbers.json", listed)["incoming_phone_numbers"]
    one = "{AccountSid}/IncomingPhoneNumbers/{Sid}.json"
    path = f"/IncomingPhoneNumbers/{number['sid']}.json"
    changed = await sim.twilio("POST", path, data={"SmsUrl": "http://127.0.0.1:1/hook"})
    assert judge.check("post", one, changed)["sms_url"] == "http://127.0.0.1:1/hook"
    assert judge.check("get", one, await sim.twilio("GET", path))["sms_url"] == "http://127.0.0.1:1/hook"
    nobody = await sim.twilio("GET", "/IncomingPhoneNumbers.json", params={"PhoneNumber": "+12025550199"})
    assert nobody.json()["incoming_phone_numbers"] == []


# --- Twilio's own client ------------------------------------------------------------------------------------------


class ToUs(TwilioHttpClient):
    """Twilio's HTTP client with api.twilio.com replaced by the simulator."""

    def __init__(self, base_url: str) -> None:
        super().__init__(pool_connections=False)
        self.base = urlsplit(base_url)

    def request(self, method: str, url: str, *rest: Any, **named: Any) -> Response:
        parts = urlsplit(url)
        assert parts.netloc == "api.twilio.com"
        return super().request(method, urlunsplit((self.base.scheme, self.base.netloc, *parts[2:])), *rest, **named)


@pytest.fixture
def client(sim: Sim) -> Client:
    return Client(sim.account, sim.token, http_client=ToUs(sim.world.base_url))


async def test_the_official_client_sends_fetches_and_cancels(sim: Sim, client: Client) -> None:
    text = await in_thread(lambda: client.messages.create(to="+12025550101", from_=sim.number, body="Hello"))
    assert (text.status, text.direction, text.num_segments) == ("queued", "outbound-api", "1")
    await sim.settle()
    fetched = await in_thread(lambda: client.messages(text.sid).fetch())
    assert fetched.status == "delivered"
    assert datetime.now(UTC) - fetched.date_sent < timedelta(minutes=1)
    assert (await in_thread(lambda: client.api.accounts(sim.account).fetch())).friendly_name == "Demo account"
    [number] = await in_thread(lambda: client.incoming_phone_numbers.list(phone_number=sim.number))
    assert number.capabilities["sms"]
    with pytest.raises(TwilioRestException) as refused:
        await in_thread(lambda: client.messages.create(to="+1", from_=sim.number, body="Hello"))
    assert (refused.value.status, refused.value.code) == (400, 21211)
    with pytest.raises(TwilioRestException) as late:
        await in_thread(lambda: client.messages(text.sid).update(status="canceled"))
    assert late.value.code == 30409


async def test_the_official_client_reads_every_page_once(sim: Sim, client: Client) -> None:
    for count in range(23):
        await sim.send(Body=f"Text {count}", To="+12025550101" if count % 2 else "+12025550102")
    everything = await in_thread(lambda: client.messages.list(page_size=5))
    assert [text.body for text in everything] == [f"Text {count}" for count in reversed(range(23))]
    some = await in_thread(lambda: client.messages.list(to="+12025550102", page_size=5))
    assert len(some) == 12
    first = await in_thread(lambda: client.messages.page(page_size=10))
    second = await in_thread(first.next_page)
    await sim.send(Body="Something new")  # must not shift the pages
    back = await in_thread(second.previous_page)
    assert [text.body for text in back] == [f"Text {count}" for count in range(22, 12, -1)]


async def test_the_official_client_filters_by_date(sim: Sim, client: Client) -> None:
    sid = (await sim.send(Body="Hello")).json()["sid"]
    await sim.settle()
    now = datetime.now(UTC)

    async def found(**filters: Any) -> bool:
        return sid in [text.sid for text in await in_thread(lambda: client.messages.list(**filters))]

    assert await found(date_sent_after=now - timedelta(minutes=5))
    assert not await found(date_sent_after=now + timedelta(minutes=5))
    assert await found(date_sent_before=now + timedelta(minutes=5))
    assert not await found(date_sent_before=now - timedelta(minutes=5))
    assert await found(date_sent_after=now - timedelta(minutes=5), date_sent_before=now + timedelta(minutes=5))
    sent = sim.world.store.value("SELECT sent FROM texts WHERE sid = ?", sid)
    day = datetime.fromtimestamp(sent, UTC).date()
    assert await found(date_sent=day)
    assert not await found(date_sent=day - timedelta(days=1))
    wrong = await sim.twilio("GET", "/Messages.json", params={"DateSent>": "yesterday"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, 20001)


async def test_a_text_that_is_not_sent_yet_is_found_by_its_creation(sim: Sim) -> None:
    """What somebody needs who lost the answer to a send request and looks the message up."""
    await sim.control("PUT", "/settings", {"pace": 100})
    await sim.send(Body="Lost")
    since = (datetime.now(UTC) - timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    query = {"To": "+12025550101", "From": sim.number, "DateSent>": since}
    listed = (await sim.twilio("GET", "/Messages.json", params=query)).json()
    assert [text["body"] for text in listed["messages"]] == ["Lost"]
