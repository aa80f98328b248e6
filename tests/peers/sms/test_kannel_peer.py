"""The Kannel driver against Debian's Kannel: bearerbox, smsbox and its fake SMSC."""

from urllib.parse import unquote_to_bytes

import pytest

from channels.sms.loopback import Answer, account, outbound, until
from frontdesk.channels.port import DeliveryState, Disconnected, Inbound, TryLater
from frontdesk.channels.sms import CHANNEL
from peers.sms.rig import MO, TOKEN, Kannel, kannel_running, of_service, reports

pytestmark = pytest.mark.peers
PUBLIC = "https://desk.example.org"
GET_URL = 'get-url = "{origin}/hooks/abc?token=' + TOKEN + "&" + MO + '"'
POST_URL = 'post-url = "{origin}/hooks/abc?token=' + TOKEN + '&from=%p&to=%P&coding=%c&udh=%u&ts=%T&id=%I"'


def inbox(kannel: Kannel, **settings):
    known = {"provider": "kannel", "url": kannel.url, "username": "desk", "password": "secret"}
    return account(**{**known, "number": "+14155550000", "hook_token": TOKEN, **settings})


def message(kannel: Kannel, text: str, **fields):
    callback = f"http://127.0.0.1:{kannel.hooks_port}/hooks/abc"
    return outbound(text, "+14155550100", callback_url=callback, **fields)


def items(seen, box):
    raws, answer = CHANNEL.driver.receive(seen.as_request(PUBLIC), box)
    assert answer.status == 200
    return [item for raw in raws for item in CHANNEL.driver.parse(raw, box)]


@pytest.fixture
async def kannel(tmp_path):
    async with kannel_running(tmp_path, GET_URL) as running:
        yield running


async def test_a_text_goes_out_and_both_reports_come_back(kannel):
    box = inbox(kannel)
    sent = await CHANNEL.driver.send(message(kannel, "Your table is ready, [Grüße] 5 €"), box)
    assert (sent.external_id, sent.parts) == ("out-1", 1)
    await until(lambda: kannel.phone.lines, what="the text on the phone")
    assert kannel.phone.lines[0].startswith("+14155550000 +14155550100 text ")
    await until(lambda: len(reports(kannel.hooks)) >= 2, seconds=20, what="two delivery reports")
    found = [item for seen in reports(kannel.hooks) for item in items(seen, box)]
    assert [(item.key, item.state) for item in found] == [
        ("out-1", DeliveryState.sent),
        ("out-1", DeliveryState.delivered),
    ]


async def test_emoji_travel_as_utf_16(kannel):
    await CHANNEL.driver.send(message(kannel, "Привет 😀"), inbox(kannel))
    await until(lambda: kannel.phone.lines, what="the text on the phone")
    head, _, data = kannel.phone.lines[0].partition(" ucs-2 ")
    assert head == "+14155550000 +14155550100"
    assert unquote_to_bytes(data.replace("+", " ")).decode("utf-16-be") == "Привет 😀"


async def test_a_long_text_is_cut_where_we_counted(kannel):
    sent = await CHANNEL.driver.send(message(kannel, "a" * 200), inbox(kannel))
    assert sent.parts == 2
    await until(lambda: len(kannel.phone.lines) >= 2, what="two parts on the phone")
    assert [line.split(" ")[2] for line in kannel.phone.lines[:2]] == ["udh", "udh"]
    assert [line.rsplit(" ", 1)[1] for line in kannel.phone.lines[:2]] == ["a" * 153, "a" * 47]


@pytest.mark.parametrize("key", ["out%2F1 &%d", "ключ"])
async def test_our_key_survives_kannels_escapes(kannel, key):
    box = inbox(kannel)
    await CHANNEL.driver.send(message(kannel, "hello", key=key), box)
    await until(lambda: reports(kannel.hooks), seconds=20, what="a delivery report")
    assert items(reports(kannel.hooks)[0], box)[0].key == key


async def test_a_text_comes_in_with_its_blanks(kannel):
    kannel.phone.text("+14155550100", "12345", "text", "STOP   please")
    await until(lambda: of_service(kannel.hooks), what="the text at our hook")
    [found] = items(of_service(kannel.hooks)[0], inbox(kannel))
    assert isinstance(found, Inbound)
    assert (found.sender.value, found.text) == ("+14155550100", "STOP   please")


async def test_unicode_comes_in(kannel):
    kannel.phone.text("+14155550100", "12345", "text", "Γειά 😀")
    await until(lambda: of_service(kannel.hooks), what="the text at our hook")
    [found] = items(of_service(kannel.hooks)[0], inbox(kannel))
    assert found.text == "Γειά 😀"


async def test_post_url_works_too(tmp_path):
    async with kannel_running(tmp_path, POST_URL) as kannel:
        kannel.phone.text("+14155550100", "12345", "text", "hello  there")
        kannel.phone.text("+14155550100", "12345", "text", "Γειά 😀")
        await until(lambda: len(kannel.hooks.seen) >= 2, what="two texts at our hook")
        found = [items(seen, inbox(kannel))[0] for seen in kannel.hooks.seen]
    assert {item.text for item in found} == {"hello  there", "Γειά 😀"}
    assert {item.sender.value for item in found} == {"+14155550100"}


async def test_a_text_that_we_could_not_store_comes_again_as_the_same(kannel):
    kannel.hooks.handler = lambda seen: Answer(503 if len(kannel.hooks.seen) < 2 else 200)
    kannel.phone.text("+14155550100", "12345", "text", "please keep me")
    await until(lambda: len(of_service(kannel.hooks)) >= 3, seconds=20, what="two more attempts of Kannel")
    raws = [CHANNEL.driver.receive(seen.as_request(PUBLIC), inbox(kannel))[0][0] for seen in of_service(kannel.hooks)]
    assert len({raw.dedupe_key for raw in raws}) == 1


async def test_wrong_password_and_right_one(kannel):
    assert "Logged in" in await CHANNEL.driver.test(inbox(kannel))
    with pytest.raises(Disconnected, match="password"):
        await CHANNEL.driver.test(inbox(kannel, password="wrong"))
    with pytest.raises(Disconnected, match="password"):
        await CHANNEL.driver.send(message(kannel, "hello"), inbox(kannel, password="wrong"))


async def test_an_outage_is_for_later_and_ends(kannel, tmp_path):
    await kannel.stop_gateway()
    with pytest.raises(TryLater):
        await CHANNEL.driver.send(message(kannel, "hello"), inbox(kannel))
    (tmp_path / "again").mkdir()
    async with kannel_running(tmp_path / "again", GET_URL) as back:
        await CHANNEL.driver.send(message(back, "hello again"), inbox(back))
        await until(lambda: back.phone.lines, what="the text on the phone")
        assert "hello again" in back.phone.lines[0]
