"""What stays does when something happened elsewhere: a settled bill opens the gate where its car waits; hardware that
did not obey, and money that does not go back, become cases. And the job that prices past months anew.
"""

import asyncio
from functools import partial
from uuid import UUID

from openberth.contexts import payments
from openberth.contexts.facility import CommandKind, Outcome
from openberth.contexts.facility.model import CommandEnded
from openberth.contexts.payments.model import (
    BillSettled,
    DebtEnded,
    DebtRaised,
    PaymentDiffers,
    ReceiptRecorded,
    RefundEnded,
    RefundMade,
    RefundStuck,
)
from openberth.contexts.stays.model.entities import Case, CaseKind, Resolution
from openberth.contexts.stays.reactions.alike import LookAlikes
from openberth.contexts.stays.reactions.comparing import Comparing
from openberth.contexts.stays.reactions.loops import LoopWatch
from openberth.contexts.stays.reactions.nights import Nights
from openberth.contexts.stays.reactions.retention import PictureRetention
from openberth.contexts.stays.service import lingering, records, releasing, telling, what_if
from openberth.contexts.stays.service.prices import SUBJECT
from openberth.contexts.stays.store import cases as case_store
from openberth.infra.database import Database, Unit, Urgency
from openberth.infra.jobs import Job, JobRunner, NotYet, tried
from openberth.infra.outbox import Consumer
from openberth.kernel.authority import system
from openberth.kernel.events import Envelope
from openberth.kernel.money import Money

__all__ = ["Comparing", "LookAlikes", "LoopWatch", "Nights", "PictureRetention", "Repricing", "consumers"]

WORK_S = 20.0  # of one run of a job, whose lease is longer; then it comes again
REST_MIN_S = 0.005
TRIES_MAX = 3

_TOLD = {
    BillSettled.KIND: ("paid_minor", telling.PAID),
    RefundMade.KIND: ("amount_minor", telling.REFUNDED),
    DebtRaised.KIND: ("amount_minor", telling.OWED),
}
# It accepted the command, and its status says that the boom is locked or did not move.
_NOT_MOVED = frozenset(("locked", "not_moved"))
# Whoever told a gate to stay open, or no longer, relies on it: what is not known to be done is told.
_KEEPING = (CommandKind.LOCK_OPEN.value, CommandKind.UNLOCK.value)
_FAILED = (Outcome.REJECTED.value, Outcome.UNREACHABLE.value)


def consumers() -> tuple[Consumer, ...]:
    """Return the durable consumers of stays. Their names are for ever."""
    return (
        Consumer("stays.gate", frozenset({BillSettled.KIND, ReceiptRecorded.KIND}), _money_came),
        Consumer(
            "stays.cases",
            frozenset({CommandEnded.KIND, RefundStuck.KIND, RefundEnded.KIND, PaymentDiffers.KIND, DebtEnded.KIND}),
            _trouble,
        ),
        Consumer("stays.inbox", frozenset(_TOLD), _tell_owner),
    )


def _tell_owner(unit: Unit, envelope: Envelope) -> None:
    """Whose car or account it is learns of money that it did not see move."""
    sum_of, texts = _TOLD[envelope.kind]
    body = envelope.body
    telling.tell(unit, bill=UUID(body["bill"]), amount=Money(body[sum_of], body["currency"]), texts=texts)


def _money_came(unit: Unit, envelope: Envelope) -> None:
    if envelope.lot is None or envelope.company is None:
        return
    if envelope.kind == ReceiptRecorded.KIND:
        _part_came(unit, envelope)
    elif envelope.body["subject_kind"] == payments.PREPAID:
        releasing.account_filled(unit, account=UUID(envelope.body["subject_id"]), company=envelope.company)
    elif envelope.body["subject_kind"] == SUBJECT:
        releasing.money_came(unit, stay=UUID(envelope.body["subject_id"]), lot=envelope.lot)


def _part_came(unit: Unit, envelope: Envelope) -> None:
    """Money that leaves a bill open may be all that its car owes: it was paid in time, and is told of late. Where all
    that is asked for the visit was paid, the rest of the bill is debts of before, which the lot asks for at the exit.
    """
    assert envelope.lot is not None, "bills belong to a lot"
    if envelope.body["subject_kind"] != SUBJECT or envelope.body["attempt"] is None:
        return
    bill = payments.bill_by_id(unit, bill=UUID(envelope.body["bill"]))
    if bill.state is payments.BillState.OPEN and (bill.carried is None or bill.own_left):
        releasing.money_came(unit, stay=bill.subject_id, lot=envelope.lot)


def _trouble(unit: Unit, envelope: Envelope) -> None:
    if envelope.kind == RefundStuck.KIND:
        _refund_stuck(unit, envelope)
    elif envelope.kind == RefundEnded.KIND:
        _refund_ended(unit, envelope)
    elif envelope.kind == DebtEnded.KIND:
        _debt_ended(unit, envelope)
    elif envelope.kind == PaymentDiffers.KIND:
        _payment_differs(unit, envelope)
    elif _has_failed(unit, envelope):
        _gate_failed(unit, envelope)


