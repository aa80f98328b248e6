"""Webhooks as providers make them: signed, several times, out of order, again until they are acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from chaos.courier import SIGNATURE, sign
from chaos.history import History
from chaos.provider import NUMBER, TOKEN, Accepted
from chaos.wire import post
from frontdesk_sim.twilio.signature import sign as twilio_sign

FORM = "application/x-www-form-urlencoded"
COURIER_SECRET = "courier-secret-courier"
AT_ONCE = 24  # posts
GIVE_UP = 90.0  # seconds of trying again
STATUSES = ("queued", "sent", "delivered")


@dataclass
class Text:
    """One message from a customer, and when we first said that we have it."""

    sid: str
    sender: str
    body: str
    channel: str
    began: float = 0.0
    acknowledged: float | None = None


@dataclass
class Written:
    texts: list[Text] = field(default_factory=list)
    posts: int = 0
    refused: int = 0  # posts that were answered with something other than 2xx
    crashes: list[str] = field(default_factory=list)  # and what nobody had foreseen: with 500


class Hooks:
    """Delivers to the addresses that the inboxes show."""

    def __init__(self, history: History, seed: str, ports: Sequence[int], addresses: dict[str, str]) -> None:
        self.written = Written()
        self.addresses = addresses  # by channel
        self.told: dict[str, set[str]] = {}  # by a message's words: statuses that were acknowledged
        self._history = history
        self._chance = random.Random(f"hooks {seed}")
        self._ports, self._room = itertools.cycle(ports), asyncio.Semaphore(AT_ONCE)
        self.under_way: set[asyncio.Task[bool]] = set()

    async def close(self) -> None:
        for task in self.under_way:
            task.cancel()
        await asyncio.gather(*self.under_way, return_exceptions=True)

    def write(self, text: Text, *, once: bool = False) -> None:
        """Deliver a customer's message with all its copies, or ``once``; returns at once."""
        self.written.texts.append(text)
        text.began = time.time()
        url = self.addresses[text.channel]
        body, headers = _sms(url, text) if text.channel == "sms" else _letter(text)
        for copy in range(1 if once else self._copies()):
            delay = 0.0 if copy == 0 else self._chance.expovariate(4)
            self._start(self._until_taken(url, body, headers, delay, text, patient=copy == 0))

    def _copies(self) -> int:
        drawn = self._chance.random()
        if drawn < 0.6:
            return 1
        if drawn < 0.92:
            return self._chance.randint(2, 4)
        return self._chance.randint(5, 10) if drawn < 0.985 else 50

    def _start(self, delivery: object) -> None:
        task = asyncio.create_task(delivery)  # type: ignore[arg-type]
        self.under_way.add(task)
        task.add_done_callback(self.under_way.discard)

    async def _until_taken(
        self, url: str, body: bytes, headers: dict[str, str], delay: float, text: Text, *, patient: bool
    ) -> bool:
        await asyncio.sleep(delay)
        taken = await self._again(url, body, headers, patient=patient)
        if taken and text.acknowledged is None:
            text.acknowledged = time.time()
        self._history.note("hook.text", "ok" if taken else "unknown", sid=text.sid, sender=text.sender)
        return taken

    async def report(self, one: Accepted) -> None:
        """Status callbacks of a message: each on its own way, so that they overtake each other and our own commit."""
        for status in STATUSES:
            for _ in range(2 if self._chance.random() < 0.3 else 1):
                self._start(self._tell(one, status, self._chance.expovariate(1.2)))

    async def _tell(self, one: Accepted, status: str, delay: float) -> bool:
        await asyncio.sleep(delay)
        fields = {"MessageSid": one.sid, "MessageStatus": status, "To": one.to, "From": NUMBER}
        body, headers = _signed(one.callback, fields)
        taken = await self._again(one.callback, body, headers, patient=True)
        if taken:
            self.told.setdefault(one.text, set()).add(status)
        self._history.note("hook.status", "ok" if taken else "unknown", key=one.key, status=status)
        return taken

    async def _again(self, url: str, body: bytes, headers: dict[str, str], *, patient: bool) -> bool:
        """Post until it is answered with 2xx; an impatient copy gives up after three attempts."""
        ends = time.time() + GIVE_UP
        attempt = 0
        while time.time() < ends and (patient or attempt < 3):
            self.written.posts += 1
            with contextlib.suppress(OSError):
                async with self._room:
                    status = await post(next(self._ports), url, body, headers)
                if 200 <= status < 300:
                    return True
                self.written.refused += 1
                if status == 500:
                    self.written.crashes.append(f"POST {url}")
            attempt += 1
            await asyncio.sleep(min(1.0, 0.05 * 1.6**attempt) * self._chance.uniform(0.5, 1.5))
        return False


def _sms(url: str, text: Text) -> tuple[bytes, dict[str, str]]:
    fields = {
        "MessageSid": text.sid, "SmsStatus": "received", "From": text.sender, "To": NUMBER, "Body": text.body,
        "NumMedia": "0", "NumSegments": "1",
    }  # fmt: skip
    return _signed(url, fields)


def _signed(url: str, fields: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    signature = twilio_sign(TOKEN, url, fields.items())
    return urlencode(fields).encode(), {"Content-Type": FORM, "X-Twilio-Signature": signature}


def _letter(text: Text) -> tuple[bytes, dict[str, str]]:
    body = json.dumps({"id": text.sid, "from": text.sender, "text": text.body}).encode()
    return body, {"Content-Type": "application/json", SIGNATURE: sign(COURIER_SECRET, body)}
