"""What a driver reaches by scanning a code at a lane or of a lot: no token, masked plates only, few requests.

A browser gets a small page and forms, everything else JSON. Guide: ``docs/guides/lane-codes.md``.
"""

import secrets
from functools import partial

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openberth.contexts import payments
from openberth.contexts.facility import LaneKind
from openberth.contexts.payments import LinkKind, PayPlace, receipt_named
from openberth.contexts.payments.model.channels import ChannelKind
from openberth.contexts.payments.reactions import Cashier
from openberth.contexts.stays.api import pages
from openberth.contexts.stays.api.answering import served
from openberth.contexts.stays.api.driver import (
    CLAIM_PATTERN,
    BillForm,
    DriverBill,
    DriverLane,
    DriverLot,
    DriverPass,
    DriverWaiting,
    EnterForm,
    LanePayForm,
    LeaveForm,
    PayForm,
)
from openberth.contexts.stays.api.dues import due_of
from openberth.contexts.stays.api.orders import Orders
from openberth.contexts.stays.api.paying import PayPages
from openberth.contexts.stays.api.reading import PAID_COOKIE, PASS_COOKIE, keep, read_form, wants_page
from openberth.contexts.stays.api.signs import Sign, Signs
from openberth.contexts.stays.api.views import DueView, due_view
from openberth.contexts.stays.model.entities import Ask
from openberth.contexts.stays.service.codes import enter_without_plate, leave_with_pass
from openberth.contexts.stays.service.e_receipts import receipts_inside
from openberth.contexts.stays.service.queries import Waiting, waiting_at
from openberth.infra.catalogue import Language
from openberth.infra.database import Database, Reader, Unit, Urgency
from openberth.infra.http.answers import View
from openberth.infra.http.plates import read_plate
from openberth.kernel.errors import Malformed, NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.plates import InvalidPlate, Plate
from openberth.kernel.time import DAY_US, SECOND_US

PATH = "/c/{code}"
PASS_BYTES = 12  # 96 bits: a pass is a key to a stay
PASS_KEPT_S = 30 * DAY_US // SECOND_US
CLAIM_COOKIE = "scanner"
CLAIM_BYTES = 16
CLAIM_KEPT_S = 600  # long enough to reload the page, too short to stand in the way of the next visit


