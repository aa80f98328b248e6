"""The HTTP application: rooms' routes under ``/api/v1``, hooks, channels' endpoints, files, health, and the screens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import msgspec
import structlog
from litestar import Litestar, Request, Response, Router, get
from litestar.config.app import AppConfig
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.exceptions import ClientException, HTTPException, SerializationException, ValidationException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.params import FromPath

from frontdesk import __version__
from frontdesk.app import health, screens
from frontdesk.app.alerts import Watch
from frontdesk.app.bodies import Bodies
from frontdesk.app.description import described
from frontdesk.app.desk import LentDesk
from frontdesk.app.hooks import Hooks
from frontdesk.app.idempotency import Idempotency
from frontdesk.app.intake import Intake
from frontdesk.app.proxies import ClientAddress
from frontdesk.channels import all_channels
from frontdesk.channels.port import Serves
from frontdesk.contacts import routes as contacts
from frontdesk.conversations import routes as conversations
from frontdesk.conversations.actions import merging  # noqa: F401  (conversations follow when contacts merge)
from frontdesk.inboxes import routes as inboxes
from frontdesk.kit import clock, downloads, fetch, ids, meters, trace
from frontdesk.kit.context import Actor, Context, Resources
from frontdesk.kit.errors import Forbidden, Invalid, NotFound, Problem, TooMany, Unauthorised, Unavailable
from frontdesk.kit.files import Missing
from frontdesk.kit.losses import AWAY
from frontdesk.people import queries as people
from frontdesk.people import routes as people_routes
from frontdesk.realtime import routes as realtime
from frontdesk.realtime.queries.hub import Hub

SAFE = {"GET", "HEAD", "OPTIONS"}
SIGNING_IN = "/api/v1/session"  # goes on while the disk is full: reading needs it
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "frame-ancestors 'none'",  # a page says more
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# Browsers that came over TLS come over nothing else for a year (RFC 6797). This host alone: its neighbours are not ours
# to decide on; nor does it ask to be preloaded, which an operator who changes their mind could not take back.
ONLY_TLS = (b"strict-transport-security", b"max-age=31536000")

log = structlog.get_logger()
AnyRequest = Request[Any, Any, Any]


class _Application(Litestar):
    """Deliveries pass by the framework: what it does for a request costs as much as storing one."""

    hooks: trace.Traced
    only_tls = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.only_tls and scope["type"] == "http":
            send = partial(_over_tls, send)
        if scope["type"] == "http" and scope["path"].startswith("/hooks/"):
            await self.hooks(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


async def _over_tls(send: Any, message: Any) -> None:
    if message["type"] == "http.response.start":
        message["headers"] = [*message["headers"], ONLY_TLS]
    await send(message)


def create(
    resources: Resources, *, hub: Hub | None = None, intake: Intake | None = None, watch: Watch | None = None
) -> Litestar:
    """The application. Without a ``hub`` it makes and runs one of its own."""
    fetch.close_own(resources.settings.url)
    intake = intake or Intake(resources.db, resources.disk)
    own_hub = hub is None
    watch = watch or Watch(resources)
    hub = hub or Hub(resources, lambda: resources.db.pool.acquire())  # type: ignore[arg-type, return-value]

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        stop = asyncio.Event()
        listening = asyncio.create_task(hub.run(stop)) if own_hub else None
        try:
            yield
        finally:
            stop.set()
            if listening:
                await listening

    api = Router(
        "/api/v1",
        route_handlers=[
            *people_routes.ROUTES, *inboxes.ROUTES, *contacts.ROUTES, *conversations.ROUTES, *realtime.ROUTES,
            *health.API_ROUTES, get_description,
        ],
        dependencies={"context": Provide(provide_context)},
        before_request=_check_request,
    )  # fmt: skip
    app = _Application(
        route_handlers=[api, get_file, *health.ROUTES, *_served(resources, hub, intake), *screens.ROUTES],
        dependencies={
            "resources": Provide(lambda: resources, sync_to_thread=False),
            "hub": Provide(lambda: hub, sync_to_thread=False),
            "watch": Provide(lambda: watch, sync_to_thread=False),
        },
        exception_handlers=_answers(),
        middleware=[
            trace.Traced, ClientAddress(resources.settings.trusted_proxies),
            Bodies(secure=resources.settings.secure), Idempotency(resources),
        ],
        lifespan=[lifespan],
        request_max_body_size=resources.settings.max_file + 1024 * 1024,
        openapi_config=OpenAPIConfig(
            title="Frontdesk", version=__version__, path="/api/v1/openapi",
            render_plugins=[JsonRenderPlugin()],  # none at all would be several, which load scripts from elsewhere
            description="Every text, email, call and chat of a business in one inbox."
            " docs/api.md explains the conventions.",
        ),
        on_app_init=[_quiet],
        state=State({"url": resources.settings.url, "disk": resources.disk}),
        after_request=_secure,
    )  # fmt: skip
    app.only_tls = resources.settings.secure
    app.hooks = trace.Traced(Hooks(resources, intake))
    return app


def probes(resources: Resources) -> Litestar:
    """What a worker of its own answers: that it is alive, whether it can work, and what it has counted."""
    return Litestar(
        route_handlers=health.ROUTES,
        dependencies={"resources": Provide(lambda: resources, sync_to_thread=False)},
        exception_handlers=_answers(),
        openapi_config=None,
        on_app_init=[_quiet],
        after_request=_secure,
    )


def _answers() -> dict[int | type[Exception], Any]:
    return {Problem: _problem, HTTPException: _refused, Exception: _failed}


def _quiet(config: AppConfig) -> AppConfig:
    config.logging_config = None
    return config


def _served(resources: Resources, hub: Hub, intake: Intake) -> list[Any]:
    """The endpoints that channels bring along."""
    routes: list[Any] = []
    for name, channel in all_channels().items():
        if isinstance(channel.driver, Serves):
            routes += channel.driver.routes(LentDesk(name, resources, hub, intake))
    return routes


async def _secure(response: Response[Any]) -> Response[Any]:
    own = {name.lower() for name in response.headers}  # in whichever case a channel writes them
    response.headers.update({name: value for name, value in SECURITY.items() if name.lower() not in own})
    return response


# --- who is calling -----------------------------------------------------------------------------------------------


async def provide_context(request: AnyRequest, resources: NamedDependency[Resources]) -> Context:
    """The signed-in actor, from a bearer token or the session cookie (which needs the CSRF header to change things)."""
    ip = request.client.host if request.client else None
    authorisation = request.headers.get("authorization", "")
    if authorisation[:7].lower() == "bearer ":
        actor = await people.actor_by_token(resources.db, authorisation[7:].strip(), ip=ip)
        if actor is None:
            raise Unauthorised("This token is not valid, or was revoked.", code="bad_token")
        return Context(resources=resources, actor=actor)
    cookie = request.cookies.get(people.cookie_name(secure=resources.settings.secure))
    actor = await people.actor_by_session(resources.db, cookie, ip=ip) if cookie else None
    if actor is None:
        raise Unauthorised("Please sign in.")
    if request.method not in SAFE:
        _check_csrf(request, actor)
    return Context(resources=resources, actor=actor)


def _check_csrf(request: AnyRequest, actor: Actor) -> None:
    """Another site's page may make a browser send our cookie; it cannot read the token that has to come with it."""
    if not actor.csrf or not ids.same(request.headers.get("x-csrf-token", ""), actor.csrf):
        raise Forbidden("The X-CSRF-Token header is missing or does not fit. Load the page again.", code="bad_csrf")


