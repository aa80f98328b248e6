"""A full disk: nothing new is taken, reading goes on, and everything works again as soon as there is room.

The home of a real ``frontdesk run`` lies on a small disk of its own, its files on another.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from database import fast_folder
from faults.gateway import Gateway
from faults.processes import LONG, Desk, Running, running
from faults.tmpfs import fill, small_disk
from frontdesk.kit import postgres
from peers.mail.peers import free_ports

KEEP_FREE = 112  # MB; a quarter of it is ballast, in which one WAL segment of 16 MB must find room
pytestmark = pytest.mark.slow


@dataclass
class Office:
    desk: Desk
    process: Running
    home: Path
    files: Path
    talk: int
    acknowledged: list[str]

    async def text(self, words: str) -> httpx.Response:
        answer = await self.desk.text(self.desk.client, words)
        self.acknowledged += [words] if answer.is_success else []
        return answer

    async def texts(self) -> list[str]:
        return [one["text"] for one in await self.desk.thread(self.talk)]


@pytest.fixture
async def office(gateway: Gateway) -> AsyncIterator[Office]:
    async with AsyncExitStack() as stack:
        place = fast_folder("fd-disk-")
        stack.callback(shutil.rmtree, place)
        home = stack.enter_context(small_disk(place / "home", 340))
        files = stack.enter_context(small_disk(place / "files", 128))
        (port,) = free_ports(1)
        env = {"FRONTDESK_PORT": str(port), "FRONTDESK_FILES": str(files), "FRONTDESK_KEEP_FREE_MB": str(KEEP_FREE)}
        process = await stack.enter_async_context(running("run", home, **env))
        desk = await stack.enter_async_context(Desk(f"http://127.0.0.1:{port}"))
        await desk.until_ready(process)
        await desk.set_up(gateway.url)
        made = Office(desk, process, home, files, 0, [])
        assert (await made.text("one")).status_code == 200
        (talk,) = await desk.until(desk.conversations)
        made.talk = talk["id"]
        yield made


async def takes_nothing_and_reads(office: Office, which: str) -> None:
    """What an office with a full disk does."""
    desk = office.desk
    refused = await desk.until(lambda: _refused(office))
    assert (refused.status_code, refused.json()["code"]) == (503, "disk_full")
    assert refused.headers["retry-after"] == "30"
    ready = await desk.client.get("/readyz")
    assert (ready.status_code, which in ready.json()["why"]) == (503, True)
    assert (await desk.client.get("/livez")).status_code == 200
    written = await desk.client.post(f"/api/v1/conversations/{office.talk}/messages", json={"text": "no"})
    assert (written.status_code, written.json()["code"]) == (503, "disk_full")
    assert [one["id"] for one in await desk.conversations()] == [office.talk]
    assert await office.texts() == office.acknowledged
    async with desk.client.stream("GET", "/api/v1/events?after=0") as stream:
        assert stream.status_code == 200
        seen = b""
        async for piece in stream.aiter_bytes():
            seen += piece
            if b"MessageReceived" in seen:
                break


async def _refused(office: Office) -> httpx.Response | None:
    """The answer to a delivery once the process has seen that its disk is full; it looks every half second."""
    if (await office.desk.client.get("/readyz")).status_code == 200:
        return None
    return await office.desk.text(office.desk.client, "refused")


async def takes_again(office: Office, words: str) -> None:
    async def taken() -> bool:
        return (await office.text(words)).status_code == 200

    await office.desk.until(taken)
    await office.desk.until(lambda: _all_there(office))
    await office.desk.until_ready(office.process)


async def _all_there(office: Office) -> bool:
    return await office.texts() == office.acknowledged


async def test_a_full_disk_refuses_what_is_new_and_reading_goes_on(office: Office, gateway: Gateway) -> None:
    for folder, which in ((office.home, "the database"), (office.files, "the files")):
        filling = fill(folder, leave=(KEEP_FREE - 20) * 2**20)
        await takes_nothing_and_reads(office, which)
        filling.unlink()
        await takes_again(office, f"after {which}")
    await office.desk.call("POST", f"/conversations/{office.talk}/messages", {"text": "answer"})
    await gateway.until(1)
    assert gateway.texts == ["answer"]


@LONG
async def test_a_database_that_found_no_room_comes_back_and_can_be_read(office: Office) -> None:
    """Somebody else takes the last byte, and PostgreSQL, which cannot write its log, gives up. It gets the ballast."""
    ballast = office.home / "ballast"
    await office.desk.until(lambda: _exists(ballast))
    await _checkpoint(office.home)
    filling = fill(office.home)
    await _until_it_gives_up(office.home)
    await office.desk.until(lambda: _reads(office))
    assert not ballast.exists()
    assert "PANIC" in (office.home / "postgres.log").read_text(errors="replace")
    await takes_nothing_and_reads(office, "the database")
    filling.unlink()
    await takes_again(office, "after all")
    await office.desk.until(lambda: _exists(ballast))


async def _exists(path: Path) -> bool:
    return path.exists()


async def _reads(office: Office) -> bool:
    return (await office.desk.client.get("/api/v1/conversations")).status_code == 200


async def _owner(home: Path) -> Any:
    server = postgres.attach(home)
    assert server is not None
    return await asyncpg.connect(**server.owner_connect_args)


async def _checkpoint(home: Path) -> None:
    """As one is every five minutes: what a recovery would have to write anew is little then."""
    connection = await _owner(home)
    await connection.execute("checkpoint")
    await connection.close()


async def _until_it_gives_up(home: Path) -> None:
    """Write into the database's log until nothing fits any more."""
    connection = await _owner(home)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await _write_forever(connection)
    connection.terminate()


async def _write_forever(connection: Any) -> None:
    while True:
        await connection.execute("select pg_logical_emit_message(true, 'filling', repeat('x', 1000000))", timeout=60)
