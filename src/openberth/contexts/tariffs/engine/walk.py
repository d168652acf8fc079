"""Walking through the own minutes of a plan: free minutes, counters, units that fall due, caps (ADR 0006, 7 to 9).

A walk goes from stretch to stretch and treats all whole units of a stretch at once. After the last minute of a stay it
can go on to find the first minute at which more would be due.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from openberth.contexts.tariffs.engine.buckets import Bucket
from openberth.contexts.tariffs.engine.effort import WALK_STEPS, Effort
from openberth.contexts.tariffs.engine.freeing import freeing
from openberth.contexts.tariffs.engine.ready import ENDLESS, ReadyBand, ReadyPlan, ReadyTier
from openberth.contexts.tariffs.engine.relieving import Relieving
from openberth.contexts.tariffs.engine.timeline import Timeline
from openberth.contexts.tariffs.engine.visits import buckets_of, grids_of
from openberth.contexts.tariffs.model import CapKind, CapUse

Run: TypeAlias = tuple[int, int]


class Gate(NamedTuple):
    """A minute at which free minutes are exceeded, so that what was free before is charged at once."""

    minute: int


class _Counter:
    """Where units stand: ``done`` counted minutes up to the end of the unit under way, which has ``left`` to go.

    ``due`` > 0: the unit falls due in so many minutes and ``pending`` minutes of it have passed. ``key`` are the band
    in which it began, which one counter for several bands may have left since, and the tier.
    """

    __slots__ = ("done", "due", "key", "left", "pending", "price")

    def __init__(self) -> None:
        self.done = self.left = self.due = self.pending = self.price = 0
        self.key = (0, 0)

    def begin(self, key: tuple[int, int], tier: ReadyTier, unit: int) -> None:
        """Begin a unit that the minutes at hand do not complete."""
        self.left, self.due, self.pending = unit, tier.due_after + 1, 0
        self.price, self.key = tier.price, key
        self.done += unit


class Walk:
    """One plan's way through a stay. ``runs`` are the own minutes, in order.

    ``lines`` holds units, minutes and their whole price by band and tier; ``scaled`` is what is due after caps;
    ``free``, ``dropped`` and ``band_free`` are minutes under free minutes, in units that ended early, and without a
    price.
    """

    __slots__ = (
        "_buckets_of", "_companions", "_counters", "_cycle", "_effort", "_relieving", "_shadow", "_stretch_steps",
        "_target", "_window", "band_free", "buckets", "dropped", "freeing", "lent_withheld", "lines", "plan",
        "position", "relieved", "runs", "scaled", "time",
    )  # fmt: skip

    def __init__(
        self,
        plan: ReadyPlan,
        base: int,
        runs: Sequence[Run],
        effort: Effort,
        *,
        relieving: Relieving | None = None,
        no_free: bool = False,
        uses: Sequence[CapUse] = (),
    ) -> None:
        self.plan, self.runs, self._relieving, self._effort = plan, runs, relieving, effort
        effort.spend(WALK_STEPS + (len(plan.bands) + len(plan.caps)) // 8)
        self._stretch_steps = 1 + len(plan.caps) // 4
        cuts = relieving.cuts if relieving is not None else ()
        self.buckets = buckets_of(plan, uses, base, runs[0][0])
        self.time = Timeline(plan, base, runs[0][0], cuts, grids_of(plan, self.buckets))
        self.freeing = None if no_free else freeing(plan, base, runs, effort)
        self._buckets_of = [tuple([self.buckets[cap] for cap in band.caps]) for band in plan.bands]
        self._companions: tuple[Walk, ...] = ()
        self._counters: dict[int, _Counter] = {}
        self._shadow: dict[int, _Counter] = {}  # of minutes that are relieved after caps
        self._window = self._cycle = 0
        self._target: int | None = None
        self.position = runs[0][0]
        self.scaled = self.dropped = self.band_free = self.lent_withheld = self.relieved = 0
        self.lines: dict[tuple[int, int], list[int]] = {}

    @property
    def free(self) -> int:
        """Return the minutes that free minutes made free."""
        return 0 if self.freeing is None else self.freeing.given

    @property
    def charged(self) -> int:
        """Return the minutes of units that are charged."""
        return sum([line[1] for line in self.lines.values()])

    @property
    def pending(self) -> int:
        """Return the minutes of units under way that are not due yet."""
        return sum([counter.pending for counter in self._counters.values()])

    def limited_also_by(self, others: Sequence["Walk"]) -> None:
        """Let caps of other tariffs limit this one's charges, too: those that are for all their bands."""
        lent = {other: [bucket for bucket in other.buckets if bucket.cap.bands is None] for other in others}
        more = [bucket for buckets in lent.values() for bucket in buckets]
        self._buckets_of = [(*buckets, *more) for buckets in self._buckets_of]
        self._companions = tuple(other for other, buckets in lent.items() if buckets)

    def go(self) -> "Walk":
        """Walk all own minutes."""
        for start, end in self.runs:
            self.stretch(start, end)
        return self

    def stretch(self, start: int, end: int) -> None:
        """Walk from one position to another."""
        time = self.time
        position = start
        while position < end:
            if position >= time.edge:
                self._enter(position)
            stop = end if end < time.edge else time.edge
            if self._companions:
                stop = self._with_companions(position, stop)
            self._walked(position, stop)
            position = stop
        self.position = end

    def seek(self, target: int, limit: int) -> int | Gate | None:
        """Go on beyond the last minute until ``scaled`` is at least ``target``; None: not before ``limit`` is passed.

        A ``Gate`` is the minute at which free minutes end that were given so far: the walk must be done anew there.
        """
        self._target = target
        time = self.time
        position = self.position
        if target <= self.scaled:
            return position
        while position < limit:
            if position >= time.edge:
                self._enter(position)
            stop = min(limit, time.edge)
            if self.freeing is not None and self.freeing.is_gated(time):
                gate = self.freeing.exceeded(time, position, stop)
                if gate:
                    return Gate(gate)
            elif found := self._walked(position, stop):
                return found
            elif self._is_over():
                return None
            position = self.position = stop
        return None

    def _is_over(self) -> bool:
        """Tell whether no minute to come can cost anything."""
        if self.time.edge >= ENDLESS and not self.plan.bands[self.time.band].tiers:
            return True
        return any(
            bucket.left == 0 and bucket.cap.bands is None and bucket.cap.kind is CapKind.STAY for bucket in self.buckets
        )

    def _with_companions(self, position: int, stop: int) -> int:
        """Take the others along, so that their caps' spans turn, too; return where the first of them changes."""
        for other in self._companions:
            if position >= other.time.edge:
                other._enter(position)
            stop = min(stop, other.time.edge)
        return stop

    def _enter(self, position: int) -> None:
        self._effort.spend(self._stretch_steps)
        time = self.time
        time.enter(position)
        for bucket in self.buckets:
            if position >= bucket.until:
                bucket.turn(position, time)
        if time.cycle != self._cycle:
            self._cycle = time.cycle
            self._close(every=True)
        if time.window != self._window:
            self._window = time.window
            self._close(every=False)

    def _close(self, *, every: bool) -> None:
        """End counters, those of windows (keys below 0) or all: units under way that are not due are dropped."""
        for key in list(self._counters):
            if every or key < 0:
                self.dropped += self._counters.pop(key).pending
        if self._shadow:
            self._shadow = {} if every else {key: one for key, one in self._shadow.items() if key >= 0}

    def _walked(self, start: int, end: int) -> int:
        """Take one stretch: free minutes first, then counted ones; return the minute that reached the target, or 0."""
        band = self.plan.bands[self.time.band]
        if self.freeing is not None:
            start += self.freeing.given_of(self.time, start, end)
        if start < end:
            if band.tiers:
                return self._counted(self._counters, start, end - start, band)
            self.band_free += end - start
        return 0

    def _counted(self, counters: dict[int, _Counter], at: int, minutes: int, band: ReadyBand) -> int:
        """Count minutes of the band after a position."""
        number = self.time.band
        counter = counters.get(band.counter)
        if counter is None:
            counter = counters[band.counter] = _Counter()
        relieving = None if counters is self._shadow else self._relieving
        spend = self._effort.spend
        while minutes > 0:
            spend(1)
            fresh = (band.same or band.unit_at(counter.done)) if counter.left == 0 else None
            if relieving is not None:
                price = counter.price if fresh is None else fresh[1].price
                taken = self._relieved(relieving, at, minutes, band, has_price=price > 0)
                if taken:
                    at += taken
                    minutes -= taken
                    continue
            found = taken = 0
            if fresh is not None:
                index, tier, room = fresh
                unit = tier.unit if tier.unit < room else room
                whole = (minutes if minutes < room else room) // unit
                if whole and tier.due_after < unit:
                    taken = whole * unit
                    counter.done += taken
                    first = at + tier.due_after + 1
                    found = self._due(counters, (number, index), tier.price, taken, first, whole, unit)
                else:
                    counter.begin((number, index), tier, unit)
            if not taken:
                taken = minutes if minutes < counter.left else counter.left
                found = self._under_way(counters, counter, at, taken)
            if found:
                return found
            at += taken
            minutes -= taken
        return 0

    def _relieved(self, relieving: Relieving, at: int, minutes: int, band: ReadyBand, *, has_price: bool) -> int:
        """Take relieved minutes out of the count; after caps they use caps up all the same."""
        taken, after_caps = relieving.taken(at, minutes, has_price)
        self.relieved += taken
        if taken and after_caps:
            self._counted(self._shadow, at, taken, band)
        return taken

    def _under_way(self, counters: dict[int, _Counter], counter: _Counter, at: int, minutes: int) -> int:
        """Pass minutes of the unit under way."""
        found = 0
        if counter.due == 0:
            self._more_minutes(counters, counter.key, counter.price, minutes)
        elif minutes >= counter.due:
            passed = counter.pending + minutes
            found = self._due(counters, counter.key, counter.price, passed, at + counter.due)
            counter.due = counter.pending = 0
        else:
            counter.due -= minutes
            counter.pending += minutes
        counter.left -= minutes
        if counter.left == 0 and counter.due:
            if counters is self._counters:
                self.dropped += counter.pending
            counter.due = counter.pending = 0
        return found

    def _more_minutes(self, counters: dict[int, _Counter], key: tuple[int, int], price: int, minutes: int) -> None:
        """Account for minutes of a unit that was charged already."""
        if counters is self._shadow:
            return
        if price:
            self.lines[key][1] += minutes
        else:
            self.band_free += minutes

    def _due(
        self,
        counters: dict[int, _Counter],
        key: tuple[int, int],
        price: int,
        minutes: int,
        first: int,
        units: int = 1,
        step: int = 0,
    ) -> int:
        """Charge units of a band's tier that fall due: the first in minute ``first``, the others ``step`` apart.

        Returns the minute at which they complete what is sought, else 0.
        """
        amount = price * units
        is_shadow = counters is self._shadow
        if not is_shadow:
            if not price:
                self.band_free += minutes
                return 0
            line = self.lines.get(key)
            if line is None:
                line = self.lines[key] = [0, 0, 0]
            line[0] += units
            line[1] += minutes
            line[2] += amount
            if self._relieving is not None:
                amount = self._relieving.lowered(amount)
        allowed = amount
        tightest: Bucket | None = None
        buckets = self._buckets_of[key[0]]
        for bucket in buckets:
            if bucket.left < allowed:
                allowed = bucket.left
                tightest = bucket
        if self._target is not None and self.scaled + allowed >= self._target:
            return first + (-((self.scaled - self._target) // price) - 1) * step
        for bucket in buckets:
            bucket.left -= allowed
        if is_shadow:
            return 0
        if tightest is not None:
            if tightest in self.buckets:
                tightest.withhold(amount - allowed)
            else:
                self.lent_withheld += amount - allowed
        self.scaled += allowed
        return 0
