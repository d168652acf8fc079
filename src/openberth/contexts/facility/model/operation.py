"""What a lot does while it runs: commands to hardware and what a lane looks at to decide. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from openberth.contexts.facility.model.rules import Rules
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant


class LotState(StrEnum):
    """Who is let in. Cars that are inside may always leave."""

    OPEN = "open"
    FULL = "full"  # cars with a permit only
    CLOSED = "closed"  # internal cars only
    CLOSED_TO_ALL = "closed_to_all"


class LaneKind(StrEnum):
    """What a lane does to a stay."""

    ENTRY = "entry"
    EXIT = "exit"
    INNER = "inner"


class CommandKind(StrEnum):
    """What a gate is told to do, and what a device itself."""

    OPEN = "open"
    CLOSE = "close"
    STOP = "stop"
    LOCK_OPEN = "lock_open"
    UNLOCK = "unlock"
    RESTART = "restart"
    SET_TIME = "set_time"


class CommandState(StrEnum):
    """Where a command is in its life."""

    WAITING = "waiting"
    SENT = "sent"
    ENDED = "ended"


class Outcome(StrEnum):
    """How a command ended. Accepted is not done: without status, loop or pass the outcome is uncertain."""

    DONE = "done"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Command:
    """A command to a device. ``expires_at`` is machine time; ``detail`` says what the outcome rests on."""

    id: Id
    company_id: Id
    lot_id: Id
    device_id: Id
    lane_id: Id
    kind: CommandKind
    state: CommandState
    outcome: Outcome | None
    passage_id: Id | None
    reason: str | None
    detail: str | None
    actor: str
    issued_at: Instant
    expires_at: Instant
    sent_at: Instant | None
    ended_at: Instant | None

    @property
    def born_sent(self) -> bool:
        """Tell whether an answer to a camera was the command itself: it was sent in the instant it was issued."""
        return self.sent_at == self.issued_at


@dataclass(frozen=True, slots=True)
class LaneContext:
    """A lane with what its lot says today: all that a decision reads of the facility, in one row."""

    id: Id
    company: Id
    lot: Id
    code: str
    name_zh: str
    name_en: str
    kind: LaneKind
    scan_code: str
    from_area: Id | None
    to_area: Id | None
    lot_code: str
    lot_zh: str
    lot_en: str
    zone: str
    currency: str
    state: LotState
    capacity: int
    tariff_code: str
    rules: Rules
    held_open_until: Instant | None = None  # machine time: a convoy goes through

    @property
    def duplicate_window_s(self) -> int:
        """Return how close two tellings of one car are."""
        return self.rules.duplicate_window_s

    @property
    def device_skew_s(self) -> int:
        """Return how wrong the clock of a device may be."""
        return self.rules.device_skew_s

    @property
    def full_admits_permits(self) -> bool:
        """Tell whether a full lot admits cars with a permit."""
        return self.rules.full_admits_permits


@dataclass(frozen=True, slots=True)
class AreaCount:
    """The three numbers of an area: cars counted at its lanes, what people corrected, and what fits."""

    area: Id
    code: str
    count: int
    adjustment: int
    capacity: int

    @property
    def occupied(self) -> int:
        """Return the cars believed to be there, never below zero."""
        return max(0, self.count + self.adjustment)

    @property
    def free(self) -> int:
        """Return what is left, never below zero."""
        return max(0, self.capacity - self.occupied)


@dataclass(frozen=True, slots=True)
class CommandIssued:
    """A gate was told to do something. ``sent``: the answer to a camera was the command itself, nobody sends it."""

    KIND: ClassVar[str] = "facility.command_issued"
    VERSION: ClassVar[int] = 1

    command: Id
    device: Id
    lane: Id
    kind: str
    passage: Id | None
    expires_at: int
    reason: str | None
    sent: bool


@dataclass(frozen=True, slots=True)
class CommandEnded:
    """A command has its outcome."""

    KIND: ClassVar[str] = "facility.command_ended"
    VERSION: ClassVar[int] = 1

    command: Id
    device: Id
    lane: Id
    kind: str
    outcome: str
    detail: str | None
    passage: Id | None


@dataclass(frozen=True, slots=True)
class LotStateChanged:
    """Somebody changed who is let in."""

    KIND: ClassVar[str] = "facility.lot_state_changed"
    VERSION: ClassVar[int] = 1

    before: str
    after: str
    reason: str


@dataclass(frozen=True, slots=True)
class LaneTextShown:
    """Somebody put words on a lane's display for a while, or took them away (None, 0 s)."""

    KIND: ClassVar[str] = "facility.lane_text_shown"
    VERSION: ClassVar[int] = 1

    lane: Id
    text: str | None
    seconds: int
    aloud: bool


@dataclass(frozen=True, slots=True)
class OccupancyAdjusted:
    """Somebody corrected an area's count."""

    KIND: ClassVar[str] = "facility.occupancy_adjusted"
    VERSION: ClassVar[int] = 1

    area: Id
    before: int
    after: int
    reason: str
