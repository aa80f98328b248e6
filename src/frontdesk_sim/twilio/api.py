"""The REST routes of Messages: create, list, fetch, cancel, redact, delete."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from datetime import UTC, datetime, timedelta
from sqlite3 import Row
from typing import Any
from urllib.parse import parse_qsl

from litestar import Response, delete, get, post

from ..injected import Call, InPath, TheWorld
from ..wire import drop
from ..world import World, now
from . import carrier, resources
from .errors import Refused, not_found, unauthorized
from .orders import Form, order_of

ACCOUNT = "/2010-04-01/Accounts/{account:str}"
DEFAULT_PAGE, MAX_PAGE = 50, 1000

# --- what every route begins with ---------------------------------------------------------------------------------


def authenticate(world: World, request: Call, account: str) -> Row:
    """The account, if the Basic credentials are its token or its API key (twilio.com/docs/iam/api).

    :raises Refused: 20003.
    """
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise unauthorized() from None
    row = world.store.row("SELECT * FROM accounts WHERE sid = ? AND ? IN (sid, key_sid)", account, user)
    if row is None or scheme.lower() != "basic":
        raise unauthorized()
    secret = row["auth_token"] if user == row["sid"] else row["key_secret"]
    if not hmac.compare_digest(secret.encode(), password.encode()):
        raise unauthorized()
    return row


async def trouble(world: World, request: Call, *parties: str) -> None:
    """The faults that strike before anything was done."""
    if world.faults.strikes("too_many", *parties):
        retry_after = {"Retry-After": str(world.faults.faults.retry_after)}
        raise Refused(20429, "Too Many Requests", 429, headers=retry_after)
    if world.faults.strikes("server_error", *parties):
        raise Refused(20500, "An internal server error has occurred", 500)
    if world.faults.strikes("drop_before", *parties):
        await drop(request)


async def trouble_reading(world: World, request: Call, *parties: str) -> None:
    if world.faults.faults.reads_too:
        await trouble(world, request, *parties)
        if world.faults.strikes("slow", *parties):
            await asyncio.sleep(world.faults.faults.slow_seconds)


async def form_of(request: Call) -> Form:
    body = await request.body()
    return Form(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _text_or_404(world: World, account: str, name: str, request: Call) -> Row:
    sid, dot, ending = name.partition(".")
    text = world.store.row("SELECT * FROM texts WHERE sid = ? AND account_sid = ?", sid, account)
    if text is None or (dot and ending != "json"):
        raise not_found(request.url.path)
    return text


# --- create -------------------------------------------------------------------------------------------------------


@post(f"{ACCOUNT}/Messages.json")
async def create_message(world: TheWorld, request: Call, account: InPath) -> Response[dict[str, Any]]:
    authenticate(world, request, account)
    form = await form_of(request)
    parties = (form.one("From") or form.one("MessagingServiceSid"), form.one("To"))
    await trouble(world, request, *parties)
    try:
        text, ahead = order_of(world, account, form)
    except Refused as refused:
        world.truth.note("text.refused", desk=parties[0], customer=parties[1], code=refused.code, body=form.one("Body"))
        raise
    hurried = not ahead and world.faults.strikes("callback_first", *parties)
    # a hurried text keeps its entry too, far ahead: should we be killed in the middle, it still arrives
    sid = carrier.accept(world, text, after=ahead or (60.0 if hurried else 0.0))
    stored = carrier.find(world, sid)
    assert stored is not None
    answer = resources.message(stored)
    if hurried:
        await carrier.rush(world, sid)
    if world.faults.strikes("drop_after", *parties):
        await drop(request)
    if world.faults.strikes("slow", *parties):
        await asyncio.sleep(world.faults.faults.slow_seconds)
    return Response(answer, status_code=201)


# --- read ---------------------------------------------------------------------------------------------------------


@get(f"{ACCOUNT}/Messages.json")
async def list_messages(world: TheWorld, request: Call, account: InPath) -> dict[str, Any]:
    """Newest first. A message that was not sent yet is filtered by its date of creation."""
    authenticate(world, request, account)
    query = Form(parse_qsl(request.url.query, keep_blank_values=True))
    await trouble_reading(world, request, query.one("From"), query.one("To"))
    where, values = ["account_sid = ?"], [account]
    for field, column in (("To", "recipient"), ("From", "sender")):
        if query.one(field):
            where.append(f"{column} = ?")
            values.append(query.one(field))
    for condition, moment in _dates(query):
        where.append(f"coalesce(sent, created) {condition} ?")
        values.append(moment)  # type: ignore[arg-type]
    rows, cut = cut_page(world, "texts", where, values, query)
    filters = [(name, value) for name, value in query.pairs if name not in ("Page", "PageSize", "PageToken")]
    shown = [resources.message(row) for row in rows]
    return resources.page(request.url.path, "messages", shown, filters=filters, cut=cut)


def _dates(query: Form) -> list[tuple[str, float]]:
    """DateSent as SQL conditions. ``<`` and ``>`` are inclusive; a bare date is its whole day, so is equality (UTC)."""
    conditions: list[tuple[str, float]] = []
    for name, value in query.pairs:
        if not name.startswith("DateSent") or not value:
            continue
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise Refused(20001, f"Parameter '{name}' is not valid") from None
        start = moment.replace(tzinfo=moment.tzinfo or UTC)
        end = start + (timedelta(days=1) if len(value) == len("2026-01-31") else timedelta(seconds=1))
        if name.startswith("DateSent<"):
            conditions.append(("<", end.timestamp()))
        elif name.startswith("DateSent>"):
            conditions.append((">=", start.timestamp()))
        else:
            midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
            conditions += [(">=", midnight.timestamp()), ("<", (midnight + timedelta(days=1)).timestamp())]
    return conditions


def cut_page(
    world: World, table: str, where: list[str], values: list[Any], query: Form
) -> tuple[list[Row], resources.Cut]:
    """The rows of the page asked for. A token says on which side of which row it lies: PA older, PB newer."""
    size = min(max(_whole(query.one("PageSize"), DEFAULT_PAGE), 1), MAX_PAGE)
    number, token = _whole(query.one("Page"), 0), query.one("PageToken")
    newer = token.startswith("PB")
    if token:
        where = [*where, f"id {'>' if newer else '<'} coalesce((SELECT id FROM {table} WHERE sid = ?), 0)"]
        values = [*values, token[2:]]
    offset = 0 if token else number * size
    order = "ASC" if newer else "DESC"
    sql = f"SELECT * FROM {table} WHERE {' AND '.join(where)} ORDER BY id {order} LIMIT ? OFFSET ?"
    rows = world.store.rows(sql, *values, size + 1, offset)
    more, rows = len(rows) > size, rows[:size]
    if newer:
        rows.reverse()
        more = True
    older_token = f"PA{rows[-1]['sid']}" if more and rows else None
    newer_token = f"PB{rows[0]['sid']}" if number and rows else None
    return rows, resources.Cut(number=number, size=size, older=older_token, newer=newer_token)


def _whole(text: str, default: int) -> int:
    return int(text) if text.isdigit() else default


@get(f"{ACCOUNT}/Messages/{{sid:str}}")
async def fetch_message(world: TheWorld, request: Call, account: InPath, sid: InPath) -> dict[str, Any]:
    authenticate(world, request, account)
    text = _text_or_404(world, account, sid, request)
    await trouble_reading(world, request, text["sender"] or "", text["recipient"])
    return resources.message(text)


# --- change -------------------------------------------------------------------------------------------------------


@post(f"{ACCOUNT}/Messages/{{sid:str}}", status_code=200)
async def update_message(world: TheWorld, request: Call, account: InPath, sid: InPath) -> dict[str, Any]:
    """Cancel a scheduled message (``Status=canceled``), or redact one (``Body=`` empty)."""
    authenticate(world, request, account)
    text = _text_or_404(world, account, sid, request)
    form = await form_of(request)
    if form.has("Status"):
        if form.one("Status") != "canceled":
            raise Refused(20001, "Parameter 'Status' is not valid")
        changed = world.store.changed(
            "UPDATE texts SET status = 'canceled', updated = ? WHERE sid = ? AND status = 'scheduled'",
            now(),
            text["sid"],
        )
        if not changed:
            raise Refused(30409, "This message cannot be canceled", 409)
    elif form.has("Body"):
        if form.one("Body"):
            raise Refused(20001, "Parameter 'Body' is not valid: a message can only be redacted")
        world.store.run("UPDATE texts SET body = '', updated = ? WHERE sid = ?", now(), text["sid"])
    return resources.message(_text_or_404(world, account, sid, request))


@delete(f"{ACCOUNT}/Messages/{{sid:str}}", status_code=204)
async def delete_message(world: TheWorld, request: Call, account: InPath, sid: InPath) -> None:
    authenticate(world, request, account)
    text = _text_or_404(world, account, sid, request)
    if text["status"] in ("accepted", "queued", "sending", "sent", "scheduled"):
        raise Refused(20009, "Cannot delete message because delivery has not been completed", 409)
    with world.store.transaction():
        world.store.run("DELETE FROM media WHERE text_sid = ?", text["sid"])
        world.store.run("DELETE FROM texts WHERE sid = ?", text["sid"])


ROUTES = [create_message, list_messages, fetch_message, update_message, delete_message]
