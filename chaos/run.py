"""One run: set up, load, kill, drain, check."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos.checker import CHECKS, Case, doubts
from chaos.history import History
from chaos.hooks import Hooks
from chaos.killer import Killer, Toll
from chaos.load import Load
from chaos.office import Office
from chaos.place import Ground, Zygote
from chaos.provider import Accepted, Providers
from chaos.record import read, waiting
from chaos.screens import Screens, differences
from chaos.settings import Plan

SCREENS_WITHIN = 15.0  # seconds after the drain in which every screen is up to date


@dataclass
class Outcome:
    """What a run found. ``wrong`` has a list for each check."""

    plan: Plan
    wrong: dict[str, list[str]] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    toll: Toll = field(default_factory=Toll)
    odd: list[str] = field(default_factory=list)
    load_average: tuple[float, float, float] = (0, 0, 0)
    seconds: float = 0.0

    @property
    def missed(self) -> list[str]:
        return [name for name, lines in self.wrong.items() if lines]


class Run:
    """Everything of one run, on a ground that several share."""

    def __init__(self, plan: Plan, ground: Ground, folder: Path) -> None:
        self._plan, self._ground = plan, ground
        self._home = folder / (plan.mutant or "design")
        self._home.mkdir(parents=True, exist_ok=True)
        self._history = History(self._home / "history.jsonl")
        self._outcome = Outcome(plan)

    async def __call__(self) -> Outcome:
        """Kill in rounds, each followed by a look at everything; a mutant's run ends with the first thing found."""
        began = time.time()
        await self._begin()
        try:
            while self._killer.toll.total < self._plan.kills:
                self._load.start()
                left = self._plan.kills - self._killer.toll.total
                await self._killer.kill(min(self._plan.round, left))
                await self._look()
                if self._outcome.missed:
                    break
        finally:
            self._outcome.seconds = time.time() - began
            self._outcome.load_average = os.getloadavg()
            await self._end()
        return self._outcome

    async def _begin(self) -> None:
        plan = self._plan
        self._connect_args, owner = await self._ground.database(f"chaos_{plan.mutant or 'design'}")
        if plan.mutant:
            from chaos.mutants import prepare

            await prepare(plan.mutant, owner)
        self._zygote = Zygote(self._home, self._connect_args, plan.mutant)
        self._office = Office(await self._zygote.open())
        self._hooks = Hooks(self._history, plan.seed)
        self._providers = Providers(self._history, plan.seed, self._report)
        await self._providers.start()
        self._killer = Killer(plan, self._ground, self._zygote, self._office, self._history)
        self._outcome.toll = self._killer.toll
        await self._killer.start()
        await self._office.furnish(self._providers.origin)
        self._hooks.addresses = self._office.hooks
        self._load = Load(plan, self._office, self._hooks, self._history)
        self._screens = Screens(self._office, plan.seed, plan.screens)
        self._screens.start()

    async def _report(self, one: Accepted) -> None:
        await self._hooks.report(one)

    async def _look(self) -> None:
        """Let everything end, then compare."""
        await self._killer.rest()
        await self._load.end()
        self._providers.calm = self._screens.steady = True
        drained = await self._drain()
        newest = (await waiting(self._connect_args))[2]
        caught_up = await self._screens.caught_up(newest, SCREENS_WITHIN)
        record = await read(self._connect_args)
        case = Case(self._hooks.written.texts, self._load.sendings, self._providers.truth, self._hooks.told, record)
        wrong = {check.__name__: check(case) for check in CHECKS}
        wrong["backlog"] = [] if drained is not None else [f"not drained after {self._plan.drain:.0f} s"]
        wrong["client_gap"] = [gap for screen in self._screens.all for gap in screen.gaps]
        if not caught_up:
            behind = {screen.name: screen.cursor for screen in self._screens.all}
            wrong["client_gap"].append(f"the log is at {newest}, screens are at {behind}")
        wrong["client_state"] = await differences(self._office, self._screens)
        self._outcome.wrong, self._outcome.odd = wrong, self._load.odd
        self._outcome.figures = self._figures(case, drained)
        self._providers.calm = self._screens.steady = False

    async def _drain(self) -> float | None:
        """Seconds until nothing is unread and nothing unsent; None if that takes too long."""
        began = time.time()
        while time.time() - began < self._plan.drain:
            raw, unsent, _ = await waiting(self._connect_args)
            if not raw and not unsent and not self._hooks.under_way:
                return time.time() - began
            await asyncio.sleep(0.1)
        return None

    def _figures(self, case: Case, drained: float | None) -> dict[str, Any]:
        states: dict[str, int] = {}
        for row in case.record.sent:
            states[row.state] = states.get(row.state, 0) + 1
        doubted = [seconds for _, seconds in doubts(case)]
        return {
            "texts": len(case.texts),
            "acknowledged": sum(1 for text in case.texts if text.acknowledged),
            "hook posts": self._hooks.written.posts,
            "sendings": len(case.sendings),
            "outbox": states,
            "provider requests": sum(case.truth.attempts.values()),
            "provider faults": dict(case.truth.strikes),
            "cancels": sum(1 for one in case.sendings if one.cancel == "cancelled"),
            "too late": sum(1 for one in case.sendings if one.cancel == "too late"),
            "longest doubt s": round(max(doubted, default=0), 1),
            "events": len(case.record.numbers),
            "contacts": len(case.record.points),
            "lost connections of screens": sum(screen.losses for screen in self._screens.all),
            "drain s": None if drained is None else round(drained, 1),
        }

    async def _end(self) -> None:
        await self._screens.close()
        await self._hooks.close()
        await self._providers.stop()
        await self._office.close()
        await self._zygote.close()
        self._history.close()
