"""A payout is shared out over the lots by what each is owed, to the fen."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openberth.contexts.payments.model import payouts
from openberth.contexts.payments.model.channels import ChannelAccount, ChannelAccountState, ChannelKind
from openberth.contexts.payments.model.payouts import Owed, Payout
from openberth.contexts.tenancy.model.organisation import Node
from openberth.kernel.errors import Malformed, Refused
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.time import Instant

COMPANY, TODAY = Id(int=9), date(2026, 3, 2)
ACCOUNT = ChannelAccount(
    id=Id(int=5), node=Node.platform(), kind=ChannelKind.WECHATPAY, name="all", params={}, secrets={},
    state=ChannelAccountState.ACTIVE, rank=1,
)  # fmt: skip


def owed(*minor: int) -> Owed:
    return Owed("CNY", {(COMPANY, Id(int=lot)): one for lot, one in enumerate(minor)}, None)


def shared(amount: int, *minor: int) -> list[int]:
    found = payouts.shares_of(Money(amount, "CNY"), owed(*minor))
    return [found.get((COMPANY, Id(int=lot)), 0) for lot in range(len(minor))]


def test_everything_that_is_owed_leaves_nothing() -> None:
    assert shared(600, 100, 200, 300) == [100, 200, 300]


def test_what_cannot_be_divided_goes_to_the_largest_remainders() -> None:
    assert shared(100, 1, 1, 1) == [34, 33, 33]
    assert shared(10, 500, 300, 200) == [5, 3, 2]
    assert shared(11, 500, 300, 200) == [6, 3, 2]  # 5.5, 3.3 and 2.2


def test_what_the_channel_took_back_of_a_lot_is_settled_first() -> None:
    assert shared(80, 100, -20) == [100, -20]
    assert shared(40, 100, -20, 0) == [60, -20, 0]


@given(st.lists(st.integers(-10_000, 10**9), min_size=1, max_size=30), st.integers(1, 10**12))
def test_nothing_is_lost_and_nobody_gets_more_than_is_owed(places: list[int], amount: int) -> None:
    if max(places) <= 0:
        with pytest.raises(Refused, match=r"payout\.nothing_owed"):
            shared(amount, *places)
        return
    found = shared(amount, *places)
    assert sum(found) == amount
    if amount <= sum(places):
        assert all(min(0, place) <= one <= max(0, place) for one, place in zip(found, places, strict=True))


def recorded(amount: int, *places: int, reason: str | None = None, day: date = TODAY, reference: str = "B 1") -> Payout:
    return payouts.record(
        ACCOUNT, owed(*places), key=Id(int=1), amount=Money(amount, "CNY"), day=day, today=TODAY,
        reference=reference, reason=reason, now=Instant(1), by="ann",
    )  # fmt: skip


def test_more_than_is_owed_takes_a_reason() -> None:
    assert recorded(10, 6, 4).excess == Money(0, "CNY")
    with pytest.raises(Refused, match=r"payout\.too_much"):
        recorded(11, 6, 4)
    assert recorded(11, 6, 4, reason="the kiosk").excess == Money(1, "CNY")
    assert recorded(3, 6, -8, reason="the kiosk").excess == Money(3, "CNY")


def test_a_payout_of_tomorrow_or_without_a_reference_is_refused() -> None:
    with pytest.raises(Malformed, match=r"payout\.day"):
        recorded(1, 6, day=date(2026, 3, 3))
    for wrong in ("", " ", "a" * 65, "流水", "-x"):
        with pytest.raises(Malformed, match=r"payout\.reference"):
            recorded(1, 6, reference=wrong)


def test_a_payout_is_withdrawn_once() -> None:
    gone = payouts.withdraw(recorded(1, 6), reason="typo", now=Instant(2), by="bob")
    with pytest.raises(Refused, match=r"payout\.withdrawn"):
        payouts.withdraw(gone, reason="typo", now=Instant(3), by="bob")
