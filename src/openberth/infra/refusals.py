"""What the edge refused people, until it is written down: counted in bounded memory, so that nobody who asks for ever
fills the disk or the trail.
"""

from dataclasses import dataclass

from openberth.infra.telemetry import counter

WAITING_MAX = 200  # different ones between two writings; equal ones are counted

_LOST = counter("openberth_refusals_lost_total", "Refused requests that the audit trail had no room for.")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that was refused. ``route`` is a template, never a path: codes and plates stand in paths.

    Of somebody unknown the actor is ``nobody`` and the address is all there is.
    """

    actor_kind: str
    actor_name: str
    address: str | None
    method: str
    route: str
    status: int
    code: str


class RefusalQueue:
    """Holds refusals and how often each came until somebody takes them. For one thread, the event loop's."""

    def __init__(self) -> None:
        self._waiting: dict[Refusal, int] = {}
        self._lost = 0

    def note(self, refusal: Refusal, times: int = 1) -> None:
        """Count a refusal; a new one beyond the bound is counted as lost."""
        if refusal in self._waiting or len(self._waiting) < WAITING_MAX:
            self._waiting[refusal] = self._waiting.get(refusal, 0) + times
        else:
            self._lose(times)

    def take(self) -> tuple[list[tuple[Refusal, int]], int]:
        """Return what waits, and how many were lost; nothing waits afterwards."""
        waiting, lost = list(self._waiting.items()), self._lost
        self._waiting, self._lost = {}, 0
        return waiting, lost

    def put_back(self, refusals: list[tuple[Refusal, int]], lost: int) -> None:
        """Take back what could not be written."""
        for refusal, times in refusals:
            self.note(refusal, times)
        self._lost += lost

    def _lose(self, times: int) -> None:
        self._lost += times
        _LOST.inc(times)
