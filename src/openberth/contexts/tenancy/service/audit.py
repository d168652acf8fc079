"""Writing the audit trail and reading it. Deeds enter in the unit that does them, so neither is without the other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from openberth.contexts.tenancy.model import audit as model
from openberth.contexts.tenancy.model.audit import Deed, Entry, Head, Outcome
from openberth.contexts.tenancy.model.deeds import deed_of
from openberth.contexts.tenancy.model.heads import JWS_KIND, SignedHead
from openberth.contexts.tenancy.service import keys
from openberth.contexts.tenancy.store import audit as store
from openberth.infra import signed_tokens
from openberth.infra.database import Reader, Unit
from openberth.infra.database.unit import Sealer
from openberth.infra.permitting import by_construction, inner, needs, require_whole
from openberth.infra.refusals import Refusal
from openberth.infra.signed_tokens import Algorithm
from openberth.kernel.authority import Actor
from openberth.kernel.errors import Malformed, Refused
from openberth.kernel.events import Envelope
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

PAGE_MAX = 500
CHAIN = Id(int=0)  # one chain per installation
_WORDS_MAX = {"actor_name": 80, "address": 64, "deed": 60, "subject_kind": 24, "subject": 120}


@inner
def record(unit: Unit, deed: Deed) -> int:
    """Write a deed of the unit's caller into the trail; return its number.

    For deeds that the event log does not carry. Called last in the unit: the lock of the chain is taken after all
    others, so nobody waits for one who waits for it.
    """
    return _append(unit, deed, unit.caller.actor, unit.machine_now, None)


@by_construction
def record_event(unit: Unit, *, envelope: Envelope) -> None:
    """Write what an event of the log tells of, when that is a deed."""
    deed = deed_of(envelope)
    if deed is not None:
        _append(unit, deed, envelope.actor, envelope.recorded_at, envelope.id)


@by_construction
def record_refusals(unit: Unit, *, refusals: Sequence[tuple[Refusal, int]], lost: int) -> None:
    """Write what the edge refused, each with how often, and how many more there were than the queue holds."""
    for refusal, times in refusals:
        deed = Deed(
            "request.refused", "route", f"{refusal.method} {refusal.route}", reason=refusal.code,
            after={"status": refusal.status, "times": times}, outcome=Outcome.REFUSED,
        )  # fmt: skip
        _add(unit, deed, refusal.actor_kind, refusal.actor_name, refusal.address, unit.machine_now, None)
    if lost:
        deed = Deed("request.refusals_lost", "route", "-", after={"times": lost}, outcome=Outcome.REFUSED)
        _append(unit, deed, unit.caller.actor, unit.machine_now, None)


def _append(unit: Unit, deed: Deed, actor: Actor, at: Instant, cause: Id | None) -> int:
    return _add(unit, deed, actor.kind.value, actor.name, actor.address, at, cause)


def _add(
    unit: Unit, deed: Deed, actor_kind: str, actor_name: str, address: str | None, at: Instant, cause: Id | None
) -> int:
    unit.lock(("audit", CHAIN))
    newest = unit.one(store.NEWEST)
    number, previous = (0, model.GENESIS) if newest is None else newest
    entry = Entry(
        number=number + 1, at=at, actor_kind=actor_kind, actor_name=_word("actor_name", actor_name),
        address=None if address is None else _word("address", address), deed=_word("deed", deed.deed),
        outcome=deed.outcome.value, subject_kind=_word("subject_kind", deed.subject_kind),
        subject=_word("subject", deed.subject), company_id=deed.company, lot_id=deed.lot,
        reason=None if deed.reason is None else model.kept_reason(deed.reason),
        old_values=model.values_text(deed.before), new_values=model.values_text(deed.after), cause=cause,
        previous=previous, hash="",
    )  # fmt: skip
    entry = model.sealed(entry)
    unit.run(store.APPEND, replace(entry, mac=mac_of(unit.keys, entry.hash)))
    return entry.number


def mac_of(keys: Sealer, entry_hash: str) -> str:
    """Return the keyed hash that stands beside the hash of an entry."""
    return keys.fingerprint("audit.entry", entry_hash)


def _word(field: str, text: str) -> str:
    return model.plain_words(text, _WORDS_MAX[field])


# -- reading -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are asked for; None is no filter. ``until`` itself is outside."""

    actor: str | None = None
    deed: str | None = None
    subject: str | None = None
    outcome: str | None = None
    since: Instant | None = None
    until: Instant | None = None


