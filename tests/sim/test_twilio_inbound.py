"""Texts of customers: the webhook, its signature, its retries, media, and what TwiML asks for."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smsutil import split
from twilio.request_validator import RequestValidator

from frontdesk_sim.picture import parcel
from frontdesk_sim.twilio.segments import segments
from frontdesk_sim.twilio.signature import sign

from .conftest import Desk, Sim

PARAMETERS = {
    "ToCountry",
    "ToState",
    "SmsMessageSid",
    "NumMedia",
    "ToCity",
    "FromZip",
    "SmsSid",
    "FromState",
    "SmsStatus",
    "FromCity",
    "Body",
    "FromCountry",
    "To",
    "ToZip",
    "NumSegments",
    "MessageSid",
    "AccountSid",
    "From",
    "ApiVersion",
}


async def test_an_inbound_text_has_the_real_parameters_and_signature(hooked: Sim, desk: Desk) -> None:
    sent = await hooked.control("POST", "/customers/demo-ada/texts", {"body": "Ça va? ✓ a&b=c+d"})
    await hooked.settle()
    [call] = desk.calls
    assert set(call.params) == PARAMETERS
    assert call.params["Body"] == "Ça va? ✓ a&b=c+d"
    assert call.params["MessageSid"] == call.params["SmsSid"] == sent["sid"]
    assert (call.params["From"], call.params["To"]) == ("+12025550101", hooked.number)
    assert (call.params["FromCountry"], call.params["FromState"]) == ("US", "DC")
    assert call.url.endswith("/hook?m=1")
    assert call.headers["content-type"].startswith("application/x-www-form-urlencoded")
    assert call.headers["i-twilio-idempotency-token"]
    assert RequestValidator(hooked.token).validate(call.url, call.params, call.headers["x-twilio-signature"])


async def test_texts_of_one_customer_arrive_in_order(hooked: Sim, desk: Desk) -> None:
    for count in range(30):
        await hooked.control("POST", "/texts", {"sender": "+12025550150", "body": str(count)})
    await hooked.settle()
    assert [call.params["Body"] for call in desk.calls] == [str(count) for count in range(30)]


async def test_a_picture_is_behind_authentication_and_a_redirect(hooked: Sim, desk: Desk) -> None:
    import base64

    picture = {"content_type": "image/png", "data": base64.b64encode(parcel()).decode()}
    sent = await hooked.control("POST", "/customers/demo-ada/texts", {"body": "Look", "pictures": [picture]})
    await hooked.settle()
    [call] = desk.calls
    assert sent["sid"].startswith("MM")
    assert (call.params["NumMedia"], call.params["MediaContentType0"]) == ("1", "image/png")
    url = call.params["MediaUrl0"]
    assert (await hooked.http.get(url)).status_code == 401
    redirect = await hooked.http.get(url, auth=(hooked.account, hooked.token))
    assert redirect.status_code == 307
    place = redirect.headers["location"]
    assert (await hooked.http.get(place)).content == parcel()
    # the store behind it refuses credentials that were carried along
    assert (await hooked.http.get(place, auth=(hooked.account, hooked.token))).status_code == 400
    assert (await hooked.http.request("DELETE", f"{url}.json", auth=(hooked.account, hooked.token))).status_code == 204
    assert (await hooked.http.get(place)).status_code == 404


async def test_twiml_in_the_answer_becomes_a_reply(hooked: Sim, desk: Desk) -> None:
    twiml = b'<Response><Message statusCallback="%s"><Body>Thanks &amp; bye</Body></Message></Response>'
    desk.answer = lambda call: (200, "text/xml", twiml % f"{desk.url}/status".encode())
    await hooked.control("POST", "/customers/demo-ada/texts", {"body": "Hello"})
    await hooked.settle()
    lines = await hooked.control("GET", "/customers/demo-ada/conversation")
    assert [line["text"] for line in lines] == ["Hello", "Thanks & bye"]
    assert desk.statuses() == ["queued", "sent", "delivered"]


@pytest.mark.parametrize(
    "content", [b"<Response", b'<!DOCTYPE r [<!ENTITY a "b">]><Response><Message>&a;</Message></Response>']
)
async def test_broken_twiml_sends_nothing(hooked: Sim, desk: Desk, content: bytes) -> None:
    desk.answer = lambda call: (200, "text/xml", content)
    await hooked.control("POST", "/customers/demo-ada/texts", {"body": "Hello"})
    await hooked.settle()
    assert not await hooked.truth("text.accepted")


# --- retries ------------------------------------------------------------------------------------------------------


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


async def tries(sim: Sim) -> list[tuple[str, int | None]]:
    return [(fact["facts"]["outcome"], fact["facts"]["status"]) for fact in await sim.truth("webhook.sent")]


async def announce_to(sim: Sim, url: str, fallback: str = "") -> None:
    await sim.control("PUT", f"/numbers/{sim.number}", {"sms_url": url, "sms_fallback_url": fallback})
    await sim.control("POST", "/customers/demo-ada/texts", {"body": "Hello"})
    await sim.settle()


async def test_a_failed_connection_is_tried_once_more(sim: Sim) -> None:
    await announce_to(sim, f"http://127.0.0.1:{closed_port()}/hook")
    assert await tries(sim) == [("ct", None), ("ct", None)]


async def test_an_error_answer_is_not_tried_again_unless_the_fragment_says_so(sim: Sim, desk: Desk) -> None:
    desk.answer = lambda call: (503, "text/plain", b"")
    await announce_to(sim, f"{desk.url}/hook")
    assert await tries(sim) == [("5xx", 503)]
    await announce_to(sim, f"{desk.url}/hook?a=1#rc=3&rp=5xx")
    assert await tries(sim) == [("5xx", 503)] * 5
    last = desk.calls[-4:]
    assert len({call.headers["i-twilio-idempotency-token"] for call in last}) == 1
    assert all("#" not in call.url for call in last)
    judge = RequestValidator(sim.token)
    assert all(judge.validate(call.url, call.params, call.headers["x-twilio-signature"]) for call in last)


async def test_the_fragment_sets_time_outs(sim: Sim, desk: Desk) -> None:
    import asyncio

    desk.hold = asyncio.Event()
    await announce_to(sim, f"{desk.url}/hook#rc=1&rp=all&rt=100&tt=200")
    desk.hold.set()
    assert await tries(sim) == [("rt", None), ("rt", None)]


async def test_a_retry_that_succeeds_is_the_last(sim: Sim, desk: Desk) -> None:
    desk.answer = lambda call: (500 if len(desk.calls) < 3 else 204, "text/plain", b"")
    await announce_to(sim, f"{desk.url}/hook#rc=5&rp=all")
    assert await tries(sim) == [("5xx", 500), ("5xx", 500), ("ok", 204)]


async def test_the_fallback_address_hears_what_failed(sim: Sim, desk: Desk) -> None:
    dead = f"http://127.0.0.1:{closed_port()}/hook"
    await announce_to(sim, dead, f"{desk.url}/fallback")
    [call] = desk.calls
    assert (call.params["ErrorCode"], call.params["ErrorUrl"]) == ("11200", dead)
    assert RequestValidator(sim.token).validate(call.url, call.params, call.headers["x-twilio-signature"])


# --- against others' implementations ------------------------------------------------------------------------------


def test_the_signature_is_the_published_one() -> None:
    """Vector computed by Twilio's own library."""
    params = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert sign("12345", url, params.items()) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


@given(st.dictionaries(st.text(min_size=1), st.text()), st.text())
def test_the_signature_agrees_with_the_official_library(params: dict[str, str], token: str) -> None:
    url = "https://example.org/hook?m=1"
    assert RequestValidator(token.encode("utf-8", "replace").decode() or "t").validate(
        url, params, sign(token or "t", url, params.items())
    )


letters = st.text(alphabet=st.sampled_from("aA1 é€[]{}^~|\\👋✓ñ\n"), min_size=1, max_size=30)


@given(st.builds(lambda start, unit, times: start + unit * times, letters, letters, st.integers(0, 60)))
def test_segments_agree_with_another_implementation(text: str) -> None:
    assert segments(text) == len(split(text).parts)
