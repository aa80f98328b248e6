"""What the browser tests stand on: a server process that can be killed, a customer's site, and a visitor."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import httpx
from playwright.async_api import Frame, Page

from channels.livechat.livechat_desk import KEY

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
BUILT = ROOT / "src/frontdesk/static/widget/widget.js"
# All of them: Playwright's own would switch off partitioned storage, which every visitor's browser has.
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--no-first-run",
    "--no-startup-window",
    "--remote-debugging-pipe",
]
T = TypeVar("T")

DEADLINE = 20.0  # seconds that anything may take, on a busy machine


def free_port() -> int:
    """A port below those that outgoing connections use: else a browser that keeps trying to reach a killed server may
    get that port for its own end, and the server cannot come back."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no free port between 20000 and 32000")


class Server:
    """The widget's server. ``kill`` is a power cut: what was not committed is gone."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.port, self.path, self.settings = free_port(), folder / "desk.sqlite", settings
        self.base = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}"}
        command = [sys.executable, str(Path(__file__).with_name("server.py"))]
        self.process = subprocess.Popen(
            [*command, str(self.port), str(self.path), json.dumps(self.settings)], env=environment
        )
        until = time.monotonic() + DEADLINE
        while True:
            try:
                httpx.get(f"{self.base}/test/state", timeout=1).raise_for_status()
                return
            except httpx.HTTPError:
                if time.monotonic() > until or self.process.poll() is not None:
                    self.kill()
                    raise
                time.sleep(0.05)

    def kill(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def pull(self, lever: str, **data: Any) -> Any:
        answer = httpx.post(f"{self.base}/test/{lever}", json=data, timeout=5)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def state(self) -> dict[str, Any]:
        return dict(httpx.get(f"{self.base}/test/state", timeout=5).json())

    def texts(self) -> list[str]:
        return [row["text"] for row in self.state()["written"]]


HOSTILE = """
* { color: red !important; background: lime !important; font: 9px monospace !important; }
div, button, iframe { display: block !important; position: static !important; transform: rotate(7deg) !important;
  width: 33px !important; height: 33px !important; opacity: .2 !important; border: 9px solid blue !important; }
"""


class Site:
    """A website on another site (localhost, not 127.0.0.1), with the strictest policy under which the chat works."""

    def __init__(self, port: int) -> None:
        self.origin = f"http://localhost:{port}"
        self.key = KEY
        self.head = ""
        self.attributes = ""
        self.html = "<html lang='en'>"
        self.style = HOSTILE
        self.policy: str | None = None

    def page(self, widget: str) -> bytes:
        script = f'<script async src="{widget}/widget.js" data-key="{self.key}" {self.attributes}></script>'
        body = "<h1>Shop</h1><p><a href='#more'>More</a> <button id='own'>Own button</button></p>"
        head = f"<meta name='viewport' content='width=device-width'><title>Shop</title>{self.head}{script}"
        return f"<!doctype html>{self.html}<head>{head}<style>{self.style}</style></head><body>{body}</body>".encode()

    def csp(self, widget: str) -> str:
        strict = f"default-src 'none'; script-src {widget}; frame-src {widget}; style-src 'unsafe-inline'"
        return self.policy or strict


@contextmanager
def a_site(widget: str) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"" if "favicon" in self.path else site.page(widget)
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-security-policy", site.csp(widget))
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site = Site(server.server_port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Visitor:
    """Somebody in front of a page. The button is in a closed shadow root, so it is hit where it is seen."""

    def __init__(self, page: Page, site: Site) -> None:
        self.page, self.site = page, site
        self.requests: list[str] = []
        self.messages: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.messages.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.messages.append(f"pageerror: {error}"))

    async def visit(self, path: str = "/") -> None:
        await self.page.goto(self.site.origin + path)
        await self.page.wait_for_function("window.frontdesk && window.frontdesk.loaded")

    async def reach(self) -> None:
        size = self.page.viewport_size
        assert size is not None
        await self.page.mouse.move(size["width"] - 48, size["height"] - 48)

    async def touch(self) -> None:
        size = self.page.viewport_size
        assert size is not None
        await self.page.mouse.click(size["width"] - 48, size["height"] - 48)

    async def frame(self) -> Frame:
        return await until(self._frame, "the frame")

    async def _frame(self) -> Frame | None:
        return next((frame for frame in self.page.frames if "/widget/app" in frame.url), None)

    async def open(self) -> Frame:
        await self.touch()
        frame = await self.frame()
        await frame.locator("h1").wait_for()
        return frame

    async def say(self, text: str) -> None:
        frame = await self.frame()
        area = frame.locator("textarea")
        await area.fill(text)
        await area.press("Enter")

    async def shown(self) -> list[str]:
        """The bubbles from top to bottom, without the greeting."""
        frame = await self.frame()
        return [
            text.strip() for text in await frame.locator(".item.mine .text, .item.theirs.first .text").all_inner_texts()
        ]


async def until(look: Callable[[], Awaitable[T | None]], what: str, *, seconds: float = DEADLINE) -> T:
    """The first thing that ``look`` finds; AssertionError after ``seconds``."""
    end = time.monotonic() + seconds
    while True:
        found = await look()
        if found:
            return found
        assert time.monotonic() < end, f"{what} did not come within {seconds} s"
        await asyncio.sleep(0.05)


async def until_true(look: Callable[[], Any], what: str, *, seconds: float = DEADLINE) -> None:
    async def asked() -> bool:
        return bool(await asyncio.to_thread(look))

    await until(asked, what, seconds=seconds)
