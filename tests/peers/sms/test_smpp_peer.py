"""The SMPP driver against an SMSC made of the npm package ``smpp``."""

import asyncio
import contextlib

import pytest

from channels.sms.loopback import RememberingSink, account, outbound, until
from frontdesk.channels.port import DeliveryState, Disconnected, Inbound, Receipt, TryLater, Unknown
from frontdesk.channels.sms.segments import decode_gsm7
from frontdesk.channels.sms.smpp import LIVE, SmppSms
from frontdesk.channels.sms.smpp_session import Timing
from peers.sms.rig import free_port, smsc_running

pytestmark = pytest.mark.peers
FAST = Timing(connect=2, answer=1, pulse=0.3, goodbye=1)


@pytest.fixture
def driver():
    return SmppSms(FAST, back_off=(0.1, 0.4))


@pytest.fixture
async def smsc(smsc_modules):
    async with smsc_running(smsc_modules, free_port()) as running:
        yield running


def inbox(port, **settings):
    known = {"provider": "smpp", "host": "127.0.0.1", "port": port, "system_id": "desk", "password": "secret"}
    return account(**{**known, "number": "+14155550000", **settings})


@contextlib.asynccontextmanager
async def bound(driver, box, sink=None):
    sink = sink or RememberingSink()
    listening = asyncio.create_task(driver.listen(box, sink))
    try:
        await until(lambda: box.inbox_id in LIVE or listening.done(), what="the bind")
        yield sink
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


def parsed(driver, sink, box, kind):
    items = [item for raw in sink.rows.values() for item in driver.parse(raw, box)]
    return [item for item in items if isinstance(item, kind)]


async def test_a_text_goes_out_and_its_receipt_comes_back(driver, smsc):
    box = inbox(smsc.port)
    async with bound(driver, box) as sink:
        sent = await driver.send(outbound("Grüße, 5 € [today]"), box)
        [seen] = await smsc.saw("submit")
        assert (seen["to"], seen["ton"], seen["from"], seen["coding"]) == ("302101234567", 1, "14155550000", 0)
        receipts = await until(lambda: parsed(driver, sink, box, Receipt), what="a receipt")
    assert (sent.external_id, sent.parts) == ("m1", 1)
    assert (receipts[0].external_id, receipts[0].state) == ("m1", DeliveryState.delivered)


async def test_a_long_text_is_two_parts_and_one_receipt(driver, smsc):
    box = inbox(smsc.port)
    async with bound(driver, box) as sink:
        sent = await driver.send(outbound("ä" * 200), box)
        first, second = await smsc.saw("submit", 2)
        await until(lambda: parsed(driver, sink, box, Receipt), what="a receipt")
    assert (sent.external_id, sent.parts) == ("m2", 2)
    assert first["esm_class"] & 0x40
    assert second["esm_class"] & 0x40
    assert [first["receipts"], second["receipts"]] == [2, 1]
    assert [each["udh"][-4:] for each in (first, second)] == ["0201", "0202"]
    assert first["udh"][:-4] == second["udh"][:-4]
    assert (len(first["text"]), len(second["text"])) == (153, 47)


async def test_emoji_go_out_as_utf_16(driver, smsc):
    box = inbox(smsc.port)
    async with bound(driver, box):
        await driver.send(outbound("Γειά 😀"), box)
        [seen] = await smsc.saw("submit")
    assert (seen["coding"], seen["text"]) == (8, "Γειά 😀")


async def test_a_long_text_may_travel_whole(driver, smsc):
    box = inbox(smsc.port, long_messages="payload")
    async with bound(driver, box):
        sent = await driver.send(outbound("a" * 500), box)
        [seen] = await smsc.saw("submit")
    assert (sent.parts, seen["payload"]) == (1, "a" * 500)


async def test_a_receipt_may_come_before_the_answer(driver, smsc):
    box = inbox(smsc.port)
    smsc.tell(do="early", on=True)
    async with bound(driver, box) as sink:
        sent = await driver.send(outbound(), box)
        receipts = await until(lambda: parsed(driver, sink, box, Receipt), what="a receipt")
    assert receipts[0].external_id == sent.external_id


