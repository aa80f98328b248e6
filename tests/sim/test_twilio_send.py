"""Sending through the API: the resource, its statuses, what is refused."""

from __future__ import annotations

import base64
import re
from email.utils import parsedate_to_datetime

import pytest
from twilio.request_validator import RequestValidator

from .conftest import Desk, Sim

MG = "MG" + "a" * 32


async def test_an_accepted_text_is_answered_with_the_complete_resource(sim: Sim) -> None:
    answer = await sim.send(Body="Hello")
    text = answer.json()
    assert answer.status_code == 201
    assert re.fullmatch(r"SM[0-9a-f]{32}", text["sid"])
    assert {key: text[key] for key in ("status", "direction", "num_segments", "num_media", "price", "date_sent")} == {
        "status": "queued",
        "direction": "outbound-api",
        "num_segments": "1",
        "num_media": "0",
        "price": None,
        "date_sent": None,
    }
    assert text["uri"] == f"/2010-04-01/Accounts/{sim.account}/Messages/{text['sid']}.json"
    assert parsedate_to_datetime(text["date_created"]).utcoffset() is not None
    await sim.settle()
    later = (await sim.twilio("GET", f"/Messages/{text['sid']}.json")).json()
    assert (later["status"], later["price"]) == ("delivered", "-0.00830")
    assert later["date_sent"]


async def test_status_callbacks_come_in_order_and_signed_by_the_letter(sim: Sim, desk: Desk) -> None:
    sid = (await sim.send(Body="Grüße 👋", StatusCallback=f"{desk.url}/status?m=7&x=a%20b")).json()["sid"]
    await sim.settle()
    assert desk.statuses() == ["queued", "sent", "delivered"]
    judge = RequestValidator(sim.token)
    for call in desk.calls:
        assert judge.validate(call.url, call.params, call.headers["x-twilio-signature"])
        assert call.params["MessageSid"] == call.params["SmsSid"] == sid
        assert call.params["To"] == "+12025550101"
    assert not RequestValidator("other").validate(call.url, call.params, call.headers["x-twilio-signature"])


