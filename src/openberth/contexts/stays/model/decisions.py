"""What a lane decides, as pure functions of facts: the heart of the gate.

A decision never fails for want of a rule: every combination of facts has a verdict with a reason that a person can
read.
"""

from dataclasses import dataclass
from enum import StrEnum

from openberth.contexts.facility.model import LotState, Strictness
from openberth.contexts.stays.model.entities import Action, Ask, CaseKind
from openberth.kernel.time import Instant

# An entry seen again this soon at the same lane, with the stay still open, is the same car trying once more.
SAME_CAR_AGAIN_S = 300


class Right(StrEnum):
    """What a permit makes of a car; ``EMERGENCY`` comes from its plate."""

    RESIDENT = "resident"
    MONTHLY = "monthly"
    INTERNAL = "internal"
    FREE = "free"
    BLOCKED = "blocked"
    EMERGENCY = "emergency"


class StillThere(StrEnum):
    """What says that a car which was let out a moment ago has not driven on."""

    SHOWN = "shown"  # its loop, which tells, or its gate, which did not move
    POSSIBLE = "possible"  # nothing tells, and its gate was opened for it just now, once
    UNKNOWN = "unknown"  # nothing tells: a picture of its plate would look the same


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision with its reason (a catalogue code), what a waiting car has to do, and the case it raises."""

    action: Action
    reason: str
    ask: Ask = Ask.NOTHING
    case: CaseKind | None = None


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """What is known of a car at an entry. ``happened`` when the record was stored: nothing moves any more.

    ``camera_opened`` when the camera itself let it in; ``cloned`` when its plate was seen inside lately; ``passback``
    is how a car that is inside already is taken, ``convoy`` that everybody goes through.
    """

    lot_state: LotState
    free_spaces: int
    full_admits_permits: bool
    plate_known: bool
    right: Right | None
    inside: bool
    same_car_again: bool
    happened: bool
    camera_opened: bool
    cloned: bool = False
    passback: Strictness = Strictness.SOFT
    convoy: bool = False


def decide_entry(facts: EntryFacts) -> Verdict:
    """Decide who comes in. Order of reasons: what has happened, who it is, who is let in, whether there is room.

    Whoever is on duty comes in, whatever speaks against it.
    """
    if facts.happened:
        if not facts.plate_known and not facts.camera_opened:
            # Somebody stood there and nothing says that the gate moved: a person looks, nobody is counted in.
            return Verdict(Action.REFUSE, "entry.unread_stored", case=CaseKind.PLATE_UNREAD)
        return Verdict(Action.RECORD, "entry.recorded", case=_entry_case(facts))
    if facts.right is Right.EMERGENCY:
        return Verdict(Action.OPEN, "entry.emergency")
    if facts.convoy:
        return Verdict(Action.OPEN, "entry.convoy", case=_entry_case(facts))
    if not facts.plate_known:
        if not _admits_casual(facts):
            return Verdict(Action.REFUSE, _closed_reason(facts))
        return Verdict(Action.HOLD, "entry.plate_unread", Ask.ENTER, CaseKind.PLATE_UNREAD)
    if facts.same_car_again:
        return Verdict(Action.OPEN, "entry.again")
    if facts.right is Right.BLOCKED:
        return Verdict(Action.REFUSE, "entry.blocked", case=CaseKind.BLOCKED_VEHICLE)
    if facts.cloned:
        return Verdict(Action.HOLD, "entry.cloned", Ask.NOTHING, CaseKind.CLONED_PLATE)
    if facts.inside and facts.passback is Strictness.HARD:
        return Verdict(Action.HOLD, "entry.passback", Ask.NOTHING, CaseKind.ENTERED_AGAIN)
    if not (_admits_permit(facts) if facts.right else _admits_casual(facts)):
        return Verdict(Action.REFUSE, _closed_reason(facts))
    return Verdict(Action.OPEN, f"entry.{facts.right}" if facts.right else "entry.casual", case=_entry_case(facts))


@dataclass(frozen=True, slots=True)
class ExitFacts:
    """What is known of a car at an exit. ``due_minor`` is what is left to pay, 0 for nothing; ``paid_by_account``:
    because a prepaid account paid it just now.

    ``just_left``: it was let out a moment ago, has paid, and is not known to have driven on; ``still_there`` says what
    shows that. ``cloned``: several cars inside have this plate. ``passback`` is how a car with a right that never came
    in is taken; ``neutral``: a person said that nobody knows who is inside. ``doubted``: it came in while it was
    inside, nobody has said whether it had left before, and from its earlier entry on it owes more.
    """

    plate_known: bool
    right: Right | None
    inside: bool
    due_minor: int
    happened: bool
    paid_by_account: bool = False
    just_left: bool = False
    still_there: StillThere | None = None
    cloned: bool = False
    passback: Strictness = Strictness.SOFT
    convoy: bool = False
    neutral: bool = False
    doubted: bool = False


def decide_exit(facts: ExitFacts) -> Verdict:
    """Decide who leaves. A car that owes nothing is never kept."""
    if facts.happened:
        if not facts.inside:
            return Verdict(Action.RECORD, "exit.recorded", case=CaseKind.EXIT_WITHOUT_ENTRY)
        return Verdict(Action.RECORD, "exit.recorded", case=CaseKind.LEFT_UNPAID if facts.due_minor else None)
    if facts.right is Right.EMERGENCY:  # whoever shows such a plate without having come in is looked at by a person
        return Verdict(
            Action.OPEN, "exit.emergency", case=None if facts.inside else CaseKind.EXIT_WITHOUT_ENTRY
        )  # fmt: skip
    if facts.convoy:
        return Verdict(Action.OPEN, "exit.convoy", case=_convoy_case(facts))
    if not facts.plate_known:
        return Verdict(Action.HOLD, "exit.plate_unread", Ask.IDENTIFY, CaseKind.PLATE_UNREAD)
    if not facts.inside:
        return _exit_without_entry(facts)
    if facts.doubted:
        return Verdict(Action.HOLD, "exit.entered_again", Ask.NOTHING, CaseKind.ENTERED_AGAIN)
    if facts.due_minor:
        return Verdict(Action.HOLD, "exit.unpaid", Ask.PAY)
    if facts.paid_by_account:
        return Verdict(Action.OPEN, "exit.prepaid")
    granted = facts.right if facts.right is not Right.BLOCKED else None
    return Verdict(Action.OPEN, f"exit.{granted}" if granted else "exit.nothing_due")


def _exit_without_entry(facts: ExitFacts) -> Verdict:
    # It has paid and is not kept; and a picture of its plate opens nothing twice.
    if facts.still_there is StillThere.SHOWN:
        return Verdict(Action.OPEN, "exit.again")
    if facts.still_there is StillThere.POSSIBLE:
        return Verdict(Action.OPEN, "exit.again", case=CaseKind.EXIT_WITHOUT_ENTRY)
    if facts.cloned:
        return Verdict(Action.HOLD, "exit.cloned", Ask.NOTHING, CaseKind.CLONED_PLATE)
    if facts.neutral:
        # Who has a permit is known; anybody else leaves without having paid, so a person is told.
        return Verdict(Action.OPEN, "exit.neutral", case=None if facts.right else CaseKind.EXIT_WITHOUT_ENTRY)
    if facts.right is None or facts.right is Right.BLOCKED:
        reason = "exit.left_already" if facts.just_left else "exit.without_entry"
        return Verdict(Action.HOLD, reason, Ask.NOTHING, CaseKind.EXIT_WITHOUT_ENTRY)
    if facts.passback is Strictness.HARD:
        return Verdict(Action.HOLD, "exit.passback", Ask.NOTHING, CaseKind.EXIT_WITHOUT_ENTRY)
    told = None if facts.passback is Strictness.OFF else CaseKind.EXIT_WITHOUT_ENTRY
    return Verdict(Action.OPEN, f"exit.{facts.right}", case=told)


def _convoy_case(facts: ExitFacts) -> CaseKind | None:
    if not facts.plate_known:
        return CaseKind.PLATE_UNREAD
    if not facts.inside:
        return CaseKind.EXIT_WITHOUT_ENTRY
    return CaseKind.LEFT_UNPAID if facts.due_minor else None


@dataclass(frozen=True, slots=True)
class InnerFacts:
    """What is known of a car between two areas. ``on_duty``: it is never held up."""

    plate_known: bool
    inside: bool
    happened: bool
    on_duty: bool = False
    convoy: bool = False


def decide_inner(facts: InnerFacts) -> Verdict:
    """Decide who goes on: whoever is inside the lot."""
    if facts.happened:
        return Verdict(Action.RECORD, "inner.recorded", case=None if facts.inside else CaseKind.INNER_WITHOUT_ENTRY)
    if facts.on_duty:
        return Verdict(Action.OPEN, "inner.emergency")
    if facts.convoy:
        return Verdict(Action.OPEN, "inner.convoy", case=None if facts.inside else CaseKind.INNER_WITHOUT_ENTRY)
    if not facts.plate_known:
        return Verdict(Action.HOLD, "inner.plate_unread", Ask.IDENTIFY, CaseKind.PLATE_UNREAD)
    if not facts.inside:
        return Verdict(Action.HOLD, "inner.without_entry", Ask.NOTHING, CaseKind.INNER_WITHOUT_ENTRY)
    return Verdict(Action.OPEN, "inner.inside")


@dataclass(frozen=True, slots=True)
class Moment:
    """The instant a passage counts at, and whether the device's own had to be replaced."""

    at: Instant
    replaced: bool


