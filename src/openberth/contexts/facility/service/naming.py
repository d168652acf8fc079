"""Finding lots and their things by the names that people and programs use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from openberth.contexts.facility.service.views import LotSummary, lot_by_code, lot_by_id, lots
from openberth.contexts.facility.store import layout as store
from openberth.infra.database import Reader
from openberth.infra.lists import LOTS_MAX
from openberth.kernel.errors import Malformed, NotFound
from openberth.kernel.ids import Id


def lot_named(reader: Reader, *, name: str) -> LotSummary:
    """Return a lot by its code or its id. Raises ``NotFound("lot.not_found")``."""
    try:
        return lot_by_code(reader, code=name)
    except NotFound:
        pass
    try:
        identifier = UUID(name)
    except ValueError:
        raise NotFound("lot.not_found", lot=name[:40]) from None
    return lot_by_id(reader, lot=identifier)


def lots_named(reader: Reader, *, names: Sequence[str] | None) -> dict[Id, LotSummary]:
    """Return the lots that a list is about, by id: those named, or all of the caller's scope.

    Raises ``NotFound("lot.not_found")``, and ``Malformed("request.lots")`` when they are too many for one list.
    """
    found = [lot_named(reader, name=name) for name in names] if names else lots(reader)
    if len(found) > LOTS_MAX:
        raise Malformed("request.lots", most=LOTS_MAX)
    return {lot.id: lot for lot in found}


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes of a lot's things by their ids, retired ones too: history names them for ever."""

    areas: Mapping[Id, str]
    lanes: Mapping[Id, str]
    devices: Mapping[Id, str]


def codes_of(reader: Reader, *, lot: Id) -> Codes:
    """Return what the things of a lot are called."""
    return Codes(
        {row.id: row.code for row in reader.all(store.AREAS, lot=lot)},
        {row.id: row.code for row in reader.all(store.LANES, lot=lot)},
        {row.id: row.code for row in reader.all(store.DEVICES, lot=lot)},
    )
