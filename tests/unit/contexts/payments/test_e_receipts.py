"""What the paper of a payment says: sums, refunds, words in both languages, and links that nobody can guess."""

import hashlib
import hmac
from dataclasses import replace
from typing import Any

import pytest

from openberth.contexts.payments import PREPAID, LinkKind, ReceiptLinks, link_ends
from openberth.contexts.payments.model import Bill, BillState, Receipt, ReceiptMethod
from openberth.contexts.payments.model.e_receipts import LINES_MAX, REFUNDS_MAX, EReceipt, Refunded, e_receipt
from openberth.contexts.payments.model.refunds import Refund, RefundCause, RefundState
from openberth.contexts.payments.telling import Issued, paper_of
from openberth.infra.catalogue import LANGUAGES, catalogue
from openberth.infra.paper import Paper, Qr, Row, Text
from openberth.infra.paper.drawing import width_of
from openberth.infra.paper.setting import pages_of
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id, uuid7
from openberth.kernel.money import Money
from openberth.kernel.time import Instant, from_iso

AT = from_iso("2026-11-25T02:41:00Z")
ISSUED = Issued("泊位停车有限公司", "中心城停车场", "Asia/Shanghai")
LINK = "https://parking.example/r/rX"


def new_id(n: int) -> Id:
    return uuid7(1_795_000_000_000 + n, 0, n * 7_777_777)


def cny(minor: int) -> Money:
    return Money(minor, "CNY")


def line(minor: int, code: str = "tariff.line.flat", **params: object) -> dict[str, Any]:
    params = params or {"price": "5.00 CNY", "units": 1}
    return {"code": code, "params": params, "minutes": 0, "amount": {"minor": minor, "currency": "CNY"}}


def bill(lines: list[dict[str, Any]], due: int) -> Bill:
    return Bill(
        id=new_id(1), company=new_id(2), lot=new_id(3), subject_kind="stay", subject_id=new_id(4), number="261125-B1",
        due=cny(due), paid=cny(due), state=BillState.SETTLED, tariff_version=None, quote={"lines": lines},
        quoted_at=AT, valid_until=AT, issued_at=AT, settled_at=AT,
    )  # fmt: skip


def receipt(amount: int, *, surplus: int = 0, n: int = 50, currency: str = "CNY") -> Receipt:
    return Receipt(
        id=new_id(n), company=new_id(2), lot=new_id(3), bill=new_id(1), attempt=new_id(5), transaction="T-1",
        method=ReceiptMethod.WECHATPAY, amount=Money(amount, currency), surplus=Money(surplus, currency),
        received_at=from_iso("2026-11-25T16:00:17Z"),
    )  # fmt: skip


def refund(amount: int, n: int, state: RefundState = RefundState.DONE) -> Refund:
    has_ended = state in (RefundState.DONE, RefundState.GIVEN_UP)
    return Refund(
        id=new_id(n), company=new_id(2), lot=new_id(3), receipt=new_id(50), bill=new_id(1), attempt=None, account=None,
        method=ReceiptMethod.WECHATPAY, number="x", amount=cny(amount), cause=RefundCause.BY_HAND, reason="x",
        state=state, asked_at=AT, ended_at=AT if has_ended else None,
    )  # fmt: skip


def printed(
    found: Bill, came: Receipt, *, earlier: tuple[Receipt, ...] = (), refunds: tuple[Refund, ...] = ()
) -> EReceipt:
    return e_receipt(found, came, earlier=earlier, refunds=refunds, day="261125")


def words(paper: Paper) -> list[str]:
    told = [f"{each.left} {each.right}" if isinstance(each, Row) else each.words for each in paper.blocks
            if isinstance(each, Row | Text)]  # fmt: skip
    return [*told, *([paper.mark] if paper.mark else [])]


