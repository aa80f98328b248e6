"""What follows the killing: messages taken back at the moment they leave, and deliveries that nobody reads at first."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime

from chaos.hooks import Hooks
from chaos.killer import Killer
from chaos.load import Load
from chaos.office import Office

USERS = 48  # who write and take back side by side, each in a conversation of their own
FEEDERS = 24  # deliveries under way at once


async def race(load: Load, office: Office, count: int, seed: str) -> dict[str, float]:
    """So many messages, each taken back about when it leaves. The aim is what lets one half win: it moves away from the
    moment when a message is due when cancelling came first, and towards it when it was too late. Returns who won how
    often, and the seconds it took."""
    chance, began = random.Random(f"races {seed}"), time.time()
    before, left = len(load.sendings), iter(range(count))
    aim, lead = 0.0, 0.3  # seconds: from due to cancelling, and from writing to due

    async def user(conversation: int) -> None:
        nonlocal aim, lead
        for _ in left:
            sending, asked = load.sending(conversation, scheduled=True), time.time()
            due = asked + lead
            await load.send(sending, datetime.fromtimestamp(due, UTC))
            lead += 0.1 * (3 * (time.time() - asked) - lead)
            await asyncio.sleep(max(0.0, due + aim + chance.gauss(0, 0.01) - time.time()))
            await load.cancel(sending)
            aim = max(-1.0, min(1.0, aim + (0.005 if sending.cancel == "cancelled" else -0.005)))

    conversations = await _conversations(load, office)
    await asyncio.gather(*(user(conversation) for conversation in conversations))
    raced = load.sendings[before:]
    outcomes = {word: sum(1 for one in raced if one.cancel == word) for word in ("cancelled", "too late", "unknown")}
    return {"races": len(raced), **outcomes, "seconds": round(time.time() - began, 1)}


async def _conversations(load: Load, office: Office) -> list[int]:
    """One for each user; new customers begin those that are missing."""
    while len(found := await office.everything("/conversations?view=any")) < USERS:
        load.come()
        await asyncio.sleep(0.05)
    return [one["id"] for one in found[:USERS]]


async def pile_up(load: Load, hooks: Hooks, killer: Killer, count: int) -> float:
    """So many deliveries are acknowledged while no worker runs; then the workers start. Returns how many seconds the
    deliveries took to come in."""
    await killer.dismiss("worker")
    began = time.time()
    for _ in range(count):
        while len(hooks.under_way) >= FEEDERS:
            await asyncio.wait(hooks.under_way, return_when=asyncio.FIRST_COMPLETED)
        load.write()
    while hooks.under_way:
        await asyncio.wait(hooks.under_way)
    seconds = time.time() - began
    await killer.start("worker")
    return seconds
