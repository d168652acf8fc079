"""Cars at exits and what goes wrong with their money: each drives in, is seen at a lane, pays somehow, and leaves."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from openberth.simulator.api import BillView, Client, Operator, Phone, Refusal, Sum, Waiting
from openberth.simulator.boom import Boom, BoomState, BoomTiming
from openberth.simulator.clock import BusinessClock
from openberth.simulator.counters import Counters
from openberth.simulator.devices.barrier import BarrierController, Redial
from openberth.simulator.devices.vzenith import Patience, VzenithCamera
from openberth.simulator.devices.vzenith_wire import OPENED_BY_WHITE_LIST, Reading, Reply, Sight, recognition_body
from openberth.simulator.faults import Faults
from openberth.simulator.plates import LETTERS
from openberth.simulator.town import phone_source
from openberth.simulator.web import Address, NoAnswer, WebConnection
from tests.e2e.storm_house import ENTRIES, KINDS, LOT, StormHouse

SECOND_US, HALF_HOUR_US = 1_000_000, 30 * 60 * 1_000_000
PATIENCE_S = 600.0  # of a phone, and of a car before the boom: on a busy machine a restart takes a minute
COMMAND_LIFE_S = 33.0  # and a little: on a server's database the next process may still send what the one before left
LOOKS_S = (0.3, 0.6, 1.2, 2.5, 4.0)
BOOM = BoomTiming(0.02, 0.3, 0.01)


class Deed(StrEnum):
    """How a driver pays."""

    PLAIN = "plain"
    TWICE = "twice"  # by both channels
    LATE = "late"  # again, by an order that was closed meanwhile
    WRONG = "wrong amount"  # first
    LIE = "other merchant told"  # by the notification
    CASH = "cash"  # while an order stands, which may be paid, too
    RISING = "rising"  # the price rises between order and payment


SHARES = {
    Deed.PLAIN: 70, Deed.TWICE: 9, Deed.LATE: 6, Deed.WRONG: 3, Deed.LIE: 3, Deed.CASH: 5, Deed.RISING: 4,
}  # fmt: skip


@dataclass
class Car:
    """One car; ``may_leave`` from the moment on in which somebody is about to pay all of it."""

    number: int
    rng: random.Random
    deed: Deed
    kind: str
    may_leave: bool = False
    openings: int = 0
    paid_for: set[str] = field(default_factory=set)

    @property
    def plate(self) -> str:
        return f"粤{LETTERS[self.number // 100_000 % len(LETTERS)]}{self.number % 100_000:05d}"

    @property
    def other(self) -> str:
        return KINDS[self.kind == KINDS[0]]


class Gate(Boom):
    """A boom that notes whom it opened for."""

    def __init__(self) -> None:
        super().__init__(BOOM)
        self.car: Car | None = None
        self.wrongs: list[str] = []

    def _set(self, state: BoomState) -> None:
        if state is BoomState.OPENING:
            if self.car is None:
                self.wrongs.append("opened for nobody")
            else:
                self.car.openings += 1
                if not self.car.may_leave:
                    self.wrongs.append(f"opened for {self.car.plate} before anybody paid")
                elif self.car.openings > 1:
                    self.wrongs.append(f"opened {self.car.openings} times for {self.car.plate}")
        super()._set(state)


@dataclass
class Ledger:
    """What drivers know at the end, whatever OpenBerth says."""

    cars: int = 0
    by_hand: int = 0
    payments: int = 0
    cash_fen: int = 0
    deeds: Counter[str] = field(default_factory=Counter)
    wrong: dict[str, int] = field(default_factory=dict)  # order -> fen that were taken instead of what was asked for
    troubles: list[str] = field(default_factory=list)


class Bank:
    """The payers' side of a stand-in."""

    def __init__(self, house: StormHouse) -> None:
        self._clients = {kind: Client(house.stand_in_url(kind), patience_s=PATIENCE_S) for kind in KINDS}

    async def pay(self, kind: str, number: str, **how: Any) -> bool:
        """Pay an order; tell whether the money went. One that was paid just before a kill counts, too."""
        client = self._clients[kind]
        try:
            await client.post("/__sandbox__/pay", {"number": number} | how)
        except Refusal:
            name = "orders" if kind == KINDS[0] else "trades"
            found = (await client.get(f"/__sandbox__/{name}?number={number}"))[name]
            # It was refused because it is paid: by this very request, whose answer was lost, or because it is closed.
            return any("SUCCESS" in str(each.get("state", each.get("status"))) for each in found) and not how.get(
                "late"
            )
        return True

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()


