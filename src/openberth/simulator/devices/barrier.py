"""A barrier controller: dials the server, proves itself, moves its boom when told and tells what the boom does."""

import asyncio
import os
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from openberth.simulator.boom import Boom, BoomState
from openberth.simulator.counters import Counters
from openberth.simulator.devices.barrier_wire import (
    NONCE_BYTES,
    PROOF_BYTES,
    VERSION,
    Broken,
    Command,
    Frame,
    FrameReader,
    Keys,
    Kind,
    Operation,
    Outcome,
    encode,
    read_command,
)

_REMEMBERED = 64
_HANDSHAKE_S = 5.0
_READ_BYTES = 4096
_SILENT_BEATS = 3
_QUEUE_MAX = 16
_FRAMES_PER_S = 40  # the server takes 50 a second for long, and 200 at once
_FRAMES_BURST = 150


@dataclass(frozen=True, slots=True)
class Redial:
    """Machine seconds between tries to connect: the first, doubled up to the most."""

    first_s: float = 1.0
    most_s: float = 30.0


class _Queued(NamedTuple):
    command: Command
    expires_at: float


class _Stream:
    """Frames from a connection, one at a time."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._cutter = FrameReader()
        self._frames: list[Frame] = []

    async def next(self) -> Frame:
        while not self._frames:
            data = await self._reader.read(_READ_BYTES)
            if not data:
                raise EOFError
            self._frames = self._cutter.feed(data)[::-1]
        return self._frames.pop()

    async def expect(self, kind: Kind, size: int) -> bytes:
        frame = await self.next()
        if frame.kind != kind or len(frame.payload) != size:
            raise Broken(f"expected {kind.name}, got {frame.kind:#x} with {len(frame.payload)} bytes")
        return frame.payload


class BarrierController:
    """One controller with its boom; run it with ``run`` until cancelled."""

    def __init__(
        self,
        *,
        serial: str,
        secret: bytes,
        host: str,
        port: int,
        boom: Boom,
        counters: Counters,
        redial: Redial | None = None,
    ) -> None:
        self.boom = boom
        self.connected = False
        self._serial = serial.encode()
        self._secret = secret
        self._host, self._port = host, port
        self._counters = counters
        self._redial = redial or Redial()
        self._results: OrderedDict[bytes, Outcome | None] = OrderedDict()  # what it remembers of commands
        self._unsent: OrderedDict[bytes, Outcome] = OrderedDict()
        self._queue: asyncio.Queue[_Queued] = asyncio.Queue(_QUEUE_MAX)
        self._keys: Keys | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._sequence = 0
        self._told = b""
        self._full_at = 0.0  # when the allowance of frames is whole again
        self._later: asyncio.TimerHandle | None = None
        boom.on_change = self._tell_change

    def cut(self) -> None:
        """Break the connection, as a bad cable does; the controller dials again."""
        if self._writer is not None:
            self._writer.transport.abort()

    async def run(self) -> None:
        """Keep a connection and work off commands until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._dialing())
            group.create_task(self._working())

    async def _dialing(self) -> None:
        nap_s = self._redial.first_s
        try:
            while True:
                with suppress(OSError, EOFError, Broken, TimeoutError):
                    await self._session()
                nap_s = self._redial.first_s if self.connected else min(2 * nap_s, self._redial.most_s)
                self._hang_up()
                await asyncio.sleep(nap_s)
        finally:
            self._hang_up()

    async def _session(self) -> None:
        async with asyncio.timeout(_HANDSHAKE_S):
            reader, self._writer = await asyncio.open_connection(self._host, self._port)
            stream = _Stream(reader)
            keys, beat_s = await self._shake_hands(stream)
        self._keys, self.connected = keys, True
        self._counters.barrier_links += 1
        self._tell_status()
        unsent, self._unsent = self._unsent, OrderedDict()
        for command, outcome in unsent.items():
            self._answer(command, outcome)
        beating = asyncio.create_task(self._beating(beat_s))
        try:
            while True:
                async with asyncio.timeout(beat_s * _SILENT_BEATS):
                    frame = await stream.next()
                self._take(frame, keys)
        finally:
            beating.cancel()

    async def _shake_hands(self, stream: _Stream) -> tuple[Keys, int]:
        """Prove ourselves and have the server prove itself; return the keys and the heartbeat in seconds."""
        self._sequence = 0
        nonce = os.urandom(NONCE_BYTES)
        self._write(encode(Kind.HELLO, self._next_sequence(), bytes((VERSION,)) + nonce + self._serial))
        keys = Keys(self._secret, nonce, await stream.expect(Kind.CHALLENGE, NONCE_BYTES))
        self._write(encode(Kind.PROOF, self._next_sequence(), keys.proof(b"device")))
        welcome = await stream.expect(Kind.WELCOME, PROOF_BYTES + 1)
        if welcome[:PROOF_BYTES] != keys.proof(b"server") or not welcome[PROOF_BYTES]:
            raise Broken("the server did not prove itself")
        return keys, welcome[PROOF_BYTES]

    def _take(self, frame: Frame, keys: Keys) -> None:
        if frame.kind == Kind.REFUSED:  # never carries a mac: it ends this connection and proves nothing
            self._counters.barrier_refusals += 1
            raise Broken("refused")
        frame = keys.open(frame)
        if frame.kind == Kind.COMMAND:
            self._order(read_command(frame.payload))
        elif frame.kind == Kind.PING and not frame.payload:
            self._write(keys.seal(Kind.PONG, frame.sequence, b""))
        elif frame.kind != Kind.PONG or frame.payload:
            raise Broken(f"a frame of type {frame.kind:#x} in a session")

    def _order(self, command: Command) -> None:
        """Take a command, once: a known id only gets its latest result again."""
        if command.id in self._results:
            self._counters.barrier_repeats += 1
            outcome = self._results[command.id]
            if outcome is not None:
                self._answer(command.id, outcome)
            return
        self._counters.barrier_commands += 1
        self._results[command.id] = None
        while len(self._results) > _REMEMBERED:
            self._results.popitem(last=False)
        loop = asyncio.get_running_loop()
        if command.operation is Operation.STOP:  # never waits behind what it shall stop
            self.boom.stop()
            self._answer(command.id, Outcome.DONE)
            return
        try:
            self._queue.put_nowait(_Queued(command, loop.time() + command.life_ms / 1000))
        except asyncio.QueueFull:
            self._answer(command.id, Outcome.FAULT)

    async def _working(self) -> None:
        """Carry out one command after the other, each to the end of its movement."""
        loop = asyncio.get_running_loop()
        while True:
            command, expires_at = await self._queue.get()
            if loop.time() >= expires_at:
                self._answer(command.id, Outcome.EXPIRED)
            elif (refusal := self._refusal(command.operation)) is not None:
                self._answer(command.id, refusal)
            else:
                self._answer(command.id, Outcome.ACCEPTED)
                self._answer(command.id, Outcome.DONE if await self._move(command.operation) else Outcome.FAULT)

    def _refusal(self, operation: Operation) -> Outcome | None:
        boom = self.boom
        if operation is Operation.CLOSE and boom.car_under:
            return Outcome.OBSTRUCTED
        target = BoomState.CLOSED if operation is Operation.CLOSE else BoomState.OPEN
        if boom.locked and operation is not Operation.UNLOCK and boom.state is not target:
            return Outcome.LOCKED
        return None

    async def _move(self, operation: Operation) -> bool:
        if operation is Operation.CLOSE:
            return await self.boom.lower()
        if operation is Operation.UNLOCK:
            self.boom.lock(False)
            return True
        reached = await self.boom.raise_()
        if reached and operation is Operation.LOCK_OPEN:
            self.boom.lock(True)
        return reached

    def _answer(self, command: bytes, outcome: Outcome) -> None:
        if command in self._results:
            self._results[command] = outcome
        if self._keys is None:
            self._unsent[command] = outcome
            while len(self._unsent) > _REMEMBERED:
                self._unsent.popitem(last=False)
            return
        self._send(Kind.RESULT, command + bytes((outcome,)))

    def _status(self) -> bytes:
        boom = self.boom
        loops = boom.car_before | boom.car_under << 1
        return bytes((boom.state, boom.locked, loops)) + (boom.passes & 0xFFFFFFFF).to_bytes(4, "big")

    def _tell_status(self) -> None:
        self._told = self._status()
        self._send(Kind.STATUS, self._told)

    def _tell_change(self) -> None:
        """Tell a change at once; when many follow each other too fast, tell the latest as soon as it is allowed."""
        if self._status() == self._told or self._keys is None:
            return
        loop = asyncio.get_running_loop()
        early_s = self._full_at - loop.time() - _FRAMES_BURST / _FRAMES_PER_S
        if early_s <= 0:
            self._tell_status()
        elif self._later is None:
            self._later = loop.call_later(early_s, self._tell_later)

    def _tell_later(self) -> None:
        self._later = None
        self._tell_change()

    async def _beating(self, beat_s: int) -> None:
        while True:
            await asyncio.sleep(beat_s)
            self._tell_status()

    def _send(self, kind: Kind, payload: bytes) -> None:
        if self._keys is not None:
            now = asyncio.get_running_loop().time()
            self._full_at = max(self._full_at, now) + 1 / _FRAMES_PER_S
            self._write(self._keys.seal(kind, self._next_sequence(), payload))

    def _write(self, data: bytes) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(data)

    def _next_sequence(self) -> int:
        sequence = self._sequence
        self._sequence = (sequence + 1) & 0xFFFF
        return sequence

    def _hang_up(self) -> None:
        self.connected = False
        self._keys = None
        if self._later is not None:
            self._later.cancel()
            self._later = None
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.transport.abort()
