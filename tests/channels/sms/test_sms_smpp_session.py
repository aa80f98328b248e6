"""The SMPP provider with a scripted peer on a socket. With a real one: tests/peers/sms."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import pytest

from channels.sms.loopback import RememberingSink, outbound, until
from channels.sms.smpp_pieces import FAST, ScriptedSmsc, inbox, mo, piece, receipt, take
from frontdesk.channels.port import (
    Address,
    Attachment,
    DeliveryState,
    Disconnected,
    Inbound,
    Receipt,
    Rejected,
    TryLater,
    Unknown,
)
from frontdesk.channels.sms import CHANNEL, pdu
from frontdesk.channels.sms.ledger import Ledger
from frontdesk.channels.sms.pdu import Pdu
from frontdesk.channels.sms.smpp import LIVE, Live, SmppSms
from frontdesk.channels.sms.smpp_content import GAP
from frontdesk.channels.sms.smpp_session import Session, SessionOver

# --- sessions -----------------------------------------------------------------------------------------------------


@pytest.fixture
async def smsc():
    scripted = ScriptedSmsc()
    server = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    scripted.port = server.sockets[0].getsockname()[1]
    yield scripted
    server.close()
    for writer in scripted.writers:
        writer.close()


@contextlib.asynccontextmanager
async def bound(smsc, sink=None, **settings):
    driver, sink, box = SmppSms(FAST, back_off=(0.05, 0.1)), sink or RememberingSink(), inbox(smsc.port, **settings)
    listening = asyncio.create_task(driver.listen(box, sink))
    try:
        await until(lambda: box.inbox_id in LIVE or listening.done(), what="the bind")
        yield driver, box, sink
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_stopping_unbinds(smsc):
    async with bound(smsc):
        pass
    assert len(smsc.of(pdu.UNBIND)) == 1
    assert LIVE == {}


async def test_the_channel_listens_and_an_old_listener_leaves_the_new_session_alone(smsc):
    box = inbox(smsc.port)
    assert CHANNEL.driver.sends_here(inbox(provider="kannel"))
    assert not CHANNEL.driver.sends_here(box)
    listening = asyncio.create_task(CHANNEL.driver.listen(box, RememberingSink()))
    old = await until(lambda: LIVE.get(box.inbox_id))
    assert CHANNEL.driver.sends_here(box)
    assert "Bound as desk since" in await CHANNEL.driver.test(box)
    LIVE[box.inbox_id] = Live(old.session, old.since)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    assert LIVE.pop(box.inbox_id) is not old


async def test_a_session_is_alive_only_while_pulses_are_answered(smsc):
    async with bound(smsc) as (_, _, sink):
        await until(lambda: len(smsc.of(pdu.ENQUIRE_LINK)) > 1)
        smsc.pulses = False
        await until(lambda: smsc.binds > 1, what="a new bind")
        assert any("stopped answering" in reason for _, reason, _ in sink.notes)


async def test_questions_of_the_smsc_are_answered(smsc):
    async with bound(smsc):
        smsc.say(Pdu(pdu.ENQUIRE_LINK, 77))
        smsc.say(Pdu(pdu.ALERT_NOTIFICATION, 78))
        smsc.say(Pdu(0x00000003, 79))
        smsc.say(Pdu(pdu.SUBMIT_SM | pdu.RESPONSE, 999))  # an answer to nothing
        await until(lambda: smsc.of(pdu.GENERIC_NACK))
    assert smsc.of(pdu.ENQUIRE_LINK | pdu.RESPONSE)[0].sequence == 77
    assert [(each.sequence, each.status) for each in smsc.of(pdu.GENERIC_NACK)] == [(79, pdu.RINVCMDID)]


@pytest.mark.parametrize("goodbye", [Pdu(pdu.UNBIND, 5), b"\xff\xff\xff\xff", b"\x00\x00\x00\x01"])
async def test_a_session_that_the_smsc_ends_is_replaced(smsc, goodbye):
    async with bound(smsc):
        smsc.say(goodbye)
        await until(lambda: smsc.binds > 1, what="a new bind")


async def test_a_data_sm_is_a_delivery_too(smsc):
    async with bound(smsc) as (driver, box, sink):
        body = b"\x00\x01\x01302101234567\x00\x01\x0114155550000\x00\x00\x00\x00"
        smsc.say(Pdu(pdu.DATA_SM, 8, body=body + pdu.encode_tlvs({pdu.TAG_PAYLOAD: b"hello"})))
        await until(lambda: smsc.of(pdu.DATA_SM | pdu.RESPONSE))
    [found] = [item for raw in sink.rows.values() for item in driver.parse(raw, box)]
    assert isinstance(found, Inbound)
    assert found.text == "hello"


async def test_a_delivery_is_answered_only_after_its_commit(smsc):
    async with bound(smsc) as (_, _, sink):
        sink.gate.clear()
        smsc.say(mo(sequence=7))
        pulses = len(smsc.of(pdu.ENQUIRE_LINK))
        await until(lambda: len(smsc.of(pdu.ENQUIRE_LINK)) > pulses + 1)
        assert smsc.of(pdu.DELIVER_SM | pdu.RESPONSE) == []
        sink.gate.set()
        [answer] = await until(lambda: smsc.of(pdu.DELIVER_SM | pdu.RESPONSE))
        assert (answer.sequence, answer.status, len(sink.rows)) == (7, pdu.ROK, 1)


async def test_what_cannot_be_stored_is_not_answered_and_ends_the_session(smsc):
    driver, sink, box = SmppSms(FAST), RememberingSink(), inbox(smsc.port)
    listening = asyncio.create_task(driver.listen(box, sink))
    await until(lambda: box.inbox_id in LIVE)
    sink.broken = True
    smsc.say(mo())
    with pytest.raises(ConnectionError, match="the database is away"):
        await asyncio.wait_for(listening, 5)
    assert smsc.of(pdu.DELIVER_SM | pdu.RESPONSE) == []


async def test_many_deliveries_are_committed_together_and_each_answered(smsc):
    async with bound(smsc) as (_, _, sink):
        sink.gate.clear()
        for sequence in range(1, 251):
            smsc.say(mo(f"{sequence}".encode(), sequence=sequence))
        await asyncio.sleep(0)
        sink.gate.set()
        await until(lambda: len(smsc.of(pdu.DELIVER_SM | pdu.RESPONSE)) == 250)
        assert len(sink.rows) == 250
        await until(lambda: sink.saved["unsure"] == [], what="the answers' confirmation")


async def test_overdue_parts_are_stored_by_the_listener(smsc):
    ledger = Ledger({}, stamp="1")
    take(ledger, piece(1, 2, b"half"), at=datetime.now(UTC) - timedelta(minutes=11))
    sink = RememberingSink(ledger.checkpoint())
    async with bound(smsc, sink) as (driver, box, _):
        raw = await until(lambda: next(iter(sink.rows.values()), None))
        assert driver.parse(raw, box)[0].text == f"half{GAP}"


async def test_a_checkpoint_that_cannot_be_read_ends_the_session(smsc):
    class Broken(RememberingSink):
        async def checkpoint(self):
            raise ConnectionError("the database is away")

    with pytest.raises(ConnectionError):
        await SmppSms(FAST).listen(inbox(smsc.port), Broken())


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (pdu.RTHROTTLED, TryLater),
        (pdu.RMSGQFUL, TryLater),
        (pdu.RSYSERR, TryLater),
        (pdu.RX_T_APPN, TryLater),
        (pdu.RINVSRCADR, Disconnected),
        (pdu.RINVDSTADR, Rejected),
        (0x45, Rejected),
    ],
)
async def test_refusals(smsc, status, kind):
    smsc.submit = lambda submitted: submitted.answer(status)
    async with bound(smsc) as (driver, box, _):
        with pytest.raises(kind) as raised:
            await driver.send(outbound(), box)
    if isinstance(raised.value, Rejected):
        assert raised.value.bad_address is (status == pdu.RINVDSTADR)


async def test_no_answer_is_unknown_and_no_session_is_for_later(smsc):
    smsc.submit = lambda submitted: None
    async with bound(smsc) as (driver, box, _):
        with pytest.raises(Unknown):
            await driver.send(outbound(), box)
        waiting = asyncio.create_task(driver.send(outbound(key="out-2"), box))
        await until(lambda: len(smsc.of(pdu.SUBMIT_SM)) == 2)
        session = LIVE[box.inbox_id].session
        smsc.say(Pdu(pdu.UNBIND, 9))
        with pytest.raises(Unknown):
            await waiting
        LIVE[box.inbox_id].session = session  # a sender may still hold the session that just ended
        with pytest.raises(TryLater):
            await driver.send(outbound(key="out-3"), box)
    with pytest.raises(TryLater):
        await driver.send(outbound(), box)
    with pytest.raises(Unknown):
        await driver.look_up(outbound(), box)


async def test_at_most_ten_wait_for_an_answer(smsc):
    smsc.submit = lambda submitted: None
    async with bound(smsc) as (driver, box, _):
        sending = [asyncio.create_task(driver.send(outbound(key=f"k{each}"), box)) for each in range(15)]
        await until(lambda: len(smsc.of(pdu.SUBMIT_SM)) == 10)
        await until(lambda: len(smsc.of(pdu.ENQUIRE_LINK)) > 1)  # the pulse does not wait in that line
        assert len(smsc.of(pdu.SUBMIT_SM)) == 10
        smsc.submit = lambda submitted: submitted.answer(body=b"m1\x00")
        results = await asyncio.gather(*sending, return_exceptions=True)
    assert [type(result).__name__ for result in results] == ["Unknown"] * 10 + ["Sent"] * 5


async def test_a_failed_first_part_fails_the_message(smsc):
    ids = iter([b"A\x00", b"B\x00"])
    smsc.submit = lambda submitted: submitted.answer(body=next(ids))
    async with bound(smsc, message_ids="hex_decimal") as (driver, box, sink):
        sent = await driver.send(outbound("a" * 200), box)
        assert (sent.external_id, sent.meta) == ("11", {"part_ids": ["10", "11"]})
        smsc.say(receipt("10", "DELIVRD"))
        smsc.say(receipt("10", "UNDELIV"))
        await until(lambda: len(sink.rows) == 2)
        [found] = [item for raw in sink.rows.values() for item in driver.parse(raw, box)]
    assert isinstance(found, Receipt)
    assert (found.external_id, found.state) == ("11", DeliveryState.failed)


async def test_given_types_of_number_are_used(smsc):
    async with bound(smsc, source_ton=0, source_npi="8", destination_ton=2, destination_npi="") as (driver, box, _):
        await driver.send(outbound(), box)
    sent = pdu.decode_message(smsc.of(pdu.SUBMIT_SM)[0].body)
    assert (sent.source_ton, sent.source_npi, sent.destination_ton, sent.destination_npi) == (0, 8, 2, 1)


async def read():
    return b""


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (outbound(""), "nothing"),
        (outbound("a" * 1601), "longer"),
        (outbound(to="9" * 30), "does not fit"),
        (outbound(attachments=(Attachment(name="a", content_type="image/png", size=0, read=read),)), "cannot carry"),
        (type(outbound())(key="k", to=Address(kind="whatsapp", value="US.1"), text="a"), "phone numbers"),
    ],
)
async def test_what_cannot_go(smsc, message, said):
    async with bound(smsc) as (driver, box, _):
        with pytest.raises(Rejected, match=said):
            await driver.send(message, box)


async def test_memory_has_an_end(smsc, monkeypatch):
    monkeypatch.setattr("frontdesk.channels.sms.smpp._REMEMBERS", 1)
    smsc.submit = lambda submitted: submitted.answer(body=f"m{len(smsc.of(pdu.SUBMIT_SM))}\x00".encode())
    async with bound(smsc) as (driver, box, _):
        for each in range(3):
            await driver.send(outbound("a" * 200, key=f"k{each}"), box)
        assert len(LIVE[box.inbox_id].whole) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(pdu.RTHROTTLED, TryLater), (pdu.RINVSRCADR, Disconnected), (0x45, Rejected), (None, Unknown)],
)
async def test_another_process_goes_on_at_the_part_that_was_not_taken(smsc, answer, kind):
    """Part of a message that a phone has is not sent again, whoever sends the rest."""
    text = "a" * 153 + "b" * 153 + "c"

    def first_only(submitted):
        if len(smsc.of(pdu.SUBMIT_SM)) == 1:
            return submitted.answer(body=b"0A\x00")
        return submitted.answer(answer) if answer else None

    smsc.submit = first_only
    async with bound(smsc, message_ids="hex_decimal") as (driver, box, _):
        with pytest.raises(kind) as stopped:
            await driver.send(outbound(text), box)
    smsc.submit = lambda submitted: submitted.answer(body=b"0B\x00")
    async with bound(smsc, message_ids="hex_decimal") as (another, box, _):
        sent = await another.send(outbound(text, meta=stopped.value.meta), box)
        assert (sent.parts, sent.meta) == (3, {"part_ids": ["10", "11", "11"], "submitted": None})
        parts = [pdu.decode_message(each.body) for each in smsc.of(pdu.SUBMIT_SM)]
        assert [part.content[6:7] for part in parts] == [b"a", b"b", b"b", b"c"]
        assert len({part.content[3] for part in parts}) == 1, "one reference, or no phone puts them together"
        await another.send(outbound(text, meta=dict(sent.meta)), box)
    assert len(smsc.of(pdu.SUBMIT_SM)) == 7


async def test_parts_of_a_message_that_is_cut_differently_now_do_not_count(smsc):
    async with bound(smsc, long_messages="payload") as (driver, box, _):
        begun = {"submitted": {"reference": 1, "of": 2, "ids": ["x"]}}
        sent = await driver.send(outbound("a" * 200, meta=begun), box)
    assert (sent.external_id, sent.parts) == ("m1", 1)


@pytest.mark.parametrize(
    ("status", "person"), [(pdu.RINVPASWD, True), (pdu.RINVSYSID, True), (pdu.RBINDFAIL, False), (pdu.RALYBND, False)]
)
async def test_refused_binds(smsc, status, person):
    smsc.bind_status = status
    driver, sink = SmppSms(FAST, back_off=(0.01, 0.02)), RememberingSink()
    if person:
        with pytest.raises(Disconnected):
            await driver.listen(inbox(smsc.port), sink)
    else:
        listening = asyncio.create_task(driver.listen(inbox(smsc.port), sink))
        await until(lambda: smsc.binds > 2, what="more attempts")
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    assert sink.notes[-1][2] is person
    if status == pdu.RALYBND:
        assert "another session" in await driver.test(inbox(smsc.port))
    else:
        with pytest.raises(Disconnected):
            await driver.test(inbox(smsc.port))


async def test_an_answer_to_the_bind_may_be_a_nack_or_come_late(smsc):
    smsc.answer = lambda received: Pdu(pdu.GENERIC_NACK, received.sequence, pdu.RINVCMDID)
    with pytest.raises(Disconnected):
        await SmppSms(FAST).test(inbox(smsc.port))
    smsc.answer = lambda received: None
    with pytest.raises(TryLater):
        await SmppSms(FAST).test(inbox(smsc.port))

    def after_something_else(received):
        smsc.say(Pdu(pdu.ENQUIRE_LINK, 3))
        return received.answer()

    smsc.answer = after_something_else
    assert "accepts desk" in await SmppSms(FAST).test(inbox(smsc.port))


async def test_nobody_there(smsc):
    with pytest.raises(TryLater):
        await SmppSms(FAST).test(inbox(1))
    driver, sink = SmppSms(FAST, back_off=(0.01, 0.02)), RememberingSink()
    listening = asyncio.create_task(driver.listen(inbox(1), sink))
    await until(lambda: len(sink.notes) > 2)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    assert {state for state, _, _ in sink.notes} == {"unhealthy"}


async def test_settings_that_no_smsc_could_take():
    with pytest.raises(Disconnected, match="do not fit"):
        await SmppSms(FAST).listen(inbox(1, password="far too long"), RememberingSink())


async def test_a_session_that_is_over_says_so(smsc):
    session = await Session.connect(
        "127.0.0.1", smsc.port, pdu.Bind(system_id="desk", password="secret"), tls=False, timing=FAST
    )
    smsc.writers[-1].close()

    async def keep(deliveries):
        raise AssertionError("there are none")

    with pytest.raises(SessionOver, match="lost"):
        await session.run(keep, lambda answered: None)


async def test_sequence_numbers_start_over(smsc):
    async with bound(smsc) as (driver, box, _):
        LIVE[box.inbox_id].session._sequence = 0x7FFFFFFF
        await driver.send(outbound(), box)
    assert smsc.of(pdu.SUBMIT_SM)[0].sequence == 1
