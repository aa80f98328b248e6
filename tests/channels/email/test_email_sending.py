"""Composing a mail and handing it over: what it says, and every way in which the handing over can end."""

from __future__ import annotations

import asyncio
import base64
import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest

from channels.email.scripted import DESK, ImapServer, SmtpServer, account, serving
from frontdesk.channels.email import CHANNEL, oauth, smtp
from frontdesk.channels.email.compose import Composed, compose
from frontdesk.channels.email.tokens import is_own_id
from frontdesk.channels.port import (
    Address,
    Attachment,
    DeliveryState,
    Disconnected,
    NamesMessages,
    Outbound,
    Rejected,
    ResendsSafely,
    TryLater,
    Unknown,
)

NOW = datetime(2024, 2, 5, 10, tzinfo=UTC)


def outbound(to: str = "alice@customer.example", **values: Any) -> Outbound:
    return Outbound(
        **{"key": "key-1", "to": Address(kind="email", value=to), "text": "Hello", "subject": "Hi", **values}
    )


async def composed(**values: Any) -> tuple[Composed, EmailMessage]:
    settings = values.pop("settings", {})
    made = await compose(outbound(**values), account(**settings), NOW)
    parsed = email.message_from_bytes(made.data, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return made, parsed


def file(name: str, kind: str, data: bytes, content_id: str | None = None) -> Attachment:
    async def read() -> bytes:
        return data

    return Attachment(name=name, content_type=kind, size=len(data), read=read, content_id=content_id)


# --- what it says -------------------------------------------------------------------------------------------------


async def test_a_simple_mail() -> None:
    made, mail = await composed(sender_name="Nina Müller", text="Grüße\n.\nEnde")
    assert str(mail["From"]) == f"Nina Müller via Support <{DESK}>"
    assert (str(mail["To"]), str(mail["Subject"])) == ("alice@customer.example", "Hi")
    assert mail["Date"].datetime == NOW
    assert made.recipients == ("alice@customer.example",)
    assert is_own_id(account(), made.message_id)
    assert mail.get_content_type() == "multipart/alternative"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().split() == ["Grüße", ".", "Ende"]
    assert "Grüße<br>" in html.get_content()
    assert all(len(line) <= 998 for line in made.data.split(b"\r\n"))
    assert made.data.isascii()


async def test_the_same_message_is_the_same_mail() -> None:
    assert isinstance(CHANNEL.driver, NamesMessages)
    made, _ = await composed()
    again, _ = await composed(text="another text", attempt=2)
    assert made.message_id == again.message_id == CHANNEL.driver.name("key-1", account(), token=None)
    named, _ = await composed(external_id="<fixed@support.example>")
    assert named.message_id == "<fixed@support.example>"


async def test_threading_is_capped() -> None:
    ids = [f"<{number}@x>" for number in range(40)]
    _, mail = await composed(answers=("hash:1", *ids))
    assert str(mail["In-Reply-To"]) == "<39@x>"
    assert str(mail["References"]).split() == [ids[0], *ids[-19:]]
    _, alone = await composed()
    assert alone["References"] is None


async def test_bcc_is_only_in_the_envelope() -> None:
    made, mail = await composed(cc=("Bob <bob@x.example>", "c@x.example"), bcc=("secret@x.example", "c@x.example"))
    assert made.recipients == ("alice@customer.example", "bob@x.example", "c@x.example", "secret@x.example")
    assert b"secret" not in made.data
    assert str(mail["Cc"]) == "Bob <bob@x.example>, c@x.example"


EVIL = "x\r\nBcc: evil@x.example\r\n\r\n<script>"


async def test_no_header_can_be_injected() -> None:
    made, mail = await composed(
        subject=EVIL,
        sender_name=EVIL,
        answers=(f"<a@x>{EVIL}", "<b@x>"),
        attachments=(file(EVIL, "text/x\r\nBcc: e", b"x"), file("a", "image/png", b"x", EVIL)),
        meta={"unsubscribe_url": f"https://x.example/{EVIL}"},
        settings={"name": EVIL},
        html=f'<img src="cid:{EVIL}">',
    )
    assert mail["Bcc"] is None
    assert str(mail["In-Reply-To"]) == "<b@x>"
    for part in mail.walk():
        assert part["Bcc"] is None
    assert made.recipients == ("alice@customer.example",)
    with pytest.raises(Rejected):
        await composed(to="a@x.example\r\nBcc: e@x.example")
    for copies in ({"cc": ("a@x.example\nBcc: e@y.example",)}, {"bcc": ("a@x.example\r\n.\r\n",)}):
        with pytest.raises(Rejected):
            await composed(**copies)


async def test_an_impossible_recipient_is_rejected_here() -> None:
    with pytest.raises(Rejected) as refused:
        await composed(to="nobody")
    assert refused.value.bad_address
    with pytest.raises(Disconnected):
        await composed(settings={"address": "", "username": ""})


async def test_smtputf8_only_when_needed() -> None:
    domain, mail = await composed(to="alice@bücher.example")
    assert not domain.needs_smtputf8
    assert str(mail["To"]) == "alice@xn--bcher-kva.example"
    local, _ = await composed(to="δ@customer.example")
    assert local.needs_smtputf8


async def test_answers_come_to_the_plus_address() -> None:
    _, mail = await composed(token="4711")
    assert str(mail["Reply-To"]).startswith("Support <desk+")
    _, off = await composed(token="4711", settings={"plus_addressing": False})
    assert off["Reply-To"] is None
    _, long = await composed(token="4711", settings={"address": f"{'desk' * 12}@support.example"})
    assert long["Reply-To"] is None


async def test_machines_say_that_they_are() -> None:
    _, mail = await composed(automatic=True, answers=("<a@x>",))
    assert (str(mail["Auto-Submitted"]), str(mail["X-Auto-Response-Suppress"])) == ("auto-replied", "All")
    _, first = await composed(automatic=True, meta={"unsubscribe_url": "https://x.example/u"})
    assert str(first["Auto-Submitted"]) == "auto-generated"
    assert str(first["List-Unsubscribe"]) == "<https://x.example/u>"
    assert str(first["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"


async def test_files_and_images() -> None:
    files = (
        file("Rechnung März.pdf", "application/pdf", b"%PDF"),
        file("a.png", "image/png", b"PNG", "logo"),
        file("old.eml", "message/rfc822", b"Subject: x\r\n\r\ny"),
        file("notes.txt", "text/plain", "äöü".encode()),
    )
    made, mail = await composed(html='<p>x <img src="cid:logo"></p>', text="", attachments=files)
    found = CHANNEL.driver.parse(_raw(made.data), account())[0]
    assert not isinstance(found, str)
    names = [(one.name, one.inline, one.data) for one in found.attachments]  # type: ignore[union-attr]
    assert names == [
        ("a.png", True, b"PNG"),
        ("Rechnung März.pdf", False, b"%PDF"),
        ("old.eml", False, b"Subject: x\r\n\r\ny"),
        ("notes.txt", False, "äöü".encode()),
    ]
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert plain.get_content().strip() == "x"


def _raw(data: bytes) -> Any:
    from frontdesk.channels.port import Raw

    return Raw(dedupe_key="k", body=data)


async def test_a_quoted_copy_can_be_added() -> None:
    made, _ = await composed(text="Yes", meta={"quote_text": "Really?\nSure?", "quote_head": "On Monday, Al wrote:"})
    found = CHANNEL.driver.parse(_raw(made.data), account())[0]
    assert found.text.split("\n") == ["Yes", "", "On Monday, Al wrote:", "> Really?", "> Sure?"]  # type: ignore[union-attr]
    assert found.reply == "Yes"  # type: ignore[union-attr]


# --- how it ends --------------------------------------------------------------------------------------------------


def via(port: int, **settings: Any) -> Any:
    return account(smtp_host="127.0.0.1", smtp_port=port, smtp_tls="none", **settings)


async def deliver(server: SmtpServer, *, message: Outbound | None = None, **settings: Any) -> Any:
    async with serving(server) as port:
        return await CHANNEL.driver.send(message or outbound(), via(port, **settings))


async def test_accepted() -> None:
    server = SmtpServer()
    sent = await deliver(server, message=outbound(text="one\n.\n..two", bcc=("b@x.example",)))
    assert sent.state is DeliveryState.sent
    assert sent.meta == {"sent_copy": False}
    assert [line for line in server.lines if line.startswith("RCPT")] == [
        "RCPT TO:<alice@customer.example>",
        "RCPT TO:<b@x.example>",
    ]
    assert b"\r\n..\r\n...two" in server.mails[0]


@pytest.mark.parametrize(
    ("says", "error", "code", "bad_address"),
    [
        ({"GREETING": "421 busy"}, TryLater, None, None),
        ({"GREETING": "drop"}, TryLater, None, None),
        ({"GREETING": "554 go away"}, Disconnected, None, None),
        ({"AUTH": "535 5.7.8 wrong"}, Disconnected, None, None),
        ({"AUTH": "454 4.7.0 later"}, TryLater, "454", None),
        ({"AUTH": "drop"}, TryLater, None, None),
        ({"EHLO": "250 me"}, Disconnected, None, None),
        ({"MAIL": "451 4.3.0 later"}, TryLater, "4.3.0", None),
        ({"MAIL": "550 5.7.1 not you"}, Rejected, "5.7.1", False),
        ({"MAIL": "530 5.7.0 log in"}, Disconnected, None, None),
        ({"MAIL": "drop"}, TryLater, None, None),
        ({"RCPT": "550 5.1.1 no such user"}, Rejected, "5.1.1", True),
        ({"RCPT": "550 User unknown"}, Rejected, "550", True),
        ({"RCPT": "550 5.7.1 spam"}, Rejected, "5.7.1", False),
        ({"RCPT": "450 4.2.1 greylisted"}, TryLater, "4.2.1", None),
        ({"RCPT": "drop"}, TryLater, None, None),
        ({"DATA": "451 4.3.0 disk full"}, TryLater, "4.3.0", None),
        ({"DATA": "554 5.5.1 no"}, Rejected, "5.5.1", False),
        ({"DATA": "drop"}, TryLater, None, None),
        ({"DOT": "452 4.3.1 full"}, TryLater, "4.3.1", None),
        ({"DOT": "552 5.3.4 too big"}, Rejected, "5.3.4", False),
        ({"DOT": "drop"}, Unknown, None, None),
    ],
)
async def test_every_refusal(
    says: dict[str, str], error: type[Exception], code: str | None, bad_address: bool | None
) -> None:
    with pytest.raises(error) as raised:
        await deliver(SmtpServer(**says))
    assert str(raised.value)
    if code is not None:
        assert getattr(raised.value, "code", None) == code
    if bad_address is not None:
        assert getattr(raised.value, "bad_address", None) is bad_address


async def test_lost_in_the_middle_of_the_text_is_not_sent() -> None:
    big = outbound(attachments=(file("a.bin", "application/octet-stream", bytes(9_000_000)),))
    with pytest.raises(TryLater):
        await deliver(SmtpServer(MIDDLE="yes"), message=big)


async def test_silence_after_the_end_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "DATA_TIMEOUT", 0.3)

    class Silent(SmtpServer):
        async def _answer(self, writer: asyncio.StreamWriter, what: str, default: str) -> bool:
            if what == "DOT":
                await asyncio.sleep(1)
            return await super()._answer(writer, what, default)

    with pytest.raises(Unknown):
        await deliver(Silent())


async def test_nobody_there() -> None:
    async with serving(SmtpServer()) as port:
        pass
    with pytest.raises(TryLater, match="No connection"):
        await CHANNEL.driver.send(outbound(), via(port))


async def test_no_starttls_is_not_plain_text() -> None:
    server = SmtpServer()
    async with serving(server) as port:
        with pytest.raises(Disconnected, match="STARTTLS"):
            await CHANNEL.driver.send(outbound(), account(smtp_host="127.0.0.1", smtp_port=port, smtp_tls="starttls"))
    assert not any(line.startswith("AUTH") for line in server.lines)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("534 5.7.9 Application-specific password required", "app password"),
        ("535 5.7.139 Authentication unsuccessful, basic authentication is disabled", "OAuth"),
        ("535 5.7.8 Bad credentials", "user name or password"),
    ],
)
async def test_login_problems_are_explained(said: str, words: str) -> None:
    with pytest.raises(Disconnected, match=words):
        await deliver(SmtpServer(AUTH=said))


