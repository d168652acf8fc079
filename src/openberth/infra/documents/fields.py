"""The kinds of value that stand in documents, each read exactly and explained when it is wrong.

Every type takes a scalar as written (``source.Scalar``) and also the value itself, so that a document that was stored
as JSON validates again. None of them accepts a float.
"""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, TypeAlias
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from openberth.infra.documents.source import Scalar, shown
from openberth.kernel.money import MINOR_DIGITS

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_AMOUNT = re.compile(r"(?:0|[1-9][0-9]{0,9})(?:\.[0-9]{1,4})?")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,9})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CODE = re.compile(r"[a-z0-9-]{1,40}")
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_HOURS = re.compile(rf"{_CLOCK.pattern}-(?:{_CLOCK.pattern}|24:00)")
_MONTH_DAY = re.compile(r"[0-9]{2}-[0-9]{2}")
_LEAP_YEAR = 2000  # so that 02-29 is a day of the year


def wrong(code: str, **params: str | int) -> PydanticCustomError:
    """Build the error of a validator: a catalogue code and its parameters."""
    return PydanticCustomError(code, "{code}", {"code": code, **params})


def _written(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    return "nothing" if value is None else shown(str(value))


def _whole(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, Scalar) and value.plain and _WHOLE.fullmatch(value):
        return int(value)
    raise wrong("document.whole", value=_written(value))


def _truth(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, Scalar) and value.plain and value in ("true", "false"):
        return value == "true"
    raise wrong("document.truth", value=_written(value))


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        raise wrong("document.text", value=_written(value))
    if not value.strip() or any(ord(character) < 32 for character in value):
        raise wrong("document.text", value=shown(value))
    return str(value)


def _amount(value: Any) -> Any:
    if isinstance(value, str) and _AMOUNT.fullmatch(value):
        return str(value)
    if isinstance(value, str) and value.startswith("-") and _AMOUNT.fullmatch(value[1:]):
        raise wrong("document.negative", value=shown(value))
    raise wrong("document.amount", value=_written(value))


def _clock(value: Any) -> Any:
    if isinstance(value, str) and _CLOCK.fullmatch(value):
        return str(value)
    raise wrong("document.clock", value=_written(value))


def _hours(value: Any) -> Any:
    if isinstance(value, str) and _HOURS.fullmatch(value):
        return str(value)
    raise wrong("document.hours", value=_written(value))


def _month_day(value: Any) -> Any:
    if isinstance(value, str) and _MONTH_DAY.fullmatch(value):
        try:
            date.fromisoformat(f"{_LEAP_YEAR}-{value}")
            return str(value)
        except ValueError:
            pass
    raise wrong("document.month_day", value=_written(value))


def _number(value: Any) -> Any:
    if isinstance(value, Decimal) or (isinstance(value, int) and not isinstance(value, bool)):
        return Decimal(value)
    # A stored document holds numbers as text, a written one plain.
    if isinstance(value, str) and getattr(value, "plain", True) and _NUMBER.fullmatch(value):
        return Decimal(str(value))
    raise wrong("document.number", value=_written(value))


def _day(value: Any) -> Any:
    if isinstance(value, date):
        return value
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise wrong("document.date", value=_written(value))


def _code(value: str) -> str:
    if not _CODE.fullmatch(value):
        raise wrong("document.code", value=shown(value))
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):  # unknown, a path that escapes, a directory
        near = get_close_matches(value, available_timezones(), n=1, cutoff=0.6)
        if near:
            raise wrong("document.zone_near", value=shown(value), near=near[0]) from None
        raise wrong("document.zone", value=shown(value)) from None
    return value


def _currency(value: str) -> str:
    if value not in MINOR_DIGITS:
        raise wrong("document.currency", value=shown(value), known=", ".join(sorted(MINOR_DIGITS)))
    return value


def _network(value: Any) -> Any:
    if isinstance(value, (IPv4Network, IPv6Network)):
        return value
    try:
        network = ip_network(str(value), strict=False) if isinstance(value, str) else None
    except ValueError:
        network = None
    if network is None:
        raise wrong("document.network", value=_written(value))
    # 10.0.0.5/8 names a host inside a network: say which network is meant rather than guess.
    if "/" in value and str(value).split("/")[0] != str(network.network_address):
        raise wrong("document.network_host", value=shown(value), network=str(network))
    return network


@dataclass(frozen=True, slots=True)
class Between:
    """An annotation: the number lies in ``[low, high]``."""

    low: int
    high: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check after the number was read."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Publish the bounds."""
        return {**handler(schema), "minimum": self.low, "maximum": self.high}

    def _check(self, value: Any) -> Any:
        if not self.low <= value <= self.high:
            raise wrong("document.range", value=str(value), low=self.low, high=self.high)
        return value


Whole: TypeAlias = Annotated[int, BeforeValidator(_whole)]
Truth: TypeAlias = Annotated[bool, BeforeValidator(_truth)]
Text: TypeAlias = Annotated[
    str,
    BeforeValidator(_text),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 80}),
    Field(max_length=80),
]
Amount: TypeAlias = Annotated[
    str,
    BeforeValidator(_amount),
    WithJsonSchema({"type": ["string", "number"], "pattern": f"^{_AMOUNT.pattern}$", "minimum": 0}),
]
Clock: TypeAlias = Annotated[
    str, BeforeValidator(_clock), WithJsonSchema({"type": "string", "pattern": f"^{_CLOCK.pattern}$"})
]
Hours: TypeAlias = Annotated[
    str, BeforeValidator(_hours), WithJsonSchema({"type": "string", "pattern": f"^{_HOURS.pattern}$"})
]
MonthDay: TypeAlias = Annotated[
    str, BeforeValidator(_month_day), WithJsonSchema({"type": "string", "pattern": f"^{_MONTH_DAY.pattern}$"})
]
Number: TypeAlias = Annotated[
    Decimal,
    BeforeValidator(_number),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema({"type": "number"}),
]
Share: TypeAlias = Annotated[Number, Between(0, 1)]
Day: TypeAlias = Annotated[date, BeforeValidator(_day)]
Code: TypeAlias = Annotated[
    str,
    BeforeValidator(_text),
    AfterValidator(_code),
    WithJsonSchema({"type": "string", "pattern": f"^{_CODE.pattern}$"}),
]
Zone: TypeAlias = Annotated[str, BeforeValidator(_text), AfterValidator(_zone)]
Currency: TypeAlias = Annotated[
    str,
    BeforeValidator(_text),
    AfterValidator(_currency),
    WithJsonSchema({"type": "string", "enum": sorted(MINOR_DIGITS)}),
]
Network: TypeAlias = Annotated[
    IPv4Network | IPv6Network,
    BeforeValidator(_network),
    WithJsonSchema({"type": "string", "examples": ["10.1.0.0/24"]}),
]


class Part(BaseModel):
    """A mapping inside a document: unknown keys are mistakes, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Names(Part):
    """What people call it, in Chinese and English."""

    zh: Text
    en: Text
