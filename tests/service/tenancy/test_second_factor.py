"""The second factor: codes that let in once each, recovery codes for who lost the authenticator, and taking it away."""

import base64
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from openberth.contexts import tenancy
from openberth.contexts.tenancy.model.accounts import Account
from openberth.contexts.tenancy.model.permissions import ROLES, Role
from openberth.contexts.tenancy.service import notices, second_factor
from openberth.infra import one_time
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller
from openberth.kernel.errors import Denied, Malformed, Refused
from openberth.kernel.ids import BEYOND_ALL, Id
from tests.service.acting import events, read, write
from tests.service.infra import tables
from tests.service.tenancy.test_accounts import made, signed_in

SECRET = one_time.new_secret()
CODES = one_time.new_recovery_codes()


def code(machine: ManualClock, secret: str = SECRET) -> str:
    return one_time.code_at(base64.b32decode(secret), one_time.step_of(machine.now()))


def itself(account: Account) -> Caller:
    return Caller(Actor(ActorKind.PERSON, str(account.id)), EVERYTHING, frozenset())


def armed(db: Database, machine: ManualClock, secret: str = SECRET, codes: list[str] = CODES) -> Account:
    """Return an account with a second factor, whose present code has been shown already."""
    desk = made(db, "desk")
    write(
        db, second_factor.set_second_factor, by=itself(desk), account=desk.id, secret=secret,
        code=code(machine, secret), recovery=codes,
    )  # fmt: skip
    return desk


def left(db: Database, account: Account) -> int:
    return read(db, second_factor.recovery_codes_left, account=account.id)


def test_each_code_lets_in_once(db: Database, machine: ManualClock) -> None:
    desk = made(db, "desk")
    use_case = partial(second_factor.set_second_factor, account=desk.id, secret=SECRET, recovery=CODES)
    with pytest.raises(Malformed, match=r"totp\.wrong"):
        write(db, use_case, by=itself(desk), code="000000")
    assert left(db, desk) == 0
    write(db, use_case, by=itself(desk), code=code(machine))
    assert signed_in(db, desk, "r").refused == "code_needed"
    assert signed_in(db, desk, "r", code=code(machine)).refused == "credentials"  # shown already
    machine.advance(30_000_000)
    assert signed_in(db, desk, "r", code=code(machine)).session is not None
    assert signed_in(db, desk, "r2", code=code(machine)).refused == "credentials"
    stranger = made(db, "stranger")
    with pytest.raises(Denied):
        write(db, use_case, by=itself(stranger), code=code(machine))


def test_a_recovery_code_lets_in_once_however_it_is_typed(db: Database, machine: ManualClock) -> None:
    desk = armed(db, machine)
    typed = [CODES[0], CODES[1].lower(), CODES[2].replace("-", ""), f" {CODES[3].replace('-', ' ')} ", CODES[4]]
    for number, each in enumerate(typed):
        assert signed_in(db, desk, f"r{number}", code=each).session is not None, each
        assert left(db, desk) == 9 - number
    for used in (typed[0], "AAAA-BBBB-CCCC-DDDD", "x" * 40, CODES[5] + "A"):
        assert signed_in(db, desk, "wrong", code=used).refused == "credentials"
    told = [each.body["codes_left"] for each in events(db, "tenancy.recovery_code_used")]
    assert told == [9, 8, 7, 6, 5]
    assert read(db, notices.unread, account=desk.id) == 5


def test_of_two_at_once_with_the_same_recovery_code_one_gets_in(db: Database, machine: ManualClock) -> None:
    desk = armed(db, machine)
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda each: signed_in(db, desk, f"r{each}", code=CODES[0]), range(4)))
    assert sum(each.session is not None for each in outcomes) == 1
    assert left(db, desk) == 9


def test_codes_of_others_and_codes_in_the_database_let_nobody_in(db: Database, machine: ManualClock) -> None:
    desk = armed(db, machine)
    other = made(db, "other")
    machine.advance(30_000_000)
    write(
        db, second_factor.set_second_factor, by=itself(other), account=other.id, secret=SECRET,
        code=code(machine), recovery=one_time.new_recovery_codes(),
    )  # fmt: skip
    assert signed_in(db, other, "r", code=CODES[0]).refused == "credentials"
    rows = tables.execute(db, "SELECT digest FROM recovery_code")
    assert len(rows) == 20
    for each in CODES:
        assert not any(each.replace("-", "") in str(row) or each in str(row) for row in rows)
    assert signed_in(db, desk, "r", code=CODES[0]).session is not None


def test_a_wrong_recovery_code_counts_as_a_failure(db: Database, machine: ManualClock) -> None:
    desk = armed(db, machine)
    for _ in range(5):
        assert signed_in(db, desk, "r", code="AAAA-BBBB-CCCC-DDDD").refused == "credentials"
    assert signed_in(db, desk, "r", code=CODES[0]).refused == "waiting"
    assert left(db, desk) == 10


def test_new_codes_make_the_old_ones_void_and_so_does_a_new_secret(db: Database, machine: ManualClock) -> None:
    desk = armed(db, machine)
    fresh, secret = one_time.new_recovery_codes(), one_time.new_secret()
    write(db, second_factor.renew_recovery_codes, by=itself(desk), account=desk.id, recovery=fresh)
    assert signed_in(db, desk, "r", code=CODES[0]).refused == "credentials"
    assert signed_in(db, desk, "r", code=fresh[0]).session is not None
    write(
        db, second_factor.set_second_factor, by=itself(desk), account=desk.id, secret=secret,
        code=code(machine, secret), recovery=CODES,
    )  # fmt: skip
    assert signed_in(db, desk, "r2", code=fresh[1]).refused == "credentials"
    assert signed_in(db, desk, "r3", code=CODES[1]).session is not None
    secrets = tables.execute(db, "SELECT count(*) FROM vault WHERE kind = 'totp_secret'")[0][0]
    assert secrets == 1  # the old one was erased
    plain = made(db, "plain")
    with pytest.raises(Refused, match=r"totp\.none"):
        write(db, second_factor.renew_recovery_codes, by=itself(plain), account=plain.id, recovery=fresh)
    with pytest.raises(Denied):
        write(db, second_factor.renew_recovery_codes, by=itself(plain), account=desk.id, recovery=fresh)


def test_security_administrators_take_it_away_with_a_reason(db: Database, machine: ManualClock) -> None:
    desk = armed(db, machine)
    officer = Caller(Actor(ActorKind.PERSON, str(Id(int=7))), EVERYTHING, ROLES[Role.SECURITY_ADMINISTRATOR])
    manager = Caller(officer.actor, EVERYTHING, ROLES[Role.PLATFORM_ADMINISTRATOR])
    use_case = partial(second_factor.remove_second_factor, account=desk.id, reason="lost")
    with pytest.raises(Denied):
        write(db, use_case, by=manager)  # whoever gives passwords takes no second factor
    for _ in range(2):
        write(db, use_case, by=officer)
    assert left(db, desk) == 0
    assert tables.execute(db, "SELECT count(*) FROM vault WHERE kind = 'totp_secret'")[0][0] == 0
    assert signed_in(db, desk, "r").session is not None
    (told,) = events(db, "tenancy.second_factor_removed")
    assert told.body == {"account": str(desk.id), "reason": "lost"}
    (notice,) = read(db, notices.notices_of, account=desk.id, before=BEYOND_ALL, limit=10)
    assert (notice.kind, notice.params) == ("second_factor_removed", {"reason": "lost"})
    assert "factor.remove" in tenancy.ROLES[Role.COMPANY_MANAGER]
