"""Live screens: how soon a thousand of them hear of something, and what each costs."""

from __future__ import annotations

import asyncio
import resource
import statistics
import time
from typing import cast

from bench.benchmarks import benchmark
from bench.gates import Gate
from bench.measure import cpu_seconds, memory
from bench.place import Office, Place
from frontdesk.conversations.events import ConversationChanged

WAIT = 60.0  # seconds until something that never comes is given up
_REQUEST = "GET /api/v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\n\r\n"


class Screen(asyncio.Protocol):
    """One browser that follows the event stream; it does not parse more than it must."""

    def __init__(self, token: str) -> None:
        self._token = token
        self.open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.heard: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(_REQUEST.format(self._token).encode())

    def data_received(self, data: bytes) -> None:
        if not self.open.done() and b"\n: " in data:
            self.open.set_result(None)
        if not self.heard.done() and b"event: ConversationChanged" in data:
            self.heard.set_result(time.perf_counter())

    def connection_lost(self, exc: Exception | None) -> None:
        for waiting in (self.open, self.heard):
            if not waiting.done():
                waiting.cancel()


@benchmark
async def streams(place: Place) -> list[Gate]:
    """One event to 1,000 open event streams of the real web process, and the memory of each."""
    clients = place.size(1000, quick=50)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4 * clients)), hard))
    office = await place.office()
    web = await office.start("web")
    screens = await _open(office, 20)  # what the first ones need is needed once
    before = memory(web.pid)
    screens += await _open(office, clients)
    after = memory(web.pid)
    spent = cpu_seconds(web.pid)
    spans = [await _broadcast(office, screens) for _ in range(place.size(30, quick=2))]
    spent = (cpu_seconds(web.pid) - spent) / (len(spans) * len(screens))
    lasts, middles = ([span[at] * 1000 for span in spans] for at in (0, 1))
    for screen in screens:
        screen.transport.close()
    return [
        Gate.at_most(f"one event until the last of {clients} has it", statistics.median(lasts), 100, "ms",
                     note="median of the broadcasts; from before the commit"),
        Gate.figure("the slowest broadcast", max(lasts), "ms"),
        Gate.figure("one event until half of them have it", statistics.median(middles), "ms"),
        Gate.at_most("CPU of the web process for a frame", spent * 1e6, 35, "µs", kind="aim"),
        Gate.at_most("memory of a stream", (after - before) * 1024 / clients, 45, "KiB"),
        Gate.figure("the web process with all streams", after, "MB"),
    ]  # fmt: skip


async def _open(office: Office, count: int) -> list[Screen]:
    loop = asyncio.get_running_loop()
    screens: list[Screen] = []
    for _ in range(0, count, 25):
        made = [
            (await loop.create_connection(lambda: Screen(office.token), "127.0.0.1", office.port))[1]
            for _ in range(min(25, count - len(screens)))
        ]
        async with asyncio.timeout(WAIT):
            await asyncio.gather(*(screen.open for screen in made))
        screens += made
    return screens


async def _broadcast(office: Office, screens: list[Screen]) -> tuple[float, float]:
    """Seconds until the last and until the middle screen heard."""
    loop = asyncio.get_running_loop()
    for screen in screens:
        screen.heard = loop.create_future()
    async with office.resources() as resources:
        async with resources.db.begin(office.workspace_id) as tx:
            conversation_id = await tx.fetchval(
                "select id from conversations where workspace_id = $1 limit 1", office.workspace_id
            ) or await _conversation(tx)
        async with resources.db.begin(office.workspace_id) as tx:
            tx.emit(ConversationChanged(conversation_id=conversation_id, changed=("status",)))
            began = time.perf_counter()
        async with asyncio.timeout(WAIT):
            heard = await asyncio.gather(*(screen.heard for screen in screens))
    spans = sorted(at - began for at in heard)
    return spans[-1], spans[len(spans) // 2]


async def _conversation(tx: object) -> int:
    contact = await tx.fetchval(
        "insert into contacts (workspace_id, name) values ($1, 'Ana') returning id", tx.workspace_id
    )  # type: ignore[attr-defined]
    made: int = await tx.fetchval(  # type: ignore[attr-defined]
        "insert into conversations (workspace_id, contact_id, last_at) values ($1, $2, now()) returning id",
        tx.workspace_id, contact,  # type: ignore[attr-defined]
    )  # fmt: skip
    return made
