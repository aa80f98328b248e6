"""What every request passes before it means anything: same origin, size, rate, inbox, visitor."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from litestar import Request

from frontdesk.channels.livechat import settings, tokens
from frontdesk.channels.livechat.limits import Limits
from frontdesk.channels.livechat.problems import Problem
from frontdesk.channels.livechat.wire import MAX_BODY
from frontdesk.channels.port import Account, Address, Desk
from frontdesk.kit import clock
from frontdesk.kit.addresses import network_of

Asked = Request[Any, Any, Any]
T = TypeVar("T")

_KEY = re.compile(r"[A-Za-z0-9._~-]{1,200}")


@dataclass(frozen=True)
class Front:
    """What the endpoints stand on: the application's desk, and what this process remembers of its visitors' haste."""

    desk: Desk
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Caller:
    """A visitor who was let in."""

    account: Account
    visit: tokens.Visit
    at: datetime

    @property
    def address(self) -> Address:
        """A signed identity is the same person on every device; without one, every browser is somebody else."""
        if who := self.visit.identity:
            return Address(kind="external", value=who.sub, scope=self.visit.inbox, name=who.name, verified=True)
        return Address(kind="visitor", value=self.visit.visitor, scope=self.visit.inbox)


def public_key(account: Account) -> str:
    return account.hook_url.rstrip("/").rpartition("/")[2]


def own_origins(request: Asked, account: Account) -> set[str]:
    """Our own address: as configured, and as this browser named it."""
    named = settings.as_origin(f"{request.scope['scheme']}://{request.headers.get('host', '')}")
    configured = settings.as_origin("/".join(account.hook_url.split("/")[:3]))
    return {origin for origin in (named, configured) if origin}


def may_embed(request: Asked, account: Account, origin: str) -> bool:
    return origin in settings.origins(account) or origin in own_origins(request, account)


def network(request: Asked) -> str:
    """Of the address that the server sees; behind a proxy, of what the server was told to trust."""
    return network_of(request.client.host) if request.client else "unknown"


def slow_down(front: Front, what: str, who: str, *, whole_network: bool = False) -> None:
    """Raises a 429 if ``who`` has asked too often."""
    seconds = front.limits.wait(what, who, network=whole_network)
    if seconds:
        raise Problem(429, "too_fast", "That was a lot at once. Please wait a moment.", retry_after=seconds)


def must_be_ours(request: Asked, account: Account) -> None:
    """Only our own frame may call: a browser says whence a request comes, and other programs gain nothing by lying."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        allowed = site in ("same-origin", "none")
    else:
        origin = request.headers.get("origin")
        allowed = origin is None or origin in own_origins(request, account)
    if not allowed:
        raise Problem(403, "foreign_origin", "Only the chat window itself may ask this.")


async def find_inbox(front: Front, key: str) -> Account:
    account = await front.desk.account(key) if _KEY.fullmatch(key) else None
    if account is None:
        raise Problem(404, "no_such_inbox", "There is no live chat with this key.")
    return account


async def let_in(front: Front, request: Asked, what: str, *, identified: bool = True) -> Caller:
    """The visitor behind the bearer token. Raises 401, 403, 404 or 429 problems.

    ``identified=False`` lets in a visitor without the identity that the inbox demands, so that it can be given.
    """
    at = clock.now()
    slow_down(front, what, network(request), whole_network=True)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Problem(401, "no_session", "This needs a session.")
    try:
        account = await find_inbox(front, tokens.inbox_of(token))
        visit = tokens.read(token, tokens.Visit, account.secret, at=at)
    except tokens.BadToken as error:
        raise Problem(401, "bad_session", "This session is not valid any more.") from error
    must_be_ours(request, account)
    slow_down(front, what, visit.visitor)
    if visit.identity and visit.identity.until < at.timestamp():
        raise Problem(401, "identity_expired", "Please sign in again.")
    if identified and account.get("identity_required") and not visit.identity:
        raise Problem(401, "identity_required", "Only signed-in visitors can write here.")
    return Caller(account=account, visit=visit, at=at)


async def read_bytes(request: Asked, limit: int) -> bytes:
    """The body, never holding more than ``limit`` bytes and a chunk; raises a 413 problem."""
    too_big = Problem(413, "too_big", f"This is larger than {limit // 1024:,} KB.")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise too_big
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise too_big
    return bytes(body)


async def read_json(request: Asked, shape: type[T]) -> T:
    """The body as ``shape``; raises 400, 413 or 415 problems."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem(415, "not_json", "Send application/json.")
    try:
        return msgspec.json.decode(await read_bytes(request, MAX_BODY), type=shape)
    except msgspec.ValidationError as error:
        raise Problem(400, "bad_request", str(error)[:300]) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, "bad_json", "This is not JSON.") from error
