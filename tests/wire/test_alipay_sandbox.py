"""The Alipay stand-in over its real wire: as strict as the fidelity list of its guide says."""

import datetime
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import pytest
from cryptography.exceptions import InvalidSignature

from tests.waiting import PATIENCE_S, eventually
from tests.wire.alipay_peer import BEIJING, Client, Listener, Sandbox, Told, rsa_check

APP, PID = "2021000000000001", "2088000000000101"
PROVIDER, PROVIDER_PID = "2021000000000100", "2088000000000100"
SERVED, SERVED_PID = "2021000000000109", "2088000000000109"


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
    return process.client(APP, PID)


@pytest.fixture
def shop(sandbox: Sandbox, shop_made: Client) -> Client:
    return shop_made


@pytest.fixture(scope="module")
def provider_made(process: Sandbox) -> Client:
    made = process.client(PROVIDER, PROVIDER_PID)
    told = process.control("apps", app_id=SERVED, pid=SERVED_PID, served_only=True, provider=PROVIDER)
    made.token = told["app_auth_token"]
    return made


@pytest.fixture
def provider(sandbox: Sandbox, provider_made: Client) -> Client:
    return provider_made


def paid(sandbox: Sandbox, shop: Client, notify: str = "", **other: Any) -> str:
    number, code = shop.precreate(notify, **other)
    sandbox.control("pay", qr_code=code)
    return number


class TestSignatures:
    @pytest.mark.parametrize(
        ("other", "why"),
        [
            ({"app_id": "2021999999999999"}, ("40002", "isv.invalid-app-id")),
            ({"method": "alipay.trade.nothing"}, ("40002", "isv.invalid-method")),
            ({"sign_type": "RSA"}, ("40002", "isv.invalid-signature-type")),
            ({"version": "2.0"}, ("40002", "isv.invalid-parameter")),
            ({"format": "XML"}, ("40002", "isv.invalid-format")),
            ({"charset": "latin-1"}, ("40002", "isv.invalid-charset")),
            ({"timestamp": "2026-11-25T10:00:00"}, ("40002", "isv.invalid-timestamp")),
            ({"timestamp": "2020-01-01 00:00:00"}, ("40002", "isv.invalid-timestamp")),
            ({"timestamp": ""}, ("40001", "isv.missing-timestamp")),
            ({"app_auth_token": "nobody's"}, ("20001", "aop.invalid-app-auth-token")),
            ({"biz_content": "{"}, ("40002", "isv.illegal-json")),
            ({"biz_content": '{"out_trade_no":"T1","out_trade_no":"T2"}'}, ("40002", "isv.illegal-json")),
        ],
    )
    def test_the_gateway_refuses_without_a_signature(
        self, shop: Client, other: dict[str, str], why: tuple[str, str]
    ) -> None:
        given = shop.parameters("alipay.trade.query", {"out_trade_no": "T1"}, **other)
        answer = shop.send(given)
        assert (answer.node, answer.signed, answer.why) == ("error_response", False, why)

    @pytest.mark.parametrize("name", ["sign_type", "timestamp", "biz_content", "charset"])
    def test_every_parameter_is_signed_also_sign_type(self, shop: Client, name: str) -> None:
        given = shop.parameters("alipay.trade.query", {"out_trade_no": "T1"})
        without = shop.parameters("alipay.trade.query", {"out_trade_no": "T1"}, **{name: ""})
        answer = shop.send(given | {"sign": without["sign"]})
        assert answer.why == ("40002", "isv.invalid-signature")
        assert (
            shop.send({name: text for name, text in given.items() if name != "sign"}).why[1] == "isv.missing-signature"
        )

    def test_local_time_elsewhere_than_in_beijing_is_noticed(self, shop: Client) -> None:
        at = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")
        assert shop.call("alipay.trade.query", {"out_trade_no": "T1"}, timestamp=at).why[1] == "isv.invalid-timestamp"

    def test_without_charset_in_the_query_a_chinese_form_is_garbled(self, sandbox: Sandbox, shop: Client) -> None:
        given = shop.parameters("alipay.trade.precreate", shop.order())
        assert shop.send(given, naked=True).why == ("40002", "isv.invalid-signature")
        assert "GBK" in sandbox.look("calls?method=alipay.trade.precreate")["calls"][-1]["note"]
        assert shop.send(given).why == ("10000", "")

    def test_gbk_is_spoken_too(self, shop: Client) -> None:
        body = shop.order(subject="停车费", body="南门/1号口")
        given = shop.parameters("alipay.trade.precreate", body, charset="gbk")
        assert shop.send(given).why == ("10000", "")
        got = shop.http.get(f"/gateway.do?{urlencode(given, encoding='gbk')}")
        assert shop.prove(got.content.decode("gbk"), given["method"], "gbk").why == ("10000", "")
        odd = shop.http.get("/gateway.do", params=given | {"biz_content": "🚗"})  # what GBK cannot write
        assert "isv.invalid-signature" in odd.text

    def test_a_get_is_as_good(self, shop: Client) -> None:
        given = shop.parameters("alipay.trade.query", {"out_trade_no": "T1"})
        answer = shop.prove(shop.http.get("/gateway.do", params=given).text, given["method"])
        assert answer.why == ("40004", "ACQ.TRADE_NOT_EXIST")
        assert answer.signed

    def test_the_answer_is_signed_as_it_stands(self, sandbox: Sandbox, shop: Client) -> None:
        tricky = '"sign":"x"},"alipay_trade_query_response":{"a/b'
        number = paid(sandbox, shop, body=tricky)
        answer = shop.query(number)  # its signature was proved
        assert answer["body"] == tricky
        assert "a\\/b" in answer.text
        assert next(iter(answer.said)) != "code"
        sandbox.control("faults", rules=[{"do": "sign_first"}])
        first = shop.query(number)
        assert first.text.startswith('{"sign":')
        assert first.signed

    def test_certificates(self, sandbox: Sandbox) -> None:
        certified = sandbox.client("2021000000000002", "2088000000000102", mode="certificate")
        assert certified.query("T1").why == ("40004", "ACQ.TRADE_NOT_EXIST")  # and names the channel's certificate
        for name, missing, wrong in (
            ("app_cert_sn", "isv.missing-app-cert-sn", "isv.app-cert-not-exist"),
            ("alipay_root_cert_sn", "isv.missing-alipay-root-cert-sn", "isv.invalid-alipay-root-cert-sn"),
        ):
            for text, sub_code in (("", missing), ("0" * 32, wrong)):
                answer = certified.call("alipay.trade.query", {"out_trade_no": "T1"}, **{name: text})
                assert answer.why[1] == sub_code


