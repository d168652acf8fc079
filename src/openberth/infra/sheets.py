"""Tables for spreadsheets: CSV for every program, XLSX for those who want columns that add up.

An XLSX file stores a number as decimal text in XML, and so do we: amounts are written as exact decimals, never as
binary fractions. What a spreadsheet makes of them when it reads is its own matter; it keeps 15 digits.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import BinaryIO

import xlsxwriter

from openberth.kernel.money import MINOR_DIGITS, Money

CSV, XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BOM = "\ufeff"  # without it Excel takes UTF-8 for the code page of its machine
# A cell of text that begins like this is a formula for a spreadsheet that opens a CSV file; so it is in the full width
# of Chinese and Japanese keyboards.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
TITLE_MAX = 31  # of a worksheet
WIDTH = 20  # of a column whose cells are not known beforehand

Cell = str | int | Money


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with its title, what is to be known about it, a heading, and rows whose last ones are totals."""

    title: str
    notes: tuple[tuple[str, str], ...]
    heading: tuple[str, ...]
    rows: Iterable[Sequence[Cell]]
    totals: tuple[tuple[Cell, ...], ...] = ()


def csv_of(sheet: Sheet) -> bytes:
    """Return a table as CSV (RFC 4180) in UTF-8: a heading, rows, totals."""
    return BOM.encode() + csv_lines([sheet.heading, *sheet.rows, *sheet.totals])


def csv_lines(rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return some rows as lines of CSV."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows([_plain(cell) for cell in row] for row in rows)
    return out.getvalue().encode()


def xlsx_of(sheet: Sheet) -> bytes:
    """Return a table as a workbook: title and notes, then heading, rows and totals."""
    out = io.BytesIO()
    write_xlsx(out, sheet)
    return out.getvalue()


def write_xlsx(out: BinaryIO, sheet: Sheet, *, long: bool = False) -> None:
    """Write a table as a workbook. A ``long`` one is written row by row and not kept in memory."""
    with xlsxwriter.Workbook(out, {"constant_memory": True} if long else {"in_memory": True}) as book:
        page = book.add_worksheet(sheet.title[:TITLE_MAX])
        bold = book.add_format({"bold": True})
        top = len(sheet.notes) + 2
        if long:
            page.set_column(0, len(sheet.heading) - 1, WIDTH)
        page.freeze_panes(top + 1, 0)
        page.write_string(0, 0, sheet.title, bold)
        for at, (name, words) in enumerate(sheet.notes, start=1):
            page.write_string(at, 0, name)
            page.write_string(at, 1, words)
        for column, words in enumerate(sheet.heading):
            page.write_string(top, column, words, bold)
        formats = {
            (digits, strong): book.add_format({"num_format": _picture(digits), "bold": strong})
            for digits in set(MINOR_DIGITS.values()) for strong in (False, True)
        }  # fmt: skip
        at = top + 1
        for rows, strong in ((sheet.rows, False), (sheet.totals, True)):
            for row in rows:
                for column, cell in enumerate(row):
                    if isinstance(cell, str):
                        page.write_string(at, column, cell, bold if strong else None)
                    elif isinstance(cell, Money):
                        page.write_number(at, column, _exact(cell), formats[MINOR_DIGITS[cell.currency], strong])
                    else:
                        page.write_number(at, column, cell, bold if strong else None)
                at += 1
        if not long:
            page.autofit()


def _plain(cell: Cell) -> str:
    if isinstance(cell, Money):
        return cell.amount_text
    words = str(cell)
    return f"'{words}" if isinstance(cell, str) and words.startswith(DANGEROUS) else words


def _exact(amount: Money) -> Decimal:
    return Decimal(amount.amount_text)


def _picture(digits: int) -> str:
    return "#,##0" + ("." + "0" * digits if digits else "")
