"""Lists of stays, passages and cases: of several lots, by time either way, narrowed by what people look for."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from openberth.contexts import facility
from openberth.contexts.facility import LaneKind
from openberth.contexts.stays.model.entities import (
    Action,
    Case,
    CaseKind,
    CloseReason,
    OpenStay,
    Passage,
    PassageState,
    Source,
    Stay,
)
from openberth.contexts.stays.service.queries import CaseDetail, PassageRow, StayRow, masked, passage_row, plate_of
from openberth.contexts.stays.service.seen import open_key
from openberth.contexts.stays.store import listing as store
from openberth.infra import lists, vault
from openberth.infra.database import Reader
from openberth.infra.lists import ListAsk, Listed, Stream
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import Malformed, NotFound
from openberth.kernel.ids import Id
from openberth.kernel.plates import InvalidPlate, Plate

CASUAL = "casual"  # under no right
NOBODY = Id(int=0)  # whose plate nothing has


@dataclass(frozen=True, slots=True, kw_only=True)
class StaysAsked:
    """Which stays: ``open_ones`` or closed ones or both (None), of a plate, with a part under a right or permit.

    ``by_exit`` orders those that have ended by when the car left.
    """

    open_ones: bool | None = None
    by_exit: bool = False
    plate: Id | None = None
    plate_kind: str | None = None
    right: str | None = None
    permit: Id | None = None
    reason: CloseReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PassagesAsked:
    """Which passages: of a plate, in a direction, and what was decided and came of it."""

    plate: Id | None = None
    plate_kind: str | None = None
    direction: LaneKind | None = None
    action: Action | None = None
    state: PassageState | None = None
    source: Source | None = None
    reason: str | None = None


def plate_named(reader: Reader, *, text: str) -> Id:
    """Return the vault id of a plate or pass as somebody wrote it, ``NOBODY`` for one that was never seen here."""
    for read in (Plate.read, Plate.foreign, Plate.unlicensed):
        try:
            plate = read(text)
        except InvalidPlate:
            continue
        found = vault.find(reader, VaultKind.PLATE, plate.key)
        if found is not None:
            return found
    return NOBODY


def lanes_named(reader: Reader, lots: Iterable[Id], code: str | None) -> dict[Id, Id | None]:
    """Return the lots that have a lane of a code, with it; without a code all lots, with None.

    Raises ``NotFound("lane.not_found")`` when none of them has one.
    """
    if code is None:
        return dict.fromkeys(lots)
    found: dict[Id, Id | None] = {}
    for lot in lots:
        named = [lane for lane, known in facility.codes_of(reader, lot=lot).lanes.items() if known == code]
        if named:
            found[lot] = named[0]
    if not found:
        raise NotFound("lane.not_found", lane=code)
    return found


def listed_stays(reader: Reader, *, lots: Collection[Id], ask: ListAsk, only: StaysAsked) -> Listed[StayRow]:
    """Return a page of stays. Raises ``Malformed("request.filters")`` for filters that do not go together."""
    if only.open_ones and (only.by_exit or only.reason is not None):
        raise Malformed("request.filters", first="state=open", second="by=left" if only.by_exit else "reason")
    given = _given(plate_kind=only.plate_kind, permit=only.permit, **_right(only.right))
    streams: list[Stream[OpenStay | Stay]] = []
    for lot in lots:
        if only.open_ones is not False and not only.by_exit and only.reason is None:
            key = {} if only.plate is None else {"open_key": open_key(lot, only.plate)}
            streams.append(Stream(store.OPEN_STAYS, lot, {**given, **key}))  # type: ignore[arg-type]
        if not only.open_ones:
            listing = store.LEFT_STAYS if only.by_exit else store.CLOSED_STAYS
            closed = {**given, **_given(plate=only.plate, reason=only.reason)}
            streams.append(Stream(listing, lot, closed))  # type: ignore[arg-type]
    # A stay keeps its id and its entry when it closes: one that does between two pages is neither lost nor shown twice.
    found = lists.page(reader, streams, ask)
    rows = [StayRow(each, masked(reader, each.plate_id)) for each in found.items]
    return Listed(rows, found.more_after, found.counted)


def listed_passages(
    reader: Reader, *, lanes: Mapping[Id, Id | None], ask: ListAsk, only: PassagesAsked
) -> Listed[PassageRow]:
    """Return a page of the passages of lots, of each at one of its lanes or at all (None)."""
    given = _given(
        plate=only.plate, plate_kind=only.plate_kind, direction=only.direction, action=only.action, state=only.state,
        source=only.source, reason=only.reason,
    )  # fmt: skip
    streams: list[Stream[Passage]] = [
        Stream(store.PASSAGES, lot, {**given, **_given(lane=lane)}) for lot, lane in lanes.items()
    ]
    found = lists.page(reader, streams, ask)
    return Listed([passage_row(reader, row) for row in found.items], found.more_after, found.counted)


def listed_cases(
    reader: Reader, *, lanes: Mapping[Id, Id | None], ask: ListAsk, open_ones: bool | None, kind: CaseKind | None
) -> Listed[CaseDetail]:
    """Return a page of the cases of lots, without candidates."""
    state = {} if open_ones is None else {"open" if open_ones else "resolved": True}
    streams: list[Stream[Case]] = [
        Stream(store.CASES, lot, {**state, **_given(kind=kind, lane=lane)}) for lot, lane in lanes.items()
    ]
    found = lists.page(reader, streams, ask)
    rows = [CaseDetail(case, masked(reader, plate_of(reader, case)), ()) for case in found.items]
    return Listed(rows, found.more_after, found.counted)


def _right(word: str | None) -> dict[str, Any]:
    return {"casual": True} if word == CASUAL else {"right": word}


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
