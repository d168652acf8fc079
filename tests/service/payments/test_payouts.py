"""What a channel keeps and pays out stands in the ledger, once, with the lot whose money it is."""

from datetime import timedelta
from typing import Any

import pytest

from openberth.contexts.payments.model.payouts import Owed, Payout, PayoutState
from openberth.contexts.payments.model.reconciling import DayState, RowKind
from openberth.contexts.payments.ports import StatementRow
from openberth.contexts.payments.service import ledger, payouts, refunds
from openberth.kernel.errors import Refused
from openberth.kernel.money import Money
from tests.service.acting import SYSTEM, events, read, receipts_in, write
from tests.service.databases import ONCE
from tests.service.payments.test_reconciling import Books, books
from tests.service.payments.test_verifying import differences
from tests.service.tenancy.trail import sql

__all__ = ["books"]


def balances(books: Books) -> dict[str, int]:
    found = read(books.street.db, ledger.balances, lot=books.street.lot)
    return {code: minor for (code, _), minor in found.items() if code in ("clearing", "channel_fee", "bank")}


def owed(books: Books) -> Owed:
    return read(books.street.db, payouts.owed_by, account=books.account.id)


def pay_out(books: Books, minor: int, reference: str = "B1", reason: str | None = None) -> Payout:
    made: Payout = write(
        books.street.db, payouts.record_payout, account=books.account.id, owed=owed(books),
        amount=Money(minor, "CNY"), day=books.today, reference=reference, reason=reason,
    )  # fmt: skip
    return made


def test_fees_are_booked_once_when_a_statement_confirms(books: Books) -> None:
    early, late = books.paid(), books.paid()
    books.next_day([early])
    books.read()
    assert balances(books) == {"clearing": 1495, "channel_fee": 5}
    books.next_day([early, late])  # one of them is told again, a day later
    books.read()
    assert balances(books) == {"clearing": 1490, "channel_fee": 10}
    assert [day.unbooked_fee_minor for day in books.days()] == [0, 5]
    assert differences(books.street) == []


def test_what_a_channel_gives_back_of_its_fee_is_booked_back(books: Books) -> None:
    paid = books.paid()
    [receipt] = receipts_in(books.street.db, books.street.lot)
    back = write(books.street.db, refunds.refund, receipt=receipt.id, amount=Money(250, "CNY"), reason="rain")
    write(books.street.db, refunds.refund_went, by=SYSTEM, refund=back.id, channel_refund="c")
    row = StatementRow(
        kind=RowKind.REFUND, number=back.number, transaction=paid.transaction, amount=back.amount,
        fee=Money(-2, "CNY"), at=paid.at, state="REFUND",
    )  # fmt: skip
    books.next_day([paid, row])
    books.read()
    assert books.days()[0].state is DayState.CLOSED
    assert balances(books) == {"clearing": 750 - 250 - 5 + 2, "channel_fee": 3}
    assert differences(books.street) == []


@ONCE
def test_the_fee_of_money_that_we_do_not_know_is_told_and_not_booked(books: Books) -> None:
    strange = StatementRow(
        kind=RowKind.PAYMENT, number="x", transaction="9", amount=Money(900, "CNY"), fee=Money(7, "CNY"),
        at=books.street.machine.now(), state="SUCCESS",
    )  # fmt: skip
    books.next_day([books.paid(), strange])
    books.read()
    [day] = books.days()
    assert (day.fee_minor, day.unbooked_fee_minor) == (12, 7)
    assert balances(books) == {"clearing": 745, "channel_fee": 5}
    assert differences(books.street) == []


def test_a_payout_moves_what_the_channel_owed_to_the_bank(books: Books) -> None:
    books.next_day([books.paid(), books.paid()])
    books.read()
    assert owed(books).total == Money(1490, "CNY")
    with pytest.raises(Refused, match=r"payout\.too_much"):
        pay_out(books, 1491)
    made = pay_out(books, 1000)
    assert balances(books) == {"clearing": 490, "channel_fee": 10, "bank": 1000}
    with pytest.raises(Refused, match=r"payout\.known"):
        pay_out(books, 490)
    assert differences(books.street) == []
    gone = write(books.street.db, payouts.withdraw_payout, payout=made.id, reason="another contract's")
    assert (gone.state, gone.reason) == (PayoutState.WITHDRAWN, "another contract's")
    assert balances(books) == {"clearing": 1490, "channel_fee": 10}
    pay_out(books, 1490)  # by the same reference: the first counts no more
    assert owed(books).places == {}
    assert differences(books.street) == []
    assert len(events(books.street.db, "payments.payout_recorded")) == 2


def test_a_payout_that_another_one_overtook_is_refused(books: Books) -> None:
    books.next_day([books.paid()])
    books.read()
    before = owed(books)
    pay_out(books, 1)
    form: dict[str, Any] = {"amount": Money(745, "CNY"), "day": books.today, "reference": "B2", "reason": None}
    with pytest.raises(Refused, match=r"payout\.meanwhile"):
        write(books.street.db, payouts.record_payout, account=books.account.id, owed=before, **form)


@ONCE
@pytest.mark.parametrize(
    ("break_it", "what"),
    [
        ("UPDATE confirmed_row SET fee_minor = fee_minor + 1", ["day.fees", "fee.booked"]),
        ("UPDATE reconciled_day SET fee_minor = fee_minor + 1", ["day.fees"]),
        ("UPDATE payout_share SET amount_minor = amount_minor + 1", ["payout.booked", "payout.shares"]),
        ("UPDATE channel_payout SET state = 'withdrawn'", ["clearing.negative", "payout.booked"]),
        ("UPDATE channel_payout SET excess_minor = 0", ["clearing.negative"]),
    ],
)
def test_what_does_not_agree_is_named(books: Books, break_it: str, what: list[str]) -> None:
    books.next_day([books.paid()])
    books.read()
    pay_out(books, 800, reason="the kiosk under the same contract")
    assert owed(books).total == Money(-55, "CNY")
    assert differences(books.street) == []
    sql(books.street.db, break_it)
    assert differences(books.street) == what


@ONCE
def test_refunds_after_a_payout_leave_less_than_nothing_and_that_is_right(books: Books) -> None:
    books.next_day([books.paid()])
    books.read()
    pay_out(books, 745)
    [receipt] = receipts_in(books.street.db, books.street.lot)
    back = write(books.street.db, refunds.refund, receipt=receipt.id, amount=Money(250, "CNY"), reason="rain")
    write(books.street.db, refunds.refund_went, by=SYSTEM, refund=back.id, channel_refund="c")
    assert owed(books).total == Money(-250, "CNY")
    assert differences(books.street) == []
    assert books.days()[0].day == books.today - timedelta(days=1)
