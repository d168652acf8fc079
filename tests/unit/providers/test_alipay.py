"""The Alipay adapter without its wire: published vectors, envelopes, notifications, contracts, bills."""

import datetime
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from openberth.contexts.payments.ports import (
    ChannelSpec,
    ChannelUnreachable,
    NothingNew,
    PaidNotice,
    RefundNotice,
    RowKind,
)
from openberth.kernel.errors import Malformed, Unknown
from openberth.kernel.money import Money
from openberth.kernel.time import Instant
from openberth.providers.alipay import AlipayMaker, envelope, notices, signing, statement
from openberth.providers.alipay.amounts import beijing, wall_text, yuan
from openberth.providers.alipay.signing import Trust

VECTORS = {one["id"]: one for one in json.loads((Path(__file__).parents[2] / "vectors" / "alipay.json").read_bytes())}
OURS, THEIRS = rsa.generate_private_key(65537, 2048), rsa.generate_private_key(65537, 2048)
TRUST = Trust({"": THEIRS.public_key()})
APP, SELLER = "2021000000000001", "2088000000000001"
DAY = datetime.date(2026, 11, 24)


def private_pem(key: rsa.RSAPrivateKey, shape: Any = serialization.PrivateFormat.PKCS8) -> str:
    return key.private_bytes(serialization.Encoding.PEM, shape, serialization.NoEncryption()).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def bare(pem: str) -> str:
    """Return a key as Alipay's tool and web site show it."""
    return "".join(line for line in pem.splitlines() if "-----" not in line)


def a_certificate(key: rsa.RSAPrivateKey, name: str) -> str:
    who = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"), x509.NameAttribute(NameOID.COMMON_NAME, name)])
    at = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at)
        .not_valid_after(at + datetime.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


# -- what is proved ----------------------------------------------------------------------------------------------------


def test_a_published_answer_is_proved_by_its_raw_text() -> None:
    vector = VECTORS["alipay-v2-response"]
    answer = envelope.opened(vector["raw"].encode(), "alipay.open.file.upload")
    trust = Trust({"": signing.public_key_of(vector["public_key"])})
    assert trust.prove(answer.signed, answer.signature, None)
    written_anew = json.dumps(json.loads(answer.node))
    assert not trust.prove(written_anew.encode(), answer.signature, None)


@pytest.mark.parametrize("name", ["alipay-notify-A-drop-sign_type", "alipay-notify-B-keep-sign_type"])
def test_published_notifications_are_proved_with_and_without_their_sign_type(name: str) -> None:
    vector = VECTORS[name]
    trust = Trust({"": signing.public_key_of(bare(vector["public_key"]))})
    trust.prove_notice(vector["params"])
    for change in ({"app_id": "1"}, {"sign": ""}, {"sign": "AAAA"}, {"sign_type": "RSA"}, {"more": "x"}):
        with pytest.raises(Unknown, match=r"channel\.bad_signature"):
            trust.prove_notice(vector["params"] | change)
    trust.prove_notice(vector["params"] | {"more": ""})  # what is empty is not signed


def test_published_certificates_have_their_numbers() -> None:
    one, roots = VECTORS["alipay-app-cert-sn"], VECTORS["alipay-root-cert-sn"]
    assert signing.certificate_of(one["pem"])[0] == one["expected"]
    assert signing.root_serial_of(roots["pem"]) == roots["expected"]
    with pytest.raises(ValueError, match="root"):
        signing.root_serial_of("nothing of the kind")


def test_an_answer_by_a_certificate_that_nobody_entered_proves_nothing() -> None:
    trust, signature = Trust({"abc": THEIRS.public_key()}), signing.sign(THEIRS, b"x")
    assert trust.prove(b"x", signature, "abc")
    assert trust.prove(b"x", signature, None)
    assert not trust.prove(b"x", signature, "abd")


def test_while_one_certificate_follows_another_both_are_known() -> None:
    newer = rsa.generate_private_key(65537, 2048)
    both = a_certificate(THEIRS, "alipay") + "\n" + a_certificate(newer, "alipay")
    MAKER.check(CERTIFIED | {"alipay_cert": both}, SECRETS, production=True)
    trust = Trust(signing.certificates_of(both))
    for serial, key in zip(signing.certificates_of(both), (THEIRS, newer), strict=True):
        assert trust.prove(b"x", signing.sign(key, b"x"), serial)
    assert not trust.prove(b"x", signing.sign(newer, b"x"), None)  # which of the two?


def test_requests_sign_everything_that_has_a_value() -> None:
    fields = {"b": "2", "sign_type": "RSA2", "a": "停车 &=", "empty": ""}
    assert signing.content(fields) == "a=停车 &=&b=2&sign_type=RSA2".encode()
    assert signing.content(fields, "sign_type") == "a=停车 &=&b=2".encode()


# -- envelopes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "node"),
    [
        (r'{"alipay_x_response":{"code":"10000","u":"http:\/\/a"},"sign":"s"}', r'{"code":"10000","u":"http:\/\/a"}'),
        ('{"sign":"s","alipay_x_response":{"sign":"not mine","v":"\\",\\"sign\\":\\"x"}}', None),
        (' {\n"alipay_cert_sn" : "c" , "alipay_x_response" : { "b":1, "a":2 } , "sign" : "s" }\n', '{ "b":1, "a":2 }'),
        ('{"error_response":{"code":"40002"},"sign":"s"}', '{"code":"40002"}'),
        ('{"alipay_x_response":"base64==","sign":"s"}', '"base64=="'),  # encrypted ones are signed with their quotes
    ],
)
def test_the_node_is_cut_out_as_it_was_sent(body: str, node: str | None) -> None:
    found = envelope.opened(body.encode(), "alipay.x")
    assert found.signature == "s"
    assert found.node == (node or body[body.index(":{") + 1 : -1])


