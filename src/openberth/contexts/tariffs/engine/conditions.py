"""Which plans may be used for a stay (ADR 0006, 10)."""

from openberth.contexts.tariffs.engine.clockwork import local
from openberth.contexts.tariffs.engine.ready import ReadyPlan
from openberth.kernel.time import DAY_US


def holds(plan: ReadyPlan, entry: int, until: int, minutes: int) -> bool:
    """Tell whether a plan may be used for so many own minutes between the instants of entry and exit."""
    when, clock = plan.plan.condition, plan.clock
    if minutes < when.min_stay_minutes or (when.max_stay_minutes is not None and minutes > when.max_stay_minutes):
        return False
    if when.enter is not None and not _within(when.enter, plan, entry):
        return False
    if when.leave is not None and not _within(when.leave, plan, until):
        return False
    if when.same_day and clock.day_at(entry) != clock.day_at(until):
        return False
    # Last, for a day that the calendar does not know is asked about only where it decides.
    return not when.days or clock.is_day(clock.day_at(entry), when.days)


def edges(plan: ReadyPlan, instant: int) -> list[int]:
    """Return the instants of the following day at which the hours or the day of leaving make a difference."""
    when, clock = plan.plan.condition, plan.clock
    found = []
    if when.leave is not None or when.same_day:
        today = local(clock.zone, instant).toordinal()
        for ordinal in (today, today + 1):
            found.append(clock.starts(ordinal))
            found += [clock.at(ordinal, minute) for minute in (when.leave or ())]
    return [edge for edge in found if instant < edge <= instant + DAY_US]


def _within(hours: tuple[int, int], plan: ReadyPlan, instant: int) -> bool:
    wall = local(plan.clock.zone, instant)
    minute = wall.hour * 60 + wall.minute
    start, end = hours
    return start <= minute < end if start < end else minute >= start or minute < end
