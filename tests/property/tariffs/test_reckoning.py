"""The engine reaches by arithmetic on stretches what the reckoning finds minute by minute (ADR 0006)."""

from hypothesis import given

from tests.property.tariffs.agreeing import looks, must_agree
from tests.property.tariffs.journeys import Journey, journeys, relieved_journeys, simple_journeys, steady_journeys


@looks(110)
@given(simple_journeys)
def test_a_stay_under_one_tariff(one: Journey) -> None:
    must_agree(one)


@looks(110)
@given(journeys)
def test_a_stay_of_segments_with_rights_and_areas(one: Journey) -> None:
    must_agree(one)


@looks(110)
@given(steady_journeys)
def test_a_stay_whose_plans_hold_always(one: Journey) -> None:
    must_agree(one)


@looks(100)
@given(relieved_journeys)
def test_a_stay_with_reliefs(one: Journey) -> None:
    must_agree(one)