@pytest.mark.parametrize(
    "body",
    [
        "", "[]", "{", "{}", "null", '{"alipay_x_response":{}}x', '{"alipay_x_response":{},}', '{"a" 1}',
        '{"alipay_y_response":{},"sign":"s"}', '{"alipay_x_response":{},"alipay_x_response":{"code":"10000"}}',
        '{"alipay_x_response":NaN}', '{1:2}', '{"a":1 "b":2}', "[" * 100_000,
        '{"a":' + "[" * 100_000, '{"a":' + "9" * 9_000,
    ],
    ids=range(16),
)  # fmt: skip
def test_what_is_no_answer_is_none(body: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of its kind
        envelope.opened(body.encode(), "alipay.x")


# -- amounts and times -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "minor"), [("7.50", 750), ("0.01", 1), ("-0.04", -4), ("100", 10_000), ("0.10000", 10), ("88.8", 8_880)]
)
def test_yuan_become_fen(text: str, minor: int) -> None:
    assert yuan(text) == Money(minor, "CNY")


@pytest.mark.parametrize("text", ["", "7.505", "1e3", "NaN", "1,000.00", " 1", "٧.٥٠", "+1", "1.", "9" * 13])
def test_what_is_no_amount_in_yuan(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of its kind
        yuan(text)


def test_wall_times_are_those_of_beijing() -> None:
    at = beijing("2026-11-24 08:00:01")
    assert at == 1_795_478_401_000_000
    assert wall_text(Instant(at + 999_999)) == "2026-11-24 08:00:01"
    assert beijing("2026-11-24 08:00:01.320") == at


# -- notifications -----------------------------------------------------------------------------------------------------

TOLD = {
    "notify_type": "trade_status_sync", "notify_id": "n1", "app_id": APP, "charset": "utf-8", "version": "1.0",
    "trade_no": "2026112422001400000001", "out_trade_no": "A1", "seller_id": SELLER, "trade_status": "TRADE_SUCCESS",
    "total_amount": "7.50", "subject": "停车费", "gmt_payment": "2026-11-24 08:00:01", "refund_fee": "0.00", "body": "",
}  # fmt: skip


def told(change: dict[str, str | None] | None = None, *, key: rsa.RSAPrivateKey = THEIRS, **more: str | None) -> bytes:
    fields = {name: value for name, value in {**TOLD, **(change or {}), **more}.items() if value is not None}
    signature = signing.sign(key, signing.content(fields))
    return urlencode({**fields, "sign_type": "RSA2", "sign": signature}).encode()


def read(body: bytes) -> Any:
    return notices.read(body, TRUST, app_id=APP, seller_id=SELLER)


REFUNDED: dict[str, str | None] = {
    "refund_fee": "2.50", "gmt_refund": "2026-11-24 09:00:00.320", "out_biz_no": "R1",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "notice"),
    [
        ({}, PaidNotice),
        ({"trade_status": "TRADE_FINISHED", "refund_fee": None}, PaidNotice),
        ({"trade_status": "WAIT_BUYER_PAY", "gmt_payment": None}, NothingNew),
        ({"trade_status": "TRADE_CLOSED", "gmt_payment": None}, NothingNew),  # nobody paid
        (REFUNDED, RefundNotice),  # a part went back: told as a success
        ({**REFUNDED, "trade_status": "TRADE_CLOSED"}, RefundNotice),  # all of it
        ({**REFUNDED, "refund_fee": None}, RefundNotice),
        ({"out_biz_no": "R1"}, RefundNotice),
        ({"gmt_refund": "2026-11-24 09:00:00"}, NothingNew),
        ({"refund_fee": "2.50"}, NothingNew),  # somebody's refund without a number
        ({"notify_type": "servicemarket_order_notify", "seller_id": None}, NothingNew),
    ],
)
def test_a_word_of_alipay_means_what_stands_beside_it(change: dict[str, str | None], notice: type) -> None:
    found = read(told(change))
    assert isinstance(found, notice)
    if isinstance(found, PaidNotice):
        assert (found.number, found.transaction) == ("A1", "2026112422001400000001")
        assert (found.paid, found.paid_at) == (Money(750, "CNY"), beijing("2026-11-24 08:00:01"))
    if isinstance(found, RefundNotice):
        assert found.number == "R1"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (told(app_id="2021000000000002"), "channel.not_ours"),
        (told(seller_id="2088000000000002"), "channel.not_ours"),
        (told(seller_id=None), "channel.not_ours"),
        (told(key=OURS), "channel.bad_signature"),
        (told().replace(b"7.50", b"0.50"), "channel.bad_signature"),
        (told() + b"&more=1", "channel.bad_signature"),
        (told() + b"&app_id=" + APP.encode(), "channel.bad_notice"),  # twice: which is signed?
        (told(total_amount="7.505"), "channel.bad_notice"),
        (told(total_amount="0.00"), "channel.bad_notice"),
        (told(gmt_payment=None), "channel.bad_notice"),
        (told(trade_no=""), "channel.bad_notice"),
        (told(refund_fee="much"), "channel.bad_notice"),
        (b"", "channel.bad_signature"),
        (b"{}", "channel.bad_notice"),
        (b"subject=%ff", "channel.bad_notice"),
        ("停=1".encode(), "channel.bad_notice"),
        (b"a=1&" * 20_000, "channel.bad_notice"),
        (b"sign=x", "channel.bad_signature"),
    ],
    ids=range(18),
)
def test_what_settles_nothing(body: bytes, code: str) -> None:
    with pytest.raises((Unknown, Malformed)) as caught:
        read(body)
    assert caught.value.code == code


