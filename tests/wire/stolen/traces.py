"""Looking for values where none may be: in every spelling in which a byte or a sign can be written down."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

SHORTEST = 4  # bytes of a form: shorter ones are found by chance


def forms_of(value: str) -> dict[str, bytes]:
    """Return every spelling of a value that is looked for, by its name."""
    plain = value.encode()
    escaped = json.dumps(value)[1:-1]
    forms = {
        "utf-8": plain, "utf-16-le": value.encode("utf-16-le"), "utf-16-be": value.encode("utf-16-be"),
        "gb18030": value.encode("gb18030"), "hex": plain.hex().encode(), "HEX": plain.hex().upper().encode(),
        "json": escaped.encode(), "JSON": escaped.replace("\\u", "\0").upper().replace("\0", "\\u").encode(),
        "address": quote(value).encode(), "ADDRESS": quote(value).lower().encode(),
        "python": repr(plain)[2:-1].encode(), "reversed": value[::-1].encode(),
    }  # fmt: skip
    forms |= {f"base64+{shift}": form for shift, form in enumerate(_base64(plain))}
    in_addresses = bytes.maketrans(b"+/", b"-_")
    forms |= {f"base64url+{shift}": form.translate(in_addresses) for shift, form in enumerate(_base64(plain))}
    return {name: form for name, form in forms.items() if len(form) >= SHORTEST}


def _base64(plain: bytes) -> Iterator[bytes]:
    """Yield what is the same of a value in Base64 wherever it begins, whatever stands around it."""
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + plain)
        yield encoded[(8 * shift + 5) // 6 : 8 * (shift + len(plain)) // 6]


def found_in(content: bytes, values: Mapping[str, str]) -> list[str]:
    """Return which values stand in some bytes, and how they are spelt there."""
    return [
        f"{name} as {form}"
        for name, value in values.items()
        for form, spelt in forms_of(value).items()
        if spelt in content
    ]


def traces_in(places: Iterable[Path], values: Mapping[str, str]) -> list[str]:
    """Return every trace of the values in files, and in the names of files, below some folders."""
    found = []
    for place in places:
        for path in [place] if place.is_file() else sorted(place.rglob("*")):
            found += [f"the name of {path.name}: {trace}" for trace in found_in(str(path.name).encode(), values)]
            if path.is_file():
                found += [f"{path.name}: {trace}" for trace in found_in(path.read_bytes(), values)]
    return found
