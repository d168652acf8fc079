"""Proving who one is: password and one-time code, client secret, a phone or openid that was proved."""

from dataclasses import dataclass

from openberth.contexts.tenancy.model.accounts import NOBODY, Account, AccountKind, AccountState, Failures
from openberth.contexts.tenancy.model.acting import Held
from openberth.contexts.tenancy.model.events import AccountMade, SignInRefused
from openberth.contexts.tenancy.model.people import Field, How
from openberth.contexts.tenancy.service import people, sessions
from openberth.contexts.tenancy.service.accounts import save
from openberth.contexts.tenancy.service.grants import held_by
from openberth.contexts.tenancy.service.moving import is_closed
from openberth.contexts.tenancy.service.second_factor import accepted_step
from openberth.contexts.tenancy.service.sessions import Device
from openberth.contexts.tenancy.store import accounts as store
from openberth.contexts.tenancy.store import sessions as session_store
from openberth.contexts.tenancy.store.sessions import Session
from openberth.infra import vault
from openberth.infra.database import Reader, Unit
from openberth.infra.database.unit import Stale
from openberth.infra.permitting import by_construction, inner
from openberth.infra.vault import VaultKind
from openberth.kernel.ids import Id


@dataclass(frozen=True, slots=True)
class Outcome:
    """A session, or why there is none: ``credentials``, ``code_needed``, ``waiting`` or ``phone_code``."""

    session: Session | None
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """An account with its session as they are now, and what it holds."""

    account: Account
    session: Session
    held: tuple[Held, ...]


def candidate(reader: Reader, *, login: str) -> Account | None:
    """Return the account that a login names, None for none."""
    return reader.one(store.ACCOUNT_BY_LOGIN, login=login.strip().casefold()[:60])


@by_construction
def sign_in(
    unit: Unit, *, account: Id | None, digest: str | None, matches: bool, code: str | None, device: Device, refresh: str
) -> Outcome:
    """Begin a session for a person whose password matched, with a code where one is asked for.

    ``digest`` is the one that was compared: when it has changed meanwhile the answer is that of a wrong password.
    """
    found = None if account is None else unit.one(store.ACCOUNT_BY_ID, account=account)
    if found is None or found.kind is not AccountKind.PERSON:
        # Written down like a wrong password: a unit that writes nothing needs no disk, and would be told by its speed.
        unit.append(SignInRefused(account=NOBODY, reason="unknown", failures=0), company=None, lot=None, key=NOBODY)
        return Outcome(None, "credentials")
    if found.failures.is_waiting(unit.machine_now):
        refused(unit, found, "waiting")
        return Outcome(None, "waiting")
    if not matches or digest != found.password:
        return failed(unit, found, "password")
    if not found.is_usable() or is_closed(unit, company=found.company):
        refused(unit, found, "state")
        return Outcome(None, "credentials")
    step = found.totp_step
    if found.totp is not None:
        if not code:
            return Outcome(None, "code_needed")
        accepted = accepted_step(unit, found, code)
        if accepted is None:
            return failed(unit, found, "code")
        step = accepted
    save(unit, found, totp=found.totp, totp_step=step, failures=Failures())
    return Outcome(sessions.begin(unit, account=found, how="password", device=device, refresh=refresh))


@by_construction
def sign_in_machine(unit: Unit, *, secret: str, client: str, device: Device, life_us: int) -> Outcome:
    """Begin a session for an integrator or a box that knows its secret (digest); it ends with its access token."""
    owner = unit.one(store.SECRET_OWNER, digest=secret, now=unit.machine_now)
    found = None if owner is None else unit.one(store.ACCOUNT_BY_ID, account=owner)
    if (
        found is None
        or found.kind is AccountKind.PERSON
        or not found.is_usable()
        or is_closed(unit, company=found.company)
        or client not in (found.login, str(found.id))
    ):
        return Outcome(None, "credentials")
    return Outcome(sessions.begin(unit, account=found, how="secret", device=device, refresh=None, life_us=life_us))


