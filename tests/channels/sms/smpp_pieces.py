"""Deliveries as an SMSC makes them, an inbox that reads them, and an SMSC that does what a test wants."""

import asyncio
import contextlib
from datetime import UTC, datetime

from channels.sms.loopback import account
from frontdesk.channels.sms import pdu
from frontdesk.channels.sms.concat import Part, header
from frontdesk.channels.sms.pdu import Message, Pdu
from frontdesk.channels.sms.smpp import SmppSms
from frontdesk.channels.sms.smpp_session import Timing

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
FAST = Timing(connect=1, answer=0.5, pulse=0.1, goodbye=0.3, sweep=0.05)


def mo(text=b"hello", *, sequence=1, **fields):
    known = {"source": "302101234567", "source_ton": 1, "destination": "14155550000", "content": text}
    return Pdu(pdu.DELIVER_SM, sequence, body=Message(**known | fields).encode())


def piece(number, total, octets, *, reference=9, sequence=1, **fields):
    return mo(header(Part(reference, total, number)) + octets, esm_class=0x40, sequence=sequence, **fields)


def receipt(message_id, stat, *, sequence=1):
    text = f"id:{message_id} sub:001 dlvrd:001 submit date:2611221000 done date:2611221001 stat:{stat} err:000 text:"
    return mo(text.encode(), esm_class=4, sequence=sequence)


def inbox(port=1, **settings):
    known = {"provider": "smpp", "host": "127.0.0.1", "port": port, "system_id": "desk", "password": "secret"}
    return account(**{**known, "number": "+14155550000", **settings})


def parsed(raws, **settings):
    return [item for raw in raws for item in SmppSms().parse(raw, inbox(**settings))]


def take(ledger, *deliveries, at=AT):
    return ledger.take(deliveries, at=at, whole_of={"m1": "m2"}.get)


class ScriptedSmsc:
    """Answers binds and pulses by itself; everything else is up to the test."""

    def __init__(self):
        self.seen: list[Pdu] = []
        self.bind_status = pdu.ROK
        self.pulses = True
        self.submit = lambda submitted: submitted.answer(body=b"m1\x00")
        self.writers = []
        self.binds = 0

    async def serve(self, reader, writer):
        self.writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = await reader.readexactly(4)
                received = pdu.decode(head + await reader.readexactly(int.from_bytes(head, "big") - 4))
                self.seen.append(received)
                answer = self.answer(received)
                if answer:
                    writer.write(answer.encode())
                if received.command == pdu.UNBIND:
                    break
        writer.close()

    def answer(self, received):
        if received.command == pdu.BIND_TRANSCEIVER:
            self.binds += 1
            return received.answer(self.bind_status, b"smsc\x00")
        if received.command == pdu.ENQUIRE_LINK:
            return received.answer() if self.pulses else None
        if received.command == pdu.SUBMIT_SM:
            return self.submit(received)
        return received.answer() if received.command == pdu.UNBIND else None

    def say(self, message):
        self.writers[-1].write(message if isinstance(message, bytes) else message.encode())

    def of(self, command):
        return [each for each in self.seen if each.command == command]
