"""Payloads that would run, and two ways to look at markup: what parts it has, and whether anything in it could run."""

from __future__ import annotations

import re
from html.parser import HTMLParser

ACTIVE_TAGS = frozenset(
    "script iframe object embed base meta link style form input button svg math video audio template noscript textarea"
    " select frame frameset applet portal dialog marquee xmp plaintext".split()
)
_ACTIVE_NAMES = frozenset({"srcdoc", "formaction", "srcset", "background", "ping", "xlink:href"})
_SCHEME = re.compile(r"[\x00-\x20]*(javascript|vbscript|data|file|blob|filesystem):", re.IGNORECASE)
_STYLE = re.compile(r"url\s*\(|expression|@import|position|behavior|-moz-binding|\\", re.IGNORECASE)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def tags(html: str, *, body: bool = False) -> list[tuple[str, dict[str, str]]]:
    """Every opening tag with its attributes; with ``body``, only of what stands in the body."""
    parser = _Tags()
    parser.feed(html)
    parser.close()
    names = [tag for tag, _ in parser.found]
    return parser.found[names.index("body") + 1 :] if body else parser.found


def loud(html: str) -> list[str]:
    """What in this markup could run, load or leave its place; the page's own head is not looked at."""
    inside = html.partition("<body>")[2] or html
    found = []
    for tag, given in tags(inside):
        found += [f"<{tag}>"] * (tag in ACTIVE_TAGS)
        for name, value in given.items():
            bad = name.startswith("on") or name in _ACTIVE_NAMES
            bad = bad or (name in ("href", "src", "action") and bool(_SCHEME.match(value)))
            bad = bad or (name == "style" and bool(_STYLE.search(value)))
            found += [f"<{tag} {name}={value[:40]!r}>"] * bad
    return found


LOUD = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg><animate onbegin=alert(1) attributeName=x></svg>",
    '<a href="java&#10;script:alert(1)">x</a>',
    "<style>*{background:url(//e.example)}</style>",
    "<meta http-equiv=refresh content='0;url=//e.example'>",
    "<form action=//e.example><input name=password></form>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    '<div style="position:fixed;inset:0;background:url(//e.example)">x</div>',
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
]
