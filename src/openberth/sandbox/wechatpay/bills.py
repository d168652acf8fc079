"""The files of a day, as they are downloaded from 10:00 of the next: trades, and the flow of an account.

Amounts are in yuan, every cell begins with a backtick, a byte order mark comes first, a line of sums last. The columns
are the published ones; a real file of the older kind (``wechatpay-php``, ``tests/fixtures/bill.ALL.csv``) shows the
spelling of cells. The digest is of the file before it is compressed.
"""

import datetime
import gzip
import hashlib
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from openberth.sandbox.clock import BEIJING, DAY_US, SECOND_US, day_begins, day_of
from openberth.sandbox.wechatpay.bank import Bank
from openberth.sandbox.wechatpay.front import Asked, File
from openberth.sandbox.wechatpay.records import TRADE_TYPES, Merchant, Order, Refund
from openberth.sandbox.wechatpay.refusals import Refusal, Why

READY_US = 10 * 3600 * SECOND_US
KEPT_DAYS = 92
LINK_S = 300
LINKS_KEPT = 100
_PARTIES = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,"
    "交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额"
)
_TIMES = "退款申请时间,退款成功时间"
_BACK = "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态"
_GOODS = "商品名称,商户数据包,手续费,费率,订单金额"
COLUMNS = {
    "ALL": f"{_PARTIES},{_BACK},{_GOODS},申请退款金额,费率备注".split(","),
    "SUCCESS": f"{_PARTIES},{_GOODS},费率备注".split(","),
    "REFUND": f"{_PARTIES},{_TIMES},{_BACK},{_GOODS},申请退款金额,费率备注".split(","),
}
SUMS = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
SUMMED = ("应结订单金额", "退款金额", "充值券退款金额", "手续费", "订单金额", "申请退款金额")
FLOW_COLUMNS = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,"
    "收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号"
)
FLOW_SUMS = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class _Link:
    mchid: str
    until_s: int
    content: bytes


