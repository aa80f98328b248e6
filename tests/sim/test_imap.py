"""The IMAP server before clients that others wrote: imaplib of the standard library, and aioimaplib."""

from __future__ import annotations

import asyncio
import base64
import imaplib
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import aioimaplib
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from frontdesk_sim.mail.imap.lexer import BadCommand, words

from .conftest import Sim, in_thread


def letter(
    subject: str = "Hello", message_id: str = "<1@example.org>", body: str = "First line\r\nsecond\r\n"
) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Demo Ada <demo.ada@example.org>", "desk@example.org", subject
    mail["Message-ID"], mail["Date"] = message_id, "Mon, 02 Nov 2026 10:00:00 +0000"
    mail.set_content(body)
    return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def file(sim: Sim, raw: bytes, folder: str = "INBOX", **more: Any) -> int:
    return sim.world.mailboxes.append(sim.mailbox, folder, raw, **more)[1]


def imap(sim: Sim, folder: str | None = "INBOX") -> imaplib.IMAP4:
    client = imaplib.IMAP4("127.0.0.1", sim.imap_port)
    client.login(sim.mailbox, sim.password)
    if folder:
        client.select(folder)
    return client


# --- the standard library's client --------------------------------------------------------------------------------


async def test_login_is_checked_and_required(sim: Sim) -> None:
    def work() -> None:
        client = imaplib.IMAP4("127.0.0.1", sim.imap_port)
        for user, password in ((sim.mailbox, "wrong"), ("nobody@example.org", sim.password), (sim.mailbox, "")):
            with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
                client.login(user, password)
        client.state = "AUTH"
        with pytest.raises(imaplib.IMAP4.error, match="Log in first"):
            client.list()
        client.state = "NONAUTH"
        plain = f"\0{sim.mailbox}\0{sim.password}".encode()
        assert client.authenticate("PLAIN", lambda challenge: plain)[0] == "OK"
        assert "IDLE" in client.capability()[1][0].decode()
        client.logout()

    await in_thread(work)


async def test_folders_are_listed_with_their_use(sim: Sim) -> None:
    def work() -> None:
        client = imap(sim, None)
        listed = [line.decode() for line in client.list()[1]]
        assert '(\\HasNoChildren \\Sent) "/" "Sent"' in listed
        assert '(\\HasNoChildren) "/" "INBOX"' in listed
        assert client.list('""', "S*")[1] == [b'(\\HasNoChildren \\Sent) "/" "Sent"']
        assert client.create('"Old things"')[0] == "OK"
        assert client.create('"Old things"')[0] == "NO"
        assert client.select('"Old things"')[0] == "OK"
        client.close()
        assert client.delete('"Old things"')[0] == "OK"
        assert client.select("Nowhere")[0] == "NO"
        assert client.delete("INBOX")[0] == "NO"
        client.logout()

    await in_thread(work)


async def test_select_and_status_tell_the_same(sim: Sim) -> None:
    file(sim, letter(), flags=frozenset({"\\Seen"}))
    uid = file(sim, letter())

    def work() -> None:
        client = imap(sim)
        validity = int(client.response("UIDVALIDITY")[1][0])
        figures = client.status("INBOX", "(MESSAGES UNSEEN UIDNEXT UIDVALIDITY)")[1][0].decode()
        assert figures == f'"INBOX" (MESSAGES 2 UNSEEN 1 UIDNEXT {uid + 1} UIDVALIDITY {validity})'
        assert client.response("UIDNEXT")[1] == [str(uid + 1).encode()]
        assert client.select("INBOX", readonly=True)[1] == [b"2"]
        client.logout()

    await in_thread(work)


