"""Routes that show somebody all that is held about it, and that forget it."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from openberth.contexts.tenancy.api.signing_in import Self, account_of, own
from openberth.contexts.tenancy.model.holding import Hindrance
from openberth.contexts.tenancy.ports import Keeper
from openberth.contexts.tenancy.service import forgetting
from openberth.infra.database import Database, Unit
from openberth.infra.http.answers import View
from openberth.infra.http.asks import Form, Words
from openberth.infra.http.auth import ask_fresh, may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id

PersonPath = Annotated[Id, Path(description="id of a person")]


class ExportForm(Form):
    """Why somebody's data are taken out, and whether in clear: that needs the permission to unmask."""

    reason: Words
    in_clear: bool = False


class EraseForm(Form):
    """Why somebody is forgotten."""

    reason: Words


class HindranceView(View):
    """What stands in the way of forgetting somebody: a word, and what it is about."""

    kind: str
    subject: Id


class HindrancesView(View):
    """Everything that stands in the way; nothing does when it is empty."""

    items: list[HindranceView]


class ErasedView(View):
    """How much of what went; ``kept`` is how many plates the law keeps for a while."""

    gone: Mapping[str, int]


class PersonExportView(View):
    """Everything that is held about somebody, as one document (``openberth-person/1``)."""

    document: Mapping[str, Any]


class ForgettingApi:
    """Serves the routes."""

    def __init__(self, database: Database, keepers: Sequence[Keeper]) -> None:
        self._database = database
        self._keepers = tuple(keepers)
        self.router = APIRouter(prefix="/v1", tags=["forgetting"])
        add = self.router.add_api_route
        add("/people/{person}/export", self.export, methods=["POST"], response_model=PersonExportView)
        add("/people/{person}/hindrances", self.hindrances, methods=["GET"])
        add("/people/{person}/erase", self.erase, methods=["POST"], response_model=ErasedView)
        add("/me/export", self.export_own, methods=["POST"], response_model=PersonExportView)
        add("/me/hindrances", self.own_hindrances, methods=["GET"])
        add("/me/erase", self.erase_own, methods=["POST"], response_model=ErasedView)

    async def export(
        self, person: PersonPath, form: ExportForm, by: Annotated[Caller, Depends(may("person.export"))]
    ) -> Response:
        """Return everything that is held about somebody, masked or in clear; written down, never remembered."""

        def effect(unit: Unit) -> PersonExportView:
            document = forgetting.export(
                unit, person_id=person, keepers=self._keepers, reason=form.reason, in_clear=form.in_clear
            )
            return PersonExportView(document=document)

        return answered(await self._database.write(once(None, effect), by=by))

    async def hindrances(
        self, person: PersonPath, by: Annotated[Caller, Depends(may("person.read"))]
    ) -> HindrancesView:
        """Tell what stands in the way of forgetting somebody."""
        query = partial(forgetting.hindrances, person_id=person, keepers=self._keepers)
        return _hindrances(await self._database.read(query, by=by))

    async def erase(
        self, person: PersonPath, form: EraseForm, by: Annotated[Caller, Depends(may("person.erase"))], key: Key
    ) -> Response:
        """Forget somebody. Refused while a car is inside or money is open; what the law retains stays."""

        def effect(unit: Unit) -> ErasedView:
            return ErasedView(gone=forgetting.erase(unit, person_id=person, keepers=self._keepers, reason=form.reason))

        return answered(await self._database.write(once(key, effect), by=by))

    async def export_own(self, request: Request, by: Self) -> Response:
        """Return everything that is held about oneself, in clear, to who signed in a short while ago."""
        account = account_of(by)
        await ask_fresh(request, by, "person.export")  # a token that was found must not carry all of somebody away

        def effect(unit: Unit) -> PersonExportView:
            return PersonExportView(document=forgetting.export_own(unit, account=account, keepers=self._keepers))

        return answered(await self._database.write(once(None, effect), by=own(by)))

    async def own_hindrances(self, by: Self) -> HindrancesView:
        """Tell what stands in the way of being forgotten."""
        query = partial(forgetting.hindrances, person_id=account_of(by), keepers=self._keepers)
        return _hindrances(await self._database.read(query, by=own(by)))

    async def erase_own(self, request: Request, by: Self, key: Key) -> Response:
        """Forget oneself: the account closes at once."""
        account = account_of(by)
        await ask_fresh(request, by, "person.erase")

        def effect(unit: Unit) -> ErasedView:
            return ErasedView(gone=forgetting.erase_own(unit, account=account, keepers=self._keepers))

        return answered(await self._database.write(once(key, effect), by=own(by)))


def _hindrances(found: Sequence[Hindrance]) -> HindrancesView:
    return HindrancesView(items=[HindranceView(kind=each.kind, subject=each.subject) for each in found])