async def test_a_text_comes_in_and_is_answered_once_it_is_kept(driver, smsc):
    box = inbox(smsc.port)
    async with bound(driver, box) as sink:
        sink.gate.clear()
        octets = "4772" + "7e" + "1e" + "65"  # Grüße in GSM 03.38
        pdu = {"source_addr": "302101234567", "source_addr_ton": 1, "destination_addr": "14155550000"}
        smsc.tell(do="deliver", pdu={**pdu, "data_coding": 0}, octets=octets)
        await smsc.saw("pulse", 2)
        assert not smsc.of("kept")
        sink.gate.set()
        await smsc.saw("kept")
    [found] = parsed(driver, sink, box, Inbound)
    assert (found.sender.value, found.text) == ("+302101234567", decode_gsm7(bytes.fromhex(octets)))
    assert found.text == "Grüße"


async def test_a_delivery_that_could_not_be_kept_comes_again(driver, smsc):
    box = inbox(smsc.port)
    sink = RememberingSink()
    async with bound(driver, box, sink):
        sink.broken = True
        smsc.tell(do="deliver", pdu={"source_addr": "302101234567", "short_message": "hello"})
        await smsc.saw("closed")
    assert not smsc.of("kept")
    sink.broken = False
    async with bound(driver, box, sink):
        smsc.tell(do="deliver", pdu={"source_addr": "302101234567", "short_message": "hello"})
        await smsc.saw("kept")
    assert [item.text for item in parsed(driver, sink, box, Inbound)] == ["hello"]


async def test_throttling_is_for_later_and_resumes_at_the_refused_part(driver, smsc):
    box = inbox(smsc.port)
    async with bound(driver, box):
        smsc.tell(do="answer", status=0, times=1)
        smsc.tell(do="answer", status=0x58, times=1)
        await smsc.saw("pulse")
        with pytest.raises(TryLater) as slow:
            await driver.send(outbound("a" * 200), box)
        assert slow.value.after
        sent = await driver.send(outbound("a" * 200, meta=slow.value.meta), box)
        assert [len(each["text"]) for each in smsc.of("submit")] == [153, 47, 47]
        assert sent.parts == 2


async def test_silence_is_unknown(driver, smsc):
    box = inbox(smsc.port)
    smsc.tell(do="mute", on=True)
    async with bound(driver, box):
        with pytest.raises(Unknown):
            await driver.send(outbound(), box)


async def test_the_smsc_dies_and_comes_back(driver, smsc_modules):
    port = free_port()
    box, sink = inbox(port), RememberingSink()
    async with smsc_running(smsc_modules, port) as first:
        listening = asyncio.create_task(driver.listen(box, sink))
        await first.saw("bound")
        await until(lambda: box.inbox_id in LIVE)
    await until(lambda: box.inbox_id not in LIVE, what="noticing the loss")
    with pytest.raises(TryLater):
        await driver.send(outbound(), box)
    async with smsc_running(smsc_modules, port) as second:
        await second.saw("bound")
        await until(lambda: box.inbox_id in LIVE)
        assert (await driver.send(outbound(), box)).external_id == "m1"
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await second.saw("unbound")
    states = [state for state, _, _ in sink.notes]
    assert states[0] == states[-1] == "healthy"
    assert "unhealthy" in states


async def test_a_lost_answer_does_not_make_a_second_message(driver, smsc):
    box, sink = inbox(smsc.port), RememberingSink()
    pdu = {"source_addr": "302101234567", "short_message": "only once"}
    async with bound(driver, box, sink):
        sink.leave.clear()
        smsc.tell(do="deliver", pdu=pdu)
        await until(lambda: sink.rows, what="the commit")
        smsc.tell(do="cut")  # the SMSC is gone before our answer
        await smsc.saw("closed")
        sink.leave.set()
        await smsc.saw("bound", 2)
        smsc.tell(do="deliver", pdu=pdu)
        await smsc.saw("kept")
        assert len(parsed(driver, sink, box, Inbound)) == 1
        await smsc.saw("pulse", len(smsc.of("pulse")) + 2)
        smsc.tell(do="deliver", pdu=pdu)  # now they wrote it again
        await smsc.saw("kept", 2)
        assert len(parsed(driver, sink, box, Inbound)) == 2


async def test_a_wrong_password_needs_a_person(driver, smsc):
    box, sink = inbox(smsc.port, password="wrong"), RememberingSink()
    with pytest.raises(Disconnected, match="password"):
        await driver.test(box)
    with pytest.raises(Disconnected, match="password"):
        await asyncio.wait_for(driver.listen(box, sink), 10)
    assert sink.notes[-1][2]


async def test_the_settings_can_be_tried(driver, smsc):
    assert "accepts desk" in await driver.test(inbox(smsc.port))
    await smsc.saw("unbound")
    async with bound(driver, inbox(smsc.port)):
        assert "Bound as desk" in await driver.test(inbox(smsc.port))
