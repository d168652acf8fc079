"""The guide about personal data says what the code does: values, purposes, years."""

import re
from pathlib import Path

from openberth.contexts.tenancy.model.holding import RETAINED
from openberth.contexts.tenancy.model.people import EFFECTS, Purpose
from openberth.contexts.tenancy.service.unmasking import UNMASKED_PER_HOUR
from openberth.infra.catalogue import LANGUAGES, text

GUIDE = (Path(__file__).parents[4] / "docs" / "guides" / "personal-data.md").read_text("utf-8")


def test_the_years_of_the_guide_are_those_that_hold() -> None:
    told = dict(re.findall(r"^\| `([a-z_]+)` \| (\d+|for ever) \|", GUIDE, re.MULTILINE))
    assert told == {name: "for ever" if each.years is None else str(each.years) for name, each in RETAINED.items()}


def test_every_purpose_has_an_effect_a_text_and_a_line() -> None:
    assert set(EFFECTS) == set(Purpose)
    for purpose in Purpose:
        assert f"| `{purpose.value}` |" in GUIDE
        for language in LANGUAGES:
            assert text(f"consent.purpose.{purpose.value}", language) != f"consent.purpose.{purpose.value}"


def test_bounds_are_told() -> None:
    assert f"at most {UNMASKED_PER_HOUR} an hour" in GUIDE
