"""Bodies of the API that come slowly, or are large and from nobody: nothing of them is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from frontdesk.app import bodies

LABELS, FILES = "/api/v1/labels", "/api/v1/files?name=letter.txt"
JSON, TEXT = {"Content-Type": "application/json"}, {"Content-Type": "text/plain"}
MOST = bodies.STRANGERS


class Body:
    """``parts`` of a body with a pause after each; how many bytes of it were taken."""

    def __init__(self, *parts: bytes, pause: float = 0.0, ends: bool = True) -> None:
        self.parts, self.pause, self.ends, self.taken = parts, pause, ends, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            self.taken += len(part)
            yield part
            await asyncio.sleep(self.pause)
        if not self.ends:
            await asyncio.sleep(60)


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"], answer.headers["connection"]) == (status, code, "close")


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "k1"}])
@pytest.mark.parametrize(("path", "kind"), [(LABELS, JSON), (FILES, TEXT)])
async def test_a_body_that_does_not_go_on_is_given_up(
    signed_in: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, path: str, kind: dict[str, str], key: dict[str, str]
) -> None:
    with monkeypatch.context() as quick:
        quick.setattr(bodies, "SECONDS", 0.1)
        quick.setattr(bodies, "SLOWEST", 1000)
        slow = await signed_in.post(path, content=Body(b'{"name": "', ends=False), headers={**kind, **key})
    refused(slow, 503, "unavailable")
    assert slow.headers["retry-after"] == "2"
    whole = await signed_in.post(path, content=b'{"name": "Lead"}', headers={**kind, **key})
    assert whole.status_code == 201, whole.text


async def test_so_is_a_strangers(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SECONDS", 0.1)
    refused(await client.post("/api/v1/session", content=Body(b"{", ends=False), headers=JSON), 503, "unavailable")


async def test_what_comes_steadily_may_take_longer(
    signed_in: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "SECONDS", 0.1)
    monkeypatch.setattr(bodies, "SLOWEST", 100)
    steady = Body(*[b"x" * 1000] * 10, pause=0.02)
    assert (await signed_in.post(FILES, content=steady, headers=TEXT)).status_code == 201


@pytest.mark.parametrize("path", [LABELS, "/api/v1/session", "/api/v1/setup"])
@pytest.mark.parametrize("says", [True, False], ids=["says how large it is", "does not say"])
async def test_a_large_body_from_nobody_is_heard_out_and_refused(
    client: httpx.AsyncClient, path: str, says: bool
) -> None:
    """Who is cut off while they send sees a broken connection and no answer."""
    body = Body(*[b"x" * 1024] * 100)
    size = {"Content-Length": str(100 * 1024)} if says else {}
    answer = await client.post(path, content=body, headers={**JSON, **size})
    assert (answer.status_code, answer.json()["code"], body.taken) == (413, "too_large", 100 * 1024)


async def test_one_without_end_is_not(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "HEARD_OUT", 10 * 1024)
    body = Body(*[b"x" * 1024] * 1000)
    refused(await client.post(LABELS, content=body, headers=JSON), 413, "too_large")
    assert body.taken <= MOST + 12 * 1024


async def test_who_shows_a_credential_may_send_more(signed_in: httpx.AsyncClient, client: httpx.AsyncClient) -> None:
    file = b"x" * (MOST + 1)
    assert (await signed_in.post(FILES, content=file, headers=TEXT)).status_code == 201
    wrong = {**TEXT, "Authorization": "Bearer fd_1-nothing"}
    assert (await client.post(FILES, content=file, headers=wrong)).status_code == 401
    client.cookies.clear()
    assert (await client.post(FILES, content=file[1:], headers=TEXT)).status_code == 401
