"""Operator routes of devices: all of them in one list, and those that wait for somebody to take them in."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from openberth.contexts.facility.api.operation import CommandView, command_view
from openberth.contexts.facility.model import Command, CommandKind, DeviceKind, Outcome
from openberth.contexts.facility.service import waiting as service
from openberth.contexts.facility.service.commands import tell_device
from openberth.contexts.facility.service.devices import DeviceRow, DeviceState, device_by_id, devices_page
from openberth.contexts.facility.service.health import history_of
from openberth.contexts.facility.service.naming import codes_of, lot_named
from openberth.contexts.facility.service.waiting import WaitingDevice, waiting_devices
from openberth.infra.catalogue import Language, text
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.http.answers import View, When, instant, instant_or_none
from openberth.infra.http.asks import Code, Form, Words
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.pages import Ask, Asked, Page, last_of, page_of
from openberth.infra.http.problems import language_of_scope
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id

LotAsked = Annotated[str | None, Query(max_length=40, description="code or id of a lot")]
DevicePath = Annotated[Id, Path(description="id of a device")]
WaitingPath = Annotated[Id, Path(description="id of a device that waits")]


class DeviceErrorView(View):
    """A command that was not done: why, as far as anybody knows, and when it ended (machine time)."""

    command: Id
    kind: CommandKind
    outcome: Outcome
    detail: str | None
    at: When


class ListedDeviceView(View):
    """A device. ``last_seen`` is machine time; ``status`` is what it says of itself, e.g. where its boom is.
    ``since`` is when it came or was lost (machine time). ``clock_offset_us`` is how far its clock is ahead of business
    time, null for one that sends no times. ``endpoint`` is where it is called, which also takes a login;
    ``is_called``: its kind can be.
    """

    id: Id
    code: str
    kind: DeviceKind
    lot: str
    lot_id: Id
    lane: str
    lane_id: Id
    serial: str | None
    addresses: list[str]
    has_credentials: bool
    is_called: bool
    endpoint: str | None
    has_login: bool
    state: DeviceState
    last_seen: When | None
    address: str | None
    clock_offset_us: int | None
    status: Mapping[str, Any] | None
    firmware: str | None
    since: When | None
    last_error: DeviceErrorView | None


class WaitingDeviceView(View):
    """Somebody who calls and is no device of anybody; it opens nothing. Times are machine time."""

    id: Id
    kind: DeviceKind
    serial: str | None
    address: str
    first_seen: When
    last_seen: When
    times: int


class WaitingDevicesView(View):
    """Who waits, the last that called first."""

    items: list[WaitingDeviceView]


class ApproveForm(Form):
    """Which device of which lane it becomes; a collector of sensors stands at none."""

    lot: Code
    lane: Code | None = None
    code: Code


class RefuseForm(Form):
    """Why it is refused."""

    reason: Words


class ApprovedView(View):
    """The new device. It proves itself once it has been given credentials."""

    id: Id
    lot: str
    lane: str | None
    code: str


class TellForm(Form):
    """What a device is told about itself, and why."""

    kind: Literal[CommandKind.RESTART, CommandKind.SET_TIME]
    reason: Words


class EndedTroubleView(View):
    """What was wrong with the device from ``since`` until ``ended_at`` (business time)."""

    kind: str
    since: When
    ended_at: When
    text: str


class FirmwareView(View):
    """What the device says it runs, from ``seen_at`` on (machine time)."""

    firmware: str
    seen_at: When


class DeviceHistoryView(View):
    """What became of a device, the newest first: what was wrong and is over, what it ran, commands that were not done
    and those to the device itself.
    """

    ended: list[EndedTroubleView]
    firmwares: list[FirmwareView]
    commands: list[CommandView]


class DevicesApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1/devices", tags=["facility"])
        add = self.router.add_api_route
        add("", self.devices, methods=["GET"])
        add("/waiting", self.waiting, methods=["GET"])
        add("/{device}/history", self.history, methods=["GET"])
        add("/{device}/commands", self.tell, methods=["POST"], response_model=CommandView)
        add("/waiting/{waiting}/approve", self.approve, methods=["POST"], response_model=ApprovedView)
        add("/waiting/{waiting}/refuse", self.refuse, methods=["POST"], status_code=204, response_class=Response)

    async def devices(
        self,
        ask: Asked,
        by: Annotated[Caller, Depends(may("device.read"))],
        lot: LotAsked = None,
        state: Annotated[DeviceState | None, Query()] = None,
        kind: Annotated[DeviceKind | None, Query()] = None,
    ) -> Page[ListedDeviceView]:
        """Return the devices of all lots, or of one, the newest first."""
        return await self._database.read(partial(_devices, lot=lot, state=state, kind=kind, ask=ask), by=by)

    async def waiting(self, by: Annotated[Caller, Depends(may("device.read"))]) -> WaitingDevicesView:
        """Return who calls and is nobody's device: all for the platform, for others who calls from their networks."""
        found = await self._database.read(waiting_devices, by=by)
        return WaitingDevicesView(items=[_waiting_view(each) for each in found])

    async def history(
        self, device: DevicePath, request: Request, by: Annotated[Caller, Depends(may("device.read"))]
    ) -> DeviceHistoryView:
        """Return what became of a device: at most a hundred entries of each kind."""
        language = language_of_scope(request.scope)
        return await self._database.read(partial(_history, device=device, language=language), by=by)

    async def tell(
        self, device: DevicePath, form: TellForm, by: Annotated[Caller, Depends(may("device.command"))], key: Key
    ) -> Response:
        """Tell a device that is heard to restart, or what time it is; its row says what became of it."""

        def effect(unit: Unit) -> CommandView:
            found = device_by_id(unit, device=device)
            told = tell_device(
                unit, company=found.company, lot=found.lot, lane=found.lane, device=device, kind=form.kind,
                reason=form.reason,
            )  # fmt: skip
            return command_view(told, codes_of(unit, lot=found.lot))

        return answered(await self._database.write(once(key, effect), by=by))

    async def approve(
        self, waiting: WaitingPath, form: ApproveForm, by: Annotated[Caller, Depends(may("lot.write"))], key: Key
    ) -> Response:
        """Make it a device of a lane, heard from the address that it called from."""

        def effect(unit: Unit) -> ApprovedView:
            found = lot_named(unit, name=form.lot)
            made = service.approve(unit, waiting=waiting, lot=found.id, lane=form.lane, code=form.code)
            return ApprovedView(id=made, lot=found.code, lane=form.lane, code=form.code)

        return answered(await self._database.write(once(key, effect), by=by))

    async def refuse(
        self, waiting: WaitingPath, form: RefuseForm, by: Annotated[Caller, Depends(may("lot.write"))], key: Key
    ) -> Response:
        """Show it no more, until it has been quiet for a week."""
        effect = partial(service.refuse, waiting=waiting, reason=form.reason)
        return answered(await self._database.write(once(key, effect, status=204), by=by))


