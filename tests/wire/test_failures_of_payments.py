"""How payments go wrong, one test for each entry of the catalogue that concerns WeChat Pay.

The stand-in is a process of its own and the server a real one: orders, queries, refunds and notifications go over real
sockets, signed and sealed. Entries are numbered as in the catalogue in ``docs/guides/payment-failures.md``.
"""

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import select

from openberth.contexts.payments.model.channels import ChannelKind
from openberth.contexts.payments.service.attempts import begin_attempt
from openberth.contexts.payments.service.channels import add_account
from openberth.contexts.payments.store.tables import attempt
from openberth.contexts.tenancy.model.organisation import Node
from openberth.entrypoints.cli.ledger import compared
from openberth.infra.clocks import SystemClock
from openberth.infra.database.statement import Query
from openberth.kernel.authority import system
from openberth.kernel.time import MINUTE_US, SECOND_US, Instant, from_iso
from openberth.providers.wechatpay import WechatPayMaker
from tests.service.databases import SqliteFiles
from tests.wire.api.conftest import opened
from tests.wire.api.house import CAR, OTHER_CAR, House, eventually
from tests.wire.wechatpay_peer import APPID, Sandbox

MCHID, DUE = "1900000021", 750
STEP_S = 6  # the first time that an order is asked after by itself


class Skewed(SystemClock):
    """The clock that signatures are made and judged by; it can go wrong."""

    def __init__(self) -> None:
        self.seconds = 0

    def now(self) -> Instant:
        return Instant(super().now() + self.seconds * SECOND_US)


_ATTEMPTS = Query(
    select(attempt.c.number, attempt.c.state).order_by(attempt.c.id), lambda number, state: (number, str(state))
)


@dataclass
class Shop:
    """A mall that takes its money by WeChat Pay, the stand-in, and a driver who stands at the exit."""

    house: House
    sandbox: Sandbox
    clock: Skewed

    def stand_at_the_exit(self) -> None:
        self.house.arrive("in-1", CAR)
        self.house.business.advance(61 * 60 * SECOND_US)
        self.house.arrive("out-1", CAR)

    def press_pay(self) -> httpx2.Response:
        return self.house.stranger.post(self.house.code("out-1") + "/pay")

    def order(self) -> str:
        """Have an order opened by the driver's phone; returns its number."""
        answer = self.press_pay()
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["attempt"]).hex

    def pay(self, number: str, **how: Any) -> None:
        self.sandbox.control("pay", number=number, mchid=MCHID, **how)

    def held(self, number: str) -> str:
        return str(self.sandbox.wait_for_callback("held", number)["id"])

    def tell(self, callback: str, **how: Any) -> int:
        return int(self.sandbox.control(f"callbacks/{callback}", **how)["acknowledged"])

    def later(self, seconds: int) -> None:
        """Let time pass here and there, but not the car's."""
        self.house.machine.advance(seconds * SECOND_US)
        self.sandbox.control("clock", advance_s=seconds)

    def in_time(self, condition: Callable[[], bool]) -> bool:
        """Tell whether a condition comes true while time passes: within a minute, in a few steps."""
        for _ in range(20):
            if eventually(condition, 0.3):
                return True
            self.later(3)
        return False

    def there(self, number: str) -> dict[str, Any]:
        """Return the order as WeChat Pay has it: exactly one."""
        [found] = self.sandbox.look(f"orders?number={number}")["orders"]
        assert isinstance(found, dict)
        return found

    def opening(self) -> str:
        """Return the number of the order that was written down last, whatever its channel has answered."""
        assert eventually(lambda: bool(self._attempts()))
        return self._attempts()[-1][0]

    def _attempts(self) -> list[tuple[str, str]]:
        return self.house.database.read_now(lambda reader: reader.all(_ATTEMPTS), by=system("test"))

    def attempt_state(self, number: str) -> str:
        return dict(self._attempts())[number]

    def answers(self, number: str) -> list[dict[str, Any]]:
        found = self.sandbox.look("callbacks")["callbacks"]
        return [one for each in found if each["plain"].get("out_trade_no") == number for one in each["attempts"]]

    def alarms(self) -> list[dict[str, Any]]:
        return list(self.house.get("/v1/alarms")["items"])

    def stuck(self, *details: str) -> None:
        """See a refund wait for a person, who is told."""
        assert self.in_time(lambda: self.refund_states() == ["stuck"])
        [refund] = self.all("refunds")
        assert refund["detail"] in details
        assert eventually(lambda: [each["kind"] for each in self.all("exceptions")] == ["surplus"])
        self.balanced()

    def all(self, what: str, **more: Any) -> list[dict[str, Any]]:
        return list(self.house.get(f"/v1/{what}", lot="mall", **more)["items"])

    def openings(self) -> int:
        return sum(each["lane"] == "out-1" for each in self.all("commands"))

    def has_left(self) -> bool:
        return self.house.waiting("out-1") is None

    def settles(self) -> None:
        """See the bill paid and the gate opened, each once."""
        assert eventually(self.has_left)
        assert [each["state"] for each in self.all("bills")] == ["settled"]
        assert [(each["method"], each["amount"]["minor"]) for each in self.all("receipts")] == [("wechatpay", DUE)]
        self.opened_once()

    def settles_not(self) -> None:
        assert not self.has_left()
        assert [each["state"] for each in self.all("bills")] == ["open"]
        assert self.all("receipts") == []
        assert self.openings() == 0

    def opened_once(self) -> None:
        assert self.openings() == 1

    def refunded(self, *minors: int) -> None:
        """See what went back, each once, here and there."""
        assert self.in_time(lambda: self.refund_states() == ["done"] * len(minors))
        told = self.all("refunds")
        assert sorted(each["amount"]["minor"] for each in told) == sorted(minors)
        self.balanced()

    def refund_states(self) -> list[str]:
        return [each["state"] for each in self.all("refunds")]

    def take_cash(self) -> None:
        bill = self.house.waiting("out-1")["bill"]
        body = {"bill": bill["id"], "received": bill["due"]}
        assert self.house.post("/v1/lots/mall/lanes/out-1/cash", body).status_code == 200

    def give_back(self, receipt: str, minor: int) -> httpx2.Response:
        body = {"amount_minor": minor, "currency": "CNY", "reason": "客户投诉"}
        return self.house.post(f"/v1/receipts/{receipt}/refunds", body, key=secrets.token_hex(8))

    def balanced(self) -> None:
        """See that the ledger says what bills, receipts and refunds say."""
        assert compared(self.house.database)[1] == []


