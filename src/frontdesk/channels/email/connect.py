"""Where an inbox connects to, and how far the other side is trusted."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from frontdesk.channels.port import Disconnected

TIMEOUT: Final = 30.0  # seconds for a connection, a command, an answer
DEFAULT_PORTS: Final = {
    ("imap", "tls"): 993,
    ("imap", "starttls"): 143,
    ("imap", "none"): 143,
    ("smtp", "tls"): 465,
    ("smtp", "starttls"): 587,
    ("smtp", "none"): 25,
}
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\Z|[0-9a-f:]{2,45}\Z")


class Target(NamedTuple):
    host: str
    port: int
    tls: str  # "tls" (from the first byte), "starttls" (required) or "none"


def connect_target(settings: Mapping[str, Any], which: str) -> Target:
    """The server for ``which`` ("imap" or "smtp"). Every outgoing connection of this channel asks here first; raises
    Disconnected when the settings name no possible server."""
    host = str(settings.get(f"{which}_host") or "").strip().lower()
    tls = str(settings.get(f"{which}_tls") or "tls")
    if tls not in ("tls", "starttls", "none"):
        raise Disconnected(f"“{tls}” is not a kind of encryption: use tls, starttls or none.")
    if not _HOST.match(host):
        raise Disconnected(f"“{host[:80]}” is not the name of a mail server.")
    try:
        port = int(settings.get(f"{which}_port") or DEFAULT_PORTS[which, tls])
    except (TypeError, ValueError):
        raise Disconnected("The port of the mail server is a number.") from None
    if not 0 < port < 65536:
        raise Disconnected("The port of the mail server is a number between 1 and 65535.")
    return Target(host, port, tls)


def tls_context(settings: Mapping[str, Any]) -> ssl.SSLContext:
    """Certificates are always verified; ``tls_ca`` (PEM) adds an authority for servers with their own."""
    context = ssl.create_default_context()
    extra = str(settings.get("tls_ca") or "").strip()
    if extra:
        try:
            context.load_verify_locations(cadata=extra)
        except (ssl.SSLError, TypeError, ValueError):  # a TypeError for letters that are not ASCII
            raise Disconnected("The additional certificate authority is not a certificate in PEM form.") from None
    return context
