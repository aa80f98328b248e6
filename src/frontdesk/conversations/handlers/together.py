"""What providers took, written down many messages at a time: what is answered while one commit is under way is the
next, without a timer. A batch that fails, and what somebody else is at, is left to be written one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import structlog

from frontdesk.channels.port import Sent
from frontdesk.conversations.actions.accept import accepted_together
from frontdesk.conversations.actions.attempts import note_attempts
from frontdesk.kit.context import Resources
from frontdesk.kit.transaction import Row

MOST = 50  # messages in one transaction

log = structlog.get_logger()


@dataclass(slots=True)
class _Waiting:
    row: Row
    sent: Sent
    done: asyncio.Future[bool]


class Together:
    """One process's; ``attend`` runs a task and holds it until it ends."""

    def __init__(self, attend: Callable[[Coroutine[Any, Any, None]], object]) -> None:
        self._attend = attend
        self._waiting: dict[int, list[_Waiting]] = {}  # by workspace
        self._writing: set[int] = set()

    async def written(self, resources: Resources, row: Row, sent: Sent) -> bool:
        """Whether it is committed, with the attempt. If not, it has to be written down by itself."""
        workspace_id = row["workspace_id"]
        one = _Waiting(row, sent, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(workspace_id, []).append(one)
        if workspace_id not in self._writing:
            self._writing.add(workspace_id)
            self._attend(self._write(resources, workspace_id))
        return await one.done

    async def _write(self, resources: Resources, workspace_id: int) -> None:
        """Until nobody waits. Nothing is awaited between the last look and the end, so nobody is overlooked."""
        batch: list[_Waiting] = []
        try:
            while waiting := self._waiting.pop(workspace_id, []):
                batch, self._waiting[workspace_id] = waiting[:MOST], waiting[MOST:]
                committed = await _commit(resources, workspace_id, batch)
                _release(batch, committed)
        finally:
            self._writing.discard(workspace_id)
            _release([*batch, *self._waiting.pop(workspace_id, [])], set())


async def _commit(resources: Resources, workspace_id: int, batch: list[_Waiting]) -> set[int]:
    try:
        async with resources.db.begin(workspace_id, planned=True) as tx:
            ours = await accepted_together(tx, [(one.row, one.sent) for one in batch])
            # Last: it locks the message, and a cancellation locks the outbox first.
            await note_attempts(tx, [(one.row, one.sent) for one in batch if one.row["outbox_id"] in ours])
    except Exception as error:
        log.warning("outcomes are written down one by one", outbox=len(batch), error=repr(error))
        return set()
    return ours


def _release(batch: list[_Waiting], committed: set[int]) -> None:
    for one in batch:
        if not one.done.done():
            one.done.set_result(one.row["outbox_id"] in committed)
