"""Lot files on a real database: applied twice, retired and back, cars in a retired area, scope, state, credentials."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from openberth.contexts import facility
from openberth.contexts.facility import CommandState, LotState
from openberth.contexts.facility.model import (
    Area,
    CapOrder,
    Device,
    DeviceKind,
    PermitWord,
    PlateColour,
    Pricing,
    ReliefPolicy,
    ReliefWord,
    TariffRule,
    VehicleRule,
)
from openberth.contexts.facility.service import lots as service
from openberth.contexts.facility.store import commands as command_store
from openberth.contexts.facility.store import lanes as lane_store
from openberth.infra import vault
from openberth.infra.database import Database, Query
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import Denied, NotFound, Refused
from openberth.kernel.ids import Id
from tests.service.acting import (
    COMPANY,
    OTHER_COMPANY,
    SYSTEM,
    events,
    ids_of,
    lot_file,
    mall,
    of_company,
    plan_of,
    read,
    write,
)


def apply(db: Database, lot: facility.Lot, company: Id = COMPANY) -> facility.Applied:
    return write(db, facility.apply_lot, company=company, lot=lot)


def count(db: Database, lot: Id, area: Id, cars: int) -> None:
    db.write_now(lambda unit: facility.count(unit, lot=lot, area=area, by=cars), by=SYSTEM)


def without(lot: facility.Lot, *codes: str) -> facility.Lot:
    """Return a lot without some of its things."""
    return replace(
        lot,
        areas=tuple(one for one in lot.areas if one.code not in codes),
        spaces=tuple(one for one in lot.spaces if one.area not in codes and one.code not in codes),
        lanes=tuple(one for one in lot.lanes if one.code not in codes),
        devices=tuple(one for one in lot.devices if one.code not in codes and one.lane not in codes),
    )


@pytest.mark.parametrize("name", ["mall", "community", "office"])
def test_applied_twice_changes_nothing(db: Database, name: str) -> None:
    lot = lot_file(name)
    first = apply(db, lot)
    assert first.changes.created
    again = apply(db, lot)
    assert not again.changes
    assert again.lot == first.lot
    assert not read(db, facility.lot_changes, company=COMPANY, lot=lot)
    (told,) = events(db, facility.LotApplied.KIND)
    assert (told.company, told.lot, told.key) == (COMPANY, first.lot, first.lot)
    assert told.body["code"] == name
    assert told.body["changes"]["device.added"] == len(lot.devices)


def test_what_is_applied_is_what_stands_there(db: Database) -> None:
    lot = mall(db)
    found = read(db, facility.lot_detail, lot=lot)
    assert (found.lot.code, found.lot.state, found.lot.occupied, found.lot.free) == ("mall", LotState.OPEN, 0, 400)
    assert [(area.code, area.inside, area.tariff_code, area.spaces) for area in found.areas] == [
        ("ground", None, "mall", 280),
        ("roof", None, "mall", 100),
        ("vip", "ground", "vip", 20),
    ]
    lanes = {lane.code: lane for lane in found.lanes}
    assert (lanes["in-1"].from_area, lanes["in-1"].to_area, lanes["in-1"].booth) == (None, "ground", "north")
    assert (lanes["vip-in"].from_area, lanes["vip-in"].to_area) == ("ground", "vip")
    devices = {device.code: device for device in found.devices}
    barrier = devices["bar-in-1"]
    assert (barrier.lane, barrier.serial, barrier.networks) == ("in-1", "mall-bar-in-1", ("127.0.0.0/8",))
    assert not barrier.online
    assert not barrier.has_credentials
    codes = [found.lot.scan_code, *(lane.scan_code for lane in found.lanes)]
    assert len(set(codes)) == len(codes)
    assert all(len(code) == 10 and set(code) <= set(service.SCAN_ALPHABET) for code in codes)
    context = read(db, facility.lane_context, lane=lanes["in-1"].id)
    assert (context.lot, context.to_area, context.duplicate_window_s) == (lot, ids_of(db, lot)["ground"], 10)
    assert read(db, facility.lane_by_scan_code, scan_code=lanes["in-1"].scan_code) == context
    by_sign = read(db, facility.lot_by_scan_code, scan_code=found.lot.scan_code)
    assert by_sign == found.lot == read(db, facility.lot_by_code, code="mall", company=COMPANY)
    assert read(db, facility.lots) == [found.lot]


def test_only_what_differs_is_changed(db: Database) -> None:
    lot = mall(db)
    before = read(db, facility.lot_detail, lot=lot)
    file = lot_file("mall")
    areas = tuple(replace(area, capacity=90) if area.code == "roof" else area for area in file.areas)
    rules = replace(file.rules, duplicate_window_s=20)
    changes = apply(db, replace(file, name_en="Harbour", rules=rules, areas=areas)).changes
    assert changes.lot_fields == ("name_en", "rules")
    assert [(one.action.value, one.code, one.fields) for one in changes.things] == [("changed", "roof", ("capacity",))]
    after = read(db, facility.lot_detail, lot=lot)
    assert after.lot == replace(before.lot, name_en="Harbour")
    assert after.rules.duplicate_window_s == 20
    assert [area.capacity for area in after.areas] == [300, 90, 20]
    assert after.lanes == before.lanes


def test_retired_and_back_keeps_ids_and_signs(db: Database) -> None:
    lot = mall(db)
    before = read(db, facility.lot_detail, lot=lot)
    file = lot_file("mall")
    gone = apply(db, without(file, "vip", "vip-in", "vip-out")).changes
    assert gone.counts() == {"area.retired": 1, "space.retired": 20, "lane.retired": 2, "device.retired": 2}
    there = read(db, facility.lot_detail, lot=lot)
    assert "vip-in" not in {lane.code for lane in there.lanes}
    assert [area.code for area in there.areas] == ["ground", "roof"]
    vip_in = next(lane for lane in before.lanes if lane.code == "vip-in")
    with pytest.raises(NotFound):
        read(db, facility.lane_context, lane=vip_in.id)
    assert read(db, facility.lane_by_scan_code, scan_code=vip_in.scan_code) is None
    back = apply(db, file).changes
    assert back.counts() == {"area.added": 1, "space.added": 20, "lane.added": 2, "device.added": 2}
    assert read(db, facility.lot_detail, lot=lot) == before


def test_a_retired_area_keeps_the_cars_in_it(db: Database) -> None:
    lot = mall(db)
    ids = ids_of(db, lot)
    count(db, lot, ids["vip"], 2)
    count(db, lot, ids["ground"], 5)
    apply(db, without(lot_file("mall"), "vip", "vip-in", "vip-out"))
    lane = read(db, facility.lane_context, lane=ids["in-1"])
    assert read(db, facility.free_spaces, lane=lane) == 400 - 7
    shown = {area.code: area for area in read(db, facility.lot_detail, lot=lot).areas}
    assert (shown["vip"].count, shown["vip"].free, shown["vip"].retired) == (2, 0, True)
    assert read(db, facility.pricing_of, lot=lot).tariff_of(ids["vip"]) == "vip"
    count(db, lot, ids["vip"], -2)
    assert [area.code for area in read(db, facility.occupancy, lot=lot)] == ["ground", "roof"]
    assert read(db, facility.free_spaces, lane=lane) == 400 - 5


def test_tariffs_hold_through_nested_areas(db: Database) -> None:
    file = lot_file("mall")
    areas = (
        *file.areas,
        Area("cellar", "地窖", "Cellar", 5, "vip"),
        Area("box", "箱", "Box", 1, "roof"),
    )
    lot = apply(db, replace(file, areas=areas)).lot
    pricing = read(db, facility.pricing_of, lot=lot)
    ids = ids_of(db, lot)
    assert {code: pricing.tariff_of(ids[code]) for code in ("ground", "roof", "box", "vip", "cellar")} == {
        "ground": "mall", "roof": "mall", "box": "mall", "vip": "vip", "cellar": "vip",
    }  # fmt: skip
    assert {code: pricing.depth(ids[code]) for code in ("ground", "box", "vip", "cellar")} == {
        "ground": 0, "box": 1, "vip": 1, "cellar": 2,
    }  # fmt: skip
    shown = {area.code: area.tariff_code for area in read(db, facility.lot_detail, lot=lot).areas}
    assert (shown["cellar"], shown["box"]) == ("vip", "mall")


def test_rules_about_tariffs_are_kept_and_changing_them_is_a_change(db: Database) -> None:
    file = lot_file("mall")
    green = TariffRule("green", VehicleRule(colours=(PlateColour.GREEN,), new_energy=True))
    staff = TariffRule("staff", permits=(PermitWord.INTERNAL,))
    policy = ReliefPolicy(2, ((ReliefWord.MINUTES, ReliefWord.AMOUNT),), (ReliefWord.AMOUNT,), 100)
    wanted = replace(
        file, pricing=Pricing((staff,), CapOrder.INNER_FIRST, policy),
        areas=(replace(file.areas[0], tariffs=(green,)), *file.areas[1:]),
    )  # fmt: skip
    lot = mall(db)
    changes = apply(db, wanted).changes
    assert (changes.lot_fields, [each.fields for each in changes.things]) == (("pricing",), [("tariffs",)])
    assert not apply(db, wanted).changes
    found, ground = read(db, facility.pricing_of, lot=lot), ids_of(db, lot)["ground"]
    assert found.pricing == wanted.pricing
    assert [(level.rules, level.tariff) for level in found.levels(ground)] == [((green,), None), ((staff,), "mall")]
    assert apply(db, file).changes
    assert read(db, facility.pricing_of, lot=lot).pricing == Pricing()


def test_a_lot_never_becomes_another_one(db: Database) -> None:
    mall(db)
    with pytest.raises(Refused) as refusal:
        apply(db, replace(lot_file("mall"), currency="EUR"))
    assert refusal.value.code == "lot.fixed"


def test_two_companies_may_use_one_code(db: Database) -> None:
    ours, theirs = mall(db), mall(db, OTHER_COMPANY)
    assert ours != theirs
    assert read(db, facility.lot_by_code, code="mall", company=COMPANY).id == ours
    assert read(db, facility.lot_by_code, by=of_company(OTHER_COMPANY), code="mall").id == theirs
    with pytest.raises(NotFound):
        read(db, facility.lot_by_code, code="mall")


def test_the_serial_of_another_companys_device_over_mqtt_is_refused(db: Database) -> None:
    networks = (ip_network("127.0.0.0/8"),)

    def lot(code: str, *, kind: DeviceKind = DeviceKind.GENERIC_MQTT, serial: str = "one") -> facility.Lot:
        device = Device("gen", kind, "in-2", networks, serial, None)
        return replace(lot_file("mall"), code=code, devices=(*lot_file("mall").devices, device))

    def apply_theirs(wanted: facility.Lot) -> None:
        by = of_company(OTHER_COMPANY)
        write(db, facility.apply_lot, by=by, company=OTHER_COMPANY, lot=wanted)

    apply(db, lot("first"))
    told: list[Callable[[facility.Lot], object]] = [apply_theirs]
    told.append(lambda wanted: read(db, service.lot_changes, company=OTHER_COMPANY, lot=wanted))
    for act in told:
        with pytest.raises(Refused) as refusal:
            act(lot("theirs"))
        assert (refusal.value.code, refusal.value.params) == (
            "device.serial_elsewhere", {"device": "gen", "serial": "one"},
        )  # fmt: skip
    apply_theirs(lot("theirs", serial="two"))
    apply_theirs(lot("theirs", kind=DeviceKind.VZENITH_MQTT))
    apply(db, lot("second"))  # a camera that is being moved within a company
    for code in ("first", "second"):
        apply(db, replace(lot_file("mall"), code=code))
    apply_theirs(lot("theirs"))


def test_another_company_sees_nothing_and_writes_nothing(db: Database) -> None:
    lot = mall(db)
    ids = ids_of(db, lot)
    stranger = of_company(OTHER_COMPANY)
    assert read(db, facility.lots, by=stranger) == []
    for query in (facility.lot_detail, facility.lot_by_id):
        with pytest.raises(NotFound):
            read(db, query, by=stranger, lot=lot)
    with pytest.raises(NotFound):
        read(db, facility.lane_context, by=stranger, lane=ids["in-1"])
    with pytest.raises(NotFound):
        read(db, facility.pricing_of, by=stranger, lot=lot)
    with pytest.raises(NotFound):
        write(db, facility.change_state, by=stranger, lot=lot, state=LotState.CLOSED, reason="x")
    with pytest.raises(NotFound):
        write(db, facility.issue_credentials, by=stranger, lot=lot, device_code="cam-in-1", secret="0" * 64)
    with pytest.raises(Denied):
        write(db, facility.apply_lot, by=stranger, company=COMPANY, lot=replace(lot_file("mall"), code="new"))
    one_lot = of_company(COMPANY, lot)
    with pytest.raises(Denied):
        write(db, facility.apply_lot, by=one_lot, company=COMPANY, lot=replace(lot_file("mall"), code="new"))
    assert [one.code for one in read(db, facility.lots)] == ["mall"]


def test_state_changes_once_with_a_reason(db: Database) -> None:
    lot = mall(db)
    assert write(db, facility.change_state, lot=lot, state=LotState.CLOSED, reason=" flood ")
    assert not write(db, facility.change_state, lot=lot, state=LotState.CLOSED, reason="flood")
    assert read(db, facility.lot_by_id, lot=lot).state is LotState.CLOSED
    assert [dict(one.body) for one in events(db, facility.LotStateChanged.KIND)] == [
        {"before": "open", "after": "closed", "reason": "flood"}
    ]
    apply(db, replace(lot_file("mall"), capacity=401))
    assert read(db, facility.lot_by_id, lot=lot).state is LotState.CLOSED  # a file does not open a lot
    for reason in ("", "  ", "x" * 201):
        with pytest.raises(Refused):
            write(db, facility.change_state, lot=lot, state=LotState.OPEN, reason=reason)


def test_the_same_adjustment_again_changes_nothing(db: Database) -> None:
    lot = mall(db)
    for _ in range(2):
        found = write(db, facility.adjust, company=COMPANY, lot=lot, area="roof", adjustment=3, reason="counted")
        assert (found.adjustment, found.occupied, found.free) == (3, 3, 97)
    assert len(events(db, facility.OccupancyAdjusted.KIND)) == 1
    assert read(db, facility.lot_by_id, lot=lot).free == 397


def test_credentials_are_shown_once_and_replaced(db: Database) -> None:
    lot = mall(db)
    first, second = secrets.token_hex(32), secrets.token_hex(32)
    issued = write(db, facility.issue_credentials, lot=lot, device_code="bar-in-1", secret=first)
    assert (issued.code, issued.serial, issued.secret) == ("bar-in-1", "mall-bar-in-1", first)
    assert first not in repr(issued)
    write(db, facility.issue_credentials, lot=lot, device_code="bar-in-1", secret=second)

    def kept(secret: str) -> bool:
        return db.read_now(lambda reader: vault.find(reader, VaultKind.DEVICE_SECRET, secret), by=SYSTEM) is not None

    assert (kept(first), kept(second)) == (False, True)
    told = events(db, facility.DeviceCredentialsIssued.KIND)
    assert [one.body["device"] for one in told] == [str(issued.device)] * 2
    assert not any(secret in str(one.body) for one in told for secret in (first, second))
    assert {d.code for d in read(db, facility.lot_detail, lot=lot).devices if d.has_credentials} == {"bar-in-1"}
    # A file applied later does not take them away.
    file = lot_file("mall")
    devices = tuple(replace(one, serial="new") if one.code == "bar-in-1" else one for one in file.devices)
    apply(db, replace(file, devices=devices))
    assert {d.code for d in read(db, facility.lot_detail, lot=lot).devices if d.has_credentials} == {"bar-in-1"}


@pytest.mark.parametrize("secret", ["", "short", "G" * 64, "A" * 64, "0" * 65])
def test_a_secret_of_another_form_is_a_defect(db: Database, secret: str) -> None:
    lot = mall(db)
    with pytest.raises(ValueError, match="64"):
        write(db, facility.issue_credentials, lot=lot, device_code="cam-in-1", secret=secret)


def test_two_devices_never_share_a_secret(db: Database) -> None:
    lot = mall(db)
    write(db, facility.issue_credentials, lot=lot, device_code="cam-in-1", secret="0" * 64)
    with pytest.raises(ValueError, match="in use"):
        write(db, facility.issue_credentials, lot=lot, device_code="cam-in-2", secret="0" * 64)
    with pytest.raises(NotFound):
        write(db, facility.issue_credentials, lot=lot, device_code="none", secret="1" * 64)


@pytest.mark.parametrize(
    ("query", "params"),
    [
        (lane_store.LANE_CONTEXT, {"lane": COMPANY}),
        (lane_store.LANE_BY_SCAN_CODE, {"scan_code": "X"}),
        (lane_store.OCCUPIED, {"lot": COMPANY}),
        (lane_store.PRICING_OF_LOT, {"lot": COMPANY}),
        (command_store.DEVICES_OF_LANE, {"lane": COMPANY}),
        (command_store.COMMAND, {"command": COMPANY}),
        (command_store.WAITING_FOR_DEVICE, {"device": COMPANY, "most": 8, "limit": 8}),
        (command_store.OPEN_OF_LANE, {"lane": COMPANY, "device": COMPANY}),
        (command_store.EXPIRED, {"state": CommandState.SENT, "machine_now": 1}),
        (command_store.UNTAKEN_PUSH, {"expires_before": 1}),
    ],
)
def test_what_lanes_ask_is_found_by_an_index(db: Database, query: Query[Any], params: dict[str, Any]) -> None:
    plan = plan_of(db, query, params)
    assert "SEARCH" in plan
    assert "SCAN" not in plan
