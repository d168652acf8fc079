"""Signed heads of the audit chain, as files that are carried away. Pure.

``{"format": "openberth-audit-head/1", "number": …, "hash": …, "at": RFC 3339, "method": "hmac-sha256", "key": …,
"mac": …, "jws": …}``. The keyed hash shows that this installation gave the head, for as long as its key file is kept.
The JWS says the same to others: its payload is the canonical text of the head, its key stands in the published key set
of that day. That nobody of the installation can forge the head afterwards follows from where the file is kept.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openberth.contexts.tenancy.model.audit import HEAD_FORMAT, Head
from openberth.kernel.time import from_iso, to_iso

JWS_KIND = "openberth-audit-head"
METHOD = "hmac-sha256"
NUMBER_MAX = (1 << 63) - 1
FILE_MAX = 10_000  # bytes
FILE_PREFIX = "openberth-head-"  # of the daily files, a date follows

_HEX = re.compile(r"[0-9a-f]{64}\Z")
_KEY = re.compile(r"[0-9a-f]{16}\Z")


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head with the name of the key and the keyed hash that it was signed with."""

    head: Head
    key: str
    mac: str
    jws: str | None = None  # None before the installation has its first key that signs

    def is_of(self, key: str, mac: str) -> bool:
        """Tell whether key and keyed hash are these, in constant time."""
        return self.key == key and hmac.compare_digest(self.mac, mac)


def document_of(signed: SignedHead) -> dict[str, Any]:
    """Return the document of a signed head."""
    head = signed.head
    return {
        "format": HEAD_FORMAT, "number": head.number, "hash": head.hash, "at": to_iso(head.at), "method": METHOD,
        "key": signed.key, "mac": signed.mac, "jws": signed.jws,
    }  # fmt: skip


def read_document(document: object) -> SignedHead:
    """Read the document of a signed head. Raises ``ValueError`` when it is none."""
    if not isinstance(document, Mapping) or document.get("format") != HEAD_FORMAT or document.get("method") != METHOD:
        raise ValueError("no head of an audit chain")
    number, at = document.get("number"), document.get("at")
    if type(number) is not int or not 0 <= number <= NUMBER_MAX or not isinstance(at, str):
        raise ValueError("no number or instant")
    found, key, mac = (str(document.get(name)) for name in ("hash", "key", "mac"))
    if not (_HEX.match(found) and _HEX.match(mac) and _KEY.match(key)):
        raise ValueError("no hash or key")
    jws = document.get("jws")
    if not (jws is None or isinstance(jws, str)):
        raise ValueError("no signature")
    return SignedHead(Head(number, found, from_iso(at)), key, mac, jws)
