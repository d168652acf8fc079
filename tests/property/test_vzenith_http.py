"""Whatever a camera (or somebody who knows its address) sends: a value, or the codec's own refusal."""

import base64
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openberth.gateways.cameras.pushes import PlatePush
from openberth.gateways.cameras.vzenith_http import decode
from openberth.kernel.errors import Malformed

FORM = b'--b\r\nContent-Disposition: form-data; name="serialno"\r\n\r\ns-1\r\n--b--\r\n'
FORM_TYPE = "multipart/form-data; boundary=b"
PLATE: dict[str, Any] = {
    "license": "粤B12345",
    "colorType": 1,
    "type": 1,
    "confidence": 95,
    "direction": 4,
    "triggerType": 1,
    "plateid": 7,
    "isoffline": 0,
    "gioouts": [{"ctrltype": 1, "ionum": 0}],
    "timeStamp": {"Timeval": {"sec": 1_800_000_000, "usec": 5}},
    "imageFile": base64.b64encode(b"\xff\xd8\xff" + bytes(60)).decode(),
    "imageFragmentFile": "",
}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def body(plate: dict[str, Any]) -> bytes:
    return json.dumps({"AlarmInfoPlate": {"serialno": "s", "result": {"PlateResult": plate}}}).encode()


def with_bytes(name: str, data: bytes) -> bytes:
    return body(PLATE | {name: "MARK"}).replace(b"MARK", data.replace(b'"', b"").replace(b"\\", b""))


def understood(data: bytes, content_type: str = "") -> bool:
    try:
        decode(data, content_type)
    except Malformed as refusal:
        return not is_sound(refusal)
    return True


def is_sound(refusal: Malformed) -> bool:
    assert refusal.code == "device.malformed"
    assert len(str(refusal)) < 400
    return True


@given(st.binary(max_size=300), st.sampled_from(["", "application/json", FORM_TYPE, "multipart/form-data; boundary"]))
def test_any_bytes_are_understood_or_refused(data: bytes, content_type: str) -> None:
    understood(data, content_type)
    understood(b"{" + data, content_type)
    understood(FORM[:40] + data, content_type)


@given(st.text(max_size=60))
def test_any_content_type_is_understood_or_refused(content_type: str) -> None:
    understood(FORM, content_type)
    understood(FORM, "multipart/form-data; boundary=" + content_type)


@given(st.integers(0, len(FORM) - 1), st.integers(0, 255), st.integers(0, len(FORM)))
def test_a_damaged_heartbeat_is_understood_or_refused(at: int, value: int, cut: int) -> None:
    data = bytearray(FORM)
    data[at] = value
    understood(bytes(data), FORM_TYPE)
    understood(bytes(data[:cut]), FORM_TYPE)


@given(st.dictionaries(st.sampled_from(sorted(PLATE)), anything))
def test_any_values_in_the_known_fields_are_understood_or_refused(changed: dict[str, Any]) -> None:
    understood(body(PLATE | changed))


@given(anything)
def test_any_json_is_understood_or_refused(value: object) -> None:
    understood(json.dumps(value).encode())
    for name in ("AlarmInfoPlate", "AlarmGioIn", "SerialData", "TriggerImage"):
        understood(json.dumps({name: value}).encode())


@given(anything, st.dictionaries(st.text(min_size=1, max_size=10).filter(lambda name: name not in PLATE), anything))
def test_pictures_and_unknown_fields_never_cost_a_recognition(picture: object, unknown: dict[str, Any]) -> None:
    push = decode(body(unknown | PLATE | {"imageFile": picture, "imageFragmentFile": picture}))
    assert isinstance(push, PlatePush)
    assert push.recognition.plate_text == "粤B12345"
    assert push.mark == 7


@example(body(PLATE).index(b'"s"') + 1, 7)
@given(st.integers(0, 4000), st.integers(0, 7))
def test_a_flipped_bit_is_understood_or_refused(at: int, bit: int) -> None:
    data = bytearray(body(PLATE))
    data[at % len(data)] ^= 1 << bit
    understood(bytes(data))


@given(st.sampled_from(["license", "imageFile", "imageFragmentFile", "other"]), st.binary(max_size=20))
def test_texts_in_any_encoding_are_understood_or_refused(name: str, data: bytes) -> None:
    understood(with_bytes(name, data))


@given(st.integers(0, 4000))
def test_a_cut_body_is_refused(at: int) -> None:
    data = body(PLATE)
    assert not understood(data[: at % len(data)])


@given(
    st.binary(max_size=300),
    st.text(alphabet="粤京ABCDEFGH0123456789", min_size=1, max_size=10),
    st.integers(1, 1 << 32),
    st.integers(0, 999_999),
    st.integers(0, 1 << 31),
)
def test_what_is_well_formed_comes_through_unchanged(
    picture: bytes, plate: str, second: int, micro: int, plate_id: int
) -> None:
    jpeg = b"\xff\xd8" + picture
    push = decode(
        body(
            PLATE
            | {
                "license": plate,
                "plateid": plate_id,
                "timeStamp": {"Timeval": {"sec": second, "usec": micro}},
                "imageFile": base64.b64encode(jpeg).decode(),
            }
        )
    )
    assert isinstance(push, PlatePush)
    seen = push.recognition
    assert seen.plate_text == plate
    assert seen.captured_at == second * 1_000_000 + micro
    assert seen.source_id == f"{plate_id}-{second}"
    assert [each.jpeg for each in seen.pictures] == [jpeg]
    assert seen.flaws == ()


@pytest.mark.parametrize("opening", [b"[", b'{"x":', b'[{"x":'])
def test_depth_is_bounded(opening: bytes) -> None:
    assert not understood(b'{"AlarmInfoPlate":' + opening * 50_000)
