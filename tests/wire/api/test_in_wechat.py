"""WeChat's own browser at an exit: it says who pays, the app takes the order, the gate opens. Or a code is shown."""

import json
import re
from collections.abc import Iterator
from html import unescape
from secrets import token_hex
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest

from openberth.contexts.payments.model.channels import ChannelKind
from openberth.infra.clocks import SystemClock
from openberth.providers.wechatpay import WechatPayMaker
from tests.waiting import eventually
from tests.wire.api.house import CAR, House
from tests.wire.wechatpay_peer import APPID, Sandbox

MCHID = "1900000031"
PAGE = "text/html,application/xhtml+xml,*/*;q=0.8"
WECHAT = {
    "accept": PAGE,
    "accept-language": "zh-CN",
    "user-agent": "Mozilla/5.0 (Linux) MicroMessenger/8.0.50",
}
ALIPAY = {"accept": PAGE, "accept-language": "zh-CN", "user-agent": "Mozilla/5.0 (iPhone) AlipayClient/10.5.0"}
PAYER = "oOPENID-of-the-tests-0123456"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as started:
        yield started


def take_money(house: House, sandbox: Sandbox, *, account: bool) -> str:
    """Let the mall take money by WeChat Pay, by the machine's real time, and a car wait at its exit to pay 7.50."""
    told = sandbox.control("merchants", mchid=MCHID, appids=[APPID])
    [key] = [one for one in told["platform_keys"] if one["kind"] == "public_key"]
    params = {
        "appid": APPID, "mchid": MCHID, "serial_no": told["serial"], "url": sandbox.url, "public_key_id": key["id"],
        "public_key": key["public_key"],
    }  # fmt: skip
    secrets = {"private_key": told["private_key"], "api_v3_key": told["api_key"]}
    if account:
        params |= {"oauth_app_id": APPID, "oauth_url": sandbox.url}
        secrets["oauth_secret"] = sandbox.control("official-accounts", appid=APPID)["secret"]
    house.machine.set(SystemClock().now())
    house.channels._makers = {
        **house.channels._makers,
        ChannelKind.WECHATPAY: WechatPayMaker(SystemClock(), lambda: token_hex(16)),
    }
    house.channels._public_base = house.url
    contract = {"level": "platform", "kind": "wechatpay", "name": "shop", "rank": 1, "params": params}
    made = house.post("/v1/channels", {**contract, "secrets": secrets})
    assert made.status_code == 201, made.text
    house.arrive("in-1", CAR)
    house.pass_minutes(61)
    house.machine.set(SystemClock().now())
    house.arrive("out-1", CAR)
    return str(made.json()["id"])


def at_wechat(sandbox: Sandbox, way: str, **more: str) -> str:
    """Return where at our front address WeChat sends a browser that came with an address."""
    assert way.startswith(f"{sandbox.url}/connect/oauth2/authorize?appid=")
    assert way.endswith("#wechat_redirect")
    asked = way.removesuffix("#wechat_redirect") + "&" + urlencode({"openid": PAYER} | more)
    sent = sandbox.http.get(asked)
    sandbox.http.cookies.clear()
    assert sent.status_code == 302, sent.text
    back = urlsplit(str(sent.headers["location"]))
    return f"{back.path}?{back.query}"


def begun(phone: httpx2.Client, house: House) -> str:
    sent = phone.post(house.code("out-1") + "/pay", content=b"")
    assert (sent.status_code, sent.headers["referrer-policy"]) == (303, "strict-origin")
    return str(sent.headers["location"])


def turned_away(answer: httpx2.Response) -> bool:
    return answer.status_code == 409 and "返回重新付款" in answer.text and "data-fields" not in answer.text


def test_who_scans_with_wechat_pays_inside_it_and_drives_out(house: House, sandbox: Sandbox) -> None:
    account = take_money(house, sandbox, account=True)
    phone, stranger = house.client(WECHAT), house.client(WECHAT)
    shown = phone.get(house.code("out-1")).text
    assert re.findall(r'name="channel" value="(\w+)"', shown) == ["wechatpay", "sandpay"]
    way = begun(phone, house)
    asked = parse_qs(urlsplit(way).query)
    assert asked["redirect_uri"] == [f"{house.settings.public_base}{house.code('out-1')}/wechat?lang=zh"]
    assert asked["scope"] == ["snsapi_base"]
    [state] = asked["state"]
    back = at_wechat(sandbox, way)
    begun(stranger, house)
    assert turned_away(stranger.get(back))  # one's address in another's browser
    assert turned_away(house.client(WECHAT).get(back))
    assert turned_away(phone.get(back.replace(house.code("out-1"), house.code("out-2"))))
    assert turned_away(phone.get(back.replace(state, state[::-1])))
    assert turned_away(phone.get(back.replace("state=", "other=")))
    page = phone.get(back)
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert re.search(r"^script-src 'sha256-[A-Za-z0-9+/=]+'; default-src 'none'", policy)
    assert page.headers["cache-control"] == "no-store"
    assert not re.search(r"(src|href|action)=\"(https?:)?//", page.text)
    for word in (PAYER, CAR, state):
        assert word not in page.text
    fields = json.loads(unescape(re.findall(r'data-fields="([^"]*)"', page.text)[0]))
    assert sorted(fields) == ["appId", "nonceStr", "package", "paySign", "signType", "timeStamp"]
    payment = unescape(re.findall(r'data-next="([^"]*)"', page.text)[0])
    kept = dict(phone.cookies)
    phone.cookies.set("payer", stranger.cookies["payer"], domain="127.0.0.1", path="/c/")
    assert turned_away(phone.get(back))  # a state of somebody else
    assert "payer" not in kept  # what was used is kept no longer
    waits = phone.get(payment)
    assert "正在等待支付渠道确认" in waits.text
    assert 'http-equiv="refresh"' in waits.text
    assert 'http-equiv="refresh"' not in phone.get(payment + "&n=24").text
    assert stranger.get(payment).headers["location"] == f"{house.code('out-1')}?lang=zh"  # paid nothing yet
    order = sandbox.http.get("/jsapi", params=fields | {"bridge": "1"})  # proves paySign as the app does
    assert order.status_code == 303, order.text
    for tapped, told in (("wait", "cancel"), ("pay", "ok")):
        assert f"postMessage('{told}'" in sandbox.http.post(order.headers["location"], data={"do": tapped}).text
    assert eventually(lambda: house.waiting("out-1") is None)
    paid = phone.get(payment)
    assert "已付清，道闸正在抬起" in paid.text
    assert phone.get(re.findall(r'href="[^"]*(/r/[^"?]+)', paid.text)[0]).status_code == 200
    [receipt] = house.get("/v1/receipts", lot="mall")["items"]
    assert (receipt["method"], receipt["amount"]["minor"]) == ("wechatpay", 750)
    [kept_order] = sandbox.look("orders")["orders"][-1:]
    assert kept_order["body"]["payer"] == {"openid": PAYER}
    assert PAYER not in house.log.getvalue()
    params = {"appid": APPID, "mchid": MCHID, "serial_no": "A" * 40, "url": sandbox.url}
    half = house.operator.put(f"/v1/channels/{account}", json={"name": "shop", "params": params})
    assert (half.status_code, half.json()["code"]) == (422, "channel.setting")  # a secret without its account
    whole = {"name": "shop", "params": params, "secrets": {"oauth_secret": ""}}
    less = house.operator.put(f"/v1/channels/{account}", json=whole)
    assert (less.status_code, less.json()["secrets"]) == (200, ["api_v3_key", "private_key"])


