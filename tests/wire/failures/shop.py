"""A mall that takes its money by a channel, the stand-in, and a driver who stands at the exit."""

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy import select

from openberth.contexts.payments.model.channels import ChannelAccount
from openberth.contexts.payments.ports import ChannelMaker, ChannelSpec, StatementNotReady
from openberth.contexts.payments.reactions import Cashier, Channels, Reconciling, Refunding
from openberth.contexts.payments.service.channels import accounts, add_account
from openberth.contexts.payments.store.tables import attempt
from openberth.contexts.tenancy.model.organisation import Node
from openberth.entrypoints.cli.ledger import compared
from openberth.infra.clocks import SystemClock
from openberth.infra.database.statement import Query
from openberth.kernel.authority import system
from openberth.kernel.time import SECOND_US, Clock, Instant
from tests.waiting import eventually
from tests.wire.api.house import CAR, House
from tests.wire.failures.sides import Side

DUE = 750
STEP_S = 6  # the first time that an order is asked after by itself
BY = system("test")

_ATTEMPTS = Query(
    select(attempt.c.number, attempt.c.state).order_by(attempt.c.id), lambda number, state: (number, str(state))
)


class Skewed(SystemClock):
    """The clock that signatures are made and judged by; it can go wrong."""

    def __init__(self) -> None:
        self.seconds = 0

    def now(self) -> Instant:
        return Instant(super().now() + self.seconds * SECOND_US)


@dataclass(frozen=True)
class Dated:
    """Makes channels that sign by the machine's time, as the stand-ins prove, and know another day."""

    maker: ChannelMaker
    clock: Clock

    def check(self, params: Mapping[str, Any], secrets: Mapping[str, str], *, production: bool) -> None:
        self.maker.check(params, secrets, production=production)

    def make(self, spec: ChannelSpec) -> Any:
        made: Any = self.maker.make(spec)
        made._clock = self.clock
        return made


