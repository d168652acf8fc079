"""The Alipay stand-in without its wire: published vectors, signed texts, amounts, sums of refunds, the schedule."""

import io
import json
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openberth.sandbox.alipay import bills, crypto, fields
from openberth.sandbox.alipay.bank import CODE_US, UNPAID_US, Bank, Party, PhoneRefused
from openberth.sandbox.alipay.faults import Faults, RefundPlan
from openberth.sandbox.alipay.gateway import written_node
from openberth.sandbox.alipay.instants import read_wall, wall, wall_ms
from openberth.sandbox.alipay.notifier import REPEATS_S
from openberth.sandbox.alipay.records import App
from openberth.sandbox.alipay.refunds import Refunds
from openberth.sandbox.alipay.refusals import Refusal, Why
from openberth.sandbox.alipay.store import Store
from openberth.sandbox.clock import DAY_US, SECOND_US, Clock

VECTORS = {one["id"]: one for one in json.loads((Path(__file__).parents[2] / "vectors" / "alipay.json").read_bytes())}
PID = "2088000000000101"


class TestVectors:
    def test_the_published_answer_verifies_as_it_stands(self) -> None:
        vector = VECTORS["alipay-v2-response"]
        node, key = json.loads(vector["raw"])[vector["node"]], crypto.read_public(vector["public_key"])
        text = json.dumps(node, separators=(",", ":"))
        assert f'"{vector["node"]}":{text},' in vector["raw"]
        signature = json.loads(vector["raw"])["sign"]
        assert crypto.verifies(key, text.encode(), signature)
        assert not crypto.verifies(key, text.replace("Success", "success").encode(), signature)

    @pytest.mark.parametrize(
        ("name", "without"),
        [("alipay-notify-A-drop-sign_type", ("sign", "sign_type")), ("alipay-notify-B-keep-sign_type", ("sign",))],
    )
    def test_published_notifications_verify(self, name: str, without: tuple[str, ...]) -> None:
        vector = VECTORS[name]
        key, form = crypto.read_public(vector["public_key"]), vector["params"]
        assert crypto.verifies(key, crypto.joined(form, *without).encode(), form["sign"])
        other = ("sign",) if "sign_type" in without else ("sign", "sign_type")
        assert not crypto.verifies(key, crypto.joined(form, *other).encode(), form["sign"])

    def test_certificates_are_named_as_published(self) -> None:
        app, root = VECTORS["alipay-app-cert-sn"], VECTORS["alipay-root-cert-sn"]
        assert crypto.serial_of(app["pem"]) == app["expected"]
        assert crypto.root_serial_of(root["pem"]) == root["expected"]


def test_the_signed_text_has_no_empty_values_and_encodes_nothing() -> None:
    given = {"b": "粤B 1&2=3", "a": "x/y", "empty": "", "sign": "s", "sign_type": "RSA2"}
    assert crypto.joined(given, "sign") == "a=x/y&b=粤B 1&2=3&sign_type=RSA2"


def test_a_node_is_written_in_no_order_with_escaped_slashes() -> None:
    text = written_node({"code": "10000", "msg": "Success", "qr_code": "https://qr.alipay.com/bax"})
    assert json.loads(text) == {"code": "10000", "msg": "Success", "qr_code": "https://qr.alipay.com/bax"}
    assert "https:\\/\\/qr" in text
    assert not text.startswith('{"code"')


@pytest.mark.parametrize(
    ("text", "fen"),
    [("0.01", 1), ("10", 1000), ("10.5", 1050), ("100000000.00", 10_000_000_000), ("0", None), ("-1.00", None),
     ("01.00", None), ("1.", None), (".5", None), ("1.001", None), ("1,000.00", None), (1.5, None), (True, None)],
)  # fmt: skip
def test_amounts(text: object, fen: int | None) -> None:
    if fen is None:
        with pytest.raises(Refusal):
            fields.fen(text, "total_amount")
    else:
        assert fields.fen(text, "total_amount") == fen
        assert fields.fen(fields.yuan(fen), "total_amount") == fen


@pytest.mark.parametrize(("text", "span"), [("1m", 1), ("2h", 120), ("15d", 21_600), ("1c", None)])
def test_spans(text: str, span: int | None) -> None:
    assert fields.minutes(text, "timeout_express") == span


def test_times_on_the_wire() -> None:
    at = read_wall("2026-11-25 07:59:59") + 5_000
    assert (wall(at), wall_ms(at)) == ("2026-11-25 07:59:59", "2026-11-25 07:59:59.005")
    for wrong in ("2026-11-25T07:59:59", "2026-11-25 07:59", "2026-13-25 07:59:59"):
        with pytest.raises(ValueError, match=r".+"):
            read_wall(wrong)


