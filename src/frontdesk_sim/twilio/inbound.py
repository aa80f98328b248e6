"""Texts of customers: stored, announced to the number's SmsUrl, answered with TwiML; STOP stops and START starts.

Source for keywords: help.twilio.com "Twilio support for opt-out keywords (SMS STOP filtering)".
"""

from __future__ import annotations

import contextlib
from typing import Any
from xml.etree import ElementTree

import httpx
import msgspec

from ..world import World
from .carrier import Picture, Text, accept, opted_out, store_text
from .resources import API
from .segments import segments
from .webhooks import Webhook, announce, deliver

STOP_WORDS = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
START_WORDS = frozenset({"start", "yes", "unstop"})
STOP_REPLY = (
    "You have successfully been unsubscribed. You will not receive any more messages from this number."
    " Reply START to resubscribe."
)
START_REPLY = (
    "You have successfully been re-subscribed to messages from this number."
    " Reply HELP for help. Reply STOP to unsubscribe."
)


def receive(world: World, *, customer: str, desk: str, body: str, pictures: list[Picture] | None = None) -> str:
    """A customer texts a number of the desk: stored, noted, and announced to the number's SmsUrl. Returns the sid.

    :raises LookupError: nobody owns the number ``desk``.
    """
    number = world.store.row("SELECT * FROM numbers WHERE number = ?", desk)
    if number is None:
        raise LookupError(f"There is no number {desk}.")
    text = Text(
        account=number["account_sid"],
        direction="inbound",
        sender=customer,
        recipient=desk,
        body=body,
        status="received",
        service=number["service_sid"],
        pictures=pictures or [],
    )
    with world.store.transaction():
        sid = store_text(world, text)
        world.truth.note("text.inbound", desk=desk, customer=customer, sid=sid, body=body, media=len(text.pictures))
        _note_consent(world, text)
        if number["sms_url"]:
            hook = Webhook(
                url=number["sms_url"],
                fallback=number["sms_fallback_url"],
                account=number["account_sid"],
                desk=desk,
                customer=customer,
                params=_inbound_params(world, sid, text),
            )
            announce(world, hook, lane=f"inbound {customer} {desk}")
    return sid


def _note_consent(world: World, text: Text) -> None:
    word, desk, customer = text.body.strip().casefold(), text.recipient, text.sender or ""
    out = opted_out(world, desk, customer)
    if word in STOP_WORDS and not out:
        world.store.run("INSERT INTO opt_outs VALUES (?, ?)", desk, customer)
        world.truth.note("optout.on", desk=desk, customer=customer)
        _reply(world, text, STOP_REPLY)
    elif word in START_WORDS and out:
        world.store.run("DELETE FROM opt_outs WHERE desk = ? AND customer = ?", desk, customer)
        world.truth.note("optout.off", desk=desk, customer=customer)
        _reply(world, text, START_REPLY)


def _reply(world: World, text: Text, body: str) -> None:
    reply = Text(
        account=text.account,
        direction="outbound-reply",
        sender=text.recipient,
        recipient=text.sender or "",
        body=body,
        status="queued",
    )
    accept(world, reply)


def obey(world: World, answer: httpx.Response, *, desk: str, customer: str) -> None:
    """Do what TwiML in the answer asks: every ``<Message>`` becomes a reply (twilio.com/docs/messaging/twiml)."""
    if "xml" not in answer.headers.get("content-type", "") or b"<!DOCTYPE" in answer.content:
        return
    account = world.store.value("SELECT account_sid FROM numbers WHERE number = ?", desk)
    with contextlib.suppress(ElementTree.ParseError):
        for message in ElementTree.fromstring(answer.content).iter("Message"):  # noqa: S314 - no DOCTYPE, so no entities
            body = message.findtext("Body") or message.text or ""
            reply = Text(
                account=account,
                direction="outbound-reply",
                sender=desk,
                recipient=customer,
                body=body.strip(),
                status="queued",
                callback=message.get("statusCallback", ""),
                pictures=[Picture(source=(media.text or "").strip()) for media in message.iter("Media")],
            )
            accept(world, reply)


PLACES = {"+1202": ("WASHINGTON", "DC", "20001")}  # area code: city, state, zip
COUNTRIES = {"+1": "US", "+30": "GR", "+33": "FR", "+34": "ES", "+39": "IT", "+44": "GB", "+49": "DE", "+91": "IN"}


def _inbound_params(world: World, sid: str, text: Text) -> list[tuple[str, str]]:
    """The parameters of an incoming message (twilio.com/docs/messaging/guides/webhook-request)."""
    params = [
        *_place("To", text.recipient),
        *_place("From", text.sender or ""),
        ("SmsMessageSid", sid),
        ("NumMedia", str(len(text.pictures))),
        ("SmsSid", sid),
        ("SmsStatus", "received"),
        ("Body", text.body),
        ("To", text.recipient),
        ("NumSegments", str(segments(text.body))),
        ("MessageSid", sid),
        ("AccountSid", text.account),
        ("From", text.sender or ""),
        ("ApiVersion", API),
    ]
    params += [("MessagingServiceSid", text.service)] if text.service else []
    rows = world.store.rows("SELECT sid, content_type FROM media WHERE text_sid = ? ORDER BY place", sid)
    for place, row in enumerate(rows):
        address = f"{world.base_url}/{API}/Accounts/{text.account}/Messages/{sid}/Media/{row['sid']}"
        params += [(f"MediaContentType{place}", row["content_type"]), (f"MediaUrl{place}", address)]
    return params


def _place(side: str, number: str) -> list[tuple[str, str]]:
    city, state, zip_code = next((place for code, place in PLACES.items() if number.startswith(code)), ("", "", ""))
    country = next((COUNTRIES[number[:digits]] for digits in (3, 2) if number[:digits] in COUNTRIES), "")
    return [(f"{side}City", city), (f"{side}State", state), (f"{side}Zip", zip_code), (f"{side}Country", country)]


async def post_webhook(world: World, payload: dict[str, Any]) -> None:
    """Deliver a webhook from the agenda, and do what the answer to an incoming message asks."""
    hook = msgspec.convert(payload, Webhook)
    answer = await deliver(world, hook)
    if answer is not None and not hook.forged and "MessageStatus" not in dict(hook.params):
        obey(world, answer, desk=hook.desk, customer=hook.customer)
