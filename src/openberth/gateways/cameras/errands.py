"""What cameras that only ask are to be told of their lists of cars: one thing at a time for each, carried by the answer
to a heartbeat, and whether it has arrived.

A make that says what became of it is believed when it says so, and told again until then. A make that says nothing is
handed the same over twice, in two answers one after the other, and believed when it asks once more: one answer that
was lost with its connection, or that the camera did not heed, costs nothing.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from openberth.gateways.cameras.family import Reply, SerialFrame
from openberth.gateways.cameras.pushes import CommandReply, ListPush
from openberth.infra.ids import IdSource
from openberth.kernel.ids import Id

HERE_S = 60.0  # a camera that has not asked for so long is away
TIMES = 2  # that a make which says nothing is handed the same over
GAP_S = 0.5  # between two errands of a camera: it has cars to tell of as well
AGAIN_S = 5.0  # before the same is handed over again to a make that says what became of it

Carried: TypeAlias = Callable[[str, tuple[SerialFrame, ...]], Reply]  # from the reference and what displays show
Said: TypeAlias = CommandReply | ListPush


@dataclass(slots=True)
class _Errand:
    reference: str
    carried: Carried
    confirms: bool
    answer: "asyncio.Future[Said]"
    times: int = 0
    is_out: bool = False
    out_at: float = 0.0


class Errands:
    """Keeps what is to be told; used on the event loop of the process that the cameras ask."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids
        self._errands: dict[Id, _Errand] = {}
        self._bells: dict[Id, asyncio.Event] = {}
        self._heard: dict[Id, tuple[float, bool | None]] = {}
        self._rested: dict[Id, float] = {}

    # the camera's side

    def came(self, camera: Id, has_list: bool | None = None) -> None:
        """Take note that a camera asks: it has got along with what it was handed over before. ``has_list`` as in a
        ``Heartbeat``.
        """
        self._heard[camera] = _now(), has_list
        errand = self._errands.get(camera)
        if errand is None or errand.confirms or not errand.is_out:
            return
        errand.is_out = False
        if errand.times < TIMES:
            self._bell(camera).set()
        elif not errand.answer.done():
            errand.answer.set_result(CommandReply(None, errand.reference, "list", accepted=True))

    def hand(self, camera: Id, frames: tuple[SerialFrame, ...] = ()) -> Reply | None:
        """Return the answer that tells a camera something, with what its displays show; None when there is nothing."""
        errand = self._errands.get(camera)
        if errand is None or errand.answer.done():
            return None
        if errand.is_out and not (errand.confirms and _now() - errand.out_at >= AGAIN_S):
            return None
        errand.times += 1
        errand.is_out, errand.out_at = True, _now()
        self._bell(camera).clear()
        return errand.carried(errand.reference, frames)

    async def next(self, camera: Id) -> None:
        """Wait until there is something to hand over. May be cancelled."""
        await self._bell(camera).wait()

    def told(self, camera: Id, said: Said) -> None:
        """Take what a camera says of what it was told."""
        errand = self._errands.get(camera)
        if errand is not None and errand.times and errand.reference == said.reference and not errand.answer.done():
            errand.answer.set_result(said)

    # the house's side

    def is_here(self, camera: Id, *, declared: bool = False) -> bool:
        """Tell whether a camera asks here; ``declared``: and whether it says that it has a list."""
        heard_at, has_list = self._heard.get(camera, (float("-inf"), None))
        return _now() - heard_at <= HERE_S and (has_list is True or not declared)

    async def ask(self, camera: Id, carried: Carried, *, confirms: bool, within_s: float) -> Said | None:
        """Tell a camera something that moves nothing; return what it says, None when that did not come in time.

        One errand of a camera at a time: a second one is None at once.
        """
        if camera in self._errands:
            return None
        answer: asyncio.Future[Said] = asyncio.get_running_loop().create_future()
        errand = self._errands[camera] = _Errand(self._ids.new_id().hex, carried, confirms, answer, is_out=True)
        try:
            async with asyncio.timeout(within_s):
                await asyncio.sleep(self._rested.get(camera, 0.0) - _now())
                errand.is_out = False
                self._bell(camera).set()
                return await answer
        except TimeoutError:
            return None
        finally:
            del self._errands[camera]
            self._bell(camera).clear()
            self._rested[camera] = _now() + GAP_S

    def _bell(self, camera: Id) -> asyncio.Event:
        return self._bells.setdefault(camera, asyncio.Event())


def _now() -> float:
    return asyncio.get_running_loop().time()
