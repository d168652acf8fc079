import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openberth.contexts.facility import CommandKind, DeviceKind
from openberth.contexts.stays.recognition import (
    Direction,
    Picture,
    PictureKind,
    PlateColour,
    Recognition,
    Trigger,
)
from openberth.gateways.cameras import vzenith_http
from openberth.gateways.cameras.families import PUSHING
from openberth.gateways.cameras.family import Answer, HttpFamily, Reply, SerialFrame
from openberth.gateways.cameras.pushes import Heartbeat, InputPush, OtherPush, PlatePush
from openberth.gateways.cameras.vzenith_http import answered, decode, noted, told
from openberth.kernel.errors import Malformed
from openberth.kernel.plates import PlateKind
from openberth.kernel.time import Instant

PUBLISHED = (Path(__file__).parents[3] / "vectors" / "vzenith-plate.json").read_bytes()
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256))


def body(**changed: Any) -> bytes:
    plate = {
        "license": "粤B12345",
        "colorType": 1,
        "type": 1,
        "confidence": 95,
        "direction": 4,
        "triggerType": 1,
        "plateid": 1234,
        "isoffline": 0,
        "timeStamp": {"Timeval": {"sec": 1_800_000_000, "usec": 5}},
    } | changed
    return json.dumps({"AlarmInfoPlate": {"serialno": "cam-1", "result": {"PlateResult": plate}}}).encode()


def seen(**changed: Any) -> Recognition:
    push = decode(body(**changed))
    assert isinstance(push, PlatePush)
    return push.recognition


def test_the_published_example() -> None:
    assert decode(PUBLISHED) == PlatePush(
        "fe71e106-57263272",
        Recognition(
            source_id="21085-1686299994",
            plate_text="粤Z9065澳",
            other_plates=(),
            colour=PlateColour.BLACK,
            plate_kind=PlateKind.MACAO,
            confidence=96,
            direction=Direction.UNKNOWN,
            trigger=Trigger.SOFTWARE,
            captured_at=Instant(1_686_299_994_687_772),
            offline=False,
            opened_by_camera=False,
            pictures=(Picture(PictureKind.SCENE, bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")),),
            flaws=(),
        ),
        21085,
    )


@pytest.mark.parametrize(
    ("text", "first", "others"),
    [
        ("粤B12345", "粤B12345", ()),
        (" 粤B12345 ", "粤B12345", ()),
        ("_无_", None, ()),
        ("", None, ()),
        (None, None, ()),
        ("粤Z1234港|AB1234|MX1234", "粤Z1234港", ("AB1234", "MX1234")),
        ("_无_|粤B12345", "粤B12345", ()),
        ("粤B12345|粤B12345", "粤B12345", ()),
        ("||", None, ()),
    ],
)
def test_plates_as_read(text: str | None, first: str | None, others: tuple[str, ...]) -> None:
    recognition = seen(license=text)
    assert (recognition.plate_text, recognition.other_plates, recognition.flaws) == (first, others, ())


@pytest.mark.parametrize("text", ["粤" * 17, "粤B\n2345", "|".join(f"粤B1234{n}" for n in range(10))])
def test_a_reading_that_is_no_plate_is_noted(text: str) -> None:
    assert "plate.unreadable" in seen(license=text).flaws


@pytest.mark.parametrize(
    ("code", "colour"), list(enumerate(["unknown", "blue", "yellow", "white", "black", "green", "yellow_green"]))
)
def test_colours(code: int, colour: str) -> None:
    assert seen(colorType=code).colour == colour


def test_codes_without_a_word() -> None:
    recognition = seen(colorType=99, type=99, direction=9, triggerType=85)
    assert recognition.colour is PlateColour.UNKNOWN
    assert recognition.plate_kind is None
    assert recognition.direction is Direction.UNKNOWN
    assert recognition.trigger is Trigger.OTHER
    assert recognition.flaws == ()


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (1, "video"),
        (2, "input"),
        (4, "software"),
        (8, "virtual_loop"),
        (64, "staying"),
        (65, "staying_ended"),
        (66, "turned_back"),
    ],
)
def test_triggers(code: int, word: str) -> None:
    assert seen(triggerType=code).trigger == word


