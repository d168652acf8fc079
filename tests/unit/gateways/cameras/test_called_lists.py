"""The lists of cameras that are called: read page by page, and no longer than any camera's."""

import asyncio
from collections.abc import Callable
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from openberth.contexts.facility import DeviceKind
from openberth.contexts.facility.reactions import DeviceEntry
from openberth.contexts.permits import CARS_MAX, ListedCar, NotTold
from openberth.gateways.cameras import called_lists, dahua_calling, dahua_lists, hikvision_lists
from openberth.gateways.cameras.called_lists import CalledLists
from openberth.gateways.cameras.calling import CameraCalls
from openberth.gateways.cameras.calls import Ask, Told
from openberth.infra.http.limits import AddressRange
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant, Period, from_iso

ZONE = "Asia/Shanghai"
SOME = Id(int=1)
CAMERA = DeviceEntry(SOME, SOME, SOME, "lot", SOME, "cam", DeviceKind.DAHUA, None, AddressRange(), None)
DAYS = Period(from_iso("2026-11-22T00:00:00Z"), from_iso("2026-11-23T00:00:00Z"))


class Camera:
    """A camera with one line, which answers as it likes."""

    def __init__(self, answer: Callable[[Ask], Told]) -> None:
        self.answer, self.asked = answer, list[Ask]()

    def line_of(self, _device: Id) -> "Camera":
        return self

    async def errand(self, ask: Ask) -> Told:
        self.asked.append(ask)
        return self.answer(ask)

    def heard(self, told: Told) -> Any:
        return dahua_calling.heard(told)


def lists(camera: Camera) -> CalledLists:
    return CalledLists(cast(CameraCalls, camera))


def page(first: int, count: int, total: int) -> Told:
    lines = [f"totalCount={total}", f"found={count}"]
    lines += [f"records[{place}].PlateNumber=粤B{first + place:05}" for place in range(count)]
    return Told(200, "\r\n".join(lines).encode())


def test_a_list_is_read_page_by_page() -> None:
    def answer(ask: Ask) -> Told:
        offset = int(ask.target.rpartition("=")[2])
        return page(offset, min(100, 250 - offset), 250)

    camera = Camera(answer)
    found = asyncio.run(lists(camera).held(CAMERA, ZONE))
    assert found is not None
    assert len(found) == 250
    assert len(camera.asked) == 3


def test_a_camera_that_never_comes_to_an_end_is_not_believed() -> None:
    camera = Camera(lambda _ask: page(0, 2_000, 10**8))
    with pytest.raises(NotTold, match=r"white_list\.refused"):
        asyncio.run(lists(camera).held(CAMERA, ZONE))
    assert len(camera.asked) == called_lists.FOUND_MAX // 2_000 + 1
    assert called_lists.FOUND_MAX == 2 * CARS_MAX


@pytest.mark.parametrize("body", [b"", b"Error", b"records[0].PlateNumber=x"])
def test_what_is_no_list_is_not_believed(body: bytes) -> None:
    with pytest.raises(NotTold, match=r"white_list\.refused"):
        asyncio.run(lists(Camera(lambda _ask: Told(200, body))).held(CAMERA, ZONE))


def test_dahua_says_cars_and_days_in_its_address() -> None:
    [(ask, plates)] = dahua_lists.puts([ListedCar("粤B1&x=1", DAYS)], ZoneInfo(ZONE))
    assert plates == ("粤B1&x=1",)
    assert ask.target == (
        "/cgi-bin/recordUpdater.cgi?name=TrafficRedList&action=insert&PlateNumber=%E7%B2%A4B1%26x%3D1"
        "&BeginTime=2026-11-22%2008%3A00%3A00&CancelTime=2026-11-23%2008%3A00%3A00&OpenGate=true"
    )
    [(changed, _)] = dahua_lists.puts([ListedCar("粤B12345", Period(Instant(0)), "77")], ZoneInfo(ZONE))
    assert "action=update&recno=77" in changed.target
    assert "CancelTime=2099-12-31" in changed.target
    marked, unmarked = dahua_lists.drops([ListedCar("粤B12345", DAYS, "77"), ListedCar("粤B12345", DAYS)])
    assert marked.target.endswith("action=remove&recno=77")
    assert unmarked.target.endswith("action=removeEx&condition.PlateNumber=%E7%B2%A4B12345")


def test_hikvision_says_cars_and_days_in_one_document() -> None:
    [(ask, plates)] = hikvision_lists.puts([ListedCar("粤B1<&", DAYS), ListedCar("粤B2", DAYS)], ZoneInfo(ZONE))
    assert plates == ("粤B1<&", "粤B2")
    text = ask.body.decode()
    assert "<plateNum>粤B1&lt;&amp;</plateNum><startTime>2026-11-22T08:00:00</startTime>" in text
    assert "<endTime>2026-11-23T08:00:00</endTime>" in text
    told = Told(
        200,
        text.replace("SetVCLData>", "GetVCLData>")
        .replace("<VCLDataList>", "<numTotal>2</numTotal><VCLDataList>")
        .encode(),
    )
    assert dict(hikvision_lists.found(told, ZoneInfo(ZONE)).cars) == {"粤B1<&": DAYS, "粤B2": DAYS}
