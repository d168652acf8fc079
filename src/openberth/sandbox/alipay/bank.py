"""The rules of trades: who may open what, when a code becomes a trade, what a repetition is, when it is all over."""

import secrets
from dataclasses import dataclass
from typing import Any

from openberth.sandbox.alipay import fields, views
from openberth.sandbox.alipay.faults import Faults
from openberth.sandbox.alipay.instants import read_wall, wall
from openberth.sandbox.alipay.records import App, Flow, Notice, Refund, Trade
from openberth.sandbox.alipay.refusals import Refusal, Why
from openberth.sandbox.alipay.store import Store
from openberth.sandbox.clock import DAY_US, SECOND_US, Clock, day_begins, day_of

UNPAID_US = 15 * DAY_US
CODE_US = 2 * 3600 * SECOND_US
REFUNDABLE_US = 365 * DAY_US
SOMEBODY = {"open_id": "074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo5", "user_id": "2088000000000001"}
PRODUCTS = {
    "create": ("JSAPI_PAY",), "precreate": ("FACE_TO_FACE_PAYMENT", "QR_CODE_OFFLINE"), "wap": ("QUICK_WAP_WAY",),
}  # fmt: skip


class PhoneRefused(Exception):
    """Why the payer's phone does not pay, as it would show it: Chinese, English."""

    def __init__(self, chinese: str, english: str) -> None:
        super().__init__(english)
        self.chinese = chinese
        self.english = english


@dataclass(frozen=True, slots=True)
class Party:
    """Who asks: the app that signed, and the merchant's app for which it asks (itself, or by a token)."""

    caller: App
    app: App


