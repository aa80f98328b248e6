"""What is left of hostile HTML, and the text that is made of harmless HTML."""

from __future__ import annotations

import re

import pytest

from frontdesk.channels.email.html import from_text, inline_images, sanitise
from frontdesk.channels.email.outline import to_text

ACTIVE = re.compile(
    r"<(?:script|iframe|object|embed|base|meta|link|style|form|input|button|svg|math|video|audio|template|noscript)\b"
    r"|<[^>]*\s(?:on\w+|srcdoc|formaction|srcset|background|ping|id|class|name|contenteditable|autofocus)="
    r"|javascript:|vbscript:|data:text|expression\(|url\(|position:|file:",
    re.IGNORECASE,
)
PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    '<svg><use href="data:image/svg+xml;base64,AAAA#x"/></svg>',
    '<svg><foreignObject><iframe srcdoc="<script>1</script>"></foreignObject></svg>',
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="java\nscript:alert(1)">x</a>',
    '<a href="&#106;avascript:alert(1)">x</a>',
    '<a href="data:text/html,<script>1</script>">x</a>',
    '<a href="vbscript:x">x</a>',
    '<a href="file:///etc/passwd">x</a>',
    "<style>@import url(//e)</style>t",
    '<p style="background:url(//e/x)">t</p>',
    '<p style="width:expression(1)">t</p>',
    '<p style="color:red;background-color:u\\72l(//e)">t</p>',
    '<div style="position:fixed;inset:0;z-index:9">t</div>',
    '<div style="margin-top:-500px">t</div>',
    '<form action=//e><input name=p><button formaction="javascript:1">b</button></form>',
    "<iframe src=//e></iframe>",
    "<object data=//e></object>",
    "<embed src=//e>",
    "<base href=//e/>",
    '<meta http-equiv=refresh content="0;url=//e">',
    "<link rel=stylesheet href=//e>",
    "<template><script>1</script></template>",
    '<noscript><p title="</noscript><img src=x onerror=1>">',
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    '<svg><a xlink:href="javascript:1"><text>x</text></a></svg>',
    "<!--[if IE]><script>1</script><![endif]-->",
    "<scr\0ipt>alert(1)</scr\0ipt>",
    "<img id=config name=config><a id=config name=url href=//e>",
    '<img src="file:///etc/passwd">',
    '<img src="\\\\\\\\host\\\\share">',
    '<img src="//host/pixel">',
    '<img src="data:image/svg+xml,<svg onload=1>">',
    '<img srcset="//e/x 1x" src="cid:a">',
    '<table background="//e/x"><tr><td background=//e>t</td></tr></table>',
    '<a href="https://a.example" ping="//e">x</a>',
    '<xmp><p title="</xmp><img src=x onerror=1>"></xmp>',
    "<plaintext><b>x",
    '<img src="x',
    "<button popovertarget=x>b</button>",
    "<p contenteditable onbeforeinput=1>x</p>",
    "<p id=x class=y>t</p>",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_active_is_left(payload: str) -> None:
    clean = sanitise(f"<div>{payload}</div>")
    assert clean is not None
    assert not ACTIVE.search(clean), clean


def test_images_wait_and_links_open_outside() -> None:
    clean = sanitise(
        '<img alt="a>b" src="https://x.example/p.gif"><img src="cid:pic"><a href="https://x.example">x</a>'
    )
    assert clean == (
        '<img alt="a&gt;b" data-src="https://x.example/p.gif"><img src="cid:pic">'
        '<a href="https://x.example" target="_blank" rel="noopener noreferrer nofollow">x</a>'
    )


def test_where_a_quotation_is_from_leads_nowhere() -> None:
    for tag in ("blockquote", "q", "ins", "del"):
        assert sanitise(f'<{tag} cite="https://x.example/">y</{tag}>') == f"<{tag}>y</{tag}>"


def test_text_that_looks_like_a_remote_image_stays_text() -> None:
    clean = sanitise('<p title=\'<img src="http://x.example">\'>&lt;img src="http://x.example"&gt;</p>')
    assert clean is not None
    assert "data-src" not in clean


def test_images_in_the_html_become_parts() -> None:
    html, images = inline_images('<img src="data:image/PNG;base64,iVBORw0KGgoAAAANSUhEUg==">')
    assert html == '<img src="cid:data-1">'
    assert images == [("data-1", "image/png", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")]
    html, images = inline_images('<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">' * 101)
    assert (len(images), html.count("cid:"), html.count("data:image/")) == (100, 100, 1)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two<br>three</p>", "One\n\nTwo\nthree"),
        ("a  \n b&nbsp;c", "a b c"),
        ("<ol><li>x<li>y</ol>", "1. x\n2. y"),
        ("<ul><li>x<ul><li>deep</ul></ul>", "- x\n  - deep"),
        ("<table><tr><td>a<td>b</tr><tr><td>c<td>d</tr></table>", "a\tb\nc\td"),
        ("<blockquote>q<blockquote>r</blockquote></blockquote>a", "> q\n>\n> > r\n\na"),
        ('<a href="https://x.example/">x.example</a>', "x.example"),
        ('<a href="https://x.example/a">here</a>', "here <https://x.example/a>"),
        ('<a href="mailto:a@x.example">a@x.example</a>', "a@x.example"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ('<img alt="Logo" src="cid:x"> hi', "[Logo] hi"),
        ("<style>p{}</style><title>t</title><script>x</script>y", "y"),
        ("5 < 6 & 7 > 2", "5 < 6 & 7 > 2"),
        ("a<!-- b", "a"),
        ("&lt;b&gt; &amp;amp; &#8364;", "<b> &amp; €"),
        ("<!doctype html><?xml version='1.0'?>x", "x"),
        ("<iframe>a<br>b</iframe>c", "c"),
        ("<select><option>a<p>b</select>c", "c"),
        ("a <3 b", "a <3 b"),
        ("x</p>y", "x\n\ny"),
        ("<div>" * 200 + "<svg>a</svg>b", "b"),
        ("<a " + " ".join(f"a{n}" for n in range(50)) + ' href="https://x.example/a">here</a>', "here"),
        ("", ""),
    ],
)
def test_html_as_text(html: str, text: str) -> None:
    assert to_text(html) == text


def test_a_text_of_endless_lines_ends() -> None:
    assert len(to_text("x<br>" * 60_000).split("\n")) <= 50_001


def test_text_as_html() -> None:
    assert from_text("a <b>\nhttps://x.example/?a=1&b=2.") == (
        'a &lt;b&gt;<br>\n<a href="https://x.example/?a=1&amp;b=2">https://x.example/?a=1&amp;b=2</a>.'
    )
