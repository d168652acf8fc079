"""The trade bill of a day: a ZIP of tables in GBK, one of all trades (业务明细) and one of sums by store.

The table of trades is believed when it is of the day that was asked for and when the sums at its end are those of its
rows. The address of the file lives for thirty seconds, so it is fetched at once.
"""

import asyncio
import csv
import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from datetime import date, datetime, timedelta

import msgspec

from openberth.contexts.payments.ports import ChannelRefused, RowKind, Statement, StatementNotReady, StatementRow
from openberth.infra.shapes import Shape
from openberth.kernel.money import Money
from openberth.providers.alipay.amounts import CURRENCY, beijing, yuan
from openberth.providers.alipay.client import Client, unclear
from openberth.providers.alipay.signing import NAME

READY, SURELY_READY = timedelta(hours=10), timedelta(hours=12)
PACKED_BYTES, PLAIN_BYTES = 64 * 1024 * 1024, 512 * 1024 * 1024
ENCODING = "gb18030"  # what GBK says, and what it cannot say
_AT, _NUMBER, _TRANSACTION, _KIND = "完成时间", "商户订单号", "支付宝交易号", "业务类型"
_AMOUNT, _RECEIVED, _REFUND_NUMBER, _FEE = "订单金额", "商家实收", "退款批次号/请求号", "服务费"
_KINDS = {"交易": RowKind.PAYMENT, "退款": RowKind.REFUND}
_DAY = re.compile(r"#起始日期：\[(\d{4})年(\d{2})月(\d{2})日")
_SUMS = {
    RowKind.PAYMENT: re.compile(r"#交易合计：(\d+)笔，商家实收共(-?[\d.]+)元"),
    RowKind.REFUND: re.compile(r"#退款合计：(\d+)笔，商家实收退款共(-?[\d.]+)元"),
}


class _Announced(msgspec.Struct, frozen=True):
    bill_download_url: str


_ANNOUNCED = Shape(_Announced)


async def fetched(client: Client, day: date, *, now: datetime) -> Statement:
    """Return the statement of a day; ``now`` is Beijing time."""
    over = datetime.combine(day + timedelta(days=1), datetime.min.time(), now.tzinfo)
    if now < over + READY:
        raise _not_ready(day)
    asked = {"bill_type": "trade", "bill_date": day.isoformat()}
    try:
        announced = await client.call("alipay.data.dataservice.bill.downloadurl.query", asked, _ANNOUNCED)
    except ChannelRefused as refusal:
        if not refusal.reason.upper().endswith("BILL_NOT_EXIST"):
            raise
        if now < over + SURELY_READY:  # late, perhaps
            raise _not_ready(day) from refusal
        return Statement(day, ())  # nobody paid on that day
    packed = await client.download(announced.bill_download_url, most_bytes=PACKED_BYTES)
    return await asyncio.to_thread(read, packed, day)


def read(packed: bytes, day: date) -> Statement:
    """Read a statement. Raises ``ChannelUnreachable("channel.unclear")`` for one that does not add up."""
    try:
        tables = [text for text in _texts(packed) if _header_at(text.splitlines()) is not None]
        if not tables:
            raise ValueError("no table of trades")
        return Statement(day, tuple(row for text in tables for row in _rows(text, day)))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise unclear() from error  # what the ZIP reader says about broken, foreign and sealed files
    except (ValueError, KeyError, csv.Error) as error:
        raise unclear() from error


def _texts(packed: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(packed), metadata_encoding=ENCODING) as file:
        if sum(member.file_size for member in file.infolist()) > PLAIN_BYTES:
            raise ValueError("too large")
        return [file.read(member).decode(ENCODING) for member in file.infolist() if not member.is_dir()]


def _rows(text: str, day: date) -> list[StatementRow]:
    lines = text.splitlines()
    header = _header_at(lines)
    assert header is not None
    notes = [line.strip() for line in lines if line.startswith("#")]
    table = csv.reader(line for line in lines[header:] if line.strip() and not line.startswith("#"))
    names = [_name(cell) for cell in next(table)]
    cells = [dict(zip(names, (cell.strip() for cell in row), strict=True)) for row in table]
    rows = [_row(each) for each in cells]
    _check_day(notes, day)
    for kind in RowKind:
        received = [_sum_of(each) for each, row in zip(cells, rows, strict=True) if row.kind is kind]
        _check_sums(notes, kind, len(received), sum(received))
    return rows


def _row(cells: Mapping[str, str]) -> StatementRow:
    kind = _KINDS[cells[_KIND]]
    is_refund = kind is RowKind.REFUND
    fee = abs(yuan(cells[_FEE]).minor)  # taken is written with a minus
    return StatementRow(
        kind=kind, number=(cells[_REFUND_NUMBER] if is_refund else "") or cells[_NUMBER],
        transaction=cells[_TRANSACTION], amount=Money(abs(yuan(cells[_AMOUNT]).minor), CURRENCY),
        fee=Money(-fee if is_refund else fee, CURRENCY), at=beijing(cells[_AT]), state=cells[_KIND],
    )  # fmt: skip


def _sum_of(cells: Mapping[str, str]) -> int:
    return abs(yuan(cells[_RECEIVED]).minor)  # refunds are written with a minus, here and in their sum


def _check_day(notes: list[str], day: date) -> None:
    said = [found.groups() for note in notes if (found := _DAY.match(note))]
    if [tuple(int(part) for part in one) for one in said] != [(day.year, day.month, day.day)]:
        raise ValueError("another day")


def _check_sums(notes: list[str], kind: RowKind, count: int, received: int) -> None:
    said = [found.groups() for note in notes if (found := _SUMS[kind].match(note))]
    if [(int(number), abs(yuan(amount).minor)) for number, amount in said] != [(count, received)]:
        raise ValueError("the sums are not those of the rows")


def _header_at(lines: list[str]) -> int | None:
    return next((at for at, line in enumerate(lines) if _name(line.partition(",")[0]) == _TRANSACTION), None)


def _name(cell: str) -> str:
    return cell.strip().removesuffix("（元）").removesuffix("(元)")


def _not_ready(day: date) -> StatementNotReady:
    return StatementNotReady("channel.statement_not_ready", channel=NAME, day=day.isoformat())
