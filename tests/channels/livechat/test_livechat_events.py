"""The stream of events, over a real connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine
import uvicorn

from channels.livechat.livechat_desk import SqliteDesk
from channels.livechat.visitor import Visitor, app_on, identity
from frontdesk.channels.livechat.events import MAX_AGE
from frontdesk.channels.port import Whisper
from frontdesk.kit.clock import now


@pytest.fixture
async def live(desk: SqliteDesk) -> AsyncIterator[httpx.AsyncClient]:
    """The endpoints behind a real server: only there a stream is a stream."""
    config = uvicorn.Config(app_on(desk), port=0, log_level="error", timeout_graceful_shutdown=1, ws="none")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(60):
        while not server.started:
            await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
        yield client
    server.should_exit = True
    await running


class Stream:
    """Reads frames from an open stream; comments are frames named ``beat``."""

    def __init__(self, response: httpx.Response) -> None:
        self.blocks = self._blocks(response)

    async def _blocks(self, response: httpx.Response) -> AsyncIterator[list[str]]:
        block: list[str] = []
        async for line in response.aiter_lines():
            if line:
                block.append(line)
            elif block:
                yield block
                block = []

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(60):
            block = await anext(self.blocks)
        if block[0].startswith(":"):
            return {"event": "beat" if "beat" in block[0] else "padding"}
        fields = dict(line.split(": ", 1) for line in block)
        return {"id": fields.get("id"), "event": fields["event"], "data": json.loads(fields["data"])}


async def follow(visitor: Visitor, after: int | str) -> Any:
    headers = {**visitor.headers, "last-event-id": str(after)}
    return visitor.http.stream("GET", "/widget/v1/events", headers=headers)


async def test_everything_new_comes_with_its_number(live: httpx.AsyncClient, desk: SqliteDesk) -> None:
    visitor = Visitor(live)
    await visitor.begin()
    await visitor.say("Hello")
    (address,) = desk.visitors()
    async with await follow(visitor, 0) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-accel-buffering"] == "no"
        stream = Stream(response)
        assert (await stream.next())["event"] == "padding"
        first = await stream.next()
        assert (first["id"], first["event"], first["data"]["text"], first["data"]["mine"]) == (
            "1",
            "message",
            "Hello",
            True,
        )
        desk.say(address, "Hi")
        second = await stream.next()
        assert (second["id"], second["data"]["author"]) == ("2", "Ada")
    async with await follow(visitor, 1) as response:
        stream = Stream(response)
        await stream.next()
        assert (await stream.next())["id"] == "2"


async def test_typing_has_no_number_and_no_name_of_the_visitor(live: httpx.AsyncClient, desk: SqliteDesk) -> None:
    visitor = Visitor(live)
    await visitor.begin(identity=identity(name="Ann"))
    await visitor.say()
    (address,) = desk.visitors()
    async with await follow(visitor, 1) as response:
        stream = Stream(response)
        await stream.next()
        desk.murmur(address, Whisper(sender=address, kind="typing"))
        assert await stream.next() == {"id": None, "event": "typing", "data": {"name": None, "on": True}}


async def test_silence_is_not_death(live: httpx.AsyncClient, desk: SqliteDesk) -> None:
    desk.heartbeat = 0.05
    visitor = Visitor(live)
    await visitor.begin()
    async with await follow(visitor, 0) as response:
        stream = Stream(response)
        assert [(await stream.next())["event"] for _ in range(3)] == ["padding", "beat", "beat"]


async def test_a_number_that_is_too_old_means_read_again(live: httpx.AsyncClient, desk: SqliteDesk) -> None:
    desk.forget(before=10)
    visitor = Visitor(live)
    await visitor.begin()
    async with await follow(visitor, 3) as response:
        stream = Stream(response)
        await stream.next()
        assert (await stream.next())["event"] == "resync"
        with pytest.raises(StopAsyncIteration):
            await stream.next()


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "٣", "9" * 30, str(2**63)])
async def test_a_number_that_is_none_is_refused(live: httpx.AsyncClient, cursor: str) -> None:
    visitor = Visitor(live)
    await visitor.begin()
    headers = [("authorization", f"Bearer {visitor.token}"), ("last-event-id", cursor.encode())]
    answer = await live.get("/widget/v1/events", headers=headers)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


async def test_nobody_keeps_more_streams_than_anybody_needs(live: httpx.AsyncClient) -> None:
    visitor = Visitor(live)
    await visitor.begin()
    streams = [await follow(visitor, 0) for _ in range(13)]
    answers = [await stream.__aenter__() for stream in streams]
    assert [answer.status_code for answer in answers] == [200] * 12 + [429]
    for stream in streams:
        await stream.__aexit__(None, None, None)

    async def again() -> int:
        async with await follow(visitor, 0) as response:
            return int(response.status_code)

    async with asyncio.timeout(60):
        while await again() != 200:  # the server notices a closed connection a moment later
            await asyncio.sleep(0.05)


async def test_a_stream_ends_so_that_the_right_to_listen_is_asked_again(
    live: httpx.AsyncClient, desk: SqliteDesk
) -> None:
    desk.heartbeat = 0.02
    visitor, guest = Visitor(live), Visitor(live)
    await visitor.begin()
    await guest.begin(identity=identity(exp=int(now().timestamp()) + 300))
    for who, life in ((visitor, MAX_AGE), (guest, timedelta(seconds=300))):
        async with await follow(who, 0) as response:
            stream = Stream(response)
            assert [(await stream.next())["event"] for _ in range(2)] == ["padding", "beat"]
            with time_machine.travel(now() + life + timedelta(seconds=1)):
                rest = [block async for block in stream.blocks]
            assert len(rest) < 5


async def test_a_desk_that_closes_ends_its_streams(live: httpx.AsyncClient, desk: SqliteDesk) -> None:
    visitor = Visitor(live)
    await visitor.begin()
    async with await follow(visitor, 0) as response:
        stream = Stream(response)
        await stream.next()
        desk.hang_up()
        with pytest.raises(StopAsyncIteration):
            await stream.next()
