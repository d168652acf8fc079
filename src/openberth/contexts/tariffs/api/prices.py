"""Operator routes of prices: what a stay costs, what any stay costs, and what a file says, drafts included.

Everything here reads only, so no request needs a key. The same functions answer for the command line without a server.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request

from openberth.contexts import tenancy
from openberth.contexts.tariffs.api.forms import AskForm, CurveForm, QuoteForm, ReliefForm
from openberth.contexts.tariffs.api.publishing import company_of
from openberth.contexts.tariffs.api.views import CheckView, CurveView, QuoteView, check_view, curve_view, quote_view
from openberth.contexts.tariffs.curve import HORIZON_MAX_US, curve_of, edges_of
from openberth.contexts.tariffs.document import read_tariff
from openberth.contexts.tariffs.engine import Quoting, single
from openberth.contexts.tariffs.model import (
    Calendar,
    Quote,
    Relief,
    Segment,
    Tariff,
    TariffVersion,
    Terms,
    calendar_words,
    end_of,
)
from openberth.contexts.tariffs.reactions import CalendarKeeper
from openberth.contexts.tariffs.service import calendar, calendars_for, in_force, numbered
from openberth.contexts.tariffs.telling import warnings_of
from openberth.infra.catalogue import Language
from openberth.infra.database import Database, Reader
from openberth.infra.http.asks import document_body, document_text
from openberth.infra.http.auth import may
from openberth.infra.http.problems import language_of_scope
from openberth.infra.http.spending import HEAVY
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Malformed, NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US, Period, as_datetime

QUOTE_MAX_US = 5 * 366 * DAY_US
VISIT_MAX_US = 62 * DAY_US  # of one of several before the stay that is asked about
DRAFT = "document"  # the name of a document that came in a request, in messages


@dataclass(frozen=True, slots=True)
class Asked:
    """The tariff that is asked about, as it is applied, with all that pricing needs to know."""

    tariff: Tariff
    number: int | None
    terms: Terms


class PricesApi:
    """Serves the routes."""

    def __init__(self, database: Database, keeper: CalendarKeeper) -> None:
        self._database = database
        self._keeper = keeper
        self.router = APIRouter(prefix="/v1", tags=["tariffs"])
        add = self.router.add_api_route
        add("/quotes", self.quote, methods=["POST"])
        add("/tariffs/check", self.check, methods=["POST"], openapi_extra=document_body("a tariff file"))
        add("/tariffs/curve", self.curve, methods=["POST"])

    async def quote(
        self, form: QuoteForm, request: Request, by: Annotated[Caller, Depends(may("tariff.read"))]
    ) -> QuoteView:
        """Price a stay under a published tariff or a draft, and explain the price line by line."""
        asked = await self._asked(form, by)
        return await asyncio.to_thread(price, asked, form, language_of_scope(request.scope))

    async def curve(self, form: CurveForm, by: Annotated[Caller, Depends(may("tariff.read", rate=HEAVY))]) -> CurveView:
        """Return the fee against the length of a stay: every step up to 62 days after the entry, at most 2 000."""
        asked = await self._asked(form, by)
        return await asyncio.to_thread(walk, asked, form)

    async def _asked(self, form: AskForm, by: Caller) -> Asked:
        """Return what a request asks about; days that nobody has entered are the library's. Raises ``Problem``."""
        draft = await _draft(form)
        asked = await self._database.read(partial(_asked, form=form, draft=draft), by=by)
        tariff, calendars = asked.tariff, asked.terms.calendars
        known = calendars.get(tariff.calendar)
        if not calendar_words(tariff) or (known is not None and known.days):
            return asked
        first, last = as_datetime(form.entered).year, as_datetime(form.until).year
        seeded = await self._seeded(tariff.calendar, range(first - 1, last + 2))
        if seeded is None:
            return asked
        return replace(asked, terms=replace(asked.terms, calendars={**calendars, tariff.calendar: seeded}))

    async def _seeded(self, code: str, years: Iterable[int] = ()) -> Calendar | None:
        """Return the days of a region from the library, None for one that it does not know."""
        try:
            days = await self._keeper.library_days(code, years)
        except Refused:
            return None
        return Calendar(code, days, end_of(days))

    async def check(self, request: Request, by: Annotated[Caller, Depends(may("tariff.read"))]) -> CheckView:
        """Tell all mistakes of a tariff file, with line and place, or what it says in words."""
        tariff = await asyncio.to_thread(read_tariff, await document_text(request), name=DRAFT)
        known, today = await self._database.read(partial(_calendar_of, tariff=tariff), by=by)
        if calendar_words(tariff) and (known is None or not known.days):
            known = await self._seeded(tariff.calendar)
        warnings = warnings_of(tariff, known, today)
        return await asyncio.to_thread(check_view, tariff, warnings, language_of_scope(request.scope))


