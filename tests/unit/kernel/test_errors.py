"""Problems carry a stable code, parameters and a status; scopes say whose rows may be touched."""

import pytest

from openberth.kernel.authority import EVERYTHING, PLACES_MAX, ActorKind, Scope, system
from openberth.kernel.errors import Denied, Malformed, NotFound, Overloaded, Problem, Refused, Unknown
from openberth.kernel.ids import uuid7

COMPANY, OTHER_COMPANY, LOT, OTHER_LOT = (uuid7(1, 0, number) for number in range(4))


@pytest.mark.parametrize(
    ("kind", "status"),
    [(Problem, 409), (Malformed, 422), (Denied, 403), (Unknown, 401), (NotFound, 404), (Refused, 409)],
)
def test_each_kind_has_its_status(kind: type[Problem], status: int) -> None:
    problem = kind("lot.not_found", lot="mall")
    assert problem.status == status
    assert problem.code == "lot.not_found"
    assert problem.params == {"lot": "mall"}
    assert str(problem) == "lot.not_found(lot=mall)"
    assert isinstance(problem, Problem)


def test_a_problem_without_parameters_is_its_code() -> None:
    assert str(Refused("bill.settled")) == "bill.settled"


def test_a_parameter_may_be_called_code() -> None:
    problem = Refused("tariff.unknown", code="mall")
    assert problem.code == "tariff.unknown"
    assert problem.params["code"] == "mall"


def test_overload_says_when_to_come_again() -> None:
    problem = Overloaded("queue.full", retry_after_s=3, queue="writes")
    assert (problem.status, problem.retry_after_s, problem.params) == (503, 3, {"queue": "writes"})
    assert Overloaded("queue.full").retry_after_s == 1


def test_scopes() -> None:
    assert EVERYTHING.allows(None, None)
    assert EVERYTHING.allows(COMPANY, LOT)
    company = Scope(COMPANY)
    assert company.allows(COMPANY, LOT)
    assert company.allows(COMPANY, None)
    assert not company.allows(OTHER_COMPANY, LOT)
    assert not company.allows(None, None)
    lots = Scope(COMPANY, (LOT,))
    assert lots.allows(COMPANY, LOT)
    assert not lots.allows(COMPANY, OTHER_LOT)
    assert not lots.allows(COMPANY, None)
    assert not lots.allows(OTHER_COMPANY, LOT)
    assert not Scope(COMPANY, ()).allows(COMPANY, LOT)
    several = Scope(companies=(COMPANY, OTHER_COMPANY))
    assert several.allows(COMPANY, LOT)
    assert several.allows(OTHER_COMPANY, None)
    assert not several.allows(LOT, LOT)
    assert not several.allows(None, None)
    assert not Scope(companies=()).allows(COMPANY, LOT)
    assert [each.is_everything for each in (EVERYTHING, company, lots, several, Scope(companies=()))] == [True] + [
        False
    ] * 4


def test_a_scope_is_of_one_sort_and_of_a_size_that_a_statement_takes() -> None:
    with pytest.raises(ValueError, match="one company or several"):
        Scope(COMPANY, companies=(OTHER_COMPANY,))
    with pytest.raises(ValueError, match="at most"):
        Scope(companies=tuple(uuid7(1, 0, number) for number in range(PLACES_MAX + 1)))


def test_lots_need_their_company() -> None:
    with pytest.raises(ValueError, match="through their company"):
        Scope(None, (LOT,))


def test_the_system_reaches_everything_under_a_name() -> None:
    caller = system("consumer.gate")
    assert caller.actor.kind is ActorKind.SYSTEM
    assert caller.actor.name == "consumer.gate"
    assert caller.scope == EVERYTHING
