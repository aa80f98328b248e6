"""Providers and servers that tests break stand on this machine; the database is a safe one of their own."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from ipaddress import IPv4Network
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest

from database import fast_folder
from faults.gateway import Gateway
from frontdesk.kit import postgres
from frontdesk.kit.fetch import open_networks


@pytest.fixture(autouse=True)
def operator_opened() -> Iterator[None]:
    """Loopback is a network of the operator's."""
    open_networks([IPv4Network("127.0.0.0/8")])
    yield
    open_networks(())


@pytest.fixture(scope="session")
def safe_server() -> Iterator[postgres.Server]:
    """With ``fsync`` on, as Frontdesk wants it to be."""
    folder = fast_folder("fd-faults-")
    try:
        with postgres.start(folder / "home") as started:
            yield started
    finally:
        shutil.rmtree(folder)


@pytest.fixture
async def database(safe_server: postgres.Server, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The address of an empty database of this test's own."""
    owner = safe_server.owner_connect_args
    connection = await asyncpg.connect(**owner)
    name = f"faults_{abs(hash(request.node.nodeid)) % 10**9}"
    try:
        await connection.execute(f"create database {name}")
        yield f"postgresql://{owner['user']}@/{name}?host={quote(owner['host'], safe='')}"
        await connection.execute(f"drop database {name} with (force)")
    finally:
        await connection.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with Gateway() as made:
        yield made
