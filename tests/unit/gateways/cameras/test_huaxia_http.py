from pathlib import Path

import pytest

from openberth.contexts.facility import CommandKind
from openberth.contexts.stays.recognition import Direction, Picture, PictureKind, PlateColour, Recognition, Trigger
from openberth.gateways.cameras.family import Answer, Reply, SerialFrame
from openberth.gateways.cameras.huaxia_http import MAX_BODY, answered, decode, noted, told
from openberth.gateways.cameras.pushes import Heartbeat, OtherPush, PlatePush
from openberth.kernel.errors import Malformed
from openberth.kernel.time import Instant

PUBLISHED = (Path(__file__).parents[3] / "vectors" / "huaxia-mode5.txt").read_bytes()
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")


def record(**changed: str) -> PlatePush:
    fields = {"type": "online", "plate_num": "%E7%B2%A4B12345", "start_time": "1763769600", "cam_id": "c-1"} | changed
    push = decode("&".join(f"{name}={value}" for name, value in fields.items()).encode())
    assert isinstance(push, PlatePush)
    return push


def test_the_published_record() -> None:
    push = decode(PUBLISHED)
    assert isinstance(push, PlatePush)
    assert push == PlatePush(
        "0c:ef:15:00:00:07",
        Recognition(
            source_id=push.recognition.source_id,
            plate_text="沪A99999",
            other_plates=(),
            colour=PlateColour.BLUE,
            plate_kind=None,
            confidence=28,
            direction=Direction.UNKNOWN,
            trigger=Trigger.VIDEO,
            captured_at=Instant(1_763_769_600_000_000),
            offline=False,
            opened_by_camera=False,
            pictures=(Picture(PictureKind.SCENE, JPEG),),
            flaws=(),
        ),
    )


def test_the_same_record_has_the_same_name_live_and_stored() -> None:
    live, stored = record(), record(type="offline")
    assert live.recognition.source_id == stored.recognition.source_id
    assert stored.recognition.offline
    others = [record(plate_num="X12345"), record(start_time="1763769601"), record(triger_type="hwtriger")]
    assert len({push.recognition.source_id for push in (live, *others)}) == 4
    assert "12345" not in live.recognition.source_id


@pytest.mark.parametrize(
    ("changed", "plate", "flaws"),
    [
        ({"plate_num": "%D4%C1B12345"}, "粤B12345", ()),  # GBK
        ({"plate_num": "粤B12345".encode("gb18030").decode("latin-1")}, None, None),
        ({"plate_num": "%E6%97%A0%E7%89%8C%E8%BD%A6"}, None, ()),
        ({"plate_num": ""}, None, ()),
        ({"plate_num": "%E8%93%9D%E7%B2%A4B12345"}, "粤B12345", ()),
        ({"plate_num": "X" * 17}, None, ("plate.unreadable",)),
        ({"plate_val": "false"}, "粤B12345", ("plate.fake",)),
        ({"start_time": "yesterday"}, "粤B12345", ("clock",)),
        ({"start_time": "1763769600123"}, "粤B12345", ()),
        ({"confidence": "400"}, "粤B12345", ("confidence",)),
        ({"picture": "!!!"}, "粤B12345", ("scene.not_base64",)),
        ({"closeup_pic": "aGVsbG8."}, "粤B12345", ("plate.not_jpeg",)),
    ],
)
def test_what_was_read(changed: dict[str, str], plate: str | None, flaws: tuple[str, ...] | None) -> None:
    if flaws is None:  # raw bytes beyond ASCII are told by what they are, too
        body = b"type=online&start_time=1763769600&plate_num=" + "粤B12345".encode("gb18030")
        push = decode(body)
        assert isinstance(push, PlatePush)
        assert push.recognition.plate_text == "粤B12345"
        return
    seen = record(**changed).recognition
    assert (seen.plate_text, seen.flaws) == (plate, flaws)


def test_a_stored_record_of_the_white_list_was_opened_by_the_camera() -> None:
    assert record(type="offline", is_whitelist="true").recognition.opened_by_camera
    assert not record(is_whitelist="true").recognition.opened_by_camera


def test_what_else_is_sent() -> None:
    assert decode(b"type=heartbeat&cam_id=c-1&cam_ip=10.0.0.7") == Heartbeat("c-1", address="10.0.0.7")
    assert decode(b"type=rs485&cam_id=c-1&data=00") == OtherPush("rs485", "c-1")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"type=", b"type=%00", b"mode=5", b"type=online&" + b"a=1&" * 70, b"\xff=1&type=online",
        b"type=online&plate_num=" + b"x" * 700, b"type=online&cam_id=" + b"x" * 65, b"x" * (MAX_BODY + 1),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed, match=r"device\.malformed"):
        decode(body)


VOICE = SerialFrame(bytes.fromhex("0064FFFF300901BBB6D3ADB9E2C1D93258"))


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (answered(record(), Answer(True)),
         '{"error_num":0,"error_str":"noerror","gpio_data":[{"ionum":"io1","action":"on"}]}'),
        (answered(record(), Answer(False)), '{"error_num":0,"error_str":"noerror"}'),
        (answered(record(type="offline"), Answer(True)), '{"error_num":0,"error_str":"noerror"}'),
        (answered(record(), Answer(False, (VOICE,))),
         ('{"error_num":0,"error_str":"noerror",'
         '"rs485_data":[{"encodetype":"hex2string","data":"0064FFFF300901BBB6D3ADB9E2C1D93258"}]}')),
        (noted(), '{"error_num":0,"error_str":"noerror"}'),
        (told(CommandKind.OPEN), '{"error_num":0,"error_str":"noerror","gpio_data":[{"ionum":"io1","action":"on"}]}'),
        (told(CommandKind.CLOSE), '{"error_num":0,"error_str":"noerror","gpio_data":[{"ionum":"io2","action":"on"}]}'),
    ],
)  # fmt: skip
def test_answers_byte_for_byte(reply: Reply, text: str) -> None:
    assert reply == Reply(text.encode())


def test_it_cannot_be_told_to_lock() -> None:
    assert told(CommandKind.LOCK_OPEN) is None
