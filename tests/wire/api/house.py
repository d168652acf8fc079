"""OpenBerth's HTTP edge in this process: a real server on a free port, a real SQLite file, a mall, and cars."""

import asyncio
import io
import itertools
import json
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import UUID

import httpx2
import uvicorn
from fastapi.dependencies import utils

from openberth.bootstrap import CHECKS
from openberth.contexts import insight, payments, stays, tenancy
from openberth.contexts.payments.model.channels import ChannelKind
from openberth.contexts.payments.ports import (
    Acknowledgement,
    ChannelMaker,
    ChannelOrder,
    ChannelSpec,
    ChannelState,
    ChannelUnreachable,
    OpenedOrder,
    OrderState,
    PaidNotice,
    Scene,
)
from openberth.contexts.payments.reactions import Channels, Desk
from openberth.contexts.stays.recognition import Direction, PlateColour, Recognition, Trigger
from openberth.contexts.tariffs.reactions import CalendarKeeper
from openberth.contexts.tenancy.ports import Texting
from openberth.contexts.tenancy.reactions import Entrance, Exporting, Refusals, audit_consumer
from openberth.entrypoints.web import build_app
from openberth.infra.blobs import FolderBlobs
from openberth.infra.buckets import MemoryBuckets
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database
from openberth.infra.ids import IdSource
from openberth.infra.jobs import JobRunner
from openberth.infra.key_keeping import KeyKeeper
from openberth.infra.outbox import ConsumerRunner, Tail
from openberth.infra.paper import Press
from openberth.infra.passwords import Hashing
from openberth.infra.settings import Settings
from openberth.infra.telemetry import Health
from openberth.kernel.authority import Actor, ActorKind, Caller, Scope, system
from openberth.kernel.errors import Malformed, Refused, Unknown
from openberth.kernel.money import Money
from openberth.kernel.time import MINUTE_US, Instant
from openberth.providers.days import LibraryDays
from openberth.providers.sms import AliyunSms
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).parents[3]
TOKEN = "operator-token-of-the-tests-0123456789"
# Time stands still in tests, so no bucket is ever filled again.
UNLIMITED = {
    f"{each}_per_minute": 10_000_000 for each in ("address", "account", "device", "wrong_tokens")
}  # fmt: skip
CAR, OTHER_CAR = "粤B12345", "粤B67890"


def _remember_parameters() -> None:
    """Let a process analyse each parameter of a route once: hundreds of tests build the same application anew."""
    analyse = utils.analyze_param
    known: dict[tuple[object, ...], tuple[Any, tuple[Any, Any]]] = {}

    def remembered(*, param_name: str, annotation: Any, value: Any, path_param_names: set[str]) -> Any:
        key = (param_name, id(annotation), id(value), param_name in path_param_names)
        if key not in known:  # what is named by its identity is kept, so that nothing else takes its place
            found = analyse(
                param_name=param_name, annotation=annotation, value=value, path_param_names=path_param_names
            )  # fmt: skip
            known[key] = (found, (annotation, value))
        return known[key][0]

    utils.analyze_param = remembered


_remember_parameters()


