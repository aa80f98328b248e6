"""The web application: Twilio's REST API, the control API and the pages behind one port."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
from litestar import Litestar, Response
from litestar.di import Provide
from litestar.exceptions import HTTPException

from . import control, pages, scene
from .injected import Call
from .mail import post_office
from .same_site import only_from_here
from .twilio import api, carrier, inbound, side
from .twilio.errors import Refused, not_found
from .wire import Dropped
from .world import World

log = logging.getLogger(__name__)


def create_app(world: World) -> Litestar:
    _schedule(world)
    return Litestar(
        route_handlers=[*api.ROUTES, *side.ROUTES, control.ROUTER, *pages.ROUTES],
        dependencies={"world": Provide(lambda: world, sync_to_thread=False)},
        exception_handlers={
            Refused: _refused,
            Dropped: _dropped,
            LookupError: _missing,
            ValueError: _unfit,
            HTTPException: _http,
            msgspec.ValidationError: _unfit,
        },
        guards=[only_from_here],
        openapi_config=None,
        request_max_body_size=60 * 1024 * 1024,
        logging_config=None,
    )


def _schedule(world: World) -> None:
    """Tell the agenda who does what."""
    world.agenda.handles("twilio.travel", lambda payload: carrier.travel(world, payload))
    world.agenda.handles("twilio.webhook", lambda payload: inbound.post_webhook(world, payload))
    world.agenda.handles("mail.deliver", lambda payload: post_office.deliver(world, payload))
    world.agenda.handles("scene.write", lambda payload: scene.write(world, payload))
    world.agenda.handles("scene.answer", lambda payload: scene.answer(world, payload))
    world.on_arrival.append(lambda customer, desk: scene.noticed(world, customer, desk))


def _refused(request: Call, refused: Refused) -> Response[Any]:
    return Response(refused.body(), status_code=refused.status, headers=refused.headers)


def _dropped(request: Call, dropped: Dropped) -> Response[Any]:
    return Response(None, status_code=500)  # nobody receives it


def _missing(request: Call, missing: LookupError) -> Response[Any]:
    if isinstance(missing, KeyError | IndexError):  # a mistake of ours, not of the caller
        log.error("failed: %s", request.url, exc_info=missing)
        return _problem(500, "The simulator failed; its log says why.")
    return _problem(404, str(missing))


def _unfit(request: Call, unfit: Exception) -> Response[Any]:
    return _problem(422, str(unfit))


def _http(request: Call, error: HTTPException) -> Response[Any]:
    if request.url.path.startswith("/2010-04-01/"):
        return _refused(request, not_found(request.url.path))
    extra = f" {error.extra}" if error.extra else ""
    return _problem(error.status_code, f"{error.detail}{extra}")


def _problem(status: int, detail: str) -> Response[Any]:
    """RFC 9457."""
    return Response({"status": status, "detail": detail}, status_code=status, media_type="application/problem+json")
