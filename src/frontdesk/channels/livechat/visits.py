"""A visit begins, and a visitor gets a name: ``POST session`` and ``POST identify``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from frontdesk.channels.livechat import settings, tokens, wire
from frontdesk.channels.livechat.files import MAX_BYTES, MAX_FILES
from frontdesk.channels.livechat.form import read_form
from frontdesk.channels.livechat.gate import (
    Asked,
    Caller,
    Front,
    find_inbox,
    let_in,
    may_embed,
    must_be_ours,
    network,
    public_key,
    read_json,
    slow_down,
)
from frontdesk.channels.livechat.hours import read_hours
from frontdesk.channels.livechat.problems import Problem
from frontdesk.channels.port import Account
from frontdesk.kit import clock


class Presence(msgspec.Struct):
    """Whether an answer can be expected now. ``away`` is what to do if not: email, message or hide; else nothing."""

    online: bool
    away: str | None
    next_opening: datetime | None
    reply_minutes: int | None


class Site(msgspec.Struct):
    """How the inbox wants to be seen."""

    title: str
    greeting: str
    colour: str
    position: str
    languages: list[str]
    form: list[dict[str, Any]]
    max_text: int = wire.MAX_TEXT
    max_file_bytes: int = MAX_BYTES
    max_files: int = MAX_FILES


class SessionView(msgspec.Struct):
    token: str
    identified: bool
    asked: bool
    email: bool  # an answer could go to a known address
    site: Site
    presence: Presence
    thread: wire.ThreadView


async def presence(front: Front, account: Account, at: datetime) -> Presence:
    hours = read_hours(account.get("hours"))
    online = hours.open_at(at) and await front.desk.online(account)
    return Presence(
        online=online,
        away=None if online else str(account.get("offline") or "email"),
        next_opening=None if hours.open_at(at) else hours.next_opening(at),
        reply_minutes=hours.reply_minutes,
    )


def site(account: Account) -> Site:
    return Site(
        title=str(account.get("title") or account.name),
        greeting=str(account.get("greeting") or ""),
        colour=settings.colour(account),
        position="start" if account.get("position") == "start" else "end",
        languages=list(settings.languages(account)),
        form=[msgspec.to_builtins(question) for question in read_form(account.get("pre_chat"))],
    )


async def session(front: Front, request: Asked) -> SessionView:
    """Begin or continue a visit. A token that is too old or wrong begins a new one; a wrong identity is refused."""
    slow_down(front, "session", network(request), whole_network=True)
    asked = await read_json(request, wire.SessionRequest)
    account = await find_inbox(front, asked.key)
    must_be_ours(request, account)
    if not may_embed(request, account, asked.origin):
        raise Problem(403, "origin_not_allowed", f"{asked.origin} is not one of this chat's websites.")
    at = clock.now()
    visit = _continue(account, asked.token, at)
    if asked.identity:
        visit = _identified(account, visit, asked.identity, at)
    if visit.identity is None and account.get("identity_required"):
        raise Problem(401, "identity_required", "Only signed-in visitors can write here.")
    return await _view(front, Caller(account=account, visit=visit, at=at))


async def identify(front: Front, request: Asked) -> SessionView:
    """Bind the visit to a person whom the business vouches for; from now on it sees that person's thread."""
    caller = await let_in(front, request, "session", identified=False)
    asked = await read_json(request, wire.IdentifyRequest)
    visit = _identified(caller.account, caller.visit, asked.identity, caller.at)
    return await _view(front, Caller(account=caller.account, visit=visit, at=caller.at))


def _continue(account: Account, token: str | None, at: datetime) -> tokens.Visit:
    """The visit of the token, with a fresh date; a new visitor where there is none, or where its identity has run out:
    whoever sits there now must not go on as the person who was signed in."""
    key, issued = public_key(account), int(at.timestamp())
    fresh = tokens.Visit(visitor=tokens.new_visitor(), inbox=key, issued=issued)
    if not token:
        return fresh
    try:
        known = tokens.read(token, tokens.Visit, account.secret, at=at)
    except tokens.BadToken:
        return fresh
    ended = known.identity is not None and known.identity.until < at.timestamp()
    return fresh if ended or known.inbox != key else msgspec.structs.replace(known, issued=issued)


def _identified(account: Account, visit: tokens.Visit, jwt: str, at: datetime) -> tokens.Visit:
    secret = str(account.get("identity_secret") or "")
    if len(secret) < settings.MIN_SECRET:
        raise Problem(401, "identity_invalid", "This inbox has no identity secret.")
    try:
        who = tokens.read_identity(jwt, secret, at=at)
    except tokens.BadIdentity as error:
        raise Problem(401, "identity_invalid", str(error)) from error
    if visit.identity and visit.identity.sub != who.sub:
        visit = msgspec.structs.replace(visit, visitor=tokens.new_visitor(), asked=False)
    return msgspec.structs.replace(visit, identity=who)


async def _view(front: Front, caller: Caller) -> SessionView:
    items, cursor = await front.desk.thread(caller.account, caller.address)
    who = caller.visit.identity
    return SessionView(
        token=tokens.sign(caller.visit, caller.account.secret),
        identified=who is not None,
        asked=caller.visit.asked or who is not None,
        email=bool(who and who.email),
        site=site(caller.account),
        presence=await presence(front, caller.account, caller.at),
        thread=wire.thread_view(items, cursor),
    )
