"""The lot file: what it describes, and every mistake at its line."""

from ipaddress import ip_network

import pytest

from openberth.contexts.facility.document import read_lot
from openberth.contexts.facility.document.checks import SpaceRangeError, expand
from openberth.contexts.facility.document.writing import lot_text
from openberth.contexts.facility.model import Area, Device, DeviceKind, Heartbeat, Lane, LaneKind, Rules, Space
from openberth.contexts.facility.model.endpoints import endpoint_host
from openberth.infra.catalogue import catalogue
from openberth.infra.documents import DocumentError

MALL = """\
lot: openberth/1
code: mall
company: demo
name: {zh: 海港城, en: Harbour Mall}
zone: Asia/Shanghai
currency: CNY
capacity: 400
tariff: mall
rules: {duplicate_window_s: 5}
areas:
  - {code: ground, name: {zh: 地面, en: Ground}, capacity: 300, spaces: [A001-A003, B7]}
  - {code: vip, name: {zh: 贵宾区, en: VIP}, capacity: 20, inside: ground, tariff: vip}
booths:
  - {code: north, name: {zh: 北岗亭, en: North booth}}
lanes:
  - {code: in-1, name: {zh: 东入口, en: East entry}, kind: entry, to: ground, booth: north}
  - {code: out-1, name: {zh: 东出口, en: East exit}, kind: exit, from: ground}
  - {code: vip-in, name: {zh: 贵宾入, en: VIP in}, kind: inner, from: ground, to: vip}
devices:
  - {code: cam-in-1, kind: vzenith_http, lane: in-1, addresses: [127.0.0.0/8], serial: 8a3f}
  - {code: bar-in-1, kind: barrier_tcp, lane: in-1, addresses: [127.0.0.0/8, "fd00::/8"], serial: mall-bar-in-1}
  - {code: cam-out-1, kind: vzenith_http, lane: out-1, addresses: [127.0.0.0/8], heartbeat: plain}
  - {code: cam-vip, kind: vzenith_http, lane: vip-in, addresses: [127.0.0.0/8]}
"""
SIMULATION = """\
simulation:
  arrivals_per_hour: [2, 1, 1, 1, 1, 2, 6, 15, 30, 45, 60, 70, 70, 60, 55, 50, 55, 65, 70, 55, 35, 20, 10, 5]
  stays:
    - {share: 0.8, median_minutes: 95, sigma: 0.6}
    - {share: 0.2, median_minutes: 510, sigma: 0.12}
  payment: {prepay: 0.35, code: 0.5, cash: 0.15}
"""
SMALL = """\
lot: openberth/1
code: small
company: demo
name: {zh: 小场, en: Small}
zone: Asia/Shanghai
currency: CNY
capacity: 30
tariff: t
lanes:
  - {code: in, name: {zh: 入口, en: In}, kind: entry}
  - {code: out, name: {zh: 出口, en: Out}, kind: exit}
devices:
  - {code: cam-in, kind: vzenith_http, lane: in, addresses: [10.0.0.7]}
  - {code: cam-out, kind: vzenith_http, lane: out, addresses: [10.0.0.8]}
"""


def test_a_lot_is_what_its_file_says() -> None:
    lot = read_lot(MALL + SIMULATION, name="mall.yaml")
    assert (lot.code, lot.company_code, lot.zone, lot.currency, lot.capacity) == (
        "mall", "demo", "Asia/Shanghai", "CNY", 400,
    )  # fmt: skip
    assert lot.rules == Rules(5, 120, True)
    assert lot.areas == (
        Area("ground", "地面", "Ground", 300),
        Area("vip", "贵宾区", "VIP", 20, "ground", "vip"),
    )
    assert lot.spaces == tuple(Space(code, "ground") for code in ("A001", "A002", "A003", "B7"))
    assert lot.lanes[0] == Lane("in-1", "东入口", "East entry", LaneKind.ENTRY, None, "ground", "north")
    assert lot.lanes[1] == Lane("out-1", "东出口", "East exit", LaneKind.EXIT, "ground", None)
    assert lot.lanes[2] == Lane("vip-in", "贵宾入", "VIP in", LaneKind.INNER, "ground", "vip")
    home = ip_network("127.0.0.0/8")
    assert lot.devices[0] == Device(
        "cam-in-1", DeviceKind.VZENITH_HTTP, "in-1", (home,), "8a3f", Heartbeat.COMET
    )  # fmt: skip
    assert lot.devices[1] == Device(
        "bar-in-1", DeviceKind.BARRIER_TCP, "in-1", (home, ip_network("fd00::/8")), "mall-bar-in-1", None
    )
    assert lot.devices[2].heartbeat is Heartbeat.PLAIN
    assert lot.simulation is not None
    assert lot.simulation["stays"][0] == {"share": "0.8", "median_minutes": "95", "sigma": "0.6"}


