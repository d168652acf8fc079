"""Looking for plates where none may be: database, write-ahead log, logs, file names, whatever lies in the folder."""

import re
from pathlib import Path

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使"
PLATE = re.compile(
    b"(?:" + b"|".join(re.escape(one.encode()) for one in PROVINCES) + rb")[A-Z0-9][A-Z0-9]{4,6}"
)  # fmt: skip
CHUNK = 1 << 20
OVERLAP = 32


def plates_in(folder: Path, *, but: frozenset[str] = frozenset()) -> list[str]:
    """Return what looks like a plate in any file or file name below a folder, except in files named ``but``."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if PLATE.search(name.encode()):
            found.append(f"name {name}")
        if path.is_file() and path.name not in but:
            found += [f"{name}: {plate.decode()}" for plate in _in_file(path)]
    return found


def _in_file(path: Path) -> list[bytes]:
    found: list[bytes] = []
    tail = b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found += PLATE.findall(tail + chunk)
            tail = chunk[-OVERLAP:]
    return found
