"""When the numbers of an area contradict one another."""

import pytest

from openberth.contexts.stays.model.occupancy import AreaCheck, OccupiedSensor, contradicting
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

AREA, OTHER = Id(int=1), Id(int=2)
NOW = Instant(1_000_000)


def check(counted: int = 0, stays: int = 0, capacity: int = 10, **more: int | None) -> AreaCheck:
    return AreaCheck(AREA, NOW, counted, stays, capacity, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "apart"),
    [
        (check(5, 5), 0),
        (check(5, 3), 2),
        (check(-1, 3), 4),
        (check(5, 5, loops=9), 4),
        (check(4, 4, sensed_occupied=4, sensed_free=6), 0),
        (check(4, 4, sensed_occupied=7, sensed_free=3), 3),  # more taken spaces than cars
        (check(7, 7, sensed_occupied=2, sensed_free=8), 5),  # cars, and spaces that all look free
        (check(7, 7, sensed_occupied=2, sensed_free=3, sensed_unknown=5), 0),  # nobody knows where they stand
        (check(7, 7, sensed_occupied=1, sensed_free=2), 0),  # or they stand where nothing looks
        (check(7, 7, capacity=3, sensed_occupied=1, sensed_free=2), 6),
    ],
)
def test_by_how_many_cars_numbers_contradict(one: AreaCheck, apart: int) -> None:
    assert one.apart == apart


def test_since_when_they_differ() -> None:
    first = check(9).after(None, 3)
    assert first.differs_since == NOW
    later = AreaCheck(AREA, Instant(NOW + 5), 9, 0, 10).after(first, 3)
    assert later.differs_since == NOW
    assert check(3).after(later, 3).differs_since is None


def test_whose_sensor_says_what_cannot_be() -> None:
    sensors = [OccupiedSensor(Id(int=7), AREA, Instant(NOW - 100)), OccupiedSensor(Id(int=8), AREA, NOW)]
    sensors.append(OccupiedSensor(Id(int=9), OTHER, Instant(0)))
    full = AreaCheck(OTHER, NOW, 1, 1, 10)
    assert contradicting([check(), full], sensors, now=NOW, for_us=100) == [Id(int=7)]
