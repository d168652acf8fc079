"""Where a lot is and how it is drawn: exact positions, rows turned into spaces, and what a drawing may not say."""

from pathlib import Path

import pytest

from openberth.contexts.facility.document import read_lot
from openberth.contexts.facility.model.plan import Position, SpaceRow, laid_out
from openberth.infra.documents import DocumentError

COMMUNITY = (Path(__file__).parents[4] / "lots" / "community.yaml").read_text("utf-8")
MALL = (Path(__file__).parents[4] / "lots" / "mall.yaml").read_text("utf-8")


def test_a_row_goes_on_in_its_direction_with_its_spaces_to_the_right() -> None:
    level = dict(SpaceRow(("A1", "A2"), (100, 200)).outlines())
    assert level["A2"] == ((350, 200), (600, 200), (600, 730), (350, 730))
    down = dict(SpaceRow(("A1", "A2"), (1000, 0), angle=90, pitch=240, depth=500).outlines())
    assert down["A2"] == ((1000, 240), (1000, 480), (500, 480), (500, 240))
    slanted = dict(SpaceRow(("A1",), (1000, 1000), angle=30, pitch=1000, depth=1000).outlines())
    assert slanted["A1"] == ((1000, 1000), (1866, 1500), (1366, 2366), (500, 1866))


def test_a_position_is_exact() -> None:
    text = COMMUNITY.replace("longitude: 114.1235, latitude: 22.5698", "longitude: -0.0000001, latitude: 89.9999999")
    assert read_lot(text, name="x").position == Position(-1, 899_999_999)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("longitude: 113.9412", "longitude: 113.94120001", "position.longitude: lot.position_digits(most=7)"),
        ("latitude: 22.4931", "latitude: 90.1", "position.latitude: document.range(value=90.1, low=-90, high=90)"),
        ("{area: vip, outline", "{area: vap, outline",
         "plan.areas[1].area: lot.no_area(value=vap, known=ground, vip, roof)"),
        ("{lane: vip-in, at", "{lane: vip, at",
         "plan.lanes[4].lane: lot.no_lane(value=vip, known=in-1, in-2, out-1, out-2, vip-in, vip-out)"),
        ("spaces: A001-A028", "spaces: A001-A029",
         "plan.spaces[1].spaces: lot.plan_twice(value=A029, first=plan.spaces[0])"),
        ("spaces: A253-A280", "spaces: A253-A281", "plan.spaces[9].spaces: lot.plan_no_space(value=A281)"),
        ("at: [9600, 5000]", "at: [9600, 9701]",
         "plan.labels[0].at: lot.plan_outside(x=9600, y=9701, width=17500, height=9700)"),
    ],
)  # fmt: skip
def test_a_drawing_shows_what_is_there_once_and_inside(old: str, new: str, expected: str) -> None:
    assert old in MALL
    with pytest.raises(DocumentError) as caught:
        read_lot(MALL.replace(old, new, 1), name="x")
    assert str(caught.value).split(": ", 1)[1] == expected


def test_a_lot_that_nobody_has_drawn_is_laid_out_without_overlaps() -> None:
    codes = [f"A{number:03}" for number in range(90)]
    plan = laid_out([("ground", codes), ("roof", ["R1"]), ("yard", [])], [("in", False), ("out", True)])
    drawn = {code: outline for row in plan.spaces for code, outline in row.outlines()}
    assert sorted(drawn) == sorted([*codes, "R1"])
    boxes = [(x0, y0, x1, y1) for (x0, y0), _, (x1, y1), _ in drawn.values()]
    assert all(0 <= x0 < x1 <= plan.width and 0 <= y0 < y1 <= plan.height for x0, y0, x1, y1 in boxes)
    assert not any(
        a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
        for number, a in enumerate(boxes) for b in boxes[number + 1 :]
    )  # fmt: skip
    tops = [each.outline[0][1] for each in plan.areas]
    assert [each.area for each in plan.areas] == ["ground", "roof", "yard"]
    assert tops == sorted(tops)