class Lane:
    """An exit with its camera, gate and the cars that come to it one after the other."""

    def __init__(self, storm: "Drivers", index: int, scan_code: str, camera: str, barrier: bytes | None) -> None:
        self.gate = Gate()
        self._storm, self._index, self._scan_code = storm, index, scan_code
        house, rng = storm.house, random.Random(f"{storm.seed}:{index}")
        address = Address.of(house.url)
        raises = _nothing if barrier else self._raise
        self._camera = VzenithCamera(
            serial=f"storm-cam-{index}", server=address, path=camera, comet=True, clock=storm.clock,
            counters=storm.counters, faults=Faults(), rng=rng, on_open=raises,
            patience=Patience(resend_s=0.3, resend_most_s=2.0, lost_s=0.3),
        )  # fmt: skip
        self._camera.resends_for_ever = True  # else a car that leaves while the server is away would leave a debt
        self._barrier = barrier and BarrierController(
            serial=f"storm-{index}", secret=barrier, host=address.host, port=house.barrier_port, boom=self.gate,
            counters=storm.counters, redial=Redial(0.3, 2.0),
        )  # fmt: skip
        self._entry = WebConnection(address)

    def machines(self) -> list[Coroutine[Any, Any, None]]:
        return [self._camera.run(), *([self._barrier.run()] if self._barrier else [])]

    async def close(self) -> None:
        await self._entry.close()

    async def serve(self, car: Car) -> None:
        """See a car in and out."""
        await self._drive_in(car)
        gate, storm = self.gate, self._storm
        assert await gate.wait_clear(PATIENCE_S)
        gate.car = car
        gate.car_arrives()
        phone = Phone(storm.house.url, source=phone_source(storm.house.url, car.number), patience_s=PATIENCE_S)
        try:
            await self._camera.recognise(Reading(car.plate))
            waiting = (await phone.lane(self._scan_code)).waiting
            assert waiting is not None, f"nobody sees {car.plate}"
            assert waiting.bill is not None, f"nobody asks {car.plate} for money: {waiting}"
            await self._pay_somehow(car, phone, waiting.bill)
            await self._get_out(car, phone)
        finally:
            await phone.close()
        await gate.wait_open(10)
        if not self._barrier:
            self._camera.report_input(0, 1)
        await gate.drive_through()
        gate.car = None
        if not self._barrier:
            self._camera.report_input(0, 0)
        storm.ledger.cars += 1

    async def _drive_in(self, car: Car) -> None:
        """Tell of an entry long ago, as a camera does that had no network then."""
        hours = HALF_HOUR_US * car.rng.randint(1, 6)
        parked_us = hours - (3 * SECOND_US if car.deed is Deed.RISING else car.rng.randint(60, 900) * SECOND_US)
        sight = Sight(car.number, self._storm.clock.now_us() - parked_us, Reading(car.plate, known=True), live=False)
        body = recognition_body("entry", sight, OPENED_BY_WHITE_LIST, offline=True)
        path = self._storm.entries[car.number % ENTRIES] + "/plate"
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            try:
                answer = await self._entry.ask("POST", path, body)
                reply = Reply.read(answer.body) if answer.status == 200 else None
                if reply is not None and reply.stops:
                    return
            except NoAnswer:
                pass
            await asyncio.sleep(0.3)
        raise AssertionError(f"{car.plate} could not come in")

    async def _pay_somehow(self, car: Car, phone: Phone, bill: BillView) -> None:
        storm, deed = self._storm, car.deed
        storm.ledger.deeds[deed.value] += 1
        if deed is Deed.PLAIN:
            await self._pay(car, phone, bill, car.kind)
        elif deed is Deed.TWICE:
            orders = [(kind, await self._order(phone, kind)) for kind in (car.kind, car.other)]
            for kind, number in orders:
                await self._tap(car, bill, kind, number)
        elif deed is Deed.LATE:
            stale = await self._order(phone, car.other)
            await self._pay(car, phone, bill, car.kind)
            storm.later(car, self._tap(car, bill, car.other, stale, after_s=car.rng.uniform(0.1, 3.0), late=True))
        elif deed is Deed.WRONG:
            number = await self._order(phone, car.kind)
            fen = car.rng.choice((1, bill.due.minor - 1, bill.due.minor + 1, 10 * bill.due.minor))
            if number and await storm.bank.pay(car.kind, number, amount=fen):
                storm.ledger.payments += 1
                storm.ledger.wrong[number] = fen
        elif deed is Deed.LIE:
            lie = {"mchid": "1900009999"} if car.kind == KINDS[0] else {"seller_id": "2088999999999999"}
            await self._tap(car, bill, car.kind, await self._order(phone, car.kind), overlay=lie)
        elif deed is Deed.CASH:
            number = await self._order(phone, car.kind)
            await self._pay_cash(car, bill)
            if car.rng.random() < 0.5:
                storm.later(car, self._tap(car, bill, car.kind, number, after_s=car.rng.uniform(0, 0.5), late=True))
        else:
            number = await self._order(phone, car.kind)
            await asyncio.sleep(3.2)
            await self._tap(car, bill, car.kind, number)

    async def _get_out(self, car: Car, phone: Phone) -> None:
        """Look at the boom and at the phone, in turn, and do what the phone says."""
        begun = time.monotonic()
        looks = 0
        while time.monotonic() < begun + PATIENCE_S:
            if await self.gate.wait_open(LOOKS_S[min(looks, len(LOOKS_S) - 1)]):
                return
            looks += 1
            waiting = (await phone.lane(self._scan_code)).waiting
            if waiting is not None and waiting.ask == "pay" and waiting.bill is not None:
                if waiting.bill.id not in car.paid_for:
                    await self._pay(car, phone, waiting.bill, car.rng.choice(KINDS))
            elif await self._open_by_hand(car, waiting):
                return
        raise AssertionError(f"{car.plate} ({car.deed}) does not get out: {await phone.lane(self._scan_code)}")

    async def _open_by_hand(self, car: Car, waiting: Waiting | None) -> bool:
        """Have the guard open where a command was lost with the server: it is never repeated by itself."""
        until = time.monotonic() + COMMAND_LIFE_S
        while await self._is_told_to_open() and time.monotonic() < until:  # by one that is under way still
            if await self.gate.wait_open(LOOKS_S[0]):
                return True
        if await self.gate.wait_open(LOOKS_S[-1]):
            return True
        if waiting is not None:
            self._storm.ledger.troubles.append(f"{car.plate}: asked for {waiting.ask}")
        self._storm.ledger.by_hand += 1
        await self._storm.guard.open(LOT, f"out-{self._index}", "paid, but the gate stayed down")
        return await self.gate.wait_open(5)

    async def _is_told_to_open(self) -> bool:
        device = f"{'bar' if self._barrier else 'cam'}-out-{self._index}"
        commands = await self._storm.guard.items("/v1/commands", {"lot": LOT, "device": device})
        return any(each["state"] != "ended" for each in commands)

    async def _pay(self, car: Car, phone: Phone, bill: BillView, kind: str) -> None:
        await self._tap(car, bill, kind, await self._order(phone, kind))

    async def _order(self, phone: Phone, kind: str) -> str | None:
        """Ask for an order; None when there is nothing to pay any more."""
        try:
            return UUID((await phone.order(self._scan_code, channel=kind)).attempt).hex
        except Refusal:
            return None

    async def _tap(
        self, car: Car, bill: BillView, kind: str, number: str | None, *, after_s: float = 0, **how: Any
    ) -> None:
        if number is None or number in self._storm.ledger.wrong:  # nothing to pay, or nobody has noticed yet
            return
        car.may_leave = True
        await asyncio.sleep(after_s)
        if await self._storm.bank.pay(kind, number, **how):
            self._storm.ledger.payments += 1
            car.paid_for.add(bill.id)

    async def _pay_cash(self, car: Car, bill: BillView) -> None:
        car.may_leave = True
        try:
            taken = await self._storm.guard.cash(LOT, f"out-{self._index}", bill.id, Sum(bill.due.minor))
        except Refusal:
            return
        self._storm.ledger.cash_fen += taken.receipt.amount.minor
        car.paid_for.add(bill.id)

    def _raise(self) -> None:
        self.gate.raise_()