@pytest.fixture(scope="module")
def mall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the mall of the examples in it."""
    folder = tmp_path_factory.mktemp("mall")
    for house in opened(SqliteFiles(tmp_path_factory.mktemp("template")).url(folder), folder):
        house.open_mall()
    return folder / "openberth.db"


@pytest.fixture(scope="module")
def process() -> Iterator[Sandbox]:
    started = Sandbox()
    yield started
    started.close()


@pytest.fixture(scope="module")
def merchant(process: Sandbox) -> dict[str, Any]:
    told: dict[str, Any] = process.control("merchants", mchid=MCHID, appids=[APPID])
    return told


@pytest.fixture
def shop(tmp_path: Path, mall: Path, process: Sandbox, merchant: dict[str, Any]) -> Iterator[Shop]:
    """A car stands at the exit and owes 7.50; the lot's money goes to WeChat Pay first."""
    (tmp_path / "openberth.db").write_bytes(mall.read_bytes())
    process.control("faults", reset=True)
    process.control(f"accounts/{MCHID}", balance=1_000_000)
    now = process.control("clock")["now"]
    clock = Skewed()
    for house in opened(
        f"sqlite:///{tmp_path / 'openberth.db'}", tmp_path, machine_start=from_iso(now),
        makers={ChannelKind.WECHATPAY: WechatPayMaker(clock, lambda: secrets.token_hex(16))},
    ):  # fmt: skip
        house.look_around()
        house.database.write_now(
            partial(
                add_account, node=Node.platform(), kind=ChannelKind.WECHATPAY, name="mall", rank=1,
                params=_params(merchant, process),
                secrets={"private_key": merchant["private_key"], "api_v3_key": merchant["api_key"]},
            ),
            by=system("test"),
        )  # fmt: skip
        made = Shop(house, process, clock)
        made.stand_at_the_exit()
        yield made