def _has_failed(unit: Unit, envelope: Envelope) -> bool:
    kind = envelope.body["kind"]
    if kind in _KEEPING:
        return bool(envelope.body["outcome"] != Outcome.DONE.value)
    return kind == CommandKind.OPEN.value and _did_not_open(unit, envelope)


def _did_not_open(unit: Unit, envelope: Envelope) -> bool:
    """Tell whether a gate did not open, or said that it did while its car is known to stand there still."""
    outcome, detail = envelope.body["outcome"], envelope.body["detail"]
    if outcome in _FAILED or (outcome == Outcome.UNCERTAIN.value and detail in _NOT_MOVED):
        return True
    passage = envelope.body["passage"]
    if outcome != Outcome.UNCERTAIN.value or detail != "expired" or passage is None:
        return False
    return lingering.stands_still(unit, lane=UUID(envelope.body["lane"]), passage=UUID(passage))


def _gate_failed(unit: Unit, envelope: Envelope) -> None:
    """A gate that did not do as it was told: somebody stands before a closed barrier, or it stands open for all."""
    assert envelope.company is not None, "commands belong to a company"
    assert envelope.lot is not None, "commands belong to a lot"
    passage = envelope.body["passage"]
    records.raise_case(
        unit, company=envelope.company, lot=envelope.lot, lane=UUID(envelope.body["lane"]), kind=CaseKind.GATE_FAILED,
        passage=UUID(passage) if passage else None, stay=None,
        evidence={
            "command": envelope.body["command"], "outcome": envelope.body["outcome"], "detail": envelope.body["detail"],
            "kind": envelope.body["kind"],
        },
    )  # fmt: skip


def _refund_stuck(unit: Unit, envelope: Envelope) -> None:
    """Money has to go back and does not go by itself: a person gives it back."""
    assert envelope.company is not None, "refunds belong to a company"
    assert envelope.lot is not None, "refunds belong to a lot"
    body = envelope.body
    if _case_of_refund(unit, envelope) is not None:
        return
    records.raise_case(
        unit, company=envelope.company, lot=envelope.lot, lane=None, kind=CaseKind.SURPLUS, passage=None, stay=None,
        evidence={
            "refund": body["refund"], "receipt": body["receipt"], "bill": body["bill"],
            "surplus_minor": body["amount_minor"], "currency": body["currency"], "reason": body["reason"],
        },
    )  # fmt: skip


def _payment_differs(unit: Unit, envelope: Envelope) -> None:
    """Money may lie at a channel that nobody asked for like that: whoever trusts it opens gates for a fen."""
    assert envelope.company is not None, "attempts belong to a company"
    assert envelope.lot is not None, "attempts belong to a lot"
    records.raise_case(
        unit, company=envelope.company, lot=envelope.lot, lane=None, kind=CaseKind.PAYMENT_DIFFERS, passage=None,
        stay=None, evidence=dict(envelope.body),
    )  # fmt: skip


def _refund_ended(unit: Unit, envelope: Envelope) -> None:
    """A refund that needed a person has its end."""
    case = _case_of_refund(unit, envelope)
    if case is not None:
        records.resolve_case(unit, case, resolution=Resolution.BY_ITSELF, reason=None)


def _debt_ended(unit: Unit, envelope: Envelope) -> None:
    """What a car left unpaid has its end: nobody has to look after it any more."""
    assert envelope.lot is not None, "debts belong to a lot"
    body = envelope.body
    releasing.debt_ended(unit, stay=UUID(body["subject"]), lot=envelope.lot, reason=body["reason"])


def _case_of_refund(unit: Unit, envelope: Envelope) -> Case | None:
    refund = envelope.body["refund"]
    for case in unit.all(case_store.OPEN_OF_KIND, lot=envelope.lot, of_kind=CaseKind.SURPLUS):
        if case.evidence.get("refund") == refund:
            return case
    return None


class Repricing:
    """Works questions about past months out: page by page, at most half of the time, so that lanes do not notice."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by = system("what_if")

    def register(self, runner: JobRunner) -> None:
        """Name the handler of the job."""
        runner.handle(what_if.JOB_WHAT_IF, self.work)

    async def work(self, job: Job) -> None:
        """Go on with a question until it is answered or the time of this run is over."""
        asked = UUID(job.body["what_if"])
        await tried(
            job, self._work(asked), most=TRIES_MAX,
            give_up=lambda: self._database.write(partial(what_if.give_up, what_if=asked), by=self._by),
        )  # fmt: skip

    async def _work(self, asked: UUID) -> None:
        clock = asyncio.get_running_loop().time
        ends = clock() + WORK_S
        while True:
            began = clock()
            page = await self._database.report(partial(what_if.next_page, what_if=asked), by=self._by)
            if page is None:
                return
            found = await asyncio.to_thread(what_if.priced, page)
            write = partial(what_if.go_on, page=page, found=found)
            if not await self._database.write(write, by=self._by, urgency=Urgency.BACKGROUND):
                return
            if clock() > ends:
                raise NotYet(0)
            await asyncio.sleep(max(clock() - began, REST_MIN_S))
