"""What a run does, and the waits of the product under test, shortened so that minutes of doubt pass in seconds."""

from __future__ import annotations

from dataclasses import dataclass

# The product's own settings (docs/operate.md), in seconds. Each keeps its order with the others.
PRODUCT = {
    "FRONTDESK_SEND_SECONDS": "15",
    "FRONTDESK_LEASE_SECONDS": "3",
    "FRONTDESK_LOOK_UP_SECONDS": "1",
    "FRONTDESK_UNCERTAIN_SECONDS": "8",
    "FRONTDESK_STUCK_SECONDS": "2",
    "FRONTDESK_POOL": "8",
}
INBOX = {"timeout": 1, "settles_after": 5}  # of the inbox whose provider can be asked
FROZEN = 8.0  # seconds that a stopped worker sleeps: long enough for others to look its message up, and to send it
SLOW = 1.8  # seconds that a slow provider takes: longer than the inbox waits
UNCERTAIN_WITHIN = 60.0  # a person must know by then


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One run. ``kills`` counts processes and PostgreSQL; rates are per second."""

    kills: int = 300
    seed: int = 1
    workers: int = 2
    pause: tuple[float, float] = (0.1, 0.5)  # between kills
    postgres_every: int = 20  # every n-th kill is PostgreSQL's
    freeze_every: int = 12  # and with every n-th a worker is stopped for longer than its lease, and goes on
    texts: float = 9.0  # from customers
    sendings: float = 6.0
    screens: int = 3
    customers: int = 24  # at the beginning; one more every few seconds
    round: int = 100  # kills between two looks at everything
    drain: float = 90.0  # seconds that the backlog may take
    mutant: str = ""
