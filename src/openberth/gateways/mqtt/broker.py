"""Devices behind an outside MQTT 5 broker, through one connection of ours (aiomqtt).

The broker keeps the devices' passwords and topics (``docs/devices/mqtt.md`` gives its lists); who speaks is told by the
topic or the message. A message is confirmed to the broker when it is kept. One that moves a gate goes out only to a
device that was heard a short while ago and lives seconds at the broker, so that none waits there for an absent one.
"""

import asyncio
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt
import structlog
from aiomqtt.client import ProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from openberth.gateways.mqtt.desk import BYTES_HIGH, Desk
from openberth.gateways.mqtt.mailbox import Delivery
from openberth.gateways.mqtt.ports import MqttObserver
from openberth.infra.telemetry import counter
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Clock, Instant

HEARD_US = (
    120 * SECOND_US
)  # a device that says nothing for so long is not there; all known ones say more within a minute
MOVES_S = 5  # a message that moves a gate waits at the broker for so long at most
SESSION_S = 3_600  # what devices say while we are away waits there for us
IN_FLIGHT_MAX = 20
WAITING_MAX = 500
INCOMING_MAX = 20_000
RECEIVE_MAX = 1_000
BEHIND_MAX = RECEIVE_MAX // 2  # messages of a device that wait here to be told
HELD_BYTES_MAX = 64 * 1024 * 1024  # of all devices
AGAIN_FIRST_S, AGAIN_LAST_S = 10.0, 60.0  # a connection lasts so long at least before what was left is asked for
PACKET_MAX = 6 * 1024 * 1024
TRIES = 3
CONFIRM_S = 10.0
RETRY_FIRST_S, RETRY_LAST_S = 0.5, 30.0
SWEEP_S = 5.0
LEASE_S = 10.0
NO_SUBSCRIBERS = 0x10

_EVENTS = counter("openberth_mqtt_broker_total", "What happened between us and the outside MQTT broker.", ("event",))

log = structlog.get_logger()

Named = Callable[[str, bytes, str], Id | None]


class _Client(aiomqtt.Client):
    """aiomqtt's client, with what it does not tell: the reason of a confirmation, and confirming by ourselves."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._client.manual_ack_set(True)
        self._told: dict[int, asyncio.Future[int]] = {}

    @property
    def unconfirmed(self) -> int:
        """Return how many messages have not been confirmed by the broker."""
        return len(self._told)

    def confirm(self, mid: int) -> None:
        """Confirm a message of the broker."""
        self._client.ack(mid, 1)

    def address(self) -> str:
        """Return the broker's address."""
        sock = self._client.socket()
        return str(sock.getpeername()[0]) if isinstance(sock, socket.socket) else ""

    async def told(self, topic: str, payload: bytes, qos: int, properties: Properties, *, retain: bool) -> int:
        """Publish and return the broker's reason; with QoS 0 it is 0 at once."""
        info = self._client.publish(topic, payload, qos, retain, properties)
        if info.rc != 0:
            raise aiomqtt.MqttError(f"not sent: {info.rc}")
        if not qos:
            return 0
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._told[info.mid] = future
        try:
            return await future
        finally:
            self._told.pop(info.mid, None)

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:
        future = self._told.get(mid)
        if future is not None and not future.done():
            future.set_result(int(reason_code.value))
        super()._on_publish(client, userdata, mid, reason_code, properties)

    def hang_up(self) -> None:
        """End the connection, and with it the loop over its messages."""
        self._client.disconnect()

    def give_up(self) -> None:
        """Nobody will hear any more what became of messages."""
        for future in self._told.values():
            future.cancel()