def test_a_state_is_good_once_and_a_silent_wechat_leaves_other_ways(house: House, sandbox: Sandbox) -> None:
    account = take_money(house, sandbox, account=True)
    phone = house.client(WECHAT)
    way = begun(phone, house)
    cookie = phone.cookies["payer"]
    sandbox.control("official-accounts", busy=1)
    silent = phone.get(at_wechat(sandbox, way))
    assert silent.status_code == 503
    assert "没能在微信确认您的身份" in silent.text
    assert re.findall(r'name="channel" value="(\w+)"', silent.text) == ["wechatpay", "sandpay", "wechatpay"]
    phone.cookies.set("payer", cookie, domain="127.0.0.1", path="/c/")
    assert turned_away(phone.get(at_wechat(sandbox, way)))  # another code with the state that was used
    back = at_wechat(sandbox, begun(phone, house))
    sandbox.control("official-accounts", expire_codes=True)
    assert phone.get(back).status_code == 401
    preview = phone.get(at_wechat(sandbox, begun(phone, house), preview="1"))
    assert (preview.status_code, "使用完整服务" in preview.text) == (409, True)
    bill = re.findall(r'name="bill" value="([^"]+)"', preview.text)[0]
    other = phone.post(house.code("out-1") + "/pay", data={"bill": account, "channel": "wechatpay"})
    assert (other.status_code, "没有等待的车辆" in other.text) == (409, True)  # another car than was meant
    shown = phone.post(house.code("out-1") + "/pay", data={"bill": bill, "channel": "wechatpay", "way": "code"})
    assert shown.headers["location"] == f"{house.code('out-1')}/payment?lang=zh"


def test_without_an_account_a_code_is_shown(house: House, sandbox: Sandbox) -> None:
    take_money(house, sandbox, account=False)
    for headers, paid_by_page in ((WECHAT, False), (ALIPAY, False), (WECHAT | {"user-agent": "Mozilla/5.0"}, True)):
        phone = house.client(headers)
        sent = phone.post(house.code("out-1") + "/pay", data={"channel": "wechatpay"})
        if paid_by_page:
            assert sent.headers["location"].startswith(sandbox.url)
            continue
        assert sent.headers["location"] == f"{house.code('out-1')}/payment?lang=zh"
        page = phone.get(sent.headers["location"])
        assert page.headers["content-security-policy"].startswith("img-src data:; default-src 'none'")
        assert '<img src="data:image/png;base64,' in page.text
        assert "在浏览器打开" in page.text
        assert house.client(headers).get(sent.headers["location"]).headers["location"].startswith(house.code("out-1"))
    assert [one["way"] for one in sandbox.look("orders")["orders"][-2:]] == ["native", "h5"]


def test_who_uses_the_mini_program_pays_in_it_without_signing_in(house: House, sandbox: Sandbox) -> None:
    take_money(house, sandbox, account=False)
    app, pay = house.client({"accept": "application/json"}), house.code("out-1") + "/pay"
    house.vouching.app = "wx0000000000000000"
    elsewhere = app.post(pay, json={"way": "app", "payer_code": "login-o1"})
    assert elsewhere.json()["code"] == "channel.none"  # an app whose users no contract can take money of
    house.vouching.app = APPID
    order = app.post(pay, json={"way": "app", "payer_code": "login-o1"}).json()
    assert (order["pay_url"], order["channel"]) == (None, "wechatpay")
    assert order["client"]["appId"] == APPID
    sent = sandbox.http.get("/jsapi", params=order["client"] | {"bridge": "1"})  # proves paySign as the app does
    assert sent.status_code == 303, sent.text
    sandbox.http.post(sent.headers["location"], data={"do": "pay"})
    assert eventually(lambda: house.waiting("out-1") is None)
    told = app.get(house.code("out-1") + "/payment", params={"order": order["order"]}).json()
    assert told["state"] == "paid"
