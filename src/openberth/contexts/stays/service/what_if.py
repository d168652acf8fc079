"""A past month priced anew with another tariff: asked in one unit, worked out page by page by a job.

Figures are those of the stays that *ended* in the month. Each is priced as it was billed: to the moment it was paid
for when the car left within the grace after it, else to its end; its segments, rights and permits are those that are
stored, every tariff but the replaced one the version in force at the entry. Coupons are not applied.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from openberth.contexts import facility, payments, tariffs
from openberth.contexts.stays.model.entities import OpenStay, Stay
from openberth.contexts.stays.model.what_if import Figures, Repriced, WhatIf, WhatIfState
from openberth.contexts.stays.service.course import as_it_was, course_of, visits_before
from openberth.contexts.stays.store import stays as stay_store
from openberth.contexts.stays.store import what_if as store
from openberth.infra import jobs
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, needs
from openberth.kernel.errors import Malformed, NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import MINUTE_US, Instant, Period, instant_of, later

JOB_WHAT_IF = "stays.what_if"
AT_ONCE_MAX = 2  # of a lot
NAME_MAX = 100
NOTHING = Id(int=0)

_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class ToPrice:
    """A closed stay with all that pricing it anew needs; ``segments`` None: the other tariff changes nothing.

    Where it goes on from another one, ``since`` is that one's end: what the stay costs beyond it is its price.
    ``before`` are the vehicle's visits before, oldest first, where the other tariff has caps across visits.
    """

    stay: Stay
    segments: tuple[tariffs.Segment, ...] | None
    terms: tariffs.Terms
    moment: Instant
    since: Instant | None = None
    before: tuple["ToPrice", ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """The next stays of a question, and how many there are in all."""

    what_if: WhatIf
    stays: tuple[ToPrice, ...]
    total: int


@needs("tariff.write")
def ask(
    unit: Unit, *, lot: Id, month: str, tariff: tariffs.Tariff, number: int | None = None, replaces: str | None = None
) -> WhatIf:
    """Ask what a month of a lot would have brought with a tariff in place of the one with its code (or ``replaces``).

    Raises ``Malformed("what_if.month")`` and ``Refused``: ``what_if.currency``, ``what_if.busy``.
    """
    unit.lock(("what_if", lot))
    found = facility.lot_by_id(unit, lot=lot)
    if tariff.currency != found.currency:
        raise Refused("what_if.currency", expected=found.currency, found=tariff.currency)
    if unit.all(store.GOING_ON, lot=lot)[0] >= AT_ONCE_MAX:
        raise Refused("what_if.busy", most=AT_ONCE_MAX)
    period = month_of(month, found.zone)
    if period.start >= unit.now:
        raise Malformed("what_if.month", month=month)
    assert period.end is not None, "months end"
    actor = unit.caller.actor
    asked = WhatIf(
        id=unit.new_id(), company_id=found.company, lot_id=lot, month=month, tariff_code=replaces or tariff.code,
        number=number, document=tariffs.tariff_to_plain(tariff), from_at=period.start,
        until_at=min(period.end, later(unit.now, 1)), state=WhatIfState.WAITING, asked_at=unit.machine_now,
        asked_by=f"{actor.kind.value}:{actor.name}"[:NAME_MAX], ended_at=None, total=None, after_at=period.start,
        after_id=NOTHING, figures=Figures(), version=1,
    )  # fmt: skip
    for old in unit.all(store.OLDER, lot=lot):
        unit.run(store.FORGET, what_if=old)
    unit.run(store.INSERT, asked)
    jobs.schedule(unit, kind=JOB_WHAT_IF, body={"what_if": str(asked.id)}, unique_key=str(asked.id))
    return asked


def month_of(month: str, zone: str) -> Period:
    """Return a month such as ``2026-10`` in a zone. Raises ``Malformed("what_if.month")``."""
    found = _MONTH.fullmatch(month)
    if found is None:
        raise Malformed("what_if.month", month=month)
    year, number = int(found[1]), int(found[2])
    first = datetime(year, number, 1, tzinfo=ZoneInfo(zone))
    following = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=ZoneInfo(zone))
    return Period(instant_of(first), instant_of(following))


def what_if(reader: Reader, *, what_if: Id) -> WhatIf:
    """Return a question with what is known so far. Raises ``NotFound("what_if.not_found")``."""
    found = reader.one(store.BY_ID, what_if=what_if)
    if found is None:
        raise NotFound("what_if.not_found")
    return found


def what_ifs(reader: Reader, *, lot: Id, before: Id, limit: int) -> list[WhatIf]:
    """Return the questions of a lot, newest first."""
    return reader.all(store.OF_LOT, lot=lot, before=before, limit=limit)


def next_page(reader: Reader, *, what_if: Id) -> Page | None:
    """Return the next stays of a question with all that pricing them needs; None when it is over or forgotten."""
    asked = reader.one(store.BY_ID, what_if=what_if)
    if asked is None or asked.state in (WhatIfState.DONE, WhatIfState.FAILED):
        return None
    span = {"lot": asked.lot_id, "after_at": asked.after_at, "until_at": asked.until_at}
    total = asked.total if asked.total is not None else reader.all(store.COUNT_ENDED, **span)[0]
    rows = reader.all(store.STAYS_THAT_ENDED, after_id=asked.after_id, **span)
    lot = facility.lot_by_id(reader, lot=asked.lot_id)
    gathering = _Gathering(reader, asked, lot.currency)
    return Page(asked, tuple(gathering.of(row) for row in rows), total)


def priced(page: Page) -> list[Repriced]:
    """Price the stays of a page. Pure: it runs outside of units and of the event loop."""
    return [_priced(one) for one in page.stays]


@by_construction
def go_on(unit: Unit, *, page: Page, found: Iterable[Repriced]) -> bool:
    """Write what a page brought and tell whether there is more. A page that was written already changes nothing."""
    asked = page.what_if
    last = page.stays[-1].stay if page.stays else None
    more = len(page.stays) == store.PAGE
    done = unit.run(
        store.GO_ON, what_if=asked.id, old_version=asked.version, new_total=page.total,
        new_state=WhatIfState.RUNNING if more else WhatIfState.DONE,
        new_after_at=asked.after_at if last is None else last.left_at,
        new_after_id=asked.after_id if last is None else last.id, new_figures=asked.figures.plus(found),
        new_ended_at=None if more else unit.machine_now,
    )  # fmt: skip
    return more and done == 1


@by_construction
def give_up(unit: Unit, *, what_if: Id) -> None:
    """End a question that a defect has stopped."""
    asked = unit.one(store.BY_ID, what_if=what_if)
    if asked is not None and asked.ended_at is None:
        unit.run(
            store.GO_ON, what_if=asked.id, old_version=asked.version, new_total=asked.total,
            new_state=WhatIfState.FAILED, new_after_at=asked.after_at, new_after_id=asked.after_id,
            new_figures=asked.figures, new_ended_at=unit.machine_now,
        )  # fmt: skip


class _Gathering:
    """Reads what pricing the stays of one lot needs."""

    def __init__(self, reader: Reader, asked: WhatIf, currency: str) -> None:
        self._reader = reader
        self._asked = asked
        self._currency = currency
        self._draft = tariffs.tariff_from_plain(asked.document)

    def of(self, stay: Stay, *, alone: bool = False) -> ToPrice:
        """Return a stay with the draft in place of the tariff that it replaces; ``alone``: no visits before it."""
        rows = self._reader.all(stay_store.SEGMENTS, stay=stay.id)
        if not rows:
            return ToPrice(stay, (), tariffs.Terms(self._currency), stay.left_at)
        then, instead = as_it_was(self._reader, stay, rows[-1]), {self._asked.tariff_code: self._draft}
        course = course_of(self._reader, then, at=stay.left_at, instead=instead)
        if not any(part.tariff is self._draft for part in course.segments):
            return ToPrice(stay, None, course.terms, stay.left_at)
        since = course.earlier[0].left_at if course.earlier else None
        before = () if alone else self._before(then, course.earlier)
        return ToPrice(stay, tuple(course.segments), course.terms, self._moment(stay), since, before)

    def _before(self, stay: OpenStay, earlier: tuple[Stay, ...]) -> tuple[ToPrice, ...]:
        """Return the vehicle's visits before: under the draft they had used up something else of its caps."""
        if not tariffs.counts_visits(self._draft):
            return ()
        found: list[ToPrice] = []
        gone_on_with: set[Id] = set()  # part of a later visit that went on from it
        for each in visits_before(self._reader, stay, earlier):
            if each.id not in gone_on_with:
                found.append(self.of(each, alone=True))
            if each.continues_id is not None:
                gone_on_with.add(each.continues_id)
        return tuple(reversed(found))

    def _moment(self, stay: Stay) -> Instant:
        """Return the moment whose price was asked for: of the last payment while its grace lasted, else the end."""
        if not stay.paid_minor:
            return stay.left_at
        received = payments.paid_for(self._reader, subject=stay.id)
        of_tariff = self._draft.grace_after_payment_minutes
        moments = [
            min(each.priced_at, stay.left_at)
            for each in received
            if stay.left_at < later(each.at, each.grace_or(of_tariff) * MINUTE_US)
        ]
        return max([stay.entered_at, *moments]) if moments else stay.left_at


