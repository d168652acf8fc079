"""One passage told again from what is kept: what came, what was decided and why, what was sent and what was answered.

Rows know either clock: machine time by their id or their own column, business time by theirs. A step tells both; the
one that is not kept is reckoned from two instants of which both are known, the passage and this moment.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from openberth.contexts import facility, payments, permits
from openberth.contexts.facility import Command
from openberth.contexts.permits import GrantedPermit
from openberth.contexts.stays.model.entities import Passage, Retelling
from openberth.contexts.stays.service.identity import NEIGHBOUR, TOO_SOON
from openberth.contexts.stays.service.queries import (
    CaseDetail,
    Corrected,
    PassageRow,
    case_detail,
    corrections_of,
    masked,
    passage_detail,
    passage_row,
)
from openberth.contexts.stays.store import cases as case_store
from openberth.contexts.stays.store import passages as store
from openberth.contexts.stays.store import retold as retold_store
from openberth.infra.database import Reader
from openberth.kernel.ids import Id, unix_ms_of
from openberth.kernel.time import Instant

# What a camera told of a car at the lane, kept as a passage of its own that moved nothing.
_BESIDE = frozenset(
    ("lane.read_otherwise", "lane.staying", "lane.staying_ended", "lane.turned_back", "lane.tailgating")
)
_ELSEWHERE = frozenset((NEIGHBOUR, TOO_SOON))  # what another lane's camera saw of it


class StepKind(StrEnum):
    """What a step of a replay is about; of one instant they follow in this order."""

    RECOGNISED = "recognised"
    DECIDED = "decided"
    CASE_RAISED = "case_raised"
    CASE_RESOLVED = "case_resolved"
    CORRECTED = "corrected"
    BILLED = "billed"
    PAID = "paid"
    COMMANDED = "commanded"
    SENT = "sent"
    TOLD_AGAIN = "told_again"  # the same record once more, or another reading of the same car
    NOTED = "noted"  # told of the car at the lane and kept beside: another plate, that it stays, that it turned back
    ANSWERED = "answered"
    DROVE_ON = "drove_on"  # the loop behind the gate reported a car
    REFUNDED = "refunded"


Subject = PassageRow | Retelling | Command | CaseDetail | Corrected | payments.Bill | payments.Receipt | payments.Refund


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened, at business and at machine time, and who did it as far as that is kept."""

    kind: StepKind
    at: Instant
    machine_at: Instant
    by: str | None
    subject: Subject


@dataclass(frozen=True, slots=True)
class Replay:
    """A passage with its steps in their order, the permit that was looked at, and the plate as it was read.

    ``plates`` are those of what was told again, masked, by their ids.
    """

    row: PassageRow
    steps: Sequence[Step]
    permit: GrantedPermit | None
    plate_read: str | None
    plates: dict[Id, str | None] = field(default_factory=dict)


def replay_of(reader: Reader, *, passage: Id) -> Replay:
    """Return a passage told again. Raises ``NotFound("passage.not_found")``."""
    row = passage_detail(reader, passage=passage)
    found = row.passage
    clocks = _clocks(reader, found)
    retold = reader.all(retold_store.OF_PASSAGE, passage=passage)
    steps = [
        *_of_passage(row, clocks), *_of_retold(retold), *_of_beside(reader, found),
        *_of_commands(facility.commands_of_passage(reader, passage=passage), clocks), *_of_cases(reader, found, clocks),
        *_of_stay(reader, found, clocks), *_of_loop(reader, row, clocks),
    ]  # fmt: skip
    order = list(StepKind)
    steps.sort(key=lambda step: (step.machine_at, order.index(step.kind)))
    basis = found.basis or {}
    permit = permits.permit(reader, permit=Id(basis["permit"])) if "permit" in basis else None
    plates = {each.plate_id: masked(reader, each.plate_id) for each in retold if each.plate_id is not None}
    read = masked(reader, Id(basis["plate"])) if "plate" in basis else None
    return Replay(row, steps, permit, read, plates)


@dataclass(frozen=True, slots=True)
class _Clocks:
    """What is one clock's time on the other."""

    business: Callable[[Instant], Instant]
    machine: Callable[[Instant], Instant]


