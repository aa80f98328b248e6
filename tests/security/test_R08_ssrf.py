"""R08: making the server knock where only the server can: more than 700 spellings, and none of them connects."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from ipaddress import ip_network
from typing import Any

import httpx
import pytest

from frontdesk.kit.fetch import (
    Blocked,
    FetchError,
    client,
    connect,
    connect_socket,
    fetch,
    open_networks,
    resolve_public,
)
from kit.web import Web, listening, page, to
from security.canary import Canary, Resolver, canaries, canary, resolver, watching
from security.spellings import hosts, urls

__all__ = ["canary", "resolver"]

pytestmark = pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2", "127.0.0.3", "::1"])

URLS, HOSTS = urls(), hosts()
CLASSES = {*range(196, 214), 215, 217, 218, 219, 220}
OTHER = (ip_network("127.0.0.3/32"),)  # the one address that is opened in some tests; no canary listens there
Way = Callable[[str, int], Awaitable[Any]]


def test_there_are_enough_of_them() -> None:
    assert {number for number, _ in URLS} == CLASSES
    assert len(URLS) >= 700
    assert len(HOSTS) >= 400
    few = {number: count for number, count in Counter(number for number, _ in URLS).items() if count < 2}
    assert few == {}


async def refused(asking: Awaitable[Any], *errors: type[BaseException]) -> bool:
    """Whether the guard refuses. Finding out that nothing is there would be too late: then it has knocked.

    Some notations have one reading only, which is the harmless name in them; that name does not exist here. Nor does a
    name of foreign digits, as which httpx reads some (IDNA 2008 keeps Devanagari apart; no resolver counts with it).
    """
    try:
        await asking
    except (Blocked, *errors):
        return True
    except FetchError as error:
        return bool(re.fullmatch(r"The name (good\.example|xn--[a-z0-9.-]+) cannot be found\.", str(error)))
    except (OSError, httpx.HTTPError):
        return False
    return False


# --- one by one -----------------------------------------------------------------------------------------------------


async def test_fetch_knocks_nowhere(canary: Canary, resolver: Resolver) -> None:
    with watching() as attempts:
        let_through = [
            case
            for case in URLS
            if not await refused(fetch(case[1].replace("{port}", str(canary.port)), max_bytes=10, timeout=5))
        ]
    assert (let_through, attempts, canary.knocks) == ([], [], 0)


async def test_fetch_over_tls_and_with_a_body_knocks_nowhere(canary: Canary, resolver: Resolver) -> None:
    let_through = []
    with watching() as attempts:
        for number, url in URLS:
            secure = url.replace("{port}", str(canary.port)).replace("http:", "https:", 1)
            asking = fetch(secure, max_bytes=10, timeout=5, method="POST", body=b"x", headers={"Host": "good.example"})
            if not await refused(asking):
                let_through.append((number, url))
    assert (let_through, attempts, canary.knocks) == ([], [], 0)


async def test_the_client_of_apis_knocks_nowhere(canary: Canary, resolver: Resolver) -> None:
    let_through = []
    with watching() as attempts:
        async with client(timeout=5) as asking:
            for number, url in URLS:
                if number == 220:
                    continue  # an API may have any port
                asked = asking.get(url.replace("{port}", str(canary.port)), follow_redirects=True)
                if not await refused(asked, httpx.InvalidURL, httpx.UnsupportedProtocol):
                    let_through.append((number, url))
    assert (let_through, attempts, canary.knocks) == ([], [], 0)


TLS = ssl.create_default_context()
WAYS: dict[str, Way] = {
    "a stream": connect,
    "a stream over TLS": lambda host, port: connect(host, port, tls=TLS),
    "a bare socket": connect_socket,
    "a look-up": resolve_public,
}


@pytest.mark.parametrize("way", WAYS)
async def test_other_protocols_knock_nowhere(way: str, canary: Canary, resolver: Resolver) -> None:
    with watching() as attempts:
        let_through = [case for case in HOSTS if not await refused(WAYS[way](case[1], canary.port))]
    assert (let_through, attempts, canary.knocks) == ([], [], 0)


async def test_only_plain_names_reach_the_resolver(canary: Canary, resolver: Resolver) -> None:
    """Whatever the resolver would make of a spelling that is not a name, it is never asked."""
    for _, url in URLS:
        await refused(fetch(url.replace("{port}", str(canary.port)), max_bytes=10, timeout=5))
    assert resolver.asked
    assert {name.lower().rstrip(".") for name in resolver.asked} <= {*resolver.zone, "good.example"}


async def test_the_oracle_hears(canary: Canary, resolver: Resolver) -> None:
    """The same canary and watch with the guard opened: every one of these knocks, so silence means something."""
    open_networks([ip_network("127.0.0.0/8"), ip_network("::1/128")])
    for url in (
        "http://127.0.0.1:{port}/",
        "http://[::1]:{port}/",
        "http://localhost:{port}/",
        "http://127.0.0.2:{port}",
    ):
        before = canary.knocks
        with watching() as attempts, pytest.raises(FetchError):
            await fetch(url.replace("{port}", str(canary.port)), max_bytes=10, timeout=5)
        assert (canary.knocks, len(attempts)) == (before + 1, 1)
    for spelling in ("2130706433", "0x7f.1", "①②⑦.⓪.⓪.①"):
        found = await asyncio.get_running_loop().getaddrinfo(spelling, canary.port)
        assert found[0][4][0] == "127.0.0.1", "the resolver of the tests understands what real ones understand"


# --- answers that change, and redirects -----------------------------------------------------------------------------


async def test_rebinding_between_the_check_and_the_connection(canary: Canary, resolver: Resolver) -> None:
    """Class 214: a name that is harmless when it is checked and ours when it is connected to."""
    async with listening(host="127.0.0.3") as good:
        answers = iter([["127.0.0.3"]] + [["127.0.0.1"]] * 9)

        def rebinding(host: Any, port: Any, *given: Any, **more: Any) -> list[Any]:
            resolver.zone["rebinding.example"] = next(answers)
            return resolver(host, port, *given, **more)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("socket.getaddrinfo", rebinding)
            url = f"http://rebinding.example:{good.port}/"
            assert (await fetch(url, max_bytes=10, timeout=5, allow_private=OTHER)).body == b"ok"
            assert resolver.asked == ["rebinding.example"]
            for asking in (
                fetch(f"http://rebinding.example:{canary.port}/", max_bytes=10, timeout=5, allow_private=OTHER),
                connect("rebinding.example", canary.port, allow=OTHER),
                connect_socket("rebinding.example", canary.port, allow=OTHER),
            ):
                assert await refused(asking)
    assert canary.knocks == 0


STATUSES = ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]


async def redirected(url: str, start: Web, canary: Canary, status: str) -> bool:
    start.answer = lambda _: to(url.replace("{port}", str(canary.port)), status)
    return await refused(
        fetch(f"http://127.0.0.3:{start.port}/", max_bytes=10, timeout=5, allow_private=OTHER), UnicodeEncodeError
    )


@pytest.mark.parametrize("status", STATUSES)
async def test_no_redirect_leads_inside(status: str, canary: Canary, resolver: Resolver) -> None:
    """Class 216. A location that no header can carry (line breaks, NUL) is left out: the server could not send it."""
    sendable = [
        url for _, url in URLS if url.isascii() and url.isprintable() and not url.startswith((" ", "/")) and url
    ]
    absolute = [url for url in sendable if "//" in url[:8] and "{port}" in url][::7]
    assert len(absolute) >= 60
    async with listening(host="127.0.0.3") as start:
        let_through = [url for url in absolute if not await redirected(url, start, canary, status)]
    assert let_through == []
    assert canary.knocks == 0


@pytest.mark.parametrize(
    "answer",
    [
        page(b"", "location: http://127.0.0.1:{port}/", status="300 Multiple Choices"),
        page(b"", "location: http://127.0.0.1:{port}/", status="304 Not Modified"),
        page(b"", "location: http://127.0.0.1:{port}/", status="201 Created"),
        page(b"", "refresh: 0; url=http://127.0.0.1:{port}/"),
        page(b"", "link: <http://127.0.0.1:{port}/>; rel=preload"),
        page(b"", 'alt-svc: h2="127.0.0.1:{port}"'),
        page(b'<meta http-equiv=refresh content="0;url=http://127.0.0.1:{port}/">', "content-type: text/html"),
        page(b"#EXTM3U\nhttp://127.0.0.1:{port}/x.ts", "content-type: application/x-mpegurl"),
        page(b'<svg><image href="http://127.0.0.1:{port}/"/></svg>', "content-type: image/svg+xml"),
        page(b'<!DOCTYPE x [<!ENTITY e SYSTEM "http://127.0.0.1:{port}/">]><x>&e;</x>', "content-type: text/xml"),
    ],
)
async def test_what_an_answer_says_otherwise_is_not_followed(answer: bytes, canary: Canary) -> None:
    async with listening(host="127.0.0.3") as start:
        head, _, body = answer.replace(b"{port}", str(canary.port).encode()).partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n") if not line.startswith(b"content-length")]
        sent = b"\r\n".join([*lines, b"content-length: %d" % len(body)]) + b"\r\n\r\n" + body
        start.answer = lambda _: sent
        url = f"http://127.0.0.3:{start.port}/"
        await fetch(url, max_bytes=1000, timeout=5, allow_private=OTHER)
        async with client(timeout=5, allow=OTHER) as asking:
            await asking.get(url)
    assert canary.knocks == 0


PROXIES = "http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY".split()


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_the_environment_brings_no_proxy_in(scheme: str, canary: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.setenv(name, f"{scheme}://127.0.0.1:{canary.port}")
    monkeypatch.setenv("NO_PROXY", "")
    async with listening(host="127.0.0.3") as good:
        url = f"http://127.0.0.3:{good.port}/"
        assert (await fetch(url, max_bytes=10, timeout=5, allow_private=OTHER)).body == b"ok"
        async with client(timeout=5, allow=OTHER) as asking:
            assert (await asking.get(url)).text == "ok"
    assert canary.knocks == 0


async def test_what_people_are_told_names_no_inner_address(canary: Canary, resolver: Resolver) -> None:
    """Not even which of the inner addresses a name has: the guard must not map the network for whoever asks."""
    said = set()
    for _, host in HOSTS:
        with pytest.raises(Blocked) as error:
            await resolve_public(host, canary.port)
        said.add(str(error.value))
    inner = {address for found in resolver.zone.values() for address in found}
    assert not any(address in sentence for sentence in said for address in inner - {"::"})
    assert len(said) <= 5, "a handful of sentences, whatever is asked"


async def test_a_guard_that_checks_only_the_first_answer_would_be_seen() -> None:
    """What the tests above would miss, they must not: a resolver's second answer is connected to by a plain client."""
    async with canaries() as canary:
        with watching() as attempts:
            _, writer = await asyncio.open_connection("127.0.0.1", canary.port)
            writer.close()
            await writer.wait_closed()
    assert (canary.knocks, len(attempts)) == (1, 1)
