"""The wires devices speak: one line for each kind, with what the house has to know of it. Pure."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Wire:
    """How a kind of device speaks.

    ``camera``: it reads plates. ``pushes``: the word of its address below ``/devices/`` where it pushes over HTTP.
    ``answered``: its gate is moved by the answers to what it pushes, so an answer is the command; everything else is
    told over a link, and what no link takes at once is for an absent device. ``named``: it is known by the serial that
    it says, which the lot file therefore has to give. ``held``: its heartbeats may be held until there is a command.
    ``signs``: it may sign what it pushes, and then has its id in its address in place of its secret.
    ``mqtt``: the word of its make where it speaks over MQTT.
    ``gates``: we call it to move its gate, at the address that the lot file gives, in one of these ways; the first
    that it supports, or the one that the file names. ``mute``: nothing can be sent through its serial port, so no
    display of ours hangs there. ``own_display``: it may have one, told by our calls.
    ``collector``: it speaks for sensors of spaces and stands at no lane.
    """

    camera: bool = False
    pushes: str | None = None
    answered: bool = False
    named: bool = False
    held: bool = False
    signs: bool = False
    mqtt: str | None = None
    gates: tuple[str, ...] = ()
    collector: bool = False
    mute: bool = False
    own_display: bool = False


class DeviceKind(StrEnum):
    """The wire a device speaks."""

    _value_: str
    wire: Wire

    def __new__(cls, value: str, wire: Wire) -> "DeviceKind":
        """Make a kind of its word and its wire."""
        kind = str.__new__(cls, value)
        kind._value_ = value
        kind.wire = wire
        return kind

    BARRIER_TCP = "barrier_tcp", Wire(named=True)
    VZENITH_MQTT = "vzenith_mqtt", Wire(camera=True, named=True, mqtt="vzenith")
    SAIFEIMU_MQTT = "saifeimu_mqtt", Wire(named=True, mqtt="saifeimu")
    GENERIC_MQTT = "generic_mqtt", Wire(camera=True, named=True, mqtt="generic")
    GEOMAGNETIC_TCP = "geomagnetic_tcp", Wire(named=True, collector=True)
    CHIRPSTACK_HTTP = "chirpstack_http", Wire(pushes="chirpstack", collector=True)
    SPACE_CAMERA_HTTP = "space_camera_http", Wire(pushes="space-camera", collector=True)
    VZENITH_HTTP = "vzenith_http", Wire(camera=True, pushes="vzenith", answered=True, held=True)
    HUAXIA_HTTP = "huaxia_http", Wire(camera=True, pushes="huaxia", answered=True)
    GENERIC_HTTP = "generic_http", Wire(camera=True, pushes="webhook", answered=True, held=True, signs=True)
    HIKVISION = (
        "hikvision",
        Wire(
            camera=True,
            pushes="hikvision",
            gates=("parking", "entrance", "traffic", "barrier", "output"),
            mute=True,
            own_display=True,
        ),
    )
    DAHUA = "dahua", Wire(camera=True, pushes="dahua", gates=("strobe",), mute=True)


COLLECTORS = tuple(kind for kind in DeviceKind if kind.wire.collector)
CAMERAS = tuple(kind for kind in DeviceKind if kind.wire.camera)
LINKED = tuple(kind for kind in DeviceKind if not kind.wire.answered and not kind.wire.collector)
