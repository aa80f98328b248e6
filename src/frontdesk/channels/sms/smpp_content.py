"""What SMPP messages say: texts in their alphabets, parts, and delivery receipts. Pure.

Sources: SMPP v3.4 §5.2.12 (esm_class), §5.2.19 (data_coding), §5.2.28 (message_state) and appendix B (receipt text).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from frontdesk.channels.port import DeliveryState
from frontdesk.channels.sms import pdu
from frontdesk.channels.sms.concat import Part, header, part_of
from frontdesk.channels.sms.pdu import Message
from frontdesk.channels.sms.segments import decode_gsm7, encode_gsm7, measure, split

RECEIPT_WANTED: Final = 1
RECEIPT_ON_FAILURE: Final = 2
GAP: Final = "[…]"
"""Stands for a part that never came."""
BINARY: Final = "(a message in a binary format)"

_CODECS: Final = {1: "ascii", 3: "latin-1", 5: "shift_jis", 6: "iso8859_5", 7: "iso8859_8", 8: "utf-16-be"} | {
    10: "iso2022_jp",
    14: "euc_kr",
}
_BINARY: Final = (2, 4)
_STATES: Final = {
    "ENROUTE": (DeliveryState.sent, None),
    "ACCEPTD": (DeliveryState.sent, None),
    "DELIVRD": (DeliveryState.delivered, None),
    "EXPIRED": (DeliveryState.failed, "The operator gave up: the phone was not reachable in time."),
    "DELETED": (DeliveryState.failed, "The operator deleted the message."),
    "UNDELIV": (DeliveryState.failed, "The operator could not deliver the message."),
    "REJECTD": (DeliveryState.failed, "The operator refused the message."),
}
_STATE_NUMBERS: Final = {
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    8: "REJECTD",
}


# --- out ----------------------------------------------------------------------------------------------------------


def sender_type(number: str) -> tuple[int, int, str]:
    """(TON, NPI, digits or name) for an address of ours or of a contact: international, short code, or a name."""
    if number.startswith("+"):
        return 1, 1, number[1:]
    if number.isascii() and number.isdigit():
        return 3, 0, number
    return 5, 0, number


def submissions(text: str, reference: int, envelope: Message, settings: Mapping[str, Any]) -> list[Message]:
    """The submit_sm bodies for a text, in order.

    Several parts carry a user data header and the same ``reference``; with ``long_messages`` = "payload" the SMSC cuts
    a long text itself. Only the last part asks for every receipt, the others for bad news.
    """
    size = measure(text)
    coding = 0 if size.encoding == "GSM-7" else 8
    if size.parts > 1 and settings.get("long_messages") == "payload":
        payload = _encode(text, coding, settings)
        tlvs = {pdu.TAG_PAYLOAD: payload}
        return [replace(envelope, data_coding=coding, registered_delivery=RECEIPT_WANTED, tlvs=tlvs)]
    texts = split(text)
    found = []
    for number, piece in enumerate(texts, start=1):
        mark = header(Part(reference, len(texts), number)) if len(texts) > 1 else b""
        found.append(
            replace(
                envelope,
                data_coding=coding,
                esm_class=pdu.ESM_UDHI if mark else 0,
                registered_delivery=RECEIPT_WANTED if number == len(texts) else RECEIPT_ON_FAILURE,
                content=mark + _encode(piece, coding, settings),
            )
        )
    return found


def _encode(text: str, coding: int, settings: Mapping[str, Any]) -> bytes:
    if coding == 8:
        return text.encode("utf-16-be")
    if settings.get("alphabet") == "latin1":
        return text.encode("latin-1", "replace")
    return encode_gsm7(text)


# --- in -----------------------------------------------------------------------------------------------------------


def content_of(message: Message) -> bytes:
    """The octets of the text with its user data header: short_message, or message_payload when that is empty."""
    return message.content or message.tlvs.get(pdu.TAG_PAYLOAD, b"")


def part(message: Message) -> Part | None:
    """Which part of a longer message this is, by user data header or by the sar parameters; None for a whole one."""
    if message.esm_class & pdu.ESM_UDHI:
        return part_of(content_of(message))
    reference, total, number = (
        int.from_bytes(message.tlvs.get(tag, b""), "big")
        for tag in (pdu.TAG_SAR_REFERENCE, pdu.TAG_SAR_TOTAL, pdu.TAG_SAR_NUMBER)
    )
    return Part(reference, total, number) if 0 < number <= total and total > 1 else None


def text_of(messages: Sequence[Message], settings: Mapping[str, Any]) -> str:
    """The text of a whole message, or of its parts in any order. Parts are joined as octets where they adjoin, since a
    sender may have cut through an escape or a surrogate pair. Never raises."""
    parts = {found.number: message for message in messages if (found := part(message))}
    if not parts:
        return "".join(_decode([message], settings) for message in messages)
    runs: list[list[Message]] = [[]]
    total = max(found.total for message in messages if (found := part(message)))
    for number in range(1, total + 1):
        if number in parts:
            runs[-1].append(parts[number])
        else:
            runs.append([])
    return GAP.join(_decode(run, settings) if run else "" for run in runs)


def _decode(messages: Sequence[Message], settings: Mapping[str, Any]) -> str:
    coding = messages[0].data_coding
    octets = b"".join(_without_header(message) for message in messages)
    if coding in _BINARY or (coding >= 0xF0 and coding & 0x04):
        return BINARY
    if codec := _CODECS.get(coding):
        return octets.decode(codec, "replace").replace("\x00", "")
    if settings.get("alphabet") == "latin1":
        return octets.decode("latin-1").replace("\x00", "")
    return decode_gsm7(octets)


def _without_header(message: Message) -> bytes:
    octets = content_of(message)
    return octets[1 + octets[0] :] if message.esm_class & pdu.ESM_UDHI and octets else octets


# --- receipts -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Report:
    """A delivery receipt: the SMSC's id as it wrote it, and what it means."""

    message_id: str
    state: DeliveryState | None  # None: the SMSC does not know
    reason: str | None
    code: str | None


