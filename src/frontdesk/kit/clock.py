"""The two clocks. Nothing else in the product asks for the time.

Machines' clocks differ, so what several processes compare (leases, what is due, how long something has been in doubt)
is told by the database's clock: :meth:`frontdesk.kit.transaction.Tx.now`. Everything else is told by :func:`now`.
"""

from datetime import UTC, datetime


def now() -> datetime:
    """The current time by this machine's clock, aware, in UTC."""
    return datetime.now(UTC)


def of_database(told: datetime) -> datetime:
    """The current time by the database's clock, which has just ``told`` it. A test that moves time replaces this."""
    return told
