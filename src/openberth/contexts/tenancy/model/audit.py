"""The audit chain, pure: what an entry says, the hash that binds it to the one before, and the walk that verifies.

Canonical text of an entry (``openberth-audit/1``): the JSON array of the format, the number and every other field but
the hash, in the order of ``FIELDS``; ASCII with escapes, no spaces, absent values ``null``, ids in their usual text
form, old and new values as the JSON text that is stored. The hash is the SHA-256 of it, in hexadecimal. The first
entry follows ``GENESIS``. So anybody can check an export with ten lines of any language.

Beside the hash stands a keyed hash of it (``mac``) with a key of the key file: who owns the database alone can hash
anew, but cannot make an entry that passes. Who owns both can, and a head that was carried away shows even that.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from openberth.kernel import persons
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

FORMAT = "openberth-audit/1"
HEAD_FORMAT = "openberth-audit-head/1"
GENESIS = "0" * 64
VALUES_MAX = 2_000  # characters of the old values, and of the new ones
REASON_MAX = 200
FINDINGS_MAX = 100


class Outcome(StrEnum):
    """Whether the deed was done or refused."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did, for the trail: ids, codes, numbers and masked values, never anything personal.

    ``deed`` is a word of the catalogue (``audit.deed.<deed>``), ``subject`` the id or code of the thing it was done to.
    """

    deed: str
    subject_kind: str
    subject: str
    company: Id | None = None
    lot: Id | None = None
    reason: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    outcome: Outcome = Outcome.DONE


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the chain as it is stored. ``at`` is machine time; ``cause`` the event it was written from."""

    number: int
    at: Instant
    actor_kind: str
    actor_name: str
    address: str | None
    deed: str
    outcome: str
    subject_kind: str
    subject: str
    company_id: Id | None
    lot_id: Id | None
    reason: str | None
    old_values: str | None
    new_values: str | None
    cause: Id | None
    previous: str
    hash: str
    mac: str | None = None  # None: written before entries had one


_encode = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode
FIELDS = tuple(each.name for each in fields(Entry) if each.name not in ("hash", "mac"))


def canonical(entry: Entry) -> bytes:
    """Return the text that is hashed. Raises ``TypeError`` for a value that no entry can have."""
    values: list[Any] = [FORMAT]
    for name in FIELDS:
        value = getattr(entry, name)
        values.append(str(value) if isinstance(value, Id) else value)
    return _encode(values).encode("ascii")


def hash_of(entry: Entry) -> str:
    """Return the hash that an entry has to carry."""
    return hashlib.sha256(canonical(entry)).hexdigest()


def sealed(entry: Entry) -> Entry:
    """Return an entry with its hash."""
    return replace(entry, hash=hash_of(entry))


def values_text(values: Mapping[str, Any] | None) -> str | None:
    """Return values as they are stored: JSON with sorted keys; what is too long is told by its digest and length."""
    if values is None:
        return None
    text = json.dumps(values, ensure_ascii=True, allow_nan=False, separators=(",", ":"), sort_keys=True, default=_plain)
    if len(text) <= VALUES_MAX:
        return text
    return values_text({"sha256": hashlib.sha256(text.encode()).hexdigest(), "characters": len(text)})


def _plain(value: object) -> Any:
    if isinstance(value, Id):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no value of the audit trail")


def plain_words(text: str, longest: int) -> str:
    """Return words as every database keeps them: one line of printable characters, bounded."""
    if not text.isprintable():
        text = "".join(mark if mark.isprintable() else " " for mark in text)
    return " ".join(text.split())[:longest]


