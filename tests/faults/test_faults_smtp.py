"""Handing mail over on a bad network, to a real SMTP server behind the proxy: what is known afterwards is true."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from faults.proxy import Fault, Plan, Proxy
from frontdesk.channels.email import CHANNEL, smtp
from frontdesk.channels.port import Account, Address, Attachment, DeliveryState, Outbound, TryLater, Unknown

LARGE = 12_000_000  # bytes of a mail: more than all buffers between here and there hold
END = b"\r\n.\r\n"


class Taker:
    """A mail server that remembers what it took."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.mails.append(envelope.original_content or b"")
        return "250 2.0.0 Taken"


@pytest.fixture
def taker() -> Taker:
    return Taker()


@pytest.fixture
async def proxy(taker: Taker) -> AsyncIterator[Proxy]:
    def server() -> SMTP:
        return SMTP(taker, hostname="relay.test", data_size_limit=2 * LARGE, loop=asyncio.get_running_loop())

    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    async with listening, Proxy(listening.sockets[0].getsockname()[1]) as made:
        yield made


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TIMEOUT", "DATA_TIMEOUT", "STALLED"):
        monkeypatch.setattr(smtp, name, 1.0)


async def hand_over(proxy: Proxy, *, size: int = 10) -> Any:
    settings = {"address": "desk@support.test", "smtp_host": "127.0.0.1", "smtp_port": proxy.port, "smtp_tls": "none"}
    account = Account(
        workspace_id=1,
        inbox_id=1,
        name="Post",
        settings=settings,
        hook_url="http://127.0.0.1/hooks/x",
        secret=b"s" * 32,
    )

    async def read() -> bytes:
        return b"x" * size

    file = Attachment(name="a.bin", content_type="application/octet-stream", size=size, read=read)
    mail = Outbound(
        key="key-1", to=Address(kind="email", value="ann@customer.test"), text="Hello", subject="Hi", attempt=1,
        attachments=(file,),
    )  # fmt: skip
    return await CHANNEL.driver.send(mail, account)


async def settled(taker: Taker, count: int) -> None:
    """The server has as many mails as that, and gets no more."""
    async with asyncio.timeout(30):
        while len(taker.mails) < count:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    assert len(taker.mails) == count


CERTAINLY_NOT = {
    "refused": Plan(refused=True),
    "no greeting": Plan(to_client=Fault(after=0, then="hang")),
    "a greeting that breaks off": Plan(to_client=Fault(after=7, then="close")),
    "after MAIL": Plan(to_server=Fault(upon=b"MAIL FROM", then="reset")),
    "no answer to RCPT": Plan(to_server=Fault(upon=b"RCPT TO:<ann@customer.test>\r\n", then="hang")),
    "before DATA": Plan(to_server=Fault(upon=b"DATA\r\n", then="reset")),
    "an orderly end at DATA": Plan(to_client=Fault(upon=b"354", then="close")),
}


@pytest.mark.parametrize("plan", CERTAINLY_NOT.values(), ids=CERTAINLY_NOT.keys())
async def test_before_the_end_of_the_text_it_was_not_sent(proxy: Proxy, taker: Taker, plan: Plan) -> None:
    proxy.plans = [plan]
    with pytest.raises(TryLater):
        await hand_over(proxy)
    await settled(taker, 0)
    assert (await hand_over(proxy)).state is DeliveryState.sent
    await settled(taker, 1)


@pytest.mark.parametrize("end", ["reset", "close", "hang"])
async def test_in_the_middle_of_a_large_text_it_was_not_sent(proxy: Proxy, taker: Taker, end: Any) -> None:
    proxy.plans = [Plan(to_server=Fault(after=100_000, then=end))]
    began = time.monotonic()
    with pytest.raises(TryLater):
        await hand_over(proxy, size=LARGE)
    assert time.monotonic() - began < 20
    await settled(taker, 0)


LEFT_OPEN = {
    "cut after the end": Plan(to_server=Fault(upon=END, then="reset")),
    "silence after the end": Plan(to_client=Fault(upon=b"354 End data with <CR><LF>.<CR><LF>\r\n", then="hang")),
    "an answer that breaks off": Plan(to_client=Fault(upon=b"250 2.0.0 Ta", then="close")),
}


@pytest.mark.parametrize("plan", LEFT_OPEN.values(), ids=LEFT_OPEN.keys())
async def test_after_the_end_of_the_text_nobody_knows(proxy: Proxy, taker: Taker, plan: Plan) -> None:
    """The server may have it: whoever sent it again would send it twice."""
    proxy.plans = [plan]
    with pytest.raises(Unknown):
        await hand_over(proxy)
    await settled(taker, 0 if plan.to_client.then == "hang" else 1)


async def test_a_slow_network_only_takes_longer(proxy: Proxy, taker: Taker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "DATA_TIMEOUT", 60.0)
    proxy.usual = Plan(to_server=Fault(delay=0.01, jitter=0.02, rate=1_000_000), to_client=Fault(delay=0.05))
    assert (await hand_over(proxy, size=1_000_000)).state is DeliveryState.sent
    await settled(taker, 1)
