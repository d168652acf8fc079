"""The rules of orders and payments: who may open what, what a repetition is, when nobody can pay any more."""

import hashlib
import secrets
import string
from datetime import datetime
from typing import Any

from openberth.sandbox.clock import BEIJING, DAY_US, SECOND_US, Clock
from openberth.sandbox.wechatpay import views
from openberth.sandbox.wechatpay.faults import Faults
from openberth.sandbox.wechatpay.instants import read_rfc3339
from openberth.sandbox.wechatpay.records import Callback, Flow, Merchant, Order
from openberth.sandbox.wechatpay.refusals import Refusal, Why
from openberth.sandbox.wechatpay.store import Store

TICKET_US = 2 * 3600 * SECOND_US
H5_US = 5 * 60 * SECOND_US
UNPAID_US = 7 * DAY_US
PASSWORD_US = 30 * SECOND_US
OPEN = ("NOTPAY", "USERPAYING")
SOMEBODY = "oSandboxUser000000000000001"
_LETTERS = string.ascii_letters + string.digits


class PhoneRefused(Exception):
    """Why the payer's phone does not pay, as it would show it: Chinese, English."""

    def __init__(self, chinese: str, english: str) -> None:
        super().__init__(english)
        self.chinese = chinese
        self.english = english


class Bank:
    """Orders of all merchants."""

    def __init__(self, store: Store, clock: Clock, faults: Faults) -> None:
        self.store = store
        self.clock = clock
        self.faults = faults
        self.merchants = store.merchants()

    def open(self, caller: Merchant, serial: str, way: str, body: dict[str, Any]) -> Order:
        """Open an order, or return the one opened before by the same values. Raises ``Refusal``."""
        payee = self._parties(caller, way, body)
        now = self.clock.now()
        known = self.find(caller, body["out_trade_no"], payee)
        if known is not None:
            return self._again(known, way, body)
        for one in (caller, payee):
            if one.unusable:
                raise Refusal(Why.UNUSABLE, one.mchid)
            if one.restricted:
                raise Refusal(Why.RESTRICTED, one.mchid)
        if "?" in body.get("notify_url", ""):
            raise Refusal(Why.PARAMETER, "通知地址不能携带参数", "/notify_url")
        order = Order(
            caller=caller.mchid, payee=payee.mchid, number=body["out_trade_no"], way=way, body=body, state="NOTPAY",
            created_us=now, expires_us=_expiry(body, now), ticket=_ticket(way, now),
            ticket_until_us=now + (H5_US if way == "h5" else TICKET_US), description=body["description"],
            total=body["amount"]["total"], serial=serial, page=secrets.token_urlsafe(12),
        )  # fmt: skip
        self.store.add_order(order)
        return order

    def _again(self, known: tuple[int, Order], way: str, body: dict[str, Any]) -> Order:
        seq, order = known
        if order.paid_us is not None:
            raise Refusal(Why.PAID_NOT_OPENED)
        if order.state not in OPEN:
            raise Refusal(Why.ORDER_OVER)
        if order.way != way or order.body != body:
            raise Refusal(Why.REENTRY)
        now = self.clock.now()
        if now >= order.ticket_until_us:  # the order lives longer than what opens it
            order.ticket, order.ticket_until_us = _ticket(way, now), now + (H5_US if way == "h5" else TICKET_US)
            self.store.save_order(seq, order)
        return order

    def _parties(self, caller: Merchant, way: str, body: dict[str, Any]) -> Merchant:
        """Return who gets the money; check who belongs to whom. Raises ``Refusal``."""
        payer = body.get("payer", {})
        if "mchid" in body:
            self._same(caller, body["mchid"], "/mchid")
            if body["appid"] not in caller.appids:
                raise Refusal(Why.APPID, body["appid"], "/appid")
            if way == "jsapi" and "openid" not in payer:
                raise Refusal(Why.NO_OPENID, field="/payer/openid")
            return caller
        payee = self.served(caller, body)
        if "sp_appid" in body and body["sp_appid"] not in caller.appids:
            raise Refusal(Why.APPID, body["sp_appid"], "/sp_appid")
        if "sub_appid" in body and body["sub_appid"] not in payee.appids:
            raise Refusal(Why.APPID, body["sub_appid"], "/sub_appid")
        openids = [name for name in ("sp_openid", "sub_openid") if name in payer]
        if way == "jsapi" and not openids:
            raise Refusal(Why.NO_OPENID, field="/payer")
        if len(openids) > 1:
            raise Refusal(Why.PARAMETER, "sp_openid和sub_openid二选一", "/payer")
        if "sub_openid" in payer and "sub_appid" not in body:
            raise Refusal(Why.PARAMETER, "传sub_openid时sub_appid必填", "/sub_appid")
        return payee

    def served(self, caller: Merchant, named: dict[str, Any]) -> Merchant:
        """Return the merchant that a provider acts for. Raises ``Refusal``."""
        self._same(caller, named["sp_mchid"], "/sp_mchid")
        sub = named.get("sub_mchid")
        if not sub:
            raise Refusal(Why.NO_SUB, field="/sub_mchid")
        if sub == caller.mchid:
            raise Refusal(Why.OWN_SUB, field="/sub_mchid")
        payee = self.merchants.get(sub)
        if payee is None or caller.mchid not in payee.providers:
            raise Refusal(Why.NO_RELATION, str(sub), "/sub_mchid")
        return payee

    def _same(self, caller: Merchant, named: object, field: str) -> None:
        if named != caller.mchid:
            raise Refusal(Why.PARAMETER, "商户号与签名的商户号不一致", field)

    def payee(self, caller: Merchant, named: dict[str, Any]) -> Merchant:
        """Return who gets the money by the names of a query or a closing. Raises ``Refusal``."""
        if "sp_mchid" in named:
            return self.served(caller, named)
        if not named.get("mchid"):
            raise Refusal(Why.PARAMETER, "缺少必填参数", "/mchid")
        self._same(caller, named["mchid"], "/mchid")
        return caller

    def find(self, caller: Merchant, number: str, payee: Merchant) -> tuple[int, Order] | None:
        """Return an order by the merchant's number, aged to now."""
        found = self.store.order("caller = ? AND number = ? AND payee = ?", caller.mchid, number, payee.mchid)
        return None if found is None else self.aged(*found)

    def must_find(self, caller: Merchant, number: str, payee: Merchant) -> tuple[int, Order]:
        """Return such an order. Raises ``Refusal``, which tells a wrong merchant from a wrong number."""
        found = self.find(caller, number, payee)
        if found is None:
            if self.store.order("caller = ? AND number = ?", caller.mchid, number) is not None:
                raise Refusal(Why.WRONG_SUB)
            raise Refusal(Why.NO_ORDER)
        return found

    def by_transaction(self, caller: Merchant, transaction_id: str, payee: Merchant) -> tuple[int, Order]:
        """Return an order by the channel's number. Raises ``Refusal``."""
        found = self.store.order("transaction_id = ?", transaction_id)
        if found is None:
            raise Refusal(Why.NO_ORDER)
        if (found[1].caller, found[1].payee) != (caller.mchid, payee.mchid):
            raise Refusal(Why.OTHERS_ORDER)
        return self.aged(*found)

    def aged(self, seq: int, order: Order) -> tuple[int, Order]:
        """Let an order expire when somebody looks at it: nobody can tell the difference, and no timer is needed."""
        if order.state in OPEN and self.clock.now() >= order.expires_us:
            order.state = "PAYERROR" if order.way == "codepay" else "CLOSED"
            self.store.save_order(seq, order)
        return seq, order

    def close(self, caller: Merchant, number: str, payee: Merchant) -> None:
        """Close an order for ever; closing a closed one is no mistake. Raises ``Refusal``."""
        seq, order = self.must_find(caller, number, payee)
        if order.way == "codepay":
            raise Refusal(Why.REVERSE_IT)
        if order.paid_us is not None:
            raise Refusal(Why.PAID_NOT_CLOSED)
        order.state = "CLOSED"
        self.store.save_order(seq, order)

    def pay(
        self, seq: int, order: Order, *, openid: str | None = None, amount: int | None = None, coupon: int = 0,
        cash: bool = True, bank: str = "OTHERS", overlay: dict[str, Any] | None = None, tell: bool = True,
        late: bool = False,
    ) -> Order:  # fmt: skip
        """Do what the payer's phone does. Raises ``PhoneRefused``.

        ``amount`` makes the channel take another amount than the order's, ``overlay`` makes the callback lie, without
        ``tell`` it is never sent, and ``late`` pays what is closed or expired: faults that a client has to notice.
        """
        seq, order = self.aged(seq, order)
        if not late or order.paid_us is not None:
            self._payable(order, openid)
        if not 0 <= coupon < (amount or order.total):
            raise PhoneRefused("优惠金额不能大于等于订单金额", "a coupon must leave something to pay")
        now = self.clock.now()
        order.total = order.total if amount is None else amount
        order.coupon, order.coupon_cash, order.payer_total = coupon, cash, order.total - coupon
        order.payer, order.bank = _payer(order, openid), bank
        order.state, order.paid_us, order.overlay = "SUCCESS", now, overlay or {}
        order.transaction_id = f"42{secrets.randbelow(10**8):08d}{_stamp(now)[:8]}{secrets.randbelow(10**10):010d}"
        payee = self.merchants[order.payee]
        order.fee = (order.settled * payee.fee_e4 + 5_000) // 10_000
        with self.store.unit():
            self.store.save_order(seq, order)
            self._flow(order, "交易", "交易", True, order.settled, "")
            if order.fee:
                rate = f"{payee.fee_e4 // 100}.{payee.fee_e4 % 100:02d}%"
                self._flow(order, "交易", "扣除交易手续费", False, order.fee, f"结算费率{rate}")
            if tell:
                self.tell(order, "TRANSACTION.SUCCESS", "支付成功", "transaction", order.body.get("notify_url"),
                          _merged(views.transaction(order), order.overlay))  # fmt: skip
        return order

    def _payable(self, order: Order, openid: str | None) -> None:
        if order.paid_us is not None:
            raise PhoneRefused("该订单已支付", "this order is paid already")
        if order.state not in OPEN:
            raise PhoneRefused("订单已关闭", "this order is closed")
        if order.way != "codepay" and self.clock.now() >= order.ticket_until_us:
            raise PhoneRefused("支付链接已过期，请重新下单", "this code has expired")
        wanted = wanted_openid(order)
        if wanted is not None and openid not in (None, wanted):
            raise PhoneRefused("下单账号与支付账号不一致", "the order was made for another user")

    def fail(self, seq: int, order: Order, why: str) -> None:
        """Note a failed try. The order stays payable: only orders by a scanned payer's code can end as PAYERROR."""
        seq, order = self.aged(seq, order)
        order.notes.append(why)
        if order.way == "codepay" and order.state == "USERPAYING":
            order.state = "PAYERROR"
        self.store.save_order(seq, order)

    def tell(
        self, order: Order, event: str, summary: str, original_type: str, url: str | None, plain: dict[str, Any]
    ) -> None:
        """Have something told to the merchant, as the faults allow."""
        if url is None or not self.merchants[order.caller].api_key:
            return
        now, faults = self.clock.now(), self.faults
        callback = Callback(
            id=secrets.token_hex(16), mchid=order.caller, event=event, summary=summary, original_type=original_type,
            url=url, plain=plain, created_us=now, due_us=now,
        )  # fmt: skip
        if faults.hits(faults.telling.drop_percent):
            callback.state, callback.due_us = "dropped", None
        elif faults.telling.hold:
            callback.state, callback.due_us = "held", None
        elif faults.telling.delay_s:
            callback.due_us = now + faults.random.randrange(faults.telling.delay_s * SECOND_US)
        self.store.save_callback(callback)

    def _flow(self, order: Order, name: str, kind: str, income: bool, amount: int, remark: str) -> None:
        assert order.transaction_id is not None
        assert order.paid_us is not None
        self.store.move(Flow(
            payee=order.payee, at_us=order.paid_us, business_number=order.transaction_id,
            flow_number=order.transaction_id, name=name, kind=kind, income=income, amount=amount, balance=0,
            applicant="system", remark=remark, voucher=order.number,
        ))  # fmt: skip


