"""The WeChat Pay stand-in without its wire: published vectors, shapes of bodies, sums of refunds, bills to the cell."""

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from openberth.sandbox.clock import BEIJING, SECOND_US, Clock
from openberth.sandbox.wechatpay import bills as files
from openberth.sandbox.wechatpay import crypto, fields
from openberth.sandbox.wechatpay.bank import SOMEBODY, Bank, PhoneRefused
from openberth.sandbox.wechatpay.bills import Bills
from openberth.sandbox.wechatpay.callbacks import REPEATS_S
from openberth.sandbox.wechatpay.faults import Faults, RefundPlan
from openberth.sandbox.wechatpay.instants import read_rfc3339, rfc3339
from openberth.sandbox.wechatpay.records import Flow, Merchant, Order, PlatformKey
from openberth.sandbox.wechatpay.refunds import Refunds
from openberth.sandbox.wechatpay.refusals import Refusal, Why
from openberth.sandbox.wechatpay.store import Store

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "wechatpay.json").read_bytes())
SIGNED = [one for one in VECTORS if one["kind"] == "rsa_verify"]
SEALED = [one for one in VECTORS if one["kind"] == "aes_gcm"]
MCHID, SUB = "1900000001", "1900000109"


@pytest.mark.parametrize("vector", SIGNED, ids=lambda one: str(one["id"]))
def test_published_signatures_verify(vector: dict[str, str]) -> None:
    key, _ = crypto.read_public(vector["public_key"])
    text = vector["message"].encode()
    assert crypto.verifies(key, text, vector["signature"])
    assert not crypto.verifies(key, text + b"\n", vector["signature"])
    assert not crypto.verifies(key, text, vector["signature"][:-4])


@pytest.mark.parametrize("vector", SEALED, ids=lambda one: str(one["id"]))
def test_published_ciphertexts_open(vector: dict[str, str]) -> None:
    plain = crypto.unseal(vector["key"].encode(), vector["nonce"], vector["ciphertext"], vector["aad"]).decode()
    assert plain.startswith(vector.get("expected_prefix") or vector["expected"].strip())
    with pytest.raises(ValueError, match="authentic"):
        crypto.unseal(vector["key"].encode(), vector["nonce"], vector["ciphertext"], vector["aad"] + "x")


def test_the_published_request_is_signed_line_by_line() -> None:
    vector = next(one for one in SIGNED if one["id"] == "wx-request-post-jsapi")
    method, target, at, nonce, body = vector["message"].removesuffix("\n").split("\n")
    assert crypto.lines(method, target, at, nonce, body.encode()) == vector["message"].encode()
    fields.read(body.encode(), fields.order("jsapi", partner=False))  # and its body is one that is taken


def test_keys_certificates_and_sensitive_fields() -> None:
    key, serial = crypto.new_key(), crypto.new_serial()
    assert len(serial) == 40
    certificate = crypto.certificate(key, serial, "test", 1_790_000_000)
    public, named = crypto.read_public(certificate)
    assert named == serial
    assert crypto.verifies(public, b"text", crypto.sign(crypto.read_private(crypto.private_pem(key)), b"text"))
    sealed = crypto.seal(b"k" * 32, "明文".encode(), "transaction")
    assert sealed == sealed | {"algorithm": "AEAD_AES_256_GCM", "associated_data": "transaction"}
    assert crypto.unseal(b"k" * 32, sealed["nonce"], sealed["ciphertext"], "transaction").decode() == "明文"
    with pytest.raises(ValueError):  # noqa: PT011 - the library words it
        crypto.open_field(key, "AAAA")


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("2018-06-08T10:34:56+08:00", True),
        ("2018-06-08T02:34:56Z", True),
        ("2018-06-08T10:34:56", False),
        ("2018-06-08 10:34:56+08:00", False),
        ("2018-06-08T10:34:56.000+08:00", False),
        ("2018-13-08T10:34:56+08:00", False),
    ],
)
def test_times_on_the_wire(text: str, good: bool) -> None:
    if good:
        assert rfc3339(read_rfc3339(text)) == "2018-06-08T10:34:56+08:00"
    else:
        with pytest.raises(ValueError):  # noqa: PT011 - some are worded by the standard library
            read_rfc3339(text)


