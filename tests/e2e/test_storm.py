"""A storm of payments by two channels, small; the long one is `make soak PAYMENTS=10000`.

``OPENBERTH_TEST_STORM_SEED`` throws the dice of a run again.
"""

import os
import random
from pathlib import Path

import pytest

from tests.e2e.storm import SMALL, brave


def test_every_fen_is_accounted_for_after_a_storm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seed = int(os.environ.get("OPENBERTH_TEST_STORM_SEED", random.SystemRandom().randrange(1_000_000)))
    with capsys.disabled():
        print(f"\nstorm seed {seed}")
    report = brave(tmp_path, seed=seed, size=SMALL)
    assert report.findings.wrongs == [], report.lines()
    assert report.cars == SMALL.cars
    assert report.happened["server killed"] == 1
