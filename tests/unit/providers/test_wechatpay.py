"""The WeChat Pay adapter without its wire: published vectors, contracts, bills."""

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from openberth.contexts.payments.ports import ChannelSpec, ChannelUnreachable, RowKind
from openberth.kernel.errors import Malformed, Unknown
from openberth.kernel.time import Instant
from openberth.providers.wechatpay import WechatPayMaker, signing, statement

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "wechatpay.json").read_bytes())
SIGNED = [one for one in VECTORS if one["kind"] == "rsa_verify"]
SEALED = [one for one in VECTORS if one["kind"] == "aes_gcm"]
TOLD = next(one for one in VECTORS if one["id"] == "wx-response-verify-pubkey")
AT, NONCE, BODY = TOLD["message"].split("\n")[:3]
HEADERS = {
    "Wechatpay-Serial": "PUB_KEY_ID_1", "Wechatpay-Timestamp": AT, "Wechatpay-Nonce": NONCE,
    "Wechatpay-Signature": TOLD["signature"],
}  # fmt: skip
KEYS = {"PUB_KEY_ID_1": signing.public_key_of(TOLD["public_key"])}


class AClock:
    def now(self) -> Instant:
        return Instant(int(AT) * 1_000_000)


MAKER = WechatPayMaker(AClock(), lambda: "a" * 32)
PEM = (
    rsa.generate_private_key(65537, 2048)
    .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    .decode()
)
PARAMS = {"appid": "wx0123456789abcdef", "mchid": "1900000001", "serial_no": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"}
SECRETS = {"private_key": PEM, "api_v3_key": "k" * 32}


@pytest.mark.parametrize("vector", SIGNED, ids=lambda one: str(one["id"]))
def test_published_signatures_verify(vector: dict[str, str]) -> None:
    """What is published is signed over the lines that this adapter builds."""
    parts = vector["message"].removesuffix("\n").split("\n")
    if vector["message"] == "source":  # a test of RSA alone
        return
    assert signing.lines(*parts) == vector["message"].encode()
    key = signing.public_key_of(vector["public_key"])
    if len(parts) == 3:  # time stamp, nonce, body: what WeChat Pay sends
        headers = {"Wechatpay-Serial": "K", "Wechatpay-Timestamp": parts[0], "Wechatpay-Nonce": parts[1],
                   "Wechatpay-Signature": vector["signature"]}  # fmt: skip
        signing.verify({"K": key}, headers, parts[2].encode(), now_s=int(parts[0]))


@pytest.mark.parametrize("vector", SEALED, ids=lambda one: str(one["id"]))
def test_published_ciphertexts_open(vector: dict[str, str]) -> None:
    plain = signing.unseal(
        vector["key"].encode(), nonce=vector["nonce"], ciphertext=vector["ciphertext"], associated=vector["aad"]
    ).decode()
    assert plain.startswith(vector.get("expected_prefix") or vector["expected"].strip())
    with pytest.raises(Malformed, match=r"channel\.bad_notice"):
        signing.unseal(vector["key"].encode(), nonce=vector["nonce"], ciphertext=vector["ciphertext"], associated="x")


@pytest.mark.parametrize(
    ("change", "body", "later_s", "code"),
    [
        ({}, BODY, 300, None),
        ({}, BODY, 301, "channel.stale"),
        ({}, BODY, -301, "channel.stale"),
        ({}, BODY, 86_400, "channel.stale"),  # a notification of yesterday
        ({}, BODY + " ", 0, "channel.bad_signature"),
        ({"Wechatpay-Serial": "PUB_KEY_ID_2"}, BODY, 0, "channel.bad_signature"),
        ({"Wechatpay-Nonce": "another"}, BODY, 0, "channel.bad_signature"),
        ({"Wechatpay-Timestamp": "1e9"}, BODY, 0, "channel.bad_signature"),
        ({"Wechatpay-Signature": "WECHATPAY/SIGNTEST/abc"}, BODY, 0, "channel.bad_signature"),
        ({"Wechatpay-Signature": ""}, BODY, 0, "channel.bad_signature"),
    ],
)
def test_only_what_is_signed_and_fresh_is_believed(
    change: dict[str, str], body: str, later_s: int, code: str | None
) -> None:
    def prove() -> None:
        signing.verify(KEYS, HEADERS | change, body.encode(), now_s=int(AT) + later_s)

    if code is None:
        prove()
        return
    with pytest.raises(Unknown) as caught:
        prove()
    assert caught.value.code == code


def test_what_is_signed_is_what_is_sent() -> None:
    key = signing.private_key_of(PEM)
    header = signing.authorization(
        key, mchid="1", serial="S", method="GET", target="/v3/x?plate=%E7%B2%A4B12345", ts="1", nonce="n", body=b""
    )
    signature = header.split('signature="')[1].split('"')[0]
    lines = signing.lines("GET", "/v3/x?plate=%E7%B2%A4B12345", "1", "n", b"")
    assert signature == signing.sign(key, lines)
    assert lines == b"GET\n/v3/x?plate=%E7%B2%A4B12345\n1\nn\n\n"


@pytest.mark.parametrize(
    ("params", "secrets", "setting"),
    [
        ({"appid": ""}, {}, "appid"),
        ({"appid": "0123"}, {}, "appid"),
        ({"mchid": "shop"}, {}, "mchid"),
        ({"serial_no": "xyz"}, {}, "serial_no"),
        ({"sub_appid": "wx0123456789abcdef"}, {}, "sub_mchid"),
        ({"public_key_id": "PUB_KEY_ID_1"}, {}, "public_key"),
        ({"public_key_id": "1", "public_key": TOLD["public_key"]}, {}, "public_key_id"),
        ({"public_key_id": "PUB_KEY_ID_1", "public_key": "no key"}, {}, "public_key"),
        ({"url": "ftp://x"}, {}, "url"),
        ({"colour": "red"}, {}, "colour"),
        ({}, {"api_v3_key": "short"}, "api_v3_key"),
        ({}, {"private_key": "no key"}, "private_key"),
        ({}, {"password": "x"}, "password"),
        ({"oauth_app_id": PARAMS["appid"]}, {}, "oauth_secret"),
        ({"oauth_app_id": PARAMS["appid"]}, {"oauth_secret": "no secret"}, "oauth_secret"),
        ({}, {"oauth_secret": "a" * 32}, "oauth_app_id"),
        ({"oauth_url": "https://sandbox.example"}, {}, "oauth_app_id"),
        ({"oauth_app_id": "wx000000000000000f"}, {"oauth_secret": "a" * 32}, "oauth_app_id"),
        ({"oauth_app_id": PARAMS["appid"], "oauth_url": "x"}, {"oauth_secret": "a" * 32}, "oauth_url"),
        (
            {"oauth_app_id": PARAMS["appid"], "sub_mchid": "1900000109", "sub_appid": "wx000000000000000f"},
            {"oauth_secret": "a" * 32},
            "oauth_app_id",
        ),
    ],
)
def test_contracts_that_cannot_work_are_refused(params: dict[str, str], secrets: dict[str, str], setting: str) -> None:
    with pytest.raises(Malformed) as caught:
        MAKER.check(PARAMS | params, SECRETS | secrets, production=False)
    assert (caught.value.code, caught.value.params["setting"]) == ("channel.setting", setting)


@pytest.mark.parametrize(
    ("params", "secrets", "code"),
    [
        ({"url": "http://api.mch.weixin.qq.com"}, {}, "channel.loopback"),
        ({"url": "https://127.0.0.1:8427"}, {}, "channel.loopback"),
        ({"url": "https://localhost"}, {}, "channel.loopback"),
        ({}, {"api_v3_key": "f09b03a7a1902b5b4913856f1fd07ab1"}, "channel.sandbox_key"),
        (
            {"oauth_app_id": PARAMS["appid"], "oauth_url": "http://127.0.0.1:8427"},
            {"oauth_secret": "a" * 32},
            "channel.loopback",
        ),
    ],
)
def test_production_takes_no_sandbox(params: dict[str, str], secrets: dict[str, str], code: str) -> None:
    MAKER.check(PARAMS | params, SECRETS | secrets, production=False)
    with pytest.raises(Malformed) as caught:
        MAKER.check(PARAMS | params, SECRETS | secrets, production=True)
    assert caught.value.code == code


def test_a_contract_shows_no_secret() -> None:
    MAKER.check(PARAMS, SECRETS, production=True)
    made = MAKER.make(ChannelSpec(params=PARAMS, secrets=SECRETS, notify_url="https://x.example/hooks/wechatpay/1"))
    assert "PRIVATE" not in repr(made)
    assert "kkkk" not in repr(made)


HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,"
    "费率,订单金额,申请退款金额,费率备注"
)
PAID = (
    "`2026-11-24 08:00:01,`wx1,`1900000001,`,`,`4200,`A1,`o1,`NATIVE,`SUCCESS,`OTHERS,`CNY,`7.50,`0.00,`0,`0,`0.00,"
    "`0.00,`,`,`parking,`,`0.05000,`0.60%,`7.50,`0.00,`"
)
BACK = (
    "`2026-11-24 09:00:00,`wx1,`1900000001,`,`,`4200,`A1,`o1,`NATIVE,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`5000,`R1,`2.50,"
    "`0.00,`ORIGINAL,`SUCCESS,`parking,`,`-0.02000,`0.60%,`0.00,`2.50,`"
)
SUMS = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"


