"""The main path against the product itself: its own server, database and worker."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser

from channels.livechat.livechat_desk import IDENTITY_SECRET
from channels.livechat.visitor import identity
from widget.hosts import ROOT, Site, Visitor, a_site, free_port, until, until_true
from widget.server import PICTURE

pytestmark = [pytest.mark.peers, pytest.mark.slow]
READY = 120.0  # seconds for a first start, which makes a database


class Product:
    """``frontdesk run`` in a folder of its own, and its owner's view of it."""

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.home = home
        self.api = httpx.Client(base_url=f"{self.base}/api/v1", timeout=30, trust_env=False)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {**os.environ, "FRONTDESK_HOME": str(self.home), "FRONTDESK_PORT": str(self.port)}
        environment |= {"PYTHONPATH": str(ROOT / "src")}
        environment.pop("DATABASE_URL", None)
        self.process = subprocess.Popen([sys.executable, "-m", "frontdesk.app.cli", "run"], env=environment)
        until = time.monotonic() + READY
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if self.api.get(f"{self.base}/readyz").status_code == 200:
                    return
            time.sleep(0.2)
        raise AssertionError("frontdesk run did not become ready")

    def stop(self) -> None:
        self.api.close()
        if self.process:
            self.process.terminate()
            self.process.wait(60)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.api.request(method, path, json=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def set_up(self, origin: str) -> str:
        """An owner, an inbox; returns the inbox's public key."""
        owner = {"workspace": "Shop", "name": "Ada", "email": "ada@example.org", "password": "correct horse battery"}
        me = self.call("POST", "/setup", {**owner, "timezone": "Europe/Athens"})
        self.api.headers["X-CSRF-Token"] = me["csrf"]
        settings = {"origins": [origin], "greeting": "Hello!", "identity_secret": IDENTITY_SECRET, "colour": "#0f766e"}
        inbox = self.call("POST", "/inboxes", {"channel": "livechat", "name": "Website", "settings": settings})
        return str(inbox["public_key"])

    def conversations(self) -> list[dict[str, Any]]:
        return list(self.call("GET", "/conversations")["items"])

    def messages(self, conversation: int) -> list[dict[str, Any]]:
        found = self.call("GET", f"/conversations/{conversation}/messages")["items"]
        return sorted(found, key=lambda message: message["id"])


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    product = Product(tmp_path_factory.mktemp("home"))
    try:
        product.start()
        yield product
    finally:
        product.stop()


@pytest.fixture(scope="module")
def shop(product: Product) -> Iterator[Site]:
    with a_site(product.base) as site:
        site.key = product.set_up(site.origin)
        yield site


@pytest.fixture
async def visitor(chromium: Browser, product: Product, shop: Site) -> AsyncIterator[Visitor]:
    context = await chromium.new_context(viewport={"width": 1100, "height": 760}, locale="en-GB")
    yield Visitor(await context.new_page(), shop)
    await context.close()


async def test_a_conversation_with_the_product(visitor: Visitor, product: Product) -> None:
    await visitor.visit()
    frame = await visitor.open()
    await visitor.say("Do you ship to Crete?")
    await until_true(lambda: len(product.conversations()) == 1, "the conversation")
    (conversation,) = product.conversations()
    product.call("POST", f"/conversations/{conversation['id']}/typing", {"on": True})
    await frame.locator(".typing").wait_for()
    product.call("POST", f"/conversations/{conversation['id']}/messages", {"text": "Yes, in two days."})
    await frame.get_by_text("Yes, in two days.").wait_for()
    assert await frame.locator(".author").inner_text() == "Ada"

    def read() -> bool:
        return (product.messages(conversation["id"])[-1]["delivery"] or {}).get("state") == "read"

    await until_true(read, "the receipt")
    await frame.locator("input[type=file]").set_input_files(
        [{"name": "photo.png", "mimeType": "image/png", "buffer": PICTURE}]
    )
    await frame.locator(".uploads .done").wait_for()
    await frame.get_by_label("Send").click()
    picture = frame.locator(".picture img")
    await until(lambda: picture.evaluate("image => image.complete && image.naturalWidth"), "the picture")
    await visitor.visit("/later")
    frame = await visitor.open()
    await frame.get_by_text("Yes, in two days.").wait_for()
    texts = [message["text"] for message in product.messages(conversation["id"])]
    assert texts == ["Do you ship to Crete?", "Yes, in two days.", ""]
    assert [message for message in visitor.messages if message.startswith(("error", "pageerror"))] == []


async def test_a_signed_in_visitor_and_the_product(visitor: Visitor, product: Product) -> None:
    before = len(product.conversations())
    await visitor.visit()
    await visitor.page.evaluate("token => frontdesk('identify', token)", identity(name="Ann", email="ann@example.org"))
    frame = await visitor.open()
    await visitor.say("It is me")
    await until_true(lambda: len(product.conversations()) == before + 1, "the conversation")
    newest = max(product.conversations(), key=lambda conversation: conversation["id"])
    assert newest["contact"]["name"] == "Ann"
    product.call("POST", f"/conversations/{newest['id']}/messages", {"text": "Hello Ann"})
    await frame.get_by_text("Hello Ann").wait_for()


async def test_the_products_try_it_page(visitor: Visitor, product: Product, shop: Site) -> None:
    before = len(product.conversations())
    await visitor.page.goto(f"{product.base}/widget/demo?key={shop.key}")
    await visitor.page.get_by_text("Open the chat").click()
    await visitor.say("Only trying")
    await until_true(lambda: len(product.conversations()) == before + 1, "the conversation")
