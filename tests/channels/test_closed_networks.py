"""An inbox that points into a private network knocks nowhere unless the operator opened it, and says how that is done.

Whoever may connect inboxes could otherwise map and reach what only this server can reach.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

import pytest

from channels.sms.loopback import RememberingSink
from frontdesk import channels
from frontdesk.channels.email.oauth import access_token
from frontdesk.channels.port import (
    Account,
    Address,
    Disconnected,
    FetchesMedia,
    Listens,
    Outbound,
    Rejected,
    TryLater,
    Unknown,
)
from frontdesk.kit import fetch
from kit.web import listening, to

ZONE = {
    "inside.test": ["127.0.0.1"],
    "mixed.test": ["93.184.216.34", "127.0.0.1"],
    "metadata.test": ["169.254.169.254"],
}
HOSTS = ["127.0.0.1", "169.254.169.254", *ZONE]
SAYS = r"private or reserved network\. .+FRONTDESK_ALLOW_PRIVATE="
LOOPBACK = ip_network("127.0.0.0/8")

MAIL = {"address": "desk@support.example", "username": "desk", "password": "pass"}
TEXTS = {"number": "+14155550000", "password": "pass", "hook_token": "token"}
INBOXES: dict[str, tuple[str, dict[str, Any]]] = {  # {host} and {port} are the address that somebody typed
    "twilio": ("sms", {"account_sid": "AC1", "auth_token": "t", "api_base": "http://{host}:{port}"}),
    "twilio over tls": ("sms", {"account_sid": "AC1", "auth_token": "t", "api_base": "https://{host}:{port}"}),
    "kannel": ("sms", {"url": "http://{host}:{port}/cgi-bin/sendsms", "username": "desk"}),
    "smpp": ("sms", {"host": "{host}", "port": "{port}", "system_id": "desk"}),
    "smpp over tls": ("sms", {"host": "{host}", "port": "{port}", "system_id": "desk", "tls": True}),
    **{
        f"{which} with {tls}": (
            "email",
            {f"{which}_host": "{host}", f"{which}_port": "{port}", f"{which}_tls": tls}
            | ({"receive": "imap"} if which == "imap" else {"receive": "listen"}),
        )
        for which in ("imap", "smtp")
        for tls in ("tls", "starttls", "none")
    },
}


def inbox(kind: str, host: str, port: int) -> tuple[Any, Account]:
    """The driver, and an account of this kind at that address."""
    name, given = INBOXES[kind]
    settings = {
        **(MAIL if name == "email" else {**TEXTS, "provider": kind.split()[0]}),
        **{
            key: value.format(host=host, port=port) if isinstance(value, str) else value for key, value in given.items()
        },
    }
    account = Account(workspace_id=1, inbox_id=1, name="Desk", settings=settings, hook_url="", secret=b"of this inbox")
    return channels.channel(name).driver, account


def outbound(kind: str) -> Outbound:
    to = Address(kind="phone", value="+302101234567")
    if INBOXES[kind][0] == "email":
        to = Address(kind="email", value="alice@customer.example")
    return Outbound(key="key-1", to=to, text="Hello", subject="Hi")


class Canary:
    """Counts who knocks, and hangs up."""

    def __init__(self) -> None:
        self.connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@pytest.fixture
async def canary(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Canary]:
    """A server of the inner network, with names that lead to it; nothing is open at first."""

    async def lookup(host: str, port: int) -> list[str]:
        return ZONE[host]

    monkeypatch.setattr(fetch, "_lookup", lookup)
    fetch.open_networks(())
    served = Canary()
    async with await asyncio.start_server(served.serve, "127.0.0.1", 0) as server:
        served.port = server.sockets[0].getsockname()[1]
        yield served


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("kind", INBOXES)
async def test_no_inbox_reaches_into_a_private_network(kind: str, host: str, canary: Canary) -> None:
    driver, account = inbox(kind, host, canary.port)
    with pytest.raises(Disconnected, match=SAYS):
        await driver.test(account)
    if not kind.startswith(("imap", "smpp")):  # they send through another server, or through the session that listens
        with pytest.raises(Disconnected, match=SAYS):
            await driver.send(outbound(kind), account)
    if kind.startswith(("imap", "smpp")):
        sink = RememberingSink()
        assert isinstance(driver, Listens)
        with pytest.raises(Disconnected, match=SAYS):
            await driver.listen(account, sink)
        assert any(needs_person and "FRONTDESK_ALLOW_PRIVATE=" in reason for _, reason, needs_person in sink.notes)
    assert canary.connections == 0


@pytest.mark.parametrize("kind", INBOXES)
async def test_what_the_operator_opened_is_reached(kind: str, canary: Canary) -> None:
    """The same inboxes; the canary speaks none of their protocols, but it hears them."""
    fetch.open_networks([LOOPBACK])
    driver, account = inbox(kind, "inside.test", canary.port)
    with pytest.raises((Disconnected, TryLater)):
        await driver.test(account)
    assert canary.connections > 0


async def test_a_token_is_not_fetched_from_a_private_network(canary: Canary) -> None:
    oauth = {"token_url": f"http://inside.test:{canary.port}/", "client_id": "a", "refresh_token": "b"}
    with pytest.raises(Disconnected, match=SAYS):
        await access_token(oauth)
    assert canary.connections == 0


@pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2"])
async def test_a_media_address_that_leads_inside_is_not_followed(canary: Canary) -> None:
    """Only the API's own address is open; where its redirect leads is not."""
    fetch.open_networks([ip_network("127.0.0.2/32")])
    async with listening(host="127.0.0.2") as api:
        driver, account = inbox("twilio", "127.0.0.2", api.port)
        assert isinstance(driver, FetchesMedia)
        for host in HOSTS:
            api.answer = lambda _, host=host: to(f"http://{host}:{canary.port}/latest/meta-data")  # type: ignore[misc]
            with pytest.raises(Rejected, match="not public"):
                await driver.fetch(f"http://127.0.0.2:{api.port}/media", account)
        assert api.connections == len(HOSTS)
    assert canary.connections == 0


async def test_media_of_a_closed_api_waits_for_the_operator(canary: Canary) -> None:
    driver, account = inbox("twilio", "inside.test", canary.port)
    with pytest.raises(TryLater, match=SAYS):
        await driver.fetch(f"http://inside.test:{canary.port}/media", account)
    with pytest.raises(Unknown, match=SAYS):
        await driver.look_up(outbound("twilio"), account)
    assert canary.connections == 0
