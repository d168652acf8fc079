from openberth.contexts import tenancy
from openberth.infra.database import Database
from tests.service.acting import read, write


def test_a_new_operator_token_ends_the_one_before(db: Database) -> None:
    write(db, tenancy.remember_operator_token, token="first", name="operator")
    assert read(db, tenancy.operator_of, token="first") == "operator"
    write(db, tenancy.remember_operator_token, token="second", name="operator")
    assert read(db, tenancy.operator_of, token="first") is None
    assert read(db, tenancy.operator_of, token="second") == "operator"
    write(db, tenancy.remember_operator_token, token="second", name="operator")
    assert read(db, tenancy.operator_of, token="second") == "operator"


def test_a_company_is_made_once(db: Database) -> None:
    first = write(db, tenancy.ensure_company, code="demo")
    assert write(db, tenancy.ensure_company, code="demo") == first
    assert [one.code for one in read(db, tenancy.companies)] == ["demo"]
