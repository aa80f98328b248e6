"""Rows as people read them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from .. import talks
from ..customers import Customer
from ..faults import Faults
from ..mail import letters
from ..truth import Fact
from ..world import World
from .html import Html, joined, render

FAULT_GROUPS = (
    (
        "Deliveries to the desk (webhooks and mails)",
        ("duplicate", "reorder", "delay", "drop", "bad_signature"),
    ),
    (
        "Answers to the desk",
        ("too_many", "server_error", "drop_before", "drop_after", "slow", "callback_first", "imap_cut"),
    ),
    ("The far end", ("undelivered",)),
)
FAULT_WORDS = {
    "duplicate": ("Duplicates", "The same delivery arrives several times."),
    "reorder": ("Out of order", "Held back at random, so that later ones overtake."),
    "delay": ("Late", "The delivery waits."),
    "drop": ("Lost", "Never arrives. Only looking it up at the provider finds it."),
    "bad_signature": ("Forged", "A forged copy with a wrong signature arrives first."),
    "too_many": ("Too many requests", "429 with Retry-After. Nothing is accepted."),
    "server_error": ("Server error", "500. Nothing is accepted."),
    "drop_before": ("Cut before accepting", "The connection dies. Nothing is accepted."),
    "drop_after": ("Cut after accepting", "Accepted, but the answer never comes."),
    "slow": ("Slower than the client", "Accepted, but the answer takes very long."),
    "callback_first": ("Callback first", "Status callbacks arrive before the answer."),
    "imap_cut": ("IMAP cut", "A command is answered by cutting the connection."),
    "undelivered": ("Undelivered", "Accepted, later reported as failed; mails bounce."),
}
FAULT_FIGURES = {
    "duplicate": ("duplicate_copies", "extra copies, at most", 1, 50, 1),
    "reorder": ("reorder_seconds", "seconds, at most", 0, 3600, 0.5),
    "delay": ("delay_seconds", "seconds", 0, 86400, 0.5),
    "too_many": ("retry_after", "Retry-After, seconds", 0, 3600, 1),
    "slow": ("slow_seconds", "seconds", 0, 600, 1),
    "undelivered": ("undelivered_code", "error code", 0, 99999, 1),
}


def spaced(number: str | None) -> str:
    """+12025550101 as +1 202 555 0101; other countries stay as they are."""
    if number and number.startswith("+1") and len(number) == 12:
        return f"+1 {number[2:5]} {number[5:8]} {number[8:]}"
    return number or "no number"


def clock(moment: float) -> str:
    then = datetime.fromtimestamp(moment, UTC).astimezone()
    today = datetime.now(UTC).astimezone().date()
    return then.strftime("%H:%M" if then.date() == today else "%d %b, %H:%M")


def options(values: list[tuple[str, str]]) -> Html:
    return joined(render("option", value=value, label=label) for value, label in values)


def customers(everybody: list[Customer], chosen: str) -> Html:
    def one(place: int, who: Customer) -> Html:
        reach = "" if who.reach == "reachable" else f" · {who.reach}"
        return render(
            "customer",
            id=who.id,
            name=who.name,
            initial=who.name.removeprefix("Demo ")[:1],
            tint=place % 6,
            number=spaced(who.number) + reach,
            current=Html('aria-current="true"') if who.id == chosen else "",
        )

    return joined(one(place, who) for place, who in enumerate(everybody))


def phone(world: World, who: Customer) -> Html:
    """The texts of a customer, oldest first, as bubbles."""
    lines = talks.texts(world, who.number) if who.number else []
    if not lines:
        return render("empty", words="No texts yet. Write the first one below.")
    return joined(_bubble(line, who) for line in lines)


def _bubble(line: talks.Line, who: Customer) -> Html:
    pictures = joined(
        render("picture", url=file["url"], alt="Picture")
        for file in line.files
        if file["content_type"].startswith("image/")
    )
    return render(
        "bubble",
        by=line.by,
        speaker=who.name if line.by == "customer" else "Desk",
        text=Html(render("words", text=line.text) if line.text else ""),
        pictures=pictures,
        time=clock(line.at),
    )


def mails(world: World, who: Customer) -> Html:
    """The mails between a customer and the desk, newest first; the newest is open."""
    found = letters.mailbox(world, who) if who.email else []
    if not found:
        return render("empty", words="No mails yet. Write the first one above.")
    newest = len(found) - 1
    return joined(_mail(mail, opened=place == newest) for place, mail in reversed(list(enumerate(found))))


def _mail(mail: letters.ShownMail, *, opened: bool) -> Html:
    by_desk = mail.folder == "INBOX"
    page = Html("")
    if mail.html and not mail.text.strip():
        page = render("mail_page", page=mail.html, subject=mail.subject)
    files = joined(
        render("mail_file", name=file["name"], size=f"{file['size'] / 1024:.0f} kB") for file in mail.attachments
    )
    return render(
        "mail",
        key=f"{mail.folder}-{mail.uid}",
        by="desk" if by_desk else "customer",
        way="From the desk" if by_desk else "Sent by you",
        subject=mail.subject or "(no subject)",
        sender=mail.sender,
        to=mail.to,
        time=clock(mail.at),
        text=mail.text.strip(),
        page=page,
        files=files,
        open=Html("open" if opened else ""),
    )


def fault_row(name: str, faults: Faults) -> Html:
    title, words = FAULT_WORDS[name]
    figure = Html("")
    if name in FAULT_FIGURES:
        field, unit, low, high, step = FAULT_FIGURES[name]
        value = getattr(faults, field)
        figure = render(
            "fault_figure", field=field, unit=unit, low=low, high=high, step=step, value=f"{value:g}", title=title
        )
    percent = round(getattr(faults, name) * 100)
    return render("fault_row", name=name, title=title, words=words, percent=percent, figure=figure)


def truth(world: World, *, kind: str = "", party: str = "", rows: int = 60) -> Html:
    """The newest lines of the truth log, newest first."""
    last = world.store.value("SELECT coalesce(max(id), 0) FROM truth")
    narrowed = bool(kind or party)
    facts = world.truth.read(after=0 if narrowed else max(last - rows, 0), kind=kind, party=party, limit=100_000)[
        -rows:
    ]
    if not facts:
        return render(
            "empty_row", words="Nothing has happened yet." if not narrowed else "Nothing like that has happened."
        )
    return joined(_fact(fact) for fact in reversed(facts))


def _fact(fact: Fact) -> Html:
    time = datetime.fromtimestamp(fact.at, UTC).astimezone().strftime("%H:%M:%S")
    facts = json.dumps(fact.facts, ensure_ascii=False)
    return render(
        "fact",
        id=fact.id,
        time=time,
        kind=fact.kind,
        desk=fact.desk,
        customer=fact.customer,
        short=_summary(fact),
        facts=facts,
    )


def _summary(fact: Fact) -> str:
    """The one figure that tells most about a line."""
    facts = fact.facts
    if fact.kind == "webhook.sent":
        said = facts.get("status") or {"ct": "no connection", "rt": "no answer"}.get(facts["outcome"], facts["outcome"])
        what = facts["params"].get("MessageStatus") or "incoming text"
        return f"{what} → {said}" + (
            " (forged)" if facts["forged"] else f" (copy {facts['copy']})" if facts["copy"] else ""
        )
    for name in ("name", "status", "body", "subject", "reason", "code", "message_id"):
        if facts.get(name):
            return str(facts[name])
    return ""
