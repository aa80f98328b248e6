"""HTML mail to plain text, in one linear pass: paragraphs, lists, tables, links, quotes.

Beside the text every line says what the *structure* of the mail tells about it: part of a quote, an attribution, a
signature, or the point from which everything is quoted. Mail programs mark these with classes and ids that the cleaned
HTML no longer has; :mod:`replies` uses them.
"""

from __future__ import annotations

import html as entities
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

WINDOW: Final = 64 * 1024  # bytes within which the quotes of a tag must close; else the tag ends at its first ">"
_MAX_OPEN: Final = 200  # nesting that is followed; deeper elements are only text
_MAX_LINES: Final = 50_000

_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*+)((?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*+)>")
_ATTRIBUTE = re.compile(r"([^\s=/\"'>]++)\s*+(?:=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s>]++)))?")
_SPACE = re.compile(r"[ \t\n\r\f\v]+")
_SKIPPED = {"script", "style", "title", "template", "noscript", "svg", "math", "object", "iframe", "textarea", "select"}
_VOID = {"br", "hr", "img", "input", "meta", "link", "area", "base", "col", "embed", "source", "track", "wbr"}
_BLOCKS = {
    *("address", "article", "aside", "blockquote", "body", "center", "dd", "div", "dl", "dt", "fieldset", "figure"),
    *("footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "li", "main", "nav", "ol", "p", "pre"),
    *("section", "table", "tbody", "thead", "tfoot", "tr", "ul", "caption", "html", "head"),
}
_PARAGRAPHS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "table", "ul", "ol", "dl", "blockquote"}

# What mail programs call the parts of a reply (seen in their mails; November 2026).
_QUOTE = re.compile(
    r"yahoo_quoted|moz-forward-container|protonmail_quote|tutanota_quote|zmail_extra|x_gmail_quote_container"
    r"|ms-outlook-mobile-reference-message|mail-editor-reference-message|olk_src_body_section|isforwardcontent"
    r"|isreplycontent|mailcontainer-quote|bloop_markdown_quote|rainloop-quote|front-blockquote|mail_quote_collapse"
    r"|frontdesk-quote"
)
_REST = re.compile(r"divrplyfwdmsg|appendonsend|stopspelling|outlookmessageheader|replysplit|mail_android_quote")
_REST_STYLE = re.compile(r"border-top:\s*solid\s+#(?:e1e1e1|b5c4df)|border:none;\s*border-top:\s*solid", re.IGNORECASE)
_ATTRIBUTION = re.compile(r"gmail_attr|moz-cite-prefix|moz-email-headers-table|protonmail_quote_attribution")
_SIGNATURE = re.compile(
    r"gmail_signature|moz-signature|protonmail_signature|applemailsignature|ms-outlook-mobile-signature"
    r"|ms-outlook-ios-signature|x_signature|tutanota_signature|sh-signature|frontdesk-signature|^signature$"
)


class Line(NamedTuple):
    """``kind``: "" text, "quote", "attribution", "signature", "header" (may be a block of mail headers), or "rest"
    (from here to the end all is quoted)."""

    text: str
    kind: str = ""


class Tag(NamedTuple):
    name: str
    closing: bool
    attributes: str


def tokens(html: str) -> Iterator[str | Tag]:
    """Text pieces (entities still encoded) and tags. Every character is looked at a bounded number of times: a "<" that
    opens no tag is text, an unclosed comment or script swallows the rest as it does in a browser."""
    lower = html.lower()
    position, size = 0, len(html)
    while position < size:
        start = html.find("<", position)
        if start < 0:
            yield html[position:]
            return
        if start > position:
            yield html[position:start]
        if lower.startswith("<!--", start):
            position = _after(html, "-->", start + 4)
        elif html[start + 1 : start + 2] in ("!", "?"):
            position = _after(html, ">", start)
        else:
            found = _TAG.match(html, start, min(size, start + WINDOW))
            if found is None:
                end = html.find(">", start)
                if end < 0 or not html[start + 1 : start + 2].strip("/").isalpha():
                    yield "<"
                    position = start + 1
                    if end < 0:
                        yield html[position:]
                        return
                    continue
                name = re.match(r"[a-z0-9:]*", lower[start + 1 : start + 40])
                yield Tag(name[0] if name else "", False, html[start + 1 : min(end, start + WINDOW)])
                position = end + 1
                continue
            position = found.end()
            tag = Tag(found[2].lower(), bool(found[1]), found[3])
            yield tag
            if tag.name in ("script", "style", "title", "textarea") and not tag.closing:
                close = lower.find(f"</{tag.name}", position)
                position = close if close >= 0 else size


def _after(html: str, mark: str, start: int) -> int:
    found = html.find(mark, start)
    return found + len(mark) if found >= 0 else len(html)


def attributes_of(raw: str) -> dict[str, str]:
    """The first 50 attributes of a tag, names in lower case, values with entities decoded."""
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(raw):
        value = match[2] if match[2] is not None else match[3] if match[3] is not None else match[4]
        found.setdefault(match[1].lower(), entities.unescape(value or ""))
        if len(found) >= 50:
            break
    return found


def to_text(html: str) -> str:
    """The whole mail as plain text; quotes have "> " before each line."""
    return "\n".join(line.text for line in outline(html)).strip("\n")


def outline(html: str) -> list[Line]:
    """The lines of the text with what the structure says about each."""
    return _Outline().read(html)


class _Open(NamedTuple):
    name: str
    kind: str
    link: str
    link_at: int
    skipped: bool


class _Outline:
    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.line: list[str] = []
        self.bullet = ""  # stands before the line, its indentation kept
        self.open: list[_Open] = []
        self.counters: list[int] = []  # of the open lists: -1 for bullets
        self.quoted = self.skipping = self.preformatted = 0
        self.rest = False
        self.blank = True

    def read(self, html: str) -> list[Line]:
        for token in tokens(html):
            if isinstance(token, Tag):
                self._tag(token)
            elif not self.skipping:
                self._text(entities.unescape(token))
            if len(self.lines) > _MAX_LINES:
                break
        self._end_line()
        while self.lines and not self.lines[-1].text.strip("> "):
            self.lines.pop()
        return self.lines

    def _kind(self) -> str:
        if self.rest:
            return "rest"
        kinds = [one.kind for one in self.open if one.kind]
        if self.quoted or "quote" in kinds:
            return "quote"
        return kinds[-1] if kinds else ""

    def _text(self, text: str) -> None:
        if self.preformatted:
            first, *others = text.replace("\r\n", "\n").split("\n")
            self.line.append(first)
            for other in others:
                self._end_line(keep_blank=True)
                self.line.append(other)
            return
        text = _SPACE.sub(" ", text).replace("\xa0", " ").replace("\u200c", "").replace("\ufeff", "")
        if text == " " and not self.line:
            return
        self.line.append(text.lstrip(" ") if not self.line else text)

    def _end_line(self, *, keep_blank: bool = False) -> None:
        text = "".join(self.line)
        text = text.rstrip() if self.preformatted else re.sub(" {2,}", " ", text).strip()
        self.line = []
        if text or keep_blank:
            self._add(self.bullet + text)
            self.bullet = ""

    def _add(self, text: str) -> None:
        prefix = "> " * min(self.quoted, 8)
        self.lines.append(Line((prefix + text).rstrip() if prefix else text, self._kind()))
        self.blank = not text

    def _paragraph(self) -> None:
        self._end_line()
        if not self.blank:
            self._add("")

    def _tag(self, tag: Tag) -> None:
        if tag.closing:
            self._close(tag.name)
            return
        if tag.name == "br":
            if not self.skipping:
                self._end_line(keep_blank=True)
            return
        attributes = attributes_of(tag.attributes) if tag.attributes.strip() else {}
        kind = self._structure(tag.name, attributes)
        if self.skipping and tag.name not in _SKIPPED:
            return
        if tag.name in _BLOCKS or tag.name == "hr":
            is_inner_list = tag.name in ("ul", "ol") and self.counters
            self._paragraph() if tag.name in _PARAGRAPHS and not is_inner_list else self._end_line()
        if kind == "rest":
            self._end_line()
            self.rest = True
        self._special(tag.name, attributes)
        if tag.name not in _VOID and not tag.attributes.rstrip().endswith("/"):
            self._push(tag.name, kind, attributes)

    def _structure(self, name: str, attributes: dict[str, str]) -> str:
        named = f"{attributes.get('id', '')} {attributes.get('class', '')}".strip().lower()
        if name == "div" and _REST_STYLE.search(attributes.get("style", "")[:500]):
            return "header"  # the line above Outlook's "From: … Sent: …"; its lines must look like that to count
        if not named:
            return ""
        if _REST.search(named):
            return "rest"
        if _ATTRIBUTION.search(named):
            return "attribution"
        if _QUOTE.search(named):
            return "quote"
        return "signature" if _SIGNATURE.search(named) else ""

    def _special(self, name: str, attributes: dict[str, str]) -> None:
        if name in _SKIPPED:
            self.skipping += 1
        elif name == "hr":
            self._add("_" * 32)
        elif name == "blockquote":
            self.quoted += 1
        elif name == "pre":
            self.preformatted += 1
        elif name in ("ul", "ol"):
            self.counters.append(-1 if name == "ul" else 0)
        elif name == "li":
            self._bullet()
        elif name in ("td", "th") and self.line:
            self.line.append("\t")
        elif name == "img" and attributes.get("alt", "").strip():
            self.line.append(f"[{_SPACE.sub(' ', attributes['alt'].strip())[:200]}]")

    def _bullet(self) -> None:
        depth = "  " * min(len(self.counters) - 1, 6)
        if self.counters and self.counters[-1] >= 0:
            self.counters[-1] += 1
            self.bullet = f"{depth}{self.counters[-1]}. "
        else:
            self.bullet = f"{depth}- "

    def _push(self, name: str, kind: str, attributes: dict[str, str]) -> None:
        link = attributes.get("href", "").strip() if name == "a" else ""
        if len(self.open) < _MAX_OPEN:
            self.open.append(_Open(name, kind, link, len(self.line), name in _SKIPPED))

    def _close(self, name: str) -> None:
        depth = next((i for i in range(len(self.open) - 1, -1, -1) if self.open[i].name == name), -1)
        if depth < 0:
            if name in _SKIPPED and self.skipping:
                self.skipping -= 1
            elif name == "p" and not self.skipping:
                self._paragraph()
            return
        if name in _BLOCKS and not self.skipping:
            self._end_line()
        for one in reversed(self.open[depth:]):
            self._leave(one)
        del self.open[depth:]
        if name in _PARAGRAPHS and not self.skipping and not (name in ("ul", "ol") and self.counters):
            self._paragraph()

    def _leave(self, one: _Open) -> None:
        if one.skipped:
            self.skipping = max(0, self.skipping - 1)
        elif one.name == "blockquote":
            self._end_line()
            while (
                self.lines
                and self.quoted
                and self.lines[-1].text.startswith(">")
                and not self.lines[-1].text.strip("> ")
            ):
                self.lines.pop()
            self.blank = False
            self.quoted = max(0, self.quoted - 1)
        elif one.name == "pre":
            self.preformatted = max(0, self.preformatted - 1)
        elif one.name in ("ul", "ol") and self.counters:
            self.counters.pop()
        elif one.link:
            self._link(one)

    def _link(self, one: _Open) -> None:
        shown = "".join(self.line[one.link_at :]).strip()
        target = one.link
        if not target.lower().startswith(("http://", "https://")) or not shown:
            return
        if shown.rstrip("/") not in (target.rstrip("/"), target.split("://", 1)[1].rstrip("/")):
            self.line.append(f" <{target[:2000]}>")
