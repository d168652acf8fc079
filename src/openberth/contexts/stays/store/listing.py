"""Stays, passages and cases as lists."""

from typing import Any

from sqlalchemy import bindparam, exists
from sqlalchemy.sql.expression import ColumnElement

from openberth.contexts.stays.model.entities import Case, OpenStay, Passage, Stay
from openberth.contexts.stays.store.cases import _case
from openberth.contexts.stays.store.passages import _passage
from openberth.contexts.stays.store.stays import _open_stay, _stay
from openberth.contexts.stays.store.tables import lane_case, open_stay, passage, segment, stay
from openberth.infra.database.types import IdType
from openberth.infra.lists import Listing


def _part(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return that a closed stay has a part for which conditions hold."""
    return exists().where(segment.c.stay_id == stay.c.id, *conditions).correlate(stay)


OPEN_STAYS: Listing[OpenStay] = Listing(
    open_stay, open_stay.c.entered_at, _open_stay,
    filters={
        "open_key": open_stay.c.open_key == bindparam("open_key"),
        "plate_kind": open_stay.c.plate_kind == bindparam("plate_kind"),
        "right": open_stay.c.right == bindparam("right"),
        "casual": open_stay.c.right.is_(None),
        "permit": open_stay.c.permit_id == bindparam("permit", type_=IdType()),
    },
    keyed="open_key",
)  # fmt: skip
_CLOSED: dict[str, Any] = {
    "plate": stay.c.plate_id == bindparam("plate", type_=IdType()),
    "plate_kind": stay.c.plate_kind == bindparam("plate_kind"),
    "reason": stay.c.closed_reason == bindparam("reason"),
    "right": _part(segment.c.right == bindparam("right")),
    "casual": ~_part(segment.c.right.is_not(None)),
    "permit": _part(segment.c.permit_id == bindparam("permit", type_=IdType())),
}
CLOSED_STAYS: Listing[Stay] = Listing(
    stay, stay.c.entered_at, _stay,
    filters=_CLOSED, keyed="plate",
)  # fmt: skip
LEFT_STAYS: Listing[Stay] = Listing(stay, stay.c.left_at, _stay, filters=_CLOSED, keyed="plate")

PASSAGES: Listing[Passage] = Listing(
    passage, passage.c.captured_at, _passage,
    filters={
        "plate": passage.c.plate_id == bindparam("plate", type_=IdType()),
        "lane": passage.c.lane_id == bindparam("lane"),
        "direction": passage.c.lane_kind == bindparam("direction"),
        "action": passage.c.action == bindparam("action"),
        "state": passage.c.state == bindparam("state"),
        "source": passage.c.source == bindparam("source"),
        "plate_kind": passage.c.plate_kind == bindparam("plate_kind"),
        "reason": passage.c.reason == bindparam("reason"),
    },
    keyed="plate",
)  # fmt: skip

CASES: Listing[Case] = Listing(
    lane_case, lane_case.c.raised_at, _case,
    filters={
        "open": lane_case.c.resolved_at.is_(None),  # few, however many there were
        "resolved": lane_case.c.resolved_at.is_not(None),
        "kind": lane_case.c.kind == bindparam("kind"),
        "lane": lane_case.c.lane_id == bindparam("lane", type_=IdType()),
    },
    indexed=("open", "kind"),
)  # fmt: skip