@pytest.mark.parametrize(("code", "word"), list(enumerate(["unknown", "left", "right", "up", "down"])))
def test_directions(code: int, word: str) -> None:
    assert seen(direction=code).direction == word


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1, "ordinary"),
        (4, "ordinary"),
        (5, "police"),
        (17, "armed_police"),
        (19, "new_energy_small"),
        (31, "unlicensed"),
    ],
)
def test_kinds(code: int, kind: str) -> None:
    assert seen(type=code).plate_kind == kind


def test_a_fake_plate_is_noted() -> None:
    assert seen(type=29).flaws == ("plate.fake",)


def test_stored_records_and_openings_of_the_camera_itself() -> None:
    assert not seen().offline
    assert seen(isoffline=1).offline
    assert not seen(gioouts=[{"ctrltype": 1, "ionum": "0"}]).opened_by_camera
    assert seen(gioouts=[{"ctrltype": 0}, {"ctrltype": 2, "ionum": 1}]).opened_by_camera


@pytest.mark.parametrize("confidence", [-1, 101])
def test_confidence_stays_in_its_range(confidence: int) -> None:
    recognition = seen(confidence=confidence)
    assert recognition.confidence == (0 if confidence < 0 else 100)
    assert recognition.flaws == ("confidence",)


@pytest.mark.parametrize(
    "stamp",
    [None, {}, {"Timeval": None}, {"Timeval": {}}, {"Timeval": {"sec": -5}}, {"Timeval": {"sec": 1 << 40}}],
)
def test_a_camera_without_a_clock_is_heard_all_the_same(stamp: dict[str, Any] | None) -> None:
    recognition = seen(timeStamp=stamp)
    assert recognition.captured_at == Instant(0)
    assert recognition.source_id == "1234-0"
    assert recognition.flaws == ("clock",)


def test_microseconds_out_of_range_are_left_out() -> None:
    assert seen(timeStamp={"Timeval": {"sec": 1, "usec": 1_000_000}}).captured_at == Instant(1_000_000)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_both_pictures() -> None:
    recognition = seen(imageFile=b64(JPEG), imageFragmentFile=b64(JPEG[:50]))
    assert recognition.pictures == (Picture(PictureKind.SCENE, JPEG), Picture(PictureKind.PLATE, JPEG[:50]))
    assert recognition.flaws == ()


@pytest.mark.parametrize("nothing", ["", None])
def test_no_picture_is_no_flaw(nothing: str | None) -> None:
    recognition = seen(imageFile=nothing)
    assert (recognition.pictures, recognition.flaws) == ((), ())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b64(JPEG).rstrip("="), id="without padding"),
        pytest.param("\n".join(b64(JPEG)[n : n + 76] for n in range(0, 400, 76)), id="in lines"),
        pytest.param(base64.encodebytes(JPEG).decode().replace("\n", "\r\n"), id="in lines with CR LF"),
    ],
)
def test_harmless_variants_of_base64_are_read(text: str) -> None:
    recognition = seen(imageFile=text)
    assert recognition.pictures == (Picture(PictureKind.SCENE, JPEG),)
    assert recognition.flaws == ()


def test_escaped_slashes_are_read() -> None:
    escaped = body(imageFile=b64(JPEG)).replace(b"/", b"\\/")
    push = decode(escaped)
    assert isinstance(push, PlatePush)
    assert push.recognition.pictures[0].jpeg == JPEG


@pytest.mark.parametrize(
    ("picture", "flaw"),
    [
        pytest.param("not base64!", "scene.not_base64", id="no base64"),
        pytest.param("A", "scene.not_base64", id="one character"),
        pytest.param("\u00e9" * 8, "scene.not_base64", id="no ASCII"),
        pytest.param(5, "scene.not_base64", id="a number"),
        pytest.param({"a": [1]}, "scene.not_base64", id="an object"),
        pytest.param(b64(b"\x89PNG\r\n"), "scene.not_jpeg", id="PNG"),
        pytest.param(b64(b"\xff\xd8" + bytes(2 * 1024 * 1024)), "scene.too_big", id="over 2 MB"),
        pytest.param("!" * 3_200_000, "scene.too_big", id="over 2 MB, no base64"),
    ],
)
def test_a_bad_picture_never_costs_the_recognition(picture: object, flaw: str) -> None:
    recognition = seen(imageFile=picture, imageFragmentFile=b64(JPEG))
    assert recognition.plate_text == "粤B12345"
    assert recognition.flaws == (flaw,)
    assert recognition.pictures == (Picture(PictureKind.PLATE, JPEG),)


