"""The messages of Vzenith cameras over MQTT as they come, with bounds: see ``vzenith_mqtt``."""

from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from openberth.gateways.cameras.vzenith_values import InputResult

Number = Annotated[int, Meta(ge=0, le=(1 << 53) - 1)]
Text = Annotated[str, Meta(max_length=256)]


class Timeval(Struct):
    """Seconds and microseconds since 1970, by the camera's clock."""

    sec: int = 0
    usec: int = 0


class Stamp(Struct, rename={"timeval": "Timeval"}):
    """When it saw something."""

    timeval: Timeval | None = None


class Output(Struct):
    """What was done to a relay, and by whom."""

    ctrltype: int = 0


class Plate(
    Struct,
    rename={
        "plate_id": "plateid", "colour": "colorType", "kind": "type", "trigger": "triggerType", "offline": "isoffline",
        "outputs": "gioouts", "stamp": "timeStamp", "scene": "full_image_content", "cutout": "small_image_content",
        "scene_path": "imagePath",
    },
):  # fmt: skip
    """A car as the camera saw it; texts are base64 of UTF-8, pictures base64 of JPEG."""

    plate_id: Number = 0
    record_uuid: Text = ""
    license: Text | None = ""
    colour: int = 0
    kind: int = 0
    confidence: int = 0
    direction: int = 0
    trigger: int = 0
    offline: int = 0
    outputs: Annotated[list[Output], Meta(max_length=16)] = []
    stamp: Stamp | None = None
    scene: str | None = None
    cutout: str | None = None
    scene_path: str | None = None


class PlateResult(Struct, rename={"plate": "PlateResult"}):
    """Around a plate."""

    plate: Plate


class Alarm(Struct):
    """Around a result, with the serial."""

    result: PlateResult
    serialno: Text = ""


class Alarms(Struct, rename={"alarm": "AlarmInfoPlate"}):
    """Around an alarm: the body of ``ivs_result`` and ``quick_ivs_result``."""

    alarm: Alarm


class Input(Struct):
    """Around a changed input."""

    result: InputResult


class Inputs(Struct, rename={"alarm": "AlarmGioIn"}):
    """The body of ``gpio_in``."""

    alarm: Input


class Gate(Struct):
    """The body of ``barr_gate_status``: words or numbers that the maker's page does not explain."""

    gate_status: int | str | None = None
    connect_status: int | str | None = None
    enable: int | str | None = None


class LanePlate(Struct):
    """A plate in an event of the lane."""

    license: Text = ""
    color_type: Text = ""


class LaneImage(Struct):
    """A picture of it."""

    full_image_content: str | None = None


class LaneResult(Struct):
    """Plate and picture of one vehicle."""

    plate_result: LanePlate | None = None
    full_image: LaneImage | None = None


class Lane(Struct):
    """The payload of ``lanectrl_result``."""

    event_type: int
    result_id: int | Text = ""
    isoffline: int = 0
    result: Annotated[list[LaneResult], Meta(max_length=16)] = []


class Message(Struct):
    """What every message has. ``payload`` holds what its name says, or holds it in ```body```."""

    sn: Annotated[str, Meta(max_length=64)] = ""
    id: Annotated[str, Meta(max_length=128)] = ""
    bv: int | None = None
    timestamp: int = 0
    code: int | None = None
    msg: Text = ""
    payload: Raw = Raw(b"{}")


class Inner(Struct):
    """A payload that holds its content in ``body``."""

    body: Raw | UnsetType = UNSET
