"""The rules of refunds: how much, out of which money, what a repetition is, and refunds that hang."""

from typing import Any

from openberth.sandbox.alipay import fields, views
from openberth.sandbox.alipay.bank import Bank, Party
from openberth.sandbox.alipay.records import Refund, Trade
from openberth.sandbox.alipay.refusals import Refusal, Why
from openberth.sandbox.clock import DAY_US, SECOND_US

CANCEL_US = DAY_US


class Refunds:
    """Refunds of all trades."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._store = bank.store

    def ask(self, party: Party, body: dict[str, Any]) -> dict[str, Any]:
        """Give money back, or answer for a refund that was asked for before. Raises ``Refusal``."""
        fields.need(body, "refund_amount")
        amount = fields.fen(body["refund_amount"], "refund_amount")
        self.ripen()
        seq, trade = self._bank.find(party, body)
        number = body.get("out_request_no")
        if number is None:
            if amount != trade.total:
                raise Refusal(Why.FIELD, "部分退款必须传out_request_no")
            number = trade.number
        known = next(iter(self._store.refunds("trade_seq = ? AND number = ?", seq, number)), None)
        if known is not None and known.amount != amount:
            raise Refusal(Why.OTHER_REFUND)
        if known is not None and known.state != "failed":
            return self._answer(trade, changed=False)
        self._possible(trade, amount)
        refund = Refund(
            trade=seq, number=number, amount=amount, reason=body.get("refund_reason", ""), state="done",
            asked_us=self._bank.clock.now(),
        )  # fmt: skip
        return self._carry_out(seq, trade, refund)

    def _possible(self, trade: Trade, amount: int) -> None:
        if trade.status == "TRADE_FINISHED":
            raise Refusal(Why.FINISHED)
        if trade.status == "TRADE_CLOSED":
            raise Refusal(Why.CLOSED)
        if trade.status != "TRADE_SUCCESS":
            raise Refusal(Why.STATUS)
        if amount + trade.refunded + trade.promised > trade.total:
            raise Refusal(Why.TOO_MUCH_BACK)
        if self._store.balance(trade.pid) < amount - self._fee_back(trade, amount):
            raise Refusal(Why.POOR_SELLER)

    def _carry_out(self, seq: int, trade: Trade, refund: Refund) -> dict[str, Any]:
        plan = self._bank.faults.refund_plan()
        refund.state = plan.becomes
        with self._store.unit():
            if refund.state == "done":
                self._done(seq, trade, refund)
            else:
                if refund.state == "hangs":
                    refund.due_us = refund.asked_us + plan.after_s * SECOND_US
                    trade.promised += refund.amount
                self._store.save_refund(refund)
                self._store.save_trade(seq, trade)
        return self._answer(trade, changed=refund.state == "done")

    def _done(self, seq: int, trade: Trade, refund: Refund) -> None:
        """Move the money and tell the merchant: ``TRADE_SUCCESS`` once more, ``TRADE_CLOSED`` when all is back."""
        now = self._bank.clock.now()
        refund.state, refund.due_us, refund.done_us = "done", None, now
        refund.fee_back = self._fee_back(trade, refund.amount)
        trade.refunded += refund.amount
        trade.refunded_us = now
        if trade.refunded == trade.total:
            trade.status, trade.closed_us = "TRADE_CLOSED", now
        self._bank.flow(trade, "交易退款", -refund.amount, refund.reason)
        if refund.fee_back:
            self._bank.flow(trade, "收费", refund.fee_back, "服务费退还")
        self._store.save_refund(refund)
        self._store.save_trade(seq, trade)
        self._bank.tell(trade, refund)

    def _fee_back(self, trade: Trade, amount: int) -> int:
        """Return the part of the fee that goes back, so that the parts sum up to the whole fee."""
        return trade.fee * (trade.refunded + amount) // trade.total - trade.fee * trade.refunded // trade.total

    def _answer(self, trade: Trade, *, changed: bool) -> dict[str, Any]:
        return views.refund_answer(trade, self._bank.apps[trade.app], changed)

    def query(self, party: Party, body: dict[str, Any]) -> dict[str, Any]:
        """Tell of a refund. One that nobody knows is answered with success and without anything. Raises ``Refusal``."""
        fields.need(body, "out_request_no")
        self.ripen()
        seq, trade = self._bank.find(party, body)
        known = next(iter(self._store.refunds("trade_seq = ? AND number = ?", seq, body["out_request_no"])), None)
        return {} if known is None or known.state == "failed" else views.refund(trade, known)

    def cancel(self, party: Party, body: dict[str, Any]) -> dict[str, Any]:
        """Undo whatever became of a number: close what is unpaid, give back what is paid. Raises ``Refusal``."""
        found = self._bank.found(party, body)
        told = {"out_trade_no": body.get("out_trade_no", ""), "retry_flag": "N"}
        if found is None:
            return told
        seq, trade = found
        told |= {"out_trade_no": trade.number} | ({"trade_no": trade.trade_no} if trade.trade_no else {})
        if trade.status in ("UNBORN", "WAIT_BUYER_PAY"):
            self._bank.kill(seq, trade)
            return told | {"action": "close"}
        if trade.status == "TRADE_FINISHED":
            raise Refusal(Why.FINISHED)
        if trade.status == "TRADE_CLOSED":
            return told | {"action": "close" if trade.paid_us is None else "refund"}
        if self._bank.clock.now() >= (trade.paid_us or 0) + CANCEL_US:
            raise Refusal(Why.CANCEL_TOO_LATE)
        if trade.promised:
            raise Refusal(Why.SYSTEM)  # what hangs must come first
        rest = trade.total - trade.refunded
        self._possible(trade, rest)
        refund = Refund(
            trade=seq, number=f"cancel{trade.trade_no}", amount=rest, reason="撤销", state="done",
            asked_us=self._bank.clock.now(),
        )  # fmt: skip
        with self._store.unit():
            self._done(seq, trade, refund)
        return told | {"action": "refund"}

    def ripen(self) -> None:
        """Let refunds that hung long enough be done."""
        for refund in self._store.refunds("due_us <= ?", self._bank.clock.now()):
            self.become(refund, "done")

    def become(self, refund: Refund, state: str) -> Refund:
        """Let a refund that hangs, or failed, be done or fail now. Raises ``ValueError``."""
        found = self._store.trade("seq = ?", refund.trade)
        assert found is not None
        seq, trade = found
        if refund.state == "done" or refund.state == state:
            raise ValueError("the refund is not under way, or is so already")
        with self._store.unit():
            if refund.state == "hangs":
                trade.promised -= refund.amount
            if state == "done":
                if trade.refunded + trade.promised + refund.amount > trade.total:
                    raise ValueError("more than the trade would go back")
                self._done(seq, trade, refund)
            else:
                refund.state, refund.due_us = "failed", None
                self._store.save_refund(refund)
                self._store.save_trade(seq, trade)
        return refund
