"""Which sensors of a lot are asked for."""

from uuid import UUID

import pytest

from openberth.contexts.facility.model import DeviceKind, Sensed, SpaceState
from openberth.contexts.facility.service.spaces import SensorFilter, SensorNow, SensorTrouble
from openberth.contexts.facility.store.sensors import SensorListed

ANY_ID = UUID(int=1)


def sensor(known: Sensed, *, code: str = "m01", space: str = "L01", contradicts: bool = False) -> SensorNow:
    listed = SensorListed(
        ANY_ID, ANY_ID, code, "1", None, ANY_ID, "mag", DeviceKind.GEOMAGNETIC_TCP, ANY_ID, space, ANY_ID, "deck"
    )
    return SensorNow(listed, known, None, contradicts)


WELL = sensor(Sensed(state=SpaceState.FREE))
ILL = {
    SensorTrouble.FLAPPING: sensor(Sensed(state=SpaceState.FREE, flapping=True)),
    SensorTrouble.CONTRADICTS: sensor(Sensed(state=SpaceState.OCCUPIED), contradicts=True),
    SensorTrouble.FAULT: sensor(Sensed(state=SpaceState.FREE, fault="7")),
    SensorTrouble.BATTERY: sensor(Sensed(state=SpaceState.FREE, battery_low=True)),
    SensorTrouble.UNHEARD: sensor(Sensed()),
}


@pytest.mark.parametrize("trouble", list(ILL))
def test_each_trouble_finds_its_own_and_any_finds_all_of_them(trouble: SensorTrouble) -> None:
    assert [kind for kind, each in ILL.items() if SensorFilter(trouble=trouble).takes(each)] == [trouble]
    assert SensorFilter(trouble=SensorTrouble.ANY).takes(ILL[trouble])
    assert not SensorFilter(trouble=trouble).takes(WELL)
    assert not SensorFilter(trouble=SensorTrouble.ANY).takes(WELL)


def test_all_are_taken_unless_something_is_asked_and_then_only_what_is_all_of_it() -> None:
    assert SensorFilter().takes(WELL)
    assert SensorFilter(find=" ").takes(WELL)
    assert SensorFilter(state=SpaceState.FREE, collector="mag", find=" l0").takes(WELL)
    assert SensorFilter(find="M01").takes(WELL)
    for wrong in (
        SensorFilter(state=SpaceState.OCCUPIED),
        SensorFilter(collector="lora"),
        SensorFilter(find="L02"),
        SensorFilter(state=SpaceState.FREE, find="x"),
    ):
        assert not wrong.takes(WELL)