def _clocks(reader: Reader, passage: Passage) -> _Clocks:
    then, machine_then = passage.received_at, _made_at(passage.id)
    gone, machine_gone = reader.now - then, reader.machine_now - machine_then
    if gone <= 0 or machine_gone <= 0:
        gone = machine_gone = 1
    return _Clocks(
        lambda moment: Instant(then + (moment - machine_then) * gone // machine_gone),
        lambda moment: Instant(machine_then + (moment - then) * machine_gone // gone),
    )


def _made_at(identifier: Id) -> Instant:
    return Instant(unix_ms_of(identifier) * 1_000)


def _of_passage(row: PassageRow, clocks: _Clocks) -> Iterator[Step]:
    found = row.passage
    by = None if found.device_id is None else f"device:{found.device_id}"
    for kind in (StepKind.RECOGNISED, StepKind.DECIDED):
        yield Step(kind, found.received_at, _made_at(found.id), by if kind is StepKind.RECOGNISED else None, row)


def _of_retold(found: Sequence[Retelling]) -> Iterator[Step]:
    for each in found:
        by = None if each.device_id is None else f"device:{each.device_id}"
        yield Step(StepKind.TOLD_AGAIN, each.received_at, _made_at(each.id), by, each)


def _of_beside(reader: Reader, passage: Passage) -> Iterator[Step]:
    """Return what was told of the car afterwards: at its lane until the next one came, and by other lanes' cameras."""
    if passage.reason in _BESIDE or passage.reason in _ELSEWHERE:
        return
    found = {}
    for each in reader.all(store.PASSAGES_AFTER, lot=passage.lot_id, after=passage.id):
        if each.lane_id == passage.lane_id and each.reason not in _BESIDE:
            break
        if each.lane_id == passage.lane_id:
            found[each.id] = each
    of_stay = [] if passage.stay_id is None else reader.all(store.PASSAGES_OF_STAY, stay=passage.stay_id)
    for each in of_stay:
        is_here = each.lane_id == passage.lane_id and each.reason in _BESIDE
        if each.id > passage.id and (is_here or each.reason in _ELSEWHERE):
            found[each.id] = each
    for each in found.values():
        by = None if each.device_id is None else f"device:{each.device_id}"
        yield Step(StepKind.NOTED, each.received_at, _made_at(each.id), by, passage_row(reader, each))


def _of_loop(reader: Reader, row: PassageRow, clocks: _Clocks) -> Iterator[Step]:
    """Return that the car drove over the loop behind the gate, while its lane remembers it."""
    standing = reader.one(store.LANE, lane=row.passage.lane_id)
    if standing is not None and standing.passage_id == row.id and standing.has_driven_on:
        assert standing.passed_at is not None, "who has driven on was reported"
        yield Step(StepKind.DROVE_ON, clocks.business(standing.passed_at), standing.passed_at, None, row)


def _of_commands(found: Sequence[Command], clocks: _Clocks) -> Iterator[Step]:
    for each in found:
        yield Step(StepKind.COMMANDED, clocks.business(each.issued_at), each.issued_at, each.actor, each)
        device = f"device:{each.device_id}"
        if each.sent_at is not None:
            yield Step(StepKind.SENT, clocks.business(each.sent_at), each.sent_at, None, each)
        if each.ended_at is not None:
            yield Step(StepKind.ANSWERED, clocks.business(each.ended_at), each.ended_at, device, each)


def _of_cases(reader: Reader, passage: Passage, clocks: _Clocks) -> Iterator[Step]:
    for case in reader.all(case_store.OF_PASSAGE, passage=passage.id):
        detail = case_detail(reader, case=case.id, then=True)
        yield Step(StepKind.CASE_RAISED, case.raised_at, _made_at(case.id), None, detail)
        if case.resolved_at is not None:
            machine_at = max(clocks.machine(case.resolved_at), _made_at(case.id))
            yield Step(StepKind.CASE_RESOLVED, case.resolved_at, machine_at, case.resolved_by, detail)


def _of_stay(reader: Reader, passage: Passage, clocks: _Clocks) -> Iterator[Step]:
    """Return what happened to the stay from this passage on that bears on it: its plate, and the money asked here."""
    if passage.stay_id is None:
        return
    for correction in corrections_of(reader, stay=passage.stay_id):
        found = correction.correction
        if found.id > passage.id:
            yield Step(StepKind.CORRECTED, found.corrected_at, _made_at(found.id), found.corrected_by, correction)
    for bill in payments.bills_of(reader, subject=passage.stay_id):
        if bill.id == passage.bill_id or (passage.bill_id is not None and bill.id > passage.id):
            yield from _of_bill(reader, bill)


def _of_bill(reader: Reader, bill: payments.Bill) -> Iterator[Step]:
    yield Step(StepKind.BILLED, bill.issued_at, _made_at(bill.id), None, bill)
    for receipt in payments.receipts_of(reader, bill=bill.id):
        yield Step(StepKind.PAID, receipt.received_at, _made_at(receipt.id), None, receipt)
        for refund in payments.refunds_of(reader, receipt=receipt.id):
            yield Step(StepKind.REFUNDED, refund.asked_at, _made_at(refund.id), refund.asked_by, refund)
