"""The only way out to an address that came from outside: a media link, a mail server that somebody typed, a webhook.

Whoever chooses such an address must not be able to make us knock on our own network. So a name is resolved once, every
address that it has is checked against an explicit list, and the connection goes to a checked address, not to the name:
there is no second look-up that could answer differently. Networks that the operator opened (:func:`open_networks`) are
exceptions for the whole process.

Four ways, from what is asked for to what is only connected: :func:`fetch` gets one bounded answer, :func:`client` is an
httpx client for an API, :func:`connect` opens a stream for another protocol, :func:`connect_socket` a bare socket for a
library that speaks over one.

FetchError            every failure; the sentence may be shown to people and names no inner address
├── Blocked           the address is not one that we connect to
├── Unreachable       no name, no route, refused: nothing was sent
├── NoAnswer          asked, but without a valid answer in time: what the other side did is unknown
└── Oversized         more bytes than the caller wanted
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import httpx

from frontdesk.kit.addresses import (
    Address,
    Blocked,
    FetchError,
    Network,
    Target,
    canonical_host,
    check_address,
    is_address,
    read_url,
    redirected,
)
from frontdesk.kit.bounds import Bounded, in_time

__all__ = [
    "Blocked", "FetchError", "Fetched", "NoAnswer", "Oversized", "Unreachable",
    "client", "connect", "connect_socket", "fetch", "open_networks", "resolve_public",
]  # fmt: skip

MAX_REDIRECTS = 3
TOTAL = 60.0  # seconds for a whole exchange with an API
ANSWER = 8 * 2**20  # bytes that one answer of an API may have: a page of a thousand messages has two
WEB_PORTS = frozenset({80, 443})

_PATIENCE = httpx.Timeout(None, connect=5)  # seconds until the next address is tried; ``fetch`` limits the whole
_AS_IT_IS = {"accept-encoding": "identity"}
_opened: tuple[Network, ...] = ()
_own: tuple[str, int] | None = None


class Unreachable(FetchError):
    pass


class NoAnswer(FetchError):
    pass


class Oversized(FetchError):
    pass


@dataclass(frozen=True)
class Fetched:
    """What came back. ``content_type`` is lower-case without parameters; ``url`` is the last one, after redirects."""

    status: int
    content_type: str
    body: bytes
    url: str


def open_networks(networks: Iterable[Network]) -> None:
    """Let this process connect into these networks of the operator's, on any port. Called once at the start."""
    global _opened
    _opened = tuple(networks)


def close_own(url: str) -> None:
    """Let nothing of this process knock at our own public address, under whatever name somebody gives it."""
    global _own
    try:
        _own = (own := read_url(url)).host, own.port
    except Blocked:
        _own = None


async def resolve_public(host: str, port: int, *, allow: Sequence[Network] | None = None) -> list[Address]:
    """Resolve once and check every address; connect to one of the answers, never to the name again.

    ``host`` is a DNS name in ASCII or an address in its usual spelling; other spellings that a resolver may understand
    (``0x7f.1``, ``127。0。0。1``) raise :class:`Blocked`, as does a single forbidden address among good ones. ``allow``
    stands for the operator's networks where given.
    """
    host, opened = canonical_host(host), _opened if allow is None else allow
    found = await _addresses(host, port)
    addresses = [check_address(address, opened) for address in dict.fromkeys(found)]
    if not addresses:
        raise Unreachable(f"The name {host} cannot be found.")
    if _own and port == _own[1]:
        ours = found if host == _own[0] else await _addresses(*_own)
        if any(str(address) in ours and not _is_in(address, opened) for address in addresses):
            raise Blocked("This is Frontdesk's own address. The operator can open it with FRONTDESK_ALLOW_PRIVATE.")
    return addresses


async def _addresses(host: str, port: int) -> list[str]:
    """None for a name that is not known."""
    if is_address(host):
        return [host]
    try:
        return await _lookup(host, port)
    except (OSError, UnicodeError):
        return []


def _is_in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


