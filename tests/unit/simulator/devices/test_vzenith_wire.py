import base64
import json
from email import message_from_bytes

import pytest

from openberth.simulator.devices.vzenith_wire import (
    OPENED_BY_WHITE_LIST,
    Reading,
    Reply,
    Sight,
    heartbeat_body,
    input_body,
    recognition_body,
)


def test_a_recognition_carries_what_the_maker_describes() -> None:
    sight = Sight(77, 1_795_000_000_123_456, Reading("粤B12345", 5, 19, 91, trigger=8), live=True)
    body = json.loads(recognition_body("ser-1", sight, OPENED_BY_WHITE_LIST, offline=True))
    assert body["AlarmInfoPlate"]["serialno"] == "ser-1"
    result = body["AlarmInfoPlate"]["result"]["PlateResult"]
    assert (result["license"], result["colorType"], result["type"], result["confidence"]) == ("粤B12345", 5, 19, 91)
    assert (result["plateid"], result["isoffline"], result["triggerType"]) == (77, 1, 8)
    assert result["gioouts"] == [{"ctrltype": 2, "ionum": 0}]
    assert result["timeStamp"]["Timeval"] == {"sec": 1_795_000_000, "usec": 123_456}
    for name in ("imageFile", "imageFragmentFile"):
        assert base64.b64decode(result[name]).startswith(b"\xff\xd8")
        assert result[f"{name}Len"] == len(result[name])


def test_an_unread_plate_has_the_makers_word_and_no_confidence() -> None:
    body = json.loads(recognition_body("s", Sight(1, 1, Reading("_无_"), live=True), 1, offline=False))
    result = body["AlarmInfoPlate"]["result"]["PlateResult"]
    assert (result["license"], result["confidence"]) == ("_无_", 0)


def test_inputs_and_heartbeats() -> None:
    assert json.loads(input_body("s", 0, 1))["AlarmGioIn"]["result"] == {"TriggerResult": {"source": 0, "value": 1}}
    head = b"Content-Type: multipart/form-data; boundary=xyz\r\n\r\n"
    parts = list(message_from_bytes(head + heartbeat_body("ser-9", "xyz")).walk())[1:]
    fields = {part.get_param("name", header="content-disposition"): part.get_payload() for part in parts}
    assert fields["serialno"] == "ser-9"
    assert set(fields) == {"device_name", "ipaddr", "port", "user_name", "pass_wd", "serialno", "channel_num"}


@pytest.mark.parametrize(
    ("inner", "reply"),
    [
        ({"info": "ok", "content": "retransfer_stop"}, Reply(opens=True, stops=True)),
        ({"info": "wait", "content": "retransfer_stop"}, Reply(stops=True)),
        ({"info": "ok", "is_pay": "true"}, Reply(opens=True)),
        ({"ivs_ioctrl": {"io": 1, "value": 2, "delay": 500}}, Reply(closes=True)),
        ({"ivs_ioctrl": {"io": 0, "value": 2, "delay": 500}}, Reply(opens=True)),
        (
            {"content": "retransfer_stop", "ContinuePushOffline": {"plateid": 1, "continue": 1}},
            Reply(stops=True, continues=True),
        ),
    ],
)
def test_answers_are_read(inner: dict[str, object], reply: Reply) -> None:
    assert Reply.read(json.dumps({"Response_AlarmInfoPlate": inner}).encode()) == reply


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"Response_AlarmInfoPlate":1}'])
def test_what_is_no_answer_is_none(body: bytes) -> None:
    assert Reply.read(body) is None
