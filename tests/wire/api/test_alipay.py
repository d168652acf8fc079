"""Alipay end to end: a driver at the exit, the stand-in that is paid, its notification at our address, the gate."""

from collections.abc import Iterator

import pytest

from openberth.contexts.payments.model.channels import ChannelKind
from openberth.infra.clocks import SystemClock
from openberth.providers.alipay import AlipayMaker
from tests.waiting import eventually
from tests.wire.alipay_peer import Sandbox
from tests.wire.api.house import CAR, House

APP, PID = "2021000000000001", "2088000000000101"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as started:
        yield started


@pytest.fixture
def mall(house: House, sandbox: Sandbox) -> House:
    """The mall takes money by Alipay, by the machine's real time, and a car waits at its exit to pay 7.50."""
    told = sandbox.control("apps", app_id=APP, pid=PID, mode="certificate")
    params = {
        "app_id": APP, "seller_id": PID, "app_cert": told["app_certificate"], "alipay_cert": told["alipay_certificate"],
        "alipay_root_cert": told["root_certificate"], "url": sandbox.url,
    }  # fmt: skip
    contract = {"level": "platform", "kind": "alipay", "name": "shop", "rank": 1, "params": params}
    house.machine.set(SystemClock().now())
    house.channels._makers = {**house.channels._makers, ChannelKind.ALIPAY: AlipayMaker(SystemClock())}
    house.channels._public_base = house.url
    wrong = house.post("/v1/channels", {**contract, "secrets": {"private_key": "no key"}})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "channel.setting")
    made = house.post("/v1/channels", {**contract, "secrets": {"private_key": told["private_key"]}})
    assert (made.status_code, made.json()["secrets"]) == (201, ["private_key"])
    house.arrive("in-1", CAR)
    house.pass_minutes(61)
    house.machine.set(SystemClock().now())
    house.arrive("out-1", CAR)
    return house


def test_who_pays_by_alipay_drives_out(mall: House, sandbox: Sandbox) -> None:
    order = mall.stranger.post(mall.code("out-1") + "/pay").json()
    assert order["pay_url"].startswith("https://qr.alipay.com/")
    trade = sandbox.control("pay", qr_code=order["pay_url"])["trade_no"]
    assert eventually(lambda: mall.waiting("out-1") is None)
    [receipt] = mall.get("/v1/receipts", lot="mall")["items"]
    assert (receipt["method"], receipt["amount"]["minor"], receipt["transaction"]) == ("alipay", 750, trade)
    [notice] = sandbox.look("notifications?state=done")["notifications"]  # our word ended the telling
    sandbox.control(f"notifications/{notice['id']}", how="good", copies=3)
    assert eventually(lambda: len(sandbox.look("notifications")["notifications"][0]["attempts"]) == 4)
    assert len(mall.get("/v1/receipts", lot="mall")["items"]) == 1
    forged = mall.stranger.post(notice["url"], data={"app_id": APP, "sign": "x"})
    assert (forged.status_code, forged.json()["code"]) == (401, "channel.bad_signature")
