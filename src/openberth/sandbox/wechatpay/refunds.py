"""The rules of refunds: how much, how often, out of which money, and what becomes of them later."""

import secrets
from typing import Any

from openberth.sandbox.clock import DAY_US, SECOND_US, day_of
from openberth.sandbox.wechatpay import crypto, views
from openberth.sandbox.wechatpay.bank import Bank
from openberth.sandbox.wechatpay.records import Flow, Merchant, Order, PlatformKey, Refund
from openberth.sandbox.wechatpay.refusals import Refusal, Why

MOST = 50
WITHIN_US = 365 * DAY_US
SUMMARIES = {"SUCCESS": "退款成功", "ABNORMAL": "退款异常", "CLOSED": "退款关闭"}


class Refunds:
    """Refunds of all merchants."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._store = bank.store

    def ask(self, caller: Merchant, body: dict[str, Any]) -> tuple[Order, Refund]:
        """Begin a refund, or return the one begun before by the same number and values. Raises ``Refusal``."""
        payee = self._payee(caller, body)
        seq, order = self._order(caller, payee, body)
        known = self._store.refunds("caller = ? AND number = ?", caller.mchid, body["out_refund_no"])
        if known:
            refund = self.ripened(*known[0])
            if refund.body != body:
                raise Refusal(Why.REENTRY)
            return order, refund
        if "?" in body.get("notify_url", ""):
            raise Refusal(Why.PARAMETER, "通知地址不能携带参数", "/notify_url")
        before = [one for _, one in self._store.refunds("order_seq = ?", seq)]
        refund = self._made(caller, payee, order, seq, body, [one for one in before if one.status != "CLOSED"])
        if len(before) >= MOST:
            raise Refusal(Why.TOO_MANY_REFUNDS)
        if self._store.balance(payee.mchid) < refund.settlement_refund - refund.fee_back:
            raise Refusal(Why.NOT_ENOUGH)
        order.state = "REFUND"
        with self._store.unit():
            self._store.save_order(seq, order)
            row = self._store.add_refund(refund)
            remark = f"退款总金额{_yuan(refund.settlement_refund)}元;含手续费{_yuan(refund.fee_back)}元"
            self._flow(order, refund, "退款", False, remark)
        return order, self.ripened(row, refund)

    def _payee(self, caller: Merchant, named: dict[str, Any]) -> Merchant:
        if "sub_mchid" in named:
            return self._bank.served(caller, {"sp_mchid": caller.mchid, "sub_mchid": named["sub_mchid"]})
        return caller

    def _order(self, caller: Merchant, payee: Merchant, body: dict[str, Any]) -> tuple[int, Order]:
        names = [name for name in ("transaction_id", "out_trade_no") if name in body]
        if not names:
            raise Refusal(Why.PARAMETER, "transaction_id和out_trade_no二选一", "/transaction_id")
        found = self._store.order(
            "caller = ? AND payee = ? AND transaction_id = ?" if names[0] == "transaction_id"
            else "caller = ? AND payee = ? AND number = ?",
            caller.mchid, payee.mchid, body[names[0]],
        )  # fmt: skip
        if found is None:
            raise Refusal(Why.NOT_FOUND, "订单不存在")
        if len(names) == 2 and found[1].number != body["out_trade_no"]:
            raise Refusal(Why.PARAMETER, "transaction_id和out_trade_no不是同一订单", "/out_trade_no")
        return self._bank.aged(*found)

    def _made(
        self, caller: Merchant, payee: Merchant, order: Order, seq: int, body: dict[str, Any], before: list[Refund]
    ) -> Refund:
        now, amount = self._bank.clock.now(), body["amount"]
        if order.paid_us is None:
            raise Refusal(Why.NOT_PAID)
        if now > order.paid_us + WITHIN_US:
            raise Refusal(Why.TOO_OLD)
        if amount["total"] != order.total:
            raise Refusal(Why.PARAMETER, "原订单金额不一致", "/amount/total")
        if "from" in amount and sum(part["amount"] for part in amount["from"]) != amount["refund"]:
            raise Refusal(Why.PARAMETER, "出资金额之和应等于退款金额", "/amount/from")
        back = sum(one.refund for one in before) + amount["refund"]
        if back > order.total:
            raise Refusal(Why.TOO_MUCH_BACK)
        # Shares follow what has gone back in all, so that the last refund leaves nothing over. A refund that was closed
        # in between may have rounded the others up: then this one takes less, but never less than nothing.
        payer = max(0, order.payer_total * back // order.total - sum(one.payer_refund for one in before))
        fee = max(0, order.fee * back // order.total - sum(one.fee_back for one in before))
        plan = self._bank.faults.refund_plan()
        return Refund(
            caller=caller.mchid, payee=payee.mchid, number=body["out_refund_no"], order=seq, body=body,
            refund_id=f"503{secrets.randbelow(10**9):09d}{day_of(now):%Y%m%d}{secrets.randbelow(10**9):09d}",
            refund=amount["refund"], payer_refund=payer, fee_back=fee,
            settlement_refund=amount["refund"] if order.coupon_cash else payer, status="PROCESSING", created_us=now,
            due_us=now + plan.after_s * SECOND_US, becomes=plan.becomes, notify_url=body.get("notify_url"),
        )  # fmt: skip

    def find(self, caller: Merchant, number: str, sub_mchid: str | None) -> tuple[Order, Refund]:
        """Return a refund by the merchant's number. Raises ``Refusal``."""
        payee = self._payee(caller, {"sub_mchid": sub_mchid} if sub_mchid is not None else {})
        found = self._store.refunds("caller = ? AND number = ?", caller.mchid, number)
        if not found or found[0][1].payee != payee.mchid:
            raise Refusal(Why.NOT_FOUND, "退款单不存在")
        refund = self.ripened(*found[0])
        return self.order_of(refund), refund

    def order_of(self, refund: Refund) -> Order:
        """Return the order of a refund."""
        found = self._store.order("seq = ?", refund.order)
        assert found is not None
        return found[1]

    def another_way(
        self, caller: Merchant, refund_id: str, body: dict[str, Any], key: PlatformKey
    ) -> tuple[Order, Refund]:
        """Send an abnormal refund to a bank card, or to the merchant. Raises ``Refusal``."""
        found = self._store.refunds("refund_id = ?", refund_id)
        payee = self._payee(caller, body)
        if not found or (found[0][1].caller, found[0][1].payee) != (caller.mchid, payee.mchid):
            raise Refusal(Why.NOT_FOUND, "退款单不存在")
        seq, refund = found[0][0], self.ripened(*found[0])
        if refund.number != body["out_refund_no"]:
            raise Refusal(Why.PARAMETER, "商户退款单号与微信退款单号不一致", "/out_refund_no")
        if refund.status != "ABNORMAL":
            raise Refusal(Why.NOT_ABNORMAL)
        refund.channel, refund.account = "OTHER_BANKCARD", "商户结算账户"
        if body["type"] == "USER_BANK_CARD":
            refund.account = f"{body.get('bank_type', '')}{_card(body, key)[-4:]}"
        refund.status, refund.becomes = "PROCESSING", "SUCCESS"
        refund.due_us = self._bank.clock.now() + self._bank.faults.refund_plan().after_s * SECOND_US
        self._store.save_refund(seq, refund)
        return self.order_of(refund), refund

    def reverse(self, seq: int, order: Order) -> None:
        """Give all of an order back at once, because its merchant undoes it."""
        now = self._bank.clock.now()
        refund = Refund(
            caller=order.caller, payee=order.payee, number=order.number, order=seq, body={},
            refund_id=f"503{secrets.randbelow(10**9):09d}{day_of(now):%Y%m%d}{secrets.randbelow(10**9):09d}",
            refund=order.total, payer_refund=order.payer_total, settlement_refund=order.settled, fee_back=order.fee,
            status="SUCCESS", created_us=now, due_us=None, becomes="SUCCESS", success_us=now,
        )  # fmt: skip
        order.state = "REVOKED"
        with self._store.unit():
            self._store.save_order(seq, order)
            self._store.add_refund(refund)
            self._flow(order, refund, "撤销", False, "订单撤销")

    def ripen(self) -> None:
        """Let what is due become what it is to become, and tell."""
        for seq, refund in self._store.refunds("due_us <= ?", self._bank.clock.now()):
            self.ripened(seq, refund)

    def ripened(self, seq: int, refund: Refund) -> Refund:
        """Return a refund as it stands now."""
        now = self._bank.clock.now()
        if refund.due_us is None or now < refund.due_us:
            return refund
        return self.become(seq, refund, refund.becomes)

    def become(self, seq: int, refund: Refund, state: str) -> Refund:
        """Let a refund succeed, fail at the payer's bank, or be closed; tell the merchant."""
        order = self.order_of(refund)
        refund.status, refund.due_us = state, None
        with self._store.unit():
            if state == "SUCCESS":
                refund.success_us = self._bank.clock.now()
            if state == "CLOSED":
                self._flow(order, refund, "退款关闭", True, "退款关闭，金额退回")
            self._store.save_refund(seq, refund)
            others = self._store.refunds("order_seq = ?", refund.order)
            if order.state == "REFUND" and all(one.status == "CLOSED" for _, one in others):
                order.state = "SUCCESS"
                self._store.save_order(refund.order, order)
            self._bank.tell(order, f"REFUND.{state}", SUMMARIES[state], "refund", refund.notify_url,
                            views.refund_notice(order, refund))  # fmt: skip
        return refund

    def _flow(self, order: Order, refund: Refund, kind: str, income: bool, remark: str) -> None:
        assert order.transaction_id is not None
        self._store.move(Flow(
            payee=refund.payee, at_us=self._bank.clock.now(), business_number=refund.refund_id,
            flow_number=order.transaction_id, name="退款", kind=kind, income=income,
            amount=refund.settlement_refund - refund.fee_back, balance=0, applicant=f"{refund.caller}API",
            remark=remark, voucher=refund.number,
        ))  # fmt: skip


def _card(body: dict[str, Any], key: PlatformKey) -> str:
    """Return the card's number; whoever encrypted name or number wrongly is told so."""
    for name in ("bank_type", "bank_account", "real_name"):
        if name not in body:
            raise Refusal(Why.PARAMETER, "缺少必填参数", f"/{name}")
    opened = ""
    for name in ("real_name", "bank_account"):
        try:
            opened = crypto.open_field(crypto.read_private(key.private), body[name])
        except ValueError:
            raise Refusal(Why.PARAMETER, "敏感信息解密失败", f"/{name}") from None
    return opened


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
