"""R08, from where people stand: whatever can be typed into a setting, or comes with a provider's message, is guarded.

The features are found in the code: every setting that says where something is, of every channel. A new one has to be
added to the table below, or :func:`test_every_setting_that_is_an_address_is_tried` fails.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from ipaddress import ip_network
from typing import Any

import pytest

from channels.sms.loopback import RememberingSink
from channels.test_closed_networks import INBOXES, inbox, outbound
from frontdesk import channels
from frontdesk.channels.email.oauth import access_token
from frontdesk.channels.port import Disconnected, FetchesMedia, Listens, Rejected, TryLater, Unknown
from frontdesk.kit.fetch import open_networks
from kit.web import listening, to
from security.canary import Canary, Resolver, canary, resolver, watching
from security.spellings import hosts

__all__ = ["canary", "resolver"]

pytestmark = pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2", "127.0.0.3", "::1"])

ADDRESS = re.compile(r"(^|_)(host|url|uri|base|server|endpoint|address_of|webhook)$")
TRIED = {
    "email.imap_host": ("imap with tls", "imap with starttls", "imap with none"),
    "email.smtp_host": ("smtp with tls", "smtp with starttls", "smtp with none"),
    "sms.api_base": ("twilio", "twilio over tls"),
    "sms.url": ("kannel",),
    "sms.host": ("smpp", "smpp over tls"),
}
HOSTS = hosts()
FAILS = (Disconnected, TryLater, Rejected, Unknown)


def test_every_setting_that_is_an_address_is_tried() -> None:
    found = {
        f"{name}.{setting.name}"
        for name, channel in channels.all_channels().items()
        for setting in channel.settings
        if ADDRESS.search(setting.name)
    }
    assert found == set(TRIED)
    assert {kind for kinds in TRIED.values() for kind in kinds} == set(INBOXES)


async def ends(asked: Awaitable[Any]) -> bool:
    """Whether it ends in one of the ways that people are told of; anything else would be an error page for them."""
    try:
        await asked
    except FAILS:
        return True
    return False


@pytest.mark.parametrize("kind", INBOXES)
async def test_no_spelling_in_a_setting_knocks(kind: str, canary: Canary, resolver: Resolver) -> None:
    open_networks(())
    odd = []
    with watching() as attempts:
        for number, host in HOSTS[
            :: 12 if " with " in kind or kind.startswith("smpp over") else 1
        ]:  # TLS set-up is slow
            driver, account = inbox(kind, f"[{host}]" if _in_url(kind) and ":" in host else host, canary.port)
            if not await ends(driver.test(account)):
                odd.append((number, host))
    assert (odd, attempts, canary.knocks) == ([], [], 0)


def _in_url(kind: str) -> bool:
    return kind.startswith(("twilio", "kannel"))


@pytest.mark.parametrize("kind", [kind for kind in INBOXES if not kind.startswith(("imap", "smpp"))])
async def test_nothing_is_sent_there(kind: str, canary: Canary, resolver: Resolver) -> None:
    open_networks(())
    with watching() as attempts:
        for _, host in HOSTS[::9]:
            driver, account = inbox(kind, f"[{host}]" if _in_url(kind) and ":" in host else host, canary.port)
            assert await ends(driver.send(outbound(kind), account))
    assert (attempts, canary.knocks) == ([], 0)


@pytest.mark.parametrize("kind", [kind for kind in INBOXES if kind.startswith(("imap", "smpp"))])
async def test_nobody_listens_there(kind: str, canary: Canary, resolver: Resolver) -> None:
    open_networks(())
    with watching() as attempts:
        for _, host in HOSTS[::40]:
            driver, account = inbox(kind, host, canary.port)
            assert isinstance(driver, Listens)
            assert await ends(driver.listen(account, RememberingSink()))
    assert (attempts, canary.knocks) == ([], 0)


async def test_no_token_is_fetched_there(canary: Canary, resolver: Resolver) -> None:
    open_networks(())
    with watching() as attempts:
        for _, host in HOSTS:
            for scheme in ("http", "https"):
                where = f"[{host}]" if ":" in host and not host.startswith("[") else host
                url = f"{scheme}://{where}:{canary.port}/token"
                assert await ends(access_token({"token_url": url, "client_id": "a", "refresh_token": url}))
    assert (attempts, canary.knocks) == ([], 0)


async def test_no_media_address_of_a_delivery_is_followed_inside(canary: Canary, resolver: Resolver) -> None:
    """The provider's own address is open here; what a delivery names, and where a redirect leads, is not."""
    open_networks([ip_network("127.0.0.3/32")])
    async with listening(host="127.0.0.3") as api:
        driver, account = inbox("twilio", "127.0.0.3", api.port)
        assert isinstance(driver, FetchesMedia)
        for _, host in HOSTS[::5]:
            where = f"[{host}]" if ":" in host and not host.startswith("[") else host
            url = f"http://{where}:{canary.port}/media"
            assert await ends(driver.fetch(url, account)), url
            if url.isascii() and url.isprintable():
                api.answer = _redirecting(url)
                assert await ends(driver.fetch(f"http://127.0.0.3:{api.port}/media", account)), url
    assert canary.knocks == 0


def _redirecting(url: str) -> Callable[[bytes], bytes]:
    return lambda _: to(url)


@pytest.mark.parametrize("kind", INBOXES)
async def test_an_opened_network_is_knocked_at(kind: str, canary: Canary, resolver: Resolver) -> None:
    """The same features and the same canary, with loopback opened by the operator: silence above means something."""
    open_networks([ip_network("127.0.0.0/8")])
    driver, account = inbox(kind, "localhost", canary.port)
    assert await ends(driver.test(account))
    assert canary.knocks > 0
