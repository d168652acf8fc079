"""The WeChat Pay stand-in over its real wire: as strict as the fidelity list of its guide says."""

import datetime
import gzip
import hashlib
import json
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from cryptography.exceptions import InvalidSignature

from tests.waiting import PATIENCE_S
from tests.wire.wechatpay_peer import APPID, SUB_APPID, Client, Listener, Sandbox, oaep, rsa_sign

MCHID, PROVIDER, SUB, OTHER = "1900000001", "1900000100", "1900000109", "1900000002"
BEIJING = datetime.timezone(datetime.timedelta(hours=8))


@pytest.fixture(scope="module")
def process() -> Iterator[Sandbox]:
    started = Sandbox()
    yield started
    started.close()


@pytest.fixture
def sandbox(process: Sandbox) -> Sandbox:
    process.control("faults", reset=True)
    return process


@pytest.fixture(scope="module")
def shop_made(process: Sandbox) -> Client:
    return process.client(MCHID)


@pytest.fixture
def shop(sandbox: Sandbox, shop_made: Client) -> Client:
    return shop_made


@pytest.fixture(scope="module")
def provider_made(process: Sandbox) -> Client:
    made = process.client(PROVIDER)
    process.control("merchants", mchid=SUB, appids=[SUB_APPID], providers=[PROVIDER], served_only=True)
    return made


@pytest.fixture
def provider(sandbox: Sandbox, provider_made: Client) -> Client:
    return provider_made


def jsapi(client: Client, appid: str, prepay_id: str, **other: str) -> dict[str, str]:
    at, nonce, package = str(int(time.time())), secrets.token_hex(16), f"prepay_id={prepay_id}"
    given = {"appId": appid, "timeStamp": at, "nonceStr": nonce, "package": package, "signType": "RSA"}
    return given | {"paySign": rsa_sign(client.key, appid, at, nonce, package)} | other


class TestSignatures:
    @pytest.mark.parametrize(
        ("spoilt", "said"),
        [
            ({"timestamp": "-330"}, "5分钟"),
            ({"timestamp": "330"}, "5分钟"),
            ({"nonce_str": "x" * 33}, "随机串"),
            ({"serial_no": "0" * 40}, "序列号"),
            ({"signature": "AAAA"}, "签名错误"),
            ({"mchid": OTHER + "9"}, "商户号"),
            ({"more": "1"}, "Authorization"),
        ],
    )
    def test_a_wrong_signature_is_refused(self, shop: Client, spoilt: dict[str, str], said: str) -> None:
        target = f"/v3/pay/transactions/out-trade-no/T0000001?mchid={MCHID}"
        if "timestamp" in spoilt:  # so many seconds off
            spoilt = {"timestamp": str(int(time.time()) + int(spoilt["timestamp"]))}
        answer = shop.call("GET", target, Authorization=shop.authorization("GET", target, "", **spoilt))
        assert answer.why == (401, "SIGN_ERROR", 268443699)
        assert said in answer.said["message"]

    def test_the_body_and_the_query_are_signed(self, shop: Client) -> None:
        signed = shop.authorization("GET", "/v3/pay/transactions/out-trade-no/T0000001", "")
        target = f"/v3/pay/transactions/out-trade-no/T0000001?mchid={MCHID}"
        assert shop.call("GET", target, Authorization=signed).status == 401
        close = "/v3/pay/transactions/out-trade-no/T0000001/close"
        signed = shop.authorization("POST", close, "{}")
        assert shop.call("POST", close, {"mchid": MCHID}, Authorization=signed).status == 401

    def test_a_chinese_query_is_signed_as_it_was_sent(self, shop: Client) -> None:
        encoded = "/v3/vehicle/parking/services/find?plate_number=%E7%B2%A4B88888"
        assert shop.call("GET", encoded).status == 404  # the signature was right
        plain = shop.authorization("GET", "/v3/vehicle/parking/services/find?plate_number=粤B88888", "")
        assert shop.call("GET", encoded, Authorization=plain).status == 401

    def test_a_used_nonce_is_noted_and_refused_on_demand(self, sandbox: Sandbox, shop: Client) -> None:
        target = f"/v3/pay/transactions/out-trade-no/T0000002?mchid={MCHID}"
        signed = shop.authorization("GET", target, "")
        assert [shop.call("GET", target, Authorization=signed).status for _ in range(2)] == [404, 404]
        assert [one["replayed"] for one in sandbox.look(f"calls?path={target}")["calls"]] == [False, True]
        sandbox.control("faults", refuse_replays=True)
        assert shop.call("GET", target, Authorization=signed).status == 401

    def test_public_key_mode_wants_the_key_named(self, shop: Client) -> None:
        target = f"/v3/pay/transactions/out-trade-no/T0000003?mchid={MCHID}"
        for named in ("", "PUB_KEY_ID_0000000000000000000000000000", "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"):
            answer = shop.call("GET", target, **{"Wechatpay-Serial": named})
            assert answer.why[:2] == (400, "PARAM_ERROR")
            assert answer.serial == shop.names  # refused, but signed

    def test_headers_that_the_real_one_wants(self, shop: Client) -> None:
        target = f"/v3/pay/transactions/out-trade-no/T0000004?mchid={MCHID}"
        assert shop.call("GET", target, Accept="text/html").why == (400, "PARAM_ERROR", 268435461)
        text = "/v3/pay/transactions/native"
        assert shop.call("POST", text, shop.order(), **{"Content-Type": "text/plain"}).status == 400


