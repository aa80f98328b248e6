"""A channel for tests, with one setting of each kind. Its driver does what its settings say."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from frontdesk.channels.port import (
    Account,
    Address,
    Capabilities,
    Channel,
    Disconnected,
    Item,
    Outbound,
    Raw,
    Sent,
    Setting,
)


class Paper:
    def parse(self, raw: Raw, account: Account) -> Sequence[Item]:
        return []

    async def send(self, message: Outbound, account: Account) -> Sent:
        return Sent(external_id=message.key)

    async def test(self, account: Account) -> str:
        match account.get("mode"):
            case "works":
                return f"Signed in with {len(account.get('password'))} letters."
            case "hangs":
                await asyncio.Event().wait()
            case "breaks":
                raise ZeroDivisionError("secret-in-a-traceback")
        raise Disconnected("The password is wrong.")

    def normalise(self, value: str, account: Account | None) -> Address:
        name, at, rest = value.strip().lower().partition("@")
        if not (name and at and rest):
            raise ValueError("This is not an address on paper.")
        return Address(kind="paper", value=f"{name}@{rest}")


MODES = ("works", "fails", "hangs", "breaks")


def check(settings: Mapping[str, Any]) -> Mapping[str, str]:
    return {"number": "Thirteen brings bad luck."} if settings.get("number") == 13 else {}


CHANNEL = Channel(
    name="paper",
    title="Paper",
    description="Letters in boxes.",
    can=Capabilities(address_kinds=("paper",), receipts=frozenset({"sent", "read"})),
    driver=Paper(),
    settings=(
        Setting(
            name="mode",
            label="Mode",
            kind="choice",
            default="works",
            choices=tuple((mode, mode) for mode in MODES),
        ),
        Setting(name="host", label="Host", required=True),
        Setting(name="password", label="Password", kind="secret", required=True),
        Setting(name="number", label="Number", kind="number", default=7),
        Setting(name="tls", label="TLS", kind="bool", default=True),
        Setting(name="certificate", label="Certificate", kind="secret", when=("tls", ("true",))),
        Setting(name="depth", label="Depth", kind="number", required=True, default=1, when=("certificate", ("deep",))),
        Setting(name="domains", label="Domains", kind="list"),
        Setting(name="greeting", label="Greeting", kind="textarea"),
        Setting(name="form", label="Form", kind="json"),
    ),
    check=check,
    own_address=lambda settings: f"box@{settings['host']}" if settings.get("host") else None,
)
