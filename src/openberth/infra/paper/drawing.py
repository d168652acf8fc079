"""Papers as PDF, with the characters they use of the one font embedded. Not thread-safe: see ``Press``."""

import io
from functools import lru_cache
from importlib.resources import as_file, files

import segno
from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from openberth.infra.paper.model import BLACK, PALE, Paper
from openberth.infra.paper.setting import MARGIN, WIDTH, Code, Line, Page, Words, pages_of

FONT = "NotoSansSC"
FONT_FILE = "NotoSansSC-GB2312.ttf"
NO_GLYPH = "〓"  # printers set it for a character that their case lacks (GB/T 15834 knows none)
LANGUAGES = {"zh": "zh-CN", "en": "en"}
_MARK_SIZE_MAX, _MARK_ANGLE = 64.0, 32


def pdf_of(paper: Paper) -> bytes:
    """Return a paper as PDF: the same bytes for the same paper. Raises ``ValueError`` for one without end."""
    _font()
    pages = pages_of(paper, width_of)
    out = io.BytesIO()
    # Without a font of its own each page would begin with one that is not embedded.
    language = LANGUAGES.get(paper.language, paper.language)
    canvas = Canvas(
        out, invariant=1, pageCompression=1, lang=language,
        initialFontName=FONT,  # type: ignore[arg-type] # the stubs take it for a number
    )  # fmt: skip
    canvas.setTitle(paper.title)
    canvas.setCreator("OpenBerth")
    for page in pages:
        canvas.setPageSize((WIDTH, page.height))
        if paper.mark is not None:
            _across(canvas, page, paper.mark)
        for mark in page.marks:
            match mark:
                case Words():
                    _words(canvas, mark.x, page.height - mark.y, mark.text, mark.size, mark.ink)
                case Line():
                    _line(canvas, page.height - mark.y, dashed=mark.dashed)
                case Code():
                    _code(canvas, mark, page.height)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def width_of(text: str, size: float) -> float:
    """Return how wide a text is."""
    return float(stringWidth(shown(text), FONT, size))


def shown(text: str) -> str:
    """Return a text with every character that the font lacks replaced by the mark for one."""
    known = _font().face.charToGlyph
    return "".join(sign if ord(sign) in known else NO_GLYPH for sign in text)


@lru_cache(maxsize=1)
def _font() -> TTFont:
    with as_file(files(__package__) / "font" / FONT_FILE) as path:
        font = TTFont(FONT, str(path))
    registerFont(font)
    return font


def _words(canvas: Canvas, x: float, y: float, text: str, size: float, ink: float) -> None:
    canvas.setFillGray(ink)
    canvas.setFont(FONT, size)
    canvas.drawString(x, y, shown(text))


def _line(canvas: Canvas, y: float, *, dashed: bool) -> None:
    canvas.setStrokeGray(PALE if not dashed else PALE - 0.2)
    canvas.setLineWidth(0.6)
    canvas.setDash(2, 2) if dashed else canvas.setDash()
    canvas.line(MARGIN, y, WIDTH - MARGIN, y)


def _code(canvas: Canvas, code: Code, height: float) -> None:
    """Draw a QR code (ISO/IEC 18004), row by row in runs of dark modules."""
    matrix = segno.make_qr(code.address, error="m").matrix
    module = code.side / len(matrix)
    canvas.setFillGray(BLACK)
    path = canvas.beginPath()
    for row, cells in enumerate(matrix):
        column = 0
        while column < len(cells):
            run = 0
            while column + run < len(cells) and cells[column + run]:
                run += 1
            if run:
                path.rect(code.x + column * module, height - code.y - (row + 1) * module, run * module, module)
            column += run or 1
    canvas.drawPath(path, stroke=0, fill=1)


def _across(canvas: Canvas, page: Page, mark: str) -> None:
    """Write a mark across a page, under everything else: it hides nothing."""
    size = min(_MARK_SIZE_MAX, 0.94 * WIDTH / max(width_of(mark, 1.0), 0.01))
    canvas.saveState()
    canvas.setFillGray(PALE)
    canvas.setFont(FONT, size)
    canvas.translate(WIDTH / 2, page.height / 2)
    canvas.rotate(_MARK_ANGLE)
    canvas.drawCentredString(0, -size / 3, shown(mark))
    canvas.restoreState()