class TestOrders:
    def test_the_four_ways(self, sandbox: Sandbox, shop: Client) -> None:
        assert shop.open("native")[1]["code_url"].startswith("weixin://wxpay/bizpayurl?pr=")
        for way, other in (("jsapi", {"payer": {"openid": "oU1"}}), ("app", {})):
            assert shop.open(way, **other)[1]["prepay_id"].startswith("wx20")
        scene = {"payer_client_ip": "127.0.0.1", "h5_info": {"type": "Wap"}}
        h5_url = shop.open("h5", scene_info=scene)[1]["h5_url"]
        assert h5_url.startswith(f"{sandbox.url}/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx")

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"total": 1}, (400, "PARAM_ERROR", 270924358)),
            ({"amount": {"total": 100, "payer_total": 1}}, (400, "PARAM_ERROR", 270924358)),
            ({"amount": {"total": 0}}, (400, "PARAM_ERROR", 268435464)),
            ({"amount": {"total": 1.0}}, (400, "PARAM_ERROR", 268435461)),
            ({"amount": {"total": True}}, (400, "PARAM_ERROR", 268435461)),
            ({"amount": {"total": 1, "currency": "USD"}}, (400, "PARAM_ERROR", 268435461)),
            ({"out_trade_no": "short"}, (400, "PARAM_ERROR", 268435461)),
            ({"out_trade_no": "with space 1"}, (400, "PARAM_ERROR", 268435461)),
            ({"description": "长" * 128}, (400, "PARAM_ERROR", 268435461)),
            ({"notify_url": "https://example.invalid/n?lot=1"}, (400, "PARAM_ERROR", 268435461)),
            ({"settle_info": {"profit_sharing": "Y"}}, (400, "PARAM_ERROR", 268435461)),
            ({"scene_info": {"store_info": {"id": "1"}}}, (400, "PARAM_ERROR", 268435461)),
            ({"time_expire": "2026-01-01 10:00:00"}, (400, "PARAM_ERROR", 268435461)),
            ({"time_expire": "2020-01-01T10:00:00+08:00"}, (400, "PARAM_ERROR", 268435461)),
            ({"appid": SUB_APPID}, (400, "APPID_MCHID_NOT_MATCH", 268445527)),
            ({"mchid": OTHER}, (400, "PARAM_ERROR", 268435461)),
            ({"payer": {}}, (400, "PARAM_ERROR", 268501013)),
        ],
    )
    def test_what_is_refused(self, shop: Client, change: dict[str, Any], why: tuple[int, str, int]) -> None:
        body = shop.order(**({"payer": {"openid": "oU1"}} | change))
        answer = shop.call("POST", "/v3/pay/transactions/jsapi", body)
        assert answer.why == why
        assert answer.serial is not None

    def test_the_same_number_again(self, sandbox: Sandbox, shop: Client) -> None:
        body = shop.order()
        first, again = (shop.call("POST", "/v3/pay/transactions/native", body) for _ in range(2))
        assert first.said == again.said
        other = shop.call("POST", "/v3/pay/transactions/native", body | {"attach": "x"})
        assert other.why == (400, "INVALID_REQUEST", 268498688)
        assert shop.call("POST", "/v3/pay/transactions/app", body).why == (400, "INVALID_REQUEST", 268498688)
        sandbox.control("pay", number=body["out_trade_no"])
        assert shop.call("POST", "/v3/pay/transactions/native", body).why == (403, "ORDERPAID", 268498689)

    def test_closed_is_closed_for_ever(self, sandbox: Sandbox, shop: Client) -> None:
        body = shop.order()
        code = shop.call("POST", "/v3/pay/transactions/native", body).said["code_url"]
        close = f"/v3/pay/transactions/out-trade-no/{body['out_trade_no']}/close"
        for _ in range(2):  # re-entrant
            answer = shop.call("POST", close, {"mchid": MCHID})
            assert (answer.status, answer.content) == (204, b"")
            assert answer.serial is not None
        assert shop.query(body["out_trade_no"]).said["trade_state"] == "CLOSED"
        assert shop.call("POST", "/v3/pay/transactions/native", body).why == (400, "ORDER_CLOSED", 268447914)
        assert "closed" in sandbox.refused("pay", code_url=code)
        assert sandbox.control("pay", code_url=code, late=True)["state"] == "SUCCESS"
        paid, _ = shop.open()
        sandbox.control("pay", number=paid)
        close = f"/v3/pay/transactions/out-trade-no/{paid}/close"
        assert shop.call("POST", close, {"mchid": MCHID}).why == (403, "ORDERPAID", 268449538)

    def test_queries(self, sandbox: Sandbox, shop: Client) -> None:
        assert shop.query("T-unknown").why == (404, "ORDER_NOT_EXIST", 268512771)
        number, _ = shop.open(attach="lot=1")
        unpaid = shop.query(number).said
        assert (unpaid["trade_state"], unpaid["amount"]["total"]) == ("NOTPAY", 1000)
        assert "transaction_id" not in unpaid
        sandbox.control("pay", number=number, openid="oPayer", coupon=100)
        paid = shop.query(number).said
        assert paid["amount"] == {"total": 1000, "payer_total": 900, "currency": "CNY", "payer_currency": "CNY"}
        assert (paid["trade_state"], paid["trade_type"]) == ("SUCCESS", "NATIVE")
        assert (paid["payer"], paid["attach"]) == ({"openid": "oPayer"}, "lot=1")
        assert paid["promotion_detail"][0]["amount"] == 100
        transaction = paid["transaction_id"]
        assert shop.call("GET", f"/v3/pay/transactions/id/{transaction}?mchid={MCHID}").said == paid
        other = sandbox.client(OTHER)
        answer = other.call("GET", f"/v3/pay/transactions/id/{transaction}?mchid={OTHER}")
        assert answer.why == (400, "INVALID_REQUEST", 268447843)

    def test_a_failed_try_leaves_the_order_payable(self, sandbox: Sandbox, shop: Client) -> None:
        number, _ = shop.open()
        sandbox.control("fail", number=number)
        assert shop.query(number).said["trade_state"] == "NOTPAY"
        sandbox.control("pay", number=number)
        assert "paid already" in sandbox.refused("pay", number=number)

    def test_times(self, sandbox: Sandbox, shop: Client) -> None:
        now = datetime.datetime.fromisoformat(sandbox.look("")["now"])
        soon = (now + datetime.timedelta(minutes=10)).isoformat()
        h5 = {"scene_info": {"payer_client_ip": "127.0.0.1", "h5_info": {"type": "Wap"}}}
        expiring, _ = shop.open(time_expire=soon)
        body = shop.order()
        first = shop.call("POST", "/v3/pay/transactions/native", body).said
        by_link, _ = shop.open("h5", **h5)
        sandbox.control("clock", advance_s=301)
        assert "expired" in sandbox.refused("pay", number=by_link)
        sandbox.control("clock", advance_s=300)
        assert shop.query(expiring).said["trade_state"] == "CLOSED"
        sandbox.control("clock", advance_s=7200)
        assert "expired" in sandbox.refused("pay", code_url=first["code_url"])
        assert shop.query(body["out_trade_no"]).said["trade_state"] == "NOTPAY"  # the order lives longer than its code
        again = shop.call("POST", "/v3/pay/transactions/native", body).said
        assert again != first
        sandbox.control("pay", code_url=again["code_url"])

    def test_restricted_and_unusable_merchants(self, sandbox: Sandbox) -> None:
        other = sandbox.client(OTHER)
        sandbox.control(f"merchants/{OTHER}", restricted=True)
        assert other.call("POST", "/v3/pay/transactions/native", other.order()).why == (403, "NO_AUTH", 268448010)
        sandbox.control(f"merchants/{OTHER}", restricted=False, unusable=True)
        assert other.call("POST", "/v3/pay/transactions/native", other.order()).why == (403, "ACCOUNT_ERROR", 268443715)


