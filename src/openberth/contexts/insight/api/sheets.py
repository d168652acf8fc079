"""Answers as tables for spreadsheets: CSV for every program, XLSX for those who want columns that add up.

An XLSX file stores a number as decimal text in XML, and so do we: amounts are written as exact decimals, never as
binary fractions. What a spreadsheet makes of them when it reads is its own matter; it keeps 15 digits.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import xlsxwriter

from openberth.contexts.insight.model.finance import Answer, Dimension, Figures, Line, Name
from openberth.contexts.insight.model.movements import Measure
from openberth.infra.catalogue import Language, catalogue, text
from openberth.kernel.money import MINOR_DIGITS, Money
from openberth.kernel.time import as_datetime

CSV, XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
AMOUNTS = (
    "receivable", "received", "surplus", "relieved", "refunded", "returned", "written_off", "kept", "put_in",
    "paid_out",
)  # fmt: skip
COUNTS = ("bills", "receipts")
BOM = "\ufeff"  # without it Excel takes UTF-8 for the code page of its machine
# A cell of text that begins like this is a formula for a spreadsheet that opens a CSV file; so it is in the full width
# of Chinese and Japanese keyboards.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
TITLE_MAX = 31  # of a worksheet

Cell = str | int | Money


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with its title, what is to be known about it, a heading, and rows whose last ones are totals."""

    title: str
    notes: tuple[tuple[str, str], ...]
    heading: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    totals: tuple[tuple[Cell, ...], ...]


def sheet_of(answer: Answer, language: Language, filters: Mapping[str, str]) -> Sheet:
    """Return an answer as a table in a language."""
    question, at = answer.question, answer.as_of
    words = ", ".join(f"{text(f'finance.by.{name}', language)}: {value}" for name, value in filters.items())
    moment = as_datetime(at.at).strftime("%Y-%m-%d %H:%M:%S UTC")
    behind = text("finance.sheet.behind", language) if at.behind else text("finance.sheet.complete", language)
    notes = (
        (text("finance.sheet.period", language), f"{question.first.isoformat()} – {question.last.isoformat()}"),
        (text("finance.sheet.filters", language), words or text("finance.sheet.no_filters", language)),
        (text("finance.sheet.as_of", language), f"{moment} (#{at.position}) {behind}"),
    )
    heading = (
        *(text(f"finance.by.{each}", language) for each in question.by), text("finance.by.currency", language),
        *(text(f"finance.sum.{each}", language) for each in AMOUNTS),
        *(text(f"finance.count.{each}", language) for each in COUNTS),
    )  # fmt: skip
    rows = tuple(_row(question.by, line, language) for line in answer.lines)
    return Sheet(text("finance.sheet.title", language), notes, heading, rows, _totals(answer, language))


def name_shown(dimension: Dimension, name: Name | None, language: Language) -> str:
    """Return what people read of a name in a language."""
    if name is None:
        return ""
    if dimension is Dimension.METHOD:
        code = f"finance.method.{name.code}"
        return text(code, language) if catalogue().entry(code) is not None else name.code
    return (name.zh if language == "zh" else name.en) or name.code


def csv_of(sheet: Sheet) -> bytes:
    """Return a table as CSV (RFC 4180) in UTF-8: a heading, rows, totals."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_plain(cell) for cell in sheet.heading])
    writer.writerows([_plain(cell) for cell in row] for row in (*sheet.rows, *sheet.totals))
    return (BOM + out.getvalue()).encode()


def xlsx_of(sheet: Sheet) -> bytes:
    """Return a table as a workbook: title and notes, then heading, rows and totals."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        page = book.add_worksheet(sheet.title[:TITLE_MAX])
        bold = book.add_format({"bold": True})
        page.write_string(0, 0, sheet.title, bold)
        for at, (name, words) in enumerate(sheet.notes, start=1):
            page.write_string(at, 0, name)
            page.write_string(at, 1, words)
        top = len(sheet.notes) + 2
        for column, words in enumerate(sheet.heading):
            page.write_string(top, column, words, bold)
        formats = {
            (digits, strong): book.add_format({"num_format": _picture(digits), "bold": strong})
            for digits in set(MINOR_DIGITS.values()) for strong in (False, True)
        }  # fmt: skip
        rows = [*((row, False) for row in sheet.rows), *((row, True) for row in sheet.totals)]
        for at, (row, strong) in enumerate(rows, start=top + 1):
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    page.write_string(at, column, cell, bold if strong else None)
                elif isinstance(cell, Money):
                    page.write_number(at, column, _exact(cell), formats[MINOR_DIGITS[cell.currency], strong])
                else:
                    page.write_number(at, column, cell, bold if strong else None)
        page.freeze_panes(top + 1, 0)
        page.autofit()
    return out.getvalue()


def _row(by: tuple[Dimension, ...], line: Line, language: Language) -> tuple[Cell, ...]:
    names = (name_shown(dimension, name, language) for dimension, name in zip(by, line.names, strict=True))
    return (*names, line.currency, *_sums(line.figures, line.currency))


def _totals(answer: Answer, language: Language) -> tuple[tuple[Cell, ...], ...]:
    blank = len(answer.question.by)
    if not blank:  # one row for each currency is the total
        return ()
    label = (text("finance.sheet.total", language), *[""] * (blank - 1))
    return tuple((*label, currency, *_sums(figures, currency)) for currency, figures in answer.totals.items())


def _sums(figures: Figures, currency: str) -> tuple[Cell, ...]:
    derived = {"receivable": figures.receivable, "kept": figures.kept}
    minor = (derived[name] if name in derived else figures.minor(Measure(name)) for name in AMOUNTS)
    counts = (figures.count(Measure.BILLED), figures.count(Measure.RECEIVED))
    return (*(Money(each, currency) for each in minor), *counts)


def _plain(cell: Cell) -> str:
    if isinstance(cell, Money):
        return cell.amount_text
    words = str(cell)
    return f"'{words}" if isinstance(cell, str) and words.startswith(DANGEROUS) else words


def _exact(amount: Money) -> Decimal:
    return Decimal(amount.amount_text)


def _picture(digits: int) -> str:
    return "#,##0" + ("." + "0" * digits if digits else "")
