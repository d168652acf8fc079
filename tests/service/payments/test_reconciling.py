"""Days of a channel held against our books: read, compared, decided upon, closed."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import select

from openberth.contexts.payments.model.channels import ChannelAccount, ChannelKind
from openberth.contexts.payments.model.reconciling import DayState, DifferenceKind, DifferenceState, RowKind
from openberth.contexts.payments.ports import (
    ChannelState,
    OrderState,
    RefundOrder,
    RefundProgress,
    RefundState,
    Statement,
    StatementNotReady,
    StatementRow,
)
from openberth.contexts.payments.reactions import Cashier, Channels, Reconciling, Refunding
from openberth.contexts.payments.reactions.reconciling import JOB_RECONCILE
from openberth.contexts.payments.service import channels as accounts
from openberth.contexts.payments.service import reconciling as service
from openberth.contexts.payments.service.attempts import begin_attempt
from openberth.contexts.payments.service.receipts import record_channel_payment
from openberth.contexts.payments.service.refunds import refund, refund_by_id
from openberth.contexts.payments.store.reconciling import Day, Difference
from openberth.contexts.tenancy.model.organisation import Node
from openberth.infra.database.schema import job
from openberth.infra.database.statement import Query
from openberth.infra.jobs import Job
from openberth.kernel.errors import Refused
from openberth.kernel.ids import BEYOND_ALL, Id
from openberth.kernel.money import Money
from openberth.kernel.time import DAY_US, Instant, as_datetime
from tests.service.acting import events, of_company, read, receipts_in, write
from tests.service.payments.test_refunds import Maker
from tests.service.stays.street import Street

BEIJING = timezone(timedelta(hours=8))


class Bank:
    """A channel that tells of days as it is told to."""

    name = "wechatpay"
    scenes: frozenset[Any] = frozenset()

    def __init__(self) -> None:
        self.rows: dict[date, list[StatementRow]] = {}
        self.paid: dict[str, ChannelState] = {}
        self.asked: list[date] = []
        self.progress = RefundProgress.DONE

    async def statement(self, day: date) -> Statement:
        self.asked.append(day)
        if day not in self.rows:
            raise StatementNotReady("channel.statement_not_ready", channel=self.name, day=day.isoformat())
        return Statement(day, tuple(self.rows[day]))

    async def query(self, number: str) -> ChannelState:
        return self.paid.get(number, ChannelState(number=number, state=OrderState.OPEN))

    async def query_refund(self, order: RefundOrder) -> RefundState:
        done = self.progress is RefundProgress.DONE
        return RefundState(number=order.number, progress=self.progress, refunded=order.amount if done else None)

    async def refund(self, order: RefundOrder) -> RefundState:
        raise AssertionError("nobody asks for money by reading a statement")

    async def aclose(self) -> None:
        return None


class Books:
    """One contract, payments on it, and its bank."""

    def __init__(self, street: Street) -> None:
        self.street, self.bank = street, Bank()
        self.account: ChannelAccount = write(
            street.db, accounts.add_account, node=Node.platform(), kind=ChannelKind.WECHATPAY, name="all", params={},
            secrets={},
        )  # fmt: skip
        self.cars = iter(range(10_000, 99_999))

    @property
    def today(self) -> date:
        return as_datetime(self.street.machine.now()).astimezone(BEIJING).date()

    def opened(self) -> Any:
        """Have a car at an exit with an order for its bill."""
        street = self.street
        car = f"粤B{next(self.cars)}"
        street.arrive("in-1", car)
        street.pass_minutes(61)
        street.arrive("out-1", car)
        return write(
            street.db, begin_attempt, bill=street.bill_at("out-1").id, channel="wechatpay", account=self.account.id
        )

    def paid(self) -> StatementRow:
        """Have a car pay; return the row in which the channel will tell of it."""
        attempt = self.opened()
        write(
            self.street.db, record_channel_payment, channel="wechatpay", account=self.account.id,
            number=attempt.number, amount=attempt.amount, transaction=f"4200{attempt.number[-20:]}",
        )  # fmt: skip
        self.street.react()
        return self.row(attempt)

    def row(self, attempt: Any, minor: int | None = None) -> StatementRow:
        amount = attempt.amount if minor is None else Money(minor, "CNY")
        return StatementRow(
            kind=RowKind.PAYMENT, number=attempt.number, transaction=f"4200{attempt.number[-20:]}", amount=amount,
            fee=Money(5, "CNY"), at=self.street.machine.now(), state="SUCCESS",
        )  # fmt: skip

    def next_day(self, rows: Sequence[StatementRow]) -> None:
        """Let the channel tell of today, and the next day begin."""
        self.bank.rows[self.today] = list(rows)
        self.street.machine.advance(DAY_US)
        self.street.business.advance(DAY_US)

    def read(self) -> int:
        known = Channels(
            self.street.db, {ChannelKind.WECHATPAY: Maker(self.bank)}, public_base="http://x", production=False
        )
        cashier = Cashier(self.street.db, known)
        refunding = Refunding(self.street.db, known)
        return asyncio.run(Reconciling(self.street.db, known, cashier, refunding).catch_up(self.account))

    def days(self) -> list[Day]:
        return read(self.street.db, service.days, before=BEYOND_ALL, limit=50)[::-1]

    def narrowed(self, account: Id | None = None, state: DayState | None = None) -> list[Day]:
        return read(self.street.db, service.days, before=BEYOND_ALL, limit=50, account=account, state=state)

    def undecided(self) -> dict[tuple[Id, str], int]:
        return read(self.street.db, service.open_differences)

    def differences(self, day: Day) -> list[Difference]:
        return read(self.street.db, service.differences_of, day=day)


@pytest.fixture
def books(street: Street) -> Books:
    # Noon in Beijing, so that cars of a test stay within a day.
    now = street.machine.now()
    to_noon = (4 * 3_600_000_000 - now) % DAY_US
    street.machine.advance(to_noon)
    return Books(street)


def test_a_day_that_agrees_is_closed_by_itself(books: Books) -> None:
    rows = [books.paid(), books.paid()]
    first = books.today
    books.next_day(rows)
    assert books.read() == 1
    [day] = books.days()
    assert (day.day, day.state, day.row_count) == (first, DayState.CLOSED, 2)
    assert (day.paid_minor, day.refunded_minor, day.fee_minor) == (1500, 0, 10)
    assert books.read() == 0  # a day is read once
    told = [event.body["day"] for event in events(books.street.db, "payments.day_closed")]
    assert told == [first.isoformat()]


def test_days_are_read_in_order_and_none_is_passed_over(books: Books) -> None:
    row = books.paid()
    books.next_day([row])
    books.next_day([])
    first = books.today - timedelta(days=2)
    del books.bank.rows[first + timedelta(days=1)]  # not ready yet
    with pytest.raises(StatementNotReady):
        books.read()
    assert [day.day for day in books.days()] == [first]
    books.bank.rows[first + timedelta(days=1)] = []
    assert books.read() == 1
    assert [day.day for day in books.days()] == [first, first + timedelta(days=1)]


def test_what_only_the_channel_knows_waits_for_a_person(books: Books) -> None:
    row = books.paid()
    strange = StatementRow(
        kind=RowKind.PAYMENT, number="somebodyelse", transaction="9", amount=Money(1, "CNY"), fee=Money(0, "CNY"),
        at=Instant(0), state="SUCCESS",
    )  # fmt: skip
    books.next_day([row, strange])
    books.read()
    [day] = books.days()
    [one] = books.differences(day)
    assert (day.state, one.kind, one.number) == (DayState.OPEN, DifferenceKind.LONG, "somebodyelse")
    assert books.undecided() == {(books.account.id, day.day.isoformat()): 1}
    assert books.narrowed(account=books.account.id, state=DayState.OPEN) == [day]
    assert books.narrowed(state=DayState.CLOSED) == books.narrowed(account=day.id) == []
    with pytest.raises(Refused, match=r"reconciliation\.open_differences"):
        write(books.street.db, service.close_day, day=day.id)
    done = write(books.street.db, service.decide, difference=one.id, reason="a test payment at the shop")
    assert (done.state, done.reason) == (DifferenceState.DECIDED, "a test payment at the shop")
    with pytest.raises(Refused, match=r"reconciliation\.decided"):
        write(books.street.db, service.decide, difference=one.id, reason="again")
    assert books.undecided() == {}
    assert write(books.street.db, service.close_day, day=day.id).state is DayState.CLOSED
    with pytest.raises(Refused, match=r"reconciliation\.day_closed"):
        write(books.street.db, service.close_day, day=day.id)


def test_a_payment_we_never_heard_of_is_taken_over_and_opens(books: Books) -> None:
    attempt = books.opened()
    books.bank.paid[attempt.number] = ChannelState(
        number=attempt.number, state=OrderState.PAID, paid=attempt.amount,
        transaction=f"4200{attempt.number[-20:]}", paid_at=Instant(0),
    )  # fmt: skip
    books.next_day([books.row(attempt)])
    books.read()
    [day] = books.days()
    assert (day.state, books.differences(day)) == (DayState.CLOSED, [])
    books.street.react()
    assert not books.street.standing("out-1").waiting


def test_a_payment_that_is_told_of_during_the_comparison_is_no_difference(books: Books) -> None:
    """Its notification arrives between our looking at the books and our asking the channel: it has come, too."""
    attempt = books.opened()
    row = books.row(attempt)
    books.next_day([row])

    async def told_meanwhile(day: date) -> Statement:
        found = await Bank.statement(books.bank, day)
        match_once = books.street.db.report

        async def report(*words: Any, **more: Any) -> Any:
            seen = await match_once(*words, **more)
            books.street.db.report = match_once  # type: ignore[method-assign]
            write(
                books.street.db, record_channel_payment, channel="wechatpay", account=books.account.id,
                number=attempt.number, amount=attempt.amount, transaction=row.transaction,
            )  # fmt: skip
            return seen

        books.street.db.report = report  # type: ignore[method-assign]
        return found

    books.bank.statement = told_meanwhile  # type: ignore[method-assign]
    assert books.read() == 1
    [day] = books.days()
    assert (day.state, books.differences(day)) == (DayState.CLOSED, [])


@pytest.mark.parametrize(("progress", "state"), [(RefundProgress.DONE, "done"), (RefundProgress.UNDER_WAY, "asked")])
def test_a_refund_whose_end_we_never_heard_of_is_no_difference(
    books: Books, progress: RefundProgress, state: str
) -> None:
    """Its answer was lost, and the server was away until the morning: its job and the statement come at once.

    What is done is taken over; what the bank has not made yet is told of all the same, and known.
    """
    books.bank.progress = progress
    row, db = books.paid(), books.street.db
    [receipt] = receipts_in(db, books.street.lot)
    asked = write(db, refund, receipt=receipt.id, amount=Money(300, "CNY"), reason="complaint")
    back = replace(row, kind=RowKind.REFUND, number=asked.number, amount=asked.amount)
    books.next_day([row, back])
    books.read()
    [day] = books.days()
    assert (day.state, books.differences(day)) == (DayState.CLOSED, [])
    assert read(db, refund_by_id, refund=asked.id).state == state


def test_another_sum_is_a_difference(books: Books) -> None:
    attempt = books.opened()
    write(
        books.street.db, record_channel_payment, channel="wechatpay", account=books.account.id, number=attempt.number,
        amount=attempt.amount, transaction=f"4200{attempt.number[-20:]}",
    )  # fmt: skip
    books.next_day([books.row(attempt, 749)])
    books.read()
    [one] = books.differences(books.days()[0])
    assert (one.kind, one.theirs, one.ours) == (DifferenceKind.AMOUNT, Money(749, "CNY"), Money(750, "CNY"))


def test_what_the_channel_does_not_tell_of_may_stand_in_its_next_file(books: Books) -> None:
    late, lost = books.paid(), books.paid()
    books.next_day([])
    assert books.read() == 1
    assert books.days()[0].state is DayState.CLOSED  # nothing is missed yet
    books.next_day([late])
    books.read()
    second = books.days()[1]
    [one] = books.differences(second)
    assert (one.kind, one.number, one.ours) == (DifferenceKind.SHORT, lost.number, Money(750, "CNY"))
    books.next_day([lost])  # a day later than anybody expects
    books.read()
    [one] = books.differences(second)
    assert one.state is DifferenceState.GONE


def test_the_next_morning_is_planned_while_this_one_is_at_work(books: Books) -> None:
    known = Channels(books.street.db, {ChannelKind.WECHATPAY: Maker(books.bank)}, public_base="x", production=False)
    db = books.street.db
    reading = Reconciling(db, known, Cashier(db, known), Refunding(db, known))
    asyncio.run(reading.start())

    def planned() -> list[int]:
        due = Query(select(job.c.due_at).where(job.c.kind == JOB_RECONCILE).order_by(job.c.due_at), int)
        return read(books.street.db, lambda reader: reader.all(due))

    [first] = planned()
    books.street.machine.advance(first - books.street.machine.now())
    asyncio.run(reading.work(Job(Id(int=1), JOB_RECONCILE, {}, 1, None)))
    assert planned() == [first, first + DAY_US]


def test_days_of_others_are_out_of_reach(books: Books) -> None:
    books.next_day([])
    books.read()
    stranger = of_company(Id(int=0xC0))
    assert read(books.street.db, service.days, by=stranger, before=BEYOND_ALL, limit=5) == []
    assert as_datetime(books.street.machine.now(), None).tzinfo is UTC