def test_the_sums_of_a_payment_in_parts() -> None:
    """A price of 46.00, 10.00 of it paid on a bill before, 3.00 on this one: this payment paid the rest."""
    found = printed(bill([line(5000), line(-1200), line(800)], 3600), receipt(3300), earlier=(receipt(300, n=40),))
    sums = (found.total, found.before, found.due, found.earlier, found.applied, found.left)
    assert sums == (cny(4600), cny(1000), cny(3600), cny(300), cny(3300), cny(0))
    told = words(paper_of(found, ISSUED, [("车牌号", "粤B·**345")], "zh", link=LINK))
    for each in ("费用合计 46.00", "此前账单已计收 -10.00", "本账单应付 36.00", "本账单此前已付 -3.00",
                 "本次实付 33.00 CNY", "车牌号 粤B·**345", "支付方式 微信支付", "交易单号 T-1",
                 "支付时间 2026-11-26 00:00:17"):  # fmt: skip
        assert each in told
    assert not [each for each in told if each.startswith(("尚需支付", "退款", "其中多付"))]


def test_later_receipts_and_those_of_other_bills_are_nothing_of_this_paper() -> None:
    others = (receipt(300, n=60), replace(receipt(300, n=40), bill=new_id(9)), receipt(300, n=41, currency="HKD"))
    found = printed(bill([line(3600)], 3600), receipt(1000), earlier=others)
    assert (found.earlier, found.left) == (cny(0), cny(2600))
    assert "Left to pay 26.00" in words(paper_of(found, ISSUED, [], "en", link=None))


def test_a_bill_that_asks_for_nothing_more_leaves_nothing_to_pay() -> None:
    """It was paid in advance, told of late, and the rest is not owed; or a newer bill asks for the rest."""
    over = replace(bill([line(1000)], 1000), paid=cny(750), state=BillState.SUPERSEDED, settled_at=None)
    found = printed(over, receipt(750))
    assert (found.due, found.applied, found.left, found.dropped) == (cny(1000), cny(750), cny(0), cny(250))
    told = words(paper_of(found, ISSUED, [], "en", link=None))
    assert "No longer asked for by this bill 2.50" in told
    assert not [each for each in told if each.startswith("Left to pay")]


def test_money_that_nobody_owed_is_told() -> None:
    found = printed(bill([line(500)], 500), receipt(700, surplus=200))
    assert (found.applied, found.left) == (cny(500), cny(0))
    assert "其中多付（自动退回） 2.00" in words(paper_of(found, ISSUED, [], "zh", link=None))
    other = printed(bill([line(500)], 500), receipt(700, surplus=700, currency="HKD"))
    assert (other.applied, other.left) == (cny(0), cny(500))
    assert "This payment 7.00 HKD" in words(paper_of(other, ISSUED, [], "en", link=None))


def test_money_that_goes_back_by_the_fen_has_a_paper_that_ends_and_adds_up() -> None:
    states = (RefundState.DONE, RefundState.ASKED, RefundState.GIVEN_UP)
    refunds = tuple(refund(1, 60 + n, states[n % 3]) for n in range(3_000))
    found = printed(bill([line(5_000)], 5_000), receipt(5_000), refunds=refunds)
    assert len(found.refunds) == REFUNDS_MAX + 2
    assert (found.refunded, sum(each.amount.minor for each in found.refunds)) == (cny(1_000), 2_000)
    assert found.refunds[1].at is None
    assert len(pages_of(paper_of(found, ISSUED, [], "zh", link=LINK), width_of)) <= 3


def test_what_went_back_is_told_and_all_of_it_across_the_page() -> None:
    paid = bill([line(500)], 500)
    part = printed(paid, receipt(500), refunds=(refund(200, 61), refund(100, 60, RefundState.ASKED)))
    assert (part.state, part.refunded) == (Refunded.PART, cny(200))
    told = paper_of(part, ISSUED, [], "zh", link=None)
    assert told.mark is None
    assert [each for each in words(told) if "退款" in each] == [
        "其中已退款 2.00 CNY", "退款处理中 -1.00", "退款 2026-11-25 10:41 -2.00",
    ]  # fmt: skip
    given_up = printed(paid, receipt(500), refunds=(refund(500, 60, RefundState.GIVEN_UP),))
    assert (given_up.state, given_up.refunds) == (Refunded.NOTHING, ())
    whole = printed(paid, receipt(500), refunds=(refund(200, 60), refund(300, 61)))
    assert whole.state is Refunded.ALL
    assert paper_of(whole, ISSUED, [], "zh", link=None).mark == "已退款"
    assert paper_of(whole, ISSUED, [], "en", link=None).mark == "REFUNDED"


