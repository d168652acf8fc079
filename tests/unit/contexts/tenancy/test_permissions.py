"""The list of permissions, the built-in roles, and that every use case has declared who may run it."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import pytest

from openberth import contexts
from openberth.contexts.tenancy.model.permissions import (
    OFFICERS,
    PERMISSIONS,
    ROLES,
    Role,
    changes_something,
)
from openberth.infra.permitting import BY_CONSTRUCTION, BY_ITSELF, INNER, by_construction, inner, needs, permission_of
from openberth.kernel.authority import EVERYTHING, Actor, ActorKind, Caller, system
from openberth.kernel.errors import Denied


def use_cases() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Return every public function of the service rooms that takes a unit of work."""
    for found in pkgutil.walk_packages(contexts.__path__, contexts.__name__ + "."):
        if ".service" not in found.name:
            continue
        module = importlib.import_module(found.name)
        for name, function in vars(module).items():
            if name.startswith("_") or not inspect.isfunction(function) or function.__module__ != found.name:
                continue
            first = next(iter(inspect.signature(function).parameters.values()), None)
            if _is_unit(first):
                yield f"{found.name}.{name}", function


def _is_unit(first: inspect.Parameter | None) -> bool:
    return getattr(getattr(first, "annotation", None), "__name__", "") == "Unit"


def test_every_use_case_declares_who_may_run_it() -> None:
    found = dict(use_cases())
    assert len(found) > 50
    assert [name for name, function in found.items() if permission_of(function) is None] == []


def test_every_declared_permission_is_in_the_list() -> None:
    marks = {permission_of(function) for _, function in use_cases()} - {BY_CONSTRUCTION, BY_ITSELF, INNER, None}
    words = {word for mark in marks for word in str(mark).split()}
    assert words - PERMISSIONS == set()
    assert "lane.open" in words


def test_the_three_officers_share_no_permission_that_changes_anything() -> None:
    for one, other in combinations(OFFICERS, 2):
        assert not {word for word in ROLES[one] & ROLES[other] if changes_something(word)}
    assert not any(map(changes_something, ROLES[Role.AUDITOR]))


def test_roles_are_made_of_known_permissions() -> None:
    assert set(ROLES) == set(Role)
    assert frozenset().union(*ROLES.values()) == PERMISSIONS
    assert all(re.fullmatch(r"[a-z]{2,20}\.[a-z]{2,20}", word) for word in PERMISSIONS)
    assert Role.GUARD not in [role for role, words in ROLES.items() if "tariff.publish" in words]


class FakeUnit:
    """As much of a unit as declarations look at."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller


def person(*words: str) -> Any:
    return FakeUnit(Caller(Actor(ActorKind.PERSON, "somebody"), EVERYTHING, frozenset(words)))


def opened(unit: Any, *, lane: str) -> str:
    return f"{lane} opened"


def test_a_use_case_is_for_those_who_have_its_permission() -> None:
    guarded = needs("lane.open")(opened)
    assert guarded(person("lane.open"), lane="in") == "in opened"
    assert guarded(FakeUnit(system("gate")), lane="in") == "in opened"
    with pytest.raises(Denied) as refused:
        guarded(person("lot.read"), lane="in")
    assert refused.value.params == {"permission": "lane.open"}


def test_one_of_several_permissions_is_enough() -> None:
    guarded = needs("lane.open", "case.resolve")(opened)
    for held in ("lane.open", "case.resolve"):
        assert guarded(person(held), lane="in") == "in opened"
    with pytest.raises(Denied):
        guarded(person("lot.read"), lane="in")


def test_what_devices_do_nobody_else_does() -> None:
    guarded = by_construction(opened)
    assert guarded(FakeUnit(system("camera")), lane="in") == "in opened"
    with pytest.raises(Denied):
        guarded(person(*PERMISSIONS), lane="in")
    assert inner(opened)(person(), lane="in") == "in opened"


@pytest.mark.parametrize("kind", [ActorKind.PERSON, ActorKind.INTEGRATOR])
def test_people_and_integrators_never_act_by_construction(kind: ActorKind) -> None:
    with pytest.raises(ValueError, match="by permission"):
        Caller(Actor(kind, "somebody"), EVERYTHING)
