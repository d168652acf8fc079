"""A mall with its tariff on a real database, and cars that drive through its lanes: the language of the tests of
stays.
"""

import itertools
from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import bindparam, update

from openberth.contexts import facility, payments, permits, stays, tariffs
from openberth.contexts.facility import AreaCount, Command, LotState
from openberth.contexts.payments.service import refunds
from openberth.contexts.payments.service.attempts import begin_attempt
from openberth.contexts.payments.service.receipts import record_channel_payment
from openberth.contexts.payments.store.tables import attempt as attempt_table
from openberth.contexts.permits.model import ALWAYS, Permit, PermitKind
from openberth.contexts.stays import LaneAnswer, Recognition
from openberth.contexts.stays.model.entities import Case, LaneState, OpenStay, Passage, Stay
from openberth.contexts.stays.recognition import Direction, PlateColour, Trigger
from openberth.contexts.stays.service.codes import enter_without_plate, leave_with_pass
from openberth.contexts.stays.store import listing as stay_lists
from openberth.contexts.stays.store import passages as passage_store
from openberth.contexts.tariffs.document import read_tariff
from openberth.infra import lists
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.database.statement import Write
from openberth.infra.lists import ListAsk, Listed
from openberth.kernel.authority import Actor, ActorKind, Caller, Scope
from openberth.kernel.ids import BEYOND_ALL, Id
from openberth.kernel.money import Money
from openberth.kernel.plates import Plate
from openberth.kernel.time import MINUTE_US, Period
from tests.service.acting import COMPANY, ROOT, events, ids_of, mall, newest, read, refunds_in, write

CAR, OTHER_CAR, THIRD_CAR = "粤B12345", "粤B67890", "京A88888"


_ASK_FOR = Write(
    update(attempt_table)
    .where(attempt_table.c.id == bindparam("attempt"))
    .values(amount_minor=bindparam("minor"), currency=bindparam("new_currency"))
)


def _ask_for(unit: Unit, attempt: Id, amount: Money) -> None:
    unit.run(_ASK_FOR, attempt=attempt, minor=amount.minor, new_currency=amount.currency)


