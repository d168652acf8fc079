"""How values leave over HTTP: money as whole minor units, instants as RFC 3339 in UTC, plates masked, ids as text."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from openberth.kernel.money import Money
from openberth.kernel.plates import Plate
from openberth.kernel.time import Instant, to_iso

When = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
MaskedPlate = Annotated[str, WithJsonSchema({"type": "string", "examples": ["粤B·**345"]})]


class View(BaseModel):
    """An answer: immutable, and nothing in it that its description does not name."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MoneyView(View):
    """Money in minor units of its currency, e.g. fen."""

    minor: int
    currency: str = Field(examples=["CNY"])


class NameView(View):
    """A name in both languages."""

    zh: str
    en: str


def money(amount: Money) -> MoneyView:
    """Return money as it leaves."""
    return MoneyView(minor=amount.minor, currency=amount.currency)


def instant(moment: Instant) -> str:
    """Return an instant as it leaves: RFC 3339, UTC, microseconds."""
    return to_iso(moment)


def instant_or_none(moment: Instant | None) -> str | None:
    """Return an instant as it leaves, None for one that has not come."""
    return None if moment is None else to_iso(moment)


def masked(text: str | None) -> str | None:
    """Return a stored plate masked; None when there is none or the person was erased."""
    return None if text is None else Plate(text).masked
