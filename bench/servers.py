"""What the product's web process is compared with, on the same server: ``python -m bench.servers KIND``.

``nothing``   reads the request and says 200: what any webhook costs on this stack.
``unstored``  the product's web process, which verifies and reads each delivery but keeps none of them.
``orm``       the obvious program (``bench/orm.py``): each delivery in a transaction of its own, by an object mapper.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence
from typing import Any

import uvloop

from bench.orm import Store
from frontdesk.app import http, process, serving
from frontdesk.channels.port import Raw
from frontdesk.channels.sms.twilio import EMPTY_TWIML
from frontdesk.kit import postgres
from frontdesk.kit.settings import Settings
from frontdesk.vendors.twilio import form, is_signed


class Nowhere:
    """Stands where the intake stands."""

    async def store(self, workspace_id: int, inbox_id: int, raws: Sequence[Raw]) -> int:
        return len(raws)


async def _body(receive: Any) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _answering(take: Any) -> Any:
    """An ASGI application that gives each request's body to ``take`` and then answers as the product does."""
    length = str(len(EMPTY_TWIML.body)).encode()
    headers = [(b"content-type", EMPTY_TWIML.content_type.encode()), (b"content-length", length)]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["method"] == "POST":
            await take(scope, await _body(receive))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": EMPTY_TWIML.body})

    return app


async def _nothing(scope: Any, body: bytes) -> None:
    pass


def _storing(store: Store, url: str, auth_token: str) -> Any:
    async def take(scope: Any, body: bytes) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        if not is_signed(url + scope["path"], headers, body, auth_token=auth_token, shared_key=""):
            raise PermissionError("a wrong signature")
        await store.keep(dict(form(body)))

    return take


async def _main(kind: str, *given: str) -> None:
    settings, stop = Settings.from_environment(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    if kind == "nothing":
        await serving.serve(_answering(_nothing), [serving.opened(settings)], stop)
    elif kind == "orm":
        auth_token, workspace_id, inbox_id = given
        store = Store(str(settings.database_url), int(workspace_id), int(inbox_id))
        await serving.serve(_answering(_storing(store, settings.url, auth_token)), [serving.opened(settings)], stop)
    else:
        server = await postgres.resolve(settings.home, url=settings.database_url)
        async with process.opened(settings, server) as resources:
            app = http.create(resources, intake=Nowhere())  # type: ignore[arg-type]
            await serving.serve(app, [serving.opened(settings)], stop)


if __name__ == "__main__":
    uvloop.run(_main(*sys.argv[1:]))