class Drivers:
    """All cars of a storm."""

    def __init__(self, house: StormHouse, *, seed: int, cars: int) -> None:
        self.house, self.seed, self.cars = house, seed, cars
        self.ledger = Ledger()
        self.counters = Counters()
        self.clock = BusinessClock()
        now_ns = self.clock.machine_ns()
        self.clock.follow(time.time_ns() // 1_000, Fraction(1), now_ns, now_ns)
        self.entries: list[str] = []
        self.lanes: list[Lane] = []
        self._afterwards: set[asyncio.Task[None]] = set()

    async def drive(self) -> None:
        """Let all cars come and go; raises what a car or a machine could not do."""
        self.bank = Bank(self.house)
        self.guard = Operator(self.house.url, self.house.token, patience_s=PATIENCE_S)
        await self._build()
        machines = [asyncio.create_task(work) for lane in self.lanes for work in lane.machines()]
        try:
            numbers = iter(range(self.cars))
            async with asyncio.TaskGroup() as group:
                for lane in self.lanes:
                    group.create_task(self._serve(lane, numbers))
            await asyncio.gather(*self._afterwards)
            await asyncio.sleep(0.3)  # for a gate that opens once too often
        finally:
            for task in machines:
                task.cancel()
            await asyncio.gather(*machines, return_exceptions=True)
            await asyncio.gather(*(lane.close() for lane in self.lanes))
            await self.bank.close()
            await self.guard.close()

    def later(self, car: Car, work: Coroutine[Any, Any, None]) -> None:
        """Have something done after the car is gone."""
        self._afterwards.add(asyncio.create_task(work, name=car.plate))

    @property
    def wrongs(self) -> list[str]:
        """Return what gates did that they should not."""
        return [f"out-{index}: {wrong}" for index, lane in enumerate(self.lanes) for wrong in lane.gate.wrongs]

    async def _serve(self, lane: Lane, numbers: Any) -> None:
        for number in numbers:
            rng = random.Random(f"{self.seed}:car:{number}")
            deed = rng.choices(list(SHARES), list(SHARES.values()))[0]
            await lane.serve(Car(number, rng, deed, rng.choice(KINDS)))

    async def _build(self) -> None:
        codes = {lane.code: lane.scan_code for lane in (await self.guard.lot(LOT)).lanes}
        self.entries = [await self._path(f"cam-in-{n}") for n in range(ENTRIES)]
        for n in range(self.house.exits):
            secret = None if n % 2 else bytes.fromhex((await self.guard.credentials(LOT, f"bar-out-{n}")).secret)
            self.lanes.append(Lane(self, n, codes[f"out-{n}"], await self._path(f"cam-out-{n}"), secret))

    async def _path(self, device: str) -> str:
        made = await self.guard.credentials(LOT, device)
        return urlsplit(made.path or f"/devices/vzenith/{made.secret}").path


def _nothing() -> None:
    """A relay that is not wired."""