def test_a_picture_that_is_not_even_text_costs_nothing_either() -> None:
    push = decode(body(imageFile="PICTURE").replace(b"PICTURE", b"\xf3\xff"))
    assert isinstance(push, PlatePush)
    assert push.recognition.flaws == ("scene.not_base64",)


def test_a_picture_of_exactly_two_megabytes_is_read() -> None:
    jpeg = b"\xff\xd8" + bytes(2 * 1024 * 1024 - 2)
    assert seen(imageFile=b64(jpeg)).pictures == (Picture(PictureKind.SCENE, jpeg),)
    assert seen(imageFile=b64(jpeg).rstrip("=")).pictures == (Picture(PictureKind.SCENE, jpeg),)


def test_an_input() -> None:
    push = {
        "AlarmGioIn": {"deviceName": "IVS", "serialno": "s", "result": {"TriggerResult": {"source": 0, "value": 1}}}
    }
    assert decode(json.dumps(push).encode()) == InputPush("s", 1, 1)


def test_what_is_only_noted() -> None:
    assert decode(b'{"SerialData":{"data":"Y2guY29tFw==","dataLen":7}}') == OtherPush("serial")
    assert decode(b' \r\n{"ipaddr":"192.168.1.100","TriggerImage":{"imageFile":""}}') == OtherPush("snapshot")


FIELDS = {
    "device_name": "东入口",
    "ipaddr": "192.168.109.40",
    "port": "80",
    "user_name": "admin",
    "pass_wd": "a secret of the camera",
    "serialno": "d85b1269-8f942256",
    "channel_num": "1",
}
FORM_TYPE = "multipart/form-data; boundary=------------------------caa771fe4a61f3d9"


def form(fields: dict[str, str]) -> bytes:
    boundary = b"--------------------------caa771fe4a61f3d9"
    parts = [
        boundary + f'\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    return b"".join(parts) + boundary + b"--\r\n"


def test_a_heartbeat_without_its_password() -> None:
    heartbeat = decode(form(FIELDS), FORM_TYPE)
    assert heartbeat == Heartbeat("d85b1269-8f942256", "东入口", "192.168.109.40")
    assert "secret" not in repr(heartbeat)


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        pytest.param(b"", "", id="nothing"),
        pytest.param(b"hello", "text/plain", id="text"),
        pytest.param(form(FIELDS), "", id="form without a type"),
        pytest.param(form(FIELDS), "multipart/form-data", id="form without a boundary"),
        pytest.param(form(FIELDS), "multipart/form-data; boundary=other", id="another boundary"),
        pytest.param(form(FIELDS)[:-20], FORM_TYPE, id="cut off"),
        pytest.param(form({f"f{n}": "" for n in range(33)}), FORM_TYPE, id="too many fields"),
        pytest.param(form({"serialno": "x" * 257}), FORM_TYPE, id="long field"),
        pytest.param(form({"serialno": "x" * 65}), FORM_TYPE, id="long serial"),
        pytest.param(form({"x": ""}) + b" " * 16_384, FORM_TYPE, id="long form"),
        pytest.param(b"{", "", id="half JSON"),
        pytest.param(b"{}", "", id="empty"),
        pytest.param(b'{"Other":1}', "", id="another body"),
        pytest.param(b'{"AlarmInfoPlate":' + b'{"x":' * 100_000, "", id="deep"),
        pytest.param(b'{"SerialData":' + b"[" * 100_000, "", id="deep and ignored"),
        pytest.param(b'{"AlarmInfoPlate":null}', "", id="null"),
        pytest.param(body(license=5), "", id="plate a number"),
        pytest.param(body(license="\ud800"), "", id="half a character"),
        pytest.param(body(license="X").replace(b"X", b"\xd4\xc1B12345"), "", id="plate in GBK"),
        pytest.param(body().replace(b"cam-1", b"\xf3"), "", id="serial not UTF-8"),
        pytest.param(body(colorType="1"), "", id="colour a text"),
        pytest.param(body(confidence=0.5), "", id="confidence a fraction"),
        pytest.param(body(plateid=-1), "", id="negative id"),
        pytest.param(body(plateid=1 << 60), "", id="huge id"),
        pytest.param(body(plateid=None), "", id="no id"),
        pytest.param(body(gioouts=[{}] * 17), "", id="too many outputs"),
        pytest.param(body(timeStamp="now"), "", id="stamp a text"),
        pytest.param(body().replace(b"cam-1", b"x" * 65), "", id="serial too long"),
        pytest.param(b'{"AlarmGioIn":{"result":{"TriggerResult":{"source":-1,"value":1}}}}', "", id="input -1"),
        pytest.param(b'{"x":"' + b"x" * vzenith_http.MAX_BODY + b'"}', "", id="too long"),
    ],
)
def test_what_cannot_be_understood_is_refused(data: bytes, content_type: str) -> None:
    with pytest.raises(Malformed, match=r"device\.malformed"):
        decode(data, content_type)


