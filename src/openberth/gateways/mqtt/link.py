"""MQTT and the house: who may connect, which make's handler is told, and the hub that everybody else speaks with.

A device's user name is its serial, or its make and its serial (``vzenith/8a3f``); its password is its secret. Somebody
unknown appears as waiting for approval: of the make it names, of the generic one when it names none.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from openberth.contexts.facility import DeviceKind
from openberth.contexts.facility.reactions import DeviceDirectory, DeviceEntry, Presence, Strays
from openberth.gateways.mqtt.broker import OutsideBroker
from openberth.gateways.mqtt.endpoint import MqttEndpoint
from openberth.gateways.mqtt.ports import Carrier, Delivery, DeviceHandler, MqttDevice, MqttMake
from openberth.gateways.mqtt.topics import is_topic
from openberth.infra.telemetry import counter
from openberth.kernel.ids import Id
from openberth.kernel.time import Clock, Instant

PRESENT_S = 20.0  # a device that only pings is there as well
SERIAL_MAX = 64

_MESSAGES = counter("openberth_mqtt_messages_total", "Messages of devices and to them.", ("kind", "what"))

log = structlog.get_logger()


class MqttHub:
    """Directory and observer of what carries messages, and the hub over it (``DeviceHub``)."""

    def __init__(
        self, *, clock: Clock, directory: DeviceDirectory, presence: Presence, strays: Strays,
    ) -> None:  # fmt: skip
        self._directory = directory
        self._presence = presence
        self._strays = strays
        self._makes: dict[DeviceKind, tuple[MqttMake, DeviceHandler]] = {}
        self.endpoint = MqttEndpoint(directory=self, observer=self, clock=clock, is_current=self._is_current)
        self.carrier: Carrier = self.endpoint
        directory.on_change(self._review)

    # DeviceHub

    def serve(self, make: MqttMake, handler: DeviceHandler) -> None:
        """Hand what devices of a kind say to a handler; before the hub is started."""
        self._makes[make.kind] = (make, handler)

    async def publish(
        self, device: Id, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, moves: bool = False,
        expires_at: Instant | None = None,
    ) -> Delivery:  # fmt: skip
        """Send a device a message and tell what became of it (``DeviceHub.publish``)."""
        if moves and (retain or not qos or expires_at is None):
            raise ValueError("a message that moves a gate is confirmed, has a life and is not retained")
        delivery = await self.carrier.publish(
            device, topic, payload, qos=qos, retain=retain, moves=moves, expires_at=expires_at
        )
        entry = self._directory.by_id(device)
        _MESSAGES.labels("none" if entry is None else entry.kind.value, delivery.value).inc()
        return delivery

    def is_connected(self, device: Id) -> bool:
        """Tell whether a device is there."""
        return self.carrier.is_connected(device)

    def listens(self) -> tuple[str, ...]:
        """Return the filters by which all devices are heard at an outside broker."""
        return tuple(pattern for make, _ in self._makes.values() for pattern in make.listens())

    def go_through(self, url: str, *, client_id: str, may_connect: Callable[[], Awaitable[bool]]) -> OutsideBroker:
        """Reach devices through an outside broker instead of the endpoint; before the hub is started."""
        broker = OutsideBroker(
            url=url, named=self.named, listens=self.listens, observer=self, clock=self.endpoint.clock,
            client_id=client_id, may_connect=may_connect,
        )  # fmt: skip
        self.carrier = broker
        return broker

    async def run(self) -> None:
        """Keep devices that are connected but silent from being taken for lost, until cancelled."""
        while True:
            await asyncio.sleep(PRESENT_S)
            for device_id, address in self.carrier.present():
                entry = self._directory.by_id(device_id)
                if entry is not None:
                    self._presence.seen(entry, address=address)

    # MqttDirectory

    def find(self, user_name: str, password: bytes, address: str) -> MqttDevice | str:
        """Return the device that proves itself, or why it does not."""
        word, _, serial = user_name.rpartition("/")
        if not is_topic(serial) or "/" in serial:  # it becomes a level of topics
            return "wrong_password"
        entry = self._proved(password)
        if entry is not None and entry.serial == serial and word in ("", entry.kind.wire.mqtt):
            if not entry.networks.admits(address):
                self._strays.came(entry, address=address, method="CONNECT", route="mqtt")
                return "address"
            make, _ = self._makes[entry.kind]
            return MqttDevice(entry.id, make.topics(serial), password)
        if any(self._directory.by_name(kind, serial) is not None for kind in self._makes):
            return "wrong_password"
        self.stranger(_kind_of(word), serial, address)
        return "unknown_serial"

    def stranger(self, kind: DeviceKind, serial: str, address: str, *, shared: bool = False) -> None:
        """Let somebody that nobody knows wait for a person."""
        if serial.isprintable():
            self._strays.unknown(kind, serial[:SERIAL_MAX], address, shared=shared)

    def named(self, topic: str, payload: bytes, address: str) -> Id | None:
        """Return which device says something at an outside broker, whose address stands for the device's."""
        for make, _ in self._makes.values():
            serial = make.serial_of(topic, payload)
            if serial is None:
                continue
            entry = self._directory.by_name(make.kind, serial)
            disputed = self._directory.disputed(make.kind, serial)
            if disputed:  # no secret tells here whose it is, and whoever it is not would have its gate moved
                for each in disputed:
                    self._strays.twice(each, address=address)
            elif entry is None:
                self.stranger(make.kind, serial, address, shared=True)
            elif not entry.networks.admits(address):
                self._strays.came(entry, address=address, method="PUBLISH", route="mqtt")
            elif make.topics(serial).may_publish(topic):
                return entry.id
            return None
        return None

    # MqttObserver

    async def on_connected(self, device_id: Id, address: str) -> None:
        """Note that a device is there."""
        found = self._served(device_id)
        if found is None:
            return
        entry, handler = found
        self._presence.seen(entry, address=address)
        log.info("mqtt.connected", device=entry.code, lot=entry.lot_code, address=address)
        await handler.on_connected(entry, address)

    async def on_message(self, device_id: Id, topic: str, payload: bytes, address: str) -> None:
        """Hand a message to its handler; of a device that was retired meanwhile it is nobody's."""
        found = self._served(device_id)
        if found is None:
            return
        entry, handler = found
        _MESSAGES.labels(entry.kind.value, "arrived").inc()
        await handler.on_message(entry, topic, payload, address)

    async def on_gone(self, device_id: Id, reason: str) -> None:
        """Note that a device has gone."""
        found = self._served(device_id)
        if found is None:
            return
        entry, handler = found
        log.info("mqtt.gone", device=entry.code, lot=entry.lot_code, reason=reason)
        await handler.on_gone(entry, reason)

    # inside

    def _served(self, device_id: Id) -> tuple[DeviceEntry, DeviceHandler] | None:
        entry = self._directory.by_id(device_id)
        served = None if entry is None else self._makes.get(entry.kind)
        return None if entry is None or served is None else (entry, served[1])

    def _proved(self, password: bytes) -> DeviceEntry | None:
        try:
            entry = self._directory.camera_by_secret(password.decode("ascii"))
        except UnicodeDecodeError:
            return None
        return entry if entry is not None and entry.kind in self._makes else None

    def _is_current(self, device: MqttDevice, address: str) -> bool:
        entry = self._directory.by_id(device.id)
        if entry is None or self._proved(device.proof) is not entry or not entry.networks.admits(address):
            return False
        make, _ = self._makes[entry.kind]
        return entry.serial is not None and make.topics(entry.serial) == device.topics

    def _review(self) -> None:
        self.carrier.review()


def _kind_of(word: str) -> DeviceKind:
    for kind in DeviceKind:
        if word and kind.wire.mqtt == word:
            return kind
    return DeviceKind.GENERIC_MQTT
