"""What a stay costs, explained line by line: the public ``quote``."""

from collections.abc import Sequence

from openberth.contexts.tariffs.engine.effort import AHEAD_STEPS, PRICE_STEPS
from openberth.contexts.tariffs.engine.explaining import explained
from openberth.contexts.tariffs.engine.pricing import MAX_AHEAD_MINUTES, Priced, Pricing
from openberth.contexts.tariffs.engine.reliefs import Relieved, relieved
from openberth.contexts.tariffs.engine.stay import Part, Stay
from openberth.contexts.tariffs.model import Line, NestedCaps, NotComputable, Quote, ReliefUse, Segment, Tariff, Terms
from openberth.kernel.money import Money
from openberth.kernel.time import Instant, Period

_DOUBLINGS = (60, 240, 1_440, 5_760, 23_040, 92_160, MAX_AHEAD_MINUTES)
_MAX_PIECES = 1_000


def quote(segments: Sequence[Segment], terms: Terms, *, now: Instant) -> Quote:
    """Price a stay until ``now``, or until its last segment's end if that is earlier.

    ``segments`` follow each other without gaps; those that begin later than ``now`` do not count yet, but a known
    change of tariff or right in the future is part of ``next_change_at``, which looks 400 days ahead.
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
            or terms.policy.nested_caps is not NestedCaps.SEPARATE
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
        change = self.first_above(total, now, (parts, priced))
        return Quote(
            tuple(lines), Money(total, currency), self._stay.entered, until, change, charged, free, outside,
            Money(before, currency), uses, used,
        )  # fmt: skip

    @property
    def steps(self) -> int:
        """Return how much work pricing has been so far, in the steps of ``effort``."""
        return self._pricing.effort.spent

    def total(self, now: Instant) -> int:
        """Return the price at an instant in minor units, without the explanation."""
        parts, _ = self._stay.parts(now)
        priced = self._pricing.priced(parts)
        relief = self._relieved(parts, priced, now)
        return _sum(priced) if relief is None else relief.total

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
        number = next(number for number, part in enumerate(parts) if _is_of(part, segment))
        others = sum(one.steps.total for one in priced if one is not None and one is not priced[number])
        limit = parts[number].runs[-1][1] + MAX_AHEAD_MINUTES
        if end is not None:
            limit = min(limit, stay.minute(end))
        minute = self._pricing.first_above(parts[number], priced[number], minor - others, limit)
        if minute is not None and (end is None or stay.instant(minute) <= end):
            return stay.instant(minute)
        return None

    def _searched(self, minor: int, start: Instant) -> Instant | None:
        """Look for the instant where the price does not fall between known edges, piece by piece."""
        start = max(start, self._stay.entered)
        if self._total_or_more(start, minor) > minor:
            return start
        horizon = self._stay.instant(self._stay.minute(start) + MAX_AHEAD_MINUTES)
        piece = start
        for _ in range(_MAX_PIECES):
            edge = min([*self._edges(piece), horizon])
            found = self._in_piece(minor, piece, edge)
            if found is not None or edge >= horizon:
                return found
            piece = edge
        return piece

    def _edges(self, now: Instant) -> set[Instant]:
        """Return instants after ``now`` at which the price may fall."""
        edges: set[Instant] = set()
        parts, _ = self._stay.parts(now)
        for part in parts:
            if part.tariff is not None and part.runs:
                edges |= self._pricing.condition_edges(part, now)
        for segment in self._stay.segments:
            edges |= {moment for moment in (segment.period.start, segment.period.end) if moment and moment > now}
        return edges

    def _in_piece(self, minor: int, piece: Instant, edge: Instant) -> Instant | None:
        """Search the half-open piece, in which the price never falls, and its edge."""
        stay = self._stay
        low = stay.minute(piece)
        last = stay.minute(edge)
        high = low
        for step in _DOUBLINGS:
            high = min(low + step, last)
            at = min(stay.instant(high), edge) if high > low else piece
            if self._total_or_more(at, minor) > minor or high == last:
                break

        def moment(minute: int) -> Instant:
            return min(max(stay.instant(minute), piece), edge)

        if self._total_or_more(moment(high), minor) <= minor:
            return edge if self._total_or_more(edge, minor) > minor else None
        while high - low > 1:
            middle = (low + high) // 2
            if self._total_or_more(moment(middle), minor) > minor:
                high = middle
            else:
                low = middle
        return moment(high)

    def _total_or_more(self, at: Instant, minor: int) -> int:
        """Return the price, or more than ``minor`` where none is known: that is a change, too."""
        try:
            return self.total(at)
        except NotComputable:
            return minor + 1


def _is_of(part: Part, segment: Segment) -> bool:
    return part.tariff is segment.tariff or part.tariff == segment.tariff


def _sum(priced: Sequence[Priced | None]) -> int:
    return sum(one.steps.total for one in priced if one is not None)
