"""The things that every part of the simulator shares."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from .agenda import Agenda
from .faults import Panel
from .mail.mailboxes import Mailboxes
from .store import Store
from .truth import Truth


@dataclass
class World:
    store: Store
    truth: Truth
    faults: Panel
    agenda: Agenda
    mailboxes: Mailboxes
    outside: httpx.AsyncClient  # for webhooks and for media that the desk offers
    base_url: str = ""  # our own address, known once the socket is bound
    mail: dict[str, object] = field(default_factory=dict)  # where SMTP and IMAP listen
    on_arrival: list[Callable[[str, str], None]] = field(default_factory=list)  # (customer, desk)

    @classmethod
    def open(cls, home: Path) -> World:
        store = Store(home / "sim.sqlite")
        truth = Truth(store)
        return cls(
            store=store,
            truth=truth,
            faults=Panel(store, truth),
            agenda=Agenda(store),
            mailboxes=Mailboxes(store),
            outside=httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=200)),
        )

    def arrived(self, customer: str, desk: str) -> None:
        """Something that the desk wrote has reached a customer."""
        for told in self.on_arrival:
            told(customer, desk)

    async def close(self) -> None:
        await self.outside.aclose()
        self.store.close()

    # settings: small facts that outlive the process

    def setting(self, name: str, default: str = "") -> str:
        found = self.store.value("SELECT value FROM settings WHERE name = ?", name)
        return default if found is None else str(found)

    def set(self, name: str, value: str) -> None:
        self.store.run(
            "INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value
        )

    @property
    def pace(self) -> float:
        """How slowly the world moves: 1 is lifelike, 0 is at once."""
        return float(self.setting("pace", "1"))


def new_sid(prefix: str) -> str:
    """A Twilio string identifier: two letters and 32 hexadecimal digits (twilio.com/docs/glossary/what-is-a-sid)."""
    return prefix + secrets.token_hex(16)


def now() -> float:
    return time.time()
