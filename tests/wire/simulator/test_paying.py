"""Drivers pay by the real stand-ins for WeChat Pay and Alipay: their codes, plain and not, and their totals."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest

from openberth.simulator.api import Refusal
from openberth.simulator.paying import Payment, Purse
from tests.wire.alipay_peer import Sandbox as AlipaySandbox
from tests.wire.wechatpay_peer import Sandbox

MCHID = "1900000001"


def test_a_driver_pays_by_a_wechat_code_once() -> None:
    with Sandbox("--plain-codes") as sandbox:
        shop = sandbox.client(MCHID)
        number, made = shop.open(amount={"total": 1250, "currency": "CNY"})
        plain = made["code_url"]
        assert plain.startswith("http://")  # says itself where it leads
        purse = Purse(wechatpay=sandbox.url)
        assert asyncio.run(purse.totals()) == {"wechatpay": {"CNY": 0}}
        assert asyncio.run(Purse().pay(plain)) == Payment("wechatpay", 1250)
        assert shop.query(number).said["trade_state"] == "SUCCESS"
        with pytest.raises(Refusal) as twice:
            asyncio.run(Purse().pay(plain))
        assert twice.value.code == "PHONE_REFUSED"
        _, made = shop.open(amount={"total": 300, "currency": "CNY"})
        (code,) = parse_qs(urlsplit(made["code_url"]).query)["code_url"]
        assert code.startswith("weixin://")
        with pytest.raises(Refusal):
            asyncio.run(Purse().pay(code))  # a phone without WeChat
        assert asyncio.run(purse.pay(code)) == Payment("wechatpay", 300)
        shop.open()  # not paid
        assert asyncio.run(purse.totals()) == {"wechatpay": {"CNY": 1550}}


def test_a_driver_pays_by_an_alipay_code_once() -> None:
    with AlipaySandbox("--plain-codes") as sandbox:
        shop = sandbox.client("2021000000000001", "2088000000000101")
        _, plain = shop.precreate(total_amount="12.50")
        assert plain.startswith("http://")
        purse = Purse(alipay=sandbox.url)
        assert asyncio.run(Purse().pay(plain)) == Payment("alipay", 1250)
        with pytest.raises(Refusal):
            asyncio.run(purse.pay(plain))
        _, plain = shop.precreate(total_amount="3.00")
        (code,) = parse_qs(urlsplit(plain).query)["qr_code"]
        with pytest.raises(Refusal):
            asyncio.run(Purse().pay(code))  # a phone without Alipay
        assert asyncio.run(purse.pay(code)) == Payment("alipay", 300)
        shop.precreate()  # not paid
        assert asyncio.run(purse.totals()) == {"alipay": {"CNY": 1550}}


def test_a_driver_chooses_among_what_the_phone_can_pay_by() -> None:
    offered = ("alipay", "wechatpay", "sandpay")
    assert Purse(wechatpay="http://127.0.0.1:1").usable(offered) == ["wechatpay", "sandpay"]
    assert Purse().usable(offered) == ["sandpay"]
    assert Purse(alipay="http://127.0.0.1:1").usable(offered) == ["alipay", "sandpay"]
    assert Purse().usable(()) == []
