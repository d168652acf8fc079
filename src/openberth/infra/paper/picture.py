"""PDFs as one picture: all pages under each other, in 16 greys. Not thread-safe (PDFium is not): see ``Press``."""

import io

import pypdfium2 as pdfium
from PIL import Image

SCALE = 4  # pixels of a point: 288 to the inch, 907 across 80 mm
_GREYS = 16  # enough for smooth letters, and a quarter of the bytes of 256
_TO_GREY = bytes(level * _GREYS // 256 for level in range(256))
_PALETTE = [part for grey in range(_GREYS) for part in (grey * 255 // (_GREYS - 1),) * 3]


def png_of(pdf: bytes) -> bytes:
    """Return the pages of a PDF as one PNG: the same bytes for the same PDF."""
    document = pdfium.PdfDocument(pdf)
    try:
        pages = [_rendered(document[index]) for index in range(len(document))]
    finally:
        document.close()
    picture = Image.new("L", (max(page.width for page in pages), sum(page.height for page in pages)), 255)
    top = 0
    for page in pages:
        picture.paste(page, (0, top))
        top += page.height
    few = Image.frombytes("P", picture.size, picture.tobytes().translate(_TO_GREY))
    few.putpalette(_PALETTE)
    out = io.BytesIO()
    few.save(out, "PNG", bits=4, dpi=(SCALE * 72, SCALE * 72))
    return out.getvalue()


def _rendered(page: pdfium.PdfPage) -> Image.Image:
    bitmap = page.render(scale=SCALE, grayscale=True)
    try:
        picture: Image.Image = bitmap.to_pil().copy()  # the memory of the bitmap goes with it
        return picture
    finally:
        bitmap.close()
        page.close()
