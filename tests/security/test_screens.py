"""XSS on real screens: every payload in every place where foreign text reaches the app, and nothing runs.

An execution would be seen in five ways: a hooked ``alert``, a dialog, a request to a beacon, an attribute or address on
the page that could run, and (what only the last wall stopped) a report of the content security policy. That these ways
see anything at all is proved in ``test_screens_oracle.py``.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from html import escape
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, BrowserContext, Error, Frame, Page, async_playwright

from frontdesk.conversations.actions import send
from frontdesk.conversations.handlers import dispatch, ingest
from security.hostile import PART, Hostile, opened, settle_in, text
from security.oracle import Oracle, armed, context_of, marks, watching
from security.payloads import MARKUP, WORDS, marked
from web.conftest import missing
from web.desk import BUILT, CHROMIUM

pytestmark = [pytest.mark.peers, pytest.mark.slow]

TALL = 24_000  # pixels: a whole thread at once, so that nothing stays unrendered below the edge; this costs seconds
HIGH = 6_000  # pixels, for pages that render all they have
DEADLINE = 60.0
ALL = set(range(len(WORDS)))
Show = Callable[..., Awaitable[Page]]

# How many payloads each place has to show; the tests below assert exactly these.
PLACES = {
    "mail in its own layout": len(MARKUP),
    "mail in its own layout, with images": len(MARKUP),
    "mail's document outside of the sandboxed frame": len(MARKUP),
    "mail's text, quote, subject, addresses, file names": 5 * len(MARKUP),
    "chat text": len(WORDS),
    "chat file name": len(WORDS),
    "comment and mention": 20,
    "message that failed, with the provider's reason": 20,
    "list of conversations: name and preview": 40,
    "live arrival": 30,
    "list of contacts": len(WORDS),
    "contact's tags": len(WORDS),
    "settings: labels, tags, teammates, teams, tokens": 5 * len(WORDS),
    "settings: audit log": len(WORDS),
    "set-aside deliveries and their errors": PART,
    "search fields from the address bar": len(WORDS) + 12,
    "widget: greeting": len(WORDS),
    "widget: a user's text and name": 2 * 40,
    "widget: questions before the chat": 12,
    "addresses of the API, hooks, files, widget": 5 * 40,
}


def test_there_are_more_than_a_thousand_pairs() -> None:
    assert len(set(MARKUP)) == len(MARKUP) >= 60
    assert sum(PLACES.values()) >= 1_000


@pytest.fixture(scope="module")
async def world(place: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hostile]:
    if not CHROMIUM.exists():
        missing("Chromium", "sudo apt install chromium")
    if not BUILT.exists():
        missing("the built screens", "make screens")
    async with opened(place, tmp_path_factory.mktemp("home")) as made:
        await settle_in(made)
        yield made


@pytest.fixture(scope="module")
async def watched(world: Hostile) -> AsyncIterator[tuple[Browser, Oracle]]:
    async with async_playwright() as playwright, watching(playwright) as found:
        yield found


@pytest.fixture
async def oracle(watched: tuple[Browser, Oracle]) -> AsyncIterator[Oracle]:
    """Silent at the end of every test, also where a test looks for nothing itself."""
    oracle = watched[1]
    oracle.forget()
    yield oracle
    assert (oracle.ran, oracle.beacons, oracle.stopped) == ([], [], [])


@pytest.fixture(scope="module")
async def profile(watched: tuple[Browser, Oracle], world: Hostile) -> AsyncIterator[BrowserContext]:
    context = await context_of(*watched, world.url)
    yield context
    await context.close()


@pytest.fixture
async def show(profile: BrowserContext, oracle: Oracle, world: Hostile) -> AsyncIterator[Show]:
    """Opens a page as the signed-in owner; afterwards nothing on it is armed, and it is still the same page."""
    page = await profile.new_page()

    async def open_(path: str, *, height: int = HIGH) -> Page:
        await page.set_viewport_size({"width": 1440, "height": height})
        await page.goto(path)
        return page

    yield open_
    assert page.url.startswith(world.url), f"led away to {page.url}"
    found = await armed(page)
    await page.close()
    assert found == []


async def until(page: Page, looks: Callable[[], Awaitable[set[int]]], wanted: set[int]) -> None:
    """Until all these payloads were on the screen. More is loaded where there is more."""
    end, found = asyncio.get_running_loop().time() + DEADLINE, await looks()
    while missing_ones := wanted - found:
        assert asyncio.get_running_loop().time() < end, f"never shown at {page.url}: {sorted(missing_ones)}"
        await press_all(page, "Load more")
        await asyncio.sleep(0.1)
        found |= await looks()


async def until_true(page: Page, script: str) -> None:
    async def looks() -> set[int]:
        return await _truth(bool(await page.evaluate(script)))

    await until(page, looks, {1})


async def _truth(found: bool) -> set[int]:
    return {1} if found else set()


async def shown(page: Page, wanted: set[int], where: str = "document.body") -> None:
    await until(page, lambda: marks(page, where), wanted)


async def press_all(page: Page, name: str) -> None:
    """Every button with this text, at once."""
    await page.evaluate(
        "name => [...document.querySelectorAll('button')]"
        ".filter(one => one.textContent.trim() === name || one.ariaLabel === name).forEach(one => one.click())",
        name,
    )


async def in_frames(page: Page) -> set[int]:
    found: set[int] = set()
    for frame in page.frames[1:]:
        with suppress(Error):  # it is being replaced
            words = await frame.evaluate("document.body?.innerText ?? ''")
            found |= {int(mark) for mark in re.findall(r"q(\d+)q", words)}
    return found


# --- mail -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [0, 1])
async def test_mail_in_its_own_layout(part: int, show: Show, world: Hostile, oracle: Oracle) -> None:
    here = set(range(len(MARKUP))[part * PART : (part + 1) * PART])
    page = await show(f"/conversations/all?c={(await world.conversations(world.email))[part]}", height=TALL)
    await shown(page, here, "document.querySelector('[role=log]')")
    await press_all(page, "Show original layout")
    await until(page, lambda: in_frames(page), here)
    assert await armed(page) == []
    assert (oracle.ran, oracle.beacons, oracle.stopped) == ([], [], []), "no pixel is loaded before somebody asks"
    await press_all(page, "Show images")
    await until(page, lambda: in_frames(page), here)
    if part == 1:  # where the tracking pixels are
        await until(page, lambda: _truth(bool(oracle.beacons)), {1})
    assert oracle.ran == oracle.stopped == []
    assert all(" /" in line and "accept: image/" in line for line in oracle.beacons), "images, and nothing else"
    assert all("cookie" not in line and "referer" not in line for line in oracle.beacons)
    oracle.beacons.clear()


@pytest.mark.parametrize("part", [0, 1])
async def test_mail_as_text_with_all_its_headers(part: int, show: Show, world: Hostile) -> None:
    here = set(range(len(MARKUP))[part * PART : (part + 1) * PART])
    page = await show(f"/conversations/all?c={(await world.conversations(world.email))[part]}", height=TALL)
    await shown(page, here, "document.querySelector('[role=log]')")
    await press_all(page, "Show quoted text")
    await page.evaluate(
        "document.querySelectorAll('article header button[aria-expanded=false]').forEach(b => b.click())"
    )
    await until_true(page, "document.querySelectorAll('article dl').length >= 40")
    texts: list[str] = await page.evaluate("[...document.querySelectorAll('article')].map(one => one.innerText)")
    often = {at: max(len(re.findall(f"q{at}q", one)) for one in texts) for at in here}
    few = {at: count for at, count in often.items() if count < 5}
    assert few == {}, "subject, To, Cc, text and quote, file name"


async def test_a_mails_document_in_a_frame_that_is_not_sandboxed(show: Show, world: Hostile, oracle: Oracle) -> None:
    """Opened by its address: what holds then is what the document itself brings along."""
    page = await show("/settings/profile")
    ids = await world.rows("select id from messages where html is not null order by id")
    assert len(ids) == len(MARKUP)
    await page.evaluate(
        "ids => ids.forEach(id => { const frame = document.createElement('iframe');"
        " frame.src = `/api/v1/messages/${id}/html?images=${id % 2}`; document.body.append(frame) })",
        ids,
    )
    await until(page, lambda: in_frames(page), set(range(len(MARKUP))))
    assert len(page.frames) == len(MARKUP) + 1
    oracle.beacons[:] = [line for line in oracle.beacons if "accept: image/" not in line]


# --- texts, chat, comments ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [0, 1])
async def test_chat_messages_and_their_files(part: int, show: Show, world: Hostile) -> None:
    here = set(range(len(WORDS))[part * PART : (part + 1) * PART])
    page = await show(f"/conversations/all?c={(await world.conversations(world.chat))[part]}", height=TALL)
    await shown(page, here, "document.querySelector('[role=log]')")
    log: str = await page.evaluate("document.querySelector('[role=log]').innerText")
    assert {at for at in here if len(re.findall(f"q{at}q", log)) < 2} == set(), "its text and its file's name"


async def test_comments_and_what_providers_say_of_failures(show: Show, world: Hostile) -> None:
    page = await show(f"/conversations/all?c={(await world.conversations(world.sms))[0]}", height=TALL)
    await shown(page, set(range(20)), "document.querySelector('[role=log]')")
    log: str = await page.evaluate("document.querySelector('[role=log]').innerText")
    assert {at for at in range(20) if len(re.findall(f"q{at}q", log)) < 4} == set(), "mention, comment, text, reason"


async def test_the_list_of_conversations(show: Show) -> None:
    page = await show("/conversations/all")
    await many(page, range(300), PLACES["list of conversations: name and preview"])


async def test_what_arrives_while_somebody_looks(show: Show, world: Hostile) -> None:
    page = await show("/conversations/all")
    await many(page, range(100), 1)
    await world.deliver(world.sms, [text(200 + at, payload) for at, payload in enumerate(WORDS[:40])])
    await many(page, range(200, 240), PLACES["live arrival"])


async def many(page: Page, which: range, count: int) -> None:
    """Until so many of these payloads are in the list; what arrived meanwhile waits behind a button."""
    grid = "document.querySelector('[role=grid]')"
    end = asyncio.get_running_loop().time() + DEADLINE
    while (found := len(await marks(page, grid) & set(which))) < count:
        assert asyncio.get_running_loop().time() < end, f"{found} of {count} in the list"
        await page.evaluate(f"{grid}?.parentElement.querySelector(':scope > button')?.click()")
        await asyncio.sleep(0.1)


# --- contacts and settings ------------------------------------------------------------------------------------------


async def test_the_list_of_contacts(show: Show) -> None:
    page = await show("/contacts")
    await shown(page, ALL, "document.querySelector('main')")


async def test_a_contact_with_every_tag(show: Show, world: Hostile) -> None:
    last = (await world.rows("select max(contact_id) from contact_tags"))[0]
    page = await show(f"/contacts/{last}")
    await shown(page, ALL, "document.querySelector('main')")


@pytest.mark.parametrize("page_name", ["labels", "tags", "teammates", "teams", "tokens"])
async def test_settings(page_name: str, show: Show) -> None:
    page = await show(f"/settings/{page_name}")
    main = "[...document.querySelectorAll('main input')].map(one => one.value).join(' ')"
    inputs = f"({{innerText: (document.querySelector('main')?.innerText ?? '') + ' ' + {main}}})"
    await shown(page, ALL, inputs)


async def test_the_audit_log(show: Show) -> None:
    page = await show("/settings/audit")
    await shown(page, ALL, "document.querySelector('main')")


async def test_what_was_set_aside(show: Show) -> None:
    page = await show("/settings/set-aside")
    await shown(page, set(range(PART)), "document.querySelector('main')")


@pytest.mark.parametrize("page_name", ["inboxes", "workspace", "profile", "appearance"])
async def test_pages_with_names_of_their_own(page_name: str, show: Show) -> None:
    """The workspace's name, the titles of chats, the greeting in a form: hostile as well."""
    page = await show(f"/settings/{page_name}")
    await until_true(page, "document.querySelector('main h1') && !document.querySelector('[aria-label=Loading]')")


