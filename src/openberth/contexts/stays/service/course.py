"""A stay as the engine prices it: segments with their tariffs and rights, and the terms.

Each part of the stay, one area under one right, gets its tariff from the rules of its area and those around it; the
version is that of the entry, or, where the tariff says so, that of the exit or each on its own time. A car that came
back within the minutes of its tariff goes on with the stay before: its parts come first, the time away costs nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from openberth.contexts import facility, permits, tariffs
from openberth.contexts.stays.model.assignment import OUTSIDE, assigned, policy_of
from openberth.contexts.stays.model.entities import CloseReason, OpenStay, Segment, Stay
from openberth.contexts.stays.model.vehicles import vehicle_of
from openberth.contexts.stays.service.which_visit import one_with, unanswered
from openberth.contexts.stays.store import stays as store
from openberth.contexts.tariffs.model import PriceChange, changes_within
from openberth.infra.database import Reader
from openberth.kernel.ids import BEYOND_ALL, Id
from openberth.kernel.time import HOUR_US, MINUTE_US, Instant, Period

CONTINUED_MAX = 10  # stays in a row that are priced as one
LOOKED_BACK = 20  # stays of the plate that are looked at for what visits before have used

_LEFT = frozenset({CloseReason.LEFT, CloseReason.LEFT_OFFLINE, CloseReason.MANUAL})


@dataclass(frozen=True, slots=True)
class Course:
    """What is handed to the engine, and where it comes from.

    ``versions`` are those that price the stay, in the order of its parts, each once; ``main`` prices its end.
    ``earlier`` are the stays that this one goes on from, the newest first. ``changes_at`` is when another version
    prices the whole stay.
    """

    segments: list[tariffs.Segment]
    terms: tariffs.Terms
    versions: tuple[tariffs.TariffVersion, ...]
    main: tariffs.TariffVersion | None
    earlier: tuple[Stay, ...]
    changes_at: Instant | None


@dataclass(frozen=True, slots=True)
class _Span:
    """A part of a stay: one area, one right. ``away``: the car was outside."""

    period: Period
    area: Id
    right: str | None
    permit: Id | None
    away: bool = False


def course_of(
    reader: Reader, stay: OpenStay, *, at: Instant, instead: Mapping[str, tariffs.Tariff] | None = None,
    wholly: bool = False,
) -> Course:  # fmt: skip
    """Put together what prices a stay until an instant, not before its entry.

    ``instead`` holds tariffs by the codes whose versions they stand in for: what a stay would have cost. ``wholly``: as
    if its car had left before none of the entries of which nobody has said that.
    """
    pricing = facility.pricing_of(reader, lot=stay.lot_id)
    vehicle = vehicle_of(stay.plate_kind, stay.colour)
    own = list(_spans(reader, stay))
    at_entry = assigned(pricing.levels(own[0].area), own[0].right, vehicle)
    version = at_entry and tariffs.in_force(reader, company=stay.company_id, code=at_entry, at=stay.entered_at)
    if stay.one_visit:
        earlier = never_left(reader, stay, wholly=wholly)
    else:
        earlier = _earlier(reader, stay, version.tariff.reentry_minutes) if version else ()
    spans = [*_spans_before(reader, earlier, stay), *own]
    entered = spans[0].period.start
    book = _Book(reader, stay.company_id, entered=entered, at=at, instead=instead or {})
    if at_entry and not earlier:
        book.know(at_entry, version or None)
    segments: list[tariffs.Segment] = []
    for span in spans:
        depth = pricing.depth(span.area)
        for period, right in _cut(reader, span):
            code = None if right == OUTSIDE else assigned(pricing.levels(span.area), right, vehicle)
            if code is None:
                segments.append(tariffs.Segment(period, None, right, depth))
            else:
                segments += [tariffs.Segment(part, tariff, right, depth) for part, tariff in book.parts(code, period)]
    visits = visits_before(reader, stay, earlier) if book.free_once_hours or book.counts_visits else []
    terms = tariffs.Terms(
        pricing.currency, zone=pricing.zone, vehicle=vehicle,
        calendars=tariffs.calendars_for(reader, company=stay.company_id, wanted=book.tariffs),
        policy=policy_of(pricing.pricing, pricing.currency),
        free_used_at=_free_used_at(visits, entered, book.free_once_hours), cap_uses=_cap_uses(visits, entered),
    )  # fmt: skip
    return Course(segments, terms, tuple(book.used), book.main, earlier, book.changes_at)


class _Book:
    """The versions of tariffs that price one stay."""

    def __init__(
        self, reader: Reader, company: Id, *, entered: Instant, at: Instant, instead: Mapping[str, tariffs.Tariff]
    ) -> None:
        self._reader, self._company, self._entered, self._at = reader, company, entered, at
        self._instead = instead
        self._of_entry: dict[str, tariffs.TariffVersion | None] = {}
        self.used: list[tariffs.TariffVersion] = []
        self.tariffs: list[tariffs.Tariff] = []
        self.main: tariffs.TariffVersion | None = None
        self.changes_at: Instant | None = None

    def know(self, code: str, of_entry: tariffs.TariffVersion | None) -> None:
        """Take the version of the entry that was read already."""
        self._of_entry[code] = of_entry

    def parts(self, code: str, period: Period) -> Iterator[tuple[Period, tariffs.Tariff | None]]:
        """Yield a period cut where another version prices it; None for a tariff that nobody has published."""
        if code in self._instead:
            yield period, self._price_by(self._instead[code])
            return
        if code not in self._of_entry:
            self._of_entry[code] = self._in_force(code, self._entered)
        entry = self._of_entry[code]
        if entry is None or entry.tariff.price_change is PriceChange.ENTRY:
            yield period, self._use(entry)
        elif entry.tariff.price_change is PriceChange.EXIT:
            yield period, self._use(self._of_exit(code))
        else:
            yield from self._by_change(code, period)

    @property
    def free_once_hours(self) -> int:
        """Return how far back free minutes that were used matter."""
        return max((tariffs.free_once_hours(tariff) for tariff in self.tariffs), default=0)

    @property
    def counts_visits(self) -> bool:
        """Tell whether caps hold across the vehicle's visits."""
        return any(tariffs.counts_visits(tariff) for tariff in self.tariffs)

    def _use(self, version: tariffs.TariffVersion | None) -> tariffs.Tariff | None:
        if version is None:
            return None
        if version not in self.used:
            self.used.append(version)
        self.main = version
        return self._price_by(version.tariff)

    def _price_by(self, tariff: tariffs.Tariff) -> tariffs.Tariff:
        if tariff not in self.tariffs:
            self.tariffs.append(tariff)
        return tariff

    def _in_force(self, code: str, at: Instant) -> tariffs.TariffVersion | None:
        return tariffs.in_force(self._reader, company=self._company, code=code, at=at)

    def _of_exit(self, code: str) -> tariffs.TariffVersion | None:
        standings = tariffs.standings(self._reader, company=self._company, code=code)
        ahead = changes_within(standings, Period(self._at))
        if len(ahead) > 1:
            self.changes_at = ahead[1][0] if self.changes_at is None else min(self.changes_at, ahead[1][0])
        return self._in_force(code, self._at)

    def _by_change(self, code: str, period: Period) -> Iterator[tuple[Period, tariffs.Tariff | None]]:
        standings = tariffs.standings(self._reader, company=self._company, code=code)
        changes = changes_within(standings, period)
        ends = [moment for moment, _ in changes[1:]]
        for (start, holds), end in zip(changes, [*ends, period.end], strict=True):
            version = None if holds is None else tariffs.version(self._reader, version=holds.id)
            if start > self._at:  # known, but not what prices the stay now
                yield Period(start, end), None if version is None else self._price_by(version.tariff)
            else:
                yield Period(start, end), self._use(version)


