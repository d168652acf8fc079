"""The part of a lot file that says where the lot is and how it is drawn: shape, checks, and the way both ways."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field, WithJsonSchema

from openberth.contexts.facility.document.checks import SpaceRangeError, expand
from openberth.contexts.facility.document.shape import SpaceRange
from openberth.contexts.facility.model.plan import (
    DEGREE,
    DEPTH_CM,
    PITCH_CM,
    AreaOutline,
    Label,
    LaneMark,
    Plan,
    Point,
    Position,
    SpaceRow,
)
from openberth.infra.documents import Between, Code, Flaw, Names, Number, Part, Path, Whole, flaw, listed, wrong

SIDE_MAX = 1_000_000  # ten kilometres
_DIGITS = 7


def _exact(value: Decimal) -> Decimal:
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -_DIGITS and value != round(value, _DIGITS):
        raise wrong("lot.position_digits", most=_DIGITS)
    return value


_Degrees: TypeAlias = Annotated[Number, AfterValidator(_exact)]
_Side: TypeAlias = Annotated[Whole, Between(1, SIDE_MAX)]
_Place: TypeAlias = Annotated[Whole, Between(0, SIDE_MAX)]
_At: TypeAlias = Annotated[
    list[_Place],
    Field(min_length=2, max_length=2),
    WithJsonSchema({"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}),
]
_Angle: TypeAlias = Annotated[Whole, Between(0, 359)]


class PositionPart(Part):
    """Where the lot is: WGS-84, decimal degrees with seven digits at most."""

    longitude: Annotated[_Degrees, Between(-180, 180)]
    latitude: Annotated[_Degrees, Between(-90, 90)]


class OutlinePart(Part):
    """A polygon that an area covers; an area may have several."""

    area: Code
    outline: list[_At] = Field(min_length=3, max_length=200)


class LaneMarkPart(Part):
    """Where a lane is, and in which direction cars drive through it."""

    lane: Code
    at: _At
    heading: _Angle = Field(0, description="degrees, clockwise; 0 is to the right")


class RowPart(Part):
    """A row of spaces side by side, or a single one."""

    spaces: SpaceRange = Field(description="in the order in which they stand: A001-A040, A040-A001, or one")
    at: _At = Field(description="the corner at which the row begins")
    angle: _Angle = Field(0, description="in which the row goes on; its spaces lie to the right of that")
    pitch: Annotated[Whole, Between(1, 10_000)] = Field(PITCH_CM, description="the width of a space")
    depth: Annotated[Whole, Between(1, 10_000)] = DEPTH_CM


class LabelPart(Part):
    """Words on the drawing."""

    at: _At
    text: Names


class PlanPart(Part):
    """The drawing of the lot in whole centimetres; x goes to the right, y down."""

    width: _Side
    height: _Side
    areas: list[OutlinePart] = Field(default=[], max_length=400)
    lanes: list[LaneMarkPart] = Field(default=[], max_length=500)
    spaces: list[RowPart] = Field(default=[], max_length=2_000)
    walls: list[Annotated[list[_At], Field(min_length=2, max_length=200)]] = Field(default=[], max_length=1_000)
    labels: list[LabelPart] = Field(default=[], max_length=500)


def check_plan(plan: PlanPart, areas: Iterable[str], lanes: Iterable[str], spaces: Iterable[str]) -> Iterator[Flaw]:
    """Check that what is drawn is there, once, and inside of the drawing."""
    known_areas, known_lanes = list(areas), list(lanes)
    for index, each in enumerate(plan.areas):
        if each.area not in known_areas:
            yield flaw(("plan", "areas", index, "area"), "lot.no_area", value=each.area, known=listed(known_areas))
    for index, mark in enumerate(plan.lanes):
        if mark.lane not in known_lanes:
            yield flaw(("plan", "lanes", index, "lane"), "lot.no_lane", value=mark.lane, known=listed(known_lanes))
    yield from _check_rows(plan.spaces, set(spaces))
    for path, at in _places(plan):
        if at[0] > plan.width or at[1] > plan.height:
            yield flaw(path, "lot.plan_outside", x=at[0], y=at[1], width=plan.width, height=plan.height)


def _check_rows(rows: Sequence[RowPart], known: set[str]) -> Iterator[Flaw]:
    drawn: dict[str, int] = {}
    for index, row in enumerate(rows):
        path: Path = ("plan", "spaces", index, "spaces")
        try:
            codes = in_order(row.spaces)
        except SpaceRangeError:
            yield flaw(path, "lot.space_range", value=row.spaces, most=len(known))
            continue
        strange = next((code for code in codes if code not in known), None)
        if strange is not None:
            yield flaw(path, "lot.plan_no_space", value=strange)
        twice = next((code for code in codes if code in drawn), None)
        if twice is not None:
            yield flaw(path, "lot.plan_twice", value=twice, first=f"plan.spaces[{drawn[twice]}]")
        drawn.update(dict.fromkeys(codes, index))


def _places(plan: PlanPart) -> Iterator[tuple[Path, Sequence[int]]]:
    for index, each in enumerate(plan.areas):
        for number, at in enumerate(each.outline):
            yield ("plan", "areas", index, "outline", number), at
    single = {
        "lanes": [each.at for each in plan.lanes], "spaces": [each.at for each in plan.spaces],
        "labels": [each.at for each in plan.labels],
    }  # fmt: skip
    for kind, places in single.items():
        for index, at in enumerate(places):
            yield ("plan", kind, index, "at"), at
    for index, wall in enumerate(plan.walls):
        for number, at in enumerate(wall):
            yield ("plan", "walls", index, number), at


def in_order(spaces: str) -> list[str]:
    """Return the codes of a row in the order in which they stand; a row may be numbered backwards."""
    first, _, last = spaces.partition("-")
    if last and len(first) == len(last) and first > last:
        return expand(f"{last}-{first}")[::-1]
    return expand(spaces)


def position_of(part: PositionPart | None) -> Position | None:
    """Return a position in whole units, exactly."""
    return None if part is None else Position(int(part.longitude * DEGREE), int(part.latitude * DEGREE))


def position_part(position: Position | None) -> PositionPart | None:
    """Return a position as it is written."""
    if position is None:
        return None
    return PositionPart(longitude=_degrees(position.longitude), latitude=_degrees(position.latitude))


def _degrees(units: int) -> Decimal:
    whole = Decimal(units) / DEGREE
    return whole.quantize(Decimal(1)) if whole == whole.to_integral_value() else whole.normalize()


def plan_of(part: PlanPart | None) -> Plan | None:
    """Return the drawing that a part describes."""
    if part is None:
        return None
    return Plan(
        part.width, part.height,
        tuple(AreaOutline(each.area, _points(each.outline)) for each in part.areas),
        tuple(LaneMark(each.lane, _point(each.at), each.heading) for each in part.lanes),
        tuple(
            SpaceRow(tuple(in_order(each.spaces)), _point(each.at), each.angle, each.pitch, each.depth)
            for each in part.spaces
        ),
        tuple(_points(wall) for wall in part.walls),
        tuple(Label(_point(each.at), each.text.zh, each.text.en) for each in part.labels),
    )  # fmt: skip


def plan_part(plan: Plan | None) -> PlanPart | None:
    """Return a drawing as it is written."""
    if plan is None:
        return None
    return PlanPart(
        width=plan.width, height=plan.height,
        areas=[OutlinePart(area=each.area, outline=_lists(each.outline)) for each in plan.areas],
        lanes=[LaneMarkPart(lane=each.lane, at=list(each.at), heading=each.heading) for each in plan.lanes],
        spaces=[
            RowPart(
                spaces=_range(each.codes), at=list(each.at), angle=each.angle, pitch=each.pitch, depth=each.depth
            )
            for each in plan.spaces
        ],
        walls=[_lists(wall) for wall in plan.walls],
        labels=[LabelPart(at=list(each.at), text=Names(zh=each.zh, en=each.en)) for each in plan.labels],
    )  # fmt: skip


def _range(codes: Sequence[str]) -> str:
    return codes[0] if len(codes) == 1 else f"{codes[0]}-{codes[-1]}"


def _point(at: Sequence[int]) -> Point:
    return at[0], at[1]


def _points(outline: Sequence[Sequence[int]]) -> tuple[Point, ...]:
    return tuple(_point(at) for at in outline)


def _lists(outline: Sequence[Point]) -> list[list[int]]:
    return [list(at) for at in outline]