class TestTrades:
    def test_a_code_is_no_trade_until_it_is_scanned(self, sandbox: Sandbox, shop: Client) -> None:
        number, code = shop.precreate()
        assert code.startswith("https://qr.alipay.com/")
        assert shop.query(number).why == ("40004", "ACQ.TRADE_NOT_EXIST")
        assert shop.call("alipay.trade.close", {"out_trade_no": number}).why == ("40004", "ACQ.TRADE_NOT_EXIST")
        sandbox.control("scan", qr_code=code)
        answer = shop.query(number)
        assert (answer["trade_status"], answer["total_amount"]) == ("WAIT_BUYER_PAY", "10.00")
        assert "send_pay_date" not in answer.said
        sandbox.control("pay", qr_code=code, coupon=150)
        answer = shop.query(number)
        assert answer["trade_status"] == "TRADE_SUCCESS"
        assert (answer["buyer_pay_amount"], answer["receipt_amount"]) == ("8.50", "10.00")
        assert answer["fund_bill_list"][0] == {"amount": "8.50", "fund_channel": "ALIPAYACCOUNT"}
        datetime.datetime.strptime(answer["send_pay_date"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)

    def test_repetitions(self, sandbox: Sandbox, shop: Client) -> None:
        body = shop.order()
        first = shop.call("alipay.trade.precreate", body)
        assert shop.call("alipay.trade.precreate", body)["qr_code"] == first["qr_code"]
        other = shop.call("alipay.trade.precreate", body | {"total_amount": "10.01"})
        assert other.why == ("40004", "ACQ.CONTEXT_INCONSISTENT")
        sandbox.control("pay", qr_code=first["qr_code"])
        assert shop.call("alipay.trade.precreate", body).why == ("40004", "ACQ.TRADE_HAS_SUCCESS")
        assert "paid already" in sandbox.refused("pay", qr_code=first["qr_code"])

    @pytest.mark.parametrize(
        "other",
        [
            {"total_amount": 10}, {"total_amount": 10.0}, {"total_amount": "10.005"}, {"total_amount": "0.00"},
            {"total_amount": "1e2"}, {"total_amount": "１0.00"}, {"total_amount": "100000000.01"},
            {"out_trade_no": "T 1"}, {"out_trade_no": "T" * 65}, {"subject": ""}, {"subjct": "x"},
            {"product_code": "QUICK_WAP_WAY"}, {"time_expire": "2020-01-01 00:00:00"}, {"time_expire": "soon"},
            {"timeout_express": "16d"}, {"timeout_express": "2c"}, {"extend_params": "x"},
        ],
    )  # fmt: skip
    def test_what_is_no_trade(self, shop: Client, other: dict[str, Any]) -> None:
        answer = shop.call("alipay.trade.precreate", shop.order(**other))
        assert (answer.why, answer.signed) == (("40004", "ACQ.INVALID_PARAMETER"), True)

    def test_another_seller(self, shop: Client) -> None:
        assert (
            shop.call("alipay.trade.precreate", shop.order(seller_id="2088000000000999")).why[1] == "ACQ.PARTNER_ERROR"
        )

    def test_for_a_mini_program(self, sandbox: Sandbox, shop: Client) -> None:
        body = shop.order(product_code="JSAPI_PAY", op_app_id=APP, buyer_open_id="openid-1")
        for spoilt in ({"product_code": "X"}, {"op_app_id": "2021999999999999"}, {"buyer_open_id": None}):
            wrong = {name: value for name, value in (body | spoilt).items() if value is not None}
            assert shop.call("alipay.trade.create", wrong).why == ("40004", "ACQ.INVALID_PARAMETER")
        trade_no = shop.call("alipay.trade.create", body)["trade_no"]
        assert shop.query(body["out_trade_no"])["trade_status"] == "WAIT_BUYER_PAY"
        assert "another user" in sandbox.refused("pay", trade_no=trade_no, buyer="openid-2")
        sandbox.control("fail", trade_no=trade_no)
        page = sandbox.http.get(f"/tradepay?trade_no={trade_no}", follow_redirects=True)
        assert "10.00" in page.text
        sandbox.http.post(str(page.url), data={"do": "pay"})
        assert shop.call("alipay.trade.query", {"trade_no": trade_no})["trade_status"] == "TRADE_SUCCESS"

    def test_in_a_browser(self, sandbox: Sandbox, shop: Client) -> None:
        body = shop.order(product_code="QUICK_WAP_WAY", quit_url="http://127.0.0.1:9/quit")
        given = shop.parameters("alipay.trade.wap.pay", body, return_url="http://127.0.0.1:9/back?a=1")
        page = sandbox.http.get(f"/gateway.do?{urlencode(given)}", follow_redirects=True)
        assert (page.status_code, "/quit" in page.text, "停车费 粤B12345" in page.text) == (200, True, True)
        assert shop.query(body["out_trade_no"]).why == ("40004", "ACQ.TRADE_NOT_EXIST")  # nobody has signed in
        assert "Not now" in sandbox.http.post(str(page.url), data={"do": "wait"}).text
        assert shop.query(body["out_trade_no"])["trade_status"] == "WAIT_BUYER_PAY"
        assert "not enough money" in sandbox.http.post(str(page.url), data={"do": "fail"}).text
        done = sandbox.http.post(str(page.url), data={"do": "pay"}).text
        back = done.partition('href="')[2].partition('"')[0].replace("&amp;", "&")
        told = Told("", dict(parse_qsl(urlsplit(back).query)))
        assert (told.form.pop("a"), told.form["out_trade_no"]) == ("1", body["out_trade_no"])
        told.verify(shop.alipay)
        spoilt = sandbox.http.get(f"/gateway.do?{urlencode(given | {'notify_url': 'http://x'})}")
        assert "isv.invalid-signature" in spoilt.text

    def test_closed_is_closed(self, sandbox: Sandbox, shop: Client) -> None:
        number, _ = shop.create()
        assert shop.call("alipay.trade.close", {"out_trade_no": number})["out_trade_no"] == number
        assert shop.query(number)["trade_status"] == "TRADE_CLOSED"
        assert "closed" in sandbox.refused("pay", number=number)
        assert shop.call("alipay.trade.close", {"out_trade_no": number}).why == ("40004", "ACQ.TRADE_STATUS_ERROR")
        late = sandbox.control("pay", number=number, late=True)  # the channel took it all the same
        assert late["status"] == "TRADE_SUCCESS"
        assert shop.call("alipay.trade.close", {"out_trade_no": number}).why == ("40004", "ACQ.TRADE_STATUS_ERROR")

    def test_cancelling(self, sandbox: Sandbox, shop: Client) -> None:
        number, code = shop.precreate()
        assert shop.call("alipay.trade.cancel", {"out_trade_no": number})["action"] == "close"
        assert "closed" in sandbox.refused("pay", qr_code=code)
        number = paid(sandbox, shop)
        assert shop.call("alipay.trade.cancel", {"out_trade_no": number})["action"] == "refund"
        assert shop.query(number)["trade_status"] == "TRADE_CLOSED"
        assert "action" not in shop.call("alipay.trade.cancel", {"out_trade_no": "T404"}).said

    def test_a_provider_acts_by_a_token(self, sandbox: Sandbox, provider: Client, shop: Client) -> None:
        with Listener() as here:
            number = paid(sandbox, provider, here.url, extend_params={"sys_service_provider_id": PROVIDER_PID})
            (told,) = here.wait_for(1)
        told.verify(provider.alipay)
        assert (told.form["app_id"], told.form["auth_app_id"]) == (PROVIDER, SERVED)
        assert told.form["seller_id"] == SERVED_PID
        assert provider.query(number)["trade_status"] == "TRADE_SUCCESS"
        for stranger in (shop, Client(sandbox.http, provider.told)):
            assert stranger.query(number).why == ("40004", "ACQ.TRADE_NOT_EXIST")
        stolen = shop.call("alipay.trade.query", {"out_trade_no": number}, app_auth_token=provider.token)
        assert stolen.why == ("20001", "aop.invalid-app-auth-token")
        assert "app_auth_token" not in json.dumps(sandbox.look("calls")["calls"][-1])


class TestRefunds:
    def test_partial_and_full(self, sandbox: Sandbox, shop: Client) -> None:
        with Listener() as here:
            number = paid(sandbox, shop, here.url, passback_params="a%3D1")
            payment = here.wait_for(1)[0]
            assert shop.refund(number, "3.00").why == ("40004", "ACQ.INVALID_PARAMETER")  # a part needs a number
            first = shop.refund(number, "3.00", "R1")
            assert (first["fund_change"], first["refund_fee"]) == ("Y", "3.00")
            again = shop.refund(number, "3.00", "R1")
            assert (again["fund_change"], again["refund_fee"]) == ("N", "3.00")
            assert shop.refund(number, "3.01", "R1").why == ("40004", "ACQ.DISCORDANT_REPEAT_REQUEST")
            partial = here.wait_for(2)[1]
            assert shop.refund(number, "7.01", "R2").why == ("40004", "ACQ.REASON_TRADE_REFUND_FEE_ERR")
            assert shop.refund(number, "7.00", "R2")["refund_fee"] == "10.00"  # the sum of all
            full = here.wait_for(3)[2]
        for told in (payment, partial, full):
            told.verify(shop.alipay)
            with pytest.raises(InvalidSignature):
                told.verify(shop.alipay, "sign")
        assert payment.form["trade_status"] == partial.form["trade_status"] == "TRADE_SUCCESS"
        assert payment.form["passback_params"] == "a%3D1"
        assert not {"refund_fee", "gmt_refund", "out_biz_no"} & payment.form.keys()
        assert (partial.form["refund_fee"], partial.form["out_biz_no"]) == ("3.00", "R1")
        assert len(partial.form["gmt_refund"]) == len("2026-11-25 10:00:00.123")
        assert (full.form["trade_status"], full.form["refund_fee"]) == ("TRADE_CLOSED", "10.00")
        assert "gmt_close" in full.form
        assert len({told.form["notify_id"] for told in (payment, partial, full)}) == 3
        assert shop.refund(number, "0.01", "R3").why == ("40004", "ACQ.TRADE_HAS_CLOSE")

    def test_asking_for_one(self, sandbox: Sandbox, shop: Client) -> None:
        number = paid(sandbox, shop)
        ask = {"out_trade_no": number, "out_request_no": number}
        unknown = shop.call("alipay.trade.fastpay.refund.query", ask)
        assert (unknown.why, "refund_status" in unknown.said) == (("10000", ""), False)
        shop.refund(number, "10.00")
        known = shop.call("alipay.trade.fastpay.refund.query", ask)
        assert (known["refund_status"], known["refund_amount"]) == ("REFUND_SUCCESS", "10.00")

    def test_one_that_hangs_comes_later_and_one_that_fails_when_asked_again(
        self, sandbox: Sandbox, shop: Client
    ) -> None:
        number = paid(sandbox, shop)
        ask = {"out_trade_no": number, "out_request_no": "R1"}
        sandbox.control("faults", refunds={"becomes": "hangs", "after_s": 3600, "times": 1})
        hanging = shop.refund(number, "6.00", "R1")
        assert (hanging["fund_change"], hanging["refund_fee"]) == ("N", "0.00")
        assert "refund_status" not in shop.call("alipay.trade.fastpay.refund.query", ask).said
        assert shop.refund(number, "6.00", "R2").why[1] == "ACQ.REASON_TRADE_REFUND_FEE_ERR"  # it is promised
        sandbox.control("clock", advance_s=3601)
        assert shop.call("alipay.trade.fastpay.refund.query", ask)["refund_status"] == "REFUND_SUCCESS"
        sandbox.control("faults", refunds={"becomes": "failed", "times": 1})
        assert shop.refund(number, "4.00", "R3")["fund_change"] == "N"
        assert shop.refund(number, "4.00", "R3")["fund_change"] == "Y"
        assert shop.query(number)["trade_status"] == "TRADE_CLOSED"

    def test_states_in_which_there_is_none(self, sandbox: Sandbox, shop: Client) -> None:
        number, _ = shop.create()
        assert shop.refund(number, "10.00").why == ("40004", "ACQ.TRADE_STATUS_ERROR")
        sandbox.control("pay", number=number)
        sandbox.control(f"accounts/{PID}", balance=5)
        assert shop.refund(number, "10.00").why == ("40004", "ACQ.SELLER_BALANCE_NOT_ENOUGH")
        sandbox.control(f"accounts/{PID}", balance=1_000_000)
        sandbox.control("finish", number=number)
        assert shop.refund(number, "10.00").why == ("40004", "ACQ.TRADE_HAS_FINISHED")


class TestNotifications:
    def test_only_success_ends_them(self, sandbox: Sandbox, shop: Client) -> None:
        with Listener(answers=[(200, b"SUCCESS"), (200, b"success\n"), (500, b"success"), (302, b"success")]) as here:
            number = paid(sandbox, shop, here.url)
            for count, pause_s in enumerate((240, 600, 600, 3600), 1):
                here.wait_for(count)
                waiting = sandbox.wait_for_notice("waiting", number)
                while waiting["tries"] < count:
                    waiting = sandbox.wait_for_notice("waiting", number)
                sandbox.control("clock", advance_s=pause_s - 30)
                assert len(here.told) == count
                sandbox.control("clock", advance_s=31)
            told = here.wait_for(5)
            assert len(sandbox.wait_for_notice("done", number)["attempts"]) == 5
        assert len({one.form["notify_id"] for one in told}) == 1
        assert len({one.form["notify_time"] for one in told}) == 5
        for one in told:
            one.verify(shop.alipay)

    def test_all_that_can_be_wrong(self, sandbox: Sandbox, shop: Client) -> None:
        with Listener() as here:
            number = paid(sandbox, shop, here.url)
            notice = sandbox.wait_for_notice("done", number)
            here.told.clear()
            where = f"notifications/{notice['id']}"
            for how in ("wrong_signature", "keep_sign_type", "other_amount", "other_seller", "other_app"):
                assert sandbox.control(where, how=how)["acknowledged"] == 1
            forged, kept, amount, seller, app = (told for told in here.wait_for(5))
            sandbox.control(where, copies=4)
            assert len({told.form["notify_id"] for told in here.wait_for(9)}) == 1
        with pytest.raises(InvalidSignature):
            forged.verify(shop.alipay)
        kept.verify(shop.alipay, "sign")
        for told in (amount, seller, app):
            told.verify(shop.alipay)
        assert (amount.form["total_amount"], seller.form["seller_id"] == PID) == ("0.01", False)
        assert app.form["app_id"] != APP

    def test_held_doubled_dropped_and_lying(self, sandbox: Sandbox, shop: Client) -> None:
        with Listener() as here:
            sandbox.control("faults", telling={"hold": True})
            held = [paid(sandbox, shop, here.url) for _ in range(3)]
            sandbox.control("notifications/release", order="reverse")
            assert [told.form["out_trade_no"] for told in here.wait_for(3)] == held[::-1]
            sandbox.control("faults", reset=True, telling={"duplicate_percent": 100, "copies": 2})
            paid(sandbox, shop, here.url)
            here.wait_for(6)
            sandbox.control("faults", reset=True, telling={"drop_percent": 100})
            dropped = paid(sandbox, shop, here.url)
            assert sandbox.wait_for_notice("dropped", dropped)["attempts"] == []
            sandbox.control("faults", reset=True)
            number, code = shop.precreate(here.url)
            sandbox.control("pay", qr_code=code, amount=1, overlay={"app_id": "2021999999999999"})
            lie = here.wait_for(7)[6]
            assert (lie.form["total_amount"], lie.form["app_id"]) == ("0.01", "2021999999999999")
            assert shop.query(number)["total_amount"] == "0.01"
            lie.verify(shop.alipay)

    def test_a_trade_that_times_out_is_told(self, sandbox: Sandbox, shop: Client) -> None:
        with Listener() as here:
            number, _ = shop.create(here.url, timeout_express="5m")
            sandbox.control("clock", advance_s=301)
            (told,) = here.wait_for(1)
            assert (told.form["trade_status"], told.form["out_trade_no"]) == ("TRADE_CLOSED", number)
            assert "gmt_payment" not in told.form
        body = shop.order(qr_code_timeout_express="1m")
        code = shop.call("alipay.trade.precreate", body)["qr_code"]
        sandbox.control("clock", advance_s=61)
        assert "expired" in sandbox.refused("pay", qr_code=code)
        another = shop.call("alipay.trade.precreate", body)["qr_code"]
        assert another != code
        sandbox.control("pay", qr_code=another)
        assert "not one of ours" in sandbox.refused("pay", qr_code=code)


class TestFaults:
    def test_what_happened_although_the_answer_suffered(self, sandbox: Sandbox, shop: Client) -> None:
        body = shop.order(product_code="JSAPI_PAY", op_app_id=APP, buyer_open_id="openid-1")
        sandbox.control("faults", rules=[{"do": "refuse", "method": "alipay.trade.create"}])
        assert shop.call("alipay.trade.create", body).why == ("20000", "ACQ.SYSTEM_ERROR")
        assert shop.query(body["out_trade_no"])["trade_status"] == "WAIT_BUYER_PAY"
        sandbox.control("faults", rules=[{"do": "refuse", "before": True, "reason": "DOWN"}])
        down = shop.call("alipay.trade.create", shop.order())
        assert (down.node, down.why) == ("error_response", ("20000", "isp.unknow-error"))
        sandbox.control("faults", rules=[{"do": "wrong_signature"}])
        with pytest.raises(InvalidSignature):
            shop.query(body["out_trade_no"])
        sandbox.control("faults", rules=[{"do": "no_signature"}])
        assert not shop.query(body["out_trade_no"]).signed
        sandbox.control("faults", rules=[{"do": "bad_gateway"}])
        with pytest.raises(AssertionError, match="502"):
            shop.query(body["out_trade_no"])
        sandbox.control("faults", rules=[{"do": "hold", "seconds": 8}])
        shop.within_s = 4
        try:
            with pytest.raises(httpx2.TimeoutException):
                shop.call("alipay.trade.close", {"out_trade_no": body["out_trade_no"]})
        finally:
            shop.within_s = PATIENCE_S
        assert shop.query(body["out_trade_no"])["trade_status"] == "TRADE_CLOSED"

    def test_dice_fall_the_same_with_the_same_seed(self, sandbox: Sandbox, shop: Client) -> None:
        runs = []
        for _ in range(2):
            sandbox.control("faults", reset=True, seed=7, dice={"unknown_percent": 30, "limited_percent": 20})
            runs.append([shop.query("T1").why[0] for _ in range(30)])
        assert runs[0] == runs[1]
        assert {"20000", "40004", "40005"} == set(runs[0])

    @pytest.mark.parametrize(
        "content",
        [
            "[]", "null", '{"subject":"\\ud800"}', '{"goods_detail":' + "[" * 3000 + "]" * 3000 + "}",
            '{"goods_detail":1' + "0" * 400 + "}", '{"total_amount":NaN}', '{"trade_no":null}', '{"trade_no":{}}',
            '{"total_amount":["10.00"]}', '{"time_expire":"9999-99-99 99:99:99"}', '{"out_trade_no":""}',
        ],
    )  # fmt: skip
    def test_it_answers_whatever_it_is_asked(self, shop: Client, content: str) -> None:
        for method in ("alipay.trade.precreate", "alipay.trade.query", "alipay.trade.refund"):
            assert shop.call(method, content).why[0] in ("40002", "40004")

    def test_odd_requests_get_an_answer_too(self, sandbox: Sandbox, shop: Client) -> None:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        for where, body, head in (
            ("/gateway.do", b"", {}), ("/gateway.do", b"\xff=%ff&%&=&&", form), ("/gateway.do?a=1&a=2", b"", form),
            ("/gateway.do", b"{}", {"Content-Type": "application/json"}), ("/gateway.do", b"a" * 200_000, form),
            ("/gateway.do?charset=x", b"a=1", form), ("/gateway.do?method=alipay.trade.wap.pay", b"", form),
        ):  # fmt: skip
            assert sandbox.http.post(where, content=body, headers=head).status_code == 200
        for odd in ({"amount": 0}, {"amount": -1}, {"amount": 10**30}, {"coupon": 1000}, {"coupon": -1}):
            _, code = shop.precreate()
            sandbox.refused("pay", qr_code=code, **odd)
        for wrong in ({"telling": {"delay_s": -1}}, {"refunds": {"after_s": 10**30}}, {"dice": {"hold_percent": 101}}):
            sandbox.refused("faults", **wrong)
        sandbox.refused("clock", advance_s=10**18)
        sandbox.refused(f"accounts/{PID}", balance=10**19)
        assert sandbox.http.get("/", params={"qr_code": "http://["}).status_code == 404

    def test_what_the_control_side_refuses(self, sandbox: Sandbox, shop: Client) -> None:
        assert "app" in sandbox.refused("apps", app_id="1", pid=PID)
        assert "reason" in sandbox.refused("faults", rules=[{"do": "refuse", "reason": "X"}])
        assert "scale" in sandbox.refused("clock", scale=0)
        assert "column" in sandbox.refused(
            "bills", pid=PID, day="2026-01-01", edits=[{"do": "set", "cells": {"x": "1"}}]
        )
        assert "0 trades" in sandbox.refused("pay", number="T404")
        assert "not one of ours" in sandbox.refused("pay", qr_code="https://qr.alipay.com/x")
        assert "refunds" in sandbox.refused("refunds/R404", state="done")
        sandbox.control(f"apps/{APP}", restricted=True)
        assert shop.call("alipay.trade.precreate", shop.order()).why[1] == "ACQ.ACCESS_FORBIDDEN"
        sandbox.control(f"apps/{APP}", restricted=False)


class TestPages:
    def test_a_person_scans_waits_and_pays(self, sandbox: Sandbox, shop: Client) -> None:
        number, code = shop.precreate(body="<script>")
        assert "Scan a code" in sandbox.http.get("/").text
        page = sandbox.http.get("/", params={"qr_code": code}, follow_redirects=True)
        assert "Waiting for payment" in page.text
        assert "script" not in page.headers["content-security-policy"]
        assert shop.query(number)["trade_status"] == "WAIT_BUYER_PAY"
        assert "Paid" in sandbox.http.post(str(page.url), data={"do": "pay"}).text
        assert "paid already" in sandbox.http.post(str(page.url), data={"do": "pay"}).text
        assert sandbox.http.get("/", params={"qr_code": "https://qr.alipay.com/x"}).status_code == 404
        assert sandbox.look(f"page?qr_code={code}")["url"] == str(page.url)
        assert sandbox.http.get(f"/__sandbox__/qr.svg?qr_code={code}").text.startswith("<?xml")


class TestBills:
    def test_the_files_of_a_day(self, sandbox: Sandbox) -> None:
        shop = sandbox.client("2021000000000003", "2088000000000103")
        sandbox.control("clock", now="2027-03-01 12:00:00")
        number = paid(sandbox, shop, subject="停车费,一小时")
        shop.refund(number, "2.50", "R-bill")
        ask = {"bill_type": "trade", "bill_date": "2027-03-01"}
        method = "alipay.data.dataservice.bill.downloadurl.query"
        sandbox.control("clock", now="2027-03-02 08:59:00")
        assert shop.call(method, ask).why == ("40004", "BILL_NOT_EXIST")
        sandbox.control("clock", now="2027-03-02 09:00:00")
        url = shop.call(method, ask)["bill_download_url"]
        archive = zipfile.ZipFile(io.BytesIO(sandbox.http.get(url).content))
        names = [one.filename.encode("cp437").decode("gbk") for one in archive.infolist()]
        assert names == [f"{shop.pid}0156_20270301_业务明细.csv", f"{shop.pid}0156_20270301_业务明细(汇总).csv"]
        lines = archive.read(archive.infolist()[0]).decode("gbk").split("\r\n")
        assert lines[0] == "#支付宝业务明细查询"
        rows = [dict(zip(lines[4].split(","), line.split(","), strict=True)) for line in lines[5:7]]
        assert [row["业务类型"].strip() for row in rows] == ["交易", "退款"]
        assert [row["商家实收（元）"] for row in rows] == ["10.00", "-2.50"]
        assert [row["服务费（元）"] for row in rows] == ["-0.06", "0.01"]
        assert rows[0]["商户订单号"] == f"{number}\t"
        assert rows[1]["退款批次号/请求号"].strip() == "R-bill"
        assert "交易合计：1笔，商家实收共10.00元" in lines[8]
        sums = archive.read(archive.infolist()[1]).decode("gbk")
        assert "合计\t" in sums
        assert ",7.45" in sums
        sandbox.control("bills/expire")
        assert sandbox.http.get(url).status_code == 403
        flows = shop.call(method, ask | {"bill_type": "signcustomer"})["bill_download_url"]
        moved = zipfile.ZipFile(io.BytesIO(sandbox.http.get(flows).content))
        assert moved.read(moved.infolist()[0]).decode("gbk").count("\r\n") == 4 + 1 + 4 + 2
        assert shop.call(method, ask | {"bill_date": "2027-02-01"}).why == ("40004", "BILL_NOT_EXIST")
        assert shop.call(method, ask | {"bill_type": "x"}).why == ("40004", "INVAILID_ARGUMENTS")

    def test_a_file_that_lies(self, sandbox: Sandbox) -> None:
        shop = sandbox.client("2021000000000003", "2088000000000103")
        sandbox.control("clock", now="2027-04-01 12:00:00")
        dropped, changed = paid(sandbox, shop), paid(sandbox, shop)
        sandbox.control("clock", now="2027-04-02 10:00:00")
        edits = [
            {"do": "drop", "number": dropped},
            {"do": "set", "number": changed, "cells": {"商家实收（元）": "9.99"}},
            {"do": "add", "number": changed, "cells": {"商户订单号": "T-strange"}},
        ]
        sandbox.control("bills", pid=shop.pid, day="2027-04-01", edits=edits)
        method = "alipay.data.dataservice.bill.downloadurl.query"
        url = shop.call(method, {"bill_type": "trade", "bill_date": "2027-04-01"})["bill_download_url"]
        archive = zipfile.ZipFile(io.BytesIO(sandbox.http.get(url).content))
        text = archive.read(archive.infolist()[0]).decode("gbk")
        assert (dropped in text, changed in text, "T-strange" in text, text.count("9.99")) == (False, True, True, 2)


def test_books_and_keys_survive_a_kill(tmp_path: Path) -> None:
    arguments = (f"--app={APP}={PID}", f"--sub-app={SERVED}@{APP}={SERVED_PID}", "--plain-codes")
    with Sandbox(*arguments, data=tmp_path) as before:
        told = json.loads((tmp_path / "apps" / APP / "app.json").read_text())
        assert (tmp_path / "apps" / APP / "app_private_key.pem").stat().st_mode & 0o777 == 0o600
        token = json.loads((tmp_path / "apps" / SERVED / "app.json").read_text())["app_auth_token"]
        with Listener() as here:
            client = Client(before.http, told)
            number, code = client.precreate(here.url)
            assert code.startswith(f"{before.url}/?qr_code=https://qr.alipay.com/")
            before.control("faults", telling={"delay_s": 86_400})
            before.control("pay", qr_code=code)
            before.control("clock", advance_s=86_400)  # due, but perhaps not told before the end
            before.kill()
            with Sandbox(*arguments, data=tmp_path) as after:
                again = Client(after.http, told, "")
                assert again.query(number)["trade_status"] == "TRADE_SUCCESS"
                assert eventually(lambda: bool(here.told))
                here.told[0].verify(again.alipay)
                served = Client(after.http, told, token)
                assert served.query(number).why == ("40004", "ACQ.TRADE_NOT_EXIST")
                after.close()


def test_a_signature_of_somebody_else_is_none(shop: Client) -> None:
    with pytest.raises(InvalidSignature):
        rsa_check(shop.alipay, shop.parameters("alipay.trade.query", {})["sign"], b"x")
