"""The bytes of a mail to a :class:`Letter`.

``email.message_from_bytes`` (policy ``compat32``) takes the parts apart; header values, parameters and charsets are
read by our own linear grammars, see :mod:`headers`. The other policy, ``default``, reads headers itself: over 3,000
mutated mails it raised on 472 where this way raised on none, and it needs seconds for headers that take milliseconds
here.

Nothing here defends against mails made to exhaust the machine; :mod:`safe` does.
"""

from __future__ import annotations

import email
import html as entities
import re
from collections.abc import Iterator, Sequence
from email.message import Message
from email.policy import compat32
from typing import Final
from urllib.parse import unquote

from frontdesk.channels.email import replies
from frontdesk.channels.email.decode import charset_named, header_text, text_of
from frontdesk.channels.email.fingerprint import fingerprint
from frontdesk.channels.email.headers import canonical, date_of, mailboxes, message_ids, unfold
from frontdesk.channels.email.html import inline_images, sanitise, to_text
from frontdesk.channels.email.letter import Letter, Part
from frontdesk.channels.email.limits import MAX_DEPTH, MAX_HEADER, MAX_MAIL, MAX_PARTS, header_end, within_caps
from frontdesk.channels.email.parameters import content_type, file_name, parsed
from frontdesk.channels.email.parts import bytes_of, children, header
from frontdesk.channels.email.reports import report_of

KEPT_HEADERS: Final = (
    *("auto-submitted", "precedence", "x-auto-response-suppress", "x-autoreply", "x-autorespond", "x-autoresponse"),
    *("list-id", "list-unsubscribe", "list-post", "feedback-id", "return-path", "x-failed-recipients", "x-loop"),
    *("authentication-results", "importance", "x-priority", "x-mailer", "user-agent", "x-spam-flag", "thread-index"),
    *("x-frontdesk", "sender", "x-ms-exchange-generated-message-source", "content-language"),
)
_DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "x-forwarded-to")
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE)
_CID = re.compile(r"cid:([^\"'\s>)<]{1,200})", re.IGNORECASE)

Headers = list[tuple[str, str]]


class TooComplex(Exception):
    """More parts or deeper nesting than is looked at. ``str()`` is a sentence for people."""


def read(data: bytes) -> Letter:
    """The whole mail, of at most MAX_MAIL bytes. Raises TooComplex, or whatever the stdlib raises on mails that break
    it (RecursionError …)."""
    message = email.message_from_bytes(within_caps(_without_envelope_line(data)), policy=compat32)
    letter = _heading([(name.lower(), str(value)) for name, value in message.raw_items()])
    letter.fingerprint = fingerprint(data)
    body = _Body()
    for leaf in _leaves(message):
        body.take(*leaf)
    letter.attachments = body.attachments
    _write_body(letter, body)
    letter.report = report_of(message)
    return letter


def read_heading(data: bytes) -> Letter:
    """Only the header block, without the stdlib: for mails whose bodies cannot be read."""
    raw = _without_envelope_line(data[:MAX_MAIL])
    block = raw[: min(header_end(raw), 256 * 1024)].decode("ascii", "surrogateescape")
    pairs: Headers = []
    for line in re.split(r"\r\n|\n|\r", block):
        if line[:1] in (" ", "\t") and pairs:
            name, value = pairs[-1]
            if len(value) < MAX_HEADER:
                pairs[-1] = (name, f"{value} {line.strip()}")
        else:
            name, colon, value = line.partition(":")
            if colon and name and " " not in name.strip():
                pairs.append((name.strip().lower(), value.strip()))
    letter = _heading(pairs)
    letter.fingerprint = fingerprint(data[:MAX_MAIL])
    return letter


def _without_envelope_line(data: bytes) -> bytes:
    """Mailbox files put "From jane@… Mon Feb 5 …" above a mail, and some programs leave it there."""
    if data[:5] == b"From " and b"\n" in data[:1000]:
        return data[data.index(b"\n") + 1 :]
    return data.lstrip(b"\r\n") if data[:1] in (b"\r", b"\n") and data.lstrip(b"\r\n")[:1].isalpha() else data


def _heading(pairs: Headers) -> Letter:
    def every(*names: str) -> list[str]:
        return [value for name, value in pairs if name in names]

    def first(name: str) -> str:
        return next(iter(every(name)), "")

    sender = next((one for one in mailboxes(every("from")) if "@" in one.address), None)
    spare = mailboxes([*every("sender"), *every("reply-to"), *every("return-path")])
    received = [value.rpartition(";")[2] for value in every("received")[:1]]
    own_id = message_ids(every("message-id")[:1])
    return Letter(
        sender=sender or next((one for one in spare if "@" in one.address), None),
        reply_to=mailboxes(every("reply-to")),
        to=mailboxes(every("to")),
        cc=mailboxes(every("cc")),
        bcc=mailboxes(every("bcc")),
        delivered_to=[one.address for one in mailboxes(every(*_DELIVERED)) if one.address],
        subject=header_text(unfold(first("subject")))[:2000],
        message_id=own_id[0] if own_id else None,
        in_reply_to=message_ids(every("in-reply-to")),
        references=message_ids(every("references")),
        date=date_of(first("date")),
        received=date_of(received[0]) if received else None,
        headers={
            name: header_text(unfold(first(name)))[:1000] for name in KEPT_HEADERS if any(name == n for n, _ in pairs)
        },
    )


# --- parts --------------------------------------------------------------------------------------------------------


