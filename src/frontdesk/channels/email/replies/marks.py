"""Recognising single things: the line above a quote, a block of mail headers, a forward marker, a signature."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from frontdesk.channels.email.replies.words import (
    BEGINS,
    CLOSINGS,
    DEVICES,
    LABELS,
    MARKERS,
    OPENERS,
    SENT_FROM,
    WROTE,
    WROTE_PHRASES,
)

MAX_ATTRIBUTION: Final = 400  # characters; real ones with two long addresses stay under 300
MAX_JOINED: Final = 4  # lines over which mail programs wrap an attribution

_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffc]")
_SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000\t ]+")
_MAIL = re.compile(r"[^\s@<>()\[\]:]{1,64}@[^\s@<>()\[\]:]{2,100}")
_TIME = re.compile(r"\b\d{1,2}\s?[:.h時点시]\s?\d{2}|\d{1,2}\s?(?:am|pm|時|시|点)\b", re.IGNORECASE)
_DATE = re.compile(
    r"(?<!\d)\d{4}(?!\d)|\d{4}[年년]|\d{1,2}\s?[月월]|\b\d{1,2}\s?[./-]\s?\d{1,2}\s?[./-]"
    r"|\b\d{1,2}\.? [^\W\d_]{3,12}\b|\b[^\W\d_]{3,9}\.? \d{1,2}\b"
)
_NAME_MAIL = re.compile(r"[^<>:]{2,80}[<(\[](?:mailto:)?[^\s<>@]{1,64}@")
_STARTS_WITH_DATE = re.compile(r"\W{0,3}(?:[^\W\d_]{1,12}[.,]{0,2} )?\d{1,4}[\s./年년:.-]")
_WORDS = re.compile(r"[^\W\d_]+(?:\(a\)|/la)?")
_FIRST_WORD = re.compile(r"\W{0,3}([^\W_]+)")
_RULE = re.compile(r"\s*[-_=*\u2013\u2014\u2500]{3,}\s*\Z")
_FRAMED = re.compile(  # (a run of dashes is taken whole: with give and take, 120 of them would cost 10 ms)
    r"\W{0,3}[-_=*\u2013\u2014~]{2,}+\s*(.{2,80}?)\s*[-_=*\u2013\u2014~]{2,}+\W{0,3}\Z|\W{0,3}[-_=*]{4,}+\s*(.{2,60})\Z"
)
_LABEL = re.compile(r"\s*+[*_]{0,2}\s*+([^\s:：*][^:：*\n]{0,24}?)\s*+[*_]{0,2}\s*+[:：]\s*+[*_]{0,2}(.*)\Z")
_PHONE = re.compile(
    r"(?:\+|\b00|\b0|\(\d)[\d\s()./-]{6,20}\d|\b(?:tel|fon|phone|mob|fax|тел|τηλ|電話|电话|전화|t|m|p|f)\b[.:：]",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"https?://|\bwww\.|\b[a-z0-9-]{2,40}\.(?:com|net|org|de|fr|eu|io|co\.uk|es|it|nl|pl|ru|gr)\b", re.IGNORECASE
)
_SENT_FROM_MY = re.compile(r"sent from my(?: [\w&'’-]+){1,5}[.!]?\Z")


def plain(line: str) -> str:
    """The line without characters that nobody sees, with single plain spaces."""
    return _SPACES.sub(" ", _INVISIBLE.sub("", line)).strip()


def is_rule(line: str) -> bool:
    """A line of dashes, underscores or the like."""
    return len(line) < 200 and bool(_RULE.match(line))


def is_attribution(text: str, *, before_quote: bool) -> bool:
    """Whether the (joined, plain) text is what mail programs write above a quote: "On …, Jane <j@…> wrote:".

    Right above ">" lines little is needed; elsewhere a date with a verb or an address has to be there.
    """
    if not 4 <= len(text) <= MAX_ATTRIBUTION:
        return False
    bare = text.rstrip("*_ >\"'”»")
    colon = bare.endswith((":", "：", "︰"))
    if not colon and not before_quote:
        return False
    lower = bare.lower()
    wrote = not WROTE.isdisjoint(_WORDS.findall(lower)) or any(phrase in lower for phrase in WROTE_PHRASES)
    mail, time, date = bool(_MAIL.search(text)), bool(_TIME.search(text)), bool(_DATE.search(text))
    if before_quote:
        if not colon:
            last = _WORDS.findall(lower)[-1:]
            return (wrote and bool(last) and last[0] in WROTE and (date or mail)) or (date and time and mail)
        return mail or (date and time) or (wrote and (date or len(text) <= 80))
    return (date and time and (wrote or mail)) or (wrote and mail) or (wrote and date and starts_well(text))


def starts_well(text: str) -> bool:
    """Whether an attribution may begin like this: with a date, one of the usual words, or a name and an address."""
    first = _FIRST_WORD.match(text)
    if first is not None and first[1].lower() in OPENERS:
        return True
    return bool(_STARTS_WITH_DATE.match(text) or _NAME_MAIL.match(text)) or text[:1] in "在于於"


def starts_surely(line: str) -> bool:
    """Whether an attribution begins with this line: it starts well and has the date in it."""
    opener = _FIRST_WORD.match(line)
    opens = (opener is not None and opener[1].lower() in OPENERS) or bool(_STARTS_WITH_DATE.match(line))
    return opens and bool(_DATE.search(line[:MAX_ATTRIBUTION]))


def ends_sentence(line: str) -> bool:
    """The line above an attribution that is somebody's sentence, and not the attribution's own first half."""
    return line.endswith((".", "!", "?", "…", "。", "！", "？", ":"))


def is_groupwise(line: str) -> bool:
    """ ">>> Jane <jane@…> 09.02.2024 14:07 >>>": GroupWise quotes below it without marks."""
    return (
        len(line) < MAX_ATTRIBUTION and line.startswith(">>> ") and line.endswith(" >>>") and bool(_DATE.search(line))
    )


def label_of(line: str) -> tuple[str, str] | None:
    """("from", "Jane <j@…>") for a line "Von: Jane <j@…>", or None."""
    if len(line) > 2000:
        return None
    found = _LABEL.match(line)
    if found is None:
        return None
    kind = LABELS.get(found[1].lower().replace("’", "'"))
    return (kind, found[2].strip()) if kind else None


def looks_labelled(line: str) -> bool:
    """``Some words: a value``, in any language."""
    found = _LABEL.match(line) if len(line) <= 2000 else None
    return found is not None and bool(found[2].strip())


def header_block(lines: Sequence[str], start: int) -> int:
    """How many lines from ``start`` are a block of mail headers ("From: … Sent: … Subject: …"), 0 if none.

    Three kinds of header are needed, or two with a mail address in them; and a subject, a mail address or a date with a
    time, so that "From: Athens, To: Berlin, Date: 5 May" stays text.
    """
    first = label_of(lines[start])
    if first is None or first[0] in ("cc", "other"):
        return 0
    kinds, mail, last, timed = {first[0]}, bool(_MAIL.search(lines[start][:2000])), start, False
    blanks = 0
    for index in range(start + 1, min(start + 24, len(lines))):
        line = lines[index]
        if not line:
            blanks += 1
            if blanks > 1:
                break
            continue
        label = label_of(line)
        if label is None:
            if blanks or index - last > 3:  # a long list of recipients wraps over a few lines
                break
            continue
        kinds.add(label[0])
        mail = mail or bool(_MAIL.search(line[:2000]))
        timed = timed or (label[0] == "sent" and bool(_TIME.search(label[1]) and _DATE.search(label[1])))
        last, blanks = index, 0
    kinds.discard("other")
    sure = mail or "subject" in kinds or timed
    enough = "from" in kinds and (len(kinds) >= 3 or (len(kinds) == 2 and mail)) and sure
    return last - start + 1 if enough else 0


def may_begin_a_mail(line: str) -> bool:
    """Cheap: a label, dashes or a colon at the end, without which a line is no forward marker and no mail header."""
    return (
        line[:1] in "-_=*~–—" or line.endswith((":", "：")) or label_of(line) is not None or line[:4].lower() == "orig"
    )


def is_marker(line: str, following: Sequence[str]) -> bool:
    """ "----- Original Message -----", "Begin forwarded message:" and their like. Unknown words between dashes count
    when a line ``Label: value`` follows."""
    if not 6 <= len(line) <= 120:
        return False
    lower = line.lower().rstrip(" :：*")
    if lower.lstrip("*> ") in BEGINS or lower.startswith("original message processed by"):
        return True
    framed = _FRAMED.match(line)
    if framed is None and not is_rule(line):
        return False
    inner = (framed[1] or framed[2]).lower().strip(" :-_=*") if framed else ""
    if any(word in inner for word in MARKERS):
        return True
    after = [one for one in following if one][:2]
    open_end = framed is not None and framed[1] is None
    return not open_end and len(after) == 2 and all(looks_labelled(one) for one in after)


def is_mobile_signature(line: str) -> bool:
    """ "Sent from my iPhone", "Get Outlook for iOS": a short line that names a device or program and how it was
    sent."""
    if not 5 <= len(line) <= 120:
        return False
    lower = line.lower().strip("-–—_*. ")
    if _SENT_FROM_MY.match(lower):
        return not lower.endswith(("desk", "signature")) or any(device in lower for device in DEVICES)
    if lower.count(". ") or lower.endswith("?"):
        return False
    if "outlook" in lower and ("ios" in lower or "android" in lower):  # "Get Outlook for iOS", in any language
        return True
    named = min((at for at in map(lower.find, DEVICES) if at >= 0), default=-1)
    if named < 0 or "," in lower[:named]:  # "sent from my desk, which beats a mobile phone"
        return False
    return any(word in lower for word in SENT_FROM)


def is_contact(line: str) -> bool:
    """A line with a phone number, an address of the web or of mail."""
    return len(line) <= 200 and bool(_PHONE.search(line) or _LINK.search(line) or _MAIL.search(line))


def is_closing(line: str) -> bool:
    return len(line) <= 60 and line.lower().rstrip(" ,.!–-") in CLOSINGS
