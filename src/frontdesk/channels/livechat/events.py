"""Server-sent events for one visitor (the event stream format of the HTML standard, read with ``fetch``).

``id`` is the event cursor; a client that comes back sends the last one as ``Last-Event-ID`` and gets what it missed, or
``resync`` if that is gone. Typing has no id: it is worth nothing later.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
from litestar.response import Stream

from frontdesk.channels.livechat.gate import Asked, Caller, Front, let_in, network
from frontdesk.channels.livechat.problems import Problem
from frontdesk.channels.livechat.wire import item_view
from frontdesk.channels.port import ThreadItem, Whisper
from frontdesk.kit import clock

MAX_CURSOR = 2**63 - 1
MAX_AGE = timedelta(minutes=30)  # then the client comes again, and its right to listen is checked anew
PADDING = b": " + b"." * 2_048 + b"\n\n"  # makes proxies that collect a first block let go of it
HEADERS = {"cache-control": "no-store, no-transform", "x-accel-buffering": "no"}


async def events(front: Front, request: Asked) -> Stream:
    caller = await let_in(front, request, "read")
    after = _cursor(request.headers.get("last-event-id") or request.query_params.get("after") or "")
    if not front.limits.open_stream(caller.visit.visitor, network(request)):
        raise Problem(429, "too_many_streams", "This chat is open in too many windows.", retry_after=30)
    return Stream(_listen(front, caller, after, network(request)), media_type="text/event-stream", headers=HEADERS)


async def _listen(front: Front, caller: Caller, after: int, where: str) -> AsyncIterator[bytes]:
    until = caller.at + MAX_AGE
    try:
        yield PADDING
        async for fact in front.desk.follow(caller.account, caller.address, after=after):
            at = clock.now()
            who = caller.visit.identity
            if at > until or (who and who.until < at.timestamp()):
                return
            yield _frame(caller, fact)
    except LookupError:
        yield _event("resync", {})
    finally:
        front.limits.close_stream(caller.visit.visitor, where)


def _frame(caller: Caller, fact: ThreadItem | Whisper | None) -> bytes:
    if fact is None:
        return b": beat\n\n"
    if isinstance(fact, ThreadItem):
        return _event("message", item_view(fact), cursor=fact.cursor)
    # A whisper without a sender of its own (the visitor's address) is the team's: the desk never echoes a visitor.
    somebody = (fact.sender.kind, fact.sender.value) != (caller.address.kind, caller.address.value)
    return _event(fact.kind, {"name": fact.sender.name if somebody else None, "on": fact.on})


def _event(name: str, data: Any, *, cursor: int | None = None) -> bytes:
    head = f"id: {cursor}\n" if cursor is not None else ""
    return f"{head}event: {name}\ndata: ".encode() + msgspec.json.encode(data) + b"\n\n"


def _cursor(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 19 and int(text) <= MAX_CURSOR):
        raise Problem(400, "bad_cursor", "Last-Event-ID must be the id of an event, or after the cursor of a thread.")
    return int(text)
