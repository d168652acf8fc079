"""Free minutes: which minutes of which span they make free (ADR 0006, 7)."""

from collections.abc import Sequence

from openberth.contexts.tariffs.engine.effort import Effort
from openberth.contexts.tariffs.engine.ready import ReadyPlan
from openberth.contexts.tariffs.engine.timeline import Timeline
from openberth.contexts.tariffs.model import FreeCounts, FreePer


class Freeing:
    """The free minutes of one walk. ``given`` counts the minutes that they made free."""

    __slots__ = ("_counts_all", "_left", "_plan", "_used", "given")

    def __init__(self, plan: ReadyPlan, base: int, runs: Sequence[tuple[int, int]], effort: Effort) -> None:
        self._plan = plan
        self._counts_all = plan.plan.free.counts is FreeCounts.STAY
        self._left: dict[tuple[int, int], int] = {}  # of minutes to deduct, by span
        self._used: dict[tuple[int, int], int] = {}  # minutes that use free minutes up, by span
        self.given = 0
        if plan.is_threshold:
            self._count(base, runs, effort)

    def given_of(self, time: Timeline, start: int, end: int) -> int:
        """Return how many of the minutes of a stretch, its first ones, are free minutes in a band with a price."""
        plan = self._plan
        has_tiers = bool(plan.bands[time.band].tiers)
        if not has_tiers and (plan.is_threshold or not self._counts_all):
            return 0
        minutes = end - start
        key = self._span(time)
        if plan.is_threshold:
            given = 0 if self._used.get(key, 0) > plan.free_minutes else minutes
        else:
            left = self._left.get(key, plan.free_minutes)
            given = min(left, minutes)
            self._left[key] = left - given
            if not has_tiers:
                return 0  # used up in a band that costs nothing anyway
        self.given += given
        return given

    def is_gated(self, time: Timeline) -> bool:
        """Tell whether the minutes here are free only as long as the span's free minutes are not exceeded."""
        return self._plan.is_threshold and self._used.get(self._span(time), 0) <= self._plan.free_minutes

    def exceeded(self, time: Timeline, start: int, end: int) -> int:
        """Return the minute of a stretch that exceeds the free minutes of its span, 0 for none."""
        if not self._counts_all and not self._plan.bands[time.band].tiers:
            return 0
        key = self._span(time)
        used = self._used.get(key, 0)
        if used + end - start > self._plan.free_minutes:
            return start + self._plan.free_minutes - used + 1
        self._used[key] = used + end - start
        return 0

    @property
    def used(self) -> int:
        """Return the minutes of the stay that use up what is given once."""
        return self._used.get((0, 0), 0)

    def _span(self, time: Timeline) -> tuple[int, int]:
        plan = self._plan
        if plan.simple_free:
            return (0, 0)
        per = plan.plan.free.per
        part = time.day if per is FreePer.DAY else time.window if per is FreePer.WINDOW else 0
        return (part, time.cycle if plan.free_per_cycle else 0)

    def _count(self, base: int, runs: Sequence[tuple[int, int]], effort: Effort) -> None:
        plan = self._plan
        if plan.simple_free and self._counts_all:
            self._used[0, 0] = _all(runs)
            return
        time = Timeline(plan, base, runs[0][0])
        for start, end in runs:
            position = start
            while position < end:
                effort.spend(2)
                if position >= time.edge:
                    time.enter(position)
                stop = min(end, time.edge)
                if self._counts_all or plan.bands[time.band].tiers:
                    key = self._span(time)
                    self._used[key] = self._used.get(key, 0) + stop - position
                position = stop


def freeing(plan: ReadyPlan, base: int, runs: Sequence[tuple[int, int]], effort: Effort) -> Freeing | None:
    """Return the free minutes of a walk, None where there are none or they are exceeded for good."""
    if not plan.free_minutes:
        return None
    can_be_over = plan.is_threshold and plan.simple_free
    if can_be_over and plan.plan.free.counts is FreeCounts.STAY and _all(runs) > plan.free_minutes:
        return None
    found = Freeing(plan, base, runs, effort)
    return None if can_be_over and found.used > plan.free_minutes else found


def _all(runs: Sequence[tuple[int, int]]) -> int:
    return sum([end - start for start, end in runs])
