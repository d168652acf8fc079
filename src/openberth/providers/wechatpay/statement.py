"""The trade bill of a day: a gzipped table in yuan, every cell behind a backtick, with a summary at its end.

A file is believed when its SHA-1 is the announced one and its summary is the sum of its rows.
"""

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Mapping
from datetime import date, datetime, timedelta

import msgspec

from openberth.contexts.payments.ports import (
    ChannelRefused,
    RowKind,
    Statement,
    StatementNotReady,
    StatementRow,
)
from openberth.infra.shapes import Shape
from openberth.kernel.money import Money
from openberth.kernel.time import BEIJING, Instant, instant_of
from openberth.providers.wechatpay.client import Client, unclear
from openberth.providers.wechatpay.signing import NAME

READY_HOUR = 10
PACKED_BYTES, PLAIN_BYTES = 64 * 1024 * 1024, 512 * 1024 * 1024
CURRENCY = "CNY"
_AT, _NUMBER, _TRANSACTION, _STATE = "交易时间", "商户订单号", "微信订单号", "交易状态"
_PAID, _REFUND_NUMBER, _REFUNDED, _FEE = "订单金额", "商户退款单号", "申请退款金额", "手续费"
_TRADES, _TOTAL_PAID, _TOTAL_REFUNDED = "总交易单数", "订单总金额", "申请退款总金额"


class _Announced(msgspec.Struct, frozen=True):
    hash_type: str
    hash_value: str
    download_url: str


_ANNOUNCED = Shape(_Announced)


async def fetched(client: Client, day: date, *, sub_mchid: str | None, now: datetime) -> Statement:
    """Return the statement of a day; ``now`` is Beijing time."""
    if now < datetime.combine(day + timedelta(days=1), datetime.min.time(), now.tzinfo) + timedelta(hours=READY_HOUR):
        raise StatementNotReady("channel.statement_not_ready", channel=NAME, day=day.isoformat())
    query = {"bill_date": day.isoformat(), "bill_type": "ALL", "tar_type": "GZIP"}
    if sub_mchid is not None:
        query["sub_mchid"] = sub_mchid
    try:
        announced = (await client.get("/v3/bill/tradebill", query)).read(_ANNOUNCED)
    except ChannelRefused as refusal:
        if refusal.reason == "NO_STATEMENT_EXIST":
            return Statement(day, ())  # nobody paid on that day
        if refusal.reason == "STATEMENT_CREATING":
            raise StatementNotReady("channel.statement_not_ready", channel=NAME, day=day.isoformat()) from refusal
        raise
    packed = await client.download(announced.download_url, most_bytes=PACKED_BYTES)
    plain = _unpacked(packed)
    if announced.hash_type != "SHA1" or hashlib.sha1(plain, usedforsecurity=False).hexdigest() != announced.hash_value:
        raise unclear()
    return read(plain, day)


def read(plain: bytes, day: date) -> Statement:
    """Read a statement. Raises ``ChannelUnreachable("channel.unclear")`` for one that does not add up."""
    try:
        table = list(csv.reader(io.StringIO(plain.decode("utf-8-sig"))))
        header, rows, (names, sums) = table[0], table[1:-2], table[-2:]
        found = tuple(_row(_cells(header, row)) for row in rows)
        _check(found, _cells(names, sums))
    except (UnicodeDecodeError, csv.Error, ValueError, KeyError, IndexError) as error:
        raise unclear() from error
    return Statement(day, found)


def _cells(names: list[str], cells: list[str]) -> dict[str, str]:
    return {name.strip().lstrip("`"): cell.strip().lstrip("`") for name, cell in zip(names, cells, strict=True)}


def _row(cells: Mapping[str, str]) -> StatementRow:
    state = cells[_STATE]
    is_refund = state == "REFUND"
    at = datetime.strptime(cells[_AT], "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
    return StatementRow(
        kind=RowKind.REFUND if is_refund else RowKind.PAYMENT,
        number=cells[_REFUND_NUMBER] if is_refund else cells[_NUMBER], transaction=cells[_TRANSACTION],
        amount=Money.of(cells[_REFUNDED] if is_refund else cells[_PAID], CURRENCY), fee=_fee(cells[_FEE]),
        at=Instant(instant_of(at)), state=state,
    )  # fmt: skip


def _fee(text: str) -> Money:
    """Return a fee: told with more digits than money has, of which the last are noughts."""
    whole, point, part = text.partition(".")
    return Money.of(f"{whole}{point}{part.rstrip('0')}".removesuffix("."), CURRENCY)


def _check(rows: tuple[StatementRow, ...], summary: Mapping[str, str]) -> None:
    paid = sum(row.amount.minor for row in rows if row.kind is RowKind.PAYMENT)
    refunded = sum(row.amount.minor for row in rows if row.kind is RowKind.REFUND)
    said = (
        int(summary[_TRADES].removesuffix(".0")), Money.of(summary[_TOTAL_PAID], CURRENCY).minor,
        Money.of(summary[_TOTAL_REFUNDED], CURRENCY).minor,
    )  # fmt: skip
    if said != (len(rows), paid, refunded):
        raise ValueError("the summary is not the sum of the rows")


def _unpacked(packed: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            plain = file.read(PLAIN_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise unclear() from error
    if len(plain) > PLAIN_BYTES:
        raise unclear()
    return plain
