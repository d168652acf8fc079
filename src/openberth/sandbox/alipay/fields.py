"""What ``biz_content`` may hold, method by method, from the published field lists; and amounts as yuan texts.

Names that are not published are refused and amounts must be texts with at most two decimals. The real one ignores the
first and converts numbers; a stand-in that did so would hide a misspelt name and an amount that was once a float.
"""

import json
import re
from typing import Any

import msgspec

from openberth.sandbox.alipay.refusals import Refusal, Why

MAX_FEN = 100_000_000_00
_TRADE = (
    "body,business_params,disable_pay_channels,enable_pay_channels,ext_user_info,extend_params,goods_detail,"
    "merchant_order_no,out_trade_no,passback_params,product_code,query_options,royalty_info,seller_id,settle_info,"
    "store_id,sub_merchant,subject,time_expire,timeout_express,total_amount"
)
_SHOP = "alipay_store_id,bkagent_req_info,discountable_amount,operator_id,terminal_id,undiscountable_amount"
_NAMES = {
    "alipay.trade.create": f"{_TRADE},{_SHOP},agreement_sign_params,buyer_id,buyer_logon_id,buyer_open_id,"
    "logistics_detail,op_app_id,op_buyer_open_id,receiver_address_info",
    "alipay.trade.precreate": f"{_TRADE},{_SHOP},buyer_logon_id,code_type,payment_type,qr_code_timeout_express",
    "alipay.trade.wap.pay": f"{_TRADE},auth_token,goods_type,invoice_info,promo_params,quit_url,specified_channel",
    "alipay.trade.query": "org_pid,out_trade_no,query_options,trade_no",
    "alipay.trade.refund": "goods_detail,operator_id,org_pid,out_request_no,out_trade_no,query_options,"
    "refund_advance_account,refund_advance_account_type,refund_amount,refund_currency,refund_goods_detail,"
    "refund_reason,refund_royalty_parameters,refund_trans_out,refund_trans_out_type,related_settle_confirm_no,"
    "store_id,terminal_id,trade_no",
    "alipay.trade.fastpay.refund.query": "org_pid,out_request_no,out_trade_no,query_options,trade_no",
    "alipay.trade.close": "extend_params,operator_id,out_trade_no,trade_no",
    "alipay.trade.cancel": "out_trade_no,trade_no",
    "alipay.data.dataservice.bill.downloadurl.query": "bill_date,bill_type,secure,smid",
}
NAMES = {method: frozenset(names.split(",")) for method, names in _NAMES.items()}
# Kinds of the values that are used here: the longest length of a text, or a shape of its own.
_LENGTHS = {
    "out_trade_no": 64, "trade_no": 64, "out_request_no": 64, "subject": 256, "body": 128, "product_code": 64,
    "passback_params": 512, "refund_reason": 256, "seller_id": 28, "buyer_id": 28, "buyer_open_id": 128,
    "op_app_id": 32, "quit_url": 400, "time_expire": 19, "timeout_express": 6, "qr_code_timeout_express": 6,
    "operator_id": 28, "store_id": 32, "terminal_id": 32, "bill_type": 20, "bill_date": 15,
    "op_buyer_open_id": 128, "buyer_logon_id": 100, "merchant_order_no": 32,
}  # fmt: skip
_AMOUNTS = ("total_amount", "refund_amount", "discountable_amount", "undiscountable_amount")
_NUMBER = re.compile(r"[0-9A-Za-z_\-]{1,64}")
_YUAN = re.compile(r"(0|[1-9][0-9]{0,8})(\.[0-9]{1,2})?", re.ASCII)
_SPAN = re.compile(r"([1-9][0-9]{0,4})([mhdc])", re.ASCII)
_MINUTES = {"m": 1, "h": 60, "d": 1440}


def read(method: str, text: str) -> dict[str, Any]:
    """Read ``biz_content`` of a method. Raises ``Refusal``."""
    try:
        body = json.loads(text, object_pairs_hook=_once)
        msgspec.json.encode(body)  # what cannot be kept: half characters, endless numbers, depths
    except (ValueError, OverflowError, RecursionError):
        raise Refusal(Why.JSON) from None
    if not isinstance(body, dict):
        raise Refusal(Why.JSON)
    for name, value in body.items():
        if name not in NAMES[method]:
            raise Refusal(Why.FIELD, f"{name}不是该接口的参数")
        _judge(name, value)
    return body


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise ValueError("a name twice")
    return read


def _judge(name: str, value: object) -> None:
    longest = _LENGTHS.get(name)
    if longest is not None and not (isinstance(value, str) and 1 <= len(value) <= longest):
        raise Refusal(Why.FIELD, f"{name}应为1至{longest}个字符的字符串")
    if name in ("out_trade_no", "out_request_no") and _NUMBER.fullmatch(str(value)) is None:
        raise Refusal(Why.FIELD, f"{name}只能包含字母、数字、下划线")
    if name in _AMOUNTS:
        fen(value, name)
    if name == "extend_params" and not isinstance(value, dict):
        raise Refusal(Why.FIELD, "extend_params应为JSON对象")


def need(body: dict[str, Any], *names: str) -> None:
    """Refuse a body that lacks one of these."""
    for name in names:
        if name not in body:
            raise Refusal(Why.FIELD, f"缺少{name}")


def fen(value: object, name: str) -> int:
    """Read an amount: a text in yuan, from 0.01 to a hundred million. Raises ``Refusal``."""
    if not isinstance(value, str) or _YUAN.fullmatch(value) is None:
        raise Refusal(Why.FIELD, f"{name}应为最多两位小数的字符串，单位为元")
    whole, _, part = value.partition(".")
    amount = int(whole) * 100 + int(part.ljust(2, "0"))
    if not 1 <= amount <= MAX_FEN:
        raise Refusal(Why.FIELD, f"{name}超出范围")
    return amount


def yuan(amount: int) -> str:
    """Write fen as the channel does: yuan with two decimals."""
    sign, amount = ("-" if amount < 0 else ""), abs(amount)
    return f"{sign}{amount // 100}.{amount % 100:02d}"


def minutes(text: str, name: str) -> int | None:
    """Read a span, one minute to 15 days; None for ``1c``, the end of the day. Raises ``Refusal``."""
    found = _SPAN.fullmatch(text)
    if found is None or (found[2] == "c" and found[1] != "1"):
        raise Refusal(Why.FIELD, f"{name}格式不正确")
    if found[2] == "c":
        return None
    span = int(found[1]) * _MINUTES[found[2]]
    if span > 15 * 1440:
        raise Refusal(Why.FIELD, f"{name}不能超过15天")
    return span
