"""The judges' mails, whole and broken: none raises, none is lost, and what is known of them comes out."""

from __future__ import annotations

import email
import email.policy
import json
import random
from pathlib import Path

import pytest

from channels.email.judges import judges
from frontdesk.channels.email import safe
from frontdesk.channels.email.headers import mailboxes
from frontdesk.channels.email.replies import split
from frontdesk.channels.email.show import show
from fuzz import mutating

KEYS = [
    *("from", "to", "cc", "subject", "message_id", "in_reply_to", "references"),
    *("text", "reply", "quoted", "signature", "html", "attachments"),
]


def check(data: bytes) -> None:
    shown = show(data)
    assert list(shown) == KEYS
    text = json.dumps(shown, ensure_ascii=False)
    text.encode()  # no lone surrogate
    assert "\\u0000" not in text


def test_every_mail_is_read() -> None:
    for path in judges("."):
        data = path.read_bytes()
        check(data)
        assert safe.letter(data).problem == "", path


def test_thousands_of_broken_mails_are_read() -> None:
    mails = [path.read_bytes() for path in judges("mikel-mail", "talon") if path.suffix == ".eml"]
    problems = 0
    short, chance = [mail for mail in mails if len(mail) < 60_000], random.Random(7)
    for data in (mutating.broken(chance, short) for _ in range(3500)):
        check(data)
        problems += bool(safe.letter(data).problem)
    assert problems <= 3  # mails that only show as an attachment


def test_any_bytes_at_all_are_a_mail() -> None:
    chance = random.Random(11)
    for size in (0, 1, 2, 10, 500, 5000):
        for _ in range(20):
            check(chance.randbytes(size))


def test_headers_agree_with_the_standard_library_where_it_can_read_them() -> None:
    differing: list[str] = []
    compared = 0
    for path in judges("mikel-mail"):
        if path.suffix != ".eml":
            continue
        data = path.read_bytes()
        message = email.message_from_bytes(data, policy=email.policy.default)
        try:
            theirs = [one.addr_spec.lower() for one in message["to"].addresses] if message["to"] else []
            subject = " ".join(str(message["subject"] or "").split())
        except (AttributeError, ValueError, IndexError, LookupError):
            continue
        ours = show(data)
        compared += 1
        if [one["address"] for one in ours["to"]] != theirs and "\ufffd" not in "".join(theirs):
            differing.append(f"{path.name} to: {theirs} {ours['to']}")
        if ours["subject"] != subject and "\ufffd" not in subject and subject.isascii():
            differing.append(f"{path.name} subject: {subject} {ours['subject']}")
    assert compared > 80
    assert len(differing) <= 8, "\n".join(differing)  # mails that are broken on purpose


@pytest.mark.parametrize("path", judges("talon/tests/fixtures/standard_replies"), ids=lambda path: path.name)
def test_replies_of_common_programs(path: Path) -> None:
    if path.suffix == ".eml":
        assert show(path.read_bytes())["reply"] == "Hello"


@pytest.mark.parametrize("path", judges("talon/tests/fixtures/html_replies"), ids=lambda path: path.name)
def test_html_replies_of_common_programs(path: Path) -> None:
    found = split("", path.read_text(encoding="utf-8", errors="replace"))
    assert found.reply.split() == "Hi. I am fine. Thanks, Alex".split()
    assert "Hello! How are you?" in found.quoted or "From:" in found.quoted


@pytest.mark.parametrize(
    ("name", "reply"),
    [
        ("email_1_6", "I get proper rendering as well."),
        ("email_1_7", ":+1:"),
        ("email_1_8", "I will reply under this one\n\nand under this."),
        ("email_2_1", "Outlook with a reply"),
        ("email_2_2", "Outlook with a reply directly above line"),
        ("email_iPhone", "Here is another email"),
        ("email_multi_word_sent_from_my_mobile_device", "Here is another email"),
        (
            "email_sent_from_my_not_signature",
            "Here is another email\n\nSent from my desk, is much easier then my mobile phone.",
        ),
        ("correct_sig", "this is an email with a correct -- signature."),
    ],
)
def test_replies_of_the_github_corpus(name: str, reply: str) -> None:
    (path,) = [path for path in judges("github") if path.stem == name]
    assert split(path.read_text(encoding="utf-8")).reply == reply


def test_addresses_survive_a_sender_who_cannot_spell() -> None:
    assert [one.address for one in mailboxes(['"A, B" <a@x.example>, b@x.example (Bee), <c@x.example'])] == [
        "a@x.example",
        "b@x.example",
        "c@x.example",
    ]
