"""A workspace into which hostile strangers and hostile colleagues have put markup wherever there is a place for text.

What comes from outside comes through the channels' own drivers: real mails, texts and chat messages, parsed and cleaned
as ever. What colleagues type is written into the tables without the checks of the API: screens must not rely on them.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec
import pytest
from asyncpg import connect as connect_to

from conftest import PASSWORD, _empty
from frontdesk.channels.livechat.wire import KeptFile, StoredMessage
from frontdesk.channels.port import Raw
from frontdesk.conversations.actions import send, write
from frontdesk.conversations.handlers import ingest
from frontdesk.inboxes import actions as inboxes
from frontdesk.kit.context import Actor, Resources
from frontdesk.kit.files import open_store
from frontdesk.kit.secrets import Vault
from frontdesk.kit.settings import Settings
from frontdesk.kit.transaction import Database
from frontdesk.people.actions import passwords
from frontdesk.people.rules import PERMISSIONS
from frontdesk.realtime.queries.hub import Hub
from realtime.site import CHEAP, serving
from security.payloads import MARKUP, WORDS, marked

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PART = 48  # messages in one conversation: no more than the first page of a thread
MAILBOX = {"address": "desk@harbour.example", "receive": "listen", "name": "Harbour"}
MAILBOX |= {"smtp_host": "smtp.harbour.example", "username": "desk", "password": "pass"}
TEXTS = {"provider": "kannel", "number": "+14155550000", "url": "http://sms.harbour.example/", "username": "desk"}
TEXTS |= {"password": "pass", "hook_token": "a token of the tests"}
COLOUR = "#123456;background:url(http://beacon.example/colour)"


@dataclass
class Hostile:
    """``email``, ``sms`` and ``chat`` are inboxes; the keys are those of the chats, one of which asks questions."""

    url: str
    resources: Resources
    actor: Actor
    browser: httpx.AsyncClient
    email: int = 0
    sms: int = 0
    chat: int = 0
    chat_key: str = ""
    asking_key: str = ""

    async def deliver(self, inbox: int, raws: Sequence[Raw]) -> None:
        """Store what a provider delivered, and read all of it."""
        async with self.resources.db.begin(self.actor.workspace_id) as tx:
            await inboxes.store(tx, inbox, raws)
        while await ingest.ingest(self.resources):
            pass

    async def rows(self, sql: str, *values: Any) -> list[Any]:
        """The first column."""
        async with self.resources.db.begin(self.actor.workspace_id) as tx:
            return [row[0] for row in await tx.fetch(sql, *values)]

    async def connect(self, channel: str, **settings: Any) -> tuple[int, str]:
        given = {"channel": channel, "name": f"{channel} inbox", "settings": settings}
        answer = await self.browser.post("/api/v1/inboxes", json=given)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"]), str(answer.json()["public_key"])

    async def conversations(self, inbox: int) -> list[int]:
        sql = "select id from conversations where $1::bigint = any(inbox_ids) order by id"
        return [int(found) for found in await self.rows(sql, inbox)]


def mail(at: int, payload: str) -> Raw:
    """One payload in every place that a mail has."""
    words = WORDS[at]
    line = marked(at, " ".join(words.split()))[:700]
    message = EmailMessage()
    message["From"] = Address(display_name=line, username=f"stranger{at // PART}", domain="outside.example")
    message["To"] = [Address("", "desk", "harbour.example"), Address(display_name=line, addr_spec="to@outside.example")]
    message["Cc"] = Address(display_name=line, addr_spec="cc@outside.example")
    message["Reply-To"] = Address(display_name=line, username=f"stranger{at // PART}", domain="outside.example")
    message["Subject"] = line
    message["Message-ID"] = f"<{at}@outside.example>"
    message["Date"] = AT
    quoted = "\n".join(f"> {part}" for part in marked(at, words).split("\n"))
    message.set_content(f"{marked(at, words)}\n\nOn Fri, 20 Nov 2026 at 10:00, {line[:60]} wrote:\n{quoted}\n")
    message.add_alternative(f"<p>q{at}q</p>{payload}", subtype="html")
    name = f"{words[:80]}q{at}q.pdf".replace("\n", " ")
    message.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename=name)
    return Raw(dedupe_key=f"mail-{at}", body=message.as_bytes(), meta={"mailbox": "INBOX"})


def text(at: int, payload: str) -> Raw:
    body = {"from": f"+1415555{1000 + at}", "to": "12345", "ts": "1795324716", "id": f"text-{at}", "smsc": "X"}
    body |= {"text": marked(at, payload), "coding": "2", "charset": "UTF-8", "udh": ""}
    meta = {"provider": "kannel", "received_at": AT.isoformat()}
    return Raw(dedupe_key=f"in:{at}", body=urlencode(body).encode(), meta=meta)


def chat(at: int, payload: str, key: str) -> Raw:
    """A visitor's message with a file and the page that it was written on, as the widget's endpoint stores them."""
    stored = StoredMessage(
        id=f"0b6c2a52-8f0e-4a6d-9a57-{at:012x}", at=AT, inbox=key, visitor=f"visitor{at // PART}{'x' * 14}",
        text=marked(at, payload), name=payload[:200], locale="en", tz="Europe/Athens",
        files=[KeptFile(hash="0" * 64, name=f"{payload[:80]}q{at}q.pdf", type="application/pdf", size=7)],
        page={"url": f"https://x.example/{payload}", "title": payload, "referrer": f"https://x.example/{payload}"},
        answers=[{"name": "topic", "label": payload, "value": payload}],
    )  # fmt: skip
    return Raw(dedupe_key=f"message:{stored.id}", body=msgspec.json.encode(stored), meta={"source": "widget"})


# What colleagues could have written; $1 is the workspace, $2 its owner, $3 the marked payloads, $4 a colour.
_COLLEAGUES = (
    "insert into labels (workspace_id, name, colour) select $1, p, $4 from unnest($3::text[]) p where $2 > 0",
    "insert into tags (workspace_id, name, colour) select $1, p, $4 from unnest($3::text[]) p where $2 > 0",
    "insert into teams (workspace_id, name) select $1, p from unnest($3::text[]) p where $2 > 0 and $4 <> ''",
    "insert into users (workspace_id, email, name, role) select $1, 'u' || n || '@harbour.example', p, 'user'"
    " from unnest($3::text[]) with ordinality u(p, n) where $2 > 0 and $4 <> ''",
    "insert into tokens (workspace_id, user_id, name, prefix, token_hash, scopes)"
    " select $1, $2, p, 'fd_' || n, sha256(n::text::bytea), '{}' from unnest($3::text[]) with ordinality u(p, n)"
    " where $4 <> ''",
    "insert into contacts (workspace_id, name, note) select $1, p, p from unnest($3::text[]) p"
    " where $2 > 0 and $4 <> ''",
    "insert into audit (workspace_id, at, actor_id, action, subject, detail, ip) select $1, now(), $2, p, p,"
    " jsonb_build_object(p, p), p from unnest($3::text[]) p where $4 <> ''",
    "insert into contact_points (workspace_id, contact_id, kind, scope, value) select $1, c.id, 'external', '', c.name"
    " from contacts c where c.workspace_id = $1 and c.name = any($3::text[]) and $2 > 0 and $4 <> ''"
    " on conflict do nothing",
    "insert into contact_tags (workspace_id, contact_id, tag_id) select $1, (select max(id) from contacts"
    " where workspace_id = $1), t.id from tags t where t.workspace_id = $1 and $2 > 0 and $3::text[] is not null"
    " and $4 <> ''",
)  # fmt: skip


async def settle_in(desk: Hostile) -> None:
    """Every payload in every place. The order of conversations follows the payloads."""
    desk.email, _ = await desk.connect("email", **MAILBOX)
    desk.sms, _ = await desk.connect("sms", **TEXTS)
    questions = [
        {"name": f"f{at}", "type": "text", "label": marked(at, one)[:200]} for at, one in enumerate(WORDS[:12])
    ]
    settings = {"origins": [desk.url], "greeting": " ".join(marked(at, one) for at, one in enumerate(WORDS))}
    desk.chat, desk.chat_key = await desk.connect("livechat", **settings, title=WORDS[0])
    _, desk.asking_key = await desk.connect("livechat", **settings, title=WORDS[1], pre_chat=questions)
    await desk.deliver(desk.email, [mail(at, payload) for at, payload in enumerate(MARKUP)])
    await desk.deliver(desk.sms, [text(at, payload) for at, payload in enumerate(WORDS)])
    await desk.deliver(desk.chat, [chat(at, payload, desk.chat_key) for at, payload in enumerate(WORDS)])
    broken = [Raw(dedupe_key=f"broken-{at}", body=marked(at, one).encode()) for at, one in enumerate(WORDS[:PART])]
    payloads = [marked(at, payload) for at, payload in enumerate(WORDS)]
    async with desk.resources.db.begin(desk.actor.workspace_id) as tx:
        await inboxes.store(tx, desk.email, broken)
        aside = "update raw_deliveries set state = 'set_aside', error = convert_from(body, 'utf8')"
        await tx.execute(f"{aside} where workspace_id = $1 and dedupe_key like 'broken-%'", tx.workspace_id)
        for sql in _COLLEAGUES:
            await tx.execute(sql, tx.workspace_id, desk.actor.user_id, payloads, COLOUR)
        names = "update contacts set name = $2 || id where workspace_id = $1 and name not like 'q%'"
        await tx.execute(names, tx.workspace_id, "<img src=x onerror=alert(77)>")
    await _write(desk, payloads)


async def _write(desk: Hostile, payloads: Sequence[str]) -> None:
    """Comments, and messages that failed with a provider's hostile reason, in the first text's conversation."""
    first = (await desk.conversations(desk.sms))[0]
    users = await desk.rows("select id from users where workspace_id = $1 order by id", desk.actor.workspace_id)
    async with desk.resources.db.begin(desk.actor.workspace_id) as tx:
        for at, words in enumerate(payloads[:20]):
            await write.comment(tx, first, f"@{words} {words}", actor=desk.actor, mentions=[int(users[at + 1])])
            sent = await send(tx, first, words, author_id=desk.actor.user_id, author_name=words)
            await tx.execute(
                "update messages set delivery = 'failed', delivery_reason = $3, delivery_code = $3"
                " where workspace_id = $1 and id = $2", tx.workspace_id, sent, words,
            )  # fmt: skip


@asynccontextmanager
async def opened(place: tuple[dict[str, Any], dict[str, Any]], folder: Path) -> AsyncIterator[Hostile]:
    """The application behind a port of this machine, with one owner who is signed in."""
    app, owner = place
    database = await Database.open(app, size=8)
    try:
        with socket.socket() as listening, pytest.MonkeyPatch.context() as patched:
            patched.setattr(passwords, "_ARGON", CHEAP)  # how passwords are kept is tested elsewhere
            listening.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            settings = replace(Settings(home=folder), url=url)
            files, vault = open_store(folder / "files"), Vault.open(folder / "secrets.key")
            resources = Resources(settings=settings, db=database, vault=vault, files=files)
            hub = Hub(resources, lambda: connect_to(**app))
            async with serving(resources, hub, listening), httpx.AsyncClient(base_url=url, timeout=30) as browser:
                yield Hostile(url, resources, await _set_up(browser), browser)
    finally:
        await database.close()
        await _empty(owner)


async def _set_up(browser: httpx.AsyncClient) -> Actor:
    new = {"workspace": WORDS[0], "name": "Ana", "email": "ana@example.org", "password": PASSWORD}
    answer = await browser.post("/api/v1/setup", json={**new, "timezone": "Europe/Athens"})
    assert answer.status_code == 201, answer.text
    me = answer.json()
    browser.headers["X-CSRF-Token"] = me["csrf"]
    return Actor(
        workspace_id=int(me["workspace"]["id"]), user_id=int(me["user"]["id"]), name="Ana", role="owner",
        permissions=PERMISSIONS["owner"],
    )  # fmt: skip