class Bills:
    """Makes the files and hands them over."""

    def __init__(self, bank: Bank, address: str) -> None:
        self._bank = bank
        self._address = address
        self._links: dict[str, _Link] = {}

    def trade(self, asked: Asked) -> dict[str, Any]:
        """Prepare the trades of a day."""
        query = _only(asked.query, "bill_date", "bill_type", "tar_type", "sub_mchid")
        kind = query.get("bill_type", "ALL")
        if kind not in COLUMNS:
            raise Refusal(Why.PARAMETER, "bill_type不正确", "/bill_type")
        day = self._day(query)
        payees = self._payees(asked.merchant, query.get("sub_mchid"))
        text = self.trade_text(asked.merchant, payees, day, kind)
        return self._link(asked.merchant, text, query.get("tar_type"))

    def fund_flow(self, asked: Asked) -> dict[str, Any]:
        """Prepare the movements of a day on the merchant's own account."""
        query = _only(asked.query, "bill_date", "account_type", "tar_type", "sub_mchid")
        if query.get("account_type", "BASIC") not in ("BASIC", "OPERATION", "FEES"):
            raise Refusal(Why.PARAMETER, "account_type不正确", "/account_type")
        day = self._day(query)
        if query.get("account_type", "BASIC") != "BASIC":
            raise Refusal(Why.NO_BILL)  # nothing moves on the other accounts here
        (payee,) = self._payees(asked.merchant, query.get("sub_mchid") or asked.merchant.mchid)
        return self._link(asked.merchant, self.flow_text(payee, day), query.get("tar_type"))

    def download(self, asked: Asked) -> File:
        """Hand a file over. The request is signed, path and query as sent; the answer is not."""
        token = asked.query.get("token", "")
        link = self._links.get(token)
        if link is None or link.mchid != asked.merchant.mchid or self._bank.clock.machine_s() >= link.until_s:
            raise Refusal(Why.PARAMETER, "token无效或已过期", "/token")
        return File(gzip.compress(link.content) if asked.query.get("tartype") == "gzip" else link.content)

    def expire(self) -> None:
        """Let all addresses of files end now."""
        self._links.clear()

    def _link(self, merchant: Merchant, text: str, tar: str | None) -> dict[str, Any]:
        if tar not in (None, "GZIP"):
            raise Refusal(Why.PARAMETER, "tar_type不正确", "/tar_type")
        content, token = text.encode("utf-8-sig"), secrets.token_urlsafe(48)
        self._links[token] = _Link(merchant.mchid, self._bank.clock.machine_s() + LINK_S, content)
        while len(self._links) > LINKS_KEPT:
            del self._links[next(iter(self._links))]
        url = f"{self._address}/v3/billdownload/file?token={token}" + ("&tartype=gzip" if tar else "")
        digest = hashlib.sha1(content).hexdigest()  # noqa: S324 - what the wire asks for
        return {"hash_type": "SHA1", "hash_value": digest, "download_url": url}

    def _day(self, query: dict[str, str]) -> datetime.date:
        try:
            day = datetime.date.fromisoformat(query.get("bill_date", ""))
        except ValueError:
            raise Refusal(Why.PARAMETER, "应为yyyy-MM-DD", "/bill_date") from None
        now = self._bank.clock.now()
        if not datetime.timedelta() < day_of(now) - day <= datetime.timedelta(KEPT_DAYS):
            raise Refusal(Why.NO_BILL if day < day_of(now) else Why.PARAMETER, "账单日期超出范围", "/bill_date")
        if now < day_begins(day) + DAY_US + READY_US:
            raise Refusal(Why.BILL_NOT_READY)
        return day

    def _payees(self, caller: Merchant, sub: str | None) -> list[str]:
        if sub == caller.mchid:
            return [sub]
        if sub is not None:
            return [self._bank.served(caller, {"sp_mchid": caller.mchid, "sub_mchid": sub}).mchid]
        return [caller.mchid, *(one.mchid for one in self._bank.merchants.values() if caller.mchid in one.providers)]

    def trade_text(self, caller: Merchant, payees: Sequence[str], day: datetime.date, kind: str) -> str:
        """Return the file of trades. Raises ``Refusal`` for a day without any."""
        rows = self._trades(caller, payees, day) if kind != "REFUND" else []
        rows += self._refunds(caller, payees, day) if kind != "SUCCESS" else []
        rows.sort(key=lambda row: row["交易时间"])
        for payee in payees:
            for edit in self._bank.store.edits(payee, day.isoformat()):
                rows = _edited(rows, json.loads(edit))
        if not rows:
            raise Refusal(Why.NO_BILL)
        sums = [sum(_thousandths(row.get(name) or "0") for row in rows) for name in SUMMED]
        total = [f"{len(rows)}.0", *(_yuan(amount // 1000) for amount in sums)]
        return _file(COLUMNS[kind], rows, SUMS, total)

    def _trades(self, caller: Merchant, payees: Sequence[str], day: datetime.date) -> list[Row]:
        begins = day_begins(day)
        found = self._bank.store.orders("paid_us >= ? AND paid_us < ?", begins, begins + DAY_US)
        return [
            self._common(order, order.paid_us or 0) | {
                "交易状态": "SUCCESS", "应结订单金额": _yuan(order.settled),
                "代金券金额": _yuan(order.coupon if order.coupon_cash else 0),
            "微信退款单号": "0", "商户退款单号": "0",
                "退款金额": "0.00", "充值券退款金额": "0.00", "手续费": _fee(order.fee), "订单金额": _yuan(order.total),
                "申请退款金额": "0.00",
            }
            for _, order in found if order.caller == caller.mchid and order.payee in payees
        ]  # fmt: skip

    def _refunds(self, caller: Merchant, payees: Sequence[str], day: datetime.date) -> list[Row]:
        begins = day_begins(day)
        found = self._bank.store.refunds("created_us >= ? AND created_us < ?", begins, begins + DAY_US)
        mine = [
            one for _, one in found if one.caller == caller.mchid and one.payee in payees and one.status != "CLOSED"
        ]
        return [self._refund_row(refund) for refund in mine]

    def _refund_row(self, refund: Refund) -> Row:
        found = self._bank.store.order("seq = ?", refund.order)
        assert found is not None
        order = found[1]
        coupon = refund.settlement_refund - refund.payer_refund
        return self._common(order, refund.created_us) | {
            "交易状态": "REVOKED" if order.state == "REVOKED" else "REFUND",
            "应结订单金额": "0.00", "代金券金额": "0.00",
            "微信退款单号": refund.refund_id, "商户退款单号": refund.number,
            "退款金额": _yuan(refund.settlement_refund), "充值券退款金额": _yuan(coupon), "退款类型": refund.channel,
            "退款状态": refund.status, "手续费": _fee(-refund.fee_back), "订单金额": "0.00",
            "申请退款金额": _yuan(refund.refund), "退款申请时间": _wall(refund.created_us),
            "退款成功时间": "" if refund.success_us is None else _wall(refund.success_us),
        }  # fmt: skip

    def _common(self, order: Order, at_us: int) -> Row:
        body, payer = order.body, order.payer
        return {
            "交易时间": _wall(at_us), "公众账号ID": body.get("appid") or body.get("sp_appid", ""),
            "商户号": order.caller, "特约商户号": order.payee if order.partner else "0",
            "设备号": body.get("scene_info", {}).get("device_id", ""), "微信订单号": order.transaction_id or "",
            "商户订单号": order.number, "用户标识": payer.get("openid") or payer.get("sp_openid", ""),
            "交易类型": TRADE_TYPES[order.way], "付款银行": order.bank, "货币种类": "CNY", "退款类型": "",
            "退款状态": "", "商品名称": order.description, "商户数据包": body.get("attach", ""),
            "费率": f"{_rate(self._bank.merchants[order.payee].fee_e4)}%", "费率备注": "",
        }  # fmt: skip

    def flow_text(self, payee: str, day: datetime.date) -> str:
        """Return the file of movements. Raises ``Refusal`` for a day without any."""
        begins = day_begins(day)
        flows = self._bank.store.flows(payee, begins, begins + DAY_US)
        if not flows:
            raise Refusal(Why.NO_BILL)
        names = FLOW_COLUMNS.split(",")
        rows = [
            dict(zip(names, (
                _wall(flow.at_us), flow.business_number, flow.flow_number, flow.name, flow.kind,
                "收入" if flow.income else "支出", _yuan(flow.amount), _yuan(flow.balance), flow.applicant, flow.remark,
                flow.voucher,
            ), strict=True))
            for flow in flows
        ]  # fmt: skip
        came = [flow.amount for flow in flows if flow.income]
        went = [flow.amount for flow in flows if not flow.income]
        total = [str(len(flows)), str(len(came)), _yuan(sum(came)), str(len(went)), _yuan(sum(went))]
        return _file(names, rows, FLOW_SUMS, total)


def _only(query: dict[str, str], *names: str) -> dict[str, str]:
    for name in query:
        if name not in names:
            raise Refusal(Why.EXTRA, name, f"/{name}")
    return query


def _edited(rows: list[Row], edit: dict[str, Any]) -> list[Row]:
    """Falsify a file: ``drop`` a row, ``add`` one like another, ``set`` cells of one (by the merchant's numbers)."""
    names = ("商户订单号", "商户退款单号")
    this: Callable[[Row], bool] = lambda row: edit["number"] in [row.get(name) for name in names]  # noqa: E731
    if edit["do"] == "drop":
        return [row for row in rows if not this(row)]
    if edit["do"] == "set":
        return [row | edit["cells"] if this(row) else row for row in rows]
    pattern = next((row for row in rows if this(row)), {})
    return [*rows, pattern | edit["cells"]]


def _file(columns: Sequence[str], rows: Sequence[Row], sums: str, total: Sequence[str]) -> str:
    lines = [",".join(columns)]
    # A comma inside a cell would shift the columns; the real file has none, so it is taken out as there.
    lines += [",".join("`" + row.get(name, "").replace(",", " ") for name in columns) for row in rows]
    return "\r\n".join([*lines, sums, ",".join("`" + cell for cell in total), ""])


def _wall(instant_us: int) -> str:
    return datetime.datetime.fromtimestamp(instant_us // SECOND_US, BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _yuan(fen: int) -> str:
    sign, fen = ("-" if fen < 0 else ""), abs(fen)
    return f"{sign}{fen // 100}.{fen % 100:02d}"


def _fee(fen: int) -> str:
    return _yuan(fen) + "000"


def _rate(fee_e4: int) -> str:
    return _yuan(fee_e4)


def _thousandths(text: str) -> int:
    """Read an amount of yuan into thousandths of a fen, so that fees with five decimals are summed exactly."""
    whole, _, part = text.lstrip("-").partition(".")
    amount = int(whole or "0") * 100_000 + int(part.ljust(5, "0")[:5] or "0")
    return -amount if text.startswith("-") else amount
