"""Frontdesk's own processes as an operator starts them, and what an administrator does over HTTP."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import httpx
import pytest

LONG = pytest.mark.skipif(os.environ.get("FAULTS") != "all", reason="takes long, and runs with `make faults`")
TOKEN = "a-token-in-the-address-of-kannel"
HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""  # as systemd does it: the socket is number 3, and the process id its own


class Running:
    """One process. ``log`` is a file with everything that it says."""

    def __init__(self, popen: subprocess.Popen[bytes], log: Path) -> None:
        self.popen, self.log = popen, log

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def signal(self, number: int = signal.SIGTERM) -> None:
        self.popen.send_signal(number)

    async def ended(self, seconds: float = 60) -> int:
        """Its status; fails with its last words if it does not end in time."""
        try:
            return await asyncio.to_thread(self.popen.wait, seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end: {self.said()[-2000:]}") from None


def listening() -> socket.socket:
    """A socket as a supervisor holds it: processes come and go behind it."""
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    made.listen(2048)
    return made


def start(
    command: str, home: Path, *, on: socket.socket | None = None, code: Path | None = None, **environment: str
) -> Running:
    """``frontdesk <command>``; ``on`` a socket that is kept, with the ``code`` of another version if given."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("FRONTDESK_", "PG"))}
    env |= {"FRONTDESK_HOME": str(home), "FRONTDESK_ALLOW_PRIVATE": "127.0.0.0/8", **environment}
    if code:
        env["PYTHONPATH"] = str(code)
    arguments: list[str] = ["-m", "frontdesk.app.cli", command]
    passed: tuple[int, ...] = ()
    if on is not None:
        env["FRONTDESK_URL"] = url_of(on)
        arguments, passed = ["-c", HAND_OVER, str(on.fileno()), *arguments], (on.fileno(),)
    home.mkdir(parents=True, exist_ok=True)
    log = home / f"{command}-{len(list(home.glob('*.log')))}.log"
    with log.open("wb") as file:
        popen = subprocess.Popen([sys.executable, *arguments], env=env, stdout=file, stderr=file, pass_fds=passed)
    return Running(popen, log)


@asynccontextmanager
async def running(command: str, home: Path, **more: Any) -> AsyncIterator[Running]:
    """The same, and ended in any case."""
    made = start(command, home, **more)
    try:
        yield made
    except Exception as error:
        error.add_note(f"--- {command} said ---\n{made.said()[-3000:]}")
        raise
    finally:
        if made.popen.poll() is None:
            made.signal()
        try:
            await made.ended()
        finally:
            made.popen.kill()


def url_of(on: socket.socket) -> str:
    return f"http://127.0.0.1:{on.getsockname()[1]}"


class Desk:
    """An administrator at the API, and customers who text."""

    def __init__(self, url: str) -> None:
        fresh = httpx.Limits(max_keepalive_connections=0)  # a connection that was kept may end between two requests
        self.client = httpx.AsyncClient(base_url=url, timeout=60, trust_env=False, verify=False, limits=fresh)
        self.hook = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def until_ready(self, process: Running, path: str = "/readyz") -> None:
        """Fails with the process's words if it ends before, or does not become ready."""
        seen = ""
        deadline = asyncio.get_running_loop().time() + 90
        while process.popen.poll() is None and asyncio.get_running_loop().time() < deadline:
            try:
                answer = await self.client.get(path)
                if answer.status_code == 200:
                    return
                seen = answer.text
            except httpx.TransportError as error:
                seen = repr(error)
            await asyncio.sleep(0.05)
        raise AssertionError(f"not ready: {seen}\n{process.said()[-2000:]}")

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = await self.client.request(method, f"/api/v1{path}", json=body, headers=headers)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None

    async def set_up(self, gateway: str) -> int:
        """A workspace with one inbox, whose texts go through this gateway; its id."""
        new = {"workspace": "Harbour Dental", "name": "Ana", "email": "ana@example.org", "timezone": "Europe/Athens"}
        me = await self.call("POST", "/setup", {**new, "password": "correct horse battery"})
        self.client.headers["X-CSRF-Token"] = me["csrf"]
        inbox = await self.call(
            "POST",
            "/inboxes",
            {"channel": "sms", "name": "Texts", "settings": _settings(gateway)},
        )
        self.hook = inbox["hook_url"].removeprefix(str(self.client.base_url).rstrip("/"))
        return int(inbox["id"])

    async def text(self, client: httpx.AsyncClient, words: str, sender: str = "+302101111111") -> httpx.Response:
        """A customer's message, as the gateway delivers it."""
        return await client.get(f"{self.hook}?{delivery(words, sender)}")

    async def conversations(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.call("GET", "/conversations?limit=100"))["items"]
        return found

    async def thread(self, conversation_id: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.call("GET", f"/conversations/{conversation_id}/messages?limit=100"))[
            "items"
        ]
        return found

    async def until(self, true: Any, seconds: float = 60) -> Any:
        """What ``true()`` returns once that is something."""
        async with asyncio.timeout(seconds):
            while not (found := await true()):
                await asyncio.sleep(0.05)
        return found


def _settings(gateway: str) -> Mapping[str, Any]:
    return {
        "provider": "kannel", "number": "+302100000000", "url": gateway,
        "username": "desk", "password": "gateway-password", "hook_token": TOKEN,
    }  # fmt: skip


def delivery(words: str, sender: str = "+302101111111") -> str:
    return urlencode({"token": TOKEN, "from": sender, "to": "+302100000000", "text": words, "ts": 1_800_000_000})
