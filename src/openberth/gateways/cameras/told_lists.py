"""The lists of cars in cameras that are told by messages (``permits.ports.ListCarrier``): over MQTT by one of our own,
which is replied to, over HTTP by the answer to a heartbeat (``errands``).
"""

from collections.abc import Mapping, Sequence
from functools import partial

from openberth.contexts.facility import DeviceKind
from openberth.contexts.facility.reactions import DeviceEntry
from openberth.contexts.permits import CARS_MAX, ListedCar, NotTold
from openberth.gateways.cameras import (
    generic_http,
    generic_lists,
    generic_mqtt,
    huaxia_http,
    huaxia_lists,
    vzenith_http,
    vzenith_http_lists,
    vzenith_lists,
    vzenith_mqtt,
)
from openberth.gateways.cameras.days import zone_of
from openberth.gateways.cameras.errands import Errands
from openberth.gateways.cameras.family import (
    Content,
    HttpListing,
    ListFamily,
    MqttListing,
    ReadableListFamily,
    Reply,
    Sent,
    SerialFrame,
    Way,
)
from openberth.gateways.cameras.mqtt_port import MqttCameras
from openberth.gateways.cameras.pushes import CommandReply, ListPush
from openberth.kernel.time import Clock, Period

REPLY_S = 10.0
ERRAND_S = 100.0  # three heartbeats of a camera that asks every 30 s
PAGES_MAX = 200
FOUND_MAX = 2 * CARS_MAX

OVER_MQTT: Mapping[DeviceKind, MqttListing] = {
    DeviceKind.VZENITH_MQTT: vzenith_mqtt, DeviceKind.GENERIC_MQTT: generic_mqtt,
}  # fmt: skip
OVER_HTTP: Mapping[DeviceKind, HttpListing] = {
    DeviceKind.VZENITH_HTTP: vzenith_http, DeviceKind.HUAXIA_HTTP: huaxia_http,
    DeviceKind.GENERIC_HTTP: generic_http,
}  # fmt: skip
READABLE: Mapping[DeviceKind, ReadableListFamily] = {
    DeviceKind.GENERIC_MQTT: generic_lists, DeviceKind.GENERIC_HTTP: generic_lists,
}  # fmt: skip
WORDS: Mapping[DeviceKind, ListFamily] = {
    DeviceKind.VZENITH_MQTT: vzenith_lists, DeviceKind.VZENITH_HTTP: vzenith_http_lists,
    DeviceKind.HUAXIA_HTTP: huaxia_lists, **READABLE,
}  # fmt: skip


class ToldLists:
    """Tells cameras that are there, a few cars at a time."""

    within_s = 900.0  # a step in parts of five, each of them in two answers to one that asks every 30 s

    def __init__(self, cameras: MqttCameras, errands: Errands, clock: Clock) -> None:
        self._cameras = cameras
        self._errands = errands
        self._clock = clock

    def lists(self, device: DeviceEntry) -> bool:
        """Tell whether such a camera may hold a list."""
        return device.kind in WORDS

    def carries(self, device: DeviceEntry) -> bool:
        """Tell whether such a camera holds a list and is there. A device of one's own says whether it has one."""
        wire, declared = self._cameras if device.kind in OVER_MQTT else self._errands, device.kind in READABLE
        return device.kind in WORDS and wire.is_here(device.id, declared=declared)

    async def put(self, device: DeviceEntry, cars: Sequence[ListedCar], zone: str) -> Mapping[str, str]:
        """Have a camera hold cars, or change them; it has no numbers of its own."""
        words = WORDS[device.kind]
        for start in range(0, len(cars), words.BATCH):
            await self._do(device, words.giving(cars[start : start + words.BATCH], zone_of(zone), self._clock.now()))
        return {}

    async def drop(self, device: DeviceEntry, cars: Sequence[ListedCar]) -> None:
        """Have a camera drop cars."""
        words, plates = WORDS[device.kind], [car.plate for car in cars]
        for start in range(0, len(plates), words.BATCH):
            await self._do(device, words.dropping(plates[start : start + words.BATCH]))

    async def held(self, device: DeviceEntry, zone: str) -> Mapping[str, Period | None] | None:
        """Return what a camera says that it holds, None where it cannot.

        A list that is longer than any of ours can be is nobody's: it is cleared, and given anew.
        """
        words, found, seen = READABLE.get(device.kind), dict[str, Period | None](), 0
        if words is None:
            return None
        for _ in range(PAGES_MAX):
            page = await self._said(device, words.reading(seen))
            if not isinstance(page, ListPush):
                raise NotTold("white_list.refused", detail=page.detail)
            if page.total > FOUND_MAX:
                await self._do(device, words.clearing())
                return {}
            found |= dict(page.cars)
            seen += len(page.cars)
            if not page.cars or seen >= page.total:
                return found
        raise NotTold("white_list.refused", detail="more pages than any list has")

    async def _do(self, device: DeviceEntry, content: Content) -> None:
        said = await self._said(device, content)
        if not isinstance(said, CommandReply) or not said.accepted:
            raise NotTold("white_list.refused", detail=said.detail if isinstance(said, CommandReply) else "a list")

    async def _said(self, device: DeviceEntry, content: Content) -> CommandReply | ListPush:
        said: CommandReply | ListPush | None
        if device.kind in OVER_MQTT:
            build = partial(_sent, OVER_MQTT[device.kind], content)
            said = await self._cameras.ask(device, build, within_s=REPLY_S)
        else:
            over = OVER_HTTP[device.kind]
            carried = partial(_carried, over, content)
            said = await self._errands.ask(device.id, carried, confirms=over.CONFIRMS, within_s=ERRAND_S)
        if said is None:
            raise NotTold("white_list.no_reply")
        return said


def _sent(over: MqttListing, content: Content, way: Way) -> Sent:
    return over.listing(way, content)


def _carried(over: HttpListing, content: Content, reference: str, frames: tuple[SerialFrame, ...]) -> Reply:
    return over.listing(reference, content, frames)
