"""The route by which somebody who is signed in proves itself once more."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from openberth.contexts.tenancy.api.signing_in import SECRET_MAX, account_of, own
from openberth.contexts.tenancy.reactions.door import Door
from openberth.contexts.tenancy.reactions.reception import Reception
from openberth.contexts.tenancy.service import accounts, confirming
from openberth.contexts.tenancy.service.confirming import Shown
from openberth.infra.database import Database, Unit
from openberth.infra.http.answers import View, When, instant
from openberth.infra.http.asks import Form
from openberth.infra.http.auth import bearer, signed_in
from openberth.infra.passwords import Hashing
from openberth.kernel.authority import Caller
from openberth.kernel.errors import Malformed, Refused, Unknown
from openberth.kernel.ids import Id
from openberth.kernel.time import MINUTE_US, Instant

SUBJECT_MAX = 300


class ConfirmForm(Form):
    """Password, or code of the authenticator; for one deed on one subject (the path of the request to come), or for
    whatever this session does in the next minutes.
    """

    password: str | None = Field(default=None, min_length=1, max_length=SECRET_MAX)
    code: str | None = Field(default=None, min_length=6, max_length=20)
    deed: str | None = Field(default=None, min_length=1, max_length=60, examples=["lane.open"])
    subject: str | None = Field(default=None, min_length=1, max_length=SUBJECT_MAX)


class ConfirmedView(View):
    """Until when it counts. ``confirmation`` is for one deed: the header ``X-OpenBerth-Confirmation``, good once."""

    until: When
    confirmation: str | None


class ConfirmApi:
    """Serves the route."""

    def __init__(self, database: Database, reception: Reception, door: Door, hashing: Hashing) -> None:
        self._database = database
        self._reception = reception
        self._door = door
        self._hashing = hashing
        self.router = APIRouter(prefix="/v1/auth", tags=["auth"])
        self.router.add_api_route("/confirm", self.confirm, methods=["POST"])

    async def confirm(
        self, form: ConfirmForm, request: Request, by: Annotated[Caller, Depends(signed_in)]
    ) -> ConfirmedView:
        """Prove once more who one is, before deeds that a token alone is not enough for."""
        if (form.password is None) == (form.code is None) or (form.deed is None) != (form.subject is None):
            raise Malformed("auth.nothing_to_confirm")
        account = account_of(by)
        token = bearer(request.headers.get("authorization"))
        session = None if token is None else await self._door.session_of(token)
        if session is None:
            raise Refused("auth.no_session")
        await self._reception.count(by.actor.address)
        shown = await self._shown(form, account, by)

        def effect(unit: Unit) -> ConfirmedView | None:
            marks = form.deed is None
            if not confirming.confirm(unit, account=account, session=session, shown=shown, marks=marks):
                return None
            return self._view(unit, session, form)

        found = await self._database.write(effect, by=own(by))
        if found is None:
            raise Unknown("auth.wrong")
        self._door.forget(account)  # this process need not wait for the log
        return found

    async def _shown(self, form: ConfirmForm, account: Id, by: Caller) -> Shown:
        if form.password is None:
            return Shown(code=form.code)
        found = await self._database.read(partial(accounts.account, account=account), by=own(by))
        return Shown(found.password, await self._hashing.matches(found.password, form.password))

    def _view(self, unit: Unit, session: Id, form: ConfirmForm) -> ConfirmedView:
        if form.deed is None or form.subject is None:
            until = Instant(unit.machine_now + self._door.fresh_minutes * MINUTE_US)
            return ConfirmedView(until=instant(until), confirmation=None)
        made = confirming.confirmation_of(unit, session=session, deed=form.deed, subject=form.subject)
        return ConfirmedView(until=instant(Instant(unit.machine_now + confirming.CONFIRMATION_US)), confirmation=made)
