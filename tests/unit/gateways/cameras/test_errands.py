"""What cameras that only ask are told: handed over with answers, believed when they ask on or say so."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from openberth.gateways.cameras import errands
from openberth.gateways.cameras.errands import Errands, Said
from openberth.gateways.cameras.family import Reply, SerialFrame
from openberth.gateways.cameras.pushes import CommandReply
from openberth.infra.clocks import SystemClock
from openberth.infra.ids import IdSource
from openberth.kernel.ids import Id

T = TypeVar("T")
CAM, OTHER = Id(int=1), Id(int=2)
FRAME = SerialFrame(b"\x01", 1)
AGAIN_S = 600.0


@pytest.fixture(autouse=True)
def _in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errands, "GAP_S", 0.0)
    monkeypatch.setattr(errands, "AGAIN_S", AGAIN_S)


def later(by_s: float) -> None:
    """Move the clock of the event loop, so that no machine is too slow for what comes before."""
    loop = asyncio.get_running_loop()
    before = loop.time
    loop.time = lambda: before() + by_s  # type: ignore[method-assign]


def play(scene: Callable[[Errands], Awaitable[None]]) -> None:
    async def run() -> None:
        await scene(Errands(IdSource(SystemClock())))

    asyncio.run(run())


def carried(reference: str, frames: tuple[SerialFrame, ...]) -> Reply:
    return Reply(reference.encode() + b"|" + b"".join(frames))


async def asking(box: Errands, *, confirms: bool, within_s: float = 2 * AGAIN_S) -> "asyncio.Task[Said | None]":
    task = asyncio.create_task(box.ask(CAM, carried, confirms=confirms, within_s=within_s))
    await box.next(CAM)
    return task


def beat(box: Errands, camera: Id = CAM) -> Reply | None:
    """Let a camera ask, and answer it."""
    box.came(camera)
    return box.hand(camera)


def test_a_make_that_says_nothing_is_told_twice_and_believed_when_it_asks_once_more() -> None:
    async def scene(box: Errands) -> None:
        asked = await asking(box, confirms=False)
        assert beat(box, OTHER) is None, "it is somebody else's"
        first, second = beat(box), beat(box)
        assert first is not None
        assert first == second, "the same twice, under one reference"
        await asyncio.sleep(0)
        assert not asked.done(), "the last answer may be lost"
        assert beat(box) is None
        said = await asked
        assert isinstance(said, CommandReply)
        assert said.accepted

    play(scene)


def test_what_was_handed_over_once_and_never_asked_after_is_not_believed() -> None:
    async def scene(box: Errands) -> None:
        asked = await asking(box, confirms=False)
        assert beat(box) is not None
        later(2 * AGAIN_S)
        assert await asked is None
        assert beat(box) is None, "nothing is left of it"

    play(scene)


def test_an_answer_that_another_request_gets_is_not_handed_over_twice_at_once() -> None:
    async def scene(box: Errands) -> None:
        asked = await asking(box, confirms=False)
        box.came(CAM)
        box.came(CAM)
        assert box.hand(CAM) is not None
        assert box.hand(CAM) is None
        asked.cancel()

    play(scene)


def test_a_make_that_says_so_is_believed_at_its_word_and_told_again_until_then() -> None:
    async def scene(box: Errands) -> None:
        asked = await asking(box, confirms=True)
        first = beat(box)
        assert first is not None
        reference = first.body.decode().partition("|")[0]
        assert beat(box) is None, "not at once"
        later(AGAIN_S)
        assert beat(box) == first
        box.told(CAM, CommandReply(None, "another", "list", accepted=True))
        box.told(OTHER, CommandReply(None, reference, "list", accepted=True))
        await asyncio.sleep(0)
        assert not asked.done()
        refusal = CommandReply(None, reference, "list", accepted=False, detail="full")
        box.told(CAM, refusal)
        box.told(CAM, CommandReply(None, reference, "list", accepted=True))
        assert await asked == refusal

    play(scene)


def test_displays_are_told_in_the_same_answer() -> None:
    async def scene(box: Errands) -> None:
        asked = await asking(box, confirms=True)
        box.came(CAM)
        reply = box.hand(CAM, (FRAME,))
        assert reply is not None
        assert reply.body.endswith(b"|\x01")
        asked.cancel()

    play(scene)


def test_one_thing_at_a_time() -> None:
    async def scene(box: Errands) -> None:
        asked = await asking(box, confirms=True)
        assert await box.ask(CAM, carried, confirms=True, within_s=2 * AGAIN_S) is None
        assert not asked.done()
        asked.cancel()

    play(scene)


def test_a_camera_that_has_not_asked_for_a_while_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(box: Errands) -> None:
        assert not box.is_here(CAM)
        box.came(CAM)
        assert box.is_here(CAM)
        assert not box.is_here(CAM, declared=True)
        box.came(CAM, has_list=True)
        assert box.is_here(CAM, declared=True)
        box.came(CAM, has_list=False)
        assert not box.is_here(CAM, declared=True)
        monkeypatch.setattr(errands, "HERE_S", -1.0)
        assert not box.is_here(CAM)

    play(scene)
