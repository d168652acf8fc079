"""What devices over MQTT are to the house, as protocols: ``DeviceHub`` for those who speak with devices, ``Carrier``
for what carries their messages (our endpoint or an outside broker), ``MqttDirectory`` and ``MqttObserver`` for what a
carrier needs.
"""

from dataclasses import dataclass, field
from typing import Protocol

from openberth.contexts.facility import DeviceKind
from openberth.contexts.facility.reactions import DeviceEntry
from openberth.gateways.mqtt.mailbox import Delivery
from openberth.gateways.mqtt.session import Topics
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

__all__ = ["Carrier", "Delivery", "DeviceHandler", "DeviceHub", "MqttDevice", "MqttDirectory", "MqttObserver", "Topics"]


class DeviceHandler(Protocol):
    """Is told what devices of a kind say: of one device in order and one call at a time; a call that hangs holds up
    that device alone. A message is confirmed to the device when ``on_message`` returns; when it raises, the device
    sends it again. So a message that nobody will ever understand must not raise.
    """

    async def on_message(self, device: DeviceEntry, topic: str, payload: bytes, address: str) -> None:
        """A device says something, by itself or by its last will."""
        ...

    async def on_connected(self, device: DeviceEntry, address: str) -> None:
        """A device is there; with an outside broker when it is heard first after a silence."""
        ...

    async def on_gone(self, device: DeviceEntry, reason: str) -> None:
        """A device has gone; not told when another connection of it has taken over."""
        ...


class MqttMake(Protocol):
    """A kind of device with the topics of each."""

    @property
    def kind(self) -> DeviceKind:
        """The kind of device."""
        ...

    def topics(self, serial: str) -> Topics:
        """Return what the device of this serial may publish to and subscribe to."""
        ...

    def listens(self) -> tuple[str, ...]:
        """Return the filters by which all devices of the kind are heard at an outside broker."""
        ...

    def serial_of(self, topic: str, payload: bytes) -> str | None:
        """Return who says something at an outside broker, None when the topic is none of this kind's."""
        ...


class DeviceHub(Protocol):
    """Devices over MQTT."""

    def serve(self, make: MqttMake, handler: DeviceHandler) -> None:
        """Hand what devices of a kind say to a handler; before the hub is started."""
        ...

    async def publish(
        self, device: Id, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, moves: bool = False,
        expires_at: Instant | None = None,
    ) -> Delivery:  # fmt: skip
        """Send a device a message and tell what became of it.

        ``moves``: it moves a gate or lock. Then it goes out now or never: it needs ``expires_at`` (machine time), is
        not retained, waits in no queue, and is not sent again. ``retain``: configuration or what a display shows; the
        last one of a topic is given to the device whenever it subscribes. ``DELIVERED``: the device has confirmed it,
        or the outside broker has and somebody listens there. Raises ``ValueError`` for a message that moves and is
        retained, has QoS 0 or lives for ever.
        """
        ...

    def is_connected(self, device: Id) -> bool:
        """Tell whether a device is there."""
        ...


@dataclass(frozen=True, slots=True)
class MqttDevice:
    """A device that has proved who it is: its topics, and what it proved itself with."""

    id: Id
    topics: Topics
    proof: bytes = field(repr=False)


class MqttDirectory(Protocol):
    """Knows the devices."""

    def find(self, user_name: str, password: bytes, address: str) -> MqttDevice | str:
        """Return the device that proves itself, or the reason why it does not: ``unknown_serial``, ``wrong_password``,
        ``address``.
        """
        ...


class MqttObserver(Protocol):
    """Is told what devices do, per device in order and one call at a time."""

    async def on_connected(self, device_id: Id, address: str) -> None:
        """A device is there."""
        ...

    async def on_message(self, device_id: Id, topic: str, payload: bytes, address: str) -> None:
        """A device says something; it is confirmed when this returns."""
        ...

    async def on_gone(self, device_id: Id, reason: str) -> None:
        """A device has gone."""
        ...


class Carrier(Protocol):
    """What carries messages."""

    async def publish(
        self, device_id: Id, topic: str, payload: bytes, *, qos: int, retain: bool, moves: bool,
        expires_at: Instant | None,
    ) -> Delivery:  # fmt: skip
        """Send a device a message."""
        ...

    def is_connected(self, device_id: Id) -> bool:
        """Tell whether a device is there."""
        ...

    def review(self) -> None:
        """Devices have changed: hang up whoever is not any more what it was."""
        ...

    def present(self) -> list[tuple[Id, str]]:
        """Return the devices that are connected right now, with their addresses."""
        ...

    async def stop(self) -> None:
        """Stop."""
        ...
