"""The telephone network behind the API: a text of the desk is queued, sent, and delivered or not."""

from __future__ import annotations

import secrets
from sqlite3 import Row
from typing import Any

import httpx
import msgspec

from ..world import World, new_sid, now
from .errors import FAILURES
from .resources import API
from .segments import segments
from .webhooks import Webhook, announce, deliver

REACH_FAILURES = {"unreachable": 30003, "unknown": 30005, "landline": 30006, "filtered": 30007}
RANK = {
    "scheduled": 0,
    "accepted": 1,
    "queued": 2,
    "sending": 3,
    "sent": 4,
    "delivered": 5,
    "undelivered": 5,
    "failed": 5,
}
ENDED = 5
MAX_MEDIA_BYTES = 5 * 1024 * 1024  # twilio.com/docs/messaging/guides/accepted-mime-types
PRICE_PER_SEGMENT, PRICE_PER_MMS = 0.0083, 0.02  # US dollars; plausible, not a price list


class Picture(msgspec.Struct, kw_only=True):
    """A file with a text: its bytes, or the address at which the desk offers it."""

    content_type: str = "application/octet-stream"
    data: bytes | None = None
    source: str = ""


class Text(msgspec.Struct, kw_only=True):
    account: str
    direction: str
    sender: str | None
    recipient: str
    body: str
    status: str
    service: str | None = None
    callback: str = ""
    pictures: list[Picture] = []


def store_text(world: World, text: Text) -> str:
    """Insert a text and its pictures; returns the new sid. Joins the open transaction."""
    sid, moment = new_sid("MM" if text.pictures else "SM"), now()
    world.store.run(
        "INSERT INTO texts (sid, account_sid, service_sid, direction, sender, recipient, body, status, segments, media,"
        " callback, created, updated, sent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        sid,
        text.account,
        text.service,
        text.direction,
        text.sender,
        text.recipient,
        text.body,
        text.status,
        segments(text.body),
        len(text.pictures),
        text.callback,
        moment,
        moment,
        moment if text.direction == "inbound" else None,
    )
    for place, picture in enumerate(text.pictures):
        world.store.run(
            "INSERT INTO media VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            new_sid("ME"),
            sid,
            place,
            picture.content_type,
            picture.source,
            secrets.token_urlsafe(24),
            picture.data,
            moment,
        )
    return sid


def find(world: World, sid: str) -> Row | None:
    return world.store.row("SELECT * FROM texts WHERE sid = ?", sid)


def opted_out(world: World, desk: str, customer: str) -> bool:
    return world.store.row("SELECT 1 FROM opt_outs WHERE desk = ? AND customer = ?", desk, customer) is not None


def accept(world: World, text: Text, *, after: float = 0.0) -> str:
    """Take a text for delivery: it and its next step are stored before anybody is told that it was accepted."""
    with world.store.transaction():
        sid = store_text(world, text)
        world.truth.note(
            "text.accepted",
            desk=text.sender or text.service or "",
            customer=text.recipient,
            sid=sid,
            body=text.body,
            media=[picture.source for picture in text.pictures],
            callback=text.callback,
            direction=text.direction,
        )
        world.agenda.add("twilio.travel", {"sid": sid, "to": "queued"}, after=after, lane=sid)
    return sid


async def travel(world: World, payload: dict[str, Any]) -> None:
    """One step of a text's way: queued, sent, and then delivered or undelivered."""
    sid, status = payload["sid"], payload["to"]
    text = find(world, sid)
    if text is None or text["status"] == "canceled" or RANK[text["status"]] > min(RANK.get(status, ENDED), ENDED - 1):
        return
    if status == "sent" and text["media"] and not await _fetch_media(world, sid):
        step(world, text, "failed", 11200)
        return
    ending, code = _ending(world, text) if status == "end" else (status, None)
    with world.store.transaction():
        step(world, text, ending, code)
        pause = world.faults.chance("pace")
        if status == "queued":
            world.agenda.add(
                "twilio.travel", {"sid": sid, "to": "sent"}, after=world.pace * pause.uniform(0.1, 0.4), lane=sid
            )
        elif status == "sent":
            world.agenda.add(
                "twilio.travel", {"sid": sid, "to": "end"}, after=world.pace * pause.uniform(0.3, 1.5), lane=sid
            )


