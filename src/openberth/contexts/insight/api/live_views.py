"""What the live page is answered, and how it is made of what the queries return."""

from collections.abc import Mapping
from datetime import date

from pydantic import Field

from openberth.contexts.facility import AreaNow, CommandKind, CommandState, LaneKind, LotState, Opening, Outcome
from openberth.contexts.insight.service.live import DayMoney, Live, LiveLanes, LiveLot
from openberth.contexts.stays import Action, Ask, CarAtLane, CaseKind, LiveLane, OpenCases, PassageState
from openberth.infra.catalogue import Language, text
from openberth.infra.clocks import Clocks
from openberth.infra.http.answers import MaskedPlate, MoneyView, NameView, View, When, instant, money
from openberth.kernel.ids import Id


class LiveAreaView(View):
    """An area with its numbers; ``inside`` is the code of the area around it."""

    id: Id
    code: str
    name: NameView
    inside: str | None
    capacity: int
    occupied: int
    free: int


class OpeningView(View):
    """A command to a gate: ``outcome`` is null until it has ended, ``detail`` says what it rests on."""

    id: Id
    kind: CommandKind
    state: CommandState
    outcome: Outcome | None
    detail: str | None


class LivePassageView(View):
    """The car that came last: ``reason`` as a code, ``decision`` in words. ``waiting``: it stands there since
    ``captured_at``, which is business time.
    """

    id: Id
    captured_at: When
    plate: MaskedPlate | None
    action: Action
    reason: str
    decision: str
    state: PassageState
    ask: Ask
    waiting: bool
    stay: Id | None
    bill: Id | None
    pictures: list[str]
    opening: OpeningView | None


class LiveLaneView(View):
    """A lane with the car that came last, null before the first one. ``lot`` is the id of its lot."""

    id: Id
    lot: Id
    code: str
    name: NameView
    kind: LaneKind
    passage: LivePassageView | None


class NewestCaseView(View):
    """The newest thing that needs a person. ``lane`` is the id of its lane."""

    id: Id
    kind: CaseKind
    text: str
    lane: Id | None
    raised_at: When


class LiveCasesView(View):
    """What needs a person."""

    open: int
    newest: NewestCaseView | None


class LiveMoneyView(View):
    """The money of the lot's own ``day`` in its currency; what came in other currencies stands apart."""

    day: date
    billed: MoneyView
    received: Mapping[str, MoneyView] = Field(description="by method")
    foreign: list[MoneyView]


class LiveDevicesView(View):
    """How many devices are heard, are silent, and were never heard."""

    online: int
    offline: int
    never_seen: int


class LiveLotView(View):
    """A lot as it is. A part that the caller may not read is null; so are lanes that are too many for one answer
    (``GET /v1/live?lot=`` has those of one lot).
    """

    id: Id
    company: Id
    code: str
    name: NameView
    zone: str
    currency: str
    state: LotState
    capacity: int
    occupied: int
    free: int
    areas: list[LiveAreaView]
    lanes: list[LiveLaneView] | None
    exceptions: LiveCasesView | None
    money: LiveMoneyView | None
    devices: LiveDevicesView | None
    alarms: int | None


class LiveView(View):
    """Lots as they are: everything up to ``position`` of the log is in it. Money is fed up to ``money_position``."""

    position: int
    money_position: int
    business_now: When
    machine_now: When
    lots: list[LiveLotView]


class LiveLanesView(View):
    """Lanes as they are: everything up to ``position`` of the log is in it."""

    position: int
    lanes: list[LiveLaneView]


def live_view(found: Live, clocks: Clocks, language: Language) -> LiveView:
    """Return a snapshot as it leaves."""
    return LiveView(
        position=found.position, money_position=found.money_position, business_now=instant(clocks.business.now()),
        machine_now=instant(clocks.machine.now()), lots=[_lot(each, language) for each in found.lots],
    )  # fmt: skip


def live_lanes_view(found: LiveLanes, language: Language) -> LiveLanesView:
    """Return lanes as they leave."""
    return LiveLanesView(position=found.position, lanes=[_lane(each, language) for each in found.lanes])


def _lot(now: LiveLot, language: Language) -> LiveLotView:
    lot, devices = now.lot, now.devices
    codes = {area.count.area: area.count.code for area in now.areas}
    return LiveLotView(
        id=lot.id, company=lot.company, code=lot.code, name=NameView(zh=lot.name_zh, en=lot.name_en), zone=lot.zone,
        currency=lot.currency, state=lot.state, capacity=lot.capacity, occupied=lot.occupied, free=lot.free,
        areas=[_area(each, codes) for each in now.areas],
        lanes=None if now.lanes is None else [_lane(each, language) for each in now.lanes],
        exceptions=None if now.cases is None else _cases(now.cases, language),
        money=None if now.money is None else _money(now.money),
        devices=None
        if devices is None
        else LiveDevicesView(online=devices.online, offline=devices.offline, never_seen=devices.never_seen),
        alarms=now.alarms,
    )  # fmt: skip


def _area(area: AreaNow, codes: Mapping[Id, str]) -> LiveAreaView:
    count = area.count
    return LiveAreaView(
        id=count.area, code=count.code, name=NameView(zh=area.name_zh, en=area.name_en),
        inside=None if area.inside is None else codes.get(area.inside), capacity=count.capacity,
        occupied=count.occupied, free=count.free,
    )  # fmt: skip


def _lane(now: LiveLane, language: Language) -> LiveLaneView:
    lane = now.lane
    return LiveLaneView(
        id=lane.id, lot=lane.lot, code=lane.code, name=NameView(zh=lane.name_zh, en=lane.name_en), kind=lane.kind,
        passage=None if now.car is None else _passage(now.car, language),
    )  # fmt: skip


def _passage(car: CarAtLane, language: Language) -> LivePassageView:
    return LivePassageView(
        id=car.passage, captured_at=instant(car.captured_at), plate=car.plate, action=car.action, reason=car.reason,
        decision=text(car.reason, language), state=car.state, ask=car.ask, waiting=car.waiting, stay=car.stay,
        bill=car.bill, pictures=[f"/v1/passages/{car.passage}/pictures/{number}" for number in range(car.pictures)],
        opening=None if car.opening is None else _opening(car.opening),
    )  # fmt: skip


def _opening(opening: Opening) -> OpeningView:
    return OpeningView(
        id=opening.id, kind=opening.kind, state=opening.state, outcome=opening.outcome, detail=opening.detail
    )


def _cases(cases: OpenCases, language: Language) -> LiveCasesView:
    newest = cases.newest
    if newest is None:
        return LiveCasesView(open=cases.count, newest=None)
    return LiveCasesView(
        open=cases.count,
        newest=NewestCaseView(
            id=newest.id, kind=newest.kind, text=text(f"case.{newest.kind}", language), lane=newest.lane_id,
            raised_at=instant(newest.raised_at),
        ),
    )  # fmt: skip


def _money(money_now: DayMoney) -> LiveMoneyView:
    return LiveMoneyView(
        day=money_now.day, billed=money(money_now.billed),
        received={method: money(amount) for method, amount in money_now.received.items()},
        foreign=[money(amount) for amount in money_now.foreign],
    )  # fmt: skip
