"""Files by signed addresses, the built screens, and whether we are ready."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import add_user
from conversations.office import Time
from frontdesk.app import migrate, screens
from frontdesk.kit.context import Resources
from frontdesk.kit.transaction import Database
from frontdesk.people import actions as people

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 50


async def upload(browser: httpx.AsyncClient, name: str, data: bytes, kind: str) -> dict[str, Any]:
    answer = await browser.post(f"/api/v1/files?name={name}", content=data, headers={"Content-Type": kind})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_file_is_fetched_by_its_signed_address_alone(signed_in: httpx.AsyncClient) -> None:
    made = await upload(signed_in, "photo.png", PNG, "image/png")
    signed_in.cookies.clear()
    found = await signed_in.get(made["url"])
    assert (found.status_code, found.content, found.headers["content-type"]) == (200, PNG, "image/png")
    assert found.headers["content-security-policy"] == "sandbox; default-src 'none'; frame-ancestors 'none'"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["content-disposition"] == 'inline; filename="photo.png"'
    assert "private" in found.headers["cache-control"]


async def test_what_could_run_is_a_download(signed_in: httpx.AsyncClient) -> None:
    for data in [b"<svg onload=alert(1)>", b"<html><script>alert(1)</script>"]:
        for kind in ["image/svg+xml", "text/html", "image/png", "x\x7f/y", ""]:
            made = await upload(signed_in, "a.png", data, kind)
            found = await signed_in.get(made["url"])
            assert found.headers["content-disposition"].startswith("attachment")
            assert "html" not in found.headers["content-type"]
            assert "svg" not in found.headers["content-type"]


async def test_an_address_that_was_changed_or_has_expired_is_nothing(signed_in: httpx.AsyncClient, time: Time) -> None:
    url = (await upload(signed_in, "photo.png", PNG, "image/png"))["url"]
    for at in range(len("/files/"), len(url), 7):
        other = "A" if url[at] != "A" else "B"
        assert (await signed_in.get(url[:at] + other + url[at + 1 :])).status_code == 404
    for token in ("", "x", ".", "a.b", "é", "%00", url.rsplit("/", 1)[1].split(".")[0]):
        assert (await signed_in.get(f"/files/{token}")).status_code == 404


async def test_an_address_ends_within_the_hour_but_not_on_a_screen_that_stays_open(
    signed_in: httpx.AsyncClient, db: Database, other_workspace: int, time: Time
) -> None:
    url = (await upload(signed_in, "photo.png", PNG, "image/png"))["url"]
    workspace = (await signed_in.get("/api/v1/me")).json()["workspace"]["id"]
    async with httpx.AsyncClient(transport=signed_in._transport, base_url=signed_in.base_url) as stranger:
        time.now += timedelta(minutes=29)
        assert (await stranger.get(url)).status_code == 200
        time.now += timedelta(minutes=31)
        assert (await stranger.get(url)).status_code == 404
        assert (await signed_in.get(url)).content == PNG
        assert (await signed_in.get(url[:-1] + ("A" if url[-1] != "A" else "B"))).status_code == 404
        for place, changes, status in (
            (workspace, {}, 200), (other_workspace, {}, 404), (workspace, {"only_assigned": True}, 404),
        ):  # fmt: skip
            somebody = await add_user(db, place, role="user", email=f"u{place}{len(changes)}@x.example")
            async with db.begin(place) as tx:
                await people.change_user(tx, somebody.user_id, by=None, **changes)
                _, token = await people.create_token(tx, somebody.user_id, name="t", scopes=["conversations:read"])
            asked = await stranger.get(url, headers={"Authorization": f"Bearer {token}"})
            assert asked.status_code == status, (place, changes)
        assert (await stranger.get(url, headers={"Authorization": "Bearer x"})).status_code == 404


async def test_who_cannot_ask_again_has_a_day_or_two(
    resources: Resources, client: httpx.AsyncClient, time: Time
) -> None:
    digest = await resources.files.put(PNG)
    for how in ("lasting", "absolute"):
        url = resources.file_url(1, digest, "a.png", "image/png", **{how: True})
        time.now += timedelta(hours=23)
        assert (await client.get(url)).status_code == 200
        time.now += timedelta(days=2)
        assert (await client.get(url)).status_code == 404


async def test_a_file_that_is_gone_from_its_place_is_not_found(
    signed_in: httpx.AsyncClient, resources: Resources
) -> None:
    made = await upload(signed_in, "photo.png", PNG, "image/png")
    digest = await resources.files.put(PNG)
    await resources.files.delete(digest)
    assert (await signed_in.get(made["url"])).status_code == 404


async def test_a_file_may_be_as_large_as_allowed(signed_in: httpx.AsyncClient, resources: Resources) -> None:
    most = resources.settings.max_file
    assert (await upload(signed_in, "big", b"x" * most, "text/plain"))["size"] == most
    answer = await signed_in.post("/api/v1/files?name=x", content=b"x" * (most + 1))
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    assert (await signed_in.post("/api/v1/files?name=x", content=b"")).status_code == 400


async def test_a_name_cannot_lead_elsewhere(signed_in: httpx.AsyncClient) -> None:
    for name in ["../../etc/passwd", "a%00b", "%E2%80%AEgnp.exe", "a%0D%0ASet-Cookie:x=1", "%22;x=%22", "."]:
        made = await upload(signed_in, name, PNG, "image/png")
        shown = (await signed_in.get(made["url"])).headers["content-disposition"]
        assert "/" not in made["name"]
        assert not any(ord(char) < 32 for char in shown)
        assert "\u202e" not in made["name"]


# --- screens --------------------------------------------------------------------------------------------------------


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "built"
    (home / "assets").mkdir(parents=True)
    (home / "index.html").write_text("<!doctype html><title>App</title>")
    (home / "favicon.svg").write_text("<svg/>")
    (home / "assets" / "main-1a2b.js").write_text("let a")
    (home / "assets" / "main-1a2b.js.br").write_bytes(b"packed")
    (tmp_path / "secret.txt").write_text("secret")
    (home / "assets" / "out").symlink_to(tmp_path / "secret.txt")
    monkeypatch.setattr(screens, "BUILT", home)
    return home


async def test_every_address_of_the_app_is_the_app(client: httpx.AsyncClient, built: Path) -> None:
    for path in ["/", "/conversations", "/conversations/12", "/settings/inboxes/new", "/a.b/c"]:
        answer = await client.get(path)
        assert (answer.status_code, answer.text) == (200, "<!doctype html><title>App</title>")
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert (answer.headers["x-frame-options"], answer.headers["cache-control"]) == ("DENY", "no-cache")


async def test_assets_are_kept_for_ever_and_packed(client: httpx.AsyncClient, built: Path) -> None:
    plain = await client.get("/assets/main-1a2b.js", headers={"Accept-Encoding": "identity"})
    assert (plain.text, plain.headers["vary"]) == ("let a", "Accept-Encoding")
    assert "immutable" in plain.headers["cache-control"]
    async with client.stream("GET", "/assets/main-1a2b.js", headers={"Accept-Encoding": "br"}) as packed:
        assert packed.headers["content-encoding"] == "br"
        assert b"".join([part async for part in packed.aiter_raw()]) == b"packed"
    assert (await client.get("/favicon.svg")).headers["cache-control"] == "public, max-age=3600"


async def test_nothing_outside_of_what_was_built_is_served(client: httpx.AsyncClient, built: Path) -> None:
    for path in [
        "/assets/../../secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/assets//etc/passwd",
        "/assets/out",
        "/assets/%00",
        "/assets/main-1a2b.js%00.png",
        "/assets/",
        "/assets/none.js",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/assets/..%5c..%5csecret.txt",
        "/assets/" + "a/" * 200,
    ]:
        answer = await client.get(path)
        assert "secret" not in answer.text
        assert "root:" not in answer.text
        assert answer.status_code in (404, 400) or answer.text.startswith("<!doctype html><title>App")


@pytest.mark.parametrize("name", ["a" * 300 + ".png", "a." + "ä" * 200])
async def test_a_longer_name_than_a_file_can_have_is_no_file(client: httpx.AsyncClient, built: Path, name: str) -> None:
    answer = await client.get(f"/{name}")
    assert (answer.status_code, answer.text) == (200, "<!doctype html><title>App</title>")
    assert (await client.get(f"/assets/{name[:290]}")).status_code == 404


async def test_without_screens_it_says_how_to_build_them(client: httpx.AsyncClient, built: Path) -> None:
    (built / "index.html").unlink()
    answer = await client.get("/")
    assert answer.status_code == 503
    assert "make screens" in answer.text


# --- ready? -----------------------------------------------------------------------------------------------------------


async def test_it_is_alive_and_tells_what_waits(client: httpx.AsyncClient, resources: Resources) -> None:
    assert (await client.get("/livez")).text == "ok"
    resources.settings = replace(resources.settings, metrics_token="hush")
    told = (await client.get("/metrics", headers={"Authorization": "Bearer hush"})).text
    for name in ("frontdesk_raw_backlog", "frontdesk_raw_oldest_seconds", "frontdesk_uncertain_oldest_seconds"):
        assert f"\n{name} 0.0" in told


async def test_it_is_not_ready_where_messages_could_be_lost(client: httpx.AsyncClient, resources: Resources) -> None:
    """The database of the tests has its safety off."""
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert "fsync" in answer.json()["why"]


async def test_nor_with_the_schema_of_another_version(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "newest", lambda: "9999")
    answer = await client.get("/readyz")
    assert (answer.status_code, "9999" in answer.json()["why"]) == (503, True)


async def test_nor_without_a_database(
    client: httpx.AsyncClient, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> Any:
        raise ConnectionRefusedError("at /run/x, password=secret")

    monkeypatch.setattr(resources.db.pool, "acquire", nobody)
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert "secret" not in answer.text