def bill(*rows: str, sums: str) -> bytes:
    return ("\ufeff" + "\r\n".join((HEADER, *rows, SUMS, sums)) + "\r\n").encode()


def test_a_bill_is_read_to_the_fen() -> None:
    found = statement.read(bill(PAID, BACK, sums="`2,`7.50,`2.50,`0.00,`0.03,`7.50,`2.50"), datetime.date(2026, 11, 24))
    paid, back = found.rows
    assert (paid.kind, paid.number, paid.transaction, paid.amount.minor) == (RowKind.PAYMENT, "A1", "4200", 750)
    assert (paid.fee.minor, back.fee.minor) == (5, -2)
    assert (back.kind, back.number, back.transaction, back.amount.minor) == (RowKind.REFUND, "R1", "4200", 250)
    assert paid.at == 1_795_478_401_000_000  # eight o'clock in Beijing is midnight


@pytest.mark.parametrize(
    "content",
    [
        bill(PAID, sums="`2,`7.50,`0.00,`0.00,`0.05,`7.50,`0.00"),
        bill(PAID, sums="`1,`7.50,`0.00,`0.00,`0.05,`7.51,`0.00"),
        bill(PAID.replace("`7.50,`0.00,`\"", "`7.505,`0.00,`"), BACK, sums="`1,`0,`0,`0,`0,`7.50,`0.00"),
        bill(PAID + ",`one more", sums="`1,`7.50,`0.00,`0.00,`0.05,`7.50,`0.00"),
        b"", b"\xff\xfe", b"nothing",
    ],
)  # fmt: skip
def test_a_bill_that_does_not_add_up_is_not_believed(content: bytes) -> None:
    with pytest.raises(ChannelUnreachable) as caught:
        statement.read(content, datetime.date(2026, 11, 24))
    assert caught.value.code == "channel.unclear"


def test_an_empty_bill_has_no_rows() -> None:
    assert statement.read(bill(sums="`0,`0.00,`0.00,`0.00,`0.00,`0.00,`0.00"), datetime.date(2026, 11, 24)).rows == ()


def test_contracts_of_merchants_are_told_apart() -> None:
    notes: list[Any] = []
    for params in (PARAMS, PARAMS | {"sub_mchid": "1900000109", "sub_appid": "wxfedcba9876543210"}):
        spec = ChannelSpec(params=params, secrets=SECRETS, notify_url="https://x.example")
        notes.append(repr(MAKER.make(spec)))
    assert "1900000109" in notes[1]
    assert "1900000109" not in notes[0]
