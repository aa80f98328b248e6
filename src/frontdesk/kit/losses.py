"""A database that is away, and a connection that is lost: how the driver says so, and how we do."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

# Everything that the driver raises when the database is away. Its last is what a statement meets between the server's
# farewell and the end of its connection; the driver calls that a fault of its own.
AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


def gone(connection: Any) -> bool:
    """Whether a connection, perhaps one of the pool's, has been lost."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:  # the pool has taken it back, as it does when one is lost
        return True


def lost() -> asyncpg.PostgresError:
    return asyncpg.ConnectionDoesNotExistError("The connection to the database was lost.")


@contextlib.asynccontextmanager
async def told(connection: Any) -> AsyncIterator[None]:
    """When the connection is lost the driver complains about how it was used. It is told as what it is, so that what
    tries again after an error that passes does so; and what the driver has lost track of is not used again."""
    try:
        yield
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        if isinstance(error, asyncpg.InternalClientError) and not gone(connection):
            connection.terminate()
        if gone(connection):
            raise lost() from error
        raise
