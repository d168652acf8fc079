"""Use cases of the keys by which machines sign their requests."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from openberth.contexts.tenancy.model.accounts import AccountKind
from openberth.contexts.tenancy.model.api_keys import KEYS_MAX, ApiKey, Use, check_scopes, day_of
from openberth.contexts.tenancy.model.events import ApiKeyEnded, ApiKeyMade
from openberth.contexts.tenancy.service.accounts import below
from openberth.contexts.tenancy.service.grants import held_by
from openberth.contexts.tenancy.store import api_keys as store
from openberth.infra import nonces, vault
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, needs
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import SECOND_US, Instant

USES_KEPT_DAYS = 400
PURGE_MAX = 200


@dataclass(frozen=True, slots=True)
class Opened:
    """A key with its secret."""

    key: ApiKey
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Used:
    """What became of a signed request, and how often its key was used today."""

    use: Use
    uses: int


@needs("integrator.write")
def make_key(
    unit: Unit, *, account: Id, key: str, secret: str, name: str, scopes: Iterable[str], per_minute: int, per_day: int,
    until_s: int | None = None,
) -> ApiKey:  # fmt: skip
    """Give a machine a key for some of the permissions that it holds somewhere; two may hold at a time.

    Raises ``Refused`` (``api_key.person``, ``api_key.two_already``) and ``Malformed("api_key.scopes")``.
    """
    found = below(unit, account)
    if found.kind is AccountKind.PERSON:
        raise Refused("api_key.person")
    held = frozenset[str]().union(*(each.permissions for each in held_by(unit, account=account)))
    wanted = check_scopes(scopes, held=held)
    unit.lock(("api_keys", account))
    now = unit.machine_now
    if (unit.one(store.HOLDING, account=account, now=now) or 0) >= KEYS_MAX:
        raise Refused("api_key.two_already")
    made = unit.new_id()
    unit.run(
        store.INSERT, id=made, company_id=found.company, account_id=account, key=key,
        secret_id=vault.keep(unit, VaultKind.API_SECRET, secret), name=name, scopes=sorted(wanted),
        per_minute=per_minute, per_day=per_day, created_at=now, created_by=unit.caller.actor.name,
        until_at=None if until_s is None else Instant(now + until_s * SECOND_US), ended_at=None,
    )  # fmt: skip
    told = ApiKeyMade(account=account, key=key, scopes=tuple(sorted(wanted)))
    unit.append(told, company=found.company, lot=None, key=account)
    return key_named(unit, account=account, key=key)


@needs("integrator.write")
def end_key(unit: Unit, *, account: Id, key: str) -> None:
    """End a key at once and erase its secret. Raises ``NotFound("api_key.not_found")``."""
    owner = below(unit, account)
    found = key_named(unit, account=account, key=key)
    if unit.run(store.END, key_id=found.id, at=unit.machine_now) != 1:
        return
    vault.erase(unit, found.secret)
    unit.append(ApiKeyEnded(account=account, key=key), company=owner.company, lot=None, key=account)


def key_named(reader: Reader, *, account: Id, key: str) -> ApiKey:
    """Return a key of an account. Raises ``NotFound("api_key.not_found")``."""
    found = reader.one(store.BY_KEY, of_key=key)
    if found is None or found.account != account:
        raise NotFound("api_key.not_found")
    return found


def keys_of(reader: Reader, *, account: Id) -> list[ApiKey]:
    """Return the keys of an account, newest first, also those that hold no longer."""
    return reader.all(store.OF_ACCOUNT, account=account)


def uses_of(reader: Reader, *, key: ApiKey) -> tuple[int, Instant | None]:
    """Return how often a key was used today, and when it was used last."""
    today = reader.one(store.USES, of_key=key.id, of_day=day_of(reader.machine_now))
    return today or 0, reader.one(store.LAST_USE, of_key=key.id)


def opened(reader: Reader, *, key: str) -> Opened | None:
    """Return a key that holds, with its secret; None for any other."""
    found = reader.one(store.BY_KEY, of_key=key)
    if found is None or not found.holds_at(reader.machine_now):
        return None
    secret = vault.reveal(reader, found.secret)
    return None if secret is None else Opened(found, secret)


@by_construction
def use_key(unit: Unit, *, key: Id, nonce: str, per_day: int, timely_until: Instant) -> Used:
    """Use up the nonce of a request that was signed well, and count it: what came before, or is too much, is told."""
    day, now = day_of(unit.machine_now), unit.machine_now
    if not nonces.use(unit, of=f"api_key:{key}", nonce=nonce, until=timely_until):
        return Used(Use.REPLAYED, 0)
    counted = unit.run(store.USE, of_key=key, of_day=day, most=per_day, at=now) == 1
    counted = counted or unit.run(store.FIRST_USE, key_id=key, day=day, uses=1, last_at=now) == 1
    # Between the two another process may have counted the first use of the day.
    counted = counted or unit.run(store.USE, of_key=key, of_day=day, most=per_day, at=now) == 1
    uses = unit.one(store.USES, of_key=key, of_day=day) or 0
    return Used(Use.GOOD if counted else Use.OVER, uses)


@by_construction
def purge_uses(unit: Unit) -> int:
    """Forget how often keys were used on days long ago; call again while it returns ``PURGE_MAX``."""
    old = unit.all(store.OLD_DAYS, before=day_of(unit.machine_now) - USES_KEPT_DAYS)
    for key, day in old:
        unit.run(store.FORGET_DAY, of_key=key, of_day=day)
    return len(old)
