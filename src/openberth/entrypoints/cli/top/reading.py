"""Reads the answers of the API into the values of the live view; a missing field costs a figure, not the view."""

from collections.abc import Mapping, Sequence
from typing import Any

from openberth.entrypoints.cli.top.model import (
    Case,
    Lane,
    Lot,
    Overview,
    Passage,
    Waiting,
    instant_of,
    money_of,
    names_of,
)
from openberth.kernel.time import Instant

NEVER = Instant(0)


def overview_of(answer: Any) -> Overview:
    """Read ``GET /v1/overview``."""
    found = _mapping(answer)
    return Overview(instant_of(found.get("business_now")) or NEVER, tuple(_lot(lot) for lot in _list(found, "lots")))


def passages_of(page: Any) -> list[Passage]:
    """Read a page of ``GET /v1/passages``."""
    return [
        Passage(
            id=str(item.get("id", "")), at=instant_of(item.get("captured_at")) or NEVER, lot=str(item.get("lot", "")),
            lane=str(item.get("lane", "")), plate=_text(item, "plate"), action=str(item.get("action", "")),
            reason=str(item.get("reason", "")), state=str(item.get("state", "")),
        )
        for item in _list(_mapping(page), "items")
    ]  # fmt: skip


def cases_of(page: Any) -> tuple[Case, ...]:
    """Read a page of ``GET /v1/exceptions``."""
    return tuple(
        Case(
            id=str(item.get("id", "")), lot=str(item.get("lot", "")), lane=_text(item, "lane"),
            kind=str(item.get("kind", "")), raised_at=instant_of(item.get("raised_at")) or NEVER,
        )
        for item in _list(_mapping(page), "items")
    )  # fmt: skip


def alarms_of(answer: Any) -> tuple[str, ...]:
    """Read ``GET /v1/alarms``: the texts, in the language that was asked for."""
    return tuple(words for item in _list(_mapping(answer), "items") if (words := _text(item, "text")) is not None)


def _lot(item: Mapping[str, Any]) -> Lot:
    devices = _list(item, "devices")
    return Lot(
        id=str(item.get("id", "")), code=str(item.get("code", "")), names=names_of(item.get("name")),
        zone=str(item.get("zone", "UTC")), currency=str(item.get("currency", "")), state=str(item.get("state", "")),
        occupied=_count(item, "occupied"), capacity=_count(item, "capacity"),
        lanes=tuple(_lane(lane) for lane in _list(item, "lanes")), received=money_of(item.get("received_today")),
        devices=len(devices),
        silent=tuple(
            str(device.get("code"))
            for device in devices
            if device.get("online") is False and device.get("has_credentials") is not False
        ),
        without_secret=tuple(str(device.get("code")) for device in devices if device.get("has_credentials") is False),
        cases_open=_count(item, "exceptions_open"),
    )  # fmt: skip


def _lane(item: Mapping[str, Any]) -> Lane:
    return Lane(
        code=str(item.get("code", "")), names=names_of(item.get("name")), kind=str(item.get("kind", "")),
        waiting=_waiting(item.get("waiting")),
    )  # fmt: skip


def _waiting(item: object) -> Waiting | None:
    if not isinstance(item, Mapping):
        return None
    bill = item.get("bill")
    due = money_of(bill.get("due")) if isinstance(bill, Mapping) else None
    return Waiting(_text(item, "plate"), str(item.get("ask", "nothing")), due, instant_of(item.get("since")))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(item: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    found = item.get(name)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _count(item: Mapping[str, Any], name: str) -> int:
    value = item.get(name)
    return value if type(value) is int else 0


def _text(item: Mapping[str, Any], name: str) -> str | None:
    value = item.get(name)
    return str(value) if value else None