class Bank:
    """Trades of all merchants."""

    def __init__(self, store: Store, clock: Clock, faults: Faults) -> None:
        self.store = store
        self.clock = clock
        self.faults = faults
        self.apps = store.apps()
        self.tokens = store.tokens()

    def open(self, party: Party, way: str, body: dict[str, Any], notify_url: str, return_url: str) -> Trade:
        """Open a trade, or return the one opened before by the same values. Raises ``Refusal``."""
        fields.need(body, "out_trade_no", "total_amount", "subject")
        self._allowed(party, way, body)
        known = self.store.trade("pid = ? AND number = ?", party.app.pid, body["out_trade_no"])
        if known is not None:
            return self._again(*self.aged(*known), way, body)
        now = self.clock.now()
        code_until, expires = self._times(way, body, now)
        trade = Trade(
            caller=party.caller.app_id, app=party.app.app_id, pid=party.app.pid, number=body["out_trade_no"], way=way,
            body=body, notify_url=notify_url, return_url=return_url, status="UNBORN",
            total=fields.fen(body["total_amount"], "total_amount"), made_us=now, code_until_us=code_until,
            expires_us=expires, page=secrets.token_urlsafe(12), ticket=_ticket(),
        )  # fmt: skip
        if way == "create":
            trade.buyer = body.get("buyer_open_id") or body.get("buyer_id") or body.get("op_buyer_open_id") or ""
            self._bear(trade)
        self.store.add_trade(trade)
        return trade

    def _allowed(self, party: Party, way: str, body: dict[str, Any]) -> None:
        wanted = PRODUCTS[way]
        if body.get("product_code", None if way != "precreate" else wanted[0]) not in wanted:
            raise Refusal(Why.FIELD, f"product_code应为{'或'.join(wanted)}")
        if body.get("seller_id", party.app.pid) != party.app.pid:
            raise Refusal(Why.SELLER)
        if party.app.restricted:
            raise Refusal(Why.FORBIDDEN)
        if way == "create":
            fields.need(body, "op_app_id")
            if body["op_app_id"] not in (party.app.app_id, party.caller.app_id, *party.app.mini_apps):
                raise Refusal(Why.FIELD, "op_app_id与应用没有绑定关系")
            if not any(name in body for name in ("buyer_open_id", "buyer_id", "op_buyer_open_id")):
                raise Refusal(Why.FIELD, "缺少buyer_open_id或buyer_id")

    def _again(self, seq: int, trade: Trade, way: str, body: dict[str, Any]) -> Trade:
        if trade.paid_us is not None and trade.status != "TRADE_CLOSED":
            raise Refusal(Why.PAID)
        if trade.status == "TRADE_CLOSED" or trade.dead:
            raise Refusal(Why.CLOSED)
        if trade.way != way or trade.body != body:
            raise Refusal(Why.OTHERWISE)
        if self.stale(trade):  # nobody scanned it in time: the same order gets another code
            trade.ticket, trade.code_until_us = _ticket(), self._times(way, body, self.clock.now())[0]
            self.store.save_trade(seq, trade)
        return trade

    def _times(self, way: str, body: dict[str, Any], now: int) -> tuple[int, int]:
        """Return until when the code works and the trade can be paid."""
        ends = [now + UNPAID_US]
        if "time_expire" in body:
            try:
                ends.append(read_wall(body["time_expire"]))
            except ValueError:
                raise Refusal(Why.FIELD, "time_expire应为yyyy-MM-dd HH:mm:ss") from None
            if ends[-1] <= now:
                raise Refusal(Why.FIELD, "time_expire不能早于当前时间")
        if "timeout_express" in body:
            ends.append(self._after(now, body["timeout_express"], "timeout_express"))
        code = now + CODE_US if way == "precreate" else min(ends)
        if "qr_code_timeout_express" in body:
            code = self._after(now, body["qr_code_timeout_express"], "qr_code_timeout_express")
        return min(code, *ends), min(ends)

    def _after(self, now: int, span: str, name: str) -> int:
        found = fields.minutes(span, name)
        return day_begins(day_of(now)) + DAY_US if found is None else now + found * 60 * SECOND_US

    def find(self, party: Party, body: dict[str, Any]) -> tuple[int, Trade]:
        """Return a trade by the channel's number or else the merchant's, aged to now. Raises ``Refusal``.

        What nobody has scanned or signed in to is no trade.
        """
        found = self.found(party, body)
        if found is None or found[1].status == "UNBORN":
            raise Refusal(Why.NO_TRADE)
        return found

    def found(self, party: Party, body: dict[str, Any]) -> tuple[int, Trade] | None:
        """Return such a trade, or what may become one."""
        if "trade_no" in body:
            found = self.store.trade("trade_no = ? AND pid = ?", body["trade_no"], party.app.pid)
        else:
            fields.need(body, "out_trade_no")
            found = self.store.trade("pid = ? AND number = ?", party.app.pid, body["out_trade_no"])
        if found is None:
            return None
        if body.get("out_trade_no", found[1].number) != found[1].number:
            raise Refusal(Why.NO_TRADE)
        return self.aged(*found)

    def bear(self, seq: int, trade: Trade) -> tuple[int, Trade]:
        """Let a scanned code or a page somebody has signed in to become a trade."""
        seq, trade = self.aged(seq, trade)
        if trade.status == "UNBORN" and not self.stale(trade):
            self._bear(trade)
            self.store.save_trade(seq, trade)
        return seq, trade

    def _bear(self, trade: Trade) -> None:
        now = self.clock.now()
        trade.status, trade.born_us = "WAIT_BUYER_PAY", now
        trade.trade_no = f"{day_of(now):%Y%m%d}2200{secrets.randbelow(10**16):016d}"

    def stale(self, trade: Trade) -> bool:
        """Whether a code says nothing any more. A trade that was born in time lives on without it."""
        return trade.dead or (trade.status == "UNBORN" and self.clock.now() >= trade.code_until_us)

    def aged(self, seq: int, trade: Trade) -> tuple[int, Trade]:
        """Let a trade time out or be finished, if its time has come."""
        now = self.clock.now()
        if trade.expires_us is not None and now >= trade.expires_us:
            self._over(seq, trade, trade.expires_us)
        if trade.status == "TRADE_SUCCESS" and now >= (trade.paid_us or now) + REFUNDABLE_US:
            trade.status = "TRADE_FINISHED"
            self.store.save_trade(seq, trade)
        return seq, trade

    def age(self) -> None:
        """Let all trades time out whose time has come, and tell."""
        for seq, trade in self.store.trades("expires_us <= ?", self.clock.now()):
            self.aged(seq, trade)

    def close(self, party: Party, body: dict[str, Any]) -> Trade:
        """Close an unpaid trade for ever. A code that was never scanned is none, and goes on working. Raises."""
        seq, trade = self.find(party, body)
        if trade.status != "WAIT_BUYER_PAY":
            raise Refusal(Why.STATUS)
        self._over(seq, trade, self.clock.now())
        return trade

    def _over(self, seq: int, trade: Trade, at_us: int) -> None:
        trade.expires_us = None
        with self.store.unit():
            if trade.status == "WAIT_BUYER_PAY":
                trade.status, trade.closed_us = "TRADE_CLOSED", at_us
                self.tell(trade)
            elif trade.status == "UNBORN":
                trade.dead = True
            self.store.save_trade(seq, trade)

    def kill(self, seq: int, trade: Trade) -> None:
        """Close what is unpaid because its merchant cancels it; a code that was never scanned ends, too."""
        self._over(seq, trade, self.clock.now())

    def pay(
        self, seq: int, trade: Trade, *, buyer: str | None = None, amount: int | None = None, coupon: int = 0,
        overlay: dict[str, str] | None = None, tell: bool = True, late: bool = False,
    ) -> Trade:  # fmt: skip
        """Do what the payer's phone does. Raises ``PhoneRefused``.

        ``amount`` makes the channel take another amount than the trade's, ``overlay`` makes the notification lie,
        without ``tell`` it is never sent, and ``late`` pays what is closed: faults that a client has to notice.
        """
        seq, trade = self.bear(seq, trade)
        if trade.paid_us is not None or not late:
            self._payable(trade, buyer)
        if trade.status == "UNBORN":
            self._bear(trade)
        if not 0 <= coupon < (trade.total if amount is None else amount):
            raise PhoneRefused("优惠金额不能大于等于订单金额", "a coupon must leave something to pay")
        now, app = self.clock.now(), self.apps[trade.app]
        trade.total = trade.total if amount is None else amount
        trade.coupon, trade.buyer_paid = coupon, trade.total - coupon
        trade.buyer = buyer or trade.buyer or SOMEBODY[app.ids]
        trade.status, trade.paid_us, trade.closed_us, trade.expires_us = "TRADE_SUCCESS", now, None, None
        trade.overlay, trade.dead = dict(overlay or {}), False
        trade.fee = (trade.total * app.fee_e4 + 5_000) // 10_000
        with self.store.unit():
            self.store.save_trade(seq, trade)
            self.flow(trade, "在线支付", trade.total, "")
            if trade.fee:
                self.flow(trade, "收费", -trade.fee, f"服务费，费率{app.fee_e4 // 100}.{app.fee_e4 % 100:02d}%")
            if tell:
                self.tell(trade)
        return trade

    def _payable(self, trade: Trade, buyer: str | None) -> None:
        if trade.paid_us is not None:
            raise PhoneRefused("该订单已支付", "this trade is paid already")
        if trade.status == "TRADE_CLOSED" or trade.dead:
            raise PhoneRefused("交易已经关闭", "this trade is closed")
        if trade.status == "UNBORN":
            raise PhoneRefused("二维码已失效，请重新获取", "this code has expired")
        if trade.buyer and buyer not in (None, trade.buyer):
            raise PhoneRefused("付款方与订单不一致", "the trade was made for another user")

    def fail(self, seq: int, trade: Trade, why: str) -> Trade:
        """Note a failed try. The trade stays payable."""
        seq, trade = self.bear(seq, trade)
        trade.notes.append(why)
        self.store.save_trade(seq, trade)
        return trade

    def finish(self, seq: int, trade: Trade) -> Trade:
        """Let a paid trade be past refunding, as time would."""
        if trade.status != "TRADE_SUCCESS":
            raise PhoneRefused("交易状态不合法", "only a paid trade can be finished")
        trade.status = "TRADE_FINISHED"
        self.store.save_trade(seq, trade)
        return trade

    def tell(self, trade: Trade, refund: Refund | None = None) -> None:
        """Have a trade told to its merchant as it stands, as the faults allow."""
        if not trade.notify_url:
            return
        now, faults = self.clock.now(), self.faults
        notice = Notice(
            id=f"{day_of(now):%Y%m%d}00222{secrets.randbelow(10**21):021d}", app=trade.caller, url=trade.notify_url,
            plain=views.notice(trade, self.apps[trade.app], refund), created_us=now, due_us=now,
        )  # fmt: skip
        notice.plain |= {"notify_id": notice.id} | {name: str(value) for name, value in trade.overlay.items()}
        if faults.hits(faults.telling.drop_percent):
            notice.state, notice.due_us = "dropped", None
        elif faults.telling.hold:
            notice.state, notice.due_us = "held", None
        elif faults.telling.delay_s:
            notice.due_us = now + faults.random.randrange(faults.telling.delay_s * SECOND_US)
        self.store.save_notice(notice)

    def flow(self, trade: Trade, kind: str, amount: int, remark: str) -> None:
        """Move money on the merchant's account."""
        now = self.clock.now()
        self.store.move(Flow(
            pid=trade.pid, at_us=now, number=f"{wall(now)[:10].replace('-', '')}{secrets.randbelow(10**12):012d}",
            trade_no=trade.trade_no or "", out_trade_no=trade.number, subject=str(trade.body["subject"]), kind=kind,
            amount=amount, balance=0, remark=remark,
        ))  # fmt: skip


def _ticket() -> str:
    return f"bax0{secrets.token_hex(8)}"
