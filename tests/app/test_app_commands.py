"""The commands of the operator, each as it is typed, on a database of their own."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import asyncpg
import pytest
import structlog

from conftest import PASSWORD
from frontdesk.app import cli, commands
from frontdesk.app.migrate import newest
from frontdesk.kit.errors import NotFound, Problem, Refused
from frontdesk.kit.postgres import Server
from frontdesk.kit.settings import Settings
from frontdesk.people import rules

Typed = Callable[..., Awaitable[str]]


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """A command sets up the log of its process; here that is the tests' own."""
    yield
    structlog.reset_defaults()


@pytest.fixture
async def settings(server: Server, tmp_path: Path) -> AsyncIterator[Settings]:
    """Of an installation where nothing was done yet."""
    name = f"frontdesk_commands_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    owner = server.owner_connect_args
    guard = await asyncpg.connect(**owner)
    try:
        await guard.execute(f"create database {name}")
        url = f"postgresql://{owner['user']}@/{name}?host={quote(str(owner['host']), safe='')}"
        yield Settings(home=tmp_path, database_url=url)
        await guard.execute(f"drop database {name} with (force)")
    finally:
        await guard.close()


@pytest.fixture
def typed(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Typed:
    """What a command says, and its status on a last line where that is not 0."""

    async def run(*words: str) -> str:
        arguments = cli._parser().parse_args(words)
        status = await arguments.run(settings, arguments)
        return capsys.readouterr().out.strip() + (f"\nstatus {status}" if status else "")

    return run


async def ask(settings: Settings, sql: str, *values: object) -> object:
    connection = await asyncpg.connect(settings.database_url)
    try:
        return await connection.fetchval(sql, *values)
    finally:
        await connection.close()


async def test_from_nothing_to_a_token(settings: Settings, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await typed("migrate") == "The database is up to date."
    assert await ask(settings, "select version_num from alembic_version") == newest()
    with pytest.raises(NotFound):
        await typed("token", "create")
    assert "owner" in await typed("user", "create", "ana@x.example", "--password", PASSWORD)
    monkeypatch.setattr(cli.getpass, "getpass", lambda _: PASSWORD)
    assert await typed("user", "create", "ben@x.example", "--role", "user", "--name", "Ben") == (
        "Added ben@x.example as user."
    )
    with pytest.raises(Refused, match="already here"):
        await typed("user", "create", "ben@x.example")
    owners, bens = await typed("token", "create"), await typed("token", "create", "--email", "BEN@x.example")
    assert owners.startswith("fd_1-")
    scopes = await ask(settings, "select scopes from tokens where prefix = $1", owners[:10])
    assert scopes == sorted(rules.PERMISSIONS["owner"])
    newest_scopes = "select scopes from tokens order by id desc limit 1"
    assert await ask(settings, newest_scopes) == sorted(rules.PERMISSIONS["user"])
    few = await typed("token", "create", "--email", "ben@x.example", "--scope", "contacts:read")
    assert len({owners, bens, few}) == 3
    assert await ask(settings, newest_scopes) == ["contacts:read"]
    with pytest.raises(Problem):
        await typed("token", "create", "--scope", "everything")


async def test_inboxes_deliveries_and_keys(settings: Settings, typed: Typed) -> None:
    await typed("user", "create", "ana@x.example", "--password", PASSWORD)
    assert await typed("inbox", "list") == "There is no inbox yet."
    await ask(settings, "insert into inboxes (workspace_id, channel, name, settings, public_key, health_at)"
              " values (1, 'email', 'Post', '{}', '1-x', now()) returning id")  # fmt: skip
    assert await typed("inbox", "list") == "1\temail\tPost\twaiting"
    for number, state in enumerate(("set_aside", "set_aside", "done")):
        await ask(
            settings,
            "insert into raw_deliveries (workspace_id, inbox_id, dedupe_key, body, state, error, received_at)"
            " values (1, 1, $1, '', $2, 'x', now()) returning id",
            str(number), state,
        )  # fmt: skip
    with pytest.raises(Refused, match="Name deliveries"):
        await typed("replay")
    assert await typed("replay", "1", "3") == "1 deliveries will be read again."
    assert await typed("replay", "--all") == "1 deliveries will be read again."
    assert await ask(settings, "select array_agg(state order by id) from raw_deliveries") == ["new", "new", "done"]
    keys = (settings.home / "secrets.key").read_text()
    assert "0 credentials were sealed again" in await typed("secrets", "rotate")
    assert (settings.home / "secrets.key").read_text() != keys


async def test_looking_after_it(settings: Settings, typed: Typed, tmp_path: Path) -> None:
    await typed("user", "create", "ana@x.example", "--password", PASSWORD)
    assert await typed("verify") == "Nothing is wrong."
    assert "ok    audit (workspace 1)" in await typed("verify", "--all", "--files")
    head = await typed("verify", "--audit-head")
    assert await typed("verify", "--audit-head-was", head) == "Nothing is wrong."
    await typed("user", "create", "ben@x.example", "--password", PASSWORD)
    assert await typed("verify", "--audit-head-was", head) == "Nothing is wrong."
    workspace, lines, digest = head.split(":")
    later = await typed("verify", "--audit-head")
    assert "status 1" in await typed("verify", "--audit-head-was", f"{workspace}:{int(lines) + 1}:{digest}")
    await ask(settings, "delete from audit where id = (select max(id) from audit) returning id")
    told = await typed("verify", "--workspace", "1")
    assert "WRONG audit (workspace 1)" in told
    assert "status 1" in told
    assert [one["check"] for one in json.loads((await typed("verify", "--json")).partition("\nstatus")[0])
            if not one["ok"]] == ["audit"]  # fmt: skip
    made = tmp_path / "b.zip"
    assert str(made) in await typed("backup", str(made))
    assert "as they were written" in await typed("backup", "--verify", str(made))
    restored = await typed("restore", str(made), "--replace")
    assert "Restored: 0 messages" in restored
    assert "Nothing is wrong." in restored, "it is looked through at once; where the audit ends is counted afresh"
    assert "status 1" in await typed("verify", "--audit-head-was", later), "what was noted still tells of the cut"


async def test_what_is_made_from_the_code_is_written_and_compared(typed: Typed, tmp_path: Path) -> None:
    for command, word in (("openapi", "The API has changed"), ("alerts", "The rules have changed")):
        file = tmp_path / command
        assert (await typed(command, "--check", "--file", str(file))).startswith(word)
        assert await typed(command, "--file", str(file)) == f"Wrote {file}."
        assert await typed(command, "--check", "--file", str(file)) == f"{file} is up to date."
        file.write_text("older")
        assert (await typed(command, "--check", "--file", str(file))).endswith("status 1")


async def test_the_doctor_says_the_same_to_people_and_to_programs(typed: Typed) -> None:
    await typed("user", "create", "ana@x.example", "--password", PASSWORD)
    lines = (await typed("doctor")).partition("\nstatus")[0].splitlines()
    found = json.loads((await typed("doctor", "--json")).partition("\nstatus")[0])
    assert [line.split()[1].rstrip(":") for line in lines] == [one["check"].split()[0] for one in found]
    assert {one["state"] for one in found} <= {"ok", "warn", "fail"}


def test_a_file_that_no_channel_reads_is_not_shown() -> None:
    with pytest.raises(Refused, match=r"No channel reads \.docx files"):
        commands.show(".docx", b"")


def test_a_mail_is_shown_and_what_nobody_reads_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    monkeypatch.setattr(sys, "stdout", said)
    monkeypatch.setattr(
        sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"From: a@x.example\r\nSubject: Hi\r\n\r\nWords"))
    )
    with pytest.raises(SystemExit) as ended:
        cli.main(["mail", "show", "-"])
    assert ended.value.code == 0
    assert json.loads(said.getvalue())["subject"] == "Hi"


@pytest.mark.parametrize(("name", "value"), [("FRONTDESK_PORT", "x"), ("FRONTDESK_ALLOW_PRIVATE", "here")])
def test_a_setting_that_cannot_be_read_ends_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        cli.main(["inbox", "list"])
    assert ended.value.code == 1
    assert "Traceback" not in capsys.readouterr().err


def test_a_database_that_is_not_there_ends_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(SystemExit) as ended:
        cli.main(["inbox", "list"])
    assert ended.value.code == 1
    assert capsys.readouterr().err.strip()
