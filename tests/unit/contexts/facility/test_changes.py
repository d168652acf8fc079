"""Applying a lot file: what differs is found by code, and nothing differs twice."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from openberth.contexts.facility.model import (
    Action,
    Area,
    Booth,
    Device,
    DeviceKind,
    Lane,
    LaneKind,
    Lot,
    Rules,
    Space,
    ThingKind,
    diff,
)
from openberth.kernel.errors import Refused

LOT = Lot(
    code="mall",
    company_code="demo",
    name_zh="海港城",
    name_en="Harbour Mall",
    zone="Asia/Shanghai",
    currency="CNY",
    capacity=400,
    tariff_code="mall",
    areas=(Area("ground", "地面", "Ground", 300), Area("vip", "贵宾区", "VIP", 20, "ground")),
    lanes=(Lane("in-1", "入口", "In", LaneKind.ENTRY, None, "ground", "north"),),
    devices=(Device("cam-1", DeviceKind.VZENITH_HTTP, "in-1", (ip_network("127.0.0.0/8"),)),),
    booths=(Booth("north", "北岗亭", "North booth"),),
    spaces=(Space("A1", "ground"), Space("A2", "ground")),
)


def test_a_new_lot_is_added_with_everything_in_an_order_that_can_be_written() -> None:
    found = diff(None, LOT)
    assert found.created
    assert [change.code for change in found.things] == ["ground", "vip", "A1", "A2", "north", "in-1", "cam-1"]
    assert {change.action for change in found.things} == {Action.ADDED}
    assert found.counts() == {"area.added": 2, "space.added": 2, "booth.added": 1, "lane.added": 1, "device.added": 1}


def test_applying_again_changes_nothing() -> None:
    found = diff(LOT, replace(LOT))
    assert not found
    assert found.counts() == {}


def test_what_differs_is_named() -> None:
    wanted = replace(
        LOT,
        capacity=500,
        rules=Rules(duplicate_window_s=3),
        areas=(LOT.areas[0], replace(LOT.areas[1], capacity=30, tariff_code="vip")),
        spaces=(Space("A1", "vip"), Space("A3", "ground")),
    )
    found = diff(LOT, wanted)
    assert not found.created
    assert found.lot_fields == ("capacity", "rules")
    assert [(each.action.value, each.code, each.fields) for each in found.things] == [
        ("changed", "vip", ("capacity", "tariff_code")),
        ("changed", "A1", ("area",)),
        ("added", "A3", ()),
        ("retired", "A2", ()),
    ]
    assert [each.code for each in found.of(ThingKind.SPACE, Action.RETIRED)] == ["A2"]


def test_what_disappears_is_retired_the_dependent_first() -> None:
    wanted = replace(LOT, devices=(), lanes=(), booths=(), spaces=(), areas=LOT.areas[:1])
    found = diff(LOT, wanted)
    assert [change.code for change in found.things] == ["cam-1", "in-1", "north", "A1", "A2", "vip"]
    assert {change.action for change in found.things} == {Action.RETIRED}


def test_the_order_of_a_file_means_nothing() -> None:
    assert not diff(LOT, replace(LOT, areas=LOT.areas[::-1], spaces=LOT.spaces[::-1]))


@pytest.mark.parametrize(("field", "value"), [("currency", "SGD"), ("code", "mall-2"), ("company_code", "other")])
def test_what_a_lot_is_never_changes(field: str, value: str) -> None:
    changed: dict[str, str] = {field: value}
    with pytest.raises(Refused) as caught:
        diff(LOT, replace(LOT, **changed))  # type: ignore[arg-type]
    assert caught.value.code == "lot.fixed"
    assert caught.value.params["field"] == field
