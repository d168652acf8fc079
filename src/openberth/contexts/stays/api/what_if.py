"""Operator routes that price a past month of stays anew with a draft or with another version."""

import asyncio
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import Field, StringConstraints
from starlette.responses import Response

from openberth.contexts import facility, tariffs
from openberth.contexts.stays.model.what_if import BUCKETS, Bucket, WhatIf, WhatIfState
from openberth.contexts.stays.service import what_if as service
from openberth.contexts.tariffs.api import DOCUMENT_MAX
from openberth.infra.catalogue import Language, catalogue, text
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.http.answers import MoneyView, View, When, instant, instant_or_none
from openberth.infra.http.asks import Code, Form
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.pages import Ask, Asked, Page, last_of, page_of
from openberth.infra.http.problems import language_of_scope
from openberth.infra.http.spending import HEAVY
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Malformed, NotFound
from openberth.kernel.ids import Id

DRAFT = "document"
LotPath = Annotated[str, Path(max_length=40, description="code or id of a lot")]


class WhatIfForm(Form):
    """Which month (``2026-10``, of the lot's zone), and with what: the text of a tariff file as ``document``, or the
    ``number`` of a published version of ``tariff``. It takes the place of the tariff with its own code, or of
    ``replaces``.
    """

    month: Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]
    document: Annotated[str, StringConstraints(min_length=1, max_length=DOCUMENT_MAX)] | None = None
    tariff: Code | None = None
    number: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    replaces: Code | None = None


class RefusedView(View):
    """Stays that have no price under the draft, and why."""

    reason: str
    text: str
    stays: int


class BucketView(View):
    """The stays of more than ``above_minutes`` and at most ``upto_minutes`` (null: without end)."""

    above_minutes: int
    upto_minutes: int | None
    stays: int
    then: MoneyView
    draft: MoneyView


class WhatIfResultView(View):
    """Sums over the stays that were re-priced: what was billed ``then``, what was ``paid`` of it, and what the draft
    asks. ``with_draft`` of them had minutes under the replaced tariff. Stays without a price stand in ``refused``.
    """

    stays: int
    with_draft: int
    then: MoneyView
    paid: MoneyView
    draft: MoneyView
    difference: MoneyView
    refused: list[RefusedView]
    refused_then: MoneyView
    buckets: list[BucketView]


class WhatIfView(View):
    """A month that is priced anew. ``result`` holds what is known so far; it is whole when the state is ``done``."""

    id: Id
    lot: str
    month: str
    tariff: str
    number: int | None
    state: WhatIfState
    asked_at: When
    ended_at: When | None
    stays_done: int
    stays_total: int | None
    result: WhatIfResultView


class WhatIfApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1", tags=["what-if"])
        add = self.router.add_api_route
        add("/lots/{lot}/what-if", self.ask, methods=["POST"], status_code=202, response_model=WhatIfView)
        add("/lots/{lot}/what-if", self.asked, methods=["GET"])
        add("/lots/{lot}/what-if/{what_if}", self.found, methods=["GET"])

    async def ask(
        self,
        lot: LotPath,
        form: WhatIfForm,
        request: Request,
        by: Annotated[Caller, Depends(may("tariff.write", rate=HEAVY))],
        key: Key,
    ) -> Response:
        """Begin to price a past month anew; the work goes on in the background and is looked at under its id."""
        if (form.document is None) == (form.tariff is None) or (form.tariff is None) != (form.number is None):
            raise Malformed("what_if.one_tariff")
        draft = None
        if form.document is not None:
            draft = await asyncio.to_thread(tariffs.read_tariff, form.document, name=DRAFT)
        language = language_of_scope(request.scope)
        effect = partial(_ask, name=lot, form=form, draft=draft, language=language)
        return answered(await self._database.write(once(key, effect, status=202), by=by))

    async def asked(
        self, lot: LotPath, ask: Asked, request: Request, by: Annotated[Caller, Depends(may("tariff.read"))]
    ) -> Page[WhatIfView]:
        """Return the last questions of a lot, newest first."""
        language = language_of_scope(request.scope)
        return await self._database.read(partial(_asked, name=lot, ask=ask, language=language), by=by)

    async def found(
        self,
        lot: LotPath,
        what_if: Annotated[Id, Path()],
        request: Request,
        by: Annotated[Caller, Depends(may("tariff.read"))],
    ) -> WhatIfView:
        """Return how far a question is, and its figures."""
        language = language_of_scope(request.scope)
        return await self._database.read(partial(_found, name=lot, what_if=what_if, language=language), by=by)


def _ask(unit: Unit, name: str, form: WhatIfForm, draft: tariffs.Tariff | None, language: Language) -> WhatIfView:
    lot = facility.lot_named(unit, name=name)
    tariff, number = draft, form.number
    if tariff is None:
        assert form.tariff is not None, "one of both is given"
        assert number is not None, "they come together"
        tariff = tariffs.numbered(unit, company=lot.company, code=form.tariff, number=number).tariff
    asked = service.ask(unit, lot=lot.id, month=form.month, tariff=tariff, number=number, replaces=form.replaces)
    return what_if_view(asked, lot, language)


def _asked(reader: Reader, name: str, ask: Ask, language: Language) -> Page[WhatIfView]:
    lot = facility.lot_named(reader, name=name)
    rows = service.what_ifs(reader, lot=lot.id, before=ask.before, limit=ask.limit)
    return page_of([what_if_view(row, lot, language) for row in rows], last_of(rows, ask.limit, lambda row: row.id))


def _found(reader: Reader, name: str, what_if: Id, language: Language) -> WhatIfView:
    lot = facility.lot_named(reader, name=name)
    found = service.what_if(reader, what_if=what_if)
    if found.lot_id != lot.id:
        raise NotFound("what_if.not_found")
    return what_if_view(found, lot, language)


def what_if_view(what_if: WhatIf, lot: facility.LotSummary, language: Language) -> WhatIfView:
    """Return a question as it leaves."""
    return WhatIfView(
        id=what_if.id, lot=lot.code, month=what_if.month, tariff=what_if.tariff_code, number=what_if.number,
        state=what_if.state, asked_at=instant(what_if.asked_at), ended_at=instant_or_none(what_if.ended_at),
        stays_done=what_if.figures.looked_at, stays_total=what_if.total,
        result=_result_view(what_if, lot.currency, language),
    )  # fmt: skip


def _result_view(what_if: WhatIf, currency: str, language: Language) -> WhatIfResultView:
    figures = what_if.figures

    def money(minor: int) -> MoneyView:
        return MoneyView(minor=minor, currency=currency)

    def bucket(index: int, one: Bucket) -> BucketView:
        return BucketView(
            above_minutes=BUCKETS[index - 1] or 0 if index else 0, upto_minutes=BUCKETS[index], stays=one.stays,
            then=money(one.then_minor), draft=money(one.draft_minor),
        )  # fmt: skip

    return WhatIfResultView(
        stays=figures.stays, with_draft=figures.with_draft, then=money(figures.then_minor),
        paid=money(figures.paid_minor), draft=money(figures.draft_minor),
        difference=money(figures.draft_minor - figures.then_minor),
        refused=[
            RefusedView(reason=reason, text=reason_text(reason, language), stays=count)
            for reason, count in sorted(figures.refused.items())
        ],
        refused_then=money(figures.refused_minor),
        buckets=[bucket(index, one) for index, one in enumerate(figures.buckets)],
    )  # fmt: skip


def reason_text(reason: str, language: Language) -> str:
    """Return why a stay has no price, in words where there are some."""
    code = f"what_if.reason.{reason}"
    return text(code, language) if code in catalogue().codes() else reason
