"""What a make of cameras that is *called* has to be able to say: requests to move a gate, and what answers mean. Pure.

A module with the names of ``CallingFamily`` is one; ``families`` finds it by its kind. Who sends, waits and takes care
not to be locked out is ``calling``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol
from zoneinfo import ZoneInfo

from openberth.contexts.facility import CommandKind
from openberth.contexts.facility.model.displays import Shown
from openberth.contexts.permits import ListedCar
from openberth.gateways.cameras.family import Screen
from openberth.gateways.cameras.pushes import Boom
from openberth.kernel.time import Instant, Period


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to a camera: method, path with query, and body."""

    method: str
    target: str
    body: bytes = b""
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What a camera answered."""

    status: int
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Heard:
    """What an answer means. ``accepted`` is not done. ``supported`` is False only when the camera clearly says that it
    does not know such a request: then, and only then, another way may be tried. ``detail`` names a refusal.
    """

    accepted: bool
    supported: bool = True
    detail: str = ""


ACCEPTED = Heard(True)
UNSUPPORTED = Heard(False, supported=False, detail="not_supported")


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what a camera says that it holds: plates with their days, and how many it holds in all."""

    cars: tuple[tuple[str, Period | None], ...] = field(repr=False)
    total: int


class CalledListFamily(Protocol):
    """A make that lets cars of a list in by itself, told by our own calls. Pure."""

    def puts(self, cars: Sequence[ListedCar], zone: ZoneInfo) -> Sequence[tuple[Ask, tuple[str, ...]]]:
        """Return the requests that have it hold cars, each with the plates that it is about."""
        ...

    def mark(self, told: Told) -> str:
        """Return the camera's own number of the record that it has just taken, empty where it gives none."""
        ...

    def drops(self, cars: Sequence[ListedCar]) -> Sequence[Ask]:
        """Return the requests that have it drop cars."""
        ...

    def page(self, offset: int) -> Ask:
        """Ask what it holds, from a position of its list on."""
        ...

    def found(self, told: Told, zone: ZoneInfo) -> Found:
        """Read a page. Raises ``Malformed``."""
        ...


class CallingFamily(Protocol):
    """A make whose gates are moved by our own calls."""

    @property
    def WAYS(self) -> tuple[str, ...]:  # noqa: N802 - a constant of the module
        """The ways that are tried where the lot file names none, the most usual first."""
        ...

    def gate(self, way: str, kind: CommandKind) -> Ask | None:
        """Ask for a movement of the gate in a way; None when that way does not know it."""
        ...

    def heard(self, told: Told) -> Heard:
        """Read the answer to what was asked for."""
        ...

    def status(self, way: str) -> Ask | None:
        """Ask where the boom is; None when that cannot be asked."""
        ...

    def boom(self, told: Told) -> Boom:
        """Read where the boom is."""
        ...

    def clock(self, at: Instant, zone: str) -> Ask | None:
        """Ask to set the camera's clock; None when that cannot be asked."""
        ...

    def restart(self) -> Ask | None:
        """Ask to start anew; None when that cannot be asked."""
        ...


class OwnScreen(Screen, Protocol):
    """What a camera's own display shows, beside its lines: the moment and what is known of it, ``loud`` percent for the
    voice, and how many spaces are free.
    """

    @property
    def shown(self) -> Shown | None:
        """The moment with its values, None where nobody knows what stands there."""
        ...

    @property
    def loud(self) -> int:
        """How loud it speaks now, in percent."""
        ...

    @property
    def free(self) -> int | None:
        """How many spaces are free, None where nobody has counted."""
        ...


class CalledScreenFamily(Protocol):
    """A make with a display and a voice of its own, told by our own calls; a camera may have one without the other.
    Pure.
    """

    def mode(self) -> Ask:
        """Ask who owns the display."""
        ...

    def taken_over(self, told: Told) -> Ask | None:
        """Return what makes the display ours, None when it is."""
        ...

    def displayed(self, screen: OwnScreen) -> Ask:
        """Have the display show something."""
        ...

    def voiced(self, screen: OwnScreen) -> Ask:
        """Have the voice say the words of something."""
        ...
