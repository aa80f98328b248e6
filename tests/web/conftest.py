"""One demo workspace for all tests of the screens; every test has a browser profile of its own."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from web.desk import ARGUMENTS, BUILT, CHROMIUM, DEADLINE, Demo, Frontdesk

expect.set_options(timeout=DEADLINE * 1000)
Desk = Callable[..., Awaitable[Page]]


def missing(what: str, command: str) -> None:
    """Skip with the one command that helps, or fail where the programs have to be there."""
    reason = f"needs {what}: {command}"
    if os.environ.get("REQUIRE_PEERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    if not CHROMIUM.exists():
        missing("Chromium", "sudo apt install chromium")
    if not BUILT.exists():
        missing("the built screens", "cd web && npm ci && npm run build")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def demo(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo"))
    yield demo
    demo.stop()


@pytest.fixture
def fresh(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frontdesk]:
    """A server that nobody has set up."""
    server = Frontdesk(tmp_path_factory.mktemp("fresh"), "run")
    server.line("Frontdesk is at")
    yield server
    server.stop()


async def watched(context: BrowserContext) -> Page:
    """A page whose own errors fail the test."""
    page = await context.new_page()
    page.on("pageerror", lambda error: page_errors.append(str(error)))
    return page


page_errors: list[str] = []


@pytest.fixture
async def desk(chromium: Browser, demo: Demo) -> AsyncIterator[Desk]:
    """Opens a page of the app as somebody who is signed in: ``await desk("/contacts", phone=True)``."""
    contexts: list[BrowserContext] = []
    page_errors.clear()

    async def open_(path: str = "/", *, phone: bool = False, dark: bool = False, **more: Any) -> Page:
        size = {"width": 390, "height": 844} if phone else {"width": 1440, "height": 900}
        context = await chromium.new_context(
            base_url=demo.url, viewport=size, has_touch=phone, is_mobile=phone,
            color_scheme="dark" if dark else "light", locale="en-GB", timezone_id="Europe/Athens", **more,
        )  # fmt: skip
        contexts.append(context)
        await context.grant_permissions(["clipboard-read", "clipboard-write"], origin=demo.url)
        signed = await context.request.post("/api/v1/session", data={"email": demo.email, "password": demo.password})
        assert signed.status == 200, await signed.text()
        page = await watched(context)
        await page.goto(path)
        return page

    yield open_
    for context in contexts:
        await context.close()
    assert page_errors == []
