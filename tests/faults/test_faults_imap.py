"""A mailbox on a bad network: Dovecot behind the proxy. Every mail arrives once, and people see what is wrong."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from faults.proxy import End, Fault, Plan, Proxy
from frontdesk.app.listening import InboxSink
from frontdesk.channels.email import CHANNEL, imap, mailbox, wire
from frontdesk.channels.port import Account, Disconnected, Listens
from frontdesk.inboxes import actions as inboxes
from frontdesk.inboxes import queries
from frontdesk.kit.context import Actor, Resources
from peers.mail.peers import Dovecot, Place, TokenServer
from peers.mail.sink import MemorySink, account

pytestmark = [pytest.mark.peers, pytest.mark.slow]
LARGE = 200_000  # bytes: more than fits any buffer on the way
CUTS = 9


@pytest.fixture(scope="module")
async def dovecot() -> AsyncIterator[Dovecot]:
    async with contextlib.AsyncExitStack() as stack:
        place = Place()
        stack.callback(place.remove)
        tokens = TokenServer()
        await tokens.start()
        stack.push_async_callback(tokens.stop)
        made = Dovecot(place, tokens.port)
        stack.push_async_callback(made.stop)
        await made.start()
        yield made


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap, "BACK_OFF", (0.05, 0.2))


@pytest.fixture
async def proxy(dovecot: Dovecot) -> AsyncIterator[Proxy]:
    async with Proxy(dovecot.imap) as made:
        yield made


def of(port: int, address: str) -> Account:
    where = {"imap_host": "127.0.0.1", "imap_port": port, "imap_tls": "none"}
    return account(where, address=address, username=address)


async def put(dovecot: Dovecot, address: str, *sizes: int) -> None:
    """Mails of these sizes, straight into the mailbox."""
    async with mailbox.opened(of(dovecot.imap, address)) as connection:
        for size in sizes:
            head = f"From: ann@customer.test\r\nMessage-ID: <{uuid.uuid4()}@customer.test>\r\nSubject: {size}\r\n\r\n"
            await mailbox.append(connection, wire.mailbox_name("INBOX"), head.encode() + b"x" * 70 + b"\r\n" * size)


@contextlib.asynccontextmanager
async def listening(settings: Account, sink: Any) -> AsyncIterator[None]:
    assert isinstance(CHANNEL.driver, Listens)
    task = asyncio.create_task(CHANNEL.driver.listen(settings, sink))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Disconnected):
            await task


def box() -> str:
    return f"box-{uuid.uuid4().hex[:10]}@support.test"


async def passed(dovecot: Dovecot, address: str) -> int:
    """Bytes that the server says until all of a mailbox is read."""
    async with Proxy(dovecot.imap) as proxy:
        async with listening(of(proxy.port, address), sink := MemorySink()):
            await sink.until(lambda: any(note.startswith("healthy") for note in sink.notes))
        return proxy.passed


async def test_wherever_the_connection_is_cut_every_mail_arrives_once(dovecot: Dovecot, proxy: Proxy) -> None:
    """In the greeting, in a line, in the middle of a mail: an orderly end there is a literal that is too short."""
    address = box()
    await put(dovecot, address, 10, LARGE // 2, 20, 30)
    whole = await passed(dovecot, address)
    assert whole > LARGE
    for cut in range(1, CUTS + 1):
        end: End = "reset" if cut % 2 else "close"
        proxy.plans = [Plan(to_client=Fault(after=cut * whole // (CUTS + 1), then=end))]
        async with listening(of(proxy.port, address), sink := MemorySink()):
            await sink.until_count(4)
            await sink.until(lambda sink=sink: sink.notes[-1].startswith("healthy"))
        assert sorted(len(raw.body) // 10 for raw in sink.raws.values())[-1] > LARGE // 10
        assert sink.stored == 4
        assert sink.notes[0].startswith("unhealthy: ")


async def test_a_slow_network_only_takes_longer(dovecot: Dovecot, proxy: Proxy) -> None:
    address = box()
    await put(dovecot, address, 10, LARGE // 2)
    proxy.usual = Plan(to_server=Fault(delay=0.02, jitter=0.02), to_client=Fault(delay=0.01, rate=400_000))
    async with listening(of(proxy.port, address), sink := MemorySink()):
        await sink.until_count(2)
        await sink.until(lambda: sink.notes)
    assert sink.notes[0].startswith("healthy")


async def test_a_byte_that_arrives_wrong_is_a_lost_connection_or_another_text(dovecot: Dovecot, proxy: Proxy) -> None:
    """TCP's own sum lets one of many errors through. It may spoil a mail, never the mailbox."""
    address = box()
    await put(dovecot, address, 10, 20)
    whole = await passed(dovecot, address)
    for place in range(40, whole, max(1, whole // 8)):
        proxy.plans = [Plan(to_client=Fault(corrupt=place))]
        async with listening(of(proxy.port, address), sink := MemorySink()):
            with contextlib.suppress(AssertionError):
                await sink.until_count(2, seconds=3)
            proxy.strike("reset")
            await sink.until_count(2)


async def test_a_connection_that_dies_without_a_word_while_waiting(
    dovecot: Dovecot, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A router forgot it: nobody says so. It is noticed when IDLE is renewed, and the mail of meanwhile is fetched."""
    monkeypatch.setattr(imap, "IDLE_SECONDS", 0.5)
    monkeypatch.setattr(wire, "TIMEOUT", 0.5)
    address = box()
    async with listening(of(proxy.port, address), sink := MemorySink()):
        await sink.until(lambda: sink.notes)
        proxy.strike("hang")
        await put(dovecot, address, 10)
        await sink.until_count(1)
        await sink.until(lambda: sink.notes[-1].startswith("healthy"))
    assert "unhealthy: The mail server does not answer." in sink.notes
    assert sink.stored == 1


async def test_silence_in_the_middle_of_a_mail(dovecot: Dovecot, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "SILENCE", 0.3)
    address = box()
    await put(dovecot, address, LARGE // 2)
    proxy.plans = [Plan(to_client=Fault(after=LARGE // 2, then="hang"))]
    async with listening(of(proxy.port, address), sink := MemorySink()):
        await sink.until_count(1)
    assert sink.notes[0] == "unhealthy: The mail server fell silent in the middle of a mail."
    assert sink.stored == 1


async def test_the_inbox_shows_it_and_recovers_by_itself(
    dovecot: Dovecot, proxy: Proxy, resources: Resources, owner: Actor, live_db: object
) -> None:
    address, place = box(), of(proxy.port, box())
    async with resources.db.begin(owner.workspace_id) as tx:
        row = await inboxes.create(
            tx, resources.vault, channel="email", name="Post", by=owner,
            settings={**place.settings, "address": address, "smtp_host": "127.0.0.1"},
        )  # fmt: skip
    sink = InboxSink(resources, owner.workspace_id, row["id"])

    async def until_health(wanted: str) -> str:
        async with asyncio.timeout(60):
            while True:
                async with resources.db.begin(owner.workspace_id) as tx:
                    found = await queries.get(tx, row["id"])
                if found["health"] == wanted:
                    return str(found["health_note"])
                await asyncio.sleep(0.02)

    async with listening(of(proxy.port, address), sink):
        await until_health("ok")
        proxy.usual = Plan(refused=True)
        proxy.strike("reset")
        assert "mail server" in await until_health("attention")
        await put(dovecot, address, 10)
        proxy.usual = Plan()
        await until_health("ok")
        async with resources.db.begin(owner.workspace_id) as tx:
            assert await tx.fetchval("select count(*) from raw_deliveries where inbox_id = $1", row["id"]) == 1
