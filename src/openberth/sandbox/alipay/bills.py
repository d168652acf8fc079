"""The files of a day, from 9:00 of the next: trades (``trade``), and the movements of the account (``signcustomer``).

A ZIP of two CSV files in GBK, also their names: the rows, and their sums by shop. Amounts are in yuan, what went is
negative, every cell that is a text ends with a tab. The address is good for thirty seconds of the machine's time.
"""

import datetime
import json
import re
import secrets
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from openberth.sandbox.alipay import fields
from openberth.sandbox.alipay.bank import Bank, Party
from openberth.sandbox.alipay.instants import wall
from openberth.sandbox.alipay.records import Refund, Trade
from openberth.sandbox.alipay.refusals import Refusal, Why
from openberth.sandbox.clock import DAY_US, SECOND_US, day_begins, day_of

READY_US = 9 * 3600 * SECOND_US
LINK_S = 30
EARLIEST = 2016
LINKS_KEPT = 100
_ZIP_DAY = (2026 - 1980) << 9 | 1 << 5 | 1  # when the files in it say they were made; nobody reads it
_COLUMNS = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,"
    "商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,"
    "卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)
_SUMS = (
    "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,商家优惠（元）,"
    "卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）"
)
_FLOW_COLUMNS = (
    "账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额（+元）,支出金额（-元）,账户余额（元）,"
    "交易渠道,业务类型,备注"
)
_FLOW_SUMS = "收入笔数,收入金额（+元）,支出笔数,支出金额（-元）,总金额（元）"
COLUMNS, SUMS = _COLUMNS.split(","), _SUMS.split(",")
FLOW_COLUMNS, FLOW_SUMS = _FLOW_COLUMNS.split(","), _FLOW_SUMS.split(",")
_ZERO = (
    "支付宝红包（元）", "集分宝（元）", "支付宝优惠（元）", "商家优惠（元）", "券核销金额（元）",
    "商家红包消费金额（元）", "卡消费金额（元）", "分润（元）",
)  # fmt: skip
_AMOUNT = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,2}))?", re.ASCII)
Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class _Link:
    until_s: int
    name: str
    content: bytes