class TestProvider:
    def order(self, provider: Client, **other: Any) -> dict[str, Any]:
        body = provider.order(sp_appid=APPID, sp_mchid=PROVIDER, sub_mchid=SUB, **other)
        return {name: value for name, value in body.items() if name not in ("appid", "mchid")}

    def test_for_another_merchant(self, sandbox: Sandbox, provider: Client) -> None:
        body = self.order(provider, sub_appid=SUB_APPID, payer={"sub_openid": "oSub"})
        prepay = provider.call("POST", "/v3/pay/partner/transactions/jsapi", body).said["prepay_id"]
        assert "another app" in sandbox.refused("pay", client=jsapi(provider, APPID, prepay))
        sandbox.control("pay", client=jsapi(provider, SUB_APPID, prepay))
        number = body["out_trade_no"]
        base = f"/v3/pay/partner/transactions/out-trade-no/{number}"
        paid = provider.call("GET", f"{base}?sp_mchid={PROVIDER}&sub_mchid={SUB}").said
        assert (paid["sp_mchid"], paid["sub_mchid"], paid["sub_appid"]) == (PROVIDER, SUB, SUB_APPID)
        assert paid["payer"]["sub_openid"] == "oSub"
        assert paid["payer"]["sp_openid"] not in ("", "oSub")
        assert provider.call("GET", f"{base}?sp_mchid={PROVIDER}").why == (400, "PARAM_ERROR", 268443704)
        other = sandbox.control("merchants", mchid="1900000110", providers=[PROVIDER], served_only=True)["mchid"]
        wrong = provider.call("GET", f"{base}?sp_mchid={PROVIDER}&sub_mchid={other}")
        assert wrong.why == (400, "INVALID_REQUEST", 268447845)

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"sub_mchid": PROVIDER}, (400, "PARAM_ERROR", 268443705)),
            ({"sub_mchid": None}, (400, "PARAM_ERROR", 268435461)),
            ({"sub_mchid": MCHID}, (403, "NO_AUTH", 268443701)),
            ({"sp_appid": SUB_APPID}, (400, "APPID_MCHID_NOT_MATCH", 268445527)),
            ({"sub_appid": APPID}, (400, "APPID_MCHID_NOT_MATCH", 268445527)),
            ({"payer": {}}, (400, "PARAM_ERROR", 268501013)),
            ({"payer": {"sub_openid": "oSub"}}, (400, "PARAM_ERROR", 268435461)),
            ({"payer": {"openid": "oSub"}}, (400, "PARAM_ERROR", 270924358)),
        ],
    )
    def test_what_is_refused(self, provider: Client, change: dict[str, Any], why: tuple[int, str, int]) -> None:
        body = self.order(provider, payer={"sp_openid": "oSp"}) | change
        assert provider.call("POST", "/v3/pay/partner/transactions/jsapi", body).why == why

    def test_a_payers_code_needs_no_app(self, sandbox: Sandbox, provider: Client) -> None:
        code = sandbox.control("auth-codes")["auth_code"]
        body = self.order(provider, payer={"auth_code": code}, scene_info={"store_info": {"out_id": "A1"}})
        del body["notify_url"], body["sp_appid"]
        done = provider.call("POST", "/v3/pay/partner/transactions/codepay", body)
        assert (done.status, done.said["trade_state"], done.said["payer"]) == (200, "SUCCESS", {})

    def test_close_refund_and_bill_name_the_merchant(self, sandbox: Sandbox, provider: Client) -> None:
        body = self.order(provider)
        provider.call("POST", "/v3/pay/partner/transactions/native", body)
        sandbox.control("pay", number=body["out_trade_no"], mchid=SUB)
        refund = {"out_trade_no": body["out_trade_no"], "out_refund_no": "R" + secrets.token_hex(8), "sub_mchid": SUB}
        refund["amount"] = {"refund": 1000, "total": 1000, "currency": "CNY"}
        without = {name: value for name, value in refund.items() if name != "sub_mchid"}
        assert provider.call("POST", "/v3/refund/domestic/refunds", without).status == 404
        assert provider.call("POST", "/v3/refund/domestic/refunds", refund).said["status"] == "PROCESSING"
        target = f"/v3/refund/domestic/refunds/{refund['out_refund_no']}"
        assert provider.call("GET", target).status == 404
        assert provider.call("GET", f"{target}?sub_mchid={SUB}").status == 200
        unpaid = self.order(provider)
        provider.call("POST", "/v3/pay/partner/transactions/native", unpaid)
        close = f"/v3/pay/partner/transactions/out-trade-no/{unpaid['out_trade_no']}/close"
        assert provider.call("POST", close, {"sp_mchid": PROVIDER, "sub_mchid": SUB}).status == 204