def test_the_clock_is_set_and_runs_fast() -> None:
    machine = [10 * SECOND_US]
    clock = Clock(lambda: machine[0])
    assert clock.now() == 10 * SECOND_US
    clock.set(1_790_000_000 * SECOND_US, 60)
    machine[0] += SECOND_US
    assert clock.now() == 1_790_000_060 * SECOND_US
    assert clock.machine_s() == 11
    assert clock.until(1_790_000_120 * SECOND_US) == 1
    assert sum(REPEATS_S) == 24 * 3600 + 4 * 60


def test_a_name_that_comes_twice_is_no_body() -> None:
    with pytest.raises(Refusal) as refused:
        fields.read(b'{"mchid":"1900000001","mchid":"1900000002"}', fields.CLOSE)
    assert refused.value.why is Why.PARAMETER
    for body in (b"", b"[]", b"null", b'{"mchid":', b"\xff"):
        with pytest.raises(Refusal):
            fields.read(body, fields.CLOSE)


class House:
    """A bank with a merchant, in memory, whose clock is moved by hand."""

    def __init__(self, fee_e4: int = 60) -> None:
        self.us = int(datetime.datetime(2026, 3, 1, 12, 0, tzinfo=BEIJING).timestamp()) * SECOND_US
        self.bank = Bank(Store(None), Clock(lambda: self.us), Faults())
        key = PlatformKey("PUB", "", None, 0, 0)
        for mchid, providers in ((MCHID, []), (SUB, [MCHID])):
            self.bank.merchants[mchid] = Merchant(
                mchid, ["wx1"], "k" * 32, {}, "public_key", [key], providers=providers, fee_e4=fee_e4
            )
        self.refunds = Refunds(self.bank)
        self.bills = Bills(self.bank, "http://x")
        self.merchant = self.bank.merchants[MCHID]

    def paid(self, number: str, total: int, sub: str | None = None, **how: Any) -> Order:
        who = {"sp_appid": "wx1", "sp_mchid": MCHID, "sub_mchid": sub} if sub else {"appid": "wx1", "mchid": MCHID}
        body = who | {"description": "停车,费", "out_trade_no": number, "notify_url": "http://x"}
        self.bank.open(self.merchant, "S", "native", body | {"amount": {"total": total}})
        found = self.bank.find(self.merchant, number, self.bank.merchants[sub or MCHID])
        assert found is not None
        return self.bank.pay(*found, **how)

    def refund(self, order: str, number: str, fen: int, total: int) -> Any:
        amount = {"refund": fen, "total": total, "currency": "CNY"}
        return self.refunds.ask(self.merchant, {"out_trade_no": order, "out_refund_no": number, "amount": amount})[1]

    def pass_s(self, seconds: int) -> None:
        self.us += seconds * SECOND_US
        self.refunds.ripen()


def refusal(house: House, *asked: Any) -> Why:
    with pytest.raises(Refusal) as refused:
        house.refund(*asked)
    return refused.value.why


def test_shares_of_refunds_leave_nothing_over() -> None:
    house = House()
    paid = house.paid("T0000001", 1001, coupon=334)
    assert (paid.payer_total, paid.settled, paid.fee) == (667, 1001, 6)
    backs = [house.refund("T0000001", f"R{at}", fen, 1001) for at, fen in enumerate((333, 333, 335))]
    assert sum(one.payer_refund for one in backs) == 667
    assert sum(one.fee_back for one in backs) == 6
    assert refusal(house, "T0000001", "R3", 1, 1001) is Why.TOO_MUCH_BACK
    assert house.bank.store.balance(MCHID) == 0


