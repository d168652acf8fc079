"""Publishing versions of tariffs, and finding the one that holds. A version never changes."""

from openberth.contexts import tenancy
from openberth.contexts.tariffs.document import tariff_to_plain
from openberth.contexts.tariffs.model import (
    EventPricePublished,
    Standing,
    Tariff,
    TariffPublished,
    TariffVersion,
)
from openberth.contexts.tariffs.service.calendars import tell_alarms
from openberth.contexts.tariffs.store import versions as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import needs
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant, to_iso


@needs("tariff.publish")
def publish(
    unit: Unit,
    *,
    company: Id,
    tariff: Tariff,
    valid_from: Instant | None = None,
    valid_until: Instant | None = None,
) -> tuple[TariffVersion, bool]:
    """Publish a tariff as a new version, in force from ``valid_from`` (now when None).

    With ``valid_until`` it is an event price: it lies over the others until then, and they come back by themselves.
    Where event prices of one code overlap, the one published last holds: as versions never change, that is how a
    mistake in one is put right, or a day inside a season gets a price of its own. Publishing what holds then
    already, event prices apart, changes nothing. Returns the version and whether it is new. Raises ``Refused``:
    ``tariff.valid_from_past``, ``tariff.valid_until_order``, ``tariff.event_first``, ``tariff.currency_fixed``.
    """
    unit.lock(("tariffs", company))
    tenancy.check_company_open(unit, company=company)
    last = unit.one(store.NEWEST, company=company, code=tariff.code)
    _check(unit, tariff, last, valid_from, valid_until)
    if valid_until is None:
        at = unit.now if valid_from is None else valid_from
        lasting = unit.one(store.LASTING, company=company, code=tariff.code, at=at)
        if lasting is not None and lasting.tariff == tariff:
            return lasting, False
    # The first version prices everything that came before it, too: there is nothing else to price by.
    start = valid_from if valid_from is not None else Instant(0) if last is None else unit.now
    held = unit.one(store.LASTING, company=company, code=tariff.code, at=start)
    version = TariffVersion(
        unit.new_id(),
        company,
        tariff.code,
        1 if last is None else last.number + 1,
        start,
        unit.now,
        tariff,
        valid_until,
    )
    unit.run(
        store.INSERT_VERSION, id=version.id, company_id=company, code=tariff.code, number=version.number,
        valid_from=start, published_at=unit.now, document=tariff_to_plain(tariff), valid_until=valid_until,
    )  # fmt: skip
    _append(unit, version)
    tell_alarms(unit, company=company)
    _record(unit, version, held)
    return version, True


def _check(
    unit: Unit, tariff: Tariff, last: TariffVersion | None, valid_from: Instant | None, valid_until: Instant | None
) -> None:
    if last is not None and last.tariff.currency != tariff.currency:
        before = last.tariff.currency
        raise Refused("tariff.currency_fixed", tariff=tariff.code, before=before, after=tariff.currency)
    if last is not None and valid_from is not None and valid_from < unit.now:
        raise Refused("tariff.valid_from_past", tariff=tariff.code)  # cars inside have been told another price
    if valid_until is None:
        return
    if last is None:
        raise Refused("tariff.event_first", tariff=tariff.code)  # there would be nothing to come back to
    if valid_until <= (unit.now if valid_from is None else valid_from):
        raise Refused("tariff.valid_until_order", tariff=tariff.code)


def _append(unit: Unit, version: TariffVersion) -> None:
    event: TariffPublished | EventPricePublished
    if version.valid_until is None:
        event = TariffPublished(version.id, version.code, version.id, version.number)
    else:
        event = EventPricePublished(
            version.code, version.id, version.number, int(version.valid_from), int(version.valid_until)
        )
    unit.append(event, company=version.company, lot=None, key=version.id)


def _record(unit: Unit, version: TariffVersion, before: TariffVersion | None) -> None:
    """Write down who published: from which version to which. Versions stay, so that what differs can be shown."""
    deed = "tariff.published" if version.valid_until is None else "tariff.event_price_published"
    was, is_now = (None if each is None else _told(each) for each in (before, version))
    tenancy.record(unit, tenancy.Deed(deed, "tariff", version.code, version.company, before=was, after=is_now))


def _told(version: TariffVersion) -> dict[str, object]:
    until = version.valid_until
    return {
        "version_id": version.id, "version_number": version.number, "valid_from": to_iso(version.valid_from),
        "valid_until": None if until is None else to_iso(until),
    }  # fmt: skip


def in_force(reader: Reader, *, company: Id, code: str, at: Instant) -> TariffVersion | None:
    """Return the version of a tariff that is in force at an instant, None when there is none."""
    return reader.one(store.IN_FORCE, company=company, code=code, at=at)


def standings(reader: Reader, *, company: Id, code: str) -> list[Standing]:
    """Return when each version of a tariff holds, newest first."""
    return reader.all(store.STANDINGS, company=company, code=code)


def newest(reader: Reader, *, company: Id, code: str) -> TariffVersion:
    """Return the last published version. Raises ``NotFound("tariff.not_found")``."""
    found = reader.one(store.NEWEST, company=company, code=code)
    if found is None:
        raise NotFound("tariff.not_found", tariff=code)
    return found


def numbered(reader: Reader, *, company: Id, code: str, number: int) -> TariffVersion:
    """Return a version by its number. Raises ``NotFound("tariff.no_version")``."""
    found = reader.one(store.NUMBERED, company=company, code=code, number=number)
    if found is None:
        raise NotFound("tariff.no_version", tariff=code, number=number)
    return found


def versions(reader: Reader, *, company: Id) -> list[TariffVersion]:
    """Return a company's versions by code, newest first."""
    return reader.all(store.VERSIONS, company=company)


def currencies(reader: Reader, *, company: Id) -> dict[str, str]:
    """Return the currency of each tariff that a company has published, by code."""
    return {version.code: version.tariff.currency for version in versions(reader, company=company)}


def versions_of(reader: Reader, *, company: Id, code: str) -> list[TariffVersion]:
    """Return the versions of a tariff, newest first."""
    return reader.all(store.VERSIONS_OF_CODE, company=company, code=code)


def version(reader: Reader, *, version: Id) -> TariffVersion | None:
    """Return a version by its id."""
    return reader.one(store.BY_ID, version_id=version)
