"""A camera that pushes over HTTP, whatever its make: how it goes about it. What it says is its make's ``Speech``.

Two connections, as real ones have: one pushes records in order and resends until it is told to stop, one sends
heartbeats and takes commands from their answers. A record the server did not take goes into the camera's own store and
is replayed one by one when the network is back; a live record always goes first.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import NamedTuple, Protocol

from openberth.simulator.clock import SECOND_US, BusinessClock
from openberth.simulator.counters import Counters
from openberth.simulator.devices.lists import Order, OwnList
from openberth.simulator.devices.signing import Signer
from openberth.simulator.devices.standing import LIVE_MAX, Shoot, Shown, StandingCamera, flat_shoot
from openberth.simulator.devices.vzenith_wire import (
    OPENED_BY_SERVER,
    OPENED_BY_WHITE_LIST,
    Reading,
    Reply,
    Sight,
)
from openberth.simulator.faults import Faults
from openberth.simulator.scene import Shots
from openberth.simulator.web import Address, Answer, NoAnswer, WebConnection

_RESENDS = 4


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the camera waits, in machine seconds."""

    answer_s: float = 5.0
    resend_s: float = 0.5  # before the first resend, three times as long before each further one
    resend_most_s: float = 6.0
    comet_s: float = 15.0
    beat_s: float = 5.0
    lost_s: float = 1.0  # after a lost heartbeat


class Sent(NamedTuple):
    """What goes out: a body, its type, and what stands behind the address of the camera."""

    body: bytes
    kind: str = "application/json"
    below: str = ""


class Speech(Protocol):
    """What a make of cameras says, and what it understands.

    ``turns_back``: it tells of cars that back out. ``grain_us``: how finely it says when it saw something.
    """

    @property
    def turns_back(self) -> bool:
        """Whether it tells of cars that back out."""
        ...

    @property
    def grain_us(self) -> int:
        """How finely it says when it saw something."""
        ...

    def record(self, serial: str, sight: Sight, control: int, *, offline: bool, shots: Shots) -> Sent:
        """Tell of a car."""
        ...

    def input(self, serial: str, source: int, value: int) -> Sent | None:
        """Tell of a changed input (0 is the loop behind the barrier); None when it does not tell of them."""
        ...

    def beat(self, serial: str) -> Sent:
        """Tell that it lives."""
        ...

    def read(self, body: bytes) -> Reply | None:
        """Understand an answer; None when it is none."""
        ...

    def listed(self, serial: str, order: Order, refusal: str, own: OwnList) -> Sent | None:
        """Say what became of an order for the list of cars, or what stands on it; None for makes that say nothing."""
        ...


class _Record:
    """A recognition on its way, or (``sight`` None) a change of an input."""

    __slots__ = ("future", "opened", "sent", "sight")

    def __init__(self, sight: Sight | None, sent: Sent, future: "asyncio.Future[Shown] | None" = None) -> None:
        self.sight = sight
        self.sent = sent
        self.future = future
        self.opened = False

    def end(self, *, delivered: bool) -> None:
        if self.future is not None and not self.future.done() and self.sight is not None:
            self.future.set_result(Shown(delivered, self.opened, self.sight))


