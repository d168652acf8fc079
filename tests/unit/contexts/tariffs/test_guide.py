"""The guide of tariffs is true: its snippets are read and cost what they say, its tables have every key and default."""

import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from openberth.contexts.tariffs.document import parts, read_tariff
from openberth.contexts.tariffs.document.keys import TariffKeys
from openberth.infra.documents import Part
from tests.unit.contexts.tariffs.cases import fee, rows_in, stated

GUIDE = (Path(__file__).parents[4] / "docs" / "guides" / "tariffs.md").read_text("utf-8")
WHOLE, *SNIPPETS = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
CHARGE = 'charge: {unit_minutes: 60, price: "1.00"}\n'
BODY = set(parts.Body.model_fields)
PARTS: Mapping[str, tuple[type[Part], set[str]]] = {
    "the file": (TariffKeys, BODY),
    "body": (parts.Body, set()),
    "free": (parts.FreePart, set()),
    "charge": (parts.ChargePart, set()),
    "tier": (parts.TierPart, set()),
    "rung": (parts.RungPart, set()),
    "band": (parts.BandPart, set()),
    "cap": (parts.CapPart, set()),
    "cycle": (parts.CyclePart, set()),
    "season": (parts.SeasonPart, set()),
    "plan": (parts.PlanPart, BODY),
    "when": (parts.WhenPart, set()),
    "class": (parts.ClassPart, BODY),
    "match": (parts.MatchPart, set()),
    "tax": (parts.TaxPart, set()),
    "round_total": (parts.RoundPart, set()),
}


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippets(snippet: str) -> None:
    priced = re.search("^(charge|bands|plans):", snippet, re.MULTILINE)
    tariff = stated(snippet if priced else snippet + CHARGE, "CNY", None if "zone:" in snippet else "Asia/Shanghai")
    rows = rows_in(snippet)
    assert len(rows) == snippet.count("#   ")
    for row in rows:
        assert fee(tariff, row.day, row.at, row.stay, row.vehicle) == row.price, row


def test_the_whole_file() -> None:
    assert read_tariff(WHOLE, name="guide").code == "mall"


def test_it_starts_from_enough_questions() -> None:
    assert GUIDE.count("**… ") >= 30
    assert len(SNIPPETS) == GUIDE.count("**… ")


@pytest.mark.parametrize("name", PARTS)
def test_every_key_is_in_its_table_with_its_default(name: str) -> None:
    model, elsewhere = PARTS[name]
    table = GUIDE.split(f"\n### {name}\n")[1].split("\n### ")[0]
    told = dict(re.findall(r"^\| `([a-z_]+)` \| `?([^|`]+)`? \|", table, re.MULTILINE))
    expected = {
        key: "required" if field.is_required() else _written(field.default)
        for key, field in model.model_fields.items()
        if key not in elsewhere
    }
    assert {key: value.strip() for key, value in told.items()} == expected


def test_every_part_of_a_document_has_a_table() -> None:
    kinds = {kind for kind in vars(parts).values() if isinstance(kind, type) and issubclass(kind, Part)}
    told = {model for model, _ in PARTS.values()}
    assert {kind for kind in kinds if kind.__module__ == parts.__name__} - told == {parts.PlanHead, parts.ClassHead}


def _written(default: object) -> str:
    assert default is not PydanticUndefined
    if default is None:
        return "–"
    if isinstance(default, list):
        return ", ".join(default) or "none"
    if isinstance(default, bool):
        return str(default).lower()
    return str(default.value if isinstance(default, Enum) else default)
