import base64
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from openberth.contexts.facility import CommandKind
from openberth.contexts.permits import ListedCar
from openberth.contexts.stays.recognition import (
    Direction,
    Picture,
    PictureKind,
    PlateColour,
    Recognition,
    Trigger,
)
from openberth.gateways.cameras import vzenith_lists
from openberth.gateways.cameras.family import Answer, SerialFrame, Way
from openberth.gateways.cameras.pushes import (
    Boom,
    CommandReply,
    GatePush,
    Heartbeat,
    InputPush,
    OtherPush,
    PlatePush,
)
from openberth.gateways.cameras.vzenith_mqtt import (
    answered,
    decode,
    listens,
    listing,
    opened_directly,
    roots,
    serial_of,
    shown,
    told,
    topics,
)
from openberth.gateways.mqtt.topics import matches
from openberth.kernel.errors import Malformed
from openberth.kernel.plates import PlateKind
from openberth.kernel.time import SECOND_US, Instant, Period, from_iso

VECTORS = json.loads((Path(__file__).parents[3] / "vectors" / "vzenith-mqtt.json").read_text("utf-8"))
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
SN = "265e1040-85e01fb7"
NOW = from_iso("2026-11-26T08:00:00Z")
WAYS = {root: Way(SN, root, "0190f00dcafe", NOW, Instant(NOW + 30 * SECOND_US)) for root in roots(SN)}
WAY = WAYS[f"device/{SN}/message"]


