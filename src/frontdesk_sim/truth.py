"""What really happened, in order. A checker reads it and compares it with what the product believes."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from .store import Store


class Fact(msgspec.Struct, kw_only=True):
    """One line of the log.

    ``kind`` is one of: ``text.accepted``, ``text.refused``, ``text.status``, ``text.inbound``, ``webhook.sent``,
    ``webhook.dropped``, ``mail.accepted``, ``mail.refused``, ``mail.delivered``, ``mail.dropped``, ``fault``,
    ``optout.on``, ``optout.off``.
    ``desk`` is the desk's number or address, ``customer`` the customer's; both may be empty. ``at`` is seconds since
    the epoch.
    """

    id: int
    at: float
    kind: str
    desk: str
    customer: str
    facts: dict[str, Any]


class Truth:
    def __init__(self, store: Store) -> None:
        self._store = store

    def note(self, kind: str, *, desk: str = "", customer: str = "", **facts: Any) -> None:
        """Append a line; it joins the transaction that is open, so it is true exactly when the thing itself is."""
        self._store.run(
            "INSERT INTO truth (at, kind, desk, customer, facts) VALUES (?, ?, ?, ?, ?)",
            time.time(),
            kind,
            desk,
            customer,
            msgspec.json.encode(facts).decode(),
        )

    def read(self, *, after: int = 0, kind: str = "", party: str = "", limit: int = 1000) -> list[Fact]:
        """Lines with an id above ``after``, oldest first; ``party`` matches either side, ``kind`` may end in ``.*``."""
        where, values = ["id > ?"], [after]
        if kind.endswith(".*"):
            where.append("kind GLOB ?")
            values.append(kind)  # type: ignore[arg-type]
        elif kind:
            where.append("kind = ?")
            values.append(kind)  # type: ignore[arg-type]
        if party:
            where.append("? IN (desk, customer)")
            values.append(party)  # type: ignore[arg-type]
        rows = self._store.rows(
            f"SELECT id, at, kind, desk, customer, facts FROM truth WHERE {' AND '.join(where)} ORDER BY id LIMIT ?",
            *values,
            limit,
        )
        return [Fact(**{**dict(row), "facts": msgspec.json.decode(row["facts"])}) for row in rows]

    def clear(self) -> None:
        self._store.run("DELETE FROM truth")
