import json
from pathlib import Path
from typing import Any

import pytest

from openberth.contexts.facility import CommandKind
from openberth.contexts.stays.recognition import Direction, Picture, PictureKind, PlateColour, Recognition, Trigger
from openberth.gateways.cameras.dahua import MAX_BODY, answered, decode, noted, told
from openberth.gateways.cameras.family import Answer, Reply
from openberth.gateways.cameras.pushes import Heartbeat, OtherPush, PlatePush, at_home
from openberth.kernel.errors import Malformed
from openberth.kernel.time import Instant

PUBLISHED = (Path(__file__).parents[3] / "vectors" / "dahua-tollgate.json").read_bytes()
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
NOW = Instant(1_795_305_601_000_000)
TOLLGATE = "NotificationInfo/TollgateInfo"


def seen(**changed: dict[str, Any]) -> PlatePush:
    body = json.loads(PUBLISHED)
    for name, values in changed.items():
        body["Picture"][name] = body["Picture"].get(name, {}) | values
    push = decode(json.dumps(body).encode(), path=TOLLGATE)
    assert isinstance(push, PlatePush)
    return push


def test_a_record() -> None:
    push = decode(PUBLISHED, "application/json", TOLLGATE)
    assert isinstance(push, PlatePush)
    assert push == PlatePush(
        "8d0b6f3e62",
        Recognition(
            source_id=push.recognition.source_id,
            plate_text="粤B12345",
            other_plates=(),
            colour=PlateColour.BLUE,
            plate_kind=None,
            confidence=97,
            direction=Direction.DOWN,
            trigger=Trigger.VIDEO,
            captured_at=Instant(1_795_334_400_250_000),
            offline=False,
            opened_by_camera=False,
            pictures=(Picture(PictureKind.SCENE, JPEG), Picture(PictureKind.PLATE, JPEG)),
            flaws=(),
        ),
        wall_clock=True,
        unmarked=True,
    )
    assert at_home(push, "Asia/Shanghai", NOW).captured_at == 1_795_305_600_250_000


def test_the_same_record_has_the_same_name() -> None:
    assert seen().recognition.source_id == seen(SnapInfo={"LanNo": 2}).recognition.source_id
    assert seen().recognition.source_id != seen(Plate={"PlateNumber": "X1"}).recognition.source_id
    assert (
        seen().recognition.source_id != seen(SnapInfo={"AccurateTime": "2026-11-22 08:00:00.251"}).recognition.source_id
    )


@pytest.mark.parametrize(
    ("changed", "plate", "flaws"),
    [
        ({"Plate": {"IsExist": False}}, None, ()),
        ({"Plate": {"IsExist": "false"}}, None, ()),
        ({"Plate": {"PlateNumber": None}}, None, ()),
        ({"Plate": {"PlateNumber": "unknown"}}, None, ()),
        ({"Plate": {"Confidence": 204}}, "粤B12345", ()),
        ({"Plate": {"Confidence": "88"}}, "粤B12345", ()),
        ({"Plate": {"Confidence": -3}}, "粤B12345", ("confidence",)),
        ({"SnapInfo": {"AccurateTime": None, "SnapTime": "soon"}}, "粤B12345", ("clock",)),
        ({"NormalPic": {"Content": "!"}}, "粤B12345", ("scene.not_base64",)),
    ],
)
def test_what_was_read(changed: dict[str, Any], plate: str | None, flaws: tuple[str, ...]) -> None:
    found = seen(**changed).recognition
    assert (found.plate_text, found.flaws) == (plate, flaws)
    assert 0 <= found.confidence <= 100


def test_its_own_list_may_have_opened() -> None:
    assert seen(SnapInfo={"OpenStrobe": True}).recognition.opened_by_camera


def test_a_record_that_has_waited_opens_nothing() -> None:
    assert not at_home(seen(), "Asia/Shanghai", Instant(NOW + 299_000_000)).offline
    assert at_home(seen(), "Asia/Shanghai", Instant(NOW + 300_000_000)).offline


def test_the_misspelt_cutout_counts() -> None:
    body = json.loads(PUBLISHED)
    body["Picture"]["CutouPic"] = body["Picture"].pop("CutoutPic")
    push = decode(json.dumps(body).encode())
    assert isinstance(push, PlatePush)
    assert len(push.recognition.pictures) == 2


def test_what_else_is_sent() -> None:
    alive = b'{"Active":"keepAlive","DeviceID":"8d0b6f3e62"}'
    assert decode(alive, path="NotificationInfo/KeepAlive") == Heartbeat("8d0b6f3e62")
    told_of = {"DeviceName": "gate", "DeviceModel": "ITC237", "DeviceType": "Tollgate", "Manufacturer": "Dahua",
               "IPAddress": "10.0.0.7", "MACAddress": "a4:14:37:00:00:07", "DeviceID": "8d0b6f3e62"}  # fmt: skip
    push = decode(json.dumps(told_of).encode(), path="NotificationInfo/DeviceInfo")
    assert push == Heartbeat("8d0b6f3e62", "gate", "10.0.0.7", {"model": "ITC237"})
    assert decode(b"{}", path="NotificationInfo/ParkingInfo") == OtherPush("parkinginfo")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"5", b'{"Picture":5}', b'{"Picture":{}}', b'{"DeviceID":"' + b"x" * 65 + b'"}', b"\xff\xfe",
        b'{"Picture":' + b'{"a":' * 100_000, b"x" * (MAX_BODY + 1), b"{}",
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed, match=r"device\.malformed"):
        decode(body, path=TOLLGATE)


def test_every_answer_says_that_it_was_taken() -> None:
    taken = Reply(b'{"Result":true}')
    assert answered(seen(), Answer(True)) == answered(seen(), Answer(False)) == noted() == taken
    assert told(CommandKind.OPEN) is None


def test_a_camera_that_is_as_late_for_a_minute_has_a_slow_clock() -> None:
    late = Instant(NOW + 360_000_000)
    assert at_home(seen(), "Asia/Shanghai", late).offline
    assert not at_home(seen(), "Asia/Shanghai", late, steady=True).offline
