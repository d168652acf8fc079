"""`make soak`: towns with kills and faults, one after the other, until the time is over. Prints every seed."""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.e2e.kills import live_through_kills

ROUND_MINUTES = 1.5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(1_000_000)
    until = time.monotonic() + given.minutes * 60
    passed = failed = 0
    while passed + failed == 0 or time.monotonic() < until:
        minutes = min(ROUND_MINUTES, max(0.4, (until - time.monotonic()) / 60))
        with tempfile.TemporaryDirectory(prefix="openberth-soak-") as folder:
            report, kills, _ = live_through_kills(Path(folder), seed=seed, minutes=minutes, every_s=(3.0, 12.0))
        word = "balanced" if report.balanced else "NOT BALANCED"
        print(f"seed {seed}: {report.cars} cars, {report.left} left, {kills} kills: {word}", flush=True)
        for difference in report.differences[:20]:
            print(f"  {difference}", flush=True)
        passed += report.balanced
        failed += not report.balanced
        seed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