def test_a_refusal_says_where_and_not_what_stood_there() -> None:
    with pytest.raises(Malformed) as refusal:
        decode(body(license=["粤B12345"]))
    assert (
        refusal.value.params["why"]
        == "Expected `str | null`, got `array` - at `$.AlarmInfoPlate.result.PlateResult.license`"
    )
    assert "12345" not in str(refusal.value)


def test_personal_data_does_not_show() -> None:
    shown = repr(seen(license="粤B12345|粤B54321", imageFile=b64(JPEG)))
    assert "12345" not in shown
    assert "54321" not in shown
    assert len(shown) < 600


def _answer(*, opens: bool, offline: int = 0, serial: tuple[SerialFrame, ...] = ()) -> Reply:
    push = decode(body(isoffline=offline))
    assert isinstance(push, PlatePush)
    return answered(push, Answer(opens, serial))


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (
            lambda: _answer(opens=True),
            '{"Response_AlarmInfoPlate":{"info":"ok","content":"retransfer_stop","plateid":1234,"is_pay":"false"}}',
        ),
        (
            lambda: _answer(opens=False),
            '{"Response_AlarmInfoPlate":{"info":"wait","content":"retransfer_stop","plateid":1234,"is_pay":"false"}}',
        ),
        (
            lambda: _answer(opens=True, offline=1),
            (
                '{"Response_AlarmInfoPlate":{"info":"wait","content":"retransfer_stop",'
                '"ContinuePushOffline":{"plateid":1234,"continue":1}}}'
            ),
        ),
        (
            lambda: _answer(opens=True, serial=(SerialFrame(b"\x00\x64\xff\xff", port=1),)),
            (
                '{"Response_AlarmInfoPlate":{"info":"ok","content":"retransfer_stop","plateid":1234,"is_pay":"false",'
                '"serialData":[{"serialChannel":1,"data":"AGT//w==","dataLen":4}]}}'
            ),
        ),
        (noted, '{"Response_AlarmInfoPlate":{"info":"wait"}}'),
        (lambda: told(CommandKind.OPEN), '{"Response_AlarmInfoPlate":{"info":"ok","is_pay":"true"}}'),
        (
            lambda: told(CommandKind.CLOSE),
            '{"Response_AlarmInfoPlate":{"ivs_ioctrl":{"io":1,"value":2,"delay":500}}}',
        ),
    ],
)
def test_answers_byte_for_byte(answer: Callable[[], Reply], text: str) -> None:
    assert answer() == Reply(text.encode())


def test_what_it_cannot_be_told_is_said() -> None:
    assert told(CommandKind.LOCK_OPEN) is None


def test_every_make_that_pushes_has_its_file() -> None:
    makes: dict[DeviceKind, HttpFamily] = {DeviceKind.VZENITH_HTTP: vzenith_http}
    assert makes.items() <= dict(PUSHING.values()).items()
    for kind, family in PUSHING.values():
        assert kind.wire.camera
        assert family.MAX_BODY > 0
        for name in ("decode", "answered", "noted", "told"):
            assert callable(getattr(family, name)), (kind, name)
