"""Receiving from servers that misbehave, listening as a server, and the settings form."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from channels.email.scripted import ImapServer, ListSink, SmtpServer, account, serving
from frontdesk.channels.email import CHANNEL, imap, limits, mailbox, wire
from frontdesk.channels.email.connect import Target
from frontdesk.channels.port import Account, Disconnected, Inbound, Listens, LooksUp, Outbound, TryLater, Unknown
from frontdesk.channels.port import Address as Where
from frontdesk.channels.port import Tests as CanTest

MAIL = b"From: a@customer.example\r\nSubject: number %d\r\nMessage-ID: <%d@customer.example>\r\n\r\nHello\r\n"


def fetched(number: int, uid: int) -> bytes:
    data = MAIL % (uid, uid)
    return b'* %d FETCH (UID %d INTERNALDATE "05-Feb-2024 10:00:00 +0100" BODY[] {%d}\r\n%b)\r\n' % (
        *(number, uid, len(data)),
        data,
    )


def sized(*uids: int, size: int = 100) -> bytes:
    return b"".join(b"* %d FETCH (UID %d RFC822.SIZE %d)\r\n" % (uid, uid, size) for uid in uids)


def examined(exists: int, validity: int = 7) -> bytes:
    return b"* %d EXISTS\r\n* OK [UIDVALIDITY %d] ok\r\n" % (exists, validity)


def known(uid: int, *recent: int, validity: int = 7) -> dict[str, Any]:
    state = {"uidvalidity": validity, "uid": uid, "floor": 1, "recent": list(recent), "at": "2024-02-05T10:00:00+00:00"}
    return {"folders": {"INBOX": state}}


def via(port: int, **settings: Any) -> Account:
    return account(imap_host="127.0.0.1", imap_port=port, imap_tls="none", **settings)


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


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap, "BACK_OFF", (0.01, 0.05))


# --- the mailbox --------------------------------------------------------------------------------------------------


async def test_new_mail_is_pushed_and_the_last_one_is_not_taken_again(sink: ListSink) -> None:
    sink.saved = known(4, 3, 4)
    server = ImapServer(
        {
            "EXAMINE": [examined(2), examined(3)],
            # "n:*" names the last mail even when it is older.
            "UID SEARCH": [b"* SEARCH 3 4\r\n", b"* SEARCH 3 4 5\r\n"],
            "UID FETCH 5 (UID RFC822": sized(5),
            "UID FETCH 5 (UID INTERNALDATE": fetched(3, 5),
        }
    )
    async with serving(server) as port, listening(via(port), sink):
        async with asyncio.timeout(60):
            await server.idling.wait()
        assert sink.raws == []
        await server.pushes.put(b"* 3 EXISTS\r\n")
        await sink.until(lambda: len(sink.raws) == 1)
    (raw,) = sink.raws
    assert raw.body == MAIL % (5, 5)
    assert raw.meta == {"mailbox": "INBOX", "uidvalidity": 7, "uid": 5, "received_at": "2024-02-05T09:00:00+00:00"}
    assert sink.saved["folders"]["INBOX"]["uid"] == 5
    assert sink.saved["folders"]["INBOX"]["recent"] == [3, 4, 5]
    assert not any("SELECT" in line or "BODY[]" in line for line in server.lines)


async def test_a_lower_uid_that_appears_late_is_taken(sink: ListSink) -> None:
    sink.saved = known(9, 7, 9)
    server = ImapServer(
        {
            "EXAMINE": examined(3),
            "UID SEARCH": b"* SEARCH 7 8 9\r\n",
            "UID FETCH 8 (UID RFC822": sized(8),
            "UID FETCH 8 (UID INTERNALDATE": fetched(2, 8),
        }
    )
    async with serving(server) as port, listening(via(port), sink):
        await sink.until(lambda: len(sink.raws) == 1)
    assert sink.saved["folders"]["INBOX"]["uid"] == 9


async def test_mail_that_vanishes_while_it_is_fetched(sink: ListSink) -> None:
    sink.saved = known(1)
    server = ImapServer(
        {
            "EXAMINE": examined(3),
            "UID SEARCH": b"* SEARCH 2 3 4\r\n",
            "UID FETCH 2:4 (UID RFC822": sized(3, 4),  # 2 is gone already
            "UID FETCH 3:4 (UID INTERNALDATE": fetched(1, 4) + b"* 2 FETCH (FLAGS (\\Seen))\r\n",  # and 3 now
        }
    )
    async with serving(server) as port, listening(via(port), sink):
        await sink.until(lambda: bool(sink.raws))
    assert [raw.meta["uid"] for raw in sink.raws] == [4]
    assert sink.saved["folders"]["INBOX"]["uid"] == 4


async def test_a_mail_that_the_server_passes_over_without_a_word_is_not_lost(sink: ListSink) -> None:
    sink.saved = known(1)
    server = ImapServer(
        {
            "EXAMINE": examined(3),
            "UID SEARCH": b"* SEARCH 2 3 4\r\n",
            "UID FETCH 2:4 (UID RFC822": sized(2, 3, 4),
            "UID FETCH 2:4 (UID INTERNALDATE": fetched(2, 3),
            "UID FETCH 2,4 (UID RFC822": sized(2, 4),
            "UID FETCH 2 (UID INTERNALDATE": fetched(1, 2),
        }
    )
    async with serving(server) as port, listening(via(port), sink):
        await sink.until(lambda: len(sink.raws) == 3)
    assert [raw.meta["uid"] for raw in sink.raws] == [2, 3, 4]
    assert sink.raws[0].body == MAIL % (2, 2)
    assert b"does not hand over this mail (number 4, 100 bytes): nothing." in sink.raws[2].body


async def test_a_mail_that_the_server_cannot_read_does_not_stop_the_others(sink: ListSink) -> None:
    sink.saved = known(1)
    head = b"Subject: broken\r\nFrom: a@customer.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
    header = b"* 2 FETCH (UID 3 BODY[HEADER] {%d}\r\n%b)\r\n" % (len(head), head)
    server = ImapServer(
        {
            "EXAMINE": examined(4),
            "UID SEARCH": b"* SEARCH 2 3 4 5\r\n",
            "UID FETCH 2:5 (UID RFC822": sized(2, 3, 4, 5),
            "UID FETCH 2:5 (UID INTERNALDATE": b"NO [SERVERBUG] Internal error occurred.",
            "UID FETCH 2 (UID INTERNALDATE": fetched(1, 2),
            "UID FETCH 3 (UID INTERNALDATE BODY.PEEK[])": b"NO [SERVERBUG] Internal error occurred.",
            "UID FETCH 3 (UID INTERNALDATE BODY.PEEK[HEADER])": header,
            "UID FETCH 4 (UID INTERNALDATE": b"NO no such message",
            "UID FETCH 5 (UID INTERNALDATE": fetched(4, 5),
        }
    )
    async with serving(server) as port, listening(via(port), sink):
        await sink.until(lambda: len(sink.raws) == 4)
    assert [raw.meta["uid"] for raw in sink.raws] == [2, 3, 4, 5]
    assert len({raw.dedupe_key for raw in sink.raws}) == 4
    [item] = CHANNEL.driver.parse(sink.raws[1], via(0))
    assert isinstance(item, Inbound)
    assert (item.sender.value, item.subject) == ("a@customer.example", "broken")
    assert "does not hand over this mail" in item.text
    [item] = CHANNEL.driver.parse(sink.raws[2], via(0))
    assert isinstance(item, Inbound)
    assert "no such message" in item.text


async def test_a_server_that_is_busy_is_asked_again_for_the_whole_mail(sink: ListSink) -> None:
    sink.saved = known(1)
    server = ImapServer(
        {
            "EXAMINE": examined(1),
            "UID SEARCH": b"* SEARCH 2\r\n",
            "UID FETCH 2 (UID RFC822": sized(2),
            "UID FETCH 2 (UID INTERNALDATE": [b"NO [UNAVAILABLE] not now", fetched(1, 2)],
        }
    )
    async with serving(server) as port, listening(via(port), sink):
        await sink.until(lambda: len(sink.raws) == 1)
    assert sink.raws[0].body == MAIL % (2, 2)


async def test_a_mail_beyond_the_cap_is_not_fetched_whole(sink: ListSink) -> None:
    sink.saved = known(1)
    head = b"Subject: film\r\nFrom: a@customer.example\r\n\r\n"
    answer = b'* 1 FETCH (UID 2 INTERNALDATE " 5-Feb-2024 10:00:00 +0000" BODY[HEADER] {%d}\r\n%b)\r\n' % (
        len(head),
        head,
    )
    server = ImapServer(
        {
            "EXAMINE": examined(1),
            "UID SEARCH": b"* SEARCH 2\r\n",
            "UID FETCH 2 (UID RFC822": sized(2, size=limits.MAX_MAIL + 1),
            "UID FETCH 2 (UID INTERNALDATE BODY.PEEK[HEADER])": answer,
        }
    )
    async with serving(server) as port, listening(via(port), sink):
        await sink.until(lambda: bool(sink.raws))
    (item,) = CHANNEL.driver.parse(sink.raws[0], account())
    assert item.subject == "film"  # type: ignore[union-attr]
    assert "50 MB" in item.text  # type: ignore[union-attr]


async def test_lost_connections_are_opened_again(sink: ListSink) -> None:
    sink.saved = known(1)
    server = ImapServer(
        {
            "LOGIN": [b"drop", b"NO [UNAVAILABLE] later", b""],
            "EXAMINE": [b"drop", examined(1)],
            "UID SEARCH": [b"drop", b"* SEARCH 2\r\n"],
            "UID FETCH 2 (UID RFC822": sized(2),
            "UID FETCH 2 (UID INTERNALDATE": [b"* 1 FETCH (UID 2 BODY[] {999}\r\nhalfdrop", fetched(1, 2)],
        }
    )
    async with serving(server) as port, listening(via(port), sink):
        await sink.until(lambda: bool(sink.raws))
    assert [raw.meta["uid"] for raw in sink.raws] == [2]


async def test_the_checkpoint_waits_for_the_store(sink: ListSink) -> None:
    sink.saved = known(1)
    sink.broken = True
    server = ImapServer(
        {
            "EXAMINE": examined(1),
            "UID SEARCH": b"* SEARCH 2\r\n",
            "UID FETCH 2 (UID RFC822": sized(2),
            "UID FETCH 2 (UID INTERNALDATE": fetched(1, 2),
        }
    )
    async with serving(server) as port, listening(via(port), sink):
        await sink.until(lambda: any("database is gone" in note for note in sink.notes))
        assert sink.saved == known(1)
        sink.broken = False
        await sink.until(lambda: bool(sink.raws))
    assert sink.saved["folders"]["INBOX"]["uid"] == 2


async def test_without_idle_the_mailbox_is_asked(sink: ListSink) -> None:
    sink.saved = known(1)
    server = ImapServer(
        {
            "EXAMINE": examined(1),
            "UID SEARCH": [b"* SEARCH\r\n", b"* SEARCH 2\r\n"],
            "UID FETCH 2 (UID RFC822": sized(2),
            "UID FETCH 2 (UID INTERNALDATE": fetched(1, 2),
        },
        capabilities="IMAP4rev1",
    )
    async with serving(server) as port, listening(via(port, poll_seconds=0.05), sink):
        await sink.until(lambda: bool(sink.raws))
    assert "NOOP" in server.lines


async def test_login_problems_need_a_person(sink: ListSink) -> None:
    for said, words in (
        (b"NO [AUTHENTICATIONFAILED] Invalid credentials", "user name or password"),
        (b"NO [ALERT] Application-specific password required", "app password"),
        (b"NO [PRIVACYREQUIRED] Plaintext authentication disallowed", "encrypted"),
    ):
        async with serving(ImapServer({"LOGIN": said})) as port:
            assert isinstance(CHANNEL.driver, Listens)
            with pytest.raises(Disconnected, match=words):
                await CHANNEL.driver.listen(via(port), sink)
    assert all(note.startswith("! ") for note in sink.notes)


# --- the protocol -------------------------------------------------------------------------------------------------


async def connected(port: int) -> wire.Imap:
    return await wire.Imap.connect(Target("127.0.0.1", port, "none"), None)


async def test_thousands_of_lines_in_one_answer() -> None:
    lines = b"".join(b"* %d FETCH (UID %d RFC822.SIZE 5)\r\n" % (n, n) for n in range(1, 20_001))
    async with serving(ImapServer({"UID FETCH": lines})) as port:
        server = await connected(port)
        assert len(await mailbox.sizes(server, range(1, 20_001))) == 20_000
        await server.logout()


@pytest.mark.parametrize(
    "answer", [b"* 1 FETCH (UID 1 BODY[] {99999999999}\r\n", b"x" * (wire.MAX_LINE + 10), b"* BYE\r\n"]
)
async def test_a_server_that_breaks_the_protocol_is_lost(answer: bytes) -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        await reader.readuntil(b"\r\n")
        writer.write(b"f1 OK\r\n")
        await reader.readuntil(b"\r\n")
        writer.write(answer)
        with contextlib.suppress(ConnectionError):
            await writer.drain()

    async with serving(conversation) as port:
        server = await connected(port)
        with pytest.raises(wire.Lost):
            await server.command("NOOP")
        await server.close()


async def test_literals_for_what_cannot_be_quoted() -> None:
    heard: list[bytes] = []

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        await reader.readuntil(b"\r\n")
        writer.write(b"f1 OK\r\n")
        heard.append(await reader.readuntil(b"\r\n"))
        writer.write(b"* 1 EXISTS\r\n+ go\r\n")
        heard.append(await reader.readuntil(b"\r\n"))
        writer.write(b"f2 OK\r\n")
        await reader.readuntil(b"\r\n")
        writer.write(b"* CAPABILITY IDLE\r\nf3 OK\r\n")
        await reader.readuntil(b"\r\n")

    async with serving(conversation) as port:
        server = await connected(port)
        await server.login('a"b\\c', "pässwörd")
        assert server.capabilities == {"IDLE"}
        await server.close()
    assert heard == [b'f2 LOGIN "a\\"b\\\\c" {10}\r\n', "pässwörd\r\n".encode()]


def test_mailbox_names() -> None:
    assert wire.mailbox_name("inbox").value == "INBOX"
    assert wire.mailbox_name("Entwürfe & mehr").value == "Entw&APw-rfe &- mehr"
    assert wire.mailbox_name("台北").value == "&U,BTFw-"


async def test_look_up_never_says_no() -> None:
    message = Outbound(key="k", to=Where(kind="email", value="a@x.example"), text="x")
    found = {"LIST": b'* LIST (\\HasNoChildren \\Sent) "/" "Gesendet"\r\n', "EXAMINE": examined(1)}
    assert isinstance(CHANNEL.driver, LooksUp)
    async with serving(ImapServer({**found, "UID SEARCH": b"* SEARCH 4\r\n"})) as port:
        assert await CHANNEL.driver.look_up(message, via(port)) is not None
    async with serving(ImapServer({**found, "UID SEARCH": b"* SEARCH\r\n"})) as port:
        with pytest.raises(Unknown):
            await CHANNEL.driver.look_up(message, via(port))
    with pytest.raises(Unknown):
        await CHANNEL.driver.look_up(message, via(port))
    with pytest.raises(Unknown):
        await CHANNEL.driver.look_up(message, account())


async def test_the_test_says_what_works() -> None:
    driver = CHANNEL.driver
    assert isinstance(driver, CanTest)
    async with serving(ImapServer({"EXAMINE": examined(12)})) as port, serving(SmtpServer()) as out:
        settings = via(port, smtp_host="127.0.0.1", smtp_port=out, smtp_tls="none")
        assert await driver.test(settings) == (
            "Receiving works (12 mails in the mailbox, new mail arrives at once) and sending works."
        )
    async with serving(ImapServer({"EXAMINE": b"NO no such mailbox"})) as port:
        with pytest.raises(Disconnected, match="cannot be opened"):
            await driver.test(via(port, folder="Nowhere"))
    async with serving(ImapServer({}, capabilities="IMAP4rev1")) as port:
        pass
    with pytest.raises(TryLater, match="No connection"):
        await driver.test(via(port))
