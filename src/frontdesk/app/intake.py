"""Where deliveries enter: every row is committed before anybody is told that we have it.

Deliveries that arrive side by side share a transaction (group commit without a timer: what comes while one flush is
under way is the next), so that a burst costs little more than a trickle.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from frontdesk.channels.port import Raw
from frontdesk.inboxes import actions as inboxes
from frontdesk.kit import crash, trace
from frontdesk.kit.disk import Disk
from frontdesk.kit.errors import Unavailable
from frontdesk.kit.losses import AWAY
from frontdesk.kit.transaction import Database

FLUSHERS = 2
MOST = 200  # deliveries in one flush
WAITING = 5000  # deliveries that may wait; beyond, providers are told to come back (503)


@dataclass(slots=True)
class _Waiting:
    workspace_id: int
    inbox_id: int
    raws: Sequence[Raw]
    done: asyncio.Future[int]
    trace: str | None = None


class Intake:
    """The process's only way to store deliveries."""

    def __init__(self, db: Database, disk: Disk | None = None) -> None:
        self._db = db
        self._disk = disk or Disk()
        self._waiting: list[_Waiting] = []
        self._flushers: set[asyncio.Task[None]] = set()

    async def store(self, workspace_id: int, inbox_id: int, raws: Sequence[Raw]) -> int:
        """Commit the deliveries; returns how many were new. Raises Unavailable when nothing was stored."""
        if not raws:
            return 0
        self._disk.require()
        if len(self._waiting) >= WAITING:
            raise Unavailable("Too much is waiting to be stored. Nothing was taken; try again.", code="overloaded")
        one = _Waiting(workspace_id, inbox_id, raws, asyncio.get_running_loop().create_future(), trace.current())
        self._waiting.append(one)
        self._start()
        return await one.done

    def _start(self) -> None:
        if self._waiting and len(self._flushers) < FLUSHERS:
            task = asyncio.create_task(self._flush())
            self._flushers.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Somebody may have come between the last look and the end."""
        self._flushers.discard(task)
        self._start()

    async def _flush(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            by_inbox: dict[tuple[int, int], list[_Waiting]] = {}
            for one in taken:
                by_inbox.setdefault((one.workspace_id, one.inbox_id), []).append(one)
            for (workspace_id, inbox_id), together in by_inbox.items():
                await self._together(workspace_id, inbox_id, together)

    async def _together(self, workspace_id: int, inbox_id: int, group: list[_Waiting]) -> None:
        try:
            crash.point("intake")
            came = [(raw, one.trace) for one in group for raw in one.raws]
            new = await inboxes.take_in(self._db, workspace_id, inbox_id, came)
        except Exception as error:
            if len(group) > 1:  # one of them may be the reason
                for one in group:
                    await self._together(workspace_id, inbox_id, [one])
            elif not group[0].done.done():
                group[0].done.set_exception(_explained(error))
            return
        for one in group:
            if not one.done.done():
                one.done.set_result(new if len(group) == 1 else len(one.raws))


def _explained(error: Exception) -> Exception:
    if isinstance(error, (*AWAY, TimeoutError)):
        return Unavailable("This could not be stored just now. Nothing was taken; try again.")
    return error
