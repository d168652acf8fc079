"""A whole day in the town: every car and every fen is accounted for, on real processes and real wires."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from openberth.simulator.boom import BoomTiming
from openberth.simulator.faults import Faults
from tests.e2e.house import MORNING, House, wechatpay_contract
from tests.e2e.personal import plates_in
from tests.wire.wechatpay_peer import APPID, Sandbox

pytestmark = pytest.mark.timeout(600)


def test_a_day_with_a_thousand_cars(tmp_path: Path) -> None:
    with House(tmp_path, speed=2400) as house:
        report = house.live(house.town(hours=24, seed=7, timing=BoomTiming.for_speed(2400)))
        assert report.balanced, report.differences[:10]
        assert report.cars >= 1_000
        assert report.left >= 10  # how many is the machine's matter, that every one is accounted for is ours
        # While the server still runs: the write-ahead log is part of what is looked through.
        assert plates_in(tmp_path) == []
        assert _errors(house) == ""
    assert plates_in(tmp_path) == []


def test_the_search_for_plates_finds_one(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "server.log").write_text("x" * (1 << 20) + '{"note": "粤B12345 went in"}')
    assert plates_in(tmp_path) == ["deep/server.log: 粤B12345"]


@pytest.mark.parametrize(
    "written",
    [
        json.dumps({"plate": "粤BD12345"}).encode(),
        quote("/v1/cars/粤B12345").encode(),
        repr("粤B12345".encode()).encode(),
        "粤B12345".encode("utf-16-le"),
    ],
    ids=["json", "address", "bytes", "wide"],
)
def test_the_search_for_plates_sees_through_escapes(tmp_path: Path, written: bytes) -> None:
    (tmp_path / "one").write_bytes(b"before" + written + b"after")
    assert len(plates_in(tmp_path)) == 1


def test_a_bad_day(tmp_path: Path) -> None:
    """Everything that goes wrong with devices goes wrong, and the books agree all the same."""
    faults = Faults.parse(
        [
            "retransmit-forever=0.5", "lost-ack", "duplicate", "clock-skew", "misread", "unread", "barrier-cut",
            "offline=0.5",
        ]
    )  # fmt: skip
    with House(tmp_path, speed=600, day_start=MORNING) as house:
        report = house.live(house.town(minutes=0.4, seed=11, timing=BoomTiming.for_speed(600)), faults=faults)
        assert report.balanced, report.differences[:10]
        assert plates_in(tmp_path) == []


def test_a_town_that_pays_by_wechat_pay_when_its_wire_is_bad(tmp_path: Path) -> None:
    """Codes that only WeChat opens; callbacks told twice, forged or never; orders made although the answer was 500."""
    faults = {
        "telling": {"duplicate_percent": 50, "copies": 2, "drop_percent": 15, "probe_percent": 20},
        "dice": {"broken_after_percent": 5, "busy_percent": 5},
    }
    with Sandbox() as wechatpay, House(tmp_path, speed=600, day_start=MORNING) as house:
        told = wechatpay.control("merchants", mchid="1900000001", appids=[APPID])
        house.post("/v1/channels", wechatpay_contract(told, wechatpay.url))
        assert [one["kind"] for one in house.get("/v1/channels/for-lot?lot=office")["items"]] == [
            "wechatpay",
            "sandpay",
        ]
        wechatpay.control("faults", **faults)
        town = house.town(minutes=0.12, seed=3, load=3.0, wechatpay_url=wechatpay.url, timing=BoomTiming.for_speed(600))
        report = house.live(town)
        assert report.balanced, report.differences[:10]
        assert {line.what for line in report.lines if line.ours} >= {"wechatpay", "sandpay"}
        assert "done" in {one["state"] for one in wechatpay.look("callbacks")["callbacks"]}


def _errors(house: House) -> str:
    return "\n".join(line for line in house.log().splitlines() if '"level": "error"' in line)[:2000]
