"""The room of the hardware: every way a device comes in by, and who watches over them."""

import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Self
from urllib.parse import urlsplit

from openberth.bootstrap.storage import node_name
from openberth.contexts import stays
from openberth.contexts.facility.reactions import (
    CollectorDirectory,
    CommandDispatcher,
    CommandSweeper,
    DeviceDirectory,
    HealthWatch,
    Presence,
    SensorDesk,
    SensorSweeper,
    Strays,
)
from openberth.contexts.permits.reactions import WhiteLists
from openberth.contexts.tenancy.reactions import Refusals
from openberth.gateways.barriers.link import BarrierLink
from openberth.gateways.cameras.called_lists import CalledLists
from openberth.gateways.cameras.calling import CameraCalls
from openberth.gateways.cameras.desk import CameraDesk
from openberth.gateways.cameras.errands import Errands
from openberth.gateways.cameras.mqtt_port import MqttCameras
from openberth.gateways.cameras.port import CameraPort
from openberth.gateways.cameras.signed import Signers
from openberth.gateways.cameras.told_lists import ToldLists
from openberth.gateways.displays.screens import Screens
from openberth.gateways.mqtt.broker import OutsideBroker
from openberth.gateways.mqtt.link import MqttHub
from openberth.gateways.sensors.http_port import SensorPort
from openberth.gateways.sensors.magnetic_port import MagneticServer
from openberth.infra import leases
from openberth.infra.blobs import PictureQueue
from openberth.infra.buckets import Buckets
from openberth.infra.database import Database
from openberth.infra.http.limits import is_loopback
from openberth.infra.ids import IdSource
from openberth.infra.outbox import Tail
from openberth.infra.settings import Settings
from openberth.kernel.authority import system
from openberth.kernel.time import SECOND_US

BROKER_LEASE_US = 30 * SECOND_US

Work = tuple[str, Callable[[], Awaitable[None]]]


@dataclass(slots=True)
class DeviceRoom:
    """Everything that speaks with hardware. ``open`` puts it together."""

    settings: Settings
    database: Database
    directory: DeviceDirectory
    presence: Presence
    dispatcher: CommandDispatcher
    strays: Strays
    screens: Screens
    cameras: CameraPort
    calls: CameraCalls
    barriers: BarrierLink
    mqtt: MqttHub
    white_lists: WhiteLists
    collectors: CollectorDirectory
    sensor_desk: SensorDesk
    sensors: SensorPort
    magnetic: MagneticServer
    health_watch: HealthWatch

    @classmethod
    def open(
        cls, settings: Settings, database: Database, pictures: PictureQueue, buckets: Buckets, refusals: Refusals,
        stack: AsyncExitStack,
    ) -> Self:  # fmt: skip
        """Put the room together; what has to be closed goes onto the stack."""
        machine, per_minute = database.clocks.machine, settings.limits.device_per_minute
        ids = IdSource(machine)
        directory, presence, dispatcher = DeviceDirectory(database), Presence(database), CommandDispatcher(database)
        strays, screens = Strays(database, refusals.note), Screens(database, directory, base=settings.public_base)
        loops = stays.LoopWatch(database, ids)
        stack.push_async_callback(loops.aclose)
        desk = CameraDesk(database=database, presence=presence, pictures=pictures, ids=ids, loops=loops)
        errands = Errands(ids)
        cameras = CameraPort(
            desk=desk, directory=directory, dispatcher=dispatcher, buckets=buckets, per_minute=per_minute,
            strays=strays, screens=screens, errands=errands, signers=Signers(database, directory),
        )  # fmt: skip
        calls = CameraCalls(
            database=database, directory=directory, dispatcher=dispatcher, desk=desk, screens=screens,
            at_home=at_home(settings),
        )  # fmt: skip
        barriers = BarrierLink(
            database=database, directory=directory, presence=presence, dispatcher=dispatcher, strays=strays
        )
        mqtt = MqttHub(clock=machine, directory=directory, presence=presence, strays=strays)
        mqtt_cameras = MqttCameras(
            desk=desk, hub=mqtt, dispatcher=dispatcher, ids=ids, clock=machine, screens=screens, buckets=buckets,
            per_minute=per_minute,
        )  # fmt: skip
        screens.attach(mqtt_cameras, calls)
        carriers = (ToldLists(mqtt_cameras, errands, machine), CalledLists(calls))
        white_lists = WhiteLists(database, directory, carriers)
        collectors, sensor_desk = CollectorDirectory(database), SensorDesk(database)
        sensors = SensorPort(
            desk=sensor_desk, directory=collectors, buckets=buckets, per_minute=per_minute, strays=strays
        )
        magnetic = MagneticServer(
            desk=sensor_desk, directory=collectors, buckets=buckets, per_minute=per_minute, unknown=strays.unknown
        )
        return cls(
            settings, database, directory, presence, dispatcher, strays, screens, cameras, calls, barriers, mqtt,
            white_lists, collectors, sensor_desk, sensors, magnetic, HealthWatch(database),
        )  # fmt: skip

    async def listen(self, tail: Tail) -> None:
        """Know every device before the first message is answered, and hear what changes about them."""
        await self.directory.reload()
        await self.collectors.reload()
        for listener in (
            self.collectors, self.directory, self.dispatcher, self.screens, self.health_watch, self.white_lists
        ):  # fmt: skip
            tail.watch(listener.watch)

    async def start(self) -> None:
        """Take up what an earlier process has left."""
        await self.dispatcher.start()
        await self.screens.start()
        await self.health_watch.start()

    async def stop(self) -> None:
        """Hang up on whoever dialled in."""
        await self.magnetic.stop()
        await self.barriers.server.stop()
        await self.mqtt.carrier.stop()

    def work(self) -> list[Work]:
        """Return what a process with the role ``devices`` keeps going."""
        work: list[Work] = [
            ("presence", self.presence.run), ("devices", self.directory.run), ("displays", self.screens.run),
            ("strays", self.strays.run), ("mqtt", self.mqtt.run), ("white_lists", self.white_lists.run),
            ("calls", self.calls.run), ("collectors", self.collectors.run), ("sensors", self.sensor_desk.run),
        ]  # fmt: skip
        broker = self.settings.mqtt.broker
        return work if broker is None else [*work, ("broker", self._outside(broker.get_secret_value()).run)]

    def sweeping(self) -> list[Work]:
        """Return what one of all processes, with the role ``worker``, keeps going."""
        return [
            ("commands", CommandSweeper(self.database).run),
            ("spaces", SensorSweeper(self.database).run),
            ("device_health", self.health_watch.run),
        ]

    def _outside(self, url: str) -> OutsideBroker:
        """Reach devices through a broker; of several processes one is connected to it."""
        owner = f"{node_name()}/{os.getpid()}"
        lease = partial(leases.acquire, name="mqtt.broker", owner=owner, span_us=BROKER_LEASE_US)

        async def may_connect() -> bool:
            return await self.database.write(lease, by=system("mqtt")) is not None

        return self.mqtt.go_through(url, client_id=f"openberth-{node_name()}", may_connect=may_connect)


def at_home(settings: Settings) -> bool:
    """Tell whether this server is reached on this machine alone: the loopback behind a proxy is reached by all."""
    told = urlsplit(settings.public_base).hostname or ""
    return is_loopback(settings.http.host) and is_loopback(told) and not settings.http.trusted_proxies
