"""Whatever a camera of any make sends: a value, or the codec's own refusal."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openberth.gateways.cameras import dahua, generic_http, hikvision, huaxia_http
from openberth.gateways.cameras.pushes import PlatePush, at_home
from openberth.kernel.errors import Malformed
from openberth.kernel.time import Instant

VECTORS = Path(__file__).parents[1] / "vectors"
NOW = Instant(1_795_305_601_000_000)
BOUNDARY = "-----7e13971310878"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
EVENT = (VECTORS / "hikvision-anpr.xml").read_bytes()
PUSHED = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="anpr.xml"\r\n\r\n'.encode() + EVENT
    + f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="detectionPicture.jpg"\r\n\r\n'.encode()
    + b"\xff\xd8\xff\xd9" + f"\r\n--{BOUNDARY}--\r\n".encode()
)  # fmt: skip
RECORD = {"openberth": 1, "type": "recognition", "id": "r-1", "at": "2026-11-22T08:00:00+08:00", "plate": "粤B12345"}
WHOLE = {
    "hikvision": (hikvision, PUSHED, FORM),
    "hikvision alone": (hikvision, EVENT, ""),
    "dahua": (dahua, (VECTORS / "dahua-tollgate.json").read_bytes(), ""),
    "huaxia": (huaxia_http, (VECTORS / "huaxia-mode5.txt").read_bytes(), ""),
    "generic": (generic_http, json.dumps(RECORD).encode(), ""),
}
makes = pytest.mark.parametrize("make", list(WHOLE))

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def understood(make: Any, data: bytes, kind: str, path: str = "") -> bool:
    try:
        push = make.decode(data, kind, path)
    except Malformed as refusal:
        return not is_sound(refusal)
    if isinstance(push, PlatePush):
        at_home(push, "Asia/Shanghai", NOW)
        assert push.recognition.source_id
        assert len(push.recognition.source_id) <= 80
        assert 0 <= push.recognition.confidence <= 100
    return True


def is_sound(refusal: Malformed) -> bool:
    assert refusal.code == "device.malformed"
    assert len(str(refusal)) < 400
    return True


@makes
def test_a_whole_one_is_understood(make: str) -> None:
    family, data, kind = WHOLE[make]
    assert understood(family, data, kind)


@makes
@given(st.binary(max_size=300), st.text(max_size=60), st.text(max_size=30))
def test_any_bytes_are_understood_or_refused(make: str, data: bytes, kind: str, path: str) -> None:
    family, whole, usual = WHOLE[make]
    understood(family, data, kind, path)
    understood(family, data, usual, path)
    understood(family, whole[:60] + data, usual, path)
    understood(family, whole, kind, path)


@makes
@given(at=st.integers(0, 100_000), value=st.integers(0, 255), cut=st.integers(0, 100_000))
def test_a_damaged_one_is_understood_or_refused(make: str, at: int, value: int, cut: int) -> None:
    family, whole, kind = WHOLE[make]
    data = bytearray(whole)
    data[at % len(data)] = value
    understood(family, bytes(data), kind)
    understood(family, bytes(data[: cut % len(data)]), kind)


@given(st.dictionaries(st.sampled_from(sorted({*RECORD, "pictures", "others", "colour", "confidence"})), anything))
def test_any_values_in_the_fields_of_the_generic_device(changed: dict[str, Any]) -> None:
    understood(generic_http, json.dumps(RECORD | changed).encode(), "")


@given(st.sampled_from(["Plate", "SnapInfo", "NormalPic", "CutoutPic", "FacePic", "Other"]), anything)
def test_any_values_in_the_parts_of_a_dahua_record(name: str, value: object) -> None:
    body = json.loads(WHOLE["dahua"][1])
    body["Picture"][name] = value
    understood(dahua, json.dumps(body).encode(), "")
    body["Picture"] = {"Plate": {"PlateNumber": "X1", "Confidence": value}}
    understood(dahua, json.dumps(body).encode(), "")


@given(
    st.sampled_from(["licensePlate", "dateTime", "UUID", "confidenceLevel", "eventType", "deviceID"]),
    st.text(max_size=40),
)
def test_any_texts_in_the_elements_of_an_event(name: str, text: str) -> None:
    start = EVENT.index(f"<{name}>".encode())
    end = EVENT.index(f"</{name}>".encode())
    understood(hikvision, EVENT[: start + len(name) + 2] + text.encode("utf-8", "replace") + EVENT[end:], "")


@given(
    st.dictionaries(
        st.sampled_from(["type", "plate_num", "start_time", "picture", "confidence", "cam_id"]), st.binary(max_size=40)
    )
)
def test_any_bytes_in_the_fields_of_a_form(fields: dict[str, bytes]) -> None:
    understood(huaxia_http, b"&".join(name.encode() + b"=" + value for name, value in fields.items()), "")
    understood(
        huaxia_http, b"type=online&" + b"&".join(name.encode() + b"=" + value for name, value in fields.items()), ""
    )
