"""Opening hours: is somebody expected to answer now, and if not, when. Pure; times are wall-clock times of one zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Clock = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_A_DAY = 24 * 60
LOOK_AHEAD_DAYS = 370  # past every yearly holiday


class HoursSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ``hours`` setting. ``week`` lists spans such as ``["09:00", "17:00"]``; an end before its start is next day.

    ``holidays`` are closed all day: ``2026-12-24`` once, ``12-25`` every year. ``reply_minutes`` is what visitors are
    told to expect while open. An empty ``week`` means always open.
    """

    timezone: str = "UTC"
    week: dict[Day, list[tuple[Clock, Clock]]] = {}
    holidays: list[Annotated[str, msgspec.Meta(pattern=r"^(\d{4}-)?(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]] = []
    reply_minutes: Annotated[int, msgspec.Meta(ge=1, le=10_080)] | None = None


@dataclass(frozen=True)
class Hours:
    zone: ZoneInfo
    week: tuple[tuple[tuple[int, int], ...], ...]  # Monday first; minutes after midnight, an end may exceed the day
    holidays: frozenset[str]
    reply_minutes: int | None

    @property
    def always(self) -> bool:
        return not any(self.week)

    def spans_on(self, day: date) -> tuple[tuple[int, int], ...]:
        closed = f"{day:%Y-%m-%d}" in self.holidays or f"{day:%m-%d}" in self.holidays
        return () if closed else self.week[day.weekday()]

    def open_at(self, moment: datetime) -> bool:
        """Whether ``moment`` (aware) lies in a span; a span that began yesterday evening still counts."""
        if self.always:
            return True
        local = moment.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        today, yesterday = local.date(), local.date() - timedelta(days=1)
        return any(start <= minute < end for start, end in self.spans_on(today)) or any(
            minute < end - MINUTES_A_DAY for _, end in self.spans_on(yesterday)
        )

    def next_opening(self, moment: datetime) -> datetime | None:
        """The next start of a span after ``moment``; None if always open or never within a year."""
        if self.always:
            return None
        first = moment.astimezone(self.zone).date()
        for ahead in range(LOOK_AHEAD_DAYS):
            day = first + timedelta(days=ahead)
            for start, _ in sorted(self.spans_on(day)):
                opening = datetime(day.year, day.month, day.day, start // 60, start % 60, tzinfo=self.zone)
                if opening > moment:
                    return opening
        return None


def read_hours(setting: Any) -> Hours:
    """The ``hours`` setting as it is stored (an object, its JSON, or nothing). Raises ValueError with what is wrong."""
    if isinstance(setting, str) and setting.strip():
        setting = msgspec.json.decode(setting)
    wire = msgspec.convert(setting or {}, HoursSetting)
    try:
        zone = ZoneInfo(wire.timezone)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"There is no time zone called {wire.timezone!r}.") from error
    return Hours(
        zone=zone,
        week=tuple(tuple(_span(*span) for span in wire.week.get(day, ())) for day in DAYS),
        holidays=frozenset(wire.holidays),
        reply_minutes=wire.reply_minutes,
    )


def _span(start: str, end: str) -> tuple[int, int]:
    first, last = _minutes(start), _minutes(end)
    if first >= MINUTES_A_DAY:
        raise ValueError("Opening hours cannot start at 24:00.")
    return first, last if last > first else last + MINUTES_A_DAY


def _minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)
