"""What the routes of people ask for and answer. Names and numbers are masked already."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from pydantic import Field as Bound
from pydantic import StringConstraints, WithJsonSchema

from openberth.contexts.tenancy.model.notices import Notice
from openberth.contexts.tenancy.model.people import (
    Channel,
    Consent,
    Field,
    How,
    InvalidField,
    Person,
    Purpose,
    Values,
)
from openberth.contexts.tenancy.service import consents, people
from openberth.contexts.tenancy.service.notices import Shown, params_shown
from openberth.infra.catalogue import Language, text
from openberth.infra.database import Database, Reader
from openberth.infra.http.answers import View, When, instant, instant_or_none
from openberth.infra.http.asks import Form, Words
from openberth.infra.http.problems import BadRequest
from openberth.kernel.ids import Id
from openberth.kernel.persons import MAX_INPUT, NAME_MAX

MaskedName = Annotated[str, WithJsonSchema({"type": "string", "examples": ["张**"]})]
MaskedPhone = Annotated[str, WithJsonSchema({"type": "string", "examples": ["138****8000"]})]
MaskedIdentity = Annotated[str, WithJsonSchema({"type": "string", "examples": ["1101**********002X"]})]
DocumentVersion = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[0-9A-Za-z._-]+$")]


class CoreForm(Form):
    """Core fields of a person as somebody types them; those left out are not touched."""

    name: str | None = Bound(default=None, min_length=1, max_length=NAME_MAX)
    phone: str | None = Bound(
        default=None, min_length=1, max_length=MAX_INPUT, description="mobile of the mainland, or + and country code"
    )
    identity: str | None = Bound(default=None, min_length=1, max_length=MAX_INPUT, description="GB 11643-1999")

    def values(self, database: Database) -> Values:
        """Return the fields as values. Raises ``BadRequest`` with the place and the fault, never the text."""
        try:
            return Values.read(
                name=self.name, phone=self.phone, identity=self.identity, now=database.clocks.machine.now()
            )
        except InvalidField as error:
            raise BadRequest(
                [{"place": f"body.{error.field.value}", "problem": f"person.fault.{error.fault.value}"}]
            ) from None


class UnmaskPlateForm(Form):
    """Why somebody has to see the whole plate."""

    reason: Words


class WholePlateView(View):
    """A plate in clear; null when it was not read, or was erased."""

    plate: str | None = Bound(examples=["粤B12345"])


class PersonView(View):
    """A person. ``account`` is null for who never signs in; what is verified is read-only."""

    id: Id
    account: Id | None
    company: Id | None
    name: MaskedName | None
    phone: MaskedPhone | None
    identity: MaskedIdentity | None
    verified_at: When | None
    verified_how: str | None
    erased_at: When | None
    created_at: When


class PeopleView(View):
    """People that were found."""

    items: list[PersonView]


class ChangeView(View):
    """A change of a core field, both values masked; of somebody who was not verified the fact alone is kept."""

    id: Id
    field: Field
    before: str | None
    after: str | None
    at: When
    by: str
    how: How
    reason: str | None
    evidence: str | None


class ChangesView(View):
    """What was changed about somebody, newest first."""

    items: list[ChangeView]


class ConsentForm(Form):
    """A yes or no: to what, and to which version of its text."""

    purpose: Purpose
    document: DocumentVersion
    given: bool
    channel: Channel


class ConsentView(View):
    """A yes or no that was said."""

    id: Id
    purpose: Purpose
    document: str
    given: bool
    at: When
    channel: Channel
    by: str


class ConsentsView(View):
    """What holds now, by purpose, and everything that was said, newest first."""

    now: list[ConsentView]
    items: list[ConsentView]


class NoticeView(View):
    """Something that an account is told, as a kind and in words. ``about``: ids of what it tells of, by their names."""

    id: Id
    kind: str = Bound(examples=["person_changed"])
    text: str
    about: dict[str, Id]
    at: When
    read_at: When | None


def person_view(reader: Reader, found: Person) -> PersonView:
    """Return a person as it leaves."""
    shown = people.shown(reader, found)
    return PersonView(
        id=found.id, account=found.account, company=found.company, name=shown[Field.NAME], phone=shown[Field.PHONE],
        identity=shown[Field.IDENTITY], verified_at=instant_or_none(found.verified_at),
        verified_how=found.verified_how, erased_at=instant_or_none(found.erased_at),
        created_at=instant(found.created_at),
    )  # fmt: skip


def consent_view(said: Consent) -> ConsentView:
    """Return a consent as it leaves."""
    return ConsentView(
        id=said.id, purpose=said.purpose, document=said.document, given=said.given, at=instant(said.at),
        channel=Channel(said.channel), by=said.by,
    )  # fmt: skip


def consents_view(said: Sequence[Consent]) -> ConsentsView:
    """Return consents as they leave."""
    return ConsentsView(
        now=[consent_view(each) for each in consents.now_given(said).values()],
        items=[consent_view(each) for each in said],
    )


def notice_view(reader: Reader, told: Notice, language: Language) -> NoticeView:
    """Return a notice as it leaves, in words of who reads it."""
    params = params_shown(reader, told)
    words = {name: _in_words(value, language) for name, value in params.items()}
    return NoticeView(
        id=told.id, kind=told.kind, text=text(told.code, language, **words), at=instant(told.at),
        about={name: value for name, value in params.items() if isinstance(value, UUID)},
        read_at=instant_or_none(told.read_at),
    )  # fmt: skip


def _in_words(value: Shown, language: Language) -> str:
    if isinstance(value, tuple):
        return ("、" if language == "zh" else ", ").join(text(code, language) for code in value)
    return str(value)