def _leaves(message: Message) -> Iterator[tuple[Message, str, int]]:
    """Every part that is not a container, with the kind and identity of its nearest multipart/alternative."""
    stack: list[tuple[Message, str, int, int]] = [(message, "", 0, 0)]
    count = 0
    while stack:
        part, parent, group, depth = stack.pop()
        count += 1
        if count > MAX_PARTS:
            raise TooComplex(f"This mail has more than {MAX_PARTS} parts.")
        if depth > MAX_DEPTH:
            raise TooComplex(f"The parts of this mail are nested more than {MAX_DEPTH} deep.")
        kind = _kind(part)
        inner = children(part)
        if kind.startswith("multipart/") and inner:
            if kind == "multipart/alternative":
                group = count
            stack.extend((child, kind, group, depth + 1) for child in reversed(inner))
        else:
            yield part, parent, group


def _kind(part: Message) -> str:
    return content_type(header(part, "content-type"), part.get_default_type())[0]


class _Segment:
    """A stretch of the body: a text, or a text and its HTML twin."""

    def __init__(self, group: int) -> None:
        self.group, self.plain, self.html = group, "", ""


class _Body:
    def __init__(self) -> None:
        self.segments: list[_Segment] = []
        self.attachments: list[Part] = []

    def take(self, part: Message, parent: str, group: int) -> None:
        kind, parameters = content_type(header(part, "content-type"), part.get_default_type())
        disposition, more = parsed(header(part, "content-disposition") or "")
        name = more.get("filename") or parameters.get("name")
        if kind == "text/x-amp-html":
            return
        is_text = kind in ("text/plain", "text/html", "text/enriched") or kind.startswith("multipart/")
        if is_text and disposition != "attachment" and not name:
            self._text(part, kind, parameters, group)
        else:
            self._attach(part, kind, name, parameters)

    def _text(self, part: Message, kind: str, parameters: dict[str, str], group: int) -> None:
        data = bytes_of(part)
        if kind == "text/html":
            charset = parameters.get("charset")
            if charset_named(charset) is None:
                declared = _META_CHARSET.search(data[:2048])
                charset = declared[1].decode("ascii") if declared else charset
            self._segment(group, "html").html += text_of(data, charset)
            return
        text = text_of(data, parameters.get("charset"))
        if parameters.get("format", "").lower() == "flowed":
            text = unflowed(text, delete_space=parameters.get("delsp", "").lower() == "yes")
        segment = self._segment(group, "plain")
        segment.plain = f"{segment.plain}\n\n{text}" if segment.plain else text

    def _segment(self, group: int, slot: str) -> _Segment:
        """The twin's segment inside one multipart/alternative; else a new one."""
        if (
            group
            and self.segments
            and self.segments[-1].group == group
            and (slot == "html" or not self.segments[-1].plain)
        ):
            return self.segments[-1]
        self.segments.append(_Segment(group))
        return self.segments[-1]

    def _attach(self, part: Message, kind: str, name: str | None, parameters: dict[str, str]) -> None:
        content_id = header_text(unfold(header(part, "content-id") or "")).strip("<> ")[:200] or None
        number = len(self.attachments) + 1
        data = bytes_of(part)
        if kind == "message/rfc822" and not name:
            subject = read_heading(data).subject[:100]
            name = f"{subject}.eml" if subject else None
        if kind == "text/calendar" and not name:
            name = "invite.ics"
        self.attachments.append(
            Part(name=file_name(name, kind, number), content_type=kind, data=data, content_id=content_id)
        )


def unflowed(text: str, *, delete_space: bool) -> str:
    """RFC 3676: lines that end in a space go on in the next line of the same quote depth."""
    lines: list[str] = []
    open_depth = -1
    for line in text.split("\n"):
        bare = line.lstrip(">")
        depth = len(line) - len(bare)
        bare = bare[1:] if bare.startswith(" ") and (depth or bare[:2] != "  ") and bare != " " else bare
        flows = bare.endswith(" ") and bare != "-- "
        content = bare[:-1] if flows and delete_space else bare
        if depth == open_depth and bare != "-- ":
            lines[-1] += content
        else:
            lines.append(f"{'>' * depth} {content}" if depth else content)
        open_depth = depth if flows else -1
    return "\n".join(lines)


# --- body ---------------------------------------------------------------------------------------------------------


def _write_body(letter: Letter, body: _Body) -> None:
    html = ""
    if any(segment.html for segment in body.segments):
        html = "<br>\n".join(
            segment.html or f"<pre>{entities.escape(segment.plain)}</pre>" for segment in body.segments
        )
        html, images = inline_images(html)
        for number, (content_id, kind, data) in enumerate(images, len(body.attachments) + 1):
            name = file_name(None, kind, number)
            body.attachments.append(Part(name=name, content_type=kind, data=data, content_id=content_id))
        _mark_inline(html, body.attachments)
        letter.html = sanitise(html)
    texts = [segment.plain if segment.plain.strip() else to_text(segment.html) for segment in body.segments]
    letter.text = "\n\n".join(text.strip("\n") for text in texts if text.strip())
    letter.reply, letter.quoted, letter.signature = replies.split(letter.text, html or None)


def _mark_inline(html: str, parts: Sequence[Part]) -> None:
    shown = {unquote(found).lower() for found in _CID.findall(html)}
    for part in parts:
        part.inline = part.content_id is not None and part.content_id.lower() in shown


def own_addresses_in(letter: Letter) -> list[str]:
    """Every address that the mail was sent or delivered to, canonical where possible, without repeats."""
    found: dict[str, None] = {}
    for address in [*(one.address for one in [*letter.to, *letter.cc, *letter.bcc]), *letter.delivered_to]:
        try:
            found[canonical(address)] = None
        except ValueError:
            continue
    return list(found)
