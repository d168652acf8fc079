"""Use cases and queries of tariffs."""

from openberth.contexts.tariffs import store
from openberth.contexts.tariffs.document import tariff_to_plain
from openberth.contexts.tariffs.model import Tariff, TariffPublished, TariffVersion
from openberth.infra.database import Reader, Unit
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant


def publish(
    unit: Unit, *, company: Id, tariff: Tariff, valid_from: Instant | None = None
) -> tuple[TariffVersion, bool]:
    """Publish a tariff as a new version, in force from ``valid_from`` (now when None).

    Publishing what is in force already changes nothing. Returns the version and whether it is new.
    """
    unit.lock(("tariffs", company))
    newest = unit.one(store.NEWEST, company=company, code=tariff.code)
    if newest is not None and newest.tariff == tariff and valid_from is None:
        return newest, False
    if newest is not None and valid_from is not None and valid_from < unit.now:
        raise Refused("tariff.valid_from_past", tariff=tariff.code)  # cars inside have been told another price
    # The first version prices everything that came before it, too: there is nothing else to price by.
    start = valid_from if valid_from is not None else Instant(0) if newest is None else unit.now
    version = TariffVersion(
        unit.new_id(), company, tariff.code, 1 if newest is None else newest.number + 1, start, unit.now, tariff
    )
    unit.run(
        store.INSERT_VERSION, id=version.id, company_id=company, code=tariff.code, number=version.number,
        valid_from=start, published_at=unit.now, document=tariff_to_plain(tariff),
    )  # fmt: skip
    unit.append(
        TariffPublished(version.id, tariff.code, version.id, version.number), company=company, lot=None, key=version.id
    )
    return version, True


def in_force(reader: Reader, *, company: Id, code: str, at: Instant) -> TariffVersion | None:
    """Return the version of a tariff that is in force at an instant, None when there is none."""
    return reader.one(store.IN_FORCE, company=company, code=code, at=at)


def newest(reader: Reader, *, company: Id, code: str) -> TariffVersion:
    """Return the last published version. Raises ``NotFound("tariff.not_found")``."""
    found = reader.one(store.NEWEST, company=company, code=code)
    if found is None:
        raise NotFound("tariff.not_found", tariff=code)
    return found


def versions(reader: Reader, *, company: Id) -> list[TariffVersion]:
    """Return a company's versions by code, newest first."""
    return reader.all(store.VERSIONS, company=company)


def version(reader: Reader, *, version: Id) -> TariffVersion | None:
    """Return a version by its id."""
    return reader.one(store.BY_ID, version_id=version)
