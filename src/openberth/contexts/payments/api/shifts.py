"""Routes of shifts and of the safe, for guards and for those who confirm what guards counted."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from openberth.contexts import facility
from openberth.contexts.payments.api.shift_views import (
    CloseForm,
    CorrectForm,
    HandOverForm,
    MoveForm,
    MoveView,
    OpenForm,
    SafeView,
    SheetView,
    ShiftView,
    move_view,
    safe_view,
    sheet_view,
    shift_view,
)
from openberth.contexts.payments.model.shifts import Shift
from openberth.contexts.payments.service import safes, sheets, shifts
from openberth.contexts.payments.service.shifts import Onward
from openberth.infra.database import Database, Reader, Unit, Urgency
from openberth.infra.http.asks import LotName
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.pages import Ask, Asked, Page, last_of, page_of
from openberth.infra.idempotency import RequestKey
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id
from openberth.kernel.money import Money

ShiftPath = Annotated[Id, Path()]
LotPath = Annotated[str, Path(max_length=40, description="code or id of a lot")]
Runs = Annotated[Caller, Depends(may("shift.run"))]
Sees = Annotated[Caller, Depends(may("shift.read"))]
Confirms = Annotated[Caller, Depends(may("shift.confirm", fresh=True))]
Number = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="the number of a shift")]
Lister = Callable[..., list[Shift]]


class ShiftsApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1", tags=["shifts"])
        add = self.router.add_api_route
        add("/shifts", self.open, methods=["POST"], status_code=201, response_model=SheetView)
        add("/shifts", self.shifts, methods=["GET"])
        add("/my/shifts", self.own_shifts, methods=["GET"])
        add("/my/shifts/{shift}", self.own_sheet, methods=["GET"])
        add("/shifts/{shift}", self.sheet, methods=["GET"])
        add("/shifts/{shift}/hand-over", self.hand_over, methods=["POST"], response_model=SheetView)
        add("/shifts/{shift}/close", self.close, methods=["POST"], response_model=SheetView)
        add("/shifts/{shift}/confirm", self.confirm, methods=["POST"], response_model=SheetView)
        add("/shifts/{shift}/correct", self.correct, methods=["POST"], response_model=SheetView)
        add("/lots/{lot}/safe", self.safe, methods=["GET"])
        add("/lots/{lot}/safe/moves", self.moves, methods=["GET"])
        add("/lots/{lot}/safe/moves", self.move, methods=["POST"], status_code=201, response_model=MoveView)

    async def open(self, form: OpenForm, by: Runs, key: Key) -> Response:
        """Begin one's shift at a lot, with a float out of its safe."""

        def effect(unit: Unit) -> SheetView:
            lot = facility.lot_named(unit, name=form.lot)
            opening = Money(0, lot.currency) if form.opening is None else form.opening.value()
            shift = shifts.open_shift(unit, lot=lot.id, opening=opening, booth=form.booth)
            return sheet_view(unit, sheets.sheet_of(unit, shift))

        return answered(await self._database.write(once(key, effect, status=201), by=by))

    async def shifts(self, lot: LotName, ask: Asked, by: Sees, number: Number = None) -> Page[ShiftView]:
        """Return the shifts of a lot, newest first, or the one of a number."""
        found = partial(sheets.shifts_of_lot, number=number)
        return await self._database.read(partial(_shifts, lot=lot, ask=ask, found=found), by=by)

    async def own_shifts(self, lot: LotName, ask: Asked, by: Runs) -> Page[ShiftView]:
        """Return one's own shifts at a lot, newest first; the first one may be open."""
        return await self._database.read(partial(_shifts, lot=lot, ask=ask, found=sheets.own_shifts), by=by)

    async def sheet(self, shift: ShiftPath, by: Sees) -> SheetView:
        """Return the sheet of a shift; who may confirm it sees what a running one should hold, unless it is theirs."""
        return await self._database.read(lambda reader: sheet_view(reader, sheets.sheet(reader, shift=shift)), by=by)

    async def own_sheet(self, shift: ShiftPath, by: Runs) -> SheetView:
        """Return the sheet of one's own shift; before the count it does not tell how much cash there should be."""
        return await self._database.read(
            lambda reader: sheet_view(reader, sheets.own_sheet(reader, shift=shift)), by=by
        )

    async def hand_over(self, shift: ShiftPath, form: HandOverForm, by: Runs, key: Key) -> Response:
        """Count one's own shift and hand its cash over. A shift that comes back ``counted`` waits for a reason."""

        def act(unit: Unit, found: Shift) -> Shift:
            passed = None if form.passed is None else form.passed.value()
            onward = None if form.next is None else Onward(form.next, passed)
            count = form.count(found.opening.currency)
            return shifts.hand_over(unit, shift=shift, count=count, reason=form.reason, onward=onward)

        return await self._acted(shift, by, key, act)

    async def close(self, shift: ShiftPath, form: CloseForm, by: Confirms, key: Key) -> Response:
        """Count the shift of somebody who did not, and put its cash into the safe."""

        def act(unit: Unit, found: Shift) -> Shift:
            count = form.count(found.opening.currency)
            return shifts.close_shift(unit, shift=shift, count=count, reason=form.reason)

        return await self._acted(shift, by, key, act)

    async def confirm(self, shift: ShiftPath, by: Confirms, key: Key) -> Response:
        """Confirm what was counted at the hand-over of somebody else."""
        return await self._acted(shift, by, key, lambda unit, _: shifts.check_shift(unit, shift=shift, count=None))

    async def correct(self, shift: ShiftPath, form: CorrectForm, by: Confirms, key: Key) -> Response:
        """Say what the cash of a hand-over was instead; the guard's count stays beside it."""

        def act(unit: Unit, found: Shift) -> Shift:
            count = form.count(found.opening.currency)
            return shifts.check_shift(unit, shift=shift, count=count, reason=form.reason)

        return await self._acted(shift, by, key, act)

    async def safe(self, lot: LotPath, by: Sees) -> SafeView:
        """Return what the safe of a lot holds."""

        def query(reader: Reader) -> SafeView:
            return safe_view(safes.safes_of_lot(reader, lot=facility.lot_named(reader, name=lot).id))

        return await self._database.read(query, by=by)

    async def moves(self, lot: LotPath, ask: Asked, by: Sees) -> Page[MoveView]:
        """Return what was carried into and out of the safe of a lot beside shifts, newest first."""

        def query(reader: Reader) -> Page[MoveView]:
            found = facility.lot_named(reader, name=lot)
            rows = safes.moves_of_lot(reader, lot=found.id, before=ask.before, limit=ask.limit)
            return page_of([move_view(reader, row) for row in rows], last_of(rows, ask.limit, lambda row: row.id))

        return await self._database.read(query, by=by)

    async def move(
        self, lot: LotPath, form: MoveForm, by: Annotated[Caller, Depends(may("safe.write", fresh=True))], key: Key
    ) -> Response:
        """Take note that cash was carried: to the bank, from it, or from the lot's common till into the safe."""

        def effect(unit: Unit) -> MoveView:
            found = facility.lot_named(unit, name=lot)
            move = safes.move_cash(
                unit, lot=found.id, kind=form.kind, amount=form.amount.value(), reference=form.reference
            )
            return move_view(unit, move)

        return answered(await self._database.write(once(key, effect, status=201), by=by))

    async def _acted(
        self, shift: Id, by: Caller, key: RequestKey | None, act: Callable[[Unit, Shift], Shift]
    ) -> Response:
        def effect(unit: Unit) -> SheetView:
            return sheet_view(unit, sheets.sheet_of(unit, act(unit, shifts.shift_by_id(unit, shift=shift))))

        return answered(await self._database.write(once(key, effect), by=by, urgency=Urgency.LANE))


def _shifts(reader: Reader, lot: str, ask: Ask, found: Lister) -> Page[ShiftView]:
    place = facility.lot_named(reader, name=lot)
    rows = found(reader, lot=place.id, before=ask.before, limit=ask.limit)
    return page_of([shift_view(reader, row) for row in rows], last_of(rows, ask.limit, lambda row: row.id))
