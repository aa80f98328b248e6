"""A real Chromium, a server process, a customer's site."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright

from widget.hosts import ARGUMENTS, BUILT, CHROMIUM, Server, Site, Visitor, a_site


def missing(what: str, command: str) -> None:
    """Skip with the one command that helps, or fail where the programs have to be there."""
    reason = f"needs {what}: {command}"
    if os.environ.get("REQUIRE_PEERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
async def chromium(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    if not CHROMIUM.exists():
        missing("Chromium", "sudo apt install chromium")
    if not BUILT.exists():
        missing("the built widget", "cd widget && npm ci && npm run build")
    profile = tmp_path_factory.mktemp("profile")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, ignore_default_args=True, args=[*ARGUMENTS, f"--user-data-dir={profile}"]
        )
        yield browser
        await browser.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def site(server: Server) -> Iterator[Site]:
    with a_site(server.base) as site:
        server.settings.setdefault("origins", [site.origin])
        server.settings.setdefault("greeting", "Hello! How can we help?")
        yield site


@pytest.fixture
async def newcomer(chromium: Browser, server: Server, site: Site) -> AsyncIterator[Callable[..., Any]]:
    """Makes visitors, each with a browser profile of their own; starts the server with the first."""
    contexts = []

    async def make(**profile: Any) -> Visitor:
        if server.process is None:
            server.start()
        context = await chromium.new_context(
            **{"viewport": {"width": 1100, "height": 760}, "locale": "en-GB", **profile}
        )
        contexts.append(context)
        return Visitor(await context.new_page(), site)

    yield make
    for context in contexts:
        await context.close()
