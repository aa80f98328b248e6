"""Frontdesk as a provider, a browser and an attacker meet it: a real port, real signatures, a real database."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx

from conftest import PASSWORD
from frontdesk.app import http, serving
from frontdesk.channels.email.fingerprint import dedupe_key
from frontdesk.channels.port import Raw
from frontdesk.conversations.handlers import clocks, dispatch  # noqa: F401  (clocks registers jobs)
from frontdesk.conversations.handlers.ingest import ingest
from frontdesk.inboxes import actions as inboxes
from frontdesk.inboxes import queries
from frontdesk.kit.context import Actor, Resources
from frontdesk.kit.files import open_store
from frontdesk.kit.secrets import Vault
from frontdesk.kit.settings import Settings
from frontdesk.kit.transaction import Database, Row
from frontdesk.people import actions as people
from frontdesk.people.rules import PERMISSIONS
from frontdesk.vendors import twilio
from rows import Rows

AUTH_TOKEN = "a token of the tests"
OWN_NUMBER = "+302100000000"
ORIGIN = "https://shop.example"
FORM = "application/x-www-form-urlencoded"
TWILIO = {"provider": "twilio", "account_sid": f"AC{'0' * 32}", "auth_token": AUTH_TOKEN, "number": OWN_NUMBER}
MAILBOX = {
    "address": "desk@support.example", "imap_host": "imap.support.example", "smtp_host": "smtp.support.example",
    "username": "desk", "password": "not a real one",
}  # fmt: skip


class Site(Rows):
    """One workspace. ``api`` is signed in with a token of its owner."""

    def __init__(self, resources: Resources, owner: Actor, api: httpx.AsyncClient, port: int) -> None:
        self.resources, self.owner, self.api, self.port = resources, owner, api, port
        self.db, self.workspace = resources.db, owner.workspace_id
        self.sms = self.mail = self.chat = 0  # inbox ids
        self.hooks: dict[int, str] = {}  # the path of each inbox's hook
        self._numbers = itertools.count(1)

    # --- texts ---

    def unique(self) -> int:
        return next(self._numbers)

    def phone(self) -> str:
        """A number that nobody has used."""
        return f"+3021055{self.unique():05}"

    def text(self, body: str, sender: str | None = None, **more: str) -> dict[str, str]:
        """The fields of an inbound message, as Twilio posts them."""
        sid = f"SM{self.unique():032}"
        given = {"MessageSid": sid, "From": sender or self.phone(), "To": OWN_NUMBER, "Body": body}
        return {**given, "NumMedia": "0", "SmsStatus": "received", **more}

    def signature(self, body: bytes, *, inbox: int | None = None, secret: str = AUTH_TOKEN, query: str = "") -> str:
        address = f"{self.resources.settings.url}{self.hooks[inbox or self.sms]}{query}"
        return twilio.sign(address, twilio.form(body), secret)

    async def post_hook(
        self, body: bytes, *, headers: Mapping[str, str] | None = None, signed: bool = True, query: str = ""
    ) -> httpx.Response:
        """A delivery to the SMS inbox, with Twilio's signature over exactly these bytes."""
        sent = {"content-type": FORM, **({"x-twilio-signature": self.signature(body, query=query)} if signed else {})}
        return await self.api.post(f"{self.hooks[self.sms]}{query}", content=body, headers={**sent, **(headers or {})})

    async def hear(self, body: str, sender: str | None = None, **more: str) -> Row:
        """A text from somebody, all the way in; the row that it became."""
        fields = self.text(body, sender, **more)
        answer = await self.post_hook(urlencode(fields, errors="surrogatepass").encode())
        assert answer.status_code == 200, answer.text
        await self.ingest()
        return await self.message(fields["MessageSid"])

    async def ingest(self) -> None:
        await ingest(self.resources)

    async def message(self, external_id: str) -> Row:
        rows = await self.fetch("select * from messages where external_id = $1", external_id)
        assert len(rows) == 1, f"{len(rows)} messages {external_id}"
        return rows[0]

    async def fates(self) -> dict[str, int]:
        """How many deliveries are in which state."""
        rows = await self.fetch("select state, count(*) as n from raw_deliveries group by state")
        return {row["state"]: row["n"] for row in rows}

    # --- mails ---

    async def letter(self, data: bytes) -> Row:
        """A mail, stored as the mailbox reader stores it and ingested; the message that it became."""
        raw = Raw(dedupe_key=dedupe_key(data), body=data, meta={"received_at": "2026-11-22T09:00:00+00:00"})
        async with self.db.begin(self.workspace) as tx:
            assert await inboxes.store(tx, self.mail, [raw]) == 1, "this mail has come before"
            raw_id = await tx.fetchval("select max(id) from raw_deliveries")
        await self.ingest()
        rows = await self.fetch("select * from messages where raw_id = $1", raw_id)
        assert len(rows) == 1, await self.fetch("select state, error from raw_deliveries where id = $1", raw_id)
        return rows[0]

    async def files(self, message_id: int) -> list[Row]:
        return await self.fetch("select * from attachments where message_id = $1 order by id", message_id)

    # --- conversations ---

    async def talk(self) -> int:
        """A conversation with somebody new; its id."""
        found: int = (await self.hear("Hello"))["conversation_id"]
        return found

    async def write(self, conversation_id: int, text: str, **more: Any) -> httpx.Response:
        return await self.call("POST", f"/conversations/{conversation_id}/messages", {"text": text, **more})

    async def dispatch(self) -> None:
        while await dispatch.dispatch(self.resources):
            pass

    async def call(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """The API; a POST has a fresh key."""
        key = {"Idempotency-Key": str(uuid4())} if method == "POST" else {}
        headers = {**key, **more.pop("headers", {})}
        given = {"json": body} if body is not None else {}
        return await self.api.request(method, f"/api/v1{path}", headers=headers, **given, **more)

    # --- bare sockets ---

    async def wire(self, data: bytes, *, seconds: float = 5.0, close: bool = False) -> bytes:
        """These very bytes to the port; everything that comes back until it closes, or has been silent for a while."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        received = b""
        try:
            writer.write(data)
            await writer.drain()
            if close:
                writer.write_eof()
            while piece := await asyncio.wait_for(reader.read(65536), seconds if not received else 0.3):
                received += piece
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()
        return received


def refused(answer: httpx.Response, *codes: str) -> None:
    """It is a problem that names itself, and not a failure."""
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text[:300])
    assert answer.headers["content-type"] == "application/problem+json", answer.headers
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["detail"]
    assert problem["title"]
    assert not codes or problem["code"] in codes, problem


@asynccontextmanager
async def opened(connect: dict[str, Any], folder: Path) -> AsyncIterator[Site]:
    """Run the application and give its workspace an SMS, a mail and a chat inbox."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    db = await Database.open(connect, size=12)
    settings = Settings(home=folder, url=f"http://127.0.0.1:{port}")
    resources = Resources(
        settings=settings, db=db, vault=Vault.open(folder / "secrets.key"), files=open_store(folder / "files")
    )
    stop = asyncio.Event()
    app = http.create(resources, hub=_quiet_hub(resources))
    serving_task = asyncio.create_task(serving.serve(app, [listening], stop))
    try:
        owner, token = await _owner(resources)
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=settings.url, headers=headers, timeout=60) as api:
            site = Site(resources, owner, api, port)
            site.sms = await _connect(site, "sms", TWILIO)
            site.mail = await _connect(site, "email", MAILBOX)
            site.chat = await _connect(site, "livechat", {"origins": [ORIGIN], "identity_secret": "s" * 40})
            yield site
    finally:
        stop.set()
        await serving_task
        await db.close()


