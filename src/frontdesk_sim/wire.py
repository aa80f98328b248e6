"""HTTP as misbehaving providers serve it: a request whose connection dies without an answer."""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .injected import Call

DROP = "frontdesk_sim.drop"


class DroppableProtocol(HttpToolsProtocol):
    """Offers every request a way to cut its connection, as the ASGI extension ``frontdesk_sim.drop``."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        extensions: dict[str, Any] = dict(self.scope.get("extensions") or {})
        self.scope["extensions"] = {**extensions, DROP: {"abort": self.transport.abort}}


class Dropped(Exception):
    """The connection of this request is gone; there is nobody to answer."""


async def drop(request: Call) -> NoReturn:
    """Cut the connection of a request: the client sees a reset, never a status line."""
    extensions: Any = request.scope["extensions"]
    extensions[DROP]["abort"]()
    await asyncio.sleep(0)  # let the transport report the loss, so that nobody writes to it
    raise Dropped
