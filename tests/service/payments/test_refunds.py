"""Money that goes back, and the ledger that knows where every unit of it is."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from openberth.contexts import payments
from openberth.contexts.payments.model import AttemptState, Receipt, Refund, RefundCause, RefundState
from openberth.contexts.payments.model.channels import ChannelKind
from openberth.contexts.payments.ports import (
    ChannelSpec,
    ChannelUnreachable,
    RefundOrder,
    RefundProgress,
)
from openberth.contexts.payments.ports import RefundState as ChannelRefund
from openberth.contexts.payments.reactions import Channels, Refunding
from openberth.contexts.payments.service import channels, ledger, refunds
from openberth.contexts.payments.service.attempts import attempt_by_id, begin_attempt
from openberth.contexts.payments.service.receipts import record_channel_payment
from openberth.contexts.payments.store import PAGE_MAX
from openberth.contexts.tenancy.model.organisation import Node
from openberth.entrypoints.cli.ledger import compared
from openberth.infra.database import Unit
from openberth.infra.jobs import Job, NotYet
from openberth.kernel.errors import Malformed, NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from tests.service.acting import events, read, receipts_in, refunds_in, write
from tests.service.stays.street import CAR, OTHER_CAR, THIRD_CAR, Street


def balances(street: Street) -> dict[str, int]:
    return {code: minor for (code, _), minor in read(street.db, ledger.balances, lot=street.lot).items()}


def paid_by_phone(street: Street, minor: int | None = None) -> Receipt:
    """Have the car at the exit pay its bill at the channel."""
    return street.pay_by_phone(street.bill_at("out-1"), None if minor is None else Money(minor, "CNY"))


def at_the_exit(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)


def the_refund(street: Street) -> Refund:
    [found] = refunds_in(street.db, street.lot)
    return found


class Bank:
    """A channel that gives money back, as its answers are set."""

    name = "sandpay"

    def __init__(self) -> None:
        self.says: list[Any] = []
        self.asked: list[RefundOrder] = []
        self.queried: list[str] = []

    async def refund(self, order: RefundOrder) -> ChannelRefund:
        self.asked.append(order)
        return self._answer(order)

    async def query_refund(self, order: RefundOrder) -> ChannelRefund:
        self.queried.append(order.number)
        return self._answer(order)

    def _answer(self, order: RefundOrder) -> ChannelRefund:
        said = self.says.pop(0)
        if isinstance(said, Exception):
            raise said
        refunded = order.amount if said is RefundProgress.DONE else None
        return ChannelRefund(number=order.number, progress=said, refunded=refunded, reason=None)


class Maker:
    """Makes the same channel of every contract."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel

    def check(self, params: Mapping[str, Any], secrets: Mapping[str, str], *, production: bool) -> None:
        return None

    def make(self, spec: ChannelSpec) -> Any:
        return self.channel


def channels_of(street: Street, channel: Any) -> Channels:
    """Return channels that know one contract of the platform."""
    write(street.db, payments.ensure_platform_account, kind=ChannelKind.SANDPAY, name="test", params={}, secrets={})
    return Channels(street.db, {ChannelKind.SANDPAY: Maker(channel)}, public_base="http://x", production=False)


def carried(street: Street, bank: Any) -> Refund:
    """Do the job of the refund once."""
    found = the_refund(street)
    job = Job(Id(int=1), refunds.JOB_REFUND, {"refund": str(found.id)}, 1, None)
    asyncio.run(Refunding(street.db, channels_of(street, bank)).carry(job))
    return the_refund(street)


def test_a_bill_is_booked_from_its_issue_to_its_payment(street: Street) -> None:
    at_the_exit(street)
    assert balances(street) == {"receivable": 750, "revenue": -750}
    paid_by_phone(street)
    assert balances(street) == {"clearing": 750, "revenue": -750}


