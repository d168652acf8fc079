"""The question whether a car that came in while it was inside had left before: the cases that ask it."""

from openberth.contexts.stays.model.entities import Case, CaseKind, CloseReason, OpenStay, Stay
from openberth.contexts.stays.store import cases as case_store
from openberth.contexts.stays.store import stays as store
from openberth.infra.database import Reader
from openberth.kernel.ids import Id

EARLIER = "earlier_stay"  # in the evidence of a case
HAD_LEFT = "had_left"  # likewise: something showed it, and nobody waits for an answer
AT_EXIT = "exit.entered_again"  # why a car waits at an exit until it is answered


def of_earlier(stay: OpenStay | Stay) -> dict[str, object]:
    """Return what a case tells of the stay whose plate came in again."""
    return {EARLIER: str(stay.id), "passages": [str(stay.entry_passage_id)]}


def of_reopened(reader: Reader, stay: Stay) -> tuple[Id | None, bool | None]:
    """Return what a stay that goes on is again of, and what was said of that."""
    before = one_with(reader, stay)
    if before is not None:
        return before, True
    return unanswered(reader, stay), None


def unanswered(reader: Reader, stay: Stay) -> Id | None:
    """Return the stay of which nobody has said whether its car had left before it came in for one that is over."""
    for each in open_cases(reader, lot=stay.lot_id, stay=stay.id):
        before = reader.one(store.STAY, stay=Id(each.evidence[EARLIER]))
        is_ended_so = before is not None and before.closed_reason is CloseReason.ENTERED_AGAIN
        if before is not None and is_ended_so and before.plate_id == stay.plate_id and HAD_LEFT not in each.evidence:
            return before.id
    return None


def one_with(reader: Reader, stay: Stay) -> Id | None:
    """Return the stay with which one that is over was said to be one visit."""
    before = reader.one(store.STAY, stay=stay.continues_id) if stay.continues_id else None
    return before.id if before is not None and before.closed_reason is CloseReason.ENTERED_AGAIN else None


def open_cases(reader: Reader, *, lot: Id, stay: Id) -> list[Case]:
    """Return the open cases that ask whether the car of a stay had left before."""
    return [each for each in reader.all(case_store.OPEN_OF_STAY, lot=lot, stay=stay) if asks(each)]


def asks(case: Case) -> bool:
    """Tell whether a case asks that of a car that was let in."""
    return case.kind is CaseKind.ENTERED_AGAIN and case.stay_id is not None and EARLIER in case.evidence
