"""The list of cars that a simulated camera lets in by itself: what it is told, and for whom it opens while its network
is away.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from openberth.simulator.clock import SECOND_US

PAGE = 200


@dataclass(frozen=True, slots=True)
class Days:
    """Since when and until when a car may come in, in microseconds since 1970."""

    since_us: int
    until_us: int | None = None

    @classmethod
    def by_wall_clock(cls, since: str, until: str, form: str, zone: str) -> "Days":
        """Read days as a camera's clock shows them. Raises ``ValueError``."""
        begins, ends = (
            int(datetime.strptime(text, form).replace(tzinfo=ZoneInfo(zone)).timestamp()) * SECOND_US
            for text in (since, until)
        )
        return cls(begins, ends)


@dataclass(frozen=True, slots=True)
class Order:
    """What a camera is told of its list. ``number`` is for those that answer; ``read`` asks for a page."""

    number: str = ""
    give: Mapping[str, Days] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    clear: bool = False
    read: int | None = None


class OwnList:
    """A camera's list. ``deaf`` orders are lost on their way; plates of ``disliked`` spoil the order they are in."""

    def __init__(self, room: int = 5_000) -> None:
        self.cars: dict[str, Days] = {}
        self.room = room
        self.deaf = 0
        self.disliked: set[str] = set()
        self.orders: list[Order] = []

    def heeds(self, order: Order) -> bool:
        """Tell whether an order arrives at all."""
        self.orders.append(order)
        if self.deaf:
            self.deaf -= 1
            return False
        return True

    def obey(self, order: Order) -> str:
        """Do what an order says, whole or not at all; return why not, empty when it is done."""
        if self.disliked & order.give.keys():
            return "no such plate"
        if order.give and len(self.cars.keys() | order.give.keys()) > self.room:
            return "the list is full"
        if order.clear:
            self.cars.clear()
        self.cars.update(order.give)
        for plate in order.drop:
            self.cars.pop(plate, None)
        return ""

    def page(self, offset: int) -> list[tuple[str, Days]]:
        """Return a page of it."""
        return list(self.cars.items())[offset : offset + PAGE]

    def lets_in(self, plate: str, at_us: int) -> bool:
        """Tell whether a car may come in at an instant."""
        days = self.cars.get(plate)
        return days is not None and days.since_us <= at_us and (days.until_us is None or at_us < days.until_us)


class TellsNothing:
    """A make that says nothing of what becomes of its list."""

    def listed(self, serial: str, order: Order, refusal: str, own: OwnList) -> None:
        """Say nothing."""


def generic_order(told: object) -> Order | None:
    """Read what docs/devices/generic-http.md says of lists; None where nothing is said."""
    if not isinstance(told, dict):
        return None
    give = {
        str(car["plate"]): Days(_us(str(car["from"])), None if car["until"] is None else _us(str(car["until"])))
        for car in told.get("give", ())
    }
    return Order(str(told["id"]), give, tuple(told.get("drop", ())), told.get("clear") is True, told.get("read"))


def generic_answer(order: Order, refusal: str, own: OwnList) -> dict[str, object]:
    """Return what a generic device says of an order."""
    if order.read is None:
        return {"type": "result", "id": order.number, "accepted": not refusal, "detail": refusal}
    cars = [
        {"plate": plate, "from": _text(days.since_us),
         "until": None if days.until_us is None else _text(days.until_us)}
        for plate, days in own.page(order.read)
    ]  # fmt: skip
    return {"type": "list", "id": order.number, "total": len(own.cars), "cars": cars}


def _us(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * SECOND_US)


def _text(moment_us: int) -> str:
    return datetime.fromtimestamp(moment_us // SECOND_US, ZoneInfo("Asia/Shanghai")).isoformat()
