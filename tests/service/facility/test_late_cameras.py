"""Cameras that do not mark what they have stored: a slow clock is told from a store."""

from dataclasses import replace
from pathlib import Path
from typing import cast

from openberth.contexts.facility import DeviceKind
from openberth.contexts.facility.reactions import DeviceEntry, Presence
from openberth.contexts.stays.recognition import Direction, PlateColour, Recognition, Trigger
from openberth.gateways.cameras.desk import CameraDesk
from openberth.gateways.cameras.pushes import PlatePush
from openberth.infra.blobs import PictureQueue
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database
from openberth.infra.http.limits import AddressRange
from openberth.infra.ids import IdSource
from openberth.kernel.ids import Id
from openberth.kernel.time import MINUTE_US, SECOND_US, Instant
from tests.service.databases import ONCE


def push(at: Instant) -> PlatePush:
    seen = Recognition(
        "r", "粤B12345", (), PlateColour.BLUE, None, 90, Direction.DOWN, Trigger.VIDEO, at, False, False, (), ()
    )  # fmt: skip
    return replace(PlatePush("s", seen), unmarked=True)


@ONCE
def test_a_slow_clock_is_told_from_a_store(
    db: Database, business: ManualClock, machine: ManualClock, tmp_path: Path
) -> None:
    desk = CameraDesk(
        database=db, presence=Presence(db), pictures=cast(PictureQueue, None), ids=IdSource(machine)
    )  # fmt: skip
    some = Id(int=1)
    camera = DeviceEntry(
        some, some, some, "lot", some, "cam", DeviceKind.DAHUA, None, AddressRange(), None, zone="Asia/Shanghai"
    )  # fmt: skip

    def arrives(late_us: int) -> bool:
        return desk.placed(camera, push(Instant(business.now() - late_us)), "127.0.0.1").offline

    def later(seconds: int) -> None:
        machine.advance(seconds * SECOND_US)
        business.advance(seconds * SECOND_US)

    assert not arrives(0)
    for late in (60, 55, 41, 30, 12, 7):  # stored while the network was gone, told one after the other
        assert arrives(late * MINUTE_US)
        later(1)
    assert not arrives(0)
    assert arrives(6 * MINUTE_US), "the first one of a slow clock: nobody can know yet"
    later(30)
    assert arrives(6 * MINUTE_US)
    later(31)
    assert not arrives(6 * MINUTE_US + SECOND_US), "it has been as late for a minute: it stands there now"
