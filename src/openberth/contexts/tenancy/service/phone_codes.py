"""Signing in by a code that was sent to a phone. Numbers and codes are kept as keyed hashes only, for a day."""

import hmac
from dataclasses import dataclass

from openberth.contexts.tenancy.model import phone_codes as model
from openberth.contexts.tenancy.model.accounts import NOBODY
from openberth.contexts.tenancy.model.events import SignInRefused
from openberth.contexts.tenancy.service import signing_in
from openberth.contexts.tenancy.service.sessions import Device
from openberth.contexts.tenancy.service.signing_in import Outcome
from openberth.contexts.tenancy.store import phone_codes as store
from openberth.infra.database import Reader, Unit
from openberth.infra.permitting import by_construction
from openberth.kernel.ids import Id
from openberth.kernel.time import HOUR_US, Instant

KIND = "phone_code"
WRONG_CODE = "phone_code"


@dataclass(frozen=True, slots=True)
class Begun:
    """A code that may be sent, or for how long none may: ``spent`` when the day or the hour has no more for anybody."""

    code: Id | None
    wait_s: int = 0
    spent: bool = False


@by_construction
def begin(unit: Unit, *, phone: str, code: str, most_per_day: int) -> Begun:
    """Write down a code that is about to be sent, within the bounds of its number and of the day.

    Nothing here asks whether the number is anybody's: the answer is the same.
    """
    number, now = _number(unit, phone), unit.machine_now
    unit.lock((KIND, Id(number[:32])))
    since = Instant(now - model.KEPT_US)
    wait_s = model.wait_s(unit.all(store.SENT_TO, of_number=number, since=since), now)
    if wait_s:
        return Begun(None, wait_s)
    lately = Instant(now - HOUR_US)
    if unit.all(store.SENT, since=since)[0] >= most_per_day or unit.all(store.SENT, since=lately)[
        0
    ] >= model.most_per_hour(most_per_day):
        return Begun(None, spent=True)
    made = unit.new_id()
    unit.run(store.INSERT, id=made, number=number, digest=_digest(unit, made, code), made_at=now, tries=0, used_at=None)
    return Begun(made)


@by_construction
def take_back(unit: Unit, *, code: Id) -> None:
    """Forget a code that surely reached nobody, so that it counts for nothing."""
    unit.run(store.FORGET, code=code)


@by_construction
def sign_in(unit: Unit, *, phone: str, code: str, device: Device, refresh: str) -> Outcome:
    """Begin a session for whoever knows the newest code of a phone; a number that is nobody's gets an account."""
    found = unit.one(store.NEWEST, of_number=_number(unit, phone))
    good = (
        found is not None
        and found.is_good(unit.machine_now)
        and unit.run(store.TRY, code=found.id) == 1
        and hmac.compare_digest(found.digest, _digest(unit, found.id, code))
    )
    if found is None or not good:
        tries = 0 if found is None else found.tries + 1
        unit.append(SignInRefused(NOBODY, WRONG_CODE, tries), company=None, lot=None, key=NOBODY)
        return Outcome(None, WRONG_CODE)
    unit.run(store.USE, code=found.id, at=unit.machine_now)
    return signing_in.sign_in_driver(unit, openid=None, phone=phone, how="phone", device=device, refresh=refresh)


@by_construction
def purge(unit: Unit) -> int:
    """Forget some codes that count no longer; call again while it returns ``PURGE_MAX``."""
    old = unit.all(store.OLD, before=unit.machine_now - model.KEPT_US)
    for code in old:
        unit.run(store.FORGET, code=code)
    return len(old)


def _number(reader: Reader, phone: str) -> str:
    return reader.keys.fingerprint(KIND, phone)


def _digest(reader: Reader, code_id: Id, code: str) -> str:
    return reader.keys.fingerprint(KIND, f"{code_id}:{code}")