def wanted_openid(order: Order) -> str | None:
    """Return whom an order was made for, None when anybody may pay it."""
    payer = order.body.get("payer", {})
    found = payer.get("openid") or payer.get("sub_openid") or payer.get("sp_openid")
    return None if found is None else str(found)


def client_appid(order: Order) -> str:
    """Return the app inside which an order is paid, which its client must sign."""
    body = order.body
    if not order.partner:
        return str(body["appid"])
    inside_sub = "sub_openid" in body.get("payer", {}) or (order.way == "app" and "sub_appid" in body)
    return str(body["sub_appid"] if inside_sub else body["sp_appid"])


def _payer(order: Order, openid: str | None) -> dict[str, str]:
    user = openid or wanted_openid(order) or SOMEBODY
    if not order.partner:
        return {"openid": user}
    named = order.body.get("payer", {})
    payer = {}
    if "sp_appid" in order.body:
        payer["sp_openid"] = named.get("sp_openid") or _elsewhere(user, order.body["sp_appid"])
    if "sub_appid" in order.body:
        payer["sub_openid"] = named.get("sub_openid") or _elsewhere(user, order.body["sub_appid"])
    return payer


def _elsewhere(user: str, appid: str) -> str:
    # A user has another openid in every app; here it follows from the two.
    return "o" + hashlib.sha256(f"{user}\n{appid}".encode()).hexdigest()[:27]


def _expiry(body: dict[str, Any], now: int) -> int:
    if body.get("payer", {}).get("auth_code"):
        return now + PASSWORD_US
    if "time_expire" not in body:
        return now + UNPAID_US
    try:
        expires = read_rfc3339(body["time_expire"])
    except ValueError:
        raise Refusal(Why.PARAMETER, "应为yyyy-MM-DDTHH:mm:ss+TIMEZONE", "/time_expire") from None
    if expires <= now:
        raise Refusal(Why.PARAMETER, "不能早于当前时间", "/time_expire")
    return min(expires, now + UNPAID_US)


def _stamp(now: int) -> str:
    return datetime.fromtimestamp(now // SECOND_US, BEIJING).strftime("%Y%m%d%H%M%S")


def _ticket(way: str, now: int) -> str:
    if way == "native":
        return "".join(secrets.choice(_LETTERS) for _ in range(9)) + "zz"
    return f"wx{_stamp(now)}{secrets.token_hex(10)}"


def _merged(told: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    merged = dict(told)
    for name, value in overlay.items():
        inner = merged.get(name)
        merged[name] = _merged(inner, value) if isinstance(value, dict) and isinstance(inner, dict) else value
    return merged
