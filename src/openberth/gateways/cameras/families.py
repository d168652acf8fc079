"""Which makes there are: a kind of device that pushes over HTTP or speaks over MQTT is served by the module of its name
in this folder; a camera that is called to move its gate also by the module of its name with ``_calling``, one that has
a display of its own by the one with ``_screens``.
"""

from importlib import import_module
from typing import cast

from openberth.contexts.facility import CAMERAS, DeviceKind
from openberth.gateways.cameras.calls import CalledScreenFamily, CallingFamily
from openberth.gateways.cameras.family import HttpFamily, MqttFamily


def _module_of(kind: DeviceKind, what: str = "") -> object:
    return import_module(f"{__package__}.{kind.value}{what}")


# A make without its module, or a module without a make's names, stops the start: ``tests/unit/gateways/cameras``.
PUSHING: dict[str, tuple[DeviceKind, HttpFamily]] = {
    kind.wire.pushes: (kind, cast(HttpFamily, _module_of(kind))) for kind in CAMERAS if kind.wire.pushes is not None
}
SPEAKING: dict[DeviceKind, MqttFamily] = {
    kind: cast(MqttFamily, _module_of(kind)) for kind in DeviceKind if kind.wire.mqtt is not None
}
CALLED: dict[DeviceKind, CallingFamily] = {
    kind: cast(CallingFamily, _module_of(kind, "_calling")) for kind in CAMERAS if kind.wire.gates
}
SHOWING: dict[DeviceKind, CalledScreenFamily] = {
    kind: cast(CalledScreenFamily, _module_of(kind, "_screens")) for kind in CAMERAS if kind.wire.own_display
}
