"""Which addresses may be connected to, and how a URL is read: pure decisions for :mod:`frontdesk.kit.fetch`.

``ipaddress.is_global`` is not used, because it calls global what is a cloud's metadata address or 127.0.0.1 in one of
several wrappings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urljoin

from frontdesk.kit import meters

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

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
_PRIVATE = (
    "That address belongs to a private or reserved network. If it is the right one, whoever runs Frontdesk can open its"
    " network: FRONTDESK_ALLOW_PRIVATE=… (for example 10.20.0.0/16, or several with commas), then start it again."
)
ISATAP = frozenset({0x00005EFE, 0x02005EFE})  # RFC 5214: interface identifiers that carry an IPv4 address

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")  # joined with the last address, "http:///host" would be a path there
_URL = re.compile(r"(?i)(https?)://([^/?#]*)([^#]*)(?:#.*)?\Z")
PRINTABLE = re.compile(r"[\x21-\x5b\x5d-\x7e]+\Z")  # ASCII without space, controls and backslash
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\Z")  # a last label like this is an IPv4 address to many parsers
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?\Z")


class FetchError(Exception):
    """Why nothing was fetched. The tree stands in :mod:`frontdesk.kit.fetch`."""


class Blocked(FetchError):
    """The address is not one that we connect to; the sentence may be shown to people and names no inner address."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        meters.ssrf_blocks.inc()


@dataclass(frozen=True)
class Target:
    """A URL that has one reading only; made by :func:`read_url`."""

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
        raise Blocked(_PRIVATE)
    return address


def read_url(url: str) -> Target:
    """Refuse what two parsers might read differently: user names, backslashes, controls, foreign digits and dots."""
    found = _URL.match(url) if PRINTABLE.match(url) else None
    if not found:
        raise Blocked("Only plain http:// and https:// addresses are fetched.")
    authority = _AUTHORITY.match(found[2])
    if not authority:
        raise Blocked("The address has no plain host name.")
    scheme, rest = found[1].lower(), found[3]
    port = int(authority[2]) if authority[2] else _default_port(scheme)
    if not 0 < port < 65536:
        raise Blocked("The address has no possible port.")
    return Target(scheme, canonical_host(authority[1]), port, rest if rest.startswith("/") else f"/{rest}")


def canonical_host(host: str) -> str:
    """A host in its one spelling, lower-case and without brackets; :class:`Blocked` for every other spelling."""
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        if ":" not in host:
            raise Blocked("The address has no plain host name.")
    if is_address(host):
        return str(ip_address(host))
    labels = host.lower().split(".")
    if len(host) > 253 or not all(_LABEL.match(label) for label in labels) or _NUMBER.match(labels[-1]):
        raise Blocked("The address has no plain host name.")
    return host.lower()


def is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return host.isascii()


def network_of(ip: str) -> str:
    """Whom to count as one caller: an IPv4 address, or the /64 of an IPv6 address, of which a single customer has at
    least one (RFC 6177) and each 2^64 addresses to call from. What is no address stands for itself."""
    try:
        address = ip_address(ip)
    except ValueError:
        return ip
    if isinstance(address, IPv4Address):
        return ip
    return str(address.ipv4_mapped or IPv6Network((int(address), 64), strict=False))


def _last_32_bits(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & 0xFFFFFFFF)


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def redirected(target: Target, location: str) -> Target:
    """Where a redirect leads, read like a first address; raises :class:`Blocked`."""
    if not PRINTABLE.match(location):
        raise Blocked(f"{target.host} redirects to something that is not a plain address.")
    try:
        following = read_url(location if _SCHEME.match(location) else urljoin(target.url, location))
    except ValueError:  # brackets around what is no address
        raise Blocked(f"{target.host} redirects to something that is not a plain address.") from None
    if target.scheme == "https" and following.scheme == "http":
        raise Blocked(f"{target.host} redirects from https to http.")
    return following
