"""Operator routes of places: the overview, lots, lanes with who waits there, opening by hand, cash at the booth."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from openberth.contexts import facility, payments
from openberth.contexts.facility import LotSummary
from openberth.contexts.facility.api import CommandView, command_view
from openberth.contexts.payments.api import BillView, ReceiptView, bill_view, receipt_view
from openberth.contexts.stays.api.building import books_view
from openberth.contexts.stays.api.ground_views import (
    LaneView,
    LotDetailView,
    OverviewView,
    lane_view,
    lot_detail_view,
    overview_lot_view,
)
from openberth.contexts.stays.api.views import BooksView
from openberth.contexts.stays.service.by_hand import open_by_hand
from openberth.contexts.stays.service.queries import (
    RATE_WINDOW_US,
    LaneNow,
    books,
    lot_ground,
    overview,
    waiting_at,
)
from openberth.infra.catalogue import Language
from openberth.infra.database import Database, Reader, Unit, Urgency
from openberth.infra.http.answers import MoneyView, View, instant, money
from openberth.infra.http.asks import Form, LotName, MoneyForm, Words
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.pages import AskByCode, AskedByCode, Page, cut, page_of
from openberth.infra.http.problems import language_of_scope
from openberth.infra.http.spending import COMMANDS
from openberth.kernel.authority import Caller
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US

LotPath = Annotated[str, Path(max_length=40, description="code or id of a lot")]
LanePath = Annotated[str, Path(max_length=40, description="code of a lane")]


class OpenForm(Form):
    """Why a lane is opened by hand."""

    reason: Words


class CashForm(Form):
    """Cash on the counter for a bill."""

    bill: Id
    received: MoneyForm


class CashView(View):
    """What taking cash did: its receipt, the change to hand back, and the bill afterwards."""

    receipt: ReceiptView
    change: MoneyView
    bill: BillView


class PlacesApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1", tags=["lots"])
        add = self.router.add_api_route
        add("/overview", self.overview, methods=["GET"])
        add("/lots", self.lots, methods=["GET"])
        add("/lots/{lot}", self.lot, methods=["GET"])
        add("/lots/{lot}/lanes/{lane}", self.lane, methods=["GET"])
        add("/lots/{lot}/lanes/{lane}/open", self.open, methods=["POST"], response_model=CommandView)
        add("/lots/{lot}/lanes/{lane}/cash", self.cash, methods=["POST"], response_model=CashView)
        add("/books", self.books, methods=["GET"])

    async def overview(self, request: Request, by: Annotated[Caller, Depends(may("lot.read"))]) -> OverviewView:
        """Return all lots as they are at this moment."""
        return await self._database.read(partial(_overview, language=language_of_scope(request.scope)), by=by)

    async def lots(
        self, ask: AskedByCode, request: Request, by: Annotated[Caller, Depends(may("lot.read"))]
    ) -> Page[LotDetailView]:
        """Return the lots by code, each with what stands on it and who waits."""
        return await self._database.read(partial(_lots, ask=ask, language=language_of_scope(request.scope)), by=by)

    async def lot(
        self, lot: LotPath, request: Request, by: Annotated[Caller, Depends(may("lot.read"))]
    ) -> LotDetailView:
        """Return a lot with what stands on it and who waits."""
        return await self._database.read(partial(_lot, name=lot, language=language_of_scope(request.scope)), by=by)

    async def lane(
        self, lot: LotPath, lane: LanePath, request: Request, by: Annotated[Caller, Depends(may("lot.read"))]
    ) -> LaneView:
        """Return a lane, who waits there and what is due."""
        language = language_of_scope(request.scope)
        return await self._database.read(partial(_lane, name=lot, code=lane, language=language), by=by)

    async def open(
        self,
        lot: LotPath,
        lane: LanePath,
        form: OpenForm,
        by: Annotated[Caller, Depends(may("lane.open", fresh=True, rate=COMMANDS))],
        key: Key,
    ) -> Response:
        """Open a lane by hand; the car that waits there, if any, is let through."""

        def effect(unit: Unit) -> CommandView:
            found = facility.lot_named(unit, name=lot)
            where = facility.lane_by_code(unit, lot=found.id, code=lane)
            command = open_by_hand(unit, lot=found.id, lane=where.id, reason=form.reason)
            return command_view(command, facility.codes_of(unit, lot=found.id))

        return answered(await self._database.write(once(key, effect), by=by, urgency=Urgency.LANE))

    async def cash(
        self,
        lot: LotPath,
        lane: LanePath,
        form: CashForm,
        request: Request,
        by: Annotated[Caller, Depends(may("cash.take"))],
        key: Key,
    ) -> Response:
        """Take cash for a bill of this lot; answers what to hand back."""
        language, received = language_of_scope(request.scope), form.received.value()

        def effect(unit: Unit) -> CashView:
            found = facility.lot_named(unit, name=lot)
            facility.lane_by_code(unit, lot=found.id, code=lane)
            if payments.bill_by_id(unit, bill=form.bill).lot != found.id:
                raise NotFound("bill.not_found")
            taken, change = payments.take_cash(unit, bill=form.bill, tendered=received)
            return CashView(
                receipt=receipt_view(taken.receipt), change=money(change), bill=bill_view(taken.bill, language)
            )

        return answered(await self._database.write(once(key, effect), by=by, urgency=Urgency.LANE))

    async def books(self, lot: LotName, by: Annotated[Caller, Depends(may("bill.read"))]) -> BooksView:
        """Return the totals of a lot since its beginning."""
        return await self._database.report(partial(_books, name=lot), by=by)


def lot_id(reader: Reader, name: str) -> Id:
    """Return the id of a lot by its code or id. Raises ``NotFound("lot.not_found")``."""
    return facility.lot_named(reader, name=name).id


def _overview(reader: Reader, language: Language) -> OverviewView:
    lots = [overview_lot_view(now, language, RATE_WINDOW_US // SECOND_US) for now in overview(reader)]
    return OverviewView(business_now=instant(reader.now), machine_now=instant(reader.machine_now), lots=lots)


def _lots(reader: Reader, ask: AskByCode, language: Language) -> Page[LotDetailView]:
    found = {f"{lot.code}/{lot.id}": lot.id for lot in facility.lots(reader)}
    page, more = cut(found, ask, str)
    return page_of([lot_detail_view(lot_ground(reader, lot=found[name]), language) for name in page], more)


def _lot(reader: Reader, name: str, language: Language) -> LotDetailView:
    return lot_detail_view(lot_ground(reader, lot=lot_id(reader, name)), language)


def _lane(reader: Reader, name: str, code: str, language: Language) -> LaneView:
    detail = facility.lot_detail(reader, lot=lot_id(reader, name))
    for lane in detail.lanes:
        if lane.code == code:
            return lane_view(LaneNow(lane, waiting_at(reader, lane=lane.id)), language)
    raise NotFound("lane.not_found", lane=code)


def _books(reader: Reader, name: str) -> BooksView:
    lot: LotSummary = facility.lot_named(reader, name=name)
    return books_view(books(reader, lot=lot))
