"""What a mail may carry, and how long its copy may take."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from channels.email.scripted import SmtpServer, serving
from channels.email.test_email_sending import composed, deliver
from frontdesk.channels.email import driver
from frontdesk.channels.email.compose import MAX_ATTACHED
from frontdesk.channels.port import Attachment, DeliveryState, Rejected


async def test_files_too_large_for_any_mail_are_refused_unread() -> None:
    read: list[str] = []

    def large(name: str, size: int) -> Attachment:
        async def bytes_of() -> bytes:
            read.append(name)
            return b""

        return Attachment(name=name, content_type="application/pdf", size=size, read=bytes_of)

    half = MAX_ATTACHED // 2
    with pytest.raises(Rejected, match="at most 25 MB"):
        await composed(attachments=(large("a.pdf", half), large("b.pdf", half), large("c.pdf", 1 + MAX_ATTACHED % 2)))
    assert read == []
    await composed(attachments=(large("a.pdf", half), large("b.pdf", half)))
    assert read == ["a.pdf", "b.pdf"]


class Hanging:
    """A mailbox that takes the connection and says nothing."""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()


async def test_a_sent_folder_that_hangs_or_breaks_does_not_undo_the_sending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "COPY_SECONDS", 0.2)
    async with asyncio.timeout(5), serving(Hanging()) as port:
        sent = await deliver(SmtpServer(), imap_host="127.0.0.1", imap_port=port, imap_tls="none")
    assert (sent.state, sent.meta["sent_copy"]) == (DeliveryState.sent, False)

    async def broken(*_: Any) -> bool:
        raise ValueError("a bug of ours")

    monkeypatch.setattr(driver.Email, "_keep_copy", broken)
    sent = await deliver(SmtpServer())
    assert (sent.state, sent.meta["sent_copy"]) == (DeliveryState.sent, False)
