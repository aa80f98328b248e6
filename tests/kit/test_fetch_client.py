"""The guarded httpx client and the bare socket, for what speaks through a library: the same canary, the same rules."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator
from ipaddress import ip_network

import httpx
import pytest

from frontdesk.kit import fetch as module
from frontdesk.kit.fetch import Blocked, Unreachable, client, connect_socket
from kit.addresses import SPELLINGS
from kit.web import Names, Web, listening, page, to

LOOPBACK = (ip_network("127.0.0.1/32"),)


class Api:
    """A server that keeps its connections open, as APIs do."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@pytest.fixture
async def api(names: Names) -> AsyncIterator[Api]:
    served = Api()
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.port = server.sockets[0].getsockname()[1]
    names["api.test"] = names["twin.test"] = ["127.0.0.1"]
    yield served
    server.close()


async def test_no_spelling_reaches_the_canary(web: Web) -> None:
    urls = [spelling.replace("{port}", str(web.port)) for spelling in SPELLINGS]
    async with client(timeout=2) as asking:
        for url in (url for url in urls if "//public.test" not in url):  # an API may have any port
            with pytest.raises((Blocked, httpx.InvalidURL, httpx.UnsupportedProtocol)):
                await asking.get(url)
    assert web.connections == 0


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "169.254.169.254", "[::1]", "private.test", "metadata.test", "mixed.test"]
)
async def test_a_closed_address_says_what_the_operator_can_do(names: Names, host: str) -> None:
    async with client(timeout=2) as asking:
        with pytest.raises(Blocked, match=r"private or reserved network.+FRONTDESK_ALLOW_PRIVATE=") as blocked:
            await asking.post(f"http://{host}:8080/", content=b"x")
    assert "192.168" not in str(blocked.value)
    with pytest.raises(Blocked, match="FRONTDESK_ALLOW_PRIVATE="):
        await connect_socket(host, 25)


