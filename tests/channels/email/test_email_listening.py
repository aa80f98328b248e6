"""Listening as a mail server, where connections may lead, and the settings form."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiosmtplib
import pytest

from channels.email.scripted import DESK, ListSink, SmtpServer, account, serving
from frontdesk.channels.email import CHANNEL, listener
from frontdesk.channels.email.connect import connect_target, tls_context
from frontdesk.channels.email.listener import is_for
from frontdesk.channels.email.oauth import access_token
from frontdesk.channels.port import Account, Disconnected, Listens, Outbound, TryLater
from frontdesk.channels.port import Address as Where
from frontdesk.channels.port import Tests as CanTest

MAIL = b"From: a@customer.example\r\nSubject: number %d\r\nMessage-ID: <%d@customer.example>\r\n\r\nHello\r\n"


@contextlib.asynccontextmanager
async def listening(settings: Account, sink: ListSink) -> AsyncIterator[asyncio.Task[None]]:
    assert isinstance(CHANNEL.driver, Listens)
    task = asyncio.create_task(CHANNEL.driver.listen(settings, sink))
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Disconnected, TryLater):
            await task


@pytest.fixture
def sink() -> ListSink:
    return ListSink()


# --- listening ----------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def open_listener(sink: ListSink, **settings: Any) -> AsyncIterator[int]:
    async with listening(account(receive="listen", listen_port=0, **settings), sink):
        await sink.until(lambda: any("listening" in note for note in sink.notes))
        yield int(sink.notes[-1].rpartition(" ")[2])


async def test_the_operator_says_where_it_listens(sink: ListSink, monkeypatch: pytest.MonkeyPatch) -> None:
    """An inbox cannot: neither with a setting of its own, nor with one that was stored before."""
    assert "listen_host" not in {setting.name for setting in CHANNEL.settings}
    for given, where in ((None, "127.0.0.1"), ("127.0.0.2", "127.0.0.2")):
        if given:
            monkeypatch.setenv("FRONTDESK_LISTEN_HOST", given)
        async with open_listener(sink, listen_host="0.0.0.0"):
            assert f"listening on {where}, " in sink.notes[-1]
        sink.notes.clear()


async def submit(port: int, *recipients: str) -> None:
    await aiosmtplib.send(
        MAIL % (1, 1),
        sender="a@customer.example",
        recipients=list(recipients),
        hostname="127.0.0.1",
        port=port,
        start_tls=False,
    )


async def test_stored_before_answered(sink: ListSink) -> None:
    async with open_listener(sink) as port:
        await submit(port, "Desk+tag@Support.example", DESK)
        (raw,) = sink.raws
        assert raw.body.startswith(b"Return-Path: <a@customer.example>\r\nDelivered-To: Desk+tag@Support.example\r\n")
        assert raw.body.endswith(MAIL % (1, 1))
        sink.broken = True
        with pytest.raises(aiosmtplib.SMTPDataError) as refused:
            await submit(port, DESK)
        assert refused.value.code == 451
        sink.broken = False
        await submit(port, DESK)
    assert len(sink.raws) == 2


async def test_only_for_this_inbox(sink: ListSink) -> None:
    async with open_listener(sink) as port:
        for stranger in ("other@support.example", "desk@other.example", "deskx@support.example"):
            with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
                await submit(port, stranger)
            assert refused.value.recipients[0].code == 550
    assert sink.raws == []
    assert is_for(DESK, "DESK+x@support.example")
    assert not is_for(DESK, "nonsense")


async def test_more_connections_than_it_serves_are_asked_to_come_again(
    sink: ListSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "MAX_CONNECTIONS", 2)
    async with open_listener(sink) as port:
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        said = [await reader.readline() for reader, _ in opened]
        assert [line[:3] for line in said] == [b"220", b"220", b"421"]
        assert await opened[2][0].read() == b"", "it hangs up"
        for _, writer in opened:
            writer.close()
            await writer.wait_closed()
        async with asyncio.timeout(60):
            while True:
                try:
                    await submit(port, DESK)
                    break
                except aiosmtplib.SMTPException:
                    await asyncio.sleep(0.01)
    assert len(sink.raws) == 1


async def test_lmtp_answers_for_each_recipient(sink: ListSink) -> None:
    async with open_listener(sink, listen_protocol="lmtp") as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        dialogue = [
            *("LHLO x", "MAIL FROM:<a@b.example>", f"RCPT TO:<{DESK}>", "RCPT TO:<desk+b@support.example>", "DATA"),
            "Subject: x\r\n\r\nHello\r\n.",
            "QUIT",
        ]
        answers = [await reader.readuntil(b"\r\n")]
        for line in dialogue:
            writer.write(line.encode() + b"\r\n")
            answer = b""
            for _ in range(2 if line.endswith(".") else 1):
                while not (answer := await reader.readuntil(b"\r\n"))[3:4] == b" ":
                    pass
                answers.append(answer)
        writer.close()
        await writer.wait_closed()
    assert [answer[:3] for answer in answers] == [b"220", *[b"250"] * 4, b"354", b"250", b"250", b"221"]


async def test_settings_that_nobody_can_listen_with(sink: ListSink) -> None:
    assert isinstance(CHANNEL.driver, Listens)
    for settings, words in (
        ({"address": "nobody"}, "no mail address of its own"),
        ({"listen_port": "many"}, "between 1 and 65535"),
        ({"listen_port": 65536}, "between 1 and 65535"),
    ):
        with pytest.raises(Disconnected, match=words):
            await CHANNEL.driver.listen(account(receive="listen", **settings), sink)


async def test_more_recipients_than_a_mail_may_have(sink: ListSink) -> None:
    many = [f"desk+{n}@support.example" for n in range(listener.MAX_RECIPIENTS + 1)]
    async with open_listener(sink) as port:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, use_tls=False, start_tls=False)
        async with client:
            refused, said = await client.sendmail("a@customer.example", many, MAIL % (1, 1))
    assert {address: answer.code for address, answer in refused.items()} == {many[-1]: 452}
    assert said.startswith("2.0.0 Stored")
    assert len(sink.raws) == 1


async def test_a_port_that_is_taken(sink: ListSink) -> None:
    async with serving(SmtpServer()) as port:
        assert isinstance(CHANNEL.driver, Listens)
        with pytest.raises(TryLater, match="cannot be opened"):
            await CHANNEL.driver.listen(account(receive="listen", listen_port=port), sink)


# --- the form -----------------------------------------------------------------------------------------------------

GOOD = {"address": DESK, "imap_host": "imap.x.example", "smtp_host": "smtp.x.example", "password": "p"}


def wrong(**changes: Any) -> set[str]:
    assert CHANNEL.check is not None
    return set(CHANNEL.check({**GOOD, **changes}))


def test_settings_are_checked() -> None:
    assert wrong() == set()
    assert wrong(address="nobody") == {"address"}
    assert wrong(imap_host="") == {"imap_host"}
    assert wrong(imap_host="imap x\r\n") == {"imap_host"}
    assert wrong(smtp_host="smtp/x") == {"smtp_host"}
    assert wrong(imap_port=70_000) == {"imap_port"}
    assert wrong(smtp_port="many") == {"smtp_port"}
    assert wrong(smtp_tls="ssl") == {"smtp_tls"}
    assert wrong(password="") == {"password"}
    assert wrong(password="", oauth={"provider": "google", "client_id": "c", "refresh_token": "r"}) == set()
    assert wrong(oauth="{") == {"oauth"}
    assert wrong(oauth="[]x") == wrong(oauth='["c"]') == {"oauth"}
    assert wrong(oauth={"provider": "other", "client_id": "c", "refresh_token": "r"}) == {"oauth"}
    assert wrong(backfill_days=-1) == wrong(backfill_days="all") == {"backfill_days"}
    assert wrong(receive="pigeon") == {"receive"}
    assert wrong(receive="listen", imap_host="", password="") == set()
    assert wrong(receive="listen", listen_port="x", listen_protocol="uucp") == {"listen_port", "listen_protocol"}


def test_targets() -> None:
    assert connect_target({"smtp_host": "X.example", "smtp_tls": "starttls"}, "smtp") == ("x.example", 587, "starttls")
    assert connect_target({"imap_host": "::1"}, "imap") == ("::1", 993, "tls")
    with pytest.raises(Disconnected):
        connect_target({"imap_host": "imap.x.example", "imap_port": 0.5}, "imap")
    for nonsense in ("my certificate", "-----BEGIN CERTIFICATE-----", "ä"):
        with pytest.raises(Disconnected, match="not a certificate"):
            tls_context({"tls_ca": nonsense})


def test_secrets_are_secret_and_the_own_address_is_known() -> None:
    assert {setting.name for setting in CHANNEL.settings if setting.secret} == {"password", "oauth"}
    assert CHANNEL.own_address is not None
    assert CHANNEL.own_address({"address": " Desk@Support.Example "}) == DESK
    assert CHANNEL.own_address({}) is None


@pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.1", "2130706433", "0x7f.1"])
async def test_settings_do_not_lead_into_our_own_network(host: str) -> None:
    driver = CHANNEL.driver
    assert isinstance(driver, CanTest)
    with pytest.raises(Disconnected, match="may not be connected to"):
        await driver.test(account(imap_host=host, smtp_host=host))
    with pytest.raises(Disconnected, match="may not be connected to"):
        await driver.send(
            Outbound(key="k", to=Where(kind="email", value="a@x.example"), text="x"), account(smtp_host=host)
        )
    oauth = {"provider": "google", "client_id": "c", "refresh_token": host, "token_url": f"http://{host}/token"}
    with pytest.raises(Disconnected, match="may not be connected to"):
        await access_token(oauth)
