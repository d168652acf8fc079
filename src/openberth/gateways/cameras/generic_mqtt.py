"""The generic device over MQTT: our own small JSON, for cameras and controllers that nobody has an adapter for. Pure.

Wire format: ``docs/devices/generic-mqtt.md``. The messages up are those of the generic device over HTTP, byte for byte;
what HTTP says in an answer comes as a message down.
"""

import msgspec

from openberth.contexts.facility import CommandKind
from openberth.gateways.cameras import generic_http
from openberth.gateways.cameras.family import Answer, Content, Screen, Sent, Way
from openberth.gateways.cameras.pushes import PlatePush, Push
from openberth.gateways.mqtt.session import Topics
from openberth.kernel.time import to_iso

ROOT = "openberth/v1"


def topics(serial: str) -> Topics:
    """Return what the device of this serial may publish to and subscribe to."""
    return Topics((f"{ROOT}/{serial}/up",), (f"{ROOT}/{serial}/down/#",))


def listens() -> tuple[str, ...]:
    """Return the filter by which all devices are heard at an outside broker."""
    return (f"{ROOT}/+/up",)


def roots(serial: str) -> tuple[str, ...]:
    """Return the one layout of topics."""
    return (f"{ROOT}/{serial}",)


def serial_of(topic: str, payload: bytes) -> str | None:
    """Return the serial that stands in the topic."""
    levels = topic.split("/")
    return levels[2] if len(levels) == 4 and topic.startswith(f"{ROOT}/") and levels[3] == "up" else None


def decode(topic: str, payload: bytes) -> Push:
    """Read one message; raise ``Malformed`` with the place of what is not as documented."""
    return generic_http.decode(payload)


def answered(way: Way, push: PlatePush, answer: Answer) -> Sent | None:
    """Say that the record is on disk, with frames for what hangs behind the device's serial ports."""
    return _sent(way, "stored", {"id": push.mark} | generic_http.behind(answer.serial))


def told(way: Way, kind: CommandKind) -> Sent | None:
    """Tell the device to do something, by its word, and until when."""
    content: dict[str, object] = {"id": way.reference, "command": kind.value, "expires_at": to_iso(way.until)}
    if kind is CommandKind.SET_TIME:
        content["now"] = to_iso(way.now)
    return _sent(way, "command", content)


def listing(way: Way, content: Content) -> Sent:
    """Tell the device of the cars that it lets in alone."""
    return _sent(way, "list", {"id": way.reference} | dict(content))


def shown(way: Way, screen: Screen) -> tuple[Sent, ...]:
    """Say what the display shows from now on; it is retained, the words to be spoken are not."""
    sent = [_sent(way, "display", {"lines": list(screen.lines), "qr": screen.qr}, retain=True)]
    if screen.spoken:
        sent.append(_sent(way, "voice", {"text": screen.spoken, "expires_at": to_iso(way.until)}))
    return tuple(sent)


def _sent(way: Way, name: str, content: dict[str, object], *, retain: bool = False) -> Sent:
    return Sent(f"{way.root}/down/{name}", msgspec.json.encode({"openberth": 1} | content), retain)
