"""The lists of cars in cameras that we call (``permits.ports.ListCarrier``): small requests on the camera's own line,
which a command waits behind for half a second at most: one that is cut short is told again.
"""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from openberth.contexts.facility import DeviceKind
from openberth.contexts.facility.reactions import DeviceEntry
from openberth.contexts.permits import CARS_MAX, ListedCar, NotTold
from openberth.gateways.cameras import dahua_lists, hikvision_lists
from openberth.gateways.cameras.calling import CameraCalls
from openberth.gateways.cameras.calling_line import Line
from openberth.gateways.cameras.calls import Ask, CalledListFamily, Told
from openberth.gateways.cameras.camera_client import LoginRefused, NoAnswer, NotConnected, Paused
from openberth.kernel.errors import Malformed
from openberth.kernel.time import Period

PAGES_MAX = 200
FOUND_MAX = 2 * CARS_MAX
LISTING: Mapping[DeviceKind, CalledListFamily] = {
    DeviceKind.DAHUA: dahua_lists, DeviceKind.HIKVISION: hikvision_lists,
}  # fmt: skip


class CalledLists:
    """Tells cameras that have a line."""

    within_s = 20.0

    def __init__(self, calls: CameraCalls) -> None:
        self._calls = calls

    def lists(self, device: DeviceEntry) -> bool:
        """Tell whether such a camera may hold a list."""
        return device.kind in LISTING

    def carries(self, device: DeviceEntry) -> bool:
        """Tell whether such a camera holds a list and is called."""
        return device.kind in LISTING and self._calls.line_of(device.id) is not None

    async def put(self, device: DeviceEntry, cars: Sequence[ListedCar], zone: str) -> Mapping[str, str]:
        """Have a camera hold cars; returns its numbers of their records."""
        family, marks = LISTING[device.kind], {}
        for ask, plates in family.puts(cars, ZoneInfo(zone)):
            mark = family.mark(await self._ask(device, ask))
            if mark and len(plates) == 1:
                marks[plates[0]] = mark
        return marks

    async def drop(self, device: DeviceEntry, cars: Sequence[ListedCar]) -> None:
        """Have a camera drop cars."""
        for ask in LISTING[device.kind].drops(cars):
            await self._ask(device, ask)

    async def held(self, device: DeviceEntry, zone: str) -> Mapping[str, Period | None] | None:
        """Return what a camera says that it holds."""
        family, found = LISTING[device.kind], dict[str, Period | None]()
        seen = 0
        for _ in range(PAGES_MAX):
            try:
                page = family.found(await self._ask(device, family.page(seen)), ZoneInfo(zone))
            except Malformed as refusal:
                raise NotTold("white_list.refused", detail=str(refusal)[:100]) from refusal
            found |= dict(page.cars)
            seen += len(page.cars)
            if seen > FOUND_MAX:
                raise NotTold("white_list.refused", detail="more cars than any camera holds")
            if not page.cars or seen >= page.total:
                break
        return found

    async def _ask(self, device: DeviceEntry, ask: Ask) -> Told:
        line: Line | None = self._calls.line_of(device.id)
        if line is None:
            raise NotTold("white_list.no_reply")
        try:
            told = await line.errand(ask)
        except (NotConnected, NoAnswer) as error:
            raise NotTold("white_list.no_reply") from error
        except (LoginRefused, Paused) as error:
            raise NotTold("white_list.login") from error
        heard = line.heard(told)
        if not heard.accepted:
            raise NotTold("white_list.refused", detail=heard.detail)
        return told