def base(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def message(name: str, payload: Any, **more: Any) -> bytes:
    return json.dumps({"id": "m1", "sn": SN, "name": name, "version": "1.0", "timestamp": 1_795_305_600,
                       "payload": payload} | more).encode()  # fmt: skip


def up(name: str, payload: Any, **more: Any) -> Any:
    return decode(f"device/{SN}/message/up/{name}", message(name, payload, **more))


def plate(**changed: Any) -> dict[str, Any]:
    told = {
        "license": base("粤B12345"),
        "plateid": 7,
        "triggerType": 1,
        "timeStamp": {"Timeval": {"sec": 1_795_305_600, "usec": 5}},
    }
    return {"AlarmInfoPlate": {"result": {"PlateResult": told | changed}, "serialno": SN}}


def test_the_makers_recognition() -> None:
    vector = VECTORS["ivs_result"]
    push = decode(vector["topic"], json.dumps(vector["message"]).encode())
    assert push == PlatePush(
        "265e1040-85e01fb7",
        Recognition(
            "594785-1628670619", "赣GZ7S13", (), PlateColour.BLUE, PlateKind.ORDINARY, 100, Direction.UNKNOWN,
            Trigger.SOFTWARE, Instant(1_628_670_619_539_956), False, False, (), ("scene.elsewhere",),
        ),
        594785,
    )  # fmt: skip


def test_the_makers_input() -> None:
    vector = VECTORS["gpio_in"]
    assert decode(vector["topic"], json.dumps(vector["message"]).encode()) == InputPush(SN, 1, 1)


def test_quick_and_whole_have_names_of_their_own_and_the_whole_one_its_pictures() -> None:
    pictures = {"full_image_content": base64.b64encode(JPEG).decode()}
    quick = up("quick_ivs_result", plate(record_uuid="u-1"))
    whole = up("ivs_result", plate(record_uuid="u-1", **pictures))
    assert (quick.recognition.source_id, quick.recognition.pictures) == ("u-1-quick", ())
    assert whole.recognition.source_id == "u-1"
    assert whole.recognition.pictures == (Picture(PictureKind.SCENE, JPEG),)
    assert quick.recognition.plate_text == whole.recognition.plate_text == "粤B12345"
    for changed in ({"license": base("_无_")}, {"isoffline": 1}, {"triggerType": 66}, {"triggerType": 64}):
        assert up("quick_ivs_result", plate(**changed)) == OtherPush("quick_ivs_result", SN)
    assert up("ivs_result", plate(triggerType=66)).recognition.trigger is Trigger.TURNED_BACK


@pytest.mark.parametrize("payload", [plate(), {"body": plate()}, {"type": "ivs_result", "body": plate()}])
def test_the_payload_may_be_wrapped(payload: Any) -> None:
    assert up("ivs_result", payload).recognition.plate_text == "粤B12345"


@pytest.mark.parametrize(
    ("license_", "read", "others"),
    [
        (base("粤B12345"), "粤B12345", ()), ("粤B12345", "粤B12345", ()), (base("_无_"), None, ()), ("", None, ()),
        (None, None, ()), (base("粤B12345|港A1234"), "粤B12345", ("港A1234",)),
    ],
)  # fmt: skip
def test_texts_are_base64_or_plain(license_: str | None, read: str | None, others: tuple[str, ...]) -> None:
    seen = up("ivs_result", plate(license=license_)).recognition
    assert (seen.plate_text, seen.other_plates) == (read, others)


def test_what_a_lane_controller_tells() -> None:
    def lane(event: int, **more: Any) -> Any:
        result = [{"plate_result": {"license": base("粤B12345"), "color_type": base("blue")}}]
        return up("lanectrl_result", {"event_type": event, "result_id": "r9", "result": result} | more)

    for event, trigger in ((82, Trigger.STAYING), (84, Trigger.TURNED_BACK), (85, Trigger.TAILGATING)):
        push = lane(event)
        assert isinstance(push, PlatePush)
        seen = push.recognition
        assert (seen.trigger, seen.plate_text, seen.colour) == (trigger, "粤B12345", PlateColour.BLUE)
        assert seen.source_id == f"lane-{event}-r9-1795305600"
    assert lane(83) == InputPush(SN, 1, 1)  # a car has crossed
    assert lane(83, isoffline=1) == OtherPush("passed_offline", SN)
    for event in (73, 81, 96, 97, 112, 113, 500):
        assert isinstance(lane(event), OtherPush)
    assert isinstance(up("lanectrl_result", {"event_type": 84}), PlatePush)


def test_heartbeats_gates_and_what_is_not_known() -> None:
    assert up("keep_alive", {"body": {"timestamp": 1}}, bv=16771) == Heartbeat(SN, state={"firmware": "16771"})
    assert up("barr_gate_status", {"body": {"gate_status": "open", "enable": 1}}) == GatePush(SN, Boom.OPEN)
    assert up("barr_gate_status", {"gate_status": "closed"}) == GatePush(SN, Boom.CLOSED)
    # Numbers are not published: they prove nothing, and are kept to be looked at.
    assert up("barr_gate_status", {"body": {"gate_status": 1, "connect_status": 1}}) == Heartbeat(
        SN, state={"gate_status": "1", "connect_status": "1"}
    )
    assert up("snapshot", {}) == OtherPush("snapshot", SN)


def test_replies() -> None:
    reply = json.dumps({"code": 200, "id": "0190f00dcafe", "name": "gpio_out", "sn": SN}).encode()
    assert decode(f"{SN}/device/message/down/gpio_out/reply", reply) == CommandReply(
        SN, "0190f00dcafe", "gpio_out", True, "200"
    )
    refused = json.dumps({"code": 400, "msg": "busy", "id": "x", "sn": SN}).encode()
    assert decode(f"device/{SN}/message/down/gpio_out/reply", refused) == CommandReply(
        SN, "x", "gpio_out", False, "400 busy"
    )


@pytest.mark.parametrize(
    "body", [b"", b"{}x", b"[]", b'{"sn": 5}', b"\xff", b'{"payload": {"AlarmInfoPlate": 1}}', b"{" * 9000]
)
def test_what_cannot_be_understood_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        decode(f"device/{SN}/message/up/ivs_result", body)
    with pytest.raises(Malformed):
        decode("device/x", b"{}")


def test_both_layouts_of_topics() -> None:
    allowed = topics(SN)
    for root in roots(SN):
        assert allowed.may_publish(f"{root}/up/ivs_result")
        assert allowed.may_publish(f"{root}/down/gpio_out/reply")
        assert not allowed.may_publish(f"{root}/down/gpio_out")
        assert allowed.may_subscribe(f"{root}/down/#")
        assert serial_of(f"{root}/up/keep_alive", b"") == SN
        assert any(matches(pattern, f"{root}/up/keep_alive") for pattern in listens())
        assert any(matches(pattern, f"{root}/down/gpio_out/reply") for pattern in listens())
    assert not allowed.may_subscribe("device/#")
    assert serial_of("openberth/v1/x/up", b"") is None


@pytest.mark.parametrize("root", list(WAYS))
def test_a_gate_is_moved_by_its_relays(root: str) -> None:
    sent = told(WAYS[root], CommandKind.OPEN)
    assert sent is not None
    assert sent.topic == f"{root}/down/gpio_out"
    assert not sent.retain
    assert json.loads(sent.body) == {
        "id": "0190f00dcafe", "sn": SN, "name": "gpio_out", "version": "1.0", "timestamp": 1_795_680_000,
        "payload": {"type": "gpio_out", "body": {"delay": 1500, "io": 0, "value": 2}},
    }  # fmt: skip


def body_of(kind: CommandKind) -> Any:
    sent = told(WAY, kind)
    return None if sent is None else (sent.topic.rpartition("/")[2], json.loads(sent.body)["payload"]["body"])


def test_other_commands() -> None:
    assert body_of(CommandKind.CLOSE) == ("gpio_out", {"delay": 3000, "io": 1, "value": 2})
    assert body_of(CommandKind.LOCK_OPEN) == ("set_io_lock_status", {"ioout": 0, "status": 1})
    assert body_of(CommandKind.UNLOCK) == ("set_io_lock_status", {"ioout": 0, "status": 0})
    assert body_of(CommandKind.SET_TIME) == ("set_time", {"timestamp": 1_795_680_000})
    assert body_of(CommandKind.STOP) is body_of(CommandKind.RESTART) is None
    assert opened_directly(WAY).topic.endswith("/down/gate_direct_open")


class Showing:
    lines, qr = ("欢迎光临",), None

    def __init__(self, spoken: str, *frames: SerialFrame) -> None:
        self.spoken = spoken
        self.frames = frames


def test_displays_hang_behind_the_serial_port() -> None:
    frame = SerialFrame(bytes.fromhex("0064FFFF300901BBB6D3ADB9E2C1D93258"), 1)
    [sent] = shown(WAY, Showing("欢迎光临", frame))
    data = {"serialChannel": 1, "data": base64.b64encode(frame).decode(), "dataLen": 17}
    assert json.loads(sent.body)["payload"] == {
        "type": "serial_data", "body": {"serialData": [data], "interval": 0},
    }  # fmt: skip
    [voice] = shown(WAY, Showing("欢迎光临"))
    assert voice.topic.endswith("/down/tts_voice")
    assert shown(WAY, Showing("")) == ()
    push = up("ivs_result", plate())
    assert answered(WAY, push, Answer(opens=False)) is None
    assert answered(WAY, push, Answer(opens=False, serial=(frame,))) == sent


def test_the_cameras_own_list() -> None:
    car = ListedCar("粤B12345", Period(NOW))
    sent = listing(WAY, vzenith_lists.giving([car], ZoneInfo("Asia/Shanghai"), NOW))
    assert sent.topic.endswith("/down/white_list_operator")
    assert json.loads(sent.body)["payload"]["body"] == {
        "operator_type": "update_or_add",
        "dldb_rec": [{
            "plate": "粤B12345", "enable": 1, "create_time": "2026-11-26 16:00:00",
            "enable_time": "2026-11-26 16:00:00", "overdue_time": "2099-12-31 23:59:59", "time_seg_enable": 0,
            "seg_time_start": "00:00:00", "seg_time_end": "23:59:59", "need_alarm": 0,
        }],
    }  # fmt: skip
    gone = listing(WAY, vzenith_lists.dropping(["粤B12345"]))
    assert json.loads(gone.body)["payload"]["body"] == {"operator_type": "delete", "plate": ["粤B12345"]}
