"""What a run does, and the waits of the product under test, shortened so that minutes of doubt pass in seconds."""

from __future__ import annotations

from dataclasses import dataclass

PUBLIC = "http://desk.example"  # under which providers and users know it; :class:`chaos.wire.Balanced` knows the way

# The product's own settings (docs/operate.md), in seconds. Each keeps its order with the others.
PRODUCT = {
    "FRONTDESK_URL": PUBLIC,
    "FRONTDESK_SEND_SECONDS": "15",
    "FRONTDESK_LEASE_SECONDS": "2.5",
    "FRONTDESK_LOOK_UP_SECONDS": "0.5",
    "FRONTDESK_UNCERTAIN_SECONDS": "6",
    "FRONTDESK_HUNG_SECONDS": "2.5",
    "FRONTDESK_STUCK_SECONDS": "2",
    "FRONTDESK_POOL": "8",
}
INBOX = {"timeout": 1, "settles_after": 3.5}  # of the inbox whose provider can be asked
FROZEN = 6.5  # seconds that a stopped worker sleeps: long enough for others to look its message up, and to send it
SLOW = 1.8  # seconds that a slow provider takes: longer than the inbox waits
UNCERTAIN_WITHIN = 60.0  # a person must know by then

ENOUGH = {"texts": 1.5, "accepted": 1.0, "cancelled": 0.1, "receipts": 1.5}
"""For each kill so much must have come in, gone out, been taken back, been told of: who does nothing loses nothing."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One run. ``kills`` counts processes and PostgreSQL; rates are per second."""

    name: str = "design"  # of its database, its folder, its line in the tables
    kills: int = 300
    seed: str = "1"
    webs: int = 1
    workers: int = 2
    pause: tuple[float, float] = (0.02, 0.25)  # between kills
    postgres_every: int = 20  # every n-th kill is PostgreSQL's; 0: none is
    freeze_every: int = 12  # and with every n-th a worker is stopped for longer than its lease, and goes on
    stops: tuple[str, float] = ("dispatch", 0.01)  # of the moments called so, this share stops a worker, too
    texts: float = 9.0  # from customers
    sendings: float = 6.0
    screens: int = 3
    customers: int = 24  # at the beginning; one more every few seconds
    round: int = 300  # kills between two looks at everything, for which the load rests
    glance: int = 0  # kills between two looks at what must hold at any moment; 0: none
    races: int = 0  # messages that are taken back at the moment they leave, after the kills
    backlog: int = 0  # deliveries that come while no worker runs, after the races
    drain: float = 90.0  # seconds that the backlog may take
    mutant: str = ""
