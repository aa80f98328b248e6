"""Kills web, worker and PostgreSQL at random, stops workers for longer than their lease, and starts all again."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from chaos.ground import Both
from chaos.history import History
from chaos.office import Office
from chaos.place import Place
from chaos.settings import FROZEN, Plan

AT_ONCE = 0.1  # of the kills come whether anybody has got to work or not
PATIENCE = 5.0  # seconds that the others wait for that, or until a process that said so has stopped


@dataclass
class Toll:
    """What was killed, and how many seconds until things worked again."""

    kills: Counter[str] = field(default_factory=Counter)
    frozen: int = 0
    worker_back: list[float] = field(default_factory=list)
    beside_frozen: list[float] = field(default_factory=list)  # the same, while another worker was stopped
    web_back: list[float] = field(default_factory=list)
    postgres_up: list[float] = field(default_factory=list)  # until it takes connections again
    healthy: list[float] = field(default_factory=list)  # from then until web and workers work again
    died: list[str] = field(default_factory=list)  # who ended although nobody killed it

    @property
    def total(self) -> int:
        return sum(self.kills.values())


class Killer:
    def __init__(self, plan: Plan, place: Place, lane: int, database: Both, office: Office, history: History) -> None:
        self._plan, self._zygote, self._office, self._history = plan, place.zygote, office, history
        self._ground, self._sockets, self._connect_args = place.ground, place.sockets(lane), database[0]
        self._chance = random.Random(f"killer {plan.seed}")
        self.places: dict[str, int] = {}  # name -> pid: "web 1", "worker 1" …
        self._cold: set[str] = set()
        self._watches: set[asyncio.Task[None]] = set()
        self._workers: list[int] = []  # the pids of all that there ever were
        self.toll = Toll()
        self.gentle = False  # who stops itself now goes on at once

    async def start(self, *roles: str) -> None:
        counts = {"web": self._plan.webs, "worker": self._plan.workers}
        for role in roles or counts:
            for number in range(1, counts[role] + 1):
                await self._spawn(f"{role} {number}")

    async def dismiss(self, role: str) -> None:
        """Kill all of these, which does not count, and start none."""
        for name in [name for name in self.places if name.startswith(role)]:
            _signal(self.places.pop(name), signal.SIGKILL)

    async def _spawn(self, name: str) -> None:
        role, number = name.split()
        socket = self._sockets[int(number) - 1] if role == "web" else 0
        pid = await self._zygote.spawn(
            role, self._connect_args, socket=socket, mutant=self._plan.mutant, stops=self._plan.stops,
            watcher=self,
        )  # fmt: skip
        self.places[name] = pid
        if role == "worker":
            self._workers.append(pid)

    async def kill(self, count: int) -> None:
        """So many kills, a moment apart."""
        for _ in range(count):
            await asyncio.sleep(self._chance.uniform(*self._plan.pause))
            number = self.toll.total + 1
            if self._plan.postgres_every and number % self._plan.postgres_every == 0:
                await self._crash()
            else:
                await self._shoot(await self._victim())
            if number % self._plan.freeze_every == 0:
                self._freeze()

    async def _victim(self) -> str:
        """Mostly when both trips are under way: on a busy machine nobody else would ever be killed at work."""
        ends = time.time() + (0 if self._chance.random() < AT_ONCE else PATIENCE)
        while time.time() < ends and len({name.split()[0] for name in self._at_work()}) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return self._chance.choice(self._at_work() or [name for name in self.places if name not in self._cold])

    def _at_work(self) -> list[str]:
        return [name for name, pid in self.places.items() if name not in self._cold and pid in self._zygote.passes]

    async def rest(self) -> None:
        """Wait until everything that was stopped goes on and every measurement has ended."""
        while self._watches:
            await asyncio.wait(self._watches)

    async def end(self) -> None:
        """Whatever still runs, and whoever watches it."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        for role in ("web", "worker"):
            await self.dismiss(role)

    async def _shoot(self, name: str) -> None:
        self.toll.kills[name.split()[0]] += 1
        _signal(self.places[name], signal.SIGKILL)
        at = time.time()
        self._history.note("kill", "ok", who=name)
        await self._spawn(name)
        self._watch(self._time_pass(name, self.places[name], at))

    async def _crash(self) -> None:
        self.toll.kills["postgres"] += 1
        down = time.time()
        seconds = await self._ground.crash()
        self.toll.postgres_up.append(seconds)
        up = down + seconds
        self._history.note("kill", "ok", who="postgres", seconds=round(seconds, 3))
        self._watch(self._time_health(down, up))

    def _freeze(self) -> None:
        free = [name for name in self.places if name.startswith("worker") and name not in self._cold]
        if self._cold or len(free) < 2:
            return
        name = self._chance.choice(free)
        _signal(self.places[name], signal.SIGSTOP)
        self._cold.add(name)
        self._watch(self._sleep(name, self.places[name]))

    def died(self, pid: int, how: str) -> None:
        """It is a fault, and whoever supervises a process starts it again."""
        for name in [name for name, there in self.places.items() if there == pid]:
            self.toll.died.append(f"{name} ended by itself: {how}")
            self._history.note("died", "fail", who=name, how=how)
            self._watch(self._spawn(name))

    def stopped(self, pid: int) -> None:
        """A worker stops itself at a bad moment. One at a time: if another sleeps, this one goes on at once."""
        names = [name for name, there in self.places.items() if there == pid]
        if names and not self._cold and not self.gentle:
            self._cold.add(names[0])
            self._watch(self._sleep(names[0], pid))
        else:
            self._watch(self._wake(pid))

    async def _sleep(self, name: str, pid: int) -> None:
        self.toll.frozen += 1
        self._history.note("stop", "ok", who=name, seconds=FROZEN)
        await asyncio.sleep(FROZEN)
        await self._wake(pid)
        self._cold.discard(name)

    async def _wake(self, pid: int) -> None:
        """It says so just before it stops: a signal that came in between would be lost, and it would sleep for ever."""
        ends = time.time() + PATIENCE
        while not _stands(pid) and time.time() < ends:  # noqa: ASYNC110  (a process that stops tells nobody)
            await asyncio.sleep(0.01)
        _signal(pid, signal.SIGCONT)

    def _watch(self, watching: object) -> None:
        task = asyncio.create_task(watching)  # type: ignore[arg-type]
        self._watches.add(task)
        task.add_done_callback(self._watches.discard)

    async def _time_pass(self, name: str, pid: int, since: float, within: float = 20) -> None:
        """Until this process has done its work once; nothing if it was killed before."""
        frozen = False
        while time.time() - since < within and self.places.get(name) == pid:
            frozen = frozen or bool(self._cold)
            if done := [at for at in self._zygote.passes.get(pid, ()) if at > since]:
                toll = self.toll
                backs = toll.web_back if name.startswith("web") else toll.beside_frozen if frozen else toll.worker_back
                backs.append(min(done) - since)
                self._history.note("back", "ok", who=name, seconds=round(backs[-1], 3), beside_frozen=frozen)
                return
            await asyncio.sleep(0.02)

    async def _time_health(self, down: float, up: float) -> None:
        """Until the web answers that it is ready and one of the workers has worked since the database was gone."""
        if not await self._office.ready(within=20):
            self.toll.healthy.append(20.0)
            return
        ready = time.time()
        while time.time() - up < 20:
            if done := [
                at for pid in self._workers[-20:] for at in self._zygote.passes.get(pid, ()) if at > down + 0.1
            ]:
                self.toll.healthy.append(max(0.0, ready - up, min(done) - up))
                return
            await asyncio.sleep(0.02)
        self.toll.healthy.append(20.0)


def _stands(pid: int) -> bool:
    """Whether a process has stopped, or is gone."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in "TZX"


def _signal(pid: int, number: signal.Signals) -> None:
    """The process is a grandchild that nobody waits for: it may be gone already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