def _spans(reader: Reader, stay: OpenStay) -> Iterator[_Span]:
    if stay.segments > 1:
        yield from list(_stored_spans(reader, stay.id))[: stay.segments - 1]  # of a closed stay the last one, too
    yield _Span(Period(stay.since), stay.area_id, stay.right, stay.permit_id)


def _stored_spans(reader: Reader, stay: Id) -> Iterator[_Span]:
    for part in reader.all(store.SEGMENTS, stay=stay):
        yield _Span(Period(part.start_at, part.end_at), part.area_id, part.right, part.permit_id)


def _spans_before(reader: Reader, earlier: tuple[Stay, ...], stay: OpenStay) -> Iterator[_Span]:
    """Yield the parts of the stays before, oldest first, each with the time away after it."""
    back_at = [stay.entered_at, *(each.entered_at for each in earlier)]
    for each, returned in reversed(list(zip(earlier, back_at, strict=False))):
        spans = list(_stored_spans(reader, each.id))
        yield from spans
        if each.left_at < returned:
            yield _Span(Period(each.left_at, returned), spans[-1].area, OUTSIDE, None, away=True)


def _earlier(reader: Reader, stay: OpenStay, minutes: int) -> tuple[Stay, ...]:
    """Return the stays that this one goes on from, the newest first.

    What an earlier stay went on from was decided when it was priced and stays so: looked for anew, by other minutes or
    cut off elsewhere, its time would be charged twice. A row that is as long as it may be is not gone on with.
    """
    if not minutes or stay.plate_id is None:
        return ()
    last = reader.one(store.STAYS_OF_PLATE, plate=stay.plate_id, lot=stay.lot_id, before=stay.id, limit=1)
    if last is None or last.closed_reason not in _LEFT:
        return ()
    if not 0 <= stay.entered_at - last.left_at <= minutes * MINUTE_US:
        return ()
    found = [last]
    while (before := found[-1].continues_id) is not None:
        earlier = reader.one(store.STAY, stay=before)
        if earlier is None or len(found) == CONTINUED_MAX:
            return ()
        found.append(earlier)
    return tuple(found)