class TestPhone:
    def test_what_a_mini_program_hands_over_is_proved(self, sandbox: Sandbox, shop: Client) -> None:
        number, made = shop.open("jsapi", payer={"openid": "oU1"})
        good = jsapi(shop, APPID, made["prepay_id"])
        assert "signature is wrong" in sandbox.refused("pay", client=good | {"nonceStr": "other"})
        assert "another app" in sandbox.refused("pay", client=good | {"appId": SUB_APPID})
        assert "not a text" in sandbox.refused("pay", client=good | {"timeStamp": int(good["timeStamp"])})
        assert "signType" in sandbox.refused("pay", client=good | {"signType": "MD5"})
        assert "missing" in sandbox.refused("pay", client={"appId": APPID})
        assert "another user" in sandbox.refused("pay", client=good, openid="oU2")
        assert sandbox.control("pay", client=good)["state"] == "SUCCESS"
        assert shop.query(number).said["payer"] == {"openid": "oU1"}

    def test_an_app_signs_other_fields(self, sandbox: Sandbox, shop: Client) -> None:
        _, made = shop.open("app")
        at, nonce = str(int(time.time())), secrets.token_hex(16)
        sign = rsa_sign(shop.key, APPID, at, nonce, made["prepay_id"])
        given = {"appid": APPID, "partnerid": MCHID, "prepayid": made["prepay_id"], "package": "Sign=WXPay"}
        given |= {"noncestr": nonce, "timestamp": at, "sign": sign}
        assert "partnerid" in sandbox.refused("pay", client=given | {"partnerid": OTHER})
        assert sandbox.control("pay", client=given)["state"] == "SUCCESS"

    def test_scan_fail_wait_and_pay_on_the_page(self, sandbox: Sandbox, shop: Client) -> None:
        number, made = shop.open(description="停车费 <南门>")
        url = sandbox.look(f"page?code_url={made['code_url']}")["url"]
        assert sandbox.http.get("/", params={"code_url": made["code_url"]}).headers["location"] == url
        page = sandbox.http.get(url)
        assert page.status_code == 200
        assert "¥10.00" in page.text
        assert "停车费 &lt;南门&gt;" in page.text
        assert "script" not in page.headers["content-security-policy"]
        for deed, said in (("fail", "支付失败"), ("wait", "Not now")):
            assert said in sandbox.http.post(url, data={"do": deed}).text
            assert shop.query(number).said["trade_state"] == "NOTPAY"
        paid = sandbox.http.post(f"{url}?return=javascript:x", data={"do": "pay"}).text
        assert "支付成功" in paid
        assert "返回商家" not in paid
        assert shop.query(number).said["trade_state"] == "SUCCESS"
        again = sandbox.http.post(url, data={"do": "pay"})
        assert "该订单已支付" in again.text
        qr = sandbox.http.get("/__sandbox__/qr.svg", params={"code_url": made["code_url"]})
        assert qr.headers["content-type"] == "image/svg+xml"
        for strange in ("weixin://wxpay/bizpayurl?pr=none", "http://[", made["code_url"].replace("weixin", "alipay")):
            assert sandbox.http.get("/", params={"code_url": strange}).status_code == 404
        assert sandbox.http.get("/pay/none").status_code == 404

    def test_a_browser_comes_back(self, sandbox: Sandbox, shop: Client) -> None:
        scene = {"payer_client_ip": "127.0.0.1", "h5_info": {"type": "Wap"}}
        _, made = shop.open("h5", scene_info=scene)
        back = "https://example.invalid/paid?order=1"
        opened = sandbox.http.get(f"{made['h5_url']}&redirect_url={quote(back, safe='')}", follow_redirects=True)
        assert "返回商家" not in opened.text
        paid = sandbox.http.post(str(opened.url), data={"do": "pay"})
        assert 'href="https://example.invalid/paid?order=1"' in paid.text
        _, made = shop.open("jsapi", payer={"openid": "oU1"})
        given = jsapi(shop, APPID, made["prepay_id"]) | {"return": back}
        assert "待支付" in sandbox.http.get("/jsapi", params=given, follow_redirects=True).text
        assert sandbox.http.get("/jsapi", params=given | {"paySign": "AAAA"}).status_code == 403

    def test_a_payers_code_is_scanned(self, sandbox: Sandbox, shop: Client) -> None:
        def scan(behaviour: str) -> dict[str, Any]:
            code = sandbox.control("auth-codes", behaviour=behaviour)["auth_code"]
            body = shop.order(payer={"auth_code": code}, scene_info={"store_info": {"id": "1"}})
            return {name: value for name, value in body.items() if name != "notify_url"}

        pay, reverse = "/v3/pay/transactions/codepay", "/v3/pay/transactions/out-trade-no/{}/reverse"
        body = scan("pay")
        done = shop.call("POST", pay, body).said
        assert (done["trade_state"], done["trade_type"]) == ("SUCCESS", "MICROPAY")
        close = shop.call(
            "POST", f"/v3/pay/transactions/out-trade-no/{body['out_trade_no']}/close", {"mchid": MCHID}
        )  # fmt: skip
        assert close.why == (400, "INVALID_REQUEST", 268449641)
        answer = shop.call("POST", reverse.format(body["out_trade_no"]), {"appid": APPID, "mchid": MCHID})
        assert answer.status == 200
        assert shop.query(body["out_trade_no"]).said["trade_state"] == "REVOKED"
        body = scan("password")
        assert shop.call("POST", pay, body).said["trade_state"] == "USERPAYING"
        sandbox.control("pay", number=body["out_trade_no"])
        assert shop.query(body["out_trade_no"]).said["trade_state"] == "SUCCESS"
        body = scan("poor")
        assert shop.call("POST", pay, body).why[:2] == (403, "NOTENOUGH")
        native, _ = shop.open()
        assert shop.call("POST", reverse.format(native), {"appid": APPID, "mchid": MCHID}).status == 400
        assert shop.query(body["out_trade_no"]).said["trade_state"] == "PAYERROR"


