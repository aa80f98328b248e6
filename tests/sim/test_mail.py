"""Mail both ways: the desk submits with clients that others wrote, customers write and answer."""

from __future__ import annotations

import smtplib
import ssl
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest

from frontdesk_sim.mail.mailboxes import home_address
from frontdesk_sim.picture import parcel

from .conftest import Sim, in_thread, running


def mail(sim: Sim, to: str = "demo.ada@example.org", **headers: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"] = f"Demo desk <{sim.mailbox}>", to
    made["Subject"], made["Message-ID"] = "Your order", "<out-1@desk.example.org>"
    made["Date"] = "Mon, 02 Nov 2026 10:00:00 +0000"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content("It ships today. Grüße\n.\nDemo desk\n")
    return made


async def submit(sim: Sim, made: EmailMessage, **more: Any) -> Any:
    return await aiosmtplib.send(
        made,
        hostname="127.0.0.1",
        port=sim.smtp_port,
        username=sim.mailbox,
        password=sim.password,
        start_tls=False,
        **more,
    )


async def mails(sim: Sim, customer: str = "demo-ada") -> list[dict[str, Any]]:
    return list(await sim.control("GET", f"/customers/{customer}/mails"))


def desk_inbox(sim: Sim) -> list[EmailMessage]:
    folder = sim.world.mailboxes.folder(sim.mailbox, "INBOX")
    assert folder is not None
    raws = [sim.world.mailboxes.raw(folder.id, letter.uid) or b"" for letter in sim.world.mailboxes.letters(folder.id)]
    return [message_from_bytes(raw, policy=policy.default) for raw in raws]  # type: ignore[misc]


# --- from the desk ------------------------------------------------------------------------------------------------


async def test_a_submitted_mail_is_in_the_customers_mailbox(sim: Sim) -> None:
    await submit(sim, mail(sim, Reply_To="desk+token@example.org"))
    await sim.settle()
    [arrived] = await mails(sim)
    assert (arrived["subject"], arrived["message_id"]) == ("Your order", "<out-1@desk.example.org>")
    assert arrived["text"].replace("\r\n", "\n") == "It ships today. Grüße\n.\nDemo desk\n"
    [accepted] = await sim.truth("mail.accepted")
    assert accepted["facts"]["message_id"] == "<out-1@desk.example.org>"
    assert (accepted["desk"], accepted["customer"]) == (sim.mailbox, "demo.ada@example.org")
    assert len(await sim.truth("mail.delivered")) == 1


async def test_the_standard_librarys_client_submits_too(sim: Sim) -> None:
    def work() -> None:
        with smtplib.SMTP("127.0.0.1", sim.smtp_port) as client:
            client.login(sim.mailbox, sim.password)
            assert client.send_message(mail(sim, "demo.ada@example.org, demo.bruno@example.org")) == {}

    await in_thread(work)
    await sim.settle()
    assert len(await mails(sim, "demo-ada")) == len(await mails(sim, "demo-bruno")) == 1


@pytest.mark.parametrize("mechanism", ["auth_plain", "auth_login"])
async def test_credentials_are_checked(sim: Sim, mechanism: str) -> None:
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=sim.smtp_port, start_tls=False)
    await client.connect()
    with pytest.raises(aiosmtplib.SMTPSenderRefused, match="Authentication required"):
        await client.sendmail(sim.mailbox, ["demo.ada@example.org"], "x")
    with pytest.raises(aiosmtplib.SMTPAuthenticationError):
        await getattr(client, mechanism)(sim.mailbox, "wrong")
    assert (await getattr(client, mechanism)(sim.mailbox, sim.password)).code == 235
    with pytest.raises(aiosmtplib.SMTPSenderRefused, match="not owned"):
        await client.sendmail("other@example.org", ["demo.ada@example.org"], "x")
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await client.sendmail(sim.mailbox, ["nobody"], "x")
    await client.quit()
    assert not await sim.truth("mail.accepted")


