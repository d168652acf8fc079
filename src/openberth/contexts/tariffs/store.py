"""Published versions of tariffs. A row never changes: a new version is a new row."""

from typing import Any

from sqlalchemy import Column, Index, Integer, bindparam, func, select

from openberth.contexts.tariffs.document import tariff_from_plain
from openberth.contexts.tariffs.model import Tariff, TariffVersion
from openberth.infra.database.schema import table
from openberth.infra.database.statement import Query, insert_into
from openberth.infra.database.types import id_column, instant_column, json_column, word_column
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

tariff_version = table(
    "tariff_version",
    id_column(primary_key=True),
    id_column("company_id"),
    word_column("code", 40),
    Column("number", Integer, nullable=False),
    instant_column("valid_from"),
    instant_column("published_at"),
    json_column("document"),
    scope=("company_id", None),
)
Index(
    "uq_tariff_version_number", tariff_version.c.company_id, tariff_version.c.code, tariff_version.c.number, unique=True
)


def _version(
    version_id: Id, company: Id, code: str, number: int, valid_from: Instant, published_at: Instant, document: Any
) -> TariffVersion:
    return TariffVersion(version_id, company, code, number, valid_from, published_at, _parsed(version_id, document))


_PARSED: dict[Id, Tariff] = {}
_PARSED_MAX = 2_000


def _parsed(version_id: Id, document: Any) -> Tariff:
    """Return the tariff of a version, parsed once: versions never change."""
    found = _PARSED.get(version_id)
    if found is None:
        if len(_PARSED) >= _PARSED_MAX:
            _PARSED.clear()
        found = _PARSED[version_id] = tariff_from_plain(document)
    return found


_COLUMNS = (
    tariff_version.c.id,
    tariff_version.c.company_id,
    tariff_version.c.code,
    tariff_version.c.number,
    tariff_version.c.valid_from,
    tariff_version.c.published_at,
    tariff_version.c.document,
)

INSERT_VERSION = insert_into(tariff_version)
IN_FORCE = Query(
    select(*_COLUMNS)
    .where(
        tariff_version.c.company_id == bindparam("company"),
        tariff_version.c.code == bindparam("code"),
        tariff_version.c.valid_from <= bindparam("at"),
    )
    .order_by(tariff_version.c.valid_from.desc(), tariff_version.c.number.desc())
    .limit(1),
    _version,
)
LAST_NUMBER = Query(
    select(func.coalesce(func.max(tariff_version.c.number), 0)).where(
        tariff_version.c.company_id == bindparam("company"), tariff_version.c.code == bindparam("code")
    ),
    int,
)
NEWEST = Query(
    select(*_COLUMNS)
    .where(tariff_version.c.company_id == bindparam("company"), tariff_version.c.code == bindparam("code"))
    .order_by(tariff_version.c.number.desc())
    .limit(1),
    _version,
)
VERSIONS = Query(
    select(*_COLUMNS)
    .where(tariff_version.c.company_id == bindparam("company"))
    .order_by(tariff_version.c.code, tariff_version.c.number.desc())
    .limit(1_000),
    _version,
)
BY_ID = Query(select(*_COLUMNS).where(tariff_version.c.id == bindparam("version_id")), _version)
