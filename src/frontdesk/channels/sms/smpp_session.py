"""One SMPP connection as an ESME: requests in a window, deliveries answered only once they are kept, and a pulse."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final

from frontdesk.channels.sms import pdu
from frontdesk.channels.sms.pdu import Pdu
from frontdesk.kit import fetch

WINDOW: Final = 10
"""Requests without an answer at one time; what SMSCs commonly allow."""
_BATCH: Final = 100
_LAST_SEQUENCE: Final = 0x7FFFFFFF


class NotWritten(Exception):
    """The request never left: there is no session."""


class LostAnswer(Exception):
    """The request was written and no answer came."""


class SessionOver(Exception):
    """The connection ended, for the reason given."""


class BindRefused(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(f"bind refused with status 0x{status:02X}")
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Seconds."""

    connect: float = 5
    answer: float = 15
    pulse: float = 30
    goodbye: float = 2
    sweep: float = 15


Keep = Callable[[Sequence[Pdu]], Awaitable[None]]
Confirm = Callable[[int], None]


class Session:
    """A connection to an SMSC. Everything it reads and writes goes through here; what a delivery means does not."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, timing: Timing) -> None:
        self._reader, self._writer, self._timing = reader, writer, timing
        self._window = asyncio.Semaphore(WINDOW)
        self._answers: dict[int, asyncio.Future[Pdu]] = {}
        self._deliveries: asyncio.Queue[Pdu] = asyncio.Queue(maxsize=_BATCH)
        self._sequence = 0
        self._answered = 0
        self._open = True

    @classmethod
    async def connect(cls, host: str, port: int, bind: pdu.Bind, *, tls: bool, timing: Timing) -> Session:
        """Connect and bind as transceiver. Raises fetch.Blocked, OSError, TimeoutError, SessionOver or BindRefused."""
        context = ssl.create_default_context() if tls else None
        try:
            async with asyncio.timeout(timing.connect):
                reader, writer = await fetch.connect(host, port, tls=context)
        except fetch.Unreachable as error:
            raise SessionOver(str(error)) from error
        session = cls(reader, writer, timing)
        try:
            async with asyncio.timeout(timing.answer):
                session._write(Pdu(pdu.BIND_TRANSCEIVER, session._next(), body=bind.encode()))
                answer = await session._read()
                while answer.command != pdu.BIND_TRANSCEIVER | pdu.RESPONSE and answer.command != pdu.GENERIC_NACK:
                    answer = await session._read()
            if answer.status != pdu.ROK:
                raise BindRefused(answer.status)
        except BaseException:
            await session.close()
            raise
        return session

    async def run(self, keep: Keep, confirm: Confirm) -> None:
        """Serve the connection until it ends; raises SessionOver, or what a callback raised. Cancelling it unbinds.

        ``keep`` commits deliveries; only after it returned are they answered. ``confirm`` hears after each pulse how
        many deliveries the SMSC surely knows to be answered: it reads in order, so its answer to an enquire_link
        shows that it read all that we wrote before.
        """
        tasks = [
            asyncio.create_task(self._receive()),
            asyncio.create_task(self._deliver(keep)),
            asyncio.create_task(self._pulse(confirm)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            next(iter(done)).result()
        except asyncio.CancelledError:
            await self._say_goodbye()
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.close()

    async def request(self, command: int, body: bytes = b"") -> Pdu:
        """Send a request, at most ten at a time, and wait for its answer. Raises NotWritten or LostAnswer."""
        async with self._window:
            return await self._exchange(command, body, self._timing.answer)

    async def unbind(self) -> None:
        """End a session that nobody runs."""
        receiving = asyncio.create_task(self._receive())
        await self._say_goodbye()
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)
        await self.close()

    async def close(self) -> None:
        self._open = False
        for answer in self._answers.values():
            with contextlib.suppress(asyncio.InvalidStateError):  # it came at the last moment
                answer.set_exception(LostAnswer("the connection was lost"))
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _exchange(self, command: int, body: bytes, seconds: float) -> Pdu:
        if not self._open:
            raise NotWritten("the connection is closed")
        sequence = self._next()
        answer: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self._answers[sequence] = answer
        try:
            self._write(Pdu(command, sequence, body=body))
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError:
            raise LostAnswer(f"no answer within {seconds:g} seconds") from None
        finally:
            self._answers.pop(sequence, None)

    async def _receive(self) -> None:
        while True:
            received = await self._read()
            if received.command & pdu.RESPONSE:
                waiting = self._answers.get(received.sequence)
                if waiting and not waiting.done():
                    waiting.set_result(received)
            elif received.command in (pdu.DELIVER_SM, pdu.DATA_SM):
                await self._deliveries.put(received)
            elif received.command == pdu.ENQUIRE_LINK:
                self._write(received.answer())
            elif received.command == pdu.UNBIND:
                self._write(received.answer())
                raise SessionOver("the SMSC ended the session")
            elif received.command != pdu.ALERT_NOTIFICATION:
                self._write(Pdu(pdu.GENERIC_NACK, received.sequence, pdu.RINVCMDID))

    async def _deliver(self, keep: Keep) -> None:
        while True:
            batch = [await self._deliveries.get()]
            while len(batch) < _BATCH and not self._deliveries.empty():
                batch.append(self._deliveries.get_nowait())
            await keep(batch)
            for delivery in batch:
                self._write(delivery.answer(body=b"\x00"))  # an empty message_id
            self._answered += len(batch)

    async def _pulse(self, confirm: Confirm) -> None:
        while True:
            await asyncio.sleep(self._timing.pulse)
            answered = self._answered
            try:
                await self._exchange(pdu.ENQUIRE_LINK, b"", self._timing.answer)
            except LostAnswer as lost:
                raise SessionOver("the SMSC stopped answering") from lost
            confirm(answered)

    async def _say_goodbye(self) -> None:
        with contextlib.suppress(LostAnswer, NotWritten, OSError):
            await self._exchange(pdu.UNBIND, b"", self._timing.goodbye)

    async def _read(self) -> Pdu:
        try:
            head = await self._reader.readexactly(4)
            length = int.from_bytes(head, "big")
            if not pdu.HEADER.size <= length <= pdu.LARGEST:
                raise SessionOver(f"the SMSC announced {length} octets")
            return pdu.decode(head + await self._reader.readexactly(length - 4))
        except (asyncio.IncompleteReadError, OSError) as error:
            raise SessionOver("the connection to the SMSC was lost") from error

    def _write(self, message: Pdu) -> None:
        self._writer.write(message.encode())

    def _next(self) -> int:
        self._sequence = self._sequence % _LAST_SEQUENCE + 1
        return self._sequence


async def first_of(*work: Coroutine[Any, Any, None]) -> None:
    """Run until the first of them ends, end the others, and raise what it raised."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        next(iter(done)).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
