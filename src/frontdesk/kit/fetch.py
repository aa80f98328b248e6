"""The only way out to an address that came from outside: a media link, a mail server that somebody typed, a webhook.

Whoever chooses such an address must not be able to make us knock on our own network. So a name is resolved once, every
address that it has is checked against an explicit list, and the connection goes to a checked address, not to the name:
there is no second look-up that could answer differently. ``ipaddress.is_global`` is not used, because it calls global
what is a cloud's metadata address or 127.0.0.1 in one of several wrappings.

FetchError            every failure; the sentence may be shown to people and names no inner address
├── Blocked           the address is not one that we connect to
├── Oversized         more bytes than the caller wanted
└── Unreachable       no name, no route, no answer in time, no valid answer
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urljoin

import httpx

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_REDIRECTS = 3
WEB_PORTS = frozenset({80, 443})

# IANA's special-purpose registries (iana-ipv4-special-registry and iana-ipv6-special-registry, read 2026-11), without
# the few entries that are ordinary public services, and with one cloud's metadata address that hides in public space.
DENIED_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # "this network"; 0.0.0.0 reaches the machine itself
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, and a cloud's metadata at 100.100.100.200
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's virtual host: metadata and agent endpoints
        "169.254.0.0/16",  # link-local, metadata
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments, metadata at 192.0.0.192
        "192.0.2.0/24",
        "192.88.99.0/24",  # the former 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
PUBLIC_V6 = IPv6Network("2000::/3")  # all that is handed out as global unicast; everything else is refused
DENIED_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, with Teredo (2001::/32) and ORCHID
        "2001:db8::/32",
        "2002::/16",  # 6to4: carries any IPv4 address, and nobody serves it any more (RFC 7526)
        "3fff::/20",
    )
)
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: how an IPv6-only host sees an IPv4 server
ISATAP = frozenset({0x00005EFE, 0x02005EFE})  # RFC 5214: interface identifiers that carry an IPv4 address

_PATIENCE = httpx.Timeout(None, connect=5)  # seconds until the next address is tried; ``fetch`` limits the whole

_URL = re.compile(r"(?i)(https?)://([^/?#]*)([^#]*)(?:#.*)?\Z")
_PRINTABLE = re.compile(r"[\x21-\x5b\x5d-\x7e]+\Z")  # ASCII without space, controls and backslash
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\Z")  # a last label like this is an IPv4 address to many parsers
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?\Z")


class FetchError(Exception):
    pass


class Blocked(FetchError):
    pass


class Oversized(FetchError):
    pass


class Unreachable(FetchError):
    pass


@dataclass(frozen=True)
class Fetched:
    """What came back. ``content_type`` is lower-case without parameters; ``url`` is the last one, after redirects."""

    status: int
    content_type: str
    body: bytes
    url: str


@dataclass(frozen=True)
class _Target:
    """A URL that has one reading only."""

    scheme: str
    host: str  # lower-case name or canonical address, without brackets
    port: int
    path: str  # with the query; at least "/"

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _default_port(self.scheme) else f"{host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


def check_address(ip: str | Address, allow: Sequence[Network] = ()) -> Address:
    """The address to connect to, or :class:`Blocked`. ``allow`` are networks that the operator opened.

    A mapped address comes back as the IPv4 address that it is; translated ones (NAT64, ISATAP) are judged by the IPv4
    address inside.
    """
    try:
        address = ip_address(ip)
    except ValueError:
        raise Blocked("That is not an IP address.") from None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            raise Blocked("Addresses of one network link are not connected to.")
        address = address.ipv4_mapped or address
    if any(address in network for network in allow):
        return address
    if isinstance(address, IPv4Address):
        denied = any(address in network for network in DENIED_V4)
    elif address in NAT64:
        check_address(_last_32_bits(address))
        denied = False
    else:
        denied = address not in PUBLIC_V6 or any(address in network for network in DENIED_V6)
        if (int(address) >> 32) & 0xFFFFFFFF in ISATAP:
            check_address(_last_32_bits(address))
    if denied:
        raise Blocked("That address belongs to a private or reserved network.")
    return address


async def resolve_public(host: str, port: int, *, allow: Sequence[Network] = ()) -> list[Address]:
    """Resolve once and check every address; connect to one of the answers, never to the name again.

    ``host`` is a DNS name in ASCII or an address in its usual spelling; other spellings that a resolver may understand
    (``0x7f.1``, ``127。0。0。1``) raise :class:`Blocked`, as does a single forbidden address among good ones.
    """
    host = _canonical_host(host)
    if _is_address(host):
        return [check_address(host, allow)]
    try:
        found = await _lookup(host, port)
    except (OSError, UnicodeError):
        raise Unreachable(f"The name {host} cannot be found.") from None
    addresses = [check_address(address, allow) for address in dict.fromkeys(found)]
    if not addresses:
        raise Unreachable(f"The name {host} has no address.")
    return addresses


async def fetch(
    url: str,
    *,
    max_bytes: int,
    timeout: float,
    headers: Mapping[str, str] | None = None,
    allow_private: Sequence[Network] = (),
    method: str = "GET",
    body: bytes | None = None,
) -> Fetched:
    """Fetch over HTTP or HTTPS, within ``max_bytes`` of body and ``timeout`` seconds in all.

    Public addresses are reached on ports 80 and 443 only; addresses in ``allow_private`` on any. Up to three redirects
    are followed for GET and HEAD, each checked like the first, none from https to http; ``headers`` do not travel to
    another origin. Answers of any status come back; raises :class:`FetchError` for everything else.
    """
    target, sent = _parse(url), {name.lower(): value for name, value in (headers or {}).items()}
    try:
        async with asyncio.timeout(timeout):
            for _ in range(MAX_REDIRECTS + 1):
                answer = await _once(target, method, sent, body, max_bytes, allow_private)
                if isinstance(answer, Fetched):
                    return answer
                if answer.origin != target.origin:
                    sent = {}
                target = answer
    except TimeoutError:
        raise Unreachable(f"{target.host} did not answer within {timeout:g} seconds.") from None
    raise Unreachable(f"{target.host} redirects in circles.")


# --- one request -----------------------------------------------------------------------------------------------------


async def _once(
    target: _Target,
    method: str,
    headers: Mapping[str, str],
    body: bytes | None,
    max_bytes: int,
    allow: Sequence[Network],
) -> Fetched | _Target:
    """Ask one server; a redirect comes back as where it leads."""
    addresses = await resolve_public(target.host, target.port, allow=allow)
    if target.port not in WEB_PORTS and not all(_is_in(address, allow) for address in addresses):
        raise Blocked(f"Port {target.port} is not a web server's port.")
    async with httpx.AsyncHTTPTransport(trust_env=False, verify=_tls()) as transport:
        response = await _ask(transport, target, addresses, method, headers, body)
        try:
            if response.has_redirect_location and method in ("GET", "HEAD"):
                return _redirected(target, response.headers["location"])
            return Fetched(
                status=response.status_code,
                content_type=response.headers.get("content-type", "").split(";")[0].strip().lower(),
                body=b"" if method == "HEAD" else await _read(response, max_bytes, target.host),
                url=target.url,
            )
        finally:
            await response.aclose()


async def _ask(
    transport: httpx.AsyncHTTPTransport,
    target: _Target,
    addresses: Iterable[Address],
    method: str,
    headers: Mapping[str, str],
    body: bytes | None,
) -> httpx.Response:
    """Connect to the first address that answers. The certificate must still be the name's, not the address's."""
    for address in addresses:
        request = httpx.Request(
            method,
            httpx.URL(scheme=target.scheme, host=str(address), port=target.port, raw_path=target.path.encode()),
            headers={
                "user-agent": "Frontdesk",
                **headers,
                "host": target.authority,
                "accept-encoding": "identity",  # a compressed body could unfold to any size
            },
            content=body,
            extensions={"sni_hostname": target.host, "timeout": _PATIENCE.as_dict()},
        )
        try:
            return await transport.handle_async_request(request)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            continue
        except (httpx.HTTPError, httpx.InvalidURL):
            raise Unreachable(f"{target.host} gave no valid answer.") from None
    raise Unreachable(f"{target.host} does not accept the connection.")


async def _read(response: httpx.Response, max_bytes: int, host: str) -> bytes:
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise Unreachable(f"{host} sent a compressed answer that was not asked for.")
    too_much = Oversized(f"{host} sent more than {max_bytes} bytes.")
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > max_bytes:
        raise too_much
    body = bytearray()
    try:
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > max_bytes:
                raise too_much
    except httpx.HTTPError:
        raise Unreachable(f"{host} broke off its answer.") from None
    return bytes(body)


def _redirected(target: _Target, location: str) -> _Target:
    if not _PRINTABLE.match(location):
        raise Blocked(f"{target.host} redirects to something that is not a plain address.")
    following = _parse(urljoin(target.url, location))
    if target.scheme == "https" and following.scheme == "http":
        raise Blocked(f"{target.host} redirects from https to http.")
    return following


async def _lookup(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


# --- reading a URL in one way only -----------------------------------------------------------------------------------


def _parse(url: str) -> _Target:
    """Refuse what two parsers might read differently: user names, backslashes, controls, foreign digits and dots."""
    found = _URL.match(url) if _PRINTABLE.match(url) else None
    if not found:
        raise Blocked("Only plain http:// and https:// addresses are fetched.")
    authority = _AUTHORITY.match(found[2])
    if not authority:
        raise Blocked("The address has no plain host name.")
    scheme, rest = found[1].lower(), found[3]
    port = int(authority[2]) if authority[2] else _default_port(scheme)
    if not 0 < port < 65536:
        raise Blocked("The address has no possible port.")
    return _Target(scheme, _canonical_host(authority[1]), port, rest if rest.startswith("/") else f"/{rest}")


def _canonical_host(host: str) -> str:
    """A host in its one spelling, lower-case and without brackets; :class:`Blocked` for every other spelling."""
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        if ":" not in host:
            raise Blocked("The address has no plain host name.")
    if _is_address(host):
        return str(ip_address(host))
    labels = host.lower().split(".")
    if len(host) > 253 or not all(_LABEL.match(label) for label in labels) or _NUMBER.match(labels[-1]):
        raise Blocked("The address has no plain host name.")
    return host.lower()


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return host.isascii()


def _is_in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


def _last_32_bits(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & 0xFFFFFFFF)


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80
