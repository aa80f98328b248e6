"""The email driver against Exim and Dovecot, as they are installed at businesses."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any

import aiosmtplib
import pytest

from frontdesk.channels.email import CHANNEL, mailbox, wire
from frontdesk.channels.port import (
    Account,
    Address,
    Attachment,
    DeliveryState,
    Disconnected,
    Inbound,
    Listens,
    LooksUp,
    NamesMessages,
    Outbound,
    Raw,
    Receipt,
    Rejected,
    TryLater,
    Unknown,
)
from frontdesk.channels.port import Tests as CanTest
from peers.mail.conftest import Host
from peers.mail.sink import MemorySink, account

pytestmark = [pytest.mark.peers, pytest.mark.slow]
driver = CHANNEL.driver


@contextlib.asynccontextmanager
async def listening(settings: Account, sink: MemorySink) -> AsyncIterator[asyncio.Task[None]]:
    assert isinstance(driver, Listens)
    task = asyncio.create_task(driver.listen(settings, sink))
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Disconnected):
            await task


def box() -> str:
    """A mailbox of its own for every test."""
    return f"box-{uuid.uuid4().hex[:10]}@support.test"


def mail(to: str, subject: str, **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Alice <alice@customer.test>"
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = f"<{uuid.uuid4()}@customer.test>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("Hello there")
    return message


async def inject(host: Host, *messages: EmailMessage) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=host.exim.smtp, start_tls=False) as client:
        for message in messages:
            await client.send_message(message)


def of(host: Host, address: str, **settings: Any) -> Account:
    """An account of that mailbox; sending goes through the one login that Exim knows."""
    return account(host.settings(), address=address, username=address, **settings)


def outbound(to: str, **values: Any) -> Outbound:
    return Outbound(
        key=uuid.uuid4().hex, to=Address(kind="email", value=to), text="An answer", subject="Re: x", **values
    )


def parsed(raw: Raw, settings: Account) -> Inbound:
    (item,) = driver.parse(raw, settings)
    assert isinstance(item, Inbound)
    return item


async def test_the_whole_loop_with_push(host: Host, sink: MemorySink) -> None:
    address = box()
    settings = of(host, address)
    async with listening(settings, sink):
        await sink.until(lambda: any("connected" in note for note in sink.notes))
        await inject(host, mail(address, "Grüße aus Athen"))
        await sink.until_count(1, 20)
    raw = next(iter(sink.raws.values()))
    item = parsed(raw, settings)
    assert (item.subject, item.sender.value, item.text.strip()) == (
        "Grüße aus Athen",
        "alice@customer.test",
        "Hello there",
    )
    assert raw.meta["mailbox"] == "INBOX"
    async with mailbox.opened(settings) as imap:
        await mailbox.examine(imap, wire.mailbox_name("INBOX"))
        assert await mailbox.search(imap, "SEEN") == []


async def test_an_answer_keeps_its_id_and_leaves_a_copy_in_sent(host: Host, sink: MemorySink) -> None:
    customer, token = box(), "4711"
    settings = account(host.settings(), name="Support")
    assert isinstance(driver, NamesMessages)
    assert isinstance(driver, LooksUp)
    data = "naïve ✓".encode()

    async def read() -> bytes:
        return data

    file = Attachment(name="Angebot für Zoë.txt", content_type="text/plain", size=len(data), read=read)
    message = outbound(customer, attachments=(file,), answers=("<one@customer.test>",), token=token, sender_name="Nina")
    with pytest.raises(Unknown):
        await driver.look_up(message, settings)
    sent = await driver.send(message, settings)
    assert sent.external_id == driver.name(message.key, settings, token=token)
    assert sent.state is DeliveryState.sent
    assert sent.meta["sent_copy"] is True
    assert await driver.look_up(message, settings) is not None
    theirs = of(host, customer)
    async with listening(theirs, sink):
        await sink.until_count(1)
    item = parsed(next(iter(sink.raws.values())), theirs)
    assert item.external_id == sent.external_id
    assert item.sender.name == "Nina via Support"
    assert item.answers == ("<one@customer.test>",)
    assert [(one.name, one.data) for one in item.attachments] == [("Angebot für Zoë.txt", data)]
    # The customer answers to the plus address: Exim, LMTP and the mailbox carry the token back.
    (reply_to,) = item.meta["reply_to"]
    answer = parsed(Raw(dedupe_key="x", body=bytes(mail(reply_to["address"], "Re: x"))), settings)
    assert answer.token == token
    async with mailbox.opened(settings) as imap:
        folder = await mailbox.sent_folder(imap)
        assert folder is not None
        await mailbox.examine(imap, folder)
        assert len(await mailbox.search(imap, "HEADER", "Message-ID", wire.Text(sent.external_id), "SEEN")) == 1


async def test_mail_sent_with_another_program_is_our_own(host: Host, sink: MemorySink) -> None:
    address = box()
    settings = of(host, address, sync_sent=True, poll_seconds=1)
    written = mail("customer@elsewhere.test", "From my phone")
    written.replace_header("From", address)
    async with mailbox.opened(settings) as imap:
        await mailbox.append(imap, wire.Text("Sent"), bytes(written).replace(b"\n", b"\r\n"))
    async with listening(settings, sink):
        await sink.until_count(1)
    item = parsed(next(iter(sink.raws.values())), settings)
    assert item.own
    assert item.sender.value == "customer@elsewhere.test"


async def test_five_hundred_mails_during_an_outage_arrive_once(host: Host, sink: MemorySink) -> None:
    address = box()
    settings = of(host, address)
    async with listening(settings, sink):
        await inject(host, mail(address, "before"))
        await sink.until_count(1)
        await host.dovecot.stop()
        try:
            await inject(host, *(mail(address, f"number {number}") for number in range(500)))
            await sink.until(lambda: any(note.startswith("unhealthy") for note in sink.notes))
        finally:
            await host.dovecot.start()
        await sink.until_count(501, 240)
    subjects = [parsed(raw, settings).subject for raw in sink.raws.values()]
    assert len(subjects) == len(set(subjects)) == 501


async def test_new_numbers_bring_nothing_twice(host: Host, sink: MemorySink) -> None:
    address = box()
    settings = of(host, address)
    await inject(host, *(mail(address, f"old {number}") for number in range(7)))
    async with listening(settings, sink):
        await sink.until_count(7)
    first = sink.saved["folders"]["INBOX"]["uidvalidity"]
    await asyncio.sleep(1.1)  # the new UIDVALIDITY is the time in seconds
    host.dovecot.new_uidvalidity(address)
    await inject(host, mail(address, "after"))
    async with listening(settings, sink):
        await sink.until_count(8)
    assert sink.saved["folders"]["INBOX"]["uidvalidity"] != first
    assert len(sink.raws) == 8
    assert sink.stored == 15


async def test_backfill_takes_what_it_should(host: Host, sink: MemorySink) -> None:
    address = box()
    await inject(host, *(mail(address, f"old {number}") for number in range(3)))
    everything = of(host, address)
    async with listening(everything, sink):
        await sink.until_count(3)
        await inject(host, mail(address, "live"))
        await sink.until_count(4)
    old = {item.subject for raw in sink.raws.values() if (item := parsed(raw, everything)).meta.get("backfilled")}
    assert old == {"old 0", "old 1", "old 2"}
    fresh = MemorySink()
    async with listening(of(host, address, backfill_days=0), fresh):
        await fresh.until(lambda: any("connected" in note for note in fresh.notes))
        await inject(host, mail(address, "new"))
        await fresh.until_count(1)
    assert [parsed(raw, everything).subject for raw in fresh.raws.values()] == ["new"]


async def test_a_restart_goes_on_where_it_was(host: Host, sink: MemorySink) -> None:
    address = box()
    settings = of(host, address)
    await inject(host, mail(address, "one"), mail(address, "two"))
    async with listening(settings, sink):
        await sink.until_count(2)
    await inject(host, mail(address, "three"))
    async with listening(settings, sink):
        await sink.until_count(3)
    assert sink.stored == 3


async def test_wrong_password_needs_a_person(host: Host, sink: MemorySink) -> None:
    assert isinstance(driver, Listens)
    wrong = account(host.settings(), password="not-it")
    with pytest.raises(Disconnected, match="refuses the user name or password"):
        await driver.listen(wrong, sink)
    assert sink.notes[-1].startswith("unhealthy!")
    with pytest.raises(Disconnected, match="refuses the user name or password"):
        await driver.send(outbound("a@support.test"), wrong)


async def test_oauth_for_receiving(host: Host, sink: MemorySink) -> None:
    url = f"http://127.0.0.1:{host.tokens.port}/token"
    oauth = {"provider": "google", "client_id": "c", "client_secret": "s", "refresh_token": "good", "token_url": url}
    settings = account(host.settings(), oauth=oauth, password="")
    async with mailbox.opened(settings) as imap:
        assert (await mailbox.examine(imap, wire.mailbox_name("inbox"))).uidvalidity > 0
    host.tokens.valid.clear()  # withdrawn early: a new one is fetched without a person
    async with mailbox.opened(settings):
        pass
    gone = account(host.settings(), oauth={**oauth, "refresh_token": "revoked"}, password="")
    with pytest.raises(Disconnected, match="withdrawn"):
        async with mailbox.opened(gone):
            pass


@pytest.mark.parametrize(("imap_tls", "smtp_tls"), [("tls", "tls"), ("starttls", "starttls"), ("none", "none")])
async def test_every_kind_of_encryption(host: Host, imap_tls: str, smtp_tls: str) -> None:
    assert isinstance(driver, CanTest)
    said = await driver.test(account(host.settings(imap_tls, smtp_tls)))
    assert "Receiving works" in said
    assert "sending works" in said


async def test_the_wrong_kind_of_encryption_is_explained(host: Host) -> None:
    assert isinstance(driver, CanTest)
    plain_on_tls_port = host.settings() | {"imap_port": host.dovecot.imap}
    with pytest.raises(TryLater, match="does not speak TLS on that port"):
        await driver.test(account(plain_on_tls_port))
    with pytest.raises(TryLater, match="certificate"):
        await driver.test(account(host.settings() | {"tls_ca": ""}))


async def test_refusals_are_told_apart(host: Host) -> None:
    settings = account(host.settings())
    with pytest.raises(Rejected) as refused:
        await driver.send(outbound("missing@support.test"), settings)
    assert refused.value.bad_address
    assert refused.value.code == "5.1.1"
    with pytest.raises(TryLater):
        await driver.send(outbound("later@support.test"), settings)
    sent = await driver.send(outbound(box(), cc=("missing@support.test",)), settings)
    assert list(sent.meta["refused"]) == ["missing@support.test"]


async def test_a_real_bounce_becomes_a_receipt(host: Host, sink: MemorySink) -> None:
    settings = account(host.settings(), backfill_days=0)
    async with listening(settings, sink):
        await sink.until(lambda: any("connected" in note for note in sink.notes))
        sent = await driver.send(outbound("fails@support.test"), settings)
        await sink.until_count(1)
    (receipt,) = driver.parse(next(iter(sink.raws.values())), settings)
    assert isinstance(receipt, Receipt)
    assert (receipt.external_id, receipt.state) == (sent.external_id, DeliveryState.failed)


@pytest.mark.parametrize("protocol", ["lmtp"])
async def test_exim_delivers_into_our_listener(host: Host, sink: MemorySink, protocol: str) -> None:
    settings = account(
        {}, address="desk@desk.test", receive="listen", listen_port=host.desk_port, listen_protocol=protocol
    )
    async with listening(settings, sink):
        await sink.until(lambda: any("listening" in note for note in sink.notes))
        await inject(host, *(mail("desk+tag@desk.test", f"direct {number}") for number in range(20)))
        await sink.until_count(20)
    subjects = {parsed(raw, settings).subject for raw in sink.raws.values()}
    assert subjects == {f"direct {number}" for number in range(20)}


async def test_the_same_mail_by_listener_and_mailbox_has_one_key(host: Host, sink: MemorySink) -> None:
    address = box()
    direct = account({}, address="desk@desk.test", receive="listen", listen_port=host.desk_port, listen_protocol="lmtp")
    message = mail("desk@desk.test", "both ways")
    message["Cc"] = address
    async with listening(direct, sink), listening(of(host, address), sink):
        await sink.until(lambda: len([note for note in sink.notes if "healthy" in note]) >= 2)
        await inject(host, message)
        await sink.until(lambda: sink.stored >= 2)
    assert len(sink.raws) == 1
