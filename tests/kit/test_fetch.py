"""The guard on outgoing connections: a canary listens on loopback, and nobody may ever knock there."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Iterator
from ipaddress import ip_network

import pytest

from frontdesk.kit import fetch as module
from frontdesk.kit.addresses import Blocked, FetchError
from frontdesk.kit.fetch import (
    NoAnswer,
    Oversized,
    Unreachable,
    close_own,
    connect,
    fetch,
    open_networks,
    resolve_public,
)
from kit.addresses import SPELLINGS
from kit.web import Names, Web, listening, page, to

LOOPBACK = (ip_network("127.0.0.1/32"),)


def get(web: Web, path: str = "/", host: str = "site.test", **more: object) -> Awaitable[module.Fetched]:
    arguments = {"max_bytes": 1000, "timeout": 5, "allow_private": LOOPBACK} | more
    return fetch(f"http://{host}:{web.port}{path}", **arguments)  # type: ignore[arg-type]


# --- what is refused ------------------------------------------------------------------------------------


async def test_no_spelling_reaches_the_canary(web: Web) -> None:
    assert len(set(SPELLINGS)) == len(SPELLINGS) >= 200
    reached = []
    for spelling in SPELLINGS:
        url = spelling.replace("{port}", str(web.port))
        try:
            await fetch(url, max_bytes=10, timeout=2)
        except Blocked:
            continue
        except FetchError as error:
            reached.append((url, error))
        else:
            reached.append((url, None))
    assert reached == []
    assert web.connections == 0


async def test_one_bad_address_among_good_ones_refuses_the_name(names: Names) -> None:
    with pytest.raises(Blocked):
        await resolve_public("mixed.test", 993)


async def test_resolving_for_other_protocols(names: Names) -> None:
    names["mail.test"] = ["93.184.216.34", "2606:4700::1111", "93.184.216.34"]
    assert [str(ip) for ip in await resolve_public("Mail.test", 993)] == ["93.184.216.34", "2606:4700::1111"]
    assert [str(ip) for ip in await resolve_public("8.8.8.8", 25)] == ["8.8.8.8"]
    with pytest.raises(Unreachable, match="cannot be found"):
        await resolve_public("nothing.test", 25)
    with pytest.raises(Blocked):
        await resolve_public("127.1", 25)


async def test_a_name_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nowhere(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    monkeypatch.setattr(module, "_lookup", nowhere)
    with pytest.raises(Unreachable, match=r"missing\.test cannot be found"):
        await fetch("http://missing.test/", max_bytes=1, timeout=1)


@pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2"])
async def test_a_name_that_changes_its_mind_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the checked answer is the one that is connected to."""
    answers = iter([["127.0.0.2"], ["127.0.0.1"], ["127.0.0.1"]])

    async def rebinding(host: str, port: int) -> list[str]:
        return next(answers)

    monkeypatch.setattr(module, "_lookup", rebinding)
    async with listening() as canary, listening(host="127.0.0.2") as good:
        url = f"http://rebinding.test:{good.port}/"
        opened = (ip_network("127.0.0.2/32"),)
        found = await fetch(url, max_bytes=10, timeout=5, allow_private=opened)
        assert (found.body, good.connections) == (b"ok", 1)
        with pytest.raises(Blocked):  # the next fetch is a new decision, and sees the new answer
            await fetch(f"http://rebinding.test:{canary.port}/", max_bytes=10, timeout=5, allow_private=opened)
        assert canary.connections == 0


# --- what is fetched ------------------------------------------------------------------------------------


