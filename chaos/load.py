"""What people do while processes die: customers write, users answer, schedule, cancel and close."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import httpx

from chaos.history import History
from chaos.hooks import Hooks, Text
from chaos.office import Office
from chaos.settings import Plan

GIVE_UP = 60.0  # seconds of trying again
LOOK_EVERY = 1.5
BURST = 3  # messages with which a new customer begins, all at once
NEWCOMER_EVERY = 1.5
LATE_REGRETS = 0.3  # of those who take a message back, this share does so seconds after it left
AGAIN = {"still_running", "try_again"}  # codes of 409 that ask for another attempt

Fate = Literal["open", "acknowledged", "refused", "unknown"]


@dataclass
class Sending:
    """One message that a user wanted to send, and what the API said."""

    key: str
    conversation: int
    text: str
    scheduled: bool
    fate: Fate = "open"
    message: int = 0
    began: float = field(default_factory=time.time)
    acknowledged: float = 0.0
    cancel: Literal["", "cancelled", "too late", "unknown"] = ""


class Load:
    def __init__(self, plan: Plan, office: Office, hooks: Hooks, history: History) -> None:
        self._plan, self._office, self._hooks, self._history = plan, office, hooks, history
        self._chance = random.Random(f"load {plan.seed}")
        self._customers: list[tuple[str, str]] = []
        self._number = 0
        self._conversations: list[int] = []
        self._busy: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self.sendings: list[Sending] = []
        self.odd: list[str] = []  # answers that nobody expected

    def start(self) -> None:
        loops = (self._customers_write(), self._customers_come(), self._users_look(), self._users_write())
        self._loops = [asyncio.create_task(loop) for loop in loops]

    async def stop(self) -> None:
        """Stop beginning things."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)

    async def close(self) -> None:
        """Stop, and leave everything as it is."""
        await self.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def end(self) -> None:
        """Stop beginning things, and wait for what was begun."""
        await self.stop()
        while self._tasks or self._hooks.under_way:
            await asyncio.wait([*self._tasks, *self._hooks.under_way], timeout=5)

    # --- customers ---

    def come(self) -> None:
        """A new customer, who begins with three messages at once."""
        place = len(self._customers)
        channel = ("sms", "sms", "keyed", "sms", "plain", "sms")[place % 6]
        sender = f"+1202555{1000 + place:04d}" if channel == "sms" else f"customer-{place}"
        self._customers.append((channel, sender))
        for _ in range(BURST):
            self._write(channel, sender)

    def write(self) -> None:
        """One of the customers writes, and the provider delivers it once."""
        self._write(*self._chance.choice(self._customers), once=True)

    def _write(self, channel: str, sender: str, *, once: bool = False) -> None:
        self._number += 1
        sid = f"SM{self._chance.getrandbits(128):032x}"
        self._hooks.write(Text(sid, sender, f"question {self._number} of {sender}", channel), once=once)

    async def _customers_come(self) -> None:
        while len(self._customers) < self._plan.customers:
            self.come()
        while True:
            await asyncio.sleep(self._chance.expovariate(1 / NEWCOMER_EVERY))
            self.come()

    async def _customers_write(self) -> None:
        while True:
            await asyncio.sleep(self._chance.expovariate(self._plan.texts))
            if self._customers:
                self._write(*self._chance.choice(self._customers))

    # --- users ---

    async def _users_look(self) -> None:
        while True:
            page = await self._office.read("/conversations?view=any&limit=200")
            self._conversations = [one["id"] for one in page["items"]]
            await asyncio.sleep(LOOK_EVERY if self._conversations else LOOK_EVERY / 5)

    async def _users_write(self) -> None:
        """One user at a time in a conversation: what was acknowledged first must reach the provider first."""
        while True:
            await asyncio.sleep(self._chance.expovariate(self._plan.sendings))
            free = [one for one in self._conversations if one not in self._busy]
            if free:
                conversation = self._chance.choice(free)
                doing = self._chance.choices((self._talk, self._change_mind, self._close), (70, 24, 6))[0]
                self._busy.add(conversation)
                task = asyncio.create_task(doing(conversation))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                task.add_done_callback(lambda _, freed=conversation: self._busy.discard(freed))

    async def _talk(self, conversation: int) -> None:
        for _ in range(self._chance.randint(1, 3)):
            await self.send(self.sending(conversation, scheduled=False))

    async def _change_mind(self, conversation: int) -> None:
        """Schedule a message for a moment from now, and take it back at about that moment, or while it is in doubt."""
        sending = self.sending(conversation, scheduled=True)
        due = datetime.now(UTC) + timedelta(seconds=self._chance.uniform(0.3, 1.2))
        await self.send(sending, due)
        if sending.fate != "acknowledged":
            return
        late = self._chance.random() < LATE_REGRETS
        after = self._chance.uniform(1.5, 4.5) if late else self._chance.gauss(0.02, 0.06)
        await asyncio.sleep(max(0, (due - datetime.now(UTC)).total_seconds() + after))
        await self.cancel(sending)

    async def cancel(self, sending: Sending) -> None:
        """Take it back, if that is still possible."""
        status, said = await self._post(f"/messages/{sending.message}/cancel", {}, "")
        sending.cancel = "cancelled" if status == 200 else "too late" if said.get("code") == "too_late" else "unknown"
        outcome = {"cancelled": "ok", "too late": "fail"}.get(sending.cancel, "unknown")
        self._history.note("api.cancel", outcome, key=sending.key)  # type: ignore[arg-type]

    async def _close(self, conversation: int) -> None:
        """A closed conversation is opened again by the next word in it, whoever says it."""
        try:
            path, body = f"/api/v1/conversations/{conversation}", {"status": "closed"}
            answer = await self._office.client.patch(path, json=body)
            self._history.note("api.close", "ok" if answer.is_success else "unknown", conversation=conversation)
        except httpx.TransportError:
            self._history.note("api.close", "unknown", conversation=conversation)

    def sending(self, conversation: int, *, scheduled: bool) -> Sending:
        key = str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
        made = Sending(key, conversation, f"answer {len(self.sendings) + 1} in {conversation}", scheduled)
        self.sendings.append(made)
        return made

    async def send(self, sending: Sending, due: datetime | None = None) -> None:
        body = {"text": sending.text} | ({"due_at": due.isoformat()} if due else {})
        status, said = await self._post(f"/conversations/{sending.conversation}/messages", body, sending.key)
        sending.acknowledged = time.time()
        if status == 201:
            sending.fate, sending.message = "acknowledged", said["id"]
        else:
            sending.fate = "refused" if 400 <= status < 500 else "unknown"
        outcome = {"acknowledged": "ok", "refused": "fail"}.get(sending.fate, "unknown")
        facts = {"key": sending.key, "message": sending.message, "text": sending.text, "scheduled": sending.scheduled}
        self._history.note("api.send", outcome, **facts)  # type: ignore[arg-type]

    def _read(self, path: str, answer: httpx.Response) -> dict[str, Any]:
        """The answer's JSON; every answer has to have some, errors too."""
        if not answer.content:
            return {}
        try:
            said: dict[str, Any] = answer.json()
        except ValueError:
            self.odd.append(f"{path}: {answer.status_code} without JSON: {answer.text[:80]!r}")
            return {}
        return said

    async def _post(self, path: str, body: dict[str, Any], key: str) -> tuple[int, dict[str, Any]]:
        """Ask until there is an answer that is one, always with the same key; (0, {}) when there is none."""
        ends = time.time() + GIVE_UP
        headers = {"Idempotency-Key": key} if key else {}
        while time.time() < ends:
            try:
                answer = await self._office.client.post(f"/api/v1{path}", json=body, headers=headers)
            except httpx.TransportError:
                pass
            else:
                said = self._read(path, answer)
                again = answer.status_code >= 500 or (answer.status_code == 409 and said.get("code") in AGAIN)
                if not again:
                    if not answer.is_success and said.get("code") != "too_late":
                        self.odd.append(f"{path}: {answer.status_code} {said.get('code')} {said.get('detail')}")
                    return answer.status_code, said
            await asyncio.sleep(self._chance.uniform(0.1, 0.4))
        return 0, {}
