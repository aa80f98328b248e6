"""Every rule is broken once for real and says so; an installation in order breaks none. And who may read figures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from conftest import running
from conversations.office import Office
from conversations.pretend import line
from frontdesk.app import alerts, figures, hooks, http
from frontdesk.app.alerts import RULES, Watch, prometheus
from frontdesk.app.intake import Intake
from frontdesk.app.presence import show_presence
from frontdesk.channels.port import Disconnected, Raw, Unknown
from frontdesk.conversations.handlers import clocks
from frontdesk.conversations.rules import RESTORED
from frontdesk.kit.context import Resources
from frontdesk.kit.disk import Disk, Room
from frontdesk.kit.transaction import Database

Place = tuple[dict[str, Any], dict[str, Any]]


@asynccontextmanager
async def present(place: Place) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A worker is alive meanwhile; yields its connection."""
    stop, made = asyncio.Event(), asyncio.get_running_loop().create_future()

    async def connect() -> Any:
        connection = await asyncpg.connect(**place[0])
        if not made.done():
            made.set_result(connection)
        return connection

    task = asyncio.create_task(show_presence(connect, stop))
    connection = await made
    async with asyncio.timeout(60):
        while not await _workers(place):
            await asyncio.sleep(0.01)
    try:
        yield connection
    finally:
        stop.set()
        await task


async def _workers(place: Place) -> int:
    connection = await asyncpg.connect(**place[0])
    try:
        sql = next(figure.sql for figure in figures.FIGURES if figure.name == "frontdesk_workers")
        return int(await connection.fetchval(sql, None))
    finally:
        await connection.close()


async def names(office: Office) -> set[str]:
    """What a watch that has just begun sees."""
    return {alert.name for alert in await Watch(office.resources).look(office.workspace)}


async def ago(office: Office, table: str, column: str, seconds: float) -> None:
    """Time passes: nothing is waited for in a test."""
    await office.execute(f"update {table} set {column} = now() - make_interval(secs => $1)", seconds)


class Elsewhere:
    """A provider that has something which it never delivered."""

    async def missed(self, account: Any, *, since: Any) -> AsyncIterator[Raw]:
        yield Raw(dedupe_key="never delivered", body=b"[]")


async def raw_oldest(office: Office) -> None:
    await office.store(office.said("Hello"))
    await ago(office, "raw_deliveries", "received_at", 31)


async def outbox_oldest(office: Office) -> None:
    await office.write((await office.hear())["conversation_id"])
    await ago(office, "outbox", "due_at", 121)


async def set_aside(office: Office) -> None:
    await office.deliver({"boom": True})


async def uncertain(office: Office) -> None:
    conversation = (await office.hear())["conversation_id"]
    office.driver().outcomes = [Unknown("It broke off.")]
    await office.write(conversation)
    await office.dispatch()
    await ago(office, "outbox", "lease_until", 1)
    await office.dispatch()
    assert await office.value("select state from outbox") == "uncertain"
    await ago(office, "outbox", "sending_since", 301)


async def backup_old(office: Office) -> None:
    await office.execute(
        "update workspaces set settings = jsonb_build_object('backed_up_at', now() - interval '27 hours')"
    )


async def reconcile_missing(office: Office) -> None:
    class Forgetful(Elsewhere, type(office.driver())):  # type: ignore[misc]
        pass

    office.install(line(Forgetful("phone")))
    row = (await office.fetch("select * from inboxes where id = $1", office.line))[0]
    assert await clocks.reconcile(office.resources, row) == 1
    await office.ingest()


async def disk(office: Office) -> None:
    class Full(Disk):
        def room(self) -> dict[str, Room]:
            return {"the files": Room(1000, 0.14)}

    office.resources.disk = Full()


async def inbox_off(office: Office) -> None:
    office.driver().outcomes = [Disconnected("The token was revoked.")]
    await office.write((await office.hear())["conversation_id"])
    await office.dispatch()


async def inbox_silent(office: Office) -> None:
    await office.hear()
    await office.execute(
        "insert into events (workspace_id, seq, at, kind, facts) select $1, 1000 + n, now() - interval '4 hours' -"
        " make_interval(mins => n), 'MessageReceived', jsonb_build_object('inbox_id', $2::bigint)"
        " from generate_series(1, 60) n",
        office.workspace, office.line,
    )  # fmt: skip
    await office.execute(
        "update inboxes set health = 'ok', last_inbound_at = now() - interval '4 hours' where id = $1", office.line
    )


async def restored_held(office: Office) -> None:
    await office.write((await office.hear())["conversation_id"])
    await office.execute("update outbox set state = 'held', last_error = $1", RESTORED.sentence)


