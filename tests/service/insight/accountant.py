"""Somebody who looks at rollups: has them fed and rebuilt as the running program does, and asks questions."""

import random
from collections import Counter
from contextlib import suppress
from datetime import date
from typing import Any

from sqlalchemy import bindparam, select

from openberth.contexts import insight, payments
from openberth.contexts.insight.model.finance import Dimension, Filters
from openberth.contexts.insight.service import feeding, rebuilding
from openberth.contexts.insight.store.rows import SUM_NAMES
from openberth.contexts.insight.store.tables import finance_row
from openberth.contexts.payments.model import RefundState
from openberth.contexts.payments.model.debts import DebtState
from openberth.contexts.payments.service import debts, prepaid, refunds
from openberth.contexts.payments.service.attempts import begin_attempt
from openberth.contexts.payments.service.receipts import record_channel_payment
from openberth.infra.database import Query, Unit
from openberth.infra.database.log import number_committed, read_after
from openberth.infra.outbox import standing
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Problem
from openberth.kernel.money import Money
from openberth.kernel.plates import Plate
from tests.service.acting import COMPANY, SYSTEM, bills_in, debts_in, of_company, read, receipts_in, refunds_in, write
from tests.service.stays.street import CAR, OTHER_CAR, THIRD_CAR, Street

CARS = (CAR, OTHER_CAR, THIRD_CAR)
_ROWS: Query[tuple[Any, ...]] = Query(
    select(finance_row).where(finance_row.c.generation == bindparam("wanted")), lambda *columns: columns
)
Rows = dict[tuple[Any, ...], tuple[int, ...]]


class Accountant:
    def __init__(self, street: Street) -> None:
        self.street, self.db = street, street.db

    # as the program does

    def consume(self, most: int = 500) -> None:
        """Let the consumer take what has happened, at most so many events."""
        if not self.db.numbers_at_commit:
            self.db.write_now(number_committed, by=SYSTEM)
        [consumer] = insight.consumers()

        def take(unit: Unit) -> None:
            standing.begin_again(unit, name=consumer.name, after=0)
            at = standing.held_standing(unit, name=consumer.name).position
            page = read_after(unit, position=at, limit=most)
            for envelope in page:
                if envelope.kind in consumer.kinds:
                    consumer.effect(unit, envelope)
            if page:
                standing.go_on(unit, name=consumer.name, old=at, new=page[-1].position or 0)

        write(self.db, lambda unit: take(unit))

    def step(self) -> rebuilding.Step:
        return write(self.db, rebuilding.step)

    def rebuild(self) -> None:
        write(self.db, insight.rebuild)
        while self.step() is not rebuilding.Step.DONE:
            pass

    # what is to be seen

    def rows(self, generation: int | None = None) -> Rows:
        """Return the rows of a generation (the serving one) by all that identifies them."""
        wanted = generation or read(self.db, feeding.serving)
        found: list[tuple[Any, ...]] = read(self.db, lambda reader: reader.all(_ROWS, wanted=wanted))
        return {row[1 : -len(SUM_NAMES)]: row[-len(SUM_NAMES) :] for row in found}

    def ask(
        self, *by: Dimension, first: str = "2026-01-01", last: str = "2026-12-31", caller: Caller = SYSTEM, **only: Any
    ) -> insight.Answer:
        question = insight.Question(
            first=date.fromisoformat(first), last=date.fromisoformat(last), by=by, only=Filters(**only)
        )
        return read(self.db, insight.finance, by=caller, question=question)

    def differences(self) -> list[insight.Difference]:
        return read(self.db, insight.verify_lot, lot=self.street.lot)

    # straight from the tables

    def received(self) -> Counter[str]:
        found = receipts_in(self.db, self.street.lot)
        filling = {one.id for one in self._bills() if one.subject_kind == payments.PREPAID}
        return _added((one.method.value, one.amount.minor) for one in found if one.bill not in filling)

    def billed(self) -> int:
        return sum(one.due.minor for one in self._bills() if one.subject_kind != payments.PREPAID)

    def put_in(self) -> int:
        return sum(one.paid.minor for one in self._bills() if one.subject_kind == payments.PREPAID)

    def _bills(self) -> list[payments.Bill]:
        return bills_in(self.db, self.street.lot)

    def sent_back(self) -> Counter[str]:
        found = refunds_in(self.db, self.street.lot)
        return _added((one.cause.value, one.amount.minor) for one in found if one.state is RefundState.DONE)


