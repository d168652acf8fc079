"""Tariffs and calendars of a lot that comes to another company: what prices its cars goes on doing so."""

from dataclasses import replace

from openberth.contexts import facility, tenancy
from openberth.contexts.tariffs.document import tariff_to_plain
from openberth.contexts.tariffs.model import TariffVersion, calendar_words
from openberth.contexts.tariffs.service import publishing
from openberth.contexts.tariffs.store import calendars as calendar_store
from openberth.contexts.tariffs.store import versions as store
from openberth.infra.database import Unit
from openberth.infra.permitting import inner
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id


@inner
def carry_lot(unit: Unit, move: tenancy.LotMove) -> None:
    """Copy the tariffs that a lot names, with all their versions, and their calendars, where the company has none.

    A tariff of the same code that says the same today is taken as it is; so is a calendar of the same code, which is
    the company's own. Raises ``Refused("lot.tariff_taken")`` for a code that means another price there.
    """
    for code in sorted(_codes(facility.pricing_of(unit, lot=move.lot))):
        ours = publishing.versions_of(unit, company=move.source, code=code)
        theirs = publishing.versions_of(unit, company=move.target.id, code=code)
        if theirs and ours and _said(ours[0], move) != _said(theirs[0], move):
            raise Refused("lot.tariff_taken", tariff=code, company=move.target.code)
        if not theirs:
            for version in reversed(ours):
                _copy(unit, version, move)
        for calendar in sorted({each.tariff.calendar for each in ours if calendar_words(each.tariff)}):
            _copy_calendar(unit, calendar, move)


def _codes(pricing: facility.LotPricing) -> set[str]:
    levels = (pricing.lot, *pricing.areas.values())
    named = {level.tariff for level in levels if level.tariff is not None}
    return named | {rule.tariff for level in levels for rule in level.rules}


def _said(version: TariffVersion, move: tenancy.LotMove) -> object:
    return tariff_to_plain(replace(version.tariff, company_code=move.target.code))


def _copy(unit: Unit, version: TariffVersion, move: tenancy.LotMove) -> None:
    unit.run(
        store.INSERT_VERSION, id=unit.new_id(), company_id=move.target.id, code=version.code, number=version.number,
        valid_from=version.valid_from, published_at=version.published_at, document=_said(version, move),
        valid_until=version.valid_until,
    )  # fmt: skip


def _copy_calendar(unit: Unit, code: str, move: tenancy.LotMove) -> None:
    found = unit.one(calendar_store.CALENDAR, company=move.source, calendar_code=code)
    if found is None or unit.one(calendar_store.CALENDAR, company=move.target.id, calendar_code=code) is not None:
        return
    edition: Id = unit.new_id()
    unit.run(
        calendar_store.INSERT_CALENDAR, company_id=move.target.id, code=code, edition=edition,
        changed_at=found.changed_at,
    )  # fmt: skip
    days = unit.all(calendar_store.DAYS, company=move.source, calendar_code=code)
    unit.run_all(calendar_store.INSERT_DAY, [replace(day, company_id=move.target.id) for day in days])
