"""Where a lot is, and how it is drawn: outlines, lanes, rows of spaces, walls and labels, in whole centimetres. Pure.

A drawing begins at its upper left corner; x goes to the right, y down. Angles are whole degrees, clockwise from x. A
row begins at the corner ``at`` of its first space and goes on in the direction of its angle; its spaces lie to the
right of that direction: below it for angle 0.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Point: TypeAlias = tuple[int, int]

DEGREE = 10_000_000  # positions are kept in tenths of a millionth of a degree: about a centimetre
PITCH_CM, DEPTH_CM = 250, 530  # an ordinary space


@dataclass(frozen=True, slots=True)
class Position:
    """A place on earth (WGS-84) in units of 1e-7 degrees."""

    longitude: int
    latitude: int


@dataclass(frozen=True, slots=True)
class Address:
    """Where people find it."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class AreaOutline:
    """A polygon that an area covers; an area may have several."""

    area: str
    outline: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class LaneMark:
    """Where a lane is, and in which direction cars drive through it."""

    lane: str
    at: Point
    heading: int


@dataclass(frozen=True, slots=True)
class SpaceRow:
    """Spaces side by side, by their codes in the order in which they stand."""

    codes: tuple[str, ...]
    at: Point
    angle: int = 0
    pitch: int = PITCH_CM
    depth: int = DEPTH_CM

    def outlines(self) -> Iterator[tuple[str, tuple[Point, ...]]]:
        """Yield each space with its four corners, in whole centimetres."""
        along = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        for number, code in enumerate(self.codes):
            near, far = number * self.pitch, (number + 1) * self.pitch
            corners = ((near, 0), (far, 0), (far, self.depth), (near, self.depth))
            yield code, tuple(_turned(self.at, along, corner) for corner in corners)


@dataclass(frozen=True, slots=True)
class Label:
    """Words on the drawing."""

    at: Point
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The drawing of a lot, ``width`` by ``height`` centimetres."""

    width: int
    height: int
    areas: tuple[AreaOutline, ...] = ()
    lanes: tuple[LaneMark, ...] = ()
    spaces: tuple[SpaceRow, ...] = ()
    walls: tuple[tuple[Point, ...], ...] = ()
    labels: tuple[Label, ...] = ()

    def summary(self) -> dict[str, int]:
        """Return how much is drawn: what the audit trail says of a changed one."""
        return {
            "width": self.width, "height": self.height, "areas": len(self.areas), "lanes": len(self.lanes),
            "spaces": sum(len(row.codes) for row in self.spaces), "walls": len(self.walls), "labels": len(self.labels),
        }  # fmt: skip


def _turned(at: Point, along: tuple[float, float], corner: Point) -> Point:
    (cos, sin), (forward, aside) = along, corner
    return at[0] + round(forward * cos - aside * sin), at[1] + round(forward * sin + aside * cos)


_MARGIN, _AISLE, _ACROSS = 500, 600, 40  # centimetres around and between, spaces in a row
_LANE_STEP = 600


def laid_out(areas: Sequence[tuple[str, Sequence[str]]], lanes: Sequence[tuple[str, bool]]) -> Plan:
    """Return a simple drawing of a lot that nobody has drawn: a block of rows for each area with its spaces, one below
    the other; lanes along the left side, those that lead out (True) along the right.
    """
    longest = max((min(len(codes), _ACROSS) for _, codes in areas), default=0)
    inner = max(longest, 8) * PITCH_CM
    outlines, rows = list[AreaOutline](), list[SpaceRow]()
    top = _MARGIN
    for area, codes in areas:
        down = top
        for start in range(0, len(codes), _ACROSS):
            row = start // _ACROSS
            rows.append(SpaceRow(tuple(codes[start : start + _ACROSS]), (_MARGIN, down)))
            down += DEPTH_CM + (_AISLE if row % 2 == 0 else 0)  # two rows share an aisle
        down = max(down, top + DEPTH_CM)
        corners = ((_MARGIN, top), (_MARGIN + inner, top), (_MARGIN + inner, down), (_MARGIN, down))
        outlines.append(AreaOutline(area, corners))
        top = down + _AISLE
    width = inner + 2 * _MARGIN
    marks, beside = list[LaneMark](), {False: _MARGIN, True: _MARGIN}
    for lane, out in lanes:
        marks.append(LaneMark(lane, (width if out else 0, beside[out]), 0))
        beside[out] += _LANE_STEP
    height = max(top - _AISLE, *beside.values()) + _MARGIN
    return Plan(width, height, tuple(outlines), tuple(marks), tuple(rows))
