"""The Kannel provider without Kannel: addresses, answers, odd deliveries. With it: tests/peers/sms."""

import contextlib
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.sms.loopback import Answer, account, loopback, outbound
from frontdesk.channels.port import (
    Address,
    Attachment,
    BadSignature,
    DeliveryState,
    Disconnected,
    Raw,
    Rejected,
    Request,
    TryLater,
    Unknown,
)
from frontdesk.channels.sms import CHANNEL
from frontdesk.channels.sms.kannel import message_fields

TOKEN = "kannel-knows-this-token"
HOOK = "https://desk.example.org/hooks/abc"
META = {"provider": "kannel", "received_at": "2026-11-22T10:00:00+00:00"}


def inbox(url="http://127.0.0.1:1/cgi-bin/sendsms", **settings):
    known = {"provider": "kannel", "url": url, "username": "desk", "password": "p&ss", "hook_token": TOKEN}
    return account(**{**known, "number": "+14155550000", **settings})


def request(query, *, method="GET", body=b"", **headers):
    url = f"{HOOK}?{query}"
    return Request(method=method, url=url, query=dict(parse_qsl(query)), headers=headers, body=body)


def received(query, **how):
    raws, answer = CHANNEL.driver.receive(request(f"token={TOKEN}&{query}", **how), inbox())
    assert (len(raws), answer.status, answer.body) == (1, 200, b"")
    return raws[0], list(CHANNEL.driver.parse(raws[0], inbox()))


# --- in -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["", "from=1", "token=", "token=wrong", "token=%FF", f"token=wrong&token={TOKEN}"])
def test_without_the_token_nothing_comes_in(query):
    with pytest.raises(BadSignature):
        CHANNEL.driver.receive(request(query), inbox())


@pytest.mark.parametrize("secret", ["", None])
def test_without_a_secret_nothing_comes_in(secret):
    for query in ("token=", "", "token=None"):
        with pytest.raises(BadSignature):
            CHANNEL.driver.receive(request(query), inbox(hook_token=secret))


def test_the_token_is_not_kept():
    raw, _ = received("from=%2B302101234567&text=hi")
    assert TOKEN not in raw.body.decode() + str(raw.meta) + str(raw.headers)


def test_bytes_of_utf_16_survive():
    raw, [found] = received("from=%2B302101234567&text=%D8%3D%DE%00%00+&coding=2&charset=UTF-16BE&ts=1795324716")
    assert found.text == "😀 "
    assert found.sent_at.timestamp() == 1795324716
    assert found.external_id == raw.dedupe_key.removeprefix("in:")


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("text=%C3%BC", "ü"),
        ("text=%FC&charset=ISO-8859-1", "ü"),
        ("text=%FC&charset=rot13", "\ufffd"),
        ("text=%00%FC&coding=2", "ü"),
        ("text=a%00b&charset=us-ascii", "ab"),
        ("coding=0", ""),
    ],
)
def test_charsets(query, text):
    assert received(f"from=%2B302101234567&{query}")[1][0].text == text


@pytest.mark.parametrize("ts", ["", "x", "0", "99999999999999", "9999999999", "-5", "%C2%B2"])
def test_an_odd_time_is_not_believed(ts):
    raw, [found] = received(f"from=%2B302101234567&text=a&ts={ts}")
    assert found.sent_at.isoformat() == raw.meta["received_at"]


def test_a_posted_text_is_in_the_body():
    content_type = 'text/plain; charset="UTF-16BE"'
    how = {"method": "POST", "body": "Γειά".encode("utf-16-be"), "content-type": content_type}
    assert received("from=%2B302101234567&coding=2", **how)[1][0].text == "Γειά"
    how = {"method": "POST", "body": b"ignored"}
    assert received("from=%2B302101234567&text=here", **how)[1][0].text == "here"


def test_the_same_delivery_has_the_same_key_and_another_one_another():
    query = "from=%2B302101234567&text=hi&ts=1&id=a&smsc=X"
    assert received(query)[0].dedupe_key == received(query)[0].dedupe_key
    for other in (query.replace("id=a", "id=b"), query.replace("hi", "ho"), query.replace("ts=1", "ts=2")):
        assert received(other)[0].dedupe_key != received(query)[0].dedupe_key


def test_a_delivery_without_a_sender_is_set_aside():
    raws, _ = CHANNEL.driver.receive(request(f"token={TOKEN}&text=hi"), inbox())
    with pytest.raises(ValueError, match="from=%p"):
        CHANNEL.driver.parse(raws[0], inbox())


@pytest.mark.parametrize("query", ["m=k&st=3", "m=k&st=x", "m=k&st=%C2%B2", "st=1", "m=k&st=99999999999999999999"])
def test_reports_that_say_nothing(query):
    assert received(query)[1] == []


