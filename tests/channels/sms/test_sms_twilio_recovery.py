"""The Twilio provider after something went wrong: looking up, reconciling, fetching, trying the settings."""

from datetime import timedelta

import pytest
import time_machine

from channels.sms.fake_twilio import NUMBER, SERVICE, error, twilio_running
from channels.sms.loopback import Answer, outbound
from channels.sms.twilio_pieces import TEXT, hook, inbox
from frontdesk.channels.port import (
    Disconnected,
    Rejected,
    TryLater,
    Unknown,
)
from frontdesk.channels.sms import KannelSms, SmppSms, Sms
from frontdesk.channels.sms.twilio import TwilioSms
from frontdesk.kit import clock

# --- looking up ---------------------------------------------------------------------------------------------------


async def taken_without_answer(driver, fake, origin, message=None):
    fake.take_first = True
    fake.next.append(Answer(broken=True))
    with pytest.raises(Unknown):
        await driver.send(message or outbound(), inbox(origin))
    fake.take_first = False


async def test_a_message_without_an_answer_is_found(driver):
    async with twilio_running() as (fake, origin):
        await taken_without_answer(driver, fake, origin)
        found = await driver.look_up(outbound(), inbox(origin))
    assert found is not None
    assert found.external_id == fake.messages[0]["sid"]


async def test_a_message_that_was_never_taken_is_so_after_a_minute(driver):
    async with twilio_running() as (fake, origin):
        fake.next.append(Answer(broken=True))
        with pytest.raises(Unknown):
            await driver.send(outbound(), inbox(origin))
        with pytest.raises(Unknown, match="yet"):
            await driver.look_up(outbound(), inbox(origin))
        with time_machine.travel(clock.now() + timedelta(seconds=61), tick=False):
            assert await driver.look_up(outbound(), inbox(origin)) is None


async def test_look_alikes_that_are_accounted_for_do_not_count(driver):
    async with twilio_running() as (fake, origin):
        box = inbox(origin)
        before = await driver.send(outbound(key="earlier"), box)
        in_thread = fake.message(body="Hello")
        fake.message(body="Hello", at=clock.now() - timedelta(minutes=20))
        fake.message(body="Hello", direction="inbound")
        fake.message(body="Hello", num_media="1")
        fake.message(body="Bye")
        fake.messages.sort(key=lambda message: message["sid"] == "SM" + f"{2:032x}")  # the old one is listed last
        await taken_without_answer(driver, fake, origin)
        found = await driver.look_up(outbound(answers=(in_thread["sid"],)), box)
    assert found is not None
    assert found.external_id not in (before.external_id, in_thread["sid"])


@pytest.mark.parametrize("other", ["Hello", ""])
async def test_several_candidates_stay_unknown(driver, other):
    async with twilio_running() as (fake, origin):
        await taken_without_answer(driver, fake, origin)
        fake.message(body=other)
        with pytest.raises(Unknown, match="may or may not"):
            await driver.look_up(outbound(), inbox(origin))


async def test_a_clock_that_is_behind_hides_no_message(driver):
    """Taken by Twilio, whose clock is five minutes behind ours: nobody may send it again."""
    async with twilio_running() as (fake, origin):
        fake.next.append(Answer(broken=True))
        with pytest.raises(Unknown):
            await driver.send(outbound(), inbox(origin))
        fake.message(body="Hello", at=clock.now() - timedelta(minutes=5))
        with time_machine.travel(clock.now() + timedelta(seconds=61), tick=False):
            with pytest.raises(Unknown, match="may or may not"):
                await driver.look_up(outbound(), inbox(origin))


async def test_a_text_that_twilio_did_not_keep_stays_unknown(driver):
    async with twilio_running() as (fake, origin):
        await taken_without_answer(driver, fake, origin)
        fake.messages[0]["body"] = ""
        with pytest.raises(Unknown, match="may or may not"):
            await driver.look_up(outbound(), inbox(origin))


async def test_after_a_restart_only_the_time_of_the_attempt_decides(driver):
    async with twilio_running() as (fake, origin):
        await taken_without_answer(driver, fake, origin)
        reborn = Sms(TwilioSms(), KannelSms(), SmppSms())
        with pytest.raises(Unknown, match="may or may not"):
            await reborn.look_up(outbound(), inbox(origin))
        told = outbound(meta={"attempted_at": clock.now().isoformat()})
        assert (await reborn.look_up(told, inbox(origin))).external_id == fake.messages[0]["sid"]


async def test_after_a_restart_nothing_listed_is_nothing_taken_after_a_minute():
    reborn = Sms(TwilioSms(), KannelSms(), SmppSms())
    async with twilio_running() as (fake, origin):
        fake.message(body="Hello", at=clock.now() - timedelta(days=3))
        with pytest.raises(Unknown, match="yet"):
            await reborn.look_up(outbound(), inbox(origin))
        with time_machine.travel(clock.now() + timedelta(seconds=61), tick=False):
            assert await reborn.look_up(outbound(), inbox(origin)) is None


