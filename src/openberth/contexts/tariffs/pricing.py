"""What a stay costs, explained line by line, and what is still owed after payments.

How a stay becomes minutes: every boundary (a segment's end, the present) becomes a whole minute counted from the entry,
by the seconds policy of the first segment that has a tariff; a segment has the minutes between its boundaries. So no
second is lost or counted twice, and cutting a segment in two changes nothing.

Each tariff of a stay prices its own minutes, taken together: free minutes are given once, units run on across an
interruption. A cap's span is counted from the first minute under its tariff; a unit belongs to the span in which it
falls due. The exact sum is rounded half up to minor units, once per line. The price never falls as time goes on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from openberth.contexts.tariffs.meter import Meter, Run
from openberth.contexts.tariffs.model import (
    Line,
    NotComputable,
    Payment,
    Quote,
    SecondsPolicy,
    Segment,
    Settlement,
    Tariff,
)
from openberth.kernel.money import Money
from openberth.kernel.time import MINUTE_US, Instant, Period, later

MAX_GRACES = 3  # payments of one stay that open a grace; after that every begun unit is asked for at once
MAX_SEGMENTS = 1_000


def quote(segments: Sequence[Segment], *, currency: str, now: Instant) -> Quote:
    """Price a stay until ``now``, or until its last segment's end if that is earlier.

    ``segments`` follow each other without gaps; those that begin later than ``now`` do not count yet, but a known
    change of tariff or right in the future is part of ``next_change_at``. ``currency`` is the lot's.
    Raises ``NotComputable`` when there is no honest price.
    """
    stay = _Stay(segments, currency)
    parts, until = stay.parts(now)
    lines: list[Line] = []
    amount = charged = free = outside = 0
    for part in parts:
        if part.meter is None:
            minutes = sum(end - start for start, end in part.runs)
            outside += minutes
            if minutes:
                params = {"right": part.right, "minutes": minutes}
                lines.append(Line("tariff.line.right", params, minutes, Money(0, currency)))
        else:
            bill = part.meter.bill(part.runs)
            lines += bill.lines
            amount += bill.amount
            charged += bill.charged
            free += bill.free
    change = stay.first_above(amount, now, parts)
    return Quote(tuple(lines), Money(amount, currency), stay.entered, until, change, charged, free, outside)


def single(tariff: Tariff, *, entered: Instant, until: Instant) -> Quote:
    """Price a stay under one tariff that may go on: what a price calculator asks."""
    return quote((Segment(Period(entered), tariff),), currency=tariff.currency, now=until)


def settlement(
    segments: Sequence[Segment],
    payments: Iterable[Payment],
    *,
    currency: str,
    now: Instant,
    grace_minutes: int,
    max_graces: int = MAX_GRACES,
) -> Settlement:
    """Tell what is owed at ``now`` for a stay with payments.

    A payment that covers the price of its moment (or of the moment it was asked at) opens a grace of
    ``grace_minutes``: the price of that moment holds
    until the grace ends, half-open. Afterwards the difference is due. At most ``max_graces`` payments open one. Money
    counts whatever its stamp says: a payment stamped outside the stay is taken at the stay's nearest end.
    """
    current = quote(segments, currency=currency, now=now)
    paid, graces = 0, 0
    held, grace_until = current, None
    for payment in sorted(payments, key=lambda one: one.at):
        if payment.amount.currency != currency:
            raise NotComputable("currency", expected=currency, found=payment.amount.currency)
        paid += payment.amount.minor
        if payment.amount.minor <= 0 or graces == max_graces:
            continue
        came = max(min(payment.at, current.until), current.entered)
        asked = came if payment.priced_at is None else max(min(payment.priced_at, came), current.entered)
        priced = quote(segments, currency=currency, now=asked)
        if paid >= priced.total.minor:
            graces += 1
            held, grace_until = priced, later(max(came, priced.until), grace_minutes * MINUTE_US)
    if grace_until is None or now >= grace_until:
        held, grace_until = current, None
    owed = held.total.minor - paid
    holds_until = current.next_change_at
    if owed <= 0:
        holds_until = _Stay(segments, currency).first_above(paid, grace_until or now)
    due, surplus = Money(max(owed, 0), currency), Money(max(-owed, 0), currency)
    return Settlement(held, Money(paid, currency), due, surplus, grace_until, graces, holds_until)


@dataclass(slots=True)
class _Part:
    """All runs of a stay that are priced together: one tariff, or one right."""

    tariff: Tariff | None
    right: str | None
    meter: Meter | None
    runs: list[Run] = field(default_factory=list)

    def amount(self) -> int:
        """Return the price of the part in minor units."""
        return 0 if self.meter is None else self.meter.amount(self.runs)


class _Stay:
    """The segments of a stay on the scale of whole minutes."""

    def __init__(self, segments: Sequence[Segment], currency: str) -> None:
        if not segments or len(segments) > MAX_SEGMENTS:
            raise NotComputable("segments", count=len(segments))
        self.segments = segments
        self.currency = currency
        self.entered = segments[0].period.start
        self.exact = False
        self._check()

    def _check(self) -> None:
        policy: SecondsPolicy | None = None
        edge: Instant | None = self.entered
        for segment in self.segments:
            if segment.period.start != edge:
                raise NotComputable("gap")
            edge = segment.period.end
            tariff = segment.tariff
            if tariff is None:
                if segment.right is None:
                    raise NotComputable("no_tariff")
            elif tariff.currency != self.currency:
                raise NotComputable("currency", tariff=tariff.code, expected=self.currency, found=tariff.currency)
            else:
                policy = policy or tariff.seconds
        self.exact = policy is SecondsPolicy.EXACT

    def minute(self, at: Instant) -> int:
        """Return the minutes of the stay that count at an instant."""
        span = at - self.entered
        return -(-span // MINUTE_US) if self.exact else span // MINUTE_US

    def instant(self, minute: int) -> Instant:
        """Return the first instant at which so many minutes count."""
        return later(self.entered, (minute - 1) * MINUTE_US + 1 if self.exact else minute * MINUTE_US)

    def parts(self, now: Instant) -> tuple[list[_Part], Instant]:
        """Return what is priced together, in the order of its beginning, and the instant until which it is priced."""
        if now < self.entered:
            raise NotComputable("before_entry")
        parts: list[_Part] = []
        minute, until = 0, self.entered
        for segment in self.segments:
            if segment.period.start > now:
                break
            until = now if segment.period.end is None else min(now, segment.period.end)
            start, minute = minute, self.minute(until)
            runs = _part_of(segment, parts).runs
            if runs and runs[-1][0] == runs[-1][1]:
                runs.pop()  # nothing of it counted: it must not be where a cap's span begins
            runs.append((start, minute))
        return parts, until

    def first_above(self, minor: int, start: Instant, known: list[_Part] | None = None) -> Instant | None:
        """Return the first instant from ``start`` on at which the stay costs more than ``minor``; None if never.

        ``known`` are the parts at ``start`` when the caller has them and knows that they cost ``minor``.
        """
        for index, segment in enumerate(self.segments):
            end = segment.period.end
            is_last = index + 1 == len(self.segments)
            if end is not None and end <= start and not is_last:
                continue
            if known is None:
                parts, until = self.parts(max(start, segment.period.start))
                if sum(part.amount() for part in parts) > minor:
                    return max(until, start)
            else:
                parts, known = known, None
            part = _part_of(segment, parts)
            if part.meter is None or (end is not None and end <= start):
                continue
            others = sum(other.amount() for other in parts if other is not part) if len(parts) > 1 else 0
            minute = part.meter.first_minute_above(part.runs, minor - others)
            if minute is not None and (end is None or self.instant(minute) <= end):
                return self.instant(minute)
        return None


def _part_of(segment: Segment, parts: list[_Part]) -> _Part:
    for part in parts:
        if part.tariff is segment.tariff or part.tariff == segment.tariff:
            if segment.tariff is None and part.right != segment.right:
                continue
            return part
    meter = None if segment.tariff is None else Meter(segment.tariff)
    part = _Part(segment.tariff, segment.right, meter)
    parts.append(part)
    return part
