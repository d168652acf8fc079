"""Cameras and terminals that speak over MQTT: what they say goes to the house, commands and what they show go to them.

A command goes out once, to a device that is there; what became of it is told by the device's reply, by its gate, or by
the car that crosses. Accepted is not done: without any of these it ends as uncertain.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

import structlog

from openberth.contexts.facility import TO_ITSELF, Command, DeviceKind, Outcome
from openberth.contexts.facility.reactions import CommandDispatcher, DeviceEntry
from openberth.gateways.cameras.desk import PUSHES, CameraDesk
from openberth.gateways.cameras.families import SPEAKING
from openberth.gateways.cameras.family import Answer, MqttFamily, Screen, Sent, Way
from openberth.gateways.cameras.pushes import CommandReply, GatePush, Heartbeat, InputPush, ListPush, PlatePush, Push
from openberth.gateways.cameras.screens import LaneScreens
from openberth.gateways.mqtt.ports import Delivery, DeviceHub, Topics
from openberth.infra.buckets import Buckets
from openberth.infra.buckets import per_minute as rate_per_minute
from openberth.infra.ids import IdSource
from openberth.kernel.errors import Malformed
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Clock, later

SHOWN_US = 30 * SECOND_US  # what is spoken or shown once is of no use later
SENDING_MAX = 16  # messages of a device that wait for their confirmation
HOLD_MAX_S = 1.0  # a device that said too much is looked at again so soon
REPLIES_MAX = 32  # commands of a device whose replies are waited for

log = structlog.get_logger()


@dataclass(slots=True)
class _Device:
    """What is known of a device that is there."""

    root: str
    unlink: Callable[[], None]
    replies: OrderedDict[str, Command] = field(default_factory=OrderedDict)
    asked: "dict[str, asyncio.Future[CommandReply | ListPush]]" = field(default_factory=dict)
    has_list: bool | None = None
    showing: Screen | None = None
    shower: "asyncio.Task[None] | None" = None
    sending: "set[asyncio.Task[None]]" = field(default_factory=set)

    def leave(self) -> None:
        """Take no commands any more, and send nothing more."""
        self.unlink()
        for answer in self.asked.values():
            answer.cancel()
        for task in (*self.sending, *([] if self.shower is None else [self.shower])):
            task.cancel()


@dataclass(frozen=True, slots=True)
class _Make:
    """A make as the hub knows it."""

    kind: DeviceKind
    family: MqttFamily

    def topics(self, serial: str) -> Topics:
        return self.family.topics(serial)

    def listens(self) -> tuple[str, ...]:
        return self.family.listens()

    def serial_of(self, topic: str, payload: bytes) -> str | None:
        return self.family.serial_of(topic, payload)


class MqttCameras:
    """Serves every make of ``SPEAKING`` at a hub; used on the event loop. Also a way to displays (``LaneScreen``)."""

    def __init__(
        self, *, desk: CameraDesk, hub: DeviceHub, dispatcher: CommandDispatcher, ids: IdSource, clock: Clock,
        screens: LaneScreens, buckets: Buckets, per_minute: int,
    ) -> None:  # fmt: skip
        self._desk = desk
        self._buckets = buckets
        # The same bucket as over HTTP: a device has one rate, whatever it speaks.
        self._rate = rate_per_minute("device", per_minute, burst=max(1, per_minute // 6))
        self._hub = hub
        self._dispatcher = dispatcher
        self._ids = ids
        self._clock = clock
        self._screens = screens
        self._devices: dict[Id, _Device] = {}
        for kind, family in SPEAKING.items():
            hub.serve(_Make(kind, family), self)

    # DeviceHandler

    async def on_connected(self, device: DeviceEntry, address: str) -> None:
        """Take over a device's commands."""
        before = self._devices.get(device.id)
        if before is not None:
            before.leave()
        unlink = self._dispatcher.on_command(device.id, partial(self._send, device))
        root = SPEAKING[device.kind].roots(device.serial or "")[0] if before is None else before.root
        self._devices[device.id] = _Device(root, unlink)
        self._screens.connected(device)

    async def on_gone(self, device: DeviceEntry, reason: str) -> None:
        """Leave a device's commands; those without an outcome end as uncertain by their own time."""
        gone = self._devices.pop(device.id, None)
        if gone is not None:
            gone.leave()

    async def on_message(self, device: DeviceEntry, topic: str, payload: bytes, address: str) -> None:
        """Take what a device says; what is not understood is noted and over, for sending it again would not help."""
        await self._in_turn(device)
        family = SPEAKING[device.kind]
        try:
            push = family.decode(topic, payload)
        except Malformed as refusal:
            log.info("camera.malformed", device=device.code, lot=device.lot_code, why=str(refusal))
            PUSHES.labels("malformed").inc()
            return
        if push.serial is not None and push.serial != device.serial:
            log.warning("camera.wrong_serial", device=device.code, lot=device.lot_code)
            PUSHES.labels("serial").inc()
            return
        known = self._devices.get(device.id)
        if known is not None:
            known.root = _root_of(family, device, topic, known.root)
        await self._take(device, family, push, address)

    async def _in_turn(self, device: DeviceEntry) -> None:
        """Wait until a device may say one thing more: what it says next waits behind, and others do not."""
        while not (taken := await self._buckets.take(self._rate, device.id.hex)).granted:
            log.warning("camera.too_often", device=device.code, lot=device.lot_code)
            PUSHES.labels("too_often").inc()
            await asyncio.sleep(min(taken.retry_after_s, HOLD_MAX_S))

    async def _take(self, device: DeviceEntry, family: MqttFamily, push: Push, address: str) -> None:
        match push:
            case PlatePush(recognition=seen):
                decided = await self._desk.recognised(device, seen, address)
                self._screens.decided(device, decided)
                sent = family.answered(self._way(device, self._ids.new_id().hex), push, Answer(opens=False))
                if sent is not None:
                    self._soon(device, (sent,))
            case InputPush():
                await self._desk.input_changed(device, push, address)
            case GatePush():
                await self._desk.gate_told(device, push, address)
            case Heartbeat():
                self._desk.lives(device, push, address)
                if (known := self._devices.get(device.id)) is not None:
                    known.has_list = push.has_list
                PUSHES.labels("heartbeat").inc()
            case CommandReply() | ListPush():
                self._desk.presence.seen(device, address=address)
                await self._replied(device, push)
            case _:
                self._desk.presence.seen(device, address=address)
                PUSHES.labels("noted").inc()

    # commands

    async def _send(self, device: DeviceEntry, command: Command) -> None:
        """Send a command that is marked as sent, once; tries the other layout of topics where nobody listens at one."""
        family = SPEAKING[device.kind]
        known = self._devices.get(device.id)
        roots = family.roots(device.serial or "")
        if known is not None:
            roots = (known.root, *(root for root in roots if root != known.root))
            known.replies[command.id.hex] = command
            while len(known.replies) > REPLIES_MAX:
                known.replies.popitem(last=False)
        for root in roots:
            way = Way(device.serial or "", root, command.id.hex, self._desk.business_now(), command.expires_at)
            sent = family.told(way, command.kind)
            if sent is None:
                return await self._desk.ended(device, command, Outcome.REJECTED, "not_supported")
            delivery = await self._hub.publish(
                device.id, sent.topic, sent.body, moves=True, expires_at=command.expires_at
            )
            if delivery is not Delivery.ABSENT:  # delivered is not done: a reply, the gate or the car will tell
                return None
        return await self._desk.ended(device, command, Outcome.UNREACHABLE, "not_sent")

    async def _replied(self, device: DeviceEntry, reply: CommandReply | ListPush) -> None:
        """Take a reply; only one to a command that was sent to this device counts, and ``accepted`` ends nothing."""
        PUSHES.labels("reply").inc()
        known = self._devices.get(device.id)
        reference = _plain(reply.reference)
        answer = None if known is None else known.asked.get(reference)
        if answer is not None and not answer.done():
            answer.set_result(reply)
            return
        if isinstance(reply, ListPush):  # nobody waits for it any more
            return
        command = None if known is None else known.replies.get(reference)
        if command is None or (reply.accepted and command.kind not in TO_ITSELF):
            log.info("camera.replied", device=device.code, accepted=reply.accepted, known=command is not None)
            return
        outcome = Outcome.DONE if reply.accepted else Outcome.REJECTED
        await self._desk.ended(device, command, outcome, f"{reply.name} {reply.detail}".strip()[:100])

    # questions that move nothing

    def is_here(self, device: Id, *, declared: bool = False) -> bool:
        """Tell whether a device is there; ``declared``: and whether it says that it has a list of cars."""
        known = self._devices.get(device)
        return known is not None and (known.has_list is True or not declared)

    async def ask(
        self, device: DeviceEntry, build: Callable[[Way], Sent], *, within_s: float
    ) -> CommandReply | ListPush | None:
        """Tell a device something that moves nothing and return its reply; None when it is not there or gives none."""
        known = self._devices.get(device.id)
        if known is None or len(known.asked) >= SENDING_MAX:
            return None
        way = self._way(device, self._ids.new_id().hex)
        sent = build(way)
        answer: asyncio.Future[CommandReply | ListPush] = asyncio.get_running_loop().create_future()
        known.asked[way.reference] = answer
        try:
            async with asyncio.timeout(within_s):
                until = later(self._clock.now(), SHOWN_US)
                if await self._hub.publish(device.id, sent.topic, sent.body, expires_at=until) is Delivery.ABSENT:
                    return None
                await asyncio.wait((answer,))
        except TimeoutError:
            return None
        finally:
            known.asked.pop(way.reference, None)
        return None if answer.cancelled() else answer.result()

    # what devices show

    def show(self, device: DeviceEntry, showing: Screen) -> bool:
        """Hand over what a device shows; the newest takes the place of one that has not left yet."""
        known = self._devices.get(device.id)
        if known is None or device.kind not in SPEAKING:
            return False
        known.showing = showing
        if known.shower is None:
            known.shower = asyncio.get_running_loop().create_task(self._show(device, known))
        return True

    async def _show(self, device: DeviceEntry, known: _Device) -> None:
        try:
            while known.showing is not None:
                showing, known.showing = known.showing, None
                way = self._way(device, self._ids.new_id().hex)
                await self._publish(device, SPEAKING[device.kind].shown(way, showing))
        except Exception:
            log.exception("camera.not_shown", device=device.code, lot=device.lot_code)
        finally:
            known.shower = None

    # inside

    def _way(self, device: DeviceEntry, reference: str) -> Way:
        now = self._clock.now()
        known = self._devices.get(device.id)
        root = SPEAKING[device.kind].roots(device.serial or "")[0] if known is None else known.root
        return Way(device.serial or "", root, reference, now, later(now, SHOWN_US))

    def _soon(self, device: DeviceEntry, several: tuple[Sent, ...]) -> None:
        """Send without waiting: a device that does not confirm must not hold up what it says itself."""
        known = self._devices.get(device.id)
        if known is None or len(known.sending) >= SENDING_MAX:
            return
        task = asyncio.get_running_loop().create_task(self._publish(device, several))
        known.sending.add(task)
        task.add_done_callback(known.sending.discard)

    async def _publish(self, device: DeviceEntry, several: tuple[Sent, ...]) -> None:
        until = later(self._clock.now(), SHOWN_US)
        for one in several:
            await self._hub.publish(
                device.id, one.topic, one.body, retain=one.retain, expires_at=None if one.retain else until
            )


def _plain(reference: str) -> str:
    """Return a reference as it was sent: some devices write it another way."""
    try:
        return UUID(reference).hex
    except ValueError:
        return reference


def _root_of(family: MqttFamily, device: DeviceEntry, topic: str, before: str) -> str:
    """Return the layout of topics that a device speaks in."""
    for root in family.roots(device.serial or ""):
        if topic.startswith(f"{root}/"):
            return root
    return before