async def test_a_fetch_keeps_the_name_and_leaves_the_rest_alone(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    web.answer = lambda _: page(b"\x89PNG", "content-type: Image/PNG; charset=x")
    found = await get(web, "/b?q=%2F&x=[1]#fragment", headers={"Authorization": "Bearer x", "Host": "evil.test"})
    assert found == module.Fetched(200, "image/png", b"\x89PNG", f"http://site.test:{web.port}/b?q=%2F&x=[1]")
    head = web.requests[0].decode().lower()
    assert head.startswith("get /b?q=%2f&x=[1] http/1.1\r\n")
    assert f"host: site.test:{web.port}\r\n" in head
    assert "evil.test" not in head
    assert "authorization: bearer x\r\n" in head
    assert "accept-encoding: identity\r\n" in head
    assert "cookie" not in head


async def test_any_status_comes_back(web: Web) -> None:
    web.answer = lambda _: page(b"no", status="404 Not Found")
    assert (await get(web)).status == 404
    assert (await get(web, method="HEAD")).body == b""
    web.answer = lambda _: page(b"", status="304 Not Modified")
    assert (await get(web)).status == 304


async def test_a_body_is_posted_and_no_redirect_followed(web: Web) -> None:
    web.answer = lambda _: to("/elsewhere", "307 Temporary Redirect")
    found = await get(web, method="POST", body=b"{}")
    assert (found.status, web.connections) == (307, 1)
    assert b"content-length: 2" in web.requests[0].lower()


async def test_size_limits(web: Web) -> None:
    web.answer = lambda _: page(b"x" * 1000)
    assert len((await get(web)).body) == 1000
    web.answer = lambda _: page(b"x" * 1001)
    with pytest.raises(Oversized, match="more than 1000 bytes"):
        await get(web)
    web.answer = lambda _: b"HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n"
    with pytest.raises(Oversized):
        await get(web)
    web.answer = lambda _: b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + b"x" * 5000
    with pytest.raises(Oversized):
        await get(web)
    web.answer = lambda _: page(b"\x1f\x8b", "content-encoding: gzip")
    with pytest.raises(NoAnswer, match="compressed"):
        await get(web)


@pytest.mark.parametrize(
    "answer",
    [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", b"HTTP/1.1 200 OK\r\n\x00: x\r\n\r\n"],
)
async def test_broken_answers(web: Web, answer: bytes) -> None:
    web.answer = lambda _: answer
    with pytest.raises(NoAnswer):
        await get(web)


async def test_a_server_that_never_answers(web: Web) -> None:
    web.answer = lambda _: b""
    with pytest.raises(NoAnswer, match=r"did not answer within 0\.1 seconds"):
        await get(web, timeout=0.1)


async def test_a_closed_port(web: Web) -> None:
    async with listening() as gone:
        pass
    with pytest.raises(Unreachable, match="does not accept"):
        await get(gone)


async def test_the_next_address_is_tried(web: Web, names: Names) -> None:
    names["two.test"] = ["::1", "127.0.0.1"]  # the server listens on the second alone
    opened = (ip_network("::1/128"), *LOOPBACK)
    assert (await get(web, host="two.test", allow_private=opened)).body == b"ok"


async def test_the_operator_opens_networks_for_the_whole_process(web: Web) -> None:
    with pytest.raises(Blocked):
        await get(web, allow_private=None)
    open_networks(LOOPBACK)
    try:
        assert (await get(web, allow_private=None)).body == b"ok"
        with pytest.raises(Blocked):
            await get(web, allow_private=())
    finally:
        open_networks(())


@pytest.fixture
def own_site() -> Iterator[None]:
    close_own("https://desk.test/")
    yield
    close_own("")


@pytest.mark.usefixtures("own_site")
async def test_our_own_public_address_is_closed_whatever_its_name(names: Names) -> None:
    """On the port where people reach us: a mail server may have the same address."""
    names["desk.test"] = names["alias.test"] = ["93.184.216.34", "2606:2800:220:1::1"]
    names["neighbour.test"] = ["93.184.216.35"]
    for host in ("desk.test", "alias.test", "93.184.216.34", "2606:2800:220:1:0:0:0:1"):
        with pytest.raises(Blocked, match="own address"):
            await resolve_public(host, 443)
        assert await resolve_public(host, 993)
    assert await resolve_public("neighbour.test", 443)
    opened = [ip_network("93.184.216.34/32"), ip_network("2606:2800:220:1::1/128")]
    assert await resolve_public("alias.test", 443, allow=opened), "the operator may open it"
    del names["desk.test"]
    names["desk.test"] = []
    assert await resolve_public("neighbour.test", 443), "a name of ours that nobody knows closes nothing"


async def test_a_stream_for_other_protocols(web: Web, names: Names) -> None:
    reader, writer = await connect("site.test", web.port, allow=LOOPBACK)
    writer.write(b"EHLO x\r\n\r\n")
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    writer.close()
    await writer.wait_closed()
    with pytest.raises(Blocked):
        await connect("site.test", web.port)
    async with listening() as gone:
        pass
    with pytest.raises(Unreachable, match=r"site\.test does not accept"):
        await connect("site.test", gone.port, allow=LOOPBACK)
    assert web.connections == 1


# --- redirects ------------------------------------------------------------------------------------------


async def test_redirects_are_followed_three_times(web: Web) -> None:
    steps = {
        b"/0": to("/1"),
        b"/1": to("2", "308 Permanent Redirect"),
        b"/2": to("?3", "301 Moved"),
        b"/2?3": page(b"end"),
    }
    web.answer = lambda request: steps[request.split()[1]]
    found = await get(web, "/0", headers={"X-Key": "1"})
    assert (found.body, found.url) == (b"end", f"http://site.test:{web.port}/2?3")
    assert all(b"x-key: 1" in request.lower() for request in web.requests), "the same origin keeps its headers"
    web.answer = lambda _: to("/again")
    with pytest.raises(NoAnswer, match="in circles"):
        await get(web)
    assert web.connections == 8


async def test_secrets_do_not_travel_to_another_origin(web: Web) -> None:
    web.answer = lambda request: (
        to(f"//other.test:{web.port}/") if b"Host: site" in request or b"host: site" in request else page(b"ok")
    )
    found = await get(web, headers={"Authorization": "Bearer x", "Cookie": "a=b", "X-Api-Key": "k"})
    assert found.url == f"http://other.test:{web.port}/"
    first, second = (request.lower() for request in web.requests)
    assert b"bearer x" in first
    assert not any(secret in second for secret in (b"authorization", b"cookie", b"x-api-key"))


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{canary}/",
        "http://loop.test:{canary}/",
        "//loop.test:{canary}/",
        "http://[::ffff:127.0.0.1]:{canary}/",
        "http://2130706433:{canary}/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{canary}/",
        "http://site.test@127.0.0.1:{canary}/",
        "http://127.0.0.1:{canary}\\@site.test/",
        "\\\\127.0.0.1:{canary}/",
        "http://127.0.0.1:{canary}/a b",
        "http://metadata.test/",
        "http://public.test:25/",
        "javascript:alert(1)",
        "",
    ],
)
@pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2"])
async def test_a_redirect_is_checked_like_the_first_address(names: Names, location: str) -> None:
    names["start.test"] = ["127.0.0.2"]
    async with listening() as canary, listening(host="127.0.0.2") as start:
        start.answer = lambda _: to(location.format(canary=canary.port))
        url = f"http://start.test:{start.port}/"
        with pytest.raises(Blocked):
            await fetch(url, max_bytes=10, timeout=5, allow_private=(ip_network("127.0.0.2/32"),))
        assert canary.connections == 0


