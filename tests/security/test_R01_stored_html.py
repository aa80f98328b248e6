"""R01: markup that somebody stores in rich text, a signature or a note, and that runs on a colleague's screen.

What a mail brings is tested in ``tests/channels/email/test_email_html.py`` and on real screens in ``test_screens.py``.
Here: what the page around it does with it, and what users themselves write.
"""

from __future__ import annotations

import pytest

from conversations.office import ANA, Office
from frontdesk.channels import all_channels
from frontdesk.channels.email.html import sanitise
from frontdesk.channels.port import CleansHtml
from frontdesk.conversations.queries.documents import document, policy
from security.markup import LOUD, loud, tags

FILES = {"pic": "/files/token.mac", "a&b": "/files/second.mac"}


def names(given: dict[str, str]) -> set[str]:
    """An element's attributes without those that say where an image is."""
    return set(given) - {"src", "data-src", "data-missing"}


# --- the page around a cleaned mail ---------------------------------------------------------------------------------


@pytest.mark.parametrize("images", [False, True])
@pytest.mark.parametrize(
    "hostile",
    [
        """<p title="x src='cid:pic' onclick=alert(1) y">t</p>""",
        """<p title="x src='cid:gone' onclick=alert(1) y">t</p>""",
        """<p title="data-src='cid:pic' style=position:fixed y">t</p>""",
        """<p title="x data-src='https://e.example' onclick=alert(1) y">t</p>""",
        """<p title='x src="cid:pic" onclick=alert(1) y'>t</p>""",
        """<img alt="src='cid:pic' onerror=alert(1) y" src="cid:gone">""",
        """<img alt='<img src="cid:pic" onerror=alert(1)>' src="cid:pic">""",
        """<img src="cid:x'onerror=alert(1) y='">""",
        """<img src='cid:x"onerror=alert(1) y="'>""",
        """<a href="https://e.example/?src='cid:pic' onclick=alert(1) y=">t</a>""",
        """&lt;img src="cid:pic" onerror=alert(1)&gt;""",
        """<p>data-src="https://e.example" src='cid:pic'</p>""",
        """<font face="src='cid:pic' onclick=alert(1) y">t</font>""",
    ],
)
def test_putting_images_in_place_makes_no_attribute_of_a_text(hostile: str, images: bool) -> None:
    clean = sanitise(hostile)
    assert clean is not None
    before, after = tags(clean), tags(document(clean, FILES, images=images), body=True)
    assert [names(given) for _, given in after] == [names(given) for _, given in before]
    assert not loud(document(clean, FILES, images=images))


def test_images_are_put_in_place() -> None:
    clean = sanitise(
        '<img src="cid:pic"><img alt="b" src="cid:a&amp;b"><img src="cid:gone"><img src="https://e.example/p.gif">'
    )
    assert clean is not None
    shown = [given for _, given in tags(document(clean, FILES, images=False), body=True)]
    assert shown == [
        {"src": "/files/token.mac"},
        {"alt": "b", "src": "/files/second.mac"},
        {"data-missing": "1"},
        {"data-src": "https://e.example/p.gif"},
    ]
    asked = tags(document(clean, FILES, images=True), body=True)
    assert asked[3] == ("img", {"src": "https://e.example/p.gif"})


@pytest.mark.parametrize("images", [False, True])
def test_the_page_itself_could_run_nothing(images: bool) -> None:
    """The second wall, should the first one have a hole."""
    parts = policy(images=images)["Content-Security-Policy"].split(";")
    rules = dict(part.strip().partition(" ")[::2] for part in parts)
    assert rules["sandbox"].split() == ["allow-popups", "allow-popups-to-escape-sandbox"]
    assert (rules["default-src"], rules["form-action"], rules["base-uri"]) == ("'none'", "'none'", "'none'")
    assert rules["frame-ancestors"] == "'self'"
    assert "script-src" not in rules
    assert ("https:" in rules["img-src"]) is images


# --- what users write -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("html", LOUD)
def test_what_a_user_writes_is_cleaned_by_every_channel_that_sends_html(html: str) -> None:
    cleaners = [channel.driver for channel in all_channels().values() if channel.can.html]
    assert cleaners
    for driver in cleaners:
        assert isinstance(driver, CleansHtml)
        clean = driver.clean_html(f"<p>Hello</p>{html}")
        assert clean is not None
        assert clean.startswith("<p>Hello</p>")
        assert not loud(clean), clean


async def test_it_is_cleaned_before_it_is_kept(office: Office) -> None:
    first = await office.hear("Hi", "ana@example.org", inbox=office.post)
    kept = await office.message(await office.write(first["conversation_id"], "a", html="<p>a<script>b</p>"))
    assert kept["html"] == "<p>ab</p>", "the channel of the test takes <script> away"
    first = await office.hear("Hi", ANA)
    kept = await office.message(await office.write(first["conversation_id"], "a", html="<p>a</p>"))
    assert kept["html"] is None, "a channel without HTML keeps none"


def test_what_the_composer_makes_passes_unchanged() -> None:
    written = (
        "<p>Dear <strong>Ana</strong>, <em>see</em> <s>this</s> <u>one</u>: <code>x</code></p>"
        "<ul><li><p>a</p></li></ul><ol><li><p>b</p></li></ol><blockquote><p>q</p></blockquote><pre><code>p</code></pre><hr><p></p>"
        '<img src="cid:logo"><img src="https://shop.example/logo.png">'
    )
    for driver in (channel.driver for channel in all_channels().values() if channel.can.html):
        assert isinstance(driver, CleansHtml)
        assert driver.clean_html(written) == written
