"""The permit list: a file of its own, because plates are personal data. Guide: ``docs/guides/lot-file.md``.

Messages name codes and lines, never plates: they may end in a log.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from openberth.contexts.permits.model import ALWAYS, Permit, PermitKind
from openberth.infra.documents import (
    Code,
    Day,
    Document,
    Flaw,
    Part,
    flaw,
    read_document,
    schema_text,
    wrong,
)
from openberth.kernel.plates import InvalidPlate, Plate
from openberth.kernel.time import Instant, Period, instant_of

PERMITS_MAX = 20_000


def _plate(value: Any) -> Any:
    if isinstance(value, Plate):
        return value
    if not isinstance(value, str):
        raise wrong("plate.fault.shape")
    try:
        return Plate.read(value)
    except InvalidPlate as error:
        raise wrong(f"plate.fault.{error.fault.value}") from None


PlateText = Annotated[
    Any,
    BeforeValidator(_plate),
    PlainSerializer(lambda plate: plate.text, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["粤B12345"], "maxLength": 40}),
]


class PermitPart(Part):
    """One permit. It holds from the start of the day ``from`` to the start of the day ``until``, in the lot's zone."""

    code: Code
    plate: PlateText
    kind: PermitKind
    from_day: Day | None = Field(None, alias="from")
    until_day: Day | None = Field(None, alias="until", description="the first day on which it no longer holds")


class PermitsDocument(Document):
    """The permits of one lot."""

    permits: Literal["openberth/1"] = Field(description="version of this format")
    lot: Code
    entries: list[PermitPart] = Field(alias="list", max_length=PERMITS_MAX)

    def flaws(self) -> Iterable[Flaw]:
        """Find codes that stand twice, dates the wrong way round and plates with two permits at one time."""
        codes: dict[str, int] = {}
        plates: dict[str, list[PermitPart]] = {}
        for index, permit in enumerate(self.entries):
            if permit.code in codes:
                yield flaw(("list", index, "code"), "permits.code_twice", value=permit.code)
            codes.setdefault(permit.code, index)
            first, last = _days(permit)
            if first >= last:
                yield flaw(("list", index, "until"), "permits.dates", first=str(first), last=str(last))
            others = plates.setdefault(permit.plate.key, [])
            for other in others:
                begin, end = _days(other)
                if first < end and begin < last:
                    yield flaw(("list", index, "plate"), "permits.plate_twice", other=other.code)
                    break
            others.append(permit)


def _days(permit: PermitPart) -> tuple[date, date]:
    return permit.from_day or date.min, permit.until_day or date.max


def read_permits(text: str, *, zone: ZoneInfo, name: str) -> tuple[str, tuple[Permit, ...]]:
    """Read a permit list: the code of its lot and its permits. Raises ``DocumentError``."""
    document = read_document(text, PermitsDocument, name=name)
    return document.lot, permits_of(document, zone)


def permits_of(document: PermitsDocument, zone: ZoneInfo) -> tuple[Permit, ...]:
    """Return the permits of a document; its days are days in the lot's zone."""
    return tuple(Permit(each.code, each.plate, each.kind, _valid(each, zone)) for each in document.entries)


def permits_schema() -> str:
    """Return the JSON Schema of the permit list."""
    return schema_text(PermitsDocument, title="OpenBerth permit list")


def _valid(permit: PermitPart, zone: ZoneInfo) -> Period:
    start = ALWAYS.start if permit.from_day is None else _midnight(permit.from_day, zone)
    return Period(start, None if permit.until_day is None else _midnight(permit.until_day, zone))


def _midnight(day: date, zone: ZoneInfo) -> Instant:
    return instant_of(datetime(day.year, day.month, day.day, tzinfo=zone))
