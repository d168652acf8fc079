"""What stays keeps: passages, stays with their segments, who waits at a lane, and cases that need a person."""

from collections.abc import Mapping, Sequence
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


class Barrier(StrEnum):
    """What the barrier did for a car whose order was paid at its lane."""

    WAITING = "waiting"  # nothing yet
    OPENING = "opening"
    OPEN = "open"
    STUCK = "stuck"  # told to open, and did not: a person is needed
    UNKNOWN = "unknown"  # told to open; whether it did is not known
    LEFT = "left"  # another car stands at the lane by now


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
    vault row of the plate, None when it was not read. ``basis`` is what the decision rested on in the instant it was
    made, as ``service.basis`` writes it; None for passages of before it was kept.
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
    basis: Mapping[str, Any] | None = None

    @property
    def moment(self) -> tuple[Instant, Id]:
        """When it was, so that of passages in one instant one comes before the other."""
        return self.captured_at, self.id


class Retold(StrEnum):
    """How a car that was decided about already was told of once more."""

    RETRANSMITTED = "retransmitted"  # the very same record
    AGAIN = "again"  # another trigger or reading of the same car


@dataclass(frozen=True, slots=True, kw_only=True)
class Retelling:
    """A recognition that became no passage: it was taken for the car of one. ``opened``: its answer opened the gate.

    ``plate_id`` is None for one that is the same record, too; ``sent_by`` is what made the camera send it.
    """

    id: Id
    company_id: Id
    lot_id: Id
    passage_id: Id
    device_id: Id | None
    how: Retold
    plate_id: Id | None
    colour: str
    confidence: int
    sent_by: str
    direction: str
    device_at: Instant
    received_at: Instant
    pictures: int
    opened: bool
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
    ``again_of`` is the stay that this one's entry ended though nobody had seen its car leave. ``one_visit`` is what
    became of that: True, the car had never left and both are priced as one; False, it had; None, nobody has said.
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
    again_of: Id | None = None
    one_visit: bool | None = None


class CloseReason(StrEnum):
    """Why a stay ended."""

    LEFT = "left"
    LEFT_OFFLINE = "left_offline"
    MANUAL = "manual"  # a person opened the exit
    ENTERED_AGAIN = "entered_again"  # the plate came in again: its exit was never seen
    TURNED_BACK = "turned_back"  # it was let in and backed out of the lane: it never was inside
    SOFT_CLOSED = "soft_closed"  # nobody saw it leave: the next that is seen of it may be either end of a stay
    TAILGATED = "tailgated"  # it left on the opening of the car before it

    @property
    def is_seen(self) -> bool:
        """Whether the car was seen to leave, so that the time between both ends has a price."""
        return self in (CloseReason.LEFT, CloseReason.LEFT_OFFLINE, CloseReason.MANUAL, CloseReason.TAILGATED)


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
class NeutralReset:
    """A person said that nobody knows who is inside: what is seen next may be either end of a stay.

    It means one plate, or, without one, cars under ``rights`` (``casual`` are those without a permit; empty: all).
    ``at`` is business time: what a plate did after it counts again.
    """

    id: Id
    company_id: Id
    lot_id: Id
    plate_id: Id | None
    rights: Sequence[str]
    at: Instant
    reset_by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneState:
    """The last car seen at a lane, and whether it still waits there. One small hot row per lane.

    ``passed_at`` is when the loop behind the gate last reported a car that had been let through (machine time); None
    where no loop has told yet. ``awaited``: cars that were let through and that the loop has not reported yet.
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
    awaited: int | None = None
    loop_free_at: Instant | None = None  # when the loop before the gate was last told to be free (machine time)

    @property
    def has_driven_on(self) -> bool:
        """Tell whether the loop reported this car since it was let through: those before it are reported first."""
        if self.waiting or self.awaited:
            return False
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
    CLONED_PLATE = "cloned_plate"  # one plate where it cannot be: two cars have it
    TAILGATER = "tailgater"  # a second car went through on one opening


class Resolution(StrEnum):
    """How a case ended."""

    DISMISSED = "dismissed"
    OPENED = "opened"
    CORRECTED = "corrected"
    MATCHED = "matched"
    BY_ITSELF = "by_itself"  # the car paid, scanned or was read after all
    CAR_GONE = "car_gone"
    CHARGED = "charged"  # what its car owed became a debt


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