def _history(reader: Reader, device: Id, language: Language) -> DeviceHistoryView:
    found = device_by_id(reader, device=device)
    history, codes = history_of(reader, device=device), codes_of(reader, lot=found.lot)
    return DeviceHistoryView(
        ended=[
            EndedTroubleView(
                kind=one.kind, since=instant(one.since), ended_at=instant(one.ended_at),
                text=text(one.code, language, **one.params),
            )
            for one in history.ended
        ],
        firmwares=[FirmwareView(firmware=one.text, seen_at=instant(one.seen_at)) for one in history.firmwares],
        commands=[command_view(one, codes) for one in history.commands],
    )  # fmt: skip


def _devices(
    reader: Reader, lot: str | None, state: DeviceState | None, kind: DeviceKind | None, ask: Ask
) -> Page[ListedDeviceView]:
    wanted = None if lot is None else lot_named(reader, name=lot).id
    rows = devices_page(reader, lot=wanted, heard=state, kind=kind, before=ask.before, limit=ask.limit)
    return page_of([_device_view(row) for row in rows], last_of(rows, ask.limit, lambda row: row.device.id))


def _device_view(row: DeviceRow) -> ListedDeviceView:
    device, heard = row.device, row.heard
    return ListedDeviceView(
        id=device.id, code=device.code, kind=device.kind, lot=device.lot_code, lot_id=device.lot, lane=device.lane_code,
        lane_id=device.lane, serial=device.serial, addresses=list(device.networks),
        has_credentials=device.secret is not None, is_called=bool(device.kind.wire.gates),
        endpoint=device.endpoint, has_login=device.login is not None,
        state=row.state,
        last_seen=None if heard is None else instant(heard.last_seen_at),
        address=None if heard is None else heard.address,
        clock_offset_us=None if heard is None else heard.clock_offset_us,
        status=None if heard is None else heard.state, firmware=None if heard is None else heard.firmware,
        since=None if heard is None else instant_or_none(heard.since_at),
        last_error=None if row.error is None else _error_view(row.error),
    )  # fmt: skip


def _error_view(command: Command) -> DeviceErrorView:
    assert command.outcome is not None, "it has ended"
    at = command.ended_at or command.issued_at
    return DeviceErrorView(
        command=command.id, kind=command.kind, outcome=command.outcome, detail=command.detail, at=instant(at)
    )


def _waiting_view(one: WaitingDevice) -> WaitingDeviceView:
    return WaitingDeviceView(
        id=one.id, kind=one.kind, serial=one.serial or None, address=one.address, first_seen=instant(one.first_seen_at),
        last_seen=instant(one.last_seen_at), times=one.times,
    )  # fmt: skip
