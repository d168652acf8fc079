"""The only composition root: settings in, running roles out.

``open_house`` builds everything in order and takes it down in reverse; ``House.run`` keeps the background work of the
process's roles going. Nothing else in the program constructs adapters.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy import make_url

from openberth import __version__
from openberth.contexts import facility, insight, payments, stays, tenancy
from openberth.contexts.facility.reactions import (
    CommandDispatcher,
    CommandSweeper,
    DeviceDirectory,
    Presence,
    Strays,
    end_unfinished,
)
from openberth.contexts.payments.model.channels import ChannelKind
from openberth.contexts.payments.ports import ChannelMaker
from openberth.contexts.payments.reactions import Cashier, Channels, Desk
from openberth.contexts.tariffs.reactions import CalendarKeeper
from openberth.contexts.tenancy.reactions import (
    Entrance,
    Exporting,
    HeadKeeper,
    Refusals,
    audit_consumer,
    drop_old_events,
    note_start,
)
from openberth.gateways.barriers.link import BarrierLink
from openberth.gateways.cameras.port import CameraPort
from openberth.infra import dedup, idempotency, nonces, vault
from openberth.infra.blobs import Blobs, FolderBlobs, PictureQueue, S3Blobs
from openberth.infra.buckets import Buckets, SharedBuckets, open_buckets
from openberth.infra.buckets.watching import CacheWatch
from openberth.infra.clocks import Clocks, ScaledClock, SystemClock
from openberth.infra.database import Database, Urgency, open_database, sole_owner
from openberth.infra.database.migrating import migrate
from openberth.infra.database.partitions import ensure_partitions
from openberth.infra.ids import IdSource
from openberth.infra.jobs import JobRunner, free_all
from openberth.infra.key_keeping import KeyKeeper
from openberth.infra.keys import read_keys, settle_keys
from openberth.infra.outbox import ConsumerRunner, Tail
from openberth.infra.paper import Press
from openberth.infra.passwords import Hashing
from openberth.infra.place import TOKEN_FILE
from openberth.infra.sealing import RingSealer
from openberth.infra.settings import Settings, texts_of
from openberth.infra.telemetry import Health
from openberth.kernel.authority import system
from openberth.kernel.errors import Overloaded, Problem, Refused
from openberth.kernel.time import Clock
from openberth.providers.alipay import AlipayMaker
from openberth.providers.days import LibraryDays
from openberth.providers.sandpay import SandpayMaker
from openberth.providers.wechat import Wechat
from openberth.providers.wechatpay import WechatPayMaker

OPERATOR = "operator"
HOUSEKEEPING_S = 600.0
PARTITION_S = 86_400.0  # months of history are prepared three ahead, so a day is often enough
CHECKS = (*payments.CHECKS, *stays.CHECKS)  # what has to agree, whoever has rows to compare
PURGES = (
    dedup.purge, idempotency.purge, nonces.purge, tenancy.purge_sessions, tenancy.purge_uses,
    facility.purge_old_secrets,
)  # fmt: skip
PURGE_PAGE = min(dedup.PURGE_MAX, idempotency.PURGE_MAX, tenancy.PURGE_MAX)
RESTART_FIRST_S, RESTART_LAST_S = 0.5, 30.0

log = structlog.get_logger()


@dataclass(slots=True)
class House:
    """Everything a running process consists of."""

    settings: Settings
    clocks: Clocks
    database: Database
    tail: Tail
    jobs: JobRunner
    desk: Desk
    calendars: CalendarKeeper
    old_pictures: stays.PictureRetention
    entrance: Entrance
    exporting: Exporting
    blobs: Blobs
    pictures: PictureQueue
    press: Press
    directory: DeviceDirectory
    presence: Presence
    dispatcher: CommandDispatcher
    cameras: CameraPort
    barriers: BarrierLink
    strays: Strays
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
        await self.directory.reload()
        self.tail.watch(self.directory.watch)
        self.tail.watch(self.dispatcher.watch)
        self.tail.watch(self.entrance.watch)
        await self.entrance.keys.start()
        if self.database.kind == "sqlite":
            # One process holds every connection here, so whatever was sent before this start has nobody to report it.
            await end_unfinished(self.database)
            # And whoever had claimed a job is gone: a driver at a gate does not wait until its lease runs out.
            await self.database.write(free_all, by=system("start"))
        await self.dispatcher.start()
        await self.calendars.start()
        await self.old_pictures.start()

    async def run(self) -> None:
        """Keep the background work of the roles going until cancelled."""
        roles = self.settings.roles
        await note_start(
            self.database, process=f"{node_name()}/{'+'.join(sorted(roles))}", settings=texts_of(self.settings),
            program=__version__, data=self.settings.data,
        )  # fmt: skip
        work: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("tail", self.tail.run),
            ("keys", self.entrance.keys.run),
            ("cache", CacheWatch(self.database, self.buckets, node_name()).run),
            ("vault", self.key_keeper.run),
        ]
        if "devices" in roles:
            work += [("presence", self.presence.run), ("devices", self.directory.run), ("strays", self.strays.run)]
        if "api" in roles or "devices" in roles:
            work.append(("refusals", self.refusals.run))
        if "worker" in roles:
            self.key_keeper.work()
            work += [("jobs", self.jobs.run), ("housekeeping", self._housekeeping)]
            work += [("commands", CommandSweeper(self.database).run)]
            heads = self.settings.audit.heads_folder
            if heads is not None:
                work.append(("heads", HeadKeeper(self.database, heads, node=node_name()).run))
            for wanted in (*stays.consumers(), *insight.consumers(), audit_consumer()):
                work.append((wanted.name, ConsumerRunner(self.database, self.tail, wanted).run))
        async with asyncio.TaskGroup() as group:
            for name, coroutine in work:
                group.create_task(_forever(name, coroutine), name=name)

    async def _housekeeping(self) -> None:
        by = system("housekeeping")
        partitioned_at: float | None = None
        while True:
            now = asyncio.get_running_loop().time()
            if partitioned_at is None or now - partitioned_at > PARTITION_S:
                await asyncio.to_thread(ensure_partitions, self.database)
                await asyncio.to_thread(drop_old_events, self.database)
                partitioned_at = now
            purged = [await self.database.write(purge, by=by, urgency=Urgency.BACKGROUND) for purge in PURGES]
            # A full page means that there is more; small units leave room for the lanes.
            await asyncio.sleep(0.05 if max(purged) >= PURGE_PAGE else HOUSEKEEPING_S)


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncIterator[House]:
    """Open the database, make what is missing at the first start, and put the parts together."""
    async with AsyncExitStack() as stack:
        clocks = clocks_of(settings)
        database = stack.enter_context(opened_database(settings, clocks))
        tail = Tail(database)
        blobs = _blobs(settings)
        pictures = PictureQueue(blobs)
        pictures.start()
        stack.callback(pictures.close)
        press = Press()
        stack.callback(press.close)
        _settle_sandpay(settings, database)
        channels = Channels(
            database, _makers(settings, clocks.machine), public_base=settings.public_base, production=not settings.demo
        )
        stack.push_async_callback(channels.aclose)
        desk = Desk(database, channels, CHECKS)
        jobs = JobRunner(database, owner=node_name())
        desk.register(jobs)
        stays.Repricing(database).register(jobs)
        insight.Rebuilding(database).register(jobs)
        exporting = Exporting(database, blobs)
        exporting.register(jobs)
        old_pictures = stays.PictureRetention(database, blobs)
        old_pictures.register(jobs)
        key_keeper = KeyKeeper(database, node=node_name())
        key_keeper.register(jobs)
        stack.push_async_callback(key_keeper.leave)
        calendars = CalendarKeeper(database, LibraryDays())
        calendars.register(jobs)
        vouching = _vouching(settings, clocks.machine)
        if vouching is not None:
            stack.push_async_callback(vouching.aclose)
        buckets = open_buckets(settings.cache_url, clocks.machine)
        if isinstance(buckets, SharedBuckets):
            stack.push_async_callback(buckets.aclose)
        entrance = Entrance.of(
            database, hashing=Hashing(), buckets=buckets, algorithm=settings.accounts.algorithm,
            second_factor_for_administrators=settings.accounts.second_factor_for_administrators,
            wrong_tokens_per_minute=settings.limits.wrong_tokens_per_minute,
            fresh_minutes=settings.accounts.fresh_minutes, vouching=vouching,
        )  # fmt: skip
        directory, presence = DeviceDirectory(database), Presence(database)
        dispatcher = CommandDispatcher(database)
        refusals = Refusals(database)
        stack.push_async_callback(refusals.flush)
        strays = Strays(database, refusals.note)
        cameras = CameraPort(
            database=database, directory=directory, presence=presence, dispatcher=dispatcher, pictures=pictures,
            ids=IdSource(clocks.machine),
            buckets=buckets, per_minute=settings.limits.device_per_minute,
            strays=strays,
        )  # fmt: skip
        barriers = BarrierLink(
            database=database, directory=directory, presence=presence, dispatcher=dispatcher, strays=strays
        )
        house = House(
            settings, clocks, database, tail, jobs, desk, calendars, old_pictures, entrance, exporting,
            blobs, pictures, press, directory, presence, dispatcher, cameras, barriers, strays, refusals, buckets,
            key_keeper,
            _health(database, pictures), operator_token(settings, database),
        )  # fmt: skip
        await house.start()
        yield house


def clocks_of(settings: Settings) -> Clocks:
    """Return the clocks: business time runs fast only in a demo."""
    machine = SystemClock()
    clock = settings.clock
    if clock.anchor_business is None or clock.anchor_machine is None:
        if clock.speed == 1:
            return Clocks(machine, machine)
        now = machine.now()
        return Clocks(ScaledClock(now, now, clock.speed, machine), machine)
    return Clocks(ScaledClock(clock.anchor_business, clock.anchor_machine, clock.speed, machine), machine)


@contextmanager
def opened_database(settings: Settings, clocks: Clocks) -> Iterator[Database]:
    """Open the migrated database with its keys; a file database belongs to this process alone meanwhile.

    Raises ``Problem``: ``database.in_use``, ``database.unreachable``, ``vault.key_missing`` and their like.
    """
    with ExitStack() as stack:
        url = settings.database_url
        if url.startswith("sqlite"):
            path = Path(make_url(url).database or "")
            _make_folder(path.parent)
            stack.enter_context(sole_owner(path))
        _make_folder(settings.data)
        ring = read_keys(settings.keys, cipher=settings.vault.algorithm, now=clocks.machine.now())
        migrate(url)
        database = open_database(url, clocks, RingSealer(ring, path=settings.keys), node=node_name())
        stack.callback(database.close)
        settle_keys(settings.keys, ring, keys_in_use=database.read_now(vault.keys_in_use, by=system("start")))
        yield database


def operator_token(settings: Settings, database: Database) -> str:
    """Return the operator token, made at the first start and kept in a file that only its owner may read."""
    path = settings.data / TOKEN_FILE
    try:
        token = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        token = ""
    except OSError as error:
        raise Refused("token.unreadable", path=str(path), reason=str(error.strerror)) from error
    except UnicodeDecodeError as error:
        raise Refused("token.unreadable", path=str(path), reason="not a token") from error
    if not token:  # an empty file is what a copy or a full disk leaves; nobody's token is the empty one
        token = secrets.token_urlsafe(32)
        _keep_token(path, token)
    database.write_now(
        lambda unit: tenancy.remember_operator_token(unit, token=token, name=OPERATOR), by=system("start")
    )
    return token


def _keep_token(path: Path, token: str) -> None:
    """Write the token whole or not at all: whoever is killed here leaves no half one."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(token + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise Refused("settings.folder", path=str(path.parent), reason=str(error.strerror)) from error
    finally:
        temporary.unlink(missing_ok=True)


