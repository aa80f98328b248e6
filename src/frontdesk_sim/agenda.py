"""What the simulator still has to do: webhooks to post, texts to deliver, customers who are about to answer.

Every entry is a row until it is done, so a killed simulator goes on where it stopped. An entry may therefore run twice;
it never runs zero times.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from .store import Store

log = logging.getLogger(__name__)

Handler = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(order=True)
class Entry:
    due: float  # seconds since the epoch
    id: int
    kind: str = field(compare=False)
    lane: str = field(compare=False)
    payload: dict[str, Any] = field(compare=False)


class Agenda:
    """Entries run when they are due, at most ``width`` at once; those with the same ``lane`` one after the other."""

    def __init__(self, store: Store, *, width: int = 64) -> None:
        self._store = store
        self._handlers: dict[str, Handler] = {}
        self._heap: list[Entry] = []
        self._lanes: dict[str, deque[Entry]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._free = asyncio.Semaphore(width)
        self._changed = asyncio.Event()
        self._quiet = asyncio.Condition()
        for row in store.rows("SELECT id, due, kind, lane, payload FROM agenda"):
            payload = msgspec.json.decode(row["payload"])
            heapq.heappush(self._heap, Entry(row["due"], row["id"], row["kind"], row["lane"], payload))

    def handles(self, kind: str, handler: Handler) -> None:
        self._handlers[kind] = handler

    def add(self, kind: str, payload: dict[str, Any], *, after: float = 0.0, lane: str = "") -> None:
        """Note something to do ``after`` seconds. The row joins the transaction that is open."""
        due, text = time.time() + after, msgspec.json.encode(payload).decode()
        id = self._store.run("INSERT INTO agenda (due, kind, lane, payload) VALUES (?, ?, ?, ?)", due, kind, lane, text)
        heapq.heappush(self._heap, Entry(due, id, kind, lane, payload))
        self._changed.set()

    def forget(self, kind: str) -> None:
        """Drop every waiting entry of a kind."""
        self._store.run("DELETE FROM agenda WHERE kind = ?", kind)
        self._heap = [entry for entry in self._heap if entry.kind != kind]
        heapq.heapify(self._heap)
        self._changed.set()

    async def clear(self) -> None:
        """Drop everything that waits and stop what runs."""
        self._store.run("DELETE FROM agenda")
        self._heap.clear()
        self._lanes.clear()
        await self._stop_running()

    async def _stop_running(self) -> None:
        stopped = list(self._running)
        for task in stopped:
            task.cancel()
        await asyncio.gather(*stopped, return_exceptions=True)

    def waiting(self, *, within: float = float("inf"), ignoring: frozenset[str] = frozenset()) -> int:
        """How many entries run now, or are due within so many seconds."""
        limit = time.time() + within
        ahead = sum(entry.due <= limit and entry.kind not in ignoring for entry in self._heap)
        return ahead + len(self._running) + sum(map(len, self._lanes.values()))

    async def settled(self, *, timeout: float, within: float = 60.0, ignoring: frozenset[str] = frozenset()) -> bool:
        """Wait until nothing runs and nothing is due within ``within`` seconds; False when ``timeout`` came first."""
        try:
            async with asyncio.timeout(timeout), self._quiet:
                await self._quiet.wait_for(lambda: not self.waiting(within=within, ignoring=ignoring))
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        try:
            while True:
                self._changed.clear()
                now = time.time()
                while self._heap and self._heap[0].due <= now:
                    self._start(heapq.heappop(self._heap))
                async with self._quiet:
                    self._quiet.notify_all()
                pause = self._heap[0].due - time.time() if self._heap else None
                try:
                    async with asyncio.timeout(pause):
                        await self._changed.wait()
                except TimeoutError:
                    continue
        finally:
            await self._stop_running()

    def _start(self, entry: Entry) -> None:
        if entry.lane:
            if entry.lane in self._lanes:
                self._lanes[entry.lane].append(entry)
                return
            self._lanes[entry.lane] = deque()
        self._launch(entry)

    def _launch(self, entry: Entry) -> None:
        task = asyncio.create_task(self._do(entry), name=f"{entry.kind} {entry.id}")
        self._running.add(task)
        task.add_done_callback(lambda done: self._after(entry, done))

    async def _do(self, entry: Entry) -> None:
        async with self._free:
            try:
                await self._handlers[entry.kind](entry.payload)
            except Exception:
                log.exception("agenda entry %s failed and is given up: %r", entry.kind, entry.payload)
            self._store.run("DELETE FROM agenda WHERE id = ?", entry.id)

    def _after(self, entry: Entry, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if entry.lane in self._lanes and not task.cancelled():
            if waiting := self._lanes[entry.lane]:
                self._launch(waiting.popleft())
            else:
                del self._lanes[entry.lane]
        self._changed.set()
