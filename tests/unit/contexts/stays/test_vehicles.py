"""What a plate tells of its vehicle, and which rule of a lot means it."""

import pytest

from openberth.contexts.facility.model import (
    CapOrder,
    Level,
    NeverHeld,
    PermitWord,
    PlateColour,
    Pricing,
    ReliefPolicy,
    ReliefWord,
    TariffRule,
    VehicleRule,
)
from openberth.contexts.permits.model import PermitKind
from openberth.contexts.stays.model.assignment import OUTSIDE, assigned, policy_of
from openberth.contexts.stays.model.decisions import Right
from openberth.contexts.stays.model.vehicles import vehicle_of
from openberth.contexts.stays.recognition import PlateColour as SeenColour
from openberth.contexts.tariffs.document.parts import PlateColour as TariffColour
from openberth.contexts.tariffs.model import NestedCaps, ReliefKind, Vehicle
from openberth.kernel.money import Money
from openberth.kernel.plates import PlateKind


def values(kind: type) -> set[str]:
    return {member.value for member in kind}  # type: ignore[attr-defined]


def test_the_words_of_a_lot_file_are_those_of_the_rooms_above() -> None:
    assert values(CapOrder) == values(NestedCaps)
    assert values(ReliefWord) == values(ReliefKind)
    assert values(PermitWord) == {kind.value for kind in PermitKind if kind.admits}
    assert values(PlateColour) == values(TariffColour) == values(SeenColour) - {"unknown"}
    assert values(Right) - {"emergency"} == values(PermitKind)
    assert values(NeverHeld) <= values(PlateKind)
    assert OUTSIDE not in values(PermitKind)


@pytest.mark.parametrize(
    ("kind", "colour", "vehicle"),
    [
        ("ordinary", "blue", Vehicle("blue", False, "small")),
        ("ordinary", "yellow", Vehicle("yellow", False, "large")),
        ("ordinary", None, Vehicle(None, False, None)),
        ("ordinary", "green", Vehicle("green", None, "small")),  # a character is lost: who knows
        ("new_energy_small", None, Vehicle("green", True, "small")),
        ("new_energy_small", "blue", Vehicle("blue", True, "small")),  # the text is surer than the colour
        ("new_energy_large", None, Vehicle("yellow_green", True, "large")),
        ("new_energy_large", "green", Vehicle("green", True, "large")),
        ("training", "yellow", Vehicle("yellow", False, None)),
        ("trailer", None, Vehicle("yellow", False, "large")),
        ("hong_kong", "black", Vehicle("black", False, None)),
        ("military", "green", Vehicle("green", None, "small")),  # a new-energy plate without its province looks so
        ("aviation", None, Vehicle("green", False, None)),
        ("unlicensed", None, Vehicle(None, None, None)),
        ("", None, Vehicle(None, None, None)),
        ("other", "yellow", Vehicle("yellow", None, "large")),
    ],
)
def test_a_plate_tells_what_it_can(kind: str, colour: str | None, vehicle: Vehicle) -> None:
    assert vehicle_of(kind, colour) == vehicle


GREEN = TariffRule("green", VehicleRule(new_energy=True))
CARD = TariffRule("card", permits=(PermitWord.MONTHLY, PermitWord.INTERNAL))
GREEN_CARD = TariffRule("green-card", VehicleRule(new_energy=True), (PermitWord.MONTHLY,))


@pytest.mark.parametrize(
    ("levels", "right", "new_energy", "code"),
    [
        ([Level((), "lot")], None, False, "lot"),
        ([Level((), None), Level((), "lot")], None, False, "lot"),
        ([Level((), "area"), Level((GREEN,), "lot")], None, True, "area"),
        ([Level((), None), Level((GREEN,), "lot")], None, True, "green"),
        ([Level((GREEN,), "lot")], None, False, "lot"),
        ([Level((GREEN,), "lot")], None, None, "lot"),
        ([Level((), "lot")], "monthly", False, None),
        ([Level((GREEN,), "lot")], "monthly", True, None),
        ([Level((CARD,), "lot")], "monthly", False, "card"),
        ([Level((CARD,), "lot")], "internal", False, "card"),
        ([Level((CARD,), "lot")], "resident", False, None),
        ([Level((CARD,), "lot")], None, False, "lot"),
        ([Level((), "area"), Level((CARD,), "lot")], "monthly", False, "card"),
        ([Level((GREEN_CARD, CARD), "lot")], "monthly", True, "green-card"),
        ([Level((GREEN_CARD, CARD), "lot")], "monthly", False, "card"),
        ([Level((CARD, GREEN_CARD), "lot")], "monthly", True, "card"),
    ],
)
def test_the_first_rule_that_means_a_car_decides(
    levels: list[Level], right: str | None, new_energy: bool | None, code: str | None
) -> None:
    assert assigned(levels, right, Vehicle(new_energy=new_energy)) == code


def test_what_a_lot_decides_is_what_the_engine_takes() -> None:
    said = ReliefPolicy(2, ((ReliefWord.AMOUNT, ReliefWord.MINUTES),), (ReliefWord.PERCENT,), 150)
    policy = policy_of(Pricing((), CapOrder.OUTER_FIRST, said), "CNY")
    assert policy.nested_caps is NestedCaps.OUTER_FIRST
    assert (policy.reliefs.at_most, policy.reliefs.minimum_pay) == (2, Money(150, "CNY"))
    assert policy.reliefs.together == frozenset({(ReliefKind.AMOUNT, ReliefKind.MINUTES)})
    assert policy.reliefs.order[0] is ReliefKind.PERCENT
    assert set(policy.reliefs.order) == set(ReliefKind)