async def connect(
    host: str,
    port: int,
    *,
    tls: ssl.SSLContext | None = None,
    limit: int = 2**16,
    allow: Sequence[Network] | None = None,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a stream to the first checked address that accepts it; with ``tls``, the certificate must be the name's.

    ``limit`` is the longest line in bytes that the reader takes. Give the attempt up from outside with
    ``asyncio.timeout``. Raises :class:`Blocked`, :class:`Unreachable` or ``ssl.SSLError``.
    """
    connected = await connect_socket(host, port, allow=allow)
    name = canonical_host(host) if tls else None
    try:
        return await asyncio.open_connection(sock=connected, ssl=tls, server_hostname=name, limit=limit)
    except BaseException as error:
        connected.close()
        if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
            raise Unreachable(f"{host} does not accept the connection.") from None
        raise


async def connect_socket(host: str, port: int, *, allow: Sequence[Network] | None = None) -> socket.socket:
    """The same without TLS, as a connected socket: for a library that takes one and checks the name's certificate."""
    for address in await resolve_public(host, port, allow=allow):
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        connecting = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        connecting.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(connecting, (str(address), port))
        except OSError:
            connecting.close()
        except BaseException:
            connecting.close()
            raise
        else:
            _look_for_signs_of_life(connecting)
            return connecting
    raise Unreachable(f"{host} does not accept the connection.")


def _look_for_signs_of_life(connected: socket.socket) -> None:
    """Have the system ask whether the other side still lives while nothing is said: a minute, then four times more."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
        if option := getattr(socket, name, None):  # not every system has all of them
            connected.setsockopt(socket.IPPROTO_TCP, option, value)


def client(
    *,
    timeout: httpx.Timeout | float,
    allow: Sequence[Network] | None = None,
    total: float = TOTAL,
    max_bytes: int = ANSWER,
) -> httpx.AsyncClient:
    """An HTTP client for an API whose address somebody typed: httpx with all its features, behind this guard.

    Each origin is resolved and checked once in the client's life, and all that goes there goes to the address that
    answered first, in connections that no other name shares; so make one for each exchange. Any port is reached.
    Nothing is read from the environment. Redirects are not followed; whoever follows one asks the same client, which
    checks again. Beside httpx's own errors it raises :class:`Blocked`, and :class:`Unreachable` instead of
    ``httpx.ConnectError`` and ``httpx.ConnectTimeout``: in both cases nothing was sent. ``timeout`` is for each read;
    an answer that drips is broken off with ``httpx.ReadTimeout`` when the exchange has taken ``total`` seconds, and one
    that does not end with ``httpx.ReadError`` after ``max_bytes``. None may be compressed: it could unfold to any size.
    """
    guarded = _Guarded(_opened if allow is None else allow, web_ports_only=False, total=total, max_bytes=max_bytes)
    return httpx.AsyncClient(
        transport=guarded, timeout=timeout, trust_env=False, follow_redirects=False, headers=_AS_IT_IS
    )


async def fetch(
    url: str,
    *,
    max_bytes: int,
    timeout: float,
    headers: Mapping[str, str] | None = None,
    allow_private: Sequence[Network] | None = None,
    method: str = "GET",
    body: bytes | None = None,
) -> Fetched:
    """Fetch over HTTP or HTTPS, within ``max_bytes`` of body and ``timeout`` seconds in all.

    Public addresses are reached on ports 80 and 443 only; addresses in ``allow_private`` (or the operator's networks)
    on any. Up to three redirects are followed for GET and HEAD, each checked like the first, none from https to http;
    ``headers`` do not travel to another origin. Answers of any status come back; all else raises :class:`FetchError`.
    """
    target, sent = read_url(url), {name.lower(): value for name, value in (headers or {}).items()}
    opened = _opened if allow_private is None else allow_private
    try:
        async with asyncio.timeout(timeout), _Guarded(opened, web_ports_only=True) as guarded:
            for _ in range(MAX_REDIRECTS + 1):
                answer = await _once(guarded, target, method, sent, body, max_bytes)
                if isinstance(answer, Fetched):
                    return answer
                if answer.origin != target.origin:
                    sent = {}
                target = answer
    except TimeoutError:
        raise NoAnswer(f"{target.host} did not answer within {timeout:g} seconds.") from None
    raise NoAnswer(f"{target.host} redirects in circles.")


# --- one request -----------------------------------------------------------------------------------------------------


class _Guarded(httpx.AsyncBaseTransport):
    """Sends every request to a checked address of the name that it was meant for; the certificate must be the name's.

    Each origin has connections of its own: httpx shares them by address, and two names may have the same one.
    """

    def __init__(
        self,
        allow: Sequence[Network],
        *,
        web_ports_only: bool,
        total: float | None = None,
        max_bytes: int | None = None,
    ) -> None:
        self._allow, self._web_ports_only, self._total, self._max_bytes = allow, web_ports_only, total, max_bytes
        self._ways: dict[tuple[str, str, int], _Way] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        until = None if self._total is None else asyncio.get_running_loop().time() + self._total
        way, failed = await self._way(request.url), None
        for address in way.addresses:
            try:
                async with in_time(until):
                    response = await way.transport.handle_async_request(_addressed(request, way.host, address))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failed = error
            else:
                way.addresses = (address,)
                assert isinstance(response.stream, httpx.AsyncByteStream)
                response.stream = Bounded(response.stream, until, self._max_bytes)
                if self._max_bytes is not None and _is_packed(response):
                    await response.aclose()
                    raise httpx.DecodingError(f"{way.host} sent a compressed answer that was not asked for")
                return response
        if "CERTIFICATE_VERIFY_FAILED" in str(failed):
            raise Unreachable(f"{way.host} has no certificate that is valid for this name.") from failed
        raise Unreachable(f"{way.host} does not accept the connection.") from failed

    async def _way(self, url: httpx.URL) -> _Way:
        if url.scheme not in ("http", "https"):
            raise httpx.UnsupportedProtocol("Only http:// and https:// addresses are connected to.")
        host, port = canonical_host(url.raw_host.decode("ascii")), url.port or (443 if url.scheme == "https" else 80)
        origin = url.scheme, host, port
        if origin not in self._ways:
            addresses = tuple(await resolve_public(host, port, allow=self._allow))
            if (
                self._web_ports_only
                and port not in WEB_PORTS
                and not all(_is_in(one, self._allow) for one in addresses)
            ):
                raise Blocked(f"Port {port} is not a web server's port.")
            transport = httpx.AsyncHTTPTransport(trust_env=False, verify=_tls())
            self._ways.setdefault(origin, _Way(host, addresses, transport))
        return self._ways[origin]

    async def aclose(self) -> None:
        for way in self._ways.values():
            await way.transport.aclose()


@dataclass
class _Way:
    """Where one origin is: its checked addresses (the one that answered, once one has) and the connections there."""

    host: str
    addresses: tuple[Address, ...]
    transport: httpx.AsyncHTTPTransport


def _addressed(request: httpx.Request, host: str, address: Address) -> httpx.Request:
    """The same request to an address; its ``Host`` header still has the name, and TLS asks for it (SNI)."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=str(address)),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )


async def _once(
    guarded: _Guarded, target: Target, method: str, headers: Mapping[str, str], body: bytes | None, max_bytes: int
) -> Fetched | Target:
    """Ask one server; a redirect comes back as where it leads."""
    response = await _ask(guarded, target, method, headers, body)
    try:
        if response.has_redirect_location and method in ("GET", "HEAD"):
            return redirected(target, response.headers["location"])
        return Fetched(
            status=response.status_code,
            content_type=response.headers.get("content-type", "").split(";")[0].strip().lower(),
            body=b"" if method == "HEAD" else await _read(response, max_bytes, target.host),
            url=target.url,
        )
    finally:
        await response.aclose()


async def _ask(
    guarded: _Guarded, target: Target, method: str, headers: Mapping[str, str], body: bytes | None
) -> httpx.Response:
    request = httpx.Request(
        method,
        httpx.URL(scheme=target.scheme, host=target.host, port=target.port, raw_path=target.path.encode()),
        headers={
            "user-agent": "Frontdesk",
            **headers,
            "host": target.authority,
            **_AS_IT_IS,
        },
        content=body,
        extensions={"timeout": _PATIENCE.as_dict()},
    )
    try:
        return await guarded.handle_async_request(request)
    except (httpx.HTTPError, httpx.InvalidURL):
        raise NoAnswer(f"{target.host} gave no valid answer.") from None


def _is_packed(response: httpx.Response) -> bool:
    return bool(response.headers.get("content-encoding", "identity").lower() != "identity")


async def _read(response: httpx.Response, max_bytes: int, host: str) -> bytes:
    if _is_packed(response):
        raise NoAnswer(f"{host} sent a compressed answer that was not asked for.")
    too_much = Oversized(f"{host} sent more than {max_bytes} bytes.")
    announced = response.headers.get("content-length", "")
    if re.fullmatch("[0-9]{1,18}", announced) and int(announced) > max_bytes:
        raise too_much
    body = bytearray()
    try:
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > max_bytes:
                raise too_much
    except httpx.HTTPError:
        raise NoAnswer(f"{host} broke off its answer.") from None
    return bytes(body)


async def _lookup(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()
