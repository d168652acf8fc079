"""Whatever happens to a prepaid account, it has what was put in less what went out, and never less than nothing."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from openberth.contexts.payments.model import prepaid as rules
from openberth.contexts.payments.model.prepaid import Hold, HoldState, PrepaidAccount, PrepaidState, Spending
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.time import Instant

CNY = "CNY"
ZERO = Money(0, CNY)
ME = Id(int=1)
EMPTY = PrepaidAccount(
    id=ME, company=ME, lot=ME, code="a", holder=None, spending=Spending.COMPANY, pays_by_itself=True,
    state=PrepaidState.ACTIVE, balance=ZERO, held=ZERO, opened_at=Instant(0),
)  # fmt: skip
MINOR = st.integers(1, 500)
DEEDS = st.one_of(
    st.tuples(st.just("put"), MINOR, st.just(0)),
    st.tuples(st.just("hold"), MINOR, st.just(0)),
    st.tuples(st.just("capture"), MINOR, st.integers(0, 5)),
    st.tuples(st.just("release"), st.just(0), st.integers(0, 5)),
    st.tuples(st.just("return"), MINOR, st.just(0)),
    st.tuples(st.just("out"), MINOR, st.just(0)),
)


@given(st.lists(DEEDS, max_size=40))
def test_nothing_appears_and_nothing_is_lost(deeds: list[tuple[str, int, int]]) -> None:
    account, came, went = EMPTY, 0, 0
    holds: list[Hold] = []
    refusals: set[str] = set()
    for number, (deed, minor, which) in enumerate(deeds, start=10):
        amount, key = Money(minor, CNY), Id(int=number)
        try:
            if deed == "put":
                account, _ = rules.topped_up(account, amount, bill=key)
                came += minor
            elif deed == "return":
                account, _ = rules.returned(account, amount, refund=key)
                came += minor
            elif deed == "out":
                account, _ = rules.paid_out(account, amount, refund=key)
                went += minor
            elif deed == "hold":
                account, _ = rules.held(account, amount, hold=key)
                holds.append(_hold(key, amount))
            elif holds:
                which %= len(holds)
                if deed == "capture":
                    account, holds[which], told = rules.captured(account, holds[which], amount)
                    went += minor
                    assert told
                else:
                    account, holds[which], _ = rules.released(account, holds[which])
        except Refused as refused:
            refusals.add(refused.code)
        kept = sum(each.amount.minor for each in holds if each.state is HoldState.HELD)
        assert account.held.minor == kept
        assert account.balance.minor == came - went - kept
        assert account.balance >= ZERO
    assert refusals <= {"prepaid.too_little", "prepaid.hold_ended", "prepaid.hold_too_small"}
    assert replace(account, balance=ZERO, held=ZERO) == EMPTY


def _hold(key: Id, amount: Money) -> Hold:
    return Hold(
        id=key, company=ME, lot=ME, account=ME, subject_kind="stay", subject_id=key, amount=amount, captured=ZERO,
        state=HoldState.HELD, made_at=Instant(0), lapses_at=Instant(1),
    )  # fmt: skip