def never_left(reader: Reader, stay: OpenStay, *, wholly: bool = False) -> tuple[Stay, ...]:
    """Return the stays whose car was inside all the time until now, the newest first: a person has said so.

    ``wholly``: or has said nothing yet.
    """
    found: list[Stay] = []
    before = stay.again_of
    while before is not None and len(found) < CONTINUED_MAX:
        earlier = reader.one(store.STAY, stay=before)
        if earlier is None:
            break
        found.append(earlier)
        before = earlier.continues_id or (unanswered(reader, earlier) if wholly else None)
    return tuple(found)


def gone_on_by(reader: Reader, stay: Stay) -> Stay | None:
    """Return the stay that is over and was priced as one with this one before it, None where there is none."""
    if stay.plate_id is None:
        return None
    newest = reader.all(
        store.STAYS_OF_PLATE, plate=stay.plate_id, lot=stay.lot_id, before=BEYOND_ALL, limit=LOOKED_BACK
    )
    return next((each for each in newest if each.continues_id == stay.id), None)


def as_it_was(reader: Reader, stay: Stay, last: Segment | None = None) -> OpenStay:
    """Return a closed stay as it was before its end, to price it; ``last`` is its last part where that is known."""
    last = last or reader.all(store.SEGMENTS, stay=stay.id)[-1]
    before = one_with(reader, stay)
    return OpenStay(
        id=stay.id, company_id=stay.company_id, lot_id=stay.lot_id, plate_id=stay.plate_id, plate_kind=stay.plate_kind,
        open_key="", entry_passage_id=stay.entry_passage_id, entry_lane_id=stay.entry_passage_id,
        entered_at=stay.entered_at, area_id=last.area_id, right=last.right, permit_id=last.permit_id,
        since=last.start_at, segments=last.ordinal, colour=stay.colour, again_of=before,
        one_visit=True if before else None,
    )  # fmt: skip


def visits_before(reader: Reader, stay: OpenStay, earlier: tuple[Stay, ...]) -> list[Stay]:
    """Return the vehicle's last visits of the lot that are stays of their own, the newest first."""
    if stay.plate_id is None:
        return []
    first = earlier[-1].id if earlier else stay.id
    return reader.all(store.STAYS_OF_PLATE, plate=stay.plate_id, lot=stay.lot_id, before=first, limit=LOOKED_BACK)


def _free_used_at(visits: list[Stay], entered: Instant, hours: int) -> Instant | None:
    """Return when the vehicle last used free minutes, looking back as far as its tariffs ask."""
    used = [each.entered_at for each in visits if each.free_used and each.entered_at > entered - hours * HOUR_US]
    return max(used, default=None)


def _cap_uses(visits: list[Stay], entered: Instant) -> tuple[tariffs.CapUse, ...]:
    """Return what the vehicle's visits before have used up of caps across visits; the last that knows tells of all."""
    told = next((each.cap_uses for each in visits if each.cap_uses is not None), None)
    return tuple(use for use in tariffs.cap_uses_from_plain(told or ()) if use.ends > entered)


def _cut(reader: Reader, span: _Span) -> Iterator[tuple[Period, str | None]]:
    """Cut a part where its right ends: under the right it began with, and without it afterwards.

    The right of the entry stays what it was: a list that is renewed meanwhile changes the end, never the past.
    """
    period, right = span.period, span.right
    if span.away or right is None:
        yield period, right
        return
    permit = permits.permit(reader, permit=span.permit) if span.permit else None
    end = permit.valid.end if permit is not None else None
    if end is None or (period.end is not None and end >= period.end):
        yield period, right
    elif end <= period.start:
        yield period, None
    else:
        yield Period(period.start, end), right
        yield Period(end, period.end), None
