"""What happened at lanes and to stays. Ids and plain values only; instants are plain microseconds."""

from dataclasses import dataclass
from typing import ClassVar

from openberth.kernel.ids import Id


@dataclass(frozen=True, slots=True)
class PassageDecided:
    """A car was seen at a lane, and this is what was decided."""

    KIND: ClassVar[str] = "stays.passage_decided"
    VERSION: ClassVar[int] = 1

    passage: Id
    lane: Id
    lane_kind: str
    source: str
    plate: Id | None
    action: str
    reason: str
    ask: str
    stay: Id | None
    bill: Id | None
    command: Id | None
    captured_at: int
    pictures: int


@dataclass(frozen=True, slots=True)
class PassageReleased:
    """A car that waited at a lane was let through."""

    KIND: ClassVar[str] = "stays.passage_released"
    VERSION: ClassVar[int] = 1

    passage: Id
    lane: Id
    cause: str
    stay: Id | None
    command: Id | None


@dataclass(frozen=True, slots=True)
class StayOpened:
    """A car came in."""

    KIND: ClassVar[str] = "stays.stay_opened"
    VERSION: ClassVar[int] = 1

    stay: Id
    plate: Id | None
    passage: Id
    area: Id
    right: str | None
    entered_at: int


@dataclass(frozen=True, slots=True)
class StayMoved:
    """A car went from one area to another: a segment ended, the next began."""

    KIND: ClassVar[str] = "stays.stay_moved"
    VERSION: ClassVar[int] = 1

    stay: Id
    passage: Id
    from_area: Id
    to_area: Id
    at: int


@dataclass(frozen=True, slots=True)
class StayClosed:
    """A car left, or its stay was ended for a reason."""

    KIND: ClassVar[str] = "stays.stay_closed"
    VERSION: ClassVar[int] = 1

    stay: Id
    passage: Id | None
    area: Id
    reason: str
    entered_at: int
    left_at: int
    price_minor: int
    paid_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class StayReopened:
    """A stay that was ended goes on: its car is inside after all. ``was`` is the reason it had been ended for."""

    KIND: ClassVar[str] = "stays.stay_reopened"
    VERSION: ClassVar[int] = 1

    stay: Id
    passage: Id | None
    area: Id
    was: str
    left_at: int
    reason: str


@dataclass(frozen=True, slots=True)
class StaySoftClosed:
    """A stay was ended whose car nobody saw leave: by a person, or by night (``sweep``)."""

    KIND: ClassVar[str] = "stays.stay_soft_closed"
    VERSION: ClassVar[int] = 1

    stay: Id
    area: Id
    entered_at: int
    reason: str


@dataclass(frozen=True, slots=True)
class PassbackReset:
    """A person said that the whereabouts of cars are not known: of one plate, or of those under some rights."""

    KIND: ClassVar[str] = "stays.passback_reset"
    VERSION: ClassVar[int] = 1

    reset: Id
    plate: Id | None
    rights: list[str]
    reason: str


@dataclass(frozen=True, slots=True)
class ConvoyBegan:
    """A lane lets everybody through for a while."""

    KIND: ClassVar[str] = "stays.convoy_began"
    VERSION: ClassVar[int] = 1

    lane: Id
    until: int
    reason: str


@dataclass(frozen=True, slots=True)
class ConvoyEnded:
    """A lane decides about every car again."""

    KIND: ClassVar[str] = "stays.convoy_ended"
    VERSION: ClassVar[int] = 1

    lane: Id
    cause: str


@dataclass(frozen=True, slots=True)
class PlateCorrected:
    """A person gave a car inside the plate it really has."""

    KIND: ClassVar[str] = "stays.plate_corrected"
    VERSION: ClassVar[int] = 1

    stay: Id
    before: Id | None
    after: Id
    reason: str


@dataclass(frozen=True, slots=True)
class CaseRaised:
    """A person is needed."""

    KIND: ClassVar[str] = "stays.case_raised"
    VERSION: ClassVar[int] = 1

    case: Id
    case_kind: str
    lane: Id | None
    passage: Id | None
    stay: Id | None


@dataclass(frozen=True, slots=True)
class CaseResolved:
    """A case was resolved."""

    KIND: ClassVar[str] = "stays.case_resolved"
    VERSION: ClassVar[int] = 1

    case: Id
    case_kind: str
    resolution: str
    reason: str | None