class CodesApi:
    """Serves the routes; they are plain ones, no part of the operator API."""

    def __init__(
        self, database: Database, cashier: Cashier, signs: Signs, orders: Orders, links: payments.ReceiptLinks, *,
        base: str = "",
    ) -> None:  # fmt: skip
        self._database = database
        self._cashier = cashier
        self._links = links
        self._signs = signs
        self._orders = orders
        self._paying = PayPages(database, cashier, self._signs, links, base=base)

    def routes(self) -> list[Route]:
        """Return the routes."""
        ours = (("", self._show, "GET"), ("/pay", self._pay, "POST"), ("/enter", self._enter, "POST"),
                ("/leave", self._leave, "POST"), ("/bills", self._bills, "POST"),
                ("/payment", self._payment, "GET"))  # fmt: skip
        made = [Route(PATH + path, partial(served, serve), methods=[method]) for path, serve, method in ours]
        return [*made, *self._paying.routes()]

    async def _show(self, request: Request) -> Response:
        sign = await self._signs.find(request)
        if sign.lane is None:
            return await self._answer(request, sign, await self._lot_answer(sign))
        answer = await self._lane_answer(request, sign)
        response = await self._answer(request, sign, answer)
        if wants_page(request) and sign.lane.kind is LaneKind.ENTRY and _kept_claim(request) is None:
            # Given before the driver asks for a pass: so the same phone is shown it again when the answer is lost.
            keep(request, response, CLAIM_COOKIE, secrets.token_urlsafe(CLAIM_BYTES), CLAIM_KEPT_S)
        return response

    async def _pay(self, request: Request) -> Response:
        sign = await self._signs.find(request)
        if sign.lane is not None:
            waiting = await self._database.read(partial(waiting_at, lane=sign.lane.id), by=sign.by)
            if waiting is None or waiting.bill is None or waiting.ask is not Ask.PAY:
                raise Refused("lane.nobody_waiting")
            form: LanePayForm | PayForm = await read_form(request, LanePayForm)
            bill = waiting.bill.id
            if form.bill not in (None, bill):
                raise Refused("lane.nobody_waiting")
        else:
            at_lot = form = await read_form(request, PayForm)
            bill = at_lot.bill
        # The caller's scope is this lot: a bill of another one is not found.
        if wants_page(request):
            return await self._paying.pay(request, sign, bill=bill, kind=form.channel, by_code=form.way == "code")
        place = PayPlace.PREPAY if sign.lane is None else PayPlace.EXIT
        return _json(await self._orders.pay(sign, form, bill=bill, place=place), 201)

    async def _payment(self, request: Request) -> Response:
        if wants_page(request):
            return await self._paying.payment(request)
        sign = await self._signs.find(request)
        return _json(await self._orders.payment(sign, request.query_params.get("order", "")))

    async def _enter(self, request: Request) -> Response:
        sign = await self._signs.find(request)
        if sign.lane is None:
            raise Refused("lane.not_an_entry")
        form = await read_form(request, EnterForm)
        claim = form.claim or _kept_claim(request)
        token, passage = await self._database.write(
            partial(enter_without_plate, lot=sign.lot.id, lane=sign.lane.id, token=secrets.token_urlsafe(PASS_BYTES),
                    claim=claim), by=sign.by, urgency=Urgency.LANE,
        )  # fmt: skip
        if not wants_page(request):
            return _json(DriverPass(**{"pass": token}, passage=passage), 201)
        response = pages.page_response(pages.pass_page(sign.lot, sign.code, token, sign.language))
        # The phone keeps the pass: at the exit the page has it at hand.
        keep(request, response, PASS_COOKIE, token, PASS_KEPT_S)
        return response

    async def _leave(self, request: Request) -> Response:
        sign = await self._signs.find(request)
        token = (await read_form(request, LeaveForm, cookies=True)).token
        lane = sign.lane
        if lane is None or lane.kind is LaneKind.ENTRY:
            raise Refused("lane.not_an_exit")
        await self._database.write(partial(_leave, lot=lane.lot, lane=lane.id, token=token), by=sign.by,
                                   urgency=Urgency.LANE)  # fmt: skip
        return await self._answer(request, sign, await self._lane_answer(request, sign))

    async def _bills(self, request: Request) -> Response:
        sign = await self._signs.find(request)
        if sign.lane is not None:
            raise Refused("lane.wrong_direction")
        form = await read_form(request, BillForm, cookies=True)
        plate = _plate_of(form, sign.language)
        if form.token is None:
            await self._signs.ask_about_plate(sign, plate)
        due = await self._due(sign, plate)
        if form.token is None and due.due.minor:
            await self._signs.something_was_due(sign, plate)
        channels = await self._channels(request, sign) if due.due.minor else []
        receipts = [] if form.token is None else await self._receipts_of_pass(sign, plate)
        if wants_page(request):
            page = pages.bill_page(sign.lot, sign.code, due, plate, channels, sign.language, receipts)
            return pages.page_response(page)
        return _json(DriverBill(bill=due, channels=channels, receipts=receipts))

    async def _receipts_of_pass(self, sign: Sign, plate: Plate) -> list[str]:
        """Return where the receipts of a stay are: whoever holds its pass is told everything."""
        paid = await self._database.read(partial(receipts_inside, lot=sign.lot.id, plate=plate), by=sign.by)
        return [self._links.address(LinkKind.RECEIPT, receipt.id) for receipt in paid]

    async def _receipt_of_phone(self, request: Request, sign: Sign) -> str | None:
        """Return where the receipt is of what this phone paid here last, None while there is none."""
        link = request.cookies.get(PAID_COOKIE)
        if link is None:
            return None
        try:
            kind, named = self._links.read(link, now=self._database.clocks.machine.now())
            await self._database.read(partial(receipt_named, kind=kind, named=named), by=sign.by)
        except NotFound:
            return None
        return self._links.address(kind, named)

    async def _due(self, sign: Sign, plate: Plate) -> DueView:
        return await due_of(
            self._database, lot=sign.lot, by=sign.by, plate=plate, is_drivers=plate.is_unlicensed,
            language=sign.language,
        )  # fmt: skip

    async def _answer(self, request: Request, sign: Sign, answer: DriverLane | DriverLot) -> Response:
        if not wants_page(request):
            return _json(answer)
        receipt = await self._receipt_of_phone(request, sign)
        if isinstance(answer, DriverLot):
            return pages.page_response(pages.lot_page(sign.lot, sign.code, answer, sign.language, receipt=receipt))
        assert sign.lane is not None, "a lane's answer is about a lane"
        has_pass = PASS_COOKIE in request.cookies
        return pages.page_response(
            pages.lane_page(sign.lane, answer, sign.language, has_pass=has_pass, receipt=receipt)
        )

    async def _lane_answer(self, request: Request, sign: Sign) -> DriverLane:
        """Return what a lane shows, with the ways to pay for the car that has to."""
        answer = await self._database.read(partial(_lane_answer, sign=sign), by=sign.by)
        waiting = answer.waiting
        if waiting is None or waiting.bill is None or not waiting.bill.due.minor:
            return answer
        waiting = waiting.model_copy(update={"channels": await self._channels(request, sign)})
        return answer.model_copy(update={"waiting": waiting})

    async def _channels(self, request: Request, sign: Sign) -> list[ChannelKind]:
        if wants_page(request):
            return await self._paying.kinds(request, sign)
        return await self._cashier.kinds_for(company=sign.lot.company, lot=sign.lot.id)

    async def _lot_answer(self, sign: Sign) -> DriverLot:
        lot = sign.lot
        return DriverLot(lot=lot.code, zone=lot.zone, name=pages.name_of(lot), free=max(0, lot.free), state=lot.state)


