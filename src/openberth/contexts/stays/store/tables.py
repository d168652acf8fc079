"""The tables of stays: small hot ones (open stays, lanes) and closed history keyed by time-ordered ids."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, or_, select
from sqlalchemy.sql.expression import ColumnElement

from openberth.contexts.facility.model import LaneKind
from openberth.contexts.stays.model.entities import (
    Action,
    Ask,
    CaseKind,
    CloseReason,
    PassageState,
    Resolution,
    Retold,
    Source,
)
from openberth.contexts.stays.model.what_if import WhatIfState
from openberth.infra.database.schema import OnMove, business_table, table
from openberth.infra.database.types import enum_column, id_column, instant_column, json_column, word_column


def _of_cars_inside(each: Table) -> ColumnElement[bool]:
    """Return that a row belongs to a car that is inside."""
    return each.c.stay_id.in_(select(open_stay.c.id).where(open_stay.c.lot_id == each.c.lot_id))


def _of_cars_here(each: Table) -> ColumnElement[bool]:
    """Return that a passage is of a car that is inside, or stands at a lane."""
    at_lanes = select(lane_state.c.passage_id).where(lane_state.c.lot_id == each.c.lot_id)
    return or_(_of_cars_inside(each), each.c.id.in_(at_lanes))


def _of_passages_here(each: Table) -> ColumnElement[bool]:
    """Return that a row belongs to a passage of a car that is inside, or stands at a lane."""
    return each.c.passage_id.in_(select(passage.c.id).where(passage.c.lot_id == each.c.lot_id, _of_cars_here(passage)))


passage = business_table(
    "passage",
    id_column("lane_id"),
    id_column("device_id", nullable=True),
    enum_column("lane_kind", LaneKind),
    enum_column("source", Source),
    id_column("plate_id", nullable=True),
    word_column("plate_kind", 24),
    word_column("colour", 16),
    Column("confidence", Integer, nullable=False),
    instant_column("captured_at"),
    instant_column("device_at", nullable=True),
    instant_column("received_at"),
    enum_column("action", Action),
    word_column("reason", 40),
    enum_column("state", PassageState),
    enum_column("ask", Ask),
    id_column("stay_id", nullable=True),
    id_column("bill_id", nullable=True),
    id_column("command_id", nullable=True),
    Column("pictures", Integer, nullable=False),
    json_column("flaws"),
    json_column("basis", nullable=True),
    history=True,
    moves=_of_cars_here,
)
Index("ix_passage_lot", passage.c.lot_id, passage.c.id)
Index("ix_passage_plate", passage.c.plate_id, passage.c.id)
Index("ix_passage_stay", passage.c.stay_id)
Index("ix_passage_captured", passage.c.lot_id, passage.c.captured_at, passage.c.id)
Index("ix_passage_lot_plate", passage.c.lot_id, passage.c.plate_id, passage.c.id)

recognition = business_table(
    "recognition",
    id_column("passage_id"),
    id_column("device_id", nullable=True),
    enum_column("how", Retold),
    id_column("plate_id", nullable=True),
    word_column("colour", 16),
    Column("confidence", Integer, nullable=False),
    word_column("sent_by", 16),
    word_column("direction", 16),
    instant_column("device_at"),
    instant_column("received_at"),
    Column("pictures", Integer, nullable=False),
    Column("opened", Boolean, nullable=False),
    json_column("flaws"),
    history=True,
    moves=_of_passages_here,
)
Index("ix_recognition_passage", recognition.c.passage_id, recognition.c.id)

open_stay = business_table(
    "open_stay",
    id_column("plate_id", nullable=True),
    word_column("plate_kind", 24),
    word_column("open_key", 80),
    id_column("entry_passage_id"),
    id_column("entry_lane_id"),
    instant_column("entered_at"),
    id_column("area_id"),
    word_column("right", 16, nullable=True),
    id_column("permit_id", nullable=True),
    instant_column("since"),
    Column("segments", Integer, nullable=False),
    Column("version", BigInteger, nullable=False),
    word_column("colour", 16, nullable=True),
    id_column("again_of", nullable=True),
    Column("one_visit", Boolean, nullable=True),
    moves=OnMove.FOLLOW,
)
Index("uq_open_stay_open_key", open_stay.c.open_key, unique=True)
Index("ix_open_stay_lot", open_stay.c.lot_id, open_stay.c.id)
Index("ix_open_stay_plate", open_stay.c.plate_id)
Index("ix_open_stay_entered", open_stay.c.lot_id, open_stay.c.entered_at, open_stay.c.id)

stay = business_table(
    "stay",
    id_column("plate_id", nullable=True),
    word_column("plate_kind", 24),
    id_column("entry_passage_id"),
    id_column("exit_passage_id", nullable=True),
    instant_column("entered_at"),
    instant_column("left_at"),
    enum_column("closed_reason", CloseReason),
    Column("price_minor", BigInteger, nullable=False),
    Column("paid_minor", BigInteger, nullable=False),
    word_column("currency", 3),
    Column("segments", Integer, nullable=False),
    word_column("colour", 16, nullable=True),
    id_column("continues_id", nullable=True),
    Column("free_used", Boolean, nullable=True),
    json_column("cap_uses", nullable=True),
    history=True,
    moves=OnMove.STAY,
)
Index("ix_stay_lot", stay.c.lot_id, stay.c.id)
Index("ix_stay_plate", stay.c.plate_id, stay.c.id)
Index("ix_stay_left", stay.c.lot_id, stay.c.left_at, stay.c.id)
Index("ix_stay_entered", stay.c.lot_id, stay.c.entered_at, stay.c.id)
Index("ix_stay_lot_plate", stay.c.lot_id, stay.c.plate_id, stay.c.id)

segment = table(
    "segment",
    id_column("stay_id", primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    id_column("company_id"),
    id_column("lot_id"),
    id_column("area_id"),
    word_column("right", 16, nullable=True),
    id_column("permit_id", nullable=True),
    instant_column("start_at"),
    instant_column("end_at"),
    scope=("company_id", "lot_id"),
    moves=_of_cars_inside,
)

plate_correction = business_table(
    "plate_correction",
    id_column("stay_id"),
    id_column("old_plate_id", nullable=True),
    id_column("new_plate_id"),
    instant_column("corrected_at"),
    word_column("corrected_by", 100),
    word_column("reason", 200),
    moves=_of_cars_inside,
)
Index("ix_plate_correction_stay", plate_correction.c.stay_id, plate_correction.c.id)

lane_state = table(
    "lane_state",
    id_column("lane_id", primary_key=True),
    id_column("company_id"),
    id_column("lot_id"),
    id_column("passage_id"),
    id_column("plate_id", nullable=True),
    instant_column("captured_at"),
    instant_column("decided_at"),
    enum_column("action", Action),
    Column("waiting", Boolean, nullable=False),
    enum_column("ask", Ask),
    id_column("stay_id", nullable=True),
    id_column("bill_id", nullable=True),
    id_column("command_id", nullable=True),
    instant_column("passed_at", nullable=True),
    Column("awaited", Integer, nullable=True),
    instant_column("loop_free_at", nullable=True),
    scope=("company_id", "lot_id"),
    moves=OnMove.FOLLOW,
)
Index("ix_lane_state_stay", lane_state.c.stay_id)

neutral_reset = business_table(
    "neutral_reset",
    id_column("plate_id", nullable=True),
    json_column("rights"),
    instant_column("at"),
    word_column("reset_by", 100),
    word_column("reason", 200),
    moves=OnMove.STAY,
)
Index("ix_neutral_reset_lot", neutral_reset.c.lot_id, neutral_reset.c.at)

lane_case = business_table(
    "lane_case",
    id_column("lane_id", nullable=True),
    enum_column("kind", CaseKind),
    id_column("passage_id", nullable=True),
    id_column("stay_id", nullable=True),
    json_column("evidence"),
    instant_column("raised_at"),
    enum_column("resolution", Resolution, nullable=True),
    instant_column("resolved_at", nullable=True),
    word_column("resolved_by", 100, nullable=True),
    word_column("reason", 200, nullable=True),
    moves=lambda each: each.c.resolved_at.is_(None),
)
Index("ix_lane_case_open", lane_case.c.lot_id, lane_case.c.resolved_at, lane_case.c.id)
Index("ix_lane_case_passage", lane_case.c.passage_id)
Index("ix_lane_case_stay", lane_case.c.stay_id)
Index("ix_lane_case_raised", lane_case.c.lot_id, lane_case.c.raised_at, lane_case.c.id)
Index("ix_lane_case_open_raised", lane_case.c.lot_id, lane_case.c.resolved_at, lane_case.c.raised_at, lane_case.c.id)
Index("ix_lane_case_kind", lane_case.c.lot_id, lane_case.c.kind, lane_case.c.raised_at, lane_case.c.id)

what_if = business_table(
    "what_if",
    word_column("month", 7),
    word_column("tariff_code", 40),
    Column("number", Integer, nullable=True),
    json_column("document"),
    instant_column("from_at"),
    instant_column("until_at"),
    enum_column("state", WhatIfState),
    instant_column("asked_at"),
    word_column("asked_by", 100),
    instant_column("ended_at", nullable=True),
    Column("total", BigInteger, nullable=True),
    instant_column("after_at"),
    id_column("after_id"),
    json_column("figures"),
    Column("version", BigInteger, nullable=False),
    moves=OnMove.STAY,
)
Index("ix_what_if_lot", what_if.c.lot_id, what_if.c.id)

# The cars of an area, added up in every way that there is: the last time.
area_check = table(
    "area_check",
    id_column("lot_id", primary_key=True),
    id_column("area_id", primary_key=True),
    id_column("company_id"),
    instant_column("checked_at"),
    Column("counted", Integer, nullable=False),
    Column("stays", Integer, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("sensed_occupied", Integer, nullable=True),
    Column("sensed_free", Integer, nullable=True),
    Column("sensed_unknown", Integer, nullable=True),
    Column("loops", Integer, nullable=True),
    instant_column("differs_since", nullable=True),
    Column("is_told", Boolean, nullable=False),
    scope=("company_id", "lot_id"),
    moves=OnMove.FOLLOW,
)
