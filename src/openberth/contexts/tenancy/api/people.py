"""Routes of people for whoever looks after them: known, changed, verified, consents, shown in clear for a reason."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import Field as Bound
from starlette.responses import Response

from openberth.contexts.tenancy.api.people_views import (
    ChangesView,
    ChangeView,
    ConsentForm,
    ConsentsView,
    ConsentView,
    CoreForm,
    PeopleView,
    PersonView,
    consent_view,
    consents_view,
    person_view,
)
from openberth.contexts.tenancy.model.people import Evidence, Field, Person, Values
from openberth.contexts.tenancy.service import companies, consents, people
from openberth.infra.database import Database, Reader, Unit
from openberth.infra.http.answers import View, instant
from openberth.infra.http.asks import Form, Words
from openberth.infra.http.auth import may
from openberth.infra.http.idempotent import Key, answered, once
from openberth.infra.http.pages import Ask, Asked, Page, last_of, page_of
from openberth.kernel.authority import Caller
from openberth.kernel.ids import Id

PersonPath = Annotated[Id, Path(description="id of a person; that of an account's person is the account's")]


class NewPersonForm(CoreForm):
    """Somebody without an account, e.g. who holds a permit."""

    company: str | None = Bound(default=None, min_length=1, max_length=40, description="code; none for the platform's")


class ChangeForm(CoreForm):
    """New core fields of somebody who is not verified, and why."""

    reason: Words


class ReverifyForm(CoreForm):
    """What somebody has shown, and core fields as they are by that; those left out stay."""

    evidence: Evidence
    reason: Words


class UnmaskForm(Form):
    """Which core fields are shown in clear, and why."""

    fields: list[Field] = Bound(min_length=1, max_length=3)
    reason: Words


class ReasonForm(Form):
    """Why."""

    reason: Words


class CoreView(View):
    """Core fields in clear, of those asked for; null when there is none, or it was erased."""

    name: str | None = None
    phone: str | None = None
    identity: str | None = None


class BothView(View):
    """A core field before and after a change, in clear; null when it was not kept."""

    before: str | None
    after: str | None


class PeopleApi:
    """Serves the routes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(prefix="/v1/people", tags=["people"])
        add = self.router.add_api_route
        add("", self.people, methods=["GET"])
        add("", self.register, methods=["POST"], status_code=201, response_model=PersonView)
        add("/find", self.find, methods=["POST"])
        add("/{person}", self.person, methods=["GET"])
        add("/{person}/values", self.change, methods=["POST"], response_model=PersonView)
        add("/{person}/reverify", self.reverify, methods=["POST"], response_model=PersonView)
        add("/{person}/unmask", self.unmask, methods=["POST"], response_model=CoreView)
        add("/{person}/changes", self.changes, methods=["GET"])
        add("/{person}/changes/{change}/unmask", self.unmask_change, methods=["POST"], response_model=BothView)
        add("/{person}/consents", self.consents, methods=["GET"])
        add("/{person}/consents", self.consent, methods=["POST"], status_code=201, response_model=ConsentView)

    async def people(self, ask: Asked, by: Annotated[Caller, Depends(may("person.read"))]) -> Page[PersonView]:
        """Return the people that are known, newest first; names and numbers are masked."""
        return await self._database.read(partial(_people, ask=ask), by=by)

    async def find(self, form: CoreForm, by: Annotated[Caller, Depends(may("person.read"))]) -> PeopleView:
        """Return who has a phone or an identity number. A POST, so that neither stands in an address."""
        values = form.values(self._database)
        return await self._database.read(partial(_found, values=values), by=by)

    async def register(
        self, form: NewPersonForm, by: Annotated[Caller, Depends(may("person.write"))], key: Key
    ) -> Response:
        """Make somebody known who has no account."""
        values = form.values(self._database)

        def effect(unit: Unit) -> PersonView:
            company = None if form.company is None else companies.company_by_code(unit, code=form.company).id
            made = people.register(unit, company=company or unit.caller.scope.company, values=values)
            return person_view(unit, made)

        return answered(await self._database.write(once(key, effect, status=201), by=by))

    async def person(self, person: PersonPath, by: Annotated[Caller, Depends(may("person.read"))]) -> PersonView:
        """Return a person; names and numbers are masked."""
        return await self._database.read(partial(_person, person=person), by=by)

    async def change(
        self, person: PersonPath, form: ChangeForm, by: Annotated[Caller, Depends(may("person.write"))], key: Key
    ) -> Response:
        """Change core fields of somebody who is not verified."""
        values = form.values(self._database)

        def effect(unit: Unit) -> PersonView:
            return person_view(unit, people.change(unit, person_id=person, values=values, reason=form.reason))

        return answered(await self._database.write(once(key, effect), by=by))

    async def reverify(
        self, person: PersonPath, form: ReverifyForm, by: Annotated[Caller, Depends(may("person.reverify"))], key: Key
    ) -> Response:
        """Verify somebody, or change what was verified: what was before is kept, and the person is told."""
        values = form.values(self._database)

        def effect(unit: Unit) -> PersonView:
            found = people.reverify(unit, person_id=person, values=values, evidence=form.evidence, reason=form.reason)
            return person_view(unit, found)

        return answered(await self._database.write(once(key, effect), by=by))

    async def unmask(
        self, person: PersonPath, form: UnmaskForm, by: Annotated[Caller, Depends(may("person.unmask"))]
    ) -> Response:
        """Show core fields in clear, for a reason that is written down; asked again, it counts again."""

        def effect(unit: Unit) -> CoreView:
            found = people.unmask_person(unit, person_id=person, fields=form.fields, reason=form.reason)
            return CoreView(**found)

        return answered(await self._database.write(once(None, effect), by=by))

    async def changes(self, person: PersonPath, by: Annotated[Caller, Depends(may("person.read"))]) -> ChangesView:
        """Return what was changed about somebody, newest first, masked."""
        return await self._database.read(partial(_changes, person=person), by=by)

    async def unmask_change(
        self,
        person: PersonPath,
        change: Annotated[Id, Path()],
        form: ReasonForm,
        by: Annotated[Caller, Depends(may("person.unmask"))],
    ) -> Response:
        """Show what stood before and after a change in clear, for a reason that is written down."""

        def effect(unit: Unit) -> BothView:
            return BothView(**people.unmask_change(unit, person_id=person, change=change, reason=form.reason))

        return answered(await self._database.write(once(None, effect), by=by))

    async def consents(self, person: PersonPath, by: Annotated[Caller, Depends(may("person.read"))]) -> ConsentsView:
        """Return what somebody said yes or no to: what holds now, and everything."""
        return await self._database.read(partial(_consents, person=person), by=by)

    async def consent(
        self, person: PersonPath, form: ConsentForm, by: Annotated[Caller, Depends(may("consent.write"))], key: Key
    ) -> Response:
        """Write down a yes or no that somebody gave at a counter, on paper or by phone."""

        def effect(unit: Unit) -> ConsentView:
            said = consents.write_down(
                unit, person_id=person, purpose=form.purpose, document=form.document, given=form.given,
                channel=form.channel,
            )  # fmt: skip
            return consent_view(said)

        return answered(await self._database.write(once(key, effect, status=201), by=by))


def _people(reader: Reader, ask: Ask) -> Page[PersonView]:
    rows = people.people(reader, before=ask.before, limit=ask.limit)
    return page_of([person_view(reader, row) for row in rows], last_of(rows, ask.limit, lambda row: row.id))


def _found(reader: Reader, values: Values) -> PeopleView:
    return PeopleView(items=[person_view(reader, each) for each in people.find(reader, values=values)])


def _person(reader: Reader, person: Id) -> PersonView:
    return person_view(reader, people.person(reader, person=person))


def _changes(reader: Reader, person: Id) -> ChangesView:
    found: Person = people.person(reader, person=person)
    return ChangesView(items=[
        ChangeView(
            id=each.id, field=each.field, before=before, after=after, at=instant(each.at), by=each.by, how=each.how,
            reason=each.reason, evidence=each.evidence,
        )
        for each, before, after in people.changes_of(reader, person=found.id)
    ])  # fmt: skip


def _consents(reader: Reader, person: Id) -> ConsentsView:
    return consents_view(consents.consents_of(reader, person=people.person(reader, person=person).id))