class OutsideBroker:
    """Carries messages through an outside broker; used on the event loop (``Carrier``).

    What there is no room for stays unconfirmed at the broker, and is asked for by connecting anew.

    ``counts`` are totals since the start: ``connected``, ``lost``, ``arrived``, ``strange``, ``overflowed`` (QoS 0,
    thrown away), ``left`` (unconfirmed), ``asked_again``, ``stale``, ``not_kept``, ``sent``, ``absent``.
    """

    def __init__(
        self, *, url: str, named: Named, listens: Callable[[], tuple[str, ...]], observer: MqttObserver, clock: Clock,
        client_id: str, may_connect: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:  # fmt: skip
        self.counts: Counter[str] = Counter()
        self._url = urlsplit(url)
        self._named = named
        self._listens = listens
        self._observer = observer
        self._clock = clock
        self._client_id = client_id
        self._may_connect = may_connect or _always
        self._client: _Client | None = None
        self._ready = asyncio.Event()
        self._address = ""
        self._desks: dict[Id, Desk] = {}
        self._heard: dict[Id, Instant] = {}
        self._window = _Window()
        self._again_s = AGAIN_FIRST_S

    # Carrier

    async def publish(
        self, device_id: Id, topic: str, payload: bytes, *, qos: int, retain: bool, moves: bool,
        expires_at: Instant | None,
    ) -> Delivery:  # fmt: skip
        """Send a device a message and wait until the broker has confirmed it."""
        client = self._client
        left_s = None if expires_at is None else (expires_at - self._clock.now()) / SECOND_US
        most = IN_FLIGHT_MAX if moves else WAITING_MAX
        if client is None or client.unconfirmed >= most or (left_s is not None and left_s <= 0):
            return self._absent()
        if moves and not self.is_connected(device_id):
            return self._absent()
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if left_s is not None:
            properties.MessageExpiryInterval = max(1, min(int(left_s), MOVES_S) if moves else int(left_s))
        self.count("sent")
        try:
            async with asyncio.timeout(CONFIRM_S if left_s is None else min(left_s, CONFIRM_S)):
                reason = await client.told(topic, payload, qos, properties, retain=retain)
        except (TimeoutError, aiomqtt.MqttError):
            return Delivery.UNCERTAIN
        except asyncio.CancelledError:
            if client is self._client:
                raise
            return Delivery.UNCERTAIN  # the connection went meanwhile
        if reason == NO_SUBSCRIBERS or reason >= 0x80:
            return self._absent()
        return Delivery.DELIVERED if qos else Delivery.UNCERTAIN

    def is_connected(self, device_id: Id) -> bool:
        """Tell whether a device was heard a short while ago."""
        heard = self._heard.get(device_id)
        return self._client is not None and heard is not None and self._clock.now() - heard < HEARD_US

    def present(self) -> list[tuple[Id, str]]:
        """Return nobody: behind a broker a device is there when it says something."""
        return []

    def review(self) -> None:
        """Devices are looked up anew with every message."""

    async def run(self) -> None:
        """Keep connected until cancelled; whoever may not, because another process is, waits."""
        pause_s = RETRY_FIRST_S
        while True:
            try:
                if await self._may_connect():
                    await self._connected()
                    pause_s = RETRY_FIRST_S
                else:
                    await asyncio.sleep(LEASE_S)
                    continue
            except (aiomqtt.MqttError, OSError, ssl.SSLError) as error:
                self.count("lost")
                log.warning("mqtt.broker_lost", host=self._url.hostname, error=str(error)[:200])
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, RETRY_LAST_S)

    async def ready(self) -> None:
        """Wait until the broker is connected and hears for us."""
        await self._ready.wait()

    async def stop(self) -> None:
        """Tell no more; ``run`` has been cancelled."""
        waiting = [asyncio.ensure_future(desk.drained()) for desk in self._desks.values()]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=SWEEP_S)
            for task in late:
                task.cancel()
        for desk in self._desks.values():
            desk.cancel()

    def count(self, event: str) -> None:
        """Count something that happened."""
        self.counts[event] += 1
        _EVENTS.labels(event).inc()

    # inside

    async def _connected(self) -> None:
        """Be connected until that ends; raises what ended it."""
        client = self._new_client()
        async with client:
            self._address = client.address()
            for pattern in self._listens():
                await client.subscribe(pattern, qos=1)
            self._client = client
            self._window.left.clear()
            self._window.missed = False
            self._ready.set()
            self.count("connected")
            log.info("mqtt.broker_connected", host=self._url.hostname)
            beside = [
                asyncio.create_task(each) for each in (self._sweep(), self._ask_again(client), self._keep_lease(client))
            ]
            try:
                async for message in client.messages:
                    self._arrived(client, message)
            finally:
                self._client = None
                self._ready.clear()
                client.give_up()
                for task in beside:
                    task.cancel()
                await asyncio.gather(*beside, return_exceptions=True)

    def _new_client(self) -> _Client:
        url = self._url
        secure = url.scheme == "mqtts"
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION_S
        properties.ReceiveMaximum = RECEIVE_MAX
        properties.MaximumPacketSize = PACKET_MAX
        return _Client(
            url.hostname or "", url.port or (8883 if secure else 1883),
            username=None if url.username is None else unquote(url.username),
            password=None if url.password is None else unquote(url.password),
            identifier=self._client_id, protocol=ProtocolVersion.V5, clean_start=False, properties=properties,
            keepalive=30, timeout=CONFIRM_S, max_inflight_messages=IN_FLIGHT_MAX,
            max_queued_outgoing_messages=WAITING_MAX, max_queued_incoming_messages=INCOMING_MAX,
            tls_context=ssl.create_default_context() if secure else None, logger=logging.getLogger("openberth.broker"),
        )  # fmt: skip

    def _arrived(self, client: _Client, message: aiomqtt.Message) -> None:
        topic, payload = str(message.topic), message.payload
        packet_id = message.mid if message.qos else 0
        # What is retained there is of some time ago: nobody's news.
        device_id = None if message.retain else self._named(topic, payload, self._address)
        if device_id is None:
            self.count("stale" if message.retain else "strange")
            _confirm(client, packet_id)
            return
        desk = self._desks.get(device_id)
        if desk is None:
            desk = self._desks[device_id] = Desk(device_id, _Again(self._observer), self.count)
        if not self.is_connected(device_id):
            desk.came(self._address)  # and it says something, so it has arrived
        self._heard[device_id] = self._clock.now()
        if not packet_id and desk.full:
            self.count("overflowed")  # nobody was promised that it is kept
            return
        window = self._window
        if packet_id and (device_id in window.left or self._is_behind(desk, len(payload))):
            if device_id not in window.left:
                log.warning("mqtt.left_at_broker", device=str(device_id))
            window.left.add(device_id)  # all that follows as well: it comes in order, then
            self.count("left")
            return
        self.count("arrived")
        line = _Line(client, window, self.count, len(payload)) if packet_id else None
        desk.said(topic, payload, self._address, packet_id, line)

    def _is_behind(self, desk: Desk, size: int) -> bool:
        """Tell whether there is no room for one more message of a device."""
        much = desk.waiting >= BEHIND_MAX or desk.waiting_bytes >= BYTES_HIGH
        return much or self._window.held + size > HELD_BYTES_MAX

    async def _ask_again(self, client: _Client) -> None:
        """Connect anew for what was left once its device has been heard out, and for what was not kept; every time a
        little later: meanwhile no gate can be moved.
        """
        loop = asyncio.get_running_loop()
        not_before = loop.time() + self._again_s
        while True:
            await asyncio.sleep(min(SWEEP_S, self._again_s))
            if loop.time() < not_before:
                continue
            left = self._window.left
            if not left and not self._window.missed:
                self._again_s = AGAIN_FIRST_S
            elif not left or any(each not in self._desks or not self._desks[each].waiting for each in left):
                self._again_s = min(self._again_s * 2, AGAIN_LAST_S)
                self.count("asked_again")
                log.info("mqtt.asked_again", devices=len(left))
                client.hang_up()
                return

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            now = self._clock.now()
            for desk in self._desks.values():
                desk.look(now)
            for device_id, heard in list(self._heard.items()):
                if now - heard >= HEARD_US:
                    del self._heard[device_id]
                    self._desks[device_id].went("silence")
            for device_id, desk in list(self._desks.items()):
                if device_id not in self._heard and desk.idle:
                    del self._desks[device_id]

    async def _keep_lease(self, client: _Client) -> None:
        """Look again and again whether this process is still the one that may be connected."""
        while True:
            await asyncio.sleep(LEASE_S)
            if not await self._may_connect():
                log.warning("mqtt.broker_given_up")
                client.hang_up()
                return

    def _absent(self) -> Delivery:
        self.count("absent")
        return Delivery.ABSENT


