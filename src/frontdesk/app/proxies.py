"""Who is really calling, when the operator's own proxy stands in between."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

Networks = Sequence[IPv4Network | IPv6Network]


class ClientAddress(ASGIMiddleware):
    """Puts the caller's address where the rest of the application looks for it."""

    def __init__(self, trusted: Networks) -> None:
        self._trusted = trusted

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        client = scope.get("client")
        if client and self._trusted:
            forwarded = [value for name, value in scope["headers"] if name.lower() == b"x-forwarded-for"]
            hops = ",".join(value.decode("latin-1") for value in forwarded)
            scope["client"] = (caller(client[0], hops, self._trusted), client[1])
        await next_app(scope, receive, send)


def caller(host: str, forwarded: str, trusted: Networks) -> str:
    """The first address, from the right, that is not a trusted proxy's. Anybody can write the header; only hops that a
    trusted proxy added count."""
    for hop in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
        try:
            if not any(ip_address(host) in network for network in trusted):
                break
            host = str(ip_address(hop))
        except ValueError:
            break
    return host
