"""A real Chromium that tells on everything that runs, loads, pops up or was stopped only by the last wall."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright

from conftest import PASSWORD
from security.payloads import BEACON
from web.desk import ARGUMENTS, CHROMIUM

HOOKS = """
for (const name of ['alert', 'confirm', 'prompt', 'print', 'open'])
  window[name] = (...given) => { void window.ran(`${name}(${given.join()})`); return null; };
document.addEventListener('securitypolicyviolation', (event) =>
  void window.stopped(`${event.effectiveDirective} ${event.blockedURI}`));
"""
# What a sanitised document or a screen must not have, whether or not it would run.
ARMED = """
() => [...document.querySelectorAll('*')].flatMap((element) => [
  ...element.getAttributeNames().filter((name) => /^on/i.test(name) || name === 'srcdoc' || name === 'formaction')
    .map((name) => `<${element.localName} ${name}>`),
  ...['href', 'src', 'action', 'xlink:href', 'data'].filter((name) =>
    /^[\\x00-\\x20]*(javascript|vbscript|data:text|data:image.svg|file):?/i.test(element.getAttribute(name) ?? ''))
    .map((name) => `<${element.localName} ${name}=${element.getAttribute(name)}>`),
])
"""
_POLICY = re.compile(r"Content Security Policy|Blocked script execution|sandboxed", re.IGNORECASE)


class Oracle:
    """``ran``: what was executed; ``stopped``: what a policy or the sandbox stopped; ``beacons``: requests to one."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.stopped: list[str] = []
        self.beacons: list[str] = []
        self.port = 0
        self.page = ""  # what ``/open`` shows

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The beacon: whoever reaches it gets a script that gives itself away."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = " ".join((await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split())
            kind, body = "text/javascript", b"alert('beacon')"
            if head.startswith("get /open "):
                kind, body = "text/html", self.page.encode()
            else:
                self.beacons.append(head)
            writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n".encode())
            writer.write(body)
        writer.close()

    def heard(self, message: ConsoleMessage) -> None:
        if _POLICY.search(message.text):
            self.stopped.append(message.text[:200])

    def forget(self) -> None:
        for heard in (self.ran, self.stopped, self.beacons):
            heard.clear()


@asynccontextmanager
async def watching(playwright: Playwright) -> AsyncIterator[tuple[Browser, Oracle]]:
    """A browser for which every name under ``.example`` is the beacon."""
    oracle = Oracle()
    async with await asyncio.start_server(oracle.serve, "127.0.0.1", 0) as server:
        oracle.port = server.sockets[0].getsockname()[1]
        rule = f"--host-resolver-rules=MAP *.example 127.0.0.1:{oracle.port}, MAP {BEACON} 127.0.0.1:{oracle.port}"
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, rule])
        try:
            yield browser, oracle
        finally:
            await browser.close()


async def context_of(browser: Browser, oracle: Oracle, url: str, *, height: int = 900, **more: Any) -> BrowserContext:
    """Signed in as the owner. A tall screen shows a whole list at once; its pixels are few."""
    context = await browser.new_context(
        base_url=url, viewport={"width": 1440, "height": height}, device_scale_factor=0.25, locale="en-GB", **more
    )
    await context.expose_function("ran", lambda what: oracle.ran.append(str(what)))
    await context.expose_function("stopped", lambda what: oracle.stopped.append(str(what)))
    await context.add_init_script(HOOKS)
    context.on("console", oracle.heard)
    context.on("dialog", lambda dialog: oracle.ran.append(f"dialog {dialog.message}"))
    signed = await context.request.post("/api/v1/session", data={"email": "ana@example.org", "password": PASSWORD})
    assert signed.status == 200, await signed.text()
    return context


async def armed(page: Page) -> list[str]:
    """Attributes that could run something, in the page and in every frame of it."""
    return [found for frame in page.frames for found in await frame.evaluate(ARMED)]


async def marks(page: Page, where: str = "document.body") -> set[int]:
    """Which payloads are on the screen: the numbers of their marks in the visible text."""
    text: str = await page.evaluate(f"({where})?.innerText ?? ''")
    return {int(found) for found in re.findall(r"q(\d+)q", text)}