class TestCallbacks:
    def test_signed_and_encrypted(self, sandbox: Sandbox, shop: Client) -> None:
        with Listener() as listener:
            number, _ = shop.open(notify_url=listener.url)
            sandbox.control("pay", number=number, coupon=1)
            (told,) = listener.wait_for(1)
            sandbox.wait_for_callback("done", number)
        told.verify(shop.keys)
        said = told.said
        assert said.keys() == {"id", "create_time", "resource_type", "event_type", "summary", "resource"}
        names = {"original_type", "algorithm", "ciphertext", "associated_data", "nonce"}
        assert said["resource"].keys() == names
        assert said["event_type"] == "TRANSACTION.SUCCESS"
        assert said["resource_type"] == "encrypt-resource"
        assert said["resource"]["original_type"] == said["resource"]["associated_data"] == "transaction"
        assert json.loads(shop.unseal(said["resource"])) == shop.query(number).said

    def test_repeated_on_the_schedule_until_acknowledged(self, sandbox: Sandbox, shop: Client) -> None:
        with Listener(otherwise=500) as listener:
            number, _ = shop.open(notify_url=listener.url)
            sandbox.control("pay", number=number)
            for times, pause_s in enumerate((15, 15, 30, 180), 1):
                listener.wait_for(times)
                self.settled(sandbox, number, times)
                sandbox.control("clock", advance_s=pause_s - 10)
                time.sleep(0.02)
                assert len(listener.told) == times, "not before its time"
                sandbox.control("clock", advance_s=11)
            listener.wait_for(5)
            self.settled(sandbox, number, 5)
            listener.answers = [200]
            waiting = sandbox.wait_for_callback("waiting", number)
            assert [attempt["status"] for attempt in waiting["attempts"]] == [500] * 5
            sandbox.control("clock", advance_s=700)
            listener.wait_for(6)
            sandbox.wait_for_callback("done", number)
            sandbox.control("clock", advance_s=90_000)
            time.sleep(0.05)
            assert len(listener.told) == 6
        assert len({one.said["id"] for one in listener.told}) == 1
        assert len({one.said["resource"]["ciphertext"] for one in listener.told}) == 6

    def settled(self, sandbox: Sandbox, number: str, tries: int) -> None:
        until = time.monotonic() + PATIENCE_S
        while sandbox.wait_for_callback("waiting", number)["tries"] < tries:
            assert time.monotonic() < until
            time.sleep(0.005)

    def test_given_up_after_fifteen_repeats(self, sandbox: Sandbox, shop: Client) -> None:
        with Listener(otherwise=302) as listener:
            number, _ = shop.open(notify_url=listener.url)
            sandbox.control("clock", scale=100_000)
            sandbox.control("pay", number=number)
            listener.wait_for(16)
            sandbox.wait_for_callback("given_up", number)
            sandbox.control("clock", scale=1)

    @pytest.mark.parametrize("how", ["wrong_signature", "old_signature", "unknown_serial", "probe"])
    def test_wrong_ones_on_demand(self, sandbox: Sandbox, shop: Client, how: str) -> None:
        with Listener() as listener:
            sandbox.control("faults", telling={"hold": True})
            number, _ = shop.open(notify_url=listener.url)
            sandbox.control("pay", number=number)
            held = sandbox.wait_for_callback("held", number)
            sandbox.control(f"callbacks/{held['id']}", how=how)
            (told,) = listener.wait_for(1)
            head = told.headers
            assert head["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/") == (how == "probe")
            assert (head["Wechatpay-Serial"] in shop.keys) == (how != "unknown_serial")
            assert (abs(int(head["Wechatpay-Timestamp"]) - time.time()) > 86_000) == (how == "old_signature")
            if how == "old_signature":
                told.verify(shop.keys)
            else:
                with pytest.raises((InvalidSignature, ValueError, KeyError)):
                    told.verify(shop.keys)
            assert sandbox.wait_for_callback("held", number)["attempts"][0]["how"] == how
            sandbox.control("callbacks/release")
            sandbox.wait_for_callback("done", number)

    def test_dropped_doubled_probed_and_lying(self, sandbox: Sandbox, shop: Client) -> None:
        with Listener() as listener:
            sandbox.control("faults", telling={"drop_percent": 100})
            number, _ = shop.open(notify_url=listener.url)
            sandbox.control("pay", number=number)
            sandbox.wait_for_callback("dropped", number)
            telling = {"duplicate_percent": 100, "copies": 3, "probe_percent": 100}
            sandbox.control("faults", telling=telling)
            number, _ = shop.open(notify_url=listener.url)
            sandbox.control("pay", number=number, overlay={"amount": {"total": 1}})
            told = listener.wait_for(5)
            sandbox.wait_for_callback("done", number)
        assert [one.headers["Wechatpay-Signature"].startswith("WECHATPAY/SIGN") for one in told] == [True, *[False] * 4]
        lie = json.loads(shop.unseal(told[1].said["resource"]))
        assert (lie["amount"]["total"], lie["amount"]["payer_total"]) == (1, 1000)
        assert shop.query(number).said["amount"]["total"] == 1000
        other, _ = shop.open()
        sandbox.control("pay", number=other, amount=1, tell=False)
        assert shop.query(other).said["amount"]["total"] == 1

    def test_released_the_other_way_round(self, sandbox: Sandbox, shop: Client) -> None:
        with Listener() as listener:
            sandbox.control("faults", telling={"hold": True})
            numbers = []
            for _ in range(3):
                number, _ = shop.open(notify_url=listener.url)
                sandbox.control("pay", number=number)
                numbers.append(number)
            sandbox.control("callbacks/release", order="reverse")
            told = [json.loads(shop.unseal(one.said["resource"]))["out_trade_no"] for one in listener.wait_for(3)]
        assert told == numbers[::-1]

    def test_no_key_no_callback(self, sandbox: Sandbox) -> None:
        other = sandbox.client(OTHER, api_key="")
        number, _ = other.open()
        sandbox.control("pay", number=number, mchid=OTHER)
        found = sandbox.look("callbacks")["callbacks"]
        assert all(one["plain"].get("out_trade_no") != number for one in found)


