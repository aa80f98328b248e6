"""How soon a delivery is acknowledged, how soon somebody sees it, and what happens in a burst."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright

from bench.benchmarks import benchmark
from bench.gates import Gate
from bench.load import post, texts
from bench.measure import Meter, Spent, interleaved, latencies, memory, memory_of_tree, percentile
from bench.place import EMAIL, PASSWORD, Place
from bench.writing.ingest import drained, lines

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")

PAUSE = 0.03  # seconds in which what one delivery set off is over, so that the next one comes to an idle desk

_ROW = "insert into fsynced (body) values ($1)"

# Tells the wall-clock time, in milliseconds, of the frame in which a text was drawn: the callback after a
# requestAnimationFrame runs when that frame has been handed over.
_WATCH = """
() => {
  window.drawn = {};
  new MutationObserver(() => {
    for (const found of document.body.innerText.matchAll(/mark-\\d+-end/g)) {
      const word = found[0];
      if (word in window.drawn) continue;
      window.drawn[word] = 0;
      requestAnimationFrame(() => setTimeout(() => {
        window.drawn[word] = performance.timeOrigin + performance.now();
      }, 0));
    }
  }).observe(document.body, { childList: true, subtree: true, characterData: true });
}
"""


@benchmark
async def idle_answer(place: Place) -> list[Gate]:
    """One delivery at a time, acknowledged, against one committed INSERT on the same disk."""
    count = place.size(200, quick=10)
    async with lines(place) as line:
        process = await line.office.start("run")
        await line.owner.execute(
            "create table fsynced (id bigint generated always as identity primary key, body bytea)"
        )
        body = os.urandom(500)
        meter = Meter(postgres=place.pid, server=process.pid)

        async def webhook() -> Spent:
            line.seed += 1
            with meter.measured(count) as spent:
                for request in texts(line.office.hook_url, count, seed=line.seed):
                    await post(line.office.url, [request], connections=1, spent=spent)
                    await asyncio.sleep(PAUSE)
            return spent

        async def insert() -> Spent:
            with meter.measured(count) as spent:
                for _ in range(count):
                    began = time.perf_counter()
                    await line.owner.execute(_ROW, body)
                    spent.took(time.perf_counter() - began)
                    await asyncio.sleep(PAUSE)
            return spent

        await webhook(), await insert()
        found = await interleaved(place.size(5, quick=1), webhook=webhook, insert=insert)
    ratios = [a.at(0.5) / b.at(0.5) for a, b in zip(found["webhook"], found["insert"], strict=True)]
    ours, theirs = latencies(found["webhook"]), latencies(found["insert"])
    return [
        Gate.at_most(
            "acknowledged, against one committed INSERT", statistics.median(ratios), 3.0, "×", note="p50, one at a time"
        ),
        Gate.figure("acknowledged p50", ours.at(0.5), "ms"),
        Gate.figure("acknowledged p99", ours.at(0.99), "ms"),
        Gate.figure("committed INSERT p50", theirs.at(0.5), "ms"),
    ]


@benchmark
async def burst(place: Place) -> list[Gate]:
    """Ten thousand deliveries as fast as they are taken, over 200 connections, until all are messages."""
    count = place.size(10_000, quick=200)
    async with lines(place) as line:
        process = await line.office.start("run")
        requests = texts(line.office.hook_url, count)
        meter = Meter(postgres=place.pid, server=process.pid)
        before, most = memory_of_tree(process.pid), 0.0
        line.posted = count
        with meter.measured(count) as spent:
            posting = asyncio.create_task(post(line.office.url, requests, connections=200, spent=spent))
            while not posting.done():
                most = max(most, memory(process.pid))
                await asyncio.wait([posting], timeout=0.25)
            await posting
            acknowledged = time.perf_counter()
            await drained(line.owner)
            rest = time.perf_counter() - acknowledged
        most = max(most, memory(process.pid))
        await line.check()
    return [
        Gate.at_most("acknowledged p99", spent.at(0.99), 1000, "ms"),
        Gate.at_most("all of them are messages, after the last acknowledgement", rest, 60, "s"),
        Gate.figure("acknowledged p50", spent.at(0.5), "ms"),
        Gate.figure("acknowledged", count / (spent.wall - rest), "/s"),
        Gate.figure("memory of the process before", before, "MB"),
        Gate.figure("memory of the process at most", most, "MB"),
    ]


@benchmark
async def painted(place: Place) -> list[Gate]:
    """From the first byte of a webhook to the frame in which another person's browser shows the message."""
    count = place.size(60, quick=3)
    if not os.access(CHROMIUM, os.X_OK):
        raise OSError("Chromium is missing: sudo apt install chromium")
    async with lines(place) as line, async_playwright() as playwright:
        process = await line.office.start("run")
        first = texts(line.office.hook_url, 20, seed=7)
        spent = Meter(server=process.pid)
        with spent.measured(20) as warm:
            await post(line.office.url, first, connections=4, spent=warm)
            await drained(line.owner)
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            page = await _signed_in(browser, line.office.url)
            took = [await _seen(page, line, number) for number in range(count + 3)][3:]
        finally:
            await browser.close()
    return [
        Gate.at_most("webhook to drawn in a browser, p95", percentile(took, 0.95), 150, "ms"),
        Gate.figure("webhook to drawn in a browser, p50", percentile(took, 0.5), "ms"),
        Gate.figure("webhook to drawn in a browser, worst", max(took), "ms"),
    ]


async def _signed_in(browser: Any, url: str) -> Page:
    context = await browser.new_context(base_url=url, viewport={"width": 1440, "height": 900}, locale="en-GB")
    signed = await context.request.post("/api/v1/session", data={"email": EMAIL, "password": PASSWORD})
    if signed.status != 200:
        raise OSError(f"signing in: {signed.status} {await signed.text()}")
    page: Page = await context.new_page()
    await page.goto("/")
    await page.get_by_role("main").first.wait_for()
    await asyncio.sleep(1.0)  # the live connection is open
    await page.evaluate(_WATCH)
    return page


async def _seen(page: Page, line: Any, number: int) -> float:
    """Milliseconds from sending one delivery to its frame."""
    word = f"mark-{number}-end"
    request = texts(line.office.hook_url, 1, seed=1000 + number, saying=word)
    with Meter().measured(1) as spent:
        began = time.time()
        await post(line.office.url, request, connections=1, spent=spent)
    await page.wait_for_function("word => window.drawn[word] > 0", arg=word, timeout=30_000, polling=50)
    drawn: float = await page.evaluate("word => window.drawn[word]", word)
    await asyncio.sleep(0.1)
    return drawn - began * 1000
