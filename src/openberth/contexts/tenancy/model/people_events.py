"""What happens to people, as events: ids and words only."""

from dataclasses import dataclass
from typing import ClassVar

from openberth.kernel.ids import Id


@dataclass(frozen=True, slots=True)
class PersonMade:
    """Somebody is known from now on: with an account, or as the holder of a permit."""

    KIND: ClassVar[str] = "tenancy.person_made"
    VERSION: ClassVar[int] = 1
    person: Id
    account: Id | None


@dataclass(frozen=True, slots=True)
class PersonChanged:
    """Core fields of a person were changed. ``how``: self, staff, vouched, verified, withdrawn."""

    KIND: ClassVar[str] = "tenancy.person_changed"
    VERSION: ClassVar[int] = 1
    person: Id
    account: Id | None
    fields: tuple[str, ...]
    how: str


@dataclass(frozen=True, slots=True)
class ConsentRecorded:
    """Somebody said yes or no to a purpose, under a version of its text."""

    KIND: ClassVar[str] = "tenancy.consent_recorded"
    VERSION: ClassVar[int] = 1
    person: Id
    consent: Id
    purpose: str
    document: str
    given: bool
    channel: str


@dataclass(frozen=True, slots=True)
class NoticeLeft:
    """Something was left in the inbox of an account; how it reaches the person is the matter of messages."""

    KIND: ClassVar[str] = "tenancy.notice_left"
    VERSION: ClassVar[int] = 1
    account: Id
    notice: Id
    notice_kind: str


@dataclass(frozen=True, slots=True)
class PersonErased:
    """What was held about somebody is gone, but what the law retains."""

    KIND: ClassVar[str] = "tenancy.person_erased"
    VERSION: ClassVar[int] = 1
    person: Id
    account: Id | None
    kept: int
