"""How often a payment repeats, and when it falls due next."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_COUNTS = {2: "two", 3: "three", 4: "four", 6: "six"}
_SHORT = {(1, "day"): "daily", (1, "week"): "weekly", (1, "month"): "monthly",
          (3, "month"): "quarterly", (1, "year"): "yearly"}  # fmt: skip


@dataclass(frozen=True)
class Frequency:
    """Every `count` units; a weekly one may name its weekday (Monday is 0), a monthly its day."""

    count: int
    unit: str
    weekday: int | None = None
    day: int | None = None

    def __str__(self) -> str:
        """Say it in words: weekly, every two weeks, every Friday, monthly on the 1st."""
        if self.weekday is not None:
            day = WEEKDAYS[self.weekday]
            return f"every {day}" if self.count == 1 else f"every second {day}"
        plain = _SHORT.get((self.count, self.unit)) or (
            f"every {_COUNTS.get(self.count, self.count)} {self.unit}s"
        )
        return plain if self.day is None else f"{plain} on the {ordinal(self.day)}"

    def first_on_or_after(self, start: date) -> date:
        """Move a start date to the day that the frequency itself names."""
        if self.weekday is not None:
            return start + timedelta(days=(self.weekday - start.weekday()) % 7)
        if self.day is not None:
            here = _in_month(start.year, start.month, self.day)
            return here if here >= start else _add_months(start, 1, self.day)
        return start

    def after(self, first: date, last: date) -> date:
        """Return the due date that follows `last`; monthly ones keep the day of `first`."""
        if self.unit in ("day", "week"):
            return last + timedelta(days=self.count * (7 if self.unit == "week" else 1))
        months = self.count * (12 if self.unit == "year" else 1)
        return _add_months(last, months, self.day or first.day)


def ordinal(day: int) -> str:
    """Write 1st, 2nd, 3rd, 11th."""
    if 10 <= day % 100 <= 20:
        return f"{day}th"
    return f"{day}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th') }"


def _in_month(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def _add_months(start: date, months: int, day: int) -> date:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return _in_month(year, month + 1, day)
