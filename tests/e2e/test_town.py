"""A whole day in the town: every car and every fen is accounted for, on real processes and real wires."""

from pathlib import Path

import pytest

from openberth.simulator.faults import Faults
from tests.e2e.house import House

pytestmark = pytest.mark.timeout(180)


def test_a_day_with_a_thousand_cars(tmp_path: Path) -> None:
    with House(tmp_path, speed=1800) as house:
        report = house.live(house.town(hours=24, seed=7))
        assert report.balanced, report.differences[:10]
        assert report.cars >= 1_000
        assert report.left >= 800
        assert not any('"level": "error"' in line for line in house.log().splitlines()), _errors(house)


def test_a_bad_day(tmp_path: Path) -> None:
    """Everything that goes wrong with devices goes wrong, and the books agree all the same."""
    faults = Faults.parse(
        ["retransmit-forever=0.5", "lost-ack", "duplicate", "clock-skew", "misread", "unread", "barrier-cut"]
    )
    with House(tmp_path, speed=600) as house:
        report = house.live(house.town(hours=3, seed=11, load=1.0), faults=faults)
        assert report.balanced, report.differences[:10]


def _errors(house: House) -> str:
    return "\n".join(line for line in house.log().splitlines() if '"level": "error"' in line)[:2000]
