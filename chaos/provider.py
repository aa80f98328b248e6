"""The providers, and the truth: what they accepted, in which order, and what they told us of it.

The first speaks Twilio's REST API (2010-04-01) as far as sending and listing need it; the two couriers are invented.
All of them answer 429 and 5xx, cut connections before and after they accepted, and answer later than we wait.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from chaos.history import History
from chaos.settings import SLOW
from chaos.wire import Answer, Asked, serve

ACCOUNT = "AC" + "0" * 31 + "1"
TOKEN = "t" * 32
NUMBER = "+12025550100"

# Of all requests to send, this share meets …
TOO_MANY, BUSY, BROKEN, CUT_BEFORE, CUT_AFTER, LATE = 0.05, 0.02, 0.04, 0.03, 0.06, 0.03
BUSY_AGAIN = 0.50  # … and of what the provider with keys has taken already and is asked again
DEAF = 0.10  # … and of all look-ups, this share fails
BLANKED = 0.04  # of texts the provider does not keep the words: a look-up cannot recognise them
SILENT = 0.10  # of texts no status is ever reported


@dataclass
class Accepted:
    """One message that a provider has taken."""

    sid: str
    key: str
    to: str
    text: str
    provider: str
    at: float
    callback: str = ""
    blank: bool = False


@dataclass
class Truth:
    accepted: list[Accepted] = field(default_factory=list)
    attempts: Counter[str] = field(default_factory=Counter)  # by key: requests that arrived
    strikes: Counter[str] = field(default_factory=Counter)

    def words(self) -> set[str]:
        """Every answer has words of its own: they are what a customer goes by, whatever keys were used."""
        return {one.text for one in self.accepted}


class Providers:
    def __init__(self, history: History, seed: str, report: Callable[[Accepted], Awaitable[None]]) -> None:
        self.truth = Truth()
        self.calm = False  # no faults any more
        self._history, self._report = history, report
        self._chance = random.Random(f"providers {seed}")
        self._keyed: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.origin = ""

    async def start(self) -> None:
        self._server, port = await serve(self._answer)
        self.origin = f"http://127.0.0.1:{port}"

    async def stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _answer(self, asked: Asked) -> Answer | None:
        if asked.method == "GET":
            return self._list(asked)
        if asked.path in ("/keyed", "/plain"):
            letter = json.loads(asked.body)
            return await self._send(letter["key"], letter["to"], letter["text"], provider=asked.path[1:])
        form = dict(parse_qsl(asked.body.decode(), keep_blank_values=True))
        callback = form.get("StatusCallback", "")
        key = parse_qs(urlsplit(callback).query).get("m", [""])[0]
        return await self._send(key, form["To"], form.get("Body", ""), provider="twilio", callback=callback)

    async def _send(self, key: str, to: str, text: str, *, provider: str, callback: str = "") -> Answer | None:
        self.truth.attempts[key] += 1
        fault = self._fault(again=key in self._keyed)
        self._history.note("provider.asked", "fail" if fault in _REFUSED else "ok", key=key, fault=fault)
        if fault in _REFUSED:
            return _REFUSED[fault]
        one = self._accept(key, to, text, provider=provider, callback=callback)
        if fault == "cut after":
            return None
        if fault == "late":
            await asyncio.sleep(SLOW)
        return Answer(201, json.dumps(_resource(one) if provider == "twilio" else {"id": one.sid}).encode())

    def _fault(self, *, again: bool) -> str:
        shares = {
            "too many": TOO_MANY, "busy": BUSY, "broken": BROKEN, "cut before": CUT_BEFORE, "cut after": CUT_AFTER,
            "late": LATE,
        }  # fmt: skip
        if again:
            shares["busy"] = BUSY_AGAIN
        drawn = self._chance.random()
        for name, share in shares.items():
            drawn -= share
            if drawn < 0 and not self.calm:
                self.truth.strikes[name] += 1
                return name
        return ""

    def _accept(self, key: str, to: str, text: str, *, provider: str, callback: str) -> Accepted:
        if provider == "keyed" and key in self._keyed:
            return next(one for one in self.truth.accepted if one.sid == self._keyed[key])
        sid = f"SM{self._chance.getrandbits(128):032x}"
        blank = provider == "twilio" and self._chance.random() < BLANKED
        one = Accepted(sid, key, to, text, provider, time.time(), callback, blank)
        self.truth.accepted.append(one)
        if provider == "keyed":
            self._keyed[key] = sid
        if callback and not blank and self._chance.random() > SILENT:
            task = asyncio.create_task(self._report(one))  # type: ignore[arg-type]
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return one

    def _list(self, asked: Asked) -> Answer | None:
        """``GET Messages.json``: newest first, to and from as asked."""
        if not self.calm and self._chance.random() < DEAF:
            self.truth.strikes["deaf"] += 1
            return Answer(500) if self._chance.random() < 0.5 else None
        to = asked.query.get("To")
        found = [one for one in reversed(self.truth.accepted) if one.provider == "twilio" and one.to == to]
        shown = [_resource(one) for one in found[: int(asked.query.get("PageSize", "50"))]]
        return Answer(200, json.dumps({"messages": shown, "next_page_uri": None}).encode())


_REFUSED: dict[str, Answer | None] = {
    "too many": Answer(429, b'{"code": 20429, "message": "Too Many Requests"}', {"Retry-After": "1"}),
    "busy": Answer(503, b'{"message": "Service unavailable"}', {"Retry-After": "1"}),
    "broken": Answer(500, b'{"message": "An internal server error has occurred"}'),
    "cut before": None,
}


def _resource(one: Accepted) -> dict[str, Any]:
    when = format_datetime(datetime.fromtimestamp(one.at, UTC))
    return {
        "sid": one.sid, "account_sid": ACCOUNT, "status": "queued", "direction": "outbound-api", "from": NUMBER,
        "to": one.to, "body": "" if one.blank else one.text, "num_segments": "1", "num_media": "0",
        "date_created": when, "date_sent": when, "date_updated": when,
    }  # fmt: skip