async def _check_request(request: AnyRequest) -> None:
    """Refuse what only another site's page sends: to signing in and setting up as well, where no cookie is asked for.

    A page may post plain text and forms to anybody without asking first, but not JSON (Fetch §2.2.2).
    """
    if request.method in SAFE:
        return
    if request.scope["path"] != SIGNING_IN:
        request.app.state.disk.require()
    if request.headers.get("authorization", "")[:7].lower() != "bearer ":
        _check_origin(request)
    if request.route_handler.parsed_data_field is not None and _has_body(request):
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != "application/json":
            raise ClientException("Send JSON, with Content-Type: application/json.", status_code=415)
        with suppress(SerializationException):  # what is no JSON is refused where it is read
            _check_types(request.route_handler.parsed_data_field.annotation, await request.json())


def _check_types(wanted: Any, body: Any) -> None:
    """A number is no text with digits in it, nor is a text a truth: the framework, which reads addresses with the same
    rules, would let both pass for each other. What it refuses itself, it says itself."""
    try:
        msgspec.convert(body, wanted, str_keys=True)
    except msgspec.ValidationError as error:
        try:
            msgspec.convert(body, wanted, strict=False, str_keys=True)
        except msgspec.ValidationError:
            return
        said, _, where = str(error).partition(" - at `$")
        wrong = "Something in this request is not as it should be."
        raise Invalid(wrong, fields={where.strip("`.") or "body": said}) from error


def _check_origin(request: AnyRequest) -> None:
    origin = request.headers.get("origin")
    if origin and origin != "null":
        try:
            host = urlsplit(origin).netloc
        except ValueError:  # no address at all: ``http://[``
            host = ""
        if not host or host not in (request.headers.get("host"), urlsplit(request.app.state.url).netloc):
            raise Forbidden("This request came from another site.", code="cross_site")


def _has_body(request: AnyRequest) -> bool:
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers


# --- answers to what went wrong -----------------------------------------------------------------------------------