async def test_only_the_services_messages_count_without_a_number(driver):
    async with twilio_running() as (fake, origin):
        box = inbox(origin, number="", messaging_service_sid=SERVICE)
        fake.take_first = True
        fake.next.append(Answer(broken=True))
        with pytest.raises(Unknown):
            await driver.send(outbound(), box)
        fake.message(body="Hello")
        fake.message(body="Sent from your Twilio trial account - Hello", messaging_service_sid="MG" + "2" * 32)
        found = await driver.look_up(outbound(), box)
    assert found.external_id == f"SM{0:032x}"


async def test_what_is_remembered_has_an_end(driver, monkeypatch):
    monkeypatch.setattr("frontdesk.channels.sms.attempts._REMEMBERS", 1)
    async with twilio_running() as (fake, origin):
        await taken_without_answer(driver, fake, origin)
        await driver.send(outbound("Bye", key="out-2"), inbox(origin))
        with pytest.raises(Unknown, match="may or may not"):
            await driver.look_up(outbound(), inbox(origin))


async def test_a_look_up_that_fails_stays_unknown(driver):
    with pytest.raises(Unknown, match="could not be looked up"):
        await driver.look_up(outbound(), inbox("http://127.0.0.1:1"))


# --- reconciling, media, trying the settings ----------------------------------------------------------------------


async def test_what_was_missed_comes_with_the_webhooks_keys(driver):
    async with twilio_running() as (fake, origin):
        fake.page = 2
        box, now = inbox(origin), clock.now()
        fake.message(direction="inbound", to=NUMBER, body="too old", at=now - timedelta(days=2))
        fake.message(direction="inbound", to=NUMBER, body="one", **{"from": "+302101234567"})
        fake.message(direction="outbound-api", to=NUMBER, body="ours")
        two = fake.message(direction="inbound", to=NUMBER, body="two", num_media="1", **{"from": "+302101234567"})
        media = {"sid": "ME" + "0" * 32, "content_type": "image/png", "uri": "/2010-04-01/x/Media/ME0.json"}
        fake.media[two["sid"]] = [media]
        raws = [raw async for raw in driver.missed(box, since=now - timedelta(hours=1))]
        found = [item for raw in raws for item in driver.parse(raw, box)]
    assert [item.text for item in found] == ["two", "one"]
    assert raws[0].dedupe_key == f"in:{two['sid']}"
    assert driver.receive(hook(TEXT | {"MessageSid": two["sid"]}), box)[0][0].dedupe_key == raws[0].dedupe_key
    assert [each.url for each in found[0].attachments] == [f"{origin}/2010-04-01/x/Media/ME0"]
    assert abs(found[1].sent_at - now) < timedelta(seconds=5)


async def test_missed_for_a_service_without_a_number(driver):
    async with twilio_running() as (fake, origin):
        box = inbox(origin, number="", messaging_service_sid=SERVICE)
        fake.message(direction="inbound", body="theirs")
        fake.message(direction="inbound", body="ours", messaging_service_sid=SERVICE, date_sent=None, date_created=None)
        raws = [raw async for raw in driver.missed(box, since=clock.now() - timedelta(hours=1))]
    assert [driver.parse(raw, box)[0].text for raw in raws] == ["ours"]


@pytest.mark.parametrize(
    ("answer", "kind"), [(error(401, 20003), Disconnected), (error(503), TryLater), (error(400, 1), TryLater)]
)
async def test_troubles_while_reconciling(driver, answer, kind):
    async with twilio_running() as (fake, origin):
        fake.next.append(answer)
        with pytest.raises(kind):
            _ = [raw async for raw in driver.missed(inbox(origin), since=clock.now())]


async def test_media_is_fetched(driver):
    async with twilio_running() as (fake, origin):
        fake.files["/m"] = Answer(200, b"png", {"content-type": "image/png"})
        assert await driver.fetch(f"{origin}/m", inbox(origin)) == (b"png", "image/png")
        for answer, kind in ((error(404), Rejected), (error(401), TryLater), (error(500), TryLater)):
            fake.files["/m"] = answer
            with pytest.raises(kind):
                await driver.fetch(f"{origin}/m", inbox(origin))
        fake.files["/m"] = Answer(broken=True)
        with pytest.raises(TryLater):
            await driver.fetch(f"{origin}/m", inbox(origin))
    with pytest.raises(Rejected, match="does not belong"):
        await driver.fetch("https://evil.example/m", inbox(origin))


async def test_the_settings_can_be_tried(driver):
    async with twilio_running() as (fake, origin):
        assert "Harbour" in await driver.test(inbox(origin))
        with pytest.raises(Disconnected, match="auth token"):
            await driver.test(inbox(origin, auth_token="wrong"))
        fake.status = "suspended"
        with pytest.raises(Disconnected, match="suspended"):
            await driver.test(inbox(origin))
    with pytest.raises(TryLater):
        await driver.test(inbox("http://127.0.0.1:1"))
