"""The ledger is compared with what happened, and opened for what happened before it."""

from dataclasses import replace

import pytest

from openberth.contexts.payments.model import ledger as booking
from openberth.contexts.payments.service import ledger, opening, refunds
from openberth.contexts.payments.store import refunds as store
from openberth.entrypoints.cli.ledger import compared
from openberth.infra.database import Database, Unit
from openberth.kernel.ids import BEYOND_ALL, Id
from tests.service.acting import SYSTEM, read, receipts_in, write
from tests.service.payments.test_refunds import at_the_exit, balances, carried, paid_by_phone
from tests.service.stays.street import OTHER_CAR, Street
from tests.service.tenancy.trail import sql, unlocked


def differences(street: Street) -> list[str]:
    return sorted(one.what for one in compared(street.db)[1])


def test_books_agree_at_every_moment(street: Street) -> None:
    at_the_exit(street)
    assert differences(street) == []
    paid_by_phone(street, 1000)
    assert differences(street) == []
    street.arrive("in-2", OTHER_CAR)
    street.pass_minutes(61)
    street.bill_in_advance(OTHER_CAR)
    street.pass_minutes(61)
    street.arrive("out-2", OTHER_CAR)
    assert differences(street) == []
    carried(street, object())  # the refund is stuck
    assert differences(street) == []
    looked_at, _ = compared(street.db)
    assert looked_at == 11  # the contract and four passages, too


@pytest.mark.parametrize(
    ("break_it", "what"),
    [
        ("UPDATE bill SET paid_minor = paid_minor + 1 WHERE state = 'open'", ["bill.receivable"]),
        ("UPDATE receipt SET amount_minor = amount_minor + 1", ["receipt.booked"]),
        ("UPDATE receipt SET surplus_minor = surplus_minor - 1", ["receipt.refunded", "receipt.surplus"]),
        ("UPDATE refund SET state = 'done', ended_at = 1", ["refund.holder", "refund.refunding"]),
        ("UPDATE receipt SET method = 'cash'", ["receipt.holder"]),
        ("UPDATE attempt SET state = 'expired'", ["attempt.receipts"]),
        ("DELETE FROM receipt", ["attempt.receipts"]),
    ],
)
def test_every_row_that_says_otherwise_is_found(street: Street, break_it: str, what: list[str]) -> None:
    street.arrive("in-2", OTHER_CAR)
    at_the_exit(street)
    street.bill_in_advance(OTHER_CAR)
    paid_by_phone(street, 1000)
    assert differences(street) == []
    sql(street.db, break_it)
    assert differences(street) == what


def test_more_that_went_back_than_came_is_found(street: Street) -> None:
    at_the_exit(street)
    street.pay_cash("out-1")
    [receipt] = receipts_in(street.db, street.lot)
    given = write(street.db, refunds.refund, receipt=receipt.id, amount=receipt.amount, reason="x")
    assert differences(street) == []
    again = replace(given, id=Id(int=given.id.int + 1), number="another")

    def once_more(unit: Unit) -> None:  # what books itself as it should, and yet should not be
        unit.run(store.INSERT_REFUND, **store.refund_row(again))
        for transfers in (booking.refund_asked(again), booking.refund_done(again)):
            ledger.book(unit, company=again.company, lot=again.lot, transfers=transfers)

    write(street.db, once_more)
    assert differences(street) == ["receipt.refunded"]


def test_what_happened_before_the_ledger_is_booked_afterwards(street: Street) -> None:
    street.arrive("in-2", OTHER_CAR)
    street.pass_minutes(61)
    street.bill_in_advance(OTHER_CAR)
    street.pass_minutes(61)
    street.arrive("out-2", OTHER_CAR)
    street.pay_cash("out-2")
    at_the_exit(street)
    assert read(street.db, opening.is_opened)
    told = balances(street)
    forget(street.db)
    assert balances(street) == {}
    assert not read(street.db, opening.is_opened)
    for _ in range(2):  # again changes nothing
        assert write(street.db, opening.open_books, by=SYSTEM, before=BEYOND_ALL) is None
        assert balances(street) == told
    assert read(street.db, opening.is_opened)
    assert differences(street) == []


def forget(db: Database) -> None:
    """Empty the ledger as it is before an update; its triggers refuse everybody else."""
    with unlocked(db, "ledger_transfer"):
        sql(db, "DELETE FROM ledger_transfer")