async def test_an_address_that_the_server_cannot_spell() -> None:
    with pytest.raises(Rejected, match="SMTPUTF8"):
        await deliver(SmtpServer(EHLO="250-me\r\n250 AUTH PLAIN"), message=outbound("δ@x.example"))
    server = SmtpServer()
    await deliver(server, message=outbound("δ@x.example"))
    assert "RCPT TO:<δ@x.example>" in server.lines
    assert any("SMTPUTF8" in line for line in server.lines if line.startswith("MAIL"))


async def test_the_driver_does_not_promise_what_mail_cannot() -> None:
    assert not isinstance(CHANNEL.driver, ResendsSafely)


async def test_a_sent_folder_that_fails_is_no_failure() -> None:
    imap = ImapServer({"LIST": b'* LIST (\\Sent) "/" Sent\r\n', "APPEND": b"NO quota"})
    async with serving(imap) as port:
        sent = await deliver(SmtpServer(), imap_host="127.0.0.1", imap_port=port, imap_tls="none")
    assert sent.meta["sent_copy"] is False
    async with serving(ImapServer({}, capabilities="IMAP4rev1 X-GM-EXT-1")) as port:
        gmail = {"imap_host": "127.0.0.1", "imap_port": port, "imap_tls": "none", "sent_folder": "[Gmail]/Sent Mail"}
        assert (await deliver(SmtpServer(), **gmail)).meta["sent_copy"] is True


