"""Answering what people ask about money, from rollup rows only: their number does not depend on how many cars came."""

from collections.abc import Iterator

from openberth.contexts import tenancy
from openberth.contexts.insight.model.finance import (
    ROWS_MAX,
    Answer,
    AsOf,
    Dimension,
    Filters,
    Name,
    Question,
    Sums,
    Value,
    lines_of,
    ranges_of,
    totals_of,
)
from openberth.contexts.insight.model.movements import KINDS
from openberth.contexts.insight.service import feeding
from openberth.contexts.insight.service.naming import Names
from openberth.contexts.insight.store.asking import Row, sums_by
from openberth.infra.database import Reader, Unit
from openberth.infra.outbox import standing
from openberth.infra.permitting import needs
from openberth.kernel.errors import Refused
from openberth.kernel.time import Instant

_COLUMN_OF = {
    Dimension.PARTNER: "company_id", Dimension.COMPANY: "company_id", Dimension.LOT: "lot_id",
    Dimension.CHANNEL: "channel_id", Dimension.METHOD: "method", Dimension.TARIFF: "tariff_id",
    Dimension.OPERATOR: "operator", Dimension.DAY: "period", Dimension.MONTH: "period",
}  # fmt: skip
_WAITING = standing.Waiting(KINDS)


@needs("finance.read")
def finance(reader: Reader, *, question: Question) -> Answer:
    """Answer a question about money, for the caller's scope.

    Raises ``Refused("finance.too_many_rows")`` when more than ``ROWS_MAX`` groups would have to be read.
    """
    at = as_of(reader)
    names = Names(reader)
    columns = _columns(question)
    lines = lines_of(_named(question, columns, names, _rows(reader, question, columns)))
    return Answer(question, at, tuple(lines), totals_of(lines))


@needs("finance.read")
def note_export(unit: Unit, *, question: Question, form: str, lines: int) -> None:
    """Write down that the caller took an answer away as a file. Called last in the unit."""
    scope = unit.caller.scope
    lot = scope.lots[0] if scope.lots is not None and len(scope.lots) == 1 else None
    asked = {
        "from": question.first.isoformat(), "to": question.last.isoformat(), "by": ",".join(question.by),
        "lines": lines,
    }  # fmt: skip
    tenancy.record(unit, tenancy.Deed("finance.exported", "finance", form, scope.company, lot, after=asked))


def as_of(reader: Reader) -> AsOf:
    """Return up to where the rollups count. Nothing waits: up to now; else up to the oldest event that does."""
    at = standing.standing_of(reader, name=feeding.CONSUMER)
    waiting = standing.waiting_since(reader, kinds=_WAITING, position=at.position)
    until = reader.now if waiting is None else Instant(min(waiting, reader.now))
    return AsOf(at.position, until, waiting is not None or at.parked > 0, at.parked)


def _columns(question: Question) -> tuple[str, ...]:
    """Return the columns by which rows are added up in the database; the rest is told of them here."""
    found = {_COLUMN_OF[dimension] for dimension in question.by}
    if question.only.partner is not None:
        found.add("company_id")
    if question.only.tariff is not None:
        found.add("tariff_id")
    return tuple(sorted(found))


def _rows(reader: Reader, question: Question, columns: tuple[str, ...]) -> list[Row]:
    narrowed = _narrowed(question.only)
    query = sums_by(columns, tuple(sorted(narrowed)))
    only = {f"only_{name}": value for name, value in narrowed.items()}
    generation = feeding.serving(reader)
    found: list[Row] = []
    for first, last in ranges_of(question.first, question.last, by_day=Dimension.DAY in question.by):
        found += reader.all(query, generation=generation, first=first, last=last, limit=ROWS_MAX + 1, **only)
        if len(found) > ROWS_MAX:
            raise Refused("finance.too_many_rows", most=ROWS_MAX)
    return found


def _narrowed(only: Filters) -> dict[str, Value]:
    wanted: dict[str, Value | None] = {
        "company_id": only.company, "lot_id": only.lot, "channel_id": only.channel, "method": only.method,
        "operator": only.operator, "currency": only.currency,
    }  # fmt: skip
    return {name: value for name, value in wanted.items() if value is not None}


def _named(
    question: Question, columns: tuple[str, ...], names: Names, rows: list[Row]
) -> Iterator[tuple[tuple[Name | None, ...], str, Sums]]:
    """Name the groups as was asked for: two versions of a tariff become one, so do the companies of a partner."""
    only = question.only
    tellers = [(columns.index(_COLUMN_OF[dimension]), names.teller(dimension)) for dimension in question.by]
    for values, currency, sums in rows:
        if only.partner is not None and names.partner_of(values[columns.index("company_id")]) != only.partner:
            continue
        if only.tariff is not None and names.tariff_code(values[columns.index("tariff_id")]) != only.tariff:
            continue
        yield tuple(tell(values[place]) for place, tell in tellers), currency, sums