class Bills:
    """Makes the files and hands them over."""

    def __init__(self, bank: Bank, address: str) -> None:
        self._bank = bank
        self._address = address
        self._links: dict[str, _Link] = {}

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [Route("/downloadBillFile.resource", self.download, methods=["GET"])]

    def link(self, party: Party, body: dict[str, Any]) -> dict[str, Any]:
        """Prepare a file and tell its address. Raises ``Refusal``."""
        fields.need(body, "bill_type", "bill_date")
        kind = body["bill_type"]
        if kind not in ("trade", "signcustomer"):
            raise Refusal(Why.BILL_ARGUMENTS, "bill_type")
        day, pid = self._day(body["bill_date"]), party.app.pid
        files = self.trades(pid, day) if kind == "trade" else self.flows(pid, day)
        stem = f"{pid}0156_{day:%Y%m%d}_{'业务明细' if kind == 'trade' else '账务明细'}"
        content = packed({f"{stem}.csv": files[0], f"{stem}(汇总).csv": files[1]})
        token = secrets.token_urlsafe(24)
        self._links[token] = _Link(self._bank.clock.machine_s() + LINK_S, f"{pid}_{day:%Y%m%d}.csv.zip", content)
        while len(self._links) > LINKS_KEPT:
            del self._links[next(iter(self._links))]
        query = urlencode({
            "bizType": kind, "userId": f"{pid}0156", "fileType": "csv.zip", "bizDates": f"{day:%Y%m%d}",
            "downloadFileName": f"{pid}_{day:%Y%m%d}.csv.zip", "fileId": f"/{kind}/{pid}/{day:%Y%m%d}.csv.zip",
            "token": token,
        })  # fmt: skip
        return {"bill_download_url": f"{self._address}/downloadBillFile.resource?{query}"}

    def _day(self, text: str) -> datetime.date:
        try:
            day = datetime.date.fromisoformat(text)
        except ValueError:
            raise Refusal(Why.BILL_ARGUMENTS, "bill_date应为yyyy-MM-dd") from None
        if day.isoformat() != text:
            raise Refusal(Why.BILL_ARGUMENTS, "bill_date应为yyyy-MM-dd")
        if day.year < EARLIEST or self._bank.clock.now() < day_begins(day) + DAY_US + READY_US:
            raise Refusal(Why.NO_BILL)
        return day

    async def download(self, request: Request) -> Response:
        """Hand a file over. Nothing is signed: the address is the secret."""
        link = self._links.get(request.query_params.get("token", ""))
        if link is None or self._bank.clock.machine_s() >= link.until_s:
            return PlainTextResponse("下载地址已失效", 403)
        headers = {"Content-Disposition": f"attachment; filename={link.name}"}
        return Response(link.content, 200, headers, media_type="application/zip")

    def expire(self) -> None:
        """Let all addresses of files end now."""
        self._links.clear()

    def trades(self, pid: str, day: datetime.date) -> tuple[str, str]:
        """Return the file of trades and that of their sums. Raises ``Refusal`` for a day without any."""
        begins = day_begins(day)
        rows = [
            self._payment(trade)
            for _, trade in self._bank.store.trades("paid_us >= ? AND paid_us < ?", begins, begins + DAY_US)
            if trade.pid == pid
        ]
        for refund in self._bank.store.refunds("done_us >= ? AND done_us < ?", begins, begins + DAY_US):
            found = self._bank.store.trade("seq = ?", refund.trade)
            if found is not None and found[1].pid == pid:
                rows.append(self._refund(found[1], refund))
        rows.sort(key=lambda row: row["完成时间"])
        for edit in self._bank.store.edits(pid, day.isoformat()):
            rows = _edited(rows, json.loads(edit))
        if not rows:
            raise Refusal(Why.NO_BILL)
        came = [row for row in rows if row["业务类型"] == "交易"]
        went = [row for row in rows if row["业务类型"] != "交易"]
        sums = _sums(rows, len(came), len(went))
        ends = [
            f"#交易合计：{len(came)}笔，商家实收共{_total(came, '商家实收（元）')}元，商家优惠共0.00元",
            f"#退款合计：{len(went)}笔，商家实收退款共{_total(went, '商家实收（元）')}元，商家优惠退款共0.00元",
        ]
        return (
            self._file("业务明细", "列表", pid, day, COLUMNS, rows, ends),
            self._file("业务汇总", "列表", pid, day, SUMS, [sums], []),
        )

    def _payment(self, trade: Trade) -> Row:
        return self._common(trade, trade.paid_us or 0) | {
            "业务类型": "交易", "订单金额（元）": fields.yuan(trade.total), "商家实收（元）": fields.yuan(trade.total),
            "支付宝优惠（元）": fields.yuan(trade.coupon), "服务费（元）": fields.yuan(-trade.fee),
        }  # fmt: skip

    def _refund(self, trade: Trade, refund: Refund) -> Row:
        return self._common(trade, refund.done_us or 0) | {
            "业务类型": "退款", "订单金额（元）": fields.yuan(-refund.amount),
            "商家实收（元）": fields.yuan(-refund.amount),
            "退款批次号/请求号": refund.number, "服务费（元）": fields.yuan(refund.fee_back), "备注": refund.reason,
        }  # fmt: skip

    def _common(self, trade: Trade, done_us: int) -> Row:
        body = trade.body
        return dict.fromkeys(_ZERO, "0.00") | {
            "支付宝交易号": trade.trade_no or "", "商户订单号": trade.number, "商品名称": str(body["subject"]),
            "创建时间": wall(trade.born_us or trade.made_us), "完成时间": wall(done_us),
            "门店编号": str(body.get("store_id", "")), "操作员": str(body.get("operator_id", "")),
            "终端号": str(body.get("terminal_id", "")), "对方账户": f"*({trade.buyer[-3:]}***)",
        }  # fmt: skip

    def flows(self, pid: str, day: datetime.date) -> tuple[str, str]:
        """Return the file of movements and that of their sums. Raises ``Refusal`` for a day without any."""
        begins = day_begins(day)
        flows = self._bank.store.flows(pid, begins, begins + DAY_US)
        if not flows:
            raise Refusal(Why.NO_BILL)
        rows = [
            dict(zip(FLOW_COLUMNS, (
                flow.number, flow.trade_no, flow.out_trade_no, flow.subject, wall(flow.at_us), "",
                fields.yuan(max(flow.amount, 0)), fields.yuan(min(flow.amount, 0)), fields.yuan(flow.balance),
                "支付宝", flow.kind, flow.remark,
            ), strict=True))
            for flow in flows
        ]  # fmt: skip
        came = [flow.amount for flow in flows if flow.amount > 0]
        went = [flow.amount for flow in flows if flow.amount <= 0]
        sums = dict(zip(FLOW_SUMS, (
            str(len(came)), fields.yuan(sum(came)), str(len(went)), fields.yuan(sum(went)),
            fields.yuan(sum(came) + sum(went)),
        ), strict=True))  # fmt: skip
        return (
            self._file("账务明细", "列表", pid, day, FLOW_COLUMNS, rows, []),
            self._file("账务汇总", "列表", pid, day, FLOW_SUMS, [sums], []),
        )

    def _file(
        self, title: str, kind: str, pid: str, day: datetime.date, columns: Sequence[str], rows: Sequence[Row],
        ends: Sequence[str],
    ) -> str:  # fmt: skip
        until = day + datetime.timedelta(1)
        line = "-" * 41
        lines = [
            f"#支付宝{title}查询", f"#账号：[{pid}0156]",
            f"#起始日期：[{day:%Y年%m月%d日} 00:00:00]   终止日期：[{until:%Y年%m月%d日} 00:00:00]",
            f"#{line}{title}{kind}{line[1:]}", ",".join(columns),
            *(",".join(_cell(name, row.get(name, "")) for name in columns) for row in rows),
            f"#{line}{title}{kind}结束{line[5:]}", *ends,
            f"#导出时间：[{day_of(self._bank.clock.now()):%Y年%m月%d日} {wall(self._bank.clock.now())[11:]}]", "",
        ]  # fmt: skip
        return "\r\n".join(lines)


