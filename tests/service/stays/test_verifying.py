"""An exit that opened although its bill is owed, or twice for one bill, is found by the walk over the books."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from openberth.bootstrap import CHECKS
from openberth.contexts.payments.reactions import Verifying
from openberth.contexts.payments.service import watching
from openberth.entrypoints.cli.ledger import compared
from openberth.kernel.time import DAY_US, HOUR_US
from tests.service.acting import read
from tests.service.stays.street import CAR, OTHER_CAR, Street
from tests.service.tenancy.trail import sql


def paid_and_gone(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    street.react()


def found(street: Street) -> list[str]:
    return sorted(one.what for one in compared(street.db)[1])


def test_exits_that_opened_for_a_reason_are_right(street: Street) -> None:
    paid_and_gone(street)
    street.arrive("in-2", OTHER_CAR)
    street.pass_minutes(61)
    street.arrive("out-2", OTHER_CAR)
    assert found(street) == []
    street.open_by_hand("out-2")  # and what it owes stays a debt
    assert found(street) == []


def test_an_exit_that_opened_while_money_was_owed_is_named(street: Street) -> None:
    paid_and_gone(street)
    sql(street.db, "UPDATE bill SET state = 'open', settled_at = NULL, paid_minor = paid_minor - 1")
    assert found(street) == ["bill.receivable", "gate.unpaid"]


def test_an_exit_that_opened_twice_for_one_bill_is_named(street: Street) -> None:
    paid_and_gone(street)
    sql(street.db, "UPDATE passage SET bill_id = (SELECT id FROM bill), lane_kind = 'exit' WHERE lane_kind = 'entry'")
    assert found(street) == ["gate.twice", "gate.twice"]


def test_nothing_is_told_while_everything_is_at_work(street: Street) -> None:
    """Cars come, pay and leave in one thread while walks go over the same rows in another."""
    street.machine.advance((19 * HOUR_US - street.machine.now()) % DAY_US)

    def walks() -> None:
        for _ in range(6):
            asyncio.run(Verifying(street.db, CHECKS, settle_s=0).run())
            street.machine.advance(HOUR_US // 2)

    with ThreadPoolExecutor(1) as beside:
        walking = beside.submit(walks)
        for _ in range(8):
            paid_and_gone(street)
            street.pass_minutes(1)
        walking.result()
    assert read(street.db, watching.how_many) == 0
    assert found(street) == []
