"""Work that goes on for ever: kept going, and the housekeeping of every context in small pages."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from openberth.contexts import facility, tenancy
from openberth.contexts.tenancy.reactions import drop_old_events
from openberth.infra import dedup, idempotency, nonces
from openberth.infra.database import Database, Urgency
from openberth.infra.database.partitions import ensure_partitions
from openberth.kernel.authority import system
from openberth.kernel.errors import Overloaded, Problem

HOUSEKEEPING_S = 600.0
PARTITION_S = 86_400.0  # months of history are prepared three ahead, so a day is often enough
PURGES = (
    dedup.purge, idempotency.purge, nonces.purge, tenancy.purge_sessions, tenancy.purge_uses,
    tenancy.purge_phone_codes, facility.purge_old_secrets, facility.purge_waiting,
    facility.purge_texts, facility.purge_adverts, facility.purge_ended_alarms, facility.purge_sensor_reports,
)  # fmt: skip
PURGE_PAGE = min(dedup.PURGE_MAX, idempotency.PURGE_MAX, tenancy.PURGE_MAX)
RESTART_FIRST_S, RESTART_LAST_S = 0.5, 30.0

log = structlog.get_logger()


async def keep_house(database: Database) -> None:
    """Prepare partitions, drop what is too old and purge what has served, until cancelled."""
    by = system("housekeeping")
    partitioned_at: float | None = None
    while True:
        now = asyncio.get_running_loop().time()
        if partitioned_at is None or now - partitioned_at > PARTITION_S:
            await asyncio.to_thread(ensure_partitions, database)
            await asyncio.to_thread(drop_old_events, database)
            partitioned_at = now
        purged = [await database.write(purge, by=by, urgency=Urgency.BACKGROUND) for purge in PURGES]
        # A full page means that there is more; small units leave room for the lanes.
        await asyncio.sleep(0.05 if max(purged) >= PURGE_PAGE else HOUSEKEEPING_S)


async def forever(name: str, coroutine: Callable[[], Awaitable[None]]) -> None:
    """Run background work for ever: a failure is logged and the work begins again after a growing pause."""
    pause = RESTART_FIRST_S
    while True:
        started = asyncio.get_running_loop().time()
        try:
            await coroutine()
            raise AssertionError(f"{name} ended by itself")
        except asyncio.CancelledError:
            raise
        except Overloaded as problem:
            log.warning("work.waiting", work=name, code=problem.code)
        except (Problem, Exception):
            log.exception("work.failed", work=name)
        if asyncio.get_running_loop().time() - started > RESTART_LAST_S:
            pause = RESTART_FIRST_S
        await asyncio.sleep(pause)
        pause = min(pause * 2, RESTART_LAST_S)
