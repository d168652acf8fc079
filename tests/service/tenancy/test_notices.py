"""The inbox: what later contexts tell an account, how it reads, and that it holds nothing personal in clear."""

import pytest

from openberth.contexts import tenancy
from openberth.contexts.tenancy.api.people_views import notice_view
from openberth.contexts.tenancy.model.notices import Notice
from openberth.contexts.tenancy.service import notices
from openberth.infra import vault
from openberth.infra.catalogue import Language
from openberth.infra.database import Database, Unit
from openberth.infra.vault import VaultKind
from openberth.kernel.ids import BEYOND_ALL, Id
from openberth.kernel.money import Money
from tests.service.acting import SYSTEM, events, read, write
from tests.service.databases import ONCE
from tests.service.tenancy.test_people import driver

PLATE = "粤B12345"
BILL = Id(int=0xB1)


def told(db: Database, account: Id) -> Notice:
    def effect(unit: Unit) -> None:
        tenancy.leave_notice(
            unit, account=account, company=None, code="notice.second_factor_removed",
            params={
                "reason": "lost", "plate": tenancy.PlateShown(vault.keep(unit, VaultKind.PLATE, PLATE)),
                "amount": Money(1250, "CNY"), "bill": BILL, "count": 3, "fields": tenancy.Words(("person.field.name",)),
            },
        )  # fmt: skip

    write(db, effect)
    (found,) = read(db, notices.notices_of, account=account, before=BEYOND_ALL, limit=9)
    return found


def test_parameters_come_back_as_they_may_be_shown(db: Database) -> None:
    found = told(db, driver(db))
    assert PLATE not in str(found.params)
    assert read(db, notices.params_shown, told=found) == {
        "reason": "lost", "plate": "粤B·**345", "amount": "12.50 CNY", "bill": BILL, "count": 3,
        "fields": ("person.field.name",),
    }  # fmt: skip
    assert events(db, "tenancy.notice_left")[-1].body["notice_kind"] == "second_factor_removed"


@ONCE
@pytest.mark.parametrize(("language", "word"), [("en", "lost. Set up a new one"), ("zh", "原因：lost")])
def test_a_notice_is_read_in_the_readers_language_and_leads_to_what_it_is_about(
    db: Database, language: Language, word: str
) -> None:
    found = told(db, driver(db))
    view = db.read_now(lambda reader: notice_view(reader, found, language), by=SYSTEM)
    assert word in view.text
    assert view.about == {"bill": BILL}


@ONCE
def test_a_plate_that_was_erased_is_in_no_notice(db: Database) -> None:
    found = told(db, driver(db))
    write(db, lambda unit: vault.erase(unit, vault.find(unit, VaultKind.PLATE, PLATE) or BILL))
    assert read(db, notices.params_shown, told=found)["plate"] == "-"


@ONCE
def test_fields_of_notices_from_before_parameters_had_kinds_are_still_words(db: Database) -> None:
    found = told(db, driver(db))
    old = Notice(found.id, found.account, "person_changed", {"fields": ["name"], "how": "staff"}, found.at, None)
    assert read(db, notices.params_shown, told=old) == {"fields": ("person.field.name",), "how": "staff"}
