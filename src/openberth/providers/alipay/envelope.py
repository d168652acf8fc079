"""What stands around an answer of Alipay: a node with the answer, a signature over the node's raw text, a certificate.

The text is signed as it was sent, with its escapes and its order, so the node is cut out of it and never written anew.
"""

import re
from decimal import Decimal
from json.decoder import JSONDecoder
from typing import Any, NamedTuple

ERROR = "error_response"
_SPACES = re.compile(r"[ \t\n\r]*")


def _no_such(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


_DECODER = JSONDecoder(parse_float=Decimal, parse_constant=_no_such)


class Envelope(NamedTuple):
    """A node as it was sent, with what proves it; without a signature it proves nothing."""

    node: str
    signature: str
    certificate: str | None

    @property
    def signed(self) -> bytes:
        """Return what is signed."""
        return self.node.encode()


def opened(body: bytes, method: str) -> Envelope:
    """Return the answer to a method, or the error that came in its place. Raises ``ValueError``."""
    parts = _parts(body.decode())
    node = parts.get(method.replace(".", "_") + "_response") or parts.get(ERROR)
    if node is None:
        raise ValueError("no answer")
    return Envelope(node, _text(parts, "sign") or "", _text(parts, "alipay_cert_sn"))


def _parts(text: str) -> dict[str, str]:
    """Return the raw texts of an object's values by name; a name that comes twice is no answer."""
    found: dict[str, str] = {}
    at = _after(text, 0, "{")
    if text[at : at + 1] == "}":
        return _ended(text, at, found)
    while True:
        name, end = _value(text, at)
        start = _after(text, _spaces(text, end), ":")
        _, end = _value(text, start)
        if not isinstance(name, str) or name in found:
            raise ValueError("a name that is none, or comes twice")
        found[name] = text[start:end]
        at = _spaces(text, end)
        if text[at : at + 1] == "}":
            return _ended(text, at, found)
        at = _after(text, at, ",")


def _value(text: str, at: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _after(text: str, at: int, sign: str) -> int:
    at = _spaces(text, at)
    if text[at : at + 1] != sign:
        raise ValueError(f"{sign} is missing")
    return _spaces(text, at + 1)


def _spaces(text: str, at: int) -> int:
    found = _SPACES.match(text, at)
    return at if found is None else found.end()


def _ended(text: str, at: int, found: dict[str, str]) -> dict[str, str]:
    if _spaces(text, at + 1) != len(text):
        raise ValueError("something behind the end")
    return found


def _text(parts: dict[str, str], name: str) -> str | None:
    value = _DECODER.decode(parts[name]) if name in parts else None
    return value if isinstance(value, str) and value else None