def test_a_lot_without_areas_has_one_and_its_lanes_lead_there() -> None:
    lot = read_lot(SMALL, name="small.yaml")
    assert lot.areas == (Area("main", "小场", "Small", 30),)
    assert [(lane.from_area, lane.to_area) for lane in lot.lanes] == [(None, "main"), ("main", None)]
    assert lot.simulation is None


def test_the_tariff_of_an_area_is_its_own_or_that_around_it() -> None:
    text = MALL.replace("capacity: 300,", "capacity: 300, tariff: day,").replace(", tariff: vip}", "}")
    lot = read_lot(text, name="x")
    assert [lot.tariff_of(code) for code in ("ground", "vip")] == ["day", "day"]
    plain_lot = read_lot(MALL, name="x")
    assert [plain_lot.tariff_of(code) for code in ("ground", "vip")] == ["mall", "vip"]


def test_devices_of_a_lane() -> None:
    lot = read_lot(MALL, name="x")
    assert [device.code for device in lot.devices_of("in-1")] == ["cam-in-1", "bar-in-1"]
    assert [device.code for device in lot.devices_of("in-1", DeviceKind.BARRIER_TCP)] == ["bar-in-1"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("inside: ground", "inside: grund", ["12: areas[1].inside: lot.no_area(value=grund, known=ground, vip)"]),
        ("capacity: 400", "capacity: 400\ntariffs: [{tariff: a}]", ["8: tariffs[0]: lot.rule_for_all"]),
        ("capacity: 400", "capacity: 400\ntariffs: [{tariff: a, vehicles: {}}]", ["8: tariffs[0]: lot.rule_for_all"]),
        ("capacity: 300,", "capacity: 300, tariffs: [{tariff: a, vehicles: {seats_from: 9, seats_upto: 8}}],",
         ["11: areas[0].tariffs[0].vehicles.seats_upto: lot.seats(least=9)"]),
        ("capacity: 400", "capacity: 400\npricing: {reliefs: {order: [free, free]}}",
         ["8: pricing.reliefs.order: lot.relief_twice"]),
        ("capacity: 400", "capacity: 400\npricing: {reliefs: {minimum_pay: 1.005}}",
         ["8: pricing.reliefs.minimum_pay: tariff.digits(currency=CNY, digits=2)"]),
        ("capacity: 400", "capacity: 400\ntariffs: [{tariff: a, permits: [blocked]}]",
         ["8: tariffs[0].permits[0]: document.choice(value=blocked, choices=resident, monthly, internal, free)"]),
        ("inside: ground", "inside: vip", ["12: areas[1].inside: lot.area_cycle(area=vip)"]),
        ("capacity: 300,", "capacity: 300, inside: vip,", ["11: areas[0].inside: lot.area_cycle(area=ground)",
                                                            "12: areas[1].inside: lot.area_cycle(area=vip)"]),
        ("capacity: 400", "capacity: 299",
         ["11: areas[0].capacity: lot.areas_exceed_lot(sum=300, capacity=299, around=None)"]),
        ("capacity: 20", "capacity: 301",
         ["12: areas[1].capacity: lot.areas_exceed_area(sum=301, capacity=300, around=ground)"]),
        ("capacity: 400", "capacity: 0", ["7: capacity: document.range(value=0, low=1, high=100000)"]),
        ("A001-A003", "A003-A001", ["11: areas[0].spaces[0]: lot.space_range(value=A003-A001, most=20000)"]),
        ("A001-A003", "A001-B003", ["11: areas[0].spaces[0]: lot.space_range(value=A001-B003, most=20000)"]),
        ("A001-A003", "A1-A003", ["11: areas[0].spaces[0]: lot.space_range(value=A1-A003, most=20000)"]),
        ("A001-A003", "A00001-A20001", ["11: areas[0].spaces[0]: lot.space_range(value=A00001-A20001, most=20000)"]),
        ("A001-A003", "x y", ["11: areas[0].spaces[0]: lot.spaces(value=x y)"]),
        ("B7", "A002", ["11: areas[0].spaces[1]: lot.space_twice(value=A002, area=ground)"]),
        ("A001-A003", "A001-A300", ["11: areas[0].spaces: lot.spaces_exceed_area(count=301, capacity=300)"]),
        ("code: vip,", "code: ground,",
         ["12: areas[1].code: lot.code_twice(value=ground, first=areas[0])",
          "12: areas[1].inside: lot.area_cycle(area=ground)",
          "18: lanes[2].to: lot.no_area(value=vip, known=ground, ground)"]),
        ("kind: entry, to: ground", "kind: entry",
         ["16: lanes[0]: lot.lane_needs(kind=entry, key=to, known=ground, vip)"]),
        ("kind: entry, to: ground", "kind: entry, to: grond",
         ["16: lanes[0].to: lot.no_area(value=grond, known=ground, vip)"]),
        ("to: ground, booth", "to: ground, from: vip, booth", ["16: lanes[0].from: lot.lane_entry_from"]),
        ("kind: exit, from: ground", "kind: exit, from: ground, to: vip", ["17: lanes[1].to: lot.lane_exit_to"]),
        ("from: ground, to: vip}", "from: vip, to: vip}", ["18: lanes[2]: lot.lane_same_area"]),
        ("booth: north", "booth: nroth", ["16: lanes[0].booth: lot.no_booth(value=nroth, known=north)"]),
        ("lane: in-1, addresses: [127.0.0.0/8], serial", "lane: in-9, addresses: [127.0.0.0/8], serial",
         ["16: lanes[0]: lot.lane_without_camera(lane=in-1)",
          "20: devices[0].lane: lot.no_lane(value=in-9, known=in-1, out-1, vip-in)"]),
        ("  - {code: cam-vip, kind: vzenith_http, lane: vip-in, addresses: [127.0.0.0/8]}\n", "",
         ["18: lanes[2]: lot.lane_without_camera(lane=vip-in)"]),
        (", serial: mall-bar-in-1", "", ["21: devices[1]: lot.device_serial(kind=barrier_tcp)"]),
        (", serial: mall-bar-in-1", ", serial: b, heartbeat: comet",
         ["21: devices[1].heartbeat: lot.device_heartbeat(kind=barrier_tcp)"]),
        ("heartbeat: plain", "serial: 8a3f",
         ["22: devices[2].serial: lot.serial_twice(value=8a3f, other=cam-in-1)"]),
        ("kind: vzenith_http, lane: vip-in", "kind: barrier_tcp, serial: x, lane: in-1",
         ["18: lanes[2]: lot.lane_without_camera(lane=vip-in)",
          "23: devices[3].lane: lot.second_barrier(lane=in-1, other=bar-in-1)"]),
        ("addresses: [127.0.0.0/8], serial: 8a3f", "addresses: [], serial: 8a3f",
         ["20: devices[0].addresses: document.too_short(least=1)"]),
        ("heartbeat: plain", 'endpoint: "http://127.0.0.1", gate: parking',
         ["22: devices[2].endpoint: lot.device_not_called(kind=vzenith_http, key=endpoint)",
          "22: devices[2].gate: lot.device_not_called(kind=vzenith_http, key=gate)"]),
        ("vzenith_http, lane: out-1, addresses: [127.0.0.0/8], heartbeat: plain",
         'hikvision, lane: out-1, addresses: [127.0.0.0/8], endpoint: "http://10.0.0.7", gate: door',
         ["22: devices[2].endpoint: lot.device_endpoint_outside(value=10.0.0.7)",
          "22: devices[2].gate: lot.device_gate(value=door, known=parking, entrance, traffic, barrier, output)"]),
        ("vzenith_http, lane: out-1, addresses: [127.0.0.0/8], heartbeat: plain",
         'hikvision, lane: out-1, addresses: [127.0.0.0/8], endpoint: "http://camera.example"',
         ["22: devices[2].endpoint: lot.endpoint(value=http://camera.example)"]),
        ("kind: entry", "kind: enter",
         ["16: lanes[0].kind: document.choice_near(value=enter, choices=entry, exit, inner, near=entry)"]),
        ("duplicate_window_s: 5", "duplicate_windows: 5",
         ["9: rules.duplicate_windows: document.unknown_key_near(key=duplicate_windows, near=duplicate_window_s)"]),
        ("10, 5]", "10]", ["25: simulation.arrivals_per_hour: lot.hours(count=23)"]),
        ("share: 0.2", "share: 0.3", ["26: simulation.stays: lot.shares_one(sum=1.1)"]),
        ("cash: 0.15", "cash: 0.16", ["29: simulation.payment: lot.shares_most_one(sum=1.01)"]),
        ("sigma: 0.6", "sigma: 6", ["27: simulation.stays[0].sigma: document.range(value=6, low=0, high=5)"]),
    ],
)  # fmt: skip
def test_broken_files(old: str, new: str, expected: list[str]) -> None:
    text = MALL + SIMULATION
    assert old in text
    with pytest.raises(DocumentError) as caught:
        read_lot(text.replace(old, new, 1), name="mall.yaml")
    assert str(caught.value).split("\n") == [f"mall.yaml:{line}" for line in expected]


