"""Walking through the own minutes of a plan: free minutes, counters, units that fall due, caps (ADR 0006, 7 to 9).

A walk goes from stretch to stretch and treats all whole units of a stretch at once. After the last minute of a stay it
can go on to find the first minute at which more would be due.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from openberth.contexts.tariffs.engine.buckets import Bucket
from openberth.contexts.tariffs.engine.ready import ENDLESS, ReadyBand, ReadyPlan
from openberth.contexts.tariffs.engine.timeline import Timeline
from openberth.contexts.tariffs.model import Counting, FreeCounts, FreePer, NotComputable

Run: TypeAlias = tuple[int, int]
MAX_STRETCHES = 40_000


class Gifts(NamedTuple):
    """What reliefs change about the walk: minutes that cost nothing, the first charged ones, money before caps."""

    waived: tuple[Run, ...] = ()
    minutes: int = 0
    credit: int = 0  # over the plan's denominator, taken off before caps


NO_GIFTS = Gifts()


class Gate(NamedTuple):
    """A minute at which free minutes are exceeded, so that what was free before is charged at once."""

    minute: int


class _Counter:
    """Where units stand: ``done`` counted minutes up to the end of the unit under way, which has ``left`` to go.

    ``due`` > 0: the unit falls due in so many minutes and ``pending`` minutes of it have passed.
    """

    __slots__ = ("done", "due", "left", "pending", "price", "tier")

    def __init__(self) -> None:
        self.done = self.left = self.due = self.pending = self.price = self.tier = 0


class Walk:
    """One plan's way through a stay. ``runs`` are the own minutes, in order; the first may not be empty.

    ``lines`` holds units, minutes and the whole amount by band and tier. ``scaled`` is what is due after caps.
    """

    __slots__ = (
        "_anchor", "_base", "_buckets_of", "_companions", "_counters", "_cycle", "_free_left", "_free_used",
        "_gifts_left", "_left_steps", "_position", "_target", "_window", "band_free", "buckets", "credit_left", "dropped", "free", "lines", "plan",
        "relieved", "runs", "scaled", "time",
    )  # fmt: skip

    def __init__(
        self,
        plan: ReadyPlan,
        base: int,
        runs: Sequence[Run],
        *,
        gifts: Gifts = NO_GIFTS,
        no_free: bool = False,
        anchor: int | None = None,
    ) -> None:
        self.plan, self.runs = plan, runs
        self._base, self._anchor = base, runs[0][0] if anchor is None else anchor
        self.time = Timeline(plan, base, self._anchor, gifts.waived)
        self.buckets = [Bucket(cap) for cap in plan.caps]
        self._buckets_of = [tuple([self.buckets[cap] for cap in band.caps]) for band in plan.bands]
        self._counters: dict[int, _Counter] = {}
        self._gifts_left, self.credit_left = gifts.minutes, gifts.credit
        self._left_steps = MAX_STRETCHES
        self._window = self._cycle = 0
        self._target: int | None = None
        self._position = runs[0][0]
        self.scaled = self.free = self.dropped = self.band_free = self.relieved = 0
        self.lines: dict[tuple[int, int], list[int]] = {}
        self._free_left: dict[int, int] = {}
        self._free_used = {} if no_free else self._count_free()
        self._companions: tuple[Walk, ...] = ()

    def limited_also_by(self, others: Sequence["Walk"]) -> None:
        """Let caps of other tariffs limit this one's charges, too: those that are for all their bands."""
        more = tuple(bucket for other in others for bucket in other.buckets if bucket.cap.bands is None)
        self._buckets_of = [(*buckets, *more) for buckets in self._buckets_of]
        self._companions = tuple(others)

    @property
    def minutes(self) -> int:
        """Return the own minutes."""
        return sum(end - start for start, end in self.runs)

    @property
    def pending(self) -> int:
        """Return minutes of units under way that are not due yet."""
        return sum(counter.pending for counter in self._counters.values())

    def go(self) -> "Walk":
        """Walk all own minutes."""
        for start, end in self.runs:
            self.stretch(start, end)
        return self

    def stretch(self, start: int, end: int) -> int:
        """Walk from one position to another; return the minute at which the target was reached, else 0."""
        time = self.time
        position = start
        while position < end:
            if position >= time.edge:
                self._enter(position)
            stop = min(end, time.edge)
            if self._companions:
                stop = self._with_companions(position, stop)
            found = self._walked(position, stop)
            if found:
                return found
            position = stop
        self._position = end
        return 0

    def seek(self, target: int, limit: int) -> int | Gate | None:
        """Go on beyond the last minute until ``scaled`` is at least ``target``; None: not before ``limit`` is passed.

        A ``Gate`` is the minute at which free minutes end that were given so far: the walk must be done anew there.
        """
        self._target = target
        time = self.time
        position = self._position
        if target <= self.scaled:
            return position
        while position < limit:
            if position >= time.edge:
                self._enter(position)
            stop = min(limit, time.edge)
            if self._companions:
                stop = self._with_companions(position, stop)
            if self._is_gated():
                gate = self._seek_gate(position, stop)
                if gate is not None:
                    return gate
            elif found := self._walked(position, stop):
                return found
            elif self._is_over():
                return None
            position = self._position = stop
        return None

    def _with_companions(self, position: int, stop: int) -> int:
        """Take the others along, so that their caps' spans turn, too; return where the first of them changes."""
        for other in self._companions:
            if position >= other.time.edge:
                other._enter(position)
            stop = min(stop, other.time.edge)
        return stop

    def _is_over(self) -> bool:
        """Tell whether no minute to come can cost anything: time does not matter any more or a final cap is full."""
        if self.time.edge >= ENDLESS and not self.plan.bands[self.time.band].tiers:
            return True
        return any(
            bucket.left == 0 and bucket.cap.bands is None and bucket.cap.kind.value == "stay" for bucket in self.buckets
        )

    def _enter(self, position: int) -> None:
        self._left_steps -= 1
        if self._left_steps < 0:
            raise NotComputable("too_long", stretches=MAX_STRETCHES)
        time = self.time
        time.enter(position)
        for bucket in self.buckets:
            bucket.turn(position, time)
        if time.cycle != self._cycle:
            self._cycle = time.cycle
            self._close(None)
        if time.window != self._window:
            self._window = time.window
            self._close(Counting.WINDOW)

    def _close(self, counting: Counting | None) -> None:
        """End counters: units under way that are not due are dropped."""
        for key in [key for key in self._counters if counting is None or key < 0]:
            self.dropped += self._counters.pop(key).pending

    def _counter(self, number: int, band: ReadyBand) -> _Counter:
        key = {Counting.WINDOW: -1 - number, Counting.BAND: 1 + number}.get(band.counting, 0)
        found = self._counters.get(key)
        if found is None:
            found = self._counters[key] = _Counter()
        return found

    def _walked(self, start: int, end: int) -> int:
        """Take one stretch: free minutes first, then counted ones."""
        time = self.time
        band = self.plan.bands[time.band]
        if self._free_used:
            start += self._given(start, end, bool(band.tiers))
        if start >= end:
            return 0
        if not band.tiers:
            self.band_free += end - start
            return 0
        if time.is_waived:
            self.relieved += end - start
            return 0
        if self._gifts_left:
            given = min(self._gifts_left, end - start)
            self._gifts_left -= given
            self.relieved += given
            start += given
            if start >= end:
                return 0
        return self._counted(start, end - start, band)

    def _counted(self, at: int, minutes: int, band: ReadyBand) -> int:
        """Count minutes of a band after position ``at``."""
        number = self.time.band
        counter = self._counter(number, band)
        while minutes > 0:
            if counter.left == 0:
                place = counter.done % band.repeat
                index = next(index for index, tier in enumerate(band.tiers) if place < tier.up_to)
                tier = band.tiers[index]
                room = min(tier.up_to, band.repeat) - place
                unit = min(tier.unit, room)
                whole = min(minutes, room) // unit
                if whole and tier.due_after < unit:
                    found = self._due(at + tier.due_after + 1, unit, whole, tier.price, (number, index), whole * unit)
                    if found:
                        return found
                    taken = whole * unit
                    at += taken
                    minutes -= taken
                    counter.done += taken
                    continue
                counter.left, counter.due, counter.pending = unit, tier.due_after + 1, 0
                counter.price, counter.tier = tier.price, index
                counter.done += unit
            taken = min(minutes, counter.left)
            found = self._under_way(counter, at, taken, number)
            if found:
                return found
            at += taken
            minutes -= taken
        return 0

    def _under_way(self, counter: _Counter, at: int, minutes: int, number: int) -> int:
        """Pass minutes of the unit under way."""
        found = 0
        if counter.due == 0 and counter.price:
            self._line((number, counter.tier))[1] += minutes
        elif counter.due == 0:
            self.band_free += minutes
        elif minutes >= counter.due:
            key = (number, counter.tier)
            found = self._due(at + counter.due, 0, 1, counter.price, key, counter.pending + minutes)
            counter.due = counter.pending = 0
        else:
            counter.due -= minutes
            counter.pending += minutes
        counter.left -= minutes
        if counter.left == 0 and counter.due:
            self.dropped += counter.pending
            counter.due = counter.pending = 0
        return found

    def _line(self, key: tuple[int, int]) -> list[int]:
        line = self.lines.get(key)
        if line is None:
            line = self.lines[key] = [0, 0, 0]
        return line

    def _due(self, first: int, step: int, count: int, price: int, key: tuple[int, int], minutes: int) -> int:
        """Charge ``count`` units, the first in minute ``first``, the others ``step`` minutes apart."""
        if not price:
            self.band_free += minutes
            return 0
        amount = price * count
        line = self._line(key)
        line[0] += count
        line[1] += minutes
        line[2] += amount
        allowed = amount
        if self.credit_left:
            taken = min(self.credit_left, amount)
            self.credit_left -= taken
            allowed -= taken
        tightest: Bucket | None = None
        asked = allowed
        buckets = self._buckets_of[key[0]]
        for bucket in buckets:
            if bucket.left < allowed:
                allowed = bucket.left
                tightest = bucket
        if self._target is not None and self.scaled + allowed >= self._target:
            # The j-th unit completes what is missing; a credit took the first units whole.
            missing = self._target - self.scaled + (amount - asked)
            return first + (-(-missing // price) - 1) * step
        for bucket in buckets:
            bucket.left -= allowed
        if tightest is not None:
            tightest.withhold(asked - allowed)
        self.scaled += allowed
        return 0

    # Free minutes. ``_free_used`` holds the counting minutes of every span with a key of its own; empty: none given.

    def _span_key(self) -> int:
        plan, time = self.plan, self.time
        if plan.simple_free:
            return 0
        per = plan.plan.free.per
        part = time.day if per is FreePer.DAY else time.window if per is FreePer.WINDOW else 0
        return part * MAX_STRETCHES + (time.cycle if plan.free_per_cycle else 0)

    def _counts(self, has_tiers: bool) -> bool:
        return has_tiers or self.plan.plan.free.counts is FreeCounts.STAY

    def _count_free(self) -> dict[int, int]:
        """Count the minutes that use free minutes up, by span."""
        plan = self.plan
        if not plan.free_minutes:
            return {}
        if plan.simple_free and plan.plan.free.counts is FreeCounts.STAY:
            minutes = self.minutes
            return {} if plan.is_threshold and minutes > plan.free_minutes else {0: minutes}
        used: dict[int, int] = {}
        time = self.time
        for start, end in self.runs:
            position = start
            while position < end:
                if position >= time.edge:
                    time.enter(position)
                stop = min(end, time.edge)
                key = self._span_key()
                counting = stop - position if self._counts(bool(plan.bands[time.band].tiers)) else 0
                used[key] = used.get(key, 0) + counting
                position = stop
        self.time = Timeline(plan, self._base, self._anchor, time.waived)
        return used

    def _given(self, start: int, end: int, has_tiers: bool) -> int:
        """Return how many minutes at the start of the stretch are free minutes."""
        key = self._span_key()
        minutes = end - start
        if self.plan.is_threshold:
            if self._free_used.get(key, 0) > self.plan.free_minutes:
                return 0
            given = minutes if has_tiers else 0
        elif not self._counts(has_tiers):
            return 0
        else:
            left = self._free_left.get(key, self.plan.free_minutes)
            given = min(left, minutes)
            self._free_left[key] = left - given
            if not has_tiers:
                return 0  # they used free minutes up, and cost nothing anyway
        self.free += given
        return given

    def _is_gated(self) -> bool:
        """Tell whether the minutes here are free as long as the span's are not exceeded."""
        return (
            bool(self._free_used)
            and self.plan.is_threshold
            and self._free_used.get(self._span_key(), 0) <= self.plan.free_minutes
        )

    def _seek_gate(self, position: int, stop: int) -> Gate | None:
        key = self._span_key()
        if not self._counts(bool(self.plan.bands[self.time.band].tiers)):
            return None
        used = self._free_used.get(key, 0)
        if used + stop - position > self.plan.free_minutes:
            return Gate(position + self.plan.free_minutes - used + 1)
        self._free_used[key] = used + stop - position
        return None
