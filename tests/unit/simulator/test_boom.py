import asyncio
from collections.abc import Awaitable, Callable

import pytest

from openberth.simulator.boom import Boom, BoomState, BoomTiming
from tests.waiting import PATIENCE_S

QUICK = BoomTiming(move_s=0.004, hold_s=0.02, drive_s=0.002)


def played(scene: Callable[[Boom, list[str]], Awaitable[None]]) -> list[str]:
    """Play a scene and return the states the boom went through."""
    states: list[str] = []

    async def play() -> None:
        boom = Boom(QUICK, on_stray=lambda: states.append("stray"))
        boom.on_change = lambda: states.append(boom.state.name) if states[-1:] != [boom.state.name] else None
        await scene(boom, states)

    asyncio.run(play())
    return states


def test_a_car_passes_an_open_boom_which_closes_behind_it() -> None:
    async def scene(boom: Boom, states: list[str]) -> None:
        boom.car_arrives()
        assert await boom.raise_()
        await asyncio.sleep(0.03)
        assert boom.state is BoomState.OPEN  # it does not come down before a waiting car
        await boom.drive_through()
        assert (boom.passes, boom.car_before, boom.car_under) == (1, False, False)
        assert await boom.wait_clear(0)

    assert played(scene) == ["CLOSED", "OPENING", "OPEN", "CLOSING", "CLOSED"]


def test_a_boom_raised_for_nobody_is_told_and_comes_down() -> None:
    async def scene(boom: Boom, states: list[str]) -> None:
        assert await boom.raise_()
        assert await boom.wait_clear(PATIENCE_S)

    assert played(scene) == ["stray", "OPENING", "OPEN", "CLOSING", "CLOSED"]


def test_nobody_drives_into_a_closed_boom() -> None:
    async def scene(boom: Boom, states: list[str]) -> None:
        boom.car_arrives()
        assert not await boom.wait_open(0.001)
        with pytest.raises(RuntimeError, match="closed boom"):
            await boom.drive_through()

    played(scene)


def test_opening_while_it_closes_turns_it_round() -> None:
    async def scene(boom: Boom, states: list[str]) -> None:
        boom.car_arrives()
        await boom.raise_()
        closing = boom.lower()
        assert await boom.raise_()
        assert not await closing

    assert played(scene) == ["CLOSED", "OPENING", "OPEN", "CLOSING", "OPENING", "OPEN"]


def test_it_never_comes_down_on_a_car_nor_moves_when_locked() -> None:
    async def scene(boom: Boom, states: list[str]) -> None:
        boom.car_arrives()
        await boom.raise_()
        boom.car_under = True
        assert not await boom.lower()
        boom.car_under = False
        boom.lock(True)
        assert not await boom.lower()
        assert await boom.wait_clear(0)  # locked open: everybody may go on
        boom.car_backs_out()
        await asyncio.sleep(0.04)
        assert boom.state.name == "OPEN"
        boom.lock(False)
        assert await boom.wait_clear(PATIENCE_S)
        assert boom.state.name == "CLOSED"

    played(scene)


def test_stop_ends_a_movement_without_reaching_its_end() -> None:
    async def scene(boom: Boom, states: list[str]) -> None:
        boom.car_arrives()
        opening = boom.raise_()
        boom.stop()
        assert not await opening

    played(scene)


@pytest.mark.parametrize(("speed", "move_s"), [(1, 0.05), (60, 0.05), (600, 0.005), (100_000, 0.002)])
def test_booms_keep_up_with_sped_up_time(speed: int, move_s: float) -> None:
    assert BoomTiming.for_speed(speed).move_s == pytest.approx(move_s)
