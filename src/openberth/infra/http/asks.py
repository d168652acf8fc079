"""How values come in over HTTP: instants, reasons, and documents as they are sent."""

from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from openberth.infra.http.problems import BadRequest
from openberth.kernel.money import MINOR_DIGITS, Money
from openberth.kernel.time import Instant, from_iso

# Instants that business can mean; beyond them the calendar of Python ends somewhere.
EARLIEST, LATEST = from_iso("1970-01-01T00:00:00Z"), from_iso("2200-01-01T00:00:00Z")
TEXT_MAX = 400
INSTANT_MAX = 40
MONEY_MAX = 10**12


def _instant(value: object) -> Instant:
    if not isinstance(value, str) or len(value) > INSTANT_MAX:
        raise ValueError("an instant is RFC 3339 text")
    moment = from_iso(value)
    if not EARLIEST <= moment < LATEST:
        raise ValueError("an instant between 1970 and 2200 is expected")
    return moment


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("text without control characters is expected")
    return text


class Form(BaseModel):
    """A body: nothing in it that its description does not name."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Moment = Annotated[Instant, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
Words = Annotated[str, StringConstraints(max_length=TEXT_MAX), AfterValidator(_printable)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=40), AfterValidator(_printable)]
# What a write rests on. A version is a number that never comes twice for one thing, not even after it was dropped and
# made anew; below 2**53 scripts of browsers know it exactly.
VERSION_MAX = 2**53 - 1
Seen = Annotated[
    int | None,
    Query(
        alias="version", ge=0, le=VERSION_MAX,
        description="`version` of what was read, 0 where nothing stood: done only if it still is (409 `state.changed`)",
    ),
]  # fmt: skip
LotName = Annotated[str, Query(min_length=1, max_length=40, description="code or id of a lot")]
LotNames = Annotated[
    list[Annotated[str, StringConstraints(min_length=1, max_length=40)]] | None,
    Query(alias="lot", max_length=100, description="codes or ids of lots, one each; none: all that one may see"),
]


class MoneyForm(Form):
    """Money in minor units of its currency."""

    minor: int = Field(ge=0, le=MONEY_MAX, strict=True)
    currency: str = Field(min_length=3, max_length=3, examples=["CNY"])

    def value(self) -> Money:
        """Return the money. Raises ``BadRequest`` for a currency nobody knows."""
        if self.currency not in MINOR_DIGITS:
            raise BadRequest([{"place": "body.received.currency", "problem": "unknown_currency"}])
        return Money(self.minor, self.currency)


def document_body(title: str, *others: str) -> dict[str, Any]:
    """Return how the API description tells of a body that is a document: YAML, or JSON, or of other content types."""
    texts = ("application/yaml", *others)
    content = {kind: {"schema": {"type": "string", "description": f"{title}, as {kind}"}} for kind in texts}
    return {
        "requestBody": {"required": True, "content": {**content, "application/json": {"schema": {"type": "object"}}}}
    }


async def document_text(request: Request) -> str:
    """Return the body as text. Raises ``BadRequest`` when it is not UTF-8."""
    try:
        return (await request.body()).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadRequest([{"place": "body", "problem": "not_utf8"}]) from None
