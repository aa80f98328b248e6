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
        self.among: list[Sequence[Range]] = []  # in one range of each a conversation has to be as well

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
    order: str = ""  # of the index before the order of the list: what stands there is the same in the whole stretch

    @property
    def keys(self) -> tuple[str, str]:
        return ("l.last_at", "l.conversation_id") if self.source.startswith("listings") else ("c.last_at", "c.id")


EVERYTHING = Range("conversations c", "true")


def having(condition: str) -> Range:
    """A condition on a column of conversations that has an index of its own."""
    return Range("conversations c", condition)


def lacking(column: str) -> Range:
    """The same for a column that has no value; PostgreSQL does not see by itself that these stand in order."""
    return Range("conversations c", f"{column} is null", order=f"{column}, ")


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
            arms.append(f"{_arm(one, states, where, key)} order by {one.order}last_at desc, id desc limit {limit}")
    if len(arms) == 1:
        return arms[0]
    union = "union all" if len(ranges) == 1 else "union"  # what has one status has no other
    bounded = f" {union} ".join(f"({arm})" for arm in arms)
    return f"select id, last_at from ({bounded}) t order by last_at desc, id desc limit {limit}"


def at_most(ranges: Sequence[Range], statuses: Sequence[str], where: Conditions, *, limit: int) -> str:
    """SQL for how many there are, no more than ``limit``. An arm is read only while those before have not enough, and
    no conversation stands in two: the ranges have to be of conversations, but for the last."""
    arms = []
    for number, one in enumerate(ranges):
        others = Conditions()
        others.parts = [f"({earlier.fixed}) is not true" for earlier in ranges[:number]] + where.parts
        for states in [tuple(statuses)] if one.sorts else [(status,) for status in statuses]:
            arms.append(f"({_arm(one, states, others)} order by {one.order}last_at desc, id desc limit {limit})")
    return f"select count(*) from (select from ({' union all '.join(arms)}) a limit {limit}) t"


def whole(ranges: Sequence[Range], statuses: Sequence[str]) -> str:
    """SQL for the ids of everything in the ranges."""
    return " union all ".join(f"select id from ({_arm(one, tuple(statuses))}) t" for one in ranges)


def _arm(
    one: Range, statuses: tuple[str, ...], where: Conditions | None = None, after: tuple[str, ...] | None = None
) -> str:
    last_at, identity = one.keys
    first = identity.split(".")[0]
    state = f"= '{statuses[0]}'" if len(statuses) == 1 else f"in {statuses}"
    parts = [f"{first}.workspace_id = $1", one.fixed, f"{first}.status {state}"]
    if where:
        # Neither is written as a join: nobody shall think of beginning with it.
        parts += [f"({identity} in ({whole(ranges, statuses)})) is true" for ranges in where.among]
        parts += [_of_the_conversation(where.parts)] if first == "l" and where.parts else where.parts
    if after:
        parts.append(f"({last_at}, {identity}) < ({after[0]}, {after[1]})")
    return f"select {identity} as id, {last_at} as last_at from {one.source} where {' and '.join(parts)}"


def _of_the_conversation(conditions: Sequence[str]) -> str:
    met = " and ".join(conditions)
    return f"(select {met} from conversations c where c.workspace_id = $1 and c.id = l.conversation_id)"
