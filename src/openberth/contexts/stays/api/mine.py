"""What somebody who is signed in has to do with cars of its own. Guide: ``docs/guides/drivers.md``.

Everything is asked as the account itself, over all companies; where a rule wants a place, the caller is who scans the
sign of that lot.
"""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from openberth.contexts import payments, tenancy
from openberth.contexts.payments import BillState, PayPlace
from openberth.contexts.payments.api import OwnBillView, own_bill_view
from openberth.contexts.payments.model.channels import ChannelKind
from openberth.contexts.payments.reactions import Cashier
from openberth.contexts.stays.api.driver import DriverOrder, WayForm
from openberth.contexts.stays.api.dues import due_of
from openberth.contexts.stays.api.mine_views import (
    ContestForm,
    OwnBillForm,
    OwnBillNowView,
    OwnDebtView,
    OwnDueView,
    OwnStaysView,
    OwnStayView,
    PaidView,
    PresenceForm,
    own_debt_view,
    own_receipt_view,
    own_stay_view,
    paid_views,
)
from openberth.contexts.stays.api.orders import Orders
from openberth.contexts.stays.api.signs import Signs
from openberth.contexts.stays.service import mine
from openberth.contexts.stays.service.presence import prove_by_presence
from openberth.contexts.tenancy.api import OwnPlatePath, OwnPlateView, Self, account_of, own, own_plate_view
from openberth.infra.catalogue import Language
from openberth.infra.database import Database, Reader, Unit, Urgency
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.pages import Ask, Asked, Page, last_of, page_of
from openberth.infra.http.problems import language_of_scope
from openberth.kernel.authority import Caller, Scope
from openberth.kernel.errors import Malformed, NotFound
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate

StayPath = Annotated[Id, Path()]
BillPath = Annotated[Id, Path()]
DebtPath = Annotated[Id, Path()]


