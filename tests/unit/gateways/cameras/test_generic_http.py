import base64
import json
import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from openberth.contexts.facility import CommandKind
from openberth.contexts.permits import ListedCar
from openberth.contexts.stays.recognition import Direction, Picture, PictureKind, PlateColour, Recognition, Trigger
from openberth.gateways.cameras import generic_lists
from openberth.gateways.cameras.family import Answer, Reply, SerialFrame
from openberth.gateways.cameras.generic_http import MAX_BODY, answered, decode, listing, noted, told
from openberth.gateways.cameras.pushes import (
    Boom,
    CommandReply,
    GatePush,
    Heartbeat,
    InputPush,
    ListPush,
    PlatePush,
)
from openberth.kernel.errors import Malformed
from openberth.kernel.plates import PlateKind
from openberth.kernel.time import Instant, Period, from_iso

PAGE = (Path(__file__).parents[4] / "docs" / "devices" / "generic-http.md").read_text("utf-8")
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
RECORD: dict[str, Any] = {
    "openberth": 1, "type": "recognition", "id": "lane7-000123", "at": "2026-11-22T08:00:00.250+08:00",
    "plate": "粤B12345",
}  # fmt: skip


REFERENCE = "0192f3c8a1b27c3e9d4e5f60718293a4"
LIST_WORDS = (
    generic_lists.giving(
        [
            ListedCar("粤B12345", Period(from_iso("2026-11-22T00:00:00Z"), from_iso("2026-12-31T16:00:00Z"))),
            ListedCar("粤B12346", Period(Instant(0))),
        ],
        ZoneInfo("Asia/Shanghai"),
        Instant(0),
    ),
    generic_lists.dropping(["粤B12345"]),
    generic_lists.reading(0),
    generic_lists.clearing(),
)


def body(**changed: Any) -> bytes:
    return json.dumps(RECORD | changed).encode()


def seen(**changed: Any) -> PlatePush:
    push = decode(body(**changed))
    assert isinstance(push, PlatePush)
    return push


def test_a_whole_record() -> None:
    pictures = {"scene": base64.b64encode(JPEG).decode()}
    push = seen(
        serial="g-7", others=["粤B54321", "粤B12345"], colour="blue", kind="ordinary", confidence=97, direction="down",
        trigger="input", offline=True, opened=True, pictures=pictures,
    )  # fmt: skip
    assert push == PlatePush(
        "g-7",
        Recognition(
            "lane7-000123", "粤B12345", ("粤B54321",), PlateColour.BLUE, PlateKind.ORDINARY, 97, Direction.DOWN,
            Trigger.INPUT, Instant(1_795_305_600_250_000), True, True, (Picture(PictureKind.SCENE, JPEG),), (),
        ),
        "lane7-000123",
    )  # fmt: skip


def test_the_other_messages() -> None:
    head = '{"openberth":1,"type":'
    assert decode(f'{head}"input","number":1,"active":true}}'.encode()) == InputPush(None, 1, 1)
    assert decode(f'{head}"gate","boom":"open","locked":false}}'.encode()) == GatePush(None, Boom.OPEN, False)
    beat = decode(f'{head}"heartbeat","serial":"g-7","state":{{"firmware":"1.2"}}}}'.encode())
    assert beat == Heartbeat("g-7", state={"firmware": "1.2"}, has_list=False)


def test_every_message_of_the_page_is_one() -> None:
    blocks = re.findall(r"```json up\n(.*?)```", PAGE, re.DOTALL)
    found = [type(decode(block.encode())) for block in blocks]
    assert found == [PlatePush, InputPush, GatePush, Heartbeat, CommandReply, ListPush]


def test_every_answer_of_the_page_is_one() -> None:
    blocks = [json.loads(block) for block in re.findall(r"```json down\n(.*?)```", PAGE, re.DOTALL)]
    frame = SerialFrame(base64.b64decode(blocks[0]["serial_data"][0]["data"]))
    assert blocks == [
        json.loads(answered(seen(), Answer(True, (frame,))).body),
        json.loads(noted().body),
        json.loads((told(CommandKind.OPEN) or noted()).body),
        *(json.loads(listing(REFERENCE, words).body) for words in LIST_WORDS),
    ]


@pytest.mark.parametrize(
    ("changed", "plate", "flaws"),
    [
        ({"plate": None}, None, ()),
        ({"plate": ""}, None, ()),
        ({"plate": "a\nb"}, None, ("plate.unreadable",)),
        ({"pictures": {"plate": "aGVsbG8="}}, "粤B12345", ("plate.not_jpeg",)),
    ],
)
def test_what_was_read(changed: dict[str, Any], plate: str | None, flaws: tuple[str, ...]) -> None:
    found = seen(**changed).recognition
    assert (found.plate_text, found.flaws) == (plate, flaws)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{}", b"[]", b'{"openberth":1}', b'{"openberth":1,"type":"dance"}', body(openberth=2), body(other=1),
        body(id=""), body(id="a b"), body(id="x" * 65), body(at="today"), body(at="2026-11-22T08:00:00"), body(at=5),
        body(confidence=101), body(confidence="9"), body(colour="pink"), body(plate="x" * 17), body(serial=""),
        body(serial="a\x07"), body(pictures={"face": ""}), body(others=["x"] * 9), b"\xff", b"x" * (MAX_BODY + 1),
        b'{"openberth":1,"type":"input","number":0,"active":true}', b'{"openberth":1,"type":"gate","boom":"half"}',
        b'{"openberth":1,"type":"heartbeat","state":{"a":"' + b"x" * 65 + b'"}}',
    ],
)  # fmt: skip
def test_what_is_not_documented_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed, match=r"device\.malformed"):
        decode(data)


def test_a_record_without_its_plate_key_is_refused() -> None:
    with pytest.raises(Malformed):
        decode(json.dumps({name: value for name, value in RECORD.items() if name != "plate"}).encode())


def test_answers_byte_for_byte() -> None:
    assert answered(seen(), Answer(True)) == Reply(b'{"openberth":1,"stored":true,"id":"lane7-000123","open":true}')
    assert answered(seen(offline=True), Answer(True)).body.endswith(b'"open":false}')
    assert told(CommandKind.LOCK_OPEN) == Reply(b'{"openberth":1,"stored":true,"command":"lock_open"}')
