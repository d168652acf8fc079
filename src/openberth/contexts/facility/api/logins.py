"""Operator routes of how we call devices: where, and by which login, which goes in and never comes out."""

from functools import partial
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, model_validator

from openberth.contexts.facility.api.operation import CodePath, CommandView, LotPath, command_view
from openberth.contexts.facility.model import DeviceKind
from openberth.contexts.facility.model.endpoints import ENDPOINT_MAX
from openberth.contexts.facility.service.endpoints import called_device, set_endpoint
from openberth.contexts.facility.service.logins import PASSWORD_MAX, USER_MAX, forget_login, set_login
from openberth.contexts.facility.service.naming import codes_of, lot_named
from openberth.infra.catalogue import Language, text
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.http.answers import View, When, instant
from openberth.infra.http.asks import Form, Seen
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.problems import language_of_scope
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id


class DeviceLoginForm(Form):
    """By which user name and password the device is called; both null: it is not called any more."""

    user: str | None = Field(max_length=USER_MAX)
    password: str | None = Field(max_length=PASSWORD_MAX, repr=False)

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password are given together, or both are null")
        return self


class CallLoginForm(Form):
    """By which user name and password the device is called."""

    user: str = Field(max_length=USER_MAX)
    password: str = Field(max_length=PASSWORD_MAX, repr=False)


class EndpointForm(Form):
    """Where a device is called, null: nowhere. Another address erases the login, so it is given along."""

    endpoint: str | None = Field(max_length=ENDPOINT_MAX, examples=["http://192.168.1.64"])
    login: CallLoginForm | None = None


class CallTroubleView(View):
    """What is wrong with our calls since an instant (business time), and what to do, in words."""

    kind: str
    since: When
    text: str


class DeviceEndpointView(View):
    """How a device is called: ``endpoint`` lies inside of its ``addresses``, ``gate`` is the way in which its gate is
    moved, null to find out. ``last_command`` is the last one that has ended.
    """

    id: Id
    code: str
    kind: DeviceKind
    endpoint: str | None
    addresses: list[str]
    gate: str | None
    has_login: bool
    version: int
    last_command: CommandView | None
    trouble: CallTroubleView | None


class DeviceLoginsApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1", tags=["facility"])
        self.router.add_api_route(
            "/lots/{lot}/devices/{device}/login", self.login, methods=["POST"], status_code=204,
            response_class=Response,
        )  # fmt: skip
        path = "/lots/{lot}/devices/{device}/endpoint"
        self.router.add_api_route(path, self.endpoint, methods=["GET"])
        self.router.add_api_route(path, self.set_endpoint, methods=["PUT"])

    async def endpoint(
        self, lot: LotPath, device: CodePath, request: Request, by: Annotated[Caller, Depends(may("device.read"))]
    ) -> DeviceEndpointView:
        """Return how a device is called, and how that fares."""
        language = language_of_scope(request.scope)
        return await self._database.read(partial(_called, lot=lot, device=device, language=language), by=by)

    async def set_endpoint(
        self, lot: LotPath, device: CodePath, form: EndpointForm, request: Request,
        by: Annotated[Caller, Depends(may("lot.write"))], version: Seen = None,
    ) -> DeviceEndpointView:  # fmt: skip
        """Say where the device is called from now on; with a login (``device.credentials``) also as whom.

        With ``version`` only if it is still what was read (409 ``state.changed``).
        """
        language = language_of_scope(request.scope)

        def effect(unit: Unit) -> DeviceEndpointView:
            found = lot_named(unit, name=lot).id
            moved = set_endpoint(unit, lot=found, device_code=device, endpoint=form.endpoint, expected=version)
            if form.login is not None:
                set_login(
                    unit, lot=found, device_code=device, user=form.login.user, password=form.login.password,
                    expected=None if moved else version,
                )  # fmt: skip
            return _called(unit, lot=lot, device=device, language=language)

        return await self._database.write(effect, by=by)

    async def login(
        self,
        lot: LotPath,
        device: CodePath,
        form: DeviceLoginForm,
        by: Annotated[Caller, Depends(may("device.credentials"))],
        key: Key,
    ) -> Response:
        """Keep by which user name and password we call the device, or forget it."""

        def effect(unit: Unit) -> None:
            found = lot_named(unit, name=lot)
            if form.user is None or form.password is None:
                forget_login(unit, lot=found.id, device_code=device)
            else:
                set_login(unit, lot=found.id, device_code=device, user=form.user, password=form.password)

        return answered(await self._database.write(once(key, effect, status=204), by=by))


def _called(reader: Reader, *, lot: str, device: str, language: Language) -> DeviceEndpointView:
    where = lot_named(reader, name=lot).id
    found = called_device(reader, lot=where, device_code=device)
    row, trouble = found.row, found.trouble
    return DeviceEndpointView(
        id=row.id, code=row.code, kind=row.kind, endpoint=row.endpoint, addresses=list(row.networks), gate=row.gate,
        has_login=row.login_id is not None, version=found.version,
        last_command=None if found.last is None else command_view(found.last, codes_of(reader, lot=where)),
        trouble=None
        if trouble is None
        else CallTroubleView(
            kind=trouble.kind, since=instant(trouble.since),
            text=text(f"alarm.{trouble.kind}", language, **trouble.params),
        ),
    )  # fmt: skip
