"""Orders at a channel: addresses of any length, and orders that are withdrawn before their channel knows them."""

import asyncio
from typing import Any

import pytest

from openberth.contexts import payments
from openberth.contexts.payments.model import Attempt, AttemptState
from openberth.contexts.payments.model.channels import ChannelKind
from openberth.contexts.payments.ports import ChannelSpec, ChannelState, OrderState
from openberth.contexts.payments.reactions import Cashier, Channels
from openberth.contexts.payments.service import bills
from openberth.contexts.payments.service.attempts import attempt_by_id, attempt_opened, begin_attempt
from openberth.infra.clocks import ManualClock
from openberth.infra.jobs import Job, NotYet
from openberth.kernel.ids import Id
from openberth.kernel.time import MINUTE_US, SECOND_US
from tests.service.acting import read, write
from tests.service.stays.street import CAR, Street


class Shop:
    """A maker whose one channel answers as it is set."""

    def __init__(self, *says: OrderState) -> None:
        self.says = list(says)
        self.asked: list[str] = []

    def check(self, *_: Any, production: bool) -> None:
        return None

    def make(self, _: ChannelSpec) -> Any:
        return self

    async def close(self, number: str) -> ChannelState:
        self.asked.append(number)
        return ChannelState(number=number, state=self.says.pop(0))


def begun(street: Street) -> Attempt:
    street.arrive("in-1", CAR)
    street.pass_minutes(61)
    street.arrive("out-1", CAR)
    account = write(
        street.db, payments.ensure_platform_account, kind=ChannelKind.SANDPAY, name="test", params={}, secrets={}
    )
    bill = street.bill_at("out-1").id
    return write(street.db, begin_attempt, bill=bill, channel="sandpay", account=account.id)


def closed(street: Street, attempt: Attempt, shop: Shop) -> Attempt:
    """Do the job that withdraws an order once."""
    cashier = Cashier(
        street.db, Channels(street.db, {ChannelKind.SANDPAY: shop}, public_base="http://x", production=False)
    )
    asyncio.run(cashier.close(Job(Id(int=1), bills.JOB_CLOSE, {"attempt": str(attempt.id)}, 1, None)))
    return read(street.db, attempt_by_id, attempt=attempt.id)


@pytest.mark.parametrize("length", [60, 500, 501, 2000])
def test_an_address_to_pay_at_is_kept_whole(street: Street, length: int) -> None:
    attempt = begun(street)
    url = "https://pay.example/".ljust(length, "a")
    write(street.db, attempt_opened, attempt=attempt.id, pay_url=url, channel_order=None)
    assert read(street.db, attempt_by_id, attempt=attempt.id).pay_url == url
    with pytest.raises(ValueError, match="too long"):
        write(
            street.db, attempt_opened, attempt=begun_again(street, attempt).id, pay_url="x" * 2001, channel_order=None
        )


def begun_again(street: Street, attempt: Attempt) -> Attempt:
    return write(street.db, begin_attempt, bill=attempt.bill, channel="sandpay", scene="page")


def test_an_order_that_nobody_knows_yet_is_withdrawn_when_it_comes_to_be(street: Street) -> None:
    """A code on a screen is no order until somebody scans it, and nothing can be closed before."""
    attempt = begun(street)
    shop = Shop(OrderState.UNKNOWN, OrderState.UNKNOWN, OrderState.CLOSED)
    for _ in range(2):
        with pytest.raises(NotYet):
            closed(street, attempt, shop)
    assert read(street.db, attempt_by_id, attempt=attempt.id).state is AttemptState.OPENING
    assert closed(street, attempt, shop).state is AttemptState.CLOSED
    assert shop.asked == [attempt.number] * 3


def test_an_order_that_nobody_ever_made_is_withdrawn_when_it_has_expired(street: Street, machine: ManualClock) -> None:
    attempt = begun(street)
    machine.advance(10 * MINUTE_US + 31 * SECOND_US)
    after = closed(street, attempt, Shop(OrderState.UNKNOWN))
    assert (after.state, after.reason) == (AttemptState.CLOSED, "withdrawn")
