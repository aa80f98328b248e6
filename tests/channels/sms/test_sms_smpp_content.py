"""What SMPP messages say, and what the ledger makes of them."""

import struct
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.sms.smpp_pieces import AT, mo, parsed, piece, receipt, take
from frontdesk.channels.port import (
    DeliveryState,
    Raw,
)
from frontdesk.channels.sms import pdu
from frontdesk.channels.sms.ledger import Ledger
from frontdesk.channels.sms.pdu import Message, Pdu
from frontdesk.channels.sms.smpp_content import BINARY, GAP, comparable_id, report, sender_type, submissions, text_of

# --- contents -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "found"),
    [("+302101234567", (1, 1, "302101234567")), ("12345", (3, 0, "12345")), ("ACME", (5, 0, "ACME"))],
)
def test_types_of_number(number, found):
    assert sender_type(number) == found


ENVELOPE = Message(source="1", destination="2")


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), min_size=1, max_size=300))
def test_what_we_send_reads_as_what_was_written(text):
    found = submissions(text, 7, ENVELOPE, {})
    assert all(len(each.content) <= 159 for each in found)
    assert [each.registered_delivery for each in found] == [2] * (len(found) - 1) + [1]
    assert text_of(list(reversed(found)), {}) == text


def test_payload_and_latin_1():
    [whole] = submissions("a" * 500, 7, ENVELOPE, {"long_messages": "payload"})
    assert (whole.content, whole.tlvs[pdu.TAG_PAYLOAD]) == (b"", b"a" * 500)
    [short] = submissions("ü", 7, ENVELOPE, {"alphabet": "latin1"})
    assert short.content == b"\xfc"
    assert text_of([short], {"alphabet": "latin1"}) == "ü"


@pytest.mark.parametrize(
    ("coding", "octets", "text"),
    [
        (0, b"\x7e\x1b\x65", "ü€"),
        (1, b"abc\x00", "abc"),
        (3, b"\xfc", "ü"),
        (6, "ж".encode("iso8859_5"), "ж"),
        (8, "😀".encode("utf-16-be"), "😀"),
        (8, b"\xd8\x3d", "\ufffd"),
        (2, b"\x01", BINARY),
        (4, b"\x01", BINARY),
        (0xF5, b"\x01", BINARY),
        (0xF1, b"\x7e", "ü"),
        (0x99, b"\x7e", "ü"),
    ],
)
def test_codings(coding, octets, text):
    assert text_of([Message(source="1", destination="2", data_coding=coding, content=octets)], {}) == text


def test_parts_by_sar_parameters_and_gaps():
    def part(number, octets):
        tlvs = {
            pdu.TAG_SAR_REFERENCE: struct.pack(">H", 300),
            pdu.TAG_SAR_TOTAL: b"\x03",
            pdu.TAG_SAR_NUMBER: bytes([number]),
        }
        return Message(source="1", destination="2", content=octets, tlvs=tlvs)

    assert text_of([part(3, b"c"), part(1, b"a"), part(2, b"b")], {}) == "abc"
    assert text_of([part(3, b"c"), part(1, b"a")], {}) == f"a{GAP}c"
    assert text_of([part(1, b"a")], {}) == f"a{GAP}{GAP}"


@pytest.mark.parametrize(
    ("settings", "answered", "reported"),
    [
        ({}, "0A1F", "a1f"),
        ({}, "m-7", "M-7"),
        ({}, "0", "0"),
        ({"message_ids": "hex_decimal"}, "A1F", "0000002591"),
        ({"message_ids": "decimal_hex"}, "2591", "a1f"),
        ({"message_ids": "hex_decimal"}, "xyz", "XYZ"),
    ],
)
def test_ids_agree(settings, answered, reported):
    assert comparable_id(answered, settings, of_receipt=False) == comparable_id(reported, settings, of_receipt=True)


@pytest.mark.parametrize(
    ("stat", "state"),
    [
        ("DELIVRD", DeliveryState.delivered),
        ("ENROUTE", DeliveryState.sent),
        ("ACCEPTD", DeliveryState.sent),
        ("EXPIRED", DeliveryState.failed),
        ("UNDELIV", DeliveryState.failed),
        ("REJECTD", DeliveryState.failed),
        ("DELETED", DeliveryState.failed),
        ("UNKNOWN", None),
        ("NEWWORD", None),
    ],
)
def test_receipts(stat, state):
    found = report(pdu.delivery(receipt("m1", stat)))
    assert (found.message_id, found.state) == ("m1", state)
    assert bool(found.reason) is (found.code == stat) is (state is DeliveryState.failed)


def test_a_receipt_for_nothing_says_nothing():
    assert report(pdu.delivery(mo(b"hello", esm_class=4))) is None
    raw = Raw(
        dedupe_key="dlr:1",
        body=mo(b"hello", esm_class=4).encode(),
        meta={"provider": "smpp", "received_at": AT.isoformat()},
    )
    assert parsed([raw]) == []


