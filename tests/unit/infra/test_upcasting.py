"""Upcasters: old bodies in today's shape, step by step."""

from collections.abc import Mapping
from typing import Any

import pytest

from openberth.infra.upcasting import Upcasters


def test_a_body_climbs_step_by_step() -> None:
    upcasters = Upcasters()
    upcasters.add("a.b", 2, lambda body: {"third": body["second"]})
    upcasters.add("a.b", 1, lambda body: {"second": body["first"]})
    assert upcasters.lift("a.b", 1, {"first": 1}) == (3, {"third": 1})
    assert upcasters.lift("a.b", 2, {"second": 1}) == (3, {"third": 1})


def test_what_has_no_upcaster_stays_the_very_same() -> None:
    upcasters = Upcasters()
    upcasters.add("a.b", 1, lambda body: {})
    body: Mapping[str, Any] = {"x": 1}
    for kind, version in (("a.b", 2), ("a.c", 1), ("a.b", 7)):
        reached, lifted = upcasters.lift(kind, version, body)
        assert reached == version
        assert lifted is body


def test_a_step_is_taken_one_way_only() -> None:
    upcasters = Upcasters()
    upcasters.add("a.b", 1, lambda body: {})
    with pytest.raises(ValueError, match=r"a\.b version 1"):
        upcasters.add("a.b", 1, lambda body: body)
