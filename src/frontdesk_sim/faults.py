"""What can go wrong between a provider and its client, by chance or on command.

Chance is drawn per fault from its own generator seeded with ``seed`` and the fault's name: the same seed gives the same
series of hits and misses, and setting one fault does not shift the series of another.
"""

from __future__ import annotations

import random
from typing import Annotated

import msgspec

from .store import Store
from .truth import Truth

Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Faults(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Probabilities from 0 to 1, and the figures that go with them (seconds, counts). All zero: a perfect provider."""

    seed: int = 1
    only: list[str] = []  # numbers and mail addresses that are struck; empty: all

    # deliveries from the provider to the desk: webhooks, and mails into its mailbox
    duplicate: Probability = 0.0  # the delivery arrives several times
    duplicate_copies: Annotated[int, msgspec.Meta(ge=1, le=50)] = 3  # up to so many copies besides the first
    reorder: Probability = 0.0  # the delivery is held back at random, so that later ones overtake it
    reorder_seconds: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 3.0
    delay: Probability = 0.0
    delay_seconds: Annotated[float, msgspec.Meta(ge=0, le=86400)] = 5.0
    drop: Probability = 0.0  # the delivery never arrives; only looking it up at the provider finds it
    bad_signature: Probability = 0.0  # a forged copy with other content and a wrong signature arrives first

    # answers of the provider to the desk
    too_many: Probability = 0.0  # 429 with Retry-After; nothing accepted
    retry_after: Annotated[int, msgspec.Meta(ge=0, le=3600)] = 2
    server_error: Probability = 0.0  # 500; nothing accepted
    drop_before: Probability = 0.0  # the connection dies; nothing accepted
    drop_after: Probability = 0.0  # accepted, then the connection dies without an answer
    slow: Probability = 0.0  # accepted, but the answer takes slow_seconds
    slow_seconds: Annotated[float, msgspec.Meta(ge=0, le=600)] = 35.0
    callback_first: Probability = 0.0  # accepted, and the status callbacks arrive before the answer
    reads_too: bool = False  # too_many, server_error, drop_before and slow strike look-ups as well

    # the far end
    undelivered: Probability = 0.0  # accepted, later reported as undelivered (texts) or bounced (mails)
    undelivered_code: int = 30003
    imap_cut: Probability = 0.0  # an IMAP command is answered by cutting the connection


PROBABILITIES = tuple(
    field.name for field in msgspec.structs.fields(Faults) if field.type == Probability
)  # every fault that can strike


class Panel:
    """The fault panel: the figures in force, and strikes ordered one by one."""

    def __init__(self, store: Store, truth: Truth) -> None:
        self._store, self._truth = store, truth
        saved = store.value("SELECT value FROM settings WHERE name = 'faults'")
        self.faults = msgspec.json.decode(saved, type=Faults) if saved else Faults()
        self.ordered: dict[str, int] = {}
        self._chance: dict[str, random.Random] = {}

    def put(self, faults: Faults) -> None:
        """Replace everything; the series of chance start again."""
        self.faults = faults
        self._chance.clear()
        self.ordered.clear()
        self._store.run(
            "INSERT INTO settings VALUES ('faults', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            msgspec.json.encode(faults).decode(),
        )

    def order(self, fault: str, times: int) -> None:
        """Let a fault strike the next ``times`` occasions, whatever its probability."""
        if fault not in PROBABILITIES:
            raise ValueError(f"There is no fault named {fault!r}.")
        self.ordered[fault] = times

    def strikes(self, fault: str, *parties: str) -> bool:
        """Decide one occasion, and note a strike as truth. ``parties`` are the numbers or addresses concerned."""
        if self.faults.only and not set(parties) & set(self.faults.only):
            return False
        if self.ordered.get(fault, 0) > 0:
            self.ordered[fault] -= 1
        elif not (chance := getattr(self.faults, fault)) or self.chance(fault).random() >= chance:
            return False
        self._truth.note("fault", desk=parties[0] if parties else "", customer="".join(parties[1:2]), name=fault)
        return True

    def chance(self, name: str) -> random.Random:
        if name not in self._chance:
            self._chance[name] = random.Random(f"{self.faults.seed}:{name}")  # noqa: S311 - repeatable on purpose
        return self._chance[name]

    def spread(self, *parties: str) -> Spread:
        """How one delivery to the desk is to arrive."""
        if self.strikes("drop", *parties):
            return Spread(waits=[])
        first = self.faults.delay_seconds if self.strikes("delay", *parties) else 0.0
        reordered = self.strikes("reorder", *parties)
        if reordered:
            first += self.chance("reorder.wait").uniform(0, self.faults.reorder_seconds)
        waits = [first]
        if self.strikes("duplicate", *parties):
            draw = self.chance("duplicate.copies")
            waits += [first + draw.uniform(0, 0.5) for _ in range(draw.randint(1, self.faults.duplicate_copies))]
        return Spread(waits=waits, ordered=first == 0.0, forged=self.strikes("bad_signature", *parties))


class Spread(msgspec.Struct, kw_only=True):
    """One delivery, or none, or many: seconds to wait for each. ``ordered``: the first keeps its place in the line."""

    waits: list[float]
    ordered: bool = True
    forged: bool = False
