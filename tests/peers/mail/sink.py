"""Where received mails go in these tests, and the inbox that receives them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from frontdesk.channels.port import Account, Raw, Whisper
from peers.mail.peers import DESK, PASSWORD


class MemorySink:
    """Dedupes as the table of raw deliveries does: unique on the key, mails and checkpoint in one step."""

    def __init__(self) -> None:
        self.raws: dict[str, Raw] = {}
        self.saved: Mapping[str, Any] = {}
        self.stored = 0  # including repeats
        self.notes: list[str] = []
        self.changed = asyncio.Condition()

    async def store(self, raws: Sequence[Raw], *, checkpoint: Mapping[str, Any] | None = None) -> int:
        new = 0
        async with self.changed:
            for raw in raws:
                self.stored += 1
                new += raw.dedupe_key not in self.raws
                self.raws.setdefault(raw.dedupe_key, raw)
            if checkpoint is not None:
                self.saved = json.loads(json.dumps(checkpoint))
            self.changed.notify_all()
        return new

    async def checkpoint(self) -> Mapping[str, Any]:
        return self.saved

    async def healthy(self, note: str = "") -> None:
        await self._note(f"healthy: {note}")

    async def unhealthy(self, reason: str, *, needs_person: bool = False) -> None:
        await self._note(f"unhealthy{'!' if needs_person else ''}: {reason}")

    async def _note(self, text: str) -> None:
        async with self.changed:
            self.notes.append(text)
            self.changed.notify_all()

    async def whisper(self, whisper: Whisper) -> None:
        raise AssertionError("mail does not whisper")

    async def until_count(self, count: int, seconds: float = 60) -> None:
        await self.until(lambda: len(self.raws) >= count, seconds, lambda: f"{len(self.raws)} of {count}; {self.notes}")

    async def until(self, condition: Any, seconds: float = 60, what: Any = lambda: "") -> None:
        try:
            async with asyncio.timeout(seconds), self.changed:
                await self.changed.wait_for(condition)
        except TimeoutError:
            raise AssertionError(f"waited {seconds} s in vain: {what() or self.notes}") from None


def account(settings: Mapping[str, Any], **more: Any) -> Account:
    return Account(
        workspace_id=1,
        inbox_id=1,
        name="Support",
        settings={"address": DESK, "username": DESK, "password": PASSWORD, **settings, **more},
        hook_url="http://127.0.0.1/hooks/x",
        secret=f"the secret of {more.get('address', DESK)}".encode(),
    )