def price(asked: Asked, form: QuoteForm, language: Language) -> QuoteView:
    """Price a stay. Raises ``Problem``."""
    if not 0 <= form.until - form.entered <= QUOTE_MAX_US:
        raise Malformed("quote.period", days=QUOTE_MAX_US // DAY_US)
    terms, visits = _after_visits(asked, form)
    found = single(asked.tariff, entered=form.entered, until=form.until, terms=terms)
    return quote_view(found, asked.tariff.code, asked.number, terms.zone, language, visits)


def _after_visits(asked: Asked, form: QuoteForm) -> tuple[Terms, list[Quote]]:
    """Price the visits before without reliefs; return the terms of the next one and the prices. Raises ``Problem``."""
    terms, found = asked.terms, list[Quote]()
    left = None
    for visit in (each.value() for each in form.visits):
        end = visit.end
        assert end is not None, "a form has both"
        if end > form.entered or (left is not None and visit.start < left) or end - visit.start > VISIT_MAX_US:
            raise Malformed("quote.visits", days=VISIT_MAX_US // DAY_US)
        left = end
        priced = single(asked.tariff, entered=visit.start, until=end, terms=replace(terms, reliefs=()))
        used_at = visit.start if priced.free_used else terms.free_used_at
        terms = replace(terms, cap_uses=priced.cap_uses, free_used_at=used_at)
        found.append(priced)
    return terms, found


def walk(asked: Asked, form: CurveForm) -> CurveView:
    """Return what stays cost by their length. Raises ``Problem``."""
    if not 0 <= form.until - form.entered <= HORIZON_MAX_US:
        raise Malformed("quote.period", days=HORIZON_MAX_US // DAY_US)
    tariff, entered, until = asked.tariff, form.entered, form.until
    edges = edges_of(tariff, entered=entered, until=until, zone=ZoneInfo(asked.terms.zone))
    quoting = Quoting((Segment(Period(entered), tariff),), asked.terms)
    found = curve_of(quoting.quote, entered=entered, until=until, edges=edges, work=lambda: quoting.steps)
    return curve_view(found, tariff, asked.number, asked.terms.zone)


def asked_of(
    form: AskForm, tariff: Tariff, number: int | None, calendars: Mapping[str, Calendar], reliefs: Sequence[Relief] = ()
) -> Asked:
    """Put together what is asked about. Raises ``NotFound("tariff.no_class")``."""
    terms = Terms(
        currency=tariff.currency, vehicle=form.vehicle.value(), calendars=calendars, reliefs=tuple(reliefs),
    )  # fmt: skip
    terms = replace(terms, zone=tariff.zone or form.zone or terms.zone)
    return Asked(of_class(tariff, form.vehicle_class), number, terms)


def of_class(tariff: Tariff, code: str | None) -> Tariff:
    """Return the tariff as it is for vehicles of one class, whatever their marks. Raises ``NotFound``."""
    if code is None:
        return tariff
    found = next((each for each in tariff.classes if each.code == code), None)
    if found is None:
        known = ", ".join(each.code for each in tariff.classes) or "-"
        raise NotFound("tariff.no_class", tariff=tariff.code, vehicle_class=code, known=known)
    return replace(tariff, plans=found.plans, choose=found.choose, classes=())


def version_asked(reader: Reader, *, form: AskForm, code: str) -> TariffVersion:
    """Return the published version that a request means. Raises ``NotFound("tariff.not_found")``."""
    company = company_of(reader, code)
    if form.number is not None:
        return numbered(reader, company=company, code=code, number=form.number)
    found = in_force(reader, company=company, code=code, at=form.entered)
    if found is None:
        raise NotFound("tariff.not_found", tariff=code)
    return found


async def _draft(form: AskForm) -> Tariff | None:
    """Read the document of a request, outside of the event loop. Raises ``DocumentError`` and ``Malformed``."""
    if (form.document is None) == (form.tariff is None) or (form.number is not None and form.tariff is None):
        raise Malformed("quote.one_tariff")
    return None if form.document is None else await asyncio.to_thread(read_tariff, form.document, name=DRAFT)


def _asked(reader: Reader, form: AskForm, draft: Tariff | None) -> Asked:
    number, company = None, None
    if draft is None:
        assert form.tariff is not None, "one of both is given"
        version = version_asked(reader, form=form, code=form.tariff)
        tariff, number, company = version.tariff, version.number, version.company
    else:
        tariff, company = draft, _company_named(reader, draft.company_code)
    others = [_other(reader, form, each) for each in getattr(form, "reliefs", ())]
    reliefs = [each.value(tariff.currency, other) for each, other in others]
    wanted = [tariff, *(other for _, other in others if other is not None)]
    calendars = {} if company is None else calendars_for(reader, company=company, wanted=wanted)
    return asked_of(form, tariff, number, calendars, reliefs)


def _other(reader: Reader, form: AskForm, relief: ReliefForm) -> tuple[ReliefForm, Tariff | None]:
    """Return a relief with the published tariff that it names."""
    if relief.tariff is None:
        return relief, None
    by_entry = form.model_copy(update={"number": None})
    return relief, version_asked(reader, form=by_entry, code=relief.tariff).tariff


def _company_named(reader: Reader, code: str) -> Id | None:
    try:
        return tenancy.company_by_code(reader, code=code).id
    except NotFound:
        return None  # a draft may be written before its company has anything


def _calendar_of(reader: Reader, tariff: Tariff) -> tuple[Calendar | None, date]:
    company = _company_named(reader, tariff.company_code)
    known = None if company is None else calendar(reader, company=company, code=tariff.calendar)
    return known, as_datetime(reader.now).date()
