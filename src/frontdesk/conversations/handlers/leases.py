"""How long what this process claimed is still its own.

A process that was stopped and wakes up after its lease must not send: by then others may have looked the message up,
and sent it. Time is told by this machine's clocks alone, from before the claim.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from frontdesk.kit import clock
from frontdesk.kit.transaction import Row

T = TypeVar("T")
SHARE = 0.8  # of a lease in which a sending may go on: the rest is for what is on its way


class Leases:
    """Those of one claim, of ``seconds`` each."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds * SHARE
        self._began, self._set_out = time.monotonic(), clock.now()
        self._by_loop = asyncio.get_running_loop().time() - self._began  # the loop's time may begin elsewhere
        self._limits: dict[int, asyncio.Timeout] = {}

    @property
    def over(self) -> bool:
        """Whether too much time has passed since the claim to begin a sending: by the clock that nobody sets, and by
        the other, because the first may stand still with its machine."""
        passed = time.monotonic() - self._began, (clock.now() - self._set_out).total_seconds()
        return max(passed) > self._seconds

    @asynccontextmanager
    async def running(self, row: Row) -> AsyncIterator[None]:
        """Ends what is inside, with TimeoutError, when the row's lease has run out."""
        async with asyncio.timeout_at(self._began + self._seconds + self._by_loop) as limit:
            self._limits[row["outbox_id"]] = limit
            try:
                yield
            finally:
                del self._limits[row["outbox_id"]]

    async def stepping(self, work: Coroutine[Any, Any, T], row: Row) -> T:
        """``work``, while the row's lease runs at each of its steps; TimeoutError otherwise.

        A process that wakes up does first what it was waiting for, which may be to write a request on a connection that
        was made meanwhile, and only then looks at its timers.
        """
        steps = _Steps(work, lambda: self._ended(row))
        try:
            return await steps
        except asyncio.CancelledError:
            if steps.ended:
                raise TimeoutError from None
            raise

    def renewed(self, since: float, rows: set[int]) -> None:
        """``since``: when the renewal was asked for, by ``time.monotonic``."""
        for outbox_id, limit in self._limits.items():
            if outbox_id in rows and not limit.expired():
                limit.reschedule(since + self._seconds + self._by_loop)

    def _ended(self, row: Row) -> bool:
        limit = self._limits.get(row["outbox_id"])
        ends = limit.when() if limit else None
        return ends is not None and time.monotonic() + self._by_loop > ends


class _Steps(Awaitable[T]):
    """Awaits ``work``, and cancels it once where it would go on although it is ``over``."""

    def __init__(self, work: Coroutine[Any, Any, T], over: Callable[[], bool]) -> None:
        self._work, self._over = work, over
        self.ended = False

    def __await__(self) -> Generator[Any, Any, T]:
        step: Callable[[], Any] = partial(self._work.send, None)
        while True:
            if not self.ended and self._over():
                self.ended = True
                step = partial(self._work.throw, asyncio.CancelledError())
            try:
                waits_for = step()
            except StopIteration as end:
                done: T = end.value
                return done
            try:
                step = partial(self._work.send, (yield waits_for))
            except BaseException as error:
                step = partial(self._work.throw, error)
