"""Delivery reports (RFC 3464) and complaints (RFC 5965) inside a mail; and the bounces of Exim and qmail, which are
older."""

from __future__ import annotations

import re
from email.message import Message

from frontdesk.channels.email.decode import clean, header_text, text_of
from frontdesk.channels.email.headers import mailboxes, message_ids, unfold
from frontdesk.channels.email.letter import Outcome, Report
from frontdesk.channels.email.parameters import content_type
from frontdesk.channels.email.parts import bytes_of, children, header

_MAX_RECIPIENTS = 100
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_SMTP_CODE = re.compile(r"\b([45]\d\d)[ -]")
_MAIL = re.compile(r"[^\s<>@;:\"']{1,64}@[^\s<>@;:\"']{1,255}")


def report_of(message: Message) -> Report | None:
    """What the mail reports, or None if it is no report."""
    report = Report()
    found = False
    for part in _parts(message):
        kind = content_type(header(part, "content-type"), part.get_default_type())[0]
        inner = children(part)
        if kind in ("message/delivery-status", "message/global-delivery-status"):
            found = True
            _status(report, inner)
        elif kind == "message/feedback-report":
            found = True
            _feedback(report, inner[0] if inner else part)
        elif kind in ("message/rfc822", "message/global") and inner:
            _original(report, inner[0])
        elif kind in ("text/rfc822-headers", "message/global-headers", "text/rfc822-header"):
            _original_text(report, text_of(bytes_of(part)))
    failed = header(message, "x-failed-recipients")
    if failed and not report.outcomes:
        found = True
        report.outcomes = [Outcome(recipient=one.address, action="failed") for one in mailboxes([failed])]
        _old_style(report, message)
    return report if found else None


def _parts(message: Message) -> list[Message]:
    """The parts of the report itself, not of the mail that it returns."""
    return children(message)[:20] or [message]


def _field(group: Message, name: str) -> str:
    value = header(group, name)
    return header_text(unfold(value))[:1000] if value else ""


def _status(report: Report, groups: list[Message]) -> None:
    for group in groups[: _MAX_RECIPIENTS + 1]:
        report.envelope_id = report.envelope_id or _field(group, "original-envelope-id")
        recipient = _field(group, "original-recipient") or _field(group, "final-recipient")
        if not recipient and not _field(group, "action"):
            continue
        status = _STATUS.search(_field(group, "status"))
        diagnostic = _field(group, "diagnostic-code")
        enhanced = _STATUS.search(diagnostic)
        # Some servers say 5.0.0 and the true code only in the text of the next server.
        precise = enhanced[1] if enhanced and (status is None or status[1] in ("5.0.0", "4.0.0")) else None
        address = _MAIL.search(recipient.partition(";")[2] or recipient)
        report.outcomes.append(
            Outcome(
                recipient=address[0].lower() if address else "",
                action=_field(group, "action").lower().split(" ")[0],
                status=precise or (status[1] if status else ""),
                diagnostic=re.sub(r"^\s*[\w-]+\s*;\s*", "", diagnostic)[:500],
            )
        )


def _feedback(report: Report, group: Message) -> None:
    """RFC 5965 §3: the fields stand in the body of the part, as a header block of their own."""
    fields = dict(group.raw_items())
    for line in text_of(bytes_of(group)).split("\n")[:100]:
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip(), value.strip())
    lower = {name.lower(): str(value) for name, value in fields.items()}
    report.feedback = clean(lower.get("feedback-type", "abuse")).strip().lower()[:40]
    recipient = _MAIL.search(lower.get("original-rcpt-to", ""))
    if recipient:
        report.outcomes.append(Outcome(recipient=recipient[0].lower(), action="complaint"))


def _original(report: Report, original: Message) -> None:
    _take_original(report, header(original, "message-id"), header(original, "to"))


def _original_text(report: Report, block: str) -> None:
    unfolded = re.sub(r"\r?\n[ \t]+", " ", block[:65536])
    found = {
        name.lower(): value for name, value in re.findall(r"^(message-id|to):[ \t]*(.*)$", unfolded, re.I | re.M)[:20]
    }
    _take_original(report, found.get("message-id"), found.get("to"))


def _take_original(report: Report, own_id: str | None, to: str | None) -> None:
    ids = message_ids([own_id] if own_id else [])
    report.original_id = report.original_id or (ids[0] if ids else None)
    report.original_to = report.original_to or [one.address for one in mailboxes([to] if to else [])]


def _old_style(report: Report, message: Message) -> None:
    """Exim without RFC 3464: the returned mail stands in the text, headers first."""
    text = "" if message.is_multipart() else text_of(bytes_of(message))
    marker = re.search(
        r"^-{3,}.*(?:copy of the message|original message|returned message).*$", text[:65536], re.I | re.M
    )
    if marker is None:
        return
    _original_text(report, text[marker.end() :])
    status = _STATUS.search(text[: marker.start()])
    code = _SMTP_CODE.search(text[: marker.start()])
    for outcome in report.outcomes:
        outcome.status = status[1] if status else f"{code[1][0]}.0.0" if code else ""
        outcome.diagnostic = code.string[code.start() : code.start() + 200].split("\n")[0] if code else ""
