"""``frontdesk doctor`` says what is wrong with an installation, and what to do about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from conversations.office import Office
from frontdesk.app import doctor, hooks
from frontdesk.app.doctor import Finding, examine, judged, reachable
from frontdesk.app.intake import Intake
from frontdesk.app.migrate import migrate
from frontdesk.inboxes.actions import note_health
from frontdesk.kit import disk
from frontdesk.kit.context import Resources
from frontdesk.kit.postgres import Server
from frontdesk.kit.secrets import Vault
from frontdesk.kit.settings import Settings
from frontdesk.kit.transaction import Database
from frontdesk_sim.mail import certificate

Place = tuple[dict[str, Any], dict[str, Any]]


@asynccontextmanager
async def served(application: Any, *, tls: Any = None) -> AsyncIterator[int]:
    """Answers GET requests on a free port of this machine with an ASGI application; yields the port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readline()).decode()
        while (await reader.readline()).strip():
            pass
        sent: list[dict[str, Any]] = []
        path, _, query = line.split(" ")[1].partition("?") if line.strip() else ("/", "", "")

        async def send(part: dict[str, Any]) -> None:
            sent.append(part)

        scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode(), "headers": []}
        await application(scope, None, send)
        body = sent[1]["body"]
        writer.write(f"HTTP/1.1 {sent[0]['status']} X\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture
def database(place: Place, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The tests' database as the one of the installation; looking at it does not stop it."""

    class Lent(Server):
        connect_args = place[0]
        owner_connect_args = place[1]

    lent = Lent("", "")
    monkeypatch.setattr(doctor.postgres, "attach", lambda home: lent)
    return lent


async def found(settings: Settings) -> dict[str, Finding]:
    return {one.check: one async for one in examine(settings)}


def states(findings: dict[str, Finding]) -> dict[str, str]:
    return {name: one.state for name, one in findings.items() if one.state != "ok"}


async def test_an_installation_in_order(
    live_db: Database, office: Office, resources: Resources, database: Server, settings: Settings
) -> None:
    """But for the tests' database, which is fast and forgets."""
    async with served(hooks.Hooks(resources, Intake(live_db))) as port:
        here = replace(settings, url=f"http://127.0.0.1:{port}", port=port)
        findings = await found(here)
    assert states(findings) == {"durability": "fail"}
    assert findings.keys() >= {
        "disk", "files", "key", "role", "clock", "schema", "inbox Front desk", "dns", "tls", "port",
        "webhooks",
    }  # fmt: skip
    assert all(one.sentence.endswith(".") or "frontdesk" in one.sentence for one in findings.values())


async def test_inboxes_that_do_not_work(
    live_db: Database, office: Office, database: Server, settings: Settings, tmp_path: Path
) -> None:
    async with office.db.begin(office.workspace) as tx:
        await note_health(tx, office.line, "off", "The password was refused.")
        await note_health(tx, office.post, "attention", "It does not answer.")
        await tx.execute("update inboxes set credentials = $1 where id = $2", b"\x01" + b"x" * 60, office.post)
    findings = await found(settings)
    assert findings["inbox Front desk"].state == "fail"
    assert "The password was refused." in findings["inbox Front desk"].sentence
    assert findings["inbox Letters"].state == "fail"
    assert "key file" in findings["inbox Letters"].sentence
    await office.execute("update inboxes set credentials = null")
    assert (await found(settings))["inbox Letters"].state == "warn"


async def test_the_key_file(database: Server, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "secrets.key"
    assert (await found(settings))["key"].state == "warn"
    Vault.open(path)
    assert (await found(settings))["key"].state == "ok"
    path.chmod(0o644)
    assert (await found(settings))["key"] == Finding(
        "key", "fail", f"Others may read {path} (mode 644). Run: chmod 600 {path}"
    )
    path.write_text("no key\n")
    assert (await found(settings))["key"].state == "fail"


async def test_the_place_for_files(database: Server, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "files").write_text("not a folder")
    assert (await found(settings))["files"].state == "fail"
    bucket = replace(settings, files="s3://b?endpoint=http://127.0.0.1:1&region=x&secret_access_key=hush")
    finding = (await found(bucket))["files"]
    assert finding.state == "fail"
    assert "hush" not in finding.sentence.split(":")[0] + ":"


@pytest.mark.parametrize(("free", "state"), [(0.5, "ok"), (0.1, "warn"), (0.02, "fail")])
def test_the_disk(monkeypatch: pytest.MonkeyPatch, settings: Settings, free: float, state: str) -> None:
    monkeypatch.setattr(doctor, "disk_free", lambda folder: disk.Room(1000, free))
    assert doctor._disk(settings.home / "not" / "there").state == state


GOOD = {
    "major": 16, "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "encoding": "UTF8",
    "now": datetime(2026, 11, 22, tzinfo=UTC), "above": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("what", "wrong"),
    [
        ({}, {}),
        ({"fsync": "off"}, {"durability"}),
        ({"synchronous_commit": "off"}, {"durability"}),
        ({"full_page_writes": "off"}, {"durability"}),
        ({"above": True}, {"role"}),
        ({"encoding": "SQL_ASCII"}, {"encoding"}),
        ({"now": GOOD["now"] - timedelta(seconds=3)}, {"clock"}),
        ({"now": GOOD["now"] + timedelta(seconds=3)}, {"clock"}),
    ],
)
def test_what_the_database_says_of_itself(what: dict[str, Any], wrong: set[str]) -> None:
    findings = judged({**GOOD, **what}, GOOD["now"])
    assert {one.check for one in findings if one.state == "fail"} == set(wrong)


async def test_a_database_that_is_behind_empty_or_away(server: Server, database: Server, settings: Settings) -> None:
    guard = await asyncpg.connect(**server.owner_connect_args)
    try:
        await guard.execute("create database frontdesk_doctor")
        type(database).connect_args = {**server.owner_connect_args, "database": "frontdesk_doctor"}
        findings = await found(settings)
        assert (findings["schema"].state, findings["role"].state) == ("warn", "fail")
        await migrate(database.connect_args)
        connection = await asyncpg.connect(**database.connect_args)
        await connection.execute("update alembic_version set version_num = '0000'")
        await connection.close()
        assert (await found(settings))["schema"].state == "fail"
        type(database).connect_args = {**server.owner_connect_args, "database": "nowhere"}
        assert (await found(settings))["database"].state == "fail"
    finally:
        await guard.execute("drop database frontdesk_doctor with (force)")
        await guard.close()


async def test_a_database_that_cannot_be_reached_is_one_line(settings: Settings) -> None:
    away = replace(settings, database_url="postgresql://nobody@127.0.0.1:1/x")
    assert (await found(away))["database"].state == "fail"


async def test_our_address(database: Server, settings: Settings, resources: Resources, tmp_path: Path) -> None:
    findings = await found(replace(settings, url="https://no-such-name.invalid", port=1))
    assert {name: findings[name].state for name in ("dns", "tls", "port", "webhooks")} == {
        "dns": "fail", "tls": "fail", "port": "warn", "webhooks": "fail",
    }  # fmt: skip
    assert (await found(replace(settings, url="http://desk.example")))["tls"].state == "warn"


async def test_somebody_else_answers_at_our_address(resources: Resources, settings: Settings, tmp_path: Path) -> None:
    other = Resources(
        settings=settings, db=resources.db, vault=Vault.open(tmp_path / "other.key"), files=resources.files
    )
    async with served(hooks.Hooks(other, Intake(resources.db))) as port:
        finding = await reachable(replace(settings, url=f"http://127.0.0.1:{port}"), resources.vault)
        assert finding.state == "fail"
        assert "something else" in finding.sentence
        finding = await reachable(replace(settings, url=f"http://127.0.0.1:{port}"), other.vault)
        assert finding.state == "ok"


async def test_a_certificate_that_nobody_vouches_for_or_that_ends_soon(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with served(None, tls=certificate.tls_context(tmp_path)) as port:
        here = replace(settings, url=f"https://localhost:{port}")
        assert (await doctor._certificate(here)).state == "fail"
        made = doctor.ssl.create_default_context
        monkeypatch.setattr(doctor.ssl, "create_default_context", lambda: made(cafile=str(tmp_path / "sim.pem")))
        assert (await doctor._certificate(here)).state == "ok"
        monkeypatch.setattr(doctor, "CERTIFICATE_WARN", timedelta(days=100_000))
        assert (await doctor._certificate(here)).state == "warn"
