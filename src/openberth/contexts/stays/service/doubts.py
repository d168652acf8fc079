"""A plate that came in while its car was believed inside: two visits of which one end was not seen, or one visit and a
picture of its plate held up at an entry.

The car is let in and its stay begins, but what it parked before is not lost by that: at an exit a person says whether
it had left, where that makes a difference in money. Something that shows it had left takes the question away.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from openberth.contexts.facility import LaneContext, LaneKind
from openberth.contexts.stays.model.decisions import Right
from openberth.contexts.stays.model.entities import Ask, OpenStay, Resolution, Stay
from openberth.contexts.stays.service import course, identity, prices, records, which_visit
from openberth.contexts.stays.service.seen import Seen
from openberth.contexts.stays.store import passages as passage_store
from openberth.contexts.stays.store import stays as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import inner
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.time import Instant


@dataclass(frozen=True, slots=True)
class Doubt:
    """Whether the car at an exit had left between two of its entries, the later one being that of its stay or of one
    before which it did not leave; and what it owes at most where it had not, and what where it had.
    """

    earlier: Stay
    later: OpenStay | Stay
    from_earlier: Money
    from_later: Money

    @property
    def evidence(self) -> Mapping[str, Any]:
        """Return what the person who decides is shown: both entries, and what is due by each."""
        return {
            which_visit.EARLIER: str(self.earlier.id), "currency": self.from_later.currency,
            "passages": [str(self.earlier.entry_passage_id), str(self.later.entry_passage_id)],
            "from_earlier_minor": self.from_earlier.minor, "from_later_minor": self.from_later.minor,
        }  # fmt: skip


def doubt_of(reader: Reader, stay: OpenStay, *, lane: LaneContext, at: Instant) -> Doubt | None:
    """Return the doubt that a person settles before a car at an exit is priced, None where there is none."""
    if stay.again_of is None or stay.one_visit is False or not lane.rules.entered_again_asks:
        return None
    said = course.never_left(reader, stay) if stay.one_visit else ()
    before = which_visit.unanswered(reader, said[-1]) if said else None if stay.one_visit else stay.again_of
    earlier = None if before is None else reader.one(store.STAY, stay=before)
    if earlier is None:
        return None
    # A third entry asks for the first one, too: two that follow each other at once may cost the same.
    whole = prices.assess(reader, replace(stay, one_visit=True), at=at, wholly=True).due
    due = prices.assess(reader, stay, at=at).due
    return Doubt(earlier, said[-1] if said else stay, whole, due) if whole.minor > due.minor else None


def had_left(reader: Reader, seen: Seen, right: Right | None, inside: OpenStay) -> bool:
    """Tell whether something shows that a car which comes in again had left: a person said since that nobody knows
    where it is, or it stood at an exit last, and what it was asked for there is a debt.
    """
    if identity.resets_since(reader, seen, right, since=inside.entered_at):
        return True
    told = reader.all(passage_store.PASSAGES_OF_STAY, stay=inside.id)
    last = max(told, key=lambda each: each.moment, default=None)
    return last is not None and last.lane_kind is LaneKind.EXIT and last.ask is Ask.PAY


@inner
def two_visits(unit: Unit, stay: OpenStay) -> None:
    """Take note that the car of a stay had left before it came in: its earlier exit is known now."""
    if stay.again_of is not None:
        say(unit, stay, earlier=stay.again_of, one_visit=False)
    answered(unit, lot=stay.lot_id, stay=stay.id)


@inner
def answered(unit: Unit, *, lot: Id, stay: Id) -> None:
    """End the question whether the car of a stay had left before: what came to be known answers it."""
    for each in which_visit.open_cases(unit, lot=lot, stay=stay):
        records.resolve_case(unit, each, resolution=Resolution.BY_ITSELF, reason=None)


@inner
def say(unit: Unit, stay: OpenStay, *, earlier: Id, one_visit: bool) -> None:
    """Write down whether a stay and an earlier one are one visit."""
    unit.save(
        store.SETTLE_AGAIN, stay=stay.id, old_version=stay.version, new_again_of=earlier, new_one_visit=one_visit
    )  # fmt: skip
