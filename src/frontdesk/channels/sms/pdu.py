"""SMPP 3.4 protocol data units: bytes to values and back, and nothing else (SMPP Protocol Specification v3.4, 1999).

Every PDU has a header of four unsigned 32-bit integers (length, command id, command status, sequence number) and a
body. Texts in it are C strings in ASCII. Bodies that we read are read leniently: an SMSC may leave out what is empty.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

HEADER: Final = struct.Struct(">IIII")
LARGEST: Final = 65_536 + 512
"""The message_payload parameter may hold 64 KiB."""

GENERIC_NACK: Final = 0x80000000
BIND_TRANSCEIVER: Final = 0x00000009
SUBMIT_SM: Final = 0x00000004
DELIVER_SM: Final = 0x00000005
UNBIND: Final = 0x00000006
ENQUIRE_LINK: Final = 0x00000015
ALERT_NOTIFICATION: Final = 0x00000102
DATA_SM: Final = 0x00000103
RESPONSE: Final = 0x80000000

ROK: Final = 0x00
RINVCMDID: Final = 0x03
RALYBND: Final = 0x05
RSYSERR: Final = 0x08
RINVSRCADR: Final = 0x0A
RINVDSTADR: Final = 0x0B
RBINDFAIL: Final = 0x0D
RINVPASWD: Final = 0x0E
RINVSYSID: Final = 0x0F
RMSGQFUL: Final = 0x14
RTHROTTLED: Final = 0x58
RX_T_APPN: Final = 0x64

TAG_SAR_REFERENCE: Final = 0x020C
TAG_SAR_TOTAL: Final = 0x020E
TAG_SAR_NUMBER: Final = 0x020F
TAG_MESSAGE_ID: Final = 0x001E
TAG_PAYLOAD: Final = 0x0424
TAG_STATE: Final = 0x0427

ESM_UDHI: Final = 0x40
ESM_TYPE: Final = 0x3C
ESM_RECEIPT: Final = 0x04
ESM_NOTIFICATION: Final = 0x20

_NO_TLVS: Final[Mapping[int, bytes]] = MappingProxyType({})


class Malformed(ValueError):
    """The bytes are not a PDU, or not one of this kind."""


@dataclass(frozen=True)
class Pdu:
    command: int
    sequence: int
    status: int = ROK
    body: bytes = b""

    def encode(self) -> bytes:
        return HEADER.pack(HEADER.size + len(self.body), self.command, self.status, self.sequence) + self.body

    def answer(self, status: int = ROK, body: bytes = b"") -> Pdu:
        return Pdu(self.command | RESPONSE, self.sequence, status, body)


def decode(data: bytes) -> Pdu:
    """One whole PDU. Raises Malformed when the length does not fit."""
    if len(data) < HEADER.size:
        raise Malformed("shorter than a header")
    length, command, status, sequence = HEADER.unpack_from(data)
    if length != len(data):
        raise Malformed(f"says {length} octets and has {len(data)}")
    return Pdu(command, sequence, status, data[HEADER.size :])


def decode_all(data: bytes) -> list[Pdu]:
    """PDUs one after the other. Raises Malformed."""
    found, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if length < HEADER.size:
            raise Malformed("shorter than a header")
        found.append(decode(data[at : at + length]))
        at += length
    return found


@dataclass(frozen=True, kw_only=True)
class Bind:
    """The body of bind_transceiver (§4.1.5)."""

    system_id: str
    password: str
    system_type: str = ""
    address_ton: int = 0
    address_npi: int = 0
    address_range: str = ""

    def encode(self) -> bytes:
        """Raises Malformed for what does not fit: 15 octets of system id, 8 of password, 12 of system type."""
        return (
            _c_string(self.system_id, 15, "system_id")
            + _c_string(self.password, 8, "password")
            + _c_string(self.system_type, 12, "system_type")
            + bytes([0x34, self.address_ton, self.address_npi])
            + _c_string(self.address_range, 40, "address_range")
        )


@dataclass(frozen=True, kw_only=True)
class Message:
    """The body of submit_sm and deliver_sm (§4.4.1, §4.6.1). ``content`` is short_message as octets."""

    source: str
    destination: str
    content: bytes = b""
    service_type: str = ""
    source_ton: int = 0
    source_npi: int = 0
    destination_ton: int = 0
    destination_npi: int = 0
    esm_class: int = 0
    registered_delivery: int = 0
    data_coding: int = 0
    tlvs: Mapping[int, bytes] = field(default_factory=lambda: _NO_TLVS)

    def encode(self) -> bytes:
        """Raises Malformed for addresses over 20 octets, content over 254 or a parameter over 65,535."""
        if len(self.content) > 254:
            raise Malformed("short_message is longer than 254 octets")
        return (
            _c_string(self.service_type, 5, "service_type")
            + bytes([self.source_ton, self.source_npi])
            + _c_string(self.source, 20, "source_addr")
            + bytes([self.destination_ton, self.destination_npi])
            + _c_string(self.destination, 20, "destination_addr")
            + bytes([self.esm_class, 0, 0])  # protocol_id, priority_flag
            + b"\x00\x00"  # schedule_delivery_time, validity_period: the SMSC's own
            + bytes([self.registered_delivery, 0, self.data_coding, 0, len(self.content)])
            + self.content
            + encode_tlvs(self.tlvs)
        )


def decode_message(body: bytes) -> Message:
    """The body of a submit_sm or deliver_sm. Raises Malformed."""
    take = _Reader(body)
    addressed, esm_class = _addressed(take), take.octet()
    _protocol, _priority, _schedule, _validity = take.octet(), take.octet(), take.c_string(), take.c_string()
    registered_delivery, _replace = take.octet(), take.octet()
    data_coding, _default = take.octet(), take.octet()
    return replace(
        addressed,
        esm_class=esm_class,
        registered_delivery=registered_delivery,
        data_coding=data_coding,
        content=take.octets(take.octet()),
        tlvs=take.tlvs(),
    )


def decode_data(body: bytes) -> Message:
    """The body of a data_sm (§4.7.1): no short_message, the text is in message_payload. Raises Malformed."""
    take = _Reader(body)
    addressed, esm_class, registered_delivery = _addressed(take), take.octet(), take.octet()
    return replace(
        addressed,
        esm_class=esm_class,
        registered_delivery=registered_delivery,
        data_coding=take.octet(),
        tlvs=take.tlvs(),
    )


def _addressed(take: _Reader) -> Message:
    """What every body begins with, in the order in which it stands there."""
    return Message(
        service_type=take.c_string(),
        source_ton=take.octet(),
        source_npi=take.octet(),
        source=take.c_string(),
        destination_ton=take.octet(),
        destination_npi=take.octet(),
        destination=take.c_string(),
    )


def delivery(pdu: Pdu) -> Message:
    """The message in a deliver_sm or data_sm. Raises Malformed."""
    return decode_data(pdu.body) if pdu.command == DATA_SM else decode_message(pdu.body)


def message_id(body: bytes) -> str:
    """The message_id in the body of a submit_sm_resp; empty when there is none. Never raises."""
    return body.split(b"\x00", 1)[0].decode("latin-1").strip()


def encode_tlvs(tlvs: Mapping[int, bytes]) -> bytes:
    if any(len(value) > 0xFFFF for value in tlvs.values()):
        raise Malformed("an optional parameter is longer than 65,535 octets")
    return b"".join([struct.pack(">HH", tag, len(value)) + value for tag, value in tlvs.items()])


def _c_string(text: str, longest: int, name: str) -> bytes:
    try:
        octets = text.encode("ascii")
    except UnicodeEncodeError:
        raise Malformed(f"{name} is not ASCII") from None
    if len(octets) > longest or b"\x00" in octets:
        raise Malformed(f"{name} is longer than {longest} octets")
    return octets + b"\x00"


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def octet(self) -> int:
        return self.octets(1)[0]

    def octets(self, count: int) -> bytes:
        found = self._data[self._at : self._at + count]
        if len(found) < count:
            raise Malformed("the body ends too early")
        self._at += count
        return found

    def c_string(self) -> str:
        end = self._data.find(b"\x00", self._at)
        if end < 0:
            raise Malformed("a text has no end")
        return self.octets(end + 1 - self._at)[:-1].decode("latin-1")

    def tlvs(self) -> dict[int, bytes]:
        """The optional parameters to the end; a cut one is left out, since what came before it is good."""
        found: dict[int, bytes] = {}
        while self._at + 4 <= len(self._data):
            tag, length = struct.unpack_from(">HH", self._data, self._at)
            value = self._data[self._at + 4 : self._at + 4 + length]
            if len(value) < length:
                break
            found[tag] = value
            self._at += 4 + length
        return found