# --- the ledger ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(permutations([1, 2, 3])))
def test_parts_wait_for_each_other_in_any_order_and_through_restarts(order):
    smile = "😀".encode("utf-16-be")
    octets = {1: "Γ".encode("utf-16-be") + smile[:2], 2: smile[2:], 3: "!".encode("utf-16-be")}
    saved, raws = {}, []
    for step, number in enumerate(order):
        ledger = Ledger(saved, stamp=str(step))
        raws += take(ledger, piece(number, 3, octets[number], data_coding=8))
        saved = ledger.checkpoint()
    assert len({raw.dedupe_key for raw in raws}) == len(raws) == 4
    [found] = parsed(raws)
    assert found.text == "Γ😀!"
    assert saved["pending"] == {}


def test_senders_and_references_do_not_mix():
    ledger = Ledger({}, stamp="1")
    raws = take(ledger, piece(1, 2, b"a"), piece(2, 2, b"b", reference=10), piece(2, 2, b"c", source="491701234567"))
    assert parsed(raws) == []
    assert [item.text for item in parsed(take(ledger, piece(2, 2, b"d")))] == ["ad"]


def test_after_ten_minutes_a_message_is_shown_with_its_gap():
    ledger = Ledger({}, stamp="1")
    take(ledger, piece(2, 2, b"world"))
    assert ledger.overdue(AT + timedelta(minutes=9)) == []
    again = Ledger(ledger.checkpoint(), stamp="2")
    [found] = parsed(again.overdue(AT + timedelta(minutes=10)))
    assert (found.text, found.sent_at) == (f"{GAP}world", AT)
    assert again.overdue(AT + timedelta(minutes=11)) == []


def test_the_same_words_twice_are_two_messages():
    ledger = Ledger({}, stamp="1")
    raws = take(ledger, mo(sequence=1), mo(sequence=2))
    assert len({raw.dedupe_key for raw in raws}) == 2


def test_an_unanswered_delivery_is_recognised_once_in_the_next_session():
    first = Ledger({}, stamp="1")
    [kept] = take(first, mo(sequence=1))
    second = Ledger(first.checkpoint(), stamp="2")
    [again] = take(second, mo(sequence=5), at=AT + timedelta(minutes=1))
    [new] = take(second, mo(sequence=6), at=AT + timedelta(minutes=1))
    assert again.dedupe_key == kept.dedupe_key != new.dedupe_key


def test_two_unanswered_alike_are_two_again():
    first = Ledger({}, stamp="1")
    kept = take(first, mo(sequence=1), mo(sequence=2))
    again = take(Ledger(first.checkpoint(), stamp="2"), mo(sequence=1), mo(sequence=2))
    assert {raw.dedupe_key for raw in again} == {raw.dedupe_key for raw in kept}


def test_a_confirmed_or_old_delivery_is_not_taken_for_a_repetition():
    first = Ledger({}, stamp="1")
    kept = take(first, mo(sequence=1), receipt("m9", "DELIVRD"), mo(b"other", sequence=3))
    first.checkpoint()
    assert not first.changed
    first.confirm(2)
    assert first.changed
    saved = first.checkpoint()
    assert not first.changed
    [new] = take(Ledger(saved, stamp="2"), mo(sequence=1))
    assert new.dedupe_key != kept[0].dedupe_key
    [again] = take(Ledger(saved, stamp="2"), mo(b"other", sequence=1))
    assert again.dedupe_key == kept[2].dedupe_key
    [late] = take(Ledger(saved, stamp="2"), mo(b"other", sequence=1), at=AT + timedelta(hours=2))
    assert late.dedupe_key != kept[2].dedupe_key


def test_a_repeated_last_part_does_not_begin_a_new_message():
    first = Ledger({}, stamp="1")
    take(first, piece(1, 2, b"a"), piece(2, 2, b"b", sequence=2))
    second = Ledger(first.checkpoint(), stamp="2")
    take(second, piece(2, 2, b"b", sequence=2))
    assert second.checkpoint()["pending"] == {}


def test_a_part_that_comes_again_in_the_same_session_does_not_begin_a_new_message():
    ledger = Ledger({}, stamp="1")
    first = take(ledger, piece(1, 2, b"a"), piece(2, 2, b"b", sequence=2))
    [again] = take(ledger, piece(2, 2, b"b", sequence=3))
    assert again.dedupe_key in {raw.dedupe_key for raw in first}
    assert ledger.checkpoint()["pending"] == {}


def test_receipts_of_earlier_parts_count_only_when_bad():
    ledger = Ledger({}, stamp="1")
    assert parsed(take(ledger, receipt("m1", "DELIVRD"))) == []
    [bad] = parsed(take(ledger, receipt("m1", "UNDELIV")))
    assert (bad.external_id, bad.state) == ("m2", DeliveryState.failed)
    assert bad.reason.startswith("A part of the message failed.")


def test_a_receipt_that_comes_twice_is_one():
    ledger = Ledger({}, stamp="1")
    first, second = take(ledger, receipt("m5", "DELIVRD", sequence=1), receipt("m5", "DELIVRD", sequence=2))
    assert first.dedupe_key == second.dedupe_key


def test_what_cannot_be_read_is_kept_and_set_aside():
    [raw] = take(Ledger({}, stamp="1"), Pdu(pdu.DELIVER_SM, 1, body=b"rubbish"))
    assert raw.dedupe_key.startswith("bad:")
    with pytest.raises(pdu.Malformed):
        parsed([raw])
