"""What reads bytes that strangers wrote, each with what must hold whatever they are.

A target takes bytes and returns nothing; it raises AssertionError when an answer is wrong, and whatever escapes from
the product when that is not an error which the product declares. ``fuzz.parsers`` feeds them, guided by coverage;
``replay`` feeds them the seeds and what random changes make of these.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from frontdesk.channels.email import child, limits, mailbox, mime, replies, safe, tokens
from frontdesk.channels.email import parse as mails
from frontdesk.channels.email.headers import canonical, date_of, mailboxes, message_ids
from frontdesk.channels.email.html import from_text, sanitise
from frontdesk.channels.email.outline import to_text
from frontdesk.channels.email.parameters import file_name, parsed
from frontdesk.channels.email.wire import Imap, Lost, Refused
from frontdesk.channels.livechat import clean
from frontdesk.channels.livechat import tokens as visits
from frontdesk.channels.port import Account, BadSignature, Inbound, Item, Raw, Receipt, Request
from frontdesk.channels.sms import CHANNEL, pdu
from frontdesk.channels.sms.gsm7 import decode_gsm7, encode_gsm7, septets
from frontdesk.channels.sms.numbers import came_from, typed
from frontdesk.channels.sms.segments import EACH_OF_SEVERAL, ONE, measure, smart, split
from frontdesk.channels.sms.smpp_content import is_receipt, part, report, text_of
from frontdesk.conversations import rules
from frontdesk.kit import downloads
from frontdesk.kit.addresses import Blocked, read_url
from frontdesk.vendors import twilio
from fuzz import mutating

CORPUS = Path(__file__).parent / "corpus"
SLOW = 2.0  # seconds of CPU that no input of at most 64 kB may take
LONGEST = 64 * 1024
AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
SECRET = b"of this inbox"


def account(**settings: Any) -> Account:
    given = {"address": "desk@support.example", "number": "+302100000000", **settings}
    return Account(workspace_id=1, inbox_id=1, name="x", settings=given, hook_url="https://x.example/h", secret=SECRET)


def text(data: bytes) -> str:
    """Any text at all, halves of surrogate pairs too."""
    return data.decode("utf-8", "surrogateescape" if data[:1] == b"\xed" else "replace")


def storable(items: Any) -> None:
    """What a driver returns are messages and receipts, and their texts go into PostgreSQL after :func:`rules.clean`."""
    for item in items:
        assert isinstance(item, Inbound | Receipt), item
        if isinstance(item, Inbound):
            assert item.external_id
            assert item.sender.kind
            assert item.sent_at.tzinfo is not None
            rules.clean(item.text).encode()
            json.dumps(item.meta)


def mime_target(data: bytes) -> None:
    """Every mail is a message, in the child as here; what cannot be read is shown with the original attached."""
    answer = child.answer_to(data)
    found = answer.letter or safe.unread(data, answer.problem)
    assert answer.letter is not None or found.attachments
    for shown in (found.text, found.reply, found.subject, found.html or "", *(one.name for one in found.attachments)):
        shown.encode()
        assert "\0" not in shown
    if limits.is_harmless(data):
        items = mails.parse(Raw(dedupe_key="k", body=data, meta={"received_at": AT.isoformat()}), account())
        assert items
        storable(items)
    mime.read_heading(data)


def reply_target(data: bytes) -> None:
    """What somebody wrote now is a part of what came."""
    plain, _, html = text(data).partition("\x1e")
    found = replies.split(plain, html or None)
    assert len(found.reply) + len(found.quoted) + len(found.signature) <= 4 * len(plain) + 4 * len(html) + 100


def address_target(data: bytes) -> None:
    """One spelling for each number and address; what is none is refused with a sentence."""
    given = text(data)
    came = came_from(given, own="+302100000000")
    assert came.kind
    assert len(came.value) <= 200
    for read in (lambda value: typed(value, own="+302100000000").value, canonical):
        try:
            value = read(given)
        except ValueError as error:
            assert str(error)
        else:
            assert read(value) == value
    clean.email(given)
    clean.phone(given)
    clean.url(given)


def header_target(data: bytes) -> None:
    """Header values: lists of addresses, ids, dates, parameters. None raises."""
    value = data.decode("ascii", "surrogateescape")
    assert len(mailboxes([value])) <= limits.MAX_ADDRESSES
    assert len(message_ids([value])) <= limits.MAX_REFERENCES
    date = date_of(value)
    assert date is None or date.tzinfo is not None
    _, parameters = parsed(value)
    name = file_name(parameters.get("filename", value), "image/png", 1)
    assert name
    assert not {"/", "\\", "\0", "\r", "\n"} & set(name)
    assert len(name.encode()) <= 255


def signature_target(data: bytes) -> None:
    """What was not signed is refused without an error, and what was signed has one spelling."""
    body, _, rest = data.partition(b"\x1e")
    url = f"https://x.example/hooks/1-a?{rest.decode('latin-1')}"
    headers = {"x-twilio-signature": text(rest), "content-type": "application/x-www-form-urlencoded"}
    twilio.is_signed(url, headers, body, auth_token="t")
    twilio.is_signed(url, {**headers, "content-type": text(rest)}, body, auth_token="t")
    assert not twilio.is_signed(url, headers, body, auth_token="")
    ours = account()
    given = text(data)
    conversation = str(int.from_bytes(data[:7], "big") + 1)
    token = tokens.make_token(ours, conversation)
    assert tokens.verify_token(ours, token) == conversation
    if known := tokens.verify_token(ours, given):  # atheris sees what is compared, and so learns to sign
        assert tokens.make_token(ours, known) == given.lower()
    tokens.is_own_id(ours, given)
    tokens.own_id_in(ours, given)
    tokens.token_in(ours, "desk@support.example", [given, f"desk+{given}@support.example"])
    downloads.verify(SECRET, given, now=AT)
    for read in (lambda: visits.read(given, visits.Visit, SECRET, at=AT), lambda: visits.inbox_of(given),
                 lambda: visits.read_identity(given, "s" * 32, at=AT)):  # fmt: skip
        try:
            read()
        except (visits.BadToken, visits.BadIdentity):
            continue


def hook_target(data: bytes) -> None:
    """A delivery with a good signature is stored, or refused as unreadable; what is stored means something."""
    body, _, query = data.partition(b"\x1e")
    sms: Any = CHANNEL.driver
    form = "application/x-www-form-urlencoded"
    for provider, url, given in (
        ("twilio", "https://x.example/hooks/1-a", {"auth_token": "t", "account_sid": "AC"}),
        ("kannel", f"https://x.example/hooks/1-a?token=t&{query.decode('latin-1')}", {"hook_token": "t"}),
    ):
        inbox = account(provider=provider, **given)
        headers = {"content-type": form}
        if provider == "twilio":
            try:
                headers["x-twilio-signature"] = twilio.sign(url, twilio.form(body), "t")
            except ValueError:
                continue
        request = Request(method="POST", url=url, query={}, headers=headers, body=body)
        try:
            raws, _ = sms.receive(request, inbox)
        except BadSignature:
            continue
        for raw in raws:
            try:
                items: list[Item] = list(sms.parse(raw, inbox))
            except ValueError:  # set aside
                continue
            storable(items)


def segment_target(data: bytes) -> None:
    """The parts of a text are the text, as many as were counted, and none is too long."""
    given = text(data)
    size, parts = measure(given), split(given)
    assert "".join(parts) == given
    assert len(parts) == size.parts
    most = ONE[size.encoding] if size.parts == 1 else EACH_OF_SEVERAL[size.encoding]
    for one in parts:
        units = sum(septets(c) if size.encoding == "GSM-7" else 1 + (ord(c) > 0xFFFF) for c in one)
        assert units <= most
        if size.encoding == "GSM-7":
            assert decode_gsm7(encode_gsm7(one)) == one
    decode_gsm7(data)
    smart(given)
    rules.keyword(given)
    rules.preview(given)
    assert "\0" not in rules.clean(given)


class _Nowhere:
    """Takes what a client writes."""

    def write(self, data: bytes) -> None:
        pass

    async def drain(self) -> None:
        pass


async def _talk(data: bytes) -> None:
    for ask in (
        lambda imap: imap.read_capabilities(),
        lambda imap: mailbox.examine(imap, mailbox.mailbox_name("INBOX")),
        lambda imap: mailbox.search(imap, "ALL"),
        lambda imap: mailbox.sizes(imap, [1, 2, 3]),
        lambda imap: mailbox.fetch(imap, {1: 10, 2: 20, 3: limits.MAX_MAIL + 1}),
        lambda imap: mailbox.sent_folder(imap),
        lambda imap: imap.idle(5),
    ):
        reader = asyncio.StreamReader(limit=1024 * 1024)
        reader.feed_data(data)
        reader.feed_eof()
        try:
            await ask(Imap(reader, _Nowhere()))  # type: ignore[arg-type, no-untyped-call]
        except (Lost, Refused):
            continue


_loop = asyncio.new_event_loop()


def imap_target(data: bytes) -> None:
    """A mail server that says anything at all is understood, refuses, or is lost."""
    _loop.run_until_complete(_talk(data))


def smpp_target(data: bytes) -> None:
    """An SMSC's bytes are PDUs or malformed; what is a delivery has a text."""
    try:
        found = pdu.decode_all(data)
    except pdu.Malformed:
        found = [pdu.Pdu(pdu.DELIVER_SM, 1, 0, data), pdu.Pdu(pdu.DATA_SM, 1, 0, data)]
    messages = []
    for one in found:
        assert pdu.decode(one.encode()) == one
        pdu.message_id(one.body)
        try:
            messages.append(pdu.delivery(one))
        except pdu.Malformed:
            continue
    for message in messages:
        part(message)
        if is_receipt(message):
            report(message)
    if messages:
        assert isinstance(text_of(messages, {}), str)
        came_from(messages[0].source, own="+302100000000")


