"""A Vzenith camera that pushes over HTTP, as in the maker's "HTTP 推送" document and docs/devices/vzenith-http.md.

Two connections, as the real one has: one pushes records in order and resends until it is told to stop, one long-polls
for commands ("comet"). A record the server did not take goes into the camera's own store and is replayed one by one
when the network is back; a live record always goes first.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from openberth.simulator.clock import SECOND_US, BusinessClock
from openberth.simulator.counters import Counters
from openberth.simulator.devices.vzenith_wire import (
    OPENED_BY_SERVER,
    OPENED_BY_WHITE_LIST,
    Reading,
    Reply,
    Sight,
    heartbeat_body,
    input_body,
    recognition_body,
)
from openberth.simulator.faults import Faults
from openberth.simulator.web import Address, NoAnswer, WebConnection

STORE_MAX = 9_000  # records the maker says a camera keeps
_LIVE_MAX = 1_000
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


class Shown(NamedTuple):
    """What came of a recognition. ``delivered`` is False when it went into the store instead."""

    delivered: bool
    opens: bool
    sight: Sight


class _Record:
    """A recognition on its way, or (``sight`` None) a change of an input."""

    __slots__ = ("body", "future", "opened", "sight")

    def __init__(self, sight: Sight | None, body: bytes, future: "asyncio.Future[Shown] | None" = None) -> None:
        self.sight = sight
        self.body = body
        self.future = future
        self.opened = False

    def end(self, *, delivered: bool) -> None:
        if self.future is not None and not self.future.done() and self.sight is not None:
            self.future.set_result(Shown(delivered, self.opened, self.sight))


class VzenithCamera:
    """One camera. ``on_open`` and ``on_close`` are its relays; run it with ``run`` until cancelled."""

    def __init__(
        self,
        *,
        serial: str,
        server: Address,
        path: str,
        comet: bool,
        clock: BusinessClock,
        counters: Counters,
        faults: Faults,
        rng: Random,
        patience: Patience | None = None,
        picture_bytes: int = 0,
        on_open: Callable[[], None] = lambda: None,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self.serial = serial
        self.skew_us = 0
        self.resends_for_ever = faults.strikes("retransmit-forever", rng)
        self._path = path.rstrip("/")
        self._comet = comet
        self._clock = clock
        self._counters = counters
        self._faults = faults
        self._rng = rng
        self._patience = patience or Patience()
        self._picture_bytes = picture_bytes
        self._on_open = on_open
        self._on_close = on_close
        self._push = WebConnection(server, timeout_s=self._patience.answer_s)
        self._beat = WebConnection(server, timeout_s=self._patience.comet_s)
        self._live: deque[_Record] = deque()
        self._store: deque[_Record] = deque()
        self._work = asyncio.Event()
        self._hears = True  # the last heartbeat was answered: replaying makes sense
        self._idle = asyncio.Event()  # no live record waits or is on its way
        self._drained = asyncio.Event()  # nothing is in the store
        self._plugged = asyncio.Event()
        self._idle.set()
        self._drained.set()
        self._plugged.set()
        self._plate_id = rng.randrange(1, 1 << 30)

    @property
    def online(self) -> bool:
        """Whether the network is plugged in."""
        return self._plugged.is_set()

    @property
    def pending(self) -> int:
        """How many records the server has not taken yet."""
        return len(self._live) + len(self._store) + (not self._idle.is_set())

    async def idle(self, within_s: float) -> bool:
        """Wait until no live record is on its way; tell whether it was in time."""
        return await _within(self._idle, within_s)

    async def drained(self, within_s: float) -> bool:
        """Wait until the store is empty; tell whether it was in time."""
        return await _within(self._drained, within_s)

    async def reached(self, within_s: float) -> bool:
        """Wait until the network is plugged in; tell whether it was in time."""
        return await _within(self._plugged, within_s)

    def set_online(self, online: bool) -> None:
        """Plug the network in or out."""
        if online:
            self._plugged.set()
        else:
            self._plugged.clear()
            self._push.drop()
            self._beat.drop()
        self._work.set()

    def stamp_us(self) -> int:
        """Return the time this camera believes it is."""
        return self._clock.now_us() + self.skew_us

    def recognise(self, reading: Reading) -> "asyncio.Future[Shown]":
        """Report a car; the future ends when the server has taken the record or the camera has stored it.

        A camera without network opens by its own white list when ``reading.known`` and says so in the record.
        """
        future: asyncio.Future[Shown] = asyncio.get_running_loop().create_future()
        record = self._record(reading, future)
        if not self.online and reading.known:
            self._on_open()
        self._take(record)
        if reading.repeatable and self._faults.strikes("duplicate", self._rng):
            self._counters.duplicates += 1
            second = reading.again(self._rng.choice((2, 8)))
            self._take(self._record(second.lost() if self._faults.strikes("unread", self._rng) else second))
        return future

    def report_input(self, source: int, value: int) -> None:
        """Report an input (0 is the loop behind the barrier); without network it is forgotten, as the real one does."""
        if self.online and len(self._live) < _LIVE_MAX:
            self._queue(_Record(None, input_body(self.serial, source, value)))

    async def run(self) -> None:
        """Push and listen until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pushing())
                group.create_task(self._beating())
        finally:
            await self._push.close()
            await self._beat.close()

    def _record(self, reading: Reading, future: "asyncio.Future[Shown] | None" = None) -> _Record:
        self._plate_id += 1
        sight = Sight(self._plate_id, self.stamp_us(), reading, live=self.online)
        control = OPENED_BY_SERVER if self.online or not reading.known else OPENED_BY_WHITE_LIST
        body = recognition_body(self.serial, sight, control, offline=not self.online, padding=self._picture_bytes)
        return _Record(sight, body, future)

    def _take(self, record: _Record) -> None:
        if self.online and len(self._live) < _LIVE_MAX:
            self._queue(record)
        else:
            self._keep(record)

    def _queue(self, record: _Record) -> None:
        self._live.append(record)
        self._idle.clear()
        self._work.set()

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
        target = self._path + ("/plate" if sight else "/gio")
        self._counters.transmissions += 1
        loop = asyncio.get_running_loop()
        begun = loop.time()
        if sight is not None and not sight.sent_us:
            sight.sent_us = self._clock.now_us()
        try:
            answer = await self._push.ask("POST", target, record.body)
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
        return Reply.read(answer.body)

    def _offline_copy(self, record: _Record) -> _Record:
        assert record.sight is not None
        sight = record.sight
        body = recognition_body(self.serial, sight, OPENED_BY_SERVER, offline=True, padding=self._picture_bytes)
        return _Record(sight, body, record.future)

    def _keep(self, record: _Record) -> None:
        if len(self._store) >= STORE_MAX:
            self._store.popleft()
            self._counters.records_lost += 1
        if record.sight is not None:
            record.sight.stored = True
        self._store.append(record)
        self._drained.clear()
        self._counters.stored_offline += 1
        record.end(delivered=False)

    async def _beating(self) -> None:
        """Heartbeats: in comet mode the next one follows each answer, otherwise at its interval."""
        boundary = f"ivs{self._rng.randrange(1 << 40):010x}"
        body = heartbeat_body(self.serial, boundary)
        kind = f"multipart/form-data; boundary={boundary}"
        while True:
            await self._plugged.wait()
            try:
                answer = await self._beat.ask("POST", f"{self._path}/comet", body, content_type=kind)
                reply = Reply.read(answer.body) if answer.status == 200 else None
            except NoAnswer:
                reply = None
            self._hears = reply is not None
            if reply is None:
                await asyncio.sleep(self._patience.lost_s * self._rng.uniform(0.5, 1.5))
                continue
            self._work.set()
            if reply.opens:
                self._on_open()
            if reply.closes:
                self._on_close()
            if not self._comet:
                await asyncio.sleep(self._patience.beat_s)


async def _within(event: asyncio.Event, within_s: float) -> bool:
    if not event.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await event.wait()
    return event.is_set()
