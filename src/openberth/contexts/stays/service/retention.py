"""Which pictures have had their time (``retention.pictures_days`` of their lot), and which are kept for a reason.

Kept longer is what somebody may still have to look at: the pictures of a car that waits or is inside, of an open case,
of a stay with an open bill. They are looked at again every day, and go once the reason is gone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from openberth.contexts import payments, tenancy
from openberth.contexts.facility import LaneKind, LotSummary
from openberth.contexts.stays.model.entities import Passage, PassageState, picture_name
from openberth.contexts.stays.service.prices import SUBJECT
from openberth.contexts.stays.store import cases as case_store
from openberth.contexts.stays.store import keeping as keeping_store
from openberth.contexts.stays.store import passages as passage_store
from openberth.contexts.stays.store import retention as store
from openberth.contexts.stays.store import stays as stay_store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction
from openberth.kernel.ids import Id, lowest_at, unix_ms_of
from openberth.kernel.time import DAY_US, Instant, to_iso

FOLLOWED_MS = 60_000  # who left on the opening of the car in front was seen this soon after it


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the work: passages whose pictures go, passages that are held, and where the next part begins."""

    going: Sequence[Passage]
    held: Sequence[Id]
    after: Id
    is_last: bool

    def names(self) -> list[str]:
        """Return the names of the pictures that go."""
        return [picture_name(each.id, number) for each in self.going for number in range(each.pictures)]


def cutoff(reader: Reader, *, lot: LotSummary) -> Instant:
    """Return the instant before which pictures of a lot have had their time."""
    days = tenancy.setting_of(reader, tenancy.PICTURES_DAYS, company=lot.company, lot=lot.id)
    return Instant(max(0, reader.machine_now - int(days) * DAY_US))


def next_part(reader: Reader, *, lot: LotSummary) -> Part:
    """Return the next part of a lot's old pictures."""
    progress = reader.one(store.PROGRESS, lot=lot.id)
    after = store.NOTHING if progress is None else progress[0]
    below = lowest_at(cutoff(reader, lot=lot) // 1_000)
    rows = reader.all(store.OLD_PASSAGES, lot=lot.id, after_id=after, below_id=below)
    pictured = [each for each in rows if each.pictures]
    held = [each.id for each in pictured if is_needed(reader, each)]
    going = [each for each in pictured if each.id not in held]
    return Part(going, held, rows[-1].id if rows else after, len(rows) < store.PAGE_MAX)


def next_held(reader: Reader, *, lot: LotSummary, after: Id) -> Part:
    """Return the next of those that were held and are not needed any more."""
    ids = reader.all(store.HELD, lot=lot.id, after_id=after)
    found = [each for each in (reader.one(passage_store.PASSAGE, passage=one) for one in ids) if each is not None]
    going = [each for each in found if not is_needed(reader, each)]
    return Part(going, (), ids[-1] if ids else after, len(ids) < store.PAGE_MAX)


def next_of_plate(reader: Reader, *, plate: Id, after: Id) -> Part:
    """Return the next pictures of a plate that nobody has to look at any more."""
    rows = reader.all(keeping_store.PICTURED_OF_PLATE, plate=plate, after_id=after)
    going = [each for each in rows if each.pictures and not is_needed(reader, each)]
    return Part(going, (), rows[-1].id if rows else after, len(rows) < keeping_store.PAGE_MAX)


def is_needed(reader: Reader, passage: Passage) -> bool:
    """Tell whether somebody may still have to look at the pictures of a passage: also of the car in front of one that
    left on its opening.
    """
    if passage.lane_kind is LaneKind.EXIT:
        until = lowest_at(unix_ms_of(passage.id) + FOLLOWED_MS)
        behind = reader.all(store.FOLLOWERS, lot=passage.lot_id, after_id=passage.id, until_id=until)
        if any(each.lane_id == passage.lane_id and is_needed(reader, each) for each in behind):
            return True
    if passage.state is PassageState.WAITING or reader.all(case_store.OPEN_OF_PASSAGE, passage=passage.id):
        return True
    if passage.stay_id is None:
        return False
    if reader.one(stay_store.OPEN_STAY, stay=passage.stay_id) is not None:
        return True
    if reader.all(case_store.OPEN_OF_STAY, lot=passage.lot_id, stay=passage.stay_id):
        return True
    return payments.open_bill_of(reader, kind=SUBJECT, subject=passage.stay_id) is not None


@by_construction
def note_part(unit: Unit, *, lot: LotSummary, part: Part) -> None:
    """Write down that the pictures of a part are gone; ``part`` is the one that ``next_part`` gave."""
    unit.run(store.START, lot_id=lot.id, after_id=store.NOTHING, passages=0, pictures=0)
    _gone(unit, lot, part, after=part.after)
    for each in part.held:
        unit.run(store.HOLD, passage_id=each, lot_id=lot.id)


@by_construction
def note_let_go(unit: Unit, *, lot: LotSummary, part: Part) -> None:
    """Write down that pictures which were held are gone; ``part`` is the one that ``next_held`` gave."""
    progress = unit.one(store.PROGRESS, lot=lot.id)
    assert progress is not None, "what is held was passed by"
    _gone(unit, lot, part, after=progress[0])
    for each in part.going:
        unit.run(store.LET_GO, passage=each.id)


@by_construction
def note_forgotten(unit: Unit, *, part: Part) -> None:
    """Write down that the pictures of a forgotten plate are gone."""
    for each in part.going:
        unit.run(store.NO_PICTURES, passage=each.id)


@by_construction
def report(unit: Unit, *, lot: LotSummary) -> int:
    """Write into the trail how many pictures of a lot went since the last report; return how many."""
    after, passages, pictures = unit.one(store.PROGRESS, lot=lot.id) or (store.NOTHING, 0, 0)
    if not passages:
        return 0
    unit.run(store.ADVANCE, lot=lot.id, new_after=after, new_passages=0, new_pictures=0)
    told = {"passages": passages, "pictures": pictures, "before": to_iso(cutoff(unit, lot=lot))}
    tenancy.record(unit, tenancy.Deed("pictures.deleted", "lot", str(lot.id), lot.company, lot.id, after=told))
    return pictures


def _gone(unit: Unit, lot: LotSummary, part: Part, *, after: Id) -> None:
    progress = unit.one(store.PROGRESS, lot=lot.id)
    assert progress is not None, "it was begun"
    for each in part.going:
        unit.run(store.NO_PICTURES, passage=each.id)
    unit.run(
        store.ADVANCE, lot=lot.id, new_after=after, new_passages=progress[1] + len(part.going),
        new_pictures=progress[2] + len(part.names()),
    )  # fmt: skip
