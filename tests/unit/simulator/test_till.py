"""The money in a booth: what a hand-over tells when the server expects something else."""

import asyncio
from fractions import Fraction
from typing import Any, cast

from openberth.simulator.api import Operator
from openberth.simulator.clock import BusinessClock
from openberth.simulator.till import Till


def cny(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "CNY"}


class Server:
    """A server that expects what it is told to, and asks for a reason when that differs from the count."""

    def __init__(self, expected: int, **taken: int) -> None:
        self.client = self
        self.said: list[tuple[str, Any]] = []
        self._expected = expected
        self._taken = taken

    async def post(self, target: str, value: Any) -> Any:
        self.said.append((target, value))
        sheet = {"id": "s1", "number": 7, "state": "open", "methods": [], "expected": None}
        if not target.endswith("hand-over"):
            return sheet
        differs = value.get("counted") != cny(self._expected) and "reason" not in value
        methods = [{"method": name, "taken": cny(minor)} for name, minor in self._taken.items()]
        state = "counted" if differs else "handed_over"
        return sheet | {"state": state, "methods": methods, "expected": cny(self._expected)}


def handed_over(server: Server, float_minor: int | None = 20_000) -> list[str]:
    clock = BusinessClock()
    clock.follow(0, Fraction(60), clock.machine_ns(), clock.machine_ns())
    till = Till("mall", "CNY", cast(Operator, server), clock, float_minor)

    async def shift() -> None:
        await till.open()
        till.take("cash", 700)
        till.take("cash", 300)
        till.take("pos", 250)
        assert not till.is_due
        await till.hand_over()
        await till.hand_over()  # a shift ends once

    asyncio.run(shift())
    return [words for one in till.handed for words in one.differences]


def test_a_shift_begins_with_change_and_ends_with_its_count() -> None:
    server = Server(21_000, cash=1_000, pos=250)
    assert handed_over(server) == []
    fetched, opened, counted = server.said
    assert fetched[1]["amount"] == opened[1]["opening"] == cny(20_000)
    assert counted == ("/v1/shifts/s1/hand-over", {"counted": cny(21_000)})


def test_money_that_the_server_does_not_know_of_is_a_difference() -> None:
    server = Server(20_700, cash=700, other=5)
    assert handed_over(server) == [
        "shift 7: 21000 in the till, the sheet expects 20700",
        "shift 7: took 1000 by cash, the sheet says 700",
        "shift 7: took 0 by other, the sheet says 5",
        "shift 7: took 250 by pos, the sheet says 0",
    ]
    assert "reason" in server.said[-1][1]  # the shift ends all the same


def test_a_guard_without_a_float_works_without_shifts() -> None:
    server = Server(0)
    assert handed_over(server, None) == []
    assert server.said == []