def _say(
    status: int, code: str, detail: str, *, fields: dict[str, str] | None = None, headers: dict[str, str] | None = None
) -> Response[bytes]:
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": code.replace("_", " "),
        "status": status,
        "code": code,
        "detail": detail,
    }
    if fields:
        body["fields"] = fields
    return Response(
        msgspec.json.encode(body),
        status_code=status,
        media_type="application/problem+json",
        headers={**SECURITY, **(headers or {})},  # what went wrong does not pass through ``_secure``
    )


def _problem(request: AnyRequest, problem: Problem) -> Response[bytes]:
    if problem.status in (401, 403):
        meters.authz_denied.labels(str(problem.status)).inc()
    if problem.status == 429:
        meters.rate_limited.labels("api").inc()
    headers = {"Retry-After": str(problem.retry_after)} if isinstance(problem, TooMany | Unavailable) else {}
    if "unread" in request.scope:  # the rest of the body may still be on its way, and is not waited for
        headers["Connection"] = "close"
    return _say(problem.status, problem.code, problem.detail, fields=problem.fields, headers=headers)


def _refused(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """What the framework refuses: malformed input, unknown paths, wrong methods."""
    if isinstance(error, ValidationException) or error.status_code == 400:
        extra = error.extra if isinstance(error.extra, Sequence) else []
        fields = {
            str(one.get("key", "body")): str(one.get("message", "invalid")) for one in extra if isinstance(one, dict)
        }
        return _say(
            400,
            "invalid",
            "Something in this request is not as it should be.",
            fields=fields or {"body": str(error.detail)[:300]},
        )
    codes = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type"}
    detail = "There is nothing at this address." if error.status_code == 404 else str(error.detail)[:300]
    return _say(error.status_code, codes.get(error.status_code, "refused"), detail, headers=dict(error.headers or {}))


def _failed(request: AnyRequest, error: Exception) -> Response[bytes]:
    """What nobody foresaw. Values that the database cannot hold are the caller's; a database that is away is not."""
    if isinstance(error, RecursionError):
        return _say(400, "invalid", "This request is nested more deeply than anything that means something.")
    if isinstance(error, asyncpg.DataError | OverflowError | UnicodeError):
        return _say(
            400, "invalid", "A value in this request is out of range or contains characters that cannot be stored."
        )
    if isinstance(error, asyncpg.ForeignKeyViolationError):
        return _say(409, "gone", "Something that this names does not exist any more.")
    if isinstance(error, asyncpg.DeadlockDetectedError | asyncpg.SerializationError | asyncpg.UniqueViolationError):
        again = "Somebody changed the same thing at the same moment. Try again."
        return _say(409, "try_again", again, headers={"Retry-After": "1"})
    log.error("a request failed", path=request.scope["path"], method=request.method, error=repr(error), exc_info=error)
    away = "The database cannot be reached just now. Try again in a moment."
    if isinstance(error, (*AWAY, TimeoutError)):
        return _say(503, "unavailable", away, headers={"Retry-After": "2"})
    return _say(500, "internal", "Something went wrong on our side. It was written to the log.")


# --- its description ------------------------------------------------------------------------------------------------


@get("/openapi.json", include_in_schema=False, sync_to_thread=False)
def get_description(request: AnyRequest) -> Response[bytes]:
    """OpenAPI 3.1. (The framework's own route would answer unknown addresses beside it with a page.)"""
    return Response(msgspec.json.encode(described(request.app)), media_type="application/vnd.oai.openapi+json")


# --- files --------------------------------------------------------------------------------------------------------


async def _sees_all(request: AnyRequest, resources: Resources, workspace_id: int) -> bool:
    """Whether somebody asks who is signed in there and may see every message: to them an address on a screen that was
    long open is as good as a new one."""
    try:
        actor = (await provide_context(request, resources)).actor
    except Unauthorised:
        return False
    return actor.workspace_id == workspace_id and actor.sees_all and actor.may("conversations:read")


@get("/files/{token:str}", operation_id="getFile", tags=["files"], include_in_schema=False)
async def get_file(request: AnyRequest, token: FromPath[str], resources: NamedDependency[Resources]) -> Response[bytes]:
    """A stored file by its signed address."""
    key = resources.vault.derive("files")
    link = downloads.verify(key, token, now=clock.now())
    if link is None:
        link = downloads.verify(key, token, now=None)
        if link is None or not await _sees_all(request, resources, link.workspace_id):
            raise NotFound("This file")
    try:
        data = await resources.files.get(link.digest)
    except Missing as error:
        raise NotFound("This file") from error
    headers = downloads.download_headers(link.name, link.content_type, data[:16])
    content_type = headers.pop("Content-Type")
    return Response(data, media_type=content_type, headers={**headers, "Cache-Control": "private, max-age=86400"})
