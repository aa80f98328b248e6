"""The drill: a desk with three channels is backed up while it runs, lost, and restored elsewhere. Nothing goes out by
itself, what a person lets go goes out once, and what came in meanwhile is fetched."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest

from frontdesk.app import process
from frontdesk.kit.settings import Settings
from test_demo import Demo, _chat, _say, until

pytestmark = pytest.mark.slow

LOOKED = 3  # seconds in which a worker that wanted to send would have


async def frontdesk(home: Path, *arguments: str) -> str:
    """Run a command of the product in this home; returns what it prints."""
    environment = {**os.environ, "FRONTDESK_HOME": str(home)}
    environment.pop("DATABASE_URL", None)
    command = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "frontdesk.app.cli", *arguments, env=environment, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, trouble = await asyncio.wait_for(command.communicate(), 120)
    assert command.returncode == 0, (arguments, out.decode(), trouble.decode()[-2000:])
    return out.decode()


async def conversations(demo: Demo, api: httpx.AsyncClient) -> dict[str, int]:
    """A conversation on each of the three channels, by its channel."""
    customer = demo.client(demo.simulator)
    await customer.post("/control/scene", json={"on": False})
    texter, mailer = (await customer.get("/control/customers")).json()[:2]
    await customer.post(f"/control/customers/{texter['id']}/texts", json={"body": "By text"})
    await customer.post(f"/control/customers/{mailer['id']}/mails", json={"subject": "A mail", "text": "By mail"})
    await _chat(api, demo)
    words = {"By text": "sms", "By mail": "email", "Hello from the shop": "livechat"}

    async def look() -> dict[str, int] | None:
        items = (await api.get("/conversations")).json()["items"]
        found = {words.get(one["last"]["preview"]): one["id"] for one in items if one["last"]}
        return {name: found[name] for name in words.values()} if found.keys() >= set(words.values()) else None

    made: dict[str, int] = await until(look, 90)
    return made


async def truth(demo: Demo) -> str:
    """Everything that the simulated providers saw."""
    return (await demo.client(demo.simulator).get("/control/truth", params={"limit": 5000})).text


async def test_a_restored_desk_sends_nothing_by_itself(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    demo = Demo(first)
    try:
        await demo.start()
        api = await demo.sign_in()
        talks = await conversations(demo, api)
        due = datetime.now(UTC) + timedelta(hours=1)
        for channel, conversation_id in talks.items():
            await _say(api, conversation_id, f"Waiting {channel}", due_at=due.isoformat())
        said = await frontdesk(first, "backup", str(tmp_path / "desk.zip"), "--with-key")
        assert "messages" in said
        assert "are as they were written" in await frontdesk(first, "backup", "--verify", str(tmp_path / "desk.zip"))
    finally:
        await demo.stop()
    shutil.copytree(first / "simulator", second / "simulator")
    shutil.copy(first / "demo.json", second / "demo.json")
    said = await frontdesk(second, "restore", str(tmp_path / "desk.zip"))
    assert "3 messages that were waiting are held" in said
    assert "Nothing is wrong." in said
    await _an_hour_later(second)
    demo = Demo(second)
    try:
        await demo.start()
        await _only_what_is_let_go(demo, await demo.sign_in())
    finally:
        await demo.stop()
    assert "Nothing is wrong." in await frontdesk(second, "verify", "--files")


async def _an_hour_later(home: Path) -> None:
    """Everything that was scheduled is due."""
    async with process.owning(Settings(home=home)) as owner:
        connection = await asyncpg.connect(**owner)
        await connection.execute("update outbox set due_at = now()")
        await connection.execute("update messages set due_at = now() where due_at is not null")
        await connection.close()


async def _only_what_is_let_go(demo: Demo, api: httpx.AsyncClient) -> None:
    held = {one["text"]: one for one in (await api.get("/scheduled")).json()["items"]}
    assert {one["delivery"]["code"] for one in held.values()} == {"restored"}
    assert held.keys() == {"Waiting sms", "Waiting email", "Waiting livechat"}
    assert "restored_held" in {one["name"] for one in (await api.get("/alerts")).json()["alerts"]}
    await asyncio.sleep(LOOKED)
    assert "Waiting" not in await truth(demo)
    released = held["Waiting sms"]["id"]
    assert (await api.post(f"/messages/{released}/send-now")).status_code < 300

    async def sent() -> bool:
        state = (await api.get(f"/messages/{released}")).json()["delivery"]["state"]
        return state in ("accepted", "sent", "delivered")

    await until(sent, 60)
    texts = await demo.client(demo.simulator).get("/control/truth", params={"limit": 5000, "kind": "text.accepted"})
    assert sum("Waiting sms" in json.dumps(fact) for fact in texts.json()["items"]) == 1
    assert "Waiting email" not in await truth(demo)