@by_construction
def sign_in_driver(
    unit: Unit, *, openid: str | None, phone: str | None, how: str = "wechat", device: Device, refresh: str
) -> Outcome:
    """Begin a session for a driver whose openid or phone is proved; a new one gets an account."""
    openid_id = None if openid is None else vault.keep(unit, VaultKind.OPENID, openid)
    phone_id = None if phone is None else vault.keep(unit, VaultKind.PHONE, phone)
    assert openid_id is not None or phone_id is not None, "somebody has proved something"
    # The locks by which nobody erases a value that is being pointed to, and two sign-ins make one account.
    unit.lock(*(("value", each) for each in (openid_id, phone_id) if each is not None))
    for kind, text, held in ((VaultKind.OPENID, openid, openid_id), (VaultKind.PHONE, phone, phone_id)):
        if text is not None and vault.find(unit, kind, text) != held:
            raise Stale("vault")
    by_phone = None if phone_id is None else unit.one(store.ACCOUNT_BY_PHONE, phone=phone_id)
    by_openid = None if openid_id is None else unit.one(store.ACCOUNT_BY_OPENID, openid=openid_id)
    found = by_phone or by_openid or _new_driver(unit, openid_id, phone_id)
    if not found.is_usable():
        refused(unit, found, "state")
        return Outcome(None, "credentials")
    if by_openid is None and openid_id is not None and by_phone is not None:
        unit.run(store.BIND_OPENID, account=found.id, openid=openid_id)
    if by_phone is None and phone_id is not None and by_openid is not None:
        person, _ = people.of_account(unit, account=found.id)
        if not person.is_verified:
            people.put(unit, person, {Field.PHONE: phone_id}, how=How.VOUCHED)
    return Outcome(sessions.begin(unit, account=found, how=how, device=device, refresh=refresh))


def standing(reader: Reader, *, session: Id) -> Standing | None:
    """Return an account as it stands with a session; None when either lets nobody in any more."""
    found = reader.one(session_store.SESSION_BY_ID, session=session)
    if found is None or not found.is_open(reader.machine_now):
        return None
    account = reader.one(store.ACCOUNT_BY_ID, account=found.account)
    if account is None or not account.is_usable() or is_closed(reader, company=account.company):
        return None
    return Standing(account, found, tuple(held_by(reader, account=account.id)))


def usable(reader: Reader, *, account: Id) -> Account | None:
    """Return an account that lets its owner in, None for any other."""
    found = reader.one(store.ACCOUNT_BY_ID, account=account)
    if found is None or not found.is_usable() or is_closed(reader, company=found.company):
        return None
    return found


def _new_driver(unit: Unit, openid: Id | None, phone: Id | None) -> Account:
    made = unit.new_id()
    unit.run(
        store.INSERT_ACCOUNT, id=made, company_id=None, kind=AccountKind.PERSON, login=None, name_id=None,
        phone_id=phone, openid_id=openid, state=AccountState.ACTIVE, password=None, totp_id=None, totp_step=0,
        failures=0, failed_at=None, wait_until=None, created_at=unit.machine_now,
        created_by=unit.caller.actor.name, version=1, changed_at=None,
    )  # fmt: skip
    unit.append(AccountMade(account=made, kind=AccountKind.PERSON.value), company=None, lot=None, key=made)
    people.make(unit, account=made, company=None, values={Field.PHONE: phone})
    found = unit.one(store.ACCOUNT_BY_ID, account=made)
    assert found is not None, "an account that was inserted can be read"
    return found


@inner
def failed(unit: Unit, found: Account, reason: str) -> Outcome:
    """Count a failure against an account and tell of it."""
    after = found.failed(unit.machine_now)
    save(unit, found, failures=after.failures)
    refused(unit, after, reason)
    return Outcome(None, "credentials")


@inner
def refused(unit: Unit, found: Account, reason: str) -> None:
    """Tell that an account that exists was not let in."""
    told = SignInRefused(account=found.id, reason=reason, failures=found.failures.count)
    unit.append(told, company=found.company, lot=None, key=found.id)
