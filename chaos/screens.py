"""Users' screens: they follow the event stream, lose it at random, come back, and must show what a fresh load shows."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec

from chaos.office import Office

LOSE_AFTER = (0.3, 5.0)  # seconds between two losses of the connection
AWAY = (0.0, 0.6)


@dataclass
class Screen:
    """What one browser knows. Entities carry a ``rev`` that only grows; an older one is ignored."""

    name: str
    cursor: int = 0
    conversations: dict[int, dict[str, Any]] = field(default_factory=dict)
    messages: dict[int, dict[str, Any]] = field(default_factory=dict)
    losses: int = 0
    resyncs: int = 0
    events: int = 0
    gaps: list[str] = field(default_factory=list)

    def apply(self, number: int, kind: str, data: bytes) -> None:
        if kind == "resync":
            self.resyncs += 1
            self.gaps.append(f"{self.name} was told to load afresh at {number}")
        elif number != self.cursor + 1:
            what = "again" if number <= self.cursor else "without what lies between"
            self.gaps.append(f"{self.name} was at {self.cursor} and got {number} {what}")
        self.cursor = max(number, self.cursor)
        self.events += 1
        frame = msgspec.json.decode(data)
        for held, entity in ((self.conversations, "conversation"), (self.messages, "message")):
            if new := frame.get(entity):
                old = held.get(new["id"])
                if old is None or new["rev"] >= old["rev"]:
                    held[new["id"]] = new


class Screens:
    def __init__(self, office: Office, seed: str, count: int) -> None:
        self._office = office
        self._chance = random.Random(f"screens {seed}")
        self.all = [Screen(f"screen {number}") for number in range(1, count + 1)]
        self.steady = False  # nobody loses the connection on purpose any more
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._follow(screen)) for screen in self.all]

    async def caught_up(self, newest: int, within: float) -> bool:
        """Wait until every screen has come to this event."""
        for _ in range(int(within / 0.1)):
            if all(screen.cursor >= newest for screen in self.all):
                return True
            await asyncio.sleep(0.1)
        return False

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(self, screen: Screen) -> None:
        while True:
            patience = 3600 if self.steady else self._chance.uniform(*LOSE_AFTER)
            with contextlib.suppress(httpx.TransportError, TimeoutError, OSError):
                async with asyncio.timeout(patience):
                    await self._read(screen)
            screen.losses += 1
            await asyncio.sleep(self._chance.uniform(*AWAY))

    async def _read(self, screen: Screen) -> None:
        headers = {"Last-Event-ID": str(screen.cursor)}
        waits = httpx.Timeout(5, read=20)
        async with self._office.client.stream("GET", "/api/v1/events", headers=headers, timeout=waits) as answer:
            if answer.status_code != 200:
                await asyncio.sleep(0.2)
                return
            number, kind = 0, ""
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    number = int(value)
                elif name == "event":
                    kind = value
                elif name == "data" and kind != "whisper":
                    screen.apply(number, kind, value.encode())


async def differences(office: Office, screens: Screens) -> list[str]:
    """Where a screen shows something else than a fresh load."""
    conversations = {one["id"]: one for one in await office.everything("/conversations?view=any")}
    messages: dict[int, dict[str, Any]] = {}
    for known in conversations:
        page = await office.everything(f"/conversations/{known}/messages", "before")
        messages |= {one["id"]: one for one in page}
    for one in conversations.values():
        one.pop("my", None)
    found = []
    for screen in screens.all:
        found += _compared(screen.name, "conversation", screen.conversations, conversations)
        found += _compared(screen.name, "message", screen.messages, messages)
    return found


def _compared(name: str, entity: str, shown: dict[int, Any], fresh: dict[int, Any]) -> list[str]:
    found = [f"{name} has {entity} {one}, a fresh load does not" for one in shown.keys() - fresh.keys()]
    found += [f"{name} misses {entity} {one}" for one in fresh.keys() - shown.keys()]
    for one in shown.keys() & fresh.keys():
        if shown[one] != fresh[one]:
            fields = [field for field in fresh[one] if shown[one].get(field) != fresh[one][field]]
            told = ", ".join(f"{field}: {shown[one].get(field)!r} ≠ {fresh[one][field]!r}" for field in fields)
            found.append(f"{name} shows another {entity} {one} ({told})")
    return found
