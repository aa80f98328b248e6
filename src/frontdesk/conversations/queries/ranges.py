"""Where conversations stand newest first: stretches of indexes, and SQL that reads their beginning.

A list is one stretch, or the beginnings of several merged. Which index it begins in decides what it costs; every other
condition is checked row by row on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Listed = Literal["label", "inbox", "mention"]


class Conditions:
    """Parts of a WHERE clause with their numbered parameters."""

    def __init__(self, *first: Any) -> None:
        self.values = list(first)
        self.parts: list[str] = []

    def add(self, sql: str, *values: Any) -> None:
        """``sql`` has one ``{}`` for each value."""
        self.parts.append(sql.format(*(self.value(value) for value in values)))

    def value(self, value: Any) -> str:
        """The placeholder of a parameter."""
        self.values.append(value)
        return f"${len(self.values)}"


@dataclass(frozen=True)
class Range:
    """A stretch of an index for each status, newest first, or (``sorts``) a few rows that have to be sorted."""

    source: str  # conversations are c, listings are l
    fixed: str  # the condition that the index begins with
    sorts: bool = False

    @property
    def keys(self) -> tuple[str, str]:
        return ("l.last_at", "l.conversation_id") if self.source.startswith("listings") else ("c.last_at", "c.id")


EVERYTHING = Range("conversations c", "true")


def having(condition: str) -> Range:
    """A condition on a column of conversations that has an index of its own."""
    return Range("conversations c", condition)


def listed(kind: Listed, of: str) -> Range:
    """Conversations with a label, from an inbox, that mention somebody."""
    return Range("listings l", f"l.kind = '{kind}' and l.of_id = {of}")


def few(source: str, condition: str) -> Range:
    """Rows that are few enough to be read and sorted."""
    return Range(source, condition, sorts=True)


def newest(
    ranges: Sequence[Range],
    statuses: Sequence[str],
    where: Conditions,
    *,
    limit: int,
    after: tuple[datetime, int] | None = None,
) -> str:
    """SQL for (id, last_at) of the newest in any of the ranges that meet all conditions. $1 is the workspace."""
    arms = []
    key = tuple(where.value(part) for part in after) if after else None
    for one in ranges:
        for states in [tuple(statuses)] if one.sorts else [(status,) for status in statuses]:
            arms.append(_arm(one, states, where.parts, key))
    order = "order by last_at desc, id desc"
    if len(arms) == 1:
        return f"{arms[0]} {order} limit {limit}"
    union = "union all" if len(ranges) == 1 else "union"  # what has one status has no other
    bounded = f" {union} ".join(f"({arm} {order} limit {limit})" for arm in arms)
    return f"select id, last_at from ({bounded}) t {order} limit {limit}"


def whole(ranges: Sequence[Range], statuses: Sequence[str]) -> str:
    """SQL for everything in the ranges, for the planner to estimate."""
    return " union all ".join(_arm(one, tuple(statuses), (), None) for one in ranges)


def _arm(one: Range, statuses: tuple[str, ...], conditions: Sequence[str], after: tuple[str, ...] | None) -> str:
    last_at, identity = one.keys
    first = identity.split(".")[0]
    source, joined = one.source, ""
    if first == "l" and conditions:
        source += " join conversations c on c.id = l.conversation_id"
        joined = " and c.workspace_id = $1"
    state = f"= '{statuses[0]}'" if len(statuses) == 1 else f"in {statuses}"
    parts = [f"{first}.workspace_id = $1{joined}", one.fixed, f"{first}.status {state}", *conditions]
    if after:
        parts.append(f"({last_at}, {identity}) < ({after[0]}, {after[1]})")
    return f"select {identity} as id, {last_at} as last_at from {source} where {' and '.join(parts)}"
