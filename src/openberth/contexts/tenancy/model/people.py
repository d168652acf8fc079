"""People as tenancy knows them: fields, how they were verified, what may change them, consents. Pure.

A person is whoever an account or a permit stands for. Name, phone and identity number are vault ids. Once verified they
are read-only: ``reverify`` alone changes them, keeps what was before, and tells the person (PIPL art. 46).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from openberth.kernel.ids import Id
from openberth.kernel.persons import (
    IdentityNumber,
    InvalidPerson,
    PersonFault,
    Phone,
    masked_identity,
    masked_name,
    masked_phone,
    read_name,
)
from openberth.kernel.time import Instant, as_datetime


class Field(StrEnum):
    """A core field of a person. The texts stand in the catalogue as ``person.field.<code>``."""

    NAME = "name"
    PHONE = "phone"
    IDENTITY = "identity"


class Evidence(StrEnum):
    """What somebody showed so that its fields could be verified."""

    IDENTITY_CARD = "identity_card"
    RESIDENCE_PERMIT = "residence_permit"
    PASSPORT = "passport"
    PHONE_CODE = "phone_code"
    PROPERTY_DEED = "property_deed"  # of residents: the property office knows who lives there
    IN_PERSON = "in_person"


class How(StrEnum):
    """By which way a field was changed."""

    SELF = "self"
    STAFF = "staff"
    VOUCHED = "vouched"  # a provider said so, e.g. WeChat's phone button
    VERIFIED = "verified"
    WITHDRAWN = "withdrawn"  # consent was taken back
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody. ``account`` is None for a holder of a permit who never signs in; ``erased_at``: nothing more is done
    with it.
    """

    id: Id
    account: Id | None
    company: Id | None
    name: Id | None
    phone: Id | None
    identity: Id | None
    verified_at: Instant | None
    verified_how: str | None
    erased_at: Instant | None
    created_at: Instant
    version: int

    @property
    def is_verified(self) -> bool:
        """Tell whether the core fields are read-only."""
        return self.verified_at is not None

    def values(self) -> dict[Field, Id | None]:
        """Return the vault ids by field."""
        return {Field.NAME: self.name, Field.PHONE: self.phone, Field.IDENTITY: self.identity}


@dataclass(frozen=True, slots=True)
class Change:
    """A core field that was changed, with both values as vault ids."""

    id: Id
    person: Id
    field: Field
    old: Id | None
    new: Id | None
    at: Instant
    by: str
    how: How
    reason: str | None
    evidence: str | None


@dataclass(frozen=True, slots=True, repr=False)
class Values:
    """New core fields in clear, read and normalised; None leaves a field as it is."""

    name: str | None = None
    phone: str | None = None
    identity: str | None = None

    def __repr__(self) -> str:
        return f"Values({', '.join(field.value for field in self.given())})"

    @classmethod
    def read(cls, *, name: str | None, phone: str | None, identity: str | None, now: Instant) -> "Values":
        """Read what somebody typed; an identity number of somebody not yet born is refused.

        Raises ``InvalidField`` with the field and the fault.
        """
        today = as_datetime(now).date()
        return cls(
            _read(Field.NAME, name, read_name),
            _read(Field.PHONE, phone, lambda text: Phone.read(text).text),
            _read(Field.IDENTITY, identity, lambda text: IdentityNumber.read(text, today=today).text),
        )

    def given(self) -> dict[Field, str]:
        """Return the fields that are to be written."""
        every = {Field.NAME: self.name, Field.PHONE: self.phone, Field.IDENTITY: self.identity}
        return {field: text for field, text in every.items() if text is not None}


class InvalidField(ValueError):
    """A core field cannot be what was typed; the text itself is not in here."""

    def __init__(self, field: Field, fault: PersonFault) -> None:
        super().__init__(f"{field.value}: {fault.value}")
        self.field = field
        self.fault = fault


def _read(field: Field, text: str | None, read: Any) -> str | None:
    try:
        return None if text is None else str(read(text))
    except InvalidPerson as error:
        raise InvalidField(field, error.fault) from None


_MASKS = {Field.NAME: masked_name, Field.PHONE: masked_phone, Field.IDENTITY: masked_identity}


def masked(field: Field, text: str | None) -> str | None:
    """Return a core field as it may be shown; None for one that is not there or was erased."""
    return None if text is None else _MASKS[field](text)


# -- consents ----------------------------------------------------------------------------------------------------------


class Purpose(StrEnum):
    """What somebody consents to. The texts stand in the catalogue as ``consent.purpose.<code>``.

    What taking a consent back does is said in ``EFFECTS``; a purpose without an effect is not asked for.
    """

    PRIVACY_POLICY = "privacy_policy"
    PHONE = "phone"
    IDENTITY = "identity"


class Channel(StrEnum):
    """Over which way somebody said yes or no."""

    APP = "app"
    WEB = "web"
    COUNTER = "counter"
    PAPER = "paper"
    PHONE_CALL = "phone_call"


# Taking a consent back (PIPL art. 15): what is done in the same unit. What happened before stays lawful.
EFFECTS: Mapping[Purpose, str] = {
    Purpose.PRIVACY_POLICY: "sessions",  # every session ends; signing in again asks for the consent anew
    Purpose.PHONE: "phone",  # the number leaves person and account: it signs nobody in any more
    Purpose.IDENTITY: "identity",  # the number leaves, and with it the verification that rested on it
}


@dataclass(frozen=True, slots=True)
class Consent:
    """One yes or no: to what, to which version of the text, when, over which channel, written down by whom."""

    id: Id
    person: Id
    purpose: Purpose
    document: str
    given: bool
    at: Instant
    channel: str
    by: str
