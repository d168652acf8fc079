"""What a driver reaches by scanning a code at a lane or of a lot: no token, masked plates only, few requests.

A browser gets a small page and forms, everything else JSON. Guide: ``docs/guides/lane-codes.md``.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from openberth.contexts import facility
from openberth.contexts.facility import LaneContext, LaneKind, LotSummary
from openberth.contexts.payments.reactions import Cashier
from openberth.contexts.stays.api import pages
from openberth.contexts.stays.api.driver import (
    BillForm,
    DriverBill,
    DriverLane,
    DriverLot,
    DriverOrder,
    DriverPass,
    DriverWaiting,
    LeaveForm,
    PayForm,
)
from openberth.contexts.stays.api.reading import read_plate
from openberth.contexts.stays.api.views import DueView, due_view
from openberth.contexts.stays.model.entities import Ask
from openberth.contexts.stays.service.codes import bill_in_advance, enter_without_plate, leave_with_pass
from openberth.contexts.stays.service.prices import Assessment
from openberth.contexts.stays.service.queries import Waiting, waiting_at
from openberth.contexts.tariffs import quote_to_plain
from openberth.contexts.tariffs.api import lines_view
from openberth.infra.catalogue import LANGUAGES, Language
from openberth.infra.database import Database, Reader, Unit, Urgency
from openberth.infra.http.answers import View, instant, instant_or_none, money
from openberth.infra.http.asks import Form
from openberth.infra.http.auth import address_of
from openberth.infra.http.limits import RateLimiter, limit_key
from openberth.infra.http.problems import (
    BadRequest,
    TooMany,
    WrongMediaType,
    language_of_scope,
    problem_document,
    problem_of,
)
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller, Scope
from openberth.kernel.errors import Malformed, NotFound, Problem, Refused
from openberth.kernel.ids import Id
from openberth.kernel.plates import InvalidPlate, Plate
from openberth.kernel.time import DAY_US, MINUTE_US, SECOND_US

PATH = "/c/{code}"
PER_MINUTE = 30
UNKNOWN_PER_MINUTE = 60
PASS_BYTES = 12  # 96 bits: a pass is a key to a stay
PASS_COOKIE = "pass"  # noqa: S105 - a name
PASS_KEPT_S = 30 * DAY_US // SECOND_US

_CODE = re.compile(r"[2-9A-HJKMNP-Z]{10}\Z")
_FORM = "application/x-www-form-urlencoded"

F = TypeVar("F", bound=Form)


@dataclass(frozen=True, slots=True)
class _Sign:
    """What a code stands for, and who scans it: rows of that lot only."""

    code: str
    lane: LaneContext | None
    lot: LotSummary
    by: Caller
    language: Language


class CodesApi:
    """Serves the routes; they are plain ones, no part of the operator API."""

    def __init__(self, database: Database, cashier: Cashier) -> None:
        self._database = database
        self._cashier = cashier
        machine = database.clocks.machine
        self._limiter = RateLimiter(machine, count=PER_MINUTE, window_us=MINUTE_US)
        self._strangers = RateLimiter(machine, count=UNKNOWN_PER_MINUTE, window_us=MINUTE_US)

    def routes(self) -> list[Route]:
        """Return the routes."""
        served = (("", self._show, "GET"), ("/pay", self._pay, "POST"), ("/enter", self._enter, "POST"),
                  ("/leave", self._leave, "POST"), ("/bills", self._bills, "POST"))  # fmt: skip
        return [Route(PATH + path, partial(self._serve, serve), methods=[method]) for path, serve, method in served]

    async def _serve(self, serve: Any, request: Request) -> Response:
        """Answer a request; a browser reads a problem as a page, too."""
        try:
            response: Response = await serve(request)
        except Problem as problem:
            if not wants_page(request):
                raise
            told = problem_document(problem_of(problem), language_of(request))
            code = request.path_params["code"].upper()
            known = code if _CODE.match(code) else None
            page = pages.page_response(pages.problem_page(told, known, language_of(request)), problem.status)
            if isinstance(problem, TooMany):
                page.headers["retry-after"] = str(problem.retry_after_s)
            return page
        return response

    async def _show(self, request: Request) -> Response:
        sign = await self._sign(request)
        if sign.lane is None:
            return self._answer(request, sign, await self._lot_answer(sign))
        return self._answer(request, sign, await self._database.read(partial(_lane_answer, sign=sign), by=sign.by))

    async def _pay(self, request: Request) -> Response:
        sign = await self._sign(request)
        if sign.lane is not None:
            waiting = await self._database.read(partial(waiting_at, lane=sign.lane.id), by=sign.by)
            if waiting is None or waiting.bill is None or waiting.ask is not Ask.PAY:
                raise Refused("lane.nobody_waiting")
            bill = waiting.bill.id
        else:
            bill = (await read_form(request, PayForm)).bill
        # The caller's scope is this lot: a bill of another one is not found.
        attempt = await self._cashier.pay(bill=bill, by=sign.by)
        if wants_page(request) and attempt.pay_url is not None and attempt.pay_url.startswith(("https://", "http://")):
            return RedirectResponse(attempt.pay_url, 303, headers=pages.HEADERS)
        order = DriverOrder(
            attempt=attempt.id, pay_url=attempt.pay_url, due=money(attempt.amount),
            expires_at=instant(attempt.expires_at),
        )  # fmt: skip
        return _json(order, 201)

    async def _enter(self, request: Request) -> Response:
        sign = await self._sign(request)
        if sign.lane is None:
            raise Refused("lane.not_an_entry")
        token, passage = await self._database.write(
            partial(enter_without_plate, lot=sign.lot.id, lane=sign.lane.id, token=secrets.token_urlsafe(PASS_BYTES)),
            by=sign.by, urgency=Urgency.LANE,
        )  # fmt: skip
        if not wants_page(request):
            return _json(DriverPass(**{"pass": token}, passage=passage), 201)
        response = pages.page_response(pages.pass_page(sign.lot, sign.code, token, sign.language))
        # The phone keeps the pass: at the exit the page has it at hand.
        response.set_cookie(
            PASS_COOKIE, token, max_age=PASS_KEPT_S, path="/c/", httponly=True, samesite="lax",
            secure=request.url.scheme == "https",
        )  # fmt: skip
        return response

    async def _leave(self, request: Request) -> Response:
        sign = await self._sign(request)
        token = (await read_form(request, LeaveForm, cookies=True)).token
        lane = sign.lane
        if lane is None or lane.kind is LaneKind.ENTRY:
            raise Refused("lane.not_an_exit")
        await self._database.write(partial(_leave, lot=lane.lot, lane=lane.id, token=token), by=sign.by,
                                   urgency=Urgency.LANE)  # fmt: skip
        return self._answer(request, sign, await self._database.read(partial(_lane_answer, sign=sign), by=sign.by))

    async def _bills(self, request: Request) -> Response:
        sign = await self._sign(request)
        if sign.lane is not None:
            raise Refused("lane.wrong_direction")
        form = await read_form(request, BillForm, cookies=True)
        plate = _plate_of(form, sign.language)
        lot = sign.lot
        bill, assessment = await self._database.write(
            partial(bill_in_advance, lot=lot.id, plate=plate, lot_tariff=lot.tariff_code, currency=lot.currency),
            by=sign.by, urgency=Urgency.LANE,
        )  # fmt: skip
        due = due_view(bill, sign.language) if bill else _nothing_due(assessment, sign.language)
        if wants_page(request):
            return pages.page_response(pages.bill_page(lot, sign.code, due, plate.masked, sign.language))
        return _json(DriverBill(bill=due))

    def _answer(self, request: Request, sign: _Sign, answer: DriverLane | DriverLot) -> Response:
        if not wants_page(request):
            return _json(answer)
        if isinstance(answer, DriverLot):
            return pages.page_response(pages.lot_page(sign.lot, sign.code, answer, sign.language))
        assert sign.lane is not None, "a lane's answer is about a lane"
        has_pass = PASS_COOKIE in request.cookies
        return pages.page_response(pages.lane_page(sign.lane, answer, sign.language, has_pass=has_pass))

    async def _lot_answer(self, sign: _Sign) -> DriverLot:
        lot = sign.lot
        return DriverLot(lot=lot.code, name=pages.name_of(lot), free=max(0, lot.free), state=lot.state)

    async def _sign(self, request: Request) -> _Sign:
        """Find what a code stands for. Raises ``TooMany`` and ``NotFound("code.not_found")``."""
        code = request.path_params["code"].upper()
        address = address_of(request) or ""
        who = limit_key(address)
        key = f"{who}|{code[:10]}"
        if _CODE.match(code) and not self._limiter.take(key):
            raise TooMany(self._limiter.retry_after_s(key))
        scanner = Actor(ActorKind.PERSON, "driver", address or None)
        found = None
        if _CODE.match(code):
            found = await self._database.read(partial(_found, code=code), by=Caller(scanner, EVERYTHING))
        if found is None:
            if not self._strangers.take(who):
                raise TooMany(self._strangers.retry_after_s(who))
            raise NotFound("code.not_found")
        lane, lot = found
        return _Sign(code, lane, lot, Caller(scanner, Scope(lot.company, (lot.id,))), language_of(request))


def wants_page(request: Request) -> bool:
    """Tell whether a browser asks: it names HTML, and JSON not before it."""
    accept = request.headers.get("accept", "")
    page, data = accept.find("text/html"), accept.find("application/json")
    return page >= 0 and not 0 <= data < page


def language_of(request: Request) -> Language:
    """Return the language of the page: what the reader chose on it, otherwise what the browser asks for."""
    chosen = request.query_params.get("lang")
    return next((language for language in LANGUAGES if language == chosen), language_of_scope(request.scope))


async def read_form(request: Request, form: type[F], *, cookies: bool = False) -> F:
    """Read a body sent by a page's form or as JSON. Raises ``BadRequest`` and ``WrongMediaType``.

    With ``cookies`` a form that says nothing about the pass takes the one this phone keeps.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    values: Any
    if kind == _FORM:
        values = _form_values(await request.body())
        if cookies and not values and PASS_COOKIE in request.cookies:
            values = {PASS_COOKIE: request.cookies[PASS_COOKIE]}
    elif kind in ("", "application/json"):
        try:
            values = msgspec.json.decode(await request.body() or b"{}")
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise BadRequest([{"place": "body", "problem": "json_invalid"}]) from None
    else:
        raise WrongMediaType
    try:
        return form.model_validate(values)
    except ValidationError as error:
        places = [
            {"place": ".".join(("body", *map(str, detail["loc"])))[:120], "problem": detail["type"]}
            for detail in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise BadRequest(places) from None


def _form_values(body: bytes) -> Mapping[str, str]:
    try:
        return dict(parse_qsl(body.decode("utf-8"), max_num_fields=20))
    except ValueError:
        raise BadRequest([{"place": "body", "problem": "form_invalid"}]) from None


def _found(reader: Reader, code: str) -> tuple[LaneContext | None, LotSummary] | None:
    lane = facility.lane_by_scan_code(reader, scan_code=code)
    if lane is not None:
        return lane, facility.lot_by_id(reader, lot=lane.lot)
    lot = facility.lot_by_scan_code(reader, scan_code=code)
    return None if lot is None else (None, lot)


def _lane_answer(reader: Reader, sign: _Sign) -> DriverLane:
    lane = sign.lane
    assert lane is not None, "asked for lanes only"
    waiting = waiting_at(reader, lane=lane.id)
    return DriverLane(
        lot=lane.lot_code, lane=lane.code, name=pages.name_of(lane), direction=lane.kind,
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


def _nothing_due(assessment: Assessment, language: Language) -> DueView:
    plain = quote_to_plain(assessment.quote)
    return DueView(
        id="", number="", due=money(assessment.due), paid=money(assessment.paid), state="nothing_due",
        quoted_at=instant(assessment.at), valid_until=instant_or_none(assessment.holds_until),
        lines=lines_view(plain["lines"], language),
    )  # fmt: skip


def _json(view: View, status: int = 200) -> Response:
    body = msgspec.json.encode(view.model_dump(mode="json", by_alias=True))
    return Response(body, status, {"cache-control": "no-store"}, "application/json")
