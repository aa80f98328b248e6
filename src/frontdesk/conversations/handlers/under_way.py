"""What this process has claimed from the outbox and not settled yet.

Sendings and look-ups go on here after the round that began them, so that a provider that hangs delays its own inbox and
nobody else's.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from frontdesk.conversations.handlers.together import Together
from frontdesk.kit.transaction import Row

BUSY = 8  # rows of one inbox under way at which no more of that inbox are claimed

log = structlog.get_logger()


class UnderWay:
    """The tasks of one process; ``over`` is called whenever one of them has ended and made room."""

    def __init__(self, over: Callable[[], None] | None = None) -> None:
        self._over = over
        self.together = Together(self.attend)
        self._tasks: set[asyncio.Task[None]] = set()
        self._rows: dict[tuple[int, int], int] = {}  # (workspace id, outbox id) → inbox id
        self._left: dict[tuple[int, int], float] = {}  # (workspace id, inbox id) → until when, by time.monotonic

    def rows(self, workspace_id: int) -> list[int]:
        """The outbox ids that are under way here."""
        return [outbox_id for workspace, outbox_id in self._rows if workspace == workspace_id]

    def busy(self, workspace_id: int) -> list[int]:
        """The ids of inboxes that have enough under way."""
        count = Counter(inbox_id for (workspace, _), inbox_id in self._rows.items() if workspace == workspace_id)
        return [inbox_id for inbox_id, rows in count.items() if rows >= BUSY]

    def leave(self, row: Row, seconds: float) -> None:
        """Leave this row's inbox to another process for a moment: it has the connection."""
        self._left[row["workspace_id"], row["inbox_id"]] = time.monotonic() + seconds

    def left(self, workspace_id: int) -> list[int]:
        """The ids of inboxes that are left to others just now."""
        now = time.monotonic()
        self._left = {key: until for key, until in self._left.items() if until > now}
        return [inbox_id for workspace, inbox_id in self._left if workspace == workspace_id]

    def start(self, row: Row, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do this for one row of the outbox, beside everything else."""
        key = row["workspace_id"], row["outbox_id"]
        self._rows[key] = row["inbox_id"]
        task = self.attend(work)
        task.add_done_callback(lambda _: self._rows.pop(key, None))
        return task

    def attend(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do this beside everything else, for no row."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a sending could not be brought to its end", error=repr(error))
        if self._over:
            asyncio.get_running_loop().call_soon(self._over)  # when its row is not counted any more

    async def settled(self) -> None:
        """Wait until nothing is under way; raises the first error of what ended meanwhile."""
        errors: list[BaseException] = []
        while self._tasks:
            ended = await asyncio.gather(*self._tasks, return_exceptions=True)
            errors += [outcome for outcome in ended if isinstance(outcome, BaseException)]
        if errors:
            raise errors[0]