async def test_httpx_works_as_ever_behind_the_guard(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NETRC", "/nowhere")
    web.answer = lambda _: page(b"{}", "content-type: application/json", "set-cookie: a=b")
    async with client(timeout=5, allow=LOOPBACK) as asking:
        url = f"http://Site.test:{web.port}/a?x=%2F"
        found = await asking.post(url, data={"To": ["1", "2"]}, params={"y": "1"}, auth=("sid", "token"))
    assert (found.json(), str(found.url)) == ({}, f"http://site.test:{web.port}/a?y=1")
    head = web.requests[0].lower()
    assert head.startswith(b"post /a?y=1 http/1.1\r\n")
    assert f"host: site.test:{web.port}\r\n".encode() in head
    assert b"authorization: basic c2lkonrva2vu\r\n" in head
    assert b"content-type: application/x-www-form-urlencoded\r\n" in head


async def test_connections_are_kept_but_not_shared_between_names(api: Api) -> None:
    async with client(timeout=5, allow=LOOPBACK) as asking:
        for _ in range(3):
            assert (await asking.get(f"http://api.test:{api.port}/")).text == "ok"
        assert api.connections == 1
        await asking.get(f"http://twin.test:{api.port}/")
    assert api.connections == 2
    assert [b"twin.test" in request for request in api.requests] == [False, False, False, True]


async def test_a_name_is_asked_once_and_keeps_to_the_address_that_answered(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["::1", "127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    monkeypatch.setattr(module, "_lookup", rebinding)
    async with client(timeout=5, allow=(ip_network("::1/128"), *LOOPBACK)) as asking:
        await asking.get(f"http://api.test:{api.port}/")
        await asking.get(f"http://api.test:{api.port}/")
    assert (asked, api.connections) == (["api.test"], 1)


async def test_redirects_are_left_to_the_caller_and_checked_again(web: Web) -> None:
    web.answer = lambda _: to(f"http://loop.test:{web.port}/")
    async with client(timeout=5, allow=()) as strict, client(timeout=5, allow=LOOPBACK) as asking:
        found = await asking.get(f"http://site.test:{web.port}/")
        assert (found.status_code, web.connections) == (302, 1)
        assert found.next_request is not None
        with pytest.raises(Blocked):
            await strict.send(found.next_request)
    assert web.connections == 1


async def test_nothing_there_is_unreachable_and_a_lost_answer_is_httpx_own(web: Web, names: Names) -> None:
    async with listening() as gone:
        pass
    web.answer = lambda _: b"nonsense\r\n\r\n"
    async with client(timeout=5, allow=LOOPBACK) as asking:
        with pytest.raises(Unreachable, match=r"site\.test does not accept"):
            await asking.get(f"http://site.test:{gone.port}/")
        with pytest.raises(Unreachable, match="cannot be found"):
            await asking.get("http://nothing.test/")
        with pytest.raises(httpx.RemoteProtocolError):
            await asking.get(f"http://site.test:{web.port}/")
    with pytest.raises(Unreachable, match=r"site\.test does not accept"):
        await connect_socket("site.test", gone.port, allow=LOOPBACK)


@pytest.mark.parametrize("announced", [b"", b"content-length: 99999999999\r\n"], ids=["until it closes", "announced"])
async def test_an_answer_that_does_not_end_is_broken_off(names: Names, announced: bytes) -> None:
    """In every way that httpx reads: at once, or piece by piece."""
    sent, ended = 0, asyncio.Event()

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\n" + announced + b"\r\n")
            while True:
                writer.write(b"x" * 2**16)
                await writer.drain()
                sent += 2**16
        except ConnectionError:
            ended.set()
            writer.close()

    names["flood.test"] = ["127.0.0.1"]
    server = await asyncio.start_server(pour, "127.0.0.1", 0)
    url = f"http://flood.test:{server.sockets[0].getsockname()[1]}/"
    async with asyncio.timeout(60), client(timeout=30, total=30, allow=LOOPBACK, max_bytes=2**20) as asking:
        with pytest.raises(httpx.ReadError, match="more than 1048576 bytes"):
            await asking.get(url)
        async with asking.stream("POST", url) as answer:
            with pytest.raises(httpx.ReadError, match="more than 1048576 bytes"):
                async for _ in answer.aiter_raw():
                    pass
        await ended.wait()
    assert sent < 2**25, "what the other side wrote was read no further than that"
    server.close()


async def test_a_compressed_answer_is_refused_unread(web: Web) -> None:
    web.answer = lambda _: page(gzip.compress(b"0" * 2**20), "content-encoding: gzip")
    async with client(timeout=5, allow=LOOPBACK) as asking:
        with pytest.raises(httpx.DecodingError, match="compressed"):
            await asking.get(f"http://site.test:{web.port}/")
    assert b"accept-encoding: identity" in web.requests[-1].lower()


async def test_the_certificate_is_the_names(secure: Web) -> None:
    async with client(timeout=5, allow=LOOPBACK) as asking:
        assert (await asking.get(f"https://site.test:{secure.port}/")).text == "ok"
        assert secure.server_names == ["site.test"]
        with pytest.raises(Unreachable, match=r"other\.test has no certificate that is valid"):
            await asking.get(f"https://other.test:{secure.port}/")
    assert len(secure.requests) == 1


async def test_a_bare_socket_for_a_library(secure: Web, names: Names) -> None:
    names["two.test"] = ["::1", "127.0.0.1"]  # the server listens on the second alone
    found = await connect_socket("two.test", secure.port, allow=(ip_network("::1/128"), *LOOPBACK))
    tls: ssl.SSLContext = module._tls()
    reader, writer = await asyncio.open_connection(sock=found, ssl=tls, server_hostname="site.test")
    writer.write(b"EHLO x\r\n\r\n")
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    writer.close()
    await writer.wait_closed()


async def test_a_bare_socket_given_up_is_closed(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """A leak would be a ResourceWarning, which is an error here."""

    async def never(sock: object, address: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", never)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await connect_socket("site.test", web.port, allow=LOOPBACK)