def trusted_moment(*, device_at: Instant, received_at: Instant, skew_us: int, stored: bool) -> Moment:
    """Choose the instant that prices: the device's within a skew guard, otherwise ours.

    A live recognition was taken just now, so its stamp may differ by the skew at most. A stored one was taken in the
    past: only a stamp from the future is refused.
    """
    if device_at > received_at + skew_us:
        return Moment(received_at, replaced=True)
    if not stored and device_at < received_at - skew_us:
        return Moment(received_at, replaced=True)
    return Moment(device_at, replaced=False)


def _entry_case(facts: EntryFacts) -> CaseKind | None:
    if not facts.plate_known:
        return CaseKind.PLATE_UNREAD
    return CaseKind.ENTERED_AGAIN if facts.inside and facts.passback is not Strictness.OFF else None


def _admits_casual(facts: EntryFacts) -> bool:
    return facts.lot_state is LotState.OPEN and facts.free_spaces > 0


def _admits_permit(facts: EntryFacts) -> bool:
    if facts.lot_state is LotState.CLOSED_TO_ALL:
        return False
    if facts.lot_state is LotState.CLOSED:
        return facts.right is Right.INTERNAL
    return facts.full_admits_permits or (facts.lot_state is LotState.OPEN and facts.free_spaces > 0)


def _closed_reason(facts: EntryFacts) -> str:
    if facts.lot_state in (LotState.CLOSED, LotState.CLOSED_TO_ALL):
        return "entry.closed"
    return "entry.full"