# -- contracts ---------------------------------------------------------------------------------------------------------


class AClock:
    def now(self) -> Instant:
        return beijing("2026-11-24 08:00:01")


MAKER = AlipayMaker(AClock())
PARAMS = {"app_id": APP, "seller_id": SELLER, "alipay_public_key": bare(public_pem(THEIRS))}
SECRETS = {"private_key": bare(private_pem(OURS, serialization.PrivateFormat.TraditionalOpenSSL))}
KEYLESS = {name: value for name, value in PARAMS.items() if name != "alipay_public_key"}
CERTIFIED = KEYLESS | {
    "app_cert": a_certificate(OURS, "app"), "alipay_cert": a_certificate(THEIRS, "alipay"),
    "alipay_root_cert": VECTORS["alipay-root-cert-sn"]["pem"],
}  # fmt: skip


LOCKED = OURS.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
).decode()
# A curve that no library here can read.
SM2 = VECTORS["alipay-root-cert-sn"]["pem"].partition("-----END")[0] + "-----END CERTIFICATE-----"


@pytest.mark.parametrize(
    ("params", "secrets", "setting"),
    [
        (PARAMS | {"app_id": "shop"}, {}, "app_id"),
        (PARAMS | {"seller_id": "1900000001"}, {}, "seller_id"),
        (PARAMS | {"url": "ftp://x"}, {}, "url"),
        (PARAMS | {"colour": "red"}, {}, "colour"),
        (PARAMS | {"code_product": "QR"}, {}, "code_product"),
        (PARAMS | {"op_app_id": "x"}, {}, "op_app_id"),
        (PARAMS | {"sys_service_provider_id": SELLER}, {}, "app_auth_token"),
        (PARAMS | {"quit_url": "here"}, {}, "quit_url"),
        (KEYLESS, {}, "alipay_public_key"),
        (PARAMS | {"alipay_public_key": "no key"}, {}, "alipay_public_key"),
        (PARAMS | {"alipay_public_key": public_pem(OURS)}, {}, "alipay_public_key"),
        (PARAMS | {"app_cert": CERTIFIED["app_cert"]}, {}, "app_cert"),
        (KEYLESS | {"app_cert": CERTIFIED["app_cert"]}, {}, "alipay_cert"),
        (CERTIFIED | {"app_cert": CERTIFIED["alipay_cert"]}, {}, "app_cert"),
        (CERTIFIED | {"alipay_root_cert": "no certificate"}, {}, "alipay_root_cert"),
        (PARAMS, {"private_key": "no key"}, "private_key"),
        (PARAMS, {"private_key": LOCKED}, "private_key"),
        (CERTIFIED | {"alipay_cert": SM2}, {}, "alipay_cert"),
        (PARAMS, {"private_key": private_pem(rsa.generate_private_key(65537, 1024))}, "private_key"),
        (PARAMS, {"app_auth_token": "a token"}, "app_auth_token"),
        (PARAMS, {"password": "x"}, "password"),
    ],
)
def test_contracts_that_cannot_work_are_refused(params: dict[str, str], secrets: dict[str, str], setting: str) -> None:
    with pytest.raises(Malformed) as caught:
        MAKER.check(params, SECRETS | secrets, production=False)
    assert (caught.value.code, caught.value.params["setting"]) == ("channel.setting", setting)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"url": "http://openapi.alipay.com"}, "channel.loopback"),
        ({"url": "https://127.0.0.1:8428"}, "channel.loopback"),
        ({"url": "https://openapi-sandbox.dl.alipaydev.com"}, "channel.sandbox"),
        ({"alipay_public_key": VECTORS["alipay-v2-response"]["public_key"]}, "channel.sandbox_key"),
        ({"alipay_public_key": VECTORS["alipay-notify-A-drop-sign_type"]["public_key"]}, "channel.sandbox_key"),
    ],
)
def test_production_takes_no_sandbox(change: dict[str, str], code: str) -> None:
    MAKER.check(PARAMS | change, SECRETS, production=False)
    with pytest.raises(Malformed) as caught:
        MAKER.check(PARAMS | change, SECRETS, production=True)
    assert caught.value.code == code