def test_a_coupon_that_nobody_paid_for_lowers_what_is_settled() -> None:
    house = House()
    paid = house.paid("T0000001", 1000, coupon=400, cash=False)
    assert (paid.settled, paid.fee, house.bank.store.balance(MCHID)) == (600, 4, 596)
    assert house.refund("T0000001", "R1", 1000, 1000).settlement_refund == 600
    assert house.bank.store.balance(MCHID) == 0
    with pytest.raises(PhoneRefused):
        house.paid("T0000002", 100, coupon=100)


def test_what_no_refund_is() -> None:
    house = House()
    house.paid("T0000001", 1000)
    assert refusal(house, "T-unknown", "R1", 1, 1000) is Why.NOT_FOUND
    assert refusal(house, "T0000001", "R1", 1, 999) is Why.PARAMETER
    assert refusal(house, "T0000001", "R1", 1001, 1000) is Why.TOO_MUCH_BACK
    first = house.refund("T0000001", "R1", 10, 1000)
    assert house.refund("T0000001", "R1", 10, 1000).refund_id == first.refund_id
    assert refusal(house, "T0000001", "R1", 11, 1000) is Why.REENTRY
    for at in range(2, 51):
        house.refund("T0000001", f"R{at}", 10, 1000)
    assert refusal(house, "T0000001", "R51", 10, 1000) is Why.TOO_MANY_REFUNDS
    house.paid("T0000002", 1000)
    house.bank.store.move(_drawn(house, house.bank.store.balance(MCHID)))
    assert refusal(house, "T0000002", "R60", 1000, 1000) is Why.NOT_ENOUGH
    house.paid("T0000003", 5000)
    assert house.refund("T0000002", "R60", 1000, 1000).status == "PROCESSING"  # the same number, once there is money
    house.pass_s(366 * 86_400)
    assert refusal(house, "T0000003", "R61", 1, 5000) is Why.TOO_OLD


def _drawn(house: House, fen: int) -> Any:
    return Flow(MCHID, house.us, "B", "F", "提现", "提现", False, fen, 0, "system", "", "V")


def test_what_becomes_of_refunds() -> None:
    house = House()
    house.paid("T0000001", 1000)
    house.bank.faults.refunds = RefundPlan("CLOSED", 60, 1)
    closed = house.refund("T0000001", "R1", 1000, 1000)
    before = house.bank.store.balance(MCHID)
    house.pass_s(59)
    assert house.refunds.find(house.merchant, "R1", None)[1].status == "PROCESSING"
    house.pass_s(1)
    order, closed = house.refunds.find(house.merchant, "R1", None)
    assert (closed.status, order.state) == ("CLOSED", "SUCCESS")  # no refund is left
    assert house.bank.store.balance(MCHID) == before + 994
    assert house.refund("T0000001", "R2", 1000, 1000).becomes == "SUCCESS"  # the plan was for one
    house.pass_s(3)
    told = [one.event for one in house.bank.store.callbacks("1")]
    assert told == ["TRANSACTION.SUCCESS"]  # refunds without notify_url are told to nobody