def url_target(data: bytes) -> None:
    """An address has one reading only, or is none that we fetch."""
    try:
        target = read_url(text(data))
    except Blocked as error:
        assert str(error)
        return
    assert read_url(target.url) == target
    assert target.scheme in ("http", "https")
    assert not {"@", "\\", " ", "\r", "\n", "\t"} & set(target.authority)


class _Seen(HTMLParser):
    """What a parser other than the sanitiser's sees in its output."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in (
            "script",
            "style",
            "iframe",
            "object",
            "embed",
            "base",
            "form",
            "svg",
            "math",
            "link",
            "meta",
        )
        for name, value in attrs:
            assert not name.startswith("on"), name
            if name in ("href", "src", "cite"):
                scheme = (value or "").strip().lower()
                assert not scheme.startswith(("javascript:", "vbscript:", "data:text")), value


def html_target(data: bytes) -> None:
    """Nothing that runs comes through, whoever parses the result, and however often it is cleaned."""
    given = text(data).encode("utf-8", "replace").decode()
    cleaned = sanitise(given)
    if cleaned is not None:
        _Seen().feed(cleaned)
        _Seen().feed(sanitise(cleaned) or "")
    to_text(given)
    _Seen().feed(from_text(given))


TARGETS: dict[str, Callable[[bytes], None]] = {
    "mime": mime_target, "replies": reply_target, "addresses": address_target, "headers": header_target,
    "signatures": signature_target, "hooks": hook_target, "segments": segment_target, "imap": imap_target,
    "smpp": smpp_target, "urls": url_target, "html": html_target,
}  # fmt: skip


def run(name: str, data: bytes) -> None:
    """One input, within bounds of time. Raises AssertionError or whatever escapes."""
    began = time.process_time()
    TARGETS[name](data[:LONGEST])
    took = time.process_time() - began
    assert took < SLOW, f"{took:.1f} s"


def seeds(name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((CORPUS / name).glob("*"))]


def replay(name: str, *, mutations: int, seed: int = 1) -> int:
    """The seeds, and random changes of them; returns how many inputs that were."""
    given = seeds(name)
    chance = random.Random(f"{name} {seed}")
    for data in given:
        run(name, data)
    for _ in range(mutations):
        data = chance.choice(given)
        for _ in range(chance.choice((1, 2, 5))):
            data = mutating.anywhere(chance, data)
        run(name, data)
    return len(given) + mutations


def name_of(data: bytes) -> str:
    """The file name of a seed."""
    return hashlib.sha256(data).hexdigest()[:12]