class PushingCamera(StandingCamera[_Record]):
    """One camera. ``on_open`` and ``on_close`` are its relays; run it with ``run`` until cancelled."""

    def __init__(
        self,
        *,
        serial: str,
        speech: Speech,
        server: Address,
        path: str,
        comet: bool,
        clock: BusinessClock,
        counters: Counters,
        faults: Faults,
        rng: Random,
        patience: Patience | None = None,
        shoot: Shoot = flat_shoot,
        signer: Signer | None = None,
        on_open: Callable[[], None] = lambda: None,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(
            serial=serial, clock=clock, counters=counters, faults=faults, rng=rng, shoot=shoot, on_open=on_open,
            on_close=on_close,
        )  # fmt: skip
        self.own = OwnList()  # the cars that it lets in alone
        self._speech = speech
        self._path = path.rstrip("/")
        self._comet = comet
        self._patience = patience or Patience()
        self._signer = signer
        self._push = WebConnection(server, timeout_s=self._patience.answer_s)
        self._beat = WebConnection(server, timeout_s=self._patience.comet_s)
        self._hears = True  # the last heartbeat was answered: replaying makes sense

    @property
    def turns_back(self) -> bool:
        """Whether it tells of cars that back out."""
        return self._speech.turns_back

    def recognise(self, reading: Reading) -> "asyncio.Future[Shown]":
        """Report a car; the future ends when the server has taken the record or the camera has stored it.

        A camera without network opens by its own white list, or when ``reading.known``, and says so in the record.
        """
        future: asyncio.Future[Shown] = asyncio.get_running_loop().create_future()
        record = self._record(reading, future)
        if self._lets_in(reading):
            self._on_open()
        self._take(record)
        if reading.repeatable and self._faults.strikes("duplicate", self._rng):
            self._counters.duplicates += 1
            second = reading.again(self._rng.choice((2, 8)))
            self._take(self._record(second.lost() if self._faults.strikes("unread", self._rng) else second))
        return future

    def report_input(self, source: int, value: int) -> None:
        """Report an input (0 is the loop behind the barrier); without network it is forgotten, as the real one does."""
        told = self._speech.input(self.serial, source, value)
        if told is not None and self.online and len(self._live) < LIVE_MAX:
            self._queue(_Record(None, told))

    async def run(self) -> None:
        """Push and listen until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pushing())
                group.create_task(self._beating())
        finally:
            await self._push.close()
            await self._beat.close()

    def _unplugged(self) -> None:
        self._push.drop()
        self._beat.drop()

    def _pass_on(self, reply: Reply) -> None:
        """Put what the server sent through the serial ports, as it came."""
        for port, data in reply.serial:
            self.display(port).read(data)

    def _lets_in(self, reading: Reading) -> bool:
        return not self.online and (reading.known or self.own.lets_in(reading.text, self.stamp_us()))

    def _record(self, reading: Reading, future: "asyncio.Future[Shown] | None" = None) -> _Record:
        self._plate_id += 1
        stamp_us = self.stamp_us() // self._speech.grain_us * self._speech.grain_us
        sight = Sight(self._plate_id, stamp_us, reading, live=self.online)
        control = OPENED_BY_WHITE_LIST if self._lets_in(reading) else OPENED_BY_SERVER
        shots = self._shoot(sight)
        return _Record(
            sight, self._speech.record(self.serial, sight, control, offline=not self.online, shots=shots), future
        )

    async def _pushing(self) -> None:
        while True:
            if self._live:
                await self._send_live(self._live.popleft())
            elif self.online and self._store and self._hears:
                await self._replay()
            else:
                self._idle.set()
                self._work.clear()
                await self._work.wait()

    async def _send_live(self, record: _Record) -> None:
        """Send until acknowledged; bounded, unless this camera is one of those that never stop."""
        nap_s = self._patience.resend_s
        tries = 0
        while self.online and (self.resends_for_ever or tries <= _RESENDS):
            if tries:
                self._counters.retransmissions += 1
                await asyncio.sleep(nap_s)
                nap_s = min(3 * nap_s, self._patience.resend_most_s)
            tries += 1
            reply = await self._transmit(record)
            if reply is None:
                continue
            self._pass_on(reply)
            if reply.opens and not record.opened:
                record.opened = True
                self._on_open()
            if reply.stops or record.sight is None:
                record.end(delivered=True)
                return
            if record.opened:
                record.end(delivered=True)  # the car may go on while the camera insists on its retransfer_stop
        if record.sight is not None and not record.opened:
            self._keep(self._offline_copy(record))

    async def _replay(self) -> None:
        """Send one stored record; the next one only follows when the server says so."""
        record = self._store[0]
        reply = await self._transmit(record)
        if reply is None or not reply.stops:
            await asyncio.sleep(self._patience.lost_s)
            return
        self._counters.replayed += 1
        self._store.popleft()
        if not self._store:
            self._drained.set()
        if not reply.continues and self._store:
            await asyncio.sleep(self._patience.lost_s)  # not asked for the next: try again later by ourselves

    async def _transmit(self, record: _Record) -> Reply | None:
        sight = record.sight
        sent = record.sent
        self._counters.transmissions += 1
        loop = asyncio.get_running_loop()
        begun = loop.time()
        if sight is not None and not sight.sent_us:
            sight.sent_us = self._clock.now_us()
        try:
            answer = await self._ask(self._push, sent)
        except NoAnswer:
            return None
        if sight is not None and self._faults.strikes("lost-ack", self._rng):
            self._counters.lost_answers += 1
            self._push.drop()
            return None
        if answer.status != 200:
            self._counters.camera_refusals += 1
            await asyncio.sleep(answer.retry_after_s(0.0, self._patience.resend_most_s))
            return None
        if sight is None:
            return Reply()  # an input change is taken note of, whatever the words
        sight.answered_us = self._clock.now_us()
        if sight.live:
            self._counters.answer.add(int((loop.time() - begun) * SECOND_US))
        return self._speech.read(answer.body)

    def _offline_copy(self, record: _Record) -> _Record:
        assert record.sight is not None
        sight = record.sight
        shots = self._shoot(sight)
        told = self._speech.record(self.serial, sight, OPENED_BY_SERVER, offline=True, shots=shots)
        return _Record(sight, told, record.future)

    async def _beating(self) -> None:
        """Heartbeats: in comet mode the next one follows each answer, otherwise at its interval."""
        beat = self._speech.beat(self.serial)
        while True:
            await self._plugged.wait()
            try:
                answer = await self._ask(self._beat, beat)
                reply = self._speech.read(answer.body) if answer.status == 200 else None
            except NoAnswer:
                reply = None
            self._hears = reply is not None
            if reply is None:
                await asyncio.sleep(self._patience.lost_s * self._rng.uniform(0.5, 1.5))
                continue
            self._work.set()
            self._pass_on(reply)
            if reply.opens:
                self._on_open()
            if reply.closes:
                self._on_close()
            if reply.order is not None and self.own.heeds(reply.order):
                await self._obey(reply.order)
            if not self._comet:
                await asyncio.sleep(self._patience.beat_s)

    async def _ask(self, connection: WebConnection, sent: Sent) -> Answer:
        path = self._path + sent.below
        fields = () if self._signer is None else self._signer.fields("POST", path, sent.body)
        return await connection.ask("POST", path, sent.body, content_type=sent.kind, headers=fields)

    async def _obey(self, order: Order) -> None:
        """Change the list of cars, and say so where the make does; an answer that gets lost is asked for again."""
        said = self._speech.listed(self.serial, order, self.own.obey(order), self.own)
        if said is not None:
            with suppress(NoAnswer):
                await self._ask(self._beat, said)