def test_a_camera_that_is_called_is_written_as_it_was_read() -> None:
    called = 'hikvision, lane: out-1, addresses: [127.0.0.0/8], endpoint: "http://127.0.0.1:8080", gate: entrance'
    plain = "vzenith_http, lane: out-1, addresses: [127.0.0.0/8], heartbeat: plain"
    lot = read_lot(MALL.replace(plain, called), name="mall.yaml")
    assert (lot.devices[2].endpoint, lot.devices[2].gate) == ("http://127.0.0.1:8080", "entrance")
    assert read_lot(lot_text(lot), name="again").devices == lot.devices


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("http://192.168.1.64", "192.168.1.64"),
        ("http://192.168.1.64/", "192.168.1.64"),
        ("https://192.168.1.64:8443", "192.168.1.64"),
        ("http://[fd00::7]:80", "fd00::7"),
        ("ftp://192.168.1.64", None),
        ("http://camera.local", None),
        ("http://admin:secret@192.168.1.64", None),
        ("http://192.168.1.64/path", None),
        ("http://192.168.1.64?x", None),
        ("http://192.168.1.64#x", None),
        ("http://192.168.1.64:0", None),
        ("http://192.168.1.64:99999", None),
        ("http://0x7f.1", None),
        ("http://2130706433", None),
        ("http://127.1", None),
        ("http://[::ffff:127.0.0.1]", None),
        ("http://[::ffff:a9fe:a9fe]", None),
        ("192.168.1.64", None),
        ("http://", None),
        ("http://192.168.1.64 ", None),
        ("http://１92.168.1.64", None),
        ("http://192.168.1.64" + "/" * 100, None),
    ],
)
def test_where_a_device_is_called_is_a_number(endpoint: str, host: str | None) -> None:
    assert endpoint_host(endpoint) == host


