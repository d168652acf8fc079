"""A price against the length of a stay as a picture: SVG for paper and pages, blocks for a terminal.

Whole numbers only: a step of a price lies where it lies.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from openberth.kernel.money import Money
from openberth.kernel.time import DAY_US, HOUR_US, MINUTE_US

WIDTH, HEIGHT = 960, 480
LEFT, RIGHT, TOP, BOTTOM = 90, 30, 60, 60
BLOCKS = " ▁▂▃▄▅▆▇█"
EIGHTHS = 8
# Spans between marks of the time axis, of which the first is taken that gives few enough.
TIME_STEPS = (
    5 * MINUTE_US, 10 * MINUTE_US, 15 * MINUTE_US, 30 * MINUTE_US, HOUR_US, 2 * HOUR_US, 3 * HOUR_US, 4 * HOUR_US,
    6 * HOUR_US, 12 * HOUR_US, DAY_US, 2 * DAY_US, 7 * DAY_US, 14 * DAY_US,
)  # fmt: skip
TIME_MARKS_MAX, MONEY_MARKS_MAX = 12, 8


@dataclass(frozen=True, slots=True)
class Steps:
    """A price as it is drawn: (microseconds after the entry, total), of which each holds until the next one."""

    points: Sequence[tuple[int, Money]]
    length_us: int

    @property
    def most(self) -> int:
        """Return the highest price in minor units, at least 1."""
        return max(1, *(total.minor for _, total in self.points))

    @property
    def currency(self) -> str:
        """Return the currency."""
        return self.points[0][1].currency

    def between(self, start_us: int, end_us: int) -> int:
        """Return the highest price of stays whose length lies in a half-open span."""
        inside = [total.minor for after, total in self.points if start_us <= after < end_us]
        before = [total.minor for after, total in self.points if after <= start_us]
        return max([*inside, *before[-1:]], default=0)

    def at(self, after_us: int) -> int:
        """Return the price of a stay of a length."""
        return [total.minor for after, total in self.points if after <= after_us][-1]


def length_text(us: int) -> str:
    """Write a length on an axis: ``45m``, ``2h``, ``1d6h``; every language reads it."""
    minutes = us // MINUTE_US
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{number}{unit}" for number, unit in ((days, "d"), (hours, "h"), (rest, "m")) if number]
    return "".join(parts) or "0"


def terminal(steps: Steps, width: int, height: int) -> list[str]:
    """Draw in lines of at most ``width`` cells: amounts on the left, lengths below."""
    labels = {row: _amount(steps.most * row // height, steps.currency) for row in (height, height // 2, 0)}
    margin = max(len(label) for label in labels.values())
    columns = max(8, width - margin - 2)
    heights = [_eighths(steps, column, columns, height) for column in range(columns)]
    lines = []
    for row in range(height, 0, -1):
        cells = "".join(BLOCKS[min(max(each - (row - 1) * EIGHTHS, 0), EIGHTHS)] for each in heights)
        lines.append(f"{labels.get(row, ''):>{margin}} ┤{cells}")
    lines.append(f"{labels[0]:>{margin}} └{'─' * columns}")
    lines.append(" " * (margin + 2) + _axis(steps.length_us, columns))
    return [line.rstrip() for line in lines]


def _eighths(steps: Steps, column: int, columns: int, height: int) -> int:
    start, end = column * steps.length_us // columns, (column + 1) * steps.length_us // columns
    price = steps.between(start, max(end, start + 1))
    return -(-price * height * EIGHTHS // steps.most)  # a price that is not nothing is seen


def _axis(length_us: int, columns: int) -> str:
    line = ""
    for at in _time_marks(length_us, columns // 8):
        column = at * columns // max(length_us, 1)
        if column >= len(line) + 1 or not line:
            label = length_text(at)
            if column + len(label) <= columns:
                line = line.ljust(column) + label
    return line


def svg(steps: Steps, title: str, subtitle: str) -> str:
    """Return the picture as SVG text."""
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    step = _money_step(steps.most)
    top = -(-steps.most // step) * step

    def x(us: int) -> int:
        return LEFT + us * wide // max(steps.length_us, 1)

    def y(minor: int) -> int:
        return TOP + high - minor * high // top

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="26" font-size="18" fill="#1a1a1a">{escape(title)}</text>',
        f'<text x="{LEFT}" y="46" font-size="13" fill="#666666">{escape(subtitle)}</text>',
    ]
    for minor in range(0, top + 1, step):
        parts.append(f'<line x1="{LEFT}" y1="{y(minor)}" x2="{WIDTH - RIGHT}" y2="{y(minor)}" stroke="#e3e3e3"/>')
        label = _amount(minor, steps.currency)
        parts.append(f'<text x="{LEFT - 8}" y="{y(minor) + 4}" text-anchor="end" {_SMALL}>{label}</text>')
    for at in _time_marks(steps.length_us, TIME_MARKS_MAX):
        parts.append(f'<line x1="{x(at)}" y1="{TOP}" x2="{x(at)}" y2="{TOP + high}" stroke="#f0f0f0"/>')
        parts.append(f'<text x="{x(at)}" y="{TOP + high + 20}" text-anchor="middle" {_SMALL}>{length_text(at)}</text>')
    line = " ".join(_path(steps, x, y))
    parts.append(f'<path d="{line}" fill="none" stroke="#0b66c3" stroke-width="2.5" stroke-linejoin="round"/>')
    parts.append(f'<text x="{LEFT - 8}" y="{TOP - 12}" text-anchor="end" {_SMALL}>{steps.currency}</text>')
    return "\n".join([*parts, "</svg>", ""])


_SMALL = 'font-size="12" fill="#555555"'


def _path(steps: Steps, x: Callable[[int], int], y: Callable[[int], int]) -> Iterator[str]:
    for index, (after, total) in enumerate(steps.points):
        yield f"M{x(after)} {y(total.minor)}" if index == 0 else f"H{x(after)} V{y(total.minor)}"
    yield f"H{x(steps.length_us)}"


def _amount(minor: int, currency: str) -> str:
    return Money(minor, currency).amount_text


def _money_step(most: int) -> int:
    """Return the distance of marks: 1, 2 or 5 times a power of ten, in minor units."""
    power = 1
    while True:
        for digit in (1, 2, 5):
            if most <= digit * power * MONEY_MARKS_MAX:
                return digit * power
        power *= 10


def _time_marks(length_us: int, most: int) -> range:
    step = next((each for each in TIME_STEPS if length_us <= each * max(most, 1)), TIME_STEPS[-1])
    return range(0, length_us + 1, step)