async def test_fetch_gives_exactly_the_bytes(sim: Sim) -> None:
    raw = letter(body="Grüße {5}\r\n.\r\n(unbalanced\r\n")
    uid = file(sim, raw, date=datetime(2026, 11, 2, 10, tzinfo=UTC).timestamp())

    def work() -> None:
        client = imap(sim)
        head, body = client.uid("FETCH", str(uid), "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])")[1][0]
        assert body == raw
        assert f"RFC822.SIZE {len(raw)}" in head.decode()
        assert 'INTERNALDATE "02-Nov-2026 10:00:00 +0000"' in head.decode()
        assert "FLAGS ()" in head.decode()
        assert client.uid("FETCH", str(uid), "(BODY.PEEK[]<3.10>)")[1][0][1] == raw[3:13]
        head, body = raw.split(b"\r\n\r\n", 1)
        assert client.uid("FETCH", str(uid), "(BODY.PEEK[HEADER])")[1][0][1] == head + b"\r\n\r\n"
        assert client.uid("FETCH", str(uid), "(BODY.PEEK[TEXT])")[1][0][1] == body
        fields = client.uid("FETCH", str(uid), "(BODY.PEEK[HEADER.FIELDS (SUBJECT message-id)])")[1][0]
        assert fields[1] == b"Subject: Hello\r\nMessage-ID: <1@example.org>\r\n\r\n"
        others = client.uid("FETCH", str(uid), "(BODY.PEEK[HEADER.FIELDS.NOT (SUBJECT)])")[1][0][1]
        assert b"Subject" not in others
        assert b"From: " in others
        assert client.uid("FETCH", "99", "(FLAGS)")[1] == [None]
        with pytest.raises(imaplib.IMAP4.error, match="not served"):
            client.uid("FETCH", str(uid), "(BODYSTRUCTURE)")
        client.logout()

    await in_thread(work)


async def test_reading_marks_seen_and_peeking_does_not(sim: Sim) -> None:
    uid = file(sim, letter())

    def work() -> None:
        client = imap(sim)
        client.uid("FETCH", str(uid), "(BODY.PEEK[])")
        assert client.uid("SEARCH", "UNSEEN")[1] == [str(uid).encode()]
        assert b"\\Seen" in b"".join(map(bytes, client.uid("FETCH", str(uid), "(BODY[])")[1][-1:]))
        assert client.uid("SEARCH", "SEEN")[1] == [str(uid).encode()]
        client.logout()

    await in_thread(work)


async def test_search_keys(sim: Sim) -> None:
    old = datetime.now(UTC) - timedelta(days=10)
    first = file(sim, letter("Ärger mit Lampe", "<a@example.org>", "Schrott\r\n"), date=old.timestamp())
    second = file(sim, letter("Question", "<b@example.org>"), flags=frozenset({"\\Flagged"}))

    def work() -> None:
        client = imap(sim)
        day = (datetime.now(UTC) - timedelta(days=1)).strftime("%d-%b-%Y")
        both = f"{first} {second}"
        cases = {
            "ALL": both,
            f"UID {second}:*": second,
            f"UID {second + 5}:*": second,  # n:* always names the last one (RFC 3501 §6.4.8)
            f"SINCE {day}": second,
            f"BEFORE {day}": first,
            "SENTON 02-Nov-2026": both,
            "HEADER Message-ID <a@example.org>": first,
            "HEADER Message-ID nobody": "",
            "FLAGGED": second,
            "NOT FLAGGED": first,
            "OR FLAGGED BODY schrott": both,
            "(FLAGGED UNSEEN)": second,
            "1": first,
            "SUBJECT question FROM ada": second,
            "LARGER 10 SMALLER 100000": both,
        }
        for keys, hits in cases.items():
            assert client.uid("SEARCH", keys)[1] == [str(hits).encode()], keys
        client.literal = "Ärger".encode()
        assert client.uid("SEARCH", "CHARSET", "UTF-8", "SUBJECT")[1] == [str(first).encode()]
        assert client.search(None, "FLAGGED")[1] == [b"2"]
        for wrong in ("FOO", "SINCE tomorrow", "UID x", "NOT"):
            with pytest.raises(imaplib.IMAP4.error, match="BAD"):
                client.uid("SEARCH", wrong)
        client.logout()

    await in_thread(work)