def test_notifications_repeat_for_a_day() -> None:
    assert REPEATS_S == (4 * 60, 10 * 60, 10 * 60, 3600, 2 * 3600, 6 * 3600, 15 * 3600)
    assert 24 * 3600 < sum(REPEATS_S) < 25 * 3600


class World:
    """A bank with one app and a clock that stands still."""

    def __init__(self) -> None:
        self.now = read_wall("2026-11-25 12:00:00")
        self.bank = Bank(Store(None), Clock(lambda: self.now), Faults())
        self.app = App(app_id="2021000000000001", pid=PID, public_key="", alipay_key="")
        self.bank.apps[self.app.app_id] = self.app
        self.party = Party(self.app, self.app)
        self.refunds = Refunds(self.bank)

    def open(self, number: str = "T1", **other: Any) -> None:
        body = {"out_trade_no": number, "total_amount": "10.00", "subject": "停车费"} | other
        self.bank.open(self.party, "precreate", body, "http://127.0.0.1:9/", "")

    def pay(self, number: str = "T1", **other: Any) -> None:
        found = self.bank.store.trade("number = ?", number)
        assert found is not None
        self.bank.pay(*found, **other)

    def refund(self, amount: str, number: str) -> str:
        body = {"out_trade_no": "T1", "refund_amount": amount, "out_request_no": number}
        return str(self.refunds.ask(self.party, body)["fund_change"])

    def status(self, number: str = "T1") -> str:
        return self.bank.find(self.party, {"out_trade_no": number})[1].status


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.bank.store.close()


def test_ends_of_codes_and_trades(world: World) -> None:
    world.open()
    world.now += CODE_US
    with pytest.raises(PhoneRefused, match="expired"):
        world.pay()
    world.open("T2", time_expire=wall(world.now + 60 * SECOND_US))
    found = world.bank.store.trade("number = ?", "T2")
    assert found is not None
    world.bank.bear(*found)
    world.now += 60 * SECOND_US
    assert world.status("T2") == "TRADE_CLOSED"
    world.open("T3", timeout_express="1c")  # the end of the day in Beijing
    found = world.bank.store.trade("number = ?", "T3")
    assert found is not None
    assert wall(found[1].expires_us or 0) == "2026-11-26 00:00:00"
    world.open("T4")
    found = world.bank.store.trade("number = ?", "T4")
    assert found is not None
    assert found[1].expires_us == world.now + UNPAID_US


def test_after_a_year_a_trade_is_finished(world: World) -> None:
    world.open()
    world.pay()
    world.now += 365 * DAY_US
    assert world.status() == "TRADE_FINISHED"
    with pytest.raises(Refusal) as refused:
        world.refund("1.00", "R1")
    assert refused.value.why is Why.FINISHED


def test_the_sum_of_refunds_never_exceeds_the_trade_and_the_fee_comes_back_whole(world: World) -> None:
    seed = 20_261_125
    dice = random.Random(seed)
    world.open()
    world.pay()
    for turn in range(200):
        world.bank.faults.refunds = RefundPlan(dice.choice(["done", "hangs", "failed"]), dice.randrange(100), 1)
        try:
            world.refund(fields.yuan(dice.randrange(1, 200)), f"R{dice.randrange(30)}")
        except Refusal as refusal:
            known = (Why.TOO_MUCH_BACK, Why.OTHER_REFUND, Why.CLOSED)
            assert refusal.why in known, f"seed {seed}, turn {turn}"  # noqa: PT017 - which of them it is depends
        world.now += dice.randrange(50) * SECOND_US
        found = world.bank.store.trade("number = 'T1'")
        assert found is not None
        refunds = world.bank.store.refunds("1")
        assert found[1].refunded == sum(one.amount for one in refunds if one.state == "done") <= found[1].total
        assert found[1].promised == sum(one.amount for one in refunds if one.state == "hangs")
    world.now += 1000 * SECOND_US
    world.refunds.ripen()
    rest = world.bank.find(world.party, {"out_trade_no": "T1"})[1]
    if rest.status == "TRADE_SUCCESS":
        world.bank.faults.refunds = RefundPlan()
        world.refund(fields.yuan(rest.total - rest.refunded), "R-rest")
    assert world.status() == "TRADE_CLOSED"
    assert world.bank.store.balance(PID) == 0  # the fee, too, to the fen
    notices = world.bank.store.notices("1")
    assert notices[-1].plain["trade_status"] == "TRADE_CLOSED"
    assert [one.plain["trade_status"] for one in notices[:-1]] == ["TRADE_SUCCESS"] * (len(notices) - 1)


def test_a_zip_is_read_by_others() -> None:
    made = zipfile.ZipFile(io.BytesIO(bills.packed({"业务明细.csv": "停车费\r\n", "b.csv": ""})))
    assert made.testzip() is None
    first = made.infolist()[0]
    assert first.filename.encode("cp437").decode("gbk") == "业务明细.csv"
    assert made.read(first).decode("gbk") == "停车费\r\n"
