"""``Idempotency-Key`` on every POST of the API: the same key gives the same answer, and the work is done once.

As Stripe describes it: keys are kept for two days, belong to who used them, and may not be used again for another
request.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import msgspec
import structlog
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from frontdesk.kit import clock, ids
from frontdesk.kit.context import Resources
from frontdesk.kit.errors import Invalid, Refused, TooLarge
from frontdesk.kit.losses import AWAY
from frontdesk.people.queries import cookie_name

# Their answers carry secrets, of which the database keeps only digests.
SECRET = {"/api/v1/tokens", "/api/v1/session", "/api/v1/setup"}

log = structlog.get_logger()


class Idempotency(ASGIMiddleware):
    """Remembers the answers to POSTs that carry a key."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] != "POST" or not _remembered(scope["path"]):
            await next_app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        key = headers.get(b"idempotency-key", b"").decode("latin-1").strip()
        actor = _actor(headers, secure=self._resources.settings.secure)
        if not key or actor is None:
            await next_app(scope, receive, send)
            return
        if len(key) > 255:
            raise Invalid("An Idempotency-Key may have 255 characters.", code="bad_idempotency_key")
        body = await _read(receive, self._resources.settings.max_file)
        if body is None:
            return  # whoever left in the middle has asked for nothing, and hears no answer
        workspace_id, who = actor
        fingerprint = hashlib.sha256(scope["path"].encode() + b"?" + scope["query_string"] + b"\n" + body).digest()
        if (known := await self._begin(workspace_id, who, key, fingerprint)) is not None:
            await _replay(send, known)
            return
        await self._run(scope, body, send, next_app, (workspace_id, who, key))

    async def _begin(self, workspace_id: int, who: str, key: str, fingerprint: bytes) -> dict[str, Any] | None:
        """Reserve the key, or return the answer that it already has."""
        now = clock.now()
        async with self._resources.db.begin(workspace_id) as tx:
            if not await tx.fetchval("select 1 from workspaces where id = $1", workspace_id):
                return None
            made = await tx.execute(
                "insert into idempotency (workspace_id, actor, key, request_hash, created_at)"
                " values ($1, $2, $3, $4, $5)"
                " on conflict (workspace_id, actor, key) do update set created_at = excluded.created_at"
                " where idempotency.status is null and idempotency.request_hash = excluded.request_hash"
                " and idempotency.created_at < $6",
                workspace_id,
                who,
                key,
                fingerprint,
                now,
                now - timedelta(seconds=self._resources.settings.stuck_after),  # its process died
            )
            if made:
                return None
            row = await tx.fetchrow(
                "select * from idempotency where workspace_id = $1 and actor = $2 and key = $3", workspace_id, who, key
            )
        if row is None or row["request_hash"] != fingerprint:
            raise Refused("This Idempotency-Key was already used for another request.", code="idempotency_key_reused")
        if row["status"] is None:
            raise Refused("A request with this Idempotency-Key is still being worked on.", code="still_running")
        kept: dict[str, Any] = msgspec.msgpack.decode(row["body"])
        return kept

    async def _run(self, scope: Scope, body: bytes, send: Send, next_app: ASGIApp, owner: tuple[int, str, str]) -> None:
        sent: list[Message] = []
        delivered = False

        async def again() -> Any:
            nonlocal delivered
            if delivered:
                return {"type": "http.disconnect"}
            delivered = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(message: Message) -> None:
            sent.append(message)

        try:
            await next_app(scope, again, keep)
        except BaseException:
            await self._forget(owner)
            raise
        start = next(message for message in sent if message["type"] == "http.response.start")
        answer = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
        try:
            if _final(start["status"], answer) and not _secret(start["headers"]):
                await self._remember(owner, start, answer)
            else:
                await self._forget(owner)
        except AWAY as error:
            # What was asked for is done or not done, whatever we remember of it: the caller is told.
            log.warning("an answer could not be remembered", path=scope["path"], error=repr(error))
        for message in sent:
            await send(message)

    async def _remember(self, owner: tuple[int, str, str], start: Any, answer: bytes) -> None:
        kept = msgspec.msgpack.encode(
            {"status": start["status"], "headers": [list(pair) for pair in start["headers"]], "body": answer}
        )
        async with self._resources.db.begin(owner[0]) as tx:
            await tx.execute(
                "update idempotency set status = $4, body = $5 where workspace_id = $1 and actor = $2 and key = $3",
                *owner,
                start["status"],
                kept,
            )

    async def _forget(self, owner: tuple[int, str, str]) -> None:
        async with self._resources.db.begin(owner[0]) as tx:
            await tx.execute(
                "delete from idempotency where workspace_id = $1 and actor = $2 and key = $3 and status is null", *owner
            )


def _remembered(path: str) -> bool:
    return path.startswith("/api/v1/") and path.rstrip("/") not in SECRET


def _secret(headers: Any) -> bool:
    """Whether an answer is for its caller's eyes only: what is stored can be read by whoever reads the database."""
    return any(
        name.lower() == b"set-cookie" or (name.lower() == b"cache-control" and b"no-store" in value.lower())
        for name, value in headers
    )


def _final(status: int, answer: bytes) -> bool:
    """Whether asking again would bring the same answer."""
    if status >= 500 or status in (401, 403, 429):
        return False
    return status != 409 or msgspec.json.decode(answer).get("code") != "try_again"


def credential(headers: dict[bytes, bytes], *, secure: bool) -> str:
    """The bearer token or the session cookie that came, or nothing; whether it is valid shows later."""
    authorisation = headers.get(b"authorization", b"").decode("latin-1")
    if authorisation[:7].lower() == "bearer ":
        return authorisation[7:].strip()
    pairs = (pair.strip().partition("=") for pair in headers.get(b"cookie", b"").decode("latin-1").split(";"))
    return {name: value for name, _, value in pairs}.get(cookie_name(secure=secure), "")


def _actor(headers: dict[bytes, bytes], *, secure: bool) -> tuple[int, str] | None:
    """(workspace, a name for the caller) from the credential that came."""
    shown = credential(headers, secure=secure)
    workspace_id = ids.tenant_of(shown.removeprefix("fd_"))
    return (workspace_id, hashlib.sha256(shown.encode()).hexdigest()) if workspace_id is not None else None


async def _read(receive: Receive, most: int) -> bytes | None:
    """The whole body; None if its sender went away before the end."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise TooLarge("This request is too large.")
        if not message.get("more_body"):
            return b"".join(parts)


async def _replay(send: Send, kept: dict[str, Any]) -> None:
    headers = [(bytes(name), bytes(value)) for name, value in kept["headers"]]
    await send(
        {
            "type": "http.response.start",
            "status": kept["status"],
            "headers": [*headers, (b"idempotent-replay", b"true")],
        }
    )
    await send({"type": "http.response.body", "body": kept["body"], "more_body": False})
