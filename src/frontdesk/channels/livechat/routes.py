"""The widget's endpoints, all under ``/widget`` and beside it the loader ``/widget.js``. The protocol: README.md."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal

import msgspec
from litestar import Response, Router
from litestar.handlers import HTTPRouteHandler

from frontdesk.channels.livechat import pages, talk, visits
from frontdesk.channels.livechat.events import events
from frontdesk.channels.livechat.gate import Asked, Front
from frontdesk.channels.livechat.problems import HANDLERS
from frontdesk.channels.port import Desk

Endpoint = Callable[[Front, Asked], Awaitable[Any]]

Method = Literal["GET", "POST"]

API: tuple[tuple[Method, str, Endpoint, int], ...] = (
    ("POST", "/widget/v1/session", visits.session, 200),
    ("POST", "/widget/v1/identify", visits.identify, 200),
    ("GET", "/widget/v1/thread", talk.thread, 200),
    ("GET", "/widget/v1/events", events, 200),
    ("POST", "/widget/v1/messages", talk.message, 200),
    ("POST", "/widget/v1/files", talk.upload, 201),
    ("POST", "/widget/v1/typing", talk.typing, 204),
    ("POST", "/widget/v1/seen", talk.seen, 204),
    ("GET", "/widget.js", pages.loader, 200),
    ("GET", "/widget/app", pages.app, 200),
    ("GET", "/widget/assets/{name:str}", pages.asset, 200),
    ("GET", "/widget/demo", pages.demo, 200),
    ("GET", "/widget/demo/{name:str}", pages.demo_file, 200),
)


def routes_for(desk: Desk) -> Sequence[Router]:
    """Route handlers over ``desk``. They authenticate visitors themselves, by bearer token, and use no cookie."""
    front = Front(desk)
    handlers = [_handler(front, method, path, endpoint, status) for method, path, endpoint, status in API]
    return [Router(path="/", route_handlers=handlers, exception_handlers=HANDLERS)]


def _handler(front: Front, method: Method, path: str, endpoint: Endpoint, status: int) -> HTTPRouteHandler:
    async def handle(request: Asked) -> Response[Any]:
        answer = await endpoint(front, request)
        if isinstance(answer, Response):
            return answer
        body = b"" if answer is None else msgspec.json.encode(answer)
        return Response(body, status_code=status, media_type="application/json", headers={"cache-control": "no-store"})

    name = f"widget {method} {path}"
    decorated = HTTPRouteHandler(
        path,
        http_method=[method],
        name=name,
        include_in_schema=False,
        opt={"public": True},
        request_max_body_size=None,  # each endpoint counts while it reads
    )
    return decorated(handle)
