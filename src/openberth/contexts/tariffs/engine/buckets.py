"""Caps at work: what each has left in its present span, and what it took off (ADR 0006, 9)."""

from datetime import date

from openberth.contexts.tariffs.engine.ready import ENDLESS, ReadyCap
from openberth.contexts.tariffs.engine.timeline import Timeline
from openberth.contexts.tariffs.model import CapKind

_SPANS_A_DAY = 100  # more than a day has hours


class Bucket:
    """One cap of one stay. Amounts are whole numbers over the plan's denominator."""

    __slots__ = ("_first", "_hit_span", "_span", "cap", "left", "spans_hit", "until", "withheld")

    def __init__(self, cap: ReadyCap) -> None:
        self.cap = cap
        self.left = ENDLESS  # until its first span begins: a cap that is lent limits nothing before
        self.withheld = 0
        self.spans_hit = 0  # spans in which something was taken off
        self.until = 0  # the position before which no other span can begin
        self._span = self._hit_span = self._first = -1

    def turn(self, position: int, time: Timeline) -> None:
        """Begin a new span if the position lies in one; the n-th span that passes has the n-th amount."""
        span = self._span_at(position, time)
        if span == self._span:
            return
        if self._first < 0:
            self._first = span
        amounts, passed = self.cap.amounts, span - self._first
        self._span = span
        self.left = amounts[min(passed, len(amounts) - 1)] if passed < self.cap.times else ENDLESS

    def withhold(self, amount: int) -> None:
        """Count what the cap took off a charge."""
        self.withheld += amount
        if self._hit_span != self._span:
            self._hit_span = self._span
            self.spans_hit += 1

    def _span_at(self, position: int, time: Timeline) -> int:
        kind = self.cap.kind
        if kind is CapKind.WINDOW:
            if self.cap.bands is None:
                return time.window
            return sum([time.windows_of.get(band, 0) for band in self.cap.bands]) or -1  # none has begun yet
        if self.cap.daily:
            number = (position - time.day_begin) // self.cap.minutes
            self.until = min(time.day_begin + (number + 1) * self.cap.minutes, time.day_end)
            return time.day * _SPANS_A_DAY + number
        if minutes := self.cap.minutes:
            span = (position - time.anchor) // minutes
            self.until = time.anchor + (span + 1) * minutes
            return span
        self.until = time.day_end
        if kind is CapKind.DAY:
            return time.day
        if kind is CapKind.WEEK:
            return (time.day - 1) // 7
        if kind is CapKind.MONTH:
            day = date.fromordinal(time.day)
            return day.year * 12 + day.month
        return 0
