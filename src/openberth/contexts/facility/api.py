"""Operator routes of facility: lot files, lot state, corrections of counts, credentials, commands."""

import asyncio
import secrets
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import Field

from openberth.contexts import tenancy
from openberth.contexts.facility.document import read_lot, tariff_places
from openberth.contexts.facility.model import (
    Action,
    AreaCount,
    Command,
    CommandKind,
    CommandState,
    DeviceKind,
    Lot,
    LotState,
    Outcome,
    ThingKind,
)
from openberth.contexts.facility.ports import TariffBook
from openberth.contexts.facility.service.commands import commands_of_lot
from openberth.contexts.facility.service.lots import (
    OLD_SECRET_S_MAX,
    Applied,
    apply_lot,
    change_state,
    issue_credentials,
    lot_changes,
)
from openberth.contexts.facility.service.naming import Codes, codes_of, lot_named
from openberth.contexts.facility.service.occupancy import ADJUSTMENT_MAX, adjust
from openberth.contexts.facility.service.views import lot_by_code
from openberth.infra.catalogue import Language, text
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.documents import DocumentError, Flaw, Mistake, flaw, located
from openberth.infra.http.answers import View, When, instant, instant_or_none
from openberth.infra.http.asks import Code, Form, LotName, Words, document_body, document_text
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.pages import Ask, Asked, Page, last_of, page_of
from openberth.infra.http.problems import language_of_scope
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Refused
from openberth.kernel.ids import Id

CAMERA_PATH = "/devices/vzenith/"
CHANGES_SHOWN = 500
OTHER_CURRENCY = "lot.tariff_currency"

LotPath = Annotated[str, Path(max_length=40, description="code or id of a lot")]
CodePath = Annotated[str, Path(max_length=40)]


class ChangeView(View):
    """What applying a file did to one thing; ``fields`` names what changed."""

    action: Action
    kind: ThingKind
    code: str
    fields: list[str]


class PlaceWarningView(View):
    """Something to know about a place of the file that forbids nothing."""

    line: int
    path: str
    code: str
    params: dict[str, str | int | bool | None]
    text: str


class AppliedView(View):
    """What applying a lot file did. ``counts`` is complete; of ``changes`` the first 500 are shown, without spaces."""

    lot: Id
    created: bool
    fields: list[str]
    counts: dict[str, int]
    changes: list[ChangeView]
    warnings: list[PlaceWarningView]


class StateForm(Form):
    """Who is let in from now on, and why."""

    state: LotState
    reason: Words


class StateView(View):
    """Who is let in now."""

    lot: Id
    state: LotState


class OccupancyForm(Form):
    """The correction of an area's count, and why."""

    area: Code
    adjustment: int = Field(ge=-ADJUSTMENT_MAX, le=ADJUSTMENT_MAX, strict=True)
    reason: Words


class OccupancyView(View):
    """The three numbers of an area, and what they come to."""

    area: str
    count: int
    adjustment: int
    capacity: int
    occupied: int
    free: int


class CredentialsForm(Form):
    """For how many seconds the secret until now still holds, so that the device can be changed over."""

    old_for_s: int = Field(default=0, ge=0, le=OLD_SECRET_S_MAX, strict=True)


class CredentialsView(View):
    """A device's secret, shown once: 64 hexadecimal digits.

    A camera posts to ``path``; a barrier introduces itself by ``serial`` and proves that it knows the secret.
    ``address`` is what is typed into the device: the whole address of a camera, host and port for a barrier. Until
    ``old_until`` the secret before it holds as well.
    """

    device: str
    kind: DeviceKind
    serial: str | None
    secret: str
    path: str | None
    address: str
    old_until: When | None


class CommandView(View):
    """A command to a device. Its instants are machine time; ``outcome`` is null until it has ended."""

    id: Id
    device: str
    lane: str
    kind: CommandKind
    state: CommandState
    outcome: Outcome | None
    detail: str | None
    reason: str | None
    passage: Id | None
    actor: str
    issued_at: When
    expires_at: When
    sent_at: When | None
    ended_at: When | None


