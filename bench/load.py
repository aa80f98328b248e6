"""The world outside: signed deliveries, and as many connections as wanted that post them one after the other."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
import random
import time
from collections import deque
from collections.abc import Iterable, Iterator
from urllib.parse import urlencode, urlsplit

from bench.measure import Spent
from bench.place import SMS

WORDS = (
    "the a of and to in we you can my is for it on with this that order please room table tomorrow today evening thanks"
    " booking price open friday monday morning confirm number address invoice late early delivery question about change"
).split()
NEW_SENDERS = 0.1  # of all deliveries; the others come from somebody who wrote before

_numbers = itertools.count(1)


def sentence(chance: random.Random, words: int = 12) -> str:
    return " ".join(chance.choices(WORDS, k=words))


def senders(chance: random.Random) -> Iterator[str]:
    """Phone numbers, each tenth one new."""
    known: list[str] = []
    while True:
        if not known or chance.random() < NEW_SENDERS:
            known.append(f"+1{2_020_000_000 + next(_numbers)}")
            yield known[-1]
        else:
            yield chance.choice(known)


def texts(hook_url: str, count: int, *, seed: int = 1, saying: str = "") -> list[bytes]:
    """Incoming text messages as Twilio posts them: complete HTTP requests with 12 words each (or ``saying``),
    signed."""
    chance = random.Random(seed)
    from_whom = senders(chance)
    return [_request(hook_url, _fields(saying or sentence(chance), next(from_whom))) for _ in range(count)]


def _fields(body: str, sender: str) -> dict[str, str]:
    sid = f"SM{next(_numbers):032x}"
    return {
        "ToCountry": "US", "ToState": "DC", "SmsMessageSid": sid, "NumMedia": "0", "ToCity": "WASHINGTON",
        "FromZip": "", "SmsSid": sid, "FromState": "DC", "SmsStatus": "received", "FromCity": "WASHINGTON",
        "Body": body, "FromCountry": "US", "To": SMS["number"], "ToZip": "", "NumSegments": "1",
        "MessageSid": sid, "AccountSid": SMS["account_sid"], "From": sender, "ApiVersion": "2010-04-01",
    }  # fmt: skip


def _request(url: str, fields: dict[str, str]) -> bytes:
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    signature = base64.b64encode(hmac.digest(SMS["auth_token"].encode(), signed.encode(), hashlib.sha1)).decode()
    body = urlencode(fields).encode()
    parts = urlsplit(url)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: TwilioProxy/1.1\r\nAccept: */*\r\n"
        f"Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\nX-Twilio-Signature: {signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Connection(asyncio.Protocol):
    """Posts what is left, one after the other, on one kept-alive connection."""

    def __init__(self, requests: deque[bytes], spent: Spent) -> None:
        self._requests, self._spent = requests, spent
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._next()

    def _next(self) -> None:
        if not self._requests:
            self.done.done() or self.done.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(self._requests.popleft())

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, mark, body = self._answer.partition(b"\r\n\r\n")
        if not mark or len(body) < _length(head):
            return
        self._answer = b""
        if head[9:12] != b"200":
            self._fail(f"answered {head[:60]!r} {body[:200]!r}")
            return
        self._spent.took(time.perf_counter() - self._sent_at)
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(f"the connection was lost: {error}")

    def _fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(OSError(why))
            self._transport.close()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0


async def post(url: str, requests: Iterable[bytes], *, connections: int, spent: Spent) -> None:
    """Post everything over ``connections`` kept-alive connections; raises OSError at the first answer that is not 200.

    Each request's latency in seconds is noted in ``spent``.
    """
    parts = urlsplit(url)
    left = deque(requests)
    loop = asyncio.get_running_loop()
    made = [
        (await loop.create_connection(lambda: _Connection(left, spent), parts.hostname, parts.port))[1]
        for _ in range(min(connections, len(left)))
    ]
    await asyncio.gather(*(connection.done for connection in made))
