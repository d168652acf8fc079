"""Paying by the code that a payer's phone shows: the merchant scans, the payer may have to type a password."""

import secrets
from dataclasses import dataclass
from typing import Any, Literal

from openberth.sandbox.wechatpay import fields, views
from openberth.sandbox.wechatpay.bank import OPEN, Bank
from openberth.sandbox.wechatpay.front import Asked
from openberth.sandbox.wechatpay.records import Order
from openberth.sandbox.wechatpay.refunds import Refunds
from openberth.sandbox.wechatpay.refusals import Refusal, Why

CODES_KEPT = 10_000
Behaviour = Literal["pay", "password", "fail", "poor"]


@dataclass(slots=True)
class Shown:
    """A code on somebody's phone, and what that person will do."""

    openid: str
    behaviour: Behaviour


class CodePay:
    """Orders by a scanned payer's code."""

    def __init__(self, bank: Bank, refunds: Refunds) -> None:
        self._bank = bank
        self._refunds = refunds
        self._shown: dict[str, Shown] = {}

    def show(self, openid: str, behaviour: Behaviour) -> str:
        """Return the 18 digits that a phone shows now. They serve one order."""
        code = f"1{secrets.randbelow(6)}{secrets.randbelow(10**16):016d}"
        self._shown[code] = Shown(openid, behaviour)
        while len(self._shown) > CODES_KEPT:
            del self._shown[next(iter(self._shown))]
        return code

    def pay(self, asked: Asked, *, partner: bool) -> dict[str, Any]:
        """Take the money at once, or say that the payer has to type a password first."""
        body = fields.read(asked.body, fields.order("codepay", partner))
        order = self._bank.open(asked.merchant, asked.serial, "codepay", body)
        seq, order = self._bank.must_find(asked.merchant, order.number, self._bank.merchants[order.payee])
        if order.state == "USERPAYING":
            return views.transaction(order)
        shown = self._shown.pop(body["payer"]["auth_code"], None)
        if shown is None or shown.behaviour in ("fail", "poor"):
            self._over(seq, order, "PAYERROR")
            raise Refusal(Why.POOR if shown is not None and shown.behaviour == "poor" else Why.AUTH_CODE)
        if shown.behaviour == "password":
            self._over(seq, order, "USERPAYING")
            return views.transaction(order)
        return views.transaction(self._bank.pay(seq, order, openid=shown.openid))

    def reverse(self, asked: Asked, *, partner: bool) -> dict[str, Any]:
        """Undo such an order, whatever became of it: unpaid it ends, paid the money goes back."""
        body = fields.read(asked.body, fields.REVERSE_PARTNER if partner else fields.REVERSE)
        seq, order = self._bank.must_find(asked.merchant, asked.path["number"], self._bank.payee(asked.merchant, body))
        if order.way != "codepay" or order.state == "REFUND":
            raise Refusal(Why.REVERSED)
        if order.state == "SUCCESS":
            self._refunds.reverse(seq, order)
        elif order.state in OPEN:
            self._over(seq, order, "REVOKED")
        return {**views.who(order), "out_trade_no": order.number}

    def _over(self, seq: int, order: Order, state: str) -> None:
        order.state = state
        self._bank.store.save_order(seq, order)
