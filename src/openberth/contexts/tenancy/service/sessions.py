"""Use cases of signing in and of sessions. What must be remembered of a refusal is a result, never an exception."""

import hashlib
from dataclasses import dataclass

from openberth.contexts.tenancy.model.accounts import Account, AccountState
from openberth.contexts.tenancy.model.events import SessionEnded, SignedIn
from openberth.contexts.tenancy.model.settings import LOGS_DAYS
from openberth.contexts.tenancy.service.settings import setting_of
from openberth.contexts.tenancy.store import accounts as account_store
from openberth.contexts.tenancy.store import sessions as store
from openberth.contexts.tenancy.store.sessions import Session
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, by_itself, inner, needs
from openberth.kernel.errors import NotFound
from openberth.kernel.ids import Id
from openberth.kernel.time import DAY_US, Instant

SESSION_US = 30 * DAY_US
PURGE_MAX = 200


@dataclass(frozen=True, slots=True)
class Device:
    """What a sign-in came with: what it says it is, and its address."""

    words: str
    address: str | None


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The session that a refresh token belongs to; ``reused`` when the token had been used and the session ended."""

    session: Session | None
    reused: bool = False


def digest_of(secret: str) -> str:
    """Return the digest under which 256 random bits are kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


@inner
def begin(
    unit: Unit, *, account: Account, how: str, device: Device, refresh: str | None, life_us: int = SESSION_US
) -> Session:
    """Begin a session; ``refresh`` is the digest of its first refresh token."""
    session, now = unit.new_id(), unit.machine_now
    unit.run(
        store.INSERT_SESSION, id=session, account_id=account.id, how=how, device=device.words[:120],
        address=device.address, began_at=now, used_at=now, ends_at=now + life_us, ended_at=None, end_reason=None,
        confirmed_at=None,
    )  # fmt: skip
    if refresh is not None:
        unit.run(store.INSERT_REFRESH, digest=refresh, session_id=session, made_at=now, used_at=None)
    unit.append(
        SignedIn(account=account.id, session=session, how=how), company=account.company, lot=None, key=account.id
    )
    return session_by_id(unit, session=session)


def session_by_id(reader: Reader, *, session: Id) -> Session:
    """Return a session. Raises ``NotFound("session.not_found")``."""
    found = reader.one(store.SESSION_BY_ID, session=session)
    if found is None:
        raise NotFound("session.not_found")
    return found


@by_construction
def refresh(unit: Unit, *, token: str, following: str, address: str | None) -> Refreshed:
    """Change a refresh token for the next one (digests); one that was used before ends its whole session."""
    found = unit.one(store.REFRESH, digest=token)
    if found is None:
        return Refreshed(None)
    session = session_by_id(unit, session=found[0])
    unit.lock(("session", session.id))
    if unit.run(store.USE_REFRESH, digest=token, at=unit.machine_now) != 1:
        _end(unit, session, "reuse")
        return Refreshed(None, reused=True)
    if not session.is_open(unit.machine_now):
        return Refreshed(None)
    unit.run(store.INSERT_REFRESH, digest=following, session_id=session.id, made_at=unit.machine_now, used_at=None)
    unit.run(store.USE_SESSION, session=session.id, at=unit.machine_now, new_address=address)
    return Refreshed(session)


def open_sessions(reader: Reader, *, account: Id) -> list[Session]:
    """Return the sessions of an account that go on, newest first."""
    return reader.all(store.OPEN_SESSIONS, account=account, now=reader.machine_now)


@by_itself
def sign_out(unit: Unit, *, account: Id, session: Id) -> None:
    """End one of one's own sessions. Raises ``NotFound("session.not_found")``."""
    found = session_by_id(unit, session=session)
    if found.account != account:
        raise NotFound("session.not_found")
    _end(unit, found, "signed_out")


@by_itself
def sign_out_everywhere(unit: Unit, *, account: Id) -> None:
    """End all of one's own sessions."""
    end_all(unit, account=account, reason="signed_out")


@needs("session.end")
def end_sessions_of(unit: Unit, *, account: Id) -> None:
    """End all sessions of somebody. Raises ``NotFound("account.not_found")``."""
    if unit.one(account_store.ACCOUNT_BY_ID, account=account) is None:
        raise NotFound("account.not_found")
    end_all(unit, account=account, reason="ended_by_other")


@inner
def end_all(unit: Unit, *, account: Id, reason: str, keep: Id | None = None) -> None:
    """End the sessions of an account, all but one that is kept."""
    for session in open_sessions(unit, account=account):
        if session.id != keep:
            _end(unit, session, reason)


@inner
def end_all_of(unit: Unit, *, company: Id) -> None:
    """End the sessions of everybody whose account is a company's (or partner's) own."""
    for account in unit.all(account_store.ACTIVE_ACCOUNTS_OF, company=company, state=AccountState.ACTIVE):
        end_all(unit, account=account, reason="account")


@by_construction
def purge(unit: Unit) -> int:
    """Forget some sessions that ended long ago; call again while it returns ``PURGE_MAX``."""
    kept = int(setting_of(unit, LOGS_DAYS)) * DAY_US  # who signed in from where is a log
    over = unit.all(store.OVER, before=Instant(unit.machine_now - kept), most=PURGE_MAX)
    for session in over:
        unit.run(store.FORGET_TOKENS, session=session)
        unit.run(store.FORGET_SESSION, session=session)
    return len(over)


def _end(unit: Unit, session: Session, reason: str) -> None:
    if unit.run(store.END_SESSION, session=session.id, at=unit.machine_now, reason=reason) == 1:
        owner = unit.one(account_store.ACCOUNT_BY_ID, account=session.account)
        ended = SessionEnded(account=session.account, session=session.id, reason=reason)
        unit.append(ended, company=None if owner is None else owner.company, lot=None, key=session.account)
