"""Signing keys of access tokens: rows whose private part lies in the vault, made anew without anybody noticing.

A new key is published a while before it signs, and an old one stays published until its last token is over.
"""

from openberth.contexts.tenancy.model.events import SigningKeyMade
from openberth.contexts.tenancy.store import sessions as store
from openberth.contexts.tenancy.store.sessions import SigningKey
from openberth.infra import vault
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, inner, needs
from openberth.infra.vault import VaultKind
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US, MINUTE_US, Instant

PUBLISHED_BEFORE_US = 15 * MINUTE_US
TOKEN_US = 10 * MINUTE_US
ROTATED_AFTER_US = 90 * DAY_US


def published(reader: Reader) -> list[SigningKey]:
    """Return the keys that are published, oldest first."""
    return reader.all(store.KEYS, now=reader.machine_now)


def signing(keys: list[SigningKey], now: Instant) -> SigningKey | None:
    """Return the key that signs now: the newest whose time has come."""
    ready = [each for each in keys if each.signs_from <= now]
    return max(ready, key=lambda each: (each.signs_from, each.id), default=None)


def private_of(reader: Reader, key: SigningKey) -> str:
    """Return the private part as PEM."""
    found = vault.reveal(reader, key.private_id)
    assert found is not None, "a signing key lies in the vault as long as its row exists"
    return found


@by_construction
def ensure_key(unit: Unit, *, key: Id, algorithm: str, private: str, public: dict[str, str]) -> bool:
    """Take a key when there is none that signs with this algorithm, or the last one is old; tell whether it was."""
    unit.lock(("signing_keys", Id(int=0)))
    found = published(unit)
    last = found[-1] if found else None
    if last is not None and last.algorithm == algorithm and unit.machine_now - last.made_at < ROTATED_AFTER_US:
        return False
    add(unit, key=key, algorithm=algorithm, private=private, public=public)
    return True


@needs("key.rotate")
def rotate(unit: Unit, *, key: Id, algorithm: str, private: str, public: dict[str, str]) -> None:
    """Begin with a new key; it signs once everybody has had time to see it."""
    unit.lock(("signing_keys", Id(int=0)))
    add(unit, key=key, algorithm=algorithm, private=private, public=public)


@inner
def add(unit: Unit, *, key: Id, algorithm: str, private: str, public: dict[str, str]) -> None:
    """Publish a key; the first one signs at once."""
    now = unit.machine_now
    signs_from = Instant(now + PUBLISHED_BEFORE_US) if published(unit) else now
    unit.run(
        store.INSERT_KEY, id=key, algorithm=algorithm, public=public,
        private_id=vault.keep(unit, VaultKind.SIGNING_KEY, private), made_at=now, signs_from=signs_from,
        published_until=None,
    )  # fmt: skip
    unit.run(store.RETIRE_KEYS, kept=key, until=Instant(signs_from + TOKEN_US + PUBLISHED_BEFORE_US))
    unit.append(SigningKeyMade(key=key, algorithm=algorithm), company=None, lot=None, key=key)
