"""What payments tells of money, so that whoever adds it up needs no rows: each end once, also those from before."""

import pytest
from sqlalchemy import bindparam, delete

from openberth.contexts.payments.model import RefundCause
from openberth.contexts.payments.service import debts, refunds, untold
from openberth.contexts.payments.store.tables import untold as untold_table
from openberth.infra.database import Unit
from openberth.infra.database.schema import event
from openberth.infra.database.statement import Write, insert_into
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from tests.service.acting import COMPANY, debts_in, events, of_company, read, write
from tests.service.stays.street import CAR, OTHER_CAR, Street

ENDS = ("payments.bill_withdrawn", "payments.bill_written_off", "payments.refund_made")


@pytest.fixture
def ended(street: Street) -> Street:
    """One bill was superseded, one paid in cash and given back in part by hand, one left unpaid and let go."""
    street.arrive("in-1", CAR)
    street.arrive("in-1", OTHER_CAR)
    street.pass_minutes(61)
    street.bill_in_advance(CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    street.pay_cash("out-1")
    street.arrive("out-1", OTHER_CAR)
    street.open_by_hand("out-1")
    [receipt] = events(street.db, "payments.receipt_recorded")
    write(
        street.db, refunds.refund, by=of_company(COMPANY), receipt=Id(receipt.body["receipt"]),
        amount=Money(100, "CNY"), reason="sorry",
    )  # fmt: skip
    [debt] = debts_in(street.db, street.lot)
    write(street.db, debts.waive_debt, by=of_company(COMPANY), debt=debt.id, reason="kind")
    return street


def test_every_end_is_told_with_its_money(ended: Street) -> None:
    withdrawn, refund, lost = [one.body for one in events(ended.db, *ENDS)]
    assert (withdrawn["state"], withdrawn["left_minor"]) == ("superseded", 750)
    assert (lost["left_minor"], lost["currency"]) == (1250, "CNY")
    [issued] = {one.body["tariff_version"] for one in events(ended.db, "payments.bill_issued")}
    [receipt] = events(ended.db, "payments.receipt_recorded")
    assert issued == withdrawn["tariff_version"] == receipt.body["tariff_version"] == refund["tariff_version"]
    assert (refund["method"], refund["cause"], refund["amount_minor"]) == ("cash", RefundCause.BY_HAND.value, 100)
    assert refund["asked_by"] == "operator"
    assert (receipt.version, receipt.body["account"]) == (2, None)


def test_ends_from_before_are_told_once(ended: Street) -> None:
    """As after an update: the events are not there, the revision has listed their subjects."""
    before = [one.body for one in events(ended.db, *ENDS)]
    listed = [(one.body.get("bill"), one.body.get("refund")) for one in events(ended.db, *ENDS)]

    def forget(unit: Unit) -> None:
        for kind in ENDS:
            unit.run(Write(delete(event).where(event.c.kind == bindparam("gone"))), gone=kind)
        for bill, refund in listed:
            kind, subject = ("refund", refund) if refund else ("bill", bill)
            unit.run(insert_into(untold_table), id=Id(subject), kind=kind)

    write(ended.db, lambda unit: forget(unit))
    assert not events(ended.db, *ENDS)
    assert not read(ended.db, untold.is_told)
    ended.pass_minutes(600)
    assert not write(ended.db, untold.tell_some)
    assert not write(ended.db, untold.tell_some)
    assert read(ended.db, untold.is_told)
    told = [one.body for one in events(ended.db, *ENDS)]
    assert sorted(told, key=str) == sorted(before, key=str)