class TestKeys:
    def test_a_new_merchant_has_no_certificates(self, shop: Client) -> None:
        answer = shop.call("GET", "/v3/certificates", **{"Wechatpay-Serial": ""})
        assert answer.why[:2] == (404, "RESOURCE_NOT_EXISTS")
        assert "无可用的平台证书" in answer.said["message"]

    def test_certificates_are_fetched_and_decrypted(self, sandbox: Sandbox) -> None:
        old = sandbox.client(OTHER, mode="certificates")
        target = f"/v3/pay/transactions/out-trade-no/T0000005?mchid={OTHER}"
        (first,) = old.keys
        assert old.call("GET", target).serial == first  # nothing need be named
        announced = sandbox.control(f"merchants/{OTHER}", rotate={"kind": "certificate", "signs": False})
        data = old.call("GET", "/v3/certificates?algorithm_type=RSA").said["data"]
        told = {one["serial_no"]: old.unseal(one["encrypt_certificate"]).decode() for one in data}
        assert told == {one["id"]: one["certificate"] for one in announced["platform_keys"]}
        assert data[0]["encrypt_certificate"]["associated_data"] == "certificate"
        old.learn(announced["platform_keys"])
        assert old.call("GET", target).serial == first
        second = next(serial for serial in told if serial != first)
        sandbox.control(f"merchants/{OTHER}", use=second)
        assert old.call("GET", target).serial == second
        assert old.call("GET", target, **{"Wechatpay-Serial": first}).serial == first
        assert old.call("GET", target, **{"Wechatpay-Serial": "ABC"}).status == 400

    def test_the_switch_to_a_public_key(self, sandbox: Sandbox) -> None:
        old = sandbox.client(OTHER, mode="certificates")
        (certificate,) = old.keys
        platform = sandbox.control(f"merchants/{OTHER}", mode="switching", public_key_percent=0)["platform_keys"]
        old.learn(platform)
        public = old.names
        assert public is not None
        target = f"/v3/pay/transactions/out-trade-no/T0000006?mchid={OTHER}"
        assert old.call("GET", target).serial == public  # answers follow what the request names
        assert old.call("GET", target, **{"Wechatpay-Serial": ""}).serial == certificate
        serials = []
        with Listener() as listener:
            for percent in (0, 100):
                sandbox.control(f"merchants/{OTHER}", public_key_percent=percent)
                number, _ = old.open(notify_url=listener.url)
                sandbox.control("pay", number=number, mchid=OTHER)
                told = listener.wait_for(1 if percent == 0 else 2)[-1]
                told.verify(old.keys)
                serials.append(told.headers["Wechatpay-Serial"])
        assert serials == [certificate, public]
        sandbox.control(f"merchants/{OTHER}", mode="public_key")
        assert old.call("GET", target, **{"Wechatpay-Serial": certificate}).status == 400


