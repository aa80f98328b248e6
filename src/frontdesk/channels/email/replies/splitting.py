"""The split itself: lines in, each marked as text, quote or signature, and put together again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from frontdesk.channels.email.outline import Line, outline
from frontdesk.channels.email.replies import marks

MAX_LINES: Final = 20_000  # what stands further down is left as it is
MAX_CHARS: Final = 1024 * 1024
MAX_CANDIDATES: Final = 2_000  # lines that are looked at closely, because somebody's mail may begin there
MAX_SENT: Final = 50

_QUOTED = re.compile(r"[ \t]{0,3}[>＞]")
_SIGNS = re.compile(r"\s*(?:--|—|––|__|-- ?)\s*\Z")
_ALNUM = re.compile(r"[\W_]+")


class Split(NamedTuple):
    """``reply`` is what the person wrote now; ``quoted`` and ``signature`` are what was taken away, as it stood."""

    reply: str
    quoted: str
    signature: str


def split(text: str, html: str | None = None, *, sent: Sequence[str] = ()) -> Split:
    """Tell the new text of a mail from quote and signature. ``sent``: texts of messages that it may be an answer to.

    With HTML whose structure marks quotes that structure decides; the result then comes from the plain text where both
    agree, because its author's program laid that out.
    """
    from_text = _split_lines(_plain_lines(text), sent)
    if not html:
        return from_text
    lines = outline(html[:MAX_CHARS])
    if not any(line.kind for line in lines):
        return from_text if text.strip() else _split_lines(lines, sent)
    from_html = _split_lines(lines, sent)
    same = _ALNUM.sub("", from_html.reply) == _ALNUM.sub("", from_text.reply)
    return from_text if same or (not from_html.reply and from_text.reply) else from_html


def _plain_lines(text: str) -> list[Line]:
    lines = text[:MAX_CHARS].replace("\r\n", "\n").split("\n")
    marked = [Line(line, "quote" if _QUOTED.match(line) else "") for line in lines]
    return _with_wrapped_quotes(marked)


def _with_wrapped_quotes(lines: list[Line]) -> list[Line]:
    """A short line between two ">" lines, the first of them long: the tail of a quoted line that was wrapped."""
    for index in range(1, len(lines) - 1):
        before, line, after = lines[index - 1], lines[index], lines[index + 1]
        if line.kind == "" and before.kind == after.kind == "quote" and 0 < len(line.text) < 40 < 66 < len(before.text):
            lines[index] = Line(line.text, "quote")
    return lines


def _split_lines(lines: Sequence[Line], sent: Sequence[str]) -> Split:
    work = _Marking(lines[:MAX_LINES])
    work.mark_sent(sent)
    work.mark_quotes()
    work.mark_signatures()
    rest = "\n".join(line.text for line in lines[MAX_LINES:])
    return Split(
        _tidy("\n".join([work.joined("text"), rest]) if rest else work.joined("text")),
        work.joined("quote").strip("\n"),
        work.joined("signature").strip("\n"),
    )


def _tidy(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", text).strip()


class _Marking:
    """``mark[i]`` is "text", "quote" or "signature"; ``plain[i]`` the line as the recognisers see it."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self.plain = [marks.plain(line.text) for line in lines]
        self.mark = ["quote" if line.kind in ("quote", "attribution") else "text" for line in lines]
        self.candidates = 0
        for index, line in enumerate(lines):
            if line.kind == "signature":
                self.mark[index] = "signature"

    def joined(self, mark: str) -> str:
        pieces: list[str] = []
        previous = -1
        for index, line in enumerate(self.lines):
            if self.mark[index] == mark:
                if previous >= 0 and index > previous + 1:
                    pieces.append("")
                pieces.append(line.text.rstrip())
                previous = index
        return "\n".join(pieces)

    # --- what we sent ourselves ---

    def mark_sent(self, sent: Sequence[str]) -> None:
        """From the first of two neighbouring lines that stand in a message of ours, lines of it are quotes."""
        ours = {self._fold(line) for body in sent[:MAX_SENT] for line in body[:MAX_CHARS].split("\n")} - {""}
        filled = [index for index, line in enumerate(self.plain) if line]
        short = [self._fold(self.plain[index]) in ours for index in filled]
        # A greeting alone is nobody's quote: two lines in a row, of which the first has some length, begin one.
        known = [mine and len(self.plain[index]) >= 12 for index, mine in zip(filled, short, strict=True)]
        at = next((n for n, mine in enumerate(known) if mine and all(short[n + 1 : n + 2])), None)
        if at is None:
            return
        last = max(n for n, mine in enumerate(known) if mine)
        while at and short[at - 1]:
            at -= 1
        while last + 1 < len(short) and short[last + 1]:
            last += 1
        above = self._attribution_above(filled[at])
        self._quote(filled[at] - above, filled[last] + 1)

    @staticmethod
    def _fold(line: str) -> str:
        return marks.plain(line).lstrip("> ").casefold()

    # --- quotes ---

    def mark_quotes(self) -> None:
        index, size = 0, len(self.lines)
        while index < size:
            if self.lines[index].kind == "rest" or self._everything_follows(index):
                self._quote(self._with_rule_above(index), size)
                return
            if self.mark[index] == "quote" and (index == 0 or self.mark[index - 1] != "quote"):
                self._mark_attribution_above(index)
            elif self.mark[index] == "text" and self.plain[index]:
                count = self._attribution_at(index)
                later = next((more for more in range(1, count) if self._attribution_at(index + more)), 0)
                index, count = index + later, count - later  # a line above it that happens to begin like one
                if count and self._next_filled(index + count) in (None, "text"):
                    self._quote(self._with_rule_above(index), size)
                    return
            index += 1

    def _quote(self, start: int, end: int) -> None:
        self.mark[start:end] = ["quote"] * (end - start)

    def _everything_follows(self, index: int) -> bool:
        """A forward marker or a block of headers: whatever comes after it is somebody else's mail."""
        line = self.plain[index]
        if marks.is_groupwise(line):
            return True
        if self.mark[index] != "text" or not line:
            return False
        if self.lines[index].kind == "header" and self._is_header_block(index):
            return True
        if self.candidates >= MAX_CANDIDATES or not marks.may_begin_a_mail(line):
            return False
        self.candidates += 1
        return marks.is_marker(line, self.plain[index + 1 : index + 5]) or marks.header_block(self.plain, index) > 0

    def _is_header_block(self, index: int) -> bool:
        """Two lines ``Label: value`` under the rule that Outlook draws, in any language."""
        block = [i for i in range(index, min(index + 12, len(self.lines))) if self.lines[i].kind == "header"]
        return sum(marks.looks_labelled(self.plain[i]) for i in block) >= 2

    def _with_rule_above(self, index: int) -> int:
        """The index of a line of dashes right above, or the index itself."""
        above = index - 1
        while above >= 0 and not self.plain[above] and above >= index - 3:
            above -= 1
        return above if above >= 0 and marks.is_rule(self.plain[above]) else index

    def _next_filled(self, index: int) -> str | None:
        for later in range(index, min(index + 4, len(self.lines))):
            if self.plain[later]:
                return self.mark[later]
        return None

    def _attribution_at(self, start: int) -> int:
        """How many lines from ``start`` are an attribution that no ">" follows, 0 if none."""
        if self.candidates >= MAX_CANDIDATES or not marks.starts_well(self.plain[start][: marks.MAX_ATTRIBUTION]):
            return 0
        self.candidates += 1
        joined = ""
        for count in range(1, marks.MAX_JOINED + 1):
            index = start + count - 1
            if index >= len(self.lines) or self.mark[index] != "text" or not self.plain[index]:
                return 0
            joined = f"{joined} {self.plain[index]}".strip()
            if len(joined) > marks.MAX_ATTRIBUTION:
                return 0
            if marks.is_attribution(joined, before_quote=False):
                return count
        return 0

    def _attribution_above(self, quote: int) -> int:
        """How many lines above ``quote`` belong to it (blank ones included), 0 if there is no attribution."""
        bottom = quote - 1
        while bottom >= 0 and bottom >= quote - 3 and not self.plain[bottom]:
            bottom -= 1
        joined, found, named = "", 0, False
        for count in range(1, marks.MAX_JOINED + 1):
            top = bottom - count + 1
            if top < 0 or self.mark[top] != "text" or not self.plain[top]:
                break
            if joined and marks.ends_sentence(self.plain[top]):
                break
            joined = f"{self.plain[top]} {joined}".strip()
            if len(joined) > marks.MAX_ATTRIBUTION:
                break
            if marks.is_attribution(joined, before_quote=True):
                if marks.starts_surely(self.plain[top]):
                    return quote - top
                if not found or (count > 1 and not named and marks.starts_well(joined)):
                    found, named = quote - top, marks.starts_well(joined)
        return found

    def _mark_attribution_above(self, quote: int) -> None:
        above = self._attribution_above(quote)
        if above:
            self._quote(self._with_rule_above(quote - above), quote)

    # --- signatures ---

    def mark_signatures(self) -> None:
        """In each stretch of text between quotes: from the delimiter on, and lines of phones at its end."""
        start, size = 0, len(self.lines)
        while start < size:
            if self.mark[start] != "text":
                start += 1
                continue
            end = start
            while end < size and self.mark[end] == "text":
                end += 1
            self._sign(start, end)
            start = end

    def _sign(self, start: int, end: int) -> None:
        cut = self._delimiter(start, end)
        if cut is not None:
            self.mark[cut:end] = ["signature"] * (end - cut)
            end = cut
        while True:
            last = next((index for index in range(end - 1, start - 1, -1) if self.plain[index]), None)
            if last is None or not marks.is_mobile_signature(self.plain[last]):
                break
            self.mark[last:end] = ["signature"] * (end - last)
            end = last
        cut = self._contact_block(start, end)
        if cut is not None:
            self.mark[cut:end] = ["signature"] * (end - cut)

    def _delimiter(self, start: int, end: int) -> int | None:
        """RFC 3676 §4.3: "-- " on a line of its own. Without the space, or as another dash, only above a few lines."""
        filled = 0
        found = None
        for index in range(end - 1, start - 1, -1):
            raw, line = self.lines[index].text, self.plain[index]
            is_strict = raw == "-- " or (raw.strip() == "--" and filled <= 12)
            if is_strict or (filled <= 8 and _SIGNS.match(raw) and line):
                found = index
            elif filled <= 12 and marks.is_rule(line) and self._has_contacts(index + 1, end):
                found = index
            filled += bool(line)
        return found

    def _has_contacts(self, start: int, end: int) -> bool:
        return any(marks.is_contact(self.plain[index]) for index in range(start, min(end, start + 13)))

    def _contact_block(self, start: int, end: int) -> int | None:
        """ "Best regards," with a name and at least two lines of contact data below it, at the very end."""
        contacts = filled = 0
        for index in range(end - 1, max(start - 1, end - 24), -1):
            line = self.plain[index]
            if marks.is_closing(line):
                return index if contacts >= 2 and contacts * 3 >= filled else None
            if line:
                filled += 1
                contacts += marks.is_contact(line)
                if filled > 10 or len(line) > 120:
                    return None
        return None
