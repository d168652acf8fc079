"""What stays keeps: passages, stays with their segments, who waits at a lane, and cases that need a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from openberth.contexts.facility.model import LaneKind
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant


class Action(StrEnum):
    """What a decision does with the car at the lane."""

    OPEN = "open"
    HOLD = "hold"  # it waits: for a payment, a scanned code or a person
    REFUSE = "refuse"  # it does not come in
    RECORD = "record"  # it has passed already: the fact is written, nothing moves


class Ask(StrEnum):
    """What a waiting car has to do."""

    PAY = "pay"
    ENTER = "enter"  # scan the lane's code to come in without a plate
    IDENTIFY = "identify"  # show its pass, or a person looks
    NOTHING = "nothing"  # a person decides


class Source(StrEnum):
    """How a passage came to be known."""

    LIVE = "live"
    OFFLINE = "offline"  # stored by the camera while nobody answered
    CAMERA = "camera"  # the camera opened by its own white list
    CODE = "code"  # a code scanned at the lane
    MANUAL = "manual"  # a person at the booth


class PassageState(StrEnum):
    """What became of a passage."""

    WAITING = "waiting"
    PASSED = "passed"  # the gate was told to open, or the car had passed already
    REFUSED = "refused"
    GONE = "gone"  # another car took its place at the lane
    UNDECIDED = "undecided"  # deciding failed; the fact is kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One car at one lane, with the decision and what it rests on.

    ``captured_at`` is the business instant that counts: the device's own when it could be trusted. ``plate_id`` is the
    vault row of the plate, None when it was not read.
    """

    id: Id
    company_id: Id
    lot_id: Id
    lane_id: Id
    device_id: Id | None
    lane_kind: LaneKind
    source: Source
    plate_id: Id | None
    plate_kind: str
    colour: str
    confidence: int
    captured_at: Instant
    device_at: Instant | None
    received_at: Instant
    action: Action
    reason: str
    state: PassageState
    ask: Ask
    stay_id: Id | None
    bill_id: Id | None
    command_id: Id | None
    pictures: int
    flaws: tuple[str, ...]


PICTURES_MAX = 8


def picture_name(passage: Id, number: int) -> str:
    """Return the blob name of a passage's picture, counted from 0: an id of its own, derived from the passage's."""
    if not 0 <= number < PICTURES_MAX:
        raise ValueError(f"a passage has at most {PICTURES_MAX} pictures")
    return str(Id(int=passage.int ^ number))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStay:
    """A car inside. ``open_key`` is unique among open stays: lot and plate; its first segment begins at entry.

    The present segment (area, right, permit, since) stands in the row; earlier ones are rows of their own.
    """

    id: Id
    company_id: Id
    lot_id: Id
    plate_id: Id | None
    plate_kind: str
    open_key: str
    entry_passage_id: Id
    entry_lane_id: Id
    entered_at: Instant
    area_id: Id
    right: str | None
    permit_id: Id | None
    since: Instant
    segments: int
    version: int = 1
    colour: str | None = None  # of the plate, as the camera at the entry saw it


class CloseReason(StrEnum):
    """Why a stay ended."""

    LEFT = "left"
    LEFT_OFFLINE = "left_offline"
    MANUAL = "manual"  # a person opened the exit
    ENTERED_AGAIN = "entered_again"  # the plate came in again: its exit was never seen
    TURNED_BACK = "turned_back"  # it was let in and backed out of the lane: it never was inside


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A car that has left. ``price_minor`` is the whole price, ``paid_minor`` what was paid of it.

    ``continues_id`` is the stay before, when the car came back so soon that this one went on from it; price and paid
    are then those beyond it. ``free_used``: it used free minutes. ``cap_uses``: what the
    vehicle's visits up to this one have used up of caps across visits, as ``tariffs.cap_uses_to_plain`` writes it.
    """

    id: Id
    company_id: Id
    lot_id: Id
    plate_id: Id | None
    plate_kind: str
    entry_passage_id: Id
    exit_passage_id: Id | None
    entered_at: Instant
    left_at: Instant
    closed_reason: CloseReason
    price_minor: int
    paid_minor: int
    currency: str
    segments: int
    colour: str | None = None
    continues_id: Id | None = None
    free_used: bool | None = None
    cap_uses: list[dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part of a stay in one area under one right."""

    stay_id: Id
    ordinal: int
    company_id: Id
    lot_id: Id
    area_id: Id
    right: str | None
    permit_id: Id | None
    start_at: Instant
    end_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateCorrection:
    """A person gave a stay another plate: who, when, why, and both plates (vault rows)."""

    id: Id
    company_id: Id
    lot_id: Id
    stay_id: Id
    old_plate_id: Id | None
    new_plate_id: Id
    corrected_at: Instant
    corrected_by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneState:
    """The last car seen at a lane, and whether it still waits there. One small hot row per lane.

    ``passed_at`` is when the loop behind the gate last reported a car that had been let through (machine time); None
    where no loop has told yet.
    """

    lane_id: Id
    company_id: Id
    lot_id: Id
    passage_id: Id
    plate_id: Id | None
    captured_at: Instant
    decided_at: Instant
    action: Action
    waiting: bool
    ask: Ask
    stay_id: Id | None
    bill_id: Id | None
    command_id: Id | None
    passed_at: Instant | None = None

    @property
    def has_driven_on(self) -> bool:
        """Tell whether the loop reported a car since this one was let through."""
        return self.passed_at is not None and self.passed_at >= self.decided_at


class CaseKind(StrEnum):
    """Why a person is needed."""

    PLATE_UNREAD = "plate_unread"
    EXIT_WITHOUT_ENTRY = "exit_without_entry"
    INNER_WITHOUT_ENTRY = "inner_without_entry"
    ENTERED_AGAIN = "entered_again"
    BLOCKED_VEHICLE = "blocked_vehicle"
    LEFT_UNPAID = "left_unpaid"
    CLOCK_SKEW = "clock_skew"
    DECISION_FAILED = "decision_failed"
    GATE_FAILED = "gate_failed"
    PAID_NO_GATE = "paid_no_gate"  # it has paid at a lane that was retired, or lost its gate, while it stood there
    SURPLUS = "surplus"
    PAYMENT_DIFFERS = "payment_differs"  # the channel tells of another sum than was asked for
    OPENED_BY_HAND = "opened_by_hand"
    READ_OTHERWISE = "read_otherwise"  # one car, two readings: a person says which plate is right


class Resolution(StrEnum):
    """How a case ended."""

    DISMISSED = "dismissed"
    OPENED = "opened"
    CORRECTED = "corrected"
    MATCHED = "matched"
    BY_ITSELF = "by_itself"  # the car paid, scanned or was read after all
    CAR_GONE = "car_gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Something that needs a person: its kind, evidence as ids and plain values, and how it was resolved."""

    id: Id
    company_id: Id
    lot_id: Id
    lane_id: Id | None
    kind: CaseKind
    passage_id: Id | None
    stay_id: Id | None
    evidence: Mapping[str, Any]
    raised_at: Instant
    resolution: Resolution | None = None
    resolved_at: Instant | None = None
    resolved_by: str | None = None
    reason: str | None = None