async def test_the_desk_may_write_under_a_tagged_address(sim: Sim) -> None:
    await submit(sim, mail(sim), sender="desk+bounce.77@example.org")
    await sim.settle()
    assert len(await mails(sim)) == 1
    assert home_address("<Desk+Bounce.77@Example.ORG>") == "desk@example.org"


async def test_a_customer_without_mailbox_bounces(sim: Sim) -> None:
    await sim.control(
        "POST", "/customers", {"name": "Demo Gone", "email": "demo.gone@example.org", "reach": "unreachable"}
    )
    await submit(sim, mail(sim, "demo.gone@example.org"))
    await sim.settle()
    [bounce] = desk_inbox(sim)
    assert bounce.get_content_type() == "multipart/report"
    assert bounce.get_param("report-type") == "delivery-status"
    assert (bounce["Return-Path"], bounce["Auto-Submitted"]) == ("<>", "auto-replied")
    status, original = list(bounce.iter_parts())[1:]
    assert status.get_content_type() == "message/delivery-status"
    per_recipient = status.get_payload()[1]  # type: ignore[index]
    assert per_recipient["Action"] == "failed"  # type: ignore[index, call-overload]
    assert per_recipient["Status"] == "5.1.1"  # type: ignore[index, call-overload]
    assert per_recipient["Final-Recipient"] == "rfc822; demo.gone@example.org"  # type: ignore[index, call-overload]
    assert original.get_content_type() == "text/rfc822-headers"
    assert "<out-1@desk.example.org>" in original.get_content()
    [refused] = await sim.truth("mail.refused")
    assert refused["facts"]["message_id"] == "<out-1@desk.example.org>"


async def test_starttls_with_a_certificate_of_our_own(tmp_path: Path) -> None:
    async with running(tmp_path, "--tls") as sim:
        trusted = ssl.create_default_context(cafile=tmp_path / "sim.pem")
        client = aiosmtplib.SMTP(
            hostname="localhost",
            port=sim.smtp_port,
            username=sim.mailbox,
            password=sim.password,
            start_tls=True,
            tls_context=trusted,
        )
        async with client:
            await client.send_message(mail(sim))
        import aioimaplib

        imap = aioimaplib.IMAP4_SSL("localhost", sim.imap_port, ssl_context=trusted)
        await imap.wait_hello_from_server()
        assert (await imap.login(sim.mailbox, sim.password)).result == "OK"
        await imap.logout()
        await sim.settle()
        assert len(await mails(sim)) == 1


# --- faults -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["too_many", "server_error"])
async def test_a_refusal_for_now_accepts_nothing(sim: Sim, fault: str) -> None:
    await sim.control("POST", "/faults/next", {"fault": fault})
    with pytest.raises(aiosmtplib.SMTPSenderRefused) as refused:
        await submit(sim, mail(sim))
    assert refused.value.code == 451
    assert not await sim.truth("mail.accepted")
    await submit(sim, mail(sim))


@pytest.mark.parametrize(("fault", "accepted"), [("drop_before", 0), ("drop_after", 1)])
async def test_a_lost_connection_leaves_the_sender_in_the_dark(sim: Sim, fault: str, accepted: int) -> None:
    await sim.control("POST", "/faults/next", {"fault": fault})
    with pytest.raises((aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPReadTimeoutError, ConnectionError)):
        await submit(sim, mail(sim), timeout=5)
    await sim.settle()
    assert len(await sim.truth("mail.accepted")) == len(await mails(sim)) == accepted


async def test_mail_to_the_desk_suffers_the_same_faults(sim: Sim) -> None:
    await sim.control("PATCH", "/faults", {"duplicate_copies": 4})
    await sim.control("POST", "/faults/next", {"fault": "duplicate"})
    message_id = (await sim.control("POST", "/customers/demo-ada/mails", {"subject": "Hi", "text": "Hello"}))[
        "message_id"
    ]
    await sim.settle()
    copies = desk_inbox(sim)
    assert 2 <= len(copies) <= 5
    assert {copy["Message-ID"] for copy in copies} == {message_id}
    await sim.control("POST", "/faults/next", {"fault": "drop"})
    await sim.control("POST", "/customers/demo-ada/mails", {"subject": "Hi", "text": "Lost"})
    await sim.settle()
    assert len(desk_inbox(sim)) == len(copies)
    assert len(await sim.truth("mail.dropped")) == 1