def test_a_price_of_many_lines_is_bounded_and_adds_up() -> None:
    found = printed(bill([line(1)] * 1_000, 1_000), receipt(1_000))
    assert len(found.lines) == LINES_MAX + 1
    assert found.lines[-1].amount == cny(1_000 - LINES_MAX)
    assert found.total == found.due
    paper = paper_of(found, ISSUED, [], "zh", link=LINK)
    assert f"其余 {1_000 - LINES_MAX} 项合计 9.20" in words(paper)
    assert len(pages_of(paper, width_of)) < 5


def test_a_bill_that_explains_less_than_it_asks_for_says_so() -> None:
    found = printed(bill([], 900), receipt(900))
    assert (found.total, found.before) == (cny(900), cny(0))
    assert "Other amounts due 9.00" in words(paper_of(found, ISSUED, [], "en", link=None))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_paper_says_what_it_is_not_and_leads_to_itself(language: Any) -> None:
    found = printed(bill([line(500)], 500), receipt(500))
    paper = paper_of(found, ISSUED, [], language, link=LINK)
    assert [each.address for each in paper.blocks if isinstance(each, Qr)] == [LINK]
    assert any(("税务发票" if language == "zh" else "no tax invoice") in each for each in words(paper))
    assert found.number == f"R261125-{new_id(50).hex[-16:]}".upper()
    assert any(found.number in each for each in words(paper))
    assert not [each for each in words(paper) if "e_receipt." in each or "{" in each]


def test_money_that_was_put_in_is_no_parking_fee() -> None:
    put_in = printed(replace(bill([line(500)], 500), subject_kind=PREPAID), receipt(500))
    told = words(paper_of(put_in, ISSUED, [], "zh", link=None))
    assert "预付款电子收据" in told
    assert "停车费电子收据" not in told


def test_every_method_has_a_word() -> None:
    assert {f"top.method.{method.value}" for method in ReceiptMethod} <= catalogue().codes()


# -- links -------------------------------------------------------------------------------------------------------------


class Keys:
    """A key that finds, as the vault's."""

    def __init__(self, key: bytes = b"k") -> None:
        self.key = key

    def fingerprint(self, kind: str, text: str) -> str:
        return hmac.new(self.key, f"{kind}\x00{text}".encode(), hashlib.sha256).hexdigest()

    def seal(self, plain: bytes, *, context: bytes) -> tuple[str, bytes]:
        raise NotImplementedError

    def open(self, key_id: str, sealed: bytes, *, context: bytes) -> bytes:
        raise NotImplementedError


def test_a_link_leads_to_what_it_was_made_for_for_a_year() -> None:
    links, made_at = ReceiptLinks(Keys(), base="https://parking.example"), Instant(1_795_000_000_050_000)
    for kind in LinkKind:
        address = links.address(kind, new_id(50))
        assert address.startswith(f"https://parking.example/r/{kind}")
        link = address.rpartition("/")[2]
        assert links.read(link, now=made_at) == (kind, new_id(50))
        ends = link_ends(new_id(50))
        assert ends - made_at == 366 * 86_400_000_000
        assert links.read(link, now=Instant(ends - 1)) == (kind, new_id(50))
        with pytest.raises(NotFound):
            links.read(link, now=ends)


def test_every_other_link_is_none() -> None:
    links, now = ReceiptLinks(Keys()), Instant(1_795_000_000_050_000)
    good = links.link(LinkKind.RECEIPT, new_id(50))
    wrong = [good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :] for at in range(len(good))]
    wrong += [
        good[:-1],
        good + "=",
        good + "A",
        "a" + good[1:],
        "x" + good[1:],
        "",
        "r",
        "r" + "é" * 43,
        "r" + "A" * 43,
    ]
    wrong += [ReceiptLinks(Keys(b"other")).link(LinkKind.RECEIPT, new_id(50)), good.swapcase(), "r" * 4_000]
    for link in wrong:
        with pytest.raises(NotFound, match=r"e_receipt\.not_found"):
            links.read(link, now=now)