class Street:
    """The mall from outside: cars arrive, pay and leave; time passes."""

    def __init__(self, db: Database, business: ManualClock, machine: ManualClock) -> None:
        self.db, self.business, self.machine = db, business, machine
        self.company = COMPANY
        self.lot = mall(db)
        self.ids = ids_of(db, self.lot)
        for code in ("mall", "vip"):
            tariff = read_tariff((ROOT / "tariffs" / f"{code}.yaml").read_text(encoding="utf-8"), name=code)
            write(db, tariffs.publish, company=COMPANY, tariff=tariff)
        self._records = itertools.count(1)
        self._consumed: dict[str, int] = {}

    # what happens

    def pass_minutes(self, minutes: float) -> None:
        span = int(minutes * MINUTE_US)
        self.business.advance(span)
        self.machine.advance(span)

    def recognition(self, plate: str | None, **changes: Any) -> Recognition:
        values: dict[str, Any] = {
            "source_id": f"{next(self._records)}", "plate_text": plate, "other_plates": (), "colour": PlateColour.BLUE,
            "plate_kind": None, "confidence": 96, "direction": Direction.DOWN, "trigger": Trigger.VIDEO,
            "captured_at": self.business.now(), "offline": False, "opened_by_camera": False, "pictures": (),
            "flaws": (),
        }  # fmt: skip
        return Recognition(**(values | changes))

    def arrive(self, lane: str, plate: str | None, *, sent: Recognition | None = None, **changes: Any) -> LaneAnswer:
        device = self.ids[f"cam-{lane}"]
        by = Caller(Actor(ActorKind.DEVICE, f"cam-{lane}", "127.0.0.1"), Scope(self.company, (self.lot,)))
        return write(
            self.db, stays.recognise, by=by, lot=self.lot, lane=self.ids[lane], device=device,
            passage=self.db._ids.new_id(),  # type: ignore[attr-defined]
            recognition=sent or self.recognition(plate, **changes),
        )  # fmt: skip

    def pay_cash(self, lane: str, minor: int | None = None) -> Money:
        bill = self.bill_at(lane)
        tendered = Money(bill.left.minor if minor is None else minor, "CNY")
        _, change = write(self.db, payments.take_cash, bill=bill.id, tendered=tendered)
        self.react()
        return change

    def pay_a_part(self, lane: str, minor: int, currency: str = "CNY") -> None:
        """Pay less than is due, or in another currency: what was asked for before the price was another one."""
        self.pay_by_phone(self.bill_at(lane), Money(minor, currency))
        self.react()

    def pay_by_phone(
        self, bill: payments.Bill, asked: Money | None = None, place: payments.PayPlace = payments.PayPlace.EXIT
    ) -> payments.Receipt:
        """Pay an order for a bill, or one that once asked for another sum."""
        attempt = write(self.db, begin_attempt, bill=bill.id, channel="sandpay", place=place)
        amount = asked or attempt.amount
        write(self.db, _ask_for, attempt=attempt.id, amount=amount)
        taken = write(
            self.db, record_channel_payment, channel="sandpay", number=attempt.number, amount=amount,
            transaction=f"{attempt.number}-{amount.currency}",
        )  # fmt: skip
        assert taken is not None, "what was asked for settles"
        return taken.receipt

    def bill_in_advance(self, plate: str) -> Any:
        return write(self.db, stays.bill_in_advance, lot=self.lot, plate=Plate.read(plate))

    def enter_without_plate(self, lane: str, token: str, claim: str | None = None) -> tuple[str, Id]:
        return write(self.db, enter_without_plate, lot=self.lot, lane=self.ids[lane], token=token, claim=claim)

    def leave_with_pass(self, lane: str, token: str) -> LaneAnswer:
        return write(self.db, leave_with_pass, lot=self.lot, lane=self.ids[lane], token=token)

    def pay_in_advance(self, plate: str) -> None:
        bill, _ = self.bill_in_advance(plate)
        write(self.db, payments.take_cash, bill=bill.id, tendered=bill.left)
        self.react()

    def open_by_hand(self, lane: str, reason: str = "司机现金找零不足") -> Command:
        return write(self.db, stays.open_by_hand, lot=self.lot, lane=self.ids[lane], reason=reason)

    def set_state(self, state: LotState) -> None:
        write(self.db, facility.change_state, lot=self.lot, state=state, reason="test")

    def permit(self, plate: str, kind: PermitKind, valid: Period = ALWAYS) -> None:
        permit = Permit("p-1", Plate.read(plate), kind, valid)
        write(self.db, permits.apply_permits, company=COMPANY, lot=self.lot, permits=[permit])

    def refunds_get_stuck(self) -> None:
        """Have every channel refuse what goes back."""
        for refund in refunds_in(self.db, self.lot):
            write(self.db, refunds.refund_does_not_go, refund=refund.id, detail="no_refunds")
        self.react()

    def react(self) -> None:
        """Let the consumers of stays take every event once, as their runners do."""
        for consumer in stays.consumers():
            done = self._consumed.get(consumer.name, 0)
            for envelope in events(self.db):
                if (envelope.position or 0) > done:
                    self._consumed[consumer.name] = envelope.position or 0
                    if envelope.kind in consumer.kinds:
                        write(self.db, consumer.effect, envelope=envelope)

    # what is to be seen

    def bill_at(self, lane: str) -> payments.Bill:
        standing = self.standing(lane)
        assert standing.bill_id is not None, f"nobody has a bill at {lane}"
        return read(self.db, payments.bill_by_id, bill=standing.bill_id)

    def standing(self, lane: str) -> LaneState:
        found = self._one(passage_store.LANE, lane=self.ids[lane])
        assert isinstance(found, LaneState)
        return found

    def passage(self, passage: Id) -> Passage:
        found = self._one(passage_store.PASSAGE, passage=passage)
        assert isinstance(found, Passage)
        return found

    def inside(self) -> list[OpenStay]:
        return newest(self.db, partial(_listed, listing=stay_lists.OPEN_STAYS), self.lot)

    def closed(self) -> list[Stay]:
        return newest(self.db, partial(_listed, listing=stay_lists.CLOSED_STAYS), self.lot)

    def cases(self) -> list[Case]:
        return newest(self.db, partial(_listed, listing=stay_lists.CASES, open=True), self.lot)

    def case_kinds(self) -> list[str]:
        return sorted(case.kind.value for case in self.cases())

    def commands(self) -> list[Command]:
        return read(self.db, facility.commands_of_lot, lot=self.lot, before=BEYOND_ALL, limit=200)

    def counts(self) -> dict[str, AreaCount]:
        return {one.code: one for one in read(self.db, facility.occupancy, lot=self.lot)}

    def _all(self, query: Any, **params: Any) -> Any:
        return read(self.db, partial(_all, query=query), **params)

    def _one(self, query: Any, **params: Any) -> Any:
        found = self._all(query, **params)
        return found[0] if found else None


def _listed(reader: Reader, *, listing: Any, lots: Sequence[Id], ask: ListAsk, **given: Any) -> Listed[Any]:
    return lists.page(reader, lists.over(listing, lots, **given), ask)


def _all(reader: Reader, *, query: Any, **params: Any) -> Any:
    return reader.all(query, **params)
