"""The second factor: an authenticator's codes, and ten recovery codes for whoever has lost it.

A recovery code has 80 random bits, shown once and kept as a keyed hash of account and code: nobody finds 80 bits by
trying, not with the database and the keys in hand, so a slow hash like that of passwords would protect nothing more.
"""

from collections.abc import Sequence

from openberth.contexts.tenancy.model.accounts import Account
from openberth.contexts.tenancy.model.events import RecoveryCodeUsed, SecondFactorRemoved
from openberth.contexts.tenancy.model.permissions import Role
from openberth.contexts.tenancy.service.accounts import below, itself, save, tell
from openberth.contexts.tenancy.service.notices import leave_notice
from openberth.contexts.tenancy.store import second_factor as store
from openberth.infra import one_time, vault
from openberth.infra.database import Reader, Unit
from openberth.infra.database.unit import check_version
from openberth.infra.permitting import by_itself, inner, needs
from openberth.infra.vault import VaultKind
from openberth.kernel.errors import Malformed, Refused
from openberth.kernel.ids import Id
from openberth.kernel.reasons import checked_reason


@by_itself
def set_second_factor(unit: Unit, *, account: Id, secret: str, code: str, recovery: Sequence[str]) -> None:
    """Begin to ask for one-time codes, once somebody has shown one; ``recovery`` are the new recovery codes.

    What was there before ends: its secret is erased, its recovery codes are void. Raises ``Malformed("totp.wrong")``.
    """
    found = itself(unit, account)
    try:
        step = one_time.matching_step(secret, code, now=unit.machine_now, after=0)
    except ValueError:  # no Base32
        step = None
    if step is None:
        raise Malformed("totp.wrong")
    kept = vault.keep(unit, VaultKind.TOTP_SECRET, secret)
    if found.totp is not None and found.totp != kept:
        vault.erase(unit, found.totp)
    save(unit, found, totp=kept, totp_step=step)
    _replace_codes(unit, account, recovery)
    tell(unit, found, "totp")


@by_itself
def renew_recovery_codes(unit: Unit, *, account: Id, recovery: Sequence[str]) -> None:
    """Begin with new recovery codes; earlier ones are void. Raises ``Refused("totp.none")``."""
    found = itself(unit, account)
    if found.totp is None:
        raise Refused("totp.none")
    unit.lock(("recovery", account))
    _replace_codes(unit, account, recovery)
    tell(unit, found, "recovery_codes")


@needs("factor.remove")
def remove_second_factor(unit: Unit, *, account: Id, reason: str, expected: int | None = None) -> None:
    """Take the second factor from somebody who lost it; whoever it is is told at the next sign-in.

    Security administrators may for anybody: they give no passwords, so that they cannot sign in as somebody else.
    ``expected`` as of ``set_password``.
    """
    reason = checked_reason(reason)
    found = below(unit, account, of=Role.SECURITY_ADMINISTRATOR)
    if found.totp is None:
        return
    check_version(found.changed_at, expected)
    vault.erase(unit, found.totp)
    save(unit, found, totp=None, totp_step=0)
    unit.run(store.FORGET_CODES, account=account)
    removed = SecondFactorRemoved(account=account, reason=reason)
    unit.append(removed, company=found.company, lot=None, key=account)
    told = {"reason": reason}
    leave_notice(unit, account=account, company=found.company, code="notice.second_factor_removed", params=told)


@inner
def accepted_step(unit: Unit, found: Account, code: str) -> int | None:
    """Return the time step to remember after a code that lets in: one of the authenticator, or a recovery code.

    None for a wrong code. A recovery code is used up by this.
    """
    assert found.totp is not None, "only who has a second factor is asked for it"
    if len(code) == one_time.DIGITS:
        secret = vault.reveal(unit, found.totp)
        if secret is None:
            return None
        return one_time.matching_step(secret, code, now=unit.machine_now, after=found.totp_step)
    typed = one_time.recovery_code_of(code)
    if typed is None or unit.run(store.USE_CODE, digest=_digest(unit, found.id, typed), at=unit.machine_now) != 1:
        return None
    left = recovery_codes_left(unit, account=found.id)
    used = RecoveryCodeUsed(account=found.id, codes_left=left)
    unit.append(used, company=found.company, lot=None, key=found.id)
    told = {"codes_left": left}
    leave_notice(unit, account=found.id, company=found.company, code="notice.recovery_code_used", params=told)
    return found.totp_step


def recovery_codes_left(reader: Reader, *, account: Id) -> int:
    """Return how many recovery codes of an account are still good."""
    return reader.all(store.CODES_LEFT, account=account)[0]


def _replace_codes(unit: Unit, account: Id, recovery: Sequence[str]) -> None:
    unit.run(store.FORGET_CODES, account=account)
    for code in recovery:
        digest = _digest(unit, account, code)
        unit.run(store.INSERT_CODE, digest=digest, account_id=account, made_at=unit.machine_now, used_at=None)


def _digest(reader: Reader, account: Id, code: str) -> str:
    return reader.keys.fingerprint("recovery_code", f"{account}:{code}")
