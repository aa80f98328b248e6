"""R04: reflected and DOM XSS: links with schemes that run, and places in the screens that take a text for markup."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from frontdesk.app.screens import POLICY
from frontdesk.channels.email.html import from_text, sanitise
from frontdesk.channels.livechat.clean import url
from security.markup import loud, tags
from security.payloads import WORDS

ROOT = Path(__file__).parents[2]
SCREENS = [
    path
    for folder in ("web/src", "widget/src")
    for path in sorted((ROOT / folder).rglob("*.ts*"))
    if not path.name.endswith(".d.ts")
]
# What turns a text into markup or code. React and Preact escape everything that does not go through one of these.
SINKS = re.compile(
    r"dangerouslySetInnerHTML|\b(inner|outer)HTML\s*[=:+]|insertAdjacentHTML|document\.write|createContextualFragment"
    r"|parseFromString|setHTMLUnsafe|\bsrcDoc\b|\.srcdoc|\beval\(|new Function\b|setTimeout\(\s*[\"'`]|javascript:",
)
SCHEMES = ["javascript", "data", "vbscript", "file", "blob", "filesystem", "about", "view-source", "intent", "ms-word"]
SPELLED = ["{}:x", " {}:x", "\t{}:x", "\x01{}:x", "{}&colon;x", "{}&#58;x", "{}\n:x", "{}&#10;:x", "{}&Tab;:x"]


def test_no_screen_makes_markup_of_a_text() -> None:
    assert len(SCREENS) > 100
    found = [f"{path.relative_to(ROOT)}: {hit[0]}" for path in SCREENS for hit in SINKS.finditer(path.read_text())]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "<p dangerouslySetInnerHTML={{ __html: text }} />",
        "element.innerHTML = text",
        "frame.srcdoc = text",
        "new Function(text)()",
        "setTimeout('run()', 1)",
        "<a href={`javascript:${text}`}>",
    ],
)
def test_a_sink_would_be_seen(code: str) -> None:
    assert SINKS.search(code)


def test_frames_are_two_and_both_are_sandboxed() -> None:
    framing = {path.name for path in SCREENS if re.search(r"<iframe|createElement\('iframe'\)", path.read_text())}
    assert framing == {"EmailCard.tsx", "loader.ts"}
    mail = (ROOT / "web/src/features/thread/EmailCard.tsx").read_text()
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in mail
    assert 'referrerPolicy="no-referrer"' in mail


def test_links_out_of_texts_tell_the_other_side_nothing() -> None:
    for path in SCREENS:
        for link in re.findall(r"<a\b[^>]*?target=\"_blank\"[^>]*?>", path.read_text(), re.DOTALL):
            assert re.search("noopener|noreferrer", link), path.name  # the second means the first


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_mails_link_has_a_harmless_scheme(scheme: str) -> None:
    for spelled in SPELLED:
        for case in (scheme, scheme.upper(), scheme.title()):
            html = sanitise(f'<a href="{spelled.format(case)}">x</a><img src="{spelled.format(case)}">')
            assert html is not None
            assert all(not given.get("href") and not given.get("src") for _, given in tags(html)), html


@pytest.mark.parametrize("scheme", SCHEMES)
def test_so_does_the_page_that_a_visitor_was_on(scheme: str) -> None:
    for spelled in SPELLED:
        assert url(spelled.format(scheme)) is None
        assert url(f"{spelled.format(scheme)}//https://x.example/") is None
    assert url("https://x.example/a?b=<script>") == "https://x.example/a?b=<script>"


@pytest.mark.parametrize("text", WORDS, ids=range(len(WORDS)))
def test_a_text_made_into_html_is_still_text(text: str) -> None:
    html = from_text(f"https://x.example/?q={text} {text}")
    assert not loud(html)
    assert {tag for tag, _ in tags(html)} <= {"a", "br"}
    assert all(given.get("href", "http").startswith("http") for _, given in tags(html))


def test_the_apps_policy_lets_no_foreign_script_in() -> None:
    rules = dict(part.strip().partition(" ")[::2] for part in POLICY.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self'", "no inline script, no eval, no other origin"
    assert rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert rules["connect-src"] == rules["form-action"] == "'self'"
    assert not re.search(r"https?:|\*", POLICY)


async def test_a_search_comes_back_as_data(signed_in: httpx.AsyncClient) -> None:
    for payload in WORDS[:30]:
        for path in ("contacts", "conversations"):
            answer = await signed_in.get(f"/api/v1/{path}", params={"q": payload})
            assert answer.headers["content-type"].partition(";")[0] in ("application/json", "application/problem+json")
            assert answer.headers["x-content-type-options"] == "nosniff"
