"""Keep other web pages from driving the simulator through a visitor's browser."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler

HOSTS = ["127.0.0.1", "localhost", "[::1]", "::1"]


def only_from_here(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Programs send no Origin; a browser sends the page's, which must be our own (RFC 6454 §7)."""
    origin = connection.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != connection.headers.get("host"):
        raise PermissionDeniedException("This comes from another site.")
