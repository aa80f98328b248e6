"""A deadline for many short things at once, which costs each of them next to nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")
LOOKS = 10  # in the length of one deadline: how late somebody may be told


class Deadlines:
    """Ends what takes longer than ``seconds``, as ``asyncio.timeout`` does, up to a tenth later.

    A timer of the event loop for each delivery costs more than verifying it does. Here one timer serves all.
    """

    def __init__(self) -> None:
        self._began: dict[asyncio.Task[Any], float] = {}  # the oldest first
        self._late: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def keep(self, work: Awaitable[T], seconds: float) -> T:
        """What ``work`` returns. Raises TimeoutError where it was ended; a task keeps one deadline at a time."""
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None, "a deadline is kept by a task"
        self._began[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(seconds / LOOKS, self._look, seconds)
        try:
            return await work
        except asyncio.CancelledError:
            if task in self._late and task.uncancel() == 0:
                raise TimeoutError from None
            raise
        finally:
            del self._began[task]
            self._late.discard(task)

    def _look(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        for task, began in self._began.items():
            if loop.time() - began < seconds:
                break
            if task not in self._late:
                self._late.add(task)
                task.cancel()
        self._timer = loop.call_later(seconds / LOOKS, self._look, seconds) if self._began else None
