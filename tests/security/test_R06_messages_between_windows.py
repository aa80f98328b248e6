"""R06: messages between windows: who may speak to the chat's frame and to the page around it.

In a real browser: ``tests/widget/test_widget_trust.py``. The check itself: ``widget/test/pure.test.ts``. Here: that
there is no way around it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for folder in ("web/src", "widget/src")
    for path in sorted((ROOT / folder).rglob("*.ts*"))
}
HEARS = re.compile(r"addEventListener\(\s*['\"]message['\"]|\bonmessage\s*=")
POSTS = re.compile(r"\.postMessage\(([^\n]*)\)")
CHANNELS = {"web/src/sync/leader.ts"}  # a BroadcastChannel: same origin by nature


def problems(where: str, code: str) -> list[str]:
    """What in this file speaks to or hears just any window."""
    if where in CHANNELS:
        return [] if "new BroadcastChannel(" in code else ["no broadcast channel"]
    found = []
    for hit in HEARS.finditer(code):
        following = code[hit.start() : hit.start() + 200]
        if not re.search(r"opened\(event, [\w.?]+, (base|parentOrigin)\)", following):
            found.append("hears without asking who speaks")
    for hit in POSTS.finditer(code):
        if not re.search(r", (base|parentOrigin)$", hit[1]):
            found.append(f"speaks to anybody: {hit[1]}")
    return found


def test_every_listener_asks_who_speaks_and_every_word_has_an_addressee() -> None:
    assert {where: found for where, code in SOURCES.items() if (found := problems(where, code))} == {}


def test_the_places_are_the_known_ones() -> None:
    hearing = {where for where, code in SOURCES.items() if HEARS.search(code)}
    speaking = {where for where, code in SOURCES.items() if POSTS.search(code)}
    assert hearing - CHANNELS == {"widget/src/loader.ts", "widget/src/app/main.tsx"}
    assert speaking - CHANNELS == {"widget/src/loader.ts", "widget/src/app/main.tsx"}


@pytest.mark.parametrize(
    "code",
    [
        "addEventListener('message', (event) => run(event.data))",
        "window.onmessage = (event) => run(event.data)",
        'addEventListener("message", (event) => { if (event.origin.endsWith(base)) run(event.data) })',
        "parent.postMessage(envelope(message), '*')",
        "frame.contentWindow.postMessage(token)",
        "parent.postMessage(secret, location.origin)",
    ],
)
def test_another_way_would_be_seen(code: str) -> None:
    assert problems("widget/src/x.ts", code)


def test_the_check_compares_the_window_and_the_whole_origin() -> None:
    protocol = SOURCES["widget/src/protocol.ts"]
    assert "event.origin !== origin || event.source !== source || !source" in protocol


def test_the_frame_is_told_nothing_before_it_is_ready_and_has_few_rights() -> None:
    loader = SOURCES["widget/src/loader.ts"]
    assert "if (listening) frame?.contentWindow?.postMessage(envelope(message), base)" in loader
    rights = re.search(r"'sandbox',\s*'([^']+)'", loader)
    assert rights
    assert not {"allow-top-navigation", "allow-modals", "allow-pointer-lock"} & set(rights[1].split())
