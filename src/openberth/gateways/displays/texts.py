"""Texts as displays take them: GBK, one line, of a width that is counted in half-width characters. Pure."""

import unicodedata

REPLACED = "□"  # U+25A1, in GBK: what a display cannot show stands there as a box, it never just goes


class Unshowable(ValueError):
    """A frame cannot carry this. Says how long it is and may be, never what it says: plates stand in there."""


def shown(text: str) -> str:
    """Return a text as a display shows it: on one line, what has no GBK form as a box."""
    return text if _plain(text) is not None else "".join(_shown(one) for one in unicodedata.normalize("NFC", text))


def gbk(text: str, *, most: int, what: str = "text") -> bytes:
    """Return a text in GBK, what has no GBK form as a box. Raises ``Unshowable`` beyond ``most`` bytes."""
    plain = _plain(text)
    encoded = shown(text).encode("gbk") if plain is None else plain
    if len(encoded) > most:
        raise Unshowable(f"the {what} has {len(encoded)} bytes in GBK, at most {most} fit")
    return encoded


def width(text: str) -> int:
    """Return how wide a text is in half-width characters: its bytes in GBK."""
    plain = _plain(text)
    return len(shown(text).encode("gbk") if plain is None else plain)


def fitted(text: str, most: int) -> str:
    """Return a text cut to a width; never half of a character."""
    plain = _plain(text)
    if plain is not None and len(plain) <= most:
        return text
    kept, used = [], 0
    for one in shown(text):
        used += len(one.encode("gbk"))
        if used > most:
            break
        kept.append(one)
    return "".join(kept)


def _plain(text: str) -> bytes | None:
    """Return a text in GBK that every display shows as it is, None for one with anything that it does not."""
    if not text.isprintable():
        return None
    try:
        return text.encode("gbk")
    except UnicodeEncodeError:
        return None


def _shown(one: str) -> str:
    if one.isspace():
        return "\u3000" if one == "\u3000" else " "
    if not one.isprintable():
        return REPLACED
    try:
        one.encode("gbk")
    except UnicodeEncodeError:
        return REPLACED
    return one