PLANTED: dict[str, Callable[[Office], Awaitable[None]]] = {
    one.__name__: one
    for one in (
        raw_oldest, outbox_oldest, set_aside, uncertain, backup_old, reconcile_missing, disk, inbox_off, inbox_silent,
        restored_held,
    )
}  # fmt: skip


def test_every_rule_is_planted() -> None:
    assert {rule.name for rule in RULES} == PLANTED.keys() | {"signature_failures", "workers_missing"}


@pytest.mark.parametrize("name", PLANTED)
async def test_what_is_wrong_raises_its_alert_and_no_other(
    office: Office, live_db: Database, place: Place, name: str
) -> None:
    async with present(place):
        assert await names(office) == set()
        await PLANTED[name](office)
        assert await names(office) == {name}
        (alert,) = await Watch(office.resources).look(office.workspace)
        assert "{" not in alert.sentence
        assert alert.advice.endswith(".")


async def test_no_worker(office: Office, live_db: Database, place: Place) -> None:
    async with present(place) as connection:
        assert await names(office) == set()
        await connection.close()  # as when its process dies: it comes back by itself here
        async with asyncio.timeout(60):
            while not await _workers(place):
                await asyncio.sleep(0.01)
    assert await names(office) == {"workers_missing"}


async def test_wrong_signatures(office: Office, live_db: Database, place: Place) -> None:
    key = await office.value("select public_key from inboxes where id = $1", office.line)
    application = hooks.Hooks(office.resources, Intake(office.db))
    sent: list[int] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"[]"}

    async def send(part: Any) -> None:
        sent.append(part.get("status"))

    async with present(place):
        watch = Watch(office.resources)
        assert await watch.look(office.workspace) == []
        for _ in range(11):
            scope = {"type": "http", "method": "POST", "path": f"/hooks/{key}", "query_string": b"", "headers": []}
            await application(scope, receive, send)
        assert sent.count(403) == 11
        watch._known.clear()
        assert [alert.name for alert in await watch.look(office.workspace)] == ["signature_failures"]


async def test_a_busy_day_raises_nothing(office: Office, live_db: Database, place: Place) -> None:
    async with present(place):
        conversation = (await office.hear())["conversation_id"]
        for number in range(3):
            await office.write(conversation, f"Answer {number}")
        await office.dispatch()
        assert await names(office) == set()


async def test_another_workspace_does_not_see_it(
    office: Office, live_db: Database, place: Place, other_workspace: int
) -> None:
    async with present(place):
        await set_aside(office)
        assert await Watch(office.resources).look(other_workspace) == []
        assert [alert.name for alert in await Watch(office.resources).look(None)] == ["set_aside"]


async def test_the_log_says_when_an_alert_begins_and_ends(
    office: Office, live_db: Database, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "EVERY", 0.01)
    said: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    class Log:
        def warning(self, words: str, **more: Any) -> None:
            said.put_nowait((words, more.get("alert", str(more))))

        info = warning

    monkeypatch.setattr(alerts, "log", Log())
    stop = asyncio.Event()
    async with present(place):
        watching = asyncio.create_task(Watch(office.resources).run(stop))
        await set_aside(office)
        assert await asyncio.wait_for(said.get(), 60) == ("an alert began", "set_aside")
        await office.execute("update raw_deliveries set state = 'discarded'")
        assert await asyncio.wait_for(said.get(), 60) == ("an alert ended", "set_aside")
        stop.set()
        await watching


def test_the_file_for_prometheus_is_made_from_the_rules() -> None:
    kept = Path(__file__).parents[2] / "docs" / "alerts.yml"
    assert kept.read_text() == prometheus(), "Run: frontdesk alerts"


async def test_a_rule_speaks_of_a_figure_that_there_is(office: Office, live_db: Database) -> None:
    exposed = figures.WORDS.keys() | {"frontdesk_signature_fail_total"}
    assert {rule.figure for rule in RULES} <= exposed


# --- who may read -----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def asked(resources: Resources, host: str) -> AsyncIterator[httpx.AsyncClient]:
    """The application as somebody at this address reaches it."""
    app = http.create(resources)
    transport = httpx.ASGITransport(app, client=(host, 5000))
    async with running(app), httpx.AsyncClient(transport=transport, base_url="http://testserver.local") as client:
        yield client