# --- the address bar ------------------------------------------------------------------------------------------------


async def test_searches_from_the_address_bar(show: Show) -> None:
    page = await show("/conversations/all", height=900)
    await until_true(page, "document.querySelector('main')")
    for at, payload in enumerate(WORDS):
        await page.evaluate(
            "([q, hash]) => { history.pushState(null, '', `/conversations/all?q=${encodeURIComponent(q)}#${hash}`);"
            " dispatchEvent(new PopStateEvent('popstate')) }",
            [marked(at, payload)[:300], payload[:300]],
        )
        await asyncio.sleep(0.01)
    number = len(WORDS) - 1
    await until_true(page, f"[...document.querySelectorAll('input')].some(one => one.value.startsWith('q{number}q'))")
    for at in range(0, len(WORDS), 8):
        await page.goto(f"/contacts?q={quote(marked(at, WORDS[at])[:300])}")
        await until_true(page, f"document.querySelector('main input')?.value.startsWith('q{at}q')")


@pytest.mark.parametrize("before", ["/api/v1/conversations/", "/hooks/", "/files/", "/widget/app?o=x&key=", "/"])
async def test_addresses_that_answer_with_what_was_asked(before: str, show: Show) -> None:
    """Problems are JSON, and no browser takes them for a page; unknown paths of the app show the app."""
    page = await show("/", height=600)
    for payload in WORDS[:40]:
        answer = await page.goto(before + quote(payload, safe=""))
        assert answer is not None
        kind = answer.headers["content-type"].partition(";")[0]
        assert kind in ("application/json", "application/problem+json") or before == "/"
        assert answer.headers["x-content-type-options"] == "nosniff"
    await page.goto("/")


