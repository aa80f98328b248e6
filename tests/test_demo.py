"""The promise of the first minute: three customers are answered in one place, everything is killed, nothing is lost."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Demo:
    """One demo in a folder of its own; it can be killed and started again."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        self.process: asyncio.subprocess.Process | None = None
        self.simulator = ""
        self.clients: list[httpx.AsyncClient] = []

    async def start(self) -> None:
        env = {**os.environ, "FRONTDESK_HOME": str(self.home), "FRONTDESK_PORT": str(self.port)}
        env.pop("DATABASE_URL", None)
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "frontdesk.app.cli",
            "demo",
            env=env,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert self.process.stdout
        async with asyncio.timeout(90):
            while line := (await self.process.stdout.readline()).decode():
                if found := re.search(r"Be the customer\s+(\S+)", line):
                    self.simulator = found[1]
                if "Ctrl-C" in line:
                    return
        raise AssertionError("the demo ended before it was ready")

    async def kill_everything(self) -> None:
        """SIGKILL to the product, its database and the simulator, all at once."""
        assert self.process
        for pid in self._pids():
            os.kill(pid, signal.SIGKILL)
        await self.process.wait()

    def _pids(self) -> list[int]:
        mark = str(self.home).encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes()
                environment = (folder / "environ").read_bytes() if b"frontdesk" in command else b""
            except OSError:
                continue
            if mark in command or mark in environment:
                found.append(int(folder.name))
        return found

    async def stop(self) -> None:
        for client in self.clients:
            await client.aclose()
        if self.process and self.process.returncode is None:
            self.process.terminate()
            await asyncio.wait_for(self.process.wait(), 40)

    def client(self, base: str) -> httpx.AsyncClient:
        self.clients.append(made := httpx.AsyncClient(base_url=base, timeout=30, trust_env=False))
        return made

    async def sign_in(self) -> httpx.AsyncClient:
        client = self.client(f"http://127.0.0.1:{self.port}/api/v1")
        me = (await client.post("/session", json=json.loads((self.home / "demo.json").read_text()))).json()
        client.headers["X-CSRF-Token"] = me["csrf"]
        return client


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    made = Demo(tmp_path / "home")
    try:
        await made.start()
        yield made
    finally:
        await made.stop()


async def until(look: Callable[[], Awaitable[Any]], seconds: float = 30) -> Any:
    """What ``look`` finds, as soon as it finds something."""
    async with asyncio.timeout(seconds):
        while not (found := await look()):
            await asyncio.sleep(0.1)
        return found


async def test_three_customers_are_answered_and_a_kill_loses_nothing(demo: Demo) -> None:
    async with httpx.AsyncClient(base_url=demo.simulator, timeout=30, trust_env=False) as customer:
        desk = await demo.sign_in()
        await customer.post("/control/scene", json={"on": False})
        who = (await customer.get("/control/customers")).json()
        texter, mailer = who[0], who[1]
        await customer.post(f"/control/customers/{texter['id']}/texts", json={"body": "Is my table ready?"})
        await customer.post(
            f"/control/customers/{mailer['id']}/mails", json={"subject": "Opening hours", "text": "When do you open?"}
        )

        async def conversation(words: str) -> Any:
            listed = (await desk.get("/conversations")).json()["items"]
            return next((one for one in listed if one["last"] and words in one["last"]["preview"]), None)

        by_text = await until(lambda: conversation("Is my table ready?"))
        by_mail = await until(lambda: conversation("When do you open?"))
        chat = await _chat(desk, demo)
        by_chat = await until(lambda: conversation("Hello from the shop"))
        for one in (by_text, by_mail, by_chat):
            await _say(desk, one["id"], f"Answer to {one['id']}")
        assert await until(lambda: _in_chat(chat, f"Answer to {by_chat['id']}"))
        await chat.aclose()
        comment = await desk.post(f"/conversations/{by_text['id']}/comments", json={"text": "secret of the team"})
        assert comment.status_code == 201

        due = datetime.now(UTC) + timedelta(seconds=4)
        await _say(desk, by_text["id"], "scheduled words", due_at=due.isoformat())
        lost = {
            "fault": "drop_before",
            "times": 1,
        }  # the provider dies on it before it is taken: to be asked for, then sent
        (await customer.post("/control/faults/next", json=lost)).raise_for_status()
        await _say(desk, by_text["id"], "words at the last moment")
        before = await _texts(desk, by_text["id"])
        await desk.aclose()
        await demo.kill_everything()
        await demo.start()
        desk = await demo.sign_in()
        async with httpx.AsyncClient(base_url=demo.simulator, timeout=30, trust_env=False) as again:

            async def sent() -> Any:
                states = {m["text"]: (m["delivery"] or {}).get("state") for m in await _messages(desk, by_text["id"])}
                wanted = [states.get("scheduled words"), states.get("words at the last moment")]
                return all(state in ("accepted", "sent", "delivered") for state in wanted)

            await until(sent, 90)
            assert set(before) <= set(await _texts(desk, by_text["id"])), "everything is where it was"
            truth = (await again.get("/control/truth", params={"limit": 5000, "kind": "text.accepted"})).json()["items"]
            bodies = [json.dumps(fact) for fact in truth]
            for words in ("scheduled words", "words at the last moment", f"Answer to {by_text['id']}"):
                assert sum(words in body for body in bodies) == 1, words
            assert not any("secret of the team" in body for body in bodies)
        await desk.aclose()


async def _say(desk: httpx.AsyncClient, conversation_id: int, text: str, **more: Any) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    answer = await desk.post(f"/conversations/{conversation_id}/messages", json={"text": text, **more}, headers=headers)
    assert answer.status_code == 201, answer.text


async def _messages(desk: httpx.AsyncClient, conversation_id: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await desk.get(f"/conversations/{conversation_id}/messages")).json()["items"]
    return found


async def _texts(desk: httpx.AsyncClient, conversation_id: int) -> list[str]:
    return [message["text"] for message in await _messages(desk, conversation_id)]


async def _chat(desk: httpx.AsyncClient, demo: Demo) -> httpx.AsyncClient:
    """A visitor of the shop who has said hello."""
    inboxes = (await desk.get("/inboxes")).json()["items"]
    key = next(inbox["public_key"] for inbox in inboxes if "origins" in inbox["settings"])
    base = f"http://127.0.0.1:{demo.port}"
    visitor = demo.client(base)
    visitor.headers["Origin"] = base
    opened = await visitor.post("/widget/v1/session", json={"key": key, "origin": demo.simulator})
    assert opened.status_code in (200, 201), opened.text
    visitor.headers["Authorization"] = f"Bearer {opened.json()['token']}"
    said = await visitor.post("/widget/v1/messages", json={"id": str(uuid.uuid4()), "text": "Hello from the shop"})
    assert said.status_code in (200, 201, 202), said.text
    return visitor


async def _in_chat(visitor: httpx.AsyncClient, words: str) -> bool:
    return words in (await visitor.get("/widget/v1/thread")).text
