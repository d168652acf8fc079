"""Use cases of accounts: making, passwords, locking. Digests are computed before and handed in."""

from openberth.contexts.tenancy.model.accounts import (
    Account,
    AccountKind,
    AccountState,
    Failures,
    Grant,
    Level,
    Who,
    check_login,
)
from openberth.contexts.tenancy.model.events import AccountChanged, AccountMade
from openberth.contexts.tenancy.model.people import Field
from openberth.contexts.tenancy.model.permissions import OFFICERS, ROLES, Role
from openberth.contexts.tenancy.service import people
from openberth.contexts.tenancy.service.companies import check_company_open
from openberth.contexts.tenancy.service.grants import held_by
from openberth.contexts.tenancy.service.sessions import end_all
from openberth.contexts.tenancy.store import accounts as store
from openberth.contexts.tenancy.store import people as people_store
from openberth.contexts.tenancy.store import second_factor as factor_store
from openberth.infra import vault
from openberth.infra.database import Reader, Unit
from openberth.infra.database.unit import check_version
from openberth.infra.permitting import by_itself, inner, needs
from openberth.kernel.authority import EVERYTHING, Scope
from openberth.kernel.errors import Denied, NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant


@needs("account.write")
def make_account(
    unit: Unit, *, kind: AccountKind, login: str, name: str, company: Id | None, password: str | None
) -> Account:
    """Make an account; ``password`` is a digest. Raises ``Malformed`` and ``Refused("account.login_taken")``."""
    kept = check_login(login)
    if company is not None:
        check_company_open(unit, company=company)
    if unit.one(store.LOGIN_TAKEN, login=kept) is not None:
        raise Refused("account.login_taken", login=kept)
    made = unit.new_id()
    values = people.kept(unit, {Field.NAME: name})
    unit.run(
        store.INSERT_ACCOUNT, id=made, company_id=company, kind=kind, login=kept,
        name_id=values[Field.NAME], phone_id=None, openid_id=None, state=AccountState.ACTIVE,
        password=password, totp_id=None, totp_step=0, failures=0, failed_at=None, wait_until=None,
        created_at=unit.machine_now, created_by=unit.caller.actor.name, version=1,
        changed_at=None,
    )  # fmt: skip
    unit.append(AccountMade(account=made, kind=kind.value), company=company, lot=None, key=made)
    if kind is AccountKind.PERSON:
        people.make(unit, account=made, company=company, values=values)
    return account(unit, account=made)


def account(reader: Reader, *, account: Id) -> Account:
    """Return an account. Raises ``NotFound("account.not_found")``, also for one outside the caller's scope."""
    found = reader.one(store.ACCOUNT_BY_ID, account=account)
    if found is None:
        raise NotFound("account.not_found")
    return found


def account_by_login(reader: Reader, *, login: str) -> Account:
    """Return an account by its login. Raises ``NotFound("account.not_found")``."""
    found = reader.one(store.ACCOUNT_BY_LOGIN, login=login.strip().casefold())
    if found is None:
        raise NotFound("account.not_found")
    return found


def account_named(reader: Reader, *, name: str) -> Account:
    """Return an account by its id or its login. Raises ``NotFound("account.not_found")``."""
    try:
        return account(reader, account=Id(name))
    except ValueError:
        return account_by_login(reader, login=name)


def login_of(reader: Reader, *, name: str) -> str | None:
    """Return the login of an account of the caller's scope by its id, None for whatever else a name names."""
    try:
        found = reader.one(store.ACCOUNT_BY_ID, account=Id(name))
    except ValueError:
        return None
    return None if found is None else found.login


def accounts(
    reader: Reader, *, before: Id, limit: int, who: Who | None = None, state: AccountState | None = None
) -> list[Account]:
    """Return the accounts of the caller's scope, newest first."""
    page, narrowed = store.accounts_page(who, state)
    return reader.all(page, before=before, most=limit, **narrowed)


@needs("account.write")
def set_password(unit: Unit, *, account: Id, password: str, expected: int | None = None) -> None:
    """Give somebody a new password and end what they are signed in with.

    ``expected`` is what was read of the account (its ``changed_at``), here and below. Raises
    ``Refused("state.changed")``.
    """
    found = below(unit, account)
    check_version(found.changed_at, expected)
    save(unit, found, password=password, failures=Failures())
    tell(unit, found, "password")
    end_all(unit, account=account, reason="account")


@by_itself
def change_password(unit: Unit, *, account: Id, password: str, keep: Id | None) -> None:
    """Change one's own password; all other sessions end."""
    found = itself(unit, account)
    save(unit, found, password=password)
    tell(unit, found, "password")
    end_all(unit, account=account, reason="account", keep=keep)


@needs("account.lock")
def lock(unit: Unit, *, account: Id, expected: int | None = None) -> None:
    """Keep somebody out from now on; every session ends."""
    _turn(unit, account, AccountState.LOCKED, "locked", expected)


@needs("account.lock")
def unlock(unit: Unit, *, account: Id, expected: int | None = None) -> None:
    """Let somebody in again, failed sign-ins forgotten."""
    _turn(unit, account, AccountState.ACTIVE, "unlocked", expected)


