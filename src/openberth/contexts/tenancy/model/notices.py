"""What an account is told: a code of the catalogue, and parameters that become words when somebody reads. Pure.

A notice holds no personal value in clear: a plate is its id in the vault, masked when it is read and gone when it is
erased; ids of things say what the notice is about, so that an app can lead there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from openberth.kernel.ids import Id
from openberth.kernel.money import Money
from openberth.kernel.time import Instant

PREFIX = "notice."
KIND_MAX = 24  # characters of a code behind the prefix


@dataclass(frozen=True, slots=True)
class PlateShown:
    """A plate by its id in the vault: read as the masked plate."""

    id: Id


@dataclass(frozen=True, slots=True)
class Words:
    """Codes of the catalogue: read as a list of their texts."""

    codes: tuple[str, ...]


Told: TypeAlias = str | int | Id | Money | PlateShown | Words


@dataclass(frozen=True, slots=True)
class Notice:
    """Something an account is told. ``params`` are what ``written`` made."""

    id: Id
    account: Id
    kind: str
    params: Mapping[str, Any]
    at: Instant
    read_at: Instant | None

    @property
    def code(self) -> str:
        """Return the code of its text."""
        return PREFIX + self.kind


def written(value: Told) -> Any:
    """Return a parameter as JSON that says what it is."""
    match value:
        case Money():
            return {"minor": value.minor, "currency": value.currency}
        case PlateShown():
            return {"plate": str(value.id)}
        case Words():
            return {"words": list(value.codes)}
        case UUID():
            return {"id": str(value)}
        case _:
            return value


def read(value: Any) -> Told:
    """Return a parameter from the JSON that ``written`` made."""
    match value:
        case {"minor": int(minor), "currency": str(currency)}:
            return Money(minor, currency)
        case {"plate": str(plate)}:
            return PlateShown(Id(plate))
        case {"words": list(codes)}:
            return Words(tuple(map(str, codes)))
        case {"id": str(named)}:
            return Id(named)
        case str() | int():
            return value
        case list():  # written before parameters had kinds, when only fields of a person were listed
            return Words(tuple(f"person.field.{each}" for each in value))
        case _:
            return str(value)