def kept_reason(text: str) -> str:
    """Return a reason as the trail keeps it, with no number or plate of anybody: an entry cannot be erased."""
    return persons.masked_words(plain_words(text, 10 * REASON_MAX))[:REASON_MAX]


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry at an instant: carried away from the machine, it proves what stood there."""

    number: int
    hash: str
    at: Instant


NO_HEAD = Head(0, GENESIS, Instant(0))


def head_text(head: Head) -> str:
    """Return the text of a head that is signed."""
    return json.dumps([HEAD_FORMAT, head.number, head.hash, head.at], separators=(",", ":"))


class Fault(StrEnum):
    """What is wrong in a chain. Its texts stand in the catalogue as ``audit.fault.<code>``."""

    CHANGED = "changed"  # the entry does not say what was written
    UNREADABLE = "unreadable"  # the entry holds what no entry can hold
    GAP = "gap"  # entries are missing before this number
    ORDER = "order"  # a number comes twice, or after a larger one
    BROKEN = "broken"  # the entry does not follow the one before: one of them was put there or hashed anew
    CUT = "cut"  # a head names an entry beyond the end
    REWRITTEN = "rewritten"  # a head names another entry of this number
    FORGED = "forged"  # the entry was not written with the keys of this installation


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault and where it is: numbers ``first`` to ``last``."""

    fault: Fault
    first: int
    last: int


class Walk:
    """Verifies a chain that is handed over entry by entry in its order; keeps a handful of values only.

    ``mac_of`` gives the keyed hash that belongs to a hash; without it keyed hashes are not looked at. ``unkeyed``
    counts the entries at the beginning that have none: they are as old as that, or somebody began anew, and a head that
    was carried away tells which. ``proven`` is the number of the newest entry that a head names.
    """

    def __init__(self, heads: Iterable[Head] = (), *, mac_of: Callable[[str], str] | None = None) -> None:
        self.unkeyed = 0
        self.proven = 0
        self._mac_of = mac_of
        self._keyed = False
        self.findings: list[Finding] = []
        self.faults = 0
        self.entries = 0
        self._number = 0
        self._hash: str | None = GENESIS
        self._heads: dict[int, set[str]] = {}
        for head in heads:
            self._heads.setdefault(head.number, set()).add(head.hash)

    @property
    def number(self) -> int:
        """Return the number of the last entry, 0 before the first."""
        return self._number

    @property
    def hash(self) -> str:
        """Return the hash of the last entry."""
        return self._hash or GENESIS

    def step(self, found: Entry | int) -> None:
        """Look at what stands next: an entry, or the number of one that cannot be read."""
        if isinstance(found, Entry):
            self._look_at(found)
        else:
            self._arrive(found)
            self._find(Fault.UNREADABLE, found)
            self._hash = None  # what has to follow cannot be told

    def _look_at(self, entry: Entry) -> None:
        follows = self._arrive(entry.number)
        if follows and self._hash is not None and entry.previous != self._hash:
            self._find(Fault.BROKEN, entry.number)
        try:
            same = entry.hash == hash_of(entry)
        except (TypeError, ValueError):
            same = False
        if not same:
            self._find(Fault.CHANGED, entry.number)
        elif self._mac_of is not None and not self._is_keyed(entry, self._mac_of):
            self._find(Fault.FORGED, entry.number)
        self._compare(entry.number, entry.hash)
        self._hash = entry.hash

    def _is_keyed(self, entry: Entry, mac_of: Callable[[str], str]) -> bool:
        if entry.mac is None:
            self.unkeyed += not self._keyed
            return not self._keyed
        self._keyed = True
        return hmac.compare_digest(entry.mac, mac_of(entry.hash))

    def finish(self) -> Sequence[Finding]:
        """Return what was found; heads beyond the last entry show that the end was cut."""
        beyond = [number for number in self._heads if number > self._number]
        if beyond:
            self._find(Fault.CUT, self._number + 1, max(beyond))
            self._heads.clear()
        return self.findings

    def _arrive(self, number: int) -> bool:
        """Count an entry; tell whether it comes right after the one before."""
        self.entries += 1
        expected = self._number + 1
        if number > expected:
            self._find(Fault.GAP, expected, number - 1)
        elif number < expected:
            self._find(Fault.ORDER, number)
        self._number = number
        return number == expected

    def _compare(self, number: int, found: str) -> None:
        wanted = self._heads.get(number)
        if wanted is not None and wanted != {found}:
            self._find(Fault.REWRITTEN, number)
        elif wanted is not None:
            self.proven = number

    def _find(self, fault: Fault, first: int, last: int | None = None) -> None:
        self.faults += 1
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(Finding(fault, first, first if last is None else last))