@needs("audit.read")
def entries(reader: Reader, *, wanted: Wanted, below: int | None, limit: int) -> list[Entry]:
    """Return entries of the caller's scope with numbers under ``below``, newest first, at most ``limit`` (≤ 500)."""
    params = store.params_of(
        actor=wanted.actor, deed=wanted.deed, subject=wanted.subject, outcome=wanted.outcome, since=wanted.since,
        until=wanted.until,
    )  # fmt: skip
    bounds = {"below": (1 << 63) - 1 if below is None else below, "limit": min(limit, PAGE_MAX)}
    return reader.all(store.asked(params.keys()), **params, **bounds)


@needs("audit.export")
def head(reader: Reader) -> SignedHead:
    """Return the newest number and hash of the whole chain, signed: it tells what everybody does, and how much.

    Raises ``Denied("auth.out_of_scope")`` for who acts for a part of the installation.
    """
    require_whole(reader.caller)
    newest = reader.one(store.NEWEST)
    number, found = (0, model.GENESIS) if newest is None else newest
    at = Head(number, found, reader.machine_now)
    return SignedHead(at, key_name(reader), _mac(reader, at), _jws(reader, at))


def check_head(reader: Reader, *, signed: SignedHead) -> Head:
    """Return a head that this installation gave.

    Raises ``Refused``: ``audit.head_other_key`` (another key file) or ``audit.head_forged``.
    """
    key = key_name(reader)
    if signed.key != key:
        raise Refused("audit.head_other_key", key=signed.key)
    if not signed.is_of(key, _mac(reader, signed.head)):
        raise Refused("audit.head_forged")
    return signed.head


def key_name(reader: Reader) -> str:
    """Return the name of the key that signs heads: it tells key files apart and nothing else."""
    return reader.keys.fingerprint("audit.key", model.HEAD_FORMAT)[:16]


def _mac(reader: Reader, at: Head) -> str:
    return reader.keys.fingerprint("audit.head", model.head_text(at))


def _jws(reader: Reader, at: Head) -> str | None:
    key = keys.signing(keys.published(reader), reader.machine_now)
    if key is None:
        return None
    algorithm: Algorithm = "RS256" if key.algorithm == "RS256" else "Ed25519"
    private = signed_tokens.private_key(keys.private_of(reader, key), algorithm)
    return signed_tokens.attest(
        model.head_text(at).encode(), key=private, algorithm=algorithm, kid=str(key.id), kind=JWS_KIND
    )


def last_number(reader: Reader) -> int:
    """Return the number of the newest entry, 0 for an empty chain."""
    return reader.all(store.LAST_NUMBER)[0]


def page_after(reader: Reader, *, after: int, last: int) -> list[Entry | int]:
    """Return the next entries in their order, up to ``last`` and at most 500; of one that cannot be read the number."""
    bounds = {"after_number": after, "last_number": last, "limit": PAGE_MAX}
    try:
        return [*reader.all(store.AFTER, **bounds)]
    except (TypeError, ValueError):  # a value that no entry can hold: look at them one by one
        return [_entry_or_number(reader, number) for number in reader.all(store.NUMBERS_AFTER, **bounds)]


def _entry_or_number(reader: Reader, number: int) -> Entry | int:
    try:
        return reader.all(store.AFTER, after_number=number - 1, last_number=number, limit=1)[0]
    except (TypeError, ValueError):
        return number


def read_cursor(text: str) -> int | None:
    """Return the number that a page goes on below, None for the first page. Raises ``Malformed("request.cursor")``."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise Malformed("request.cursor")
    return int(text)