def is_receipt(message: Message) -> bool:
    """A contact cannot forge these: the SMSC alone sets esm_class and receipted_message_id."""
    return (message.esm_class & pdu.ESM_TYPE) in (pdu.ESM_RECEIPT, pdu.ESM_NOTIFICATION) or (
        pdu.TAG_MESSAGE_ID in message.tlvs and pdu.TAG_STATE in message.tlvs
    )


def report(message: Message) -> Report | None:
    """The receipt in a deliver_sm, from the optional parameters and from the text, whichever has it; None if neither
    names a message."""
    text = content_of(message).decode("latin-1")
    message_id = message.tlvs.get(pdu.TAG_MESSAGE_ID, b"").split(b"\x00")[0].decode("latin-1") or _word("id", text)
    if not message_id:
        return None
    number = message.tlvs.get(pdu.TAG_STATE, b"")
    word = _word("stat", text).upper()[:7] or _STATE_NUMBERS.get(int.from_bytes(number, "big"), "")
    state, reason = _STATES.get(word, (None, None))
    error = _word("err", text)
    code = (error if error.strip("0") else word) if state is DeliveryState.failed else None
    return Report(message_id=message_id, state=state, reason=reason, code=code)


def _word(name: str, text: str) -> str:
    found = re.search(rf"(?:^|\s){name}:\s*(\S+)", text, re.IGNORECASE)
    return found[1] if found else ""


def comparable_id(message_id: str, settings: Mapping[str, Any], *, of_receipt: bool) -> str:
    """An id in a form in which submit_sm_resp and receipt agree.

    Some SMSCs answer a submission in hexadecimal and report in decimal, or the other way round; the setting
    ``message_ids`` says so. Letter case and leading zeros never count.
    """
    plain = message_id.strip().lower().lstrip("0") or message_id.strip()
    kind = settings.get("message_ids")
    bases = {"hex_decimal": (16, 10), "decimal_hex": (10, 16)}.get(str(kind))
    if bases is None:
        return plain
    try:
        return str(int(plain, bases[of_receipt]))
    except ValueError:
        return plain
