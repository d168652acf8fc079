import json
import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from openberth.contexts.facility import CommandKind
from openberth.contexts.permits import ListedCar
from openberth.gateways.cameras import generic_lists
from openberth.gateways.cameras.family import Answer, SerialFrame, Way
from openberth.gateways.cameras.generic_mqtt import (
    answered,
    decode,
    listens,
    listing,
    roots,
    serial_of,
    shown,
    told,
    topics,
)
from openberth.gateways.cameras.pushes import Boom, CommandReply, GatePush, Heartbeat, InputPush, ListPush, PlatePush
from openberth.gateways.mqtt.topics import matches
from openberth.kernel.errors import Malformed
from openberth.kernel.time import Period, from_iso

PAGE = (Path(__file__).parents[4] / "docs" / "devices" / "generic-mqtt.md").read_text("utf-8")
ID = "0192f3c8a1b27c3e9d4e5f60718293a4"
WAY = Way("gate-7", roots("gate-7")[0], ID, from_iso("2026-11-22T00:00:00Z"), from_iso("2026-11-22T00:00:30Z"))
UP = "openberth/v1/gate-7/up"


def examples(which: str) -> list[bytes]:
    return [one.encode() for one in re.findall(rf"```json {which}\n(.*?)```", PAGE, re.DOTALL)]


def test_every_message_of_the_page_is_read() -> None:
    pushes = [decode(UP, one) for one in examples("up")]
    assert [type(push) for push in pushes] == [PlatePush, InputPush, GatePush, Heartbeat, CommandReply, ListPush]
    seen = pushes[0]
    assert isinstance(seen, PlatePush)
    assert (seen.recognition.plate_text, seen.recognition.flaws, len(seen.recognition.pictures)) == ("粤B12345", (), 1)
    assert pushes[2:] == [
        GatePush(None, Boom.OPEN, False),
        Heartbeat("gate-7", "east gate", state={"firmware": "1.2"}, has_list=True),
        CommandReply(None, ID, "command", False, "locked by hand"),
        ListPush(None, ID, 1, (("粤B12345", Period(WAY.now)),)),
    ]


class Showing:
    lines, qr = ("粤B12345", "停车 1 小时 20 分", "请缴费 8.00 元"), "https://parking.example.com/c/ABC"
    spoken = "粤B12345 请缴费 8 元"
    frames = ()


def test_every_message_of_the_page_is_said() -> None:
    push = decode(UP, examples("up")[0])
    assert isinstance(push, PlatePush)
    frame = SerialFrame(bytes.fromhex("0064FFFF300901BBB6D3ADB9E2C1D93258"))
    said = [answered(WAY, push, Answer(opens=False, serial=(frame,))), told(WAY, CommandKind.OPEN)]
    said += shown(WAY, Showing())
    days = [ListedCar("粤B12345", Period(WAY.now))]
    said += [listing(WAY, generic_lists.giving(days, ZoneInfo("Asia/Shanghai"), WAY.now))]
    said += [listing(WAY, generic_lists.dropping(["粤B12345"]))]
    said += [listing(WAY, generic_lists.reading(0)), listing(WAY, generic_lists.clearing())]
    assert [json.loads(one.body) for one in said if one is not None] == [json.loads(one) for one in examples("down")]
    names = [(one.topic.rpartition("/")[2], one.retain) for one in said if one is not None]
    assert names[:4] == [("stored", False), ("command", False), ("display", True), ("voice", False)]
    assert set(names[4:]) == {("list", False)}


def body_of(kind: CommandKind) -> Any:
    sent = told(WAY, kind)
    assert sent is not None
    return json.loads(sent.body)


def test_commands_go_by_their_words() -> None:
    for kind in CommandKind:
        assert body_of(kind)["command"] == kind.value
    assert body_of(CommandKind.SET_TIME)["now"] == "2026-11-22T00:00:00.000000Z"


def test_topics() -> None:
    allowed = topics("gate-7")
    assert allowed.may_publish(UP)
    assert not allowed.may_publish("openberth/v1/gate-8/up")
    assert not allowed.may_publish("openberth/v1/gate-7/down/command")
    assert allowed.may_subscribe("openberth/v1/gate-7/down/#")
    assert not allowed.may_subscribe("openberth/v1/+/down/#")
    assert serial_of(UP, b"") == "gate-7"
    assert serial_of("openberth/v1/gate-7/down/command", b"") is None
    assert matches(listens()[0], UP)


@pytest.mark.parametrize("body", [b"", b'{"type":"result"}', b'{"openberth":1,"type":"result","id":"","accepted":true}',
                                  b'{"openberth":1,"type":"other"}', b'"result"', b"\xff"])  # fmt: skip
def test_what_is_not_documented_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        decode(UP, body)