class _Again:
    """An observer that is asked again when it fails: the broker would send a message again only to a new connection."""

    def __init__(self, observer: MqttObserver) -> None:
        self._observer = observer
        self.on_connected = observer.on_connected
        self.on_gone = observer.on_gone

    async def on_message(self, device_id: Id, topic: str, payload: bytes, address: str) -> None:
        """Tell it, a few times if need be."""
        for again in range(1, TRIES):
            try:
                return await self._observer.on_message(device_id, topic, payload, address)
            except Exception as error:
                log.warning("mqtt.told_again", device=str(device_id), error=str(error)[:200])
                await asyncio.sleep(again)
        return await self._observer.on_message(device_id, topic, payload, address)


class _Window:
    """What the broker has given us and we have not confirmed: ``held`` bytes wait here to be told, of devices ``left``
    something stayed there for want of room, and something was ``missed`` when it could not be kept.
    """

    def __init__(self) -> None:
        self.held = 0
        self.left: set[Id] = set()
        self.missed = False


class _Line:
    """The way back to the broker of one message."""

    def __init__(self, client: _Client, window: _Window, count: Callable[[str], None], size: int) -> None:
        self._client = client
        self._window = window
        self._count = count
        self._size = size
        window.held += size

    def confirm(self, packet_id: int) -> None:
        """Confirm a message; one of a connection that has gone comes again."""
        self._window.held -= self._size
        _confirm(self._client, packet_id)

    def end(self, reason: str) -> None:
        """Leave a message that was not kept in spite of several tries: it comes again when we connect anew."""
        self._window.held -= self._size
        self._window.missed = True
        self._count(reason)


def _confirm(client: _Client, packet_id: int) -> None:
    if packet_id:
        with suppress(aiomqtt.MqttError, OSError, ValueError):
            client.confirm(packet_id)


async def _always() -> bool:
    return True
