"""Bodies of ``/api/v1``: nobody may keep us waiting for one, and a stranger's is small."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, NoReturn

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from frontdesk.app.idempotency import credential
from frontdesk.kit.errors import TooLarge, Unavailable

SECONDS = 15.0  # that a body may keep us waiting, as a delivery may
SLOWEST = 8 * 1024  # bytes that buy it another second: a large file may come over a poor line
STRANGERS = 64 * 1024  # bytes from whoever shows neither a session nor a token: a form to sign in with
HEARD_OUT = 32 * 2**20  # bytes that are read and forgotten, so that whoever still sends hears why it was too much


class Bodies(ASGIMiddleware):
    """Gives up on bodies that come too slowly, and on large ones from nobody: nothing of those is kept."""

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await next_app(scope, receive, send)
            return
        if not scope["path"].startswith("/api/v1/"):  # what channels serve has limits of its own
            await next_app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        known = bool(credential(headers, secure=self._secure))
        announced = headers.get(b"content-length", b"")
        if not known and announced.isdigit() and int(announced[:20]) > STRANGERS:
            await _refuse(scope, receive)
        await next_app(scope, _patient(scope, receive, None if known else STRANGERS), send)


def _patient(scope: Any, receive: Receive, most: int | None) -> Receive:
    """``receive``, until the body was waited for too long (503) or is larger than ``most`` bytes (413). Only the time
    in which we waited counts: what we do in between is not the sender's."""
    size, waited, whole = 0, 0.0, False

    async def timely() -> Any:
        nonlocal size, waited, whole
        if whole:
            return await receive()
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(SECONDS + size / SLOWEST - waited):
                message: Any = await receive()
        except TimeoutError:
            scope["unread"] = True
            raise Unavailable("This took too long. Nothing was taken; try again.") from None
        waited += clock() - began
        size += len(message.get("body", b""))
        whole = not message.get("more_body")
        if most is not None and size > most:
            await _refuse(scope, receive if message.get("more_body") else None)
        return message

    return timely


async def _refuse(scope: Any, receive: Receive | None) -> NoReturn:
    """413, once the rest was heard: who is cut off while they send sees a broken connection and no answer."""
    heard, more = 0, receive is not None
    with suppress(TimeoutError):
        async with asyncio.timeout(SECONDS):
            while more and receive and heard < HEARD_OUT:
                message: Any = await receive()
                heard += len(message.get("body", b""))
                more = message.get("more_body", False)
    if more:
        scope["unread"] = True
    raise TooLarge("This request is too large for somebody who is not signed in.")
