"""The pages: what they show, what they escape, what they may load; and once through a real browser."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from .conftest import Desk, Sim, until


async def page(sim: Sim, path: str) -> str:
    answer = await sim.http.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    return answer.text


async def test_what_customers_write_is_shown_as_text(sim: Sim) -> None:
    await sim.control("POST", "/customers/demo-ada/texts", {"body": "<script>alert(1)</script>"})
    await sim.control("POST", "/customers/demo-ada/mails", {"subject": "<b>x</b>", "text": '"><img src=x onerror=1>'})
    shown = await page(sim, "/?who=demo-ada")
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "<b>x</b>" not in shown
    assert "<img src=x" not in shown


async def test_pages_load_nothing_from_elsewhere(sim: Sim) -> None:
    for path in ("/", "/shop", "/faults", "/?who=nobody"):
        answer = await sim.http.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "http" not in policy
    await sim.control("PUT", "/settings", {"frontdesk_url": "http://127.0.0.1:8000/", "widget_key": "key-1"})
    shop = await sim.http.get("/shop")
    assert '<script src="http://127.0.0.1:8000/widget.js" data-key="key-1" async></script>' in shop.text
    assert "script-src 'self' http://127.0.0.1:8000;" in shop.headers["content-security-policy"]
    assert "ws://127.0.0.1:8000" in shop.headers["content-security-policy"]


async def test_fragments_follow_the_conversation(sim: Sim) -> None:
    assert "No texts yet" in await page(sim, "/fragments/phone/demo-ada")
    await sim.send(Body="Good morning")
    await sim.settle()
    assert "Good morning" in await page(sim, "/fragments/phone/demo-ada")
    assert "text.accepted" in await page(sim, "/fragments/truth")
    assert "text.accepted" not in await page(sim, "/fragments/truth?kind=fault")
    assert (await sim.http.get("/fragments/phone/nobody")).status_code == 404


async def test_assets(sim: Sim) -> None:
    for name, kind in (("sim.css", "text/css"), ("sim.js", "text/javascript"), ("parcel.png", "image/png")):
        answer = await sim.http.get(f"/assets/{name}")
        assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, kind)
    assert (await sim.http.get("/assets/routes.py")).status_code == 404


async def test_other_sites_cannot_drive_it(sim: Sim) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        answer = await sim.http.post("/control/customers/demo-ada/texts", json={"body": "x"}, headers=headers)
        assert answer.status_code == 403
    own = {"Origin": sim.world.base_url}
    answer = await sim.http.post("/control/customers/demo-ada/texts", json={"body": "x"}, headers=own)
    assert answer.status_code == 201


CHROMIUM = shutil.which("chromium") or ""


@pytest.mark.peers
@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="needs chromium: sudo apt install chromium")
async def test_playing_a_customer_in_a_browser(hooked: Sim, desk: Desk, tmp_path: Path) -> None:
    from playwright.async_api import async_playwright

    shots = Path(os.environ.get("FRONTDESK_SIM_SHOTS", tmp_path))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        tab = await browser.new_page(viewport={"width": 1280, "height": 860})
        troubles: list[str] = []
        tab.on("pageerror", lambda error: troubles.append(str(error)))
        tab.on("console", lambda line: troubles.append(line.text) if line.type == "error" else None)
        await tab.goto(f"{hooked.world.base_url}/?who=demo-eleni")
        await tab.get_by_role("button", name="Sample picture").click()
        await tab.get_by_text("Picture: parcel.png").wait_for()
        await tab.get_by_label("Text to the desk").fill("My parcel arrived like this.")
        await tab.get_by_label("Text to the desk").press("Enter")
        await until(lambda: desk.inbound())
        assert desk.calls[0].params["NumMedia"] == "1"
        await hooked.send(To=desk.calls[0].params["From"], Body="Oh no! We send a new one today.")
        await tab.get_by_text("We send a new one today").wait_for()
        await tab.get_by_label("Subject").fill("My invoice")
        await tab.get_by_label("Message", exact=True).fill("Could you send it again, please?")
        await tab.get_by_role("button", name="Send mail").click()
        await tab.locator("#mails").get_by_text("My invoice").wait_for()
        await tab.screenshot(path=shots / "play.png", full_page=True)
        await tab.goto(f"{hooked.world.base_url}/faults")
        await tab.get_by_role("button", name="Storm").click()
        await until(lambda: hooked.world.faults.faults.drop_after == 0.05)
        await tab.get_by_role("button", name="Lost: once").click()
        await until(lambda: hooked.world.faults.ordered.get("drop") == 1)
        await tab.screenshot(path=shots / "faults.png", full_page=True)
        await tab.goto(f"{hooked.world.base_url}/shop")
        await tab.screenshot(path=shots / "shop.png", full_page=True)
        await tab.emulate_media(color_scheme="dark")
        await tab.set_viewport_size({"width": 390, "height": 844})
        for name in ("", "faults", "shop"):
            await tab.goto(f"{hooked.world.base_url}/{name}")
            assert await tab.evaluate("document.documentElement.scrollWidth") <= 390
            await tab.screenshot(path=shots / f"phone-{name or 'play'}.png", full_page=True)
        await browser.close()
    assert troubles == []
