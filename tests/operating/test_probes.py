"""A worker of its own says how it is, at an address of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from frontdesk.app import process
from frontdesk.kit.postgres import Server
from frontdesk.kit.settings import Settings

Place = tuple[dict[str, Any], dict[str, Any]]


class _Here(Server):
    """The test session's database, as a process that was started on it knows it."""

    def __init__(self, place: Place) -> None:
        super().__init__("", "")
        self._app, self._owner = place

    @property
    def connect_args(self) -> dict[str, Any]:
        return self._app

    @property
    def owner_connect_args(self) -> dict[str, Any]:
        return self._owner


@asynccontextmanager
async def working(place: Place, home: Path, listen: str = "") -> AsyncIterator[httpx.AsyncClient]:
    """A worker that runs in this process until SIGTERM, and somebody who asks it."""
    settled = asyncio.Event()
    running = asyncio.create_task(_work(place, home, listen, settled.set))
    try:
        async with asyncio.timeout(60):
            await settled.wait()
        async with httpx.AsyncClient(base_url=f"http://{listen}", trust_env=False, timeout=60) as client:
            yield client
    finally:
        if not running.done():
            os.kill(os.getpid(), signal.SIGTERM)
        await running


async def _work(place: Place, home: Path, listen: str, settled: Callable[[], None]) -> None:
    settings = Settings(home=home, worker_listen=listen)
    try:
        await process.run(
            settings, _Here(place), web=False, worker=True, say=lambda line: None, ready=None, settled=settled
        )
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)


@pytest.fixture
def held() -> Any:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        yield made


async def test_a_worker_answers_probes_and_tells_its_counters(place: Place, tmp_path: Path, held: Any) -> None:
    port = held.getsockname()[1]
    held.close()
    async with working(place, tmp_path, f"127.0.0.1:{port}") as client:
        assert (await _asked(client, "/livez")).text == "ok"
        assert "fsync" in (await client.get("/readyz")).json()["why"]  # switched off for tests, and all else is well
        assert "frontdesk_send_attempts" in (await client.get("/metrics")).text
        assert (await client.get("/api/v1/setup")).status_code == 404
    with pytest.raises(httpx.TransportError):
        await httpx.AsyncClient(trust_env=False).get(f"http://127.0.0.1:{port}/livez")


async def _asked(client: httpx.AsyncClient, path: str) -> httpx.Response:
    async with asyncio.timeout(60):
        while True:
            try:
                return await client.get(path)
            except httpx.ConnectError:
                await asyncio.sleep(0.02)


async def test_an_address_that_was_asked_for_has_to_be_free(place: Place, tmp_path: Path, held: Any) -> None:
    taken = f"127.0.0.1:{held.getsockname()[1]}"
    with pytest.raises(SystemExit, match="FRONTDESK_WORKER_LISTEN"):
        await _work(place, tmp_path, taken, lambda: None)


async def test_the_second_worker_of_a_machine_goes_without_the_usual_address(
    place: Place, tmp_path: Path, held: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(process, "WORKER_LISTEN", f"127.0.0.1:{held.getsockname()[1]}")
    async with working(place, tmp_path):
        pass
    assert "answers no /livez" in "".join(capsys.readouterr())


@pytest.mark.parametrize("wrong", ["8081", ":8081", "127.0.0.1:", "127.0.0.1:99999", "host:port"])
def test_an_address_that_is_none_is_refused_with_its_name(wrong: str) -> None:
    with pytest.raises(ValueError, match="FRONTDESK_WORKER_LISTEN"):
        Settings.from_environment({"FRONTDESK_WORKER_LISTEN": wrong})
