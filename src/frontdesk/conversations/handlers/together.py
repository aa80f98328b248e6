"""What providers took is written down together: what comes while one commit is under way is the next (group commit)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

from frontdesk.channels.port import Sent
from frontdesk.conversations.actions import outbox
from frontdesk.conversations.actions.attempts import note_attempt
from frontdesk.kit.context import Resources
from frontdesk.kit.transaction import PASSING, Row

MOST = 50  # outcomes in one transaction


class _Waiting(NamedTuple):
    row: Row
    sent: Sent
    done: asyncio.Future[None]


class Together:
    """The sendings of one process that ended well and are not written down yet, by workspace."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._waiting: dict[int, list[_Waiting]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def write_down(self, row: Row, sent: Sent) -> None:
        """Returns when it is committed; raises what prevented that."""
        one = _Waiting(row, sent, asyncio.get_running_loop().create_future())
        workspace_id = row["workspace_id"]
        if workspace_id in self._waiting:  # whoever writes for this workspace looks again before it ends
            self._waiting[workspace_id].append(one)
        else:
            self._waiting[workspace_id] = [one]
            task = asyncio.create_task(self._write(workspace_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await one.done

    async def _write(self, workspace_id: int) -> None:
        group: list[_Waiting] = []
        try:
            while waiting := self._waiting[workspace_id]:
                group, self._waiting[workspace_id] = waiting[:MOST], waiting[MOST:]
                await self._commit(workspace_id, group)
        finally:
            for one in (*group, *self._waiting.pop(workspace_id)):  # nobody is left, unless this was cancelled
                if not one.done.done():
                    one.done.cancel()

    async def _commit(self, workspace_id: int, group: Sequence[_Waiting]) -> None:
        try:
            async with self._resources.db.begin(workspace_id) as tx:
                for row, sent, _ in group:
                    await note_attempt(tx, row, sent)
                await outbox.accepted_together(tx, [(row, sent) for row, sent, _ in group])
        except Exception as error:
            if len(group) > 1 and not isinstance(error, PASSING):  # one of them may be the reason
                for one in group:
                    await self._commit(workspace_id, [one])
                return
            for one in group:
                if not one.done.done():
                    one.done.set_exception(error)
            return
        for one in group:
            if not one.done.done():
                one.done.set_result(None)


_OF: WeakKeyDictionary[Resources, Together] = WeakKeyDictionary()


def together(resources: Resources) -> Together:
    """The one of this process."""
    if resources not in _OF:
        _OF[resources] = Together(resources)
    return _OF[resources]