# --- the widget -----------------------------------------------------------------------------------------------------


async def chat_frame(page: Page) -> Frame:
    """The chat's frame on the page that shows it, opened."""
    await page.evaluate("frontdesk('open')")
    end = asyncio.get_running_loop().time() + DEADLINE
    while not (found := [frame for frame in page.frames if "/widget/app" in frame.url]):
        assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.1)
    return found[0]


async def test_what_a_visitor_sees_of_the_team(show: Show, world: Hostile) -> None:
    """Greeting and title first; then everything that users wrote, under names that they gave themselves."""
    page = await show(f"/widget/demo?key={world.chat_key}", height=900)
    frame = await chat_frame(page)
    await frame.locator("textarea").fill("q0q Hello")
    await frame.locator("textarea").press("Enter")
    await frame.locator(".mine:not(.going)").wait_for()  # it is on the screen before the server has it
    while await ingest.ingest(world.resources):
        pass
    conversation = (await world.conversations(world.chat))[-1]
    assert await world.rows("select text from messages where conversation_id = $1", conversation) == ["q0q Hello"]
    async with world.resources.db.begin(world.actor.workspace_id) as tx:
        for at, payload in enumerate(WORDS[:40]):
            words = marked(at, payload)
            await send(tx, conversation, words, author_id=world.actor.user_id, author_name=words)
    while await dispatch.dispatch(world.resources):
        pass
    await frame.locator(".theirs .text").nth(40).wait_for(timeout=DEADLINE * 1000)
    assert await frame.locator(".log img, .log svg, .log script, .log iframe").count() == 0
    greeting = await frame.locator(".theirs .text").first.inner_text()
    assert {int(found) for found in re.findall(r"q(\d+)q", greeting)} == ALL


