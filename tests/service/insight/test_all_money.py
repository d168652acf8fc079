"""All ways of money in one history of dice: whatever happens, ledger, rollups and tables say the same."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from openberth.contexts import payments
from openberth.contexts.insight.model.movements import Measure
from openberth.contexts.payments.model import Receipt, ReceiptMethod, Refund, RefundCause, RefundState
from openberth.contexts.payments.model.reconciling import RowKind
from openberth.contexts.payments.model.safes import MoveKind
from openberth.contexts.payments.model.shifts import Count, Shift
from openberth.contexts.payments.ports import StatementRow
from openberth.contexts.payments.service import ledger, payouts, prepaid, refunds, safes, shifts
from openberth.contexts.payments.service.attempts import begin_attempt
from openberth.contexts.payments.service.receipts import record_channel_payment, take_slip
from openberth.contexts.payments.service.sheets import shifts_of_lot
from openberth.contexts.payments.service.tills import in_till
from openberth.contexts.tenancy import PERMISSIONS
from openberth.entrypoints.cli.ledger import compared
from openberth.kernel.authority import Actor, ActorKind, Caller, Scope
from openberth.kernel.errors import Problem
from openberth.kernel.ids import BEYOND_ALL
from openberth.kernel.money import Money
from openberth.kernel.time import HOUR_US
from tests.service.acting import COMPANY, read, receipts_in, refunds_in, write
from tests.service.insight.accountant import Accountant, History
from tests.service.payments.test_reconciling import Books, books

__all__ = ["books"]

LI, WANG, BOSS = (Caller(Actor(ActorKind.PERSON, name), Scope(COMPANY), PERMISSIONS) for name in ("li", "wang", "boss"))
# Where money of the world lies, and what was lost on the way to there.
HELD_BY_US = (
    "clearing", "till", "safe", "bank", "cash_variance", "pos_clearing", "other_clearing", "channel_fee",
)  # fmt: skip

SEED = 3  # one in whose history all of it happens


class Everything(History):
    """A history that knows channels with statements, shifts, slips, holds and pay-outs that arrive after all."""

    def __init__(self, books: Books, seed: int) -> None:
        super().__init__(books.street, seed)
        self.books, self.done = books, Counter[str]()
        self._rows: list[StatementRow] = []
        self._number = 0
        self._deeds: tuple[tuple[int, Callable[[], Any]], ...] = (
            (7, self.visit), (3, self.fill), (3, self.pay_out), (4, self.hold), (2, self.begin_shift),
            (3, self.end_shift), (2, self.check), (3, self.carry), (4, self.give_back), (4, self.went),
            (3, self.give_up), (3, self.after_all), (3, self.by_hand), (3, self.tell_day), (2, self.channel_pays),
            (2, self.waive),
        )  # fmt: skip

    def run(self, deeds: int) -> None:
        weights, choices = zip(*self._deeds, strict=True)
        for _ in range(deeds):
            deed = self.dice.choices(choices, weights)[0]
            with suppress(Problem, IndexError):
                deed()
                self.done[deed.__name__] += 1
            self.street.react()

    # cars and what they pay by

    def visit(self) -> None:
        self.arrive()
        self.street.pass_minutes(self.dice.choice((40, 61, 400)))
        self.leave()
        if self.street.standing("out-1").bill_id is None:
            return
        bill = self.street.bill_at("out-1")
        if bill.state is payments.BillState.OPEN:
            self.pay(bill, self.dice.choice((self.cash, self.phone, self.slip, self.twice, self.nothing)))

    def pay(self, bill: payments.Bill, way: Callable[[payments.Bill], None]) -> None:
        way(bill)
        self.done[way.__name__] += 1

    def cash(self, bill: payments.Bill) -> None:
        self.do(payments.take_cash, bill=bill.id, tendered=bill.left)

    def phone(self, bill: payments.Bill) -> None:
        self._told(self._order(bill))

    def twice(self, bill: payments.Bill) -> None:
        """An order is paid when cash has settled its bill."""
        order = self._order(bill)
        self.cash(bill)
        self._told(order)

    def slip(self, bill: payments.Bill) -> None:
        method = self.dice.choice((ReceiptMethod.POS, ReceiptMethod.OTHER))
        terminal, note = ("T1", None) if method is ReceiptMethod.POS else (None, "transfer")
        self.do(
            take_slip, bill=bill.id, method=method, amount=bill.left, reference=self.number(), terminal=terminal,
            note=note,
        )  # fmt: skip

    def nothing(self, bill: payments.Bill) -> None:
        if bill.subject_kind != payments.PREPAID:
            self.let_out()

    def fill(self) -> None:
        amount = Money(self.dice.randint(100, 5_000), "CNY")
        bill = self.do(prepaid.top_up, account=self.account, amount=amount)
        self.pay(bill, self.dice.choice((self.cash, self.phone, self.phone, self.slip, self.nothing, self.twice)))

    def _order(self, bill: payments.Bill) -> payments.Attempt:
        return write(
            self.street.db, begin_attempt, bill=bill.id, channel="wechatpay", account=self.books.account.id
        )  # fmt: skip

    def _told(self, order: payments.Attempt) -> None:
        row = self.books.row(order)
        write(
            self.street.db, record_channel_payment, channel="wechatpay", account=self.books.account.id,
            number=order.number, amount=order.amount, transaction=row.transaction,
        )  # fmt: skip
        self._rows.append(row)

    # what goes back

    def pay_out(self) -> None:
        balance = read(self.street.db, prepaid.account_by_id, account=self.account).balance.minor
        amount = Money(self.dice.randint(1, balance), "CNY") if balance and self.dice.random() < 0.6 else None
        self.do(refunds.pay_out, account=self.account, amount=amount, reason="sorry")

    def give_back(self) -> None:
        one = self.dice.choice(self.receipts())
        amount = Money(self.dice.randint(1, one.amount.minor), "CNY")
        self.do(refunds.refund, receipt=one.id, amount=amount, reason="sorry")

    def went(self) -> None:
        self._went(self.some(RefundState.ASKED))

    def after_all(self) -> None:
        """A channel makes what was given up, perhaps when the money has gone another way."""
        self._went(self.some(RefundState.GIVEN_UP))

    def give_up(self) -> None:
        one = self.some(RefundState.ASKED, RefundState.STUCK)
        write(self.street.db, refunds.refund_does_not_go, refund=one.id, detail="no")
        write(self.street.db, refunds.give_up, refund=one.id, reason="no")

    def by_hand(self) -> None:
        one = self.some(RefundState.STUCK)
        self.do(refunds.give_by_hand, refund=one.id, reference=self.number())

    def _went(self, one: Refund) -> None:
        if one.method is not ReceiptMethod.WECHATPAY:
            return
        write(self.street.db, refunds.refund_went, refund=one.id, channel_refund="c")
        self.done[f"{one.cause}_went"] += 1
        receipt = read(self.street.db, refunds.receipt_by_id, receipt=one.receipt)
        self._rows.append(
            StatementRow(
                kind=RowKind.REFUND, number=one.number, transaction=receipt.transaction, amount=one.amount,
                fee=Money(-self.dice.randint(0, 2), "CNY"), at=self.street.machine.now(), state="REFUND",
            )
        )  # fmt: skip

    def lose(self) -> None:
        """A channel makes a pay-out that was given up, when the account has nothing left."""
        self.phone(self.do(prepaid.top_up, account=self.account, amount=Money(1_000, "CNY")))
        [made] = self.do(refunds.pay_out, account=self.account, amount=Money(1_000, "CNY"), reason="sorry")
        write(self.street.db, refunds.refund_does_not_go, refund=made.id, detail="no")
        write(self.street.db, refunds.give_up, refund=made.id, reason="no")
        balance = read(self.street.db, prepaid.account_by_id, account=self.account).balance
        write(
            self.street.db, payments.hold, company=COMPANY, account=self.account, lot=self.street.lot,
            amount=balance, kind="stay", subject=self.account, lasts_us=HOUR_US,
        )  # fmt: skip
        self._went(made)

    # what is held

    def hold(self) -> None:
        self.arrive()
        self.street.pass_minutes(61)
        bill, _ = self.street.bill_in_advance(self._car)
        found = write(
            self.street.db, payments.hold, company=COMPANY, account=self.account, lot=self.street.lot,
            amount=bill.left + Money(self.dice.randint(0, 50), "CNY"), kind=bill.subject_kind, subject=bill.subject_id,
            lasts_us=HOUR_US,
        )  # fmt: skip
        if self.dice.random() < 0.5:
            write(self.street.db, payments.let_go, hold=found.id)
        elif self.dice.random() < 0.8:
            write(self.street.db, payments.capture, hold=found.id, bill=bill.id)
            self.done["capture"] += 1

    # cash

    def begin_shift(self) -> None:
        self.do(
            safes.move_cash, lot=self.street.lot, kind=MoveKind.FETCHED, amount=Money(500, "CNY"),
            reference=self.number(),
        )  # fmt: skip
        self.do(shifts.open_shift, lot=self.street.lot, opening=Money(self.dice.randint(0, 500), "CNY"))

    def end_shift(self) -> None:
        opened = [each for each in self.shifts() if each.closed_at is None]
        one = self.dice.choice(opened)
        expected = read(self.street.db, in_till, shift=one.id)
        onward = [shifts.Onward(each.id) for each in opened if each.id != one.id]
        write(
            self.street.db, shifts.hand_over, by=LI if one.holder.name == "li" else WANG, shift=one.id,
            count=Count(Money(max(expected + self.dice.choice((0, 0, -30, 20)), 0), "CNY")), reason="off",
            onward=self.dice.choice((None, *onward)),
        )  # fmt: skip

    def check(self) -> None:
        one = self.dice.choice([each for each in self.shifts() if each.counted is not None])
        assert one.counted is not None
        found = self.dice.choice((None, Count(one.counted + Money(15, "CNY"))))
        write(self.street.db, shifts.check_shift, by=BOSS, shift=one.id, count=found, reason="again")

    def carry(self) -> None:
        kind = self.dice.choice((MoveKind.DEPOSITED, MoveKind.COLLECTED))
        self.do(
            safes.move_cash, lot=self.street.lot, kind=kind, amount=Money(self.dice.randint(1, 700), "CNY"),
            reference=self.number(),
        )  # fmt: skip

    # what channels tell and pay

    def tell_day(self) -> None:
        """A statement of the day; what it leaves out comes with the next one."""
        told = [row for row in self._rows if self.dice.random() < 0.8]
        self._rows = [row for row in self._rows if row not in told]
        self.books.next_day(told)
        self.books.read()

    def channel_pays(self) -> None:
        owed = read(self.street.db, payouts.owed_by, account=self.books.account.id)
        amount = Money(self.dice.randint(1, max(owed.total.minor - 5 * len(self._rows), 1)), "CNY")
        made = write(
            self.street.db, payouts.record_payout, account=self.books.account.id, owed=owed, amount=amount,
            day=self.books.today, reference=self.number(), reason=None,
        )  # fmt: skip
        if self.dice.random() < 0.3:
            write(self.street.db, payouts.withdraw_payout, payout=made.id, reason="mistake")

    # words

    def do(self, use_case: Callable[..., Any], **params: Any) -> Any:
        return write(self.street.db, use_case, by=self.dice.choice((LI, WANG)), **params)

    def number(self) -> str:
        self._number += 1
        return f"N{self._number}"

    def receipts(self) -> list[Receipt]:
        return receipts_in(self.street.db, self.street.lot)

    def refunds(self) -> list[Refund]:
        return refunds_in(self.street.db, self.street.lot)

    def some(self, *states: RefundState) -> Refund:
        return self.dice.choice([each for each in self.refunds() if each.state in states])

    def shifts(self) -> list[Shift]:
        return read(self.street.db, shifts_of_lot, lot=self.street.lot, before=BEYOND_ALL, limit=200)


WAITING = (RefundState.ASKED, RefundState.STUCK)
DEEDS = {
    "visit", "fill", "pay_out", "hold", "capture", "begin_shift", "end_shift", "check", "carry", "give_back", "went",
    "give_up", "after_all", "by_hand", "tell_day", "channel_pays", "waive", "cash", "phone", "slip", "twice", "nothing",
}  # fmt: skip


def agrees(accountant: Accountant) -> None:
    assert compared(accountant.db)[1] == []
    assert accountant.differences() == []


def test_ledger_rollups_and_tables_say_the_same_of_all_ways_of_money(accountant: Accountant, books: Books) -> None:
    history = Everything(books, seed=SEED)
    for _ in range(4):
        history.run(30)
        agrees(accountant)  # what is not counted yet is no difference
        accountant.consume()
    history.lose()
    accountant.consume()
    agrees(accountant)
    assert DEEDS - set(history.done) == set(), "the dice left something out"

    [total] = accountant.ask().totals.values()
    [by_account] = accountant.ask(method="prepaid").totals.values()
    booked = Counter[str]()
    for (code, _), minor in read(accountant.db, ledger.balances, lot=accountant.street.lot).items():
        booked[code] += minor
    waiting = Counter[RefundCause]()
    for each in history.refunds():
        if each.state in WAITING:
            waiting[each.cause] += each.amount.minor

    # What came from the world and did not go back lies somewhere, or somebody kept it.
    put_in = total.minor(Measure.PUT_IN) - total.minor(Measure.PAID_OUT)
    assert sum(booked[code] for code in HELD_BY_US) == total.kept - by_account.kept + put_in
    # What was earned, what is on its way back, and what was let go.
    assert -booked["revenue"] == total.receivable - total.minor(Measure.REFUNDED) - waiting[RefundCause.BY_HAND]
    assert -booked["refunding"] == waiting.total()
    assert booked["written_off"] == total.minor(Measure.WRITTEN_OFF)
    # An account has what was put in and came back, less what it paid and what was or is paid out.
    account = read(accountant.db, prepaid.account_by_id, account=history.account)
    has = put_in - waiting[RefundCause.PAY_OUT] - by_account.kept + booked["prepaid_lost"]
    assert account.balance.minor + account.held.minor == has
    assert booked["prepaid_lost"] >= 1_000
    assert sum(booked.values()) == 0
