"""R05: markup and headers injected into mails that we send: by a contact's name, a subject, a quoted message."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from conversations.office import Office
from frontdesk.channels.email.compose import compose
from frontdesk.channels.port import Account, Address, Outbound, Rejected
from frontdesk.conversations.actions import forward
from security.markup import loud, tags
from security.payloads import WORDS

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
BREAKS = ["\r\n", "\n", "\r", "\r\n\t", "\n\n", "\x00", "\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\u2028", "\u2029"]


def account(**more: Any) -> Account:
    settings = {"address": "desk@harbour.example", "name": "Harbour", **more}
    return Account(workspace_id=1, inbox_id=1, name="Harbour", settings=settings, hook_url="", secret=b"of this inbox")


async def mailed(**given: Any) -> EmailMessage:
    to = given.pop("to", Address(kind="email", value="ana@example.org", name="Ana"))
    made = await compose(Outbound(key="k", to=to, **{"text": "Hello", **given}), account(), NOW)
    mail = message_from_bytes(made.data, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


EXPECTED = {"from", "to", "subject", "date", "message-id", "mime-version", "content-type", "content-transfer-encoding"}


@pytest.mark.parametrize("broken", BREAKS, ids=ascii)
@pytest.mark.parametrize("where", ["subject", "sender_name", "to", "answers", "text"])
async def test_a_line_break_begins_no_header(where: str, broken: str) -> None:
    evil = f"x{broken}Bcc: thief@evil.example{broken}{broken}<script>alert(1)</script>"
    given: dict[str, Any] = {where: evil}
    if where == "to":
        given = {"to": Address(kind="email", value="ana@example.org", name=evil)}
    if where == "answers":
        given = {"answers": (f"<a@x>{broken}Bcc: thief@evil.example",)}
    mail = await mailed(**given)
    assert {name.lower() for name in mail} <= EXPECTED
    assert mail["bcc"] is None
    assert [one.addr_spec for one in mail["to"].addresses] == ["ana@example.org"]


@pytest.mark.parametrize("words", WORDS, ids=range(len(WORDS)))
async def test_what_was_written_as_text_is_text_in_the_mails_html(words: str) -> None:
    mail = await mailed(text=words, subject=words, sender_name=words, meta={"quote_text": words, "quote_head": words})
    part = mail.get_body(("html",))
    assert part is not None
    assert not loud(part.get_content())
    assert {tag for tag, _ in tags(part.get_content())} <= {"div", "a", "br", "blockquote"}


@pytest.mark.parametrize("words", WORDS[::6], ids=range(len(WORDS[::6])))
async def test_a_forwarded_message_brings_no_markup_of_its_own(words: str, office: Office) -> None:
    """The names in the head of a forwarded mail are what a stranger chose."""
    meta = {"from": {"name": words, "address": words}, "to": [{"name": words, "address": words}]}
    first = await office.hear(words, "ana@example.org", inbox=office.post, meta=meta, subject=words)
    conversation = await office.conversation(first["conversation_id"])
    async with office.db.begin(office.workspace) as tx:
        sent = await forward(
            tx,
            first,
            conversation["contact_id"],
            first["point_id"],
            inbox_id=office.post,
            text=words,
            actor=office.owner,
        )
    html = (await office.message(sent))["html"]
    assert not loud(html)
    assert {tag for tag, _ in tags(html)} <= {"p", "br", "div"}


async def test_copies_are_addresses_and_nothing_else() -> None:
    for evil in ("a@x.example\r\nBcc: b@x.example", "a@x.example,\nb@x.example"):
        with pytest.raises(Rejected, match=r"line breaks|address"):
            await mailed(cc=(evil,))
    mail = await mailed(cc=('"<script>" <a@x.example>',), bcc=("hidden@x.example",))
    assert mail["bcc"] is None
    assert not re.search(r"hidden@", mail.as_string()), "a blind copy stands nowhere in the mail"
