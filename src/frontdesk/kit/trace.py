"""One id from the request that brings something to the last receipt of it: in rows, in the log, in answers.

The id is that of W3C Trace Context (https://www.w3.org/TR/trace-context/): 32 lower-case hexadecimal digits, not all
zero. Whoever calls us with a ``traceparent`` goes on with theirs; everything else gets one of its own.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_PARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_random = random.Random()  # noqa: S311 (unique, not secret; the system's own costs a call of the kernel for each)
_current: ContextVar[str | None] = ContextVar("trace", default=None)


def fresh() -> str:
    return f"{_random.getrandbits(128) or 1:032x}"


def current() -> str | None:
    """The id of what is being done, if it has one."""
    return _current.get()


def read(header: str) -> str | None:
    """The trace id in a ``traceparent`` header; None for one that is not valid."""
    found = _PARENT.match(header.strip())
    return found[1] if found and int(found[1], 16) and int(found[2], 16) else None


def header(trace_id: str) -> str:
    """The ``traceparent`` that tells others of it, with a span of our own."""
    return f"00-{trace_id}-{_random.getrandbits(64) or 1:016x}-01"


@contextmanager
def within(trace_id: str | None) -> Iterator[None]:
    """What happens inside, and every line that is logged there, has this id."""
    token = _current.set(trace_id)
    try:
        yield
    finally:
        _current.reset(token)


def logged(_: Any, __: str, line: Any) -> Any:
    """A processor of structlog's: adds the id to a line."""
    if trace_id := _current.get():
        line.setdefault("trace", trace_id)
    return line


class Traced:
    """ASGI: takes the id from the request or makes one, and says it in the answer."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        given = next((value for name, value in scope["headers"] if name == b"traceparent"), b"")
        trace_id = read(given.decode("latin-1")) or fresh()

        async def say(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"traceparent", header(trace_id).encode())]}
            await send(message)

        with within(trace_id):
            await self._app(scope, receive, say)
