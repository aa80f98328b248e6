"""The simulator as the demo starts it: a process of its own, that may be killed at any moment."""

from __future__ import annotations

import asyncio
import imaplib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from .conftest import ROOT, Desk, in_thread


@contextmanager
def process(home: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """``python -m frontdesk_sim`` and what it said of itself."""
    command = [sys.executable, "-m", "frontdesk_sim", "--port", "0", "--home", str(home), *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as running:
        try:
            assert running.stdout is not None
            yield running, json.loads(running.stdout.readline())
        finally:
            if running.poll() is None:
                running.kill()


def client(overview: dict[str, Any]) -> httpx.Client:
    return httpx.Client(base_url=overview["http"], trust_env=False)


def settle(http: httpx.Client) -> None:
    assert http.post("/control/settle", json={"timeout": 20}).json()["settled"]


def send(http: httpx.Client, overview: dict[str, Any], **form: str) -> httpx.Response:
    twilio = overview["twilio"]
    path = f"/2010-04-01/Accounts/{twilio['account_sid']}/Messages.json"
    data = {"From": twilio["number"], "To": "+12025550101", **form}
    return http.post(path, data=data, auth=(twilio["account_sid"], twilio["auth_token"]))


def letters(overview: dict[str, Any]) -> tuple[str, list[tuple[bytes, bytes]]]:
    """UIDVALIDITY of the desk's INBOX, and (UID answer, bytes) of every letter, over IMAP."""
    mailbox = overview["mailbox"]
    with imaplib.IMAP4("127.0.0.1", overview["imap"]["port"]) as imap:
        imap.login(mailbox["address"], mailbox["password"])
        imap.select("INBOX")
        validity = imap.response("UIDVALIDITY")[1][0].decode()  # type: ignore[union-attr]
        found = imap.uid("FETCH", "1:*", "(UID BODY.PEEK[])")[1]
        return validity, [(part[0], part[1]) for part in found if isinstance(part, tuple)]


async def test_a_killed_simulator_has_lost_nothing(tmp_path: Path, desk: Desk) -> None:
    desk.hold = asyncio.Event()  # the desk takes its time, so that webhooks are under way when the simulator dies

    def before() -> tuple[dict[str, Any], list[str], tuple[str, list[tuple[bytes, bytes]]]]:
        with process(tmp_path) as (running, overview), client(overview) as http:
            http.put("/control/settings", json={"pace": 0})
            for count in range(5):
                http.post("/control/customers/demo-ada/mails", json={"subject": str(count), "text": "Hello"})
            settle(http)
            http.put(f"/control/numbers/{overview['twilio']['number']}", json={"sms_url": f"{desk.url}/hook"})
            sids = [
                http.post("/control/texts", json={"sender": f"+1202555016{count}", "body": str(count)}).json()["sid"]
                for count in range(5)
            ]
            sids.append(send(http, overview, Body="Hello", StatusCallback=f"{desk.url}/status").json()["sid"])
            http.put("/control/faults", json={"seed": 9, "delay": 0.25})
            kept = letters(overview)
            running.send_signal(signal.SIGKILL)
            running.wait(10)
            return overview, sids, kept

    old, sids, kept = await in_thread(before)
    desk.hold.set()
    desk.calls.clear()

    def after() -> tuple[dict[str, Any], Any, dict[str, Any], Any]:
        with process(tmp_path) as (_, overview), client(overview) as http:
            settle(http)
            twilio = overview["twilio"]
            texts = http.get(
                f"/2010-04-01/Accounts/{twilio['account_sid']}/Messages.json",
                auth=(twilio["account_sid"], twilio["auth_token"]),
            ).json()["messages"]
            return (
                overview,
                letters(overview),
                {text["sid"]: text for text in texts},
                http.get("/control/faults").json(),
            )

    new, found, texts, faults = await in_thread(after)
    assert found == kept
    assert len(kept[1]) == 5
    assert (new["twilio"]["auth_token"], new["mailbox"]) == (old["twilio"]["auth_token"], old["mailbox"])
    assert set(texts) == set(sids)
    assert texts[sids[-1]]["status"] == "delivered"
    assert (faults["seed"], faults["delay"]) == (9, 0.25)
    # every webhook that was not answered is posted by the next life
    assert {call.params["MessageSid"] for call in desk.inbound()} == set(sids[:5])
    assert "delivered" in desk.statuses()


async def test_nothing_accepted_is_lost_whenever_it_dies(tmp_path: Path) -> None:
    """Requests keep coming while it is killed: whatever was answered 201 is there afterwards."""

    def life(number: int) -> list[str]:
        accepted: list[str] = []
        with process(tmp_path) as (running, overview), client(overview) as http:
            for count in range(1000):
                if count == 15 + number:
                    running.send_signal(signal.SIGKILL)
                try:
                    answer = send(http, overview, Body=f"{number}.{count}")
                except httpx.TransportError:
                    break
                accepted.append(answer.json()["sid"])
            running.wait(10)
        return accepted

    def all_lives() -> tuple[set[str], set[str]]:
        accepted = {sid for number in range(3) for sid in life(number)}
        with process(tmp_path) as (_, overview), client(overview) as http:
            twilio = overview["twilio"]
            answer = http.get(
                f"/2010-04-01/Accounts/{twilio['account_sid']}/Messages.json?PageSize=1000",
                auth=(twilio["account_sid"], twilio["auth_token"]),
            )
            return accepted, {text["sid"] for text in answer.json()["messages"]}

    accepted, found = await in_thread(all_lives)
    assert len(accepted) >= 45
    assert accepted <= found


async def test_it_ends_with_sigterm_and_with_its_parent(tmp_path: Path) -> None:
    def work() -> None:
        with process(tmp_path / "a") as (running, overview):
            assert {"http", "smtp", "imap", "twilio", "mailbox"} <= set(overview)
            running.send_signal(signal.SIGTERM)
            assert running.wait(10) == 0
            assert running.stderr is not None
            assert running.stderr.read() == ""
        with process(tmp_path / "b", "--with-parent", "--frontdesk", "http://127.0.0.1:8000/") as (running, overview):
            with client(overview) as http:
                assert http.get("/control/settings").json()["frontdesk_url"] == "http://127.0.0.1:8000"
            assert running.stdin is not None
            running.stdin.close()
            assert running.wait(10) == 0

    await in_thread(work)