class FacilityApi:
    """Serves the routes. ``http_base`` and ``barrier_base`` are where devices reach this service."""

    def __init__(self, database: Database, tariffs: TariffBook, *, http_base: str, barrier_base: str) -> None:
        self._database = database
        self._tariffs = tariffs
        self._http_base = http_base
        self._barrier_base = barrier_base
        self.router = APIRouter(prefix="/v1", tags=["facility"])
        add = self.router.add_api_route
        add(
            "/lots/{code}", self.apply, methods=["PUT"], response_model=AppliedView,
            openapi_extra=document_body("a lot file"), responses={201: {"model": AppliedView}},
        )  # fmt: skip
        add("/lots/{lot}/state", self.state, methods=["POST"], response_model=StateView)
        add("/lots/{lot}/occupancy", self.occupancy, methods=["POST"], response_model=OccupancyView)
        add(
            "/lots/{lot}/devices/{device}/credentials", self.credentials, methods=["POST"],
            response_model=CredentialsView,
        )  # fmt: skip
        add("/commands", self.commands, methods=["GET"])

    async def apply(
        self, code: CodePath, request: Request, response: Response, by: Annotated[Caller, Depends(may("lot.write"))]
    ) -> AppliedView:
        """Apply a lot file; the same file again changes nothing. A tariff in another currency is a mistake."""
        sent = await document_text(request)
        # A large file takes the parser a second: not on the loop.
        lot = await asyncio.to_thread(read_lot, sent, name=code)
        if lot.code != code:
            raise Refused("lot.code_differs", found=lot.code, expected=code)
        flaws = await self._database.read(partial(_tariff_flaws, lot=lot, book=self._tariffs), by=by)
        found = await asyncio.to_thread(located, sent, flaws)
        mistakes = [each for each in found if each.code == OTHER_CURRENCY]
        if mistakes:
            raise DocumentError(code, mistakes)
        # Comparing many spaces holds the writer up: nothing is written when nothing changes.
        applied = await self._database.read(partial(_unchanged, lot=lot), by=by)
        if applied is None:
            applied = await self._database.write(partial(_apply, lot=lot), by=by)
        if applied.changes.created:
            response.status_code = 201
        return _applied_view(applied, found, language_of_scope(request.scope))

    async def state(
        self, lot: LotPath, form: StateForm, by: Annotated[Caller, Depends(may("lot.write"))], key: Key
    ) -> Response:
        """Say who is let in."""

        def effect(unit: Unit) -> StateView:
            found = lot_named(unit, name=lot)
            change_state(unit, lot=found.id, state=form.state, reason=form.reason)
            return StateView(lot=found.id, state=form.state)

        return answered(await self._database.write(once(key, effect), by=by))

    async def occupancy(
        self, lot: LotPath, form: OccupancyForm, by: Annotated[Caller, Depends(may("occupancy.write"))], key: Key
    ) -> Response:
        """Set the correction of an area's count; the counted cars stay as they are."""

        def effect(unit: Unit) -> OccupancyView:
            found = lot_named(unit, name=lot)
            return _occupancy_view(
                adjust(
                    unit, company=found.company, lot=found.id, area=form.area, adjustment=form.adjustment,
                    reason=form.reason,
                )
            )  # fmt: skip

        return answered(await self._database.write(once(key, effect), by=by))

    async def credentials(
        self,
        lot: LotPath,
        device: CodePath,
        by: Annotated[Caller, Depends(may("device.credentials"))],
        key: Key,
        form: CredentialsForm | None = None,
    ) -> Response:
        """Make a new secret for a device; the one before holds for ``old_for_s`` seconds more, or is void at once."""
        secret, old_for_s = secrets.token_hex(32), 0 if form is None else form.old_for_s

        def effect(unit: Unit) -> CredentialsView:
            found = lot_named(unit, name=lot)
            made = issue_credentials(unit, lot=found.id, device_code=device, secret=secret, old_for_s=old_for_s)
            path = CAMERA_PATH + secret if made.kind is DeviceKind.VZENITH_HTTP else None
            address = self._barrier_base if path is None else self._http_base + path
            return CredentialsView(
                device=made.code, kind=made.kind, serial=made.serial, secret=secret, path=path, address=address,
                old_until=instant_or_none(made.old_until),
            )  # fmt: skip

        return answered(await self._database.write(once(key, effect, secret=True), by=by))

    async def commands(
        self, lot: LotName, ask: Asked, by: Annotated[Caller, Depends(may("device.read"))]
    ) -> Page[CommandView]:
        """Return the commands of a lot, newest first."""
        return await self._database.read(partial(_commands, lot=lot, ask=ask), by=by)