# --- from customers -----------------------------------------------------------------------------------------------


async def test_a_customers_mail_has_text_page_and_file(sim: Sim) -> None:
    import base64

    new = {
        "subject": "Grüße",
        "text": "Hello",
        "html": "<p>Hello</p>",
        "headers": {"X-Priority": "1"},
        "attachments": [{"name": "Bild.png", "content_type": "image/png", "data": base64.b64encode(parcel()).decode()}],
    }
    sent = await sim.control("POST", "/customers/demo-ada/mails", new)
    await sim.settle()
    [arrived] = desk_inbox(sim)
    assert (arrived["Message-ID"], arrived["Subject"], arrived["X-Priority"]) == (sent["message_id"], "Grüße", "1")
    assert arrived["From"] == "Demo Ada <demo.ada@example.org>"
    plain, page = arrived.get_body(("plain",)), arrived.get_body(("html",))
    assert plain is not None
    assert page is not None
    assert (plain.get_content().strip(), page.get_content().strip()) == ("Hello", "<p>Hello</p>")
    [file] = arrived.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("Bild.png", parcel())


async def test_an_answer_goes_to_reply_to_in_thread_and_with_quote(sim: Sim) -> None:
    await sim.control("POST", "/customers/demo-ada/mails", {"text": "x", "reply": True}, status=404)
    await submit(sim, mail(sim, Reply_To="desk+token9@example.org", References="<root@example.org>"))
    await sim.settle()
    await sim.control("POST", "/customers/demo-ada/mails", {"text": "Thanks!", "html": "<p>Thanks!</p>", "reply": True})
    await sim.settle()
    [answer] = desk_inbox(sim)
    assert (answer["To"], answer["Delivered-To"]) == ("desk+token9@example.org", "desk+token9@example.org")
    assert answer["In-Reply-To"] == "<out-1@desk.example.org>"
    assert answer["References"] == "<root@example.org> <out-1@desk.example.org>"
    assert answer["Subject"] == "Re: Your order"
    plain, page = answer.get_body(("plain",)), answer.get_body(("html",))
    assert plain is not None
    assert page is not None
    assert plain.get_content().replace("\r\n", "\n") == (
        "Thanks!\n\nOn Mon, 02 Nov 2026 at 10:00 Demo desk <desk@example.org> wrote:\n"
        "> It ships today. Grüße\n> .\n> Demo desk\n"
    )
    assert "gmail_quote" in page.get_content()


async def test_strange_letters_can_be_filed_as_they_are(sim: Sim) -> None:
    filed = await sim.control("POST", f"/mailboxes/{sim.mailbox}/letters", {"raw": "/wD/"})
    folder = sim.world.mailboxes.folder(sim.mailbox, "INBOX")
    assert folder is not None
    assert sim.world.mailboxes.raw(folder.id, filed["uid"]) == b"\xff\x00\xff"
    await sim.control("POST", "/mailboxes/nobody@example.org/letters", {"raw": "AA=="}, status=404)


async def test_a_second_mailbox_of_the_desk(sim: Sim) -> None:
    box = await sim.control("PUT", "/mailboxes/sales@example.org", {"name": "Sales"})
    await sim.control(
        "POST", "/customers/demo-ada/mails", {"to": "sales@example.org", "subject": "Hi", "text": "Hello"}
    )
    await sim.settle()
    folder = sim.world.mailboxes.folder("sales@example.org", "INBOX")
    assert folder is not None
    assert len(sim.world.mailboxes.letters(folder.id)) == 1
    assert box["password"]
    await sim.control("POST", "/customers/demo-ada/mails", {"to": "none@example.org", "text": "x"}, status=404)