def test_messages_say_what_to_write() -> None:
    with pytest.raises(DocumentError) as caught:
        read_lot(MALL.replace("inside: ground", "inside: grund"), name="lots/mall.yaml")
    assert caught.value.report(lambda code, params: catalogue().text(code, "en", **params)) == [
        'lots/mall.yaml:12: areas[1].inside: no area "grund"; areas are ground, vip'
    ]


def test_inner_lanes_need_two_areas() -> None:
    with pytest.raises(DocumentError) as caught:
        read_lot(SMALL.replace("kind: exit", "kind: inner"), name="x")
    assert str(caught.value) == "x:11: lanes[1]: lot.lane_same_area"


def test_spaces_expand() -> None:
    assert expand("A08-A11") == ["A08", "A09", "A10", "A11"]
    assert expand("1-3") == ["1", "2", "3"]
    assert expand("B7") == ["B7"]
    assert len(expand("A00001-A20000")) == 20_000
    with pytest.raises(SpaceRangeError):
        expand("A00001-A20001")


def test_a_lot_has_a_bounded_number_of_spaces() -> None:
    text = MALL.replace("[A001-A003, B7]", "[A00001-A20000]").replace("tariff: vip}", "tariff: vip, spaces: [V1]}")
    text = text.replace("capacity: 300", "capacity: 30000").replace("capacity: 400", "capacity: 30000")
    with pytest.raises(DocumentError) as caught:
        read_lot(text, name="x")
    assert str(caught.value) == "x:12: areas[1].spaces[0]: lot.too_many_spaces(most=20000)"
