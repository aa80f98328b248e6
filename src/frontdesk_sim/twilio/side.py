"""The REST routes beside Messages: their media, the account, and its phone numbers."""

from __future__ import annotations

from sqlite3 import Row
from typing import Any

from litestar import Response, delete, get, post

from ..injected import Call, InPath, TheWorld
from ..world import World, now
from . import resources
from .api import ACCOUNT, authenticate, cut_page, form_of, trouble_reading
from .errors import not_found
from .orders import Form


def _medium_or_404(world: World, account: str, sid: str, name: str, request: Call) -> Row:
    row = world.store.row(
        "SELECT media.* FROM media JOIN texts ON texts.sid = media.text_sid"
        " WHERE media.sid = ? AND texts.sid = ? AND texts.account_sid = ?",
        name.removesuffix(".json"),
        sid,
        account,
    )
    if row is None:
        raise not_found(request.url.path)
    return row


@get(f"{ACCOUNT}/Messages/{{sid:str}}/Media.json")
async def list_media(world: TheWorld, request: Call, account: InPath, sid: InPath) -> dict[str, Any]:
    authenticate(world, request, account)
    if world.store.row("SELECT 1 FROM texts WHERE sid = ? AND account_sid = ?", sid, account) is None:
        raise not_found(request.url.path)
    rows = world.store.rows("SELECT * FROM media WHERE text_sid = ? ORDER BY place", sid)
    shown = [resources.media(row, account) for row in rows]
    cut = resources.Cut(number=0, size=50, older=None, newer=None)
    return resources.page(request.url.path, "media_list", shown, filters=[], cut=cut)


@get(f"{ACCOUNT}/Messages/{{sid:str}}/Media/{{name:str}}")
async def fetch_media(world: TheWorld, request: Call, account: InPath, sid: InPath, name: InPath) -> Response[Any]:
    """The resource for ``….json``; else a redirect to the bytes, as the address in a webhook has it."""
    authenticate(world, request, account)
    row = _medium_or_404(world, account, sid, name, request)
    await trouble_reading(world, request)
    if name.endswith(".json"):
        return Response(resources.media(row, account))
    return Response(None, status_code=307, headers={"Location": f"{world.base_url}/cdn/{row['token']}"})


@delete(f"{ACCOUNT}/Messages/{{sid:str}}/Media/{{name:str}}", status_code=204)
async def delete_media(world: TheWorld, request: Call, account: InPath, sid: InPath, name: InPath) -> None:
    authenticate(world, request, account)
    row = _medium_or_404(world, account, sid, name, request)
    world.store.run("DELETE FROM media WHERE sid = ?", row["sid"])


@get("/cdn/{token:str}")
async def media_bytes(world: TheWorld, request: Call, token: InPath) -> Response[bytes]:
    """The bytes, for whoever knows the address. Like the store behind Twilio it refuses a second authorisation."""
    if "authorization" in request.headers:
        refusal = b"<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism allowed</Message></Error>"
        return Response(refusal, status_code=400, media_type="application/xml")
    row = world.store.row("SELECT content_type, data FROM media WHERE token = ? AND data IS NOT NULL", token)
    if row is None:
        return Response(b"", status_code=404, media_type="text/plain")
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}
    return Response(row["data"], media_type=row["content_type"], headers=headers)


@get("/2010-04-01/Accounts/{account:str}")
async def fetch_account(world: TheWorld, request: Call, account: InPath) -> dict[str, Any]:
    row = authenticate(world, request, account.removesuffix(".json"))
    await trouble_reading(world, request)
    return resources.account(row)


@get(f"{ACCOUNT}/IncomingPhoneNumbers.json")
async def list_numbers(world: TheWorld, request: Call, account: InPath) -> dict[str, Any]:
    authenticate(world, request, account)
    await trouble_reading(world, request)
    query = Form(list(request.query_params.multi_items()))
    where, values = ["account_sid = ?"], [account]
    if query.one("PhoneNumber"):
        where.append("number = ?")
        values.append(query.one("PhoneNumber"))
    rows, cut = cut_page(world, "(SELECT rowid AS id, * FROM numbers)", where, values, query)
    filters = [(name, value) for name, value in query.pairs if name not in ("Page", "PageSize", "PageToken")]
    shown = [resources.phone_number(row) for row in rows]
    return resources.page(request.url.path, "incoming_phone_numbers", shown, filters=filters, cut=cut)


def _number_or_404(world: World, account: str, sid: str, request: Call) -> Row:
    row = world.store.row("SELECT * FROM numbers WHERE sid = ? AND account_sid = ?", sid.removesuffix(".json"), account)
    if row is None:
        raise not_found(request.url.path)
    return row


@get(f"{ACCOUNT}/IncomingPhoneNumbers/{{sid:str}}")
async def fetch_number(world: TheWorld, request: Call, account: InPath, sid: InPath) -> dict[str, Any]:
    authenticate(world, request, account)
    return resources.phone_number(_number_or_404(world, account, sid, request))


@post(f"{ACCOUNT}/IncomingPhoneNumbers/{{sid:str}}", status_code=200)
async def update_number(world: TheWorld, request: Call, account: InPath, sid: InPath) -> dict[str, Any]:
    """Change where incoming texts are announced (SmsUrl, SmsFallbackUrl) or the friendly name."""
    authenticate(world, request, account)
    row = _number_or_404(world, account, sid, request)
    form = await form_of(request)
    columns = {"SmsUrl": "sms_url", "SmsFallbackUrl": "sms_fallback_url", "FriendlyName": "friendly_name"}
    with world.store.transaction():
        for field, column in columns.items():
            if form.has(field):
                sql = f"UPDATE numbers SET {column} = ?, updated = ? WHERE sid = ?"
                world.store.run(sql, form.one(field), now(), row["sid"])
    return resources.phone_number(_number_or_404(world, account, sid, request))


ROUTES = [
    list_media,
    fetch_media,
    delete_media,
    media_bytes,
    fetch_account,
    list_numbers,
    fetch_number,
    update_number,
]
