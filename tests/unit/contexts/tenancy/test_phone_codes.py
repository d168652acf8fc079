"""How often a code is sent to one number, and how long it is good."""

import pytest

from openberth.contexts.tenancy.model.phone_codes import LIFE_US, TRIES, PhoneCode, wait_s
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US, HOUR_US, MINUTE_US, SECOND_US, Instant

NOW = Instant(100 * DAY_US)


@pytest.mark.parametrize(
    ("sent_before_us", "seconds"),
    [
        ([], 0),
        ([0], 60),
        ([MINUTE_US - 1], 1),
        ([MINUTE_US], 0),
        ([MINUTE_US * (each + 1) for each in range(5)], 55 * 60),  # five in an hour: until the first is an hour old
        ([MINUTE_US, *(HOUR_US * (each + 1) for each in range(9))], 15 * 3600),
        ([SECOND_US, *(HOUR_US * (each + 1) for each in range(9))], 15 * 3600),  # the longest wait counts
        ([HOUR_US * (each + 15) for each in range(10)], 0),
    ],
)
def test_a_number_waits_for_the_bound_that_ends_last(sent_before_us: list[int], seconds: int) -> None:
    assert wait_s([Instant(NOW - each) for each in sent_before_us], NOW) == seconds


@pytest.mark.parametrize(
    ("age_us", "tries", "used", "good"),
    [(0, 0, False, True), (LIFE_US - 1, TRIES - 1, False, True), (LIFE_US, 0, False, False), (0, TRIES, False, False),
     (0, 1, True, False)],
)  # fmt: skip
def test_a_code_is_good_for_five_minutes_five_tries_and_one_use(
    age_us: int, tries: int, used: bool, good: bool
) -> None:
    code = PhoneCode(Id(int=1), "n", "d", Instant(NOW - age_us), tries, NOW if used else None)
    assert code.is_good(NOW) is good
