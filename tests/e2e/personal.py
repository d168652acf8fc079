"""Looking for plates where none may be: database, write-ahead log, logs, file names, whatever lies in the folder."""

import re
from collections.abc import Iterable
from pathlib import Path

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使"
BODY = rb"[A-Z0-9][A-Z0-9]{4,6}"
CHUNK = 1 << 20
OVERLAP = 64


def _any(codes: Iterable[bytes]) -> bytes:
    return b"(?:" + b"|".join(codes) + b")"


def _spelt(before: str, sign: str) -> bytes:
    return b"".join(re.escape(before.encode()) + f"{byte:02x}".encode() for byte in sign.encode())


# The ways in which a plate may be written: as text, escaped for JSON or Python or an address, in two bytes a sign.
FORMS = [
    re.compile(_any(re.escape(sign.encode()) for sign in PROVINCES) + BODY),
    re.compile(rb"\\u(?i:" + _any(f"{ord(sign):04x}".encode() for sign in PROVINCES) + rb")" + BODY),
    re.compile(_any(_spelt("\\x", sign) for sign in PROVINCES) + BODY),
    re.compile(rb"%(?i:" + _any(_spelt("%", sign)[1:] for sign in PROVINCES) + rb")" + BODY),
    re.compile(_any(re.escape(sign.encode("utf-16-le")) for sign in PROVINCES) + rb"[A-Z0-9]\x00(?:[A-Z0-9]\x00){4,6}"),
]


def plates_in(folder: Path, *, but: frozenset[str] = frozenset()) -> list[str]:
    """Return what looks like a plate in any file or file name below a folder, except in files named ``but``."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if any(form.search(name.encode()) for form in FORMS):
            found.append(f"name {name}")
        if path.is_file() and path.name not in but:
            found += [f"{name}: {plate.decode(errors='replace')}" for plate in _in_file(path)]
    return found


def _in_file(path: Path) -> list[bytes]:
    found: list[bytes] = []
    tail = b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            for form in FORMS:
                found += form.findall(tail + chunk)
            tail = chunk[-OVERLAP:]
    return found
