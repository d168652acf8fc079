"""What the routes that publish share: the days a first tariff needs, and the answer with its warnings."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from fastapi import Path

from openberth.contexts import tenancy
from openberth.contexts.tariffs import service
from openberth.contexts.tariffs.api.views import WarningView, warnings_view
from openberth.contexts.tariffs.model import (
    CalendarDay,
    Standing,
    Tariff,
    TariffVersion,
    VersionState,
    states_of,
)
from openberth.contexts.tariffs.reactions import CalendarKeeper
from openberth.contexts.tariffs.telling import warnings_of
from openberth.infra.catalogue import Language
from openberth.infra.database import Reader, Unit
from openberth.infra.http.answers import View, When, instant, instant_or_none
from openberth.kernel.authority import Caller
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant, as_datetime

CodePath = Annotated[str, Path(max_length=40)]


class VersionView(View):
    """A published version: in force from ``valid_from`` until a later one is.

    With ``valid_until`` it is an event price: it lies over the others, which come back by themselves.
    """

    id: Id
    company: str
    code: str
    number: int
    valid_from: When
    valid_until: When | None
    published_at: When
    state: VersionState


class PublishedView(VersionView):
    """A published version, whether publishing made it, and what its publisher should know."""

    new: bool
    warnings: list[WarningView]


class Publisher:
    """Publishes with everything that belongs to it: a calendar for a first tariff that needs one, warnings."""

    def __init__(self, keeper: CalendarKeeper) -> None:
        self._keeper = keeper

    async def days_for(self, tariff: Tariff, *, by: Caller) -> Mapping[date, CalendarDay]:
        """Return the days that a calendar begins with; none when none is missing."""
        return await self._keeper.days_for(tariff, company_code=tariff.company_code, by=by)

    def seed(self, unit: Unit, *, company: Id, tariff: Tariff, days: Mapping[date, CalendarDay]) -> None:
        """Begin the calendar of a tariff with these days."""
        if days:
            service.seed(unit, company=company, code=tariff.calendar, days=days, source=self._keeper.source)

    def publish(
        self,
        unit: Unit,
        *,
        tariff: Tariff,
        days: Mapping[date, CalendarDay],
        valid_from: Instant | None,
        valid_until: Instant | None,
        language: Language,
    ) -> PublishedView:
        """Publish a tariff of a company, which is made when it is new."""
        company = tenancy.ensure_company(unit, code=tariff.company_code)
        self.seed(unit, company=company.id, tariff=tariff, days=days)
        version, new = service.publish(
            unit, company=company.id, tariff=tariff, valid_from=valid_from, valid_until=valid_until
        )
        return self.view(unit, version, new, language)

    def view(self, reader: Reader, version: TariffVersion, new: bool, language: Language) -> PublishedView:
        """Return the answer to publishing."""
        tariff, today = version.tariff, as_datetime(reader.now).date()
        calendar = service.calendar(reader, company=version.company, code=tariff.calendar)
        shown = version_view(version, service.standings(reader, company=version.company, code=version.code), reader.now)
        warnings = warnings_view(warnings_of(tariff, calendar, today), language)
        return PublishedView(**shown.model_dump(), new=new, warnings=warnings)


def version_view(version: TariffVersion, all_of_code: list[Standing], now: Instant) -> VersionView:
    """Return a version as it leaves; its state depends on the others of its code."""
    return VersionView(
        id=version.id, company=version.tariff.company_code, code=version.code, number=version.number,
        valid_from=instant(version.valid_from), valid_until=instant_or_none(version.valid_until),
        published_at=instant(version.published_at), state=states_of(all_of_code, now)[version.number],
    )  # fmt: skip


def company_of(reader: Reader, code: str) -> Id:
    """Return the company whose tariff a code names; a code that several companies use names none."""
    found = [
        company.id for company in tenancy.companies(reader) if service.standings(reader, company=company.id, code=code)
    ]
    if len(found) != 1:
        raise NotFound("tariff.not_found", tariff=code)
    return found[0]
