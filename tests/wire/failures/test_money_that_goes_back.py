"""How refunds go wrong, and statements: entries 9 to 12 and 18 of ``docs/guides/payment-failures.md``."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

from openberth.kernel.time import as_datetime
from tests.waiting import eventually
from tests.wire.failures.shop import DUE, STEP_S, Shop
from tests.wire.failures.sides import BEIJING

MORNING_S = int(10.5 * 3_600)


def test_09_a_refund_without_an_answer_is_made_once(shop: Shop) -> None:
    number = shop.settled_order()
    shop.side.faults(telling={"drop_percent": 100})
    shop.side.rule("refund", "bad_gateway")
    shop.gives_back(300)
    assert eventually(lambda: len(shop.side.refunds(number)) == 1)
    assert shop.refund_states() == ["asked"]
    shop.later(61)
    shop.refunded(300)
    assert shop.side.refunds(number) == [300]


def test_09_a_refund_that_moves_nothing_yet_is_no_refund(alipay_shop: Shop) -> None:
    """Alipay answers with success and ``fund_change`` N: it is asked after until the money is on its way."""
    shop = alipay_shop
    number = shop.settled_order()
    shop.side.faults(refunds={"becomes": "hangs", "after_s": 30, "times": 1})
    shop.gives_back(300)
    assert eventually(lambda: shop.side.refunds(number) == [300])
    shop.later(STEP_S)
    assert shop.refund_states() == ["asked"]
    shop.refunded(300)


def test_09_a_refund_that_fails_is_asked_for_again_by_the_same_number(alipay_shop: Shop) -> None:
    shop = alipay_shop
    number = shop.settled_order()
    shop.side.faults(refunds={"becomes": "failed", "times": 1})
    shop.gives_back(300)
    assert eventually(lambda: shop.side.refunds(number) == [300])
    shop.refunded(300)
    assert shop.side.refunds(number) == [300]


def test_10_a_refund_that_the_bank_does_not_take_asks_for_a_person(wechatpay_shop: Shop) -> None:
    shop = wechatpay_shop
    shop.settled_order()
    shop.side.faults(refunds={"becomes": "ABNORMAL", "times": 1})
    shop.gives_back(DUE)
    shop.stuck("ABNORMAL", "abnormal")
    _is_given_up(shop)


def test_10_a_trade_that_cannot_be_refunded_any_more_asks_for_a_person(alipay_shop: Shop) -> None:
    """A year after the payment, or what the contract says, Alipay refunds nothing."""
    shop = alipay_shop
    number = shop.settled_order()
    shop.side.sandbox.control("finish", number=number)
    shop.gives_back(DUE)
    shop.stuck("ACQ.TRADE_HAS_FINISHED")
    _is_given_up(shop)


def _is_given_up(shop: Shop) -> None:
    [refund] = shop.all("refunds")
    gave_up = shop.house.post(f"/v1/refunds/{refund['id']}/give-up", {"reason": "现金退还"}, key=secrets.token_hex(8))
    assert gave_up.json()["state"] == "given_up"
    assert eventually(lambda: shop.cases() == [])
    shop.balanced()


def test_10_a_refund_that_the_account_cannot_pay_is_tried_again(shop: Shop) -> None:
    number = shop.settled_order()
    shop.side.fill(0)
    shop.gives_back(DUE)
    shop.stuck(shop.side.too_poor)
    shop.side.fill(1_000_000)
    [refund] = shop.all("refunds")
    assert shop.house.post(f"/v1/refunds/{refund['id']}/retry", {}, key=secrets.token_hex(8)).status_code == 200
    assert eventually(lambda: bool(shop.side.refunds(number)))
    shop.refunded(DUE)
    assert eventually(lambda: shop.cases() == [])


def test_11_partial_refunds_never_exceed_the_payment(wechatpay_shop: Shop) -> None:
    shop = wechatpay_shop
    shop.settled_order()
    [receipt] = shop.all("receipts")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: shop.give_back(300, receipt["id"]).status_code, range(4)))
    assert sorted(answers) == [201, 201, 409, 409]
    assert shop.give_back(151).status_code == 409
    shop.refunded(300, 300)


def test_12_a_part_that_went_back_is_told_with_the_word_of_a_payment(alipay_shop: Shop) -> None:
    """``TRADE_SUCCESS`` again, with the whole amount: it is a refund's, and no money came."""
    shop = alipay_shop
    number = shop.settled_order()
    shop.gives_back(300)
    shop.refunded(300)
    told = [each["plain"] for each in shop.side.sandbox.look("notifications")["notifications"]]
    ours = [each for each in told if each["out_trade_no"] == number]
    assert [each["trade_status"] for each in ours] == ["TRADE_SUCCESS", "TRADE_SUCCESS"]
    assert eventually(lambda: len(shop.side.answers(number)) == 2)
    assert {each["answered"] for each in shop.side.answers(number)} == {"success"}
    shop.settles()
    shop.refunded(300)


