"""One device over all its connections: what it has still to get, and what has still to be told of it.

What it says is told one at a time and in order; when too much waits, its connection is read no more until the observer
has caught up, so the queue stays short and nothing is thrown away.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from openberth.gateways.mqtt.mailbox import Mailbox, Outgoing
from openberth.gateways.mqtt.packets import Will
from openberth.gateways.mqtt.ports import MqttObserver
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Instant

_log = logging.getLogger(__name__)

MESSAGES_HIGH, MESSAGES_LOW = 32, 8
BYTES_HIGH = 8 * 1024 * 1024
TELL_US = 30 * SECOND_US
RETAINED_MAX = 32
RETAINED_BYTES_MAX = 128 * 1024


class Way(Protocol):
    """The way back of one message, by which it is confirmed."""

    def confirm(self, packet_id: int) -> None:
        """Confirm a message of the device."""
        ...

    def end(self, reason: str) -> None:
        """End the connection, for a message that could not be kept: it has to come again."""
        ...


class Line(Way, Protocol):
    """The welcomed connection of a device, as its desk sees it."""

    address: str

    @property
    def takes(self) -> bool:
        """Tell whether bytes written now have a chance to arrive."""
        ...

    def send(self, message: Outgoing, now: Instant) -> None:
        """Write a message or let it wait. Raises ``Full``."""
        ...

    def fits(self, message: Outgoing) -> bool:
        """Tell whether the device takes a message so long."""
        ...

    def hold(self, *, held: bool) -> None:
        """Stop or go on reading."""
        ...


class Said(Struct, frozen=True):
    """A message that has still to be told, and the way back on which it is confirmed when it is kept."""

    topic: str
    payload: bytes
    address: str
    packet_id: int
    line: Way | None


class Came(Struct, frozen=True):
    """The device is there."""

    address: str


class Went(Struct, frozen=True):
    """The device has gone."""

    reason: str


class Desk:
    """One device; ``will`` waits for its delay to end after the connection was lost."""

    def __init__(self, device_id: Id, observer: MqttObserver, count: Callable[[str], None]) -> None:
        self.device_id = device_id
        self.line: Line | None = None
        self.mailbox: Mailbox | None = None
        self.will: tuple[Will, Instant, str] | None = None
        self.retained: dict[str, Outgoing] = {}
        self._observer = observer
        self._count = count
        self._telling: deque[Said | Came | Went] = deque()
        self._bytes = 0
        self._held = False
        self._task: asyncio.Task[None] | None = None
        # A call that takes too long is seen by looking now and then: a timer for each would cost more than the call.
        self._told, self._seen = 0, -1
        self._arriving: str | None = None
        self._seen_at = Instant(0)
        self._late = False

    @property
    def idle(self) -> bool:
        """Tell whether nothing would be lost with this desk."""
        nothing = self.line is None and self.mailbox is None and self.will is None
        return nothing and not self.retained and self._task is None

    def retain(self, message: Outgoing) -> bool:
        """Keep the last message of a topic; False when there are too many. An empty one takes it away."""
        if not message.payload:
            self.retained.pop(message.topic, None)
            return True
        others = [each for topic, each in self.retained.items() if topic != message.topic]
        if len(others) >= RETAINED_MAX:
            return False
        if sum(len(each.payload) for each in others) + len(message.payload) > RETAINED_BYTES_MAX:
            return False
        self.retained[message.topic] = Outgoing(
            message.topic, message.payload, message.qos, retain=True, expires_at=message.expires_at
        )
        return True

    def said(self, topic: str, payload: bytes, address: str, packet_id: int = 0, line: Way | None = None) -> None:
        """Queue what the device says."""
        if self._arriving is not None:
            self.arrived()
        self._bytes += len(payload)
        self._tell(Said(topic, payload, address, packet_id, line))
        if not self._held and self.line is not None and self._too_much:
            self._held = True
            self.line.hold(held=True)

    def came(self, address: str) -> None:
        """Take note of a new line: what was said on the one before is still being told, so this one may wait, too."""
        self._held = False
        self._arriving = address

    def arrived(self) -> None:
        """Queue that the device is there: it has subscribed, said something, or had the time to.

        Not when it connects: who is told would send it something at once, and it would hear nothing yet.
        """
        if self._arriving is not None:
            address, self._arriving = self._arriving, None
            self._tell(Came(address))

    def went(self, reason: str) -> None:
        """Queue that the device has gone."""
        self.arrived()
        self._tell(Went(reason))

    def cancel(self) -> None:
        """Tell no more."""
        if self._task is not None:
            self._task.cancel()

    async def drained(self) -> None:
        """Wait until everything has been told."""
        if self._task is not None:
            await asyncio.wait((self._task,))

    @property
    def full(self) -> bool:
        """Tell whether so much waits to be told that nothing more should be taken in."""
        return self._too_much

    @property
    def waiting(self) -> int:
        """Return how much waits to be told."""
        return len(self._telling)

    @property
    def waiting_bytes(self) -> int:
        """Return the bytes of the messages that wait."""
        return self._bytes

    @property
    def _too_much(self) -> bool:
        return len(self._telling) >= MESSAGES_HIGH or self._bytes >= BYTES_HIGH

    def _tell(self, one: Said | Came | Went) -> None:
        self._telling.append(one)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._drain())

    def look(self, now: Instant) -> None:
        """End a call of the observer that takes too long."""
        if self._task is None or self._seen != self._told:
            self._seen, self._seen_at = (-1 if self._task is None else self._told), now
        elif now - self._seen_at >= TELL_US:
            self._late = True
            self._task.cancel()

    async def _drain(self) -> None:
        try:
            while self._telling:
                one = self._telling.popleft()
                try:
                    if type(one) is Said:
                        await self._observer.on_message(self.device_id, one.topic, one.payload, one.address)
                        if one.packet_id and one.line is not None:
                            one.line.confirm(one.packet_id)
                    elif type(one) is Came:
                        await self._observer.on_connected(self.device_id, one.address)
                    elif type(one) is Went:
                        await self._observer.on_gone(self.device_id, one.reason)
                except asyncio.CancelledError:
                    if not self._late or self._task is None:
                        raise
                    self._task.uncancel()
                    self._late = False
                    self._unheard(one, "an observer of MQTT devices took too long")
                except Exception:
                    self._unheard(one, "an observer of MQTT devices failed")
                self._told += 1
                if type(one) is Said:
                    self._bytes -= len(one.payload)
                if self._held and len(self._telling) <= MESSAGES_LOW and self._bytes < BYTES_HIGH:
                    self._held = False
                    if self.line is not None:
                        self.line.hold(held=False)
        finally:
            self._task = None

    def _unheard(self, one: Said | Came | Went, why: str) -> None:
        """What was not kept is not confirmed: the device has to come again with it and with what came after it."""
        self._count("observer_failed")
        _log.exception(why)
        if isinstance(one, Said) and one.packet_id and one.line is not None:
            line = one.line
            line.end("not_kept")
            again = [each for each in self._telling if isinstance(each, Said) and each.packet_id and each.line is line]
            for each in again:
                self._telling.remove(each)
                self._bytes -= len(each.payload)
