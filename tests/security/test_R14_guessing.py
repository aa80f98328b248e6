"""R14: finding out who has an account, and trying passwords until one fits."""

from __future__ import annotations

import asyncio
import time as clocks

import httpx
import pytest

from conftest import PASSWORD
from conversations.office import Time
from frontdesk.kit.transaction import Database
from frontdesk.people import actions, rules
from frontdesk.people.actions import ATTEMPTS, passwords
from realtime.site import CHEAP

OWNER = "ana@example.org"


async def sign_in(client: httpx.AsyncClient, email: str, password: str) -> httpx.Response:
    return await client.post("/api/v1/session", json={"email": email, "password": password})


@pytest.fixture
async def nobody(signed_in: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, time: Time) -> httpx.AsyncClient:
    """A browser that is signed in nowhere. Nobody's hash is a cheap one, and the clock that counts stands still."""
    monkeypatch.setattr(passwords, "_ARGON", CHEAP)
    monkeypatch.setattr(passwords, "NOBODY", CHEAP.hash("nobody's"))
    return httpx.AsyncClient(transport=signed_in._transport, base_url=signed_in.base_url)


@pytest.mark.parametrize(
    "email", ["nobody@example.org", "ana@example.com", "ANA@EXAMPLE.ORG", "", "x", "' or 1=1 --", "gone@example.org"]
)
async def test_an_unknown_user_is_answered_like_a_wrong_password(
    signed_in: httpx.AsyncClient, nobody: httpx.AsyncClient, email: str
) -> None:
    known = await sign_in(nobody, OWNER, "wrong horse battery")
    other = await sign_in(nobody, email, "wrong horse battery")
    assert (other.status_code, other.content) == (known.status_code, known.content) == (401, known.content)
    assert set(other.headers) == set(known.headers)


async def test_every_attempt_costs_one_hash_whoever_is_named(
    signed_in: httpx.AsyncClient, nobody: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a watch could tell: known, unknown, deactivated, and without a password."""
    made = {"name": "G", "email": "gone@example.org", "role": "user", "password": PASSWORD}
    gone = (await signed_in.post("/api/v1/users", json=made)).json()["id"]
    await signed_in.patch(f"/api/v1/users/{gone}", json={"active": False})
    hashes: list[str] = []
    real = passwords._ARGON.verify

    class Counting:
        def verify(self, password: str, stored: str) -> bool:
            hashes.append(stored)
            return real(password, stored)

    monkeypatch.setattr(passwords, "_ARGON", Counting())
    for email in (OWNER, "nobody@example.org", "gone@example.org"):
        ATTEMPTS.clear()
        before = len(hashes)
        assert (await sign_in(nobody, email, "wrong horse battery")).status_code == 401
        assert len(hashes) - before == 1, email


@pytest.mark.parametrize("password", ["x" * 1025, "é" * 513, "😀" * 257, "x" * 10_000_000])
async def test_a_password_that_is_too_long_is_refused_without_a_hash(
    signed_in: httpx.AsyncClient, nobody: httpx.AsyncClient, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_ARGON", None)  # whoever asks it, fails
    began = clocks.monotonic()
    for email in (OWNER, "nobody@example.org"):
        ATTEMPTS.clear()
        assert (await sign_in(nobody, email, password)).status_code in (400, 401, 413)
    assert clocks.monotonic() - began < 5
    assert rules.password_problem(password) is not None


async def test_five_wrong_passwords_for_one_account_from_anywhere(nobody: httpx.AsyncClient) -> None:
    for number in range(5):
        ATTEMPTS._buckets.pop(("ip", "192.0.2.7"), None)  # as if from another address each time
        assert (await sign_in(nobody, OWNER, f"wrong {number}")).status_code == 401
    for email in (OWNER, OWNER.upper(), f" {OWNER} "):
        stopped = await sign_in(nobody, email, PASSWORD)
        assert stopped.status_code == 429, "the right one does not get through either"
        assert int(stopped.headers["retry-after"]) >= 1


async def test_twenty_accounts_from_one_address(nobody: httpx.AsyncClient) -> None:
    statuses = [(await sign_in(nobody, f"user{n}@x.example", "wrong")).status_code for n in range(22)]
    assert statuses == [401] * 20 + [429] * 2


async def test_changing_the_password_counts_like_signing_in(signed_in: httpx.AsyncClient, time: Time) -> None:
    """Who found an open browser cannot try out the present password."""
    for status in (400, 400, 400, 400, 400, 429):
        ATTEMPTS._buckets.pop(("ip", "192.0.2.7"), None)
        body = {"password": {"current": "wrong", "new": "x" * 12}}
        assert (await signed_in.patch("/api/v1/me", json=body)).status_code == status


async def test_attempts_side_by_side_count_one_by_one(nobody: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(sign_in(nobody, OWNER, f"wrong {n}") for n in range(12)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 7


async def test_setting_up_twice_tells_nothing_of_who_is_there(nobody: httpx.AsyncClient) -> None:
    answers = []
    for email in (OWNER, "nobody@example.org"):
        body = {"workspace": "W", "name": "N", "email": email, "password": PASSWORD}
        answers.append(await nobody.post("/api/v1/setup", json=body))
    assert {answer.status_code for answer in answers} == {409}
    assert answers[0].content == answers[1].content


async def test_addresses_of_webhooks_and_chats_cannot_be_found_by_counting(nobody: httpx.AsyncClient) -> None:
    answers = {(await nobody.post(f"/hooks/{key}")).content for key in ("1-2", "1-" + "2" * 24, "999-x", "1", "x")}
    assert len(answers) == 1
    chats = [await nobody.post("/widget/v1/session", json={"key": key, "origin": "https://x.example"})
             for key in ("1-2", "1-" + "2" * 24, "999-x")]  # fmt: skip
    assert len({(chat.status_code, chat.content) for chat in chats}) == 1


@pytest.mark.parametrize("password", ["", "short", "       ", "1234567"])
async def test_a_password_that_is_too_short_is_no_password(db: Database, password: str) -> None:
    with pytest.raises(Exception, match="at least 8"):
        await actions.hashed(password[:7])
