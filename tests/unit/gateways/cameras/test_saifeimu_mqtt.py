import json
from typing import Any

import pytest

from openberth.contexts.facility import CommandKind
from openberth.gateways.cameras.family import Answer, Way
from openberth.gateways.cameras.pushes import CommandReply, Heartbeat, OtherPush, Push
from openberth.gateways.cameras.saifeimu_mqtt import SAID, decode, listens, roots, serial_of, shown, told, topics
from openberth.gateways.cameras.saifeimu_mqtt import answered as answer_of
from openberth.kernel.errors import Malformed
from openberth.kernel.time import Instant

WAY = Way("SFM-1", roots("SFM-1")[0], "m-1", Instant(0), Instant(1))


def said(action: str, data: Any = None, **more: Any) -> bytes:
    return json.dumps(
        {"msgId": "m-1", "deviceNo": "SFM-1", "actionName": action, "ack": 1, "data": data} | more
    ).encode()


@pytest.mark.parametrize(
    ("body", "push"),
    [
        (said("version", "V2.1"), Heartbeat("SFM-1", state={"firmware": "V2.1"})),
        (said("version"), Heartbeat("SFM-1")),
        (said("uploadScanReadData", {"qrcodeData": "134567890123456789"}), OtherPush("uploadScanReadData", "SFM-1")),
        (said("startTalking", {}), OtherPush("startTalking", "SFM-1")),
        (said("setDeviceCustomDisplay", {"resultCode": 1}),
         CommandReply("SFM-1", "m-1", "setDeviceCustomDisplay", True)),
        (said("setQrcodeCustomDisplay", {"resultCode": 0, "message": "no page"}),
         CommandReply("SFM-1", "m-1", "setQrcodeCustomDisplay", False, "no page")),
    ],
)  # fmt: skip
def test_what_a_terminal_says(body: bytes, push: Push) -> None:
    assert decode(SAID, body) == push
    assert serial_of(SAID, body) == "SFM-1"


def test_a_payment_code_is_not_shown() -> None:
    assert "134567" not in repr(decode(SAID, said("uploadScanReadData", {"qrcodeData": "134567890123456789"})))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"actionName": "version"}', b'{"deviceNo": 5, "actionName": "x"}', b"\xff"]
)
def test_what_cannot_be_understood_is_refused_and_is_nobodys(body: bytes) -> None:
    with pytest.raises(Malformed):
        decode(SAID, body)
    assert serial_of(SAID, body) is None
    assert serial_of("/other", said("version")) is None


def test_topics_and_what_it_cannot_do() -> None:
    allowed = topics("SFM-1")
    assert allowed.may_publish(SAID)
    assert allowed.may_subscribe("/gate/SFM-1/command")
    assert not allowed.may_subscribe("/gate/SFM-2/command")
    assert listens() == (SAID,)
    assert all(told(WAY, kind) is None for kind in CommandKind)
    assert answer_of(WAY, None, Answer(opens=True)) is None  # type: ignore[arg-type]


class Showing:
    lines, spoken, frames = ("粤B12345", "请缴费 8.00 元"), "请缴费 8 元", ()

    def __init__(self, qr: str | None) -> None:
        self.qr = qr


def test_a_display_shows_lines_or_a_code() -> None:
    [text] = shown(WAY, Showing(None))
    assert text.topic == "/gate/SFM-1/command"
    assert json.loads(text.body) == {
        "msgId": "m-1", "deviceNo": "SFM-1", "actionName": "setDeviceCustomDisplay", "ack": 1,
        "data": {"voiceText": "请缴费 8 元", "messageText": "粤B12345\n请缴费 8.00 元", "displayPageTimeout": 30},
    }  # fmt: skip
    [code] = shown(WAY, Showing("https://parking.example.com/c/ABC"))
    assert json.loads(code.body)["data"] == {
        "voiceText": "请缴费 8 元", "paymentQrcode": "https://parking.example.com/c/ABC", "qrcodeType": 0,
        "topText": "粤B12345", "displayPageTimeout": 30,
    }  # fmt: skip