def _params(merchant: dict[str, Any], sandbox: Sandbox) -> dict[str, str]:
    [key] = [one for one in merchant["platform_keys"] if one["kind"] == "public_key"]
    return {
        "appid": APPID, "mchid": MCHID, "serial_no": merchant["serial"], "url": sandbox.url,
        "public_key_id": key["id"], "public_key": key["public_key"],
    }  # fmt: skip


def test_01_the_same_callback_many_times_at_once(shop: Shop) -> None:
    shop.sandbox.control("faults", telling={"hold": True})
    number = shop.order()
    shop.pay(number)
    told = shop.held(number)
    assert shop.tell(told, copies=16) == 16  # the second and the sixteenth are told that all is well
    shop.settles()
    assert shop.tell(told, copies=2) == 2
    shop.settles()
    shop.balanced()


def test_02_a_callback_before_the_answer_to_the_order_itself(shop: Shop) -> None:
    shop.sandbox.control("faults", rules=[{"do": "hold", "path": "/v3/pay", "seconds": 1.5}])
    with ThreadPoolExecutor(1) as pool:
        pressed = pool.submit(shop.press_pay)
        number = shop.opening()
        assert eventually(lambda: bool(shop.sandbox.look(f"orders?number={number}")["orders"]))
        shop.pay(number)
        shop.settles()
        assert not pressed.done()
        assert pressed.result().status_code == 201
    shop.settles()  # the late answer takes nothing back


def test_02_an_order_whose_answer_was_lost_is_paid_all_the_same(shop: Shop) -> None:
    shop.sandbox.control("faults", rules=[{"do": "bad_gateway", "path": "/v3/pay"}])
    assert shop.press_pay().json()["code"] == "channel.unreachable"
    shop.pay(shop.opening())
    shop.settles()


def test_03_a_callback_that_never_comes(shop: Shop) -> None:
    shop.sandbox.control("faults", telling={"drop_percent": 100})
    shop.pay(shop.order())
    shop.settles_not()
    shop.later(STEP_S)
    shop.settles()


def test_04_an_order_that_is_paid_while_it_is_closed(shop: Shop) -> None:
    """The channel is asked to close before anybody believes that it is closed, and says that the payer was faster."""
    number = shop.order()
    shop.pay(number, tell=False)
    shop.take_cash()
    assert eventually(lambda: [each["state"] for each in shop.all("refunds")] != [])
    shop.refunded(DUE)
    assert shop.there(number)["state"] == "REFUND"
    shop.opened_once()


def test_04_money_for_an_order_that_is_closed_goes_back(shop: Shop) -> None:
    number = shop.order()
    shop.take_cash()
    assert eventually(lambda: shop.there(number)["state"] == "CLOSED")
    shop.pay(number, late=True)
    assert eventually(lambda: len(shop.all("receipts")) == 2)
    shop.refunded(DUE)
    assert [each["reason"] for each in shop.all("refunds")] == ["重复或多付，自动退款"]
    shop.opened_once()


def test_05_one_bill_is_paid_twice(shop: Shop) -> None:
    """By two orders at the same channel: the first settles, the second goes back by itself."""
    first = shop.order()
    shop.later(9 * 60)  # hardly a minute is left to pay the first: the phone is given another order
    second = shop.order()
    assert first != second
    for number in (first, second):
        shop.pay(number)
    assert eventually(lambda: len(shop.all("receipts")) == 2)
    shop.refunded(DUE)
    assert [each["state"] for each in shop.all("bills")] == ["settled"]
    assert sorted(shop.there(number)["state"] for number in (first, second)) == ["REFUND", "SUCCESS"]
    shop.opened_once()


