"""``/hooks/{key}``: where providers deliver. A 2xx means a committed row, nothing else does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import structlog

from frontdesk.app import doctor
from frontdesk.app.intake import Intake
from frontdesk.channels import channel
from frontdesk.channels.port import Account, BadSignature, HookAnswer, Request, TakesHooks
from frontdesk.inboxes import queries as inboxes
from frontdesk.kit import ids, meters
from frontdesk.kit.context import Resources
from frontdesk.kit.deadlines import Deadlines
from frontdesk.kit.errors import Problem
from frontdesk.kit.hiding import hide
from frontdesk.kit.transaction import once_more

DOCTOR = "doctor"  # the path that frontdesk doctor asks; no inbox has such a key
VERDICTS = {403: "bad_signature", 400: "unreadable", 413: "too_large"}  # what our own answers mean
SECONDS = 15  # in which a delivery must have come and been stored
REMEMBER = 3.0  # seconds that an inbox is kept between deliveries: a changed secret counts after that

log = structlog.get_logger()
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Inbox = tuple[str, TakesHooks | None, Account]  # its channel, the driver if that takes deliveries over HTTP, and itself


class Hooks:
    """A bare ASGI application, because this path carries the most traffic."""

    def __init__(self, resources: Resources, intake: Intake) -> None:
        self._resources, self._intake = resources, intake
        self._known: dict[str, tuple[float, Inbox]] = {}
        self._looking: dict[str, asyncio.Task[Inbox | None]] = {}
        self._deadlines = Deadlines()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        retry_after = 2
        try:
            answer = await self._deadlines.keep(self._timed(scope, receive), SECONDS)
        except Problem as problem:
            retry_after = getattr(problem, "retry_after", retry_after)
            answer = _problem(problem.status, problem.code, problem.detail)
        except TimeoutError:
            answer = _problem(503, "unavailable", "This took too long. Nothing was taken; try again.")
        except Exception as error:
            log.error("a delivery could not be taken", path=scope["path"], error=repr(error))
            answer = _problem(503, "unavailable", "This could not be stored just now. Nothing was taken; try again.")
        headers = _headers(answer.content_type, len(answer.body))
        if answer.status == 503:
            headers.append((b"retry-after", str(retry_after).encode()))
        if answer.status in (413, 503):  # the rest of the body may still be on its way, and is not waited for
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _timed(self, scope: Scope, receive: Receive) -> HookAnswer:
        """The answer, counted by channel (what is for no inbox is not counted: its address is a stranger's choice)."""
        began = time.perf_counter()
        try:
            answer = await self._answer(scope, receive)
        except Exception:
            self._count(scope, "failed", began)
            raise
        self._count(scope, VERDICTS.get(answer.status, "taken"), began)
        return answer

    def _count(self, scope: Scope, verdict: str, began: float) -> None:
        if name := scope.get("channel"):
            counted, timed = _meters(name, verdict)
            counted.inc()
            timed.observe(time.perf_counter() - began)
            if verdict == "bad_signature":
                meters.signature_fails.labels(name).inc()

    async def _answer(self, scope: Scope, receive: Receive) -> HookAnswer:
        key = scope["path"].removeprefix("/hooks/").strip("/")
        if key == DOCTOR:
            return self._proof(scope)
        known = self._known.get(key)
        if known and time.monotonic() - known[0] < REMEMBER:
            inbox: Inbox | None = known[1]
        else:
            inbox = await self._looked_up(key)
        if inbox is None:
            return _problem(404, "unknown_inbox", "There is no inbox at this address, or it is switched off.")
        scope["channel"], driver, account = inbox
        if driver is None:
            return _problem(404, "no_hooks", "This inbox receives nothing over HTTP.")
        body = await _body(receive, self._resources.settings.max_body)
        if body is None:
            return _problem(413, "too_large", "This is larger than a delivery may be.")
        try:
            raws, answer = driver.receive(_request(scope, self._resources.settings.url, body), account)
        except BadSignature as error:
            log.warning("a delivery with a wrong signature was refused", inbox=account.inbox_id)
            return _problem(403, "bad_signature", str(error) or "The signature does not fit.")
        except Exception as error:  # it reads nothing but this delivery: what goes wrong is in there
            log.warning("a delivery cannot be read", inbox=account.inbox_id, error=repr(error))
            return _problem(400, "unreadable", hide(f"This delivery cannot be read: {error}"))
        await self._intake.store(account.workspace_id, account.inbox_id, raws)
        return answer

    def _proof(self, scope: Scope) -> HookAnswer:
        """What ``frontdesk doctor`` asks for, to see that this address leads here."""
        nonce = dict(parse_qsl(scope["query_string"].decode("latin-1"))).get("nonce", "")[:64]
        return HookAnswer(body=doctor.proof(self._resources.vault, nonce).encode())

    async def _looked_up(self, key: str) -> Inbox | None:
        """The inbox with this key; deliveries that come while somebody is looking wait for the same answer."""
        looking = self._looking.get(key)
        if looking is None:
            looking = self._looking[key] = asyncio.create_task(once_more(lambda: self._find(key)))
            looking.add_done_callback(lambda _: self._looking.pop(key))
        return await asyncio.shield(looking)

    async def _find(self, key: str) -> Inbox | None:
        """The inbox with this key, remembered for the deliveries that come next."""
        workspace_id = ids.tenant_of(key)
        if workspace_id is None or len(key) > 200 or not key.isascii() or not key.replace("-", "").isalnum():
            return None
        async with self._resources.db.begin(workspace_id) as tx:
            row = await inboxes.by_public_key(tx, key)
        if row is None or not row["enabled"]:
            self._known.pop(key, None)
            return None
        account = inboxes.account(self._resources.vault, self._resources.settings.url, row)
        if len(self._known) > 10_000:
            self._known.clear()
        driver = channel(row["channel"]).driver
        found = row["channel"], driver if isinstance(driver, TakesHooks) else None, account
        self._known[key] = (time.monotonic(), found)
        return found


@lru_cache(maxsize=256)
def _meters(name: str, verdict: str) -> tuple[Any, Any]:
    """The counter and the clock of a channel, which take longer to find than to set."""
    return meters.inbound_events.labels(name, verdict), meters.inbound_ack.labels(name)


def _headers(content_type: str, length: int) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", content_type.encode()), (b"content-length", b"%d" % length),
        (b"x-content-type-options", b"nosniff"),
    ]  # fmt: skip


async def _body(receive: Receive, most: int) -> bytes | None:
    """The request's body, or None if it is larger than ``most`` bytes."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the sender went away")
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > most:
            return None
        if not message.get("more_body"):
            return b"".join((*parts, part)) if parts else part
        parts.append(part)


def _request(scope: Scope, base: str, body: bytes) -> Request:
    given = scope["headers"]
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in given}
    if len(headers) < len(given):  # one came more than once
        headers = _joined(given)
    query = scope["query_string"].decode("latin-1")
    path = scope.get("raw_path", scope["path"].encode()).decode("latin-1").split("?")[0]
    pairs = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=1000)) if query else {}
    url = f"{base}{path}?{query}" if query else f"{base}{path}"
    return Request(method=scope["method"], url=url, query=pairs, headers=headers, body=body)


def _joined(given: list[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in given:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _problem(status: int, code: str, detail: str) -> HookAnswer:
    body = msgspec.json.encode(
        {"type": "about:blank", "title": code.replace("_", " "), "status": status, "code": code, "detail": detail}
    )
    return HookAnswer(status=status, body=body, content_type="application/problem+json")