class TestFaults:
    def test_the_order_exists_though_the_answer_is_late(self, sandbox: Sandbox, shop: Client) -> None:
        rule = {"do": "hold", "path": "/v3/pay/transactions/native", "seconds": 8}
        sandbox.control("faults", rules=[rule])
        body = shop.order()
        shop.within_s, usual = 4, shop.within_s
        with pytest.raises(httpx2.TimeoutException):
            shop.call("POST", "/v3/pay/transactions/native", body)
        shop.within_s = usual
        assert shop.query(body["out_trade_no"]).said["trade_state"] == "NOTPAY"
        assert shop.call("POST", "/v3/pay/transactions/native", body).status == 200

    def test_busy_broken_and_a_gateway(self, sandbox: Sandbox, shop: Client) -> None:
        path = "/v3/pay/transactions/native"
        rules = [{"do": "refuse", "reason": "TOO_OFTEN", "before": True}, {"do": "refuse"}, {"do": "bad_gateway"}]
        sandbox.control("faults", rules=rules)
        orders = [shop.order() for _ in rules]
        answers = [shop.call("POST", path, order) for order in orders]
        assert answers[0].why == (429, "FREQUENCY_LIMITED", 268447840)
        assert answers[0].serial is not None
        assert (answers[1].status, answers[1].said["code"], answers[1].serial) == (500, "SYSTEM_ERROR", None)
        assert (answers[2].status, answers[2].serial, answers[2].content[:6]) == (502, None, b"<html>")
        assert [shop.query(order["out_trade_no"]).status for order in orders] == [404, 200, 200]

    @pytest.mark.parametrize("do", ["wrong_signature", "no_signature", "old_signature", "unknown_serial"])
    def test_answers_that_prove_nothing(self, sandbox: Sandbox, shop: Client, do: str) -> None:
        sandbox.control("faults", rules=[{"do": do}])
        target = f"/v3/pay/transactions/out-trade-no/T0000007?mchid={MCHID}"
        if do == "no_signature":
            assert shop.call("GET", target).serial is None
        else:
            with pytest.raises((AssertionError, InvalidSignature, KeyError)):
                shop.call("GET", target)
        assert shop.call("GET", target).serial is not None

    def test_dice_repeat_themselves(self, sandbox: Sandbox, shop: Client) -> None:
        target = f"/v3/pay/transactions/out-trade-no/T0000008?mchid={MCHID}"
        runs = []
        for _ in range(2):
            sandbox.control("faults", seed=7, dice={"busy_percent": 30, "broken_percent": 30, "gateway_percent": 30})
            runs.append([shop.call("GET", target).status for _ in range(12)])
        assert runs[0] == runs[1]
        assert {429, 500, 502} & set(runs[0])

    def test_the_control_side_says_what_is_wrong(self, sandbox: Sandbox) -> None:
        assert "unknown field" in sandbox.refused("faults", nonsense=1)
        assert "reason" in sandbox.refused("faults", rules=[{"do": "refuse", "reason": "NO"}])
        assert "scale" in sandbox.refused("clock", scale=0)
        assert "years" in sandbox.refused("clock", advance_s=10**30)
        assert "orders are named so" in sandbox.refused("pay", number="none")


class TestRefunds:
    def paid(self, sandbox: Sandbox, client: Client, **other: Any) -> str:
        number, _ = client.open(**other)
        sandbox.control("pay", number=number, mchid=client.mchid)
        return number

    def asks(self, client: Client, order: str, fen: int, **other: Any) -> tuple[str, Any]:
        number = "R" + secrets.token_hex(8)
        body = {"out_trade_no": order, "out_refund_no": number, "reason": "多付退回", **other}
        body["amount"] = {"refund": fen, "total": 1000, "currency": "CNY"}
        return number, client.call("POST", "/v3/refund/domestic/refunds", body)

    def test_told_under_another_name(self, sandbox: Sandbox, shop: Client) -> None:
        order = self.paid(sandbox, shop)
        with Listener() as listener:
            number, answer = self.asks(shop, order, 400, notify_url=listener.url)
            assert (answer.status, answer.said["status"]) == (200, "PROCESSING")
            assert shop.query(order).said["trade_state"] == "REFUND"
            sandbox.control("clock", advance_s=4)
            (told,) = listener.wait_for(1)
        told.verify(shop.keys)
        assert told.said["event_type"] == "REFUND.SUCCESS"
        plain = json.loads(shop.unseal(told.said["resource"]))
        assert "status" not in plain
        assert (plain["refund_status"], plain["mchid"], plain["out_refund_no"]) == ("SUCCESS", MCHID, number)
        assert plain["amount"] == {"total": 1000, "refund": 400, "payer_total": 1000, "payer_refund": 400}
        said = shop.call("GET", f"/v3/refund/domestic/refunds/{number}").said
        assert said["status"] == "SUCCESS"
        assert said["success_time"] == plain["success_time"]

    def test_an_abnormal_one_goes_to_a_card(self, sandbox: Sandbox, shop: Client) -> None:
        order = self.paid(sandbox, shop)
        sandbox.control("faults", refunds={"becomes": "ABNORMAL", "after_s": 0, "times": 1})
        with Listener() as listener:
            number, answer = self.asks(shop, order, 1000, notify_url=listener.url)
            assert answer.said["status"] == "ABNORMAL"
            assert listener.wait_for(1)[0].said["event_type"] == "REFUND.ABNORMAL"
            path = f"/v3/refund/domestic/refunds/{answer.said['refund_id']}/apply-abnormal-refund"
            body = {"out_refund_no": number, "type": "USER_BANK_CARD", "bank_type": "ICBC_DEBIT"}
            assert shop.names is not None
            public = shop.keys[shop.names]
            wrong = body | {"bank_account": "6222021234567890", "real_name": "plain"}
            assert "解密失败" in shop.call("POST", path, wrong).said["message"]
            secret = {"bank_account": oaep(public, "6222021234567890"), "real_name": oaep(public, "持卡人")}
            again = shop.call("POST", path, body | secret).said
            assert (again["status"], again["channel"]) == ("PROCESSING", "OTHER_BANKCARD")
            assert again["user_received_account"].endswith("7890")
            sandbox.control("clock", advance_s=4)
            assert listener.wait_for(2)[1].said["event_type"] == "REFUND.SUCCESS"
        assert shop.call("POST", path, body | secret).said["message"].startswith("退款单不是异常状态")

    def test_no_money_no_refund(self, sandbox: Sandbox, shop: Client) -> None:
        order = self.paid(sandbox, shop)
        sandbox.control(f"accounts/{MCHID}", balance=100)
        assert self.asks(shop, order, 1000)[1].why[:2] == (403, "NOT_ENOUGH")
        sandbox.control(f"accounts/{MCHID}", balance=100_000)
        number, answer = self.asks(shop, order, 1000)
        assert answer.status == 200
        assert sandbox.control(f"refunds/{number}", state="CLOSED")["status"] == "CLOSED"
        assert shop.query(order).said["trade_state"] == "SUCCESS"
        unpaid, _ = shop.open()
        assert self.asks(shop, unpaid, 1000)[1].said["message"].startswith("订单未支付")
        missing = shop.call("GET", "/v3/refund/domestic/refunds/none")
        assert missing.why[:2] == (404, "RESOURCE_NOT_EXISTS")