def _lane_answer(reader: Reader, sign: Sign) -> DriverLane:
    lane = sign.lane
    assert lane is not None, "asked for lanes only"
    waiting = waiting_at(reader, lane=lane.id)
    return DriverLane(
        lot=lane.lot_code, zone=sign.lot.zone, lane=lane.code, name=pages.name_of(lane), direction=lane.kind,
        waiting=None if waiting is None else _waiting(waiting, sign.language),
    )  # fmt: skip


def _waiting(waiting: Waiting, language: Language) -> DriverWaiting:
    bill = due_view(waiting.bill, language) if waiting.bill else None
    return DriverWaiting(passage=waiting.passage, plate=waiting.plate, ask=waiting.ask, bill=bill)


def _leave(unit: Unit, lot: Id, lane: Id, token: str) -> None:
    """Say whose the unread car is. One that is known already is left alone: a pass must not make it another."""
    unit.lock(("lot", lot))
    waiting = waiting_at(unit, lane=lane)
    if waiting is None or waiting.ask is not Ask.PAY:
        leave_with_pass(unit, lot=lot, lane=lane, token=token)


def _plate_of(form: BillForm, language: Language) -> Plate:
    if form.token is not None:
        try:
            return Plate.unlicensed(form.token)
        except InvalidPlate:
            raise NotFound("stay.not_found") from None
    if form.plate is None:
        raise Malformed("bill.plate_or_pass")
    return read_plate(form.plate, language)


def _kept_claim(request: Request) -> str | None:
    """Return the claim that this browser was given at a lane, None without one."""
    kept = request.cookies.get(CLAIM_COOKIE, "")
    return kept if CLAIM_PATTERN.fullmatch(kept) else None


def _json(view: View, status: int = 200) -> Response:
    body = msgspec.json.encode(view.model_dump(mode="json", by_alias=True))
    return Response(body, status, {"cache-control": "no-store"}, "application/json")
