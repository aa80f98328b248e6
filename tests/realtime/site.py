"""The application behind a real port, a signed-in browser's requests, and the event stream as a browser reads it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import asyncpg
import httpx
import pytest
import uvicorn
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from conftest import PASSWORD
from conversations.office import Office, open_office, registry, time
from frontdesk.app import http
from frontdesk.channels.port import Channel
from frontdesk.kit.context import Actor, Resources
from frontdesk.kit.transaction import Database
from frontdesk.people.actions import passwords
from frontdesk.people.rules import PERMISSIONS
from frontdesk.realtime.queries import hub as hubs
from frontdesk.realtime.queries.hub import Hub

__all__ = ["Site", "Stream", "registry", "site", "time"]

CHEAP = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
CHECK_EVERY = hubs.CHECK_EVERY
WAIT = 60.0  # seconds that anything may take


class Stream:
    """An open event stream. ``frames`` are (id, kind, data) in the order of arrival; ``last`` is what resumes it."""

    def __init__(self, client: httpx.AsyncClient, last: int | None, after: int | None) -> None:
        self._client, self._resume, self._after = client, last, after
        self.last = last if last is not None else after
        self.frames: list[tuple[int | None, str, dict[str, Any]]] = []
        self.ended = asyncio.Event()
        self._opened = asyncio.Event()
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        headers = {"Last-Event-ID": str(self._resume)} if self._resume is not None else {}
        params = {"after": self._after} if self._after is not None else {}
        try:
            async with self._client.stream(
                "GET", "/api/v1/events", headers=headers, params=params, timeout=None
            ) as answer:
                assert answer.status_code == 200
                fields: dict[str, str] = {}
                async for line in answer.aiter_lines():
                    self._opened.set()
                    if line and not line.startswith(":"):
                        name, _, value = line.partition(": ")
                        fields[name] = value
                    elif not line and "data" in fields:
                        self._take(fields)
                        fields = {}
        finally:
            self.ended.set()
            self._opened.set()
            self._news.set()

    def _take(self, fields: dict[str, str]) -> None:
        number = int(fields["id"]) if "id" in fields else None
        self.frames.append((number, fields.get("event", "message"), json.loads(fields["data"])))
        self.last = number if number is not None else self.last
        self._news.set()

    async def opened(self) -> None:
        await asyncio.wait_for(self._opened.wait(), WAIT)

    async def until(self, seq: int) -> None:
        """Wait for the event with this number."""
        async with asyncio.timeout(WAIT):
            while (self.last or 0) < seq and not self.ended.is_set():
                self._news.clear()
                await self._news.wait()
        assert (self.last or 0) >= seq, f"the stream ended at {self.last}, {seq} is missing"

    async def one(self, kind: str) -> dict[str, Any]:
        """Wait for a frame of this kind; its data."""
        async with asyncio.timeout(WAIT):
            while True:
                if found := [data for _, name, data in self.frames if name == kind]:
                    return found[0]
                self._news.clear()
                await self._news.wait()

    def kinds(self) -> list[str]:
        return [kind for _, kind, _ in self.frames]

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError, httpx.HTTPError):
            await self._task


class Site:
    """A running application with one owner, and an office behind it."""

    def __init__(self, url: str, browser: httpx.AsyncClient, office: Office, hub: Hub) -> None:
        self.url, self.browser, self.office, self.hub = url, browser, office, hub
        self._streams: list[Stream] = []
        self._browsers: list[httpx.AsyncClient] = []

    async def call(self, method: str, path: str, **given: Any) -> Any:
        """A request that must work; its JSON."""
        answer = await self.browser.request(method, f"/api/v1{path}", **given)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def stream(
        self, *, last: int | None = None, after: int | None = None, client: httpx.AsyncClient | None = None
    ) -> Stream:
        made = Stream(client or self.browser, last, after)
        self._streams.append(made)
        await made.opened()
        return made

    async def newest(self) -> int:
        seq: int | None = await self.office.value("select seq from event_counters")
        return seq or 0

    async def sign_in(self, *, role: str = "user", **more: Any) -> tuple[httpx.AsyncClient, int]:
        """Another browser, signed in as Ben, who is new; and his id."""
        new = {"name": "Ben", "email": "ben@example.org", "role": role, "password": PASSWORD}
        user = await self.call("POST", "/users", json=new)
        if more:
            await self.call("PATCH", f"/users/{user['id']}", json=more)
        browser = httpx.AsyncClient(base_url=self.url, timeout=WAIT)
        self._browsers.append(browser)
        me = await browser.post("/api/v1/session", json={"email": new["email"], "password": PASSWORD})
        assert me.status_code < 300, me.text
        browser.headers["X-CSRF-Token"] = me.json()["csrf"]
        return browser, user["id"]

    async def close(self) -> None:
        for stream in self._streams:
            await stream.close()
        for browser in self._browsers:
            await browser.aclose()


@pytest.fixture
async def site(
    live_db: Database,
    resources: Resources,
    registry: dict[str, Channel],
    place: tuple[dict[str, Any], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Site]:
    monkeypatch.setattr(passwords, "_ARGON", CHEAP)  # how passwords are kept is tested elsewhere
    monkeypatch.setattr(hubs, "CHECK_EVERY", 0.5)

    async def connect() -> Any:
        return await asyncpg.connect(**place[0])

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        resources.settings = replace(resources.settings, url=url)
        hub = Hub(resources, connect)
        async with serving(resources, hub, listening), httpx.AsyncClient(base_url=url, timeout=WAIT) as browser:
            new = {"workspace": "Harbour Dental", "name": "Ana", "email": "ana@example.org", "password": PASSWORD}
            me = (await browser.post("/api/v1/setup", json={**new, "timezone": "Europe/Athens"})).json()
            browser.headers["X-CSRF-Token"] = me["csrf"]
            async with live_db.across() as tx:
                workspace = await tx.fetchval("select id from workspaces")
            owner = Actor(
                workspace_id=workspace,
                user_id=me["user"]["id"],
                name="Ana",
                role="owner",
                permissions=PERMISSIONS["owner"],
            )
            made = Site(url, browser, await open_office(resources, owner, registry), hub)
            try:
                yield made
            finally:
                await made.close()


@asynccontextmanager
async def serving(resources: Resources, hub: Hub, listening: socket.socket) -> AsyncIterator[None]:
    """The application on a socket, with its hub, until the block ends."""
    stop = asyncio.Event()
    listens = asyncio.create_task(hub.run(stop))
    config = uvicorn.Config(
        http.create(resources, hub=hub), log_config=None, lifespan="on", ws="none", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    serves = asyncio.create_task(server._serve([listening]))
    try:
        async with asyncio.timeout(WAIT):
            while not server.started:
                await asyncio.sleep(0.01)
        yield
    finally:
        stop.set()
        await listens
        server.should_exit = True
        await serves
