"""Accounts, what they are granted, and the rules of signing in. Pure: instants are machine time and handed in."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from openberth.kernel.errors import Malformed
from openberth.kernel.ids import Id
from openberth.kernel.time import MINUTE_US, Instant

LOGIN_MAX = 60
NOBODY = Id(int=0)  # in place of the account, where somebody tried one that no person has
PASSWORD_MIN, PASSWORD_MAX = 10, 128
FREE_FAILURES = 5
FAILURES_WITHIN_US = 15 * MINUTE_US
WAIT_MAX_US = 60 * MINUTE_US


class AccountKind(StrEnum):
    """Who proves itself."""

    PERSON = "person"
    INTEGRATOR = "integrator"
    BOX = "box"


class AccountState(StrEnum):
    """Whether an account may sign in. A closed one never may again."""

    ACTIVE = "active"
    LOCKED = "locked"
    CLOSED = "closed"


class Who(StrEnum):
    """Accounts as people look for them: drivers are people who came without a login."""

    STAFF = "staff"
    DRIVERS = "drivers"
    INTEGRATORS = "integrators"
    BOXES = "boxes"


class Level(StrEnum):
    """Where a grant holds."""

    PLATFORM = "platform"
    PARTNER = "partner"
    COMPANY = "company"
    PROPERTY = "property"
    LOT = "lot"


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed sign-ins in a row: how many, the last one, and until when the account waits."""

    count: int = 0
    last_at: Instant | None = None
    wait_until: Instant | None = None

    def is_waiting(self, now: Instant) -> bool:
        """Tell whether nobody gets in now, not with the right password either."""
        return self.wait_until is not None and now < self.wait_until

    def another(self, now: Instant) -> "Failures":
        """Return what holds after one more failure: from the fifth on a wait of 1, 2, 4 … 60 minutes."""
        ended = max(self.last_at or 0, self.wait_until or 0)
        count = 1 if now - ended > FAILURES_WITHIN_US else self.count + 1
        if count < FREE_FAILURES:
            return Failures(count, now, None)
        wait = min(MINUTE_US << min(count - FREE_FAILURES, 6), WAIT_MAX_US)
        return Failures(count, now, Instant(now + wait))


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can prove who it is. ``name``, ``phone`` and ``openid`` are vault ids; drivers have no login.

    ``changed_at`` tells apart what somebody decides about the account: its state, password and second factor, and never
    comes twice. ``version`` is the row's, which every sign-in moves: who guesses passwords would else keep others from
    writing.
    """

    id: Id
    kind: AccountKind
    company: Id | None
    login: str | None
    name: Id | None
    state: AccountState
    password: str | None
    totp: Id | None
    totp_step: int
    failures: Failures
    created_at: Instant
    version: int
    changed_at: Instant

    def is_usable(self) -> bool:
        """Tell whether the account is neither locked nor closed."""
        return self.state is AccountState.ACTIVE

    def failed(self, now: Instant) -> "Account":
        """Return the account after a failed sign-in."""
        return replace(self, failures=self.failures.another(now))


@dataclass(frozen=True, slots=True)
class Grant:
    """A role given to an account at a node; None as node is the whole platform. ``company`` is the node's."""

    id: Id
    account: Id
    role: str
    level: Level
    node: Id | None
    company: Id | None
    granted_by: str
    granted_at: Instant
    until: Instant | None

    def holds_at(self, now: Instant) -> bool:
        """Tell whether the grant is still good."""
        return self.until is None or now < self.until


def check_login(login: str) -> str:
    """Return a login as it is kept. Raises ``Malformed("account.login")``."""
    kept = login.strip().casefold()
    fits = 2 <= len(kept) <= LOGIN_MAX and kept.isascii() and all(each.isalnum() or each in "._-@" for each in kept)
    if not fits or _is_id(kept):
        raise Malformed("account.login", most=LOGIN_MAX)
    return kept


def _is_id(text: str) -> bool:
    """Tell whether a login would read as the id of an account: whoever names it would mean somebody else."""
    try:
        Id(text)
    except ValueError:
        return False
    return True


def check_password(password: str, *, login: str | None, is_common: Callable[[str], bool]) -> None:
    """Refuse a password that is too short, too long, common, or holds the login. Raises ``Malformed``."""
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise Malformed("password.length", least=PASSWORD_MIN, most=PASSWORD_MAX)
    if is_common(password):
        raise Malformed("password.common")
    if login is not None and login.casefold() in password.casefold():
        raise Malformed("password.holds_login")
