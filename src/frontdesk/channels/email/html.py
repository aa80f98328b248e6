"""The HTML of a mail made harmless, and text made into HTML.

What is shown passes two walls: this allow list on the way in, and a sandboxed frame without scripts where it is shown.
"""

from __future__ import annotations

import html as entities
import re
from typing import Final

import nh3

from frontdesk.channels.email.decode import loose_base64
from frontdesk.channels.email.limits import MAX_HTML, MAX_TAGS
from frontdesk.channels.email.outline import Tag, to_text, tokens

__all__ = ["from_text", "inline_images", "sanitise", "to_text"]

MAX_WORDS_IN_TAG: Final = 500  # pieces between spaces and slashes, so at least its attributes: nh3 is quadratic in them
MAX_NESTING: Final = 500  # and in depth: 0.3 s for 15,000 open elements
_SELF_CLOSED = {
    "p",
    "li",
    "td",
    "th",
    "tr",
    "dd",
    "dt",
    "option",
    "br",
    "hr",
    "img",
    "input",
    "meta",
    "link",
    "wbr",
    "col",
}

_TAGS = {
    *("a", "abbr", "address", "b", "bdi", "bdo", "blockquote", "br", "caption", "center", "cite", "code", "col"),
    *(
        "colgroup",
        "dd",
        "del",
        "details",
        "dfn",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "font",
        "h1",
        "h2",
        "h3",
    ),
    *(
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "ins",
        "kbd",
        "li",
        "mark",
        "ol",
        "p",
        "pre",
        "q",
        "s",
        "samp",
        "small",
        "span",
    ),
    *(
        "strike",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "time",
        "tr",
        "tt",
        "u",
    ),
    *("ul", "var", "wbr"),
}
_DROPPED_WITH_CONTENT = {
    *("script", "style", "title", "template", "noscript", "iframe", "object", "svg", "math", "textarea", "select"),
    *("xmp", "plaintext", "noembed", "noframes"),
}
_ATTRIBUTES = {
    "*": {"dir", "lang", "title", "align", "valign", "style"},
    "a": {"href"},
    "blockquote": {"cite"},
    "img": {"src", "alt", "width", "height"},
    "table": {"width", "border", "cellpadding", "cellspacing", "bgcolor"},
    "tr": {"bgcolor"},
    "td": {"width", "height", "colspan", "rowspan", "bgcolor"},
    "th": {"width", "height", "colspan", "rowspan", "bgcolor"},
    "col": {"width", "span"},
    "font": {"color", "size", "face"},
    "ol": {"start", "type"},
    "li": {"value"},
}
# Nothing that can leave the place of the mail (position, float, z-index), fetch (background, content) or move.
_STYLES = {
    *(
        "color",
        "background-color",
        "font-family",
        "font-size",
        "font-style",
        "font-weight",
        "font-variant",
        "line-height",
    ),
    *(
        "letter-spacing",
        "text-align",
        "text-decoration",
        "text-indent",
        "text-transform",
        "vertical-align",
        "white-space",
    ),
    *("direction", "width", "max-width", "min-width", "height", "max-height", "margin", "margin-top", "margin-right"),
    *(
        "margin-bottom",
        "margin-left",
        "padding",
        "padding-top",
        "padding-right",
        "padding-bottom",
        "padding-left",
        "border",
    ),
    *("border-top", "border-right", "border-bottom", "border-left", "border-color", "border-style", "border-width"),
    *("border-radius", "border-collapse", "border-spacing", "list-style-type", "table-layout", "word-break", "display"),
}
_BAD_STYLE = re.compile(r"url\s*\(|expression|javascript|@|\\|/\*|margin[\w-]*\s*:[^;]*-\s*\d", re.IGNORECASE)
_LINK = re.compile(r"\s*(?:https?://|mailto:|tel:|sms:)", re.IGNORECASE)
_IMAGE = re.compile(r"\s*(?:https?://|cid:)", re.IGNORECASE)
_REMOTE_IMAGE = re.compile(r'(<img(?: [a-z-]+="[^"]*")*?) src="(?=\s*http)', re.IGNORECASE)
_DATA_IMAGE = re.compile(r"data:image/(png|jpe?g|gif|webp);base64,([A-Za-z0-9+/=%\s]{16,})", re.IGNORECASE)


def _filter(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "href":
        return value if _LINK.match(value) else None
    if attribute == "src":
        return value if _IMAGE.match(value) else None
    if attribute == "cite":
        return None
    if attribute == "style" and _BAD_STYLE.search(value):
        return None
    return value


def sanitise(html: str, *, remote_images: bool = False) -> str | None:
    """The mail by an allow list: no scripts, forms, classes, ids or outside styles; links open outside and tell
    nothing.

    Images of the mail itself keep ``src="cid:…"``; images from elsewhere have ``data-src`` instead, so that nothing
    loads until the reader asks for it, unless ``remote_images``. None if there is so much of it that only the text is
    shown.
    """
    if len(html) > MAX_HTML or html.count("<") > MAX_TAGS or _is_monstrous(html):
        return None
    clean = nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        attribute_filter=_filter,
        strip_comments=True,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        url_schemes={"http", "https", "mailto", "tel", "sms", "cid"},
        filter_style_properties=_STYLES,
    )
    return (clean if remote_images else _REMOTE_IMAGE.sub(r'\1 data-src="', clean)).strip()


def _is_monstrous(html: str) -> bool:
    """A tag with hundreds of attributes, or nesting that no mail has."""
    depth = 0
    for token in tokens(html):
        if not isinstance(token, Tag):
            continue
        if token.name not in _SELF_CLOSED:
            depth = max(0, depth - 1) if token.closing else depth + 1
            if depth > MAX_NESTING:
                return True
        inside = token.attributes
        if len(inside) > MAX_WORDS_IN_TAG:
            if len(inside.split()) + inside.count("/") > MAX_WORDS_IN_TAG * (4 if "://" in inside else 1):
                return True
    return False


def inline_images(html: str) -> tuple[str, list[tuple[str, str, bytes]]]:
    """Images written into the HTML itself ("data:image/png;base64,…") become parts of the mail: the HTML with ``cid:``
    addresses, and (content id, content type, bytes) of each."""
    if "data:image/" not in html.lower():
        return html, []
    found: list[tuple[str, str, bytes]] = []

    def take(match: re.Match[str]) -> str:
        if len(found) >= 100:
            return match[0]
        kind = match[1].lower().replace("jpg", "jpeg")
        found.append((f"data-{len(found) + 1}", f"image/{kind}", loose_base64(match[2].encode("ascii", "ignore"))))
        return f"cid:{found[-1][0]}"

    return _DATA_IMAGE.sub(take, html), found


_URL = re.compile(r"https?://[^\s<>\"']{1,2000}")
_TRAILING = ".,;:!?)]}'"


def from_text(text: str) -> str:
    """Plain text as HTML: line breaks kept, addresses of the web clickable, everything else escaped."""
    return entities.escape(text, quote=False).replace("\n", "<br>\n") if "://" not in text else _linked(text)


def _linked(text: str) -> str:
    pieces: list[str] = []
    position = 0
    for found in _URL.finditer(text):
        url = found[0].rstrip(_TRAILING)
        pieces.append(entities.escape(text[position : found.start()], quote=False))
        safe = entities.escape(url)
        pieces.append(f'<a href="{safe}">{safe}</a>')
        position = found.start() + len(url)
    pieces.append(entities.escape(text[position:], quote=False))
    return "".join(pieces).replace("\n", "<br>\n")
