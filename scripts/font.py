"""Make the font of printed papers anew from its original, byte for byte.

Usage: font.py ORIGINAL.ttf     (Noto Sans SC Regular, static TrueType, of the digest below; see the font's README)

What stays: Latin letters, the signs of GB 2312-80 (6 763 Chinese characters, punctuation, digits), the marks that
papers use. What goes: all other characters, hinting, kerning and vertical writing, and with them four fifths of the
size.
"""

import hashlib
import sys
from pathlib import Path

from fontTools import subset

ORIGINAL = "d45f67f0a7c0ca3f256950777ce6a61cc7ce5f9696d02900cbbaac25f8aa7d16"
TARGET = Path(__file__).resolve().parent.parent / "src/openberth/infra/paper/font/NotoSansSC-GB2312.ttf"
LATIN = [*range(0x20, 0x7F), *range(0xA0, 0x180)]
MARKS = [0x2013, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2026, 0x20AC, 0x2212]
UNUSED = ["GSUB", "GPOS", "GDEF", "BASE", "vhea", "vmtx", "VORG", "STAT", "DSIG", "gasp", "meta"]
NAMES = [0, 1, 2, 3, 4, 5, 6, 7, 13, 14]  # whose it is and under which licence stays with it


def gb2312() -> set[int]:
    """Return every sign of the standard."""
    pairs = (bytes((row, cell)) for row in range(0xA1, 0xF8) for cell in range(0xA1, 0xFF))
    return {ord(sign) for pair in pairs if (sign := pair.decode("gb2312", "ignore"))}


def main(original: Path) -> None:
    """Write the font."""
    digest = hashlib.sha256(original.read_bytes()).hexdigest()
    if digest != ORIGINAL:
        raise SystemExit(f"{original} is another version: its SHA-256 is {digest}")
    options = subset.Options()
    options.layout_features, options.hinting, options.notdef_outline = [], False, True
    options.name_IDs, options.drop_tables = NAMES, [*options.drop_tables, *UNUSED]
    font = subset.load_font(str(original), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=gb2312() | set(LATIN) | set(MARKS))
    subsetter.subset(font)
    font.recalcTimestamp = False
    subset.save_font(font, str(TARGET), options)
    print(f"{TARGET.name}: {len(font.getGlyphOrder())} glyphs, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
