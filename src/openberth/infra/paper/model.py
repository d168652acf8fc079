"""What a paper consists of. Sizes are in points (1/72 inch); inks go from 0 (black) to 1 (white)."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

LOOK = b"openberth-paper/1"  # raised when the same paper is drawn otherwise: kept copies are stale then
BLACK, DARK, GREY, PALE = 0.07, 0.27, 0.47, 0.8
SMALL, NORMAL, LARGE, TITLE, HUGE = 6.5, 8.0, 10.0, 12.5, 25.0


class PaperFormat(StrEnum):
    """What a paper can be had as."""

    PDF = "pdf"
    PNG = "png"

    @property
    def media_type(self) -> str:
        """Return the media type."""
        return "application/pdf" if self is PaperFormat.PDF else "image/png"


class Align(StrEnum):
    """Where a text stands in its line."""

    LEFT = "left"
    CENTRE = "centre"


@dataclass(frozen=True, slots=True)
class Text:
    """Words over the whole width, wrapped."""

    words: str
    size: float = NORMAL
    ink: float = BLACK
    align: Align = Align.LEFT


@dataclass(frozen=True, slots=True)
class Row:
    """Words on the left, and a value that stands right-aligned in the same line; both wrap within their share."""

    left: str
    right: str
    size: float = NORMAL
    ink: float = BLACK
    left_ink: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the page."""

    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing for a while."""

    height: float = 5.0


@dataclass(frozen=True, slots=True)
class Qr:
    """A QR code that leads to an address."""

    address: str
    side: float = 84.0


Block: TypeAlias = Text | Row | Rule | Gap | Qr


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper. ``mark`` stands in large letters across every page; ``page`` numbers pages where there are several,
    with ``{page}`` and ``{pages}`` in it.
    """

    title: str
    language: str
    blocks: tuple[Block, ...]
    mark: str | None = None
    page: str = "{page}/{pages}"


def digest_of(paper: Paper, form: PaperFormat) -> str:
    """Return what is the same for the same paper in the same form: a validator for caches."""
    return hashlib.sha256(b"\x00".join((LOOK, form.value.encode(), repr(paper).encode()))).hexdigest()[:32]
