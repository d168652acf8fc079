"""The words by which makes are told of their lists, byte for byte, and how many cars at once."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from openberth.contexts.facility import DeviceKind
from openberth.contexts.facility.reactions import DeviceEntry
from openberth.contexts.permits import ListedCar, NotTold
from openberth.gateways.cameras import generic_http, huaxia_http, huaxia_lists, vzenith_http, vzenith_http_lists
from openberth.gateways.cameras.errands import Carried, Errands, Said
from openberth.gateways.cameras.family import SerialFrame
from openberth.gateways.cameras.mqtt_port import MqttCameras
from openberth.gateways.cameras.pushes import CommandReply, ListPush
from openberth.gateways.cameras.told_lists import FOUND_MAX, OVER_HTTP, OVER_MQTT, WORDS, ToldLists
from openberth.infra.clocks import SystemClock
from openberth.infra.http.limits import AddressRange
from openberth.infra.ids import IdSource
from openberth.kernel.errors import Malformed
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant, Period, from_iso

HERE, ZONE = ZoneInfo("Asia/Shanghai"), "Asia/Shanghai"
NOW = Instant(1_795_305_600_000_000)
DAYS = Period(from_iso("2026-11-22T00:00:00Z"), from_iso("2026-11-23T00:00:00Z"))
CARS = [ListedCar("粤B12345", DAYS), ListedCar("粤B12346", Period(DAYS.start))]
FRAME = SerialFrame(b"\x01\x02", 0)


def test_huaxia_is_told_as_the_maker_says() -> None:
    told = huaxia_http.listing("r", huaxia_lists.giving(CARS, HERE, NOW), (FRAME,))
    assert json.loads(told.body) == {
        "error_num": 0, "error_str": "noerror",
        "whitelist_data": [
            {"action": "add", "plateNumber": "粤B12345", "type": "W", "start": "2026/11/22 08:00:00",
             "end": "2026/11/23 08:00:00"},
            {"action": "add", "plateNumber": "粤B12346", "type": "W", "start": "2026/11/22 08:00:00",
             "end": "2099/12/31 23:59:59"},
        ],
        "rs485_data": [{"encodetype": "hex2string", "data": "0102"}],
    }  # fmt: skip
    gone = json.loads(huaxia_http.listing("r", huaxia_lists.dropping(["粤B12345"])).body)
    assert gone["whitelist_data"] == [{"action": "delete", "plateNumber": "粤B12345", "type": "W"}]
    assert "gpio_data" not in gone


def test_vzenith_is_told_as_the_maker_says_and_never_of_an_empty_plate() -> None:
    told = json.loads(vzenith_http.listing("r", vzenith_http_lists.giving(CARS[:1], HERE, NOW)).body)
    record = {"plate": "粤B12345", "enable": 1, "need_alarm": 0, "enable_time": "2026-11-22 08:00:00",
              "overdue_time": "2026-11-23 08:00:00"}  # fmt: skip
    operate = {"operate_type": 0, "white_list_data": [record]}
    assert told == {"Response_AlarmInfoPlate": {"info": "wait", "white_list_operate": operate}}
    gone = vzenith_http_lists.dropping(["粤B12345"])["white_list_operate"]
    assert gone == {"operate_type": 1, "white_list_data": [{"plate": "粤B12345"}]}


@pytest.mark.parametrize(
    "car",
    [
        {"plate": ""}, {"from": "2026-11-22T00:00:00"}, {"until": "2026-11-21T00:00:00Z"}, {"until": 7},
        {"from": "0001-01-01T00:00:00+14:00", "until": "x"}, {"days": 3},
    ],
)  # fmt: skip
def test_what_is_no_list_of_a_generic_device_is_refused(car: dict[str, Any]) -> None:
    right = {"plate": "粤B12345", "from": "2026-11-22T00:00:00Z", "until": None}
    message: dict[str, Any] = {"openberth": 1, "type": "list", "id": "r", "total": 1, "cars": [right]}
    assert isinstance(generic_http.decode(json.dumps(message).encode()), ListPush)
    for wrong in (message | {"cars": [right | car]}, message | {"total": -1}, message | {"cars": [right] * 201}):
        with pytest.raises(Malformed):
            generic_http.decode(json.dumps(wrong).encode())


def test_a_generic_device_says_what_it_holds() -> None:
    said = generic_http.decode(
        '{"openberth":1,"type":"list","id":"r","total":2,"cars":[{"plate":"粤B12345","from":"2026-11-22T08:00:00+08:00",'
        '"until":"2026-11-23T00:00:00Z"},{"plate":"粤B12346","from":"1970-01-01T00:00:00Z","until":null}]}'.encode()
    )
    assert said == ListPush(None, "r", 2, (("粤B12345", DAYS), ("粤B12346", Period(Instant(0)))))


def test_every_make_that_is_told_has_one_wire() -> None:
    assert WORDS.keys() == OVER_HTTP.keys() | OVER_MQTT.keys()
    assert not OVER_HTTP.keys() & OVER_MQTT.keys()
    assert {kind for kind in OVER_MQTT if kind.wire.mqtt is None} == set()
    assert {kind for kind in OVER_HTTP if not kind.wire.answered} == set()


class Box:
    """Takes what would be told, and answers as it likes."""

    def __init__(self, answer: Callable[[dict[str, Any]], Said | None]) -> None:
        self.answer = answer
        self.told: list[dict[str, Any]] = []

    async def ask(self, camera: Id, carried: Carried, *, confirms: bool, within_s: float) -> Said | None:
        self.told.append(json.loads(carried("r", ()).body))
        return self.answer(self.told[-1])


def lists(box: Box) -> ToldLists:
    return ToldLists(cast(MqttCameras, None), cast(Errands, box), SystemClock())


def device(kind: DeviceKind) -> DeviceEntry:
    some = Id(int=1)
    return DeviceEntry(some, some, some, "lot", some, "cam", kind, None, AddressRange(), None)


def taken(_told: dict[str, Any]) -> Said:
    return CommandReply(None, "r", "list", accepted=True)


@pytest.mark.parametrize(
    ("kind", "parts"), [(DeviceKind.VZENITH_HTTP, 10), (DeviceKind.HUAXIA_HTTP, 5), (DeviceKind.GENERIC_HTTP, 1)]
)
def test_no_answer_carries_more_cars_than_a_camera_takes(kind: DeviceKind, parts: int) -> None:
    cars, box = [ListedCar(f"粤B{number:05}", DAYS) for number in range(50)], Box(taken)
    asyncio.run(lists(box).put(device(kind), cars, ZONE))
    assert len(box.told) == parts
    text = json.dumps(box.told, ensure_ascii=False)
    assert all(text.count(car.plate) == 1 for car in cars)
    box.told.clear()
    asyncio.run(lists(box).drop(device(kind), cars))
    assert len(box.told) == parts


def test_only_a_device_of_ones_own_has_to_say_that_it_has_a_list() -> None:
    async def scene() -> None:
        box = Errands(IdSource(SystemClock()))
        carrier = ToldLists(cast(MqttCameras, None), box, SystemClock())
        for kind in OVER_HTTP:
            assert not carrier.carries(device(kind))
            assert carrier.lists(device(kind))
            box.came(device(kind).id)
            assert carrier.carries(device(kind)) is (kind is not DeviceKind.GENERIC_HTTP)
            box.came(device(kind).id, has_list=True)
            assert carrier.carries(device(kind))
            box = Errands(IdSource(SystemClock()))
            carrier = ToldLists(cast(MqttCameras, None), box, SystemClock())
        box.came(device(DeviceKind.DAHUA).id, has_list=True)
        assert not carrier.carries(device(DeviceKind.DAHUA))
        assert not carrier.lists(device(DeviceKind.DAHUA))

    asyncio.run(scene())


def test_a_refusal_and_no_answer_end_a_step() -> None:
    refused = Box(lambda _told: CommandReply(None, "r", "list", accepted=False, detail="full"))
    with pytest.raises(NotTold, match=r"white_list\.refused"):
        asyncio.run(lists(refused).put(device(DeviceKind.GENERIC_HTTP), CARS, ZONE))
    silent = Box(lambda _told: None)
    with pytest.raises(NotTold, match=r"white_list\.no_reply"):
        asyncio.run(lists(silent).drop(device(DeviceKind.HUAXIA_HTTP), CARS))
    odd = Box(lambda _told: ListPush(None, "r", 0, ()))
    with pytest.raises(NotTold, match=r"white_list\.refused"):
        asyncio.run(lists(odd).put(device(DeviceKind.GENERIC_HTTP), CARS, ZONE))


def test_a_list_is_read_page_by_page_and_a_longer_one_than_ours_is_cleared() -> None:
    def page(told: dict[str, Any]) -> Said:
        offset = told["list"]["read"]
        cars = tuple((f"粤B{number:05}", DAYS) for number in range(offset, min(offset + 200, 450)))
        return ListPush(None, "r", 450, cars)

    box = Box(page)
    found = asyncio.run(lists(box).held(device(DeviceKind.GENERIC_HTTP), ZONE))
    assert found is not None
    assert (len(found), [told["list"]["read"] for told in box.told]) == (450, [0, 200, 400])

    def endless(told: dict[str, Any]) -> Said:
        return ListPush(None, "r", FOUND_MAX + 1, CARS_SAID) if "read" in told["list"] else taken(told)

    box = Box(endless)
    assert asyncio.run(lists(box).held(device(DeviceKind.GENERIC_HTTP), ZONE)) == {}
    assert [set(told["list"]) - {"id"} for told in box.told] == [{"read"}, {"clear"}]
    assert asyncio.run(lists(box).held(device(DeviceKind.HUAXIA_HTTP), ZONE)) is None


def test_a_list_that_never_comes_to_an_end_is_not_believed() -> None:
    box = Box(lambda _told: ListPush(None, "r", FOUND_MAX, CARS_SAID))
    with pytest.raises(NotTold, match=r"white_list\.refused"):
        asyncio.run(lists(box).held(device(DeviceKind.GENERIC_HTTP), ZONE))


CARS_SAID = (("粤B12345", DAYS),)
