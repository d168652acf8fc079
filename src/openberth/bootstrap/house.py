"""Everything a running process consists of, put together in order and taken down in reverse."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from openberth import __version__
from openberth.bootstrap.background import forever, keep_house
from openberth.bootstrap.devices import DeviceRoom, Work
from openberth.bootstrap.outside import channel_makers, settle_sandpay, texting, vouching
from openberth.bootstrap.storage import clocks_of, node_name, opened_blobs, opened_database, operator_token
from openberth.contexts import insight, payments, stays
from openberth.contexts.facility.reactions import end_unfinished
from openberth.contexts.payments.reactions import Cashier, Channels, Desk
from openberth.contexts.tariffs.reactions import CalendarKeeper
from openberth.contexts.tenancy.reactions import Entrance, Exporting, HeadKeeper, Refusals, audit_consumer, note_start
from openberth.infra.blobs import Blobs, PictureQueue
from openberth.infra.buckets import Buckets, SharedBuckets, open_buckets
from openberth.infra.buckets.watching import CacheWatch
from openberth.infra.clocks import Clocks
from openberth.infra.database import Database
from openberth.infra.jobs import JobRunner, free_all
from openberth.infra.key_keeping import KeyKeeper
from openberth.infra.outbox import ConsumerRunner, Tail
from openberth.infra.paper import Press
from openberth.infra.passwords import Hashing
from openberth.infra.settings import Settings, texts_of
from openberth.infra.telemetry import Health
from openberth.kernel.authority import system
from openberth.kernel.time import Clock
from openberth.providers.days import LibraryDays

CHECKS = (*payments.CHECKS, *stays.CHECKS)  # what has to agree, whoever has rows to compare

Planned = CalendarKeeper | stays.PictureRetention | stays.Nights | stays.Comparing


@dataclass(slots=True)
class House:
    """The parts of a process. ``open_house`` makes it."""

    settings: Settings
    clocks: Clocks
    database: Database
    tail: Tail
    jobs: JobRunner
    desk: Desk
    calendars: CalendarKeeper
    planned: tuple[Planned, ...]
    entrance: Entrance
    exporting: Exporting
    tabling: insight.Tabling
    blobs: Blobs
    press: Press
    devices: DeviceRoom
    refusals: Refusals
    buckets: Buckets
    key_keeper: KeyKeeper
    health: Health
    operator_token: str

    @property
    def cashier(self) -> Cashier:
        """Who carries payments to their channels."""
        return self.desk.cashier

    @property
    def channels(self) -> Channels:
        """The channels of this process."""
        return self.desk.channels

    async def start(self) -> None:
        """Read what must be known before the first message is answered."""
        await self.desk.start()
        await self.key_keeper.look()  # before anything is sealed
        await self.tail.start()
        await self.devices.listen(self.tail)
        self.tail.watch(self.entrance.watch)
        await self.entrance.keys.start()
        if self.database.kind == "sqlite":
            # One process holds every connection here, so whatever was sent before this start has nobody to report it.
            await end_unfinished(self.database)
            # And whoever had claimed a job is gone: a driver at a gate does not wait until its lease runs out.
            await self.database.write(free_all, by=system("start"))
        await self.devices.start()
        for planned in self.planned:
            await planned.start()

    async def run(self) -> None:
        """Keep the background work of the roles going until cancelled."""
        roles = self.settings.roles
        await note_start(
            self.database, process=f"{node_name()}/{'+'.join(sorted(roles))}", settings=texts_of(self.settings),
            program=__version__, data=self.settings.data,
        )  # fmt: skip
        work: list[Work] = [
            ("tail", self.tail.run), ("keys", self.entrance.keys.run), ("vault", self.key_keeper.run),
            ("cache", CacheWatch(self.database, self.buckets, node_name()).run),
        ]  # fmt: skip
        if "devices" in roles:
            work += self.devices.work()
        if "api" in roles or "devices" in roles:
            work.append(("refusals", self.refusals.run))
        if "worker" in roles:
            self.key_keeper.work()
            work += self._of_a_worker()
        async with asyncio.TaskGroup() as group:
            for name, coroutine in work:
                group.create_task(forever(name, coroutine), name=name)

    def _of_a_worker(self) -> list[Work]:
        work: list[Work] = [("jobs", self.jobs.run), ("housekeeping", partial(keep_house, self.database))]
        work += self.devices.sweeping()
        heads = self.settings.audit.heads_folder
        if heads is not None:
            work.append(("heads", HeadKeeper(self.database, heads, node=node_name()).run))
        consumers = (*stays.consumers(), *insight.consumers(), audit_consumer())
        return work + [(one.name, ConsumerRunner(self.database, self.tail, one).run) for one in consumers]


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncIterator[House]:
    """Open the database, make what is missing at the first start, and put the parts together."""
    async with AsyncExitStack() as stack:
        clocks = clocks_of(settings)
        database = stack.enter_context(opened_database(settings, clocks))
        blobs = opened_blobs(settings)
        pictures = PictureQueue(blobs)
        pictures.start()
        stack.callback(pictures.close)
        press = Press()
        stack.callback(press.close)
        jobs = JobRunner(database, owner=node_name())
        settle_sandpay(settings, database)
        desk = _desk(settings, database, clocks.machine, stack)
        calendars = CalendarKeeper(database, LibraryDays())
        exporting, tabling = Exporting(database, blobs), insight.Tabling(database, blobs)
        planned = (
            calendars, stays.PictureRetention(database, blobs), stays.Nights(database), stays.Comparing(database)
        )  # fmt: skip
        key_keeper = KeyKeeper(database, node=node_name())
        stack.push_async_callback(key_keeper.leave)
        asked = (stays.Repricing(database), stays.LookAlikes(database), insight.Rebuilding(database))
        for worker in (desk, *asked, exporting, tabling, *planned, key_keeper):
            worker.register(jobs)
        buckets = open_buckets(settings.cache_url, clocks.machine)
        if isinstance(buckets, SharedBuckets):
            stack.push_async_callback(buckets.aclose)
        refusals = Refusals(database)
        stack.push_async_callback(refusals.flush)
        house = House(
            settings, clocks, database, Tail(database), jobs, desk, calendars, planned,
            _entrance(settings, database, buckets, clocks.machine, stack), exporting, tabling, blobs, press,
            DeviceRoom.open(settings, database, pictures, buckets, refusals, stack),
            refusals, buckets, key_keeper, health_of(database, pictures), operator_token(settings, database),
        )  # fmt: skip
        await house.start()
        yield house


def _desk(settings: Settings, database: Database, machine: Clock, stack: AsyncExitStack) -> Desk:
    """Return who takes payments through the channels."""
    channels = Channels(
        database, channel_makers(settings, machine), public_base=settings.public_base, production=not settings.demo
    )
    stack.push_async_callback(channels.aclose)
    return Desk(database, channels, CHECKS)


def _entrance(
    settings: Settings, database: Database, buckets: Buckets, machine: Clock, stack: AsyncExitStack
) -> Entrance:
    """Return who lets callers in."""
    return Entrance.of(
        database, hashing=Hashing(), buckets=buckets, algorithm=settings.accounts.algorithm,
        second_factor_for_administrators=settings.accounts.second_factor_for_administrators,
        wrong_tokens_per_minute=settings.limits.wrong_tokens_per_minute,
        fresh_minutes=settings.accounts.fresh_minutes,
        vouching=vouching(settings, machine, stack), texting=texting(settings, machine, stack),
        codes_per_day=settings.sms.codes_per_day if settings.sms else 0,
    )  # fmt: skip


def health_of(database: Database, pictures: PictureQueue) -> Health:
    """Return the checks of the process: what makes it unfit to be sent anybody."""
    health = Health()
    health.add("database", lambda: "queue.full" if database.waiting()["lane"] > 1_000 else database.trouble())
    health.add("pictures", lambda: "pictures.full" if pictures.waiting > 1_000 else None)
    return health