@pytest.mark.parametrize(
    ("url", "token", "host", "headers", "status"),
    [
        ("http://127.0.0.1:8080", "", "127.0.0.1", {}, 200),
        ("http://127.0.0.1:8080", "", "192.0.2.7", {}, 404),
        ("http://127.0.0.1:8080", "", "127.0.0.1", {"x-forwarded-for": "192.0.2.7"}, 404),
        ("https://desk.example", "", "127.0.0.1", {}, 404),
        ("https://desk.example", "hush", "192.0.2.7", {"authorization": "Bearer hush"}, 200),
        ("https://desk.example", "hush", "127.0.0.1", {"authorization": "Bearer hus"}, 404),
        ("https://desk.example", "hush", "127.0.0.1", {}, 404),
        ("http://127.0.0.1:8080", "hush", "127.0.0.1", {}, 404),
    ],
)
async def test_figures_are_not_for_strangers(
    live_db: Database, resources: Resources, url: str, token: str, host: str, headers: dict[str, str], status: int
) -> None:
    resources.settings = replace(resources.settings, url=url, metrics_token=token)
    async with asked(resources, host) as client:
        assert (await client.get("/metrics", headers=headers)).status_code == status


async def test_the_figures_name_nobody(office: Office, live_db: Database, place: Place) -> None:
    await set_aside(office)
    await office.write((await office.hear())["conversation_id"], due_at=None)
    await office.dispatch()
    office.resources.settings = replace(office.resources.settings, metrics_token="hush")
    async with asked(office.resources, "192.0.2.7") as client:
        text = (await client.get("/metrics", headers={"authorization": "Bearer hush"})).text
    wanted = (
        "frontdesk_raw_backlog", "frontdesk_raw_oldest_seconds", 'frontdesk_set_aside{channel="line"} 1.0',
        "frontdesk_send_attempts_total{", "frontdesk_processing_seconds_bucket{", "frontdesk_provider_latency_seconds",
        "frontdesk_pg_pool_wait_seconds", "frontdesk_dedupe_hits_total", "frontdesk_ssrf_block_total",
        "frontdesk_stream_clients", "frontdesk_workers 0.0", 'frontdesk_inboxes{channel="line",health="ok"}',
    )  # fmt: skip
    missing = [name for name in wanted if name not in text]
    assert missing == []
    for private in ("Front desk", "+3021", "Harbour", "desk@"):
        assert private not in text


async def test_what_a_process_counts(office: Office, live_db: Database) -> None:
    """One of each kind, by the product's own doing."""
    office.resources.settings = replace(office.resources.settings, metrics_token="hush")
    async with asked(office.resources, "192.0.2.7") as client:
        await client.get("/api/v1/me")
        await office.store(office.said("Twice"), key="one")
        await office.store(office.said("Twice"), key="one")
        text = (await client.get("/metrics", headers={"authorization": "Bearer hush"})).text
    counted = {line.split(" ")[0]: float(line.split(" ")[1]) for line in text.splitlines() if line[0] != "#"}
    assert counted['frontdesk_authz_denied_total{status="401"}'] >= 1
    assert counted["frontdesk_dedupe_hits_total"] >= 1
    assert counted["frontdesk_raw_backlog"] == 1


async def test_ready_only_when_it_can_work(signed_in: httpx.AsyncClient, resources: Resources, tmp_path: Path) -> None:
    """The tests' database forgets by design, so that only the sentence can be looked at."""
    from frontdesk.app.health import _key_lost, _why_not

    answer = (await signed_in.get("/readyz")).json()
    assert answer["why"] == "fsync or synchronous_commit is off: messages could be lost"
    good = {"durable": True, "read_only": False, "now": 100.0}
    assert _why_not(good, 101.0) is None
    assert "differ by 3.0 s" in (_why_not(good, 103.0) or "")
    assert "only be read" in (_why_not({**good, "read_only": True}, 100.0) or "")
    assert _key_lost(resources) is None
    (tmp_path / "secrets.key").write_text("rubbish")
    assert "cannot be read" in (_key_lost(resources) or "")
    (tmp_path / "secrets.key").unlink()
    assert "is gone" in (_key_lost(resources) or "")


async def test_alerts_are_for_admins(signed_in: httpx.AsyncClient, live_db: Database) -> None:
    body = (await signed_in.get("/api/v1/alerts")).json()
    assert [alert["name"] for alert in body["alerts"]] == ["workers_missing"]
    assert {figure["name"] for figure in body["figures"]} >= {"frontdesk_raw_backlog", "frontdesk_workers"}
    new = {"name": "Clerk", "email": "clerk@example.org", "role": "user", "password": "correct horse battery"}
    assert (await signed_in.post("/api/v1/users", json=new)).status_code == 201
    signed_in.cookies.clear()
    await signed_in.post("/api/v1/session", json={"email": new["email"], "password": new["password"]})
    assert (await signed_in.get("/api/v1/alerts")).status_code == 403
