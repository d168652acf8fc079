from pathlib import Path
from typing import Any

import pytest

from openberth.contexts.facility import CommandKind
from openberth.contexts.stays.recognition import Direction, Picture, PictureKind, PlateColour, Recognition, Trigger
from openberth.gateways.cameras.family import Answer
from openberth.gateways.cameras.hikvision import MAX_BODY, answered, decode, noted, told
from openberth.gateways.cameras.pushes import Heartbeat, OtherPush, PlatePush, at_home
from openberth.kernel.errors import Malformed
from openberth.kernel.time import Instant

XML = (Path(__file__).parents[3] / "vectors" / "hikvision-anpr.xml").read_text("utf-8")
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
NOW = Instant(1_795_305_601_000_000)
FORM = "multipart/form-data; boundary=---------------------------7e13971310878"


def part(disposition: str, kind: str, data: bytes) -> bytes:
    head = f"-----------------------------7e13971310878\r\nContent-Disposition: form-data; {disposition}\r\n"
    return f"{head}Content-Type: {kind}\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data + b"\r\n"


def form(xml: str = XML, *pictures: bytes, named: str = 'name="anpr.xml"; filename="anpr.xml"') -> bytes:
    body = part(named, 'application/xml; charset="UTF-8"', xml.encode()) + b"".join(pictures)
    return body + b"-----------------------------7e13971310878--\r\n"


def seen(xml: str = XML, *pictures: bytes, **more: Any) -> PlatePush:
    push = decode(form(xml, *pictures, **more), FORM)
    assert isinstance(push, PlatePush)
    return push


def changed(**values: str) -> str:
    xml = XML
    for name, value in values.items():
        start = xml.index(f"<{name}>") + len(name) + 2
        xml = xml[:start] + value + xml[xml.index(f"</{name}>") :]
    return xml


PLATE_PICTURE = part('name="licensePlatePicture.jpg"; filename="licensePlatePicture.jpg"', "image/jpeg", JPEG)
SCENE_PICTURE = part('name="detectionPicture.jpg"', "application/octet-stream", JPEG + b"1")


def test_an_event_with_its_pictures() -> None:
    assert seen(XML, PLATE_PICTURE, SCENE_PICTURE) == PlatePush(
        "lane-7",
        Recognition(
            source_id="46dd0716-1dd2-11b2-821f-8ba17e6f56b7",
            plate_text="粤B12345",
            other_plates=(),
            colour=PlateColour.BLUE,
            plate_kind=None,
            confidence=97,
            direction=Direction.DOWN,
            trigger=Trigger.VIDEO,
            captured_at=Instant(1_795_305_600_250_000),
            offline=False,
            opened_by_camera=False,
            pictures=(Picture(PictureKind.SCENE, JPEG + b"1"), Picture(PictureKind.PLATE, JPEG)),
            flaws=(),
        ),
        "46dd0716-1dd2-11b2-821f-8ba17e6f56b7",
    )


@pytest.mark.parametrize(
    "namespace",
    [
        "http://www.isapi.org/ver20/XMLSchema",
        "http://www.hikvision.com/ver20/XMLSchema",
        "http://www.std-cgi.com/ver10/XMLSchema",
    ],
)
def test_three_namespaces_and_a_prefix(namespace: str) -> None:
    xml = XML.replace("http://www.isapi.org/ver20/XMLSchema", namespace)
    prefixed = xml.replace("xmlns=", "xmlns:ns1=").replace("</", "</ns1:").replace("<", "<ns1:")
    prefixed = prefixed.replace("<ns1:?", "<?").replace("<ns1:/ns1:", "</ns1:")
    assert seen(xml) == seen(prefixed) == seen()


def test_parts_may_be_called_otherwise_and_the_event_may_come_alone() -> None:
    assert seen(XML, SCENE_PICTURE, named='name="xml_file"').recognition.pictures[0].kind is PictureKind.SCENE
    assert decode(XML.encode(), "application/xml") == seen()
    assert decode(b"\xef\xbb\xbf" + XML.encode(), "") == seen()


@pytest.mark.parametrize(
    ("values", "plate", "colour", "offline"),
    [
        ({"licensePlate": "unknown"}, None, "blue", False),
        ({"licensePlate": "绿粤BD12345", "plateColor": "unknown"}, "粤BD12345", "green", False),
        ({"licensePlate": "AB 12 CD"}, "AB 12 CD", "blue", False),
        ({"plateColor": "newEnergyYellowGreen"}, "粤B12345", "yellow_green", False),
        ({"alarmDataType": "1"}, "粤B12345", "blue", True),
        ({"alarmDataType": "historic"}, "粤B12345", "blue", True),
        ({"confidenceLevel": "97.5"}, "粤B12345", "blue", False),
    ],
)
def test_what_was_read(values: dict[str, str], plate: str | None, colour: str, offline: bool) -> None:
    found = seen(changed(**values)).recognition
    assert (found.plate_text, found.colour, found.offline, found.flaws) == (plate, colour, offline, ())


