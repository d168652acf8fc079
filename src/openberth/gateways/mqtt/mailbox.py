"""What a device has still to get: its subscriptions, messages that wait and those in flight. Pure, no clock of its own.

A mailbox outlives connections when the device wants a persistent session. A message that moves a gate is never among
those that wait: it goes out at once or not at all, and one that was in flight when the connection went is not sent
again.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum

from msgspec import Struct

from openberth.gateways.mqtt.packets import Filter
from openberth.gateways.mqtt.topics import matches
from openberth.kernel.time import Instant

SUBSCRIPTIONS_MAX = 64
WAITING_MAX = 100
WAITING_BYTES_MAX = 512 * 1024
IN_FLIGHT_MAX = 20
_IDS = 65_535
_WANTED_MAX = 64


class Delivery(StrEnum):
    """What became of a message to a device. ``ABSENT``: it was not sent (a message that moves nothing may wait in the
    device's session). ``UNCERTAIN``: it was sent and nobody knows whether it came.
    """

    DELIVERED = "delivered"
    ABSENT = "absent"
    UNCERTAIN = "uncertain"


def _nobody(_delivery: Delivery) -> None:
    """Tell nobody."""


class Outgoing(Struct, eq=False):
    """A message to a device. ``told`` hears once what became of it; ``expires_at`` is machine time."""

    topic: str
    payload: bytes
    qos: int
    retain: bool = False
    moves: bool = False
    expires_at: Instant | None = None
    told: Callable[[Delivery], None] = _nobody
    sent: bool = False
    give_up_at: Instant | None = None

    def tell(self, delivery: Delivery) -> None:
        """Say what became of it, the first time."""
        told, self.told = self.told, _nobody
        told(delivery)

    def over(self, now: Instant) -> bool:
        """Tell whether its life is over."""
        return self.expires_at is not None and now >= self.expires_at


class Full(Exception):
    """More waits for a device than may."""


class Mailbox:
    """One session's subscriptions and messages. ``window`` is how many may be in flight at once."""

    def __init__(self, client_id: str) -> None:
        self.client_id = client_id
        self.window = IN_FLIGHT_MAX
        self.expires_after_s = 0
        self.left_at: Instant | None = None
        self.dropped = 0
        self._filters: dict[str, Filter] = {}
        self._wanted: dict[str, Filter] = {}
        self._waiting: deque[Outgoing] = deque()
        self._waiting_bytes = 0
        self._in_flight: dict[int, Outgoing] = {}
        self._last_id = 0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._in_flight)

    # subscriptions

    def subscribe(self, wanted: Filter) -> bool | None:
        """Keep a subscription; tells whether it is a new one, None when there are too many."""
        known = wanted.topic in self._filters
        if not known and len(self._filters) >= SUBSCRIPTIONS_MAX:
            return None
        self._filters[wanted.topic] = wanted
        self._wanted.clear()
        return not known

    def unsubscribe(self, topic: str) -> bool:
        """Drop a subscription; tells whether there was one."""
        self._wanted.clear()
        return self._filters.pop(topic, None) is not None

    def wants(self, topic: str) -> Filter | None:
        """Return the subscription with the highest QoS that matches a topic."""
        known = self._wanted.get(topic)
        if known is None:
            known = self._best(topic)
            if known is not None and len(self._wanted) < _WANTED_MAX:
                self._wanted[topic] = known
        return known

    def _best(self, topic: str) -> Filter | None:
        exact = self._filters.get(topic)
        if exact is not None and exact.qos:
            return exact
        best = exact
        for pattern, wanted in self._filters.items():
            if (best is None or wanted.qos > best.qos) and matches(pattern, topic):
                best = wanted
        return best

    # messages

    @property
    def open(self) -> bool:
        """Tell whether a message put in now would go out at once, if its connection takes bytes."""
        return not self._waiting and len(self._in_flight) < self.window

    def put(self, message: Outgoing) -> None:
        """Let a message wait for ``take``. Raises ``Full``."""
        if len(self._waiting) >= WAITING_MAX or self._waiting_bytes + len(message.payload) > WAITING_BYTES_MAX:
            raise Full
        self._waiting.append(message)
        self._waiting_bytes += len(message.payload)

    def put_absent(self, message: Outgoing) -> None:
        """Let a message wait for a device that is away; the oldest makes room."""
        if len(message.payload) > WAITING_BYTES_MAX:
            self.dropped += 1
            return
        while len(self._waiting) >= WAITING_MAX or self._waiting_bytes + len(message.payload) > WAITING_BYTES_MAX:
            self._pop().tell(Delivery.ABSENT)
            self.dropped += 1
        self.put(message)

    def take(self, now: Instant) -> Iterator[tuple[int, Outgoing]]:
        """Yield messages to be sent now with their packet identifiers (0 with QoS 0), as far as the window is open."""
        while self._waiting:
            first = self._waiting[0]
            if first.over(now):
                self._pop().tell(Delivery.ABSENT)
                continue
            if first.qos and len(self._in_flight) >= self.window:
                return
            self._pop()
            yield self.start(first), first

    def start(self, message: Outgoing) -> int:
        """Mark a message as sent and return its packet identifier."""
        message.sent = True
        if not message.qos:
            message.tell(Delivery.UNCERTAIN)
            return 0
        packet_id = self._last_id
        while True:
            packet_id = packet_id % _IDS + 1
            if packet_id not in self._in_flight:
                break
        self._last_id = packet_id
        self._in_flight[packet_id] = message
        return packet_id

    def acked(self, packet_id: int, *, taken: bool) -> bool:
        """End a message that the device confirmed, or refused; False for one that is not in flight."""
        message = self._in_flight.pop(packet_id, None)
        if message is None:
            return False
        message.tell(Delivery.DELIVERED if taken else Delivery.UNCERTAIN)
        return True

    def again(self, now: Instant) -> Iterator[tuple[int, Outgoing]]:
        """Yield what was in flight when the connection went, in order, to be sent again (4.4)."""
        for packet_id, message in list(self._in_flight.items()):
            if message.over(now):
                del self._in_flight[packet_id]
            else:
                yield packet_id, message

    def leave(self, now: Instant) -> None:
        """Note that the connection has gone: everybody is told, what moves a gate or has no QoS is dropped."""
        self.left_at = now
        for packet_id, message in list(self._in_flight.items()):
            message.tell(Delivery.UNCERTAIN)
            if message.moves:
                del self._in_flight[packet_id]
        kept = [message for message in self._all_waiting() if message.qos and not message.moves]
        for message in kept:
            self._waiting.append(message)
            self._waiting_bytes += len(message.payload)

    def drop(self) -> None:
        """Forget every message."""
        for message in self._in_flight.values():
            message.tell(Delivery.UNCERTAIN)
        self._in_flight.clear()
        for _ in self._all_waiting():
            self.dropped += 1

    @property
    def idle(self) -> bool:
        """Tell whether there is nothing to send."""
        return not self._waiting

    def look(self, now: Instant) -> None:
        """Tell the fate of messages that were waited for long enough; they themselves go on."""
        for message in (*self._in_flight.values(), *self._waiting):
            if message.give_up_at is not None and now >= message.give_up_at:
                message.give_up_at = None
                message.tell(Delivery.UNCERTAIN if message.sent else Delivery.ABSENT)

    def _all_waiting(self) -> Iterable[Outgoing]:
        waiting, self._waiting, self._waiting_bytes = self._waiting, deque(), 0
        for message in waiting:
            message.tell(Delivery.ABSENT)
        return waiting

    def _pop(self) -> Outgoing:
        message = self._waiting.popleft()
        self._waiting_bytes -= len(message.payload)
        return message
