"""What a stay costs, explained line by line: the public ``quote``."""

from collections.abc import Iterator, Sequence

from openberth.contexts.tariffs.engine.effort import AHEAD_STEPS, PRICE_STEPS
from openberth.contexts.tariffs.engine.explaining import explained
from openberth.contexts.tariffs.engine.pricing import MAX_AHEAD_MINUTES, Priced, Pricing
from openberth.contexts.tariffs.engine.reliefs import Relieved, relieved
from openberth.contexts.tariffs.engine.stay import Part, Stay
from openberth.contexts.tariffs.engine.visits import uses_after
from openberth.contexts.tariffs.model import (
    DAY_MINUTES,
    CapUse,
    Line,
    NestedCaps,
    NotComputable,
    Quote,
    ReliefUse,
    Segment,
    Tariff,
    Terms,
)
from openberth.kernel.money import Money
from openberth.kernel.time import Instant, Period

# Where the price has to be searched, each look prices the stay anew: a month ahead is enough for whoever asks when to
# ask again, and a year would take seconds.
SEARCHED_MINUTES = 32 * DAY_MINUTES
_LOOKS = (60, 240, 1_440, 5_760, 23_040, SEARCHED_MINUTES)


def quote(segments: Sequence[Segment], terms: Terms, *, now: Instant) -> Quote:
    """Price a stay until ``now``, or until its last segment's end if that is earlier.

    ``segments`` follow each other without gaps; those that begin later than ``now`` do not count yet, but a known
    change of tariff or right in the future is part of ``next_change_at``, which looks 400 days ahead; 32 days where
    reliefs are given, a plan depends on leaving or caps are lent.
    Raises ``NotComputable`` when there is no honest price.
    """
    return Quoting(segments, terms).quote(now)


def single(tariff: Tariff, *, entered: Instant, until: Instant, terms: Terms | None = None) -> Quote:
    """Price a stay under one tariff that may go on: what a price calculator asks."""
    return quote((Segment(Period(entered), tariff),), terms or Terms(tariff.currency), now=until)


