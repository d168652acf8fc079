"""Routes of finance: what money adds up to, as JSON or as a file, and adding it up anew."""

import asyncio
from datetime import date
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field
from starlette.responses import Response

from openberth.contexts import facility, tenancy
from openberth.contexts.insight.api.sheets import name_shown, sheet_of
from openberth.contexts.insight.model.finance import (
    Answer,
    Dimension,
    Figures,
    Filters,
    Line,
    Name,
    Question,
    dimensions,
)
from openberth.contexts.insight.model.movements import MEASURES
from openberth.contexts.insight.service.finance import finance, note_export
from openberth.contexts.insight.service.rebuilding import Progress, progress, rebuild
from openberth.infra.catalogue import Language
from openberth.infra.database import Database, Reader
from openberth.infra.http.answers import View, When, instant, instant_or_none
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.problems import language_of_scope
from openberth.infra.http.spending import HEAVY
from openberth.infra.sheets import CSV, XLSX, csv_of, xlsx_of
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id

FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {CSV: {"schema": {"type": "string"}}, XLSX: {"schema": {"type": "string", "format": "binary"}}}}
}


class GroupView(View):
    """What a group is called: its code or id, and a name in the language of the request."""

    code: str
    name: str


class FiguresView(View):
    """Sums in minor units of ``currency``.

    ``receivable`` is what was billed less what was withdrawn; ``received`` is all that came, ``surplus`` the part that
    nobody owed; ``refunded`` went back of what had paid bills, ``returned`` of surplus; ``kept`` is what was received
    less both. ``put_in`` fills prepaid accounts and ``paid_out`` goes back from them: neither is income. ``counts``
    tells how many of each there were.
    """

    currency: str = Field(examples=["CNY"])
    receivable: int
    received: int
    surplus: int
    relieved: int
    refunded: int
    returned: int
    written_off: int
    kept: int
    put_in: int
    paid_out: int
    counts: dict[str, int]


class FinanceLineView(View):
    """One group: what it is by each dimension that was asked for (null: nothing of that kind), and its sums."""

    group: dict[str, GroupView | None]
    sums: FiguresView


class AsOfView(View):
    """Up to where an answer counts. ``behind``: something that has happened is not counted yet; ``parked`` keys of the
    log wait for a person.
    """

    position: int
    at: When
    behind: bool
    parked: int


class FinanceView(View):
    """What money adds up to from the first to the last day, both included, each in the zone of its lot."""

    first_day: date
    last_day: date
    group_by: list[Dimension]
    as_of: AsOfView
    lines: list[FinanceLineView]
    totals: list[FiguresView]


class RebuildView(View):
    """How far a rebuild is: ``building`` is the generation being written (null: none), by positions of the log."""

    serving: int
    building: int | None
    begun_at: When | None
    position: int
    head: int


FirstDay = Annotated[date, Query(alias="from", description="the first day, e.g. 2026-11-01")]
LastDay = Annotated[date, Query(alias="to", description="the last day, which is included")]
GroupBy = Annotated[
    str, Query(max_length=80, description=f"one or several of {', '.join(Dimension)}, with commas between them")
]
Form = Annotated[Literal["json", "csv", "xlsx"], Query(alias="format")]
ByCode = Annotated[str | None, Query(max_length=40)]
ByWord = Annotated[str | None, Query(max_length=80)]
Reading = Annotated[Caller, Depends(may("finance.read", rate=HEAVY))]
Rebuilding = Annotated[Caller, Depends(may("finance.rebuild"))]


class FinanceApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1/finance", tags=["finance"])
        add = self.router.add_api_route
        add("", self.finance, methods=["GET"], response_model=FinanceView, responses=FILES)
        add("/rebuild", self.rebuild, methods=["POST"], status_code=202, response_model=RebuildView)
        add("/rebuild", self.progress, methods=["GET"])

    async def finance(
        self, request: Request, by: Reading, first: FirstDay, last: LastDay, group_by: GroupBy = "",
        form: Form = "json", partner: ByCode = None, company: ByCode = None, lot: ByCode = None,
        channel: Annotated[Id | None, Query()] = None, method: ByCode = None, tariff: ByCode = None,
        operator: ByWord = None, currency: Annotated[str | None, Query(min_length=3, max_length=3)] = None,
    ) -> FinanceView | Response:  # fmt: skip
        """Return what money adds up to, from rollups: JSON, or a file for spreadsheets, which is written down."""
        ask = partial(
            _answer, first=first, last=last, group_by=group_by, partner=partner, company=company, lot=lot,
            only=Filters(channel=channel, method=method, tariff=tariff, operator=operator, currency=currency),
        )  # fmt: skip
        answer = await self._database.report(ask, by=by)
        language = language_of_scope(request.scope)
        if form == "json":
            return finance_view(answer, language)
        asked = {
            "partner": partner, "company": company, "lot": lot, "channel": None if channel is None else str(channel),
            "method": method, "tariff": tariff, "operator": operator, "currency": currency,
        }  # fmt: skip
        sheet = sheet_of(answer, language, {name: value for name, value in asked.items() if value is not None})
        content = await asyncio.to_thread(csv_of if form == "csv" else xlsx_of, sheet)
        note = partial(note_export, question=answer.question, form=form, lines=len(answer.lines))
        await self._database.write(note, by=by)
        name = f"finance-{first.isoformat()}-{last.isoformat()}.{form}"
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        return Response(content, media_type=f"{CSV}; charset=utf-8" if form == "csv" else XLSX, headers=headers)

    async def rebuild(self, by: Rebuilding, key: Key) -> Response:
        """Add everything up anew from the log, in the background; the answers stay as they are meanwhile."""
        effect = once(key, lambda unit: _rebuild_view(rebuild(unit)), status=202)
        return answered(await self._database.write(effect, by=by))

    async def progress(self, by: Rebuilding) -> RebuildView:
        """Return how far a rebuild is."""
        return _rebuild_view(await self._database.read(progress, by=by))


def finance_view(answer: Answer, language: Language) -> FinanceView:
    """Return an answer as it leaves."""
    at, question = answer.as_of, answer.question
    return FinanceView(
        first_day=question.first, last_day=question.last, group_by=list(question.by),
        as_of=AsOfView(position=at.position, at=instant(at.at), behind=at.behind, parked=at.parked),
        lines=[_line(question, line, language) for line in answer.lines],
        totals=[figures_view(figures, currency) for currency, figures in answer.totals.items()],
    )  # fmt: skip


def figures_view(figures: Figures, currency: str) -> FiguresView:
    """Return sums as they leave."""
    minor = {each.value: figures.minor(each) for each in MEASURES}
    return FiguresView(
        currency=currency, receivable=figures.receivable, received=minor["received"], surplus=minor["surplus"],
        relieved=minor["relieved"], refunded=minor["refunded"], returned=minor["returned"],
        written_off=minor["written_off"], kept=figures.kept,
        put_in=minor["put_in"], paid_out=minor["paid_out"],
        counts={each.value: figures.count(each) for each in MEASURES},
    )  # fmt: skip


def _line(question: Question, line: Line, language: Language) -> FinanceLineView:
    named = zip(question.by, line.names, strict=True)
    group = {dimension.value: _group(dimension, name, language) for dimension, name in named}
    return FinanceLineView(group=group, sums=figures_view(line.figures, line.currency))


def _group(dimension: Dimension, name: Name | None, language: Language) -> GroupView | None:
    return None if name is None else GroupView(code=name.code, name=name_shown(dimension, name, language))


def _rebuild_view(at: Progress) -> RebuildView:
    return RebuildView(
        serving=at.serving, building=at.building, begun_at=instant_or_none(at.begun_at), position=at.position,
        head=at.head,
    )  # fmt: skip


def _answer(
    reader: Reader, first: date, last: date, group_by: str, partner: str | None, company: str | None,
    lot: str | None, only: Filters,
) -> Answer:  # fmt: skip
    places = Filters(
        partner=None if partner is None else tenancy.partner_by_code(reader, code=partner).id,
        company=None if company is None else tenancy.company_by_code(reader, code=company).id,
        lot=None if lot is None else facility.lot_named(reader, name=lot).id,
        channel=only.channel, method=only.method, tariff=only.tariff, operator=only.operator, currency=only.currency,
    )  # fmt: skip
    question = Question(first=first, last=last, by=dimensions(group_by), only=places)
    return finance(reader, question=question)