async def test_the_questions_before_the_chat(show: Show, world: Hostile) -> None:
    page = await show(f"/widget/demo?key={world.asking_key}", height=900)
    frame = await chat_frame(page)
    await frame.locator("form").first.wait_for()
    words = await frame.locator("form").first.inner_text()
    assert {int(found) for found in re.findall(r"q(\d+)q", words)} >= set(range(12))


# --- the oracle -----------------------------------------------------------------------------------------------------


async def test_the_oracle_sees_what_runs(show: Show, world: Hostile, oracle: Oracle) -> None:
    """Both walls off: the same payloads in frames of a page without a policy. Many run, many load."""
    page = await show("/settings/profile", height=900)
    oracle.page = "".join(f'<iframe srcdoc="{escape(payload)}"></iframe>' for payload in MARKUP)
    await page.goto(f"http://127.0.0.1:{oracle.port}/open")
    await until(page, lambda: _truth(len(set(oracle.ran)) >= 30 and len(set(oracle.beacons)) >= 10), {1})
    await page.goto("/settings/profile")
    oracle.forget()


async def test_without_the_first_wall_the_second_one_holds(watched: Any, world: Hostile, oracle: Oracle) -> None:
    """Mails as they came, not cleaned: the frame's sandbox and its policy stop them, and the oracle sees that."""
    ids = await world.rows("select id from messages where html is not null and direction = 'in' order by id")
    async with world.resources.db.begin(world.actor.workspace_id) as tx:
        for message, payload in zip(ids, MARKUP, strict=True):
            await tx.execute("update messages set html = $2 where workspace_id = $1 and id = $3",
                             tx.workspace_id, payload, message)  # fmt: skip
    # A browser keeps a mail's document for some minutes, and the common profile has seen these when they were clean.
    async with await context_of(watched[0], oracle, world.url, height=TALL) as context:
        page = await context.new_page()
        await page.goto(f"/conversations/all?c={(await world.conversations(world.email))[0]}")
        await shown(page, {0}, "document.querySelector('[role=log]')")
        await press_all(page, "Show original layout")
        await until(page, lambda: _truth(len(page.frames) > PART and len(oracle.stopped) >= 20), {1})
        assert (oracle.ran, oracle.beacons) == ([], [])
    oracle.forget()