# --- https ----------------------------------------------------------------------------------------------


async def test_https_checks_the_certificate_of_the_name(secure: Web) -> None:
    found = await fetch(f"https://site.test:{secure.port}/", max_bytes=10, timeout=5, allow_private=LOOPBACK)
    assert found.body == b"ok"
    assert secure.server_names == ["site.test"]
    with pytest.raises(Unreachable):
        await fetch(f"https://other.test:{secure.port}/", max_bytes=10, timeout=5, allow_private=LOOPBACK)
    with pytest.raises(Unreachable):
        await fetch(f"https://127.0.0.1:{secure.port}/", max_bytes=10, timeout=5, allow_private=LOOPBACK)
    assert len(secure.requests) == 1


async def test_a_stream_checks_the_certificate_of_the_name(secure: Web) -> None:
    _, writer = await connect("site.test", secure.port, tls=module._tls(), allow=LOOPBACK)
    writer.close()
    await writer.wait_closed()
    assert secure.server_names == ["site.test"]
    with pytest.raises(ssl.SSLError):
        await connect("other.test", secure.port, tls=module._tls(), allow=LOOPBACK)


async def test_https_does_not_fall_back_to_http(secure: Web) -> None:
    secure.answer = lambda _: to("http://site.test/")
    with pytest.raises(Blocked, match="from https to http"):
        await fetch(f"https://site.test:{secure.port}/", max_bytes=10, timeout=5, allow_private=LOOPBACK)


def test_the_certificates_of_the_machine_are_trusted() -> None:
    assert module._tls().verify_mode == ssl.CERT_REQUIRED
    assert module._tls().check_hostname
