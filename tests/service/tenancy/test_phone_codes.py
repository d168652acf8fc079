"""Codes by phone: bounds, tries, one use, and the account that they lead to."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from openberth.contexts.tenancy.model.phone_codes import KEPT_US, TRIES
from openberth.contexts.tenancy.service import phone_codes
from openberth.contexts.tenancy.service.phone_codes import Begun
from openberth.contexts.tenancy.service.sessions import digest_of
from openberth.contexts.tenancy.service.signing_in import Outcome
from openberth.contexts.tenancy.store.phone_codes import phone_code
from openberth.infra.clocks import ManualClock
from openberth.infra.database import Database, Query
from openberth.kernel.time import HOUR_US, MINUTE_US
from tests.service.acting import SYSTEM, events, write
from tests.service.databases import ONCE
from tests.service.tenancy.test_accounts import PHONE
from tests.service.tenancy.test_people import NUMBERS, OTHER_TEL, TEL, driver

CODE, WRONG = "012345", "543210"


def begun(db: Database, phone: str = TEL, code: str = CODE, most: int = 100) -> Begun:
    return write(db, phone_codes.begin, phone=phone, code=code, most_per_day=most)


def come(db: Database, code: str = CODE, phone: str = TEL) -> Outcome:
    refresh = digest_of(f"by phone {next(NUMBERS)}")
    return write(db, phone_codes.sign_in, phone=phone, code=code, device=PHONE, refresh=refresh)


def rows(db: Database) -> list[tuple[str, str, int]]:
    query = Query(
        select(phone_code.c.number, phone_code.c.digest, phone_code.c.tries),
        lambda number, digest, tries: (str(number), str(digest), int(tries)),
    )
    return db.read_now(lambda reader: reader.all(query), by=SYSTEM)


def test_who_comes_first_gets_an_account_and_it_is_the_one_of_the_mini_program(
    db: Database, machine: ManualClock
) -> None:
    begun(db)
    first = come(db).session
    assert first is not None
    assert first.how == "phone"
    assert driver(db) == first.account, "the mini-program's phone button leads there"
    assert come(db).refused == "phone_code", "a code is good once"
    machine.advance(MINUTE_US)
    begun(db)
    again = come(db).session
    assert again is not None
    assert again.account == first.account
    assert [each.body["reason"] for each in events(db, "tenancy.sign_in_refused")] == ["phone_code"]


def test_of_many_tries_at_one_instant_five_count_and_of_two_right_ones_one_gets_in(db: Database) -> None:
    begun(db)
    with ThreadPoolExecutor(4) as pool:
        came = list(pool.map(lambda _: come(db).session, range(4)))
    assert sum(each is not None for each in came) == 1
    begun(db, OTHER_TEL)
    with ThreadPoolExecutor(4) as pool:
        assert not any(each.session for each in pool.map(lambda _: come(db, WRONG, OTHER_TEL), range(2 * TRIES)))
    assert max(tries for *_, tries in rows(db)) == TRIES
    assert come(db, CODE, OTHER_TEL).session is None, "after five wrong tries the right one is none"


def test_of_many_who_ask_for_one_number_at_one_instant_one_is_sent_a_code(db: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        all_of_them = list(pool.map(lambda _: begun(db), range(6)))
    assert sum(each.code is not None for each in all_of_them) == 1
    assert {each.wait_s for each in all_of_them if each.code is None} == {60}


@ONCE
def test_the_newest_code_counts_for_five_minutes(db: Database, machine: ManualClock) -> None:
    begun(db, code=WRONG)
    machine.advance(MINUTE_US)
    begun(db)
    assert come(db, WRONG).session is None, "an earlier code is void"
    machine.advance(5 * MINUTE_US)
    assert come(db).session is None
    assert come(db, phone=OTHER_TEL).session is None, "nobody asked for one"


@ONCE
def test_a_day_has_an_end_and_what_was_not_sent_counts_for_nothing(db: Database) -> None:
    first = begun(db, most=1)
    assert begun(db, OTHER_TEL, most=1) == Begun(None, spent=True)
    assert first.code is not None
    write(db, phone_codes.take_back, code=first.code)
    assert begun(db, OTHER_TEL, most=1).code is not None


@ONCE
def test_an_hour_has_an_end_too_so_that_nobody_uses_up_the_day_at_once(db: Database, machine: ManualClock) -> None:
    phones = [f"+861380000{number:04}" for number in range(9)]
    sent = [begun(db, phone, most=12).code is not None for phone in phones[:3]]
    assert sent == [True, True, False]
    machine.advance(HOUR_US + 1)
    assert begun(db, phones[3], most=12).code is not None


@ONCE
def test_rows_hold_no_number_and_go_after_a_day(db: Database, machine: ManualClock) -> None:
    begun(db)
    (row,) = rows(db)
    assert TEL[3:] not in str(row)
    assert CODE not in str(row)
    machine.advance(KEPT_US)
    assert write(db, phone_codes.purge) == 1
    assert rows(db) == []