def _quiet_hub(resources: Resources) -> Any:
    """Screens are not what is tried here: nobody listens to the bell."""
    from frontdesk.realtime.queries.hub import Hub

    return Hub(resources, lambda: resources.db.pool.acquire())  # type: ignore[arg-type, return-value]


async def _owner(resources: Resources) -> tuple[Actor, str]:
    await people.first_run(
        resources.db, workspace="Harbour Dental", name="Ana", email="ana@example.org", password=PASSWORD,
        timezone="Europe/Athens", ip=None, agent="tests",
    )  # fmt: skip
    async with resources.db.across() as tx:
        row = await tx.fetchrow("select id, workspace_id from users order by id desc limit 1")
    assert row is not None
    may = PERMISSIONS["owner"]
    async with resources.db.begin(row["workspace_id"]) as tx:
        _, token = await people.create_token(tx, user_id=row["id"], name="t", scopes=sorted(may), expires_at=None)
    actor = Actor(workspace_id=row["workspace_id"], user_id=row["id"], name="Ana", role="owner", permissions=may)
    return actor, token


async def _connect(site: Site, channel: str, settings: dict[str, Any]) -> int:
    async with site.db.begin(site.workspace) as tx:
        vault = site.resources.vault
        row = await inboxes.create(tx, vault, channel=channel, name=channel, settings=settings, by=site.owner)
        site.hooks[row["id"]] = queries.hook_url("", await queries.get(tx, row["id"]))
    made: int = row["id"]
    return made
