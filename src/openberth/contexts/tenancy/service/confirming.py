"""Proving once more who one is, while signed in: for deeds that a token alone is not enough for.

Either the session counts as fresh for a while, or one gets a confirmation for one deed and one subject, which is good
once and for two minutes. A confirmation is a keyed hash over what it is for; that it was used is a nonce.
"""

import hmac
import secrets
from dataclasses import dataclass

import msgspec

from openberth.contexts.tenancy.model.accounts import Account, Failures
from openberth.contexts.tenancy.model.events import SessionConfirmed
from openberth.contexts.tenancy.service import signing_in
from openberth.contexts.tenancy.service.accounts import itself, save
from openberth.contexts.tenancy.service.second_factor import accepted_step
from openberth.contexts.tenancy.store import sessions as store
from openberth.infra import nonces
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction, by_itself
from openberth.kernel.ids import Id
from openberth.kernel.time import MINUTE_US, Instant

CONFIRMATION_US = 2 * MINUTE_US
KIND = "confirmation"


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody proves itself by: a password that was compared with ``digest`` already, or a code."""

    digest: str | None = None
    matches: bool = False
    code: str | None = None

    @property
    def how(self) -> str:
        """Return the word for it."""
        return "password" if self.code is None else "code"


@by_itself
def confirm(unit: Unit, *, account: Id, session: Id, shown: Shown, marks: bool) -> bool:
    """Prove once more who one is; False for a wrong password or code, which counts as a failed sign-in.

    With ``marks`` the session counts as fresh from now on; without, the caller gives a confirmation for one deed.
    """
    found = itself(unit, account)
    if not _proves(unit, found, shown):
        return False
    if marks:
        unit.run(store.CONFIRM_SESSION, session=session, at=unit.machine_now)
    told = SessionConfirmed(account=account, session=session, how=shown.how)
    unit.append(told, company=found.company, lot=None, key=account)
    return True


@by_itself
def prove(unit: Unit, *, account: Id, shown: Shown) -> bool:
    """Prove who one is before one changes what one signs in by; as ``confirm``, but nothing counts as fresh by it."""
    return _proves(unit, itself(unit, account), shown)


def _proves(unit: Unit, found: Account, shown: Shown) -> bool:
    if found.failures.is_waiting(unit.machine_now):
        signing_in.refused(unit, found, "waiting")
        return False
    step = found.totp_step
    if shown.code is None:
        if not shown.matches or shown.digest != found.password:
            signing_in.failed(unit, found, "password")
            return False
    else:
        accepted = None if found.totp is None else accepted_step(unit, found, shown.code)
        if accepted is None:
            signing_in.failed(unit, found, "code")
            return False
        step = accepted
    save(unit, found, totp=found.totp, totp_step=step, failures=Failures())
    return True


def confirmation_of(reader: Reader, *, session: Id, deed: str, subject: str) -> str:
    """Return a confirmation of a session for one deed and subject, for two minutes."""
    until, nonce = reader.machine_now + CONFIRMATION_US, secrets.token_urlsafe(16)
    return f"{until}.{nonce}.{_mac(reader, session, deed, subject, until, nonce)}"


@by_construction
def use_confirmation(unit: Unit, *, session: Id, deed: str, subject: str, confirmation: str) -> bool:
    """Use a confirmation up; False when it is none for this, is over, or was used before."""
    until, _, rest = confirmation.partition(".")
    nonce, _, mac = rest.partition(".")
    if not (until.isascii() and until.isdigit() and len(until) < 20 and mac.isascii()):
        return False
    good = hmac.compare_digest(mac, _mac(unit, session, deed, subject, int(until), nonce))
    if not good or unit.machine_now >= int(until):
        return False
    return nonces.use(unit, of=KIND, nonce=nonce, until=Instant(int(until)))


def _mac(reader: Reader, session: Id, deed: str, subject: str, until: int, nonce: str) -> str:
    # As a list: joined by ends of lines, a subject with one in it would be another subject with a later end.
    said = msgspec.json.encode([session, deed, subject, until, nonce])
    return reader.keys.fingerprint(KIND, said.decode())