# --- OAuth --------------------------------------------------------------------------------------------------------


class TokenServer:
    def __init__(self, status: int = 200, body: str = '{"access_token": "tok-%d", "expires_in": 3600}') -> None:
        self.status, self.body, self.forms = status, body, list[str]()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        self.forms.append((await reader.readexactly(length)).decode())
        body = self.body.replace("%d", str(len(self.forms))).encode()
        writer.write(
            b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (self.status, len(body)) + body
        )
        await writer.drain()


def oauth_for(port: int, refresh: str = "r") -> dict[str, str]:
    url = f"http://127.0.0.1:{port}/token"
    return {"provider": "microsoft", "client_id": f"c{port}", "refresh_token": refresh, "token_url": url}


async def test_sending_with_a_token_that_was_withdrawn_early() -> None:
    tokens = TokenServer()

    class Picky(SmtpServer):
        async def _answer(self, writer: asyncio.StreamWriter, what: str, default: str) -> bool:
            if what == "AUTH":
                wanted = base64.b64encode(f"user={DESK}\x01auth=Bearer tok-2\x01\x01".encode()).decode()
                self.says["AUTH"] = "235 2.7.0 ok" if wanted in self.lines[-1] else "535 5.7.8 expired"
            return await super()._answer(writer, what, default)

    server = Picky()
    async with serving(tokens) as port:
        await deliver(server, oauth=oauth_for(port), password="")
        await deliver(server, oauth=oauth_for(port), password="")
    assert len(tokens.forms) == 2
    assert "grant_type=refresh_token" in tokens.forms[0]
    assert "SMTP.Send" in tokens.forms[0]


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (400, '{"error": "invalid_grant"}', Disconnected, "withdrawn"),
        (401, '{"error": "invalid_client"}', Disconnected, "invalid_client"),
        (503, "busy", TryLater, "cannot answer"),
        (429, "{}", TryLater, "cannot answer"),
        (200, "[]", Disconnected, "refuses"),
    ],
)
async def test_token_problems(status: int, body: str, error: type[Exception], words: str) -> None:
    async with serving(TokenServer(status, body)) as port:
        with pytest.raises(error, match=words):
            await oauth.access_token(oauth_for(port, refresh=f"{status}{body}"))


async def test_no_token_server() -> None:
    async with serving(TokenServer()) as port:
        pass
    with pytest.raises(TryLater, match="does not answer"):
        await oauth.access_token(oauth_for(port, refresh="none"))
