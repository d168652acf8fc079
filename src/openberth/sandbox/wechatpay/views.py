"""Orders and refunds as the channel tells of them, in answers and in callbacks."""

from typing import Any

from openberth.sandbox.wechatpay.instants import rfc3339
from openberth.sandbox.wechatpay.records import TRADE_TYPES, Order, Refund

STATES = {
    "SUCCESS": "支付成功", "REFUND": "订单发生过退款，退款详情请查询退款单", "NOTPAY": "订单未支付",
    "CLOSED": "订单已关闭", "REVOKED": "订单已撤销", "USERPAYING": "用户支付中，需要输入密码", "PAYERROR": "支付失败",
}  # fmt: skip


def who(order: Order) -> dict[str, Any]:
    """Return the parties of an order as it named them."""
    names = ("sp_appid", "sp_mchid", "sub_appid", "sub_mchid") if order.partner else ("appid", "mchid")
    return {name: order.body[name] for name in names if name in order.body}


def transaction(order: Order) -> dict[str, Any]:
    """Return an order as a query tells of it; a callback tells the same."""
    told: dict[str, Any] = {
        **who(order),
        "out_trade_no": order.number,
        "trade_state": order.state,
        "trade_state_desc": STATES[order.state],
        "attach": order.body.get("attach", ""),
        "promotion_detail": promotions(order),
    }
    if order.paid_us is None:
        told["amount"] = {"total": order.total, "currency": "CNY", "payer_currency": "CNY"}
        return told
    told |= {
        "transaction_id": order.transaction_id,
        "trade_type": TRADE_TYPES[order.way],
        "bank_type": order.bank,
        "success_time": rfc3339(order.paid_us),
        "payer": order.payer,
        "amount": {
            "total": order.total, "payer_total": order.payer_total, "currency": "CNY", "payer_currency": "CNY",
        },
    }  # fmt: skip
    device = order.body.get("scene_info", {}).get("device_id")
    return told | ({"scene_info": {"device_id": device}} if device else {})


def promotions(order: Order) -> list[dict[str, Any]]:
    """Return the coupons that the payer used."""
    if not order.coupon:
        return []
    return [{
        "coupon_id": f"{order.coupon:012d}", "name": "沙箱代金券", "scope": "GLOBAL",
        "type": "CASH" if order.coupon_cash else "NOCASH", "amount": order.coupon, "stock_id": "10000001",
        "wechatpay_contribute": order.coupon if order.coupon_cash else 0,
        "merchant_contribute": 0 if order.coupon_cash else order.coupon,
        "other_contribute": 0, "currency": "CNY", "goods_detail": [],
    }]  # fmt: skip


def refund(order: Order, refund: Refund) -> dict[str, Any]:
    """Return a refund as the interface tells of it: here the state is called ``status``."""
    told: dict[str, Any] = {
        "refund_id": refund.refund_id,
        "out_refund_no": refund.number,
        "transaction_id": order.transaction_id,
        "out_trade_no": order.number,
        "channel": refund.channel,
        "user_received_account": refund.account,
        "create_time": rfc3339(refund.created_us),
        "status": refund.status,
        "funds_account": refund.body.get("funds_account", "UNSETTLED"),
        "amount": {
            "total": order.total,
            "refund": refund.refund,
            "from": [],
            "payer_total": order.payer_total,
            "payer_refund": refund.payer_refund,
            "settlement_refund": refund.settlement_refund,
            "settlement_total": order.settled,
            "discount_refund": refund.refund - refund.payer_refund,
            "currency": "CNY",
            "refund_fee": refund.fee_back,
        },
        "promotion_detail": [],
    }
    if refund.success_us is not None:
        told["success_time"] = rfc3339(refund.success_us)
    return told


def refund_notice(order: Order, refund: Refund) -> dict[str, Any]:
    """Return a refund as a callback tells of it: here the state is called ``refund_status``."""
    told: dict[str, Any] = {name: value for name, value in who(order).items() if name.endswith("mchid")}
    told |= {
        "out_trade_no": order.number,
        "transaction_id": order.transaction_id,
        "out_refund_no": refund.number,
        "refund_id": refund.refund_id,
        "refund_status": refund.status,
        "user_received_account": refund.account,
        "amount": {
            "total": order.total, "refund": refund.refund,
            "payer_total": order.payer_total, "payer_refund": refund.payer_refund,
        },
    }  # fmt: skip
    if refund.success_us is not None:
        told["success_time"] = rfc3339(refund.success_us)
    return told