def _added(pairs: Any) -> Counter[str]:
    found = Counter[str]()
    for name, minor in pairs:
        found[name] += minor
    return found


class History:
    """Days at the mall as dice have them: whatever is refused did not happen."""

    def __init__(self, street: Street, seed: int) -> None:
        self.street, self.dice = street, random.Random(seed)
        self._payments = (self.pay_cash, self.pay_by_phone, self.pay_too_much, self.let_out)
        self._afterwards = (self.refund, self.money_went, self.give_up, self.waive, self.fill, self.pay_out)
        self.account = write(
            street.db, prepaid.open_account, lot=street.lot, code="A-1", plates=[Plate.read(THIRD_CAR)]
        ).id  # fmt: skip

    def go_on(self, visits: int) -> None:
        for _ in range(visits):
            for deeds in ((self.arrive,), (self.ask_in_advance, None), (self.leave,), self._payments, self._afterwards):
                self.street.pass_minutes(self.dice.choice((3, 61, 400)))
                deed = self.dice.choice(deeds)
                if deed is not None:
                    with suppress(Problem, AssertionError, IndexError):
                        deed()
                    self.street.react()

    def arrive(self) -> None:
        self._car = self.dice.choice(CARS)
        self.street.arrive("in-1", self._car)

    def leave(self) -> None:
        self.street.arrive("out-1", self._car)

    def ask_in_advance(self) -> None:
        self.street.bill_in_advance(self._car)

    def pay_cash(self) -> None:
        bill = self.street.bill_at("out-1")
        write(
            self.street.db, payments.take_cash, by=of_company(COMPANY), bill=bill.id, tendered=bill.left
        )  # fmt: skip

    def pay_by_phone(self) -> None:
        self.street.pay_by_phone(self.street.bill_at("out-1"))

    def pay_too_much(self) -> None:
        """An order is paid when cash has settled its bill."""
        order = write(self.street.db, begin_attempt, bill=self.street.bill_at("out-1").id, channel="sandpay")
        self.pay_cash()
        write(
            self.street.db, record_channel_payment, channel="sandpay", number=order.number, amount=order.amount,
            transaction=order.number,
        )  # fmt: skip

    def let_out(self) -> None:
        self.street.open_by_hand("out-1")

    def refund(self) -> None:
        found = receipts_in(self.street.db, self.street.lot)
        one = self.dice.choice(found)
        amount = Money(self.dice.randint(1, one.amount.minor), "CNY")
        write(
            self.street.db, refunds.refund, by=of_company(COMPANY), receipt=one.id, amount=amount, reason="sorry"
        )  # fmt: skip

    def money_went(self) -> None:
        found = refunds_in(self.street.db, self.street.lot)
        write(self.street.db, refunds.refund_went, refund=self.dice.choice(found).id, channel_refund=None)

    def give_up(self) -> None:
        found = refunds_in(self.street.db, self.street.lot)
        asked = [one for one in found if one.state is RefundState.ASKED]
        one = self.dice.choice(asked or found)
        write(self.street.db, refunds.refund_does_not_go, refund=one.id, detail="no")
        write(self.street.db, refunds.give_up, refund=one.id, reason="no")

    def fill(self) -> None:
        """Put money into the account of one of the cars, or ask for it only."""
        amount = Money(self.dice.randint(100, 3_000), "CNY")
        bill = write(self.street.db, prepaid.top_up, account=self.account, amount=amount)
        if self.dice.random() < 0.8:
            write(self.street.db, payments.take_cash, by=of_company(COMPANY), bill=bill.id, tendered=amount)

    def pay_out(self) -> None:
        amount = Money(self.dice.randint(1, 200), "CNY")
        write(
            self.street.db, refunds.pay_out, by=of_company(COMPANY), account=self.account, amount=amount, reason="sorry"
        )  # fmt: skip

    def waive(self) -> None:
        found = debts_in(self.street.db, self.street.lot)
        owed = [one for one in found if one.state is DebtState.OPEN]
        write(self.street.db, debts.waive_debt, by=of_company(COMPANY), debt=self.dice.choice(owed).id, reason="kind")
