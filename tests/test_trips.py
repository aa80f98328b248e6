"""Adding a channel is adding one folder. Here it is done: written to disk, found, connected, received by and sent
through, in a fresh process and without touching another file."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from frontdesk import channels
from frontdesk.kit.postgres import Server

DRIVER = '''
"""Pigeons, as a channel."""

import json
from datetime import UTC, datetime
from pathlib import Path

from frontdesk.channels.port import (
    Address, BadSignature, Capabilities, Channel, DeliveryState, HookAnswer, Inbound, Raw, Receipt, Sent, Setting,
)


class Pigeons:
    def receive(self, request, account):
        if request.headers.get("x-ring") != account.get("ring"):
            raise BadSignature("This is not our pigeon.")
        body = json.loads(request.body)
        return [Raw(dedupe_key=body["id"], body=request.body)], HookAnswer(body=b"coo")

    def parse(self, raw, account):
        body = json.loads(raw.body)
        if "delivered" in body:
            return [Receipt(state=DeliveryState.delivered, external_id=body["delivered"])]
        sender = Address(kind="loft", value=body["loft"], name=body["name"])
        at = datetime(2026, 1, 1, tzinfo=UTC)
        return [Inbound(external_id=body["id"], sender=sender, text=body["text"], sent_at=at)]

    async def send(self, message, account):
        with Path(account.get("sky")).open("a") as sky:
            sky.write(json.dumps({"to": message.to.value, "text": message.text, "ring": account.get("ring")}) + "\\n")
        return Sent(external_id=message.key)


CHANNEL = Channel(
    name="pigeon", title="Pigeons", description="Slow and reliable.", colour="#778899", driver=Pigeons(),
    can=Capabilities(address_kinds=("loft",), max_chars=80, attachments=False, receipts=frozenset({"delivered"})),
    settings=(
        Setting(name="sky", label="Sky", required=True),
        Setting(name="ring", label="Ring", kind="secret", required=True),
    ),
    own_address=lambda settings: "loft 1",
)
'''

STARTER = """
import sys
from frontdesk import channels
channels.__path__.append(sys.argv[1])
from frontdesk.app.cli import main
main(sys.argv[2:])
"""

WAIT = 60.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "more" / "pigeon"
    home.mkdir(parents=True)
    (home / "__init__.py").write_text(DRIVER)
    (home / "icon.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>')
    return home.parent


@pytest.fixture
async def desk(server: Server, folder: Path, tmp_path: Path, unused_tcp_port: int) -> AsyncIterator[httpx.AsyncClient]:
    """``frontdesk run`` with one more folder, on a database of its own."""
    name = f"frontdesk_trips_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    guard = await asyncpg.connect(**server.owner_connect_args)
    try:
        await guard.execute(f"drop database if exists {name} with (force)")
        await guard.execute(f"create database {name}")
    finally:
        await guard.close()
    url = f"http://127.0.0.1:{unused_tcp_port}"
    database = urlsplit(server.owner_dsn)._replace(path=f"/{name}").geturl()
    environment = {
        **os.environ,
        "FRONTDESK_HOME": str(tmp_path),
        "FRONTDESK_PORT": str(unused_tcp_port),
        "FRONTDESK_URL": url,
    }
    with (tmp_path / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", STARTER, str(folder), "run", stdout=log, stderr=log,
            env={**environment, "DATABASE_URL": database, "PYTHONPATH": str(Path(channels.__file__).parents[2])},
        )  # fmt: skip
    try:
        async with httpx.AsyncClient(base_url=url, timeout=WAIT) as browser:
            await up(browser, process, tmp_path / "log")
            yield browser
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), WAIT)


async def up(browser: httpx.AsyncClient, process: Any, log: Path) -> None:
    async with asyncio.timeout(WAIT):
        while True:
            assert process.returncode is None, log.read_text()
            try:
                if (await browser.get("/livez")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)


async def until(browser: httpx.AsyncClient, path: str, found: Any) -> Any:
    async with asyncio.timeout(WAIT):
        while not (seen := found((await browser.get(path)).json())):
            await asyncio.sleep(0.05)
    return seen


async def test_a_channel_is_one_folder(desk: httpx.AsyncClient, tmp_path: Path) -> None:
    new = {
        "workspace": "W",
        "name": "Ana",
        "email": "ana@example.org",
        "password": "correct horse battery",
        "timezone": "UTC",
    }
    desk.headers["X-CSRF-Token"] = (await desk.post("/api/v1/setup", json=new)).json()["csrf"]

    manifest = {one["name"]: one for one in (await desk.get("/api/v1/channels")).json()}["pigeon"]
    assert (manifest["title"], manifest["can"]["max_chars"], manifest["can"]["receipts"]) == (
        "Pigeons",
        80,
        ["delivered"],
    )
    assert [setting["name"] for setting in manifest["settings"]] == ["sky", "ring"]
    assert (await desk.get(manifest["icon"])).headers["content-type"] == "image/svg+xml"

    sky = tmp_path / "sky"
    given = {"channel": "pigeon", "name": "Loft", "settings": {"sky": str(sky), "ring": "gold"}}
    refused = await desk.post("/api/v1/inboxes", json={**given, "settings": {"sky": str(sky)}})
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["ring"])
    inbox = (await desk.post("/api/v1/inboxes", json=given)).json()
    assert (inbox["address"], inbox["secrets"]) == ("loft 1", {"ring": True})
    assert "gold" not in json.dumps(inbox)

    hook = inbox["hook_url"]
    letter = {"id": "p1", "loft": "loft 9", "name": "Ben", "text": "Is there corn?"}
    assert (await desk.post(hook, json=letter, headers={"X-Ring": "tin"})).status_code == 403
    for _ in range(2):
        taken = await desk.post(hook, json=letter, headers={"X-Ring": "gold"})
        assert (taken.status_code, taken.text) == (200, "coo")
    [talk] = await until(desk, "/api/v1/conversations", lambda page: page["items"])
    assert (talk["contact"]["name"], talk["last"]["preview"], talk["channels"]) == ("Ben", "Is there corn?", ["pigeon"])

    messages = f"/api/v1/conversations/{talk['id']}/messages"
    too_long = await desk.post(messages, json={"text": "x" * 81})
    assert (too_long.status_code, too_long.json()["code"]) == (409, "too_long")
    sent = (await desk.post(messages, json={"text": "Plenty."})).json()
    await until(desk, f"/api/v1/messages/{sent['id']}", lambda message: message["delivery"]["state"] == "accepted")
    assert [json.loads(line) for line in sky.read_text().splitlines()] == [
        {"to": "loft 9", "text": "Plenty.", "ring": "gold"}
    ]
    receipt = {"id": "p2", "delivered": sent["client_key"]}
    assert (await desk.post(hook, json=receipt, headers={"X-Ring": "gold"})).status_code == 200
    await until(desk, f"/api/v1/messages/{sent['id']}", lambda message: message["delivery"]["state"] == "delivered")
    assert (await desk.get(messages)).json()["items"][0]["text"] == "Is there corn?"
