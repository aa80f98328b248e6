"""A server that somebody else runs, named by DATABASE_URL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from frontdesk.kit import postgres
from kit.postgres.processes import rows


@pytest.fixture
async def elsewhere(used: Path) -> AsyncIterator[postgres.Server]:
    """A server that somebody else runs, as far as ``resolve`` can tell."""
    async with postgres.start(used) as server:
        yield server


async def test_an_outside_superuser_is_put_under_row_level_security(
    elsewhere: postgres.Server, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rows(elsewhere, "CREATE DATABASE given")
    monkeypatch.setenv("DATABASE_URL", elsewhere.owner_dsn.replace("/frontdesk?", "/given?"))
    server = await postgres.resolve(home)
    assert server.app_role == "frontdesk_app"
    assert server.owner_dsn == server.dsn
    await rows(server, "CREATE TABLE things (id int)")
    app = await asyncpg.connect(**server.connect_args)
    assert await app.fetchval("SELECT current_user::text") == "frontdesk_app"
    assert await app.fetchval("SELECT count(*) FROM things") == 0
    await app.close()
    assert not server.revive()
    assert server.alive()
    assert (await postgres.resolve(home)).app_role == "frontdesk_app", "a second process finds everything in place"


async def test_an_outside_ordinary_owner_connects_as_itself(elsewhere: postgres.Server, home: Path) -> None:
    await rows(elsewhere, "CREATE DATABASE given OWNER frontdesk_app")
    async with await postgres.resolve(home, url=elsewhere.dsn.replace("/frontdesk?", "/given?")) as server:
        assert server.app_role is None
        assert set(server.connect_args) == {"dsn"}


async def test_an_outside_user_without_rights_is_told_what_to_do(elsewhere: postgres.Server, home: Path) -> None:
    with pytest.raises(postgres.Unsuitable, match="ALTER DATABASE"):
        await postgres.resolve(home, url=elsewhere.dsn)


async def test_an_outside_server_that_is_too_old(elsewhere: postgres.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frontdesk.kit.postgres.server.OLDEST_MAJOR", 99)
    with pytest.raises(postgres.Unsuitable, match="Frontdesk needs 99 or newer"):
        await postgres.resolve(Path(), url=elsewhere.owner_dsn)


@pytest.mark.parametrize("url", ["postgresql://127.0.0.1:1/nothing", "mysql://127.0.0.1/x", "postgresql://x:y:z/"])
async def test_an_outside_server_that_does_not_answer(url: str) -> None:
    with pytest.raises(postgres.Unsuitable, match="cannot be reached"):
        await postgres.resolve(Path(), url=url)


async def test_without_a_url_the_embedded_one_starts(used: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    async with await postgres.resolve(used) as server:
        assert isinstance(server, postgres.Embedded)
