"""Deadlines that share one timer."""

from __future__ import annotations

import asyncio

import pytest

from frontdesk.kit.deadlines import Deadlines


async def test_what_takes_too_long_is_ended_and_the_task_goes_on() -> None:
    deadlines, ended = Deadlines(), []

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    with pytest.raises(TimeoutError):
        await deadlines.keep(hang(), 0.05)
    assert ended
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    assert await deadlines.keep(asyncio.sleep(0, "quick"), 0.05) == "quick"


async def test_only_the_late_one_is_ended() -> None:
    deadlines, door = Deadlines(), asyncio.Event()

    async def late() -> str:
        try:
            await deadlines.keep(asyncio.Event().wait(), 0.2)
        except TimeoutError:
            door.set()
            return "late"
        return "in time"

    async def punctual() -> str:
        while not door.is_set():
            await deadlines.keep(asyncio.sleep(0.01), 0.2)
        return "in time"

    assert await asyncio.gather(late(), punctual()) == ["late", "in time"]


async def test_somebody_else_s_cancelling_is_not_a_deadline() -> None:
    deadlines = Deadlines()
    task = asyncio.create_task(deadlines.keep(asyncio.Event().wait(), 60))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
