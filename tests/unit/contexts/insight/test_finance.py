"""Questions about money: days and months of an answer, sums that stay apart by currency, files for spreadsheets."""

import csv
import io
from dataclasses import replace
from datetime import date, timedelta

import openpyxl
import pytest

from openberth.contexts.insight.api.sheets import sheet_of
from openberth.contexts.insight.model.finance import (
    YEARS_MAX_DAYS,
    Answer,
    AsOf,
    Dimension,
    Name,
    Question,
    Sums,
    dimensions,
    lines_of,
    period_name,
    ranges_of,
    totals_of,
)
from openberth.contexts.insight.model.movements import MEASURES, Measure
from openberth.infra.sheets import csv_of, xlsx_of
from openberth.kernel.errors import Malformed
from openberth.kernel.time import from_iso


def sums(**minor: int) -> Sums:
    amounts = [minor.get(each.value, 0) for each in MEASURES]
    return (*amounts, *(int(each != 0) for each in amounts))


def days_of(period: int) -> set[date]:
    """Return the days of a row's period."""
    text = str(period)
    if len(text) == 8:
        return {date.fromisoformat(period_name(period))}
    first = date(int(text[:4]), int(text[4:]), 1)
    return {first + timedelta(days=n) for n in range(31) if (first + timedelta(days=n)).month == first.month}


@pytest.mark.parametrize("first", [date(2026, 1, 1), date(2026, 1, 31), date(2024, 2, 15)])
@pytest.mark.parametrize("length", [0, 1, 27, 28, 29, 31, 45, 60, 366, 800])
def test_rows_of_months_and_days_are_every_day_asked_for_once(first: date, length: int) -> None:
    last = first + timedelta(days=length)
    every = [first + timedelta(days=n) for n in range(length + 1)]
    known = {int(day.strftime("%Y%m%d")) for day in every} | {int(day.strftime("%Y%m")) for day in every}
    read: list[date] = []
    for low, high in ranges_of(first, last, by_day=False):
        read += [day for period in sorted(known) if low <= period <= high for day in days_of(period)]
    assert sorted(read) == every
    assert len(ranges_of(first, last, by_day=True)) == 1


def test_questions_are_bounded() -> None:
    first = date(2026, 3, 1)
    Question(first=first, last=first + timedelta(days=YEARS_MAX_DAYS))
    for last in (first - timedelta(days=1), first + timedelta(days=YEARS_MAX_DAYS + 1)):
        with pytest.raises(Malformed, match=r"finance\.period"):
            Question(first=first, last=last)
    assert dimensions("lot, month") == (Dimension.LOT, Dimension.MONTH)
    assert dimensions("") == ()
    for words in ("lot,lot", "colour"):
        with pytest.raises(Malformed, match=r"finance\.group_by"):
            dimensions(words)


def an_answer() -> Answer:
    rows = [
        ((Name("=cmd()", "=cmd()", "=cmd()"), Name("cash")), "CNY", sums(billed=1_000, received=1_205, returned=205)),
        ((Name("mall", "商场", "Mall"), None), "CNY", sums(billed=333, withdrawn=33)),
        ((Name("mall", "商场", "Mall"), None), "CNY", sums(billed=7)),
        ((Name("mall", "商场", "Mall"), Name("cash")), "JPY", sums(received=500, refunded=900)),
    ]
    lines = tuple(lines_of(rows))
    question = Question(first=date(2026, 3, 1), last=date(2026, 3, 31), by=(Dimension.LOT, Dimension.METHOD))
    at = AsOf(17, from_iso("2026-03-31T10:00:00Z"), behind=True, parked=0)
    return Answer(question, at, lines, totals_of(lines))


def test_lines_add_up_and_currencies_stay_apart() -> None:
    answer = an_answer()
    assert [(line.currency, line.figures.receivable) for line in answer.lines] == [
        ("CNY", 1_000), ("CNY", 307), ("JPY", 0),
    ]  # fmt: skip
    assert answer.lines[1].figures.count(Measure.BILLED) == 2
    assert {currency: (one.receivable, one.kept) for currency, one in answer.totals.items()} == {
        "CNY": (1_307, 1_000), "JPY": (0, -400),
    }  # fmt: skip


def test_a_csv_file_opens_in_excel_and_runs_nothing() -> None:
    content = csv_of(sheet_of(an_answer(), "zh", {}))
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\r\n") == content.count(b"\n") == 6
    heading, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert heading[:5] == ["停车场", "支付方式", "币种", "应收", "实收"]
    assert rows[0][:5] == ["'=cmd()", "现金", "CNY", "10.00", "12.05"]
    assert (rows[2][2], rows[2][4], rows[2][10]) == ("JPY", "500", "-400")
    assert rows[3][:4] == ["合计", "", "CNY", "13.07"]
    assert not [cell for row in rows for cell in row[:2] if cell.startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_name_is_a_formula_in_a_csv_file_in_either_width(first: str) -> None:
    lines = tuple(lines_of([((Name(f"{first}cmd()"),), "CNY", sums(billed=1))]))
    answer = replace(an_answer(), question=replace(an_answer().question, by=(Dimension.LOT,)), lines=lines, totals={})
    _, [name, *_] = csv.reader(io.StringIO(csv_of(sheet_of(answer, "zh", {})).decode("utf-8-sig"), newline=""))
    assert name == f"'{first}cmd()"


def test_a_workbook_holds_numbers_a_title_and_up_to_where_it_counts() -> None:
    content = xlsx_of(sheet_of(an_answer(), "en", {"lot": "mall"}))
    page = openpyxl.load_workbook(io.BytesIO(content))["Finance report"]
    rows = [[cell.value for cell in row] for row in page.iter_rows()]
    assert rows[0][0] == "Finance report"
    assert rows[2][1] == "Lot: mall"
    assert rows[3][1] == "2026-03-31 10:00:00 UTC (#17) not everything is counted yet"
    assert rows[5][:5] == ["Lot", "Method", "Currency", "Receivable", "Received"]
    assert rows[6][:5] == ["=cmd()", "Cash", "CNY", 10, 12.05]
    assert (page.cell(7, 1).data_type, page.cell(7, 5).number_format, page.cell(9, 5).number_format) == (
        "s", "#,##0.00", "#,##0",
    )  # fmt: skip
    assert rows[9][:4] == ["Total", "", "CNY", 13.07]