async def rush(world: World, sid: str) -> None:
    """The whole way at once, every status callback answered before this returns."""
    for status in ("queued", "sent", "end"):
        text = find(world, sid)
        assert text is not None
        ending, code = _ending(world, text) if status == "end" else (status, None)
        for hook in step(world, text, ending, code, silent=True):
            await deliver(world, hook)


def step(world: World, text: Row, status: str, code: int | None = None, *, silent: bool = False) -> list[Webhook]:
    """Record a status and call back. ``silent`` returns the callback instead of putting it on the agenda."""
    moment = now()
    sender = text["sender"] or world.store.value(
        "SELECT number FROM numbers WHERE service_sid = ? ORDER BY created, number LIMIT 1", text["service_sid"]
    )
    price = f"-{PRICE_PER_MMS if text['media'] else PRICE_PER_SEGMENT * text['segments']:.5f}"
    world.store.run(
        "UPDATE texts SET status = ?, error_code = ?, updated = ?, sender = ? WHERE sid = ?",
        *(status, code, moment, sender, text["sid"]),
    )
    if status == "sent":
        world.store.run("UPDATE texts SET sent = ?, price = ? WHERE sid = ?", moment, price, text["sid"])
    world.truth.note(
        "text.status", desk=sender or "", customer=text["recipient"], sid=text["sid"], status=status, error_code=code
    )
    if status == "delivered" and text["direction"] == "outbound-api":
        world.arrived(text["recipient"], sender or "")
    if not text["callback"]:
        return []
    params = [
        ("SmsSid", text["sid"]),
        ("SmsStatus", status),
        ("MessageStatus", status),
        ("To", text["recipient"]),
        ("MessageSid", text["sid"]),
        ("AccountSid", text["account_sid"]),
        ("From", sender or ""),
        ("ApiVersion", API),
    ]
    params += [("MessagingServiceSid", text["service_sid"])] if text["service_sid"] else []
    params += [("ErrorCode", str(code)), ("ErrorMessage", FAILURES.get(code, "Unknown error"))] if code else []
    hook = Webhook(
        url=text["callback"], params=params, account=text["account_sid"], desk=sender or "", customer=text["recipient"]
    )
    if not silent:
        announce(world, hook, lane=f"callback {text['sid']}")
    return [hook]


def _ending(world: World, text: Row) -> tuple[str, int | None]:
    customer, desk = text["recipient"], text["sender"] or ""
    if text["service_sid"] and opted_out(world, desk, customer):
        return "failed", 21610
    reach = world.store.value("SELECT reach FROM customers WHERE number = ?", customer)
    if code := REACH_FAILURES.get(reach or "reachable"):
        return "undelivered", code
    if world.faults.strikes("undelivered", desk, customer):
        return "undelivered", world.faults.faults.undelivered_code
    return "delivered", None


async def _fetch_media(world: World, sid: str) -> bool:
    """Twilio downloads what a MediaUrl offers before it sends; without the media the message fails."""
    for row in world.store.rows("SELECT sid, source FROM media WHERE text_sid = ? AND data IS NULL", sid):
        try:
            answer = await world.outside.get(row["source"], follow_redirects=True, timeout=10)
            answer.raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL):
            return False
        if len(answer.content) > MAX_MEDIA_BYTES:
            return False
        content_type = answer.headers.get("content-type", "application/octet-stream").partition(";")[0]
        world.store.run(
            "UPDATE media SET content_type = ?, data = ? WHERE sid = ?", content_type, answer.content, row["sid"]
        )
    return True
