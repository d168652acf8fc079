"""Operator routes of what runs: lot state, corrections of counts, credentials, commands."""

import secrets
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field

from openberth.contexts.facility.model import (
    AreaCount,
    Command,
    CommandKind,
    CommandState,
    DeviceKind,
    LotState,
    Outcome,
)
from openberth.contexts.facility.service.commands import CommandFilter, commands_found
from openberth.contexts.facility.service.lots import (
    OLD_SECRET_S_MAX,
    change_state,
    issue_credentials,
)
from openberth.contexts.facility.service.naming import Codes, codes_of, lot_named
from openberth.contexts.facility.service.occupancy import ADJUSTMENT_MAX, adjust
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.http.answers import View, When, instant, instant_or_none
from openberth.infra.http.asks import Code, Form, LotName, Moment, Words
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.pages import Ask, Asked, Page, page_of
from openberth.kernel.authority import Caller
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

PUSHED_BELOW = "/devices/"

LotPath = Annotated[str, Path(max_length=40, description="code or id of a lot")]
CodePath = Annotated[str, Path(max_length=40)]


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
    ``address`` is what is typed into the device: the whole address of a camera, host and port for what dials in. A
    device that signs what it pushes is given ``signed_address`` instead, which is no secret. Until ``old_until`` the
    secret before it holds as well.
    """

    device: str
    kind: DeviceKind
    serial: str | None
    secret: str
    path: str | None
    address: str
    signed_address: str | None
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
    """Serves the routes. ``http_base``, ``barrier_base`` and ``mqtt_base`` are where devices reach this service."""

    def __init__(self, database: Database, *, http_base: str, barrier_base: str, mqtt_base: str) -> None:
        self._database = database
        self._http_base = http_base
        self._barrier_base = barrier_base
        self._mqtt_base = mqtt_base
        self.router = APIRouter(prefix="/v1", tags=["facility"])
        add = self.router.add_api_route
        add("/lots/{lot}/state", self.state, methods=["POST"], response_model=StateView)
        add("/lots/{lot}/occupancy", self.occupancy, methods=["POST"], response_model=OccupancyView)
        add(
            "/lots/{lot}/devices/{device}/credentials", self.credentials, methods=["POST"],
            response_model=CredentialsView,
        )  # fmt: skip
        add("/commands", self.commands, methods=["GET"])

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
            word = made.kind.wire.pushes
            path = f"{PUSHED_BELOW}{word}/{secret}" if word else None
            signed = f"{self._http_base}{PUSHED_BELOW}{word}/{made.device}" if made.kind.wire.signs else None
            dialled = self._barrier_base if made.kind.wire.mqtt is None else self._mqtt_base
            address = dialled if path is None else self._http_base + path
            return CredentialsView(
                device=made.code, kind=made.kind, serial=made.serial, secret=secret, path=path, address=address,
                signed_address=signed, old_until=instant_or_none(made.old_until),
            )  # fmt: skip

        return answered(await self._database.write(once(key, effect, secret=True), by=by))

    async def commands(
        self,
        lot: LotName,
        ask: Asked,
        by: Annotated[Caller, Depends(may("device.read"))],
        device: Annotated[Code | None, Query(description="code of a device")] = None,
        outcome: Annotated[Outcome | None, Query()] = None,
        since: Annotated[Moment | None, Query(description="machine time")] = None,
    ) -> Page[CommandView]:
        """Return the commands of a lot, newest first; narrowed, a page may hold fewer than asked and go on."""
        ask_for = partial(_commands, lot=lot, device=device, outcome=outcome, since=since, ask=ask)
        return await self._database.read(ask_for, by=by)


def command_view(command: Command, codes: Codes) -> CommandView:
    """Return a command as it leaves."""
    return CommandView(
        id=command.id, device=codes.devices.get(command.device_id, str(command.device_id)),
        lane=codes.lanes.get(command.lane_id, str(command.lane_id)), kind=command.kind, state=command.state,
        outcome=command.outcome, detail=command.detail, reason=command.reason, passage=command.passage_id,
        actor=command.actor, issued_at=instant(command.issued_at), expires_at=instant(command.expires_at),
        sent_at=instant_or_none(command.sent_at), ended_at=instant_or_none(command.ended_at),
    )  # fmt: skip


def _occupancy_view(found: AreaCount) -> OccupancyView:
    return OccupancyView(
        area=found.code, count=found.count, adjustment=found.adjustment, capacity=found.capacity,
        occupied=found.occupied, free=found.free,
    )  # fmt: skip


def _commands(
    reader: Reader, lot: str, device: str | None, outcome: Outcome | None, since: Instant | None, ask: Ask
) -> Page[CommandView]:
    found = lot_named(reader, name=lot)
    codes = codes_of(reader, lot=found.id)
    wanted = None if device is None else next((each for each, code in codes.devices.items() if code == device), None)
    if device is not None and wanted is None:
        raise NotFound("device.not_found", device=device)
    only = CommandFilter(wanted, outcome, since)
    rows, more_after = commands_found(reader, lot=found.id, only=only, before=ask.before, limit=ask.limit)
    return page_of([command_view(row, codes) for row in rows], more_after)
