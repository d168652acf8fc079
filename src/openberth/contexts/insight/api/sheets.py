"""Answers as tables for spreadsheets."""

from collections.abc import Mapping

from openberth.contexts.insight.model.finance import Answer, Dimension, Figures, Line, Name
from openberth.contexts.insight.model.movements import Measure
from openberth.infra.catalogue import Language, catalogue, text
from openberth.infra.sheets import Cell, Sheet
from openberth.kernel.money import Money
from openberth.kernel.time import as_datetime

AMOUNTS = (
    "receivable", "received", "surplus", "relieved", "refunded", "returned", "written_off", "kept", "put_in",
    "paid_out",
)  # fmt: skip
COUNTS = ("bills", "receipts")


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
