"""R17: a Host header that poisons links, redirects that lead away, line breaks that begin a header."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

EVIL = "evil.example"
PATHS = [
    "/", "/sign-in", "/api/v1/session", "/api/v1/inboxes", "/api/v1/channels", "/api/v1/openapi.json", "/api/v1/no",
    "/files/x", "/hooks/x", "/livez", "/readyz", "/assets/x", "/widget/assets/x", "/favicon.svg",
]  # fmt: skip
HEADERS = [
    {"Host": EVIL},
    {"Host": f"{EVIL}:80"},
    {"X-Forwarded-Host": EVIL},
    {"Forwarded": f"host={EVIL};proto=https"},
    {"X-Original-URL": f"//{EVIL}/", "X-Rewrite-URL": f"//{EVIL}/"},
    {"X-Forwarded-Proto": "https", "X-Forwarded-Port": "444", "X-Forwarded-Prefix": f"//{EVIL}"},
    {"Referer": f"http://{EVIL}/", "X-Host": EVIL, "X-Forwarded-Server": EVIL},
]
LEADING_AWAY = [
    f"//{EVIL}", f"///{EVIL}", f"/\\{EVIL}", f"/%2f%2f{EVIL}", f"/%5c{EVIL}", f"/.{EVIL}", f"/@{EVIL}", f"/%09/{EVIL}",
    f"//{EVIL}/%2e%2e", f"/sign-in?next=//{EVIL}", f"/sign-in?redirect=https://{EVIL}", f"/?url=https://{EVIL}",
    f"/setup?return_to=//{EVIL}", f"/settings?next=//{EVIL}", f"/api/v1//{EVIL}", f"/conversations//{EVIL}/..",
]  # fmt: skip


@pytest.fixture
async def chat_key(signed_in: httpx.AsyncClient) -> str:
    settings = {"origins": ["https://shop.example"]}
    made = await signed_in.post("/api/v1/inboxes", json={"channel": "livechat", "name": "Chat", "settings": settings})
    assert made.status_code == 201, made.text
    return str(made.json()["public_key"])


@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: ", ".join(headers))
async def test_no_answer_repeats_the_host_that_somebody_names(
    headers: dict[str, str], signed_in: httpx.AsyncClient
) -> None:
    for path in PATHS:
        answer = await signed_in.get(path, headers=headers)
        assert EVIL not in answer.text, path
        assert EVIL not in str(answer.headers), path


async def test_addresses_for_providers_and_files_are_the_configured_ones(
    signed_in: httpx.AsyncClient, chat_key: str
) -> None:
    for headers in HEADERS:
        (inbox,) = (await signed_in.get("/api/v1/inboxes", headers=headers)).json()["items"]
        assert inbox["hook_url"] == f"http://testserver.local/hooks/{chat_key}"
        made: dict[str, Any] = (
            await signed_in.post("/api/v1/files?name=a", content=b"x", headers={**headers, "Origin": ""})
        ).json()
        assert made["url"].startswith(("/files/", "http://testserver.local/files/"))


@pytest.mark.parametrize(
    "host", [f"{EVIL}; script-src *", f"{EVIL} *", f"x'{EVIL}", f"{EVIL},*", "*", "a\tb", f"{EVIL}/x", "[::1"]
)
async def test_a_host_cannot_add_to_the_frames_policy(
    host: str, client: httpx.AsyncClient, signed_in: httpx.AsyncClient, chat_key: str
) -> None:
    """The frame's policy names the host that the browser used, if that is a host at all."""
    answer = await client.get(f"/widget/app?key={chat_key}&o=https://shop.example", headers={"Host": host})
    if answer.status_code == 200:
        policy = answer.headers["content-security-policy"]
        assert [part.split()[0] for part in policy.split("; ")].count("script-src") == 1
        assert "script-src 'self';" in policy
        assert EVIL not in policy
        assert not re.search(r"(^|\s)\*(\s|;|$)", policy)
    else:
        assert answer.status_code in (400, 403, 503)


@pytest.mark.parametrize("path", LEADING_AWAY)
async def test_nobody_is_led_away(path: str, client: httpx.AsyncClient) -> None:
    """The server sends nobody elsewhere: it has no redirects."""
    request = client.build_request("GET", "http://testserver.local/")
    raw, _, query = path.partition("?")
    request.url = request.url.copy_with(raw_path=raw.encode() + (f"?{query}".encode() if query else b""))
    answer = await client.send(request)
    assert not answer.is_redirect
    assert "location" not in answer.headers
    assert "refresh" not in answer.headers


@pytest.mark.parametrize(
    "broken", ["%0d%0aSet-Cookie:x=1", "%0aX: 1", "%E5%98%8A%E5%98%8DSet-Cookie:x=1", "%00", "%c2%85X:1"]
)
async def test_a_line_break_begins_no_header(
    broken: str, client: httpx.AsyncClient, signed_in: httpx.AsyncClient
) -> None:
    paths = [
        f"/{broken}",
        f"/files/{broken}",
        f"/api/v1/{broken}",
        f"/hooks/{broken}",
        f"/widget/app?key={broken}&o={broken}",
    ]
    for path in paths:
        answer = await client.get(path)
        assert "x=1" not in answer.headers.get("set-cookie", "")
        assert "x" not in answer.headers
    made = await signed_in.post(f"/api/v1/files?name=a{broken}", content=b"x")
    assert "set-cookie" not in made.headers
    if made.status_code == 201:
        served = await signed_in.get(made.json()["url"])
        assert "x=1" not in served.headers.get("set-cookie", "")
