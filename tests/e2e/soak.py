"""`make soak`: towns with kills and faults, one after the other, until the time is over. Prints every seed.

With ``--payments`` it is a storm of so many payments instead: on SQLite, and on every server that a variable names.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.e2e.kills import live_through_kills
from tests.e2e.storm import brave, full
from tests.service.databases import VARIABLES, ServerBase

ROUND_MINUTES = 1.5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--payments", type=int, default=None)
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(1_000_000)
    return towns(seed, given.minutes) if given.payments is None else storms(seed, given.payments)


def towns(seed: int, minutes: float) -> int:
    """Run towns for so many minutes; return the exit status."""
    until = time.monotonic() + minutes * 60
    passed = failed = 0
    while passed + failed == 0 or time.monotonic() < until:
        this = min(ROUND_MINUTES, max(0.4, (until - time.monotonic()) / 60))
        with tempfile.TemporaryDirectory(prefix="openberth-soak-") as folder:
            report, kills, _ = live_through_kills(Path(folder), seed=seed, minutes=this, every_s=(3.0, 12.0))
        word = "balanced" if report.balanced else "NOT BALANCED"
        print(f"seed {seed}: {report.cars} cars, {report.left} left, {kills} kills: {word}", flush=True)
        for difference in report.differences[:20]:
            print(f"  {difference}", flush=True)
        passed += report.balanced
        failed += not report.balanced
        seed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def storms(seed: int, payments: int) -> int:
    """Run a storm on every database there is; return the exit status."""
    failed = 0
    for kind in ("sqlite", *(kind for kind, variable in VARIABLES.items() if os.environ.get(variable))):
        print(f"{kind}: seed {seed}", flush=True)
        base = None if kind == "sqlite" else ServerBase(kind)
        database = None if base is None else base.url
        try:
            with tempfile.TemporaryDirectory(prefix="openberth-storm-") as folder:
                report = brave(Path(folder), seed=seed, size=full(payments), database=database)
        finally:
            if base is not None:
                base.close()
        print("\n".join(report.lines()), flush=True)
        failed += bool(report.findings.wrongs)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