def test_a_bill_to_the_cell() -> None:
    house = House()
    paid = house.paid("T0000001", 123_456)
    house.pass_s(60)
    back = house.refund("T0000001", "R1", 456, 123_456)
    house.pass_s(3)
    day = datetime.date(2026, 3, 1)
    text = house.bills.trade_text(house.merchant, [MCHID], day, "ALL")
    head, first, second, sums, total, end = text.split("\r\n")
    assert head.count(",") == first.count(",") == second.count(",") == 26
    assert head.startswith("交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识")
    assert first == (
        f"`2026-03-01 12:00:00,`wx1,`{MCHID},`0,`,`{paid.transaction_id},`T0000001,`{SOMEBODY},`NATIVE,"
        "`SUCCESS,`OTHERS,`CNY,`1234.56,`0.00,`0,`0,`0.00,`0.00,`,`,`停车 费,`,`7.41000,`0.60%,`1234.56,`0.00,`"
    )
    assert second == (
        f"`2026-03-01 12:01:00,`wx1,`{MCHID},`0,`,`{paid.transaction_id},`T0000001,`{SOMEBODY},`NATIVE,"
        f"`REFUND,`OTHERS,`CNY,`0.00,`0.00,`{back.refund_id},`R1,`4.56,`0.00,`ORIGINAL,`SUCCESS,`停车 费,`,"
        "`-0.02000,`0.60%,`0.00,`4.56,`"
    )
    assert sums == "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
    assert total == "`2.0,`1234.56,`4.56,`0.00,`7.39,`1234.56,`4.56"
    assert end == ""
    for kind, rows in (("SUCCESS", 1), ("REFUND", 1)):
        lines = house.bills.trade_text(house.merchant, [MCHID], day, kind).split("\r\n")
        assert len(lines) == rows + 4
        assert len({line.count(",") for line in lines[: rows + 1]}) == 1
    flow = house.bills.flow_text(MCHID, day).split("\r\n")
    assert flow[1].endswith("`交易,`交易,`收入,`1234.56,`1234.56,`system,`,`T0000001")
    assert flow[2].endswith("`交易,`扣除交易手续费,`支出,`7.41,`1227.15,`system,`结算费率0.60%,`T0000001")
    assert flow[3].endswith(f"`退款,`退款,`支出,`4.54,`1222.61,`{MCHID}API,`退款总金额4.56元;含手续费0.02元,`R1")
    assert flow[5] == "`3,`1,`1234.56,`2,`11.95"


def test_a_provider_gets_one_bill_or_one_of_a_merchant() -> None:
    house, day = House(), datetime.date(2026, 3, 1)
    house.paid("T0000001", 100)
    house.paid("T0000002", 200, sub=SUB)

    def bill(sub: str | None) -> list[list[str]]:
        text = house.bills.trade_text(house.merchant, house.bills._payees(house.merchant, sub), day, "ALL")
        return [line.split(",`")[2:4] for line in text.split("\r\n")[1:-3]]

    assert bill(None) == [[MCHID, "0"], [MCHID, SUB]]
    assert bill(SUB) == [[MCHID, SUB]]
    assert house.bank.store.balance(SUB) == 199
    with pytest.raises(Refusal):
        bill("1900000999")


def test_bills_that_lie() -> None:
    house, day = House(), datetime.date(2026, 3, 1)
    for at in (1, 2):
        house.paid(f"T000000{at}", 100 * at)

    def edited(**edit: Any) -> list[str]:
        house.bank.store.forget_edits(MCHID, str(day))
        house.bank.store.add_edit(MCHID, str(day), json.dumps(edit))
        lines = house.bills.trade_text(house.merchant, [MCHID], day, "ALL").split("\r\n")
        return [lines[-2], *(line.split(",`")[6] for line in lines[1:-3])]

    assert edited(do="drop", number="T0000001") == ["`1.0,`2.00,`0.00,`0.00,`0.01,`2.00,`0.00", "T0000002"]
    more = {"商户订单号": "T-strange", "微信订单号": "42strange"}
    assert edited(do="add", number="T0000002", cells=more)[1:] == ["T0000001", "T0000002", "T-strange"]
    assert edited(do="set", number="T0000002", cells={"订单金额": "9.99"})[0].split(",")[5] == "`10.99"
    with pytest.raises(Refusal) as refused:
        house.bills.trade_text(house.merchant, [MCHID], datetime.date(2026, 2, 27), "ALL")
    assert refused.value.why is Why.NO_BILL


def test_amounts_of_yuan_are_summed_exactly() -> None:
    assert [files._thousandths(text) for text in ("0.01000", "-0.01", "12", "1.5")] == [1000, -1000, 1_200_000, 150_000]
