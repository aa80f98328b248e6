"""How fast one visitor, and one network, may ask. In memory: a restart forgives, and several processes allow
several times as much, which is still little."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from frontdesk.kit import clock

MAX_BUCKETS = 50_000  # about 10 MB; the longest unused are forgotten first


@dataclass(frozen=True)
class Rate:
    """``burst`` at once, then ``per_minute``. A network gets ``NETWORK_FACTOR`` times that: offices share one."""

    burst: int
    per_minute: float


NETWORK_FACTOR = 10
RATES = {
    "session": Rate(burst=20, per_minute=20),
    "read": Rate(burst=40, per_minute=60),
    "messages": Rate(burst=20, per_minute=30),
    "files": Rate(burst=10, per_minute=15),
    "typing": Rate(burst=10, per_minute=40),
    "seen": Rate(burst=20, per_minute=60),
}
MAX_STREAMS_PER_VISITOR = 12
MAX_STREAMS_PER_NETWORK = 300


def _now() -> datetime:
    return clock.now()


@dataclass
class Limits:
    clock: Callable[[], datetime] = _now
    buckets: OrderedDict[tuple[str, str], tuple[float, float]] = field(default_factory=OrderedDict)
    streams: dict[str, int] = field(default_factory=dict)

    def wait(self, what: str, who: str, *, network: bool = False) -> float:
        """Take one token: 0 if there was one, else the seconds until there is."""
        rate, factor = RATES[what], NETWORK_FACTOR if network else 1
        at, key = self.clock().timestamp(), (what, who)
        level, since = self.buckets.pop(key, (float(rate.burst * factor), at))
        speed = rate.per_minute * factor / 60
        level = min(float(rate.burst * factor), level + max(0.0, at - since) * speed)
        allowed = level >= 1
        self.buckets[key] = (level - 1 if allowed else level, at)
        while len(self.buckets) > MAX_BUCKETS:
            self.buckets.popitem(last=False)
        return 0.0 if allowed else (1 - level) / speed

    def open_stream(self, visitor: str, network: str) -> bool:
        """Count one more open stream, unless there are too many; every True needs one :meth:`close_stream`."""
        mine, theirs = self.streams.get(visitor, 0), self.streams.get(network, 0)
        if mine >= MAX_STREAMS_PER_VISITOR or theirs >= MAX_STREAMS_PER_NETWORK:
            return False
        self.streams[visitor], self.streams[network] = mine + 1, theirs + 1
        return True

    def close_stream(self, visitor: str, network: str) -> None:
        for who in (visitor, network):
            left = self.streams.get(who, 1) - 1
            if left > 0:
                self.streams[who] = left
            else:
                self.streams.pop(who, None)