@pytest.mark.parametrize(
    ("form", "code", "status"),
    [
        ({"To": ""}, 21604, 400),
        ({"To": "555"}, 21211, 400),
        ({"To": "+15005550001"}, 21211, 400),
        ({"To": "+15005550009"}, 21614, 400),
        ({"To": "+15005550004"}, 21610, 400),
        ({"From": ""}, 21603, 400),
        ({"From": "+12025550177"}, 21606, 400),
        ({"From": "+15005550008"}, 21611, 400),
        ({"Body": ""}, 21619, 400),
        ({"Body": "x" * 1601}, 21617, 400),
        ({"MediaUrl": "ftp://example.org/x"}, 21620, 400),
        ({"MediaUrl": ["http://example.org/x"] * 11}, 21623, 400),
        ({"MessagingServiceSid": MG}, 21703, 400),
        ({"StatusCallback": "nowhere"}, 21609, 400),
    ],
)
async def test_what_twilio_would_refuse_is_refused_with_its_code(
    sim: Sim, form: dict[str, object], code: int, status: int
) -> None:
    answer = await sim.send(**{"Body": "Hello", **form})
    assert answer.status_code == status
    assert answer.json() | {"message": ""} == {
        "code": code,
        "message": "",
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    assert [fact["facts"]["code"] for fact in await sim.truth("text.refused")] == [code]
    assert not await sim.truth("text.accepted")


async def test_wrong_credentials_are_refused(sim: Sim) -> None:
    path = f"/2010-04-01/Accounts/{sim.account}/Messages.json"
    other = (await sim.control("POST", "/twilio/accounts", {}))["auth_token"]
    for auth in ((sim.account, "wrong"), ("AC" + "0" * 32, sim.token), (sim.account, other)):
        answer = await sim.http.get(path, auth=auth)
        assert (answer.status_code, answer.json()["code"]) == (401, 20003)
    for header in ("Basic !", "Bearer " + base64.b64encode(f"{sim.account}:{sim.token}".encode()).decode(), ""):
        assert (await sim.http.get(path, headers={"Authorization": header})).status_code == 401


async def test_an_api_key_does_as_well_as_the_token(sim: Sim) -> None:
    twilio = (await sim.control("GET", ""))["twilio"]
    answer = await sim.http.get(
        f"/2010-04-01/Accounts/{sim.account}.json", auth=(twilio["key_sid"], twilio["key_secret"])
    )
    assert answer.json()["sid"] == sim.account


async def test_what_does_not_exist_is_20404(sim: Sim) -> None:
    for path in (
        f"/Messages/SM{'0' * 32}.json",
        "/Nothing.json",
        f"/Messages/SM{'0' * 32}/Media.json",
        "/Messages/x/Media/y",
    ):
        answer = await sim.twilio("GET", path)
        assert (answer.status_code, answer.json()["code"]) == (404, 20404), path


@pytest.mark.parametrize(
    ("reach", "code"), [("unreachable", 30003), ("unknown", 30005), ("landline", 30006), ("filtered", 30007)]
)
async def test_a_customer_out_of_reach_ends_as_undelivered(sim: Sim, desk: Desk, reach: str, code: int) -> None:
    await sim.control("POST", "/customers", {"name": "Demo Far", "number": "+12025550190", "reach": reach})
    sid = (await sim.send(To="+12025550190", Body="Hello", StatusCallback=desk.url)).json()["sid"]
    await sim.settle()
    assert desk.statuses() == ["queued", "sent", "undelivered"]
    assert desk.calls[-1].params["ErrorCode"] == str(code)
    text = (await sim.twilio("GET", f"/Messages/{sid}.json")).json()
    assert (text["status"], text["error_code"]) == ("undelivered", code)
    assert text["error_message"]


async def test_stop_is_obeyed_until_start(hooked: Sim, desk: Desk) -> None:
    await hooked.control("POST", "/customers/demo-ada/texts", {"body": " Stop "})
    refused = await hooked.send(Body="Sorry?")
    assert refused.json()["code"] == 21610
    await hooked.control("POST", "/customers/demo-ada/texts", {"body": "START"})
    assert (await hooked.send(Body="Welcome back")).status_code == 201
    await hooked.settle()
    lines = await hooked.control("GET", "/customers/demo-ada/conversation")
    assert [(line["by"], line["text"].split(".")[0]) for line in lines] == [
        ("customer", " Stop "),
        ("desk", "You have successfully been unsubscribed"),
        ("customer", "START"),
        ("desk", "You have successfully been re-subscribed to messages from this number"),
        ("desk", "Welcome back"),
    ]
    assert len(desk.inbound()) == 2  # the desk hears of both


async def test_a_messaging_service_chooses_the_sender_and_learns_of_stop_later(sim: Sim, desk: Desk) -> None:
    await sim.control("PUT", f"/numbers/{sim.number}", {"service_sid": MG})
    form = {"From": "", "MessagingServiceSid": MG, "Body": "Hello", "StatusCallback": desk.url}
    text = (await sim.send(**form)).json()
    assert (text["status"], text["from"], text["num_segments"]) == ("accepted", None, "0")
    await sim.settle()
    assert (await sim.twilio("GET", f"/Messages/{text['sid']}.json")).json()["from"] == sim.number
    assert desk.calls[-1].params["MessagingServiceSid"] == MG
    await sim.control("POST", "/customers/demo-ada/texts", {"body": "STOP"})
    assert (await sim.send(**form)).status_code == 201
    await sim.settle()
    assert desk.calls[-1].params["ErrorCode"] == "21610"


async def test_only_a_scheduled_text_can_be_cancelled(sim: Sim) -> None:
    await sim.control("PUT", f"/numbers/{sim.number}", {"service_sid": MG})
    form = {"MessagingServiceSid": MG, "Body": "Later", "ScheduleType": "fixed"}
    assert (await sim.send(**form, SendAt="2020-01-01T00:00:00Z")).json()["code"] == 35114
    assert (await sim.send(**form, SendAt="2999-01-01T00:00:00Z")).json()["code"] == 35117
    from datetime import UTC, datetime, timedelta

    soon = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = (await sim.send(**form, SendAt=soon)).json()
    assert text["status"] == "scheduled"
    cancelled = await sim.twilio("POST", f"/Messages/{text['sid']}.json", data={"Status": "canceled"})
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "canceled")
    again = await sim.twilio("POST", f"/Messages/{text['sid']}.json", data={"Status": "canceled"})
    assert (again.status_code, again.json()["code"]) == (409, 30409)


async def test_a_text_can_be_redacted_and_deleted(sim: Sim) -> None:
    sid = (await sim.send(Body="My card is 4111")).json()["sid"]
    assert (await sim.twilio("POST", f"/Messages/{sid}.json", data={"Body": "new"})).status_code == 400
    await sim.settle()
    assert (await sim.twilio("POST", f"/Messages/{sid}.json", data={"Body": ""})).json()["body"] == ""
    assert (await sim.twilio("DELETE", f"/Messages/{sid}.json")).status_code == 204
    assert (await sim.twilio("GET", f"/Messages/{sid}.json")).status_code == 404


async def test_media_of_the_desk_is_fetched_before_sending(sim: Sim, desk: Desk) -> None:
    desk.answer = lambda call: (200, "image/png", b"PNG") if call.url.endswith("/pic") else (404, "text/plain", b"")
    good = (await sim.send(Body="Look", MediaUrl=[f"{desk.url}/pic"])).json()
    bad = (await sim.send(Body="Look", MediaUrl=[f"{desk.url}/gone"])).json()
    assert good["sid"].startswith("MM")
    assert good["num_media"] == "1"
    await sim.settle()
    assert (await sim.twilio("GET", f"/Messages/{good['sid']}.json")).json()["status"] == "delivered"
    failed = (await sim.twilio("GET", f"/Messages/{bad['sid']}.json")).json()
    assert (failed["status"], failed["error_code"]) == ("failed", 11200)
    [line] = await sim.control("GET", "/customers/demo-ada/conversation")
    picture = await sim.http.get(line["files"][0]["url"])
    assert (picture.content, picture.headers["content-type"]) == (b"PNG", "image/png")