@needs("account.write")
def close(unit: Unit, *, account: Id, expected: int | None = None) -> None:
    """Close an account for ever."""
    _turn(unit, account, AccountState.CLOSED, "closed", expected)


@needs("integrator.write")
def add_secret(unit: Unit, *, account: Id, digest: str, old_until_s: int) -> None:
    """Give an integrator another secret; earlier ones end after some seconds, so that both hold meanwhile."""
    found = below(unit, account)
    if found.kind is AccountKind.PERSON:
        raise Refused("account.no_secret")
    unit.run(store.INSERT_SECRET, digest=digest, account_id=account, created_at=unit.machine_now, until_at=None)
    unit.run(
        store.END_SECRETS, account=account, kept=digest, until=unit.machine_now + old_until_s * 1_000_000
    )  # fmt: skip
    tell(unit, found, "secret")


@inner
def save(
    unit: Unit, found: Account, *, state: AccountState | None = None, password: str | None = None,
    totp: Id | None = None, totp_step: int | None = None, failures: Failures | None = None,
) -> None:  # fmt: skip
    """Write what changed; a row that somebody else changed meanwhile runs the unit again."""
    now = failures or found.failures
    has_totp = totp_step is not None
    is_decided = state is not None or password is not None or (has_totp and totp != found.totp)
    # Two decisions within a microsecond are two nonetheless.
    decided = Instant(max(unit.machine_now, found.changed_at + 1)) if is_decided else found.changed_at
    unit.save(
        store.SAVE_ACCOUNT, account=found.id, seen=found.version, new_state=state or found.state,
        new_password=password or found.password, new_totp_id=totp if has_totp else found.totp,
        new_totp_step=totp_step if totp_step is not None else found.totp_step, new_failures=now.count,
        new_failed_at=now.last_at, new_wait_until=now.wait_until, new_changed_at=decided,
    )  # fmt: skip


def _turn(unit: Unit, account: Id, state: AccountState, what: str, expected: int | None) -> None:
    of = Role.PLATFORM_ADMINISTRATOR if what == "closed" else Role.SECURITY_ADMINISTRATOR
    found = below(unit, account, of=of, anywhere=state is not AccountState.ACTIVE)
    if found.state is state:
        return
    if found.state is AccountState.CLOSED:
        raise Refused("account.closed")
    check_version(found.changed_at, expected)
    save(unit, found, state=state, failures=Failures())
    tell(unit, found, what)
    if state is not AccountState.ACTIVE:
        end_all(unit, account=account, reason="account")


@inner
def shut(unit: Unit, *, account_id: Id) -> None:
    """Close an account whose person goes: nobody signs in, nothing personal stays in the row."""
    found = account(unit, account=account_id)
    if found.state is not AccountState.CLOSED:
        save(unit, found, state=AccountState.CLOSED, failures=Failures())
        tell(unit, found, "closed")
    end_all(unit, account=account_id, reason="account")
    unit.run(factor_store.FORGET_CODES, account=account_id)
    if found.totp is not None:
        vault.erase(unit, found.totp)
    unit.run(people_store.FORGET_ACCOUNT, account=account_id)
    unit.run(people_store.FORGET_NOTICES, account=account_id)


@inner
def below(unit: Unit, account_id: Id, *, of: Role = Role.PLATFORM_ADMINISTRATOR, anywhere: bool = False) -> Account:
    """Return an account over which the caller may dispose: one that may nothing that the caller may not.

    Nor may it do so elsewhere: with a password of the caller's making the caller would act for another company. Only
    what lets nobody in (``anywhere``) may be done to an account of one's company that works for others, too.
    Officers of the platform go further in what is theirs (``of``): security administrators lock anybody, platform
    administrators give new passwords to anybody but another officer, as whom they could then act.
    """
    found = account(unit, account=account_id)
    caller, held = unit.caller, held_by(unit, account=account_id)
    mine = caller.permissions
    if mine is None or all(
        each.permissions <= mine and (anywhere or _is_inside(caller.scope, each.grant)) for each in held
    ):
        return found
    is_officer = caller.scope == EVERYTHING and mine >= ROLES[of]
    if is_officer and (of is Role.SECURITY_ADMINISTRATOR or not any(each.grant.role in OFFICERS for each in held)):
        return found
    raise Denied("account.outranks")


def _is_inside(scope: Scope, grant: Grant) -> bool:
    """Tell whether a grant holds only where a caller may act."""
    if grant.company is None:  # the platform, or a partner
        return scope.is_everything or scope.allows(grant.node, None)
    return scope.allows(grant.company, grant.node if grant.level is Level.LOT else None)


@inner
def itself(unit: Unit, account_id: Id) -> Account:
    """Return an account that does something to itself. Raises ``NotFound``."""
    found = unit.one(store.ACCOUNT_BY_ID, account=account_id)
    if found is None:
        raise NotFound("account.not_found")
    return found


@inner
def tell(unit: Unit, found: Account, what: str) -> None:
    """Append that an account was changed; ``what`` is one of the words of ``AccountChanged``."""
    unit.append(AccountChanged(account=found.id, what=what), company=found.company, lot=None, key=found.id)
