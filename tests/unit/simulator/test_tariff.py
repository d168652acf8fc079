"""The simulator's own pricing, against figures worked out by hand and the published examples of the tariff files."""

from typing import Any

import pytest

from openberth.simulator.clock import MINUTE_US, SECOND_US
from openberth.simulator.tariff import Part, Tariff, TariffUnknown, stay_fee

DAY = 24 * 60


def tariff(**changes: Any) -> Tariff:
    document = {
        "tariff": "openberth/1",
        "code": "mall",
        "currency": "CNY",
        "free": {"minutes": 15, "mode": "threshold"},
        "charge": {"unit_minutes": 30, "price": "2.50", "rounding": "up"},
        "caps": [{"kind": "rolling_24h", "amount": "40.00"}],
    }
    return Tariff.read(document | changes)


def fee(plan: Tariff, minutes: int, seconds: int = 0) -> int:
    return stay_fee([Part(plan, 0)], minutes * MINUTE_US + seconds * SECOND_US)


@pytest.mark.parametrize(
    ("minutes", "minor"),
    [(0, 0), (15, 0), (16, 250), (30, 250), (31, 500), (95, 1000), (540, 4000), (DAY, 4000), (25 * 60, 4500)],
)
def test_threshold_units_and_cap(minutes: int, minor: int) -> None:
    assert fee(tariff(), minutes) == minor


@pytest.mark.parametrize(("minutes", "minor"), [(60, 0), (61, 200), (240, 600), (720, 1000)])
def test_deducted_minutes_stay_free(minutes: int, minor: int) -> None:
    community = tariff(
        free={"minutes": 60, "mode": "deduct"},
        charge={"unit_minutes": 60, "price": "2.00"},
        caps=[{"kind": "rolling_24h", "amount": "10.00"}],
    )
    assert fee(community, minutes) == minor


def test_seconds_are_dropped_or_begin_a_minute() -> None:
    assert fee(tariff(), 15, 59) == 0
    assert fee(tariff(seconds="exact"), 15, 1) == 250


def test_only_full_units_count_when_rounded_down() -> None:
    vip = tariff(free={}, charge={"unit_minutes": 30, "price": "6.00", "rounding": "down"}, caps=[])
    assert [fee(vip, minutes) for minutes in (29, 30, 59, 60)] == [0, 600, 600, 1200]


def test_each_tariff_prices_its_own_minutes_taken_together() -> None:
    mall, vip = tariff(), tariff(code="vip", free={}, charge={"unit_minutes": 60, "price": "5.00"}, caps=[])
    parts = [Part(mall, 0), Part(vip, 10 * MINUTE_US), Part(mall, 70 * MINUTE_US)]
    # 10 + 10 minutes outside are 20: above the threshold, one half hour; 60 minutes inside are one hour
    assert stay_fee(parts, 80 * MINUTE_US) == 250 + 500
    assert stay_fee(parts, 75 * MINUTE_US) == 0 + 500
    assert stay_fee(parts, 5 * MINUTE_US) == 0


def test_boundaries_fall_on_whole_minutes_from_entry_so_that_no_second_is_lost() -> None:
    mall = tariff(free={}, charge={"unit_minutes": 1, "price": "1.00"}, caps=[])
    other = tariff(code="other", free={}, charge={"unit_minutes": 1, "price": "1.00"}, caps=[])
    parts = [Part(mall, 0), Part(other, 90 * SECOND_US)]
    assert stay_fee(parts, 180 * SECOND_US) == 300


@pytest.mark.parametrize(
    "changes",
    [
        {"tariff": "openberth/2"},
        {"surcharges": []},
        {"caps": [{"kind": "calendar_day", "amount": "1.00"}]},
        {"free": {"minutes": 1, "mode": "sometimes"}},
        {"charge": {"unit_minutes": 30, "price": "0.001"}},
        {"currency": "XXX"},
    ],
)
def test_what_cannot_be_priced_is_said_and_not_guessed(changes: dict[str, Any]) -> None:
    with pytest.raises(TariffUnknown):
        tariff(**changes)