def _priced(one: ToPrice) -> Repriced:
    stay = one.stay
    minutes = Repriced.length_of(stay.entered_at, stay.left_at)
    if one.segments is None:
        return Repriced(minutes, stay.price_minor, stay.paid_minor, stay.price_minor, uses_draft=False)
    try:
        terms = one.terms
        if one.before:  # what the stored visits have used up was used up of another tariff's caps
            uses: tuple[tariffs.CapUse, ...] = ()
            for visit in one.before:
                uses = _uses_after(visit, uses)
            terms = replace(terms, cap_uses=uses)
        total = tariffs.quote(one.segments, terms, now=one.moment).total
        if one.since is not None:
            total -= tariffs.quote(one.segments, terms, now=one.since).total
    except tariffs.NotComputable as problem:
        return Repriced(minutes, stay.price_minor, stay.paid_minor, None, reason=str(problem.params["reason"]))
    return Repriced(minutes, stay.price_minor, stay.paid_minor, max(total.minor, 0))


def _uses_after(visit: ToPrice, uses: tuple[tariffs.CapUse, ...]) -> tuple[tariffs.CapUse, ...]:
    """Return what the vehicle's visits have used up of caps after one that is priced like the stay."""
    if not visit.segments:
        return uses
    return tariffs.quote(visit.segments, replace(visit.terms, cap_uses=uses), now=visit.moment).cap_uses