def test_a_superseded_bill_is_owed_no_more(street: Street) -> None:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.bill_in_advance(CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    assert balances(street) == {"receivable": 1250, "revenue": -1250}
    street.pay_cash("out-1")
    assert balances(street) == {"till": 1250, "revenue": -1250}


def test_what_nobody_owed_goes_back(street: Street) -> None:
    at_the_exit(street)
    receipt = paid_by_phone(street, 1000)
    assert (receipt.applied.minor, receipt.surplus.minor) == (750, 250)
    assert balances(street) == {"clearing": 1000, "refunding": -250, "revenue": -750}
    bank = Bank()
    bank.says = [RefundProgress.UNKNOWN, RefundProgress.UNDER_WAY]
    with pytest.raises(NotYet):
        carried(street, bank)
    bank.says = [RefundProgress.DONE]
    done = carried(street, bank)
    assert (done.state, done.cause, done.amount.minor) == (RefundState.DONE, RefundCause.SURPLUS, 250)
    [asked] = bank.asked  # once, whatever was asked after
    assert (asked.number, asked.amount.minor, asked.paid.minor) == (done.number, 250, 1000)
    assert asked.transaction == f"{asked.order}-CNY"
    assert balances(street) == {"clearing": 750, "revenue": -750}
    carried(street, Bank())  # done is done: nobody is asked
    kinds = [event.kind for event in events(street.db, "payments.refund_asked", "payments.refund_ended")]
    assert kinds == ["payments.refund_asked", "payments.refund_ended"]


def test_an_answer_that_does_not_come_is_asked_after_by_the_same_number(street: Street) -> None:
    at_the_exit(street)
    paid_by_phone(street, 1000)
    bank = Bank()
    bank.says = [RefundProgress.UNKNOWN, ChannelUnreachable("channel.unreachable", channel="sandpay")]
    with pytest.raises(NotYet):
        carried(street, bank)
    bank.says = [RefundProgress.DONE]
    carried(street, bank)
    assert len({*bank.queried, *(one.number for one in bank.asked)}) == 1
    assert len(bank.asked) == 1


@pytest.mark.parametrize("progress", [RefundProgress.REFUSED, RefundProgress.ABNORMAL])
def test_what_does_not_go_back_waits_for_a_person(street: Street, progress: RefundProgress) -> None:
    at_the_exit(street)
    paid_by_phone(street, 1000)
    bank = Bank()
    bank.says = [progress]
    assert carried(street, bank).state is RefundState.STUCK
    street.react()
    assert street.case_kinds() == ["surplus"]
    assert balances(street) == {"clearing": 1000, "refunding": -250, "revenue": -750}
    again = write(street.db, refunds.try_again, refund=the_refund(street).id)
    assert again.state is RefundState.ASKED
    bank.says = [RefundProgress.DONE]
    assert carried(street, bank).state is RefundState.DONE
    street.react()
    assert street.case_kinds() == []


def test_a_refund_is_given_up_only_when_it_is_stuck_and_the_money_stays_known(street: Street) -> None:
    at_the_exit(street)
    paid_by_phone(street, 1000)
    refund = the_refund(street)
    with pytest.raises(Refused, match=r"refund\.not_stuck"):
        write(street.db, refunds.give_up, refund=refund.id, reason="给了现金")
    assert carried(street, object()).state is RefundState.STUCK  # a channel that gives nothing back
    write(street.db, refunds.give_up, refund=refund.id, reason="给了 粤B12345 现金")
    assert events(street.db, "payments.refund_ended")[-1].body["reason"] == "给了 粤B·**345 现金"
    assert balances(street) == {"clearing": 1000, "surplus": -250, "revenue": -750}


def test_a_refund_that_its_channel_made_after_all_is_known(street: Street) -> None:
    at_the_exit(street)
    receipt = paid_by_phone(street, 1000)
    bank = Bank()
    bank.says = [RefundProgress.UNKNOWN, RefundProgress.REFUSED]
    refund = carried(street, bank)
    write(street.db, refunds.give_up, refund=refund.id, reason="给了现金")
    write(street.db, refunds.look_at, method=refund.method.value, number=refund.number)
    bank.says = [RefundProgress.UNKNOWN]
    assert carried(street, bank).state is RefundState.GIVEN_UP
    assert len(bank.asked) == 1  # it is looked at and not asked for again
    bank.says = [RefundProgress.DONE]
    assert carried(street, bank).state is RefundState.DONE
    assert balances(street) == {"clearing": 750, "revenue": -750}
    assert [one.what for one in compared(street.db)[1]] == []
    with pytest.raises(Refused, match=r"refund\.too_much"):
        write(street.db, refunds.refund, receipt=receipt.id, amount=Money(751, "CNY"), reason="x")


def test_another_sum_than_asked_for_is_not_taken_for_done(street: Street) -> None:
    at_the_exit(street)
    paid_by_phone(street, 1000)

    class Wrong(Bank):
        def _answer(self, order: RefundOrder) -> ChannelRefund:
            return ChannelRefund(number=order.number, progress=RefundProgress.DONE, refunded=Money(1, "CNY"))

    assert carried(street, Wrong()).state is RefundState.STUCK


def test_a_person_gives_back_no_more_than_was_paid(street: Street) -> None:
    at_the_exit(street)
    street.pay_cash("out-1")
    [receipt] = receipts_in(street.db, street.lot)
    give = partial(write, street.db, refunds.refund, receipt=receipt.id, reason="收费有误")
    assert give(amount=Money(500, "CNY")).state is RefundState.DONE  # cash is handed over at once
    assert balances(street) == {"till": 250, "revenue": -250}
    with pytest.raises(Refused, match=r"refund\.too_much") as caught:
        give(amount=Money(251, "CNY"))
    assert caught.value.params == {"left": "2.50"}
    with pytest.raises(Refused, match=r"refund\.currency"):
        give(amount=Money(1, "JPY"))
    with pytest.raises(Malformed, match=r"refund\.not_positive"):
        give(amount=Money(0, "CNY"))
    with pytest.raises(Malformed, match=r"refund\.reason"):
        write(street.db, refunds.refund, receipt=receipt.id, amount=Money(1, "CNY"), reason="  ")
    give(amount=Money(250, "CNY"))
    assert balances(street) == {}
    assert read(street.db, payments.bill_by_id, bill=receipt.bill).state is payments.BillState.SETTLED


def test_many_small_refunds_are_no_more_than_was_paid_either(street: Street) -> None:
    at_the_exit(street)
    street.pay_cash("out-1")
    [receipt] = receipts_in(street.db, street.lot)
    give = partial(refunds.refund, receipt=receipt.id, reason="收费有误")

    def many(unit: Unit) -> None:
        for _ in range(PAGE_MAX):
            give(unit, amount=Money(1, "CNY"))

    write(street.db, many)
    write(street.db, give, amount=Money(750 - PAGE_MAX, "CNY"))
    with pytest.raises(Refused, match=r"refund\.too_much"):
        write(street.db, give, amount=Money(1, "CNY"))
    assert balances(street) == {}


def test_another_sum_than_was_asked_for_settles_nothing(street: Street) -> None:
    at_the_exit(street)
    bill = street.bill_at("out-1")
    attempt = write(street.db, begin_attempt, bill=bill.id, channel="sandpay")
    told: dict[str, Any] = {"channel": "sandpay", "number": attempt.number, "transaction": "T1"}
    for _ in range(3):  # however often it is told
        for amount in (Money(1, "CNY"), Money(75_000, "CNY"), Money(750, "JPY")):
            assert write(street.db, record_channel_payment, amount=amount, **told) is None
    street.react()
    [case] = street.cases()
    assert (case.kind.value, case.evidence["told_minor"], case.evidence["asked_minor"]) == ("payment_differs", 1, 750)
    assert street.standing("out-1").waiting
    assert balances(street) == {"receivable": 750, "revenue": -750}
    assert read(street.db, attempt_by_id, attempt=attempt.id).state is AttemptState.DIFFERS
    street.pay_cash("out-1")  # the driver gets out all the same
    assert not street.standing("out-1").waiting
    # When the channel corrects itself, the money is known and goes back.
    taken = write(street.db, record_channel_payment, amount=attempt.amount, **told)
    assert taken is not None
    assert taken.receipt.surplus == attempt.amount


def test_one_transaction_pays_one_order_of_one_contract(street: Street) -> None:
    ours, theirs = Id(int=(7 << 64) + 1), Id(int=(7 << 64) + 2)
    street.arrive("in-2", OTHER_CAR)
    at_the_exit(street)
    street.arrive("out-2", OTHER_CAR)
    begin = partial(write, street.db, begin_attempt, channel="sandpay")
    first = begin(bill=street.bill_at("out-1").id, account=ours)
    second = begin(bill=street.bill_at("out-2").id, account=theirs)
    tell = partial(write, street.db, record_channel_payment, channel="sandpay", transaction="T1", amount=first.amount)
    assert tell(number=first.number, account=ours) is not None
    told = tell(number=second.number, account=theirs)  # another contract counts its transactions for itself
    assert told is not None
    assert (told.repeated, told.bill.id) == (False, second.bill)
    street.arrive("in-2", THIRD_CAR)
    street.pass_minutes(61)
    third = begin(bill=street.bill_in_advance(THIRD_CAR)[0].id, account=ours)
    with pytest.raises(Refused, match=r"receipt\.differs"):
        tell(number=third.number, account=ours)
    assert read(street.db, attempt_by_id, attempt=third.id).state is AttemptState.OPENING


def test_only_the_platform_s_contract_speaks_of_orders_from_before_contracts(street: Street) -> None:
    at_the_exit(street)
    attempt = write(street.db, begin_attempt, bill=street.bill_at("out-1").id, channel="sandpay")
    told: dict[str, Any] = {
        "channel": "sandpay", "number": attempt.number, "transaction": "T1", "amount": attempt.amount,
    }  # fmt: skip
    add = partial(write, street.db, channels.add_account, kind=ChannelKind.SANDPAY, name="x", params={}, secrets={})
    with pytest.raises(NotFound, match=r"attempt\.not_found"):
        write(street.db, record_channel_payment, account=add(node=Node.of_company(street.company)).id, **told)
    assert write(street.db, record_channel_payment, account=add(node=Node.platform()).id, **told) is not None
