"""Trades and refunds as the channel tells of them, in answers and in notifications."""

import json
from typing import Any

from openberth.sandbox.alipay.fields import yuan
from openberth.sandbox.alipay.instants import wall, wall_ms
from openberth.sandbox.alipay.records import App, Refund, Trade


def buyer(trade: Trade, app: App, *, answer: bool = True) -> dict[str, str]:
    """Return how the payer is named: to newer apps by an id of their own, to older ones by the account."""
    if not trade.buyer:
        return {}
    name = "buyer_open_id" if app.ids == "open_id" else ("buyer_user_id" if answer else "buyer_id")
    return {name: trade.buyer, "buyer_logon_id": f"{trade.buyer[-3:]}***@sandbox.test"}


def trade(trade: Trade, app: App) -> dict[str, Any]:
    """Return a trade as a query tells of it. Amounts of what is not paid are there, too, as zero."""
    told: dict[str, Any] = {
        "out_trade_no": trade.number,
        "trade_no": trade.trade_no or "",
        "trade_status": trade.status,
        "total_amount": yuan(trade.total),
        "buyer_pay_amount": yuan(trade.buyer_paid),
        "receipt_amount": yuan(trade.total if trade.paid_us is not None else 0),
        "invoice_amount": yuan(trade.buyer_paid),
        "point_amount": "0.00",
        **buyer(trade, app),
    }
    for name in ("subject", "body", "passback_params", "store_id", "terminal_id"):
        if name in trade.body:
            told[name] = trade.body[name]
    if trade.paid_us is not None:
        told |= {"send_pay_date": wall(trade.paid_us), "fund_bill_list": funds(trade, "fund_channel")}
    return told


def funds(trade: Trade, name: str) -> list[dict[str, str]]:
    """Return where the money came from; the name of the channel is spelt otherwise in answers and notifications."""
    parts = [(trade.buyer_paid, "ALIPAYACCOUNT"), (trade.coupon, "COUPON")]
    return [{"amount": yuan(amount), name: channel} for amount, channel in parts if amount]


def refund_answer(trade: Trade, app: App, changed: bool) -> dict[str, Any]:
    """Return what asking for a refund is answered with: ``refund_fee`` is the sum of all refunds so far."""
    told: dict[str, Any] = {
        "out_trade_no": trade.number, "trade_no": trade.trade_no, **buyer(trade, app),
        "fund_change": "Y" if changed else "N", "refund_fee": yuan(trade.refunded),
        "send_back_fee": yuan(trade.refunded),
    }  # fmt: skip
    if trade.refunded_us is not None:
        told["gmt_refund_pay"] = wall(trade.refunded_us)
    return told


def refund(trade: Trade, refund: Refund) -> dict[str, Any]:
    """Return a refund as a query tells of it; ``refund_status`` is there only when the money has gone."""
    told: dict[str, Any] = {
        "out_trade_no": trade.number, "trade_no": trade.trade_no, "out_request_no": refund.number,
        "total_amount": yuan(trade.total), "refund_amount": yuan(refund.amount),
    }  # fmt: skip
    if refund.reason:
        told["refund_reason"] = refund.reason
    if refund.done_us is not None:
        told |= {"refund_status": "REFUND_SUCCESS", "gmt_refund_pay": wall(refund.done_us)}
    return told


def notice(trade: Trade, app: App, refund: Refund | None = None) -> dict[str, str]:
    """Return a trade as a notification tells of it. After a refund it is told again, with what tells the two apart."""
    told = {
        "notify_type": "trade_status_sync", "app_id": trade.caller, "auth_app_id": trade.app, "charset": "utf-8",
        "version": "1.0", "trade_no": trade.trade_no or "", "out_trade_no": trade.number,
        "seller_id": trade.pid, "trade_status": trade.status, "total_amount": yuan(trade.total),
        "subject": str(trade.body["subject"]), "body": str(trade.body.get("body", "")),
        "gmt_create": wall(trade.born_us or trade.made_us), **buyer(trade, app, answer=False),
    }  # fmt: skip
    if trade.paid_us is not None:
        told |= {
            "receipt_amount": yuan(trade.total), "invoice_amount": yuan(trade.buyer_paid),
            "buyer_pay_amount": yuan(trade.buyer_paid), "point_amount": "0.00", "gmt_payment": wall(trade.paid_us),
            "fund_bill_list": json.dumps(funds(trade, "fundChannel"), separators=(",", ":")),
        }  # fmt: skip
    if "passback_params" in trade.body:
        told["passback_params"] = str(trade.body["passback_params"])  # as it came
    if refund is not None and refund.done_us is not None:
        told |= {
            "refund_fee": yuan(trade.refunded), "gmt_refund": wall_ms(refund.done_us), "out_biz_no": refund.number,
        }  # fmt: skip
    if trade.closed_us is not None:
        told["gmt_close"] = wall(trade.closed_us)
    return told