@pytest.mark.parametrize("params", [PARAMS, CERTIFIED], ids=["key", "certificates"])
def test_a_contract_shows_no_secret(params: dict[str, str]) -> None:
    held = SECRETS | {"app_auth_token": "202611BBsecret"}
    MAKER.check(params, held, production=True)
    made = MAKER.make(ChannelSpec(params=params, secrets=held, notify_url="https://x.example/hooks/alipay/1"))
    assert "secret" not in repr(made)
    assert SECRETS["private_key"][:40] not in repr(made)


MADE = MAKER.make(ChannelSpec(params=PARAMS, secrets=SECRETS, notify_url="https://x.example/h"))


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://dwbillcenter.alipay.com/f?a=1", "https://dwbillcenter.alipay.com/f?a=1"),
        ("https://openapi.alipay.com/bill", "https://openapi.alipay.com/bill"),
        ("http://127.0.0.1:6379/", None),
        ("http://dwbillcenter.alipay.com:22/", None),
        ("https://alipay.com.example/f", None),
        ("https://user@x.alipay.com/f", None),
        ("file:///etc/passwd", None),
        ("http://[::1", None),
    ],
)
def test_files_are_fetched_from_alipay_only(url: str, address: str | None) -> None:
    find: Callable[[str], str] = MADE._client._of_alipay
    if address is not None:
        assert find(url) == address
        return
    with pytest.raises(ChannelUnreachable):
        find(url)


def test_the_address_of_the_gateway_may_be_entered_whole() -> None:
    params = PARAMS | {"url": "https://openapi.alipay.com/gateway.do"}
    MAKER.check(params, SECRETS, production=True)
    made = MAKER.make(ChannelSpec(params=params, secrets=SECRETS, notify_url="https://x.example/h"))
    assert made._client._gateway == MADE._client._gateway == "https://openapi.alipay.com/gateway.do"


