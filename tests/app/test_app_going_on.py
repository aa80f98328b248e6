"""What must never end goes on after an error that nobody foresaw; and a process that ends by itself says so."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from frontdesk.app import alerts, listening, process
from frontdesk.kit.context import Resources
from frontdesk.kit.postgres import Server
from frontdesk.realtime.queries import hub

Place = tuple[dict[str, Any], dict[str, Any]]


class Connecting:
    """Fails in a way of its own, and then connects."""

    def __init__(self, place: Place) -> None:
        self._place, self.asked, self.made = place, 0, asyncio.Event()

    async def __call__(self) -> Any:
        self.asked += 1
        if self.asked == 1:
            raise KeyError("nobody foresaw this")
        self.made.set()
        return await asyncpg.connect(**self._place[0])


@pytest.fixture
def connecting(place: Place, monkeypatch: pytest.MonkeyPatch) -> Connecting:
    monkeypatch.setattr(listening, "LOOK_EVERY", 0.01)
    return Connecting(place)


async def test_whoever_rings_for_screens_goes_on(resources: Resources, connecting: Connecting) -> None:
    await _goes_on(hub.Hub(resources, connecting).run, connecting.made)


async def test_whoever_looks_after_listeners_goes_on(resources: Resources, connecting: Connecting) -> None:
    await _goes_on(listening.Listeners(resources, connecting).run, connecting.made)


async def test_whoever_looks_for_alerts_goes_on(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "EVERY", 0.01)
    looked, watch = asyncio.Event(), alerts.Watch(resources)
    errors = [KeyError("nobody foresaw this")]

    async def look(workspace_id: int | None) -> list[alerts.Alert]:
        if errors:
            raise errors.pop()
        looked.set()
        return []

    monkeypatch.setattr(watch, "look", look)
    await _goes_on(watch.run, looked)


async def test_whoever_looks_after_the_database_goes_on() -> None:
    loop, revived = asyncio.get_running_loop(), asyncio.Event()
    errors = [RuntimeError("can't start new thread"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")]

    class Dead(Server):
        def alive(self) -> bool:
            return False

        def revive(self) -> bool:
            if errors:
                raise errors.pop()
            return not loop.call_soon_threadsafe(revived.set).cancelled()

    async def run(stop: asyncio.Event) -> None:
        caring = asyncio.create_task(Dead("", "").keep_alive(every=0.01))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([caring, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        caring.cancel()
        await asyncio.gather(caring, return_exceptions=True)

    await _goes_on(run, revived)


async def _goes_on(run: Any, on: asyncio.Event) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(run(stop))
    waiting = asyncio.create_task(on.wait())
    try:
        await asyncio.wait([running, waiting], timeout=60, return_when=asyncio.FIRST_COMPLETED)
        assert on.is_set()
    finally:
        waiting.cancel()
        stop.set()
        await asyncio.wait_for(running, 60)


Parts = Callable[[], Coroutine[Any, Any, None]]


@pytest.fixture
async def parts(resources: Resources, server: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Parts]:
    monkeypatch.setattr(resources, "settings", replace(resources.settings, worker_listen="127.0.0.1:0"))
    yield lambda: process._parts(
        resources, server, web=False, worker=False, say=lambda _: None, ready=None, settled=lambda: None
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().remove_signal_handler(number)


async def test_a_process_of_which_a_part_ended_ends_with_a_failure(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise who supervises it might take it for stopped on purpose, and not start it again."""

    async def run(self: hub.Hub, stop: asyncio.Event) -> None:
        raise KeyError("nobody foresaw this")

    monkeypatch.setattr(hub.Hub, "run", run)
    with pytest.raises(SystemExit, match="nobody foresaw this"):
        await parts()


async def test_nor_does_one_end_well_of_which_a_part_went_home_early(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As uvicorn does when the application does not come up."""

    async def run(self: hub.Hub, stop: asyncio.Event) -> None:
        return

    monkeypatch.setattr(hub.Hub, "run", run)
    with pytest.raises(SystemExit, match="without an error"):
        await parts()


async def test_a_process_that_was_asked_to_stop_ends_well_however_fast_its_parts_are(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(self: hub.Hub, stop: asyncio.Event) -> None:
        signal.raise_signal(signal.SIGTERM)
        await asyncio.sleep(0)  # the signal is heard, and this is over, before anybody else has their turn

    monkeypatch.setattr(hub.Hub, "run", run)
    await parts()