def test_06_the_price_rises_between_order_and_payment(shop: Shop) -> None:
    """Who pays pays the price that was shown; who stays on is asked for the difference, and nothing goes back."""
    house = shop.house
    house.arrive("in-2", OTHER_CAR)
    house.business.advance(61 * MINUTE_US)
    bill = house.stranger.post(house.code() + "/bills", json={"plate": OTHER_CAR}).json()["bill"]
    order = house.stranger.post(house.code() + "/pay", json={"bill": bill["id"]}).json()
    house.business.advance(90 * MINUTE_US)
    shop.pay(UUID(order["attempt"]).hex)
    assert eventually(lambda: "settled" in [each["state"] for each in shop.all("bills")])
    house.arrive("out-2", OTHER_CAR)
    rest = house.waiting("out-2")["bill"]["due"]["minor"]
    assert rest > 0
    due = {each["id"]: each["due"]["minor"] for each in shop.all("bills")}
    assert due[bill["id"]] == DUE
    assert shop.all("refunds") == []
    shop.balanced()


def test_07_another_amount_settles_nothing(shop: Shop) -> None:
    shop.pay(shop.order(), amount=1)
    assert eventually(lambda: [each["kind"] for each in shop.all("exceptions")] == ["payment_differs"])
    shop.settles_not()
    [case] = shop.all("exceptions")
    told = shop.house.get(f"/v1/exceptions/{case['id']}")
    assert (told["evidence"]["told_minor"], told["evidence"]["asked_minor"]) == (1, DUE)


@pytest.mark.parametrize("lie", [{"mchid": "1900009999"}, {"appid": "wx0000000000000009"}])
def test_07_another_merchant_settles_nothing_and_raises_an_alarm(shop: Shop, lie: dict[str, str]) -> None:
    number = shop.order()
    shop.pay(number, overlay=lie)
    assert eventually(lambda: [each["kind"] for each in shop.alarms()] == ["channel_not_ours"])
    assert "wechatpay" in shop.alarms()[0]["text"]
    shop.settles_not()
    shop.later(STEP_S)  # asked for itself, the channel tells the truth
    shop.settles()


def test_08_success_is_told_after_the_refund(shop: Shop) -> None:
    shop.sandbox.control("faults", telling={"hold": True})
    number = shop.order()
    shop.pay(number)
    shop.later(STEP_S)  # found by asking
    shop.settles()
    [receipt] = shop.all("receipts")
    assert shop.give_back(receipt["id"], DUE).status_code == 201
    assert eventually(lambda: bool(shop.there(number)["refunds"]))
    shop.refunded(DUE)
    shop.sandbox.control("callbacks/release", order="reverse")  # the refund first, the payment last
    shop.settles()
    shop.refunded(DUE)


def test_09_a_refund_without_an_answer_is_made_once(shop: Shop) -> None:
    number = shop.order()
    shop.pay(number)
    shop.settles()
    shop.sandbox.control(
        "faults", telling={"drop_percent": 100},
        rules=[{"do": "bad_gateway", "path": "/v3/refund", "method": "POST"}],
    )  # fmt: skip
    assert shop.give_back(shop.all("receipts")[0]["id"], 300).status_code == 201
    assert eventually(lambda: len(shop.there(number)["refunds"]) == 1)
    assert shop.refund_states() == ["asked"]
    shop.later(61)
    shop.refunded(300)
    assert [each["refund"] for each in shop.there(number)["refunds"]] == [300]


def test_10_a_refund_that_the_bank_does_not_take_asks_for_a_person(shop: Shop) -> None:
    shop.sandbox.control("faults", refunds={"becomes": "ABNORMAL", "times": 1})
    shop.pay(shop.order())
    shop.settles()
    assert shop.give_back(shop.all("receipts")[0]["id"], DUE).status_code == 201
    shop.stuck("ABNORMAL", "abnormal")
    [refund] = shop.all("refunds")
    gave_up = shop.house.post(f"/v1/refunds/{refund['id']}/give-up", {"reason": "现金退还"}, key=secrets.token_hex(8))
    assert gave_up.json()["state"] == "given_up"
    assert eventually(lambda: shop.all("exceptions") == [])
    shop.balanced()