def test_reports():
    raw, [found] = received("m=a%26b&st=2&ans=&ts=1795324716")
    assert raw.dedupe_key == "st:a&b:2"
    assert (found.key, found.state, found.code) == ("a&b", DeliveryState.failed, "2")
    assert found.reason == "The operator could not deliver the message."


@given(st.binary(max_size=200))
def test_parsing_gives_items_or_a_sentence(body):
    raw = Raw(dedupe_key="in:x", body=b"from=%2B302101234567&" + body, meta=META)
    CHANNEL.driver.parse(raw, inbox())


# --- out ----------------------------------------------------------------------------------------------------------


async def sending(answer, message=None, **settings):
    async with loopback(lambda seen: answer) as (server, origin):
        try:
            return await CHANNEL.driver.send(message or outbound(), inbox(f"{origin}/cgi-bin/sendsms", **settings))
        finally:
            sending.seen = server.seen


async def test_the_request_and_its_answer():
    sent = await sending(Answer(202, b"0: Accepted for delivery"), outbound("5 €", callback_url=HOOK))
    assert (sent.external_id, sent.parts) == ("out-1", 1)
    assert dict(parse_qsl(urlsplit(sending.seen[0].target).query)) == {
        "username": "desk",
        "password": "p&ss",
        "from": "+14155550000",
        "to": "+302101234567",
        "text": "5 €",
        "coding": "0",
        "charset": "UTF-8",
        "dlr-mask": "31",
        "dlr-url": f"{HOOK}?token={TOKEN}&m=out-1&st=%d&fid=%F&ans=%A&ts=%T",
    }


def test_what_is_not_gsm_goes_as_utf_16():
    fields = message_fields(outbound("Γ😀", key="a/b%", callback_url=f"{HOOK}?a=%20"), inbox())
    assert (fields["text"], fields["coding"]) == ("Γ😀".encode("utf-16-be"), "2")
    assert "charset" not in fields
    assert fields["dlr-url"].startswith(f"{HOOK}?a=%%20&token={TOKEN}&m=a%%2Fb%%25&st=%d")


def test_without_a_public_address_there_are_no_reports():
    assert not {"dlr-url", "dlr-mask"} & set(message_fields(outbound(), inbox()))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(403, b"Authorization failed for sendsms"), Disconnected),
        (Answer(400, b"Missing receiver number, rejected"), Rejected),
        (Answer(404), Rejected),
        (Answer(503, b"Temporal failure"), TryLater),
        (Answer(500), TryLater),
        (Answer(429), TryLater),
        (Answer(502), Unknown),
        (Answer(504), Unknown),
        (Answer(broken=True), Unknown),
    ],
)
async def test_answers(answer, kind):
    with pytest.raises(kind):
        await sending(answer)


async def test_queued_for_later_is_accepted():
    assert (await sending(Answer(202, b"3: Queued for later delivery"))).state is DeliveryState.accepted


async def test_no_gateway_silence_and_a_wrong_address(monkeypatch):
    with pytest.raises(TryLater):
        await CHANNEL.driver.send(outbound(), inbox())
    with pytest.raises(Disconnected, match="not an address"):
        await CHANNEL.driver.send(outbound(), inbox("localhost"))
    monkeypatch.setattr("frontdesk.channels.sms.kannel._TIMEOUT", httpx.Timeout(0.2))
    with pytest.raises(Unknown):
        await sending(Answer(silent=True))
    with pytest.raises(Unknown):
        await CHANNEL.driver.look_up(outbound(), inbox())


async def read():
    return b""


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (outbound(""), "nothing"),
        (outbound("a" * 1601), "longer"),
        (outbound(attachments=(Attachment(name="a", content_type="image/png", size=0, read=read),)), "cannot carry"),
    ],
)
async def test_what_cannot_go(message, said):
    with pytest.raises(Rejected, match=said):
        await CHANNEL.driver.send(message, inbox())
    other = type(message)(**{**vars(message), "to": Address(kind="whatsapp", value="US.1")})
    with pytest.raises(Rejected, match="phone numbers"):
        await CHANNEL.driver.send(other, inbox())


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(400, b"Missing receiver number, rejected"), None),
        (Answer(403), Disconnected),
        (Answer(200, b"<html>"), TryLater),
        (Answer(broken=True), TryLater),
    ],
)
async def test_trying_the_settings(answer, kind):
    async with loopback(lambda seen: answer) as (_, origin):
        with contextlib.nullcontext() if kind is None else pytest.raises(kind):
            assert "Logged in to Kannel" in await CHANNEL.driver.test(inbox(origin))
