"""The conversation itself: messages, files, typing, seen, and the thread so far."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import msgspec

from frontdesk.channels.livechat import clean, files, tokens, wire
from frontdesk.channels.livechat.form import Answers, read_answers, read_form
from frontdesk.channels.livechat.gate import Asked, Caller, Front, let_in, read_bytes, read_json
from frontdesk.channels.livechat.problems import Problem
from frontdesk.channels.livechat.visits import presence
from frontdesk.channels.port import Raw, Whisper


class Taken(msgspec.Struct):
    """The message is committed. ``token`` replaces the session's if the questions before the chat are now answered."""

    id: str
    at: datetime
    new: bool
    token: str | None = None


class Uploaded(msgspec.Struct):
    """``file`` is the ticket to name in a message."""

    file: str
    name: str
    type: str
    size: int


async def thread(front: Front, request: Asked) -> wire.ThreadView:
    caller = await let_in(front, request, "read")
    items, cursor = await front.desk.thread(caller.account, caller.address)
    return wire.thread_view(items, cursor)


async def message(front: Front, request: Asked) -> Taken:
    """Store one message. The widget's id makes a repeated request the same message: the answer is the same too."""
    caller = await let_in(front, request, "messages")
    asked = await read_json(request, wire.MessageRequest)
    text = clean.text(asked.text)
    if len(text) > wire.MAX_TEXT:
        raise Problem(422, "too_long", f"A message can have at most {wire.MAX_TEXT:,} characters.")
    kept = [_file(caller, ticket) for ticket in asked.files]
    if not text and not kept:
        raise Problem(422, "empty", "Write something first.")
    answers = _answers(caller, asked)
    stored = await _stored(front, caller, asked, text, kept, answers)
    raw = Raw(dedupe_key=wire.MESSAGE_KEY + asked.id, body=msgspec.json.encode(stored), meta={"source": "widget"})
    new = await front.desk.store(caller.account, [raw])
    visit = msgspec.structs.replace(caller.visit, asked=True)
    token = tokens.sign(visit, caller.account.secret) if visit != caller.visit else None
    return Taken(id=asked.id, at=caller.at, new=new > 0, token=token)


async def upload(front: Front, request: Asked) -> Uploaded:
    """Keep one file, whose bytes are the body. Its kind is what its bytes say."""
    caller = await let_in(front, request, "files")
    name = clean.file_name(request.query_params.get("name", "file"))
    data = await read_bytes(request, files.MAX_BYTES)
    if not data:
        raise Problem(422, "empty", "This file is empty.")
    content_type = files.sniff(data, name)
    if content_type is None:
        raise Problem(415, "file_kind", "Files of this kind cannot be sent here.")
    digest = await front.desk.keep(caller.account, data, content_type)
    ticket = tokens.FileTicket(
        visitor=caller.visit.visitor,
        hash=digest,
        name=name,
        type=content_type,
        size=len(data),
        issued=int(caller.at.timestamp()),
    )
    return Uploaded(file=tokens.sign(ticket, caller.account.secret), name=name, type=content_type, size=len(data))


async def typing(front: Front, request: Asked) -> None:
    caller = await let_in(front, request, "typing")
    asked = await read_json(request, wire.TypingRequest)
    await front.desk.whisper(caller.account, Whisper(sender=caller.address, kind="typing", on=asked.on))


async def seen(front: Front, request: Asked) -> None:
    """Note which of our messages the visitor's screen has shown. Names of other people's messages are ignored."""
    caller = await let_in(front, request, "seen")
    asked = await read_json(request, wire.SeenRequest)
    items, _ = await front.desk.thread(caller.account, caller.address, limit=wire.MAX_SEEN)
    wanted = set(asked.ids)
    shown = [item.id for item in items if not item.mine and item.id in wanted]
    if shown:
        mark = hashlib.sha256("\n".join(shown).encode()).hexdigest()[:32]
        body = msgspec.json.encode(wire.StoredSeen(ids=shown, at=caller.at))
        await front.desk.store(caller.account, [Raw(dedupe_key=f"seen:{mark}", body=body, meta={"source": "widget"})])


def _file(caller: Caller, ticket: str) -> wire.KeptFile:
    try:
        file = tokens.read(ticket, tokens.FileTicket, caller.account.secret, at=caller.at)
    except tokens.BadToken as error:
        raise Problem(422, "file_gone", "A file has to be attached again.") from error
    if file.visitor != caller.visit.visitor:
        raise Problem(422, "file_gone", "A file has to be attached again.")
    return wire.KeptFile(hash=file.hash, name=file.name, type=file.type, size=file.size)


def _answers(caller: Caller, asked: wire.MessageRequest) -> Answers:
    """The answers to the questions before the chat; a visitor who has to answer them and has not is refused."""
    if caller.visit.identity or (caller.visit.asked and not asked.answers):
        return Answers()
    answers = read_answers(read_form(caller.account.get("pre_chat")), asked.answers or {}, clean.locale(asked.locale))
    if answers.wrong:
        raise Problem(422, "form", "Please check your answers.", fields=answers.wrong)
    return answers


async def _stored(
    front: Front,
    caller: Caller,
    asked: wire.MessageRequest,
    text: str,
    kept: list[wire.KeptFile],
    answers: Answers,
) -> wire.StoredMessage:
    left = clean.email(asked.email) if asked.email else None
    if asked.email and not left:
        raise Problem(422, "email", "Please check your email address.")
    who = caller.visit.identity
    reachable = answers.email or (who.email if who else None)
    away = (await presence(front, caller.account, caller.at)).away == "email"
    return wire.StoredMessage(
        id=asked.id,
        at=caller.at,
        inbox=caller.visit.inbox,
        visitor=caller.visit.visitor,
        text=text,
        name=answers.name,
        email=left or answers.email,
        phone=answers.phone,
        identity=wire.KeptIdentity(sub=who.sub, name=who.name, email=who.email, phone=who.phone) if who else None,
        files=kept,
        answers=answers.kept,
        page=_page(asked.page),
        locale=clean.locale(asked.locale),
        tz=clean.zone(asked.tz),
        continue_by_email=bool(left or (away and reachable)),
    )


def _page(page: wire.Page | None) -> dict[str, str]:
    if page is None:
        return {}
    found: dict[str, Any] = {
        "url": clean.url(page.url),
        "title": clean.line(page.title),
        "referrer": clean.url(page.referrer),
    }
    return {name: value for name, value in found.items() if value}
