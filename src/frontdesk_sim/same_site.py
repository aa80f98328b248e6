"""Keep other web pages from driving the simulator through a visitor's browser."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def only_from_here(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """A foreign Host is a name bent to loopback; a foreign Origin is the page of another site (RFC 6454 §7)."""
    host = connection.headers.get("host", "")
    if urlsplit(f"//{host}").hostname not in LOOPBACK:
        raise PermissionDeniedException("The simulator answers on loopback only.")
    origin = connection.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:
        raise PermissionDeniedException("This comes from another site.")
