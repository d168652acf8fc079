"""Pictures as cameras send them: JPEG, as bytes or base64, bounded. Pure.

A picture that cannot be used never costs the recognition: it is left out and noted as a flaw, e.g. ``scene.not_jpeg``.
"""

from base64 import b64decode

from openberth.contexts.stays.recognition import Picture, PictureKind

MAX_PICTURE = 2 * 1024 * 1024
MAX_PICTURE_TEXT = MAX_PICTURE * 3 // 2  # base64 takes a third more; the rest is room for line breaks
_JPEG = b"\xff\xd8"


def jpeg(kind: PictureKind, data: bytes | None, flaws: list[str]) -> Picture | None:
    """Return the picture, None when there is none or it cannot be used; goes by its first bytes, not by its type."""
    if not data:
        return None
    if len(data) > MAX_PICTURE:
        flaws.append(f"{kind}.too_big")
        return None
    if not data.startswith(_JPEG):
        flaws.append(f"{kind}.not_jpeg")
        return None
    return Picture(kind, data)


def from_base64(kind: PictureKind, text: str | None, flaws: list[str]) -> bytes | None:
    """Return the bytes of a base64 text; line breaks and missing padding are common and harmless."""
    if not text:
        return None
    if len(text) > MAX_PICTURE_TEXT:
        flaws.append(f"{kind}.too_big")
        return None
    packed = "".join(text.split()).rstrip("=")
    try:
        return b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except ValueError:
        flaws.append(f"{kind}.not_base64")
        return None
