"""The paper of any payment adds up, to the last minor unit."""

from hypothesis import given
from hypothesis import strategies as st

from openberth.contexts.payments.model.e_receipts import Refunded
from openberth.contexts.payments.telling import paper_of
from openberth.infra.paper import Row
from openberth.kernel.money import Money
from tests.unit.contexts.payments.test_e_receipts import ISSUED, bill, cny, line, printed, receipt, refund

AMOUNTS = st.integers(-5_000, 5_000)


@given(
    amounts=st.lists(AMOUNTS, max_size=120),
    due=st.integers(1, 20_000),
    earlier=st.integers(0, 19_999),
    paid=st.integers(1, 20_000),
    surplus=st.integers(0, 500),
    back=st.lists(st.integers(1, 300), max_size=3),
)
def test_a_paper_adds_up(amounts: list[int], due: int, earlier: int, paid: int, surplus: int, back: list[int]) -> None:
    earlier = min(earlier, due - 1)
    paid = min(paid, due - earlier)
    while sum(back) > paid + surplus:
        back = back[:-1]
    before = (receipt(earlier, n=40),) if earlier else ()
    came = receipt(paid + surplus, surplus=surplus)
    refunds = tuple(refund(amount, 60 + index) for index, amount in enumerate(back))
    found = printed(bill([line(each) for each in amounts], due), came, earlier=before, refunds=refunds)
    assert found.total - found.before == found.due == cny(due)
    assert found.due - found.earlier - found.applied == found.left >= cny(0)
    assert found.before >= cny(0)
    assert found.applied + came.surplus == came.amount
    assert (found.state is Refunded.ALL) == (sum(back) == paid + surplus)
    # The same by what stands on the paper: lines give the total, and the rows below it what is left.
    rows = [each for each in paper_of(found, ISSUED, [], "en", link=None).blocks if isinstance(each, Row)]
    names = [each.left for each in rows]
    told = {each.left: Money.of(each.right.removesuffix(" CNY"), "CNY").minor for each in rows[5:]}
    at = names.index("Total")
    lines = [Money.of(each.right, "CNY").minor for each in rows[5:at]]
    assert sum(lines) == told["Total"]
    asked = told["Total"] + told.get("Asked for by bills before", 0)
    assert asked == told.get("Due on this bill", asked) == due
    came_of_it = told["This payment"] - told.get("Of it not owed (sent back)", 0)
    assert asked + told.get("Paid on this bill before", 0) - came_of_it == told.get("Left to pay", 0)