async def test_store_expunge_and_uids_are_never_used_again(sim: Sim) -> None:
    uids = [file(sim, letter()) for _ in range(4)]

    def work() -> None:
        client = imap(sim)
        client.uid("STORE", str(uids[0]), "+FLAGS", "(\\Deleted custom)")
        assert client.uid("FETCH", str(uids[0]), "(FLAGS)")[1] == [
            f"1 (UID {uids[0]} FLAGS (\\Deleted custom))".encode()
        ]
        client.uid("STORE", str(uids[0]), "-FLAGS.SILENT", "(custom)")
        client.uid("STORE", f"{uids[1]},{uids[2]}", "FLAGS", "(\\Deleted)")
        assert client.uid("EXPUNGE", str(uids[1]))[0] == "OK"
        assert client.response("EXPUNGE")[1] == [b"2"]
        assert client.expunge()[1] == [b"2", b"1"]
        assert client.uid("SEARCH", "ALL")[1] == [str(uids[3]).encode()]
        client.uid("STORE", str(uids[3]), "+FLAGS", "\\Deleted")
        client.close()
        appended = client.append("INBOX", "(\\Seen)", imaplib.Time2Internaldate(0), letter())
        assert f"{uids[3] + 1}]" in appended[1][0].decode()
        client.select("INBOX", readonly=True)
        assert client.uid("STORE", "1:*", "+FLAGS", "\\Deleted")[0] == "NO"
        assert (
            client.uid("FETCH", "1:*", "(FLAGS INTERNALDATE)")[1][0]
            .decode()
            .endswith('(UID 5 FLAGS (\\Seen) INTERNALDATE "01-Jan-1970 00:00:00 +0000")')
        )
        client.logout()

    await in_thread(work)


async def test_append_names_the_uid_and_keeps_the_bytes(sim: Sim) -> None:
    raw = letter()

    def work() -> None:
        client = imap(sim, None)
        status, answer = client.append("Sent", "\\Seen", None, raw)
        found = re.search(rb"\[APPENDUID (\d+) (\d+)\]", answer[0])
        assert status == "OK"
        assert found is not None
        client.select("Sent")
        assert client.response("UIDVALIDITY")[1] == [found[1]]
        assert client.uid("FETCH", found[2].decode(), "(BODY.PEEK[])")[1][0][1] == raw
        assert client.append("Nowhere", "", None, raw)[0] == "NO"
        client.logout()

    await in_thread(work)


async def test_copy_and_move(sim: Sim) -> None:
    uids = [file(sim, letter()) for _ in range(2)]

    def work() -> None:
        client = imap(sim)
        client.uid("COPY", str(uids[0]), "Trash")
        assert client.response("COPYUID")[1] != [None]
        assert client.uid("MOVE", str(uids[1]), "Trash")[0] == "OK"
        assert client.uid("SEARCH", "ALL")[1] == [str(uids[0]).encode()]
        assert client.status("Trash", "(MESSAGES)")[1] == [b'"Trash" (MESSAGES 2)']
        assert client.uid("COPY", str(uids[0]), "Nowhere")[0] == "NO"
        client.logout()

    await in_thread(work)


async def test_two_clients_tell_each_other(sim: Sim) -> None:
    uids = [file(sim, letter()) for _ in range(3)]

    def work() -> None:
        one, other = imap(sim), imap(sim)
        one.uid("STORE", str(uids[0]), "+FLAGS", "\\Deleted")
        one.expunge()
        # while the other fetches by number, the numbers stay
        assert other.fetch("3", "(UID)")[1] == [f"3 (UID {uids[2]})".encode()]
        other.noop()
        assert other.response("EXPUNGE")[1] == [b"1"]
        assert other.fetch("2", "(UID)")[1] == [f"2 (UID {uids[2]})".encode()]
        one.logout()
        other.logout()

    await in_thread(work)


# --- aioimaplib ---------------------------------------------------------------------------------------------------


@pytest.fixture
async def client(sim: Sim) -> AsyncIterator[aioimaplib.IMAP4]:
    client = aioimaplib.IMAP4("127.0.0.1", sim.imap_port)
    await client.wait_hello_from_server()
    await client.login(sim.mailbox, sim.password)
    await client.select("INBOX")
    yield client
    await client.logout()


async def test_idle_is_told_at_once(sim: Sim, client: aioimaplib.IMAP4) -> None:
    idle = await client.idle_start(timeout=20)
    file(sim, letter())
    async with asyncio.timeout(15):
        assert b"1 EXISTS" in await client.wait_server_push()
    file(sim, letter())
    async with asyncio.timeout(15):
        assert b"2 EXISTS" in await client.wait_server_push()
    client.idle_done()
    async with asyncio.timeout(15):
        await idle
    answer = await client.uid("fetch", "1:*", "(UID BODY.PEEK[])")
    assert answer.result == "OK"
    assert [bytes(line) for line in answer.lines if isinstance(line, bytearray)] == [letter(), letter()]