class TestBills:
    def test_a_day_is_downloaded(self, sandbox: Sandbox) -> None:
        client = sandbox.client("1900000003")
        now = datetime.datetime.fromisoformat(sandbox.look("")["now"])
        day = (now + datetime.timedelta(days=1)).date()
        sandbox.control("clock", now=f"{day}T12:00:00+08:00")
        number, _ = client.open()
        sandbox.control("pay", number=number, mchid=client.mchid)
        ask = f"/v3/bill/tradebill?bill_date={day}&bill_type=ALL&tar_type=GZIP"
        assert client.call("GET", ask).status == 400
        sandbox.control("clock", now=f"{day + datetime.timedelta(days=1)}T09:59:00+08:00")
        assert client.call("GET", ask).why[:2] == (400, "STATEMENT_CREATING")
        sandbox.control("clock", advance_s=60)
        said = client.call("GET", ask).said
        path = said["download_url"].removeprefix(sandbox.url)
        assert client.call("GET", path, Authorization=client.authorization("GET", path.split("?")[0], "")).status == 401
        answer = client.call("GET", path, Accept="*/*")
        assert answer.serial is None
        plain = gzip.decompress(answer.content)
        assert (said["hash_type"], hashlib.sha1(plain).hexdigest()) == ("SHA1", said["hash_value"])
        assert plain.startswith(b"\xef\xbb\xbf")
        assert f"`{number}," in plain.decode("utf-8-sig")
        cells = {"商户订单号": "T-of-nobody", "微信订单号": "42of-nobody"}
        sandbox.control(
            "bills", mchid=client.mchid, day=str(day), edits=[{"do": "add", "number": number, "cells": cells}]
        )
        plainly = client.call("GET", ask.removesuffix("&tar_type=GZIP")).said
        lied = client.call("GET", plainly["download_url"].removeprefix(sandbox.url))
        assert lied.content.decode("utf-8-sig").count("\r\n") == 5
        flow = client.call("GET", f"/v3/bill/fundflowbill?bill_date={day}").said
        sandbox.control("bills/expire")
        assert client.call("GET", flow["download_url"].removeprefix(sandbox.url)).status == 400
        empty = client.call("GET", f"/v3/bill/tradebill?bill_date={day - datetime.timedelta(days=1)}")
        assert empty.why[:2] == (400, "NO_STATEMENT_EXIST")


def test_a_kill_loses_nothing(tmp_path: Path) -> None:
    merchants = ["--merchant", f"{MCHID}={APPID}", "--sub-merchant", f"{SUB}@{MCHID}="]
    with Sandbox(*merchants, "--plain-codes", data=tmp_path) as sandbox, Listener(otherwise=503) as listener:
        folder = tmp_path / "merchants" / MCHID
        told = json.loads((folder / "merchant.json").read_bytes())
        assert (folder / "apiclient_key.pem").read_text() == told["private_key"]
        assert (folder / "pub_key.pem").read_text() == told["platform_keys"][0]["public_key"]
        client = Client(sandbox.http, told)
        sandbox.control("clock", now="2027-01-01T00:00:00+08:00")
        number, made = client.open(notify_url=listener.url)
        assert "待支付" in sandbox.http.get(made["code_url"], follow_redirects=True).text  # any camera opens it
        sandbox.control("pay", code_url=made["code_url"])
        listener.wait_for(1)
        sandbox.wait_for_callback("waiting", number)
        sandbox.kill()
        listener.otherwise = 204
        with Sandbox("--merchant", f"{MCHID}={APPID}", data=tmp_path) as again:
            assert again.look("")["now"].startswith("2027-01-01")
            again.control("clock", advance_s=15)
            again.wait_for_callback("done", number)
            client.http = again.http
            assert client.query(number).said["trade_state"] == "SUCCESS"
