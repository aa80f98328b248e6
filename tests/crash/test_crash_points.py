"""The crash-point sweep: the process ends at the first, second, third … point of a whole trip in and out.

After each crash another process takes over, and the callers ask again, as providers and browsers do. Then nothing that
was acknowledged is lost, nothing is there twice, and every message to the contact has an end that somebody can read.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from conversations.pretend import KEY, line
from frontdesk import channels
from frontdesk.app.migrate import migrate
from frontdesk.inboxes import actions as inboxes
from frontdesk.kit.postgres import Server
from frontdesk.kit.secrets import Vault
from frontdesk.kit.transaction import Database
from frontdesk.people import actions as people
from frontdesk.people.rules import PERMISSIONS

ANA = "+302101111111"
WAIT = 60.0  # seconds in which everything must have come to its end


@dataclass
class Place:
    """One database, one inbox, and the process that is killed."""

    db: Database
    workspace: int
    hook: str
    token: str
    home: Path
    runner: asyncio.subprocess.Process
    browser: httpx.AsyncClient
    lines: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    pid: int = 0

    async def start(self, at: int, *, only: str = "", listed: bool = True) -> None:
        """Another child, which will end at point number ``at`` once it is armed (0: never)."""
        self.arm.unlink(missing_ok=True)
        self.tell({"at": at, "only": only, "listed": listed, "arm": str(self.arm)})
        self.pid = int((await self.told("ready ")).split()[1])

    def tell(self, words: dict[str, Any]) -> None:
        assert self.runner.stdin
        self.runner.stdin.write(json.dumps(words).encode() + b"\n")

    @property
    def arm(self) -> Path:
        return self.home / "armed"

    async def told(self, words: str) -> str:
        async with asyncio.timeout(WAIT):
            while not (said := await self.lines.get()).startswith(words):
                pass
        return said

    async def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):  # it may have met a point that has nothing to do with the trip
            os.kill(self.pid, signal.SIGKILL)
        await self.told("ended")

    @property
    def crashed(self) -> bool:
        return any(said.startswith("ended") for said in list(self.lines._queue))  # type: ignore[attr-defined]

    async def value(self, sql: str, *values: Any) -> Any:
        async with self.db.begin(self.workspace) as tx:
            return await tx.fetchval(sql, *values)


@dataclass
class Trip:
    """One message in, its answer out, and the receipt. Every step may be repeated until it was acknowledged."""

    place: Place
    inbound: str = field(default_factory=lambda: f"in-{uuid.uuid4()}")
    key: str = field(default_factory=lambda: str(uuid.uuid4()))
    acknowledged: list[str] = field(default_factory=list)

    async def go(self) -> None:
        """As far as it gets; raises an httpx error when the process ends under a request."""
        said = {
            "external_id": self.inbound,
            "sender": {"value": ANA},
            "text": "hello",
            "sent_at": "2026-11-22T10:00:00+00:00",
        }
        await self._deliver("in", said)
        conversation = await self._until("select conversation_id from messages where external_id = $1", self.inbound)
        if "out" not in self.acknowledged:
            headers = {"Authorization": f"Bearer {self.place.token}", "Idempotency-Key": self.key}
            while True:
                answer = await self.place.browser.post(
                    f"/api/v1/conversations/{conversation}/messages", json={"text": "answer"}, headers=headers
                )
                if answer.status_code != 409:
                    break
                assert answer.json()["code"] == "still_running", answer.text
                await self.place.value(
                    "update idempotency set created_at = now() - interval '2 minutes' where key = $1 returning 1",
                    self.key,
                )
            assert answer.status_code == 201, answer.text
            self.acknowledged.append("out")
        ended = "select 1 from outbox where key::text = $1 and state in ('accepted', 'uncertain', 'failed')"
        await self._until(ended, self.key)
        await self._deliver("receipt", {"state": "delivered", "external_id": f"out-{self.key}"})
        await self._until(
            "select 1 from raw_deliveries where state = 'done' and position($1 in convert_from(body, 'utf8')) > 0",
            f"out-{self.key}",
        )

    async def _deliver(self, step: str, item: dict[str, Any]) -> None:
        if step not in self.acknowledged:
            body = json.dumps([item]).encode()
            answer = await self.place.browser.post(self.place.hook, content=body, headers={"X-Signature": KEY})
            assert answer.status_code == 200, answer.text
            self.acknowledged.append(step)

    async def _until(self, sql: str, value: str) -> Any:
        """Wait for what the process does by itself; gives up as soon as it has ended."""
        async with asyncio.timeout(WAIT):
            while not (found := await self.place.value(sql, value)):
                if self.place.crashed:
                    raise httpx.RemoteProtocolError("the process ended")
                await asyncio.sleep(0.01)
        return found

    async def judge(self, *, listed: bool) -> str:
        """What is true at the end, whatever happened; the outbox's last state."""
        count = self.place.value
        assert await count("select count(*) from messages where external_id = $1", self.inbound) == 1
        assert await count("select count(*) from messages where client_key::text = $1", self.key) == 1
        assert await count("select count(*) from events where kind = 'MessageReceived'") == await count(
            "select count(*) from messages where direction = 'in'"
        )
        truth = self.place.home / "truth"
        sent = truth.read_text().split().count(self.key) if truth.exists() else 0
        state: str = await count("select state from outbox where key::text = $1", self.key)
        delivery = await count("select delivery from messages where client_key::text = $1", self.key)
        assert sent <= 1, "the provider got it twice"
        if listed or state != "uncertain":
            assert (sent, state, delivery) == (1, "accepted", "delivered")
        else:
            assert delivery == "uncertain", "nobody was told"
        return state


