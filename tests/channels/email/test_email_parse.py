"""From a stored mail to messages and receipts: whose it is, whom it answers, whether a machine wrote it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from frontdesk.channels.email import CHANNEL
from frontdesk.channels.email.fingerprint import dedupe_key
from frontdesk.channels.email.tokens import make_token, message_id, reply_address, verify_token
from frontdesk.channels.port import Account, DeliveryState, Inbound, Raw, Receipt

DESK = "desk@support.example"


def account(secret: bytes = b"of this inbox", **settings: Any) -> Account:
    settings = {"address": DESK, "name": "Support", **settings}
    return Account(workspace_id=1, inbox_id=1, name="Support", settings=settings, hook_url="", secret=secret)


def mail(body: str = "Hello", **headers: str | None) -> bytes:
    all_headers = {
        "From": "Alice <alice@customer.example>",
        "To": DESK,
        "Date": "Mon, 05 Feb 2024 10:00:00 +0000",
        "Message-ID": "<a@customer.example>",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [f"{name}: {value}" for name, value in all_headers.items() if value is not None]
    return "\r\n".join([*lines, "", body]).encode()


def items(data: bytes, to: Account | None = None, **meta: Any) -> list[Any]:
    return list(CHANNEL.driver.parse(Raw(dedupe_key="k", body=data, meta=meta), to or account()))


def one(data: bytes, to: Account | None = None, **meta: Any) -> Inbound:
    (item,) = items(data, to, **meta)
    assert isinstance(item, Inbound)
    return item


# --- tokens -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "1",
        "4711",
        str(10**17),
        "0b5c43a4-8a49-4f0c-9a40-5c1a1f0d3a62",
        "0B5C43A4-8A49-4F0C-9A40-5C1A1F0D3A62",
        "c8",
        "007",
        "ü",
    ],
)
def test_a_token_comes_back(name: str) -> None:
    token = make_token(account(), name)
    assert token == token.lower()
    assert verify_token(account(), token) == name
    assert verify_token(account(), token.upper()) == name
    for other in (token[:-1], "a" + token[1:], token[::-1], token + "a", "", "a" * 40, "=" * 20):
        assert other == token or verify_token(account(), other) is None
    assert verify_token(account(b"another secret"), token) is None


def test_no_secret_signs_nothing() -> None:
    with pytest.raises(ValueError, match="no secret"):
        make_token(account(b""), 5)
    assert verify_token(account(b""), make_token(account(), 5)) is None


def test_a_reply_address_keeps_to_the_length_of_a_local_part() -> None:
    address = reply_address(account(), DESK, "4711")
    assert address is not None
    assert len(address.partition("@")[0]) <= 64
    assert reply_address(account(), DESK, "x" * 40) is None


@pytest.mark.parametrize("header", ["To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To"])
def test_the_token_is_found_wherever_servers_write_the_address(header: str) -> None:
    address = reply_address(account(), DESK, "4711")
    assert one(mail(**{"To": "x@y.example", header: f"<{address}>"})).token == "4711"


def test_foreign_and_forged_tokens_are_nothing() -> None:
    token = make_token(account(), 4711)
    for address in (
        f"desk+{token}@other.example",
        f"x+{token}@support.example",
        "desk+@support.example",
        "desk+abc@support.example",
    ):
        assert one(mail(To=address)).token is None
    assert one(mail(To=f"desk+{token}@support.example"), account(b"another")).token is None
    assert one(mail(To=f"desk+{token}@support.example"), account(address="")).token is None


def test_a_token_has_one_spelling() -> None:
    """Base32 leaves bits over at the end, which say nothing."""
    token = make_token(account(), 4711)
    alike = [token[:-1] + letter for letter in "abcdefghijklmnopqrstuvwxyz234567"]
    assert [one for one in alike if verify_token(account(), one) is not None] == [token]


# --- identity and order -------------------------------------------------------------------------------------------


def test_answers_name_the_nearest_first_and_never_nothing() -> None:
    found = one(mail(In_Reply_To="<c@x>", References="<a@x> <b@x>\r\n <c@x> <>"))
    assert found.answers == ("<c@x>", "<b@x>", "<a@x>")
    assert one(mail(In_Reply_To="", References=" ")).answers == ()
    assert one(mail(In_Reply_To="<a@customer.example>")).answers == ()


def test_without_an_id_the_content_is_the_name() -> None:
    first = one(mail(Message_ID=None)).external_id
    assert first == one(mail(Message_ID=None)).external_id
    assert first != one(mail("other", Message_ID=None)).external_id
    assert one(mail(Message_ID="")).external_id.startswith("hash:")


def test_copies_have_one_key_and_different_mails_with_one_id_have_two() -> None:
    data = mail("Hello  \r\nyou\r\n")
    travelled = (
        b"Return-Path: <a@b>\r\nReceived: from x by y; now\r\nDelivered-To: z\r\n"
        + data.replace(b"\r\n", b"\n")
        + b"\n"
    )
    assert dedupe_key(data) == dedupe_key(travelled)
    assert dedupe_key(data) != dedupe_key(mail("Something else"))
    assert dedupe_key(data) != dedupe_key(mail("Hello  \r\nyou\r\n", Date="Tue, 06 Feb 2024 10:00:00 +0000"))
    assert dedupe_key(b"") != dedupe_key(b"x")
    assert one(data).meta["fingerprint"] != one(mail("Something else")).meta["fingerprint"]


def test_our_own_id_on_a_strangers_mail_does_not_hide_it() -> None:
    own = message_id(account(), "key-1", "support.example")
    assert one(mail(Message_ID=own)).external_id.startswith("hash:")
    echo = one(mail(Message_ID=own, From=DESK))
    assert (echo.own, echo.external_id) == (True, own)


def test_who_it_is_from() -> None:
    assert one(mail(From=None)).sender.value == "unknown@sender.invalid"
    assert one(mail(From=None, Reply_To="r@x.example")).sender.value == "r@x.example"
    assert one(mail(From="A <a@x.example>, B <b@x.example>")).sender.value == "a@x.example"
    assert one(mail(Reply_To="Alice <home@x.example>")).also[0].value == "home@x.example"
    assert one(mail(Reply_To="x@x.example", List_Id="<l.example>")).also == ()
    form = one(mail(From=f"Website <{DESK}>", Reply_To="Visitor <v@x.example>"))
    assert (form.sender.value, form.own) == ("v@x.example", False)
    sent = one(mail(From=DESK, To=f"{DESK}, Bob <bob@x.example>"), sent=True)
    assert (sent.sender.value, sent.own, sent.also) == ("bob@x.example", True, ())


def test_the_sender_counts_as_verified_only_by_our_own_servers_word() -> None:
    header = "mx.support.example; spf=pass; dmarc=pass header.from=customer.example"
    trusting = account(authserv_id="mx.support.example")
    assert one(mail(Authentication_Results=header), trusting).sender.verified
    assert not one(mail(Authentication_Results=header)).sender.verified
    assert not one(mail(Authentication_Results="evil.example; dmarc=pass"), trusting).sender.verified
    failed = one(mail(Authentication_Results="mx.support.example; dmarc=fail"), trusting)
    assert (failed.sender.verified, failed.meta["authentication"]) == (False, "fail")


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Mon, 05 Feb 2024 10:00:00 +0000", datetime(2024, 2, 5, 10, tzinfo=UTC)),
        ("Fri, 05 Feb 2099 10:00:00 +0000", datetime(2024, 2, 5, 10, 5, tzinfo=UTC)),
        ("Thu, 01 Jan 1970 00:00:00 +0000", datetime(2024, 2, 5, 10, 5, tzinfo=UTC)),
        ("Wed, 05 Apr 2023 10:00:00 +0000", datetime(2024, 2, 5, 10, 5, tzinfo=UTC)),
        ("soon", datetime(2024, 2, 5, 10, 5, tzinfo=UTC)),
        (None, datetime(2024, 2, 5, 10, 5, tzinfo=UTC)),
    ],
)
def test_an_impossible_date_is_replaced(date: str | None, expected: datetime) -> None:
    assert one(mail(Date=date), received_at="2024-02-05T10:05:00+00:00").sent_at == expected
    assert one(mail(Date=date, Received="from a by b; Mon, 05 Feb 2024 10:05:00 +0000")).sent_at == expected


def test_what_lay_in_the_mailbox_before_is_marked() -> None:
    assert one(mail(), backfilled=True).meta["backfilled"] is True
    assert "backfilled" not in one(mail()).meta


def test_no_date_at_all() -> None:
    assert one(mail(Date=None)).sent_at == datetime(1970, 1, 1, tzinfo=UTC)
    assert one(mail(Date=None), received_at="nonsense").sent_at == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_mail_too_large_to_fetch_says_so() -> None:
    found = one(mail(Subject="Film"), left_out=80 * 1024 * 1024)
    assert "80 MB" in found.text
    assert found.subject == "Film"


# --- machines -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated; owner-email=x"},
        {"Precedence": "bulk"},
        {"Precedence": " List "},
        {"X_Auto_Response_Suppress": "DR, OOF"},
        {"X_Autoreply": "yes"},
        {"List_Id": "<l.example>"},
        {"List_Unsubscribe": "<https://x.example>"},
        {"Return_Path": "<>"},
        {"From": "MAILER-DAEMON@x.example"},
        {"From": "no-reply@x.example"},
        {"From": "bounces+1234@x.example"},
        {"From": "do_not_reply@x.example"},
    ],
)
def test_machines(headers: dict[str, str]) -> None:
    assert one(mail(**headers)).automatic


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Auto_Submitted": "no"},
        {"Precedence": "first-class"},
        {"From": "noreen@x.example"},
        {"Return_Path": "<a@b>"},
    ],
)
def test_people(headers: dict[str, str]) -> None:
    assert not one(mail(**headers)).automatic


# --- reports ------------------------------------------------------------------------------------------------------


def report(original: str, groups: list[str], *, envelope: str = "", to: str = "gone@x.example") -> bytes:
    status = "\r\n\r\n".join([f"Reporting-MTA: dns; mx.x.example{envelope}", *groups])
    body = "\r\n".join(
        [
            *(
                "--d",
                "Content-Type: text/plain",
                "",
                "Sorry.",
                "--d",
                "Content-Type: message/delivery-status",
                "",
                status,
            ),
            *(
                "",
                "--d",
                "Content-Type: message/rfc822",
                "",
                f"Message-ID: {original}",
                f"To: {to}",
                "",
                "x",
                "--d--",
                "",
            ),
        ]
    )
    kind = "multipart/report; report-type=delivery-status; boundary=d"
    return mail(body, From="MAILER-DAEMON@x.example", Content_Type=kind, MIME_Version="1.0")


def group(action: str, status: str, recipient: str = "gone@x.example", said: str = "550 no") -> str:
    return (
        f"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\nDiagnostic-Code: smtp; {said}"
    )


OWN = message_id(account(), "key-1", "support.example")


def receipt(data: bytes) -> Receipt:
    (item,) = items(data)
    assert isinstance(item, Receipt)
    return item


@pytest.mark.parametrize(
    ("groups", "state", "code", "bad"),
    [
        ([group("failed", "5.1.1")], "failed", "5.1.1", True),
        ([group("failed", "5.0.0", said="550 5.1.1 unknown")], "failed", "5.1.1", True),
        ([group("failed", "5.2.2")], "failed", "5.2.2", False),
        ([group("delayed", "4.4.1")], "accepted", "4.4.1", False),
        ([group("delivered", "2.0.0")], "delivered", "2.0.0", False),
        ([group("relayed", "2.0.0")], "sent", "2.0.0", False),
        ([group("delivered", "2.0.0"), group("failed", "5.1.1")], "failed", "5.1.1", True),
        ([group("failed", "5.1.1", "copy@x.example")], "failed", "5.1.1", False),
    ],
)
def test_a_report_about_our_mail(groups: list[str], state: str, code: str, bad: bool) -> None:
    found = receipt(report(OWN, groups))
    assert (found.external_id, found.state, found.code, found.bad_address) == (OWN, DeliveryState(state), code, bad)
    assert found.at == datetime(2024, 2, 5, 10, tzinfo=UTC)


def test_a_report_may_name_us_only_by_the_envelope() -> None:
    data = report("<x@y>", [group("failed", "5.1.1")], envelope=f"\r\nOriginal-Envelope-Id: {OWN.strip('<>')}")
    assert receipt(data).external_id == OWN


def test_a_report_about_nothing_of_ours_is_seen_as_well() -> None:
    found = items(report("<other@x>", [group("failed", "5.1.1")]))
    assert [type(item) for item in found] == [Receipt, Inbound]
    assert found[1].automatic
    (alone,) = items(report("", [group("failed", "5.1.1")]))
    assert isinstance(alone, Inbound)
    assert alone.automatic


def test_a_report_made_of_words() -> None:
    text = (
        f"Hi. This is the qmail-send program.\r\n<gone@x.example>: no mailbox\r\n\r\n--- Below\r\nMessage-ID: {OWN}\r\n"
    )
    found = receipt(mail(text, From="MAILER-DAEMON@x.example"))
    assert (found.external_id, found.state) == (OWN, DeliveryState.failed)
    assert isinstance(items(mail(text))[0], Inbound)  # a person who quotes it


def test_exim_without_a_report() -> None:
    copy = f"------ This is a copy of the message ------\r\n\r\nMessage-ID: {OWN}\r\nTo: g@x.example\r\n"
    text = f"550 5.1.1 no such user\r\n\r\n{copy}"
    found = receipt(mail(text, From="Mailer-Daemon@x.example", X_Failed_Recipients="g@x.example"))
    assert (found.external_id, found.state, found.code, found.bad_address) == (OWN, DeliveryState.failed, "5.1.1", True)


def test_exim_that_returns_nothing_of_the_mail() -> None:
    """Whom it failed for is known, and not which mail of ours: nobody's message is marked."""
    (found,) = items(mail("550 no such user", From="Mailer-Daemon@x.example", X_Failed_Recipients="g@x.example"))
    assert isinstance(found, Inbound)
    assert found.automatic


def test_an_absence_note_is_no_bounce() -> None:
    found = one(mail("Away", In_Reply_To=OWN, Return_Path="<>", Auto_Submitted="auto-replied"))
    assert found.automatic
    assert found.answers == (OWN,)


def test_a_complaint_opts_out() -> None:
    body = "\r\n".join(
        [
            *("--d", "Content-Type: message/feedback-report", "", "Feedback-Type: abuse", "Version: 1", ""),
            *("--d", "Content-Type: message/rfc822", "", f"Message-ID: {OWN}", "", "x", "--d--", ""),
        ]
    )
    found = receipt(mail(body, Content_Type="multipart/report; report-type=feedback-report; boundary=d"))
    assert (found.external_id, found.opt_out, found.state) == (OWN, True, DeliveryState.delivered)
