"""SMPP units against bytes written by hand from the specification, and there and back again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.channels.sms import pdu
from frontdesk.channels.sms.concat import Part, header, part_of
from frontdesk.channels.sms.pdu import Bind, Malformed, Message, Pdu

BIND = bytes.fromhex(
    "00000024" "00000009" "00000000" "00000001"  # length 36, bind_transceiver, status, sequence
    "6465736b00" "73656372657400" "564d5300"  # desk, secret, VMS
    "34" "00" "00" "00"  # version 3.4, TON, NPI, no range
)  # fmt: skip
SUBMIT = bytes.fromhex(
    "00000037" "00000004" "00000000" "00000005"  # length 55, submit_sm, status, sequence
    "00" "03" "00" "313233343500"  # no service type, short code 12345
    "01" "01" "33303231303132333400"  # international 302101234
    "40" "00" "00" "00" "00" "01" "00" "08" "00"  # UDHI … receipt, UCS-2
    "08" "050003070201" "03b1"  # eight octets: part 1 of 2, α
)  # fmt: skip


def test_bind_bytes():
    body = Bind(system_id="desk", password="secret", system_type="VMS").encode()
    made = Pdu(pdu.BIND_TRANSCEIVER, 1, body=body).encode()
    assert made == BIND


def test_submit_bytes():
    message = Message(
        source="12345", source_ton=3, destination="302101234", destination_ton=1, destination_npi=1,
        esm_class=pdu.ESM_UDHI, registered_delivery=1, data_coding=8,
        content=header(Part(7, 2, 1)) + "α".encode("utf-16-be"),
    )  # fmt: skip
    made = Pdu(pdu.SUBMIT_SM, 5, body=message.encode()).encode()
    assert made == SUBMIT
    assert pdu.decode_message(made[16:]) == message


def test_answers():
    assert Pdu(pdu.ENQUIRE_LINK, 9).answer().encode() == bytes.fromhex("00000010800000150000000000000009")
    assert pdu.message_id(b"0A1F\x00") == "0A1F"
    assert pdu.message_id(b"") == ""


octets = st.binary(max_size=254)
texts = st.text(st.characters(codec="ascii", exclude_characters="\x00"), max_size=20)
messages = st.builds(
    Message,
    source=texts,
    destination=texts,
    content=octets,
    service_type=st.text("abc", max_size=5),
    source_ton=st.integers(0, 255),
    source_npi=st.integers(0, 255),
    destination_ton=st.integers(0, 255),
    destination_npi=st.integers(0, 255),
    esm_class=st.integers(0, 255),
    registered_delivery=st.integers(0, 255),
    data_coding=st.integers(0, 255),
    tlvs=st.dictionaries(st.integers(0, 0xFFFF), octets, max_size=5),
)


@given(st.lists(st.tuples(messages, st.integers(1, 0x7FFFFFFF)), max_size=3))
def test_there_and_back_again(pairs):
    stream = b"".join(Pdu(pdu.DELIVER_SM, sequence, body=message.encode()).encode() for message, sequence in pairs)
    found = pdu.decode_all(stream)
    assert [(pdu.delivery(each), each.sequence) for each in found] == pairs


@given(st.binary(max_size=120))
def test_reading_gives_a_message_or_says_malformed(data):
    for read in (pdu.decode, pdu.decode_all, pdu.decode_message, pdu.decode_data):
        try:
            read(data)
        except Malformed:
            continue


def test_data_sm():
    body = b"\x00\x01\x01302101234\x00\x03\x0012345\x00\x04\x00\x08" + pdu.encode_tlvs({pdu.TAG_PAYLOAD: b"\x03\xb1"})
    found = pdu.delivery(Pdu(pdu.DATA_SM, 1, body=body))
    assert (found.source, found.destination, found.esm_class, found.data_coding) == ("302101234", "12345", 4, 8)
    assert found.tlvs == {pdu.TAG_PAYLOAD: b"\x03\xb1"}


@pytest.mark.parametrize(
    "build",
    [
        lambda: Bind(system_id="x" * 16, password="").encode(),
        lambda: Bind(system_id="ü", password="").encode(),
        lambda: Bind(system_id="a\x00b", password="").encode(),
        lambda: Message(source="1" * 21, destination="").encode(),
        lambda: Message(source="", destination="", content=b"x" * 255).encode(),
        lambda: Message(source="", destination="", tlvs={1: b"x" * 65536}).encode(),
        lambda: pdu.decode(b"\x00" * 15),
        lambda: pdu.decode(b"\x00\x00\x00\x11" + b"\x00" * 12),
        lambda: pdu.decode_all(b"\x00\x00\x00\x05\x00"),
        lambda: pdu.decode_message(b"no end"),
        lambda: pdu.decode_message(b"\x00\x01"),
    ],
)
def test_malformed(build):
    with pytest.raises(Malformed):
        build()


def test_a_cut_parameter_is_left_out():
    body = Message(source="1", destination="2", tlvs={0x1E: b"m1\x00"}).encode()
    assert pdu.decode_message(body + b"\x04\x27\x00\x05\x02").tlvs == {0x1E: b"m1\x00"}
    assert pdu.decode_message(body + b"\x04\x27").tlvs == {0x1E: b"m1\x00"}


# --- user data headers --------------------------------------------------------------------------------------------


@given(st.integers(0, 255), st.integers(2, 255), st.data())
def test_a_header_names_its_part(reference, total, data):
    part = Part(reference, total, data.draw(st.integers(1, total)))
    assert part_of(header(part) + b"text") == part


@pytest.mark.parametrize(
    ("octets", "part"),
    [
        ("06080412340302", Part(0x1234, 3, 2)),  # 16-bit reference
        ("0b05041582000000030a0201", Part(10, 2, 1)),  # after a port address
        ("", None),
        ("00", None),
        ("0500030a0200", None),  # number 0
        ("0500030a0203", None),  # 3 of 2
        ("0500030a0101", None),  # 1 of 1 is no concatenation
        ("0500040a0201", None),  # says four octets, has three
        ("0508040a0201", None),
        ("05ff", None),
    ],
)
def test_headers(octets, part):
    assert part_of(bytes.fromhex(octets)) == part


@given(st.binary(max_size=60))
def test_a_header_never_breaks_anything(data):
    part_of(data)
