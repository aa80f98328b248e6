"""Mail servers that refuse, fall silent, break off or speak something else."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import aiosmtplib
import pytest

from channels.email.scripted import ImapServer, ListSink, SmtpServer, account, serving
from channels.email.test_email_receiving import examined, fetched, known, listening, quick, sink, sized, via
from channels.email.test_email_sending import TokenServer, deliver, file, oauth_for, outbound
from frontdesk.channels.email import CHANNEL, imap, smtp, wire
from frontdesk.channels.email.connect import Target
from frontdesk.channels.port import Disconnected, NamesMessages, TryLater
from frontdesk.channels.port import Tests as CanTest

__all__ = ["quick", "sink"]  # fixtures


async def tried(settings: Any) -> str:
    assert isinstance(CHANNEL.driver, CanTest)
    return await CHANNEL.driver.test(settings)


# --- receiving ----------------------------------------------------------------------------------------------------


async def test_after_a_connection_that_worked_the_next_one_comes_soon(
    sink: ListSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "BACK_OFF", (0.01, 600.0))
    monkeypatch.setattr(imap, "STEADY", 0.0)
    async with serving(ImapServer({"EXAMINE": b"drop"})) as port, listening(via(port), sink):
        await sink.until(lambda: len(sink.notes) == 16)  # twice as long after each one, this were minutes


async def test_large_mails_are_fetched_one_by_one(sink: ListSink) -> None:
    sink.saved = known(1)
    server = ImapServer(
        {
            "EXAMINE": examined(2),
            "UID SEARCH": b"* SEARCH 2 3\r\n",
            "UID FETCH 2:3 (UID RFC822": sized(2, 3, size=imap.BATCH_BYTES - 50),
            "UID FETCH 3 (UID RFC822": sized(3, size=imap.BATCH_BYTES - 50),
            "UID FETCH 2 (UID INTERNALDATE": fetched(1, 2),
            "UID FETCH 3 (UID INTERNALDATE": fetched(2, 3),
        }
    )
    async with serving(server) as port, listening(via(port), sink):
        await sink.until(lambda: len(sink.raws) == 2)
    assert [raw.meta["uid"] for raw in sink.raws] == [2, 3]
    assert not any("UID FETCH 2:3 (UID INTERNALDATE" in line for line in server.lines)


async def test_a_server_that_is_busy_with_one_mail_is_asked_again(sink: ListSink) -> None:
    """What it refuses for the moment is not replaced by a sentence."""
    sink.saved = known(1)
    server = ImapServer(
        {
            "EXAMINE": examined(2),
            "UID SEARCH": b"* SEARCH 2 3\r\n",
            "UID FETCH 2:3 (UID RFC822": sized(2, 3),
            "UID FETCH 2:3 (UID INTERNALDATE": [b"NO one of them is broken", fetched(1, 2) + fetched(2, 3)],
            "UID FETCH 2 (UID INTERNALDATE": b"NO [INUSE] later",
        }
    )
    async with serving(server) as port, listening(via(port), sink):
        await sink.until(lambda: len(sink.raws) == 2)
    assert all(b"Hello" in raw.body for raw in sink.raws)


async def test_a_mailbox_without_starttls_is_not_read_in_plain_text() -> None:
    server = ImapServer({"STARTTLS": b"BAD unknown command"})
    async with serving(server) as port:
        with pytest.raises(Disconnected, match="does not offer STARTTLS"):
            await tried(account(imap_host="127.0.0.1", imap_port=port, imap_tls="starttls"))
    assert not any(line.startswith("LOGIN") for line in server.lines)


async def test_a_mailbox_that_falls_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the greeting, and at the password."""
    monkeypatch.setattr(wire, "TIMEOUT", 0.3)
    monkeypatch.setattr(wire.Imap.command, "__kwdefaults__", {**wire.Imap.command.__kwdefaults__, "timeout": 0.3})

    async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def nothing_more(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        await reader.readuntil(b"\r\n")
        writer.write(b"f1 OK\r\n")
        await reader.readuntil(b" LOGOUT\r\n")

    for conversation, words in ((nothing, r"\) does not answer"), (nothing_more, "while logging in")):
        async with serving(conversation) as port:
            with pytest.raises(TryLater, match=words):
                await tried(via(port))


async def test_microsoft_wants_oauth() -> None:
    for said in (b"NO BasicAuthBlocked", b"NO AUTHENTICATE failed. See outlook.example"):
        async with serving(ImapServer({"LOGIN": said})) as port:
            with pytest.raises(Disconnected, match="connect this mailbox with OAuth"):
                await tried(via(port))


@pytest.mark.parametrize("capabilities", ["IMAP4rev1", "IMAP4rev1 SASL-IR"])
async def test_a_token_for_the_mailbox(capabilities: str) -> None:
    """In the command itself where the server takes that, else when it asks for it."""
    initial: list[str] = []

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        while line := (await reader.readuntil(b"\r\n")).decode().strip():
            tag, _, command = line.partition(" ")
            if command == "CAPABILITY":
                writer.write(f"* CAPABILITY {capabilities}\r\n".encode())
            if command.startswith("AUTHENTICATE XOAUTH2"):
                if command.endswith("XOAUTH2"):
                    writer.write(b"+ \r\n")
                    command += " " + (await reader.readuntil(b"\r\n")).decode().strip()
                initial.append(command.split()[-1])
            writer.write(f"{tag} OK\r\n".encode())

    async with serving(TokenServer()) as tokens, serving(conversation) as port:
        works = await tried(via(port, oauth=oauth_for(tokens), password=""))
    assert works.startswith("Receiving works (0 mails")
    (sent,) = initial
    assert sent == "dXNlcj1kZXNrQHN1cHBvcnQuZXhhbXBsZQFhdXRoPUJlYXJlciB0b2stMQEB"


async def test_what_the_test_says_of_a_mailbox_that_breaks_off() -> None:
    async with serving(ImapServer({"EXAMINE": b"drop"})) as port:
        with pytest.raises(TryLater, match="The connection to the mailbox was lost"):
            await tried(via(port))


async def test_who_is_no_mail_server() -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-x\r\n")
        await reader.read()

    async with serving(other) as port:
        with pytest.raises(wire.Lost, match=r"greets with: SSH-2\.0"):
            await wire.Imap.connect(Target("127.0.0.1", port, "none"), None)


async def test_a_server_that_is_still_here_has_no_news() -> None:
    server = ImapServer({})
    async with serving(server) as port:
        client = await wire.Imap.connect(Target("127.0.0.1", port, "none"), None)
        for said in (b"* OK Still here\r\n", b"* OK Still here\r\n* 4 EXISTS\r\n"):
            server.pushes.put_nowait(said)
            assert await client.idle(0.2) is (b"EXISTS" in said)
        assert client.exists == 4
        await client.logout()


async def test_a_server_that_promises_idle_and_refuses_it() -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        await reader.readuntil(b"\r\n")
        writer.write(b"f1 OK\r\n")
        await reader.readuntil(b"\r\n")
        writer.write(b"* 1 EXISTS\r\nf2 BAD not now\r\n")
        await reader.read()

    async with serving(conversation) as port:
        server = await wire.Imap.connect(Target("127.0.0.1", port, "none"), None)
        with pytest.raises(wire.Refused, match="not now"):
            await server.idle(5)
        await server.close()


# --- sending ------------------------------------------------------------------------------------------------------


async def test_no_sent_folder_is_no_failure() -> None:
    async with serving(ImapServer({"LIST": b'* LIST () "/" INBOX\r\n'})) as port:
        sent = await deliver(SmtpServer(), imap_host="127.0.0.1", imap_port=port, imap_tls="none")
    assert sent.meta["sent_copy"] is False


def test_without_an_address_there_is_no_name_for_a_mail() -> None:
    assert isinstance(CHANNEL.driver, NamesMessages)
    with pytest.raises(Disconnected, match="no mail address of its own"):
        CHANNEL.driver.name("key-1", account(address="nobody"), token=None)


async def test_an_inbox_that_only_receives_is_tested_without_a_server_to_send() -> None:
    async with serving(ImapServer({"EXAMINE": examined(3)})) as port:
        assert "sending" not in await tried(via(port))


async def test_tls_with_who_does_not_speak_it() -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 me\r\n")
        await reader.readuntil(b"\r\n")
        writer.write(b"250-me\r\n250 STARTTLS\r\n")
        await reader.readuntil(b"\r\n")
        writer.write(b"220 go\r\n")
        await writer.drain()
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()

    for tls in ("tls", "starttls"):
        async with serving(other) as port:
            with pytest.raises(TryLater, match="does not speak TLS on that port"):
                await CHANNEL.driver.send(outbound(), account(smtp_host="127.0.0.1", smtp_port=port, smtp_tls=tls))


async def test_a_server_that_does_not_take_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its queue is full: what comes gets no answer, as behind a firewall that says nothing."""
    monkeypatch.setattr(smtp, "TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.socket() as first, socket.socket() as second:
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        with pytest.raises(TryLater, match=r"\) does not answer"):
            await CHANNEL.driver.send(outbound(), account(smtp_host="127.0.0.1", smtp_port=full.getsockname()[1]))


class Leaves(SmtpServer):
    """Hangs up and reads no more: before the text, or in the middle of it."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after, self.left = after, asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        await super().__call__(reader, writer)

    async def _answer(self, writer: asyncio.StreamWriter, what: str, default: str) -> bool:
        said = await super()._answer(writer, what, default)
        if what == "DATA":
            await self.reader.readexactly(self.after)
            writer.write_eof()
            await self.left.wait()
        return said


@pytest.mark.parametrize("after", [0, 200])
async def test_a_server_that_hangs_up_and_reads_no_more_does_not_have_the_mail(
    after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "STALLED", 600)  # it is seen at once, not when nothing was taken for long
    server = Leaves(after)
    big = outbound(attachments=(file("a.bin", "application/octet-stream", bytes(9_000_000)),))
    async with asyncio.timeout(60), serving(server) as port:
        try:
            with pytest.raises(TryLater, match="before it had the whole mail"):
                await CHANNEL.driver.send(big, account(smtp_host="127.0.0.1", smtp_port=port, smtp_tls="none"))
        finally:
            server.left.set()


async def test_nothing_is_written_to_a_connection_that_is_gone() -> None:
    async with serving(SmtpServer()) as port:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, use_tls=False, start_tls=False)
        await client.connect()
        client.close()
        with pytest.raises(aiosmtplib.SMTPServerDisconnected):
            await smtp._write(client, b"Hello")