class MineApi:
    """Serves the routes."""

    def __init__(
        self, database: Database, signs: Signs, orders: Orders, cashier: Cashier, links: payments.ReceiptLinks
    ) -> None:
        self._database = database
        self._signs = signs
        self._orders = orders
        self._cashier = cashier
        self._links = links
        self.router = APIRouter(prefix="/v1/me", tags=["mine"])
        add = self.router.add_api_route
        add("/plates/{own_plate}/verify", self.verify, methods=["POST"], response_model=OwnPlateView)
        add("/plates/{own_plate}/bill", self.due, methods=["POST"])
        add("/stays/current", self.current, methods=["GET"])
        add("/stays", self.stays, methods=["GET"])
        add("/stays/{stay}", self.stay, methods=["GET"])
        add("/bills/{bill}", self.bill, methods=["GET"])
        add("/bills/{bill}/pay", self.pay, methods=["POST"], status_code=201)
        add("/receipts", self.receipts, methods=["GET"])
        add("/debts", self.debts, methods=["GET"])
        add("/debts/{debt}/dispute", self.dispute, methods=["POST"], response_model=OwnDebtView)

    async def verify(
        self, own_plate: OwnPlatePath, form: PresenceForm, request: Request, by: Self, key: Key
    ) -> Response:
        """Verify a plate of one's own by scanning the code of the lane at which a car with it waits right now."""
        account = account_of(by)
        sign = await self._signs.named(request, form.lane_code)
        if sign.lane is None:
            raise NotFound("code.not_found")
        _, plate = await self._database.read(partial(_plate, account=account, own_plate=own_plate), by=own(by))
        await self._signs.ask_about_plate(sign, plate)  # nobody finds out by trying which car waits there
        proving = partial(
            prove_by_presence, account=account, own_plate=own_plate, lot=sign.lot.id, lane=sign.lane.id
        )  # fmt: skip

        def effect(unit: Unit) -> OwnPlateView:
            return own_plate_view(unit, proving(unit))

        written = once(key, effect, secret=True)
        proven = await self._database.write(written, by=own(by), urgency=Urgency.LANE)
        await self._signs.something_was_due(sign, plate)
        return answered(proven)

    # -- visits --------------------------------------------------------------------------------------------------------

    async def current(self, request: Request, by: Self) -> OwnStaysView:
        """Return one's own cars that are inside: since when, what that costs by now, and where they wait."""
        account, language = account_of(by), language_of_scope(request.scope)

        def query(reader: Reader) -> OwnStaysView:
            found = mine.inside_now(reader, account=account)
            return OwnStaysView(items=[own_stay_view(each, self._links, language) for each in found])

        return await self._database.read(query, by=own(by))

    async def stays(self, ask: Asked, request: Request, by: Self) -> Page[OwnStayView]:
        """Return the visits of one's own cars that are over, newest first, since their plates were verified."""
        account, language = account_of(by), language_of_scope(request.scope)

        def query(reader: Reader) -> Page[OwnStayView]:
            rows = mine.visits(reader, account=account, before=ask.before, limit=ask.limit)
            views = [own_stay_view(each, self._links, language) for each in rows]
            return page_of(views, last_of(rows, ask.limit, lambda row: row.id))

        return await self._database.read(query, by=own(by))

    async def stay(self, stay: StayPath, request: Request, by: Self) -> OwnStayView:
        """Return a visit of one's own car."""
        account, language = account_of(by), language_of_scope(request.scope)
        found = await self._database.read(partial(mine.visit, account=account, stay=stay), by=own(by))
        return own_stay_view(found, self._links, language)

    # -- paying --------------------------------------------------------------------------------------------------------

    async def due(self, own_plate: OwnPlatePath, form: OwnBillForm, request: Request, by: Self) -> OwnDueView:
        """Ask what a plate of one's own owes by now, and have it billed: the bill stands for some minutes, and asked
        for again it is the same. A plate that is not verified is asked about at a lot, by the code of its sign; of
        several cars inside with one that is, ``stay`` names one.
        """
        account, language = account_of(by), language_of_scope(request.scope)
        found, plate = await self._database.read(partial(_plate, account=account, own_plate=own_plate), by=own(by))
        sign = None if form.lot_code is None else await self._signs.named(request, form.lot_code)
        if sign is None and not found.is_verified:
            raise Malformed("bill.lot_code")
        if sign is not None:
            lot = sign.lot
        else:
            where = partial(mine.lot_of_car, account=account, own_plate=own_plate, stay=form.stay)
            lot = await self._database.read(where, by=own(by))
        as_a_stranger = None if found.is_verified else sign
        if as_a_stranger is not None:
            await self._signs.ask_about_plate(as_a_stranger, plate)
        due = await due_of(
            self._database, lot=lot, by=_at(by, lot.company, lot.id), plate=plate, is_drivers=found.is_verified,
            language=language, stay=form.stay if sign is None else None,
        )  # fmt: skip
        if as_a_stranger is not None and due.due.minor:
            await self._signs.something_was_due(as_a_stranger, plate)
        channels = await self._channels(lot.company, lot.id) if due.due.minor else []
        return OwnDueView(bill=due, channels=channels)

    async def bill(self, bill: BillPath, request: Request, by: Self) -> OwnBillNowView:
        """Return a bill of one's own as it is now: to be asked for until it is paid and the barrier is open."""
        found = await self._own_bill(bill, by)
        language = language_of_scope(request.scope)
        view = await self._database.read(partial(_bill, found=found, language=language), by=own(by))
        is_open = found.bill.state is BillState.OPEN
        channels = await self._channels(found.bill.company, found.bill.lot) if is_open else []
        return OwnBillNowView(
            bill=view, channels=channels, barrier=found.barrier,
            receipts=[own_receipt_view(each, self._links) for each in found.receipts],
        )  # fmt: skip

    async def pay(self, bill: BillPath, form: WayForm, by: Self) -> DriverOrder:
        """Have a channel open an order for a bill of one's own. Asked for again the same way it is the same order."""
        found = await self._own_bill(bill, by)
        place = PayPlace.EXIT if found.at_lane else PayPlace.PREPAY
        caller = _at(by, found.bill.company, found.bill.lot)
        return await self._orders.open(caller, form, bill=bill, place=place, back=f"bill={bill}")

    async def receipts(self, ask: Asked, by: Self) -> Page[PaidView]:
        """Return what was paid for one's own cars and put into one's own accounts, newest first. A page may hold fewer
        than asked and go on.
        """
        account = account_of(by)
        rows = await self._database.read(
            partial(mine.paid_by_me, account=account, before=ask.before, limit=ask.limit), by=own(by)
        )
        views = [view for each in rows for view in paid_views(each, self._links)]
        return page_of(views, last_of(rows, ask.limit, lambda row: row.id))

    async def debts(self, ask: Asked, by: Self) -> Page[OwnDebtView]:
        """Return what one's own cars left unpaid, newest first; each is paid by its bill."""
        return await self._database.read(partial(_debts, account=account_of(by), ask=ask), by=own(by))

    async def dispute(self, debt: DebtPath, form: ContestForm, by: Self, key: Key) -> Response:
        """Dispute what one's own car is said to owe, once: nobody asks for it until staff has decided. It can be paid
        all the same.
        """
        account = account_of(by)

        def effect(unit: Unit) -> OwnDebtView:
            return own_debt_view(mine.dispute_own(unit, account=account, debt=debt, reason=form.reason))

        return answered(await self._database.write(once(key, effect, secret=True), by=own(by)))

    async def _own_bill(self, bill: Id, by: Caller) -> mine.OwnBill:
        return await self._database.read(partial(mine.own_bill, account=account_of(by), bill=bill), by=own(by))

    async def _channels(self, company: Id, lot: Id) -> list[ChannelKind]:
        return await self._cashier.kinds_for(company=company, lot=lot)


def _at(by: Caller, company: Id, lot: Id) -> Caller:
    """Return the caller as whoever scans the sign of a lot."""
    return Caller(by.actor, Scope(company, (lot,)), tenancy.DRIVING, by.proof)


def _plate(reader: Reader, account: Id, own_plate: Id) -> tuple[tenancy.OwnPlate, Plate]:
    found = tenancy.own_plate(reader, account=account, own_plate=own_plate)
    return found, mine.plate_of(reader, found)


def _bill(reader: Reader, found: mine.OwnBill, language: Language) -> OwnBillView:
    return own_bill_view(reader, found.bill, language, replaced_by=found.replaced_by)


def _debts(reader: Reader, account: Id, ask: Ask) -> Page[OwnDebtView]:
    rows = mine.own_debts(reader, account=account, before=ask.before, limit=ask.limit)
    return page_of([own_debt_view(row) for row in rows], last_of(rows, ask.limit, lambda row: row.id))
