"""The published JSON Schema and the reader of tariff files agree: what one refuses for its shape, the other refuses."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from openberth.contexts.tariffs.document import read_tariff, tariff_from_plain, tariff_to_plain
from openberth.infra.documents import DocumentError
from tests.unit.contexts.tariffs.cases import LIBRARY, ready, stated
from tests.unit.contexts.tariffs.test_published_notices import NOTICES

SCHEMA = json.loads((Path(__file__).parents[4] / "docs/schemas/tariff.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema_rs.validator_for(SCHEMA)
DOCUMENTS = {
    **{path.stem: ready(path.stem) for path in LIBRARY},
    **{name: stated(notice.body, notice.currency, notice.zone) for name, notice in NOTICES.items()},
}


def mappings(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all mappings of a document."""
    if isinstance(value, dict):
        yield path
        for key, inner in value.items():
            yield from mappings(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from mappings(inner, (*path, number))


def changed(document: Any, path: tuple[Any, ...], key: str, value: Any) -> Any:
    """A document with one key of one of its mappings set."""
    new = copy.deepcopy(document)
    inner = new
    for step in path:
        inner = inner[step]
    inner[key] = value
    return new


def reads(document: Any) -> bool:
    try:
        read_tariff(json.dumps(document), name="case")
    except DocumentError:
        return False
    return True


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_read_is_valid_and_comes_back_the_same(name: str) -> None:
    plain = json.loads(json.dumps(tariff_to_plain(DOCUMENTS[name])))
    assert VALIDATOR.is_valid(plain)
    assert reads(plain)
    assert tariff_from_plain(plain) == DOCUMENTS[name]


@pytest.mark.parametrize("name", ["hangzhou-street-core", "early-bird", "hospital", "link", "jeju", "lancaster"])
def test_both_refuse_an_unknown_key_wherever_it_stands(name: str) -> None:
    plain = json.loads(json.dumps(tariff_to_plain(DOCUMENTS[name])))
    for path in mappings(plain):
        odd = changed(plain, path, "no_such_key", 1)
        assert not VALIDATOR.is_valid(odd), path
        assert not reads(odd), path


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ((), "currency", 5), ((), "day_starts", "25:00"), ((), "reentry_minutes", -1), ((), "seconds", "some"),
        ((), "grace_after_payment_minutes", "15 min"), ((), "caps", [{"kind": "yearly", "amount": "5.00"}]),
        ((), "caps", [{"kind": "day", "amount": "5.00", "times": 0}]), ((), "minimum", []), ((), "name", "Mall"),
        ((), "caps", [{"kind": "day", "amount": "5.00", "across_visits": "yes"}]), ((), "plans", []),
        (("charge",), "unit_minutes", 0), (("charge",), "unit_minutes", 1.5), (("charge",), "tiers", []),
        (("charge",), "price", "1e3"), (("charge",), "price", "-1"), (("free",), "minutes", None),
        (("free",), "mode", "gift"),
    ],
)  # fmt: skip
def test_both_refuse_what_has_no_shape(path: tuple[Any, ...], key: str, value: Any) -> None:
    plain = json.loads(json.dumps(tariff_to_plain(DOCUMENTS["mall"])))
    odd = changed(plain, path, key, value)
    assert not reads(odd)
    assert not VALIDATOR.is_valid(odd)