def test_a_stored_record_of_the_white_list_was_opened_by_the_camera() -> None:
    assert seen(changed(alarmDataType="1", listType="whiteList")).recognition.opened_by_camera
    assert not seen(changed(listType="whiteList")).recognition.opened_by_camera


def test_a_time_without_an_offset_is_the_lots_wall_clock() -> None:
    push = seen(changed(dateTime="2026-11-22T08:00:00"))
    assert push.wall_clock
    assert at_home(push, "Asia/Shanghai", NOW).captured_at == 1_795_305_600_000_000
    assert at_home(seen(), "America/New_York", NOW) == seen().recognition


def test_without_a_number_of_its_own_the_record_is_named_by_its_instant() -> None:
    first, again = seen(changed(UUID="")), seen(changed(UUID=""))
    assert first.recognition.source_id == again.recognition.source_id
    assert first.recognition.source_id != seen(changed(UUID="", licensePlate="粤B54321")).recognition.source_id
    timeless = [seen(changed(UUID="", dateTime="?"), one).recognition for one in (PLATE_PICTURE, SCENE_PICTURE)]
    assert timeless[0].source_id != timeless[1].source_id
    assert timeless[0].flaws == ("clock",)


def event(kind: str, state: str = "active") -> bytes:
    return (
        "<EventNotificationAlert><ipAddress>10.0.0.7</ipAddress><macAddress>44:19:b6:00:00:01</macAddress>"
        f"<eventType>{kind}</eventType><eventState>{state}</eventState></EventNotificationAlert>"
    ).encode()


def test_other_events_are_noted() -> None:
    assert decode(event("videoloss", "inactive")) == Heartbeat("44:19:b6:00:00:01", "", "10.0.0.7")
    assert decode(event("heartBeat")) == Heartbeat("44:19:b6:00:00:01", "", "10.0.0.7")
    assert decode(event("videoloss")) == OtherPush("videoloss", "44:19:b6:00:00:01")
    assert decode(event("VMD")) == OtherPush("vmd", "44:19:b6:00:00:01")


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
REACH = '<!DOCTYPE x SYSTEM "file:///etc/passwd">'


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param(b"", "", id="empty"),
        pytest.param(b"<a/>", "", id="another root"),
        pytest.param(b"<EventNotificationAlert>", "", id="cut"),
        pytest.param((BOMB + "<EventNotificationAlert>&b;</EventNotificationAlert>").encode(), "", id="entities"),
        pytest.param((REACH + "<EventNotificationAlert/>").encode(), "", id="reaches outside"),
        pytest.param(b'<?xml version="1.0" encoding="klingon"?><EventNotificationAlert/>', "", id="encoding"),
        pytest.param(b"<a>" * 100, "", id="deep"),
        pytest.param(b"<EventNotificationAlert>" + b"<a/>" * 3_000 + b"</EventNotificationAlert>", "", id="many"),
        pytest.param(b"<EventNotificationAlert>" + b"x" * 5_000 + b"</EventNotificationAlert>", "", id="long text"),
        pytest.param(b"<EventNotificationAlert>" + b" " * 300_000 + b"</EventNotificationAlert>", "", id="long"),
        pytest.param(form(), "application/json", id="type"),
        pytest.param(form(), "multipart/form-data", id="no boundary"),
        pytest.param(form("{}", named='name="x"'), FORM, id="no event"),
        pytest.param(form(XML, *[SCENE_PICTURE] * 17), FORM, id="many parts"),
        pytest.param(b"x" * (MAX_BODY + 1), FORM, id="too long"),
    ],
)
def test_what_cannot_be_understood_is_refused(body: bytes, kind: str) -> None:
    with pytest.raises(Malformed, match=r"device\.malformed"):
        decode(body, kind)


def test_pictures_never_cost_a_recognition() -> None:
    broken = part('name="detectionPicture.jpg"', "image/jpeg", b"GIF89a")
    assert seen(XML, broken, PLATE_PICTURE).recognition.flaws == ("scene.not_jpeg",)
    assert len(seen(XML, broken, PLATE_PICTURE).recognition.pictures) == 1


def test_a_form_that_breaks_behind_the_event_is_the_event() -> None:
    whole = form(XML, SCENE_PICTURE, PLATE_PICTURE)
    for cut in (whole.index(JPEG + b"1") + 9, whole.rindex(JPEG) + 9, whole.index(b'name="detectionPicture') + 4):
        push = decode(whole[:cut], FORM)
        assert isinstance(push, PlatePush)
        assert push.recognition.plate_text == "粤B12345"
    broken = whole.replace(b"Content-Type: image/jpeg", b"Content\xffType: image/jpeg")
    push = decode(broken, FORM)
    assert isinstance(push, PlatePush)
    assert [picture.kind for picture in push.recognition.pictures] == [PictureKind.SCENE]
    with pytest.raises(Malformed):
        decode(whole[:300], FORM)


def test_every_answer_says_that_it_was_taken() -> None:
    for reply in (answered(seen(), Answer(True)), answered(seen(), Answer(False)), noted()):
        assert (reply.status, reply.media_type) == (200, "application/xml")
        assert b"<statusCode>1</statusCode>" in reply.body
    assert told(CommandKind.OPEN) is None