def test_a_signed_address_is_its_fields_and_their_signature() -> None:
    made = MAKER.make(ChannelSpec(params=CERTIFIED, secrets=SECRETS, notify_url="https://x.example/h"))
    fields = made._client._signed("alipay.trade.wap.pay", {"subject": "停车"}, {"notify_url": "https://x.example/h"})
    again = dict(parse_qsl(urlsplit(f"https://x/?{urlencode(fields)}").query))
    signature = again.pop("sign")
    assert signing.is_signed(OURS.public_key(), signing.content(again), signature)
    assert again["timestamp"] == "2026-11-24 08:00:01"
    assert again["app_cert_sn"] == signing.certificate_of(CERTIFIED["app_cert"])[0]
    assert again["alipay_root_cert_sn"] == VECTORS["alipay-root-cert-sn"]["expected"]


# -- bills -------------------------------------------------------------------------------------------------------------

HEADER = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,"
    "商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,"
    "商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)
PAID = (
    "20261124\t,A1\t,交易\t,停车费,2026-11-24 08:00:00,2026-11-24 08:00:01,\t,\t,\t,\t,b***@a.example\t,7.50,7.00,0.00,"
    "0.00,0.00,0.50,0.00,,0.00\t,0.00,\t,-0.05,0.00,"
)
BACK = (
    "20261124\t,A1\t,退款\t,停车费,2026-11-24 08:00:00,2026-11-24 09:00:00,\t,\t,\t,\t,b***@a.example\t,-2.50,-2.50,"
    "0.00,0.00,0.00,0.00,0.00,,0.00\t,0.00,R1,0.02,0.00,多付退回"
)
SUMMARY = "#支付宝业务汇总查询\r\n门店编号,门店名称,交易订单总笔数\r\n\t,合计\t,1\r\n"


def bill(
    *rows: str, paid: str = "1笔，商家实收共7.00", back: str = "1笔，商家实收退款共-2.50", day: str = "24"
) -> bytes:
    lines = (
        "#支付宝业务明细查询", f"#账号：[{SELLER}0156]",
        f"#起始日期：[2026年11月{day}日 00:00:00]   终止日期：[2026年11月25日 00:00:00]",
        "#-----------------------------------------业务明细列表----------------------------------------", HEADER, *rows,
        "#-----------------------------------------业务明细列表结束------------------------------------",
        f"#交易合计：{paid}元，商家优惠共0.50元", f"#退款合计：{back}元，商家优惠退款共0.00元",
        "#导出时间：[2026年11月25日 05:46:49]",
    )  # fmt: skip
    return zipped({"业务明细.csv": "\r\n".join(lines) + "\r\n", "业务明细(汇总).csv": SUMMARY})


def zipped(texts: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in texts.items():
            file.writestr(name, text.encode("gbk"))
    return packed.getvalue()


def test_a_bill_is_read_to_the_fen() -> None:
    paid, back = statement.read(bill(PAID, BACK), DAY).rows
    assert (paid.kind, paid.number, paid.transaction, paid.amount.minor) == (RowKind.PAYMENT, "A1", "20261124", 750)
    assert (paid.fee.minor, back.fee.minor) == (5, -2)
    assert (back.kind, back.number, back.transaction, back.amount.minor) == (RowKind.REFUND, "R1", "20261124", 250)
    assert (paid.at, back.at) == (beijing("2026-11-24 08:00:01"), beijing("2026-11-24 09:00:00"))


@pytest.mark.parametrize(
    "packed",
    [
        bill(PAID, BACK, day="23"),
        bill(PAID),
        bill(PAID, BACK, PAID),
        bill(PAID, BACK, paid="1笔，商家实收共7.01"),
        bill(PAID, BACK, back="1笔，商家实收退款共2.49"),
        bill(PAID.replace("7.50", "7.505"), BACK),
        bill(PAID.replace("交易", "转账"), BACK),
        bill(PAID + ",one more", BACK),
        zipped({"业务明细(汇总).csv": SUMMARY}),
        zipped({}), b"", b"nothing", bill(PAID, BACK)[:-30], bill(PAID, BACK).replace(b"PK\x03\x04", b"PK\x03\x05"),
    ],
    ids=range(14),
)  # fmt: skip
def test_a_bill_that_does_not_add_up_is_not_believed(packed: bytes) -> None:
    with pytest.raises(ChannelUnreachable) as caught:
        statement.read(packed, DAY)
    assert caught.value.code == "channel.unclear"


def test_an_empty_bill_has_no_rows() -> None:
    assert statement.read(bill(paid="0笔，商家实收共0.00", back="0笔，商家实收退款共0.00"), DAY).rows == ()
