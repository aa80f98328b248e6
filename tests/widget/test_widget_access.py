"""Keyboard, screen readers, contrast, small screens, right to left, and pages that dress everything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Frame

from widget.conftest import missing
from widget.hosts import ROOT, Server, Site, until, until_true

pytestmark = pytest.mark.peers
Newcomer = Callable[..., Any]
AXE = ROOT / "widget/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FORM = [
    {"name": "name", "type": "name", "label": {"en": "Name", "de": "Ihr Name"}, "required": True},
    {"name": "mail", "type": "email", "label": "Email", "required": True},
    {"name": "topic", "type": "select", "label": "Topic", "options": ["Sales", "Support"]},
    {"name": "ok", "type": "consent", "label": "I have read the privacy notice.", "required": True},
]


async def violations(frame: Frame) -> list[str]:
    if not AXE.exists():
        missing("axe-core", "cd widget && npm ci")
    await frame.evaluate(await asyncio.to_thread(Path(AXE).read_text, "utf-8"))
    found = await frame.evaluate(
        "rules => axe.run({ runOnly: rules, rules: { 'color-contrast-enhanced': { enabled: false } } })", RULES
    )
    return [
        f"{v['id']}: {v['nodes'][0]['html'][:160]} {v['nodes'][0].get('failureSummary', '')}"
        for v in found["violations"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("colour", ["#4c51c9", "#f6c945"])
async def test_axe_finds_nothing_in_a_conversation(
    newcomer: Newcomer, server: Server, scheme: str, colour: str
) -> None:
    server.settings["colour"] = colour
    visitor = await newcomer(color_scheme=scheme, reduced_motion="reduce")
    await visitor.visit()
    frame = await visitor.open()
    await visitor.say("Hello https://example.org/x")
    await until_true(lambda: len(server.texts()) == 1, "the message")
    server.pull("say", text="Hello back https://example.org/y")
    server.pull("typing")
    await frame.locator(".typing").wait_for()
    await frame.locator("[aria-label=Emoji]").click()
    assert await frame.evaluate("document.documentElement.dataset.theme") == scheme
    assert await violations(frame) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_in_the_forms(newcomer: Newcomer, server: Server, scheme: str) -> None:
    server.settings |= {"pre_chat": FORM, "offline": "email"}
    visitor = await newcomer(color_scheme=scheme)
    await visitor.visit()
    server.pull("here", here=False)
    frame = await visitor.open()
    await frame.locator("form.ask").wait_for()
    assert await violations(frame) == []
    server.pull("settings", pre_chat=[])
    await visitor.visit()
    frame = await visitor.open()
    await frame.locator("form.leave").wait_for()
    assert await violations(frame) == []


async def test_everything_works_from_the_keyboard(newcomer: Newcomer, server: Server) -> None:
    visitor = await newcomer()
    await visitor.visit()
    keyboard = visitor.page.keyboard
    for _ in range(3):  # the page's link, the page's button, ours
        await keyboard.press("Tab")
    assert await visitor.page.evaluate("document.activeElement.id") == "frontdesk"
    await keyboard.press("Enter")
    frame = await visitor.frame()
    await until(lambda: _has_focus(frame, "TEXTAREA"), "the focus in the message field")
    await keyboard.type("Hello")
    await keyboard.press("Shift+Enter")
    await keyboard.type("there")
    await frame.get_by_role("button", name="Emoji").wait_for()  # before it is there the next is the page's
    await keyboard.press("Tab")
    await until(lambda: _has_focus(frame, "BUTTON"), "the focus on the next button")
    await keyboard.press("Enter")
    await frame.locator(".emoji").wait_for()
    await keyboard.press("Escape")
    await frame.locator(".emoji").wait_for(state="detached")
    await keyboard.press("Tab")
    await keyboard.press("Tab")
    await keyboard.press("Enter")
    await until_true(lambda: server.texts() == ["Hello\nthere"], "the message")
    await keyboard.press("Escape")
    await until(
        lambda: visitor.page.evaluate("document.activeElement.id === 'frontdesk'"), "the focus back on the button"
    )


async def _has_focus(frame: Frame, tag: str) -> bool:
    return bool(await frame.evaluate("tag => document.hasFocus() && document.activeElement?.tagName === tag", tag))


async def test_the_focus_returns_to_where_it_came_from(newcomer: Newcomer) -> None:
    visitor = await newcomer()
    await visitor.visit()
    await visitor.page.focus("#own")
    await visitor.page.evaluate("frontdesk('open')")
    frame = await visitor.frame()
    await until(lambda: _has_focus(frame, "TEXTAREA"), "the focus in the chat")
    await visitor.page.keyboard.press("Escape")
    await until(lambda: visitor.page.evaluate("document.activeElement.id === 'own'"), "the focus on the page's button")


async def test_a_screen_reader_meets_a_named_button_and_a_log(newcomer: Newcomer, server: Server) -> None:
    visitor = await newcomer()
    await visitor.visit()
    tree = await visitor.page.context.new_cdp_session(visitor.page)
    names = await _buttons(tree)
    assert {"name": "Open chat", "expanded": False} in names
    frame = await visitor.open()
    assert await frame.get_by_role("log", name="Messages").count() == 1
    assert await frame.get_by_role("dialog", name="Website").count() == 1
    assert {"name": "Close chat", "expanded": True} in await _buttons(tree)


async def _buttons(tree: Any) -> list[dict[str, Any]]:
    nodes = (await tree.send("Accessibility.getFullAXTree"))["nodes"]
    found = []
    for node in nodes:
        if node.get("role", {}).get("value") == "button":
            states = {state["name"]: state["value"].get("value") for state in node.get("properties", [])}
            found.append({"name": node["name"]["value"], "expanded": states.get("expanded")})
    return found


async def test_no_page_can_disfigure_the_button_and_the_window(newcomer: Newcomer, site: Site) -> None:
    looks = []
    for style in (site.style, ""):
        site.style = style
        visitor = await newcomer()
        await visitor.visit()
        button = await visitor.page.screenshot(clip={"x": 1035, "y": 695, "width": 34, "height": 34})
        frame = await visitor.open()
        box = await (await frame.frame_element()).bounding_box()
        looks.append((button, box))
    assert looks[0] == looks[1]
    assert looks[0][1] == {"x": 696, "y": 20, "width": 384, "height": 652}


async def test_a_phone_gives_the_chat_the_whole_screen(newcomer: Newcomer) -> None:
    visitor = await newcomer(viewport={"width": 390, "height": 780}, is_mobile=True, has_touch=True)
    await visitor.visit()
    frame = await visitor.open()
    box = await (await frame.frame_element()).bounding_box()
    assert box == {"x": 0, "y": 0, "width": 390, "height": 780}
    assert await frame.locator("textarea").evaluate("e => getComputedStyle(e).fontSize") == "16px"  # iOS zooms below


async def test_the_page_decides_the_direction(newcomer: Newcomer, server: Server, site: Site) -> None:
    site.html = "<html lang='ar' dir='rtl'>"
    visitor = await newcomer(locale="ar")
    await visitor.visit()
    await visitor.page.mouse.click(48, 760 - 48)
    frame = await visitor.frame()
    await frame.locator("textarea").wait_for()
    assert await frame.evaluate("document.documentElement.dir") == "rtl"
    box = await (await frame.frame_element()).bounding_box()
    assert box is not None
    assert box["x"] == 20
    await visitor.say("مرحبا")
    await until_true(lambda: len(server.texts()) == 1, "the message")
    mine = await frame.locator(".mine .bubble").bounding_box()
    assert mine is not None
    assert mine["x"] < box["x"] + box["width"] / 2
    assert await violations(frame) == []


async def test_the_visitor_is_addressed_in_their_language(newcomer: Newcomer, server: Server, site: Site) -> None:
    server.settings["pre_chat"] = FORM
    site.html = "<html>"
    visitor = await newcomer(locale="de-AT")
    await visitor.visit()
    frame = await visitor.open()
    await frame.get_by_text("Bevor wir anfangen").wait_for()
    assert await frame.get_by_label("Ihr Name").count() == 1
    assert await frame.evaluate("document.documentElement.lang") == "de"
    packs = [url for url in visitor.requests if url.endswith(".json")]
    assert [Path(url).name.split("-")[0] for url in packs] == ["de"]
