"""The SMTP submission server (RFC 6409): AUTH, and whatever is accepted is on disk before the 250."""

from __future__ import annotations

import asyncio
import hmac
import logging
import ssl
import warnings
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from ..world import World
from .mailboxes import home_address
from .post_office import DOMAIN, take

MAX_BYTES = 35 * 1024 * 1024

logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd tells every command there


class Submission:
    """The hooks that aiosmtpd calls. Only a desk's mailbox may submit, and only under its own address."""

    def __init__(self, world: World) -> None:
        self._world = world

    def authenticate(self, server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        address = data.login.decode("utf-8", "replace")
        known = self._world.mailboxes.password(address)
        good = known is not None and hmac.compare_digest(known.encode(), data.password)
        return AuthResult(success=good, handled=False, auth_data=home_address(address))

    async def handle_MAIL(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        owner = str(session.auth_data)
        if address and home_address(address) != owner:
            return f"553 5.7.1 <{address}>: sender address rejected: not owned by {owner}"
        struck = self._world.faults.strikes
        if struck("too_many", owner):
            return "451 4.7.1 Too many messages, try again later"
        if struck("server_error", owner):
            return "451 4.3.0 Local error in processing"
        if struck("drop_before", owner):
            self._cut(server)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        local, _, domain = address.rpartition("@")
        if not local or "." not in domain:
            return f"501 5.1.3 <{address}>: bad recipient address syntax"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        owner = str(session.auth_data)
        raw = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        take(self._world, sender=envelope.mail_from or "", recipients=envelope.rcpt_tos, raw=raw)
        if self._world.faults.strikes("drop_after", owner):
            self._cut(server)
        if self._world.faults.strikes("slow", owner):
            await asyncio.sleep(self._world.faults.faults.slow_seconds)
        return "250 2.0.0 OK: queued"

    @staticmethod
    def _cut(server: Any) -> None:
        server.transport.abort()


async def serve(world: World, port: int, *, tls: ssl.SSLContext | None = None) -> asyncio.Server:
    """Listen on loopback; ``tls`` offers STARTTLS."""
    submission = Submission(world)

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # passwords without TLS: on loopback, on purpose
            return SMTP(
                submission,
                hostname=DOMAIN,
                ident="ESMTP",
                data_size_limit=MAX_BYTES,
                enable_SMTPUTF8=True,
                auth_required=True,
                auth_require_tls=False,
                authenticator=submission.authenticate,
                tls_context=tls,
                loop=asyncio.get_running_loop(),
            )

    return await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", port)
