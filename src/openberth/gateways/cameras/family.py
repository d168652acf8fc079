"""What a make of cameras has to be able to do. A module with these names is one; ``families`` finds it by its kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias
from zoneinfo import ZoneInfo

from openberth.contexts.facility import CommandKind
from openberth.contexts.permits import ListedCar
from openberth.gateways.cameras.pushes import PlatePush, Push
from openberth.gateways.mqtt.session import Topics
from openberth.kernel.time import Instant

JSON = "application/json"

Content: TypeAlias = Mapping[str, object]  # what stands in a message, as JSON


class SerialFrame(bytes):
    """Bytes for one of a camera's serial ports, which are counted from 0: displays and voice hang there."""

    port: int = 0

    def __new__(cls, data: bytes, port: int = 0) -> "SerialFrame":
        """Address bytes to a port."""
        made = super().__new__(cls, data)
        made.port = port
        return made


@dataclass(frozen=True, slots=True)
class Answer:
    """What a recognition is answered, in the house's words.

    ``opens``: the answer itself moves the gate. ``serial`` are frames for the devices behind the camera's serial
    ports: displays and voice.
    """

    opens: bool
    serial: tuple[SerialFrame, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """What leaves for the camera."""

    body: bytes
    media_type: str = JSON
    status: int = 200


@dataclass(frozen=True, slots=True)
class Way:
    """Where a message for a camera over MQTT goes, and what it has to say: ``root`` is the camera's own layout of
    topics, ``reference`` the id it is sent under, ``now`` the present by the wall clock, ``until`` when its life ends.
    """

    serial: str
    root: str
    reference: str
    now: Instant
    until: Instant


@dataclass(frozen=True, slots=True)
class Sent:
    """A message for a camera over MQTT; ``retain``: what it shows, given to it again whenever it comes back."""

    topic: str
    body: bytes
    retain: bool = False


class Screen(Protocol):
    """What the display of a camera shows: lines from the top, a code to scan, words to be spoken once, and all of it as
    frames for a display behind a serial port.
    """

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines."""
        ...

    @property
    def qr(self) -> str | None:
        """What the code says."""
        ...

    @property
    def spoken(self) -> str:
        """The words, empty for nothing."""
        ...

    @property
    def frames(self) -> tuple[SerialFrame, ...]:
        """The frames, none for a device that draws the lines itself."""
        ...


class MqttFamily(Protocol):
    """Cameras that speak over MQTT. Pure."""

    def topics(self, serial: str) -> Topics:
        """Return what the camera of this serial may publish to and subscribe to."""
        ...

    def listens(self) -> tuple[str, ...]:
        """Return the filters by which all cameras of the make are heard at an outside broker."""
        ...

    def serial_of(self, topic: str, payload: bytes) -> str | None:
        """Return who says something, None when the topic is none of this make's."""
        ...

    def roots(self, serial: str) -> tuple[str, ...]:
        """Return the layouts of topics such a camera may have, the usual one first."""
        ...

    def decode(self, topic: str, payload: bytes) -> Push:
        """Read one message. Raises ``Malformed("device.malformed", …)``."""
        ...

    def answered(self, way: Way, push: PlatePush, answer: Answer) -> Sent | None:
        """Answer a recognition whose fact is on disk; None when such a camera waits for no answer."""
        ...

    def told(self, way: Way, kind: CommandKind) -> Sent | None:
        """Tell the camera to do something; None when such a camera cannot be told that."""
        ...

    def shown(self, way: Way, screen: Screen) -> tuple[Sent, ...]:
        """Let the camera's display show something; nothing when there is no way to."""
        ...


class HttpFamily(Protocol):
    """Cameras that push over HTTP: from their bodies to our values, and the answers they act on. Pure."""

    @property
    def MAX_BODY(self) -> int:  # noqa: N802 - a constant of the module
        """The longest body such a camera sends, in bytes."""
        ...

    def decode(self, body: bytes, content_type: str, path: str) -> Push:
        """Read one body; ``path`` is what stood behind the secret. Raises ``Malformed("device.malformed", …)``."""
        ...

    def answered(self, push: PlatePush, answer: Answer) -> Reply:
        """Answer a recognition whose fact is on disk, so that it is not sent again."""
        ...

    def noted(self, push: Push | None = None, serial: tuple[SerialFrame, ...] = ()) -> Reply:
        """Answer what is only noted, and a heartbeat without a command. None: what was sent is not known any more."""
        ...

    def told(self, kind: CommandKind) -> Reply | None:
        """Answer a heartbeat with a command; None when such a camera cannot be told that."""
        ...


class ListFamily(Protocol):
    """The words by which a make is told of the cars that it lets in by itself, whatever carries them. Pure."""

    @property
    def BATCH(self) -> int:  # noqa: N802 - a constant of the module
        """How many cars such a camera is told of at once."""
        ...

    def giving(self, cars: Sequence[ListedCar], zone: ZoneInfo, now: Instant) -> Content:
        """Have the camera hold cars, or change them; ``zone`` is the one of its wall clock."""
        ...

    def dropping(self, plates: Sequence[str]) -> Content:
        """Have the camera drop cars."""
        ...


class ReadableListFamily(ListFamily, Protocol):
    """A make that says what it holds, with a ``ListPush``."""

    def reading(self, offset: int) -> Content:
        """Ask for a page of the list, from a position on."""
        ...

    def clearing(self) -> Content:
        """Have the camera drop all cars."""
        ...


class MqttListing(Protocol):
    """A make over MQTT that is told of its list by a message, and replies to it."""

    def listing(self, way: Way, content: Content) -> Sent:
        """Carry the words of its ``ListFamily``."""
        ...


class HttpListing(Protocol):
    """A make that finds what becomes of its list in the answer to a heartbeat."""

    @property
    def CONFIRMS(self) -> bool:  # noqa: N802 - a constant of the module
        """Whether it says what became of it, with a ``CommandReply`` or a ``ListPush``."""
        ...

    def listing(self, reference: str, content: Content, serial: tuple[SerialFrame, ...] = ()) -> Reply:
        """Carry the words of its ``ListFamily``, with what its displays show."""
        ...
