"""The office of the conversations' tests, on a connection that may also break what the database forbids."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from conftest import OneConnection
from conversations.office import office, registry, time
from frontdesk.kit.transaction import Database, prepare

__all__ = ["office", "registry", "time"]


@pytest.fixture
async def ground(place: tuple[dict[str, Any], dict[str, Any]]) -> AsyncIterator[asyncpg.Connection[Any]]:
    """The tables' owner, in a transaction that is undone: constraints may be dropped and rules broken."""
    connection = await asyncpg.connect(**place[1])
    try:
        await prepare(connection)
        outer = connection.transaction()
        await outer.start()
        yield connection
        await outer.rollback()
    finally:
        await connection.close()


@pytest.fixture
def breakable(ground: asyncpg.Connection[Any]) -> Database:
    return Database(OneConnection(ground))  # type: ignore[arg-type]