def node_name() -> str:
    """Return the name of this process's machine in the event log."""
    return socket.gethostname()[:40] or "node"


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Refused("settings.folder", path=str(path), reason=str(error.strerror)) from error


def _blobs(settings: Settings) -> Blobs:
    s3 = settings.s3
    if s3 is None:
        return FolderBlobs(settings.data / "pictures")
    return S3Blobs(
        endpoint=s3.endpoint, bucket=s3.bucket, access_key=s3.access_key.get_secret_value(),
        secret_key=s3.secret_key.get_secret_value(), region=s3.region, prefix=s3.prefix,
    )  # fmt: skip


def _makers(settings: Settings, machine: Clock) -> dict[ChannelKind, ChannelMaker]:
    """Return who makes the channels of each kind: the only place that names the adapters."""
    nonces = partial(secrets.token_hex, 16)
    return {
        ChannelKind.SANDPAY: SandpayMaker(machine, nonces),
        ChannelKind.WECHATPAY: WechatPayMaker(machine, nonces),
        ChannelKind.ALIPAY: AlipayMaker(machine),
    }


def _settle_sandpay(settings: Settings, database: Database) -> None:
    """Keep the platform's contract with the sandbox channel as the settings say."""
    sandpay = settings.sandpay
    if sandpay is None:
        return
    try:
        merchant_key, channel_key = sandpay.private_key_file.read_text(), sandpay.public_key_file.read_text()
    except OSError as error:
        raise Refused("channel.key_unreadable", path=str(error.filename), reason=str(error.strerror)) from error
    keep = partial(
        payments.ensure_platform_account, kind=ChannelKind.SANDPAY, name="settings",
        params={"url": sandpay.url, "merchant": sandpay.merchant, "channel_key": channel_key},
        secrets={"merchant_key": merchant_key},
    )  # fmt: skip
    database.write_now(keep, by=system("settings"))


def _vouching(settings: Settings, machine: Clock) -> Wechat | None:
    wechat = settings.wechat
    if wechat is None:
        return None
    return Wechat(
        base_url=wechat.url, appid=wechat.appid, secret=wechat.secret.get_secret_value(), clock=machine
    )  # fmt: skip


def _health(database: Database, pictures: PictureQueue) -> Health:
    health = Health()
    health.add("database", lambda: "queue.full" if database.waiting()["lane"] > 1_000 else database.trouble())
    health.add("pictures", lambda: "pictures.full" if pictures.waiting > 1_000 else None)
    return health


async def _forever(name: str, coroutine: Callable[[], Awaitable[None]]) -> None:
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
