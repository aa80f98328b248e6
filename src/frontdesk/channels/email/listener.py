"""Receiving mail as a mail server does: SMTP or LMTP on a port of our own, for a server that delivers straight into it.

The end of the data is answered 250 only when the mail is committed, so the other server keeps it until then.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, Final

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from frontdesk.channels.email.fingerprint import dedupe_key
from frontdesk.channels.email.headers import canonical
from frontdesk.channels.email.limits import MAX_MAIL
from frontdesk.channels.email.parse import own_address
from frontdesk.channels.port import Account, Disconnected, Raw, Sink, TryLater
from frontdesk.kit import clock
from frontdesk.kit.settings import Settings

MAX_CONNECTIONS: Final = 50
MAX_RECIPIENTS: Final = 100
IDLE_TIMEOUT: Final = 300  # seconds, RFC 5321 §4.5.3.2.7


async def listen(account: Account, sink: Sink) -> None:
    """Serve until cancelled. Raises Disconnected for impossible settings and TryLater when the port is taken."""
    address = own_address(account.settings)
    if address is None:
        raise Disconnected("This inbox has no mail address of its own.")
    host, port = _where(account)
    front = _Front(address, sink)
    try:
        server = await asyncio.get_running_loop().create_server(lambda: _protocol(account, front), host, port)
    except OSError as error:
        await sink.unhealthy(f"Port {port} on {host} cannot be opened: {error.strerror}")
        raise TryLater(f"Port {port} on {host} cannot be opened: {error.strerror}") from error
    async with server:
        await sink.healthy(f"listening on {host}, port {server.sockets[0].getsockname()[1]}")
        await server.serve_forever()


def _where(account: Account) -> tuple[str, int]:
    """The operator says on which address of this machine, the inbox on which port of it."""
    try:
        port = int(account.get("listen_port") or 0)
    except (TypeError, ValueError):
        port = -1
    if not 0 <= port < 65536:
        raise Disconnected("The port to listen on is a number between 1 and 65535.")
    return Settings.from_environment().listen_host, port


class _Counted:
    """Counts open connections, and turns away who comes above the limit (RFC 5321 §3.8: 421 and close)."""

    event_handler: _Front

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.event_handler.open += 1
        super().connection_made(transport)  # type: ignore[misc]

    def connection_lost(self, error: Exception | None) -> None:
        self.event_handler.open -= 1
        super().connection_lost(error)  # type: ignore[misc]

    async def _handle_client(self) -> None:
        if self.event_handler.open > MAX_CONNECTIONS:
            await self.push("421 4.7.0 Too many connections, please come again later")  # type: ignore[attr-defined]
            self.transport.close()  # type: ignore[attr-defined]
        else:
            await super()._handle_client()  # type: ignore[misc]


class _Smtp(_Counted, SMTP):
    pass


class _Lmtp(_Counted, LMTP):
    pass


def _protocol(account: Account, front: _Front) -> SMTP:
    kind = _Lmtp if str(account.get("listen_protocol") or "smtp") == "lmtp" else _Smtp
    return kind(
        front,
        data_size_limit=MAX_MAIL,
        enable_SMTPUTF8=True,
        hostname=front.address.rpartition("@")[2],
        ident="Frontdesk",
        timeout=IDLE_TIMEOUT,
        command_call_limit={"RCPT": MAX_RECIPIENTS * 10, "*": 1000},
    )


class _Front:
    """aiosmtpd asks these hooks; their answers go to the other server as they are."""

    def __init__(self, address: str, sink: Sink) -> None:
        self.address, self.sink = address, sink
        self.open = 0

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return responses

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not is_for(self.address, address):
            return "550 5.1.1 No such mailbox here"
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        data = envelope.original_content or b""
        try:
            await self.sink.store([_raw(data, envelope, session)])
        except Exception:  # whatever kept it from being committed: the other server keeps the mail and comes again
            return self._each("451 4.3.0 Not stored, please try again", server, envelope)
        return self._each("250 2.0.0 Stored", server, envelope)

    @staticmethod
    def _each(answer: str, server: SMTP, envelope: Envelope) -> str:
        """LMTP answers once for every recipient (RFC 2033 §4.2)."""
        return "\r\n".join([answer] * len(envelope.rcpt_tos)) if isinstance(server, LMTP) else answer


def is_for(own: str, recipient: str) -> bool:
    """The inbox's address or one of its plus forms."""
    try:
        address = canonical(recipient)
    except ValueError:
        return False
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}" == own or address == own


def _raw(data: bytes, envelope: Envelope, session: Session) -> Raw:
    """The mail with the envelope written on top, as every server does at delivery (RFC 5321 §4.4): the address that it
    was sent to may stand nowhere else."""
    top = b"Return-Path: <%s>\r\n" % _ascii(envelope.mail_from)
    for recipient in envelope.rcpt_tos[:5]:
        top += b"Delivered-To: %s\r\n" % _ascii(recipient)
    meta: dict[str, Any] = {"received_at": clock.now().isoformat(), "peer": str((session.peer or ("",))[0])}
    return Raw(dedupe_key=dedupe_key(data), body=top + data, meta=meta)


def _ascii(address: str | None) -> bytes:
    return re.sub(r"[\x00-\x20<>\x7f]", "", address or "")[:320].encode("utf-8", "replace")
