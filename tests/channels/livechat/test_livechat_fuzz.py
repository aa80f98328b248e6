"""Whatever arrives: no endpoint answers with a 500, and every refusal is a problem with a code."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.livechat.livechat_desk import KEY, SITE, SqliteDesk, an_account
from channels.livechat.visitor import BASE, Visitor, app_on
from frontdesk.channels.livechat import limits

POSTS = ("session", "identify", "messages", "files", "typing", "seen")
ANYTHING = st.text(st.characters(categories=None), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANYTHING,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANYTHING, inner, max_size=4),
    max_leaves=12,
)
NAMES = (
    "key",
    "origin",
    "token",
    "identity",
    "id",
    "text",
    "files",
    "answers",
    "email",
    "page",
    "locale",
    "tz",
    "on",
    "ids",
)
BODIES = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=8)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["authorization", "content-type", "last-event-id", "origin", "sec-fetch-site", "if-none-match", "host"]
    ),
    st.binary(max_size=60).map(lambda value: value.replace(b"\r", b"").replace(b"\n", b"")),
)
METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS"]
PATHS = ["widget.js", "widget/app", "widget/demo", "widget/v1/thread", "widget/v1/messages", "widget/v1/nothing"]
QUERIES = st.dictionaries(
    st.sampled_from(["key", "o", "name", "after"]), ANYTHING.map(lambda text: text.encode("utf-8", "replace"))
)
LOOSE = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ADVERSE = [
    b"", b"{", b"[]", b"null", b"7", b'"text"', b"{}x", b'{"id": 1e400}', b'{"text": NaN}', b"[" * 100_000,
    b'{"text": "\\ud800"}', b'{"text": "\\u0000"}', b"\xff\xfe{\0}\0", b"\xef\xbb\xbf{}", b'{"id": 1, "id": 2}',
    b'{"id": ' + b"9" * 5_000 + b"}", b'{"' + b"k" * 100_000 + b'": 1}', b"\0" * 1_000,
]  # fmt: skip


@pytest.fixture(autouse=True)
def haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the point is what is said, not how often."""
    monkeypatch.setattr(limits, "RATES", {name: limits.Rate(burst=10**9, per_minute=1) for name in limits.RATES})


@pytest.fixture(scope="module")
async def stranger() -> AsyncIterator[Visitor]:
    """One visitor for all examples: what they leave behind is part of the next one's world."""
    desk = SqliteDesk(an_account(BASE))
    transport = httpx.ASGITransport(app=app_on(desk))
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
        visitor = Visitor(http)
        await visitor.begin()
        yield visitor
    desk.close()


def fine(answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        problem = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem.keys() >= {"type", "title", "status", "code", "detail"}
        assert problem["status"] == answer.status_code


@pytest.mark.parametrize("path", POSTS)
async def test_adverse_bodies(stranger: Visitor, path: str) -> None:
    for body in ADVERSE:
        for content_type in ("application/json", "text/plain", "", "application/json; charset=utf-16"):
            headers = {**stranger.headers, "content-type": content_type}
            fine(await stranger.http.post(f"/widget/v1/{path}", content=body, headers=headers))


@settings(LOOSE, max_examples=200)
@given(path=st.sampled_from(POSTS), body=BODIES)
async def test_bodies_of_the_right_shape_with_anything_inside(
    stranger: Visitor, path: str, body: dict[str, Any]
) -> None:
    right = {"key": KEY, "origin": SITE, "id": str(uuid4()), "text": "x", "identity": "x", "ids": ["x"]}
    text = json.dumps({**right, **body}).encode()
    headers = {**stranger.headers, "content-type": "application/json"}
    fine(await stranger.http.post(f"/widget/v1/{path}", content=text, headers=headers))


@settings(LOOSE, max_examples=200)
@given(method=st.sampled_from(METHODS), path=st.sampled_from(PATHS), query=QUERIES, headers=HEADERS)
async def test_headers_and_queries(
    stranger: Visitor, method: str, path: str, query: dict[str, bytes], headers: dict[str, bytes]
) -> None:
    answer = await stranger.http.request(method, f"/{path}", params=query, headers=headers)
    assert answer.status_code < 500 or answer.json()["code"] == "not_built"


@settings(LOOSE, max_examples=150)
@given(data=st.binary(max_size=300), name=ANYTHING)
async def test_files_of_any_kind(stranger: Visitor, data: bytes, name: str) -> None:
    query = {"name": name.encode("utf-8", "replace")}
    fine(await stranger.http.post("/widget/v1/files", params=query, content=data, headers=stranger.headers))


@settings(LOOSE, max_examples=150)
@given(text=ANYTHING.filter(str.strip), answers=st.dictionaries(ANYTHING, ANYTHING | st.booleans(), max_size=3))
async def test_what_was_accepted_can_always_be_parsed_and_shown(
    stranger: Visitor, text: str, answers: dict[str, Any]
) -> None:
    name = str(uuid4())
    try:
        body = json.dumps({"id": name, "text": text, "answers": answers}, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return  # a lone surrogate: no browser can send it as UTF-8
    headers = {**stranger.headers, "content-type": "application/json"}
    answer = await stranger.http.post("/widget/v1/messages", content=body, headers=headers)
    fine(answer)
    shown = [item["text"] for item in await stranger.thread() if item["client"] == name]
    assert len(shown) == (1 if answer.is_success else 0)
    assert all("\0" not in kept for kept in shown)
