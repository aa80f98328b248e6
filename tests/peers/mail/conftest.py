"""One mail host for all tests of this folder; tests that break it restore it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from peers.mail.peers import Dovecot, Exim, Place, TokenServer, free_ports
from peers.mail.sink import MemorySink


@dataclass
class Host:
    place: Place
    dovecot: Dovecot
    exim: Exim
    tokens: TokenServer
    desk_port: int

    def settings(self, imap_tls: str = "tls", smtp_tls: str = "starttls") -> dict[str, Any]:
        return {
            "imap_host": "127.0.0.1",
            "imap_port": self.dovecot.imaps if imap_tls == "tls" else self.dovecot.imap,
            "imap_tls": imap_tls,
            "smtp_host": "127.0.0.1",
            "smtp_port": self.exim.smtps if smtp_tls == "tls" else self.exim.smtp,
            "smtp_tls": smtp_tls,
            "tls_ca": self.place.certificate,
        }


@pytest.fixture(scope="session")
async def host() -> AsyncIterator[Host]:
    place = Place()
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(place.remove)
        tokens = TokenServer()
        await tokens.start()
        stack.push_async_callback(tokens.stop)
        (desk_port,) = free_ports(1)
        dovecot = Dovecot(place, tokens.port)
        exim = Exim(place, dovecot.lmtp, desk_port)
        stack.push_async_callback(dovecot.stop)
        await dovecot.start()
        stack.push_async_callback(exim.stop)
        await exim.start()
        yield Host(place, dovecot, exim, tokens, desk_port)


@pytest.fixture
def sink() -> MemorySink:
    return MemorySink()
