"""Lots with what stands on them and who waits there, as the routes answer them."""

from collections.abc import Mapping
from typing import Any

from openberth.contexts import facility
from openberth.contexts.facility import DeviceKind, LaneKind, LotState, LotSummary
from openberth.contexts.stays.api.views import DueView, due_view
from openberth.contexts.stays.model.entities import (
    Ask,
)
from openberth.contexts.stays.service.queries import LaneNow, LotGround, LotNow, Waiting
from openberth.infra.catalogue import Language
from openberth.infra.http.answers import MaskedPlate, MoneyView, NameView, View, When, instant, instant_or_none, money
from openberth.kernel.ids import Id


class WaitingView(View):
    """The car that waits at a lane and what it is asked for. ``since`` is business time."""

    passage: Id
    plate: MaskedPlate | None
    ask: Ask
    since: When
    stay: Id | None
    bill: DueView | None


class AreaView(View):
    """An area with its three numbers, and what they come to."""

    code: str
    name: NameView
    inside: str | None
    capacity: int
    count: int
    adjustment: int
    occupied: int
    free: int
    spaces: int
    tariff: str


class BoothView(View):
    """A booth that watches lanes."""

    code: str
    name: NameView


class LaneView(View):
    """A lane; ``from`` and ``to`` are areas, null is the street. ``scan_code`` is on its sign. Until ``convoy_until``
    (machine time) it lets everybody through; null while it decides about every car.
    """

    id: Id
    code: str
    name: NameView
    kind: LaneKind
    from_area: str | None
    to_area: str | None
    booth: str | None
    scan_code: str
    convoy_until: When | None
    waiting: WaitingView | None


class DeviceView(View):
    """A device and when it was last heard (machine time)."""

    id: Id
    code: str
    kind: DeviceKind
    lane: str
    serial: str | None
    addresses: list[str]
    has_credentials: bool
    online: bool
    last_seen: When | None
    address: str | None
    clock_offset_us: int | None
    state: Mapping[str, Any] | None


class PositionView(View):
    """A place on earth (WGS-84) in whole units of 1e-7 degrees: 1139305000 is 113.9305 degrees."""

    longitude_e7: int
    latitude_e7: int


class LotView(View):
    """A lot. ``free`` is below zero when it is overfull."""

    id: Id
    code: str
    name: NameView
    zone: str
    currency: str
    tariff: str
    state: LotState
    scan_code: str
    capacity: int
    occupied: int
    free: int
    position: PositionView | None
    address: NameView | None


class LotDetailView(LotView):
    """A lot with what stands on it and who waits. A live time of a device that is further than ``device_skew_s`` from
    ours is replaced by ours.
    """

    areas: list[AreaView]
    booths: list[BoothView]
    lanes: list[LaneView]
    devices: list[DeviceView]
    device_skew_s: int


class RateView(View):
    """How many cars went through entries and exits in the last ``window_s`` seconds of machine time."""

    window_s: int
    entries: int
    exits: int


class OverviewLotView(LotDetailView):
    """A lot as it is at this moment. ``received_today`` counts from local midnight."""

    waiting: int
    exceptions_open: int
    received_today: MoneyView
    rate: RateView


class OverviewView(View):
    """All lots as they are at this moment."""

    business_now: When
    machine_now: When
    lots: list[OverviewLotView]


def waiting_view(waiting: Waiting | None, language: Language) -> WaitingView | None:
    """Return who waits at a lane."""
    if waiting is None:
        return None
    return WaitingView(
        passage=waiting.passage, plate=waiting.plate, ask=waiting.ask, since=instant(waiting.since), stay=waiting.stay,
        bill=due_view(waiting.bill, language) if waiting.bill else None,
    )  # fmt: skip


def lane_view(now: LaneNow, language: Language) -> LaneView:
    """Return a lane with who waits there."""
    lane = now.lane
    return LaneView(
        id=lane.id, code=lane.code, name=NameView(zh=lane.name_zh, en=lane.name_en), kind=lane.kind,
        from_area=lane.from_area, to_area=lane.to_area, booth=lane.booth, scan_code=lane.scan_code,
        convoy_until=instant_or_none(lane.convoy_until), waiting=waiting_view(now.waiting, language),
    )  # fmt: skip


def lot_view(lot: LotSummary) -> LotView:
    """Return a lot by itself."""
    return LotView(
        id=lot.id, code=lot.code, name=NameView(zh=lot.name_zh, en=lot.name_en), zone=lot.zone, currency=lot.currency,
        tariff=lot.tariff_code, state=lot.state, scan_code=lot.scan_code, capacity=lot.capacity, occupied=lot.occupied,
        free=lot.free,
        position=None
        if lot.position is None
        else PositionView(longitude_e7=lot.position.longitude, latitude_e7=lot.position.latitude),
        address=None if lot.address is None else NameView(zh=lot.address.zh, en=lot.address.en),
    )  # fmt: skip


def lot_detail_view(ground: LotGround, language: Language) -> LotDetailView:
    """Return a lot with what stands on it."""
    return LotDetailView(
        **dict(lot_view(ground.lot)), areas=[_area(each) for each in ground.areas if not each.retired or each.count],
        lanes=[lane_view(each, language) for each in ground.lanes], devices=[_device(each) for each in ground.devices],
        booths=[
            BoothView(code=each.code, name=NameView(zh=each.name_zh, en=each.name_en)) for each in ground.booths
        ],
        device_skew_s=ground.device_skew_s,
    )  # fmt: skip


def overview_lot_view(now: LotNow, language: Language, window_s: int) -> OverviewLotView:
    """Return a lot as it is at this moment."""
    return OverviewLotView(
        **dict(lot_detail_view(now.ground, language)),
        waiting=sum(each.waiting is not None for each in now.ground.lanes),
        exceptions_open=now.cases_open, received_today=money(now.received_today),
        rate=RateView(window_s=window_s, entries=now.entries, exits=now.exits),
    )  # fmt: skip


def _area(area: facility.AreaView) -> AreaView:
    return AreaView(
        code=area.code, name=NameView(zh=area.name_zh, en=area.name_en), inside=area.inside, capacity=area.capacity,
        count=area.count, adjustment=area.adjustment, occupied=area.occupied, free=area.free,
        spaces=area.spaces, tariff=area.tariff_code,
    )  # fmt: skip


def _device(device: facility.DeviceView) -> DeviceView:
    return DeviceView(
        id=device.id, code=device.code, kind=device.kind, lane=device.lane, serial=device.serial,
        addresses=list(device.networks), has_credentials=device.has_credentials, online=device.online,
        last_seen=instant_or_none(device.last_seen_at), address=device.address,
        clock_offset_us=device.clock_offset_us, state=device.state,
    )  # fmt: skip