def test_10_a_refund_that_the_account_cannot_pay_is_tried_again(shop: Shop) -> None:
    number = shop.order()
    shop.pay(number)
    shop.settles()
    shop.sandbox.control(f"accounts/{MCHID}", balance=0)
    assert shop.give_back(shop.all("receipts")[0]["id"], DUE).status_code == 201
    shop.stuck("NOT_ENOUGH")
    shop.sandbox.control(f"accounts/{MCHID}", balance=1_000_000)
    [refund] = shop.all("refunds")
    assert shop.house.post(f"/v1/refunds/{refund['id']}/retry", {}, key=secrets.token_hex(8)).status_code == 200
    assert eventually(lambda: bool(shop.there(number)["refunds"]))
    shop.refunded(DUE)
    assert eventually(lambda: shop.all("exceptions") == [])


def test_11_partial_refunds_never_exceed_the_payment(shop: Shop) -> None:
    shop.pay(shop.order())
    shop.settles()
    [receipt] = shop.all("receipts")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: shop.give_back(receipt["id"], 300).status_code, range(4)))
    assert sorted(answers) == [201, 201, 409, 409]
    assert shop.give_back(receipt["id"], 151).status_code == 409
    shop.refunded(300, 300)


def test_13_forged_old_and_probing_callbacks(shop: Shop) -> None:
    shop.sandbox.control("faults", telling={"hold": True})
    number = shop.order()
    shop.pay(number)
    told = shop.held(number)
    for how in ("wrong_signature", "old_signature", "unknown_serial", "probe"):
        assert shop.tell(told, how=how, copies=2) == 0
    assert [each["status"] for each in shop.answers(number)] == [401] * 8
    shop.settles_not()
    assert shop.tell(told) == 1
    shop.settles()


def test_14_killed_between_the_books_and_the_call(shop: Shop) -> None:
    """What is written down before the channel is called is found again: the same number, one order."""
    house = shop.house
    bill = UUID(house.waiting("out-1")["bill"]["id"])
    account = next(each for each in house.get("/v1/channels")["items"] if each["kind"] == "wechatpay")
    begun = house.database.write_now(
        partial(begin_attempt, bill=bill, channel="wechatpay", account=UUID(account["id"])), by=system("test")
    )
    assert shop.order() == begun.number
    shop.pay(begun.number)
    shop.settles()


def test_14_killed_between_the_answer_and_the_books(shop: Shop) -> None:
    """An order that its channel knows and we do not: nobody pays it, so it ends, and the bill can be paid again."""
    shop.sandbox.control("faults", rules=[{"do": "no_signature", "path": "/v3/pay"}])
    assert shop.press_pay().status_code == 503
    lost = shop.opening()
    shop.later(11 * 60)
    assert eventually(lambda: shop.attempt_state(lost) == "expired")
    again = shop.order()
    assert again != lost
    shop.pay(again)
    shop.settles()


def test_19_our_clock_is_wrong(shop: Shop) -> None:
    """Then nothing is proved in either direction: nothing is believed, and nothing is lost."""
    shop.sandbox.control("faults", telling={"hold": True})
    number = shop.order()
    shop.pay(number)
    shop.clock.seconds = 400
    assert shop.tell(shop.held(number)) == 0
    shop.later(STEP_S)
    shop.settles_not()
    shop.clock.seconds = 0
    shop.later(61)
    shop.settles()


def test_20_an_amount_that_is_no_whole_fen_is_not_understood(shop: Shop) -> None:
    number = shop.order()
    shop.pay(number, overlay={"amount": {"total": 7.5}})
    assert eventually(lambda: [each["status"] for each in shop.answers(number)] == [422])
    shop.settles_not()


def test_20_an_amount_of_another_currency_settles_nothing(shop: Shop) -> None:
    shop.pay(shop.order(), overlay={"amount": {"total": DUE, "currency": "USD"}})
    assert eventually(lambda: [each["kind"] for each in shop.all("exceptions")] == ["payment_differs"])
    shop.settles_not()


def test_21_the_phone_is_gone_after_paying(shop: Shop) -> None:
    """The driver closes the page before even the code has come: nothing depends on the phone."""
    shop.sandbox.control("faults", rules=[{"do": "hold", "path": "/v3/pay", "seconds": 0.6}])
    phone = httpx2.Client(base_url=shop.house.url, trust_env=False, timeout=0.3)
    with phone, pytest.raises(httpx2.TimeoutException):
        phone.post(shop.house.code("out-1") + "/pay")
    shop.pay(shop.opening())
    shop.settles()
