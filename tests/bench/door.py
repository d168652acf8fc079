"""Token check + permission + scope of one request, in CPU time; beside it what verifying the signature each time costs.

``python -m tests.bench.door`` alone, or as a part of ``make bench``.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from openberth.contexts import tenancy
from openberth.contexts.tenancy.model.accounts import AccountKind, Level
from openberth.contexts.tenancy.reactions import Entrance
from openberth.contexts.tenancy.service import accounts, grants, sessions
from openberth.contexts.tenancy.service.sessions import Device
from openberth.contexts.tenancy.store.sessions import Session
from openberth.infra.clocks import Clocks, SystemClock
from openberth.infra.database import Unit, open_database
from openberth.infra.database.migrating import migrate
from openberth.infra.http.auth import may
from openberth.infra.keys import KeyRing
from openberth.infra.passwords import Hashing
from openberth.infra.permitting import require
from openberth.infra.sealing import RingSealer
from openberth.kernel.authority import system
from openberth.kernel.ids import Id

GOAL_US = 100
BY = system("bench")


def _signed_in(unit: Unit) -> Session:
    company = tenancy.ensure_company(unit, code="demo").id
    made = accounts.make_account(
        unit, kind=AccountKind.PERSON, login="guard", name="guard", company=company, password=None
    )
    for number in range(3):
        lot = Id(int=0x10 + number)
        grants.give(unit, account=made.id, role="guard", level=Level.LOT, node=lot, company=company)
    return sessions.begin(unit, account=made, how="password", device=Device("bench", None), refresh="x" * 64)


async def _cpu_us(work: Callable[[], Awaitable[object]], times: int) -> float:
    begun = time.process_time()
    for _ in range(times):
        await work()
    return (time.process_time() - begun) / times * 1e6


async def _measure(folder: Path) -> tuple[float, float]:
    url = f"sqlite:///{folder / 'bench.db'}"
    migrate(url)
    clock = SystemClock()
    database = open_database(url, Clocks(clock, clock), RingSealer(KeyRing.fresh()), node="bench")
    try:
        entrance = Entrance.of(database, hashing=Hashing())
        await entrance.keys.start()
        token, _ = await entrance.keys.issue(await database.write(_signed_in, by=BY))
        permission = may("lane.open")

        async def request() -> None:
            by = await entrance.door.caller(token, "192.0.2.1")
            permission.check(by)
            require(by, "lane.open")
            assert by.scope.lots is not None
            assert by.scope.allows(by.scope.company, by.scope.lots[0])

        await request()
        known = min([await _cpu_us(request, 5_000) for _ in range(5)])
        verified = min([await _cpu_us(partial(entrance.keys.verified, token), 500) for _ in range(3)])
        return known, verified
    finally:
        database.close()


def door_us() -> tuple[float, float]:
    """Return CPU µs of a check, and of verifying the token's signature anew."""
    with tempfile.TemporaryDirectory(prefix="openberth-bench-") as folder:
        return asyncio.run(_measure(Path(folder)))


def line() -> str:
    """Return what the bench prints."""
    known, verified = door_us()
    return (
        f"Token check + permission + scope: {known:.1f} µs (goal ≤ {GOAL_US} µs), "
        f"{known / verified:.3f} × verifying the signature each time ({verified:.0f} µs)"
    )


if __name__ == "__main__":
    print(line())
