"""The ready-made lots and tariffs are sound, fit together and make a town worth watching."""

from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from openberth.contexts.facility.document import read_lot
from openberth.contexts.facility.model import DeviceKind, LaneKind, Lot
from openberth.contexts.permits.document import read_permits
from openberth.contexts.permits.model import PermitKind
from openberth.contexts.tariffs.document import read_tariff, tariff_from_plain, tariff_to_plain
from openberth.contexts.tariffs.document.days import read_days
from openberth.infra.documents.writing import yaml_text

ROOT = Path(__file__).parents[2]
TARIFFS = sorted((ROOT / "tariffs").glob("*.yaml"))
LOTS = ("community", "mall", "office")


def lot(code: str) -> Lot:
    return read_lot((ROOT / "lots" / f"{code}.yaml").read_text("utf-8"), name=f"lots/{code}.yaml")


@pytest.mark.parametrize("path", TARIFFS, ids=lambda path: path.stem)
def test_tariffs_are_read_and_written_back(path: Path) -> None:
    tariff = read_tariff(path.read_text("utf-8"), name=path.name)
    assert tariff.code == path.stem
    assert tariff_from_plain(tariff_to_plain(tariff)) == tariff
    assert read_tariff(yaml_text(tariff_to_plain(tariff)), name=path.name) == tariff


@pytest.mark.parametrize("code", LOTS)
def test_lots_fit_their_tariffs(code: str) -> None:
    found = lot(code)
    assert found.code == code
    codes = {path.stem for path in TARIFFS}
    assert {found.tariff_of(area.code) for area in found.areas} <= codes
    kinds = {lane.kind for lane in found.lanes}
    assert {LaneKind.ENTRY, LaneKind.EXIT} <= kinds
    assert any(device.kind is DeviceKind.BARRIER_TCP for device in found.devices)
    assert found.simulation is not None


def test_an_inner_area_exists_in_two_lots() -> None:
    assert [code for code in LOTS if any(lane.kind is LaneKind.INNER for lane in lot(code).lanes)] == ["mall", "office"]


def test_devices_of_every_kind_stand_in_the_town() -> None:
    lots = [lot(code) for code in LOTS]
    kinds = {device.kind for each in lots for device in each.devices}
    assert kinds | {collector.kind for each in lots for collector in each.collectors} == set(DeviceKind)


def test_the_town_is_busy() -> None:
    arrivals = [sum(Decimal(mean) for mean in (lot(code).simulation or {})["arrivals_per_hour"]) for code in LOTS]
    assert sum(arrivals) >= 1100


def test_the_community_has_its_residents() -> None:
    text = (ROOT / "lots" / "community.permits.yaml").read_text("utf-8")
    code, permits = read_permits(text, zone=ZoneInfo(lot("community").zone), name="community.permits.yaml")
    assert code == "community"
    assert 100 <= len(permits) <= 140
    assert {permit.kind for permit in permits} == set(PermitKind) - {PermitKind.MONTHLY}  # nobody buys a card here
    assert len({permit.plate for permit in permits}) == len(permits)


def test_the_guides_show_files_that_are_sound() -> None:
    permits = next(block for block in blocks_of("lot-file") if block.startswith("permits:"))
    assert len(read_permits(permits, zone=ZoneInfo("UTC"), name="guide")[1]) == 1
    mall = read_tariff((ROOT / "tariffs" / "mall.yaml").read_text("utf-8"), name="mall.yaml")
    assert read_tariff(blocks_of("tariffs")[0], name="guide") == mall


def test_the_guides_show_parts_that_are_sound() -> None:
    rules = next(block for block in blocks_of("lot-file") if block.startswith("tariffs:"))
    mall = (ROOT / "lots" / "mall.yaml").read_text("utf-8")
    assert len(read_lot(mall + rules, name="guide").pricing.tariffs) == 3
    days = next(block for block in blocks_of("tariff-life") if block.startswith("days:"))
    assert read_days(days, name="guide")[0] == "cn"


def blocks_of(guide: str) -> list[str]:
    text = (ROOT / "docs" / "guides" / f"{guide}.md").read_text("utf-8")
    return [block.split("```")[0] for block in text.split("```yaml\n")[1:]]