def packed(files: dict[str, str]) -> bytes:
    """Return a ZIP of files in GBK. Their names are GBK, too, and no flag says so, which the library cannot write."""
    body, directory = b"", b""
    for name, text in files.items():
        content, written = text.encode("gbk", "replace"), name.encode("gbk")
        deflating = zlib.compressobj(wbits=-15)
        small = deflating.compress(content) + deflating.flush()
        facts = (20, 0, 8, 0, _ZIP_DAY, zlib.crc32(content), len(small), len(content), len(written), 0)
        directory += struct.pack("<I6H3I5H2I", 0x02014B50, 20, *facts, 0, 0, 0, 0, len(body)) + written
        body += struct.pack("<I5H3I2H", 0x04034B50, *facts) + written + small
    end = struct.pack("<I4H2IH", 0x06054B50, 0, 0, len(files), len(files), len(directory), len(body), 0)
    return body + directory + end


def _cell(name: str, text: str) -> str:
    # A comma or a line's end inside a cell would shift the columns; the real file has none.
    text = re.sub(r"[,\r\n\t]", " ", text)
    return text if "元）" in name or "笔数" in name else text + "\t"


def _sums(rows: Sequence[Row], came: int, went: int) -> Row:
    received, fees = _fen(rows, "商家实收（元）"), _fen(rows, "服务费（元）")
    return {name: _total(rows, name) for name in SUMS if "元）" in name and name in COLUMNS} | {
        "门店编号": "合计", "交易订单总笔数": str(came), "退款订单总笔数": str(went),
        "实收净额（元）": fields.yuan(received + fees),
    }  # fmt: skip


def _total(rows: Sequence[Row], name: str) -> str:
    return fields.yuan(_fen(rows, name))


def _fen(rows: Sequence[Row], name: str) -> int:
    """Sum a column; what is no amount there, because somebody made the file lie, counts nothing."""
    total = 0
    for found in (_AMOUNT.fullmatch(row.get(name, "")) for row in rows):
        if found is not None:
            amount = int(found[2]) * 100 + int((found[3] or "").ljust(2, "0"))
            total += -amount if found[1] else amount
    return total


def _edited(rows: list[Row], edit: dict[str, Any]) -> list[Row]:
    """Falsify a file: ``drop`` a row, ``add`` one like another, ``set`` cells of one (by the merchant's numbers)."""
    refunds = [row for row in rows if row.get("退款批次号/请求号") == edit["number"]]
    named = refunds or [row for row in rows if row["商户订单号"] == edit["number"]]
    if edit["do"] == "drop":
        return [row for row in rows if row not in named]
    if edit["do"] == "set":
        return [row | edit["cells"] if row in named else row for row in rows]
    empty = dict.fromkeys(COLUMNS, "") | {"业务类型": "交易"}
    return [*rows, (named[0] if named else empty) | edit["cells"]]