@pytest.fixture
async def place(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    """A database of its own on the server of the tests, and a runner."""
    guard = await asyncpg.connect(**server.owner_connect_args)
    name = f"frontdesk_crash_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    try:
        await guard.execute(f"drop database if exists {name} with (force)")
        await guard.execute(f"create database {name}")
    finally:
        await guard.close()
    await migrate({**server.owner_connect_args, "database": name})
    database = {**server.connect_args, "database": name}
    monkeypatch.setattr(channels, "all_channels", lambda: {"line": line()})
    db = await Database.open(database, size=3)
    tests = Path(__file__).parents[1]
    with (tmp_path / "log").open("wb") as log:
        runner = await asyncio.create_subprocess_exec(
            sys.executable, str(Path(__file__).with_name("runner.py")), stdin=asyncio.subprocess.PIPE, stderr=log,
            stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": f"{tests.parent / 'src'}:{tests}"},
        )  # fmt: skip
    assert runner.stdout
    port = int(await runner.stdout.readline())
    browser = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=WAIT)
    made = await furnished(db, tmp_path, runner, browser)
    made.tell({"home": str(tmp_path), "url": str(browser.base_url), "database": database})
    reading = asyncio.create_task(read(runner.stdout, made.lines))
    try:
        yield made
    finally:
        await browser.aclose()
        if made.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(made.pid, signal.SIGKILL)
        assert runner.stdin
        runner.stdin.close()
        await runner.wait()
        await reading
        await db.close()


async def read(stream: asyncio.StreamReader, lines: asyncio.Queue[str]) -> None:
    while text := await stream.readline():
        lines.put_nowait(text.decode().strip())


async def furnished(db: Database, home: Path, runner: Any, browser: httpx.AsyncClient) -> Place:
    """A workspace with a user, a token and an inbox."""
    async with db.across() as tx:
        workspace = await tx.fetchval("insert into workspaces (name) values ('Harbour Dental') returning id")
    async with db.begin(workspace) as tx:
        user = await tx.fetchval(
            "insert into users (workspace_id, email, name, role) values ($1, $2, 'Ana', 'owner') returning id",
            workspace,
            "ana@example.org",
        )
        scopes = sorted(PERMISSIONS["owner"])
        _, token = await people.create_token(tx, user_id=user, name="t", scopes=scopes, expires_at=None)
        vault = Vault.open(home / "secrets.key")
        row = await inboxes.create(tx, vault, channel="line", name="Front desk", settings={}, by=None)
    return Place(db, workspace, f"/hooks/{row['public_key']}", token, home, runner, browser)


async def swept(place: Place, *, only: str, listed: bool) -> tuple[int, dict[str, int]]:
    """Crash at every point in turn; (how many there were, how often the outbox ended in which state)."""
    states: dict[str, int] = {}
    trip, at = None, 0
    while True:
        at += 1
        await place.start(at, only=only, listed=listed)
        if trip is not None:  # first the process that took over brings the last trip to its end
            await trip.go()
            state = await trip.judge(listed=listed)
            states[state] = states.get(state, 0) + 1
        trip = Trip(place)
        place.arm.touch()
        try:
            await trip.go()
        except httpx.HTTPError:
            await place.told("ended 137")
            continue
        await place.stop()
        return at - 1, states


async def steady(place: Place) -> None:
    """Nothing is left behind anywhere."""
    assert await place.value("select count(*) from conversations") == 1
    assert await place.value("select count(*) from contacts") == 1
    assert await place.value("select count(*) from raw_deliveries where state <> 'done'") == 0
    assert await place.value("select count(*) from ingest_runs") == 0
    gaps = "select count(*) from (select seq - lag(seq) over (order by seq) as step from events) t where step <> 1"
    assert await place.value(gaps) == 0
    late = "select count(*) from outbox where state not in ('accepted', 'uncertain')"
    assert await place.value(late) == 0
    counted = await place.value("select inbound_count from conversations")
    assert counted == await place.value("select count(*) from messages where direction = 'in'")
    counted = await place.value("select message_count from conversations")
    assert counted == await place.value("select count(*) from messages where direction <> 'activity'")


@pytest.mark.slow
async def test_the_process_may_end_at_any_point(place: Place, record_property: Any, capsys: Any) -> None:
    points, states = await swept(place, only="", listed=True)
    record_property("points", points)
    with capsys.disabled():
        sys.stdout.write(f" {points} crash points swept ")
    assert points > 40
    assert states == {"accepted": points}
    await steady(place)


@pytest.mark.slow
async def test_where_the_provider_cannot_be_asked_a_person_is(place: Place) -> None:
    """Around the sending itself: claimed, before the provider, after the provider."""
    points, states = await swept(place, only="dispatch", listed=False)
    assert points >= 3
    assert states["uncertain"] >= 1
    assert sum(states.values()) == points
    await steady(place)