async def test_aioimaplib_searches_appends_and_stores(sim: Sim, client: aioimaplib.IMAP4) -> None:
    uid = file(sim, letter())
    found = await client.uid_search("HEADER Message-ID <1@example.org>")
    assert found.lines[0].decode() == str(uid)
    appended = await client.append(letter(), "Sent", flags="\\Seen")
    assert "APPENDUID" in appended.lines[-1].decode()
    await client.uid("store", str(uid), "+FLAGS", "(\\Seen)")
    assert (await client.uid_search("SEEN")).lines[0].decode() == str(uid)


async def test_the_connection_can_be_cut(sim: Sim, client: aioimaplib.IMAP4) -> None:
    await sim.control("POST", "/faults/next", {"fault": "imap_cut"})
    with pytest.raises((aioimaplib.Abort, aioimaplib.CommandTimeout, asyncio.TimeoutError)):
        await asyncio.wait_for(client.noop(), 1)
    fresh = aioimaplib.IMAP4("127.0.0.1", sim.imap_port)
    await fresh.wait_hello_from_server()
    assert (await fresh.login(sim.mailbox, sim.password)).result == "OK"
    await fresh.logout()
    client.protocol.transport.abort()
    client.logout = lambda: asyncio.sleep(0)  # nothing is left to log out of


# --- the wire -----------------------------------------------------------------------------------------------------


async def converse(sim: Sim, sent: bytes, *, until_tag: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", sim.imap_port)
    writer.write(f"a LOGIN {sim.mailbox} {sim.password}\r\n".encode() + sent)
    heard = b""
    async with asyncio.timeout(15):
        while not re.search(rb"(?m)^" + until_tag + rb" .*\r\n", heard):
            line = await reader.readline()
            if not line:
                break
            heard += line
    writer.close()
    await writer.wait_closed()
    return heard


async def test_literals_without_waiting(sim: Sim) -> None:
    raw = letter()
    heard = await converse(
        sim,
        b"b APPEND Sent (\\Seen) {%d+}\r\n%s\r\nc STATUS {4+}\r\nSent (MESSAGES)\r\n" % (len(raw), raw),
        until_tag=b"c",
    )
    assert b"\r\n+ " not in heard
    assert b"b OK [APPENDUID" in heard
    assert b'* STATUS "Sent" (MESSAGES 1)' in heard


async def test_the_first_response_of_plain_may_come_with_the_command(sim: Sim) -> None:
    plain = base64.b64encode(f"\0{sim.mailbox}\0{sim.password}".encode())
    assert b"b OK" in await converse(sim, b"b AUTHENTICATE PLAIN " + plain + b"\r\n", until_tag=b"b")


@pytest.mark.parametrize(
    "command",
    [
        b"FOO",
        b"FETCH 1 (FLAGS",
        b'SELECT "INBOX',
        b"FETCH",
        b"UID",
        b"STATUS INBOX x",
        b"APPEND Sent x",
        b"NOOP )",
        b"",
    ],
)
async def test_malformed_commands_are_answered_bad(sim: Sim, command: bytes) -> None:
    heard = await converse(sim, b"s SELECT INBOX\r\nb " + command + b"\r\n", until_tag=b"b")
    assert re.search(rb"(?m)^b BAD ", heard), heard


async def test_a_literal_beyond_all_measure_ends_the_connection(sim: Sim) -> None:
    assert b"* BYE" in await converse(sim, b"b APPEND Sent {99999999999}\r\n", until_tag=b"never")


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200))
def test_cutting_into_words_never_fails_otherwise(line: bytes) -> None:
    try:
        words([line])
    except BadCommand:
        pass


async def test_letters_reach_idle_only_of_their_folder(sim: Sim, client: aioimaplib.IMAP4) -> None:
    idle = await client.idle_start(timeout=20)
    file(sim, letter(), folder="Sent")
    file(sim, letter())
    pushed: list[bytes] = []
    async with asyncio.timeout(15):
        pushed += await client.wait_server_push()
    client.idle_done()
    await idle
    assert [line for line in pushed if b"EXISTS" in line] == [b"1 EXISTS"]