class Quoting:
    """One stay that is priced at several instants."""

    __slots__ = ("_is_searched", "_pricing", "_stay", "_terms")

    def __init__(self, segments: Sequence[Segment], terms: Terms) -> None:
        self._terms = terms
        self._stay = Stay(segments, terms.currency)
        self._pricing = Pricing(self._stay, terms)
        self._is_searched = (
            bool(terms.reliefs)
            or self._pricing.depends_on_leaving
            or (terms.policy.nested_caps is not NestedCaps.SEPARATE and _has_areas(segments))
        )

    def quote(self, now: Instant) -> Quote:
        """Price the stay with its explanation."""
        currency = self._terms.currency
        self._pricing.effort.begin(PRICE_STEPS)
        parts, until = self._stay.parts(now)
        priced = self._pricing.priced(parts)
        relief = self._relieved(parts, priced, now)
        lines: list[Line] = []
        charged = free = outside = before = 0
        used = False
        for part, one in zip(parts, priced, strict=True):
            minutes = part.minutes
            if one is not None:
                lines += explained(one)
                paid = one.walk.charged
                charged += paid
                free += minutes - paid
                before += one.steps.total
                used = used or one.walk.free > 0
            elif minutes:
                outside += minutes
                params = {"right": part.right, "minutes": minutes}
                lines.append(Line("tariff.line.right", params, minutes, Money(0, currency)))
        total = before
        uses: tuple[ReliefUse, ...] = ()
        if relief is not None:
            lines += relief.lines
            total, uses = relief.total, relief.uses
        kept = self._cap_uses(priced, until)
        change = self.first_above(total, now, (parts, priced))
        return Quote(
            tuple(lines), Money(total, currency), self._stay.entered, until, change, charged, free, outside,
            Money(before, currency), uses, used, kept,
        )  # fmt: skip

    def _cap_uses(self, priced: Sequence[Priced | None], until: Instant) -> tuple[CapUse, ...]:
        """Return what the vehicle's next visit is told of caps across visits, before the walks go on."""
        known = self._terms.cap_uses
        walked = [(one.plan, one.walk.buckets) for one in priced if one is not None and one.plan.across_visits]
        return uses_after(walked, known, until, self._terms.currency) if walked or known else ()

    @property
    def steps(self) -> int:
        """Return how much work pricing has been so far, in the steps of ``effort``."""
        return self._pricing.effort.spent

    def _relieved(self, parts: Sequence[Part], priced: Sequence[Priced | None], now: Instant) -> Relieved | None:
        if not self._terms.reliefs:
            return None
        return relieved(self._pricing, parts, priced, now)

    def first_above(
        self, minor: int, start: Instant, known: tuple[list[Part], list[Priced | None]] | None = None
    ) -> Instant | None:
        """Return the first instant from ``start`` on at which the stay costs more than ``minor``; None: never.

        ``known`` are the parts and their prices at ``start`` when the caller has them and knows that they cost
        ``minor``; they are used up.
        """
        self._pricing.effort.begin(AHEAD_STEPS)
        if self._is_searched:
            return self._searched(minor, start)
        return self._walked(minor, start, known)

    def _walked(
        self, minor: int, start: Instant, known: tuple[list[Part], list[Priced | None]] | None
    ) -> Instant | None:
        """Go on walking segment by segment: every part has its own price, and none ever falls."""
        segments = self._stay.segments
        for index, segment in enumerate(segments):
            end = segment.period.end
            if end is not None and end <= start and index + 1 < len(segments):
                continue
            moment = max(start, segment.period.start)
            try:
                found = self._within(segment, minor, start, known)
            except NotComputable:  # nobody knows yet what it costs: that is a change, too
                return moment
            if found is not None:
                return found
            known = None
        return None

    def _within(
        self, segment: Segment, minor: int, start: Instant, known: tuple[list[Part], list[Priced | None]] | None
    ) -> Instant | None:
        """Return the first instant of a segment, from ``start`` on, at which the stay costs more than ``minor``."""
        stay, end = self._stay, segment.period.end
        if known is None:
            parts, until = stay.parts(max(start, segment.period.start))
            priced = self._pricing.priced(parts)
            if _sum(priced) > minor:
                return max(until, start)
        else:
            parts, priced = known
        if segment.tariff is None or (end is not None and end <= start):
            return None
        number = 0
        while not _is_of(parts[number], segment):
            number += 1
        mine = priced[number]
        others = _sum(priced) - (0 if mine is None else mine.steps.total)
        limit = parts[number].runs[-1][1] + MAX_AHEAD_MINUTES
        if end is not None:
            limit = min(limit, stay.minute(end))
        minute = self._pricing.first_above(parts[number], mine, minor - others, limit)
        if minute is not None and (end is None or stay.instant(minute) <= end):
            return stay.instant(minute)
        return None

    def _searched(self, minor: int, start: Instant) -> Instant | None:
        """Look for the instant where the price does not fall between known edges, piece by piece."""
        start = max(start, self._stay.entered)
        if self._total_or_more(start, minor) > minor:
            return start
        piece, horizon = start, self._stay.instant(self._stay.minute(start) + SEARCHED_MINUTES)
        while piece < horizon:
            edge = min([*self._edges(piece), horizon])
            found = self._in_piece(minor, piece, edge)
            if found is not None:
                return found
            piece = edge
        return None

    def _edges(self, now: Instant) -> set[Instant]:
        """Return instants after ``now`` at which the price may fall."""
        edges: set[Instant] = set()
        for pricing in (self._pricing, *self._offered()):
            for part in pricing.stay.parts(now)[0]:
                if part.tariff is not None and part.runs:
                    edges |= pricing.condition_edges(part, now)
        for segment in self._stay.segments:
            edges |= {moment for moment in (segment.period.start, segment.period.end) if moment and moment > now}
        return edges

    def _offered(self) -> Iterator[Pricing]:
        """Yield the pricings that reliefs offer instead: their plans may depend on leaving, too."""
        for relief in self._terms.reliefs:
            if relief.tariff is not None:
                try:
                    offered = self._pricing.instead(relief.tariff)
                except NotComputable:
                    continue  # such a relief takes nothing
                yield offered

    def _in_piece(self, minor: int, piece: Instant, edge: Instant) -> Instant | None:
        """Search the half-open piece, in which the price never falls, and its edge."""
        stay = self._stay
        first, last = stay.minute(piece), stay.minute(Instant(edge - 1))
        low = high = first
        for look in _LOOKS if last - first > DAY_MINUTES else (DAY_MINUTES,):
            high = min(first + look, last)
            if high > low and self._total_or_more(stay.instant(high), minor) > minor:
                break
            low = high
        else:
            return edge if self._total_or_more(edge, minor) > minor else None
        while high - low > 1:
            middle = (low + high) // 2
            if self._total_or_more(stay.instant(middle), minor) > minor:
                high = middle
            else:
                low = middle
        return stay.instant(high)

    def _total_or_more(self, at: Instant, minor: int) -> int:
        """Return the price, or more than ``minor`` where none is known: that is a change, too."""
        try:
            parts, _ = self._stay.parts(at)
            priced = self._pricing.priced(parts)
            before = _sum(priced)
            if before <= minor:  # reliefs only lower it
                return before
            relief = self._relieved(parts, priced, at)
            return before if relief is None else relief.total
        except NotComputable:
            return minor + 1


def _has_areas(segments: Sequence[Segment]) -> bool:
    """Tell whether a stay has tariffs at several depths."""
    return len({segment.depth for segment in segments if segment.tariff is not None}) > 1


def _is_of(part: Part, segment: Segment) -> bool:
    return part.tariff is segment.tariff or part.tariff == segment.tariff


def _sum(priced: Sequence[Priced | None]) -> int:
    return sum([one.steps.total for one in priced if one is not None])