def _read_next_morning(shop: Shop, *edits: dict[str, Any]) -> date:
    """Let the day's statement lie, and read it; return the day."""
    now = as_datetime(shop.house.machine.now()).astimezone(BEIJING)
    shop.side.falsify(now.date().isoformat(), *edits)
    midnight = (now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) - now).total_seconds()
    shop.later(int(midnight) + 1 + MORNING_S)
    asyncio.run(shop.read_statements())
    return now.date()


def _differences(shop: Shop, day: date) -> list[tuple[str, int | None, int | None]]:
    found = []
    for each in shop.house.get("/v1/reconciliation")["items"]:
        for one in shop.house.get(f"/v1/reconciliation/{each['id']}")["differences"]:
            sums = [one[name] and one[name]["minor"] for name in ("theirs", "ours")]
            found.append((one["kind"], *sums))
    assert day.isoformat() in [each["day"] for each in shop.house.get("/v1/reconciliation")["items"]]
    return found


def _decided(shop: Shop) -> None:
    """See a day stay open until a person has said what was different, and be closed then."""
    days = [each for each in shop.house.get("/v1/reconciliation")["items"] if each["state"] == "open"]
    for each in days:
        close = f"/v1/reconciliation/{each['id']}/close"
        assert shop.house.post(close, {}, key=secrets.token_hex(8)).status_code == 409
        for one in shop.house.get(f"/v1/reconciliation/{each['id']}")["differences"]:
            body = {"reason": "与渠道核实"}
            decide = f"/v1/differences/{one['id']}/decide"
            assert shop.house.post(decide, body, key=secrets.token_hex(8)).status_code == 200
        assert shop.house.post(close, {}, key=secrets.token_hex(8)).json()["state"] == "closed"
    assert days


def test_18_a_statement_with_another_amount_and_money_that_we_do_not_know(day_shop: Shop) -> None:
    shop = day_shop
    number = shop.settled_order()
    strange = shop.side.number_cells("T0000000000000000000000000000001", "4200009999")
    day = _read_next_morning(
        shop, {"do": "add", "number": number, "cells": strange},
        {"do": "set", "number": number, "cells": shop.side.amount_cells("7.40")},
    )  # fmt: skip
    assert sorted(_differences(shop, day)) == [("amount", 740, DUE), ("long", DUE, None)]
    _decided(shop)


def test_18_a_statement_that_lacks_a_payment_is_given_another_day(day_shop: Shop) -> None:
    """What was paid at the end of a day may stand in the file of the next: only then is it missed."""
    shop = day_shop
    number = shop.settled_order()
    strange = shop.side.number_cells("T0000000000000000000000000000002", "4200009998")
    day = _read_next_morning(shop, {"do": "set", "number": number, "cells": strange})
    assert _differences(shop, day) == [("long", DUE, None)]
    shop.later(2 * 86_400)  # an empty day of Alipay's has no file at all: it is late, or there is none
    asyncio.run(shop.read_statements())
    assert sorted(_differences(shop, day)) == [("long", DUE, None), ("short", None, DUE)]
    _decided(shop)
