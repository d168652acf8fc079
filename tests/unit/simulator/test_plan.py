from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from openberth.simulator.clock import HOUR_US, instant_us
from openberth.simulator.lot_town import LotTown
from openberth.simulator.plan import PlanError, read_lot, read_plans
from openberth.simulator.town import phone_source

LOT: dict[str, Any] = {
    "lot": "openberth/1",
    "code": "mall",
    "zone": "Asia/Shanghai",
    "tariff": "mall",
    "rules": {"device_skew_s": 60},
    "areas": [{"code": "ground"}, {"code": "vip", "inside": "ground", "tariff": "vip"}],
    "lanes": [
        {"code": "in", "kind": "entry", "to": "ground"},
        {"code": "vip-in", "kind": "inner", "from": "ground", "to": "vip"},
        {"code": "vip-out", "kind": "inner", "from": "vip", "to": "ground"},
        {"code": "out", "kind": "exit"},
        {"code": "side", "kind": "exit"},
    ],
    "devices": [
        {"code": "cam-in", "kind": "vzenith_http", "lane": "in", "serial": "s-1", "heartbeat": "plain"},
        {"code": "cam-vip-in", "kind": "vzenith_http", "lane": "vip-in"},
        {"code": "cam-vip-out", "kind": "vzenith_http", "lane": "vip-out"},
        {"code": "cam-out", "kind": "vzenith_http", "lane": "out"},
        {"code": "bar-out", "kind": "barrier_tcp", "lane": "out", "serial": "b-1"},
        {"code": "term-out", "kind": "saifeimu_mqtt", "lane": "out", "serial": "t-1"},
    ],
    "simulation": {
        "arrivals_per_hour": [*range(24)],
        "stays": [{"share": 1.0, "median_minutes": 60, "sigma": 0.5}],
    },
}
TARIFF = {"tariff": "openberth/1", "code": "mall", "charge": {"unit_minutes": 30, "price": "1.00"}}


def test_lanes_devices_and_ways_into_inner_areas() -> None:
    plan = read_lot(LOT)
    assert [lane.code for lane in plan.lanes_of("exit")] == ["out"]  # the side exit has no camera
    (entry,) = plan.lanes_of("entry")
    assert entry.camera is not None
    assert (entry.camera.serial, entry.camera.heartbeat, entry.barrier) == ("s-1", "plain", None)
    (out,) = plan.lanes_of("exit")
    assert out.barrier is not None
    assert (out.barrier.serial, out.origin) == ("b-1", "ground")
    assert out.terminal is not None
    assert (out.terminal.serial, entry.terminal) == ("t-1", None)
    assert [(way.code, back.code) for way, back in plan.ways_in("ground")] == [("vip-in", "vip-out")]
    assert plan.area_tariffs == {"ground": "mall", "vip": "vip"}
    assert plan.skew_us == 60_000_000


def test_arrival_means_follow_the_wall_clock_of_the_lot() -> None:
    plan = read_lot(LOT)
    at = instant_us("2026-11-20T01:30:00Z")  # 09:30 in Shanghai
    assert plan.rate_per_hour(at) == (9.0, at + HOUR_US // 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"lot": "openberth/9"},
        {"simulation": {**LOT["simulation"], "arrivals_per_hour": [1, 2]}},
        {"simulation": {**LOT["simulation"], "stays": [{"share": 0.5, "median_minutes": 1, "sigma": 1}]}},
        {"simulation": {**LOT["simulation"], "payment": {"barter": 1}}},
    ],
)
def test_a_file_that_cannot_be_simulated_is_told(changes: dict[str, Any]) -> None:
    with pytest.raises(PlanError, match="mall"):
        read_lot(LOT | changes)


def test_files_are_read_together(tmp_path: Path) -> None:
    documents = {
        "lot": LOT,
        "mall": TARIFF,
        "vip": TARIFF | {"code": "vip"},
        "permits": {
            "lot": "mall",
            "list": [
                {"code": "1", "plate": "粤B1", "kind": "resident", "from": "2026-01-01", "until": "2027-01-01"},
                {"code": "2", "plate": "粤B2", "kind": "blocked"},
            ],
        },
    }
    for name, document in documents.items():
        (tmp_path / name).write_text(yaml.safe_dump(document, allow_unicode=True))
    lots, permits = [tmp_path / "lot"], [tmp_path / "permits"]
    (plan,) = read_plans(lots, [tmp_path / "mall", tmp_path / "vip"], permits)
    resident, blocked = plan.permits
    assert resident.is_free
    assert not blocked.is_free
    assert resident.holds(instant_us("2026-01-01T00:00:00+08:00"), instant_us("2027-01-01T00:00:00+08:00"))
    assert not resident.holds(instant_us("2025-12-31T23:59:59+08:00"), instant_us("2026-06-01T00:00:00+08:00"))
    with pytest.raises(PlanError, match="vip"):
        read_plans(lots, [tmp_path / "mall"])
    with pytest.raises(PlanError, match="missing"):
        read_plans([tmp_path / "missing"], [])
    with pytest.raises(PlanError, match="no lot"):
        read_plans([], [])


def test_arrivals_are_a_poisson_process_by_the_hour() -> None:
    town = LotTown.__new__(LotTown)
    town.plan = read_lot(LOT)
    rng, begin = Random(4), instant_us("2026-11-20T00:00:00+08:00")
    counts = [0] * 24
    at = begin
    while (at := town.next_arrival_us(at, 100.0, rng)) < begin + 24 * HOUR_US:
        counts[(at - begin) // HOUR_US] += 1
    assert counts[0] == 0
    assert all(abs(count - 100 * hour) < 5 * (100 * hour) ** 0.5 for hour, count in enumerate(counts) if hour)


def test_every_phone_on_this_machine_has_an_address_of_its_own() -> None:
    sources = {phone_source("http://127.0.0.1:8420", number) for number in range(5_000)}
    assert len(sources) == 5_000
    assert all(source is not None and source.startswith("127.") for source in sources)
    assert phone_source("https://parking.example", 1) is None
