"""Time as a plan sees it: stretches of minutes in which band, cycle, tariff day and cap spans stay the same."""

from openberth.contexts.tariffs.engine.ready import ENDLESS, ReadyPlan
from openberth.kernel.time import MINUTE_US


class Timeline:
    """Follows the own minutes of a stay from edge to edge.

    Positions are minutes of the stay that have passed: the minute after position ``p`` begins ``p`` minutes after
    ``base``. ``edge`` is the position at which something changes next; ``enter`` must be called there. ``cuts`` are
    further edges, ``grids`` edges that come back: where the first lies and after how many minutes. ``window`` numbers
    the windows that passed, ``windows_of`` those of each band; ``day`` is the ordinal of the tariff day, 0 where no day
    matters, ``day_begin`` the first position in it and ``day_end`` the one at which it ends.
    """

    __slots__ = (
        "_base", "_clock", "_cycle_end", "_day_spans", "_grids", "_has_bands", "_next", "_pieces", "_plan", "_spans",
        "anchor", "band", "cuts", "cycle", "day", "day_begin", "day_end", "edge", "window", "windows_of",
    )  # fmt: skip

    def __init__(
        self,
        plan: ReadyPlan,
        base: int,
        anchor: int,
        cuts: tuple[int, ...] = (),
        grids: tuple[tuple[int, int], ...] = (),
    ) -> None:
        self._plan, self._base, self.cuts, self._grids = plan, base, cuts, grids
        self._clock = plan.clock
        self.anchor = self.edge = anchor
        self.cycle, self._cycle_end = 0, ENDLESS
        self.day, self.day_begin, self.day_end = 0, anchor, ENDLESS
        self.window = 0
        self.windows_of: dict[int, int] = {}
        self._spans, self._day_spans = plan.spans, plan.day_spans
        self._pieces: tuple[tuple[int, int], ...] = ()  # where in the tariff day, as positions, which band begins
        self._next = 0
        self.band = -1
        always = self._clock.always
        if always is None and plan.by_entry:
            always = self._clock.band_at(base + anchor * MINUTE_US)
        self._has_bands = always is None
        if always is not None:
            self._open(always)
        if plan.needs_days or always is None:
            self._begin()
        if plan.cycle_minutes or plan.cycle_day:
            self._cycle_end = anchor

    def enter(self, position: int) -> None:
        """Move to a position at or beyond the edge."""
        edge = ENDLESS
        if self.day:
            self._follow(position)
            edge = self._pieces[self._next][0] if self._next < len(self._pieces) else self.day_end
        if position >= self._cycle_end:
            self._new_cycle(position)
        if self._cycle_end < edge:
            edge = self._cycle_end
        for minutes in self._spans:
            end = position + minutes - (position - self.anchor) % minutes
            if end < edge:
                edge = end
        for minutes in self._day_spans:
            end = position + minutes - (position - self.day_begin) % minutes
            if end < edge:
                edge = end
        for start, minutes in self._grids:
            end = start if position < start else position + minutes - (position - start) % minutes
            if end < edge:
                edge = end
        for cut in self.cuts:
            if position < cut < edge:
                edge = cut
        self.edge = edge

    def _begin(self) -> None:
        """Find the tariff day of the first minute; what passed of it before counts for nothing."""
        self.day = self._clock.day_at(self._base + self.anchor * MINUTE_US)
        self._take_day()
        while self._next + 1 < len(self._pieces) and self._pieces[self._next + 1][0] <= self.anchor:
            self._next += 1

    def _take_day(self) -> None:
        base = self._base
        self._next = 0
        if self._has_bands:
            day = self._clock.day(self.day)
            end = day.end
            self._pieces = tuple([(-((base - at) // MINUTE_US), band) for at, band in day.bands])
        else:
            end = self._clock.starts(self.day + 1)  # what kind of day it is does not matter
        self.day_end = -((base - end) // MINUTE_US)

    def _follow(self, position: int) -> None:
        """Pass all bands and days that begin until a position."""
        while True:
            while self._next < len(self._pieces) and self._pieces[self._next][0] <= position:
                band = self._pieces[self._next][1]
                if band != self.band:
                    self._open(band)
                self._next += 1
            if position < self.day_end:
                return
            self.day += 1
            self.day_begin = self.day_end
            self._take_day()

    def _open(self, band: int) -> None:
        self.band = band
        self.window += 1
        self.windows_of[band] = self.windows_of.get(band, 0) + 1

    def _new_cycle(self, position: int) -> None:
        if self._plan.cycle_minutes:
            self.cycle = (position - self.anchor) // self._plan.cycle_minutes
            self._cycle_end = self.anchor + (self.cycle + 1) * self._plan.cycle_minutes
        else:
            self.cycle, self._cycle_end = self.day, self.day_end
