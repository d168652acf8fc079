"""Published versions of tariffs. A row never changes: a new version is a new row."""

from typing import Any

from sqlalchemy import bindparam, case, select

from openberth.contexts.tariffs.document import tariff_from_plain
from openberth.contexts.tariffs.model import Standing, Tariff, TariffVersion
from openberth.contexts.tariffs.store.tables import tariff_version
from openberth.infra.database.statement import Query, insert_into
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

VERSIONS_MAX = 1_000


def _version(
    version_id: Id, company: Id, code: str, number: int, valid_from: Instant, published_at: Instant, document: Any,
    valid_until: Instant | None,
) -> TariffVersion:  # fmt: skip
    tariff = _parsed(version_id, document)
    return TariffVersion(version_id, company, code, number, valid_from, published_at, tariff, valid_until)


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


_C = tariff_version.c
_COLUMNS = (
    _C.id, _C.company_id, _C.code, _C.number, _C.valid_from, _C.published_at, _C.document, _C.valid_until,
)  # fmt: skip
_OF_CODE = (_C.company_id == bindparam("company"), _C.code == bindparam("code"))
_AT = bindparam("at", type_=_C.valid_from.type)
# As ``model.versions`` ranks them: event prices by number, above the others by their beginning.
_IS_EVENT = case((_C.valid_until.is_(None), 0), else_=1)
_EVENT_NUMBER = case((_C.valid_until.is_(None), 0), else_=_C.number)

INSERT_VERSION = insert_into(tariff_version)
IN_FORCE = Query(
    select(*_COLUMNS)
    .where(*_OF_CODE, _C.valid_from <= _AT, _C.valid_until.is_(None) | (_C.valid_until > _AT))
    .order_by(_IS_EVENT.desc(), _EVENT_NUMBER.desc(), _C.valid_from.desc(), _C.number.desc())
    .limit(1),
    _version,
)
STANDINGS = Query(
    select(_C.id, _C.number, _C.valid_from, _C.valid_until)
    .where(*_OF_CODE)
    .order_by(_C.number.desc())
    .limit(VERSIONS_MAX),
    Standing,
)
NEWEST = Query(select(*_COLUMNS).where(*_OF_CODE).order_by(_C.number.desc()).limit(1), _version)
# What goes on when no event price lies over it.
LASTING = Query(
    select(*_COLUMNS)
    .where(*_OF_CODE, _C.valid_until.is_(None), _C.valid_from <= _AT)
    .order_by(_C.valid_from.desc(), _C.number.desc())
    .limit(1),
    _version,
)
NUMBERED = Query(select(*_COLUMNS).where(*_OF_CODE, _C.number == bindparam("number")), _version)
VERSIONS = Query(
    select(*_COLUMNS).where(_C.company_id == bindparam("company")).order_by(_C.code, _C.number.desc()).limit(5_000),
    _version,
)
VERSIONS_OF_CODE = Query(
    select(*_COLUMNS).where(*_OF_CODE).order_by(_C.number.desc()).limit(VERSIONS_MAX),
    _version,
)
BY_ID = Query(select(*_COLUMNS).where(_C.id == bindparam("version_id")), _version)
