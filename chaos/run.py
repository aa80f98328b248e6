"""One run: set up, load, kill, drain, check."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from chaos import phases
from chaos.checker import ANY_TIME, CHECKS, Case, doubts, enough
from chaos.history import History
from chaos.hooks import Hooks
from chaos.killer import Killer, Toll
from chaos.load import Load
from chaos.mutants import MUTANTS
from chaos.office import Office
from chaos.place import Place
from chaos.provider import Providers
from chaos.record import read, waiting
from chaos.screens import Screens, differences
from chaos.settings import Plan
from frontdesk.app.verify import verify
from frontdesk.kit.transaction import Database

SCREENS_WITHIN = 15.0  # seconds after the drain in which every screen is up to date
FEW = 100  # kills that may be over before much has happened
AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)  # what a database says that another run is killing


@dataclass
class Outcome:
    """What a run found. ``wrong`` has a list for each check."""

    plan: Plan
    wrong: dict[str, list[str]] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    toll: Toll = field(default_factory=Toll)
    spent: Counter[str] = field(default_factory=Counter)  # seconds, by what for
    odd: list[str] = field(default_factory=list)
    load_average: tuple[float, float, float] = (0, 0, 0)
    seconds: float = 0.0

    @property
    def missed(self) -> list[str]:
        return [name for name, lines in self.wrong.items() if lines]


class Run:
    """Everything of one run, in a lane of a place that several share."""

    def __init__(self, plan: Plan, place: Place, folder: Path) -> None:
        self._plan, self._place = plan, place
        self._home = folder / plan.name
        self._home.mkdir(parents=True, exist_ok=True)
        self._history = History(self._home / "history.jsonl")
        self._ends = AsyncExitStack()
        self._ends.callback(self._history.close)
        self._outcome = Outcome(plan)

    async def __call__(self) -> Outcome:
        lane = await self._place.lanes.get()
        began = time.time()
        try:
            with self._time("setting up"):
                await self._begin(lane)
            await self._kill()
            if self._plan.races or self._plan.backlog:
                await self._phases()
            if not self._outcome.missed and not self._plan.mutant:
                with self._time("verifying"):
                    self._outcome.wrong["verify"] = await self._verify()
        finally:
            self._outcome.seconds = time.time() - began
            self._outcome.load_average = os.getloadavg()
            await self._ends.aclose()
            self._place.lanes.put_nowait(lane)
        return self._outcome

    @contextmanager
    def _time(self, what: str) -> Iterator[None]:
        began = time.time()
        yield
        self._outcome.spent[what] += time.time() - began

    async def _begin(self, lane: int) -> None:
        plan, ports, furniture = self._plan, self._place.ports(lane), self._place.furniture
        self._office = Office(ports, furniture)
        self._ends.push_async_callback(self._office.close)
        self._hooks = Hooks(self._history, plan.seed, ports, furniture.hooks)
        self._ends.push_async_callback(self._hooks.close)
        self._providers = Providers(self._history, plan.seed, self._hooks.report)
        await self._providers.start()
        self._ends.push_async_callback(self._providers.stop)
        changes = MUTANTS[plan.mutant].database if plan.mutant else ()
        both = await self._place.database(f"chaos_{plan.name}", self._providers.origin, changes)
        self._connect_args = both[0]
        self._killer = Killer(plan, self._place, lane, both, self._office, self._history)
        self._ends.push_async_callback(self._killer.end)
        self._outcome.toll = self._killer.toll
        await self._killer.start()
        if not await self._office.ready():
            raise OSError("The web process did not become ready.")
        self._load = Load(plan, self._office, self._hooks, self._history)
        self._ends.push_async_callback(self._load.close)
        self._outcome.odd = self._load.odd
        self._screens = Screens(self._office, plan.seed, plan.screens)
        self._ends.push_async_callback(self._screens.close)
        self._screens.start()

    # --- killing ---

    async def _kill(self) -> None:
        """In rounds, each followed by a look at everything; a mutant's run ends with the first thing found."""
        toll, plan = self._killer.toll, self._plan
        while toll.total < plan.kills and not self._outcome.missed:
            self._load.start()
            ends = min(plan.kills, toll.total + plan.round)
            while toll.total < ends and not self._outcome.missed:
                with self._time("killing"):
                    await self._killer.kill(min(plan.glance or plan.round, ends - toll.total))
                if plan.glance:
                    await self._glance()
            if not self._outcome.missed:
                await self._look()

    async def _glance(self) -> None:
        """What must hold while everything goes on."""
        with self._time("glancing"):
            try:
                case = await self._case()
            except AWAY:
                return
            found = {check.__name__: check(case) for check in ANY_TIME}
            found["client_gap"] = [gap for screen in self._screens.all for gap in screen.gaps]
            if any(found.values()):
                self._outcome.wrong = found

    async def _case(self) -> Case:
        record = await read(self._connect_args)
        return Case(self._hooks.written.texts, self._load.sendings, self._providers.truth, self._hooks.told, record)

    async def _look(self) -> None:
        """Let everything end, then compare."""
        self._providers.calm = self._screens.steady = self._killer.gentle = True
        with self._time("coming to rest"):
            await self._load.stop()
            await self._killer.rest()
            await self._load.end()
        with self._time("draining"):
            drained = await self._drain()
        with self._time("comparing"):
            newest = (await self._waiting())[2]
            caught_up = await self._screens.caught_up(newest, SCREENS_WITHIN)
            case = await self._patiently(self._case)
            wrong = {check.__name__: check(case) for check in CHECKS}
            wrong["failure"] = self._failures()
            if self._killer.toll.total >= FEW and not self._plan.mutant:
                wrong["enough"] = enough(case, self._killer.toll.total)
            wrong["backlog"] = [] if drained is not None else [f"not drained after {self._plan.drain:.0f} s"]
            wrong["client_gap"] = [gap for screen in self._screens.all for gap in screen.gaps]
            if not caught_up:
                behind = {screen.name: screen.cursor for screen in self._screens.all}
                wrong["client_gap"].append(f"the log is at {newest}, screens are at {behind}")
            wrong["client_state"] = await differences(self._office, self._screens)
        self._outcome.wrong = wrong
        self._outcome.figures |= self._figures(case, drained)
        self._providers.calm = self._screens.steady = self._killer.gentle = False

    # --- after the killing ---

    async def _phases(self) -> None:
        """Races and a backlog, with nobody killed and providers that answer; then a look at everything again."""
        if self._outcome.missed:
            return
        self._providers.calm = self._killer.gentle = True
        if self._plan.races:
            with self._time("racing"):
                self._outcome.figures["races"] = await phases.race(
                    self._load, self._office, self._plan.races, self._plan.seed
                )
        if self._plan.backlog:
            with self._time("piling up"):
                seconds = await phases.pile_up(self._load, self._hooks, self._killer, self._plan.backlog)
            began = time.time()
            while (await self._waiting())[0]:
                await asyncio.sleep(0.1)
                if time.time() - began > self._plan.drain:
                    break
            read_in = round(time.time() - began, 1)
            piled = {"deliveries": self._plan.backlog, "came in s": round(seconds, 1), "read in s": read_in}
            self._outcome.figures["piled up"] = piled
        await self._look()

    def _failures(self) -> list[str]:
        """Processes that ended although nobody killed them, and answers with 500. (A mutant may do both; it is to be
        caught by what it does to messages.)"""
        if self._plan.mutant:
            return []
        return [*self._killer.toll.died, *(f"{one}: 500" for one in self._office.crashes + self._hooks.written.crashes)]

    async def _verify(self) -> list[str]:
        """What ``frontdesk verify`` says of the database."""
        db = await Database.open(self._connect_args, size=2)
        try:
            return [f"{one.check}: {example}" async for one in verify(db) for example in one.examples]
        finally:
            await db.close()

    # --- waiting ---

    async def _drain(self) -> float | None:
        """Seconds until nothing is unread and nothing unsent; None if that takes too long."""
        began = time.time()
        while time.time() - began < self._plan.drain:
            raw, unsent, _ = await self._waiting()
            if not raw and not unsent and not self._hooks.under_way:
                return time.time() - began
            await asyncio.sleep(0.1)
        return None

    async def _waiting(self) -> tuple[int, int, int]:
        counted: tuple[int, int, int] = await self._patiently(lambda: waiting(self._connect_args))
        return counted

    async def _patiently(self, asking: Any) -> Any:
        """The database may be down, because a run beside this one kills it."""
        for _ in range(100):
            try:
                return await asking()
            except AWAY:
                await asyncio.sleep(0.1)
        return await asking()

    def _figures(self, case: Case, drained: float | None) -> dict[str, Any]:
        states = Counter(row.state for row in case.record.sent)
        doubted = [seconds for _, seconds in doubts(case)]
        return {
            "texts": len(case.texts),
            "acknowledged": sum(1 for text in case.texts if text.acknowledged),
            "hook posts": self._hooks.written.posts,
            "sendings": len(case.sendings),
            "outbox": dict(states),
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
