"""What the display and the voice of one camera that is called are still to be told.

A display never holds up a gate: what it is told waits a moment, has a bound of its own, and gives way to a command in
the midst of a request. Only the newest counts. A camera that says that it has no display, or no voice, is not asked at
every car: a day later again, or when it has been away.
"""

from collections.abc import Awaitable, Callable
from enum import Enum, auto

import structlog

from openberth.gateways.cameras.calls import Ask, CalledScreenFamily, Heard, OwnScreen, Told
from openberth.gateways.cameras.camera_client import LoginRefused, NoAnswer, NotConnected, Paused

SETTLE_S = 0.15  # the command of the same car comes first
BOUND_S = 1.5  # for each request
VOICE_LIFE_S = 8.0  # words that are older are of no use
SILENT_S = 30.0  # after no answer, before the next try
REFUSED_S = 600.0  # after any other refusal
UNSUPPORTED_S = 86_400.0  # after it has said that it has no such thing
RESTART_S = 60.0

log = structlog.get_logger()


class GaveWay(Exception):
    """A command comes first; the rest is told after it."""


class Part(Enum):
    """What may be there without the other."""

    DISPLAY = auto()
    VOICE = auto()


class CalledDisplay:
    """The display and the voice of one camera; used on the event loop. ``now`` is the loop's clock in seconds."""

    def __init__(
        self, family: CalledScreenFamily, heard: Callable[[Told], Heard], *, now: Callable[[], float], name: str
    ) -> None:
        self._family = family
        self._heard = heard
        self._now = now
        self._name = name
        self._wanted: dict[Part, OwnScreen] = {}
        self._ready_at = 0.0
        self._words_until = 0.0
        self._rests_until = dict.fromkeys(Part, 0.0)
        self._is_ours = False

    def show(self, showing: OwnScreen) -> None:
        """Take what is to be shown and said from now on."""
        now = self._now()
        self._ready_at = now + SETTLE_S
        if now >= self._rests_until[Part.DISPLAY]:
            self._wanted[Part.DISPLAY] = showing
        if showing.spoken and now >= self._rests_until[Part.VOICE]:
            self._wanted[Part.VOICE] = showing
            self._words_until = now + VOICE_LIFE_S

    def due_in(self) -> float | None:
        """Return in how many seconds there is something to tell, None for nothing."""
        return max(0.0, self._ready_at - self._now()) if self._wanted else None

    def forget(self, *, rest_s: float = 0.0) -> None:
        """Take note that the camera has been away, or will be for a while: what it refused it may know now."""
        self._is_ours = False
        self._rests_until = dict.fromkeys(Part, self._now() + rest_s)

    async def tell(self, ask: Callable[[Ask], Awaitable[Told]]) -> None:
        """Tell what is due. ``GaveWay`` of ``ask`` ends it: what the display was to show is told later, words are said
        once.
        """
        showing, words = self._wanted.get(Part.DISPLAY), self._wanted.get(Part.VOICE)
        if showing is not None:
            await self._told(Part.DISPLAY, self._display(showing, ask))
            if self._wanted.get(Part.DISPLAY) is showing:
                del self._wanted[Part.DISPLAY]
        if words is not None and self._wanted.get(Part.VOICE) is words:  # newer ones have their own moment to wait
            del self._wanted[Part.VOICE]
            if self._now() < self._words_until:
                await self._told(Part.VOICE, ask(self._family.voiced(words)))

    async def _display(self, showing: OwnScreen, ask: Callable[[Ask], Awaitable[Told]]) -> Told:
        if not self._is_ours:
            told = await ask(self._family.mode())
            heard = self._heard(told)
            if not heard.supported:
                return told
            change = self._family.taken_over(told) if heard.accepted else None
            if change is not None and not (heard := self._heard(await ask(change))).accepted:
                log.info("camera.display_not_ours", device=self._name, why=heard.detail)
            self._is_ours = True
        return await ask(self._family.displayed(showing))

    async def _told(self, part: Part, telling: Awaitable[Told]) -> None:
        try:
            heard = self._heard(await telling)
        except (NotConnected, NoAnswer, LoginRefused, Paused):
            self._rests_until[part] = self._now() + SILENT_S
            return
        if heard.accepted:
            return
        self._rests_until[part] = self._now() + (REFUSED_S if heard.supported else UNSUPPORTED_S)
        log.info("camera.not_shown", device=self._name, part=part.name.lower(), why=heard.detail)
