"""Routes about oneself: who one is known as, what one is told, what one agreed to."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from openberth.contexts.tenancy.api.people_views import (
    ConsentForm,
    ConsentsView,
    ConsentView,
    CoreForm,
    NoticeView,
    PersonView,
    consent_view,
    consents_view,
    notice_view,
    person_view,
)
from openberth.contexts.tenancy.api.signing_in import Self, account_of, own
from openberth.contexts.tenancy.service import consents, notices, people
from openberth.infra.catalogue import Language
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.pages import Ask, Asked, Page, last_of, page_of
from openberth.infra.http.problems import language_of_scope
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id


class MeApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1/me", tags=["me"])
        add = self.router.add_api_route
        add("/person", self.person, methods=["GET"])
        add("/person", self.change, methods=["POST"], response_model=PersonView)
        add("/notices", self.notices, methods=["GET"])
        add("/notices/{notice}/read", self.read, methods=["POST"], response_model=NoticeView)
        add("/consents", self.consents, methods=["GET"])
        add("/consents", self.consent, methods=["POST"], status_code=201, response_model=ConsentView)

    async def person(self, by: Self) -> PersonView:
        """Return what one is known as, masked: a screen may be seen by others."""
        account = account_of(by)
        found = await self._database.read(partial(_known, account=account), by=own(by))
        return found if found is not None else await self._database.write(partial(_made, account=account), by=own(by))

    async def change(self, form: CoreForm, by: Self, key: Key) -> Response:
        """Change one's own core fields while they are not verified."""
        account, values = account_of(by), form.values(self._database)

        def effect(unit: Unit) -> PersonView:
            return person_view(unit, people.change_own(unit, account=account, values=values))

        return answered(await self._database.write(once(key, effect), by=own(by)))

    async def notices(self, ask: Asked, request: Request, by: Self) -> Page[NoticeView]:
        """Return what one is told, newest first."""
        query = partial(_notices, account=account_of(by), ask=ask, language=language_of_scope(request.scope))
        return await self._database.read(query, by=own(by))

    async def read(self, notice: Annotated[Id, Path()], request: Request, by: Self, key: Key) -> Response:
        """Say that a notice was read."""
        account, language = account_of(by), language_of_scope(request.scope)

        def effect(unit: Unit) -> NoticeView:
            return notice_view(unit, notices.mark_read(unit, account=account, notice=notice), language)

        return answered(await self._database.write(once(key, effect), by=own(by)))

    async def consents(self, by: Self) -> ConsentsView:
        """Return what one said yes or no to."""
        account = account_of(by)
        return await self._database.read(
            lambda reader: consents_view(consents.consents_of(reader, person=account)), by=own(by)
        )

    async def consent(self, form: ConsentForm, by: Self, key: Key) -> Response:
        """Say yes or no. Taking a consent back has its effect at once."""
        account = account_of(by)

        def effect(unit: Unit) -> ConsentView:
            return consent_view(
                consents.give_own(
                    unit, account=account, purpose=form.purpose, document=form.document, given=form.given,
                    channel=form.channel,
                )
            )  # fmt: skip

        return answered(await self._database.write(once(key, effect, status=201), by=own(by)))


def _known(reader: Reader, account: Id) -> PersonView | None:
    try:
        return person_view(reader, people.person(reader, person=account))
    except NotFound:
        return None


def _made(unit: Unit, account: Id) -> PersonView:
    return person_view(unit, people.of_account(unit, account=account)[0])


def _notices(reader: Reader, account: Id, ask: Ask, language: Language) -> Page[NoticeView]:
    rows = notices.notices_of(reader, account=account, before=ask.before, limit=ask.limit)
    return page_of([notice_view(reader, row, language) for row in rows], last_of(rows, ask.limit, lambda row: row.id))