@dataclass
class Shop:
    """The first side is the lot's usual one."""

    house: House
    side: Side
    clock: Skewed
    sides: list[Side] = field(default_factory=list)

    def stand_at_the_exit(self) -> None:
        self.house.arrive("in-1", CAR)
        self.house.business.advance(61 * 60 * SECOND_US)
        self.house.arrive("out-1", CAR)

    def press_pay(self, side: Side | None = None) -> httpx2.Response:
        wanted = {} if side is None else {"channel": side.kind.value}
        return self.house.stranger.post(self.house.code("out-1") + "/pay", json=wanted)

    def order(self, side: Side | None = None) -> str:
        """Have an order opened by the driver's phone; returns its number."""
        answer = self.press_pay(side)
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["attempt"]).hex

    def settled_order(self) -> str:
        """Have an order opened and paid, and the gate opened."""
        number = self.order()
        self.side.pay(number)
        self.settles()
        return number

    def later(self, seconds: int) -> None:
        """Let time pass here and there, but not the car's."""
        self.house.machine.advance(seconds * SECOND_US)
        for side in self.sides:
            side.sandbox.control("clock", advance_s=seconds)

    def in_time(self, condition: Callable[[], bool]) -> bool:
        """Tell whether a condition comes true while time passes: within a minute of theirs, in a few steps."""
        for _ in range(20):
            if eventually(condition, 0.3):
                return True
            self.later(3)
        return eventually(condition)

    def opening(self) -> str:
        """Return the number of the order that was written down last, whatever its channel has answered."""
        assert eventually(lambda: bool(self._attempts()))
        return self._attempts()[-1][0]

    def _attempts(self) -> list[tuple[str, str]]:
        return self.house.database.read_now(lambda reader: reader.all(_ATTEMPTS), by=BY)

    def asked_after(self, number: str) -> int:
        """Return how often Alipay was asked after an order."""
        calls = self.side.sandbox.look("calls?method=alipay.trade.query")["calls"]
        return sum(number in str(each) for each in calls)

    def attempt_state(self, number: str) -> str:
        return dict(self._attempts())[number]

    def alarms(self) -> list[dict[str, Any]]:
        return list(self.house.get("/v1/alarms")["items"])

    def cases(self) -> list[str]:
        return [each["kind"] for each in self.all("exceptions")]

    def stuck(self, *details: str) -> None:
        """See a refund wait for a person, who is told."""
        assert self.in_time(lambda: self.refund_states() == ["stuck"])
        [refund] = self.all("refunds")
        assert refund["detail"] in details, refund["detail"]
        assert eventually(lambda: self.cases() == ["surplus"])
        self.balanced()

    def all(self, what: str, **more: Any) -> list[dict[str, Any]]:
        return list(self.house.get(f"/v1/{what}", lot="mall", **more)["items"])

    def openings(self) -> int:
        return sum(each["lane"] == "out-1" for each in self.all("commands"))

    def has_left(self) -> bool:
        return self.house.waiting("out-1") is None

    def settles(self, *, in_time: bool = False) -> None:
        """See the bill paid and the gate opened, each once. ``in_time``: while time passes, for a question that may
        have been under way when the clock was moved, and is asked again after that.
        """
        assert self.in_time(self.has_left) if in_time else eventually(self.has_left)
        assert [each["state"] for each in self.all("bills")] == ["settled"]
        receipts = [(each["method"], each["amount"]["minor"]) for each in self.all("receipts")]
        assert receipts == [(self.side.kind.value, DUE)]
        self.opened_once()

    def settles_not(self) -> None:
        assert not self.has_left()
        assert [each["state"] for each in self.all("bills")] == ["open"]
        assert self.all("receipts") == []
        assert self.openings() == 0

    def differs(self, told: int) -> None:
        """See another sum settle nothing, and a person be told of it."""
        assert eventually(lambda: self.cases() == ["payment_differs"])
        self.settles_not()
        [case] = self.all("exceptions")
        evidence = self.house.get(f"/v1/exceptions/{case['id']}")["evidence"]
        assert (evidence["told_minor"], evidence["asked_minor"]) == (told, DUE)

    def opened_once(self) -> None:
        assert self.openings() == 1

    def refunded(self, *minors: int) -> None:
        """See what went back, each once, here and there."""
        assert self.in_time(lambda: self.refund_states() == ["done"] * len(minors))
        told = self.all("refunds")
        assert sorted(each["amount"]["minor"] for each in told) == sorted(minors)
        self.balanced()

    def refund_states(self) -> list[str]:
        return [each["state"] for each in self.all("refunds")]

    def take_cash(self) -> None:
        bill = self.house.waiting("out-1")["bill"]
        body = {"bill": bill["id"], "received": bill["due"]}
        assert self.house.post("/v1/lots/mall/lanes/out-1/cash", body).status_code == 200

    def give_back(self, minor: int, receipt: str | None = None) -> httpx2.Response:
        receipt = receipt or self.all("receipts")[0]["id"]
        body = {"amount_minor": minor, "currency": "CNY", "reason": "客户投诉"}
        return self.house.post(f"/v1/receipts/{receipt}/refunds", body, key=secrets.token_hex(8))

    def gives_back(self, minor: int) -> None:
        assert self.give_back(minor).status_code == 201

    def balanced(self) -> None:
        """See that the ledger says what bills, receipts and refunds say."""
        assert compared(self.house.database)[1] == []

    def contract_with(self, side: Side, rank: int) -> None:
        """Write a contract down."""
        add = partial(
            add_account, node=Node.platform(), kind=side.kind, name="mall", rank=rank, params=side.params,
            secrets=side.secrets,
        )  # fmt: skip
        self.house.database.write_now(add, by=BY)

    async def read_statements(self) -> None:
        """Read the statements of all days until yesterday, as the daily job does."""
        house = self.house
        makers = {side.kind: Dated(side.maker(SystemClock()), house.machine) for side in self.sides}
        # Channels of their own: those of the server belong to its loop.
        channels = Channels(house.database, makers, public_base=house.url, production=False)
        database = house.database
        cashier, refunding = Cashier(database, channels), Refunding(database, channels)
        reading = Reconciling(database, channels, cashier, refunding)
        try:
            found: list[ChannelAccount] = house.database.read_now(accounts, by=BY)
            for account in found:
                if account.kind is self.side.kind:
                    with suppress(StatementNotReady):  # the next morning reads what this one did not
                        await reading.catch_up(account)
        finally:
            await channels.aclose()