class FakeChannel:
    """A channel that opens every order at once and believes notices that say they are genuine; its own maker, too."""

    name = "sandpay"
    scenes = frozenset((Scene.CODE, Scene.PAGE))
    pages = "https://pay.example"

    def __init__(self) -> None:
        self.orders: dict[str, ChannelOrder] = {}
        self.silent = False
        self.paths: list[str] = []
        self.specs: list[ChannelSpec] = []

    async def open(self, order: ChannelOrder) -> OpenedOrder:
        if self.silent:
            raise ChannelUnreachable("channel.unreachable", channel=self.name)
        self.orders[order.number] = order
        return OpenedOrder(pay_url=f"{self.pages}/{order.number}")

    async def query(self, number: str) -> ChannelState:
        return ChannelState(number=number, state=OrderState.OPEN)

    async def close(self, number: str) -> ChannelState:
        return ChannelState(number=number, state=OrderState.CLOSED)

    def read_notification(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> PaidNotice:
        self.paths.append(path)
        if headers.get("sandpay-signature") != "genuine":
            raise Unknown("channel.bad_signature", channel=self.name)
        told = json.loads(body)
        return PaidNotice(
            number=told["number"], transaction=told["transaction"], paid=Money(told["minor"], "CNY"), paid_at=Instant(0)
        )

    def acknowledgement(self) -> Acknowledgement:
        return Acknowledgement(200, "application/json", b'{"code":"SUCCESS"}')

    async def aclose(self) -> None:
        return None

    def check(self, params: Mapping[str, Any], secrets: Mapping[str, str], *, production: bool) -> None:
        if "merchant" not in params:
            raise Malformed("channel.setting", setting="merchant", reason="missing")

    def make(self, spec: ChannelSpec) -> "FakeChannel":
        self.specs.append(spec)
        return self


class FakeVouching:
    """A platform whose codes say themselves whom they stand for."""

    app = "app"

    async def openid_of(self, code: str) -> str:
        return f"{self.app}:{code}"

    async def phone_of(self, code: str) -> str:
        if not code.isdigit():
            raise Unknown("wechat.code")
        return f"+86{code}"


class FakeTexting:
    """A network that brings every code; phones that begin with 199 it does not know."""

    def __init__(self) -> None:
        self.codes: dict[str, str] = {}

    async def send_code(self, phone: str, code: str) -> None:
        if phone.startswith("+86199"):
            raise Refused("sms.number")
        self.codes[phone.removeprefix("+86")] = code


@dataclass
class House:
    """The parts of the application, the server in a thread of its own, and what tests do with them."""

    database: Database
    business: ManualClock
    machine: ManualClock
    folder: Path
    log: io.StringIO
    channel: FakeChannel = field(default_factory=FakeChannel)
    vouching: FakeVouching = field(default_factory=FakeVouching)
    makers: Mapping[ChannelKind, ChannelMaker] = field(default_factory=dict)  # of channels that are real ones
    settings: Settings = field(init=False)
    health: Health = field(default_factory=Health)
    changes: dict[str, Any] = field(default_factory=dict)  # of settings
    texting: Texting | None = field(default_factory=FakeTexting)

    def __post_init__(self) -> None:
        self.settings = Settings(
            data=self.folder, keys=self.folder / "keys.json", language="en", **({"limits": UNLIMITED} | self.changes)
        )
        # asyncio sends small segments at once only where the socket says that it is TCP; else each answer takes 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.tail = Tail(self.database)
        makers: dict[ChannelKind, ChannelMaker] = dict.fromkeys(ChannelKind, self.channel)
        self.channels = Channels(self.database, makers | dict(self.makers), public_base=self.url, production=False)
        desk = Desk(self.database, self.channels, CHECKS)
        self.cashier = desk.cashier
        self.calendars = CalendarKeeper(self.database, LibraryDays())
        self.buckets = MemoryBuckets(self.machine)
        self.entrance = Entrance.of(
            self.database, hashing=Hashing(memory_kib=64, passes=1), buckets=self.buckets, vouching=self.vouching,
            texting=self.texting,
            wrong_tokens_per_minute=self.settings.limits.wrong_tokens_per_minute,
            fresh_minutes=self.settings.accounts.fresh_minutes,
        )  # fmt: skip
        self.refusals = Refusals(self.database)
        self.jobs = JobRunner(self.database, owner="test")
        if self.makers:  # a channel that only pretends has nothing to be asked
            desk.register(self.jobs)
        self.key_keeper = KeyKeeper(self.database)
        self.key_keeper.register(self.jobs)
        stays.Repricing(self.database).register(self.jobs)
        insight.Rebuilding(self.database).register(self.jobs)
        self.blobs = FolderBlobs(self.folder / "pictures")
        self.press = Press()
        self.exporting = Exporting(self.database, self.blobs)
        self.exporting.register(self.jobs)
        self.tabling = insight.Tabling(self.database, self.blobs)
        self.tabling.register(self.jobs)
        self.ids = IdSource(self.machine)
        self._records = itertools.count(1)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self.app = build_app(self)
        self._server = uvicorn.Server(
            uvicorn.Config(
                self.app,
                log_config=None,
                lifespan="off",
                access_log=False,
                ws_ping_interval=None,
                timeout_keep_alive=75,
            )
        )
        self.clients: list[httpx2.Client] = []

    def __enter__(self) -> "House":
        self.database.write_now(
            lambda unit: tenancy.remember_operator_token(unit, token=TOKEN, name="operator"), by=system("test")
        )
        contract = self.database.write_now(
            partial(
                payments.ensure_platform_account, kind=ChannelKind.SANDPAY, name="settings",
                params={"merchant": "openberth"}, secrets={"merchant_key": "a key of the tests"},
            ),
            by=system("test"),
        )  # fmt: skip
        self.hook = f"/hooks/sandpay/{contract.id}"
        self._thread.start()
        assert self._ready.wait(PATIENCE_S)
        self.operator = self.client({"authorization": f"Bearer {TOKEN}"})
        self.stranger = self.client({})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.press.close()
        for client in self.clients:
            client.close()
        self._server.should_exit = True
        self._thread.join(PATIENCE_S)
        self._socket.close()

    def client(self, headers: dict[str, str]) -> httpx2.Client:
        made = httpx2.Client(base_url=self.url, headers=headers, trust_env=False, timeout=PATIENCE_S)
        self.clients.append(made)
        return made

    async def _serve(self) -> None:
        self.tail.watch(self.entrance.watch)
        await self.tail.start()
        await self.entrance.keys.start()
        work = [asyncio.create_task(self.tail.run()), asyncio.create_task(self.jobs.run())]
        work += [
            asyncio.create_task(ConsumerRunner(self.database, self.tail, wanted).run())
            for wanted in (*stays.consumers(), *insight.consumers(), audit_consumer())
        ]
        serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.005)
        self._ready.set()
        await serving
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        await self.channels.aclose()
        texting = self.entrance.reception._texting
        if isinstance(texting, AliyunSms):  # a test put a real one in the place of the one that pretends
            await texting.aclose()

    # what happens

    def put_file(self, path: str, file: str) -> httpx2.Response:
        return self.operator.put(path, content=(ROOT / file).read_bytes())

    def open_mall(self) -> None:
        """Apply the mall and its tariffs over the API."""
        for code in ("mall", "vip"):
            assert self.put_file(f"/v1/tariffs/{code}", f"tariffs/{code}.yaml").status_code == 201
        assert self.put_file("/v1/lots/mall", "lots/mall.yaml").status_code == 201

    def look_around(self) -> None:
        """Learn ids and codes of the mall."""
        self.lot = self.get("/v1/lots/mall")
        self.lanes = {lane["code"]: lane for lane in self.lot["lanes"]}

    def get(self, path: str, **params: Any) -> Any:
        answer = self.operator.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: object, key: str | None = None) -> httpx2.Response:
        return self.operator.post(path, json=body, headers={"idempotency-key": key} if key else {})

    def pass_minutes(self, minutes: int) -> None:
        self.business.advance(minutes * MINUTE_US)
        self.machine.advance(minutes * MINUTE_US)

    def arrive(self, lane: str, plate: str | None, **changes: Any) -> stays.LaneAnswer:
        lot = UUID(self.lot["id"])
        device = next(each for each in self.lot["devices"] if each["code"] == f"cam-{lane}")
        values: dict[str, Any] = {
            "source_id": f"{next(self._records)}", "plate_text": plate, "other_plates": (), "colour": PlateColour.BLUE,
            "plate_kind": None, "confidence": 96, "direction": Direction.DOWN, "trigger": Trigger.VIDEO,
            "captured_at": self.business.now(), "offline": False, "opened_by_camera": False, "pictures": (),
            "flaws": (),
        }  # fmt: skip
        company = self.database.read_now(lambda reader: tenancy.company_by_code(reader, code="demo").id, by=system("t"))
        use_case = partial(
            stays.recognise, lot=lot, lane=UUID(self.lanes[lane]["id"]), device=UUID(device["id"]),
            passage=self.ids.new_id(), recognition=Recognition(**(values | changes)),
        )  # fmt: skip
        by = Caller(Actor(ActorKind.DEVICE, f"cam-{lane}", "127.0.0.1"), Scope(company, (lot,)))
        return self.database.write_now(use_case, by=by)

    def waiting(self, lane: str) -> Any:
        return self.get(f"/v1/lots/mall/lanes/{lane}")["waiting"]

    def code(self, lane: str | None = None) -> str:
        """Return the address behind the sign of a lane, or of the lot."""
        return "/c/" + str(self.lot["scan_code"] if lane is None else self.lanes[lane]["scan_code"])

    def notify(self, number: str, minor: int, transaction: str = "t-1") -> httpx2.Response:
        """Tell that an order was paid, as its channel does."""
        body = {"number": number, "transaction": transaction, "minor": minor}
        headers = {"sandpay-signature": "genuine"}
        return self.stranger.post(f"{self.hook}?lot=%6Dall", json=body, headers=headers)
