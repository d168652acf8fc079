"""Typesetting: which words stand where on which page. Pure; how wide a text is comes from the font, handed in.

Pages are 80 mm wide, as of a receipt printer and as a phone reads them, and as high as what stands on them, up to the
height of A4; what is longer goes on on the next page. A block is never torn.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from openberth.infra.paper.model import GREY, SMALL, Align, Block, Gap, Paper, Qr, Row, Rule, Text

MM = 72 / 25.4
WIDTH = 80 * MM
HEIGHT_MAX = 297 * MM
MARGIN = 13.0
INNER = WIDTH - 2 * MARGIN
FOOT = SMALL * 2.4  # room for the number of the page, where there are several
LEADING = 1.42
BETWEEN = 10.0  # the least room between the words on the left and the value
LEFT_SHARE = 0.64  # of the width, for the words on the left of a long value
PAGES_MAX = 12

Measure: TypeAlias = Callable[[str, float], float]

# A run of letters and digits stays together, anything else may begin a line; a space belongs to the word before it.
_PIECE = re.compile(r"[A-Za-z0-9_.,:;/+@#%&'()\[\]\-–*]+ *|[^\S\n]+|\S *")
_NEVER_FIRST = frozenset("，。、；：？！）》」』】…·,.;:!?)%")


@dataclass(frozen=True, slots=True)
class Words:
    """A text whose baseline begins at a point, from the top left of the page."""

    x: float
    y: float
    text: str
    size: float
    ink: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line across, at a height from the top."""

    y: float
    dashed: bool


@dataclass(frozen=True, slots=True)
class Code:
    """A QR code, from its top left corner."""

    x: float
    y: float
    side: float
    address: str


Mark: TypeAlias = Words | Line | Code


@dataclass(slots=True)
class Page:
    """What stands on a page, and how high it is."""

    height: float
    marks: list[Mark] = field(default_factory=list)


def pages_of(paper: Paper, measure: Measure) -> list[Page]:
    """Set a paper. Raises ``ValueError`` for one beyond ``PAGES_MAX`` pages: who writes papers bounds them."""
    pages: list[Page] = []
    y, marks = MARGIN, list[Mark]()
    for block in paper.blocks:
        height, placed = _placed(block, measure)
        if y + height > HEIGHT_MAX - MARGIN - FOOT and marks:
            pages.append(Page(HEIGHT_MAX, marks))
            y, marks = MARGIN, []
            if isinstance(block, Gap | Rule):  # they part things, and nothing stands above them here
                continue
        marks += [_lower(mark, y) for mark in placed]
        y += height
    several = bool(pages)
    pages.append(Page(y + MARGIN + (FOOT if several else 0.0), marks))
    if len(pages) > PAGES_MAX:
        raise ValueError(f"a paper has at most {PAGES_MAX} pages")
    if several:
        for number, page in enumerate(pages, 1):
            said = paper.page.format(page=number, pages=len(pages))
            x = (WIDTH - measure(said, SMALL)) / 2
            page.marks.append(Words(x, page.height - MARGIN, said, SMALL, GREY))
    return pages


def wrapped(text: str, size: float, width: float, measure: Measure) -> list[str]:
    """Return a text in lines of a width: Chinese anywhere, Latin between words; what is too long for a line is cut."""
    lines, line = list[str](), ""
    for piece in _pieces(text, size, width, measure):
        if not line or measure((line + piece).rstrip(), size) <= width:
            line += piece
        elif piece[0] in _NEVER_FIRST and len(line) > 1:  # the last sign goes along, so that no line begins with this
            kept = line.rstrip()
            lines.append(kept[:-1].rstrip())
            line = kept[-1] + piece
        else:
            lines.append(line.rstrip())
            line = piece.lstrip()
    return [each for each in (*lines, line.rstrip()) if each] or [""]


def _pieces(text: str, size: float, width: float, measure: Measure) -> Iterator[str]:
    for found in _PIECE.finditer(text):
        piece = found[0]
        while measure(piece.rstrip(), size) > width and len(piece) > 1:
            fits = max(1, next(n for n in range(len(piece), 0, -1) if n == 1 or measure(piece[:n], size) <= width))
            yield piece[:fits]
            piece = piece[fits:]
        if piece:
            yield piece


def _placed(block: Block, measure: Measure) -> tuple[float, Sequence[Mark]]:
    """Return the height of a block, and what stands in it, from its own top."""
    match block:
        case Text():
            lines = wrapped(block.words, block.size, INNER, measure)
            return _column(lines, block.size), [
                Words(_x(line, block, measure), _baseline(index, block.size), line, block.size, block.ink)
                for index, line in enumerate(lines)
            ]
        case Row():
            return _row(block, measure)
        case Rule():
            return 9.0, [Line(4.5, block.dashed)]
        case Qr():
            return block.side, [Code((WIDTH - block.side) / 2, 0.0, block.side, block.address)]
        case Gap():
            return block.height, []


def _row(row: Row, measure: Measure) -> tuple[float, Sequence[Mark]]:
    size = row.size
    right_width = measure(row.right, size)
    left_width = measure(row.left, size)
    if left_width + right_width + BETWEEN > INNER:  # what is short keeps its line, what is long gets the rest
        left_width = min(left_width, max(INNER * LEFT_SHARE, INNER - right_width - BETWEEN))
    lefts = wrapped(row.left, size, left_width + 0.01, measure)
    rights = wrapped(row.right, size, INNER - left_width - BETWEEN + 0.01, measure)
    left_ink = row.ink if row.left_ink is None else row.left_ink
    marks: list[Mark] = [
        Words(MARGIN, _baseline(index, size), line, size, left_ink) for index, line in enumerate(lefts)
    ]
    marks += [
        Words(WIDTH - MARGIN - measure(line, size), _baseline(index, size), line, size, row.ink)
        for index, line in enumerate(rights)
    ]
    return max(_column(lefts, size), _column(rights, size)), marks


def _x(line: str, block: Text, measure: Measure) -> float:
    return MARGIN if block.align is Align.LEFT else (WIDTH - measure(line, block.size)) / 2


def _column(lines: Sequence[str], size: float) -> float:
    return len(lines) * size * LEADING


def _baseline(index: int, size: float) -> float:
    return index * size * LEADING + size * 1.08


def _lower(mark: Mark, by: float) -> Mark:
    match mark:
        case Words():
            return Words(mark.x, mark.y + by, mark.text, mark.size, mark.ink)
        case Line():
            return Line(mark.y + by, mark.dashed)
        case Code():
            return Code(mark.x, mark.y + by, mark.side, mark.address)
