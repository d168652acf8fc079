"""Killed at random instants, nothing is lost or doubled (the long run is `make soak`)."""

import random
from pathlib import Path

import pytest

from tests.e2e.kills import KILLS_LEAST, live_through_kills


def test_nothing_is_lost_or_doubled_when_the_server_is_killed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    with capsys.disabled():
        print(f"\nkill test seed {seed}")
    report, kills, _ = live_through_kills(tmp_path, seed=seed, minutes=0.4, every_s=(1.0, 4.0))
    assert kills >= KILLS_LEAST
    assert report.cars > 20
    assert report.balanced, (seed, report.differences[:10])
