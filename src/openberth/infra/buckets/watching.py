"""The alarm that stands while this process counts alone because its cache is away."""

import asyncio
from functools import partial

import structlog

from openberth.infra import alarms
from openberth.infra.alarms import Trouble
from openberth.infra.buckets.rules import Buckets
from openberth.infra.buckets.shared import SharedBuckets
from openberth.infra.database import Database, Unit, Urgency
from openberth.kernel.authority import system
from openberth.kernel.errors import Overloaded

KIND = "cache_away"
AGAIN_S = 5.0

log = structlog.get_logger()


class CacheWatch:
    """Tells the alarm list whether the cache of this process (``node``) answers."""

    def __init__(self, database: Database, buckets: Buckets, node: str) -> None:
        self._database = database
        self._buckets = buckets if isinstance(buckets, SharedBuckets) else None
        self._node = node
        self._by = system("cache")
        self._changed = asyncio.Event()
        if self._buckets is not None:
            self._buckets.told = lambda _away: self._changed.set()

    async def run(self) -> None:
        """Write what changes until cancelled, and once at the start what an earlier process may have left behind."""
        while True:
            try:
                await self._tell()
            except Overloaded as problem:
                log.warning("cache.alarm_waits", code=problem.code)
                await asyncio.sleep(AGAIN_S)
                continue
            await self._changed.wait()

    async def _tell(self) -> None:
        self._changed.clear()
        away = self._buckets is not None and self._buckets.is_away
        write = partial(_stand if away else _over, node=self._node)
        await self._database.write(write, by=self._by, urgency=Urgency.BACKGROUND)


def _stand(unit: Unit, *, node: str) -> None:
    alarms.stand(unit, company=alarms.PLATFORM, trouble=Trouble(KIND, node, {"node": node}))


def _over(unit: Unit, *, node: str) -> None:
    alarms.over(unit, company=alarms.PLATFORM, kind=KIND, subject=node)