def command_view(command: Command, codes: Codes) -> CommandView:
    """Return a command as it leaves."""
    return CommandView(
        id=command.id, device=codes.devices.get(command.device_id, str(command.device_id)),
        lane=codes.lanes.get(command.lane_id, str(command.lane_id)), kind=command.kind, state=command.state,
        outcome=command.outcome, detail=command.detail, reason=command.reason, passage=command.passage_id,
        actor=command.actor, issued_at=instant(command.issued_at), expires_at=instant(command.expires_at),
        sent_at=instant_or_none(command.sent_at), ended_at=instant_or_none(command.ended_at),
    )  # fmt: skip


def _unchanged(reader: Reader, lot: Lot) -> Applied | None:
    for company in tenancy.companies(reader):
        if company.code == lot.company_code:
            changes = lot_changes(reader, company=company.id, lot=lot)
            if not changes:
                return Applied(lot_by_code(reader, code=lot.code, company=company.id).id, changes)
    return None


def _apply(unit: Unit, lot: Lot) -> Applied:
    company = tenancy.ensure_company(unit, code=lot.company_code)
    return apply_lot(unit, company=company.id, lot=lot)


def _tariff_flaws(reader: Reader, lot: Lot, book: TariffBook) -> list[Flaw]:
    """Find the places of a lot file that name a tariff by which nothing can be priced."""
    companies = {company.code: company.id for company in tenancy.companies(reader)}
    owner = companies.get(lot.company_code)
    known = {} if owner is None else book(reader, company=owner)
    flaws: list[Flaw] = []
    for path, code in tariff_places(lot):
        currency = known.get(code)
        if currency is None:
            flaws.append(flaw(path, "lot.tariff_unpublished", tariff=code))
        elif currency != lot.currency:
            flaws.append(flaw(path, OTHER_CURRENCY, tariff=code, found=currency, expected=lot.currency))
    return flaws


def _applied_view(applied: Applied, warnings: list[Mistake], language: Language) -> AppliedView:
    changes = applied.changes
    shown = [each for each in changes.things if each.kind is not ThingKind.SPACE][:CHANGES_SHOWN]
    return AppliedView(
        lot=applied.lot, created=changes.created, fields=list(changes.lot_fields), counts=changes.counts(),
        changes=[
            ChangeView(action=each.action, kind=each.kind, code=each.code, fields=list(each.fields)) for each in shown
        ],
        warnings=[
            PlaceWarningView(
                line=each.line, path=each.path, code=each.code, params=dict(each.params),
                text=each.text(lambda name, params: text(name, language, **params)),
            )
            for each in warnings
        ],
    )  # fmt: skip


def _occupancy_view(found: AreaCount) -> OccupancyView:
    return OccupancyView(
        area=found.code, count=found.count, adjustment=found.adjustment, capacity=found.capacity,
        occupied=found.occupied, free=found.free,
    )  # fmt: skip


def _commands(reader: Reader, lot: str, ask: Ask) -> Page[CommandView]:
    found = lot_named(reader, name=lot)
    rows = commands_of_lot(reader, lot=found.id, before=ask.before, limit=ask.limit)
    codes = codes_of(reader, lot=found.id)
    items: list[Any] = [command_view(row, codes) for row in rows]
    return page_of(items, last_of(rows, ask.limit, lambda row: row.id))
